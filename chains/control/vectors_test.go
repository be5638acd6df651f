package control

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/chains"
)

// TestVectors holds the builder to the vectors of SPEC part 14. It reads more
// liberally than a verifier does, so of a spelling that the SPEC refuses it
// either refuses the signature or makes another of it.
func TestVectors(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "verifier", "vectors", "control", "*.json"))
	if err != nil || len(paths) < 30 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	respelled := []string{"compact-header-of-p2pkh", "compact-line-break", "upper-case-hex", "wrong-method"}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var v struct{ Expect, Exchange, Snapshot, Account, Block, Root, Method, Signature, Text string }
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			account := chains.Account(v.Account)
			text := Challenge{Exchange: v.Exchange, Snapshot: v.Snapshot, Chain: account.Chain(), Account: account, Block: v.Block, Root: v.Root}.Text()
			method, normalized, _, err := Verify(account, text, v.Signature)
			if v.Expect == "pass" {
				if err != nil || method != v.Method || normalized != v.Signature || text != v.Text {
					t.Errorf("got %s, %s, %v, want %s, %s", method, normalized, err, v.Method, v.Signature)
				}
				return
			}
			if err == nil && (!slices.Contains(respelled, name) || method == v.Method && normalized == v.Signature) {
				t.Errorf("accepted as %s, %s", method, normalized)
			}
		})
	}
}

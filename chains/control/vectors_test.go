package control

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
)

// A vector is an entry of control.json, and what statement and evidence say
// beside it (verifier/vectors/README.md).
type vector struct {
	Expect, Exchange, Snapshot, Root string

	Accounts []chains.Account
	Blocks   map[chains.Chain]string
	Safes    map[chains.Account]struct {
		Owners    []string
		Threshold uint64
	}
	Message, Method, Signature string
	Nodes                      []string

	Grade chains.ControlGrade // of those that pass
	Text  string              // of those that pass: the challenge
}

func (v vector) challenge() string {
	c := Challenge{Exchange: v.Exchange, Snapshot: v.Snapshot, Root: v.Root}
	for _, a := range v.Accounts {
		c.Accounts = append(c.Accounts, Pinned{Account: a, Block: v.Blocks[a.Chain()]})
	}
	return c.Text()
}

// verify is what a builder makes of the vector's signature.
func (v vector) verify() (Signature, error) {
	text := v.challenge()
	if v.Message != "" {
		text = v.Message
	}
	owners := map[chains.Account]chains.Owners{}
	for a, s := range v.Safes {
		owners[a] = chains.Owners{Addresses: s.Owners, Threshold: s.Threshold}
	}
	return Verify(v.Accounts, text, v.Signature, Facts{Owners: owners, Nodes: v.Nodes})
}

// otherwise are the refused vectors whose only fault is how the entry is
// written. Verify writes entries and reads more spellings than they have, so it
// cannot be given such a fault: it takes the signature and writes another entry.
var otherwise = map[string]string{
	// The method beside a good signature is another's: here the right one.
	"digest-of-eip191":          EIP191,
	"digest-of-eip191-hash":     EIP191Hash,
	"digest-of-eip712":          EIP712,
	"ed25519-okx-without-words": Ed25519,
	"ed25519-words-of-okx":      Ed25519OKX,
	"tron-digest-of-v1":         TronV1,
	"tron-v1-digest-of-v2":      Tron,
	"wrong-method":              EIP191,
	// Nodes stand beside a method that asks none: who has nodes answer has the
	// method that names them.
	"nodes-without-eip1271": EIP1271,
	// A signature as some wallet writes it, here in its one spelling.
	"compact-header-of-p2pkh":           Compact,
	"compact-line-break":                Compact,
	"compact-multisig-header-of-p2wpkh": CompactMultisig,
	"compact-multisig-out-of-order":     CompactMultisig,
	"compact-multisig-trailing-comma":   CompactMultisig,
	"safe-out-of-order":                 Safe,
	"upper-case-hex":                    EIP191,
}

// shortened is the vector that passes, and of which Verify writes less: a PSBT
// without the fields that show nothing.
const shortened = "happy-bip322-pof-with-its-message"

// TestVectors holds the builder to the vectors of SPEC part 14.
func TestVectors(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", "..", "verifier", "vectors", "control", "*.json"))
	if err != nil || len(paths) < 130 {
		t.Fatalf("found %d vectors, %v", len(paths), err)
	}
	methods, rewritten := map[string]bool{}, 0
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			got, err := v.verify()
			if v.Expect == "pass" {
				methods[v.Method] = true
				want := Signature{Method: v.Method, Nodes: v.Nodes, Signature: v.Signature, Grade: v.Grade}
				if name == shortened && len(got.Signature) < len(v.Signature) {
					want.Signature = got.Signature
				}
				if d := cmp.Diff(want, got); d != "" || err != nil || v.challenge() != v.Text {
					t.Errorf("%v (-want +got):\n%s", err, d)
				}
			} else if method, ok := otherwise[name]; ok {
				rewritten++
				if err != nil || got.Method != method || got.Method == v.Method && got.Signature == v.Signature {
					t.Errorf("got %+v, %v, want another entry, of method %s", got, err, method)
				}
			} else if err == nil {
				t.Errorf("accepted as %+v", got)
			}
			if err == nil { // what was written is read as that again
				v.Signature = got.Signature
				if again, err := v.verify(); err != nil || !cmp.Equal(again, got) {
					t.Errorf("written %+v, read %+v, %v", got, again, err)
				}
			}
		})
	}
	if len(methods) != 16 || rewritten != len(otherwise) {
		t.Errorf("vectors of %d methods pass, want 16; %d of %d write another entry", len(methods), rewritten, len(otherwise))
	}
}

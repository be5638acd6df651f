package keys_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest/keys"
)

func openHandover(t *testing.T, path string, unlock keys.Unlock) (keys.Handover, error) {
	t.Helper()
	sealed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return keys.OpenHandover(path, sealed, unlock)
}

// TestHandover: what is sealed for a server opens with its key and no other, and prints nothing secret.
func TestHandover(t *testing.T) {
	path := filepath.Join(t.TempDir(), "handover.age")
	server, files := newIdentity(t), newIdentity(t)
	want := keys.Handover{Statement: [32]byte{1}, Lookup: [64]byte{2, 63: 3}, Files: files}
	if err := keys.SaveHandover(path, want, keys.Lock{Recipients: []age.Recipient{server.Recipient()}}); err != nil {
		t.Fatal(err)
	}
	got, err := openHandover(t, path, keys.Unlock{Identities: []age.Identity{server}})
	if err != nil || got.Statement != want.Statement || got.Lookup != want.Lookup || got.Files.Recipient().String() != files.Recipient().String() {
		t.Fatalf("%v: %v", err, got)
	}
	if _, err := openHandover(t, path, keys.Unlock{Identities: []age.Identity{files}}); !errors.Is(err, keys.ErrNoIdentity) {
		t.Errorf("by another key: %v", err)
	}
	if _, err := keys.OpenSecret(path, keys.Unlock{Identities: []age.Identity{server}}); err == nil {
		t.Error("it was taken for a snapshot's secret")
	}
	if err := keys.SaveHandover(path, want, keys.Lock{Recipients: []age.Recipient{server.Recipient()}}); !errors.Is(err, keys.ErrExists) {
		t.Errorf("written over: %v", err)
	}
	asJSON, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	shown := "handover of 01" + strings.Repeat("00", 31)
	if diff := cmp.Diff([]string{shown, shown, shown, shown, `"` + shown + `"`}, []string{fmt.Sprint(got), fmt.Sprintf("%+v", got), fmt.Sprintf("%#v", got), fmt.Sprintf("%x", got), string(asJSON)}); diff != "" {
		t.Error(diff)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"", "handover:", "handover:" + strings.Repeat("00", 32) + ":" + strings.Repeat("00", 64) + ":AGE-SECRET-KEY-1",
		"handover:" + strings.Repeat("00", 31) + ":" + strings.Repeat("00", 64) + ":" + identity.String(),
		"handover:" + strings.Repeat("00", 32) + ":" + strings.Repeat("00", 32) + ":" + identity.String(),
		"handover:" + strings.Repeat("00", 32) + ":" + strings.Repeat("00", 64) + ":" + identity.String() + ":",
	} {
		if err := os.WriteFile(path, sealed(t, "# assay/v1 handover\n"+line+"\n", "p"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openHandover(t, path, with("p")); !errors.Is(err, keys.ErrNotSealed) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

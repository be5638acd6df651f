package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// writeKEK makes keys/kek.age in a folder. It opens fast with the passphrase that call sets.
func writeKEK(t *testing.T, dir string) {
	t.Helper()
	kek, err := keys.GenerateKEK(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := kek.Save(filepath.Join(dir, "keys", "kek.age"), keys.Lock{Passphrase: []byte("correct horse"), WorkFactor: 4}); err != nil {
		t.Fatal(err)
	}
}

// unsealedIn opens the server's database in a folder, whose KEK writeKEK made, until the test ends.
func unsealedIn(t *testing.T, dir string) (*store.Store, [authn.PepperSize]byte) {
	t.Helper()
	a := &app{configPath: filepath.Join(dir, "assay.toml"), passphrase: []byte("correct horse")}
	c, err := a.load()
	if err != nil {
		t.Fatal(err)
	}
	records, pepper, err := a.keyStore(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Error(err)
		}
	})
	return records, pepper
}

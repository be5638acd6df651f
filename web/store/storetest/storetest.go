// Package storetest opens databases for tests: sealed as a server's are, by a KEK that everybody knows.
package storetest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"testing"
	"time"

	"github.com/assay-por/assay/web/seal"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
)

// Open opens the database at a path, with its keysets, until the test ends.
func Open(t testing.TB, path string) *store.Store {
	t.Helper()
	s := Sealed(t, path)
	if _, err := seal.Open(context.Background(), s, KEK(t, 1), "a test's", time.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Sealed opens the database at a path as it lies there, until the test ends: a file of SQLite, or in its place a schema where tests
// run on PostgreSQL.
func Sealed(t testing.TB, path string) *store.Store {
	t.Helper()
	open, at := store.Open, path
	if url := pgtest.URL(path); url != "" {
		open, at = store.OpenPostgres, url
	}
	s, err := open(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// KEK is one that everybody knows, of which there are as many as numbers.
func KEK(t testing.TB, number byte) seal.KEK {
	t.Helper()
	block, err := aes.NewCipher(append(make([]byte, 31), number))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return kek{gcm}
}

type kek struct{ gcm cipher.AEAD }

func (k kek) Encrypt(key, associated []byte) ([]byte, error) {
	return k.gcm.Seal(nil, nil, key, associated), nil
}

func (k kek) Decrypt(wrapped, associated []byte) ([]byte, error) {
	return k.gcm.Open(nil, nil, wrapped, associated)
}

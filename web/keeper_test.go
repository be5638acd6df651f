package web_test

import (
	"crypto/rand"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// A keeper makes API keys, as assay admin does, for the gate of a test.
type keeper struct {
	maker authn.Maker
	gate  *authn.Gate
}

func newKeeper(t testing.TB) *keeper {
	t.Helper()
	keys, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := keys.Close(); err != nil {
			t.Error(err)
		}
	})
	pepper := [authn.PepperSize]byte{7}
	return &keeper{authn.Maker{Keys: keys, Pepper: pepper, Random: rand.Reader, Now: now()}, authn.NewGate(keys, pepper, now)}
}

// issue makes what is wished for, with a secret if no public key is.
func (k *keeper) issue(t testing.TB, w authn.Wish) (id, secret string) {
	t.Helper()
	w.Name, w.Life = "test", authn.Life
	if w.Permissions == nil {
		w.Permissions = []authz.Permission{authz.ProofReadAny}
	}
	record, s, err := k.maker.Issue(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	return record.ID, s.Show()
}

// service lets a service of the exchange ask, for all reports or for some.
func (k *keeper) service(t testing.TB, h http.Handler, reports ...string) http.Handler {
	t.Helper()
	_, secret := k.issue(t, authn.Wish{Reports: reports})
	return as(h, secret)
}

// without lets somebody ask whose key is good, and for nothing of this.
func (k *keeper) without(t testing.TB, h http.Handler) http.Handler {
	t.Helper()
	_, secret := k.issue(t, authn.Wish{Permissions: []authz.Permission{authz.Public}})
	return as(h, secret)
}

func as(h http.Handler, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Assay-Key", secret)
		h.ServeHTTP(w, r)
	})
}

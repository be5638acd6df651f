package people

import (
	"context"
	"errors"
	"testing"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

// TestBesideEachOther: what somebody begins at one of two servers that share a database they end at the other, and a session that the one has
// ended the other refuses at the next request.
func TestBesideEachOther(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada@assay.example", authz.Admin))
	db := storetest.Open(t, h.path)
	config := h.Config
	config.Store = db
	beside, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	other := &house{People: beside, gate: authn.NewGate(db, h.Pepper, config.Now, beside), t: t, path: h.path, now: h.now, from: h.from}
	if _, err := other.asks(ada.in, "GET"); err != nil {
		t.Fatal(err)
	}
	second, err := other.SignIn(other.ctx(), h.signs(ada.key))
	if err != nil {
		t.Fatalf("begun at one, and ended at the other: %v", err)
	}
	if _, err := h.asks(second, "GET"); err != nil {
		t.Errorf("a session that the other has opened: %v", err)
	}
	if err := h.write(func(ctx context.Context, tx *store.Tx) error { return tx.EndSession(ctx, second.Session.ID) }); err != nil {
		t.Fatal(err)
	}
	if _, err := other.asks(second, "GET"); !errors.Is(err, authn.ErrOver) {
		t.Errorf("a session that the other has ended: %v", err)
	}
	if _, err := other.SignIn(other.ctx(), h.signs(ada.key)); err != nil {
		t.Errorf("again: %v", err)
	}
}

package web_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

// TestOnPostgres runs tests of this room on PostgreSQL too: those of what is kept there.
func TestOnPostgres(t *testing.T) {
	pgtest.Again(t, "TestClientLife", "TestKeyLife", "TestPages", "TestWishes", "TestSignedDoor", "TestOrderOfActs", "TestClientsLimits", "TestLimitsAreChanged", "TestPersonWholeWay",
		"TestNoGate", "TestDenied", "TestUnrecorded", "TestKept", "TestRunsOfOthers", "TestManyRunsOfOthers", "TestLongPoll", "TestGone", "TestLetInNoMore", "TestApprovalIsNotOnesOwn")
}

// A keeper makes API keys, as assay admin does, for the gate of a test.
type keeper struct {
	maker maker
	gate  *authn.Gate
	audit *audit.Keeper
}

// guards gives a server gate and audit log.
func (k *keeper) guards(c *web.Config) { c.Gate, c.Audit = k.gate, k.audit }

// maker makes and ends keys, each in a change of its own.
type maker struct {
	authn.Maker
	Keys *store.Store
}

func (m maker) Issue(ctx context.Context, w authn.Wish) (k store.Key, s authn.Secret, err error) {
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error { k, s, err = m.Maker.Issue(ctx, tx, w); return err })
	return k, s, err
}

func (m maker) Revoke(ctx context.Context, id string) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return m.Maker.Revoke(ctx, tx, id) })
}

func (m maker) write(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	ctx = audit.With(ctx, audit.Local())
	return m.Keys.Write(ctx, func(tx *store.Tx) error { return change(ctx, tx) })
}

func newKeeper(t testing.TB) *keeper {
	t.Helper()
	keys := storetest.Open(t, filepath.Join(t.TempDir(), "assay.db"))
	pepper := [authn.PepperSize]byte{7}
	log, err := audit.NewKeeper(t.Context(), audit.Config{Log: keys, Logger: slog.New(slog.DiscardHandler), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return &keeper{maker{authn.Maker{Pepper: pepper, Random: rand.Reader, Now: now()}, keys}, authn.NewGate(keys, pepper, now), log}
}

// recorded is what the audit log says, with what was counted for it.
func (k *keeper) recorded(t testing.TB) string {
	t.Helper()
	if err := k.audit.Denials.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := k.maker.Keys.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&said, "%s\n", row.Text)
	}
	return said.String()
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
	_, secret := k.issue(t, authn.Wish{Permissions: []authz.Permission{authz.RunRead}})
	return as(h, secret)
}

func as(h http.Handler, secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Assay-Key", secret)
		h.ServeHTTP(w, r)
	})
}

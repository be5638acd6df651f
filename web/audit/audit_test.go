package audit

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/store"
)

func opened(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestRecord: an act is in the log with who did it and from which network, or it is not done at all.
func TestRecord(t *testing.T) {
	s := opened(t)
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	ctx := With(t.Context(), Origin{Client: "c1", Credential: "k1", Address: netip.MustParseAddr("192.0.2.7"), Request: "r1"})
	for _, action := range []string{"key.create", "key.revoke"} {
		err := s.Write(ctx, func(tx *store.Tx) error {
			return Record(ctx, tx, Act{At: at, Action: action, Object: "k2", Outcome: Done})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := s.Write(t.Context(), func(tx *store.Tx) error { return Record(t.Context(), tx, Act{At: at, Action: "key.create"}) })
	if !errors.Is(err, ErrNobody) {
		t.Errorf("an act of nobody: %v", err)
	}
	events, err := s.Events(t.Context(), 0, 10)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events: %v", len(events), err)
	}
	want := `{"action":"key.create","at":"2026-11-30T12:00:00.000Z","client":"c1","credential":"k1","from":"192.0.2.0/24","object":"k2","outcome":"done","reason":"","request":"r1","seq":1}`
	if string(events[0].Text) != want {
		t.Errorf("got %s", events[0].Text)
	}
	var before []byte
	for _, e := range events {
		if got := link(before, e.Text); string(got) != string(e.Hash) {
			t.Errorf("event %d is not chained to the one before", e.Seq)
		}
		before = e.Hash
	}
	if strings.Contains(string(events[0].Text), "192.0.2.7") {
		t.Error("it tells the address")
	}
}

package audit

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

func opened(t *testing.T) *store.Store {
	t.Helper()
	return storetest.Open(t, filepath.Join(t.TempDir(), "assay.db"))
}

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

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
	want := `{"action":"key.create","at":"2026-11-30T12:00:00.000Z","client":"c1","count":1,"credential":"k1","from":"192.0.2.0/24","object":"k2","outcome":"done","reason":"","request":"r1","seq":1}`
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

// TestAddress: where an act came from lies sealed beside the log, for those who may open it, until it is forgotten.
func TestAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "assay.db")
	s := storetest.Open(t, path)
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for seq, o := range []Origin{{Client: "c1", Address: netip.MustParseAddr("::ffff:192.0.2.7")}, Local()} {
		ctx := With(t.Context(), o)
		if err := s.Write(ctx, func(tx *store.Tx) error { return Record(ctx, tx, Act{At: at, Action: "a", Outcome: Done}) }); err != nil {
			t.Fatal(seq, err)
		}
	}
	address := func(seq int64) (from string, err error) {
		err = s.Write(t.Context(), func(tx *store.Tx) error { from, err = tx.Address(t.Context(), seq); return err })
		return from, err
	}
	if from, err := address(1); err != nil || from != "192.0.2.7" {
		t.Errorf("%s %v", from, err)
	}
	if from, err := address(2); !errors.Is(err, store.ErrNoAddress) {
		t.Errorf("of the command line: %s %v", from, err)
	}
	for _, ending := range []string{"", "-wal"} {
		if s.Shared() {
			break
		}
		if raw, err := os.ReadFile(path + ending); err != nil || bytes.Contains(raw, []byte("192.0.2.7")) {
			t.Errorf("%s holds the address: %v", path+ending, err)
		}
	}
	sqlite3(t, path, "INSERT INTO audit_addresses SELECT 2, at, address FROM audit_addresses WHERE seq = 1;")
	if from, err := address(2); !errors.Is(err, store.ErrAltered) {
		t.Errorf("another row's: %s %v", from, err)
	}
	if err := s.Write(t.Context(), func(tx *store.Tx) error { return tx.ForgetAddresses(t.Context(), at.Add(time.Second)) }); err != nil {
		t.Fatal(err)
	}
	if from, err := address(1); !errors.Is(err, store.ErrNoAddress) {
		t.Errorf("one that was to be forgotten: %s %v", from, err)
	}
}

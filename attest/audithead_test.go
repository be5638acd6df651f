package attest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
)

func auditHead() attest.AuditHead {
	return attest.NewAuditHead(7, strings.Repeat("0f", 32), time.Date(2026, 11, 30, 12, 0, 0, 5, time.FixedZone("", 3600)))
}

func TestAuditHead(t *testing.T) {
	raw, err := auditHead().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"at":"2026-11-30T11:00:00Z","hash":"` + strings.Repeat("0f", 32) + `","seq":7,"type":"assay/v1/audit-head"}`; string(raw) != want {
		t.Errorf("got %s\nwant %s", raw, want)
	}
	got, err := attest.ParseAuditHead(raw)
	if d := cmp.Diff(auditHead(), got); err != nil || d != "" {
		t.Error(err, d)
	}
}

func TestAuditHeadsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*attest.AuditHead){
		"type":       func(h *attest.AuditHead) { h.Type = attest.TypeResponseKeys },
		"zone":       func(h *attest.AuditHead) { h.At = h.At.In(time.FixedZone("", 3600)) },
		"fraction":   func(h *attest.AuditHead) { h.At = h.At.Add(time.Millisecond) },
		"short hash": func(h *attest.AuditHead) { h.Hash = h.Hash[2:] },
		"upper case": func(h *attest.AuditHead) { h.Hash = strings.ToUpper(h.Hash) },
		"seq":        func(h *attest.AuditHead) { h.Seq = 0 },
		"large seq":  func(h *attest.AuditHead) { h.Seq = 1 << 53 },
	} {
		h := auditHead()
		change(&h)
		if _, err := h.JSON(); err == nil {
			t.Errorf("%s: it was made", name)
		}
		if raw, err := attest.Canonical(h); err == nil {
			if _, err := attest.ParseAuditHead(raw); err == nil {
				t.Errorf("%s: it was read", name)
			}
		}
	}
}

func FuzzParseAuditHead(f *testing.F) {
	raw, err := auditHead().JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := attest.ParseAuditHead(raw)
		if err != nil {
			return
		}
		if again, err := h.JSON(); err != nil || string(again) != string(raw) {
			t.Errorf("%s became %s: %v", raw, again, err)
		}
	})
}

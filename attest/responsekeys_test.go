package attest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assay-por/assay/attest"
)

func responseKeys() attest.ResponseKeys {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	return attest.ResponseKeys{
		Exchange: "Demo Exchange", Issued: day(1), Type: attest.TypeResponseKeys,
		Keys: []attest.ResponseKey{
			{From: day(1), Key: attest.Ed25519Key([32]byte{0: 1, 1: 1}), Until: day(20)},
			{From: day(10), Key: attest.Ed25519Key([32]byte{2}), Until: day(30), Use: attest.UseAudit},
		},
	}
}

func TestResponseKeys(t *testing.T) {
	want := responseKeys()
	raw, err := want.JSON()
	if err != nil {
		t.Fatal(err)
	}
	text := `{"exchange":"Demo Exchange","issued":"2026-11-01T00:00:00Z","keys":[` +
		`{"from":"2026-11-01T00:00:00Z","key":"ed25519:0101` + strings.Repeat("00", 30) + `","until":"2026-11-20T00:00:00Z"},` +
		`{"from":"2026-11-10T00:00:00Z","key":"ed25519:02` + strings.Repeat("00", 31) + `","until":"2026-11-30T00:00:00Z","use":"audit"}],"type":"assay/v1/response-keys"}`
	if string(raw) != text {
		t.Errorf("got %s\nwant %s", raw, text)
	}
	got, err := attest.ParseResponseKeys(raw)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(attest.PublicKey{})); d != "" {
		t.Error(d)
	}
}

func TestResponseKeysAreRefused(t *testing.T) {
	for name, change := range map[string]func(*attest.ResponseKeys){
		"type":        func(l *attest.ResponseKeys) { l.Type = attest.StatementType },
		"exchange":    func(l *attest.ResponseKeys) { l.Exchange = " x" },
		"zone":        func(l *attest.ResponseKeys) { l.Issued = l.Issued.In(time.FixedZone("", 3600)) },
		"fraction":    func(l *attest.ResponseKeys) { l.Keys[0].From = l.Keys[0].From.Add(time.Millisecond) },
		"no keys":     func(l *attest.ResponseKeys) { l.Keys = []attest.ResponseKey{} },
		"too many":    func(l *attest.ResponseKeys) { l.Keys = make([]attest.ResponseKey, attest.MaxResponseKeys+1) },
		"no key":      func(l *attest.ResponseKeys) { l.Keys[0].Key = attest.PublicKey{} },
		"never":       func(l *attest.ResponseKeys) { l.Keys[0].Until = l.Keys[0].From },
		"other use":   func(l *attest.ResponseKeys) { l.Keys[0].Use = "answers" },
		"twice":       func(l *attest.ResponseKeys) { l.Keys[1].Key = l.Keys[0].Key },
		"order":       func(l *attest.ResponseKeys) { l.Keys[0], l.Keys[1] = l.Keys[1], l.Keys[0] },
		"small order": func(l *attest.ResponseKeys) { l.Keys[0].Key = attest.Ed25519Key([32]byte{0: 1, 31: 0x80}) },
		"other algorithm": func(l *attest.ResponseKeys) {
			k, err := attest.ParsePublicKey("p256:036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")
			if err != nil {
				t.Fatal(err)
			}
			l.Keys = []attest.ResponseKey{{From: l.Keys[0].From, Key: k, Until: l.Keys[0].Until}}
		},
	} {
		l := responseKeys()
		change(&l)
		if _, err := l.JSON(); err == nil {
			t.Errorf("%s: it was made", name)
		}
		if raw, err := attest.Canonical(l); err == nil {
			if _, err := attest.ParseResponseKeys(raw); err == nil {
				t.Errorf("%s: it was read", name)
			}
		}
	}
}

func FuzzParseResponseKeys(f *testing.F) {
	raw, err := responseKeys().JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := attest.ParseResponseKeys(b)
		if err != nil {
			return
		}
		if again, err := l.JSON(); err != nil || string(again) != string(b) {
			t.Errorf("%s was read and is written as %s (%v)", b, again, err)
		}
	})
}

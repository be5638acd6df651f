package verifier

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// elsewhere is a bundle of another exchange.
func elsewhere(t *testing.T, w *world) *made {
	t.Helper()
	w.key = ed25519.NewKeyFromSeed(h([]byte("other exchange")))
	w.policy = strings.Replace(w.policy, "Demo Exchange", "Other Exchange", 1)
	honest := w.snapshot
	w.snapshot = func(s obj) {
		edit(honest, s)
		s["exchange"] = obj{"entity": "Other Exchange Ltd", "name": "Other Exchange"}
	}
	return w.make(t)
}

// The same wallets in two exchanges' reports: each bundle holds by itself, together they do not.
func TestB15_SameReserveInTwoReports(t *testing.T) {
	files := func(m *made) *Files {
		t.Helper()
		f, err := Folder(folder(m.files))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	compare := func(a, b *made) Comparison {
		t.Helper()
		c, err := Compare(files(a), files(b), a.policy, b.policy)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ours := newFullWorld()
	ours.signAs = func(string, string) []obj { return []obj{} }
	for _, l := range ours.lines {
		l["control"] = "none"
	}
	first := ours.make(t)
	borrowed := newFullWorld()
	borrowed.signAs = ours.signAs
	for _, l := range borrowed.lines {
		l["control"] = "none"
	}
	c := compare(first, elsewhere(t, borrowed))
	want := []string{borrowed.lines[0]["account"].(string), borrowed.lines[1]["account"].(string)}
	if d := cmp.Diff(want, c.Accounts); d != "" || len(c.Outputs) != 1 || c.Exit != ExitFalse {
		t.Errorf("exit %d, outputs %q, accounts (-want +got):\n%s", c.Exit, c.Outputs, d)
	}
	if c := compare(first, elsewhere(t, newAttestedWorld())); c.Exit != ExitProven || len(c.Accounts)+len(c.Outputs) != 0 || c.Compared == "" {
		t.Errorf("two exchanges with wallets of their own: %+v", c)
	}
	broken := newAttestedWorld()
	broken.sealed = func(f map[string][]byte) { f["reserves/lines.json"] = []byte("{}") }
	if c := compare(first, elsewhere(t, broken)); c.Exit != ExitFalse || c.Compared != "" || !strings.Contains(c.Summary, "nothing was compared: second bundle: failed: bundle.files") {
		t.Errorf("a bundle that does not hold: %+v", c)
	}
	_, err := Compare(files(first), files(first), first.policy, first.policy)
	var same *SameExchangeError
	if !errors.As(err, &same) {
		t.Errorf("one exchange twice: %v", err)
	}
}

// Wallets that were empty an hour before and after are seen to be.
func TestC06_WindowDressing(t *testing.T) {
	v := verify(t, newBandsWorld().make(t))
	proven(t, v)
	want := []Flow{
		{"BTC", "2026-10-31T23:00:00Z", "2026-11-01T00:00:00Z", "1", "0"},
		{"ETH", "2026-10-31T23:00:00Z", "2026-11-01T00:00:00Z", "0", "558"},
		{"USDT", "2026-10-31T23:00:00Z", "2026-11-01T00:00:00Z", "399", "0"},
		{"BTC", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z", "0", "0.5"},
		{"ETH", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z", "608", "0"},
		{"USDT", "2026-11-01T00:00:00Z", "2026-11-01T01:00:00Z", "0", "349"},
	}
	if d := cmp.Diff(want, v.Flows); d != "" {
		t.Errorf("flows (-want +got):\n%s", d)
	}
	drawn := verify(t, newDrawnWorld().make(t))
	proven(t, drawn)
	if !strings.Contains(strings.Join(drawn.Notes, "\n"), "that it was published before block 920000") {
		t.Errorf("notes %q", drawn.Notes)
	}
}

// What a custodian holds is shown, and counts for nothing, whatever the policy counts.
func TestB16_ClaimsInNoTotal(t *testing.T) {
	w := newClaimsWorld()
	w.policy = strings.Replace(strings.Replace(w.policy, `"inclusion-proved"`, `"claimed"`, 1), `["bound", "none"]`, `["bound", "custodian-statement", "none"]`, 1)
	v := verify(t, w.make(t))
	proven(t, v)
	want := []ThirdParty{
		{Asset: "BTC", Amount: "1.5", Holder: "Example Trust", Kind: "custodian", Signed: true},
		{Asset: "ETH", Amount: "1", Holder: "validators not yet active", Kind: "unprovable"},
	}
	if d := cmp.Diff(want, v.Claims); d != "" {
		t.Errorf("claims (-want +got):\n%s", d)
	}
	for _, c := range v.Coverage {
		if c.Counted != "0" {
			t.Errorf("%s: %s counted", c.Asset, c.Counted)
		}
	}
	w.full = ""
	v = verify(t, w.make(t))
	proven(t, v)
	if v.Claims[0].Signed || !strings.Contains(strings.Join(v.Notes, "\n"), "the policy has no key of Example Trust") {
		t.Errorf("a custodian that the policy does not know: %+v, notes %q", v.Claims[0], v.Notes)
	}
}

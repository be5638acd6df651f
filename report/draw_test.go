package report_test

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

var (
	seed   = [32]byte{7, 7, 7}
	drawn  = time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC)
	hash52 = strings.Repeat("52", 32)
)

func commitment(t testing.TB) report.DrawCommitment {
	t.Helper()
	c, err := report.NewDrawCommitment("Demo Exchange", btcChain, 921_700, drawn, drawn.Add(24*time.Hour), seed)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func draw(t testing.TB) report.Draw {
	t.Helper()
	d, err := commitment(t).Reveal(seed, hash52)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// drawnSnapshot is the snapshot of a drawn instant, with blocks.
func drawnSnapshot(t testing.TB) report.Snapshot {
	t.Helper()
	d := draw(t)
	s, err := report.NewSnapshot(exchange(), "2026-10", d.Instant().Time, registry())
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.WithDraw(d); err != nil {
		t.Fatal(err)
	}
	at := refs()
	for i := range at {
		at[i].Time = d.Instant().Time
	}
	if s, err = s.WithBlocks(at...); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDrawnInstant: commitment and instant are what SPEC part 21 says, written out by hand.
func TestDrawnInstant(t *testing.T) {
	c := commitment(t)
	committed := sha256.Sum256(append([]byte("assay/v1/draw\x00"), seed[:]...))
	written := `{"chain":"` + btcChain + `","commitment":"` + report.Digest(committed).String() +
		`","exchange":"Demo Exchange","from":"2026-10-31T00:00:00Z","number":921700,"to":"2026-11-01T00:00:00Z","type":"assay/v1/draw"}`
	payload, err := c.JSON()
	if err != nil || string(payload) != written {
		t.Errorf("got %s, %v, want %s", payload, err, written)
	}
	if back, err := report.ParseDrawCommitment(payload); err != nil || back != c {
		t.Errorf("read back as %+v, %v", back, err)
	}
	h := sha256.Sum256([]byte("assay/v1/instant\x00" + string(seed[:]) + hash52))
	want := drawn.Add(time.Duration(binary.BigEndian.Uint64(h[:8])%86_401) * time.Second)
	if got := draw(t).Instant(); !got.Equal(want) {
		t.Errorf("drawn %s, want %s", got, want)
	}
	s := drawnSnapshot(t)
	d := `"draw":{"chain":"` + btcChain + `","commitment":"` + report.Digest(committed).String() + `","from":"2026-10-31T00:00:00Z","hash":"` + hash52 +
		`","number":921700,"seed":"` + report.Digest(seed).String() + `","to":"2026-11-01T00:00:00Z"},"exchange":`
	whole := string(canonical(t, s))
	if !strings.Contains(whole, d) {
		t.Errorf("the snapshot is %s, without %s", whole, d)
	}
	// The id covers all but id and blocks.
	blocks, exchange := strings.Index(whole, `"blocks":`), strings.Index(whole, `"draw":`)
	id, instant := strings.Index(whole, `"id":"`+s.ID.String()), strings.Index(whole, `"instant":`)
	covered := whole[:blocks] + whole[exchange:id] + whole[instant:]
	if want := report.Digest(sha256.Sum256([]byte("assay/v1/snapshot\x00" + covered))); s.ID != want {
		t.Errorf("id %s, want %s", s.ID, want)
	}
}

// TestC06_InstantNotDrawn: no other instant, seed, block or span passes for the one that was drawn.
func TestC06_InstantNotDrawn(t *testing.T) {
	if _, err := commitment(t).Reveal([32]byte{8}, hash52); err == nil || !strings.Contains(err.Error(), "commitment") {
		t.Errorf("another seed: %v", err)
	}
	if _, err := commitment(t).Reveal(seed, "0x"+hash52); err == nil || !strings.Contains(err.Error(), "spelt") {
		t.Errorf("a hash of another chain: %v", err)
	}
	backwards := commitment(t)
	backwards.From.Time = backwards.To.Add(time.Second)
	if _, err := backwards.Reveal(seed, hash52); err == nil {
		t.Error("a span that ends before it begins drew an instant")
	}
	good := canonical(t, drawnSnapshot(t))
	d := draw(t)
	for name, swap := range map[string][2]string{
		"another instant":    {`"instant":"` + d.Instant().String(), `"instant":"` + d.Instant().Add(time.Second).Format(time.RFC3339)},
		"another hash":       {`"hash":"5252`, `"hash":"5253`},
		"another seed":       {`"seed":"0707`, `"seed":"0708`},
		"another commitment": {`"commitment":"` + d.Commitment.String()[:4], `"commitment":"ffff`},
		"another from":       {`"from":"2026-10-31T00:00:00Z"`, `"from":"2026-10-31T00:00:01Z"`},
		"another to":         {`"to":"2026-11-01T00:00:00Z"`, `"to":"2026-11-01T00:00:01Z"`},
		"from after to":      {`"from":"2026-10-31T00:00:00Z"`, `"from":"2026-11-02T00:00:00Z"`},
		"another number":     {`"number":921700`, `"number":921701`}, // nothing but the id holds it: an anchor does
		"no such chain":      {`"chain":"` + btcChain + `","commitment`, `"chain":"bip122:0","commitment`},
		"draw left out":      {string(canonical(t, d)), ""},
	} {
		bad := strings.Replace(string(good), swap[0], swap[1], 1)
		if name == "draw left out" {
			bad = strings.Replace(string(good), `"draw":`+swap[0]+`,`, "", 1)
		}
		if bad == string(good) {
			t.Fatalf("%s: the case changes nothing", name)
		}
		var s report.Snapshot
		if err := attest.Decode([]byte(bad), &s); err != nil {
			t.Errorf("%s: not of its format: %v", name, err)
		} else if err := s.Check(); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestNewDrawCommitmentRefuses(t *testing.T) {
	for name, c := range map[string]func() (report.DrawCommitment, error){
		"from is to": func() (report.DrawCommitment, error) {
			return report.NewDrawCommitment("X", btcChain, 1, drawn, drawn, seed)
		},
		"to before from": func() (report.DrawCommitment, error) {
			return report.NewDrawCommitment("X", btcChain, 1, drawn, drawn.Add(-time.Hour), seed)
		},
		"a fraction": func() (report.DrawCommitment, error) {
			return report.NewDrawCommitment("X", btcChain, 1, drawn, drawn.Add(time.Hour+1), seed)
		},
		"no chain": func() (report.DrawCommitment, error) {
			return report.NewDrawCommitment("X", "bitcoin", 1, drawn, drawn.Add(time.Hour), seed)
		},
		"number": func() (report.DrawCommitment, error) {
			return report.NewDrawCommitment("X", btcChain, 1<<53, drawn, drawn.Add(time.Hour), seed)
		},
		"no exchange": func() (report.DrawCommitment, error) {
			return report.NewDrawCommitment("", btcChain, 1, drawn, drawn.Add(time.Hour), seed)
		},
	} {
		if got, err := c(); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	payload := string(canonical(t, commitment(t)))
	for name, swap := range map[string][2]string{
		"type":        {`"assay/v1/draw"`, `"assay/v2/draw"`},
		"unknown key": {`"type"`, `"tries":1,"type"`},
		"missing key": {`"number":921700,`, ``},
		"blank":       {`,"number"`, `, "number"`},
	} {
		bad := strings.Replace(payload, swap[0], swap[1], 1)
		if _, err := report.ParseDrawCommitment([]byte(bad)); err == nil || bad == payload {
			t.Errorf("%s: it was read", name)
		}
	}
}

// Whatever seed and hash: the instant lies in the span, both ends among it, and every second can come.
func TestDrawnInstantInSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		from := drawn.Add(time.Duration(rapid.Int64Range(-1<<31, 1<<31).Draw(t, "from")) * time.Second)
		to := from.Add(time.Duration(rapid.Int64Range(1, 1<<33).Draw(t, "span")) * time.Second)
		c, err := report.NewDrawCommitment("X", btcChain, 1, from, to, s)
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.Reveal(s, hash52)
		if err != nil {
			t.Fatal(err)
		}
		if at := d.Instant(); at.Before(from) || at.After(to) {
			t.Fatalf("%s is not within %s and %s", at, from, to)
		}
	})
	seen := map[string]bool{}
	for i := range 64 {
		s := [32]byte{byte(i)}
		c, err := report.NewDrawCommitment("X", btcChain, 1, drawn, drawn.Add(3*time.Second), s)
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.Reveal(s, hash52)
		if err != nil {
			t.Fatal(err)
		}
		seen[d.Instant().String()] = true
	}
	if len(seen) != 4 {
		t.Errorf("of four seconds %d were drawn in 64 draws", len(seen))
	}
}

func FuzzParseDrawCommitment(f *testing.F) {
	payload, err := commitment(f).JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := report.ParseDrawCommitment(b)
		if err != nil {
			return
		}
		if again, err := c.JSON(); err != nil || string(again) != string(b) {
			t.Fatalf("%q became %q, %v", b, again, err)
		}
	})
}

package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// keysOf are as many keys of approvers, sorted by nothing.
func keysOf(n int) []attest.PublicKey {
	keys := make([]attest.PublicKey, n)
	for i := range keys {
		keys[i] = signerOf(byte(100 - i)).PublicKey()
	}
	return keys
}

// signed is the report of inputs, signed and read back.
func signed(t testing.TB, in report.Inputs) (report.Signed, []byte) {
	t.Helper()
	_, envelope := bundle(t, in)
	s, err := report.Read(envelope)
	if err != nil {
		t.Fatal(err)
	}
	return s, envelope
}

func TestOriginIsStated(t *testing.T) {
	in := inputs(t)
	var err error
	if in.Approvals, err = report.NewApprovals(2, keysOf(3)...); err != nil {
		t.Fatal(err)
	}
	if in.Moment, err = report.NewMoment(in.Snapshot, later(refs()...)...); err != nil {
		t.Fatal(err)
	}
	in.Moment.Checkpoint = &report.Checkpoint{Origin: "exchange.example/log", Root: report.Digest{3}, Size: 12}
	in.Series = report.Series{Name: "main", Number: 4, Previous: &report.Digest{9}, Supersedes: &report.Supersedes{Reason: "a wallet was missing", Statement: report.Digest{9}}}
	s, _ := signed(t, in)
	for _, want := range []string{
		`"issued":"2026-11-01T01:00:00Z"`, `"required":2`, `"checkpoint":{"origin":"exchange.example/log","root":"03`,
		`"series":{"name":"main","number":4,"previous":"09`, `"supersedes":{"reason":"a wallet was missing","statement":"09`,
	} {
		if !strings.Contains(string(s.Payload), want) {
			t.Errorf("the statement does not say %s:\n%s", want, s.Payload)
		}
	}
	if got := s.Statement.Predicate.Moment.Blocks; len(got) != 3 || got[0].Chain != btcChain || got[0].Number != 921_605 {
		t.Errorf("moment %+v", got)
	}
}

// later are the blocks after some blocks.
func later(all ...chains.BlockRef) []chains.BlockRef {
	for i := range all {
		all[i].Number++
		all[i].Time = all[i].Time.Add(time.Hour)
	}
	return all
}

func TestOriginRefuses(t *testing.T) {
	block := func(spoil func(*report.Block)) func(*report.Inputs) {
		return func(in *report.Inputs) {
			b := in.Snapshot.Blocks[1]
			spoil(&b)
			in.Moment.Blocks = append(in.Moment.Blocks, b)
		}
	}
	keys := keysOf(31)
	for name, spoil := range map[string]func(in *report.Inputs){
		"issued before the instant": func(in *report.Inputs) { in.Issued = report.Time{Time: instant.Add(-time.Second)} },
		"not issued":                func(in *report.Inputs) { in.Issued = report.Time{} },
		"required of none":          func(in *report.Inputs) { in.Approvals.Required = 1 },
		"keys, none required":       func(in *report.Inputs) { in.Approvals.Keys = keys[:1] },
		"more required than keys":   func(in *report.Inputs) { in.Approvals = report.Approvals{Keys: keys[:1], Required: 2} },
		"C12 a key twice": func(in *report.Inputs) {
			in.Approvals = report.Approvals{Keys: []attest.PublicKey{keys[0], keys[0]}, Required: 2}
		},
		"31 keys":                   func(in *report.Inputs) { in.Approvals, _ = report.NewApprovals(1, keys...) },
		"no series":                 func(in *report.Inputs) { in.Series.Name = "" },
		"series in capitals":        func(in *report.Inputs) { in.Series.Name = "Main" },
		"first with a previous":     func(in *report.Inputs) { in.Series.Previous = &report.Digest{1} },
		"second without a previous": func(in *report.Inputs) { in.Series.Number = 1 },
		"a number beyond JSON's":    func(in *report.Inputs) { in.Series.Number, in.Series.Previous = 1<<53, &report.Digest{1} },
		"first takes a place":       func(in *report.Inputs) { in.Series.Supersedes = &report.Supersedes{Reason: "x"} },
		"a place without reason": func(in *report.Inputs) {
			in.Series = report.Series{Name: "main", Number: 1, Previous: &report.Digest{1}, Supersedes: &report.Supersedes{Statement: report.Digest{1}}}
		},
		"C10 moment before the pin": block(func(b *report.Block) { b.Number-- }),
		"C10 moment earlier":        block(func(b *report.Block) { b.Time = report.Time{Time: b.Time.Add(-time.Second)} }),
		"moment of a stranger":      block(func(b *report.Block) { b.Chain = "eip155:10" }),
		"moment misspelt":           block(func(b *report.Block) { b.Hash = strings.ToUpper(b.Hash) }),
		"moment twice": func(in *report.Inputs) {
			in.Moment.Blocks = []report.Block{in.Snapshot.Blocks[0], in.Snapshot.Blocks[0]}
		},
		"log without a name":    func(in *report.Inputs) { in.Moment.Checkpoint = &report.Checkpoint{} },
		"log with a blank":      func(in *report.Inputs) { in.Moment.Checkpoint = &report.Checkpoint{Origin: "a b"} },
		"log with a plus":       func(in *report.Inputs) { in.Moment.Checkpoint = &report.Checkpoint{Origin: "a+b"} },
		"log beyond JSON":       func(in *report.Inputs) { in.Moment.Checkpoint = &report.Checkpoint{Origin: "a", Size: 1 << 53} },
		"log of a name of 257 ": func(in *report.Inputs) { in.Moment.Checkpoint = &report.Checkpoint{Origin: strings.Repeat("a", 257)} },
	} {
		t.Run(name, func(t *testing.T) {
			in := inputs(t)
			spoil(&in)
			if _, _, err := report.Draft(in); err == nil {
				t.Error("it was drafted")
			}
		})
	}
}

// TestSeriesNext: number and previous follow from the statement before, and only a stated reason lets one take another's place.
func TestSeriesNext(t *testing.T) {
	former, _ := signed(t, inputs(t))
	of := func(name, period string, at time.Time) report.Snapshot {
		s, err := report.NewSnapshot(report.Exchange{Entity: "Demo Exchange Ltd.", Name: name}, period, at, registry())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	next, err := former.Next(of("Demo Exchange", "2026-12", instant.Add(time.Hour)), "")
	if err != nil || next.Name != "main" || next.Number != 1 || *next.Previous != former.Digest || next.Supersedes != nil {
		t.Errorf("got %+v, %v", next, err)
	}
	again, err := former.Next(of("Demo Exchange", "2026-11", instant), "a wallet was missing")
	if err != nil || again.Number != 1 || again.Supersedes.Statement != former.Digest {
		t.Errorf("got %+v, %v", again, err)
	}
	for name, tt := range map[string]struct {
		snap   report.Snapshot
		reason string
		want   string
	}{
		"another exchange":               {of("Demo", "2026-12", instant.Add(time.Hour)), "", `by "Demo Exchange", this one by "Demo"`},
		"C10 an instant before":          {of("Demo Exchange", "2026-10", instant.Add(-time.Hour)), "", "after this one's instant"},
		"the period again":               {of("Demo Exchange", "2026-11", instant.Add(time.Hour)), "", "the same period 2026-11"},
		"a place of another period":      {of("Demo Exchange", "2026-12", instant.Add(time.Hour)), "x", "one of its own period"},
		"a reason that nobody can print": {of("Demo Exchange", "2026-11", instant), "a\nb", "reason"},
	} {
		if _, err := former.Next(tt.snap, tt.reason); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

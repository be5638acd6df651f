package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told is a progress whose clock the test moves.
func told(tty bool) (p *progress, out *bytes.Buffer, pass func(time.Duration)) {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	out = new(bytes.Buffer)
	return &progress{out: out, tty: tty, clock: func() time.Time { return now }, told: now}, out, func(d time.Duration) { now = now.Add(d) }
}

// Where there is no terminal, a line every ten seconds says how far it is, how fast of late, and how long it will take.
func TestProgressLines(t *testing.T) {
	p, out, pass := told(false)
	const total = 100_000_000
	p.step("tree", 0, total)
	done := int64(0)
	for range 40 { // half a second each: 20 s at 100,000 a second, then 40 s at 812,346
		pass(500 * time.Millisecond)
		done += 50_000
		p.step("tree", done, total)
	}
	for range 80 {
		pass(500 * time.Millisecond)
		done += 406_173
		p.step("tree", done, total)
	}
	want := []string{
		"tree: 1 %, 100,000 entries/s, about 17 min left",
		"tree: 2 %, 100,000 entries/s, about 17 min left",
		"tree: 10 %, 337,000 entries/s, about 5 min left",
		"tree: 18 %, 574,000 entries/s, about 3 min left",
		"tree: 26 %, 812,000 entries/s, about 2 min left",
		"tree: 34 %, 812,000 entries/s, about 2 min left",
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(out.String()), "\n")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// Nothing is said of rate and time before there is a basis, of a stage that stands still, or that goes on where it stopped.
func TestProgressWithoutBasis(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps func(p *progress, pass func(time.Duration))
		want  string
	}{
		{"just begun", func(p *progress, pass func(time.Duration)) {
			pass(time.Minute)
			p.step("tree", 10, 1000)
		}, "tree: 1 %\n"},
		{"stands still", func(p *progress, pass func(time.Duration)) {
			p.step("tree", 10, 1000)
			pass(time.Minute)
			p.step("tree", 10, 1000)
		}, "tree: 1 %\n"},
		{"goes on", func(p *progress, pass func(time.Duration)) {
			p.step("tree", 500, 1000)
			pass(10 * time.Second)
			p.step("tree", 600, 1000)
		}, "tree: 60 %, 10 entries/s, about 40 s left\n"},
		{"begins anew", func(p *progress, pass func(time.Duration)) {
			p.step("tree", 900, 1000)
			pass(10 * time.Second)
			p.step("tree", 0, 1000)
		}, "tree: 0 %\n"},
		{"another stage", func(p *progress, pass func(time.Duration)) {
			p.step("ledger", 0, 1000)
			pass(10 * time.Second)
			p.step("tree", 100, 1000)
		}, "tree: 10 %\n"},
		{"bytes of a query", func(p *progress, pass func(time.Duration)) {
			p.step("ledger", 0, 0)
			pass(10 * time.Second)
			p.step("ledger", 3<<30, 0)
		}, "ledger: 3.0 GiB, 307 MiB/s\n"},
		{"things without a name", func(p *progress, pass func(time.Duration)) {
			p.step("compact filters of a chain", 0, 20_000)
			pass(10 * time.Second)
			p.step("compact filters of a chain", 12_345, 0)
		}, "compact filters of a chain: 12,345, 1,230/s\n"},
		{"more than was thought", func(p *progress, pass func(time.Duration)) {
			p.step("tree", 0, 10)
			pass(10 * time.Second)
			p.step("tree", 20, 10)
		}, "tree: 100 %, 2 entries/s\n"},
		{"a day", func(p *progress, pass func(time.Duration)) {
			p.step("tree", 0, 10_000_000)
			pass(10 * time.Second)
			p.step("tree", 1000, 10_000_000)
		}, "tree: 0 %, 100 entries/s, about 28 h left\n"},
	} {
		p, out, pass := told(false)
		tt.steps(p, pass)
		if got := out.String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestProgressBar(t *testing.T) {
	p, out, pass := told(true)
	p.step("tree", 0, 1000)
	pass(10 * time.Second)
	p.step("tree", 600, 1000)
	p.say("done")
	if got := out.String(); !strings.Contains(got, "|  tree: 60 entries/s, about 6 s left") || !strings.HasSuffix(got, "done\n") {
		t.Errorf("got %q", got)
	}
	p.quiet = true
	before := out.Len()
	pass(time.Minute)
	p.step("tree", 1, 2)
	if p.say("more"); out.Len() != before {
		t.Errorf("quiet, and it said %q", out.String()[before:])
	}
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/utxo"
	"github.com/assay-por/assay/report"
)

// TestC06_DrawnInstant: the whole way on a real chain: a commitment to a block that is still to come, the wait for it, the instant that
// it gives, and a snapshot that nobody chose.
func TestC06_DrawnInstant(t *testing.T) {
	assay, verify := programs(t)
	node, instant, dir := bitcoin(t, assay)
	from, to := instant.Add(-time.Minute).Format(time.RFC3339), instant.Add(-10*time.Second).Format(time.RFC3339)
	chain := string(devnet.BitcoinChain)
	commit := func(number, from, to, out string) []string {
		return opened("draw", "commit", "--chain", chain, "--number", number, "--from", from, "--to", to, "--out", out, "--quiet")
	}
	// The chain has 342 blocks.
	expect(t, dir, assay, exitRefused, "block 342 of "+chain+" exists already: the chain has 342", commit("342", from, to, "draw.dsse.json")...)
	expect(t, dir, assay, exitUsage, "is not before to", commit("345", to, from, "draw.dsse.json")...)
	expect(t, dir, assay, exitUsage, "draw commit needs --chain", commit("345", "", to, "draw.dsse.json")...)
	if found, _ := filepath.Glob(filepath.Join(dir, "keys", "draw-*")); len(found) > 0 {
		t.Errorf("a seed was sealed for nothing: %v", found)
	}
	for _, out := range []string{"draw.dsse.json", "other.dsse.json"} {
		if code, stdout, stderr := call(t, dir, assay, commit("345", from, to, out)...); code != exitDone || !strings.Contains(stdout, "publish "+out+" now") {
			t.Fatalf("exit %d: %s%s", code, stdout, stderr)
		}
	}
	expect(t, dir, assay, exitRefused, "draw.dsse.json exists already", commit("346", from, to, "draw.dsse.json")...)
	if found, _ := filepath.Glob(filepath.Join(dir, "keys", "draw-*.age")); len(found) != 2 || strings.Contains(read(t, dir, "draw.dsse.json"), "seed") {
		t.Errorf("sealed are %v, want two seeds, and none in the commitment", found)
	}

	wait := func(args ...string) {
		t.Helper()
		code, _, stderr := call(t, dir, assay, args...)
		if code != exitRefused || !strings.HasPrefix(stderr, "assay: waiting for block 345 of "+chain+" to be final: it is final up to ") {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
	wait("draw", "reveal", "draw.dsse.json")
	wait("snapshot", "--drawn", "draw.dsse.json", "--quiet")
	if err := node.Mine(t.Context(), time.Now().Add(-20*time.Second), 6); err != nil { // up to 349: 345 has five confirmations
		t.Fatal(err)
	}
	wait("run", "--drawn", "draw.dsse.json", "--quiet")
	if err := node.Mine(t.Context(), time.Now().Add(-10*time.Second), 0); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, dir, assay, opened("draw", "reveal", "draw.dsse.json", "--json")...)
	var told struct{ Instant string }
	if code != exitDone || json.Unmarshal([]byte(stdout), &told) != nil || told.Instant < from || told.Instant > to || !strings.Contains(stderr, "the instant was past when it became known") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := call(t, dir, assay, opened("run", "--drawn", "draw.dsse.json", "--unsigned", "--quiet")...); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	checkDrawn(t, dir, node, told.Instant)
	judgeDrawn(t, dir, verify)

	// The same again is the same; another instant or another draw is not.
	if code, _, stderr := call(t, dir, assay, opened("run", "--drawn", "draw.dsse.json", "--unsigned", "--quiet")...); code != exitDone {
		t.Errorf("again: exit %d: %s", code, stderr)
	}
	expect(t, dir, assay, exitRefused, "holds a snapshot whose instant other.dsse.json did not draw", "run", "--drawn", "other.dsse.json", "--quiet")
	expect(t, dir, assay, exitRefused, "holds the snapshot of "+told.Instant, "run", "--at", to+"x", "--quiet")
	tampered(t, assay, dir)
}

// checkDrawn: the snapshot carries the draw, by the hash that the chain has.
func checkDrawn(t *testing.T, dir string, node *devnet.Bitcoin, want string) {
	t.Helper()
	p := drafted(t, dir)
	source, err := utxo.New(t.Context(), devnet.BitcoinChain, []string{node.URL()}, utxo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	block, err := source.BlockAt(t.Context(), 345)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Snapshot.Draw
	if d == nil || d.Hash != block.Hash || d.Number != 345 || p.Snapshot.Instant.String() != want || d.Instant().String() != want {
		t.Errorf("draw %+v of snapshot at %s, want block %s and instant %s", d, p.Snapshot.Instant, block.Hash, want)
	}
	if page := read(t, dir, "report", "index.html"); !strings.Contains(page, "<dt>Instant drawn by lot</dt>") {
		t.Error("the page does not say that the instant was drawn")
	}
}

// judgeDrawn: a verifier computes the same instant, and believes the block as far as its anchors go.
func judgeDrawn(t *testing.T, dir, verify string) {
	t.Helper()
	d := drafted(t, dir).Snapshot.Draw
	const word = "the instant was drawn with block 345 of"
	v := judged(t, dir, verify, exitDone)
	if got := v.detail(t, "snapshot"); !strings.HasSuffix(got, ", the instant drawn") || !v.noted(word) || !v.noted(d.Commitment.String()) {
		t.Errorf("snapshot: %s; notes %q", got, v.Notes)
	}
	anchor := func(hash string) string {
		return fmt.Sprintf("[[anchor]]\nchain = %q\nnumber = 345\nhash = %q\n[liabilities]", d.Chain, hash)
	}
	if v := judged(t, dir, verify, exitDone, "[liabilities]", anchor(d.Hash)); v.noted(word) || !v.noted(d.Commitment.String()) {
		t.Errorf("with an anchor: notes %q", v.Notes)
	}
	if v := judged(t, dir, verify, exitRefused, "[liabilities]", anchor(strings.Repeat("0", 64))); !strings.Contains(v.Summary, "anchor for block 345") {
		t.Errorf("with another anchor: %s", v.Summary)
	}
}

// tampered: a commitment of others, an altered one, and one whose seed is gone draw nothing.
func tampered(t *testing.T, assay, dir string) {
	t.Helper()
	good := read(t, dir, "draw.dsse.json")
	save := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	at := strings.Index(good, `"payload":"`) + len(`"payload":"`) + 40
	expect(t, dir, assay, exitRefused, "does not verify", "draw", "reveal", save("altered.json", good[:at]+swapped(good[at])+good[at+1:]))
	expect(t, dir, assay, exitUnreadable, "payload type", "draw", "reveal", "bundle/statement.dsse.json")
	expect(t, dir, assay, exitUnreadable, "no such file", "draw", "reveal", "none.json")
	expect(t, dir, assay, exitUsage, "give either --at or --drawn", "snapshot", "--config", fresh(t, dir), "--at", "2026-10-31T00:00:00Z", "--drawn", "draw.dsse.json")
	seeds, err := filepath.Glob(filepath.Join(dir, "keys", "draw-*.age"))
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range seeds {
		if err := os.Remove(seed); err != nil {
			t.Fatal(err)
		}
	}
	code, _, stderr := call(t, dir, assay, opened("draw", "reveal", "draw.dsse.json")...)
	if code != exitUnreadable || !strings.Contains(stderr, "draw seed") || !strings.Contains(stderr, "without it nothing can be drawn") {
		t.Errorf("without the seed: exit %d: %s", code, stderr)
	}
}

// fresh is the same configuration with another run directory.
func fresh(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "fresh.toml")
	if err := os.WriteFile(path, []byte(read(t, dir, "assay.toml")+"[run]\ndir = \"another\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func swapped(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

// A drawn instant that is still to come is waited for.
func TestC06_DrawnInstantToCome(t *testing.T) {
	assay, _ := programs(t)
	node, _, dir := bitcoin(t, assay)
	from, to := report.Time{Time: time.Now().UTC().Truncate(time.Second).Add(time.Hour)}, report.Time{Time: time.Now().UTC().Truncate(time.Second).Add(2 * time.Hour)}
	if code, _, stderr := call(t, dir, assay, opened("draw", "commit", "--chain", string(devnet.BitcoinChain), "--number", "343", "--from", from.String(), "--to", to.String())...); code != exitDone {
		t.Fatal(stderr)
	}
	if err := node.Mine(t.Context(), time.Now().Add(-20*time.Second), 5); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, dir, assay, opened("snapshot", "--drawn", "draw.dsse.json")...)
	if code != exitRefused || !strings.Contains(stderr, "assay: waiting for the instant that was drawn, ") || !strings.Contains(stderr, "the instant was known to you from then on") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

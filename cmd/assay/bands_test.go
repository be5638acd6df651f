package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/report"
)

// add puts a line at the head of a section of assay.toml, or a section at its end.
func add(t *testing.T, dir, text string) {
	t.Helper()
	path := filepath.Join(dir, "assay.toml")
	if err := os.WriteFile(path, []byte(read(t, path)+text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func drafted(t *testing.T, dir string) report.Predicate {
	t.Helper()
	s, err := report.ParseStatement([]byte(read(t, dir, "run", "draft.json")))
	if err != nil {
		t.Fatal(err)
	}
	return s.Predicate
}

// TestC06_BandsOfEthereum: the same wallets a while before and after, on a real archive node; what is not final yet is waited for, and
// what was gathered is never gathered again.
func TestC06_BandsOfEthereum(t *testing.T) {
	assay, verify := programs(t)
	node, at, dir := ethereum(t, assay)
	add(t, dir, "[bands]\nbefore = [\"500s\"]\nafter = [\"100s\", \"30s\"]\n")
	if code, _, stderr := call(t, dir, assay, "snapshot", "--at", at, "--quiet"); code != exitDone {
		t.Fatal(stderr)
	}
	instant, err := report.ParseTime(at)
	if err != nil {
		t.Fatal(err)
	}
	late := instant.Add(100 * time.Second).Format(time.RFC3339)
	code, stdout, stderr := call(t, dir, assay, "reserves", "--quiet")
	if code != exitRefused || !strings.Contains(stdout, "balances on 1 chains proved") || !strings.HasPrefix(stderr, "assay: waiting for the blocks of "+late+" (eip155:1337 lacks at least 3)") {
		t.Fatalf("exit %d, %s%s", code, stdout, stderr)
	}
	if code, _, stderr := call(t, dir, assay, "run", "--unsigned", "--quiet"); code != exitRefused || !strings.Contains(stderr, "waiting for the blocks of "+late) {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "bundle")); err == nil {
		t.Error("a bundle was made without a band")
	}
	kept := filepath.Join(dir, "run", bandFolder(report.Time{Time: instant.Add(30 * time.Second)}), "eip155-1337.json")
	before, err := os.Stat(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Finalize(74); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "run", "--unsigned"); code != exitDone || strings.Count(stderr, "band of") != 1 {
		t.Fatalf("exit %d, want one band to be gathered: %s", code, stderr)
	}
	if after, err := os.Stat(kept); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("a band was gathered again: %v", err)
	}
	p := drafted(t, dir)
	var blocks []uint64
	for _, b := range p.Bands {
		blocks = append(blocks, b.Blocks[0].Number)
	}
	if !slices.Equal(blocks, []uint64{22, 66, 72}) {
		t.Errorf("bands at blocks %v, want 22, 66, 72", blocks)
	}
	checkBandFiles(t, dir, p)
	// After block 22 the hot wallet paid 7 coins to a customer; in block 66 the cold one paid it 1,000. Gas makes it a little more.
	steps := stepsOf(t, dir, p)
	coins := func(u report.Units) string { return strings.Split(u.Decimal(18), ".")[0] }
	for i, want := range [][2]string{{"0", "7"}, {"1000", "1000"}, {"0", "0"}} {
		if got := [2]string{coins(steps[i].Flows[0].In), coins(steps[i].Flows[0].Out)}; got != want {
			t.Errorf("step %d: in and out %v, want %v", i, got, want)
		}
	}
	page := read(t, dir, "report", "index.html")
	if !strings.Contains(page, "Before and after") || !strings.Contains(page, steps[1].Flows[0].Out.String()) {
		t.Error("the page does not show what moved")
	}
	v := judged(t, dir, verify, exitDone)
	sameFlows(t, v, p, 18, steps)
	if !v.noted("band 1: no anchor of the policy confirms block 66 of eip155:1337") {
		t.Errorf("the blocks of bands that no anchor confirms are not named: %q", v.Notes)
	}
	anchor := fmt.Sprintf("[[anchor]]\nchain = \"eip155:1337\"\nnumber = 66\nhash = %q\n[liabilities]", p.Bands[1].Blocks[0].Hash)
	if v := judged(t, dir, verify, exitDone, "[liabilities]", anchor); v.noted("band 1:") || !v.noted("band 2:") {
		t.Errorf("with an anchor for band 1: %q", v.Notes)
	}
	judged(t, dir, verify, exitRefused, "[liabilities]", strings.Replace(anchor, p.Bands[1].Blocks[0].Hash, "0x"+strings.Repeat("0", 64), 1))
}

// sameFlows: a verifier passes the bands, and computes the flows that the builder's page shows.
func sameFlows(t *testing.T, v verdict, p report.Predicate, decimals uint8, steps []report.Step) {
	t.Helper()
	if got, want := v.detail(t, "bands"), fmt.Sprintf("%d other instants", len(p.Bands)); !strings.HasPrefix(got, want) {
		t.Errorf("bands: %q, want %q", got, want)
	}
	var got, want [][4]string
	for _, f := range v.Flows {
		got = append(got, [4]string{f.From, f.To, strings.ReplaceAll(f.Inflow, ",", ""), strings.ReplaceAll(f.Outflow, ",", "")})
	}
	for _, s := range steps {
		f := s.Flows[0]
		want = append(want, [4]string{s.From.String(), s.To.String(), f.In.Decimal(decimals), f.Out.Decimal(decimals)})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("flows (-builder +verifier):\n%s", d)
	}
}

// stepsOf computes what the builder's page shows of a bundle's bands.
func stepsOf(t *testing.T, dir string, p report.Predicate) []report.Step {
	t.Helper()
	lines, err := report.ParseLines(p.Snapshot, []byte(read(t, dir, "bundle", "reserves", "lines.json")))
	if err != nil {
		t.Fatal(err)
	}
	var bands []report.BandReserves
	for n, b := range p.Bands {
		list, err := report.ParseBandLines(p.Snapshot, []byte(read(t, dir, "bundle", report.PathBandLines(n))))
		if err != nil {
			t.Fatal(err)
		}
		bands = append(bands, report.BandReserves{Band: b, Lines: list})
	}
	steps, err := report.Flows(p.Snapshot, lines, bands)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// checkBandFiles: every band's evidence is of its own block, and its lines are what the statement sums up.
func checkBandFiles(t *testing.T, dir string, p report.Predicate) {
	t.Helper()
	for n, b := range p.Bands {
		for _, block := range b.Blocks {
			var file struct {
				Balances []struct{ Account, Amount, Token string }
				Header   string
				Headers  string
				Snapshot string
			}
			raw := read(t, dir, "bundle", report.PathBandEvidence(n, block.Chain))
			if err := json.Unmarshal([]byte(raw), &file); err != nil {
				t.Fatal(err)
			}
			if file.Snapshot != p.Snapshot.ID.String() || file.Header+file.Headers == "" {
				t.Errorf("band %d: evidence of %s is not of this snapshot, or has no header", n, block.Chain)
			}
			lines := read(t, dir, "bundle", report.PathBandLines(n))
			for _, balance := range file.Balances {
				if want := fmt.Sprintf(`{"account":%q,"amount":%q,"evidence":"state-proved","token":%q}`, balance.Account, balance.Amount, balance.Token); !strings.Contains(lines, want) {
					t.Errorf("band %d: the lines lack %s", n, want)
				}
			}
		}
	}
}

// TestB18_BandsNeedHistory: a node that has forgotten a band's state is named, and what is needed instead; nothing partial is kept.
func TestB18_BandsNeedHistory(t *testing.T) {
	assay, _ := programs(t)
	node, at, dir := ethereum(t, assay)
	if code, _, stderr := call(t, dir, assay, "snapshot", "--at", at, "--quiet"); code != exitDone {
		t.Fatal(stderr)
	}
	full := chainstest.NewProxy(t, node.URL())
	full.Refuse = func(c chainstest.Call) (int, string) {
		if c.Method != "eth_getProof" && c.Method != "eth_getBalance" {
			return 0, ""
		}
		return -32000, "missing trie node d67e4d450343046425ae4271474353857ab860dbc0a1dde64b41b5cd3a532bf3 (path )"
	}
	if code, _, stderr := call(t, dir, assay, "reserves", "--quiet"); code != exitDone {
		t.Fatal(stderr)
	}
	config := read(t, dir, "assay.toml")
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(strings.ReplaceAll(config, node.URL(), full.URL)+"[bands]\nbefore = [\"500s\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	instant, err := report.ParseTime(at)
	if err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, dir, assay, "reserves", "--quiet")
	want := "band of " + instant.Add(-500*time.Second).Format(time.RFC3339) + ": node "
	if code != exitRefused || !strings.Contains(stderr, want) || !strings.Contains(stderr, "no longer has the history of block 22") || !strings.Contains(stderr, "hint: bands need nodes that keep old state: name an archive node") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "run", dirBands, "*", "*")); len(found) > 0 {
		t.Errorf("half a band was kept: %v", found)
	}
	// With the archive node back it goes on; other wallets than the snapshot's are refused.
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(config+"[bands]\nbefore = [\"500s\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, dir, assay, "reserves", "--quiet"); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	name := filepath.Join(dir, "run", bandFolder(report.Time{Time: instant.Add(-500 * time.Second)}), "eip155-1337.json")
	var g gathered
	if err := attest.Decode([]byte(read(t, name)), &g); err != nil {
		t.Fatal(err)
	}
	g.Balances = g.Balances[1:]
	less, err := attest.Canonical(g)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, less, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitRefused, "the wallets of eip155:1337 changed since the evidence was gathered", "reserves", "--quiet")
}

func TestBandOffsets(t *testing.T) {
	var c Config
	c.Bands.Before, c.Bands.After = []string{"24h", "90m"}, []string{"1h", "1s"}
	got, err := c.bandOffsets()
	if want := []time.Duration{-24 * time.Hour, -90 * time.Minute, time.Second, time.Hour}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range [][]string{{""}, {"1"}, {"-1h"}, {"0s"}, {"1.5s"}, {"500ms"}, {"1d"}, {"1h", "60m"}, slices.Repeat([]string{"1h"}, 17)} {
		c.Bands.Before = bad
		if got, err := c.bandOffsets(); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
	c.Bands.Before = nil
	for i := range 16 {
		c.Bands.Before = append(c.Bands.Before, fmt.Sprintf("%dh", i+1))
	}
	if got, err := c.bandOffsets(); err == nil || !strings.Contains(err.Error(), "there are 18") {
		t.Errorf("18: %v, %v", got, err)
	}
}

func TestJoinWaiting(t *testing.T) {
	if err := joinWaiting(nil, nil); err != nil || isWaiting(nil) || isWaiting(errors.New("x")) || isWaiting(refused("x")) {
		t.Errorf("nothing to wait for: %v", err)
	}
	err := joinWaiting(waiting("do a", "waiting for a"), nil, waiting("do b", "waiting for b"))
	var f *failure
	if !errors.As(err, &f) || !isWaiting(err) || f.Error() != "waiting for a, and for b" || f.hint != "do a; do b" || exitCode(err) != exitRefused {
		t.Errorf("got %v", err)
	}
}

// opened lets a verb open the keys of a folder made by bitcoin.
func opened(args ...string) []string { return append(args, "--identity-file", "id.txt") }

// bitcoin starts a real btcd, and returns a folder whose configuration reads it.
func bitcoin(t *testing.T, assay string) (node *devnet.Bitcoin, instant time.Time, dir string) {
	t.Helper()
	btcd, err := filepath.Abs("../../build/bin/btcd")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(btcd); err != nil {
		t.Skip("skipped: there is no btcd; type: make build/bin/btcd")
	}
	instant = devnet.Instant(time.Now())
	node, err = devnet.StartBitcoin(t.Context(), devnet.BitcoinOptions{Seed: "test", Btcd: btcd, Dir: t.TempDir(), Instant: instant})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
	wallets, err := devnet.Wallets("test")
	if err != nil {
		t.Fatal(err)
	}
	var accounts []string
	for _, w := range wallets {
		if w.Account.Chain() == devnet.BitcoinChain {
			accounts = append(accounts, w.Account.Address())
		}
	}
	dir = t.TempDir()
	configure(t, dir, string(devnet.BitcoinChain), node.URL(), accounts)
	config := strings.NewReplacer(`"ETH"`, `"BTC"`, "decimals = 18", "decimals = 8", "slip44:60", "slip44:0").Replace(read(t, dir, "assay.toml"))
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "--recipient", recipient}, {"ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv"}} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatal(stderr)
		}
	}
	return node, instant, dir
}

// TestC06_BandsOfBitcoin: two hours before the wallets held nothing, a minute after some coins had moved.
func TestC06_BandsOfBitcoin(t *testing.T) {
	assay, verify := programs(t)
	_, instant, dir := bitcoin(t, assay)
	add(t, dir, "[bands]\nbefore = [\"2h\"]\nafter = [\"1m\"]\n")
	if code, _, stderr := call(t, dir, assay, opened("run", "--at", instant.Format(time.RFC3339), "--unsigned", "--quiet")...); code != exitDone {
		t.Fatal(stderr)
	}
	p := drafted(t, dir)
	if len(p.Bands) != 2 || p.Bands[0].Blocks[0].Number >= 321 || p.Bands[1].Blocks[0].Number != 336 {
		t.Fatalf("bands %+v", p.Bands)
	}
	if !p.Bands[0].Totals[0].Amount.IsZero() || p.Bands[1].Totals[0].Amount.IsZero() {
		t.Errorf("totals %s and %s", p.Bands[0].Totals[0].Amount, p.Bands[1].Totals[0].Amount)
	}
	checkBandFiles(t, dir, p)
	if page := read(t, dir, "report", "index.html"); !strings.Contains(page, "Before and after") {
		t.Error("the page does not show what moved")
	}
	sameFlows(t, judged(t, dir, verify, exitDone), p, 8, stepsOf(t, dir, p))
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

// unwatched takes the witness out of the configurations.
func (e *exchange) unwatched(t *testing.T) {
	t.Helper()
	for _, name := range []string{"assay.toml", "2026-10.toml"} {
		if !isThere(e.dir, name) {
			continue
		}
		var kept []string
		for _, line := range strings.SplitAfter(read(t, e.dir, name), "\n") {
			if !strings.HasPrefix(line, "witnesses = ") && !strings.HasPrefix(line, "quorum = ") {
				kept = append(kept, line)
			}
		}
		e.write(t, name, strings.Join(kept, ""))
	}
}

// twoFaced is an exchange with two statements of October. After the one of September was published it copied its folder, log and run; then it
// published the one statement in its log, seen by the witness, and signed the other one in the copy.
func twoFaced(t *testing.T) (shown, hidden *exchange) {
	t.Helper()
	shown = newExchange(t, "")
	shown.published(t, "2026-09", "2026-09", "2026-09-30T00:00:00Z")
	shown.statement(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	hidden = shown.copied(t)
	hidden.write(t, "2026-10.toml", strings.Replace(read(t, hidden.dir, "2026-10.toml"), `"spot"`, `"spot", "earn"`, 1))
	hidden.must(t, "sign", "--config", "2026-10.toml")
	if shown.digest(t, "2026-10") == hidden.digest(t, "2026-10") {
		t.Fatal("both statements are the same")
	}
	shown.must(t, "publish", "--config", "2026-10.toml")
	return shown, hidden
}

// TestC11_SplitViewWitnessRefuses: a witness that saw one statement of a period in a log does not cosign that log with another one in its place;
// and what it keeps convinces anybody.
func TestC11_SplitViewWitnessRefuses(t *testing.T) {
	shown, hidden := twoFaced(t)
	hidden.refuses(t, "witness.example: 409 another root was cosigned for this size", "publish", "--config", "2026-10.toml")
	has(t, read(t, hidden.seen), `level=WARN msg="refused: another root was cosigned for this size" origin=exchange.example/log`)
	if isThere(hidden.dir, "2026-10", report.PathLogProof) {
		t.Error("a place in the log is shown all the same")
	}

	// The other view is a log that lags behind; whoever looks for the statement there does not find it.
	first, second := shown.serves(t, "2026-10"), hidden.serves(t, "2026-10")
	has(t, shown.judges(t, 0, "log", first, second), "IN ORDER: ", second+" is behind "+first)
	shown.judges(t, 0, "bundle", "2026-10.zip", "--log", first)
	if d := hidden.verdictOf(t, 1, "bundle", "2026-10.zip", "--log", second).failure(t, "log.state"); !strings.Contains(d, "does not enter this statement") {
		t.Errorf("log.state: %s", d)
	}

	// What the witness keeps is what anybody can check: both checkpoints, of one size, signed by the log.
	evidence := onlyFile(t, hidden.home, "witness", "evidence", "*")
	for _, policy := range []string{shown.policy, strings.Replace(shown.policy, "\nquorum = 1", "\nquorum = 0", 1)} {
		shown.write(t, "trust.toml", policy)
		has(t, shown.judges(t, 1, "log", "evidence", filepath.Join(evidence, "fork.json")), `CAUGHT: the log "exchange.example/log" signed two histories`)
	}
}

// TestC11_SplitViewMonitorKeepsEvidence: whoever reads both views, at once or one after the other, catches the log, and can show it to anybody.
func TestC11_SplitViewMonitorKeepsEvidence(t *testing.T) {
	shown, hidden := twoFaced(t)
	hidden.unwatched(t)
	hidden.must(t, "publish", "--config", "2026-10.toml")
	first, second := shown.serves(t, "2026-10"), hidden.serves(t, "2026-10")

	// At once.
	v := shown.verdictOf(t, 1, "log", first, second, "--evidence", "evidence")
	v.failure(t, "log.sources")
	if d := v.failure(t, "log."+second+".checkpoint"); !strings.Contains(d, "cosigned") {
		t.Errorf("the checkpoint that no witness saw: %s", d)
	}
	at := onlyFile(t, shown.dir, "evidence", "fork-*.json")
	has(t, shown.judges(t, 1, "log", "evidence", at), "CAUGHT: ", "exchange.example/log")
	before := read(t, at)
	has(t, shown.judges(t, 1, "log", first, second, "--evidence", "evidence"), "CAUGHT: ", "has evidence of this already")
	if read(t, at) != before {
		t.Error("evidence was written over")
	}

	// One after the other. What was seen first is not forgotten for what came then.
	shown.judges(t, 0, "log", first, "--state", "seen.json")
	has(t, shown.judges(t, 1, "log", second, "--state", "seen.json", "--evidence", "later"), "CAUGHT: ")
	later := onlyFile(t, shown.dir, "later", "fork-*.json")
	has(t, shown.judges(t, 1, "log", "evidence", later), "CAUGHT: ")
	shown.judges(t, 0, "log", first, "--state", "seen.json")
	shown.judges(t, 1, "log", second, "--state", "seen.json")

	// Nor does a longer history hide it: the copy goes on, and the two are of different sizes.
	hidden.published(t, "2026-11", "2026-11", "2026-11-20T00:00:00Z")
	shown.judges(t, 1, "log", second, "--state", "seen.json", "--evidence", "longer")
	longer := onlyFile(t, shown.dir, "longer", "fork-*.json")
	var fork struct{ First, Second []byte }
	if err := json.Unmarshal([]byte(read(t, longer)), &fork); err != nil || !strings.Contains(string(fork.First), "/log\n2\n") || !strings.Contains(string(fork.Second), "/log\n3\n") {
		t.Errorf("the fork is of\n%s\nand\n%s%v", fork.First, fork.Second, err)
	}
	has(t, shown.judges(t, 1, "log", "evidence", longer), "CAUGHT: ")

	// The evidence says something of this log and of no other.
	shown.write(t, "trust.toml", strings.ReplaceAll(shown.policy, "exchange.example/log+", "other.example/log+"))
	if code, stdout, stderr := call(t, shown.dir, shown.verify, "log", "evidence", longer, "--policy", "trust.toml"); code == 1 || strings.Contains(stdout, "CAUGHT") {
		t.Errorf("by a policy that knows another log: exit %d: %s%s", code, stdout, stderr)
	}
}

// TestC11_SplitViewQuorumNotMet: a statement in a view of the log that no witness saw is not proven; and a reader who asks for no witness is told
// by the log that others see.
func TestC11_SplitViewQuorumNotMet(t *testing.T) {
	shown, hidden := twoFaced(t)
	hidden.unwatched(t)
	hidden.must(t, "publish", "--config", "2026-10.toml")
	first, second := shown.serves(t, "2026-10"), hidden.serves(t, "2026-10")
	shown.judges(t, 0, "bundle", "2026-10.zip", "--log", first)

	for _, bundle := range []string{"2026-10.zip", strings.TrimSuffix(second, "/log") + "/bundle.zip"} {
		if d := hidden.verdictOf(t, 1, "bundle", bundle).failure(t, "log"); !strings.Contains(d, "0 of the policy's witnesses") {
			t.Errorf("%s: log: %s", bundle, d)
		}
	}
	hidden.caughtBy(t, first)
	hidden.verdictOf(t, 1, "bundle", "2026-10.zip", "--log", second).failure(t, "log.state")
	proof := hidden.proof(t, "2026-10")
	for _, look := range []string{first, second} {
		hidden.asks(t, 1, proof, "--log", look)
	}

	// A policy that asks for no witness believes the log alone, until it is looked at where others see it.
	hidden.write(t, "trust.toml", strings.Replace(hidden.policy, "\nquorum = 1", "\nquorum = 0", 1))
	if v := hidden.verdictOf(t, 0, "bundle", "2026-10.zip", "--log", second); !v.noted("no witness of the policy saw the log") {
		t.Errorf("notes %q", v.Notes)
	}
	hidden.caughtBy(t, first)
}

// caughtBy looks for a statement in a log that others see: it is not there, and the bundle's own proof shows anybody that the log was forked.
func (e *exchange) caughtBy(t *testing.T, log string) {
	t.Helper()
	v := e.verdictOf(t, 1, "bundle", "2026-10.zip", "--log", log)
	has(t, v.failure(t, "log.state"), "does not enter this statement", "signed two histories")
	has(t, e.judges(t, 1, "bundle", "2026-10.zip", "--log", log), "\nCaught\n  - the log \"exchange.example/log\" signed two histories")
	if len(v.Evidence) != 1 {
		t.Fatalf("evidence %+v, want the fork", v.Evidence)
	}
	e.write(t, "fork.json", v.Evidence[0].File)
	has(t, e.judges(t, 1, "log", "evidence", "fork.json"), "CAUGHT: ")
}

// TestC11_TwoStatementsInOneLog: an exchange that enters two statements of one period in one log, past its own guard, is caught by what stands
// there.
func TestC11_TwoStatementsInOneLog(t *testing.T) {
	e, other := twoFaced(t)
	e.write(t, "second.dsse.json", read(t, other.dir, "2026-10-run", fileEntry))
	e.refuses(t, "does not follow it", "log", "add", "second.dsse.json")
	// The machine that keeps the log knows no exchange, and so no rule of one.
	_, log, _ := strings.Cut(read(t, e.dir, "assay.toml"), "[log]\n")
	e.write(t, "keeper.toml", "[log]\n"+log)
	has(t, e.must(t, "log", "add", "second.dsse.json", "--config", "keeper.toml"), "#2 second.dsse.json")

	url := e.serves(t, "2026-10")
	e.verdictOf(t, 1, "log", url, "--evidence", "evidence").failure(t, "log.entries")
	at := onlyFile(t, e.dir, "evidence", "equivocation-*.json")
	has(t, e.judges(t, 1, "log", "evidence", at), "CAUGHT: Demo Exchange entered", "at 1 and 2, two statements with number 1 of the series main")
	// Neither statement is good by that log, whichever came first.
	e.must(t, "publish", "--config", "2026-10.toml")
	for _, name := range []string{"2026-10.zip", filepath.Join(other.dir, "2026-10.zip")} {
		d := e.verdictOf(t, 1, "bundle", name, "--log", url).failure(t, "log.state")
		has(t, d, "the exchange broke the rules of its log")
	}
	has(t, e.judges(t, 1, "history", "2026-10.zip", filepath.Join(other.dir, "2026-10.zip")), "the exchange has said two things at one place of the series")
	if _, err := os.Stat(filepath.Join(e.home, "witness", "evidence")); err != nil {
		t.Fatal(err)
	}
	if kept, err := filepath.Glob(filepath.Join(e.home, "witness", "evidence", "*")); err != nil || len(kept) > 0 {
		t.Errorf("a log that only grew was refused: %v, %v", kept, err)
	}
}

package main

import (
	"strings"
	"testing"
)

// history runs assay-verify history; the customer's id, if proofs are among the arguments, comes by standard input.
func (e *exchange) history(t *testing.T, code int, args string) (stdout string) {
	t.Helper()
	command := "exec " + e.verify + " history --policy trust.toml " + args
	if strings.Contains(args, "--proof") {
		command = "sed -n 2p ledger.csv | cut -d, -f1 | " + command + " --customer -"
	}
	got, stdout, stderr := call(t, e.dir, "sh", "-c", command)
	if got != code {
		t.Errorf("history %s: exit %d, want %d: %s%s", args, got, code, stdout, stderr)
	}
	return stdout
}

// TestC09_HistoryEndToEnd: three periods, of which one has an erratum and one was stated anew; whoever has the bundles is told that they follow
// from one another, what became of each, and in how many of them a customer is. What is left out is told, and what was taken back.
func TestC09_HistoryEndToEnd(t *testing.T) {
	e := newExchange(t, "")
	e.published(t, "sep", "2026-09", "2026-09-30T00:00:00Z")
	e.published(t, "oct", "2026-10", "2026-10-31T00:00:00Z")
	e.published(t, "oct2", "2026-10", "2026-10-31T00:00:00Z", "[log]", "[series]\nsupersedes = \"a product was left out\"\n[log]", `"spot"`, `"spot", "earn"`)
	e.published(t, "nov", "2026-11", "2026-11-20T00:00:00Z")
	e.must(t, "erratum", "--statement", "sep/statement.dsse.json", "--text", "The entity is Demo Exchange Ltd.")
	var proofs string
	for _, name := range []string{"sep", "oct", "oct2", "nov"} {
		proofs += " --proof " + e.proof(t, name)
	}
	url := e.serves(t, "nov")
	look := " --log " + url
	const alone, all = "nov.zip oct2 sep.zip oct/statement.dsse.json", "nov.zip oct2 sep.zip oct"

	has(t, e.history(t, 0, all+proofs+look), "WHOLE: ", "included in 4 of 4 statements", "4 statements, each after the one before", "the numbers 0 to 3",
		"The entity is Demo Exchange Ltd.", "it supersedes statement "+e.digest(t, "oct")+": a product was left out")
	has(t, e.history(t, 0, alone+" --proof sep-proof.json --proof nov-proof.json"), "included in 2 of 4 statements", "no proof given that holds", "counted, as checked by: this program")
	has(t, e.history(t, 1, alone+proofs), "NOT WHOLE: ", "oct-proof.json: not run: proof.counted", "nobody checked the proof of shard #0") // that shard is in the bundle, which is not there

	// What is missing is told, and so is a statement whose successor is kept back.
	has(t, e.history(t, 1, "sep.zip nov.zip"+look), "NOT WHOLE: ", "the numbers 1 to 2 are missing")
	has(t, e.history(t, 1, "sep.zip oct.zip"+look), "NOT WHOLE: ", "supersedes it by the statement "+e.digest(t, "oct2"))
	has(t, e.history(t, 0, "sep.zip oct.zip"), "WHOLE: ") // without the log nobody can know
	has(t, e.history(t, 1, "oct2.zip nov.zip sep.zip"), "number 1 is missing")

	// So is what was taken back, whenever one looks.
	e.must(t, "withdraw", "--statement", e.digest(t, "nov"), "--reason", "The ledger was incomplete.")
	has(t, e.history(t, 1, all+proofs+look), "NOT WHOLE: ", "WITHDRAWN", "The ledger was incomplete.")
	has(t, e.history(t, 0, "sep.zip oct.zip oct2.zip"+look), "WHOLE: ")
	news := e.judges(t, 0, "log", url)
	has(t, news, "IN ORDER: ", "4: erratum to the statement "+e.digest(t, "sep"), "5: WITHDRAWN, the statement "+e.digest(t, "nov"))
}

// TestC09_WithdrawnReportEndToEnd: who looks at the log is told first of all that a report was withdrawn; who does not is told that nobody looked.
func TestC09_WithdrawnReportEndToEnd(t *testing.T) {
	e := newExchange(t, "")
	e.published(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	proof, look := e.proof(t, "2026-10"), "log"
	e.judges(t, 0, "bundle", "2026-10.zip", "--log", look)
	e.asks(t, 0, proof, "--log", look)
	e.must(t, "withdraw", "--statement", "2026-10/statement.dsse.json", "--reason", "The ledger was incomplete.")
	url := e.serves(t, "2026-10")
	for _, look := range []string{look, url} {
		for _, said := range []string{e.judges(t, 1, "bundle", "2026-10.zip", "--log", look), e.asks(t, 1, proof, "--log", look)} {
			lines := strings.Split(strings.TrimSpace(said), "\n")
			for _, line := range []string{lines[0], lines[len(lines)-1]} {
				if !strings.HasPrefix(line, "WITHDRAWN: The ledger was incomplete") {
					t.Errorf("it begins or ends %q", line)
				}
			}
		}
	}
	if said := e.judges(t, 1, "bundle", "2026-10.zip", "--log", look, "--quiet"); !strings.HasPrefix(said, "WITHDRAWN: The ledger was incomplete. NOT PROVEN: ") {
		t.Errorf("in one line: %s", said)
	}
	for _, said := range []string{e.judges(t, 0, "bundle", "2026-10.zip"), e.asks(t, 0, proof)} {
		if has(t, said, "that the exchange has not withdrawn or replaced the statement since"); strings.Contains(said, "WITHDRAWN") {
			t.Error(said)
		}
	}
}

package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// issued is when a signed statement was drawn up.
func (e *exchange) issued(t *testing.T, name string) time.Time {
	t.Helper()
	signed, err := report.Read([]byte(read(t, e.dir, name, report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	return signed.Statement.Predicate.Issued.Time
}

// entered is when the entry of a signed statement was made.
func (e *exchange) entered(t *testing.T, name string) time.Time {
	t.Helper()
	signed, err := attest.ParseEnvelopeOf(attest.PayloadEntry, []byte(read(t, e.dir, name+"-run", fileEntry)))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := report.ParseEntry(signed.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return entry.Issued.Time
}

func timeText(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

// pastes puts what a command printed for trust policies into the policy: the list of keys in place of the one that is there, limits at the end.
func (e *exchange) pastes(t *testing.T, printed string) {
	t.Helper()
	policy := e.policy
	if list := regexp.MustCompile(`(?m)^keys = \["ed25519:.*$`).FindString(printed); list != "" {
		policy = regexp.MustCompile(`(?m)^keys = \["ed25519:.*$`).ReplaceAllLiteralString(policy, list)
	}
	at := strings.Index(printed, "[[key]]")
	if at < 0 {
		t.Fatalf("it printed no [[key]]:\n%s", printed)
	}
	e.write(t, "trust.toml", policy+"\n"+printed[at:])
}

// TestC12_RotatedKey: a key that was replaced keeps what it signed in its time and signs nothing after it; its successor signs from then on. The
// policy is what keys rotate prints.
func TestC12_RotatedKey(t *testing.T) {
	e := newExchange(t, "")
	e.published(t, "2026-09", "2026-09", "2026-09-30T00:00:00Z")
	at := e.entered(t, "2026-09") // what it signed last
	printed := e.must(t, "keys", "rotate", "statement", "--recipient", recipientOf(t, e.dir), "--from", timeText(at), "--until", timeText(at))
	time.Sleep(time.Until(at.Add(time.Second)))
	e.pastes(t, printed)
	e.judges(t, 0, "bundle", "2026-09.zip", "--log", "log")

	// The old key goes on signing, past its time.
	late := e.copied(t)
	late.unwatched(t)
	late.published(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	has(t, late.verdictOf(t, 1, "bundle", "2026-10.zip").failure(t, "statement.signature"), timeText(at))
	has(t, late.verdictOf(t, 1, "log", "log").failure(t, "log.entries"), timeText(at))

	// The new one signs, where the line for assay.toml is pasted and the old key is named as a former one.
	line := regexp.MustCompile(`(?m)^statement = "file:.*"$`).FindString(printed)
	add(t, e.dir, "[keys]\n"+line+"\nformer = [\"keys/statement.pub\"]\n")
	e.published(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	signers := map[string]bool{}
	for _, name := range []string{"2026-09", "2026-10"} {
		for _, id := range e.verdictOf(t, 0, "bundle", name+".zip", "--log", "log").Signers {
			signers[id] = true
		}
	}
	if len(signers) != 2 {
		t.Errorf("signed by %v, want both keys", signers)
	}
	has(t, e.judges(t, 0, "history", "2026-09.zip", "2026-10.zip", "--log", "log"), "WHOLE: ")
	e.judges(t, 0, "log", "log")

	// Before its time the successor signs nothing.
	later := timeText(at.Add(48 * time.Hour))
	e.pastes(t, strings.ReplaceAll(printed, `from = "`+timeText(at), `from = "`+later))
	has(t, e.verdictOf(t, 1, "bundle", "2026-10.zip").failure(t, "statement.signature"), later)
}

// TestC12_RevokedKeyWitnessed: what a key signed counts after its revocation if the witnesses of the log saw it before, and not otherwise.
func TestC12_RevokedKeyWitnessed(t *testing.T) {
	e := newExchange(t, "")
	e.published(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	e.statement(t, "2026-11", "2026-11", "2026-11-20T00:00:00Z") // signed, and never seen by anybody
	proof := e.proof(t, "2026-10")
	revoked := func(at time.Time) { e.pastes(t, e.must(t, "keys", "revoke", "statement", "--at", timeText(at))) }
	e.judges(t, 0, "bundle", "2026-10.zip", "--log", "log")

	revoked(time.Now().Add(time.Hour))
	e.judges(t, 0, "bundle", "2026-10.zip", "--log", "log")
	e.asks(t, 0, proof)
	e.judges(t, 0, "log", "log")
	has(t, e.verdictOf(t, 1, "bundle", "2026-11.zip").failure(t, "statement.signature"), "revoked")

	revoked(e.issued(t, "2026-10"))
	has(t, e.verdictOf(t, 1, "bundle", "2026-10.zip").failure(t, "statement.signature"), "revoked")
	e.asks(t, 1, proof)
	e.judges(t, 1, "log", "log")
}

// TestC12_RevokedKeyTimeStamped: a time stamp by an authority of the policy does the same for the statement.
func TestC12_RevokedKeyTimeStamped(t *testing.T) {
	authority := startTSA(t)
	e := newExchange(t, "")
	add(t, e.dir, authorityConfig("TSA", authority.url, authority.dir+"/ca.pem"))
	e.statement(t, "2026-10", "2026-10", "2026-10-31T00:00:00Z")
	e.policy, _, _ = strings.Cut(e.policy, "\n[log]\n") // this reader knows no log
	revoked := func(at time.Time, stamps string) {
		e.pastes(t, e.must(t, "keys", "revoke", "statement", "--at", timeText(at))+stamps)
	}
	revoked(time.Now().Add(time.Hour), "")
	e.judges(t, 1, "bundle", "2026-10.zip")
	_, stamps, _ := strings.Cut(e.must(t, "timestamp", "--config", "2026-10.toml"), "for a policy:\n")
	has(t, e.verdictOf(t, 1, "bundle", "2026-10.zip").failure(t, "statement.signature"), "revoked") // a stamp by whom nobody knows
	revoked(time.Now().Add(time.Hour), "\n"+stamps)
	if d := e.verdictOf(t, 0, "bundle", "2026-10.zip").detail(t, "timestamps"); !strings.Contains(d, "1 of 1") {
		t.Errorf("timestamps: %s", d)
	}
	revoked(time.Now().Add(-time.Hour), "\n"+stamps)
	has(t, e.verdictOf(t, 1, "bundle", "2026-10.zip").failure(t, "statement.signature"), "revoked")
}

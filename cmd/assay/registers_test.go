package main

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	prng "math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/verifier/claim"
)

// A scribe makes entries of one exchange, some that follow from those before and some that do not.
type scribe struct {
	*prng.Rand
	key        attest.Signer
	issued     report.Time
	statements []report.Entry // entered, in order
	made       int
}

func (s *scribe) digest(what string) *report.Digest {
	d := report.Digest(sha256.Sum256(fmt.Append(nil, what, s.made)))
	return &d
}

// earlier is a statement entered before, mostly the last one.
func (s *scribe) earlier() *report.Digest {
	if len(s.statements) == 0 {
		return s.digest("nobody's")
	}
	i := len(s.statements) - 1
	if s.IntN(3) == 0 {
		i = s.IntN(len(s.statements))
	}
	d := s.statements[i].Statement
	return &d
}

func (s *scribe) entry(t *testing.T) report.Entry {
	t.Helper()
	s.made++
	if kind := s.IntN(4); kind < 2 {
		say := []func(string, report.Digest, string, report.Time) (report.Entry, error){report.NewWithdrawal, report.NewErratum}[kind]
		e, err := say("Demo Exchange", *s.earlier(), fmt.Sprint("Words ", s.made, "."), s.issued)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := report.Entry{Type: report.TypeEntry, Kind: report.EntryStatement, Exchange: "Demo Exchange", Issued: s.issued, Instant: &s.issued,
		Period: []string{"2026-09", "2026-10", "2026-11"}[s.IntN(3)], Series: &report.Series{Name: []string{"main", "daily"}[s.IntN(2)]},
		Envelope: s.digest("envelope"), Snapshot: s.digest("snapshot"), Statement: *s.digest("statement")}
	var last, former *report.Entry
	for i, before := range s.statements {
		if before.Series.Name == e.Series.Name {
			last = &s.statements[i]
			if before.Period == e.Period {
				former = last
			}
		}
	}
	if last != nil {
		e.Series.Number = last.Series.Number + 1
		e.Series.Previous = &last.Statement
	}
	if former != nil {
		e.Series.Supersedes = &report.Supersedes{Reason: "a wrong total", Statement: former.Statement}
	}
	switch s.IntN(8) { // one fault, or none
	case 0:
		e.Series.Number++
	case 1:
		e.Series.Number -= min(e.Series.Number, 1)
	case 2:
		e.Series.Supersedes = nil
	case 3:
		e.Series.Supersedes = &report.Supersedes{Reason: "another one", Statement: *s.earlier()}
	case 4:
		e.Statement = *s.earlier()
	}
	if e.Series.Number > 0 && (e.Series.Previous == nil || s.IntN(8) == 0) {
		e.Series.Previous = s.earlier()
	}
	if e.Series.Number == 0 {
		e.Series.Previous, e.Series.Supersedes = nil, nil
	}
	return e
}

func (s *scribe) signed(t *testing.T, e report.Entry) []byte {
	t.Helper()
	payload, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelopeOf(attest.PayloadEntry, payload, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestC01_BuilderAndVerifierAgreeOnLogs: what assay enters is never a breach to assay-verify, what it refuses as one is one, and both say the same of every
// statement.
func TestC01_BuilderAndVerifierAgreeOnLogs(t *testing.T) {
	key, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := claim.ParsePolicy([]byte(strings.NewReplacer("{{name}}", "Demo Exchange", "{{key}}", key.PublicKey().String()).Replace(read(t, "policy.toml"))))
	if err != nil {
		t.Fatal(err)
	}
	issued, err := now()
	if err != nil {
		t.Fatal(err)
	}
	entered, refused := 0, 0
	for round := range uint64(60) {
		s := &scribe{Rand: prng.New(prng.NewPCG(round, 7)), key: key, issued: issued}
		builder := report.NewRegister("Demo Exchange", key.PublicKey())
		verifier := claim.NewRecord(policy)
		var log [][]byte
		for range 25 {
			e := s.entry(t)
			raw := s.signed(t, e)
			if why := builder.Follows(e); why != nil {
				about := builder.Find(e.Statement)
				if e.Kind == report.EntryWithdrawal && about != nil && about.Withdrawal != nil {
					continue // it would be no breach to say so again
				}
				refused++
				forced := claim.NewRecord(policy)
				for i, before := range append(log[:len(log):len(log)], raw) {
					forced.Add(uint64(i), before, time.Time{})
				}
				if len(forced.Breaches) == 0 {
					t.Fatalf("round %d: assay refuses what is no breach: %v\n%s", round, why, raw)
				}
				continue
			}
			index := uint64(len(log))
			if err := builder.Add(index, raw); err != nil {
				t.Fatal(err)
			}
			if verifier.Add(index, raw, time.Time{}); len(verifier.Breaches) > 0 {
				t.Fatalf("round %d: assay enters a breach: %+v\n%s", round, verifier.Breaches, raw)
			}
			if log = append(log, raw); e.Kind == report.EntryStatement {
				s.statements = append(s.statements, e)
			}
			entered++
			for _, statement := range s.statements {
				sameWord(t, builder, verifier, statement.Statement)
			}
		}
	}
	if entered < 300 || refused < 300 {
		t.Errorf("%d were entered, %d refused: this shows little", entered, refused)
	}
}

// sameWord wants both to say the same of a statement.
func sameWord(t *testing.T, builder *report.Register, verifier *claim.Record, statement report.Digest) {
	t.Helper()
	listed := builder.Find(statement)
	standing, ok := verifier.Standing(claim.Hash(statement))
	if !ok || listed.Index != standing.Index || len(listed.Errata) != len(standing.Errata) {
		t.Fatalf("%s: %+v, %+v", statement, listed, standing)
	}
	want, by := claim.Published, uint64(0)
	if listed.SupersededBy != nil {
		want, by = claim.Superseded, listed.SupersededBy.Index
	}
	if listed.Withdrawal != nil {
		want, by = claim.Withdrawn, listed.Withdrawal.Index
	}
	if standing.State != want || standing.By != by {
		t.Fatalf("%s: to assay %s by #%d, to assay-verify %s by #%d", statement, want, by, standing.State, standing.By)
	}
}

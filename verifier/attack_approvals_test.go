package verifier

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/verifier/claim"
)

// Who approved is told, and told apart from whom the policy believes.
func TestC12_ApprovalsAreTold(t *testing.T) {
	notes := func(v Verdict) string { return strings.Join(v.Notes, "\n") }
	w := newApprovedWorld()
	m := w.make(t)
	v := verify(t, m)
	proven(t, v)
	if a := v.Approvals; a == nil || a.Required != 2 || a.Of != 3 || len(a.By) != 2 || a.Believed != 0 || !strings.Contains(notes(v), "who may approve is the exchange's word") {
		t.Errorf("approvals %+v, notes %q", v.Approvals, v.Notes)
	}
	proven(t, verifyProof(m, m.proof(0, 0), "alice@example.org"))
	w.full = approvalsOf("1", w.approved[0], person("director"))
	v = verify(t, w.make(t))
	proven(t, v)
	if v.Approvals.Believed != 1 || strings.Contains(notes(v), "exchange's word") || find(v, "statement.approvals").Detail != "2 of 3 approved, 2 had to; the policy believes 1 of them and asks for 1" {
		t.Errorf("approvals %+v, notes %q", v.Approvals, v.Notes)
	}
	v = verify(t, newWorld().make(t))
	proven(t, v)
	if !strings.Contains(notes(v), "the statement is unattended: nobody approved it") || len(v.Approvals.By) != 0 {
		t.Errorf("nobody approved, and nobody is told: %q", v.Notes)
	}
}

// m of n by signatures that do not count: reused, doubled, the exchange's own, or by keys of another role.
func TestC12_ApprovalsThatDoNotCount(t *testing.T) {
	treasurer, within, stranger := person("treasurer"), device("auditor within"), person("stranger")
	last := newApprovedWorld().make(t) // the statement that both approved
	for name, c := range map[string]struct {
		edit   func(w *world)
		reason string
	}{
		"reused for another digest": {func(w *world) {
			w.shards[0][0].owed = amounts{}
			w.envelope = func(e obj) {
				var old obj
				if err := json.Unmarshal(last.files[claim.EnvelopePath], &old); err != nil {
					t.Fatal(err)
				}
				for _, s := range old["signatures"].([]any) {
					if s.(obj)["keyid"] == keyID(treasurer.text) {
						sig(e, treasurer)["sig"] = s.(obj)["sig"]
					}
				}
			}
		}, "by the approver's key " + keyID(treasurer.text) + ", does not verify"},
		"one of two":                    {func(w *world) { w.approved = w.approved[1:] }, "1 approved, the statement asks for 2 of 3"},
		"the exchange's key for one":    {func(w *world) { w.approvers[2], w.approved = w.exchange(), w.approved[:1] }, "is the exchange's own, which approves nothing"},
		"a stranger for one":            {func(w *world) { w.approved = []signer{treasurer, stranger} }, "is neither the exchange's nor one of those who may approve"},
		"enough, but not of the policy": {func(w *world) { w.full = approvalsOf("1", stranger) }, "0 approved with a key that the policy believes, it asks for 1"},
		"an auditor's key for one": {func(w *world) {
			w.full = "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + within.text + "\"]\n"
		}, "1 approved, the statement asks for 2 of 3; key " + keyID(within.text) + " is an auditor's by the policy"},
		"a key of yesterday": {func(w *world) {
			w.full = approvalsOf("2", treasurer, within) + limitOfKey(treasurer.text, "until = \"2026-10-31T00:00:00Z\"\n")
		}, "1 approved with a key that the policy believes, it asks for 2; key " + keyID(treasurer.text) + " is believed until"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newApprovedWorld()
			c.edit(w)
			m := w.make(t)
			refused(t, verify(t, m), "statement.approvals", c.reason)
			refused(t, verifyProof(m, m.proof(0, 1), "bob@example.org"), "statement.approvals", c.reason)
		})
	}
}

// A statement beside the proof is held to the same approvals as the one inside.
func TestC12_ApprovalsBesideTheProof(t *testing.T) {
	w := newApprovedWorld()
	m := w.make(t)
	var fewer obj
	if err := json.Unmarshal(m.files[claim.EnvelopePath], &fewer); err != nil {
		t.Fatal(err)
	}
	fewer["signatures"] = slices.DeleteFunc(fewer["signatures"].([]any), func(s any) bool { return s.(obj)["keyid"] == keyID(person("treasurer").text) })
	p := m.proof(0, 0)
	input := ProofInput{Proof: encode(p), Statement: encode(fewer), Policy: m.policy, Customer: "alice@example.org"}
	refused(t, Proof(input), "statement.approvals", "1 approved, the statement asks for 2 of 3")
	p["envelope"] = fewer
	input.Proof, input.Statement = encode(p), m.files[claim.EnvelopePath]
	refused(t, Proof(input), "statement.approvals", "1 approved, the statement asks for 2 of 3")
}

// Whoever steals a key can date what they sign back; what others saw in time they cannot make.
func TestC12_RevokedKey(t *testing.T) {
	w := newApprovedWorld()
	w.full = limitOfKey("KEY", "revoked = \"2026-11-05T00:00:00Z\"\n") + approvalsOf("2", w.approved...) + limitOfKey(w.approved[0].text, "revoked = \"2026-11-06T00:00:00Z\"\n")
	m := w.make(t)
	refused(t, verify(t, m), "statement.signature", "is revoked as of 2026-11-05T00:00:00Z, and nothing that the policy believes shows that it signed before")
	for seen, want := range map[string]string{
		"2026-11-04T23:59:59Z": "", "2026-11-05T00:00:00Z": "statement.signature", "2026-11-07T00:00:00Z": "statement.signature",
	} {
		r := newRun(m.policy)
		at, err := time.Parse(timeForm, seen)
		if err != nil {
			t.Fatal(err)
		}
		r.date(at, "somebody", claim.Hash(h(m.files[claim.EnvelopePath])))
		r.check("statement.signature", nil, func() (string, error) { return r.verifyEnvelope(m.files[claim.EnvelopePath]) })
		r.checkStatement()
		v := r.conclude("")
		if want == "" {
			proven(t, v)
			continue
		}
		refused(t, v, want, "no earlier than "+seen)
	}
}

// What an auditor found is shown, whole; it decides nothing but whether absent leaves are vouched for.
func TestC12_FindingsAreShown(t *testing.T) {
	auditor := device("auditor")
	w := newWorld()
	w.full = "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + auditor.text + "\"]\n"
	w.attach = func(m *made) map[string][]byte {
		return map[string][]byte{
			findingPath(0): finding(auditor, m.payload, func(_, p obj) {
				p["checks"].([]obj)[1]["result"], p["findings"] = "fail", []string{"reserves were not counted by us"}
			}),
			findingPath(1): finding(person("stranger"), m.payload, func(_, p obj) { p["auditor"] = "Other Accountants" }),
		}
	}
	v := verify(t, w.make(t))
	proven(t, v)
	if len(v.Findings) != 2 || !v.Findings[0].Known || v.Findings[1].Known || !slices.Equal(v.Findings[0].NotPassed, []string{"reserves.totals: fail"}) ||
		v.Findings[0].Findings[0] != "reserves were not counted by us" || v.Findings[0].Scope != "liabilities at the instant" {
		t.Errorf("got %+v", v.Findings)
	}
	if !strings.Contains(strings.Join(v.Notes, "\n"), "the policy does not know the auditor Other Accountants: anybody may have made that finding") {
		t.Errorf("notes %q", v.Notes)
	}
}

// An auditor's word stands for absent leaves only where the policy takes it, and never for leaves that are there and wrong.
func TestT08_FindingForAbsentLeaves(t *testing.T) {
	auditor := device("auditor")
	absent := func(edit func(*world)) *made {
		w := newWorld()
		w.policy = strings.Replace(w.policy, "recompute = true", "recompute = true\nfinding = true", 1)
		w.full = "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + auditor.text + "\"]\n"
		w.attach = func(m *made) map[string][]byte {
			return map[string][]byte{findingPath(0): finding(auditor, m.payload, nil)}
		}
		w.sealed = func(f map[string][]byte) { delete(f, leavesPath(1)) }
		edit(w)
		return w.make(t)
	}
	m := absent(func(*world) {})
	v := verify(t, m)
	proven(t, v)
	if v.NotRecomputed != "1 of 2 shards" || !strings.Contains(v.Summary, "1 of 2 shards were not recomputed") || find(v, "liabilities.full").Result != Skipped {
		t.Errorf("what was not recomputed is not told: %q, %s", v.NotRecomputed, v.Summary)
	}
	files, err := Folder(folder(m.files))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, Bundle(files, m.policy, Options{Full: true}), "liabilities.full", "wants every shard recomputed")
	wrong := absent(func(w *world) { w.shards[0][0] = w.shards[0][1] })
	refused(t, verify(t, wrong), "liabilities.full", "")
	wrong = absent(func(w *world) { w.attach = nil })
	refused(t, verify(t, wrong), "liabilities.full", "wants every shard recomputed")
}

// A log's entries say what became of a statement: what was taken back never passes for good, whoever else would say so.
func TestC09_StatesOfAStatement(t *testing.T) {
	w := newWorld()
	exchange, stranger := w.exchange(), person("stranger")
	m := w.make(t)
	envelope := h(m.files[claim.EnvelopePath])
	enter := edited(statementEntry("", 0, "2026-10", "", ""), func(e obj) {
		e["envelope"], e["snapshot"], e["statement"] = hex.EncodeToString(envelope), m.snapshot, hex.EncodeToString(h(m.payload))
	})
	about := func(kind, text string) obj {
		return edited(wordsEntry(kind, "", text), func(e obj) { e["statement"] = hex.EncodeToString(h(m.payload)) })
	}
	instead := edited(statementEntry("new", 1, "2026-10", "", ""), func(e obj) {
		e["series"] = obj{"name": "monthly", "number": 1, "previous": hex.EncodeToString(h(m.payload)), "supersedes": obj{"reason": "a wrong total", "statement": hex.EncodeToString(h(m.payload))}}
	})
	statement, err := claim.ParseStatement(m.payload)
	if err != nil {
		t.Fatal(err)
	}
	record := claim.NewRecord(m.policy)
	for i, step := range []struct {
		entry  string
		state  claim.State
		reason string
		errata int
	}{
		{entryOf(about("withdrawal", "too early"), stranger), "", "", 0},
		{entryOf(enter, exchange), claim.Published, "", 0},
		{entryOf(about("erratum", "for 2 read 3"), exchange), claim.Published, "", 1},
		{entryOf(about("withdrawal", "says a stranger"), stranger), claim.Published, "", 1},
		{entryOf(instead, exchange), claim.Superseded, "a wrong total", 1},
		{entryOf(about("withdrawal", "a wrong ledger"), exchange), claim.Withdrawn, "a wrong ledger", 1},
		{entryOf(enter, exchange), claim.Withdrawn, "a wrong ledger", 1},
		{entryOf(instead, exchange), claim.Withdrawn, "a wrong ledger", 1},
	} {
		record.Add(uint64(i), []byte(step.entry), time.Time{})
		got, entered := record.Standing(statement.Digest)
		if got.State != step.state || got.Reason != step.reason || len(got.Errata) != step.errata || entered != (step.state != "") {
			t.Errorf("after entry %d: got %+v", i, got)
		}
	}
	if len(record.Breaches) != 2 || len(record.Equivocations) != 0 || record.Entries != 8 || record.PassedOver != 0 {
		t.Errorf("got breaches %+v, equivocations %+v, %d entries, %d passed over", record.Breaches, record.Equivocations, record.Entries, record.PassedOver)
	}
	standing, _ := record.Standing(statement.Digest)
	if err := statement.CheckEntry(standing.Entry, claim.Hash(envelope)); err != nil || standing.Index != 1 || standing.By != 5 {
		t.Errorf("the entry that entered it: %v, %+v", err, standing)
	}
}

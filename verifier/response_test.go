package verifier

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/claim"
)

// answerTo makes an answer with its policy, read at the second of its signing.
func answerTo(t testing.TB, edit func(a *answerFixture)) (Answer, *claim.Policy) {
	t.Helper()
	w := newWorld()
	a := newAnswer(w.exchange())
	edit(a)
	now, err := time.Parse(timeForm, a.now)
	if err != nil {
		t.Fatal(err)
	}
	receipt, keys := a.make()
	return Answer{Receipt: []byte(receipt), Keys: []byte(keys), Now: now, Fresh: a.fresh}, w.make(t).policy
}

// An answer to a signed request says so, and that who signed the request was not looked at.
func TestX05_AnswersToSignedRequests(t *testing.T) {
	answer, policy := answerTo(t, (*answerFixture).toSigned)
	v := Response(answer, policy)
	proven(t, v)
	if !v.Answer.Asked || !v.Answer.Host {
		t.Errorf("%+v", v.Answer)
	}
	if diff := cmp.Diff([]string{"it answers one signed request and no other: that of the signature in asked"}, v.Notes); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(v.NotShown, "\n"), "who signed the request that it answers") {
		t.Errorf("%q", v.NotShown)
	}
}

// The verdict says who answered what when, and what it is no word on.
func TestX05_AnswersAreNotTruths(t *testing.T) {
	answer, policy := answerTo(t, func(a *answerFixture) {
		a.nonce("0123456789abcdef")
		a.answered = with([2]string{"date", "Sun, 01 Nov 2026 01:00:00 GMT"}, [2]string{"server", "x"}, [2]string{"server", "y"})
	})
	v := Response(answer, policy)
	proven(t, v)
	if want := "Demo Exchange answered GET /v1/reports?limit=2 with status 200 at 2026-11-01T01:00:00Z. Whether what it answered is true is not shown"; v.Summary != want {
		t.Errorf("got %q, want %q", v.Summary, want)
	}
	signers := []string{keyID(newWorld().exchange().text)}
	want := &Answered{
		Method: "GET", URL: "https://exchange.example/v1/reports?limit=2", Status: 200, Bytes: 14, Shown: true, Created: createdIs, Expires: "2026-11-01T01:01:00Z",
		Nonce: "0123456789abcdef", Key: thumbprintOf(server("now")), ListedBy: signers,
	}
	if diff := cmp.Diff(want, v.Answer); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(signers, v.Signers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"the signature does not cover these fields of the receipt: date, server; they are its keeper's word"}, v.Notes); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"whether what was answered is true", "which host was asked", "the server's own clock", "others who ask"} {
		if !strings.Contains(strings.Join(v.NotShown, "\n"), want) {
			t.Errorf("%q is not among what is not shown: %q", want, v.NotShown)
		}
	}
	for _, c := range v.Checks {
		if c.Title == c.Name || c.Detail == "" {
			t.Errorf("%s: a check in plain words has a title and a sentence", c.Name)
		}
	}

	answer, policy = answerTo(t, (*answerFixture).private)
	v = Response(answer, policy)
	proven(t, v)
	if !strings.Contains(v.Summary, " GET https://exchange.example/v1/reports?limit=2 ") || strings.Contains(strings.Join(v.NotShown, "\n"), "which host") {
		t.Errorf("the host is covered, and the verdict says %q and %q", v.Summary, v.NotShown)
	}
	answer, policy = answerTo(t, func(a *answerFixture) { a.method = "HEAD" })
	if c := find(Response(answer, policy), "response.digest"); c.Result != Pass || c.Detail != "the answer came without content, so none is shown" {
		t.Errorf("no content was shown, and the check says %q", c.Detail)
	}
}

// Nothing of an answer is told before its signature verified, and no check is made on what one before it refused.
func TestX09_AnswerNotSigned(t *testing.T) {
	answer, policy := answerTo(t, func(a *answerFixture) { a.key = server("stranger") })
	v := Response(answer, policy)
	refused(t, v, "response.signature", "is not in the exchange's list")
	if c := find(v, "response.time"); c.Result != Skipped || v.Answer != nil || strings.Contains(v.Summary, "answered") {
		t.Errorf("response.time %s, summary %q, answer %v", c.Result, v.Summary, v.Answer)
	}
	answer.Keys = nil
	v = Response(answer, policy)
	if find(v, "response.keys").Result != Fail || find(v, "response.signature").Result != Skipped || v.Exit != ExitUnreadable {
		t.Errorf("without keys: exit %d, %s", v.Exit, v.Summary)
	}
	answer.Receipt = nil
	if v = Response(answer, policy); find(v, "response.format").Result != Fail || find(v, "response.digest").Result != Skipped || v.Exit != ExitUnreadable {
		t.Errorf("without anything: exit %d, %s", v.Exit, v.Summary)
	}
}

// E11: any bit of the key list matters.
func TestE11_KeyListAltered(t *testing.T) {
	answer, policy := answerTo(t, func(*answerFixture) {})
	proven(t, Response(answer, policy))
	good := answer.Keys
	for i := range good {
		for bit := range 8 {
			answer.Keys = bytes.Clone(good)
			answer.Keys[i] ^= 1 << bit
			if Response(answer, policy).Proven {
				t.Errorf("byte %d, bit %d was changed and nobody noticed", i, bit)
			}
		}
	}
}

// C12: what the exchange signed as something else lists no keys, and a key list is nothing else.
func TestC12_KeyListOfAnotherType(t *testing.T) {
	w := newWorld()
	m := w.make(t)
	answer, policy := answerTo(t, func(*answerFixture) {})
	statement := m.files[claim.EnvelopePath]
	if _, err := claim.ParseEnvelope(answer.Keys); err == nil {
		t.Error("a key list was taken for a statement")
	}
	if _, err := claim.ParseEntry(answer.Keys); err == nil {
		t.Error("a key list was taken for an entry")
	}
	answer.Keys = statement
	refused(t, Response(answer, policy), "response.keys", "payloadType")
}

// A customer's proof with the answer that brought it.
func TestProof_WithItsAnswer(t *testing.T) {
	w := newWorld()
	m := w.make(t)
	raw := encode(m.proof(0, 2))
	input := func(edit func(a *answerFixture)) ProofInput {
		answer, _ := answerTo(t, func(a *answerFixture) {
			a.private()
			a.url, a.path, a.query = "https://exchange.example/v1/proof", "/v1/proof", "?"
			a.content = string(raw)
			edit(a)
		})
		return ProofInput{Proof: raw, Policy: m.policy, Customer: "carol@example.org", Answer: &answer}
	}
	v := Proof(input(func(*answerFixture) {}))
	proven(t, v)
	if c := find(v, "response.content"); c.Detail != "the exchange answered GET https://exchange.example/v1/proof with status 200 at 2026-11-01T01:00:00Z" {
		t.Errorf("got %q", c.Detail)
	}
	if trusted := strings.Join(v.Customer.Trusted, "\n"); !strings.Contains(trusted, "the server's key "+thumbprintOf(server("now"))) {
		t.Errorf("what was trusted is %s", trusted)
	}
	text, err := json.Marshal(v)
	if err != nil || strings.Contains(string(text), "carol") {
		t.Errorf("the verdict repeats the customer id (error %v)", err)
	}
	refused(t, Proof(input(func(a *answerFixture) { a.content = string(encode(m.proof(0, 1))) })), "response.content", "is not this proof")
	refused(t, Proof(input(func(a *answerFixture) { a.method = "HEAD" })), "response.content", "0 bytes")
	refused(t, Proof(input(func(a *answerFixture) { a.key = server("stranger") })), "response.signature", "")
	other := input(func(*answerFixture) {})
	other.Customer = "alice@example.org" // the answer is sound, and the proof is not hers
	v = Proof(other)
	refused(t, v, "proof.root", "")
	if v.Customer != nil || find(v, "response.content").Result != Pass {
		t.Errorf("customer %v, response.content %s", v.Customer, find(v, "response.content").Result)
	}
}

// FuzzResponse: an answer is believed only as it was signed, whatever stands beside it in the files (other signatures, fields that are
// not covered).
func FuzzResponse(f *testing.F) {
	good, policy := answerTo(f, (*answerFixture).private)
	want := Response(good, policy).Answer
	f.Add(good.Receipt, good.Keys)
	f.Fuzz(func(t *testing.T, receipt, keys []byte) {
		v := Response(Answer{Receipt: receipt, Keys: keys, Now: good.Now}, policy)
		same := bytes.Equal(receipt, good.Receipt) && bytes.Equal(keys, good.Keys)
		if v.Proven != (v.Exit == ExitProven) || same && !v.Proven || v.Proven && !cmp.Equal(v.Answer, want) {
			t.Fatalf("proven %v, exit %d: %s: %+v", v.Proven, v.Exit, v.Summary, v.Answer)
		}
	})
}

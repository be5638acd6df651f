package verifier

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/respsig"
)

// Answer is a server's signed answer as somebody kept it, and what it is held against beside the policy (SPEC part 28).
type Answer struct {
	Receipt []byte
	Keys    []byte    // the envelope of the list of the servers' keys
	Now     time.Time // the reader's clock
	Fresh   bool      // the answer must not have expired by then
	Fetched bool      // the reader asked for it, without a nonce, so that one with a nonce answers somebody else
}

// Answered is what a server signed, and is no word on whether it is true (SPEC part 28).
type Answered struct {
	Method   string   `json:"method"`
	URL      string   `json:"url"`
	Host     bool     `json:"host"` // the signature covers the host that was asked; of a public answer it does not
	Status   int      `json:"status"`
	Bytes    int      `json:"bytes"`
	Shown    bool     `json:"shown"` // the receipt has the content
	Created  string   `json:"created"`
	Expires  string   `json:"expires,omitempty"`
	Nonce    string   `json:"nonce,omitempty"`
	Asked    bool     `json:"asked,omitempty"` // it is to the one request that a signature in the receipt names
	Key      string   `json:"key"`             // thumbprint of the server's
	ListedBy []string `json:"listed_by"`       // ids of the exchange's keys that signed the key list
}

// Response makes every check of a signed answer (SPEC part 28).
func Response(answer Answer, policy *claim.Policy) Verdict {
	r := newRun(policy)
	r.checkAnswer(&answer)
	a := r.verdict.Answer
	if a == nil {
		return r.conclude("")
	}
	r.verdict.Signers = a.ListedBy
	r.verdict.NotShown = notShownByAnswer(a)
	return r.conclude(policy.Exchange + " " + a.sentence() + ". Whether what it answered is true is not shown")
}

// checkAnswer makes the checks `response.*`, and fills in the verdict's answer if its signature verified.
func (r *run) checkAnswer(answer *Answer) (signed *respsig.Signed) {
	var keys *respsig.Keys
	var shown bool
	listedBy := []string{}
	r.check("response.format", nil, func() (string, error) {
		receipt, err := respsig.ParseReceipt(answer.Receipt)
		if err == nil {
			signed, err = receipt.Signed()
		}
		if err != nil {
			return "", in("receipt", err)
		}
		return fmt.Sprintf("%s %s, status %d", receipt.Method, receipt.URL, receipt.Status), nil
	})
	r.check("response.digest", []string{"response.format"}, func() (detail string, err error) {
		if shown, err = signed.CheckDigest(); err != nil {
			return "", in("receipt", err)
		}
		if !shown {
			return "the answer came without content, so none is shown", nil
		}
		return fmt.Sprintf("%d bytes", len(signed.Receipt.Content)), nil
	})
	r.check("response.keys", nil, func() (detail string, err error) {
		if keys, listedBy, err = r.serverKeys(answer.Keys); err != nil {
			return "", in("key list", err)
		}
		return fmt.Sprintf("%d keys, listed on %s by key %s", len(keys.List), keys.Issued.Format(timeForm), strings.Join(listedBy, ", ")), nil
	})
	r.check("response.signature", []string{"response.format", "response.keys"}, func() (string, error) {
		key, err := signed.Verify(keys)
		if err != nil {
			return "", in("receipt", err)
		}
		r.verdict.Answer = describeAnswer(signed, shown, listedBy)
		if signed.Receipt.Asked != nil {
			r.note("it answers one signed request and no other: that of the signature in asked")
		}
		if len(signed.Uncovered) > 0 {
			r.note("the signature does not cover these fields of the receipt: %s; they are its keeper's word", strings.Join(signed.Uncovered, ", "))
		}
		return "by key " + key.Thumbprint, nil
	})
	r.check("response.time", []string{"response.signature"}, func() (string, error) {
		if answer.Fetched && signed.Nonce != "" {
			return "", in("receipt", fmt.Errorf("it has the nonce %q, and none was asked for: it answers somebody else", signed.Nonce))
		}
		return signed.Created.Format(timeForm), in("receipt", signed.CheckTime(answer.Now, answer.Fresh))
	})
	return signed
}

// serverKeys reads a key list that the exchange signed, and by which of its keys.
func (r *run) serverKeys(raw []byte) (keys *respsig.Keys, by []string, err error) {
	envelope, err := claim.ParseKeyList(raw)
	if err != nil {
		return nil, nil, err
	}
	signers, err := envelope.Verify(r.policy.Keys)
	if err != nil {
		return nil, nil, err
	}
	if keys, err = respsig.ParseKeys(envelope.Payload); err != nil {
		return nil, nil, err
	}
	if keys.Exchange != r.policy.Exchange {
		return nil, nil, fmt.Errorf("it is of %q, the policy is about %q", keys.Exchange, r.policy.Exchange)
	}
	for _, key := range signers {
		if err := r.policy.CheckLimits(key, keys.Issued, time.Time{}); err != nil {
			return nil, nil, err
		}
		by = append(by, key.ID)
	}
	return keys, by, nil
}

func describeAnswer(s *respsig.Signed, shown bool, listedBy []string) *Answered {
	a := &Answered{
		Method: s.Receipt.Method, URL: s.Receipt.URL, Host: s.Private, Status: s.Receipt.Status, Bytes: len(s.Receipt.Content), Shown: shown,
		Created: s.Created.Format(timeForm), Nonce: s.Nonce, Asked: s.Receipt.Asked != nil, Key: s.KeyID, ListedBy: listedBy,
	}
	if !s.Expires.IsZero() {
		a.Expires = s.Expires.Format(timeForm)
	}
	return a
}

// sentence says what was answered when, as far as the signature covers it.
func (a *Answered) sentence() string {
	asked := a.URL
	if !a.Host {
		_, rest, _ := strings.Cut(a.URL, "://")
		_, path, _ := strings.Cut(rest, "/")
		asked = "/" + path
	}
	return fmt.Sprintf("answered %s %s with status %d at %s", a.Method, asked, a.Status, a.Created)
}

// checkAnswered is the check `response.content`: a customer's proof is what was answered.
func (r *run) checkAnswered(answer *Answer, proof []byte) {
	signed := r.checkAnswer(answer)
	r.check("response.content", []string{"response.digest", "response.time"}, func() (string, error) {
		if content := signed.Receipt.Content; !bytes.Equal(content, proof) {
			return "", fmt.Errorf("receipt: its content, %d bytes, is not this proof, %d bytes", len(content), len(proof))
		}
		return "the exchange " + r.verdict.Answer.sentence(), nil
	})
}

func notShownByAnswer(a *Answered) []string {
	list := []string{"whether what was answered is true: that is what statement, log and proofs are for"}
	if !a.Host {
		list = append(list, "which host was asked: a public answer is the same wherever it comes from")
	}
	if a.Asked {
		list = append(list, "who signed the request that it answers, and what was in it: whoever has that request can hold its signature against the receipt's asked")
	}
	return append(list,
		"that it was answered at that time: it is the server's own clock that says so",
		"that others who ask are answered the same",
		"that the exchange has not listed other keys since, or other times for this one: compare with the list that it serves now",
	)
}

package respsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

// How long an answer may be valid, and how far ahead of the reader's a server's clock may be (SPEC part 28).
const (
	longestPrivate = 300 * time.Second // no-store
	longestPublic  = 60 * time.Second  // neither no-store nor immutable
	skew           = 60 * time.Second
)

const timeForm = "2006-01-02T15:04:05Z"

// Signed is what the signature fields of an answer say, read and not yet believed (SPEC part 28).
type Signed struct {
	Receipt   *Receipt
	Created   time.Time
	Expires   time.Time // zero: it does not
	Nonce     string    // empty: none
	KeyID     string    // thumbprint of the key
	Private   bool      // no-store: the answer was for one caller, and the authority is covered
	Uncovered []string  // names of fields in the receipt that the signature does not cover

	covered   []component
	params    string // of the signature, its components first, as they stand
	digest    []byte // nil: status 304
	signature []byte
	longest   time.Duration // that it may be valid; zero: it must not expire
}

// component is a line of the signature base: what is covered, as the field spells it, and its value.
type component struct{ id, value string }

// fieldsCovered are those that are covered where an answer has them, in their order.
var fieldsCovered = []string{"content-type", "content-encoding", "content-digest", "cache-control", "etag"}

// Signed reads the signature fields, the check `response.format` (SPEC part 28). Errors are *canon.FormatError.
func (r *Receipt) Signed() (*Signed, error) {
	s := &Signed{Receipt: r}
	values := make(map[string]string)
	for _, name := range append([]string{"signature", "signature-input"}, fieldsCovered...) {
		switch list := r.fields(name); {
		case len(list) > 1:
			return nil, fault(name, fmt.Errorf("%d times, want it once", len(list)))
		case len(list) == 1:
			values[name] = list[0]
		case name == "signature" || name == "signature-input" || name == "cache-control", name == "content-digest" && r.Status != 304:
			return nil, fault(name, errors.New("missing: every signed answer has it"))
		}
	}
	if err := s.caching(values["cache-control"]); err != nil {
		return nil, fault("cache-control", err)
	}
	if r.Asked != nil && !s.Private {
		return nil, &canon.FormatError{Field: "asked", Problem: "there without no-store: an answer that is not for one caller is to no one request"}
	}
	if err := s.digested(values["content-digest"]); err != nil {
		return nil, fault("content-digest", err)
	}
	s.cover(values)
	if err := s.input(values["signature-input"]); err != nil {
		return nil, fault("signature-input", err)
	}
	signature, err := member(values["signature"])
	if err == nil {
		s.signature, err = parseBytes(signature, ed25519.SignatureSize)
	}
	if err != nil {
		return nil, fault("signature", err)
	}
	return s, nil
}

func fault(name string, err error) error {
	return &canon.FormatError{Field: "headers: " + name, Problem: err.Error()}
}

// caching reads from cache-control for whom the answer is, and so how long it may be valid.
func (s *Signed) caching(value string) error {
	if !only(value, lower+digits+"-=, ") {
		return errors.New("want a-z 0-9 - =, commas and blanks")
	}
	immutable := false
	for _, directive := range strings.Split(value, ",") {
		switch strings.Trim(directive, " ") {
		case "no-store":
			s.Private = true
		case "immutable":
			immutable = true
		}
	}
	switch {
	case s.Private && immutable:
		return errors.New("no-store and immutable: an answer is not both")
	case s.Private:
		s.longest = longestPrivate
	case !immutable:
		s.longest = longestPublic
	}
	return nil
}

func (s *Signed) digested(value string) (err error) {
	if value == "" {
		return nil
	}
	if s.Receipt.Status == 304 {
		return errors.New("an answer of status 304 has no content, and no digest of one")
	}
	sum, ok := strings.CutPrefix(value, "sha-256=")
	if !ok {
		return errors.New("want sha-256=:…: and nothing else")
	}
	s.digest, err = parseBytes(sum, sha256.Size)
	return err
}

// cover lists what the signature of this answer has to cover, and what of the receipt it does not.
func (s *Signed) cover(values map[string]string) {
	r := s.Receipt
	s.covered = []component{{`"@status"`, strconv.Itoa(r.Status)}}
	for _, name := range fieldsCovered {
		if value, there := values[name]; there {
			s.covered = append(s.covered, component{`"` + name + `"`, value})
		}
	}
	s.covered = append(s.covered, component{`"@method";req`, r.Method}, component{`"@path";req`, r.target.path}, component{`"@query";req`, r.target.query})
	if s.Private {
		s.covered = append(s.covered, component{`"@authority";req`, r.target.authority})
	}
	if r.Asked != nil {
		s.covered = append(s.covered, component{`"signature";key="assay";req`, ":" + base64.StdEncoding.EncodeToString(r.Asked) + ":"})
	}
	for i, h := range r.Headers {
		if _, known := values[h.Name]; !known && (i == 0 || r.Headers[i-1].Name != h.Name) {
			s.Uncovered = append(s.Uncovered, h.Name)
		}
	}
}

// input reads what is covered, which must be what has to be, and the parameters.
func (s *Signed) input(value string) (err error) {
	if s.params, err = member(value); err != nil {
		return err
	}
	ids := make([]string, len(s.covered))
	for i, c := range s.covered {
		ids[i] = c.id
	}
	want := "(" + strings.Join(ids, " ") + ")"
	p := parameters{rest: s.params}
	if !p.has(want) {
		got, _, _ := strings.Cut(s.params, ")")
		return fmt.Errorf("the signature covers %s), of this answer it has to cover %s", got, want)
	}
	p.need(";created=")
	s.Created = p.seconds("created")
	if expires := p.has(";expires="); expires {
		s.Expires = p.seconds("expires")
	}
	if p.has(`;nonce="`) {
		s.Nonce = p.take("nonce", upper+lower+digits+"-_", 16, 64)
		p.need(`"`)
	}
	p.need(`;keyid="`)
	s.KeyID = p.take("keyid", upper+lower+digits+"-_", 43, 43)
	p.need(`";alg="ed25519";tag="assay-response-1"`)
	switch {
	case p.err != nil:
		return p.err
	case p.rest != "":
		return fmt.Errorf("%q follows the last parameter", shortened(p.rest))
	case s.Expires.IsZero() && s.longest > 0:
		return errors.New("the signature does not expire, which only that of an immutable answer does not")
	case !s.Expires.IsZero() && s.longest == 0:
		return errors.New("the signature of an immutable answer expires")
	}
	return nil
}

// Base gives the bytes that were signed (RFC 9421 §2.5).
func (s *Signed) Base() []byte { return base(s.covered, s.params) }

func base(covered []component, params string) []byte {
	var out []byte
	for _, c := range covered {
		out = append(append(append(append(out, c.id...), ": "...), c.value...), '\n')
	}
	return append(append(out, `"@signature-params": `...), params...)
}

// CheckDigest is the check `response.digest` (SPEC part 28). shown is false for an answer that came without the content that its digest
// is of, or has no digest.
func (s *Signed) CheckDigest() (shown bool, err error) {
	if s.Receipt.withoutContent() {
		return false, nil
	}
	if got := sha256.Sum256(s.Receipt.Content); string(got[:]) != string(s.digest) {
		return false, fmt.Errorf("the content's digest is %x, content-digest says %x", got, s.digest)
	}
	return true, nil
}

// Verify is the check `response.signature` (SPEC part 28). Requires a list that the exchange signed.
func (s *Signed) Verify(list *Keys) (Key, error) {
	key, listed := list.find(s.KeyID)
	switch {
	case !listed:
		return Key{}, fmt.Errorf("the key %s is not in the exchange's list", s.KeyID)
	case key.Audit:
		return Key{}, fmt.Errorf("the key %s is listed for the audit log, and signs no answers", s.KeyID)
	case s.Created.Before(key.From):
		return Key{}, fmt.Errorf("the key %s signs from %s on, and this is of %s", s.KeyID, key.From.Format(timeForm), s.Created.Format(timeForm))
	case s.Created.After(key.Until):
		return Key{}, fmt.Errorf("the key %s signed until %s, and this is of %s", s.KeyID, key.Until.Format(timeForm), s.Created.Format(timeForm))
	case !ed25519.Verify(key.public, s.Base(), s.signature): // which asks for s below the group order
		return Key{}, fmt.Errorf("the signature by key %s does not verify: something that it covers is not as it was signed", s.KeyID)
	}
	return key, nil
}

// CheckTime is the check `response.time` (SPEC part 28) by the reader's clock. fresh asks that the answer has not expired.
func (s *Signed) CheckTime(now time.Time, fresh bool) error {
	switch {
	case s.Created.After(now.Add(skew)):
		return fmt.Errorf("signed at %s, which is to come: the reader's clock says %s", s.Created.Format(timeForm), now.Format(timeForm))
	case s.Expires.IsZero():
		return nil
	case s.Expires.Before(s.Created):
		return fmt.Errorf("it expires at %s, before it was signed at %s", s.Expires.Format(timeForm), s.Created.Format(timeForm))
	case s.Expires.Sub(s.Created) > s.longest:
		return fmt.Errorf("it expires %s after it was signed, which is more than %s", s.Expires.Sub(s.Created), s.longest)
	case fresh && now.After(s.Expires):
		return fmt.Errorf("it expired at %s, the reader's clock says %s: ask again", s.Expires.Format(timeForm), now.Format(timeForm))
	}
	return nil
}

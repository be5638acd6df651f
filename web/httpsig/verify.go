package httpsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// What is wrong with an answer. Each comes with a sentence that says more.
var (
	ErrUnsigned  = errors.New("the answer is not signed")
	ErrForm      = errors.New("the answer is not signed in the one form of SPEC part 28")
	ErrDigest    = errors.New("the content is not what was signed")
	ErrKey       = errors.New("no listed key signed the answer")
	ErrSignature = errors.New("the signature does not verify")
	ErrTime      = errors.New("the answer is of another time")
	ErrNonce     = errors.New("the answer is to another question")
)

// lastSecond is the last of the year 9999 (SPEC part 28).
const lastSecond = 253402300799

// skew is how far the server's clock may be ahead of the reader's (SPEC part 28).
const skew = 60 * time.Second

// Answer is an answer, and what it answers.
type Answer struct {
	Method  string
	URL     *url.URL // absolute, as it was asked for
	Nonce   string   // the one that the request asked to have signed; empty if none
	Asked   []byte   // the signature of the request ([Asked]); nil if it was not signed
	Status  int
	Header  http.Header
	Content []byte // as it was sent, content codings included
}

// question is what a client asked.
func (a Answer) question() question {
	q := questionOf(a.Method, a.URL.RequestURI(), a.URL.Scheme, a.URL.Host)
	if a.Asked != nil {
		q.signature = binary(a.Asked)
	}
	return q
}

// Key is a public key, and from when until when it signs answers.
type Key struct {
	Public      ed25519.PublicKey
	From, Until time.Time
}

// Signed is what a signature says of an answer.
type Signed struct {
	KeyID   string
	Created time.Time
	Expires time.Time // zero: the answer is as true later
	Nonce   string
	Digest  string // the value of Content-Digest; empty with status 304
}

// Verify checks an answer (SPEC part 28), and that it answers this question, now: its
// content is what was signed, by one of keys, at a time at which that key signs, and it has
// not expired at now, the reader's clock. An answer that it does not pass is worth nothing,
// whatever it says. The error is one of those of this package ([errors.Is]).
func Verify(a Answer, keys []Key, now time.Time) (Signed, error) {
	s, err := VerifyHead(a, keys, now)
	if err != nil {
		return Signed{}, err
	}
	if err := a.CheckContent(s); err != nil {
		return Signed{}, err
	}
	return s, nil
}

// CheckContent reports why the content is not what was signed. An answer to HEAD has none, nor has a 304.
func (a Answer) CheckContent(s Signed) error {
	if a.Method == http.MethodHead || a.Status == http.StatusNotModified {
		if len(a.Content) > 0 {
			return fmt.Errorf("%w: an answer to %s with status %d has content", ErrDigest, a.Method, a.Status)
		}
		return nil
	}
	if got := ContentDigest(sha256.Sum256(a.Content)); got != s.Digest {
		return fmt.Errorf("%w: its digest is %s, signed was %s", ErrDigest, got, s.Digest)
	}
	return nil
}

// KeyID is the thumbprint that our signature names, so that its key can be looked up; empty
// if there is none. It is a hint: nothing was verified yet.
func KeyID(header http.Header) string {
	input, err := member(header, "signature-input")
	if err != nil {
		return ""
	}
	p, err := parseParams(input)
	if err != nil {
		return ""
	}
	return p.keyID
}

// VerifyHead checks all of an answer but its content, which is not looked at: believe of it
// only what passes [Answer.CheckContent].
func VerifyHead(a Answer, keys []Key, now time.Time) (Signed, error) {
	if a.URL == nil || a.URL.Host == "" || a.URL.Opaque != "" {
		return Signed{}, fmt.Errorf("%w: the URL that was asked for is not absolute", ErrForm)
	}
	input, sig, err := members(a.Header)
	if err != nil {
		return Signed{}, err
	}
	s, message, err := expected(a, input)
	if err != nil {
		return Signed{}, err
	}
	key, err := find(keys, s.KeyID)
	if err != nil {
		return Signed{}, err
	}
	if !ed25519.Verify(key.Public, []byte(message), sig) { // refuses an s that is not below the group order
		return Signed{}, fmt.Errorf("%w: of key %s over %s %s, status %d", ErrSignature, s.KeyID, a.Method, a.URL.EscapedPath(), a.Status)
	}
	switch {
	case s.Created.Before(key.From) || s.Created.After(key.Until):
		return Signed{}, fmt.Errorf("%w: key %s signs from %s until %s, and signed it at %s", ErrTime, s.KeyID, stamp(key.From), stamp(key.Until), stamp(s.Created))
	case s.Created.After(now.Add(skew)):
		return Signed{}, fmt.Errorf("%w: signed at %s, and it is %s: set the clock", ErrTime, stamp(s.Created), stamp(now))
	case !s.Expires.IsZero() && now.After(s.Expires):
		return Signed{}, fmt.Errorf("%w: it expired at %s, and it is %s", ErrTime, stamp(s.Expires), stamp(now))
	case s.Nonce != a.Nonce:
		return Signed{}, fmt.Errorf("%w: its nonce is %q, asked for was %q", ErrNonce, s.Nonce, a.Nonce)
	}
	return s, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func find(keys []Key, id string) (Key, error) {
	for _, k := range keys {
		if len(k.Public) == ed25519.PublicKeySize && Thumbprint(k.Public) == id {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("%w: it names %q, which is none of the %d keys known", ErrKey, id, len(keys))
}

// expected builds the one signature base that the answer may have been signed over, and
// holds the member of Signature-Input to the spelling that it must have.
func expected(a Answer, input string) (Signed, string, error) {
	p, err := parseParams(input)
	if err != nil {
		return Signed{}, "", err
	}
	digest, err := declared(a)
	if err != nil {
		return Signed{}, "", err
	}
	if err := checkCacheControl(a.Header); err != nil {
		return Signed{}, "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	components, err := covered(a.question(), a.Status, a.Header)
	if err != nil {
		return Signed{}, "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	if want := identifiers(components) + p.String(); input != want {
		return Signed{}, "", fmt.Errorf("%w: Signature-Input has %s, want for this answer %s", ErrForm, input, want)
	}
	life := int64(lifetime(a.Header) / time.Second)
	if (life != 0) != (p.expires != 0) || p.expires != 0 && (p.expires < p.created || p.expires > p.created+life) {
		return Signed{}, "", fmt.Errorf("%w: created %d and expires %d (0: never), which its cache-control does not allow", ErrForm, p.created, p.expires)
	}
	s := Signed{KeyID: p.keyID, Created: time.Unix(p.created, 0).UTC(), Nonce: p.nonce, Digest: digest}
	if p.expires != 0 {
		s.Expires = time.Unix(p.expires, 0).UTC()
	}
	return s, base(components, p.String()), nil
}

// declared is the answer's Content-Digest, which a 304 has not and every other answer has.
func declared(a Answer) (string, error) {
	if a.Status < 200 || a.Status > 599 || a.Status == http.StatusPartialContent {
		return "", fmt.Errorf("%w: status %d is no whole answer", ErrForm, a.Status)
	}
	digest, there, err := field(a.Header, "content-digest")
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	if a.Status == http.StatusNotModified {
		if there {
			return "", fmt.Errorf("%w: status 304 with a Content-Digest", ErrForm)
		}
		return "", nil
	}
	text, begins := strings.CutPrefix(digest, "sha-256=")
	if sum, ok := unbinary(text); !begins || !ok || len(sum) != sha256.Size {
		return "", fmt.Errorf("%w: Content-Digest is not sha-256 of one spelling, alone", ErrForm)
	}
	return digest, nil
}

// members are our members of Signature-Input, as it is spelt, and of Signature.
func members(header http.Header) (input string, sig []byte, err error) {
	if len(header["Signature"]) == 0 || len(header["Signature-Input"]) == 0 {
		return "", nil, fmt.Errorf("%w: it has not both Signature and Signature-Input", ErrUnsigned)
	}
	if input, err = member(header, "signature-input"); err != nil {
		return "", nil, err
	}
	text, err := member(header, "signature")
	if err != nil {
		return "", nil, err
	}
	sig, ok := unbinary(text)
	if !ok || len(sig) != ed25519.SignatureSize {
		return "", nil, fmt.Errorf("%w: Signature is not %d bytes in base64", ErrForm, ed25519.SignatureSize)
	}
	return input, sig, nil
}

// member is the text of our member of a dictionary (RFC 9651 §3.2). Others are passed over.
// The library reads a key that stands twice as its last value; here it is refused.
func member(header http.Header, name string) (string, error) {
	value, _, err := field(header, name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	name = textproto.CanonicalMIMEHeaderKey(name)
	if _, err := httpsfv.UnmarshalDictionary([]string{value}); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrForm, name, err)
	}
	var found []string
	for _, m := range split(value) {
		if text, ours := strings.CutPrefix(m, label+"="); ours {
			found = append(found, text)
		} else if m == label || strings.HasPrefix(m, label+";") {
			found = append(found, "")
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: %s has no member %s", ErrUnsigned, name, label)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%w: %s has %d members %s, want one", ErrForm, name, len(found), label)
}

// split cuts a dictionary at the commas that are not in strings, of which alone a valid one's members hold any.
func split(value string) []string {
	var out []string
	quoted, start := false, 0
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			out = append(out, strings.Trim(value[start:i], " \t"))
			start = i + 1
		}
	}
	return append(out, strings.Trim(value[start:], " \t"))
}

// parseParams reads the parameters of our member. Whether they stand in their order, and
// nothing else among them, is seen by spelling them again.
func parseParams(input string) (params, error) {
	malformed := func(what string) (params, error) {
		return params{}, fmt.Errorf("%w: Signature-Input: %s", ErrForm, what)
	}
	parsed, err := httpsfv.UnmarshalDictionary([]string{label + "=" + input})
	if err != nil {
		return malformed(err.Error())
	}
	m, _ := parsed.Get(label)
	list, ok := m.(httpsfv.InnerList)
	if !ok || list.Params == nil {
		return malformed("it is no inner list")
	}
	var p params
	created, _ := list.Params.Get("created")
	if p.created, ok = created.(int64); !ok || p.created <= 0 || p.created > lastSecond {
		return malformed("created is no time")
	}
	if expires, there := list.Params.Get("expires"); there {
		if p.expires, ok = expires.(int64); !ok || p.expires <= 0 || p.expires > lastSecond {
			return malformed("expires is no time")
		}
	}
	if nonce, there := list.Params.Get("nonce"); there {
		if p.nonce, ok = nonce.(string); !ok || !isNonce(p.nonce) {
			return malformed("nonce is not 16 to 64 of A-Z a-z 0-9 - _")
		}
	}
	id, _ := list.Params.Get("keyid")
	if p.keyID, ok = id.(string); !ok || len(p.keyID) != len(Thumbprint(nil)) {
		return malformed("keyid is no thumbprint")
	}
	return p, nil
}

// unbinary reads bytes in their one spelling (RFC 9651 §3.3.5).
func unbinary(text string) ([]byte, bool) {
	if len(text) < 2 || text[0] != ':' || text[len(text)-1] != ':' {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text[1 : len(text)-1])
	return b, err == nil && binary(b) == text
}

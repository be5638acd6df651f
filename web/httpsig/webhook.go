package httpsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

// How far from the receiver's clock the time may be at which a webhook was signed (SPEC part 28); ahead it is as of answers.
const staleWebhook = 300 * time.Second

// webhookFields are what the signature of a webhook covers of its fields.
var webhookFields = [...]string{"content-type", "content-digest"}

// SignWebhook signs a webhook that is about to be sent (SPEC part 28), which has a content-type, and gives it its digest. The
// nonce is of 16 to 64 of A-Z a-z 0-9 - _, drawn anew each time.
func (s *Signer) SignWebhook(r *http.Request, content []byte, nonce string) error {
	if !isNonce(nonce) {
		return errors.New("httpsig: the nonce of a webhook is not 16 to 64 of A-Z a-z 0-9 - _")
	}
	r.Header.Set("Content-Digest", ContentDigest(sha256.Sum256(content)))
	components, err := webhookCovers(r.Method, r.URL, r.Header)
	if err != nil {
		return fmt.Errorf("httpsig: the webhook cannot be signed: %w", err)
	}
	made, err := s.make(components, webhookParams(strconv.FormatInt(s.now().Unix(), 10), nonce, s.id))
	if err != nil {
		return fmt.Errorf("httpsig: %w", err)
	}
	r.Header.Set("Signature-Input", made.input)
	r.Header.Set("Signature", made.value)
	return nil
}

func webhookCovers(method string, at *url.URL, header http.Header) ([]component, error) {
	q := questionOf(method, at.RequestURI(), at.Scheme, at.Host)
	all := []component{{`"@method"`, q.method}, {`"@authority"`, q.authority}, {`"@path"`, q.path}, {`"@query"`, q.query}}
	for _, name := range webhookFields {
		value, there, err := field(header, name)
		if err != nil {
			return nil, err
		}
		if !there {
			return nil, fmt.Errorf("there is no %s", name)
		}
		all = append(all, component{`"` + name + `"`, value})
	}
	return all, nil
}

func webhookParams(created, nonce, keyID string) string {
	return ";created=" + created + `;nonce="` + nonce + `";keyid="` + keyID + `";alg="ed25519";tag="assay-webhook-1"`
}

var webhookForm = regexp.MustCompile(`^\("@method" "@authority" "@path" "@query" "content-type" "content-digest"\);created=([1-9][0-9]{0,11});nonce="([A-Za-z0-9_-]{16,64})";keyid="([A-Za-z0-9_-]{43})";`)

// VerifyWebhook checks a webhook (SPEC part 28): that one of keys signed it lately, for this receiver. At is the URL that the receiver
// gave to the exchange: behind a proxy the request itself may show another. The error is one of those of this package.
func VerifyWebhook(at *url.URL, header http.Header, content []byte, keys []Key, now time.Time) (Signed, error) {
	input, sig, err := members(header)
	if err != nil {
		return Signed{}, err
	}
	components, err := webhookCovers(http.MethodPost, at, header)
	if err != nil {
		return Signed{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	m := webhookForm.FindStringSubmatch(input)
	if m == nil || input != identifiers(components)+webhookParams(m[1], m[2], m[3]) {
		return Signed{}, fmt.Errorf("%w: Signature-Input is not that of a webhook", ErrForm)
	}
	if kind := header.Get("Content-Type"); kind != "application/json" {
		return Signed{}, fmt.Errorf("%w: content-type is not application/json", ErrForm)
	}
	if header.Get("Content-Digest") != ContentDigest(sha256.Sum256(content)) {
		return Signed{}, ErrDigest
	}
	key, err := find(keys, m[3])
	if err != nil {
		return Signed{}, err
	}
	seconds, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || seconds > lastSecond {
		return Signed{}, fmt.Errorf("%w: created is no time", ErrForm)
	}
	s := Signed{KeyID: m[3], Created: time.Unix(seconds, 0).UTC(), Nonce: m[2], Digest: header.Get("Content-Digest")}
	switch {
	case !ed25519.Verify(key.Public, []byte(base(components, webhookParams(m[1], m[2], m[3]))), sig):
		return Signed{}, fmt.Errorf("%w: of key %s over a webhook to %s", ErrSignature, s.KeyID, at.Host)
	case s.Created.Before(key.From) || s.Created.After(key.Until):
		return Signed{}, fmt.Errorf("%w: key %s signs from %s until %s, and signed it at %s", ErrTime, s.KeyID, stamp(key.From), stamp(key.Until), stamp(s.Created))
	case s.Created.After(now.Add(skew)) || s.Created.Before(now.Add(-staleWebhook)):
		return Signed{}, fmt.Errorf("%w: signed at %s, and it is %s", ErrTime, stamp(s.Created), stamp(now))
	}
	return s, nil
}

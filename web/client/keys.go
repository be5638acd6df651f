package client

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/httpsig"
)

// ErrKeys says that the server's key list is not to be believed. It comes with a sentence that says why.
var ErrKeys = errors.New("the list of keys that sign answers is not to be believed")

// keysPath is where a server has its key list (SPEC part 28).
const keysPath = "/.well-known/assay-keys"

const (
	maxList = 1 << 20          // bytes of a key list; 1000 keys are a fifth of it
	fresh   = time.Hour        // a key list is looked at again after so long
	patient = 10 * time.Second // and for a key that it does not name at most so often
	skew    = 60 * time.Second // how far the exchange's clock may be ahead (SPEC part 28)
)

// keyList is a key list that was checked.
type keyList struct {
	raw      []byte // the envelope
	exchange string // its name
	issued   time.Time
	keys     map[string]httpsig.Key // by thumbprint
}

// only is the key that signed, as a list: of a list of a thousand one is looked at.
func (l keyList) only(keyID string) []httpsig.Key {
	if k, ok := l.keys[keyID]; ok {
		return []httpsig.Key{k}
	}
	return nil
}

// Keys returns the key list as the server gave it, an envelope that was checked: keep it
// beside receipts. It is asked for where none is at hand.
func (c *Client) Keys(ctx context.Context) ([]byte, error) {
	l, err := c.known(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return l.raw, nil
}

// verifyHead checks an answer with the key list; where that does not name the key, the list is looked at again.
func (c *Client) verifyHead(ctx context.Context, a httpsig.Answer) (httpsig.Signed, error) {
	l, err := c.known(ctx, false)
	if err != nil {
		return httpsig.Signed{}, err
	}
	signed, err := verifyBy(l, a, c.now())
	if !errors.Is(err, httpsig.ErrKey) {
		return signed, err
	}
	if l, err = c.known(ctx, true); err != nil {
		return httpsig.Signed{}, err
	}
	return verifyBy(l, a, c.now())
}

func verifyBy(l keyList, a httpsig.Answer, now time.Time) (httpsig.Signed, error) {
	return httpsig.VerifyHead(a, l.only(httpsig.KeyID(a.Header)), now)
}

// known returns the key list at hand, or asks for it: where there is none, where it is old, and where a new key may stand in it.
func (c *Client) known(ctx context.Context, renew bool) (keyList, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := fresh
	if renew {
		wait = patient
	}
	if age := c.now().Sub(c.looked); c.list.raw != nil && age >= 0 && age < wait {
		return c.list, nil
	}
	l, err := c.fetch(ctx)
	if err != nil {
		return keyList{}, err
	}
	if l.issued.Before(c.list.issued) {
		return keyList{}, fmt.Errorf("%w: it was issued at %s, and one of %s was seen before", ErrKeys, stamp(l.issued), stamp(c.list.issued))
	}
	c.list, c.looked = l, c.now()
	return l, nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// fetch gets the key list. Its envelope is the exchange's, and the answer is signed by one of its keys.
func (c *Client) fetch(ctx context.Context) (keyList, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.Scheme+"://"+c.base.Host+keysPath, nil)
	if err != nil {
		return keyList{}, err
	}
	resp, err := c.send(r)
	if err != nil {
		return keyList{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxList+1))
	if err != nil {
		return keyList{}, fmt.Errorf("the key list broke off: %w", err)
	}
	if resp.StatusCode != http.StatusOK || len(raw) > maxList {
		return keyList{}, fmt.Errorf("%w: %s is answered with status %d and %d bytes, want 200 and at most %d", ErrKeys, keysPath, resp.StatusCode, len(raw), maxList)
	}
	l, err := c.parse(raw)
	if err != nil {
		return keyList{}, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	a := answerOf(r, resp)
	a.Content = raw
	if _, err := httpsig.Verify(a, l.only(httpsig.KeyID(a.Header)), c.now()); err != nil {
		return keyList{}, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	return l, nil
}

// parse reads a key list (SPEC part 28): signed by the exchange, in its name, not in the future.
func (c *Client) parse(raw []byte) (keyList, error) {
	e, err := attest.ParseEnvelopeOf(attest.PayloadResponseKeys, raw)
	if err != nil {
		return keyList{}, err
	}
	e.Signatures = slices.DeleteFunc(e.Signatures, func(s attest.Signature) bool { // others' are passed over
		return !slices.ContainsFunc(c.trusted, func(k attest.PublicKey) bool { return k.KeyID() == s.KeyID })
	})
	if len(e.Signatures) == 0 {
		return keyList{}, errors.New("no key of the exchange that was given signed it")
	}
	if err := e.Verify(c.trusted...); err != nil {
		return keyList{}, err
	}
	list, err := attest.ParseResponseKeys(e.Payload)
	if err != nil {
		return keyList{}, err
	}
	if c.exchange != "" && list.Exchange != c.exchange {
		return keyList{}, fmt.Errorf("it is of %q, want %q", list.Exchange, c.exchange)
	}
	if list.Issued.After(c.now().Add(skew)) {
		return keyList{}, fmt.Errorf("it was issued at %s, and it is %s", stamp(list.Issued), stamp(c.now()))
	}
	l := keyList{raw: raw, exchange: list.Exchange, issued: list.Issued, keys: make(map[string]httpsig.Key, len(list.Keys))}
	for _, k := range list.Keys {
		if k.Use != "" {
			continue // it signs no answers
		}
		public, err := hex.DecodeString(strings.TrimPrefix(k.Key.String(), string(attest.Ed25519)+":"))
		if err != nil {
			return keyList{}, err
		}
		l.keys[httpsig.Thumbprint(ed25519.PublicKey(public))] = httpsig.Key{Public: public, From: k.From, Until: k.Until}
	}
	return l, nil
}

package authn

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/assay-por/assay/web/store"
)

// Shows reports whether a request shows a credential of any kind, good or not: fields, or a certificate that the server's CA vouches for.
func Shows(r *http.Request) bool { return credentials(r) > 0 || shownCertificate(r) != nil }

// shownCertificate is the SHA-256 of the certificate that the connection's TLS has checked (x5t#S256 of RFC 8705); nil if there is none.
func shownCertificate(r *http.Request) []byte {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	sum := sha256.Sum256(r.TLS.VerifiedChains[0][0].Raw)
	return sum[:]
}

// byCertificate lets in whoever showed that they have the private key of a certificate that an API key is bound to. A certificate
// may be there for another reason, to get at the server at all: one that no key is bound to is no credential. A browser shows one whatever
// page asks: what that would change is not changed for another site's.
func (g *Gate) byCertificate(r *http.Request, sum []byte) (*Principal, error) {
	k, err := g.keys.KeyByCertificate(r.Context(), sum)
	if errors.Is(err, store.ErrUnknown) {
		return nil, fmt.Errorf("%w: no API key is bound to the certificate", ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	client, err := g.keys.Client(r.Context(), k.Client)
	if err != nil {
		return nil, err
	}
	now, good := g.now(), 0
	for _, c := range g.newest(k, withCertificate) {
		if bytes.Equal(c.Certificate, sum) {
			good |= living(c, now)
		}
	}
	switch reason := unusable(k, client, now); {
	case good == 0:
		return nil, notGood(k, Late, fmt.Errorf("%w: API key %s: the certificate is not bound to it any more", ErrInvalid, k.ID))
	case reason != "":
		return nil, notGood(k, over(k), fmt.Errorf("%w: API key %s: %s", ErrInvalid, k.ID, reason))
	case now.After(r.TLS.VerifiedChains[0][0].NotAfter):
		return nil, notGood(k, Late, fmt.Errorf("%w: API key %s: the certificate has expired since the connection was made", ErrInvalid, k.ID))
	case !g.near(k, address(r)):
		return nil, notGood(k, Guessed, fmt.Errorf("%w: API key %s: not for that address", ErrInvalid, k.ID))
	case http.NewCrossOriginProtection().Check(r) != nil:
		return nil, notGood(k, Late, fmt.Errorf("%w: API key %s: a browser shows the certificate for another site's page", ErrInvalid, k.ID))
	}
	return g.in(r.Context(), k, client, now)
}

// The kinds of credentials.
func withSecret(c store.Credential) bool      { return c.MAC != nil }
func withSignature(c store.Credential) bool   { return c.Public != nil }
func withCertificate(c store.Credential) bool { return c.Certificate != nil }

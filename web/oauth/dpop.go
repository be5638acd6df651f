package oauth

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/assay-por/assay/web/authn"
)

// How far the time of a proof may be from now, how long it is remembered, and by which algorithms it is signed.
const (
	proofWindow = 60 * time.Second
	proofKept   = 150 * time.Second
)

var proofAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA}

// proof is a proof of possession (RFC 9449) that was looked at.
type proof struct {
	key  string // the key's RFC 7638 thumbprint
	name string // by which it is told from others
	made time.Time
}

// prove looks at a request's proof; zero if there is none. With a token it must be for that.
func (s *Server) prove(r *http.Request, token string) (proof, error) {
	sent := r.Header.Values("DPoP")
	if len(sent) == 0 {
		return proof{}, nil
	}
	if len(sent) > 1 {
		return proof{}, errors.New("more than one proof")
	}
	signed, header, body, err := readJWT(sent[0], proofAlgorithms)
	if err != nil {
		return proof{}, err
	}
	key := signed.Signatures[0].Protected.JSONWebKey
	if header.text("typ") != "dpop+jwt" || key == nil || !key.IsPublic() {
		return proof{}, errors.New("it is no dpop+jwt with a public key in it")
	}
	if _, err := signed.Verify(key); err != nil {
		return proof{}, err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return proof{}, err
	}
	made, ok := body.at("iat")
	jti := body.text("jti")
	now := s.Now()
	switch {
	case len(jti) < 8 || len(jti) > 256:
		return proof{}, errors.New("its jti has not 8 to 256 bytes")
	case body.text("htm") != r.Method:
		return proof{}, errors.New("it is for another method")
	case !s.isFor(body.text("htu"), r.URL):
		return proof{}, errors.New("it is for another address")
	case !ok || made.Before(now.Add(-proofWindow)) || made.After(now.Add(proofWindow)):
		return proof{}, errors.New("it was made at another time")
	}
	if token != "" {
		if sum := sha256.Sum256([]byte(token)); body.text("ath") != base64.RawURLEncoding.EncodeToString(sum[:]) {
			return proof{}, errors.New("it is for another token")
		}
	}
	thumb := base64.RawURLEncoding.EncodeToString(sum)
	return proof{key: thumb, name: thumb + " " + jti, made: made}, nil
}

// isFor reports whether an address is that of a request under the server's own origin, whatever the request's Host says.
func (s *Server) isFor(address string, at *url.URL) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	own, err := url.Parse(s.Origin)
	if err != nil {
		return false
	}
	return strings.EqualFold(u.Scheme, own.Scheme) && strings.EqualFold(u.Hostname(), own.Hostname()) && port(u) == port(own) && u.EscapedPath() == at.EscapedPath()
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"https": "443", "http": "80"}[strings.ToLower(u.Scheme)]
}

// Share has a server remember the proofs that came with requests to the API elsewhere, with others.
func (s *Server) Share(in authn.Once) { s.shared = in }

// errUnsure says that it cannot be found out whether a proof was taken before.
var errUnsure = errors.New("whether the proof was taken before cannot be found out")

// fresh takes a proof that came with a request to the API, once.
func (s *Server) fresh(ctx context.Context, p proof) error {
	first, full, since := false, false, s.once.since
	if s.shared == nil {
		first, full = s.once.take(p.name, p.made.Add(proofKept), s.Now())
	} else {
		this := sha256.Sum256([]byte("proof " + p.name)) // of no signed request's name, which lie beside it
		var err error
		if first, since, err = s.shared.First(ctx, this[:16], authn.Kept); err != nil {
			return fmt.Errorf("%w: %w", errUnsure, err)
		}
		if !since.IsZero() {
			since = since.Add(slack)
		}
	}
	switch {
	case !p.made.After(since):
		return errors.New("which proofs were taken at the time of this one is forgotten")
	case full:
		return errors.New("too many proofs within two minutes")
	case !first:
		return errors.New("the same proof again")
	}
	return nil
}

// certificate is the thumbprint of the certificate that a request's connection has shown and the server's CA vouches for; empty if there is none.
func certificate(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	sum := sha256.Sum256(r.TLS.VerifiedChains[0][0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// holds says what is missing if a request does not show what a token is bound to.
func (s *Server) holds(r *http.Request, bound cnf, token string, dpop bool) error {
	switch {
	case bound.Key != "":
		if !dpop {
			return errors.New("it is bound to a key, and was shown as if it were not")
		}
		p, err := s.prove(r, token)
		if err != nil {
			return fmt.Errorf("%w: %w", errBadProof, err)
		}
		if p.key != bound.Key {
			return fmt.Errorf("%w: no proof, or of another key", errBadProof)
		}
		if err := s.fresh(r.Context(), p); errors.Is(err, errUnsure) {
			return err
		} else if err != nil {
			return fmt.Errorf("%w: %w", errBadProof, err)
		}
		if bound.Certificate != "" && bound.Certificate != certificate(r) {
			return errors.New("it is bound to another certificate besides")
		}
	case dpop || len(r.Header.Values("DPoP")) > 0:
		return errors.New("it is bound to no key, and was shown as if it were")
	case bound.Certificate != "" && bound.Certificate != certificate(r):
		return errors.New("it is bound to another certificate")
	}
	return nil
}

var errBadProof = errors.New("the proof is not good")

package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/store"
)

// assertionLife is how long an assertion is good at most, and slack how far an app's clock may be from ours.
const (
	assertionLife = 60 * time.Second
	slack         = 5 * time.Second
)

const typeAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

var assertionAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.EdDSA}

// asking is who asks at one of the endpoints, as far as it was shown.
type asking struct {
	app       app
	form      url.Values
	cnf       cnf
	assertion string // by which it is told from others; empty: none was shown
	until     time.Time
	proof     proof
	came      time.Time
}

// who reads a request, and finds out which app it is of. Nothing is taken for used yet.
func (s *Server) who(w http.ResponseWriter, r *http.Request) (a asking, err error) {
	a.came = s.Now()
	if a.form, err = form(w, r); err != nil {
		return a, err
	}
	id := a.form.Get("client_id")
	assertion := a.form.Get("client_assertion")
	var signed *jose.JSONWebSignature
	var header, body claims
	if a.form.Has("client_assertion") || a.form.Has("client_assertion_type") {
		if a.form.Get("client_assertion_type") != typeAssertion {
			return a, fosite.ErrInvalidClient.WithHint("The assertion is of an unknown type.")
		}
		if signed, header, body, err = readJWT(assertion, assertionAlgorithms); err != nil {
			return a, notGood(err)
		}
		if sub := body.text("sub"); id != "" && sub != id {
			return a, notGood(errors.New("the assertion is of another app than client_id"))
		} else if id = sub; id == "" {
			return a, notGood(errors.New("the assertion names no app"))
		}
	}
	if a.app, err = s.app(r.Context(), s.Store, id); errors.Is(err, store.ErrUnknown) {
		return a, notGood(err)
	} else if err != nil {
		return a, err
	}
	switch a.app.kept.Auth {
	case ByKey:
		err = s.asserted(&a, signed, header, body)
	case ByCertificate:
		if signed != nil {
			err = errors.New("an assertion, of an app that shows a certificate")
		} else {
			err = certified(r, a.app.kept.Certificate, s.Now())
		}
	default:
		if signed != nil {
			err = errors.New("an assertion, of an app that shows nothing")
		}
	}
	if err != nil {
		return a, notGood(err)
	}
	if a.proof, err = s.prove(r, ""); err != nil {
		return a, errProof.WithDebug(err.Error())
	}
	if a.cnf.Key = a.proof.key; a.cnf.Key == "" && !a.app.IsPublic() {
		a.cnf.Certificate = certificate(r)
	}
	return a, nil
}

// notGood says that an app did not show who it is. All that may be wrong is told alike.
func notGood(err error) error { return fosite.ErrInvalidClient.WithDebug(err.Error()) }

// asserted looks at an app's assertion (RFC 7523).
func (s *Server) asserted(a *asking, signed *jose.JSONWebSignature, header, body claims) error {
	if signed == nil {
		return errors.New("no assertion, of an app that shows one")
	}
	if typ, there := header["typ"]; there && typ != "JWT" && typ != "client-authentication+jwt" {
		return fmt.Errorf("a JWT of the type %v", typ)
	}
	if _, there := header["jwk"]; there {
		return errors.New("a key of its own in an assertion")
	}
	set, err := readKeys([]byte(a.app.kept.Keys))
	if err != nil {
		return err
	}
	if err := verify(signed, set.Keys); err != nil {
		return err
	}
	now := s.Now()
	until, ok := body.at("exp")
	aud := body.texts("aud")
	switch {
	case body.text("iss") != a.app.ID || body.text("sub") != a.app.ID:
		return errors.New("the assertion is not by the app of itself")
	case len(aud) != 1 || aud[0] != s.Origin && aud[0] != s.Origin+PathToken:
		return errors.New("the assertion is for another server")
	case !ok || !now.Before(until) || until.After(now.Add(assertionLife+slack)):
		return errors.New("the assertion is over, or good for more than a minute")
	case later(body, "iat", now) || later(body, "nbf", now):
		return errors.New("the assertion is of the future")
	case len(body.text("jti")) < 8 || len(body.text("jti")) > 256:
		return errors.New("the assertion's jti has not 8 to 256 bytes")
	}
	a.assertion, a.until = body.text("jti"), until
	return nil
}

// later reports whether a time that a JWT may have is none, or has not come.
func later(body claims, name string, now time.Time) bool {
	if _, there := body[name]; !there {
		return false
	}
	at, ok := body.at(name)
	return !ok || at.After(now.Add(slack))
}

// verify holds a JWT to the keys that its kid names, or, where it names none, to all of them.
func verify(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) error {
	of := signed.Signatures[0].Protected
	for _, k := range keys {
		if of.KeyID != "" && k.KeyID != of.KeyID || k.Algorithm != "" && k.Algorithm != of.Algorithm || k.Use != "" && k.Use != "sig" {
			continue
		}
		if _, err := signed.Verify(k.Key); err == nil {
			return nil
		}
	}
	return errors.New("no known key has signed it")
}

// certified looks for an app's name in the certificate that the connection has shown (RFC 8705).
func certified(r *http.Request, name string, now time.Time) error {
	if certificate(r) == "" {
		return errors.New("no certificate, of an app that shows one")
	}
	leaf := r.TLS.VerifiedChains[0][0]
	if now.After(leaf.NotAfter) {
		return errors.New("the certificate has expired since the connection was made")
	}
	if !slices.Contains(leaf.DNSNames, name) {
		return errors.New("the certificate is of another name")
	}
	return nil
}

// takes what was shown, once.
func (s *Server) takes(ctx context.Context, tx *store.Tx, a asking) error {
	if a.assertion != "" {
		first, err := tx.Answer(ctx, s.mac("assertion", a.app.ID, a.assertion), a.until.Add(slack))
		if err != nil {
			return err
		}
		if !first {
			return notGood(errors.New("the same assertion again"))
		}
	}
	if a.proof.name != "" {
		first, err := tx.Answer(ctx, s.mac("proof", a.proof.name), a.proof.made.Add(proofKept))
		if err != nil {
			return err
		}
		if !first {
			return errProof.WithDebug("the same proof again")
		}
	}
	return nil
}

package client

import (
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/assay-por/assay/web/httpsig"
)

// Signer is an API key without a secret: its client signs what it asks.
type Signer struct {
	ID     string        // of the API key
	Key    crypto.Signer // of Ed25519, whose public half the server has
	Random io.Reader     // nonces come from it: crypto/rand.Reader
}

// credential is what a client shows of itself: one of both, or nothing.
type credential struct {
	apiKey string
	signer *Signer
}

// newCredential refuses one that could not be shown.
func newCredential(apiKey string, s *Signer) (credential, error) {
	switch {
	case apiKey != "" && s != nil:
		return credential{}, errors.New("client: APIKey and Signer are two credentials, and a server takes one")
	case s != nil && (s.ID == "" || s.Key == nil || s.Random == nil):
		return credential{}, errors.New("client: Signer needs the id of the API key, its key, and a source of nonces")
	}
	return credential{apiKey, s}, nil
}

// show puts the credential into a request that is about to be sent.
func (c credential) show(r *http.Request, content []byte, now time.Time) error {
	switch {
	case c.apiKey != "":
		r.Header.Set("Assay-Key", c.apiKey)
		return nil
	case c.signer == nil:
		return errNoCredential
	}
	r.GetBody = nil // net/http sends nothing again by itself whose answer was lost: it is taken once
	var nonce [18]byte
	if _, err := io.ReadFull(c.signer.Random, nonce[:]); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	return httpsig.SignRequest(r, content, c.signer.Key, c.signer.ID, base64.RawURLEncoding.EncodeToString(nonce[:]), now)
}

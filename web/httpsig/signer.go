package httpsig

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Signer signs answers with the response key, which signs nothing else. It may be used
// by many at once.
type Signer struct {
	key crypto.Signer
	id  string
	now func() time.Time

	// Signatures of public answers, so that one of an immutable answer is made once, and of
	// another once a second. What they are kept under is the digest of all that is signed, of
	// immutable answers but the time. There are two generations: when the first is full it
	// becomes the second, and the one before is dropped.
	mu   sync.Mutex
	kept [2]map[[sha256.Size]byte]signature
}

// generation is how many signatures one generation keeps, each about 600 bytes.
const generation = 4096

// signature is what a signed answer carries in Signature-Input and Signature.
type signature struct{ input, value string }

// NewSigner returns the signer of a key of Ed25519, whatever keeps it. Now is the clock
// that created comes from.
func NewSigner(key crypto.Signer, now func() time.Time) (*Signer, error) {
	if key == nil || now == nil {
		return nil, errors.New("httpsig: a key and a clock are both needed")
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("httpsig: a key of type %T, want one of Ed25519, which alone signs answers", key.Public())
	}
	return &Signer{key: key, id: Thumbprint(public), now: now, kept: [2]map[[sha256.Size]byte]signature{{}, {}}}, nil
}

// KeyID is the thumbprint of the signer's public key.
func (s *Signer) KeyID() string { return s.id }

// Thumbprint is the JWK thumbprint of a public key (RFC 7638, RFC 8037 appendix A.3):
// SHA-256, base64url without padding. A signature names its key by it (SPEC part 28).
func Thumbprint(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sign adds the signature to header, which is the answer's and holds its digest already.
func (s *Signer) sign(q question, nonce string, status int, header http.Header) error {
	components, err := covered(q, status, header)
	if err != nil {
		return err
	}
	p := params{created: s.now().Unix(), nonce: nonce, keyID: s.id}
	life := lifetime(header)
	if life != 0 {
		p.expires = p.created + int64(life/time.Second)
	}
	signed, err := s.signature(components, p, nonce == "" && !has(header, noStore))
	if err != nil {
		return err
	}
	header["Signature-Input"], header["Signature"] = []string{signed.input}, []string{signed.value}
	return nil
}

// signature makes a signature, or returns the one that was made before where that may be kept.
func (s *Signer) signature(components []component, p params, keep bool) (signature, error) {
	text, under := p.String(), [sha256.Size]byte{}
	if keep {
		same := text // within a second: Ed25519 would make the same signature again
		if p.expires == 0 {
			same = "" // at any time
		}
		under = sha256.Sum256([]byte(base(components, same)))
		if known, ok := s.known(under); ok {
			return known, nil
		}
	}
	made, err := s.make(components, text)
	if err == nil && keep {
		s.keep(under, made)
	}
	return made, err
}

// make makes a signature over components, with parameters as Signature-Input spells them.
func (s *Signer) make(components []component, params string) (signature, error) {
	sig, err := s.key.Sign(nil, []byte(base(components, params)), crypto.Hash(0)) // Ed25519 needs no randomness
	if err != nil {
		return signature{}, fmt.Errorf("the key did not sign: %w", err)
	}
	if len(sig) != ed25519.SignatureSize {
		return signature{}, fmt.Errorf("the key gave a signature of %d bytes, want %d", len(sig), ed25519.SignatureSize)
	}
	return signature{input: label + "=" + identifiers(components) + params, value: label + "=" + binary(sig)}, nil
}

// label names our signature among those that an answer may carry.
const label = "assay"

// binary spells bytes as a structured field does (RFC 9651 §4.1.8).
func binary(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }

func (s *Signer) known(under [sha256.Size]byte) (signature, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.kept[0][under]; ok {
		return known, true
	}
	known, ok := s.kept[1][under]
	if ok {
		s.put(under, known) // what is asked for stays
	}
	return known, ok
}

func (s *Signer) keep(under [sha256.Size]byte, made signature) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(under, made)
}

// put needs s.mu.
func (s *Signer) put(under [sha256.Size]byte, made signature) {
	if len(s.kept[0]) >= generation {
		s.kept[0], s.kept[1] = map[[sha256.Size]byte]signature{}, s.kept[0]
	}
	s.kept[0][under] = made
}

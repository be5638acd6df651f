package keys

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/openbao/openbao/api/v2"

	"github.com/assay-por/assay/attest"
)

// ErrUnreachable is wrapped by the error of a Transit server that did not answer.
var ErrUnreachable = errors.New("no answer that can be used")

// TransitSigner is a key of a Transit server: it signs there and never leaves it. It
// prints as its public key, whatever the verb.
type TransitSigner struct {
	transit
	public attest.PublicKey
}

// transit is a key of the engine, as it is asked.
type transit struct {
	ctx     context.Context // attest.Signer and KEK hand none in; it lives as long as the command
	client  *api.Client
	ref     TransitRef // of a signer with the version that it was opened at
	forbear string     // the token, to be kept out of errors
}

var _ attest.Signer = (*TransitSigner)(nil)

// OpenTransit asks the server that ref names for the key's public half. The client is
// the only way out, token what it is asked with; ctx ends all that the signer does.
func OpenTransit(ctx context.Context, ref TransitRef, client *http.Client, token string) (*TransitSigner, error) {
	t, data, err := openTransit(ctx, ref, client, token)
	if err != nil {
		return nil, err
	}
	s := &TransitSigner{transit: t}
	if err := s.read(data); err != nil {
		return nil, fmt.Errorf("transit: key %s in %s of %s: %w", ref.Name, ref.Mount, ref.Server, err)
	}
	return s, nil
}

// openTransit asks what the server says of a key.
func openTransit(ctx context.Context, ref TransitRef, client *http.Client, token string) (t transit, data map[string]any, err error) {
	// What the client would read from the environment is for cmd to say.
	c, err := api.NewClient(&api.Config{Address: ref.Server, HttpClient: client, DisableEnvironment: true, DisableRedirects: true})
	if err != nil {
		return t, nil, errors.New("transit: the server's URL cannot be used")
	}
	c.SetToken(token)
	t = transit{ctx: ctx, client: c, ref: ref, forbear: token}
	secret, err := c.Logical().ReadWithContext(ctx, ref.Mount+"/keys/"+ref.Name)
	if err != nil {
		return t, nil, t.fault(err)
	}
	if secret == nil {
		return t, nil, fmt.Errorf("transit: %s has no key %s in %s, or no Transit engine there", ref.Server, ref.Name, ref.Mount)
	}
	return t, secret.Data, nil
}

// read takes the public key and pins its version.
func (s *TransitSigner) read(data map[string]any) error {
	kind, _ := data["type"].(string)
	if derived, _ := data["derived"].(bool); derived {
		return errors.New("it is derived, so it is many keys: make one that is not")
	}
	versions, _ := data["keys"].(map[string]any)
	if s.ref.Version == 0 {
		latest, _ := data["latest_version"].(json.Number)
		n, err := strconv.Atoi(latest.String())
		if err != nil || n < 1 {
			return errors.New("the server does not tell its latest version")
		}
		s.ref.Version = n
	}
	version, ok := versions[strconv.Itoa(s.ref.Version)].(map[string]any)
	if !ok {
		return fmt.Errorf("it has no version %d, or none that may be used", s.ref.Version)
	}
	text, _ := version["public_key"].(string)
	public, err := transitKey(kind, text)
	s.public = public
	return err
}

// transitKey reads a public key as the engine tells it.
func transitKey(kind, text string) (attest.PublicKey, error) {
	switch kind {
	case "ed25519":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return attest.PublicKey{}, errors.New("the server tells no Ed25519 public key")
		}
		return attest.Ed25519Key([32]byte(b)), nil
	case "ecdsa-p256":
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return attest.PublicKey{}, errors.New("the server tells no P-256 public key")
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, ok := parsed.(*ecdsa.PublicKey)
		if err != nil || !ok {
			return attest.PublicKey{}, errors.New("the server tells no P-256 public key")
		}
		return attest.P256Key(public)
	}
	return attest.PublicKey{}, fmt.Errorf("its type is %q, want ed25519 or ecdsa-p256", clean(kind))
}

// PublicKey returns the public half.
func (s *TransitSigner) PublicKey() attest.PublicKey { return s.public }

// Ref returns the reference, with the version that signs.
func (s *TransitSigner) Ref() Ref { return Ref{Transit: &s.ref} }

// Sign has the server sign message (SPEC part 10). Of P-256 it is sent the digest only.
func (s *TransitSigner) Sign(message []byte) ([]byte, error) {
	ask := map[string]any{"key_version": s.ref.Version, "marshaling_algorithm": "jws", "input": base64.StdEncoding.EncodeToString(message)}
	if s.public.Algorithm() == attest.P256 {
		digest := sha256.Sum256(message)
		ask["input"], ask["prehashed"], ask["hash_algorithm"] = base64.StdEncoding.EncodeToString(digest[:]), true, "sha2-256"
	}
	secret, err := s.client.Logical().WriteWithContext(s.ctx, s.ref.Mount+"/sign/"+s.ref.Name, ask)
	if err != nil {
		return nil, s.fault(err)
	}
	var text string
	if secret != nil {
		text, _ = secret.Data["signature"].(string)
	}
	_, signed, _ := strings.Cut(text, ":") // "vault:v1:" and the signature
	digits, ok := strings.CutPrefix(signed, "v"+strconv.Itoa(s.ref.Version)+":")
	if !ok {
		return nil, fmt.Errorf("transit: %s answers without a signature of version %d", s.ref.Server, s.ref.Version)
	}
	sig, err := base64.RawURLEncoding.DecodeString(digits)
	if err != nil || len(sig) != attest.SignatureSize {
		return nil, fmt.Errorf("transit: %s answers with a signature that is not of 64 bytes in base64url", s.ref.Server)
	}
	if s.public.Algorithm() == attest.P256 {
		return lowS(sig)
	}
	return sig, nil
}

// fault makes one sentence of what the client says, without the token, whoever repeats it.
func (s *transit) fault(err error) error {
	var refused *api.ResponseError
	if errors.As(err, &refused) {
		text := strings.Join(refused.Errors, "; ")
		if s.forbear != "" {
			text = strings.ReplaceAll(text, s.forbear, "[token]")
		}
		return fmt.Errorf("transit: %s answers with status %d: %s", s.ref.Server, refused.StatusCode, clean(text))
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	if s.ctx.Err() != nil {
		return fmt.Errorf("transit: %w", s.ctx.Err())
	}
	return fmt.Errorf("transit: %s: %w: %w", s.ref.Server, ErrUnreachable, err)
}

// String returns the public key only.
func (s *TransitSigner) String() string { return "signer " + s.public.String() }

// Format prints the public key only, whatever the verb.
func (s TransitSigner) Format(f fmt.State, _ rune) { io.WriteString(f, "signer "+s.public.String()) } //nolint:errcheck // fmt.State keeps its own error

// LogValue logs the public key only.
func (s TransitSigner) LogValue() slog.Value { return slog.StringValue(s.public.String()) }

// MarshalText writes the public key only.
func (s TransitSigner) MarshalText() ([]byte, error) { return s.public.MarshalText() }

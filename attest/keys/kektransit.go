package keys

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/openbao/openbao/api/v2"
)

// TransitKEK is a KEK in a Transit server, of type aes256-gcm96: keys go there to be wrapped and unwrapped. It prints as its
// place, whatever the verb.
type TransitKEK struct{ transit }

var _ KEK = (*TransitKEK)(nil)

// OpenTransitKEK asks the server that ref names whether the key is one to wrap with. Its newest version wraps, and each version
// unwraps what it wrapped; ref names none. As of [OpenTransit], client is the only way out.
func OpenTransitKEK(ctx context.Context, ref TransitRef, client *http.Client, token string) (*TransitKEK, error) {
	if ref.Version != 0 {
		return nil, errors.New("transit: a key that wraps is named without a version: the server knows which one wrapped what")
	}
	t, data, err := openTransit(ctx, ref, client, token)
	if err != nil {
		return nil, err
	}
	kind, _ := data["type"].(string)
	derived, _ := data["derived"].(bool)
	if kind != "aes256-gcm96" || derived {
		return nil, fmt.Errorf("transit: key %s in %s of %s: its type is %q, want aes256-gcm96, not derived", ref.Name, ref.Mount, ref.Server, clean(kind))
	}
	return &TransitKEK{t}, nil
}

// Encrypt has the server wrap a key.
func (k *TransitKEK) Encrypt(key, associated []byte) ([]byte, error) {
	text, err := k.ask("encrypt", "plaintext", base64.StdEncoding.EncodeToString(key), "ciphertext", associated)
	if err == nil && !strings.Contains(text, ":v") {
		err = fmt.Errorf("transit: %s answers without a wrapped key", k.ref.Server)
	}
	return []byte(text), err
}

// Decrypt has the server unwrap a key. The error is [ErrNotWrapped] if the server refuses what it is given.
func (k *TransitKEK) Decrypt(wrapped, associated []byte) ([]byte, error) {
	text, err := k.ask("decrypt", "ciphertext", string(wrapped), "plaintext", associated)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("transit: %s answers without a key in base64", k.ref.Server)
	}
	return key, nil
}

func (k *TransitKEK) ask(verb, name, value, want string, associated []byte) (string, error) {
	secret, err := k.client.Logical().WriteWithContext(k.ctx, k.ref.Mount+"/"+verb+"/"+k.ref.Name,
		map[string]any{name: value, "associated_data": base64.StdEncoding.EncodeToString(associated)})
	var refused *api.ResponseError
	if verb == "decrypt" && errors.As(err, &refused) && refused.StatusCode == http.StatusBadRequest {
		return "", fmt.Errorf("%w: %w", ErrNotWrapped, k.fault(err))
	}
	if err != nil {
		return "", k.fault(err)
	}
	var text string
	if secret != nil {
		text, _ = secret.Data[want].(string)
	}
	return text, nil
}

// String returns the key's place only.
func (k *TransitKEK) String() string { return kindKEK + " " + k.ref.String() }

// Format prints the key's place only, whatever the verb.
func (k TransitKEK) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) } //nolint:errcheck // fmt.State keeps its own error

// LogValue logs the key's place only.
func (k TransitKEK) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText writes the key's place only.
func (k TransitKEK) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

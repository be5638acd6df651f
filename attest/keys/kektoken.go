package keys

import (
	"fmt"
	"io"
	"log/slog"
)

// TokenKEK is a KEK in a PKCS#11 token: an AES key of 256 bits that never leaves it. It prints as nothing but what it is,
// whatever the verb. [TokenKEK.Close] ends its session.
type TokenKEK struct{ session *session }

var _ KEK = (*TokenKEK)(nil)

// OpenTokenKEK logs in to the token that ref names and finds the secret key. pin is asked only if the token wants one.
func OpenTokenKEK(ref TokenRef, pin func() ([]byte, error)) (*TokenKEK, error) {
	s, err := openKEK(ref, pin)
	if err != nil {
		return nil, err
	}
	return &TokenKEK{s}, nil
}

// Encrypt has the token wrap a key (CKM_AES_GCM, under a nonce that the token draws).
func (k *TokenKEK) Encrypt(key, associated []byte) ([]byte, error) {
	return k.session.wrap(key, associated)
}

// Decrypt has the token unwrap a key, or returns [ErrNotWrapped].
func (k *TokenKEK) Decrypt(wrapped, associated []byte) ([]byte, error) {
	return k.session.unwrap(wrapped, associated)
}

// Close ends the session; nothing can be wrapped afterwards.
func (k *TokenKEK) Close() error { return k.session.close() }

// String says what it is, and nothing of it.
func (k *TokenKEK) String() string { return kindKEK + " in a token" }

// Format says what it is, whatever the verb.
func (k TokenKEK) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) } //nolint:errcheck // fmt.State keeps its own error

// LogValue logs what it is.
func (k TokenKEK) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText writes what it is.
func (k TokenKEK) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

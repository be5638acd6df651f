package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// ErrNotWrapped is returned for what a KEK did not wrap, or not with that text beside it.
var ErrNotWrapped = errors.New("it was not wrapped by this key, or it was altered")

// KEK is a key that wraps other keys, and nothing else: AES-256-GCM, wherever it lies. What is wrapped opens only with the same
// associated text beside it ([ErrNotWrapped]).
type KEK interface {
	Encrypt(key, associated []byte) ([]byte, error)
	Decrypt(wrapped, associated []byte) ([]byte, error)
}

const kekPrefix = "aes256:"

// FileKEK is a KEK of a sealed file, opened. It prints as nothing but what it is, whatever the verb.
type FileKEK struct {
	aead cipher.AEAD
	line string // as it is sealed
}

var _ KEK = (*FileKEK)(nil)

// GenerateKEK makes a new KEK out of rand.
func GenerateKEK(rand io.Reader) (*FileKEK, error) {
	var secret [32]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return nil, fmt.Errorf("new %s: %w", kindKEK, err)
	}
	return newKEK(kekPrefix + hex.EncodeToString(secret[:]))
}

// newKEK reads the line of a sealed KEK. Its error carries nothing of it.
func newKEK(line string) (*FileKEK, error) {
	digits, ok := strings.CutPrefix(line, kekPrefix)
	secret, err := hex.DecodeString(digits)
	if !ok || err != nil || len(secret) != 32 {
		return nil, ErrNotSealed
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &FileKEK{aead, line}, err
}

// Save seals the KEK in a new file at path. It has no public half.
func (k *FileKEK) Save(path string, lock Lock) error {
	sealed, err := seal(kindKEK, k.line, lock)
	if err == nil {
		err = create(path, sealed, 0o600)
	}
	if err != nil {
		return fmt.Errorf("saving the %s: %w", kindKEK, err)
	}
	return nil
}

// OpenKEK opens the sealed KEK that ref names ("file:PATH").
func OpenKEK(ref string, unlock Unlock) (*FileKEK, error) {
	path, err := FilePath(ref)
	if err != nil {
		return nil, err
	}
	line, err := openFile(path, kindKEK, unlock)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kindKEK, err)
	}
	k, err := newKEK(line)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", kindKEK, path, err)
	}
	return k, nil
}

// Encrypt wraps a key.
func (k *FileKEK) Encrypt(key, associated []byte) ([]byte, error) {
	return k.aead.Seal(nil, nil, key, associated), nil
}

// Decrypt unwraps a key, or returns [ErrNotWrapped].
func (k *FileKEK) Decrypt(wrapped, associated []byte) ([]byte, error) {
	key, err := k.aead.Open(nil, nil, wrapped, associated)
	if err != nil {
		return nil, ErrNotWrapped
	}
	return key, nil
}

// String says what it is, and nothing of it.
func (k *FileKEK) String() string { return kindKEK }

// Format says what it is, whatever the verb.
func (k FileKEK) Format(f fmt.State, _ rune) { io.WriteString(f, kindKEK) } //nolint:errcheck // fmt.State keeps its own error

// LogValue logs what it is.
func (k FileKEK) LogValue() slog.Value { return slog.StringValue(kindKEK) }

// MarshalText writes what it is.
func (k FileKEK) MarshalText() ([]byte, error) { return []byte(kindKEK), nil }

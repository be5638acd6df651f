package keys

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"filippo.io/age"
)

// Identity is the snapshot key: the age X25519 identity that opens shard files and
// the snapshot's secret. It prints as its recipient, whatever the verb.
type Identity struct{ id *age.X25519Identity }

var _ age.Identity = (*Identity)(nil)

// GenerateIdentity makes a new identity; age draws its randomness itself.
func GenerateIdentity() (*Identity, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("new snapshot key: %w", err)
	}
	return &Identity{id}, nil
}

// Recipient returns the public half, to which files are sealed.
func (i *Identity) Recipient() *age.X25519Recipient { return i.id.Recipient() }

// Unwrap makes Identity an age.Identity.
func (i *Identity) Unwrap(stanzas []*age.Stanza) ([]byte, error) { return i.id.Unwrap(stanzas) }

// String returns the recipient only.
func (i *Identity) String() string { return "identity of " + i.id.Recipient().String() }

// Format prints the recipient only, whatever the verb.
func (i Identity) Format(f fmt.State, _ rune) {
	io.WriteString(f, "identity of "+i.id.Recipient().String()) //nolint:errcheck // fmt.State keeps its own error
}

// LogValue logs the recipient only.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.id.Recipient().String()) }

// MarshalText writes the recipient only.
func (i Identity) MarshalText() ([]byte, error) { return []byte(i.id.Recipient().String()), nil }

// Save seals the identity in a new file at path, with its recipient beside it.
func (i *Identity) Save(path string, lock Lock) error {
	if err := save(path, kindIdentity, i.id.String(), i.id.Recipient().String(), lock); err != nil {
		return fmt.Errorf("saving the snapshot key: %w", err)
	}
	return nil
}

// OpenIdentity opens the snapshot key that ref names ("file:PATH").
func OpenIdentity(ref string, unlock Unlock) (*Identity, error) {
	path, err := FilePath(ref)
	if err != nil {
		return nil, err
	}
	line, err := openFile(path, kindIdentity, unlock)
	if err != nil {
		return nil, fmt.Errorf("snapshot key: %w", err)
	}
	id, err := age.ParseX25519Identity(line)
	if err != nil { // age's error could show the secret's text
		return nil, fmt.Errorf("snapshot key: %s: %w", path, ErrNotSealed)
	}
	if err := samePublic(path, id.Recipient().String()); err != nil {
		return nil, fmt.Errorf("snapshot key: %w", err)
	}
	return &Identity{id}, nil
}

// Recipient reads the public half of the snapshot key that ref names, without
// opening the sealed file.
func Recipient(ref string) (*age.X25519Recipient, error) {
	path, err := FilePath(ref)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(PublicPath(path))
	if err != nil {
		return nil, fmt.Errorf("snapshot key: %w", err)
	}
	r, err := age.ParseX25519Recipient(strings.TrimSuffix(string(b), "\n"))
	if err != nil {
		return nil, fmt.Errorf("snapshot key: %s: not an age recipient (age1…)", PublicPath(path))
	}
	return r, nil
}

package keys

import (
	"encoding/hex"
	"fmt"
	"strings"
)

const (
	secretPrefix = "snapshot-secret:"
	drawPrefix   = "draw-seed:"
)

// SaveSecret seals the secret of one snapshot (SPEC part 5) in a new file at path.
func SaveSecret(path string, secret [32]byte, lock Lock) error {
	return saveSecret(path, kindSecret, secretPrefix, secret, lock)
}

// OpenSecret opens the secret of one snapshot (SPEC part 5) at path.
func OpenSecret(path string, unlock Unlock) (secret [32]byte, err error) {
	return openSecret(path, kindSecret, secretPrefix, unlock)
}

// SaveDrawSeed seals the seed of a drawn instant (SPEC part 21) in a new file at path.
// It is a kind of its own: a seed is published in the end, a snapshot's secret never.
func SaveDrawSeed(path string, seed [32]byte, lock Lock) error {
	return saveSecret(path, kindDrawSeed, drawPrefix, seed, lock)
}

// OpenDrawSeed opens the seed of a drawn instant (SPEC part 21) at path.
func OpenDrawSeed(path string, unlock Unlock) (seed [32]byte, err error) {
	return openSecret(path, kindDrawSeed, drawPrefix, unlock)
}

func saveSecret(path, kind, prefix string, secret [32]byte, lock Lock) error {
	sealed, err := seal(kind, prefix+hex.EncodeToString(secret[:]), lock)
	if err != nil {
		return fmt.Errorf("saving the %s: %w", kind, err)
	}
	if err := create(path, sealed, 0o600); err != nil {
		return fmt.Errorf("saving the %s: %w", kind, err)
	}
	return nil
}

func openSecret(path, kind, prefix string, unlock Unlock) (secret [32]byte, err error) {
	line, err := openFile(path, kind, unlock)
	if err != nil {
		return secret, fmt.Errorf("%s: %w", kind, err)
	}
	digits, ok := strings.CutPrefix(line, prefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(secret) {
		return secret, fmt.Errorf("%s: %s: %w", kind, path, ErrNotSealed)
	}
	return [32]byte(b), nil
}

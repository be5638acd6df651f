package keys

import (
	"encoding/hex"
	"fmt"
	"strings"
)

const secretPrefix = "snapshot-secret:"

// SaveSecret seals the secret of one snapshot (SPEC part 5) in a new file at path.
func SaveSecret(path string, secret [32]byte, lock Lock) error {
	sealed, err := seal(kindSecret, secretPrefix+hex.EncodeToString(secret[:]), lock)
	if err != nil {
		return fmt.Errorf("saving the snapshot secret: %w", err)
	}
	if err := create(path, sealed, 0o600); err != nil {
		return fmt.Errorf("saving the snapshot secret: %w", err)
	}
	return nil
}

// OpenSecret opens the secret of one snapshot (SPEC part 5) at path.
func OpenSecret(path string, unlock Unlock) (secret [32]byte, err error) {
	line, err := openFile(path, kindSecret, unlock)
	if err != nil {
		return secret, fmt.Errorf("snapshot secret: %w", err)
	}
	digits, ok := strings.CutPrefix(line, secretPrefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(secret) {
		return secret, fmt.Errorf("snapshot secret: %s: %w", path, ErrNotSealed)
	}
	return [32]byte(b), nil
}

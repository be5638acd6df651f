package keys

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// CreatePepper writes the pepper under which a server keeps the secrets of its API keys, never over another ([ErrExists]).
// It is not sealed, so that keys are made without a passphrase: alone it opens nothing, nor does the database alone.
func CreatePepper(path string, pepper [32]byte) error {
	return create(path, []byte(hex.EncodeToString(pepper[:])+"\n"), 0o600)
}

// ReadPepper reads it from a file that nobody else can read. One that is not there is fs.ErrNotExist.
func ReadPepper(path string) (pepper [32]byte, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return pepper, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return pepper, fmt.Errorf("%s: others can read it (mode %v): chmod 600", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return pepper, err
	}
	content, err := hex.DecodeString(strings.TrimSuffix(string(raw), "\n"))
	if err != nil || len(content) != len(pepper) {
		return pepper, fmt.Errorf("%s: want %d hex digits, and nothing else", path, 2*len(pepper))
	}
	return [32]byte(content), nil
}

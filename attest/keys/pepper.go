package keys

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// ReadPepper reads the pepper of a server's API keys from the file that former versions kept it in, which nobody else can read. One that
// is not there is fs.ErrNotExist.
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

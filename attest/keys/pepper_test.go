package keys

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPepper(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pepper")
	if _, err := ReadPepper(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	want := [32]byte{1, 2, 3}
	if err := os.WriteFile(path, []byte(hex.EncodeToString(want[:])+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadPepper(path); err != nil || got != want {
		t.Errorf("%x %v", got, err)
	}
	for _, text := range []string{"", "\n", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("g", 64), strings.Repeat("0", 64) + "\n\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPepper(path); err == nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPepper(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
}

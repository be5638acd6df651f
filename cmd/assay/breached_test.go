package main

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestBreached: each password of a list is found, whatever its line ends with, and no other.
func TestBreached(t *testing.T) {
	var lines []string
	for i := range 500 {
		sum := sha1.Sum(fmt.Appendf(nil, "leaked %d", i))
		lines = append(lines, strings.ToUpper(hex.EncodeToString(sum[:])))
	}
	slices.Sort(lines)
	for name, end := range map[string]func(i int) string{
		"counts":  func(i int) string { return fmt.Sprintf(":%d\r\n", i*i*i) },
		"nothing": func(int) string { return "\n" },
	} {
		var list strings.Builder
		for i, line := range lines {
			list.WriteString(line + end(i))
		}
		path := filepath.Join(t.TempDir(), "list.txt")
		if err := os.WriteFile(path, []byte(strings.TrimSpace(list.String())), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := openBreached(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 500 {
			if found, err := b.has(fmt.Sprintf("leaked %d", i)); !found || err != nil {
				t.Errorf("%s: %d is not found: %v", name, i, err)
			}
			if found, err := b.has(fmt.Sprintf("other %d", i)); found || err != nil {
				t.Errorf("%s: %d is found: %v", name, i, err)
			}
		}
	}
	for name, content := range map[string]string{"empty": "", "words": "password\n123456\n", "not in order": lines[9] + "\n" + lines[3] + "\n", "long lines": strings.Repeat("A", 500)} {
		path := filepath.Join(t.TempDir(), "list.txt")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openBreached(path); err == nil {
			t.Errorf("%s: it is taken for a list", name)
		}
	}
}

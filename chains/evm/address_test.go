package evm

import (
	"strings"
	"testing"
)

func TestB21_AddressSpellings(t *testing.T) {
	const want = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
	for _, good := range []string{want, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x" + strings.ToUpper(want[2:])} {
		if got, err := ParseAddress(good); err != nil || got != want {
			t.Errorf("%s: got %q, %v", good, got, err)
		}
	}
	for bad, problem := range map[string]string{
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed":  "checksum",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe":   "not an address",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd": "not an address",
		"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed":    "not an address",
		"0xzzzeb6053f3e94c9b9a09f33669435e7ef1beaed":  "not an address",
		want + " " + want:        "not an address",
		"":                       "not an address",
		strings.Repeat("x", 200): "…",
	} {
		if _, err := ParseAddress(bad); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: got %v, want a refusal with %q", bad, err, problem)
		}
	}
}

package evidence

import (
	"encoding/hex"
	"strings"
)

// decodeHex decodes lower-case hex of an even length: upper case is another spelling and refused (SPEC part 2).
func decodeHex(text []byte) ([]byte, bool) {
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return nil, false
		}
	}
	out := make([]byte, hex.DecodedLen(len(text)))
	_, err := hex.Decode(out, text)
	return out, err == nil
}

// isNumber: digits without a leading zero.
func isNumber(s string) bool {
	return s != "" && len(s) <= 32 && (s == "0" || s[0] != '0') && strings.Trim(s, "0123456789") == ""
}

// evmAddress takes `0x` and 40 lower-case hex digits.
func evmAddress(s string) (address [20]byte, ok bool) {
	digits, prefixed := strings.CutPrefix(s, "0x")
	raw, valid := decodeHex([]byte(digits))
	if !prefixed || !valid || len(raw) != len(address) {
		return address, false
	}
	return [20]byte(raw), true
}

// reversed turns a Bitcoin hash from hashing order to the order in which it is printed, and back.
func reversed(h [32]byte) [32]byte {
	for i, j := 0, len(h)-1; i < j; i, j = i+1, j-1 {
		h[i], h[j] = h[j], h[i]
	}
	return h
}

// printed is a Bitcoin hash as Bitcoin's tools print it.
func printed(h [32]byte) string {
	h = reversed(h)
	return hex.EncodeToString(h[:])
}

// isLabel: 1 to 64 printable ASCII.
func isLabel(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

package xrpl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// The ledger's own base58 alphabet, and the usual one.
const (
	alphabet = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
	usual    = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
)

// ParseAddress returns an address as people write it in its one spelling:
// base58check of 0x00 and 20 bytes, in the ledger's alphabet (SPEC part 2). An
// X-address is refused: it is an address and a tag, which names a customer and
// not an account.
func ParseAddress(text string) (string, error) {
	const shortest, longest = 25, 35
	if len(text) > longest && (text[0] == 'X' || text[0] == 'T') {
		return "", fmt.Errorf("%q is an X-address, which holds a tag: want the classic address, which begins with r", clipped(text))
	}
	if len(text) < shortest || len(text) > longest {
		return "", fmt.Errorf("%q is not an address of the XRP Ledger: want r and 24 to 34 base58 characters", clipped(text))
	}
	translated := translate(text, alphabet, usual)
	payload, version, err := base58.CheckDecode(translated)
	switch {
	case errors.Is(err, base58.ErrChecksum):
		return "", fmt.Errorf("the checksum of address %q is wrong: a character was changed", text)
	case err != nil || version != 0 || len(payload) != 20 || base58.CheckEncode(payload, version) != translated:
		return "", fmt.Errorf("%q is not an address of the XRP Ledger: want base58check of 0x00 and 20 bytes", clipped(text))
	}
	return text, nil
}

// translate writes a text in another alphabet. What is in neither becomes a
// character that is in none.
func translate(text, from, to string) string {
	return strings.Map(func(r rune) rune {
		if i := strings.IndexRune(from, r); i >= 0 {
			return rune(to[i])
		}
		return '0'
	}, text)
}

// clipped keeps a hostile line from filling a message.
func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

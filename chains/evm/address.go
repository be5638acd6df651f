package evm

import (
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// ParseAddress returns an address as people write it in its canonical form: `0x`
// and 40 lower-case digits (SPEC part 2). An address in mixed case must have the
// right EIP-55 checksum; one in lower or upper case has none to check.
func ParseAddress(text string) (string, error) {
	if !common.IsHexAddress(text) || !strings.HasPrefix(text, "0x") {
		return "", fmt.Errorf("%q is not an address: want 0x and 40 hex digits", clipped(text))
	}
	digits := text[2:]
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && common.HexToAddress(text).Hex() != text {
		return "", fmt.Errorf("the checksum of address %s is wrong: a digit or a letter's case was changed", text)
	}
	return strings.ToLower(text), nil
}

// clipped keeps a hostile line from filling a message.
func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

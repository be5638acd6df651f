package solana

import (
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// ParseAddress returns an address as people write it in its one spelling:
// base58 of 32 bytes (SPEC part 2). Solana's addresses have no checksum, so a
// slip of the pen mostly shows only in a length that is not 32 bytes.
func ParseAddress(text string) (string, error) {
	if err := check32(text); err != nil {
		return "", err
	}
	return text, nil
}

// check32 refuses what is not base58 of 32 bytes.
func check32(text string) error {
	const shortest, longest = 32, 44 // characters for 32 bytes
	if len(text) >= shortest && len(text) <= longest {
		if b := base58.Decode(text); len(b) == 32 && base58.Encode(b) == text {
			return nil
		}
	}
	return fmt.Errorf("%q is not base58 of 32 bytes", clipped(text))
}

// clipped keeps a hostile line from filling a message.
func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

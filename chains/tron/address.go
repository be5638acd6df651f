package tron

import (
	"errors"
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"
)

// version is the first byte of every address.
const version = 0x41

// ParseAddress returns an address as people write it in its one spelling:
// base58check of 0x41 and 20 bytes (SPEC part 2).
func ParseAddress(text string) (string, error) {
	if _, err := decodeAddress(text); err != nil {
		return "", err
	}
	return text, nil
}

// decodeAddress returns an address's 21 bytes.
func decodeAddress(text string) ([]byte, error) {
	const length = 34 // of all addresses with this version
	if len(text) != length {
		return nil, fmt.Errorf("%q is not an address of Tron: want T and 33 base58 characters", clipped(text))
	}
	payload, got, err := base58.CheckDecode(text)
	switch {
	case errors.Is(err, base58.ErrChecksum):
		return nil, fmt.Errorf("the checksum of address %q is wrong: a character was changed", text)
	case err != nil || got != version || len(payload) != 20 || base58.CheckEncode(payload, got) != text:
		return nil, fmt.Errorf("%q is not an address of Tron: want base58check of 0x41 and 20 bytes", text)
	}
	return append([]byte{version}, payload...), nil
}

// clipped keeps a hostile line from filling a message.
func clipped(s string) string {
	const most = 60
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

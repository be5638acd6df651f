package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

// Hash is a SHA-256 digest.
type Hash [sha256.Size]byte

// String gives the hash in lower-case hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

const (
	digits    = "0123456789"
	lowerHex  = digits + "abcdef"
	maxDigits = 78
)

func only(s, of string) bool { return s != "" && strings.Trim(s, of) == "" }

// parseAmount and the parsers below each read one text form of SPEC part 2.
func parseAmount(s string) (*big.Int, error) {
	if len(s) > maxDigits || !only(s, digits) || len(s) > 1 && s[0] == '0' {
		return nil, errors.New("not an amount: want at most 78 decimal digits without sign or leading zero")
	}
	v, _ := new(big.Int).SetString(s, 10)
	return v, nil
}

// parseNarrow reads an amount of the tree's width, below 2^128 (SPEC part 4).
func parseNarrow(s string) (*big.Int, error) {
	v, err := parseAmount(s)
	if err == nil && v.BitLen() > 128 {
		err = errors.New("an amount of liabilities is below 2^128")
	}
	return v, err
}

// parseWide reads an amount of a chain's width, below 2^256 (SPEC part 15).
func parseWide(s string) (*big.Int, error) {
	v, err := parseAmount(s)
	if err == nil && v.BitLen() > 256 {
		err = errors.New("an amount of reserves is below 2^256")
	}
	return v, err
}

func parseDecimal(s string) (string, error) {
	whole, fraction, dotted := strings.Cut(s, ".")
	if _, err := parseAmount(whole); err != nil {
		return "", errors.New("not a decimal amount")
	}
	if dotted && (len(fraction) > maxDigits || !only(fraction, digits) || fraction[len(fraction)-1] == '0') {
		return "", errors.New("not a decimal amount: digits after the dot must not end in 0")
	}
	return s, nil
}

const timeForm = "2006-01-02T15:04:05Z"

func parseTime(s string) (time.Time, error) {
	t, err := time.Parse(timeForm, s)
	if err != nil || t.Format(timeForm) != s {
		return time.Time{}, errors.New("not a time: want YYYY-MM-DDThh:mm:ssZ")
	}
	return t, nil
}

func parseAsset(s string) (string, error) {
	if len(s) > 32 || !only(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"+digits+".#-") {
		return "", errors.New("not an asset id: want 1-32 of A-Z 0-9 . # -")
	}
	return s, nil
}

func number(s string) bool { return len(s) <= 20 && only(s, digits) && (len(s) == 1 || s[0] != '0') }

func parseChain(s string) (string, error) {
	if n, ok := strings.CutPrefix(s, "eip155:"); ok && number(n) {
		return s, nil
	}
	if g, ok := strings.CutPrefix(s, "bip122:"); ok && len(g) == 32 && only(g, lowerHex) {
		return s, nil
	}
	return "", errors.New("not a chain: want eip155:<number> or bip122:<32 lower-case hex digits>")
}

func evmAddress(s string) bool {
	hexes, ok := strings.CutPrefix(s, "0x")
	return ok && len(hexes) == 40 && only(hexes, lowerHex)
}

// ChainOf gives the chain of an account or a token, empty if it has none (SPEC part 2).
func ChainOf(s string) string {
	if chain, _, ok := strings.Cut(s, "/"); ok {
		return chain
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		return s[:i]
	}
	return ""
}

// Native reports whether a token is its chain's own coin (SPEC part 2).
func Native(token string) bool { return strings.Contains(token, "/slip44:") }

func parseAccount(s string) (string, error) {
	const alphabet = digits + "abcdefghijklmnopqrstuvwxyz"
	chain := ChainOf(s)
	if _, err := parseChain(chain); err == nil {
		address := s[len(chain)+1:]
		evm := strings.HasPrefix(chain, "eip155:")
		switch {
		case evm && evmAddress(address):
			return s, nil
		case !evm && len(address) <= 100 && (only(address, alphabet) || only(address, alphabet+"ABCDEFGHJKLMNPQRSTUVWXYZ") && !strings.Contains(address, "0")):
			return s, nil
		}
	}
	return "", errors.New("not an account: want a chain, a colon and an address in its canonical spelling")
}

func parseToken(s string) (string, error) {
	chain, rest, _ := strings.Cut(s, "/")
	if _, err := parseChain(chain); err == nil {
		if n, ok := strings.CutPrefix(rest, "slip44:"); ok && number(n) {
			return s, nil
		}
		if a, ok := strings.CutPrefix(rest, "erc20:"); ok && strings.HasPrefix(chain, "eip155:") && evmAddress(a) {
			return s, nil
		}
	}
	return "", errors.New("not a token: want <chain>/slip44:<number> or eip155:<number>/erc20:0x<40 lower-case hex digits>")
}

// checkBlockHash checks that a block hash is spelt as its chain's tools do (SPEC part 2).
func checkBlockHash(chain, hash string) error {
	hexes := hash
	if strings.HasPrefix(chain, "eip155:") {
		var ok bool
		if hexes, ok = strings.CutPrefix(hash, "0x"); !ok {
			return errors.New("a block hash of this chain begins with 0x")
		}
	}
	if len(hexes) != 64 || !only(hexes, lowerHex) {
		return errors.New("not a block hash: want 64 lower-case hex digits")
	}
	return nil
}

// parsePrintable reads 1-64 printable ASCII characters, blank at neither end.
func parsePrintable(s string) (string, error) {
	if len(s) < 1 || len(s) > 64 || strings.TrimSpace(s) != s {
		return "", errors.New("want 1-64 printable ASCII characters, not blank at either end")
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return "", errors.New("want 1-64 printable ASCII characters, not blank at either end")
		}
	}
	return s, nil
}

// sized gives a parser of texts of 1 to limit bytes.
func sized(limit int) func(string) (string, error) {
	return func(s string) (string, error) {
		if s == "" || len(s) > limit {
			return "", errors.New("empty or too long a text")
		}
		return s, nil
	}
}

func parseOne(what string, of ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		for _, known := range of {
			if s == known {
				return s, nil
			}
		}
		return "", errors.New("not a known " + what)
	}
}

// ascending refuses an entry whose key is not above the one before.
func ascending(r *canon.Reader, i int, last *string, key string) {
	if i > 0 && key <= *last {
		r.Fail("twice or out of order")
	}
	*last = key
}

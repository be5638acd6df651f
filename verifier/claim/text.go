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
	base58    = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
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
	if id, ok := strings.CutPrefix(s, "tron:0x"); ok && len(id) == 8 && only(id, lowerHex) {
		return s, nil
	}
	if g, ok := strings.CutPrefix(s, "solana:"); ok && len(g) == 32 && only(g, base58) {
		return s, nil
	}
	if n, ok := strings.CutPrefix(s, "xrpl:"); ok && number(n) {
		return s, nil
	}
	return "", errors.New("not a chain: want eip155:<number>, bip122:<32 hex digits>, tron:0x<8 hex digits>, solana:<32 base58 characters> or xrpl:<number>")
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
	chain := ChainOf(s)
	if _, err := parseChain(chain); err == nil {
		address := s[len(chain)+1:]
		lower := digits + "abcdefghijklmnopqrstuvwxyz"
		namespace, _, _ := strings.Cut(chain, ":")
		switch {
		case namespace == "eip155" && evmAddress(address),
			namespace == "bip122" && len(address) <= 100 && (only(address, base58) || only(address, lower)),
			namespace != "eip155" && namespace != "bip122" && len(address) <= 44 && only(address, base58):
			return s, nil
		}
	}
	return "", errors.New("not an account: want a chain, a colon and an address in its canonical spelling")
}

func parseToken(s string) (string, error) {
	chain, rest, _ := strings.Cut(s, "/")
	if _, err := parseChain(chain); err == nil {
		namespace, _, _ := strings.Cut(chain, ":")
		kind, of, _ := strings.Cut(rest, ":")
		switch {
		case kind == "slip44" && number(of), kind == "staked" && namespace == "eip155" && number(of),
			kind == "erc20" && namespace == "eip155" && evmAddress(of),
			kind == "trc20" && namespace == "tron" && len(of) <= 44 && only(of, base58),
			kind == "token" && namespace == "solana" && len(of) <= 44 && only(of, base58):
			return s, nil
		}
	}
	return "", errors.New("not a token: want <chain>/slip44:<number>, or on its chain /erc20:0x<40 lower-case hex digits>, /trc20:<address>, /token:<mint>")
}

// checkBlockHash checks that a block hash is spelt as its chain's tools do (SPEC part 2).
func checkBlockHash(chain, hash string) error {
	namespace, _, _ := strings.Cut(chain, ":")
	sound := len(hash) == 64 && only(hash, lowerHex)
	want := "64 lower-case hex digits"
	switch namespace {
	case "eip155":
		hexes, ok := strings.CutPrefix(hash, "0x")
		sound, want = ok && len(hexes) == 64 && only(hexes, lowerHex), "0x and "+want
	case "xrpl":
		sound, want = len(hash) == 64 && only(hash, digits+"ABCDEF"), "64 upper-case hex digits"
	case "solana":
		sound, want = len(hash) >= 32 && len(hash) <= 44 && only(hash, base58), "base58 of 32 bytes"
	}
	if !sound {
		return errors.New("not a block hash of this chain: want " + want)
	}
	return nil
}

// parsePrintable reads 1-64 printable ASCII characters, blank at neither end.
func parsePrintable(s string) (string, error) {
	if len(s) < 1 || len(s) > 64 || strings.TrimSpace(s) != s || !printable(s) {
		return "", errors.New("want 1-64 printable ASCII characters, not blank at either end")
	}
	return s, nil
}

// printable: ASCII from blank to tilde.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
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

package ledger

import (
	"bytes"
	"math/big"

	"github.com/assay-por/assay/merkle"
)

// Bounds of a balance of an unknown asset, whose decimals no registry gives. A sum of 2^64 such balances still has at most
// 78 digits before the dot, as the text form asks.
const (
	unknownWhole    = 58
	unknownDecimals = 36
)

// parseBalance reads a balance (SPEC part 7) exactly into base units. It returns the magnitude, whether it is below zero, and
// the problem, empty if there is none.
func parseBalance(b []byte, decimals int) (a merkle.Amount, negative bool, problem string) {
	whole, fraction, negative, ok := splitBalance(b)
	if !ok {
		return a, false, balanceProblem(b)
	}
	if len(fraction) > decimals {
		if more := bytes.Trim(fraction[decimals:], "0"); len(more) > 0 {
			if bytes.Trim(more, "0123456789") != nil {
				return a, false, balanceProblem(b)
			}
			return a, false, "has more decimals than the asset: raise the asset's decimals, or correct the ledger"
		}
		fraction = fraction[:decimals]
	}
	fits := true
	for _, digits := range [2][]byte{whole, fraction} {
		for _, c := range digits {
			d := uint64(c - '0')
			if c < '0' || c > '9' {
				return a, false, balanceProblem(b)
			}
			if a.Hi == 0 && a.Lo < 1e18 {
				a.Lo = a.Lo*10 + d // the usual case, kept out of 128-bit arithmetic
				continue
			}
			next, below := a.MulAdd(10, d)
			a, fits = next, fits && below
		}
	}
	for scale := decimals - len(fraction); scale > 0; {
		step := min(scale, len(powersOfTen)-1)
		next, below := a.MulAdd(powersOfTen[step], 0)
		a, fits, scale = next, fits && below, scale-step
	}
	if !fits {
		return a, false, "is 2^128 base units or more: correct the ledger, or lower the asset's decimals"
	}
	return a, negative && !a.IsZero(), ""
}

var powersOfTen = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// splitBalance cuts a balance at sign and dot. It checks that digits are where they must be, not that they are digits.
func splitBalance(b []byte) (whole, fraction []byte, negative, ok bool) {
	b, negative = bytes.CutPrefix(b, []byte("-"))
	whole, fraction, dotted := bytes.Cut(b, []byte("."))
	return whole, fraction, negative, len(whole) > 0 && (!dotted || len(fraction) > 0)
}

// parseUnknown reads the magnitude of a balance of an unknown asset, in units of 10^-unknownDecimals.
func parseUnknown(b []byte) (units *big.Int, problem string) {
	whole, fraction, _, ok := splitBalance(b)
	if !ok || bytes.Trim(whole, "0123456789") != nil || bytes.Trim(fraction, "0123456789") != nil {
		return nil, balanceProblem(b)
	}
	whole, fraction = bytes.TrimLeft(whole, "0"), bytes.TrimRight(fraction, "0")
	if len(whole) > unknownWhole || len(fraction) > unknownDecimals {
		return nil, "has more than 58 digits before the dot or 36 after it: correct the ledger"
	}
	text := append(append(make([]byte, 0, unknownWhole+unknownDecimals+1), '0'), whole...)
	text = append(text, fraction...)
	text = append(text, bytes.Repeat([]byte("0"), unknownDecimals-len(fraction))...)
	units, _ = new(big.Int).SetString(string(text), 10) // digits only, so it parses
	return units, ""
}

// balanceProblem says what is wrong with a balance that does not follow the grammar, without quoting it.
func balanceProblem(b []byte) string {
	if len(b) == 0 {
		return "is empty: write 0 where nothing is owed"
	}
	for i, c := range b {
		switch {
		case '0' <= c && c <= '9', c == '.', c == '-' && i == 0:
		case c == '+':
			return "has a plus sign: write the digits alone"
		case c == 'e' || c == 'E':
			if i > 0 {
				return "has an exponent: write out all digits"
			}
			return "is not a number"
		case c == ',' || c == '\'' || c == '_' || c == ' ' || c >= 0x80:
			return "has a thousands separator, a blank or a decimal comma: write digits and at most one dot"
		case c == '\t' || c == '\r' || c == '\n':
			return "has white space: write the digits alone"
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			return "is not a number"
		default:
			return "has a character that is neither digit nor dot"
		}
	}
	return "has a dot or a minus sign where none may be: want digits, or digits, a dot and digits"
}

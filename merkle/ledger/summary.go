package ledger

import (
	"cmp"
	"math/big"
	"slices"
	"strings"

	"github.com/assay-por/assay/merkle"
)

// Summary is what the statement says of the ledger (SPEC part 7).
type Summary struct {
	Entries       uint64 // all entries read
	Customers     uint64
	Classes       []ClassSummary // by class; those with counted entries
	Negatives     NegativesSummary
	Duplicates    DuplicatesSummary
	UnknownAssets UnknownSummary
}

// ClassSummary is one class of entries: customers with at least one counted entry, counted entries, and their sum.
type ClassSummary struct {
	Class     string
	Customers uint64
	Entries   uint64
	Sum       merkle.Plain
}

// NegativesSummary says how many entries below zero were left out, and the sum of their magnitudes.
type NegativesSummary struct {
	Rule    string
	Entries uint64
	Sum     merkle.Plain
}

// DuplicatesSummary says how many counted entries came after the first of the same customer, asset and class.
type DuplicatesSummary struct {
	Rule    string
	Entries uint64
}

// UnknownSummary says how many entries of unknown assets were left out, and their sums by label.
type UnknownSummary struct {
	Rule    string
	Entries uint64
	Sums    []UnknownSum // by asset
}

// UnknownSum is the sum of the magnitudes of one unknown asset, a "decimal" of SPEC part 2. Asset is the label as read.
type UnknownSum struct {
	Asset  string
	Amount string
}

// summarize draws the summary from the fold's counters.
func (f *fold) summarize() Summary {
	s := Summary{
		Entries:       f.entries,
		Customers:     uint64(len(f.ids)),
		Negatives:     NegativesSummary{f.rules.Negatives, f.negatives, dense(f.negativeSums)},
		Duplicates:    DuplicatesSummary{f.rules.Duplicates, f.duplicates},
		UnknownAssets: UnknownSummary{Rule: f.rules.UnknownAssets},
	}
	customers := f.balances.customersByClass(len(f.classes))
	for i, c := range f.classes {
		if c.entries > 0 {
			s.Classes = append(s.Classes, ClassSummary{c.name, customers[i], c.entries, dense(c.sums)})
		}
	}
	slices.SortFunc(s.Classes, func(a, b ClassSummary) int { return cmp.Compare(a.Class, b.Class) })
	for label, u := range f.unknown {
		s.UnknownAssets.Entries += u.entries
		s.UnknownAssets.Sums = append(s.UnknownAssets.Sums, UnknownSum{label, decimalText(&u.sum)})
	}
	slices.SortFunc(s.UnknownAssets.Sums, func(a, b UnknownSum) int { return cmp.Compare(a.Asset, b.Asset) })
	return s
}

// dense returns the plain sum of amounts that stand at their assets' indexes.
func dense(amounts []merkle.Amount) merkle.Plain {
	var sum merkle.Plain
	for asset, amount := range amounts {
		if !amount.IsZero() {
			sum = append(sum, merkle.Entry{Asset: uint16(asset), Amount: amount}) //nolint:gosec // at most 1,024 assets
		}
	}
	return sum
}

// decimalText prints units of 10^-unknownDecimals as a "decimal" of SPEC part 2.
func decimalText(units *big.Int) string {
	digits := units.String()
	if pad := unknownDecimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	dot := len(digits) - unknownDecimals
	whole, fraction := digits[:dot], strings.TrimRight(digits[dot:], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

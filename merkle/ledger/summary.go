package ledger

import (
	"cmp"
	"errors"
	"fmt"
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
	Underwater    UnderwaterSummary
}

// ClassSummary is one class of entries: customers with at least one counted entry, counted entries, and their sum.
type ClassSummary struct {
	Class     string
	Customers uint64
	Entries   uint64
	Sum       merkle.Plain
}

// UnderwaterSummary says of how many customers the debits were written off, and the sum of these, by asset index (SPEC part 30). Its rule
// is empty without margin accounts.
type UnderwaterSummary struct {
	Rule      string
	Customers uint64
	Sum       merkle.Plain
}

// NegativesSummary says how many entries below zero there were that became debits or were left out, and the sum of their magnitudes.
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

// Counts are what [Scan] counts.
type Counts struct {
	Classes      []ClassCount            `json:"classes"`   // by class; also those whose entries were all left out
	Negatives    uint64                  `json:"negatives"` // entries below zero: left out, or debits
	Debits       uint64                  `json:"debits,omitempty"`
	NegativeSums []merkle.Amount         `json:"negativeSums"` // of their magnitudes, by asset index
	Unknown      map[string]UnknownCount `json:"unknown"`      // entries left out, by label
}

// ClassCount is one class: its counted entries, and their sums.
type ClassCount struct {
	Class   string          `json:"class"`
	Entries uint64          `json:"entries"`
	Sums    []merkle.Amount `json:"sums"` // by asset index
}

// UnknownCount is one asset that is not in the registry: entries, and the sum of their magnitudes in units of 10^-36.
type UnknownCount struct {
	Entries uint64   `json:"entries"`
	Sum     *big.Int `json:"sum"`
}

// Folded is what only shows once the entries are folded by customer.
type Folded struct {
	Customers      uint64            `json:"customers"`
	Entries        uint64            `json:"entries"`        // counted entries
	ClassCustomers map[string]uint64 `json:"classCustomers"` // customers with a counted entry of the class
	Duplicates     uint64            `json:"duplicates"`     // counted entries after the first of their customer, asset and class
	Underwater     uint64            `json:"underwater,omitempty"`
	// WrittenOff are the debits of customers under water, by asset index. It is not kept: of a shard it may be one customer's.
	WrittenOff merkle.Plain `json:"-"`
}

// Add adds what was folded of other customers. It fails where debits do not fit together.
func (f *Folded) Add(o Folded) (err error) {
	f.Underwater += o.Underwater
	if f.WrittenOff, err = f.WrittenOff.Add(o.WrittenOff); err != nil {
		return err
	}
	f.Customers += o.Customers
	f.Entries += o.Entries
	f.Duplicates += o.Duplicates
	if f.ClassCustomers == nil {
		f.ClassCustomers = map[string]uint64{}
	}
	for class, n := range o.ClassCustomers {
		f.ClassCustomers[class] += n
	}
	return nil
}

func (t *tally) counted() Counts {
	c := Counts{Negatives: t.negatives, Debits: t.debits, NegativeSums: t.negativeSums, Unknown: map[string]UnknownCount{}}
	for _, k := range t.classes {
		c.Classes = append(c.Classes, ClassCount{k.name, k.entries, k.sums})
	}
	for label, u := range t.unknown {
		c.Unknown[label] = *u
	}
	return c
}

// Entries returns how many entries were counted, debits among them, those left out not.
func (c Counts) Entries() (n uint64) {
	n = c.Debits
	for _, k := range c.Classes {
		n += k.Entries
	}
	return n
}

// Merge adds what another scan of the same registry counted. It fails where both together pass a bound that each alone keeps.
func (c *Counts) Merge(o Counts) error {
	for _, other := range o.Classes {
		i, found := slices.BinarySearchFunc(c.Classes, other.Class, func(k ClassCount, name string) int { return cmp.Compare(k.Class, name) })
		if !found {
			c.Classes = slices.Insert(c.Classes, i, ClassCount{Class: other.Class})
		}
		c.Classes[i].Entries += other.Entries
		var err error
		if c.Classes[i].Sums, err = addAmounts(c.Classes[i].Sums, other.Sums); err != nil {
			return err
		}
	}
	if _, err := c.Totals(); err != nil {
		return err
	}
	c.Negatives, c.Debits = c.Negatives+o.Negatives, c.Debits+o.Debits
	var err error
	if c.NegativeSums, err = addAmounts(c.NegativeSums, o.NegativeSums); err != nil {
		return err
	}
	if c.Unknown == nil {
		c.Unknown = map[string]UnknownCount{}
	}
	for label, other := range o.Unknown {
		if mine, known := c.Unknown[label]; known {
			other.Entries += mine.Entries
			other.Sum = new(big.Int).Add(other.Sum, mine.Sum)
		}
		c.Unknown[label] = other
	}
	if len(c.Classes) > maxClasses || len(c.Unknown) > maxUnknown {
		return errors.New("the ledger has more than 1024 classes, or more than 4096 unknown assets: is a column really the class or the asset?")
	}
	return nil
}

// Owed returns the sum of debits by asset index, whoever's they are.
func (c Counts) Owed() merkle.Plain {
	if c.Debits == 0 {
		return nil
	}
	return dense(c.NegativeSums)
}

// Totals returns the sum of all classes, which is the root's, of assets.
func (c Counts) Totals() (merkle.Plain, error) {
	var totals []merkle.Amount
	for _, k := range c.Classes {
		var err error
		if totals, err = addAmounts(totals, k.Sums); err != nil {
			return nil, err
		}
	}
	return dense(totals), nil
}

// addAmounts adds amounts by asset index; a may be shorter.
func addAmounts(a, b []merkle.Amount) ([]merkle.Amount, error) {
	sums := slices.Clone(a)
	sums = append(sums, make([]merkle.Amount, max(0, len(b)-len(a)))...)
	for i, amount := range b {
		var err error
		if sums[i], err = sums[i].Add(amount); err != nil {
			return nil, fmt.Errorf("the sum of asset #%d over the ledger: %w: correct the ledger, or lower the asset's decimals", i, err)
		}
	}
	return sums, nil
}

// Summary draws the summary of a ledger that was read by those rules. It fails if not all that was counted was folded.
func (c Counts) Summary(rules Rules, f Folded) (Summary, error) {
	rules, err := rules.checked()
	if err != nil {
		return Summary{}, err
	}
	if n := c.Entries(); f.Entries != n {
		return Summary{}, fmt.Errorf("customers have %d entries, the ledger %d: what lies between reading and folding was altered; build it anew from the start (assay build --again)", f.Entries, n)
	}
	s := Summary{
		Entries:       c.Entries() - c.Debits + c.Negatives,
		Customers:     f.Customers,
		Negatives:     NegativesSummary{rules.Negatives, c.Negatives, dense(c.NegativeSums)},
		Duplicates:    DuplicatesSummary{rules.Duplicates, f.Duplicates},
		UnknownAssets: UnknownSummary{Rule: rules.UnknownAssets},
		Underwater:    UnderwaterSummary{rules.Underwater, f.Underwater, f.WrittenOff},
	}
	for _, k := range c.Classes {
		if k.Entries > 0 {
			s.Classes = append(s.Classes, ClassSummary{k.Class, f.ClassCustomers[k.Class], k.Entries, dense(k.Sums)})
		}
	}
	for label, u := range c.Unknown {
		s.UnknownAssets.Entries += u.Entries
		s.UnknownAssets.Sums = append(s.UnknownAssets.Sums, UnknownSum{label, decimalText(u.Sum)})
	}
	s.Entries += s.UnknownAssets.Entries
	slices.SortFunc(s.UnknownAssets.Sums, func(a, b UnknownSum) int { return cmp.Compare(a.Asset, b.Asset) })
	return s, nil
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

package claim

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Named is an amount of an asset named by its id.
type Named struct {
	Asset  string
	Amount *big.Int
}

// LedgerClass is what became leaves, by class of customer (SPEC part 7).
type LedgerClass struct {
	Class              string
	Customers, Entries uint64
	Sum                []Named // nil where totals are hidden
}

// Moved is what one rule of the ledger moved (SPEC part 7).
type Moved struct {
	Rule    string
	Entries uint64
	Sum     []Named // of negatives only; nil where they are debts, and totals are hidden
}

// WrittenOff is what customers owed whose net equity was below zero, and what is no debt any more (SPEC part 7).
type WrittenOff struct {
	Customers uint64
	Rule      string
	Sum       []Named
}

// Unknown is what was left out because its asset is not in the registry; the amount is a decimal (SPEC part 7).
type Unknown struct{ Asset, Amount string }

// Ledger is the statement's account of how entries became leaves (SPEC part 7).
type Ledger struct {
	Classes       []LedgerClass
	Customers     uint64
	Duplicates    Moved
	Entries       uint64
	Negatives     Moved
	Underwater    *WrittenOff // with margin accounts; else nil
	UnknownAssets Moved
	Unknowns      []Unknown
}

const maxClasses = 1024

func readLedger(r *canon.Reader) (l Ledger) {
	r.Object(
		canon.Key("classes", func() { l.Classes = readLedgerClasses(r) }),
		canon.Key("customers", func() { l.Customers = r.Number(canon.MaxInteger) }),
		canon.Key("duplicates", func() {
			r.Object(
				canon.Key("entries", func() { l.Duplicates.Entries = r.Number(canon.MaxInteger) }),
				canon.Key("rule", func() { l.Duplicates.Rule = canon.Parse(r, parseOne("rule", "error", "sum")) }),
			)
		}),
		canon.Key("entries", func() { l.Entries = r.Number(canon.MaxInteger) }),
		canon.Key("negatives", func() {
			r.Object(
				canon.Key("entries", func() { l.Negatives.Entries = r.Number(canon.MaxInteger) }),
				canon.Key("rule", func() { l.Negatives.Rule = canon.Parse(r, parseOne("rule", "error", "exclude", "debit")) }),
				canon.Optional("sum", func() { l.Negatives.Sum = readSum(r) }),
			)
		}),
		canon.Optional("underwater", func() {
			l.Underwater = new(WrittenOff)
			r.Object(
				canon.Key("customers", func() { l.Underwater.Customers = r.Number(canon.MaxInteger) }),
				canon.Key("rule", func() { l.Underwater.Rule = canon.Parse(r, parseOne("rule", "error", "write-off")) }),
				canon.Key("sum", func() { l.Underwater.Sum = readSum(r) }),
			)
		}),
		canon.Key("unknown_assets", func() {
			r.Object(
				canon.Key("entries", func() { l.UnknownAssets.Entries = r.Number(canon.MaxInteger) }),
				canon.Key("rule", func() { l.UnknownAssets.Rule = canon.Parse(r, parseOne("rule", "error", "exclude")) }),
				canon.Key("sums", func() { l.Unknowns = readUnknowns(r) }),
			)
		}),
	)
	return l
}

func readLedgerClasses(r *canon.Reader) (list []LedgerClass) {
	var last string
	r.Array(maxClasses, func(i int) {
		var c LedgerClass
		r.Object(
			canon.Key("class", func() {
				if c.Class = r.Text(); len(c.Class) > 32 || !only(c.Class, "abcdefghijklmnopqrstuvwxyz"+digits+"-") {
					r.Fail("want 1-32 of a-z 0-9 -")
				}
			}),
			canon.Key("customers", func() { c.Customers = r.Number(canon.MaxInteger) }),
			canon.Key("entries", func() { c.Entries = r.Number(canon.MaxInteger) }),
			canon.Optional("sum", func() { c.Sum = readSum(r) }),
		)
		ascending(r, i, &last, c.Class)
		list = append(list, c)
	})
	return list
}

// readSum reads a sum in JSON (SPEC part 4): no zero amount. Its order is checked against the registry later. It is never nil.
func readSum(r *canon.Reader) (list []Named) {
	list = []Named{}
	r.Array(maxAssets, func(int) {
		n := readNamed(r)
		if !r.Failed() && n.Amount.Sign() == 0 {
			r.Fail("amount: a zero amount is written out")
		}
		list = append(list, n)
	})
	return list
}

func readNamed(r *canon.Reader) (n Named) {
	r.Object(
		canon.Key("amount", func() { n.Amount = canon.Parse(r, parseNarrow) }),
		canon.Key("asset", func() { n.Asset = canon.Parse(r, parseAsset) }),
	)
	return n
}

func readUnknowns(r *canon.Reader) (list []Unknown) {
	var last string
	r.Array(1<<16, func(i int) {
		var u Unknown
		r.Object(
			canon.Key("amount", func() { u.Amount = canon.Parse(r, parseDecimal) }),
			canon.Key("asset", func() { u.Asset = canon.Parse(r, sized(64)) }),
		)
		ascending(r, i, &last, u.Asset)
		list = append(list, u)
	})
	return list
}

// fits checks that the ledger speaks of debts exactly if there are margin accounts (SPEC part 7), and of assets in registry order.
func (l *Ledger) fits(margin bool, index map[string]int) error {
	switch {
	case (l.Underwater != nil) != margin:
		return &canon.FormatError{Field: "predicate.ledger.underwater", Problem: "it is there with a margin in the snapshot, and only then"}
	case !margin && l.Negatives.Rule == "debit":
		return &canon.FormatError{Field: "predicate.ledger.negatives.rule", Problem: "debit, without a margin in the snapshot"}
	case margin:
		return places("predicate.ledger.underwater.sum", index, l.Underwater.Sum, nil)
	}
	return nil
}

// places checks that a sum stands in registry order, and adds it to totals if given.
func places(field string, index map[string]int, sum []Named, totals []*big.Int) error {
	last := -1
	for i, n := range sum {
		at, ok := index[n.Asset]
		if !ok || at <= last {
			return &canon.FormatError{Field: fmt.Sprintf("%s[%d].asset", field, i), Problem: fmt.Sprintf("%q is not in the registry, twice or out of registry order", n.Asset)}
		}
		last = at
		if totals != nil {
			totals[at].Add(totals[at], n.Amount)
		}
	}
	return nil
}

// CheckLedger is the check `liabilities.ledger` (SPEC part 7): classes add up to the liabilities, entries are all accounted for, a
// rule `error` moved nothing, every customer is a leaf, and every entry below zero is a debt or was left out. Only a confidential tree has
// leaves of no customer; of hidden totals no sum is there to add up (SPEC part 29).
func (s *Statement) CheckLedger() error {
	l := s.Ledger
	totals := s.zeros()
	entries := new(big.Int).SetUint64(l.Negatives.Entries)
	entries.Add(entries, new(big.Int).SetUint64(l.UnknownAssets.Entries))
	for _, c := range l.Classes {
		entries.Add(entries, new(big.Int).SetUint64(c.Entries))
		if err := places("ledger.classes.sum", s.index, c.Sum, totals); err != nil {
			return err
		}
		if c.Customers > l.Customers || c.Customers > c.Entries {
			return fmt.Errorf("class %s: %d customers, with %d entries, of %d customers in all", c.Class, c.Customers, c.Entries, l.Customers)
		}
	}
	for i, a := range s.Snapshot.Assets {
		if !s.Hidden() && totals[i].Cmp(s.Liabilities[i]) != 0 {
			return fmt.Errorf("the classes' sums of %s come to %s base units, the liabilities are %s", a.ID, totals[i], s.Liabilities[i])
		}
	}
	if stated := new(big.Int).SetUint64(l.Entries); entries.Cmp(stated) != 0 {
		return fmt.Errorf("classes, negatives and unknown assets have %s entries together, the ledger says %s were read", entries, stated)
	}
	if l.Customers > s.Tree.Leaves || l.Customers < s.Tree.Leaves && s.Snapshot.Kind != KindConfidential {
		return fmt.Errorf("the ledger has %d customers, the tree %d leaves", l.Customers, s.Tree.Leaves)
	}
	if err := s.checkDebits(); err != nil {
		return err
	}
	return l.checkRules()
}

func (l *Ledger) checkRules() error {
	switch {
	case l.Negatives.Rule == "error" && (l.Negatives.Entries != 0 || len(l.Negatives.Sum) != 0):
		return errors.New("negatives: the rule is error, yet entries were left out")
	case l.Duplicates.Rule == "error" && l.Duplicates.Entries != 0:
		return errors.New("duplicates: the rule is error, yet entries were added together")
	case l.UnknownAssets.Rule == "error" && (l.UnknownAssets.Entries != 0 || len(l.Unknowns) != 0):
		return errors.New("unknown_assets: the rule is error, yet entries were left out")
	case l.Negatives.Sum != nil && (l.Negatives.Entries == 0) != (len(l.Negatives.Sum) == 0):
		return errors.New("negatives: entries and sum do not fit each other")
	case l.UnknownAssets.Entries == 0 && len(l.Unknowns) != 0:
		return errors.New("unknown_assets: sums without entries")
	}
	u := l.Underwater
	switch {
	case u == nil:
	case u.Rule == "error" && (u.Customers != 0 || len(u.Sum) != 0):
		return errors.New("underwater: the rule is error, yet debts were written off")
	case (u.Customers == 0) != (len(u.Sum) == 0):
		return errors.New("underwater: customers and sum do not fit each other")
	case u.Customers > l.Customers:
		return fmt.Errorf("underwater: %d customers, of %d in all", u.Customers, l.Customers)
	case u.Customers > 0 && l.Negatives.Rule != "debit":
		return fmt.Errorf("underwater: debts were written off, though by the rule %s of negatives there are none", l.Negatives.Rule)
	case u.Customers > l.Negatives.Entries:
		return fmt.Errorf("underwater: %d customers, with %d entries below zero in all", u.Customers, l.Negatives.Entries)
	}
	return nil
}

// Excluded says in plain words what the ledger's rules left out or added together, nothing if they moved nothing.
func (l *Ledger) Excluded() (notes []string) {
	debts := "they"
	if l.Underwater != nil && l.Underwater.Customers > 0 {
		debts = "those that were not written off"
	}
	switch {
	case l.Negatives.Entries == 0:
	case l.Negatives.Rule == "debit":
		notes = append(notes, fmt.Sprintf("%d ledger entries below zero are debts to the exchange%s: %s stand in columns of their own and make no liability smaller", l.Negatives.Entries, named(l.Negatives.Sum), debts))
	default:
		notes = append(notes, fmt.Sprintf("%d ledger entries below zero were left out of the liabilities%s", l.Negatives.Entries, named(l.Negatives.Sum)))
	}
	if u := l.Underwater; u != nil && u.Customers > 0 {
		notes = append(notes, fmt.Sprintf("what was owed by customers whose collateral is worth less, %d of %d, was written off%s", u.Customers, l.Customers, named(u.Sum)))
	}
	if l.UnknownAssets.Entries > 0 {
		notes = append(notes, fmt.Sprintf("%d ledger entries of assets outside the registry were left out of the liabilities", l.UnknownAssets.Entries))
	}
	if l.Duplicates.Entries > 0 {
		notes = append(notes, fmt.Sprintf("%d repeated ledger entries were added to the first of their customer, asset and class", l.Duplicates.Entries))
	}
	return notes
}

// named lists the assets of a sum in parentheses, nothing if there is none.
func named(sum []Named) string {
	if len(sum) == 0 {
		return ""
	}
	ids := make([]string, len(sum))
	for i, n := range sum {
		ids[i] = n.Asset
	}
	return " (" + strings.Join(ids, ", ") + ")"
}

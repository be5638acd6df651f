package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// amountBits bounds what is owed: sums of the tree are 128-bit (SPEC part 4).
const amountBits = 128

// Check ties the ledger's account out against the liabilities and the tree's
// leaves (SPEC part 7); in a confidential tree there may be more of these, as decoys are
// leaves too, and where totals are hidden no sums (SPEC part 29).
func (l Ledger) Check(s Snapshot, tree Tree, liabilities []Liability) error {
	if err := l.checkForm(s, tree); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	entries := l.Negatives.Entries
	for _, c := range l.Classes {
		entries += c.Entries
	}
	if entries += l.UnknownAssets.Entries; entries != l.Entries {
		return fmt.Errorf("ledger: %d entries were read, the classes and exclusions account for %d", l.Entries, entries)
	}
	if decoys := s.Kind == KindConfidential; l.Customers > tree.Leaves || l.Customers < tree.Leaves && !decoys {
		return fmt.Errorf("ledger: %d customers, but the tree has %d leaves", l.Customers, tree.Leaves)
	}
	if tree.Hides() {
		return nil
	}
	return l.addUp(s, liabilities)
}

// addUp holds the sums of the classes to what is owed.
func (l Ledger) addUp(s Snapshot, liabilities []Liability) error {
	owed := make([]Units, len(s.Assets))
	for _, c := range l.Classes {
		for _, a := range c.Sum {
			i := slices.Index(s.AssetIDs(), a.Asset)
			sum, err := owed[i].Add(a.Amount)
			if err != nil {
				return fmt.Errorf("ledger: class %s: %s: %w", c.Class, a.Asset, err)
			}
			owed[i] = sum
		}
	}
	for i, a := range liabilities[:len(s.Assets)] {
		if !owed[i].Equal(*a.Amount) {
			return fmt.Errorf("ledger: the classes add up to %s of %s, the tree to %s", owed[i], a.Asset, a.Amount)
		}
	}
	if err := l.checkDebits(s, liabilities); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}

// Hidden is the ledger without what tells totals (SPEC part 29, Hidden totals).
func (l Ledger) Hidden() Ledger {
	l.Classes = slices.Clone(l.Classes)
	for i := range l.Classes {
		l.Classes[i].Sum = nil
	}
	if l.hidesNegatives() {
		l.Negatives.Sum = nil
	}
	return l
}

// hidesNegatives reports whether the sum of negatives tells a total: what margin customers owe.
func (l Ledger) hidesNegatives() bool { return l.Negatives.Rule == RuleDebit }

func (l Ledger) checkForm(s Snapshot, tree Tree) error {
	for i, c := range l.Classes {
		if !isOf(c.Class, 1, 32, "abcdefghijklmnopqrstuvwxyz0123456789-") {
			return fmt.Errorf("class %q is not 1 to 32 of a-z 0-9 -", clip(c.Class))
		}
		if i > 0 && l.Classes[i-1].Class >= c.Class {
			return fmt.Errorf("class %s stands twice or out of order", c.Class)
		}
		if c.Customers > l.Customers || c.Customers > c.Entries {
			return fmt.Errorf("class %s has %d customers, more than its entries or than all customers", c.Class, c.Customers)
		}
		if (c.Sum == nil) != tree.Hides() {
			return fmt.Errorf("class %s: a sum is there where totals are hidden, or missing where they are not", c.Class)
		}
		if err := checkSum(s, c.Sum); err != nil {
			return fmt.Errorf("class %s: %w", c.Class, err)
		}
	}
	if err := checkRule("duplicates", l.Duplicates.Rule, l.Duplicates.Entries, RuleSum); err != nil {
		return err
	}
	negatives := []string{RuleExclude}
	if s.Margin != nil {
		negatives = append(negatives, RuleDebit)
	}
	if err := checkRule("negatives", l.Negatives.Rule, l.Negatives.Entries, negatives...); err != nil {
		return err
	}
	if err := checkRule("unknown_assets", l.UnknownAssets.Rule, l.UnknownAssets.Entries, RuleExclude); err != nil {
		return err
	}
	if err := l.Underwater.check(s, l); err != nil {
		return err
	}
	if err := checkSum(s, l.Negatives.Sum); err != nil {
		return fmt.Errorf("negatives: %w", err)
	}
	if (l.Negatives.Sum == nil) != (tree.Hides() && l.hidesNegatives()) {
		return errors.New("negatives: a sum is there where totals are hidden and the rule is debit, or missing where not")
	}
	if l.Negatives.Entries == 0 && len(l.Negatives.Sum) > 0 {
		return errors.New("negatives: a sum without entries")
	}
	return l.UnknownAssets.check(s)
}

// checkRule: the rule is one that may be, and "error" has moved nothing (SPEC part 7).
func checkRule(name, rule string, moved uint64, others ...string) error {
	if rule != RuleError && !slices.Contains(others, rule) {
		return fmt.Errorf("%s: rule %q, want %s or %s", name, clip(rule), RuleError, strings.Join(others, " or "))
	}
	if rule == RuleError && moved != 0 {
		return fmt.Errorf("%s: the rule %s, yet %d entries or customers were moved", name, RuleError, moved)
	}
	return nil
}

// checkSum holds a sum to its JSON form (SPEC part 4).
func checkSum(s Snapshot, sum []AssetAmount) error {
	last := -1
	for _, a := range sum {
		i := slices.Index(s.AssetIDs(), a.Asset)
		if i <= last {
			return fmt.Errorf("sum: asset %q is not of the registry, or not in its order", clip(a.Asset))
		}
		last = i
		if a.Amount.IsZero() || a.Amount.n.BitLen() > amountBits {
			return fmt.Errorf("sum: the amount of %s is zero or reaches 2^128", a.Asset)
		}
	}
	return nil
}

func (u UnknownAssets) check(s Snapshot) error {
	if u.Entries == 0 && len(u.Sums) > 0 {
		return errors.New("unknown_assets: sums without entries")
	}
	for i, a := range u.Sums {
		if err := checkText(a.Asset, 64); err != nil {
			return fmt.Errorf("unknown_assets: label #%d: %w", i, err)
		}
		if slices.Contains(s.AssetIDs(), a.Asset) {
			return fmt.Errorf("unknown_assets: %s is of the registry", a.Asset)
		}
		if i > 0 && u.Sums[i-1].Asset >= a.Asset {
			return fmt.Errorf("unknown_assets: label #%d stands twice or out of order", i)
		}
		if !isDecimal(a.Amount) {
			return fmt.Errorf("unknown_assets: the amount of label #%d is not a decimal", i)
		}
	}
	return nil
}

// isDecimal holds s to the text form decimal (SPEC part 2).
func isDecimal(s string) bool {
	whole, part, dotted := strings.Cut(s, ".")
	if whole == "" || len(whole) > maxDigits || strings.Trim(whole, "0123456789") != "" || whole[0] == '0' && whole != "0" {
		return false
	}
	return !dotted || part != "" && strings.Trim(part, "0123456789") == "" && part[len(part)-1] != '0'
}

// checkLiabilities: every column in order, below 2^128 (SPEC parts 9 and 30). Only where totals are hidden there is what is owed at most,
// and no column but the assets (SPEC part 29).
func checkLiabilities(s Snapshot, tree Tree, liabilities []Liability) error {
	names := tree.listed(s)
	if len(liabilities) != len(names) {
		return fmt.Errorf("liabilities: %d columns, the snapshot has %d", len(liabilities), len(names))
	}
	for i, a := range liabilities {
		if a.Asset != names[i] {
			return fmt.Errorf("liabilities: column #%d is %q, the snapshot has %s", i, clip(a.Asset), names[i])
		}
		if (a.Amount == nil) == (a.AtMost == nil) || a.AtMost != nil && !tree.Hides() {
			return fmt.Errorf("liabilities: %s: want amount, or at_most where totals are hidden, and not both", a.Asset)
		}
		if most := a.most(); most.n.BitLen() > amountBits {
			return fmt.Errorf("liabilities: %s reaches 2^128", a.Asset)
		}
	}
	return nil
}

// most is what is owed, or owed at most.
func (a Liability) most() Units {
	if a.AtMost != nil {
		return *a.AtMost
	}
	return *a.Amount
}

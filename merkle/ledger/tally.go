package ledger

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/assay-por/assay/merkle"
)

// Bounds that keep a damaged file from filling the memory.
const (
	maxClasses = 1024
	maxUnknown = 4096
	maxLabel   = 64
	maxEntries = 1024 // handed to a sink at once
)

// DefaultClass is the class of entries where there is no such column (SPEC part 7).
const DefaultClass = "customer"

// fault is a problem of one row, before file and line are known. Column is empty for a problem of the whole row.
type fault struct{ column, problem string }

func (f *fault) Error() string { return f.problem }

// sinkError is a failure of a sink, which is none of the ledger.
type sinkError struct{ error }

// tally takes entries one by one, counts them, and hands them to its sink customer by customer.
type tally struct {
	rules   Rules
	assets  []Asset
	byAsset map[string]uint16
	sink    Sink // nil to only look for faults

	open    bool    // there is a row before
	raw     []byte  // its customer, as it was written
	id      []byte  // the same, normalised
	entries []Entry // of that customer, not handed on yet

	classes      []class
	byClass      map[string]uint16
	totals       []merkle.Amount // over all classes: what the root will carry
	negatives    uint64
	debits       uint64 // of them
	negativeSums []merkle.Amount
	unknown      map[string]*UnknownCount

	watched []byte // a customer of whom a second entry of one asset and class is a fault, or nil
	seen    map[watchedEntry]bool
}

type class struct {
	name    string
	entries uint64
	sums    []merkle.Amount
}

type watchedEntry struct{ asset, class uint16 }

func newTally(assets []Asset, rules Rules, sink Sink) (*tally, error) {
	rules, err := rules.checked()
	if err != nil {
		return nil, err
	}
	if len(assets) == 0 || len(assets) > merkle.MaxAssets {
		return nil, errors.New("the registry has no assets, or more than 1024")
	}
	t := &tally{
		rules: rules, assets: assets, sink: sink,
		byAsset: make(map[string]uint16, len(assets)), byClass: map[string]uint16{},
		totals: make([]merkle.Amount, len(assets)), negativeSums: make([]merkle.Amount, len(assets)),
		unknown: map[string]*UnknownCount{},
	}
	for i, a := range assets {
		if _, twice := t.byAsset[a.ID]; twice || a.ID == "" || a.Decimals > 36 {
			return nil, errors.New("asset " + a.ID + " of the registry has no id, stands twice or has more than 36 decimals")
		}
		t.byAsset[a.ID] = uint16(i) //nolint:gosec // at most 1,024 assets
	}
	if rules.Negatives == RuleDebit && !slices.ContainsFunc(assets, func(a Asset) bool { return a.Debit > 0 }) {
		return nil, errors.New(`rule negatives is "debit", and no asset has a price: give the prices of margin accounts`)
	}
	return t, nil
}

// customer begins the entries of a row's customer, unless they follow the same customer's.
func (t *tally) customer(raw []byte) error {
	if t.open && bytes.Equal(t.raw, raw) {
		return nil
	}
	if err := t.flush(); err != nil {
		return err
	}
	if plain(raw) {
		t.id = append(t.id[:0], raw...)
	} else {
		id, err := merkle.NormalizeCustomer(string(raw))
		if err != nil {
			return &fault{"customer", err.Error()}
		}
		t.id = append(t.id[:0], id...)
	}
	t.open, t.raw = true, append(t.raw[:0], raw...)
	return nil
}

// plain reports whether an id is normal as it stands: of visible ASCII and not too long.
func plain(id []byte) bool {
	for _, c := range id {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return 0 < len(id) && len(id) <= merkle.MaxCustomerID
}

// flush hands the entries of the customer to the sink.
func (t *tally) flush() error {
	if !t.open || t.sink == nil {
		return nil
	}
	err := t.sink.Add(t.id, t.entries)
	t.open, t.entries = false, t.entries[:0]
	if err != nil {
		return &sinkError{err}
	}
	return nil
}

// class returns the number of a class of entries.
func (t *tally) class(name []byte) (uint16, error) {
	if n, ok := t.byClass[string(name)]; ok {
		return n, nil
	}
	bad := len(name) == 0 || len(name) > 32
	for _, c := range name {
		bad = bad || (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
	}
	if bad {
		return 0, &fault{"class", "want 1 to 32 of a-z, 0-9 and -"}
	}
	if len(t.classes) == maxClasses {
		return 0, &fault{"class", "is the 1025th class, want at most 1024: is this column really the class?"}
	}
	n := uint16(len(t.classes)) //nolint:gosec // at most maxClasses
	t.classes = append(t.classes, class{name: string(name), sums: make([]merkle.Amount, len(t.assets))})
	t.byClass[string(name)] = n
	return n, nil
}

// add takes one entry of a known asset; column is what the balance's column is called.
func (t *tally) add(asset, class uint16, balance []byte, column string) error {
	amount, negative, problem := parseBalance(balance, int(t.assets[asset].Decimals))
	if problem != "" {
		return &fault{column, problem}
	}
	if negative {
		return t.addNegative(asset, class, amount, column)
	}
	total, err := t.totals[asset].Add(amount)
	if err != nil {
		return &fault{column, "takes the total of its asset to 2^128 base units: correct the ledger, or lower the asset's decimals"}
	}
	if err := t.watch(asset, class); err != nil {
		return err
	}
	t.totals[asset] = total
	c := &t.classes[class]
	c.entries++
	c.sums[asset], _ = c.sums[asset].Add(amount) // a part of the total, so it fits
	return t.hand(Entry{Asset: asset, Class: c.name, Amount: amount})
}

// watch refuses a second entry of the customer who is watched, of one column and class.
func (t *tally) watch(column, class uint16) error {
	if t.watched == nil || !bytes.Equal(t.watched, t.id) {
		return nil
	}
	entry := watchedEntry{column, class}
	if t.seen[entry] {
		return &fault{"", `is a second entry of one customer, asset and class: remove one, or set duplicates = "sum"`}
	}
	t.seen[entry] = true
	return nil
}

// hand takes an entry that is to become a part of a leaf.
func (t *tally) hand(e Entry) error {
	if t.sink == nil {
		return nil
	}
	t.entries = append(t.entries, e)
	if len(t.entries) == maxEntries {
		if err := t.sink.Add(t.id, t.entries); err != nil {
			return &sinkError{err}
		}
		t.entries = t.entries[:0]
	}
	return nil
}

func (t *tally) addNegative(asset, class uint16, magnitude merkle.Amount, column string) error {
	debit := t.assets[asset].Debit
	switch {
	case t.rules.Negatives == RuleError && debit > 0:
		return &fault{column, `is below zero: correct the ledger, or set negatives = "debit"`}
	case t.rules.Negatives == RuleError:
		return &fault{column, `is below zero: correct the ledger, or set negatives = "exclude"`}
	case t.rules.Negatives == RuleDebit && debit == 0:
		return &fault{column, "is below zero, and its asset has no price: correct the ledger, or give the asset a price"}
	}
	sum, err := t.negativeSums[asset].Add(magnitude)
	if err != nil {
		return &fault{column, "takes the sum of the negatives of its asset to 2^128 base units: correct the ledger"}
	}
	if t.rules.Negatives == RuleDebit {
		if err := t.watch(debit, class); err != nil {
			return err
		}
	}
	t.negatives++
	t.negativeSums[asset] = sum
	if t.rules.Negatives != RuleDebit {
		return nil
	}
	t.debits++
	return t.hand(Entry{Asset: debit, Class: t.classes[class].name, Amount: magnitude})
}

// addUnknown takes one entry of an asset that is not in the registry. Its balance must be well formed all the same.
func (t *tally) addUnknown(label, balance []byte, column, labelColumn string) error {
	if t.rules.UnknownAssets == RuleError {
		return &fault{labelColumn, `is not an asset of the registry: add the asset, or set unknown_assets = "exclude"`}
	}
	u := t.unknown[string(label)]
	if u == nil {
		if problem := labelProblem(label); problem != "" {
			return &fault{labelColumn, problem}
		}
		if len(t.unknown) == maxUnknown {
			return &fault{labelColumn, "is the 4097th unknown asset, want at most 4096: is this column really the asset?"}
		}
		u = &UnknownCount{Sum: new(big.Int)}
		t.unknown[string(label)] = u
	}
	units, problem := parseUnknown(balance)
	if problem != "" {
		return &fault{column, problem}
	}
	u.Entries++
	u.Sum.Add(u.Sum, units)
	return nil
}

// labelProblem holds the label of an unknown asset to what the statement can repeat.
func labelProblem(label []byte) string {
	switch {
	case len(label) == 0:
		return "is empty: write the asset's id"
	case len(label) > maxLabel:
		return "is longer than 64 bytes: is this column really the asset?"
	case !utf8.Valid(label):
		return "is not UTF-8: export the file as UTF-8"
	case !bytes.Equal(label, bytes.TrimSpace(label)):
		return "has blanks at an end: remove them"
	case merkle.BarredText(string(label)):
		return "holds an invisible or control character: remove it"
	}
	return ""
}

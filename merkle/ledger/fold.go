package ledger

import (
	"bytes"
	"errors"
	"math/big"
	"unicode/utf8"

	"github.com/assay-por/assay/merkle"
)

// Bounds that keep a damaged file from filling the memory.
const (
	maxCustomers = 1<<31 - 1
	maxClasses   = 1024
	maxUnknown   = 4096
	maxLabel     = 64
)

const defaultClass = "customer"

// fault is a problem of one row, before file and line are known. Column is empty for a problem of the whole row.
type fault struct{ column, problem string }

func (f *fault) Error() string { return f.problem }

// fold takes entries one by one and keeps the customers, their balances and the counters of the summary.
type fold struct {
	rules    Rules
	assets   []Asset
	byAsset  map[string]uint16
	ids      []string
	byID     map[string]uint32
	balances balances

	classes      []class
	byClass      map[string]uint16
	totals       []merkle.Amount // over all classes: what the root will carry
	entries      uint64
	duplicates   uint64
	negatives    uint64
	negativeSums []merkle.Amount
	unknown      map[string]*unknownAsset
}

type class struct {
	name    string
	entries uint64
	sums    []merkle.Amount
}

type unknownAsset struct {
	entries uint64
	sum     big.Int // units of 10^-unknownDecimals
}

func newFold(assets []Asset, rules Rules) (*fold, error) {
	rules, err := rules.checked()
	if err != nil {
		return nil, err
	}
	if len(assets) == 0 || len(assets) > merkle.MaxAssets {
		return nil, errors.New("the registry has no assets, or more than 1024")
	}
	f := &fold{
		rules: rules, assets: assets,
		byAsset: make(map[string]uint16, len(assets)), byID: map[string]uint32{}, byClass: map[string]uint16{},
		totals: make([]merkle.Amount, len(assets)), negativeSums: make([]merkle.Amount, len(assets)),
		unknown: map[string]*unknownAsset{},
	}
	for i, a := range assets {
		if _, twice := f.byAsset[a.ID]; twice || a.ID == "" || a.Decimals > 36 {
			return nil, errors.New("asset " + a.ID + " of the registry has no id, stands twice or has more than 36 decimals")
		}
		f.byAsset[a.ID] = uint16(i) //nolint:gosec // at most 1,024 assets
	}
	return f, nil
}

// customer returns the number of a customer, a new one if the id was not seen before.
func (f *fold) customer(raw []byte) (uint32, *fault) {
	// An id that is known as it stands is normal already.
	if n, ok := f.byID[string(raw)]; ok {
		return n, nil
	}
	id, err := merkle.NormalizeCustomer(string(raw))
	if err != nil {
		return 0, &fault{"customer", err.Error()}
	}
	if n, ok := f.byID[id]; ok {
		return n, nil
	}
	if len(f.ids) == maxCustomers {
		return 0, &fault{"customer", "is one customer more than a ledger holds"}
	}
	n := uint32(len(f.ids)) //nolint:gosec // at most maxCustomers
	f.ids = append(f.ids, id)
	f.byID[id] = n
	f.balances.heads = append(f.balances.heads, 0)
	return n, nil
}

// class returns the number of a class of entries.
func (f *fold) class(name []byte) (uint16, *fault) {
	if n, ok := f.byClass[string(name)]; ok {
		return n, nil
	}
	bad := len(name) == 0 || len(name) > 32
	for _, c := range name {
		bad = bad || (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
	}
	if bad {
		return 0, &fault{"class", "want 1 to 32 of a-z, 0-9 and -"}
	}
	if len(f.classes) == maxClasses {
		return 0, &fault{"class", "is the 1025th class, want at most 1024: is this column really the class?"}
	}
	n := uint16(len(f.classes)) //nolint:gosec // at most maxClasses
	f.classes = append(f.classes, class{name: string(name), sums: make([]merkle.Amount, len(f.assets))})
	f.byClass[string(name)] = n
	return n, nil
}

// add takes one entry of a known asset; column is what the balance's column is called.
func (f *fold) add(customer uint32, asset, class uint16, balance []byte, column string) *fault {
	amount, negative, problem := parseBalance(balance, int(f.assets[asset].Decimals))
	if problem != "" {
		return &fault{column, problem}
	}
	f.entries++
	if negative {
		return f.addNegative(asset, amount, column)
	}
	total, err := f.totals[asset].Add(amount)
	if err != nil {
		return &fault{column, "takes the total of its asset to 2^128 base units: correct the ledger, or lower the asset's decimals"}
	}
	first, problem := f.balances.add(customer, asset, class, amount)
	switch {
	case problem != "":
		return &fault{"", problem}
	case !first && f.rules.Duplicates == RuleError:
		return &fault{"", `is a second entry of one customer, asset and class: remove one, or set duplicates = "sum"`}
	case !first:
		f.duplicates++
	}
	f.totals[asset] = total
	c := &f.classes[class]
	c.entries++
	c.sums[asset], _ = c.sums[asset].Add(amount) // a part of the total, so it fits
	return nil
}

func (f *fold) addNegative(asset uint16, magnitude merkle.Amount, column string) *fault {
	if f.rules.Negatives == RuleError {
		return &fault{column, `is below zero: correct the ledger, or set negatives = "exclude"`}
	}
	sum, err := f.negativeSums[asset].Add(magnitude)
	if err != nil {
		return &fault{column, "takes the sum of the excluded negatives of its asset to 2^128 base units: correct the ledger"}
	}
	f.negatives++
	f.negativeSums[asset] = sum
	return nil
}

// addUnknown takes one entry of an asset that is not in the registry. Its balance must be well formed all the same.
func (f *fold) addUnknown(label, balance []byte, column, labelColumn string) *fault {
	if f.rules.UnknownAssets == RuleError {
		return &fault{labelColumn, `is not an asset of the registry: add the asset, or set unknown_assets = "exclude"`}
	}
	u := f.unknown[string(label)]
	if u == nil {
		if problem := labelProblem(label); problem != "" {
			return &fault{labelColumn, problem}
		}
		if len(f.unknown) == maxUnknown {
			return &fault{labelColumn, "is the 4097th unknown asset, want at most 4096: is this column really the asset?"}
		}
		u = &unknownAsset{}
		f.unknown[string(label)] = u
	}
	units, problem := parseUnknown(balance)
	if problem != "" {
		return &fault{column, problem}
	}
	f.entries++
	u.entries++
	u.sum.Add(&u.sum, units)
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

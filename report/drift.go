package report

import (
	"fmt"
	"math/big"
	"strconv"
)

// DriftLimits say how far a figure may move from one statement of a series to the next before
// a person is to confirm it. All but Assets are in percent; 0 means that nobody looks.
type DriftLimits struct {
	Customers   uint64 // the number of customers, up or down
	Entries     uint64 // the number of entries of the ledger, up or down
	Liabilities uint64 // what is owed of an asset, up or down
	Reserves    uint64 // what is counted of an asset, up or down
	Coverage    uint64 // an asset's coverage, down, in points of percent
	Excluded    uint64 // the share of entries left out: below zero or of unknown assets; that of customers under water; up, in points of percent
	Assets      bool   // an asset is new, or gone
}

// Drift is a figure that moved further than its limit.
type Drift struct {
	Change
	Limit string `json:"limit,omitempty"` // in the unit of By; empty where any change is a drift
}

// String says the drift in one line.
func (d Drift) String() string {
	if d.Limit == "" {
		return d.Change.String()
	}
	return fmt.Sprintf("%s, more than %s", d.Change, d.Limit)
}

// Drifts lists the figures that moved further than the limits allow. It looks only at what
// both statements publish: a drift is a question to whoever draws them up, no verdict. What
// was zero and is not, or the other way round, is a drift under any limit but 0.
func Drifts(former, draft Predicate, limits DriftLimits) []Drift {
	var d drifts
	d.count("customers", former.Ledger.Customers, draft.Ledger.Customers, limits.Customers)
	d.count("entries", former.Ledger.Entries, draft.Ledger.Entries, limits.Entries)
	d.share("entries left out", former.Ledger.left(), draft.Ledger.left(), limits.Excluded)
	d.margin(former, draft, limits)
	before, after := former.perAsset(), draft.perAsset()
	for _, id := range union(former.Snapshot.AssetIDs(), draft.Snapshot.AssetIDs()) {
		a, b := before[id], after[id]
		switch {
		case a == nil && limits.Assets:
			d = append(d, Drift{Change: Change{What: "asset", Name: id, To: b.said()}})
		case b == nil && limits.Assets:
			d = append(d, Drift{Change: Change{What: "asset", Name: id, From: a.said()}})
		case a != nil && b != nil:
			d.amount("liabilities", id, a, b, owed, limits.Liabilities)
			d.amount("counted", id, a, b, counted, limits.Reserves)
			d.coverage(id, a.Ratio, b.Ratio, limits.Coverage)
		}
	}
	return d
}

type drifts []Drift

func (d *drifts) count(what string, from, to, limit uint64) {
	d.moved(Change{What: what, From: strconv.FormatUint(from, 10), To: strconv.FormatUint(to, 10)}, new(big.Int).SetUint64(from), new(big.Int).SetUint64(to), limit)
}

// said is what a statement says of an asset that is new, or gone.
func (h *held) said() string {
	if h.Hidden() {
		return "counted " + figure(counted).of(h)
	}
	return "owed " + figure(owed).of(h)
}

// amount compares a figure that both statements have.
func (d *drifts) amount(what, id string, from, to *held, f figure, limit uint64) {
	was, is := f.of(from), f.of(to)
	if was == "" || is == "" {
		return
	}
	decimals := max(from.decimals, to.decimals)
	d.moved(Change{What: what, Name: id, From: was, To: is}, scaled(*f(from), decimals-from.decimals), scaled(*f(to), decimals-to.decimals), limit)
}

// moved adds the change if it is of more percent than the limit. Percents are floored to two decimals, comparisons are exact.
func (d *drifts) moved(c Change, from, to *big.Int, limit uint64) {
	by := new(big.Int).Sub(to, from)
	switch {
	case limit == 0 || by.Sign() == 0:
	case from.Sign() == 0:
		c.From = ""
		*d = append(*d, Drift{Change: c})
	case to.Sign() == 0:
		c.To = ""
		*d = append(*d, Drift{Change: c})
	case exceeds(by, from, limit):
		by.Quo(by.Mul(by, big.NewInt(10_000)), from)
		c.By = signed(by, 2) + " %"
		*d = append(*d, Drift{c, fmt.Sprintf("%d %%", limit)})
	}
}

// coverage looks for a fall; where nothing is owed there is none.
func (d *drifts) coverage(id, from, to string, limit uint64) {
	if from == "" || to == "" || limit == 0 {
		return
	}
	by := new(big.Int).Sub(hundredths(to), hundredths(from))
	if by.Sign() < 0 && exceeds(by, big.NewInt(10_000), limit) {
		*d = append(*d, Drift{Change{What: "coverage", Name: id, From: percentOf(from), To: percentOf(to), By: signed(by, 2)}, strconv.FormatUint(limit, 10)})
	}
}

// share looks for a rise of a share, unless either is nil.
func (d *drifts) share(what string, a, b *big.Rat, limit uint64) {
	if limit == 0 || a == nil || b == nil {
		return
	}
	if by := new(big.Rat).Sub(b, a); by.Sign() > 0 && exceeds(by.Num(), by.Denom(), limit) {
		*d = append(*d, Drift{Change{What: what, From: inHundredths(a) + " %", To: inHundredths(b) + " %", By: "+" + inHundredths(by)}, strconv.FormatUint(limit, 10)})
	}
}

// left is the share of entries that reach no leaf; none where there are no entries.
func (l Ledger) left() *big.Rat {
	if l.Entries == 0 {
		return nil
	}
	out := new(big.Int).SetUint64(l.UnknownAssets.Entries)
	if l.Negatives.Rule != RuleDebit {
		out.Add(out, new(big.Int).SetUint64(l.Negatives.Entries))
	}
	return new(big.Rat).SetFrac(out, new(big.Int).SetUint64(l.Entries))
}

// inHundredths writes a share in percent, floored to two decimals. Requires 0 <= share.
func inHundredths(share *big.Rat) string {
	n := new(big.Int).Mul(share.Num(), big.NewInt(10_000))
	n.Quo(n, share.Denom())
	return fmt.Sprintf("%d.%02d", new(big.Int).Quo(n, big.NewInt(100)), new(big.Int).Rem(n, big.NewInt(100)))
}

// exceeds tells whether by is more than limit percent of whole, either way. Requires whole > 0.
func exceeds(by, whole *big.Int, limit uint64) bool {
	most := new(big.Int).Mul(whole, new(big.Int).SetUint64(limit))
	return new(big.Int).Mul(by, big.NewInt(100)).CmpAbs(most) > 0
}

package verifier

import (
	"math/big"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// newCoveredWorld is the full world with less ETH owed: its ETH and USDT are covered, its BTC, for which nobody signed, is in shortfall.
func newCoveredWorld() *world {
	w := newFullWorld()
	for _, customers := range w.shards {
		for _, c := range customers {
			if c.owed[1] != nil {
				c.owed[1] = amount("1000000000000000000")
			}
		}
	}
	return w
}

// counted is what counts of each asset by the statement's rule.
func (w *world) counted() (list []*big.Int) {
	assets, _ := w.reserves(nil)
	for _, a := range assets {
		list = append(list, amount(a["counted"].(string)))
	}
	return list
}

// cover hides the totals of a top: T is what counts, where that is enough, and the surplus what is left of it.
func (w *world) cover(top *confidentialtest.Prover) {
	surplus := make([]*big.Int, len(w.assets))
	for j, counted := range w.counted() {
		surplus[j] = new(big.Int).Sub(counted, top.Statement.Totals[j])
		if surplus[j].Sign() < 0 {
			surplus[j] = new(big.Int)
			continue
		}
		top.Statement.Totals[j] = counted
	}
	top.Surplus, top.SurplusBlinding = confidentialtest.Bits(surplus...), top.Random()
	top.Settle()
}

// hideTotals takes out of a predicate what would tell what is owed, and states what the top's proof is about.
func hideTotals(p obj, top *confidentialtest.Prover) {
	at(p, "tree")["surplus"] = pointHex(*top.Statement.Surplus)
	for _, class := range at(p, "ledger")["classes"].([]obj) {
		delete(class, "sum")
	}
	liabilities, coverage := p["liabilities"].([]obj), p["coverage"].([]obj)
	for j, total := range top.Statement.Totals {
		asset, counted := liabilities[j]["asset"], coverage[j]["counted"].(string)
		if total.Cmp(amount(counted)) <= 0 {
			liabilities[j], coverage[j] = obj{"asset": asset, "at_most": total.String()}, obj{"asset": asset, "counted": counted}
		}
	}
}

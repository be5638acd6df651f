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
	surplus := make([]*big.Int, len(w.columns()))
	for j, counted := range w.counted() {
		surplus[j] = new(big.Int).Sub(counted, top.Statement.Totals[j])
		if surplus[j].Sign() < 0 {
			surplus[j] = new(big.Int)
			continue
		}
		top.Statement.Totals[j] = counted
	}
	for j := len(w.assets); j < len(surplus); j++ { // nothing is said of debits and net equity
		most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
		surplus[j] = new(big.Int).Sub(most, top.Statement.Totals[j])
		top.Statement.Totals[j] = most
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
	if negatives := at(p, "ledger")["negatives"].(obj); negatives["rule"] == "debit" {
		delete(negatives, "sum")
	}
	coverage := p["coverage"].([]obj)
	liabilities := p["liabilities"].([]obj)[:len(coverage)]
	p["liabilities"] = liabilities
	for j, total := range top.Statement.Totals[:len(coverage)] {
		asset, counted := liabilities[j]["asset"], coverage[j]["counted"].(string)
		if total.Cmp(amount(counted)) <= 0 {
			liabilities[j], coverage[j] = obj{"asset": asset, "at_most": total.String()}, obj{"asset": asset, "counted": counted}
		}
	}
}

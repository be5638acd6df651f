package verifier

import (
	"math/big"
	"sync"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// The columns of newMarginWorld, by place.
const (
	btc, usdt, debitBTC, debitUSDT, equityLow, equityHigh = 0, 2, 3, 4, 5, 6
)

// marginFactors are worked out by hand from the prices of newMarginWorld: a base unit of BTC counts 60000.5 · 0.9 · 10^-8, so that s is 10.
func marginFactors() []*big.Int {
	high := new(big.Int).Lsh(big.NewInt(1), 64)
	return []*big.Int{big.NewInt(5_400_045), new(big.Int), big.NewInt(10_000), big.NewInt(-6_000_050), big.NewInt(-10_000), big.NewInt(-1), high.Neg(high)}
}

// newMarginWorld is newWorld with debts: Alice owes 12,345 USDT and Bob 0.1 BTC, and Dave's net equity is above 2^64. ETH has no price.
func newMarginWorld() *world { return newWorld().lend() }

// lend is what newMarginWorld adds to a world of the same assets and customers.
func (w *world) lend() *world {
	w.margin = obj{"currency": "USD", "source": "Demo Index, mid prices", "prices": []obj{
		{"asset": "BTC", "price": "60000.5", "weight": 90}, {"asset": "USDT", "price": "1", "weight": 100},
	}}
	w.shards[0][0].owed[debitUSDT] = big.NewInt(12_345_000_000)
	w.shards[0][1].owed = amounts{usdt: big.NewInt(7_000_000_000), debitBTC: big.NewInt(10_000_000)}
	w.shards[1][0].owed[btc] = amount("100000000000000000")
	for _, shard := range w.shards {
		for i := range shard {
			shard[i].owed = inEquity(shard[i].owed)
		}
	}
	return w
}

// inEquity fills in the columns of net equity.
func inEquity(owed amounts) amounts {
	out, equity := amounts{}, worth(owed)
	for i, v := range owed {
		if i < equityLow {
			out[i] = v
		}
	}
	return withEquity(out, equity)
}

// worth is what collateral is worth more than debts.
func worth(owed amounts) *big.Int {
	equity, factors := new(big.Int), marginFactors()
	for i, v := range owed {
		if i < equityLow {
			equity.Add(equity, new(big.Int).Mul(v, factors[i]))
		}
	}
	return equity
}

// withEquity states a net equity, whatever it is worth.
func withEquity(owed amounts, equity *big.Int) amounts {
	if equity.Sign() < 0 {
		panic("no column holds a net equity below zero")
	}
	out := amounts{}
	for i, v := range owed {
		out[i] = v
	}
	delete(out, equityLow)
	delete(out, equityHigh)
	if low := new(big.Int).And(equity, new(big.Int).SetUint64(1<<64-1)); low.Sign() > 0 {
		out[equityLow] = low
	}
	if high := new(big.Int).Rsh(equity, 64); high.Sign() > 0 {
		out[equityHigh] = high
	}
	return out
}

// columns are the names of a sum's columns.
func (w *world) columns() (names []string) {
	for _, a := range w.assets {
		names = append(names, a["id"].(string))
	}
	if w.margin == nil {
		return names
	}
	for _, p := range w.margin["prices"].([]obj) {
		names = append(names, "debit:"+p["asset"].(string))
	}
	return append(names, "equity:low", "equity:high")
}

func (w *world) putMargin(snapshot obj) {
	if w.margin != nil {
		snapshot["margin"] = w.margin
	}
}

// withDebts tells classes and entries below zero apart (SPEC part 7).
func (w *world) withDebts(totals amounts, predicate obj) obj {
	if w.margin == nil {
		return predicate
	}
	owed, debts, credits, debits := amounts{}, amounts{}, 0, 0
	for i := range w.assets {
		if totals[i] != nil {
			owed[i] = totals[i]
		}
	}
	for i, p := range w.margin["prices"].([]obj) {
		for at := range w.assets {
			if debt := totals[len(w.assets)+i]; w.id(at) == p["asset"] && debt != nil {
				debts[at] = debt
			}
		}
	}
	for _, shard := range w.shards {
		for _, c := range shard {
			for i := range c.owed {
				switch {
				case i < len(w.assets):
					credits++
				case i < len(w.columns())-2:
					debits++
				}
			}
		}
	}
	ledger := at(predicate, "ledger")
	class := ledger["classes"].([]obj)[0]
	class["entries"], class["sum"], ledger["entries"] = credits, w.json(owed), credits+debits
	ledger["negatives"] = obj{"entries": debits, "rule": "debit", "sum": w.json(debts)}
	ledger["underwater"] = obj{"customers": 0, "rule": "error", "sum": []obj{}}
	return predicate
}

var marginGenerators = sync.OnceValue(func() *confidentialtest.Generators {
	return confidentialtest.NewGenerators(newMarginWorld().columns()...)
})

// generators are those of the world's columns; of another registry nobody needs them.
func (w *world) generators() *confidentialtest.Generators {
	if w.margin == nil {
		return generatorsOf()
	}
	return marginGenerators()
}

// relations are those that a shard's proof shows.
func (w *world) relations() [][]*big.Int {
	if w.margin == nil {
		return nil
	}
	return [][]*big.Int{marginFactors()}
}

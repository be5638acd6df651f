package build

import (
	"errors"
	"fmt"
	"slices"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/spool"
)

// UnderwaterError says that customers' debts are worth more than their collateral (SPEC part 30). It says how many they are, and not who.
type UnderwaterError struct{ Customers uint64 }

// Error says what to do.
func (e *UnderwaterError) Error() string {
	are := "customers are"
	if e.Customers == 1 {
		are = "customer is"
	}
	return fmt.Sprintf("%d %s under water: their debts are worth more than their collateral at the snapshot's prices; correct the ledger, or set margin.underwater = \"write-off\"; "+
		"assay ledger check --underwater FILE writes who they are by today's prices", e.Customers, are)
}

// accounts makes balances out of customers' entries, with margin accounts' net equity (SPEC part 30). It is for one goroutine.
type accounts struct {
	margin *merkle.Margin // nil where there are none
	rule   string         // for customers under water
	told   func(customer []byte) error

	row        merkle.Plain
	underwater uint64
	writtenOff merkle.Plain // by asset index
}

// of returns the balances of a customer, which are good until the next call, and whether they may be.
func (a *accounts) of(c *spool.Customer) (balances merkle.Plain, is bool, err error) {
	a.row = appendBalances(a.row[:0], c)
	if a.margin == nil {
		return a.row, true, nil
	}
	a.row, err = a.margin.Close(a.row)
	if err == nil {
		return a.row, true, nil
	}
	if !errors.Is(err, merkle.ErrUnderwater) {
		return nil, false, fmt.Errorf("a customer of a margin account: %w", err)
	}
	a.underwater++
	if a.told != nil {
		if err := a.told(c.ID); err != nil {
			return nil, false, err
		}
	}
	if a.rule != ledger.RuleWriteOff {
		return nil, false, nil
	}
	credits, debits := a.margin.Split(a.row)
	if a.writtenOff, err = a.writtenOff.Add(debits); err != nil {
		return nil, false, err
	}
	a.row, err = a.margin.Close(credits)
	return a.row, true, err
}

// verdict refuses a shard of which balances may not be.
func (a *accounts) verdict() error {
	if a.underwater > 0 && a.rule != ledger.RuleWriteOff {
		return &UnderwaterError{a.underwater}
	}
	return nil
}

// appendBalances appends what a customer is owed, of all classes.
func appendBalances(sums merkle.Plain, c *spool.Customer) merkle.Plain {
	start := len(sums)
	for _, e := range c.Entries {
		if e.Amount.IsZero() {
			continue
		}
		if last := len(sums) - 1; last >= start && sums[last].Asset == e.Asset {
			sums[last].Amount, _ = sums[last].Amount.Add(e.Amount) // a part of the asset's total, so it fits
			continue
		}
		sums = append(sums, merkle.Entry{Asset: e.Asset, Amount: e.Amount})
	}
	return sums
}

// overflowed says what to do where a sum of net equity reaches 2^128; no other can, as the ledger's totals do not.
func (w *Worker) overflowed(err error) error {
	var over *merkle.OverflowError
	margin, _ := w.Plan.margin() // the plan was checked
	if margin == nil || !errors.As(err, &over) || int(over.Asset) < len(w.Plan.Assets) {
		return err
	}
	return fmt.Errorf("the net equity of all customers is 2^192 or more in units of 10^-%d, which the finest price needs: round the prices of the cheapest assets, or leave them out", margin.Scale())
}

var errTotals = errors.New("the tree's totals are not those of the ledger: a file of the build was altered; build it anew from the start (assay build --again)")

// tieOut holds the tree's totals to what the ledger has. What of debits the tree has not was written off.
func (w *Worker) tieOut(totals merkle.Plain, counts ledger.Counts, folded *ledger.Folded) error {
	want, err := counts.Totals()
	if err != nil {
		return err
	}
	margin, err := w.Plan.margin()
	if err != nil {
		return err
	}
	if margin == nil {
		if !slices.Equal(totals, want) {
			return errTotals
		}
		return nil
	}
	credits, debits := margin.Split(totals)
	if !slices.Equal(credits, want) || !margin.Satisfied(totals) {
		return errTotals
	}
	folded.WrittenOff = nil
	owed := counts.Owed()
	for _, e := range debits {
		if owed.Amount(int(e.Asset)).Cmp(e.Amount) < 0 {
			return errTotals
		}
	}
	for _, e := range owed {
		if e.Amount = e.Amount.Sub(debits.Amount(int(e.Asset))); !e.Amount.IsZero() {
			folded.WrittenOff = append(folded.WrittenOff, e)
		}
	}
	if (folded.Underwater > 0) != (len(folded.WrittenOff) > 0) {
		return errTotals
	}
	return nil
}

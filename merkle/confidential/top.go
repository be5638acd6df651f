package confidential

import (
	"errors"
	"fmt"
	"io"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// Top is the top level of a tree: a row for each shard, in order.
type Top struct {
	Snapshot merkle.Hash
	Key      merkle.BlindKey // the snapshot's
	Rows     []TopRow
	// Hidden hides the totals: of an asset it is shown only that no more is owed than Reserves. An asset of which more is owed is opened.
	Hidden   bool
	Reserves merkle.Plain // where totals are hidden, those that count
	Workers  int          // how many goroutines work at once; 0 for as many as run at once
}

// ProvedTop is a tree's root and what shows its totals.
type ProvedTop struct {
	Root merkle.Node[Point] // the tree's root, closed
	// Totals are T: what is owed; where totals are hidden, what is owed at most.
	Totals  merkle.Plain
	Surplus Point  // C_sur, where totals are hidden
	Proof   []byte // the contents of liabilities/top.proof
}

// ProveTop closes the tree and proves what it adds up to (SPEC part 29, Tree and Verifying a proof). It takes 32 bytes of random. It
// refuses a total that reaches 2^128, by a [merkle.OverflowError].
func (p *Parameters) ProveTop(top Top, random io.Reader) (*ProvedTop, error) {
	w, err := p.closeTop(top)
	if err != nil {
		return nil, err
	}
	proved := &ProvedTop{Root: w.root}
	if proved.Totals, err = w.totals(); err != nil {
		return nil, err
	}
	x := &instance{work: w, columns: w.columns, remainder: w.sum}
	x.begin(levelTop)
	if !top.Hidden {
		x.script.absorb("totals", p.encodeTotals(proved.Totals))
		proved.Proof, err = x.prove(random)
		return proved, err
	}
	totals, surplus := cover(proved.Totals, top.Reserves, len(p.assets))
	encoded := p.encodeTotals(totals)
	x.script.absorb("totals", encoded)
	blinding := newPRF(surplusKey(top.Key, top.Snapshot, w.digest, encoded), &p.wide).scalar("surplus")
	proved.Totals, proved.Surplus = totals, p.commitRow(surplus, blinding)
	x.script.absorb("surplus", proved.Surplus.AppendBinary(nil))
	x.remainder.Add(&x.remainder, &blinding)
	x.addRow(surplus, fr.One())
	if err := x.addLast(surplus, blinding); err != nil {
		return nil, err
	}
	proved.Proof, err = x.prove(random)
	return proved, err
}

// closeTop commits to the total rows again and builds the tree over them.
func (p *Parameters) closeTop(top Top) (*work, error) {
	if len(top.Rows) == 0 {
		return nil, errors.New("tree has no shards, want at least 1")
	}
	rows := func(yield func(Row, error) bool) {
		for _, r := range top.Rows {
			if !yield(Row{r.Root, r.Totals}, nil) {
				return
			}
		}
	}
	t := &table{rows: rows, count: len(top.Rows), assets: len(p.assets), workers: top.Workers}
	w := &work{params: p, table: t, snapshot: top.Snapshot, key: top.Key, blindings: make([]fr.Element, t.count)}
	for i := range top.Rows {
		if w.blindings[i].SetBytesCanonical(top.Rows[i].Blinding[:]) != nil {
			return nil, fmt.Errorf("blinding of shard %d's total row is not below the group's order", i)
		}
	}
	var err error
	if w.digest, err = digest(t); err != nil {
		return nil, err
	}
	at := 0
	check := func(leaves []Leaf) error {
		for _, l := range leaves {
			if l.Sum != top.Rows[at].Total {
				return fmt.Errorf("shard %d's total row does not open to its totals", at)
			}
			at++
		}
		return nil
	}
	return w, w.commit(merkle.Top, func(*chunk, []fr.Element) {}, check)
}

// cover returns what is shown of totals that are hidden, and what lies between: the reserves where they cover the total, else the total.
func cover(totals, reserves merkle.Plain, assets int) (shown, surplus merkle.Plain) {
	for j := range assets {
		owed, held := totals.Amount(j), reserves.Amount(j)
		if held.Cmp(owed) < 0 {
			held = owed
		}
		if over := held.Sub(owed); !over.IsZero() {
			surplus = append(surplus, merkle.Entry{Asset: uint16(j), Amount: over}) //nolint:gosec // at most 1,024 assets
		}
		if !held.IsZero() {
			shown = append(shown, merkle.Entry{Asset: uint16(j), Amount: held}) //nolint:gosec // at most 1,024 assets
		}
	}
	return shown, surplus
}

// encodeTotals writes T as the transcript has it.
func (p *Parameters) encodeTotals(totals merkle.Plain) []byte {
	b := make([]byte, 32*len(p.assets))
	for _, e := range totals {
		amount := e.Amount.Bytes16()
		copy(b[32*int(e.Asset)+16:], amount[:])
	}
	return b
}

// addLast adds a row that is outside the tree to those that are proved.
func (x *instance) addLast(balances merkle.Plain, blinding fr.Element) error {
	t, rows := *x.table, x.table.rows
	t.count++
	t.rows = func(yield func(Row, error) bool) {
		for r, err := range rows {
			if !yield(r, err) {
				return
			}
		}
		yield(Row{Balances: balances}, nil)
	}
	x.table, x.blindings = &t, append(x.blindings, blinding)
	var err error
	x.digest, err = digest(&t)
	return err
}

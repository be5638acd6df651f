package confidential

import (
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// Top is the top level of a tree: a row for each shard, in order.
type Top struct {
	Snapshot merkle.Hash
	Key      [32]byte // of the snapshot: merkle.Keys.Blind
	Rows     []TopRow
	Workers  int // how many goroutines work at once; 0 for as many as run at once
}

// ProvedTop is a tree's root and what shows its totals.
type ProvedTop struct {
	Root   merkle.Node[Point] // the tree's root, closed
	Totals []*big.Int         // in registry order, zeros among them
	Proof  []byte             // the contents of liabilities/top.proof
}

// ProveTop closes the tree and proves what it adds up to (SPEC part 29, Tree and Verifying a proof). It takes 32 bytes of random.
func (p *Parameters) ProveTop(top Top, random io.Reader) (*ProvedTop, error) {
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
	var err error
	if w.digest, err = digest(t); err != nil {
		return nil, err
	}
	for i := range top.Rows {
		if w.blindings[i].SetBytesCanonical(top.Rows[i].Blinding[:]) != nil {
			return nil, fmt.Errorf("blinding of shard %d's total row is not below the group's order", i)
		}
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
	if err := w.commit(merkle.Top, func(*chunk, []fr.Element) {}, check); err != nil {
		return nil, err
	}
	proved := &ProvedTop{Root: w.root}
	x := &instance{work: w, columns: w.columns, remainder: w.sum}
	x.begin(levelTop)
	var totals []byte
	for j := range p.assets {
		proved.Totals = append(proved.Totals, w.total(j))
		totals = append(totals, proved.Totals[j].FillBytes(make([]byte, 32))...)
	}
	x.script.absorb("totals", totals)
	proved.Proof, err = x.prove(random)
	return proved, err
}

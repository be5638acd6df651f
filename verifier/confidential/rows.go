package confidential

import (
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// pieceVars says how many rows, as a power of two, are multiplied at once: enough for large windows, and 16 MB.
const pieceVars = 17

// eqTable gives eq(at, x) for every x, whose bits stand least significant first.
func eqTable(at []fr.Element) []fr.Element {
	table := make([]fr.Element, 1, 1<<len(at))
	table[0].SetOne()
	for _, r := range at {
		half := len(table)
		table = table[:2*half]
		for i := range half {
			table[half+i].Mul(&table[i], &r)
			table[i].Sub(&table[i], &table[half+i])
		}
	}
	return table
}

// combine sums the rows with the weights eq(at, i), a piece at a time. There must be exactly n rows.
func combine(at []fr.Element, n uint64, rows Rows, threads int) (grumpkin.G1Affine, error) {
	low := min(len(at), pieceVars)
	c := &combiner{n: n, threads: threads, low: eqTable(at[:low]), high: at[low:]}
	var out grumpkin.G1Affine
	if err := rows(c.take); err != nil {
		return out, err
	}
	if err := c.flush(); err != nil {
		return out, err
	}
	if c.done != n {
		return out, fmt.Errorf("%d rows, the tree has %d", c.done, n)
	}
	out.FromJacobian(&c.total)
	return out, nil
}

// combiner gathers rows up to a whole piece.
type combiner struct {
	n, done uint64
	threads int
	low     []fr.Element // weights within a piece
	high    []fr.Element // where eq counts pieces
	points  []grumpkin.G1Affine
	scalars []fr.Element
	total   grumpkin.G1Jac
}

func (c *combiner) take(rows []grumpkin.G1Affine) error {
	for len(rows) > 0 {
		part := min(len(rows), len(c.low)-len(c.points))
		c.points = append(c.points, rows[:part]...)
		rows = rows[part:]
		if len(c.points) == len(c.low) {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush adds what was gathered to the total.
func (c *combiner) flush() error {
	if len(c.points) == 0 {
		return nil
	}
	if c.done+uint64(len(c.points)) > c.n {
		return fmt.Errorf("more than the tree's %d rows", c.n)
	}
	weight := eqAt(c.high, c.done/uint64(len(c.low)))
	if c.scalars == nil {
		c.scalars = make([]fr.Element, len(c.low))
	}
	for i := range c.points {
		c.scalars[i].Mul(&c.low[i], &weight)
	}
	var part grumpkin.G1Jac
	if _, err := part.MultiExp(c.points, c.scalars[:len(c.points)], ecc.MultiExpConfig{NbTasks: c.threads}); err != nil {
		return fmt.Errorf("multi-scalar multiplication: %w", err)
	}
	c.total.AddAssign(&part)
	c.done += uint64(len(c.points))
	c.points = c.points[:0]
	return nil
}

// eqAt is eq(at, x) for one x.
func eqAt(at []fr.Element, x uint64) (product fr.Element) {
	product.SetOne()
	for u, r := range at {
		if x>>u&1 == 0 {
			var one fr.Element
			one.SetOne()
			r.Sub(&one, &r)
		}
		product.Mul(&product, &r)
	}
	return product
}

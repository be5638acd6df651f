package confidential

import "github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

// opening returns what Σ R_i C_i opens to: v* and its blinding. That all rows are those that were committed to is seen here.
func (x *instance) opening() ([]fr.Element, fr.Element, error) {
	rows := newRowEq(x.r[logWidth+x.params.logAssets:])
	type state struct {
		sums     []fr.Element
		blinding fr.Element
	}
	size := len(x.params.bytes)
	values := make([]fr.Element, x.params.columns())
	var blinding fr.Element
	limit := openingMemory / (size * fr.Bytes)
	table, hash := *x.table, newRowsHash(x.table.count)
	table.watch = hash.add
	err := pass(&table, limit, func() *state { return &state{sums: make([]fr.Element, size)} }, func(s *state, c *chunk) {
		for i := range c.rows() {
			w, b := rows.of(c, i), fr.Element{}
			s.blinding.Add(&s.blinding, b.Mul(&w, &x.blindings[c.first+i]))
			for _, e := range c.row(i) {
				for at, v := range amountBytes(e.Amount) {
					if v != 0 {
						sum := &s.sums[tableIndex(int(e.Asset), at, v)]
						sum.Add(sum, &w)
					}
				}
			}
		}
	}, func(s *state) {
		blinding.Add(&blinding, &s.blinding)
		addBits(values, s.sums)
	})
	if err == nil && hash.sum() != x.digest {
		err = errChanged
	}
	return values, blinding, err
}

// openingMemory is how much the sums of all workers of [instance.opening] may take, in bytes, if it is more than one's.
const openingMemory = 1 << 29

// addBits adds to each bit's value the sums of the bytes that have it set.
func addBits(values, sums []fr.Element) {
	for at := range len(sums) >> 8 {
		for b := range 8 {
			for v := range 256 {
				if v>>b&1 == 1 {
					values[at*8+b].Add(&values[at*8+b], &sums[at<<8|v])
				}
			}
		}
	}
}

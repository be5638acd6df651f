package confidential

import (
	"math"
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// byteSums are weights summed by byte of a balance and by that byte's value; rows with a byte of zero add nothing anywhere.
type byteSums [bytesWide][256]fr.Element

// logRows is k.
func (x *instance) logRows() int { return bits.Len(uint(x.table.count - 1)) } //nolint:gosec // at least 0

// rowEq gives eq of the row variables: a factor for all rows of a chunk, and one for each row in it.
type rowEq struct{ chunk, row []fr.Element }

func newRowEq(t []fr.Element) rowEq {
	low := min(len(t), bits.Len(chunkRows-1))
	return rowEq{eqTable(t[low:]), eqTable(t[:low])}
}

// of is the weight of row i of a chunk.
func (e rowEq) of(c *chunk, i int) (w fr.Element) {
	return *w.Mul(&e.chunk[c.first/chunkRows], &e.row[i])
}

// rounds sends the polynomials of all variables, bits first, then assets, then rows (SPEC part 29, Verifying a proof). What they
// need of the rows is gathered in passes: one for three variables at once, since three bits of a byte, eight digits of a balance
// or eight assets make a [form] that is small enough.
func (x *instance) rounds() error {
	sums, err := x.sumBytes()
	if err != nil {
		return err
	}
	bytes := x.byteForm(sums)
	x.send(&bytes)
	halves, err := x.halvesForm(sums)
	if err != nil {
		return err
	}
	x.send(&halves)
	digits, err := x.digitsForm()
	if err != nil {
		return err
	}
	x.send(&digits)
	for done := 0; done < x.params.logAssets; done += 3 {
		assets, err := x.assetsForm(done, min(3, x.params.logAssets-done))
		if err != nil {
			return err
		}
		x.send(&assets)
	}
	return x.rowRounds()
}

// send runs the rounds of a form's variables.
func (x *instance) send(f *form) {
	for f.size > 1 {
		t := len(x.r)
		x.round(f.round(x.tau[t+1 : t+bits.Len(uint(f.size))-1]))
		f.bind(&x.r[t])
	}
}

// tauAssets and tauRows are the parts of τ.
func (x *instance) tauAssets() []fr.Element { return x.tau[logWidth : logWidth+x.params.logAssets] }
func (x *instance) tauRows() []fr.Element   { return x.tau[logWidth+x.params.logAssets:] }

// sumBytes sums eq of asset and row by byte.
func (x *instance) sumBytes() (*byteSums, error) {
	rows, assets := newRowEq(x.tauRows()), eqTable(x.tauAssets())
	total := new(byteSums)
	do := func(sums *byteSums, c *chunk) {
		for i := range c.rows() {
			row := rows.of(c, i)
			for _, e := range c.row(i) {
				var w fr.Element
				w.Mul(&row, &assets[e.Asset])
				for at, v := range amountBytes(e.Amount) {
					if v != 0 {
						sums[at][v].Add(&sums[at][v], &w)
					}
				}
			}
		}
	}
	err := pass(x.table, math.MaxInt, func() *byteSums { return new(byteSums) }, do, func(s *byteSums) {
		for at := range total {
			for v := range total[at] {
				total[at][v].Add(&total[at][v], &s[at][v])
			}
		}
	})
	return total, err
}

// byteForm is that of the bits of a byte, variables 1 to 3.
func (x *instance) byteForm(sums *byteSums) form {
	f := form{size: 8}
	eq := eqTable(x.tau[3:logWidth])
	one := fr.One()
	ones := [8]fr.Element{one, one, one, one, one, one, one, one}
	for v := range 256 {
		var w, part fr.Element
		for at := range sums {
			w.Add(&w, part.Mul(&eq[at], &sums[at][v]))
		}
		var set []int
		for b := range 8 {
			if v>>b&1 == 1 {
				set = append(set, b)
			}
		}
		f.add(&w, set, ones[:len(set)])
	}
	f.flush()
	return f
}

// folded is what the bits of each byte come to when variables 1 to 3 are bound.
func (x *instance) folded() (f [256]fr.Element) {
	eq := eqTable(x.r[:3])
	for v := range f {
		for b := range 8 {
			if v>>b&1 == 1 {
				f[v].Add(&f[v], &eq[b])
			}
		}
	}
	return f
}

// halvesForm is that of the two bytes of a digit of 16 bits, variable 4. Squares follow from sums that are there; products of one byte
// with the other are summed by the digit's high byte.
func (x *instance) halvesForm(sums *byteSums) (form, error) {
	folded, eq := x.folded(), eqTable(x.tau[4:logWidth])
	rows, assets := newRowEq(x.tauRows()), eqTable(x.tauAssets())
	type products [digitsWide][256]fr.Element
	total := new(products)
	do := func(sums *products, c *chunk) {
		for i := range c.rows() {
			row := rows.of(c, i)
			for _, e := range c.row(i) {
				var w, product fr.Element
				w.Mul(&row, &assets[e.Asset])
				b := amountBytes(e.Amount)
				for s := range digitsWide {
					if low, high := b[2*s], b[2*s+1]; low != 0 && high != 0 {
						sums[s][high].Add(&sums[s][high], product.Mul(&w, &folded[low]))
					}
				}
			}
		}
	}
	err := pass(x.table, math.MaxInt, func() *products { return new(products) }, do, func(s *products) {
		for at := range total {
			for v := range total[at] {
				total[at][v].Add(&total[at][v], &s[at][v])
			}
		}
	})
	f := form{size: 2}
	for s := range digitsWide {
		for v := range 256 {
			for half := range 2 {
				f.addOne(half, eq[s], sums[2*s+half][v], folded[v])
			}
			var product fr.Element
			product.Mul(&total[s][v], &folded[v])
			product.Mul(&product, &eq[s])
			f.gram[0][1].Add(&f.gram[0][1], &product)
		}
	}
	return f, err
}

// addOne adds one value with a weight of two factors.
func (f *form) addOne(at int, eq, sum, h fr.Element) {
	sum.Mul(&sum, &eq)
	sum.Mul(&sum, &h)
	f.linear[at].Add(&f.linear[at], &sum)
	sum.Mul(&sum, &h)
	f.gram[at][at].Add(&f.gram[at][at], &sum)
}

// digitsForm is that of the digits of a balance, variables 5 to 7.
func (x *instance) digitsForm() (form, error) {
	low, high := x.folded(), x.folded()
	for v := range low {
		high[v].Mul(&high[v], &x.r[3])
		low[v].Sub(&low[v], &high[v])
	}
	// high is r · folded now, and low is folded − r · folded.
	rows, assets := newRowEq(x.tauRows()), eqTable(x.tauAssets())
	return x.gather(8, func(f *form, c *chunk) {
		at, h := make([]int, 0, digitsWide), make([]fr.Element, 0, digitsWide)
		for i := range c.rows() {
			row := rows.of(c, i)
			for _, e := range c.row(i) {
				b := amountBytes(e.Amount)
				at, h = at[:0], h[:0]
				for s := range digitsWide {
					if b[2*s]|b[2*s+1] != 0 {
						var v fr.Element
						at, h = append(at, s), append(h, *v.Add(&low[b[2*s]], &high[b[2*s+1]]))
					}
				}
				var w fr.Element
				f.add(w.Mul(&row, &assets[e.Asset]), at, h)
			}
		}
	})
}

// gather sums a form over all rows.
func (x *instance) gather(size int, do func(*form, *chunk)) (form, error) {
	total := form{size: size}
	err := pass(x.table, math.MaxInt, func() *form { return &form{size: size} }, do, func(f *form) { total.join(f) })
	return total, err
}

// balances gives what balances come to when all variables of bits are bound.
type balances [bytesWide][256]fr.Element

func (x *instance) balances() *balances {
	t, folded, eq := new(balances), x.folded(), eqTable(x.r[3:logWidth])
	for at := range t {
		for v := range t[at] {
			t[at][v].Mul(&folded[v], &eq[at])
		}
	}
	return t
}

func (t *balances) of(b [bytesWide]byte) (sum fr.Element) {
	for at, v := range b {
		if v != 0 {
			sum.Add(&sum, &t[at][v])
		}
	}
	return sum
}

// assetsForm is that of blocks of assets, for as many variables as are told, at most three, when done of the assets' are bound.
func (x *instance) assetsForm(done, variables int) (form, error) {
	table, bound := x.balances(), eqTable(x.r[logWidth:logWidth+done])
	rows, blocks := newRowEq(x.tauRows()), eqTable(x.tauAssets()[done+variables:])
	return x.gather(1<<variables, func(f *form, c *chunk) {
		at, h := make([]int, 0, 8), make([]fr.Element, 0, 8)
		for i := range c.rows() {
			row := rows.of(c, i)
			entries := c.row(i)
			for n := 0; n < len(entries); {
				block := int(entries[n].Asset) >> (done + variables)
				at, h = at[:0], h[:0]
				for ; n < len(entries) && int(entries[n].Asset)>>(done+variables) == block; n++ {
					v := table.of(amountBytes(entries[n].Amount))
					v.Mul(&v, &bound[int(entries[n].Asset)&(1<<done-1)])
					s := int(entries[n].Asset) >> done & (1<<variables - 1)
					if last := len(at) - 1; last >= 0 && at[last] == s {
						h[last].Add(&h[last], &v)
					} else {
						at, h = append(at, s), append(h, v)
					}
				}
				var w fr.Element
				f.add(w.Mul(&row, &blocks[block]), at, h)
			}
		}
	})
}

// rowRounds are the rounds of the row variables, over one value a row: its balances when all variables before are bound.
func (x *instance) rowRounds() error {
	if x.logRows() == 0 {
		return nil
	}
	table, assets := x.balances(), eqTable(x.r[logWidth:])
	h := make([]fr.Element, x.table.count)
	err := pass(x.table, math.MaxInt, func() struct{} { return struct{}{} }, func(_ struct{}, c *chunk) {
		for i := range c.rows() {
			for _, e := range c.row(i) {
				v := table.of(amountBytes(e.Amount))
				h[c.first+i].Add(&h[c.first+i], v.Mul(&v, &assets[e.Asset]))
			}
		}
	}, func(struct{}) {})
	if err != nil {
		return err
	}
	eq := eqTable(x.tauRows()[1:])
	for {
		x.round(rowSums(h, eq))
		h = x.bindRows(h)
		if len(eq) == 1 {
			return nil
		}
		// eq without its first variable: both values of that add up to one.
		for i := range len(eq) / 2 {
			eq[i].Add(&eq[2*i], &eq[2*i+1])
		}
		eq = eq[:len(eq)/2]
	}
}

// rowSums returns q1 and q2 of the next row variable, as [form.round] does.
func rowSums(h, eq []fr.Element) (q1, q2 fr.Element) {
	for i := range (len(h) + 1) / 2 {
		a, d, v := h[2*i], fr.Element{}, fr.Element{}
		if 2*i+1 < len(h) {
			d = h[2*i+1]
		}
		d.Sub(&d, &a)
		v.Mul(v.Double(&a), &d)
		v.Sub(&d, &v)
		q1.Add(&q1, v.Mul(&v, &eq[i]))
		v.Square(&d)
		q2.Sub(&q2, v.Mul(&v, &eq[i]))
	}
	return q1, q2
}

// bindRows sets the row variable to the last challenge; a row that is missing counts as zero.
func (x *instance) bindRows(h []fr.Element) []fr.Element {
	r := &x.r[len(x.r)-1]
	for i := range (len(h) + 1) / 2 {
		var b fr.Element
		if 2*i+1 < len(h) {
			b = h[2*i+1]
		}
		h[i] = mix(h[2*i], b, r)
	}
	return h[:(len(h)+1)/2]
}

package confidential

import (
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/tree"
)

// A prover is SPEC part 29 written down densely, with its secrets at hand: an attack changes what it knows, or what it says on the way.
// Entries are elements of the field, so that they need not be bits.
type prover struct {
	t             *testing.T
	p             *Parameters
	claim         Claim
	entries       [][]fr.Element // by row, by column
	blindings     []fr.Element
	total         []fr.Element // of a shard: the total row's entries
	totalBlinding fr.Element
	cheat         cheats
}

// cheats are what a dishonest prover does on the way; nothing set is honest.
type cheats struct {
	silent     string                              // an item of what is proved that is not absorbed
	rounds     func(round int, q1, q2 *fr.Element) // what is said of a round
	foretold   bool                                // a round's challenge is drawn before its message, which is made to fit
	opening    func(*opening)                      // what is claimed of the opened row, before masks are made
	masks      func(*masks)                        // what is sent before the challenge e
	answers    func(*masks, fr.Element, *answers)  // what is answered to e
	masksAfter bool                                // e is drawn before the masks, which answers may then change
}

type point = grumpkin.G1Affine

// opening is what the opened row is and holds.
type opening struct {
	v, l            []fr.Element
	blinding        fr.Element
	b, y, c, s      fr.Element // b and its blinding; the last claim and its blinding
	columns         []fr.Element
	columnsBlinding fr.Element
}

type masks struct {
	Y, D, E, F, D2                 point
	f, g                           []fr.Element
	d, d2                          []fr.Element
	delta, sigma, omega, delta2, w fr.Element
}

type answers struct {
	z, z2                       []fr.Element
	delta, sigma, omega, delta2 fr.Element
}

func random(t *testing.T) (x fr.Element) {
	t.Helper()
	var b [64]byte
	if _, err := rand.Read(b[:]); err != nil {
		t.Fatal(err)
	}
	x.SetBytes(b[:])
	return x
}

func randoms(t *testing.T, n int) []fr.Element {
	list := make([]fr.Element, n)
	for i := range list {
		list[i] = random(t)
	}
	return list
}

func multi(t *testing.T, points []point, scalars []fr.Element) (sum point) {
	t.Helper()
	if _, err := sum.MultiExp(points, scalars, ecc.MultiExpConfig{}); err != nil {
		t.Fatal(err)
	}
	return sum
}

// commit is Σ e_c G_c + r H.
func (v *prover) commit(entries []fr.Element, r fr.Element) point {
	points, scalars := []point{v.p.h}, []fr.Element{r}
	for c := range entries {
		if !entries[c].IsZero() {
			points, scalars = append(points, v.p.columns[c]), append(scalars, entries[c])
		}
	}
	return multi(v.t, points, scalars)
}

// com is Com(x; s) = x U + s H.
func (v *prover) com(x, s fr.Element) point {
	return multi(v.t, []point{v.p.u, v.p.h}, []fr.Element{x, s})
}

func bitsOf(amounts []*big.Int) []fr.Element {
	entries := make([]fr.Element, width*len(amounts))
	for j, a := range amounts {
		for b := range width {
			entries[j*width+b].SetUint64(uint64(a.Bit(b)))
		}
	}
	return entries
}

// newProver commits to rows of balances; of a shard, to their totals too. Sum and Total of the claim follow.
func newProver(t *testing.T, p *Parameters, level Level, balances [][]*big.Int) *prover {
	t.Helper()
	v := &prover{t: t, p: p, claim: Claim{Level: level, Snapshot: tree.Hash{1, 2, 3}, Root: tree.Hash{4, 5, 6}}}
	totals := make([]*big.Int, len(p.assets))
	for j := range totals {
		totals[j] = new(big.Int)
	}
	for _, row := range balances {
		for j, a := range row {
			totals[j].Add(totals[j], a)
		}
		v.entries = append(v.entries, bitsOf(row))
	}
	v.blindings = randoms(t, len(balances))
	if level == Top {
		v.claim.Totals = totals
	} else {
		v.claim.Index = 7
		v.total, v.totalBlinding = bitsOf(totals), random(t)
	}
	v.settle()
	return v
}

// settle makes the claim's points follow from what the prover knows.
func (v *prover) settle() {
	var sum point
	for _, c := range v.rows() {
		sum.Add(&sum, &c)
	}
	v.claim.Rows, v.claim.Sum = uint64(len(v.entries)), tree.PointOf(sum)
	if v.claim.Level == Shard {
		v.claim.Total = tree.PointOf(v.commit(v.total, v.totalBlinding))
	}
}

func (v *prover) rows() (list []point) {
	for i := range v.entries {
		list = append(list, v.commit(v.entries[i], v.blindings[i]))
	}
	return list
}

// given are rows as a verifier is given them.
func given(list []point) Rows {
	return func(take func([]grumpkin.G1Affine) error) error { return take(list) }
}

func eq(at []fr.Element, x int) fr.Element { return eqAt(at, uint64(x)) }

func dot(a, b []fr.Element) (sum fr.Element) {
	for i := range a {
		sum.Add(&sum, mul(&a[i], &b[i]))
	}
	return sum
}

// prove runs the protocol.
func (v *prover) prove() []byte {
	columnVars := v.p.columnVars()
	l := columnVars + rowVars(v.claim.Rows)
	t := newTranscript()
	v.state(t)
	var tau []fr.Element
	for range l {
		tau = append(tau, t.challenge("tau"))
	}
	ks, r, c, s := v.zeroCheck(t, tau)
	o := v.open(r[:columnVars], r[columnVars:])
	o.c, o.s, o.y = c, s, random(v.t)
	if v.cheat.opening != nil {
		v.cheat.opening(o)
	}
	return v.sigma(t, ks, o)
}

// state absorbs what is proved.
func (v *prover) state(t *transcript) {
	c := &v.claim
	root, sum, total := c.Root, c.Sum.Bytes(), c.Total.Bytes()
	var assets, relations, totals []byte
	for _, id := range v.p.assets {
		assets = append(append(assets, byte(len(id))), id...)
	}
	for _, relation := range c.Relations {
		for _, lambda := range relation {
			relations = append(relations, byte(lambda.Sign())>>7)
			relations = append(relations, new(big.Int).Abs(lambda).FillBytes(make([]byte, 12))...)
		}
	}
	for _, amount := range c.Totals {
		totals = append(totals, amount.FillBytes(make([]byte, 32))...)
	}
	items := []struct {
		label string
		data  []byte
	}{
		{"level", []byte{byte(c.Level)}},
		{"snapshot", c.Snapshot[:]},
		{"shard", []byte{byte(c.Index >> 24), byte(c.Index >> 16), byte(c.Index >> 8), byte(c.Index)}},
		{"assets", append([]byte{byte(len(v.p.assets) >> 8), byte(len(v.p.assets))}, assets...)},
		{"relations", append([]byte{0, byte(len(c.Relations))}, relations...)},
		{"rows", append(make([]byte, 4), byte(c.Rows>>24), byte(c.Rows>>16), byte(c.Rows>>8), byte(c.Rows))},
		{"root", root[:]},
		{"sum", sum[:]},
		{"total", total[:]},
	}
	if c.Level == Top {
		items[len(items)-1].label, items[len(items)-1].data = "totals", totals
	}
	for _, item := range items {
		if item.label != v.cheat.silent {
			t.absorb(item.label, item.data)
		}
	}
}

// zeroCheck runs the rounds over the whole matrix, and gives the last claim with its blinding.
func (v *prover) zeroCheck(t *transcript, tau []fr.Element) (ks [][2]point, r []fr.Element, claim, blinding fr.Element) {
	table := make([]fr.Element, 1<<len(tau))
	for i, row := range v.entries {
		copy(table[i<<v.p.columnVars():], row)
	}
	for round := range tau {
		later := tau[round+1:]
		var q1, q2 fr.Element
		for x := range len(table) / 2 {
			b0, d := table[2*x], fr.Element{}
			d.Sub(&table[2*x+1], &b0)
			weight := eq(later, x)
			var linear fr.Element // d - 2 b0 d
			linear.Double(mul(&b0, &d))
			linear.Sub(&d, &linear)
			q1.Add(&q1, mul(&weight, &linear))
			q2.Sub(&q2, mul(&weight, mul(&d, &d)))
		}
		if v.cheat.rounds != nil {
			v.cheat.rounds(round, &q1, &q2)
		}
		var at fr.Element
		if v.cheat.foretold {
			at = t.challenge("round")
			if len(later) == 0 {
				q1 = fitting(table, claim, q2, at, tau[round])
			}
		}
		s1, s2 := random(v.t), random(v.t)
		k := [2]point{v.com(q1, s1), v.com(q2, s2)}
		ks = append(ks, k)
		a, b := tree.PointOf(k[0]).Bytes(), tree.PointOf(k[1]).Bytes()
		t.absorb("round", a[:], b[:])
		if !v.cheat.foretold {
			at = t.challenge("round")
		}
		r = append(r, at)
		claim = next(claim, q1, q2, at, tau[round])
		blinding = next(blinding, s1, s2, at, tau[round])
		for x := range len(table) / 2 {
			var d fr.Element
			d.Sub(&table[2*x+1], &table[2*x])
			table[x].Add(&table[2*x], d.Mul(&d, &at))
		}
		table = table[:len(table)/2]
	}
	return ks, r, claim, blinding
}

// fitting is the q1 of the last round that makes the last claim b - b², given the challenge.
func fitting(table []fr.Element, c, q2, r, tau fr.Element) (q1 fr.Element) {
	var b, rest fr.Element
	b.Sub(&table[1], &table[0])
	b.Add(&table[0], mul(&b, &r))
	q1.Sub(&b, mul(&b, &b))
	rest = next(c, fr.Element{}, q2, r, tau)
	q1.Sub(&q1, &rest)
	rest.Sub(&r, &tau)
	return *q1.Div(&q1, &rest)
}

// next is c - τ (q1 + q2) + r q1 + r² q2.
func next(c, q1, q2, r, tau fr.Element) fr.Element {
	sum := *add(&q1, &q2)
	c.Sub(&c, mul(&tau, &sum))
	c.Add(&c, mul(&r, &q1))
	c.Add(&c, mul(mul(&r, &r), &q2))
	return c
}

func (v *prover) open(column, row []fr.Element) *opening {
	m := len(v.p.columns)
	o := &opening{v: make([]fr.Element, m), l: make([]fr.Element, m), columns: make([]fr.Element, m)}
	for c := range o.l {
		o.l[c] = eq(column, c)
	}
	for i := range v.entries {
		weight := eq(row, i)
		o.blinding.Add(&o.blinding, mul(&weight, &v.blindings[i]))
		o.columnsBlinding.Add(&o.columnsBlinding, &v.blindings[i])
		for c := range o.v {
			o.v[c].Add(&o.v[c], mul(&weight, &v.entries[i][c]))
			o.columns[c].Add(&o.columns[c], &v.entries[i][c])
		}
	}
	if v.claim.Level == Shard {
		o.columnsBlinding.Sub(&o.columnsBlinding, &v.totalBlinding)
		for c := range o.columns {
			o.columns[c].Sub(&o.columns[c], &v.total[c])
		}
	}
	o.b = dot(o.l, o.v)
	return o
}

// sigma opens everything at once.
func (v *prover) sigma(t *transcript, ks [][2]point, o *opening) []byte {
	n := len(v.p.columns)
	m := &masks{d: randoms(v.t, n), d2: randoms(v.t, n), delta: random(v.t), sigma: random(v.t), omega: random(v.t), delta2: random(v.t)}
	m.w.Sub(&o.y, &o.s)
	m.w.Sub(&m.w, mul(&o.b, &o.y))
	inner := dot(o.l, m.d)
	m.Y, m.D, m.D2 = v.com(o.b, o.y), v.commit(m.d, m.delta), v.commit(m.d2, m.delta2)
	m.E = v.com(inner, m.sigma)
	m.F = multi(v.t, []point{m.Y, v.p.h}, []fr.Element{inner, m.omega})
	for j := range v.p.assets {
		m.f = append(m.f, amount(m.d2[j*width:(j+1)*width]))
	}
	for _, relation := range v.claim.Relations {
		m.g = append(m.g, related(relation, m.d))
	}
	if v.cheat.masks != nil {
		v.cheat.masks(m)
	}
	if !v.cheat.masksAfter {
		t.absorb("masks", m.bytes())
	}
	e := t.challenge("e")
	a := &answers{delta: line(m.delta, e, o.blinding), sigma: line(m.sigma, e, o.y), omega: line(m.omega, e, m.w), delta2: line(m.delta2, e, o.columnsBlinding)}
	for c := range n {
		a.z, a.z2 = append(a.z, line(m.d[c], e, o.v[c])), append(a.z2, line(m.d2[c], e, o.columns[c]))
	}
	if v.cheat.answers != nil {
		v.cheat.answers(m, e, a)
	}
	file, raw := []byte(proofMagic), m.bytes()
	for _, k := range ks {
		file = appendPoints(file, k[0], k[1])
	}
	file = append(file, raw...)
	file = appendScalars(file, a.z...)
	file = appendScalars(file, a.delta, a.sigma, a.omega)
	file = appendScalars(file, a.z2...)
	return appendScalars(file, a.delta2)
}

// line is mask + e x.
func line(mask, e, x fr.Element) fr.Element { return *add(&mask, mul(&e, &x)) }

func related(relation []*big.Int, entries []fr.Element) (sum fr.Element) {
	for j, lambda := range relation {
		var factor fr.Element
		factor.SetBigInt(lambda)
		value := amount(entries[j*width : (j+1)*width])
		sum.Add(&sum, mul(&factor, &value))
	}
	return sum
}

func (m *masks) bytes() []byte {
	b := appendPoints(nil, m.Y, m.D, m.E, m.F, m.D2)
	return appendScalars(appendScalars(b, m.f...), m.g...)
}

func appendPoints(b []byte, points ...point) []byte {
	for _, p := range points {
		raw := tree.PointOf(p).Bytes()
		b = append(b, raw[:]...)
	}
	return b
}

func appendScalars(b []byte, scalars ...fr.Element) []byte {
	for _, s := range scalars {
		raw := s.Bytes()
		b = append(b, raw[:]...)
	}
	return b
}

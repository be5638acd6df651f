package confidentialtest

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"
)

// A Prover has its secrets at hand: an attack changes what it knows, and then settles, or what it says on the way. Entries are scalars, so
// that they need not be bits.
type Prover struct {
	*Generators
	Statement       Statement
	Entries         [][]Scalar // by row, by column
	Blindings       []Scalar
	TotalEntries    []Scalar // of a shard: of its total row
	TotalBlinding   Scalar
	Surplus         []Scalar // of the top, where totals are hidden: one more row; else nil
	SurplusBlinding Scalar
	Fresh           *Fresh // what masks come from; nil: they are drawn from the seed
	Cheat           Cheats
	Trace           Trace // of the last proof
	seed            string
	drawn           uint64
}

// Cheats are what a dishonest prover does on the way; nothing set is honest.
type Cheats struct {
	Silent     string                          // an item of the statement that is not absorbed
	Rounds     func(round int, q1, q2 *Scalar) // what is said of a round
	Foretold   bool                            // rounds' messages are not absorbed, and the last is made to fit its challenge
	Opening    func(*Opening)                  // what is claimed of the opened row, before masks are made
	Masks      func(*Masks)                    // what is sent before the challenge e
	MasksAfter bool                            // masks are not absorbed: Answers may still change them
	Answers    func(*Masks, Scalar, *Answers)  // what is answered to e
}

// Fresh is what an honest builder's masks come from: the snapshot's key for blindings, and 32 bytes that are used once.
type Fresh struct{ Key, Random []byte }

// Trace is what a proof was made from and by way of, beside what the Prover knows before.
type Trace struct {
	MaskKey        []byte // where there is a Fresh
	State          []byte // of the transcript once it knows what is proved
	Tau, Round     []Scalar
	Q              [][2]Scalar // q1, q2
	RoundBlindings [][2]Scalar
	E              Scalar
	Opening        Opening
	Masks          Masks
}

// Opening is what the rows' weighted sum and the sum of all rows open to.
type Opening struct {
	V, L                  []Scalar // the opened row, and the weights of its columns
	Blinding              Scalar
	B, InY, Y             Scalar // <L, V>, what its commitment holds, and the commitment's blinding
	Claim, ClaimsBlinding Scalar // what the last round leaves
	Columns               []Scalar
	ColumnsBlinding       Scalar
}

// Masks is the first message of the sigma protocol, and what is behind it.
type Masks struct {
	Y, D, E, F, D2                 Point
	Totals, Relations              []Scalar // f, g
	Row, Columns                   []Scalar // d, d'
	Delta, Sigma, Omega, Delta2, W Scalar
}

// Answers is its last message.
type Answers struct {
	Z, Z2                       []Scalar
	Delta, Sigma, Omega, Delta2 Scalar
}

// New commits to rows of balances, at the level of a shard (0) also to their totals, and settles.
func New(g *Generators, seed string, level byte, balances [][]*big.Int) *Prover {
	v := &Prover{Generators: g, seed: seed, Statement: Statement{Level: level, Snapshot: [32]byte{1, 2, 3}, Root: [32]byte{4, 5, 6}}}
	totals := make([]*big.Int, len(g.Assets))
	for j := range totals {
		totals[j] = new(big.Int)
	}
	for _, row := range balances {
		for j, a := range row {
			totals[j].Add(totals[j], a)
		}
		v.Entries, v.Blindings = append(v.Entries, Bits(row...)), append(v.Blindings, v.Random())
	}
	if level == 1 {
		v.Statement.Totals = totals
	} else {
		v.Statement.Index = 7
		v.TotalEntries, v.TotalBlinding = Bits(totals...), v.Random()
	}
	v.Settle()
	return v
}

// Settle makes the statement's points follow from what the prover knows.
func (v *Prover) Settle() {
	v.Statement.Rows, v.Statement.Sum = uint64(len(v.Entries)), Point{}
	for _, c := range v.Rows() {
		v.Statement.Sum.Add(&v.Statement.Sum, &c)
	}
	if v.Statement.Level == 0 {
		v.Statement.Total = v.Commit(v.TotalEntries, v.TotalBlinding)
	}
	if v.Surplus != nil {
		c := v.Commit(v.Surplus, v.SurplusBlinding)
		v.Statement.Surplus = &c
	}
}

// proved are all rows that the proof is about: the tree's, and the surplus.
func (v *Prover) proved() (entries [][]Scalar, blindings []Scalar) {
	if v.Surplus == nil {
		return v.Entries, v.Blindings
	}
	return append(slices.Clone(v.Entries), v.Surplus), append(slices.Clone(v.Blindings), v.SurplusBlinding)
}

// Rows are the tree's commitments.
func (v *Prover) Rows() (list []Point) {
	for i := range v.Entries {
		list = append(list, v.Commit(v.Entries[i], v.Blindings[i]))
	}
	return list
}

// Random draws a scalar from the seed.
func (v *Prover) Random() (x Scalar) {
	v.drawn++
	n := binary.BigEndian.AppendUint64(nil, v.drawn)
	x.SetBytes(append(hashed([]byte(v.seed), n, []byte{0}), hashed([]byte(v.seed), n, []byte{1})...))
	return x
}

// mask is named; of those of one name, by an index too.
func (v *Prover) mask(name string, index ...int) Scalar {
	if v.Fresh == nil {
		return v.Random()
	}
	return Keyed(v.Trace.MaskKey, name, index...)
}

func (v *Prover) masks(name string) []Scalar {
	list := make([]Scalar, len(v.Columns))
	for i := range list {
		list[i] = v.mask(name, i)
	}
	return list
}

// Prove runs the protocol and gives the proof's file.
func (v *Prover) Prove() []byte {
	columnVars := 7 + bits.Len(uint(len(v.Assets)-1)) //nolint:gosec // at least one asset
	entries, blindings := v.proved()
	l := columnVars + bits.Len(uint(len(entries)-1)) //nolint:gosec // at least one row
	t := newTranscript()
	v.Statement.absorb(t, v.Assets, v.Cheat.Silent)
	v.Trace = Trace{State: t.state}
	if v.Fresh != nil {
		v.Trace.MaskKey = mac256(v.Fresh.Key, t.state, v.Fresh.Random)
	}
	for range l {
		v.Trace.Tau = append(v.Trace.Tau, t.challenge("tau"))
	}
	file, o := []byte("assay/v1/confidential-proof\n"), &Opening{}
	rounds, r := v.zeroCheck(t, v.Trace.Tau, columnVars, entries, o)
	v.Trace.Round = r
	v.open(r[:columnVars], r[columnVars:], entries, blindings, o)
	o.InY, o.Y = o.B, v.mask("y")
	if v.Cheat.Opening != nil {
		v.Cheat.Opening(o)
	}
	return append(append(file, rounds...), v.sigma(t, o)...)
}

// zeroCheck runs the rounds over the whole matrix; it leaves the last claim in o.
func (v *Prover) zeroCheck(t *transcript, tau []Scalar, columnVars int, entries [][]Scalar, o *Opening) (file []byte, r []Scalar) {
	table := make([]Scalar, 1<<len(tau))
	for i, row := range entries {
		copy(table[i<<columnVars:], row)
	}
	for round := range tau {
		q1, q2 := quadratic(table, tau[round+1:])
		if v.Cheat.Rounds != nil {
			v.Cheat.Rounds(round, &q1, &q2)
		}
		var at Scalar
		if v.Cheat.Foretold {
			at = t.challenge("round")
			if round == len(tau)-1 {
				q1 = fitting(table, o.Claim, q2, at, tau[round])
			}
		}
		s1, s2 := v.mask("K1", round), v.mask("K2", round)
		message := append(Encode(v.com(q1, s1)), Encode(v.com(q2, s2))...)
		if !v.Cheat.Foretold {
			t.absorb("round", message)
			at = t.challenge("round")
		}
		file, r = append(file, message...), append(r, at)
		v.Trace.Q, v.Trace.RoundBlindings = append(v.Trace.Q, [2]Scalar{q1, q2}), append(v.Trace.RoundBlindings, [2]Scalar{s1, s2})
		o.Claim, o.ClaimsBlinding = next(o.Claim, q1, q2, at, tau[round]), next(o.ClaimsBlinding, s1, s2, at, tau[round])
		for x := range len(table) / 2 {
			table[x] = line(table[2*x], at, sub(table[2*x+1], table[2*x]))
		}
		table = table[:len(table)/2]
	}
	return file, r
}

// quadratic gives q1 and q2 of a round: B (1 - B) with B = b + d X is b - b² + (d - 2 b d) X - d² X².
func quadratic(table, later []Scalar) (q1, q2 Scalar) {
	for x := range len(table) / 2 {
		b, d := table[2*x], sub(table[2*x+1], table[2*x])
		weight := eq(later, x)
		q1 = line(q1, weight, sub(d, mul(mul(b, d), number(2))))
		q2 = sub(q2, mul(weight, mul(d, d)))
	}
	return q1, q2
}

// fitting is the q1 of the last round that makes the last claim b - b², given the challenge.
func fitting(table []Scalar, c, q2, r, tau Scalar) (q1 Scalar) {
	b := line(table[0], r, sub(table[1], table[0]))
	wanted := sub(sub(b, mul(b, b)), next(c, Scalar{}, q2, r, tau))
	factor := sub(r, tau)
	return *q1.Div(&wanted, &factor)
}

// next is c - τ (q1 + q2) + r q1 + r² q2.
func next(c, q1, q2, r, tau Scalar) Scalar {
	return line(line(c, sub(r, tau), q1), sub(mul(r, r), tau), q2)
}

func (v *Prover) open(column, row []Scalar, entries [][]Scalar, blindings []Scalar, o *Opening) {
	n := len(v.Columns)
	o.V, o.L, o.Columns = make([]Scalar, n), make([]Scalar, n), make([]Scalar, n)
	for c := range o.L {
		o.L[c] = eq(column, c)
	}
	for i := range entries {
		weight := eq(row, i)
		o.Blinding = line(o.Blinding, weight, blindings[i])
		o.ColumnsBlinding.Add(&o.ColumnsBlinding, &blindings[i])
		for c := range o.V {
			o.V[c] = line(o.V[c], weight, entries[i][c])
			o.Columns[c].Add(&o.Columns[c], &entries[i][c])
		}
	}
	if v.Statement.Level == 0 {
		o.ColumnsBlinding = sub(o.ColumnsBlinding, v.TotalBlinding)
		for c := range o.Columns {
			o.Columns[c] = sub(o.Columns[c], v.TotalEntries[c])
		}
	}
	o.B = dot(o.L, o.V)
}

// sigma opens everything at once.
func (v *Prover) sigma(t *transcript, o *Opening) []byte {
	m := &Masks{Row: v.masks("d"), Columns: v.masks("d'"), Delta: v.mask("delta"), Sigma: v.mask("sigma"), Omega: v.mask("omega"), Delta2: v.mask("delta'")}
	m.W = sub(sub(o.Y, o.ClaimsBlinding), mul(o.B, o.Y))
	inner := dot(o.L, m.Row)
	m.Y, m.D, m.D2, m.E = v.com(o.InY, o.Y), v.Commit(m.Row, m.Delta), v.Commit(m.Columns, m.Delta2), v.com(inner, m.Sigma)
	m.F = multi([]Point{m.Y, v.H}, []Scalar{inner, m.Omega})
	for j := range v.Assets {
		m.Totals = append(m.Totals, Amount(m.Columns[j*width:(j+1)*width]))
	}
	for _, relation := range v.Statement.Relations {
		m.Relations = append(m.Relations, Related(relation, m.Row))
	}
	if v.Cheat.Masks != nil {
		v.Cheat.Masks(m)
	}
	if !v.Cheat.MasksAfter {
		t.absorb("masks", m.bytes())
	}
	e := t.challenge("e")
	v.Trace.E, v.Trace.Opening, v.Trace.Masks = e, *o, *m
	a := &Answers{Delta: line(m.Delta, e, o.Blinding), Sigma: line(m.Sigma, e, o.Y), Omega: line(m.Omega, e, m.W), Delta2: line(m.Delta2, e, o.ColumnsBlinding)}
	for c := range v.Columns {
		a.Z, a.Z2 = append(a.Z, line(m.Row[c], e, o.V[c])), append(a.Z2, line(m.Columns[c], e, o.Columns[c]))
	}
	if v.Cheat.Answers != nil {
		v.Cheat.Answers(m, e, a)
	}
	file := appendScalars(m.bytes(), a.Z...)
	file = appendScalars(file, a.Delta, a.Sigma, a.Omega)
	file = appendScalars(file, a.Z2...)
	return appendScalars(file, a.Delta2)
}

func (m *Masks) bytes() (b []byte) {
	for _, p := range []Point{m.Y, m.D, m.E, m.F, m.D2} {
		b = append(b, Encode(p)...)
	}
	return appendScalars(appendScalars(b, m.Totals...), m.Relations...)
}

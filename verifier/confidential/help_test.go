package confidential

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
	"github.com/assay-por/assay/verifier/tree"
)

type (
	prover = confidentialtest.Prover
	point  = confidentialtest.Point
)

// made are generators of registries, by the number of their assets: the verifier's and the prover's.
var made = map[int]struct {
	p *Parameters
	g *confidentialtest.Generators
}{}

func parameters(t testing.TB, assets int) (*Parameters, *confidentialtest.Generators) {
	t.Helper()
	m, ok := made[assets]
	if !ok {
		var ids []string
		for j := range assets {
			ids = append(ids, fmt.Sprintf("A%d", j))
		}
		var err error
		if m.p, err = New(ids); err != nil {
			t.Fatal(err)
		}
		m.g = confidentialtest.NewGenerators(ids...)
		made[assets] = m
	}
	return m.p, m.g
}

// newProver commits to rows of as many assets as the first has balances.
func newProver(t *testing.T, level Level, rows [][]*big.Int) *prover {
	t.Helper()
	_, g := parameters(t, len(rows[0]))
	return confidentialtest.New(g, t.Name(), byte(level), rows)
}

// claimed is the claim that a prover's statement makes.
func claimed(v *prover) Claim {
	s := v.Statement
	return Claim{
		Level: Level(s.Level), Snapshot: s.Snapshot, Index: s.Index, Relations: s.Relations, Rows: s.Rows, Root: s.Root,
		Sum: tree.PointOf(s.Sum), Total: tree.PointOf(s.Total), Totals: s.Totals, Surplus: surplusOf(s),
	}
}

// given are rows as a verifier is given them.
func given(list []point) Rows {
	return func(take func([]grumpkin.G1Affine) error) error { return take(list) }
}

// check is the verifier's word on what the prover says.
func check(t *testing.T, v *prover) error {
	t.Helper()
	p, _ := parameters(t, len(v.Assets))
	return p.Check(claimed(v), v.Prove(), given(v.Rows()), 2)
}

// refused fails unless the proof is refused, in these words.
func refused(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want a refusal with %q", err, words)
	}
}

func small(n int64) fr.Element { return *new(fr.Element).SetInt64(n) }

// amounts are rows of one asset.
func amounts(list ...int64) (rows [][]*big.Int) {
	for _, n := range list {
		rows = append(rows, []*big.Int{big.NewInt(n)})
	}
	return rows
}

func surplusOf(s confidentialtest.Statement) *tree.Point {
	if s.Surplus == nil {
		return nil
	}
	p := tree.PointOf(*s.Surplus)
	return &p
}

// covering is a prover of the top who hides its totals: of each asset so much is held.
func covering(t *testing.T, held []int64, rows [][]*big.Int) *prover {
	t.Helper()
	v := newProver(t, Top, rows)
	surplus := make([]*big.Int, len(held))
	for j, h := range held {
		surplus[j] = new(big.Int).Sub(big.NewInt(h), v.Statement.Totals[j])
		v.Statement.Totals[j] = big.NewInt(h)
	}
	v.Surplus, v.SurplusBlinding = confidentialtest.Bits(surplus...), v.Random()
	v.Settle()
	return v
}

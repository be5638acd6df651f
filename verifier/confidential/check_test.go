package confidential

import (
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
	"github.com/assay-por/assay/verifier/tree"
)

// balancesOf are rows that differ, nothing and the greatest among them.
func balancesOf(rows, assets int) (list [][]*big.Int) {
	greatest := new(big.Int).Lsh(big.NewInt(1), 100)
	for i := range rows {
		row := make([]*big.Int, assets)
		for j := range row {
			row[j] = big.NewInt(int64(i * (j + 1) % 5 * 1_000_003))
			if i == 1 {
				row[j] = new(big.Int).Sub(greatest, big.NewInt(1))
			}
		}
		list = append(list, row)
	}
	return list
}

func TestCheck_HonestProofs(t *testing.T) {
	for _, tt := range []struct{ rows, assets int }{{1, 1}, {2, 1}, {3, 2}, {4, 3}, {5, 1}, {1000, 1}, {3, 65}} {
		for _, level := range []Level{Shard, Top} {
			t.Run(fmt.Sprintf("%d rows, %d assets, level %d", tt.rows, tt.assets, level), func(t *testing.T) {
				if err := check(t, newProver(t, level, balancesOf(tt.rows, tt.assets))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A customer's row is what the shard's prover commits to, whichever balances are named and whichever are nothing.
func TestRow(t *testing.T) {
	_, g := parameters(t, 3)
	for _, balances := range [][]*big.Int{
		{new(big.Int), new(big.Int), new(big.Int)},
		{big.NewInt(1), new(big.Int), big.NewInt(99)},
		{new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)), big.NewInt(1 << 62), new(big.Int)},
	} {
		var named []Balance
		for j, a := range balances {
			if a.Sign() > 0 {
				named = append(named, Balance{g.Assets[j], [16]byte(a.FillBytes(make([]byte, 16)))})
			}
		}
		blinding := small(-3)
		got, err := Row(named, blinding.Bytes())
		if want := tree.PointOf(g.Commit(confidentialtest.Bits(balances...), blinding)); err != nil || got != want {
			t.Errorf("%v: got %x, %v; want %x", balances, got.Bytes(), err, want.Bytes())
		}
	}
	if _, err := Row(nil, [32]byte(fr.Modulus().FillBytes(make([]byte, 32)))); err == nil {
		t.Error("a blinding of the group order: accepted")
	}
}

// Rows come in any pieces, more than are multiplied at once: the weighted sum of multiples of one point is the multiple by the weighted sum.
func TestCombine_ManyPieces(t *testing.T) {
	const n = 1<<pieceVars + 3
	scalars, at := make([]fr.Element, n), make([]fr.Element, pieceVars+1)
	for i := range scalars {
		scalars[i].SetUint64(uint64(i)*0x9e3779b97f4a7c15 + 1)
	}
	for i := range at {
		at[i].SetUint64(uint64(i + 2))
		at[i].Inverse(&at[i])
	}
	weights, want := eqTable(at), fr.Element{}
	for i := range scalars {
		want.Add(&want, mul(&weights[i], &scalars[i]))
	}
	base := confidentialtest.Hashed(nil, tagScalar)
	rows := grumpkin.BatchScalarMultiplicationG1(&base, scalars)
	for _, piece := range []int{n, 1000} {
		got, err := combine(at, n, func(take func([]grumpkin.G1Affine) error) error {
			for from := 0; from < n; from += piece {
				if err := take(rows[from:min(from+piece, n)]); err != nil {
					return err
				}
			}
			return nil
		}, 2)
		var wanted grumpkin.G1Affine
		wanted.ScalarMultiplication(&base, want.BigInt(new(big.Int)))
		if err != nil || !got.Equal(&wanted) {
			t.Errorf("pieces of %d: got %v, %v; want %v", piece, got, err, wanted)
		}
	}
}

// Whoever reads the rows may fail, and says why.
func TestCheck_RowsThatCannotBeRead(t *testing.T) {
	p, _ := parameters(t, 1)
	v := newProver(t, Shard, amounts(1, 2))
	gone := errors.New("gone")
	if err := p.Check(claimed(v), v.Prove(), func(func([]grumpkin.G1Affine) error) error { return gone }, 1); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}

// Rows that are equal, or opposite, are rows like any other.
func TestCheck_EqualRows(t *testing.T) {
	v := newProver(t, Shard, amounts(5, 5, 5, 5, 0, 0))
	for i := range v.Blindings {
		v.Blindings[i] = v.Blindings[0]
	}
	v.Blindings[5].Neg(&v.Blindings[0])
	v.Settle()
	if err := check(t, v); err != nil {
		t.Error(err)
	}
}

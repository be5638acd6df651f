package confidential

import (
	"fmt"
	"math/big"
	"testing"

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
	for _, tt := range []struct{ rows, assets int }{{1, 1}, {2, 1}, {3, 2}, {4, 3}, {5, 1}} {
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

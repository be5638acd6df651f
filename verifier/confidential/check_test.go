package confidential

import (
	"fmt"
	"math/big"
	"testing"
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

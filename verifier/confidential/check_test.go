package confidential

import (
	"fmt"
	"math/big"
	"testing"
)

// parameters of a small registry, made once for all tests.
func parameters(t testing.TB, assets int) *Parameters {
	t.Helper()
	var ids []string
	for j := range assets {
		ids = append(ids, fmt.Sprintf("A%d", j))
	}
	p, err := New(ids)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

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
				p := parameters(t, tt.assets)
				v := newProver(t, p, level, balancesOf(tt.rows, tt.assets))
				if err := p.Check(v.claim, v.prove(), given(v.rows())); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

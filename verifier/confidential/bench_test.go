package confidential

import (
	"fmt"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// BenchmarkCombine is the verifier's main cost: the weighted sum of a shard's rows. The figure that counts is ns/row.
func BenchmarkCombine(b *testing.B) {
	for _, vars := range []int{16, 17, 18} {
		b.Run(fmt.Sprintf("rows=%d", 1<<vars), func(b *testing.B) {
			var base grumpkin.G1Affine
			base, err := onePoint(tagScalar)
			if err != nil {
				b.Fatal(err)
			}
			scalars, at := make([]fr.Element, 1<<vars), make([]fr.Element, vars)
			for i := range scalars {
				scalars[i].SetUint64(uint64(i + 1))
			}
			for i := range at {
				at[i].SetUint64(uint64(i + 7))
				at[i].Inverse(&at[i])
			}
			rows := grumpkin.BatchScalarMultiplicationG1(&base, scalars)
			for b.Loop() {
				if _, err := combine(at, 1<<vars, func(take func([]grumpkin.G1Affine) error) error { return take(rows) }, 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(int(1)<<vars), "ns/row")
		})
	}
}

// BenchmarkNew is making the generators of fifty assets.
func BenchmarkNew(b *testing.B) {
	var ids []string
	for j := range 50 {
		ids = append(ids, fmt.Sprintf("A%d", j))
	}
	for b.Loop() {
		if _, err := New(ids); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRow is a customer's own commitment, by how many of their balances are not zero; each has half of 64 bits set.
func BenchmarkRow(b *testing.B) {
	for _, balances := range []int{3, 50} {
		b.Run(fmt.Sprintf("balances=%d", balances), func(b *testing.B) {
			var list []Balance
			for j := range balances {
				list = append(list, Balance{fmt.Sprintf("A%d", j), [16]byte{8: 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55}})
			}
			for b.Loop() {
				if _, err := Row(list, [32]byte{31: 9}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

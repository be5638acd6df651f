package confidential

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assay-por/assay/merkle"
)

func names(m int) (assets []string) {
	for j := range m {
		assets = append(assets, fmt.Sprintf("ASSET-%04d", j))
	}
	return assets
}

func parameters(t testing.TB, m int) *Parameters {
	t.Helper()
	p, err := NewParameters(names(m))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// someRows are n rows over m assets, some of each balance's size.
func someRows(seed uint64, n, m, nonZero, bits int) []Row {
	random := rand.New(rand.NewPCG(seed, 0))
	rows := make([]Row, n)
	for i := range rows {
		for k := range rows[i].Identity {
			rows[i].Identity[k] = byte(random.Uint32())
		}
		assets := random.Perm(m)[:min(m, nonZero)]
		slices.Sort(assets)
		for _, j := range assets {
			a := merkle.Amount{Hi: random.Uint64(), Lo: random.Uint64()}
			switch size := random.IntN(bits) + 1; {
			case size <= 64:
				a.Hi, a.Lo = 0, a.Lo>>(64-size)
			default:
				a.Hi >>= 128 - size
			}
			if !a.IsZero() {
				rows[i].Balances = append(rows[i].Balances, merkle.Entry{Asset: uint16(j), Amount: a})
			}
		}
	}
	return rows
}

func each(rows []Row) Rows {
	return func(yield func(Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func shardOf(rows []Row) Shard {
	return Shard{Snapshot: merkle.Hash{1}, Index: 7, Key: merkle.BlindKey{2}, Count: uint64(len(rows)), Rows: each(rows)}
}

func commit(t testing.TB, p *Parameters, s Shard) (*Committed, []Point) {
	t.Helper()
	var points []Point
	c, err := p.Commit(s, func(leaves []Leaf) error {
		for _, l := range leaves {
			points = append(points, l.Sum)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, points
}

var someRandom = bytes.Repeat([]byte{3}, 32)

// The proof of every shape holds, and is the one that the whole matrix gives.
func TestProve_IsTheDenseProof(t *testing.T) {
	for _, s := range []struct{ n, m, nonZero, bits int }{
		{1, 1, 1, 128}, {1, 2, 0, 64}, {2, 1, 1, 64}, {3, 2, 2, 120}, {5, 3, 2, 64}, {8, 4, 4, 125}, {13, 9, 9, 64}, {3, 17, 12, 124}, {33, 5, 3, 16}, {2, 70, 66, 100}, {1, 300, 30, 128},
	} {
		t.Run(fmt.Sprintf("%d rows, %d of %d assets", s.n, s.nonZero, s.m), func(t *testing.T) {
			p := parameters(t, s.m)
			rows := someRows(uint64(s.n), s.n, s.m, s.nonZero, s.bits)
			c, points := commit(t, p, shardOf(rows))
			proof, err := c.Prove(bytes.NewReader(someRandom))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(public{assets: p.assets, snapshot: merkle.Hash{1}, index: 7, rows: points, root: c.Root.Hash, total: &c.Top.Total}, proof); err != nil {
				t.Fatal(err)
			}
			dense, err := c.instance().denseProve(bytes.NewReader(someRandom))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(proof, dense) {
				t.Error("the dense proof is another")
			}
		})
	}
}

package confidential_test

import (
	"crypto/rand"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/merkle"
	builder "github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/tree"
)

// shape is a tree of the builder's: so many rows in each shard, so many assets.
type shape struct {
	shards []int
	assets int
	held   int // of them, by each customer
}

func (s shape) String() string { return fmt.Sprintf("%v rows of %d assets", s.shards, s.assets) }

// TestBuildersProofsHold: what the builder proves the verifier, which shares nothing with it, believes; of any shape. Totals, leaves
// and roots are what both compute, and a total that is off by one, another shard's proof or another snapshot is refused.
func TestBuildersProofsHold(t *testing.T) {
	shapes := []shape{{[]int{1}, 1, 1}, {[]int{2, 0, 3}, 3, 2}, {[]int{1000, 7}, 5, 3}, {[]int{33}, 50, 50}, {[]int{5}, 300, 4}}
	if !testing.Short() {
		shapes = append(shapes, shape{[]int{65_537}, 2, 2})
	}
	for _, s := range shapes {
		t.Run(s.String(), func(t *testing.T) { s.check(t) })
	}
}

func (s shape) check(t *testing.T) {
	random := mrand.New(mrand.NewPCG(1, uint64(s.assets)))
	var ids []string
	for j := range s.assets {
		ids = append(ids, fmt.Sprintf("A%d", j))
	}
	built, err := builder.NewParameters(ids)
	if err != nil {
		t.Fatal(err)
	}
	checked, err := confidential.New(ids)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := merkle.Hash{9}
	key := keysOf(t, snapshot).Blind()
	top := builder.Top{Snapshot: snapshot, Key: key}
	var first []byte
	for i, n := range s.shards {
		rows := s.rows(random, n)
		var leaves []builder.Leaf
		c, err := built.Commit(builder.Shard{Snapshot: snapshot, Index: uint32(i), Key: key, Count: uint64(n), Rows: func(yield func(builder.Row, error) bool) {
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
		}}, func(some []builder.Leaf) error { leaves = append(leaves, some...); return nil })
		if err != nil {
			t.Fatal(err)
		}
		proof, err := c.Prove(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		top.Rows = append(top.Rows, c.Top)
		claim := confidential.Claim{Level: confidential.Shard, Snapshot: tree.Hash(snapshot), Index: uint32(i), Rows: uint64(len(leaves)),
			Root: tree.Hash(c.Root.Hash), Sum: point(t, c.Root.Sum), Total: point(t, c.Top.Total)}
		if err := checked.Check(claim, proof, rowsOf(t, leaves), 2); err != nil {
			t.Fatalf("shard #%d: %v", i, err)
		}
		for name, change := range map[string]func(*confidential.Claim){
			"another shard": func(c *confidential.Claim) { c.Index++ }, "another snapshot": func(c *confidential.Claim) { c.Snapshot[0]++ },
			"another total row": func(c *confidential.Claim) { c.Total = point(t, leaves[0].Sum) },
		} {
			other := claim
			if change(&other); checked.Check(other, proof, rowsOf(t, leaves), 2) == nil {
				t.Errorf("shard #%d: %s is believed", i, name)
			}
		}
		if first == nil {
			first = proof
		} else if checked.Check(claim, first, rowsOf(t, leaves), 2) == nil {
			t.Errorf("shard #%d: the proof of shard #0 is believed", i)
		}
		for at, l := range leaves[:min(len(leaves), 3)] {
			if n > 0 {
				if got, err := confidential.Row(balancesOf(rows[at].Balances), l.Blinding); err != nil || got != point(t, l.Sum) {
					t.Errorf("shard #%d, leaf #%d: a customer computes another commitment: %v", i, at, err)
				}
			}
		}
	}
	proved, err := built.ProveTop(top, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claim := confidential.Claim{Level: confidential.Top, Snapshot: tree.Hash(snapshot), Rows: uint64(len(top.Rows)), Root: tree.Hash(proved.Root.Hash), Sum: point(t, proved.Root.Sum)}
	for j := range ids {
		total := new(big.Int)
		for _, e := range proved.Totals {
			if int(e.Asset) == j {
				total.SetString(e.Amount.String(), 10)
			}
		}
		claim.Totals = append(claim.Totals, total)
	}
	var totals []builder.Leaf
	for _, r := range top.Rows {
		totals = append(totals, builder.Leaf{Sum: r.Total})
	}
	if err := checked.Check(claim, proved.Proof, rowsOf(t, totals), 2); err != nil {
		t.Fatalf("top: %v", err)
	}
	claim.Totals[0] = new(big.Int).Add(claim.Totals[0], big.NewInt(1))
	if checked.Check(claim, proved.Proof, rowsOf(t, totals), 2) == nil {
		t.Error("a total that is off by one is believed")
	}
}

// rows are customers, some of whom have nothing, and some as much as can be.
func (s shape) rows(random *mrand.Rand, n int) []builder.Row {
	rows := make([]builder.Row, n)
	for i := range rows {
		rows[i].Identity = merkle.Hash{byte(i), byte(i >> 8), byte(i >> 16), 1}
		for j := range s.assets {
			if random.IntN(s.assets) >= s.held || i%7 == 6 {
				continue
			}
			amount := fmt.Sprint(random.Uint64() | 1)
			if i == 0 && n < 100 {
				amount += "000000000000000000" // near the greatest that there can be
			}
			a, err := merkle.ParseAmount(amount)
			if err != nil {
				panic(err)
			}
			rows[i].Balances = append(rows[i].Balances, merkle.Entry{Asset: uint16(j), Amount: a})
		}
	}
	return rows
}

func keysOf(t *testing.T, snapshot merkle.Hash) merkle.Keys {
	t.Helper()
	keys, err := merkle.DeriveKeys([32]byte{1}, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func point(t *testing.T, p builder.Point) tree.Point {
	t.Helper()
	raw := p.AppendBinary(nil)
	if p.IsIdentity() {
		return tree.Point{}
	}
	q, err := tree.ParsePoint(raw)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func balancesOf(p merkle.Plain) (all []confidential.Balance) {
	for _, e := range p {
		v, _ := new(big.Int).SetString(e.Amount.String(), 10)
		b := confidential.Balance{Asset: fmt.Sprintf("A%d", e.Asset)}
		v.FillBytes(b.Amount[:])
		all = append(all, b)
	}
	return all
}

func rowsOf(t *testing.T, leaves []builder.Leaf) confidential.Rows {
	return func(take func([]grumpkin.G1Affine) error) error {
		for len(leaves) > 0 {
			n := min(len(leaves), 1000)
			some := make([]grumpkin.G1Affine, n)
			for i, l := range leaves[:n] {
				some[i] = point(t, l.Sum).Affine()
			}
			if err := take(some); err != nil {
				return err
			}
			leaves = leaves[n:]
		}
		return nil
	}
}

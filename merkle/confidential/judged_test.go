package confidential

import (
	"bytes"
	"fmt"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/merkle"
	verifier "github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/tree"
)

// judge is the verifier over one list of assets; the two sides share the specification and nothing else.
func judge(t testing.TB, m int) *verifier.Parameters {
	t.Helper()
	v, err := verifier.New(names(m))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func given(points []Point) verifier.Rows {
	return func(take func([]grumpkin.G1Affine) error) error {
		affine := make([]grumpkin.G1Affine, len(points))
		for i, p := range points {
			affine[i] = p.at
		}
		return take(affine)
	}
}

func claimOf(s Shard, c *Committed) verifier.Claim {
	claim := verifier.Claim{
		Level: verifier.Shard, Snapshot: tree.Hash(s.Snapshot), Index: s.Index, Rows: c.Top.Leaves,
		Root: tree.Hash(c.Root.Hash), Sum: tree.PointOf(c.Root.Sum.at), Total: tree.PointOf(c.Top.Total.at),
	}
	for _, r := range s.Relations {
		claim.Relations = append(claim.Relations, r)
	}
	return claim
}

// Shards of all shapes and their top hold before the verifier, which another hand wrote; and none holds under another claim.
func TestJudged_Shapes(t *testing.T) {
	greatest := merkle.Amount{Hi: 1<<64 - 1, Lo: 1<<64 - 1}
	full := make([]Row, 3)
	full[0].Balances, full[1].Identity, full[2].Identity = merkle.Plain{{Amount: greatest}, {Asset: 1, Amount: greatest}}, merkle.Hash{1}, merkle.Hash{2}
	for _, c := range []struct {
		name string
		m    int
		rows []Row
	}{
		{"none", 2, nil}, {"one", 1, someRows(1, 1, 1, 1, 64)}, {"two", 3, someRows(2, 2, 3, 2, 64)}, {"three", 5, someRows(3, 3, 5, 5, 100)},
		{"the greatest balances", 2, full}, {"a thousand", 50, someRows(4, 1000, 50, 3, 64)}, {"all of 50", 50, someRows(5, 300, 50, 50, 64)},
		{"300 assets", 300, someRows(6, 70, 300, 9, 64)}, {"65,537", 3, someRows(7, 65_537, 3, 2, 64)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, v := parameters(t, c.m), judge(t, c.m)
			s := shardOf(c.rows)
			committed, points := commit(t, p, s)
			proof, err := committed.Prove(bytes.NewReader(someRandom))
			if err != nil {
				t.Fatal(err)
			}
			claim := claimOf(s, committed)
			if err := v.Check(claim, proof, given(points), 2); err != nil {
				t.Fatal(err)
			}
			for name, change := range map[string]func(*verifier.Claim){
				"snapshot": func(k *verifier.Claim) { k.Snapshot[0] ^= 1 },
				"index":    func(k *verifier.Claim) { k.Index++ },
				"root":     func(k *verifier.Claim) { k.Root[31] ^= 1 },
				"total":    func(k *verifier.Claim) { k.Total = k.Sum },
				"level":    func(k *verifier.Claim) { k.Level, k.Totals = verifier.Top, totalsOf(committed.Top.Totals, c.m) },
			} {
				other := claim
				if change(&other); v.Check(other, proof, given(points), 2) == nil {
					t.Errorf("it holds for another %s", name)
				}
			}
			judgedTop(t, p, v, []TopRow{committed.Top, committed.Top})
		})
	}
}

// judgedTop has the top over two shards judged, unless their totals are above what a tree may have.
func judgedTop(t *testing.T, p *Parameters, v *verifier.Parameters, rows []TopRow) {
	t.Helper()
	if _, err := rows[0].Totals.Add(rows[1].Totals); err != nil {
		rows = rows[:1]
	}
	proved, err := p.ProveTop(Top{Snapshot: merkle.Hash{1}, Key: merkle.BlindKey{2}, Rows: rows}, bytes.NewReader(someRandom))
	if err != nil {
		t.Fatal(err)
	}
	var points []Point
	for _, r := range rows {
		points = append(points, r.Total)
	}
	claim := verifier.Claim{
		Level: verifier.Top, Snapshot: tree.Hash{1}, Rows: uint64(len(rows)), Root: tree.Hash(proved.Root.Hash),
		Sum: tree.PointOf(proved.Root.Sum.at), Totals: totalsOf(proved.Totals, len(p.assets)),
	}
	if err := v.Check(claim, proved.Proof, given(points), 2); err != nil {
		t.Fatal(err)
	}
	claim.Totals[0].Add(claim.Totals[0], big.NewInt(1))
	if v.Check(claim, proved.Proof, given(points), 2) == nil {
		t.Error("it holds for totals that are off by one")
	}
}

func totalsOf(totals merkle.Plain, m int) []*big.Int {
	all := make([]*big.Int, m)
	for j := range all {
		b := totals.Amount(j).Bytes16()
		all[j] = new(big.Int).SetBytes(b[:])
	}
	return all
}

// Relations of rows hold before the verifier, and others do not.
func TestJudged_Relations(t *testing.T) {
	rows := make([]Row, 5)
	for i := range rows {
		rows[i].Identity[0] = byte(i)
		n := uint64(i + 1)
		rows[i].Balances = merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 7 * n}}, {Asset: 1, Amount: merkle.Amount{Lo: 2 * n}}, {Asset: 2, Amount: merkle.Amount{Lo: n}}}
	}
	s := shardOf(rows)
	s.Relations = []Relation{{big.NewInt(1), big.NewInt(-3), big.NewInt(-1)}, {big.NewInt(0), big.NewInt(1), big.NewInt(-2)}}
	p, v := parameters(t, 3), judge(t, 3)
	committed, points := commit(t, p, s)
	proof, err := committed.Prove(bytes.NewReader(someRandom))
	if err != nil {
		t.Fatal(err)
	}
	claim := claimOf(s, committed)
	if err := v.Check(claim, proof, given(points), 1); err != nil {
		t.Fatal(err)
	}
	for i := range claim.Relations {
		other := claim
		other.Relations = append([][]*big.Int{}, claim.Relations...)
		other.Relations[i] = []*big.Int{big.NewInt(1), big.NewInt(-3), big.NewInt(int64(i))}
		if v.Check(other, proof, given(points), 1) == nil {
			t.Errorf("it holds for another relation #%d", i)
		}
	}
	other := claim
	other.Relations = claim.Relations[:1]
	if v.Check(other, proof, given(points), 1) == nil {
		t.Error("it holds for one relation less")
	}
}

// What a row commits to is the same on both sides.
func TestJudged_Row(t *testing.T) {
	p := parameters(t, 3)
	for i, r := range someRows(9, 20, 3, 3, 128) {
		blinding := [32]byte{31: byte(i)}
		mine, err := p.CommitRow(r.Balances, blinding)
		if err != nil {
			t.Fatal(err)
		}
		var balances []verifier.Balance
		for _, e := range r.Balances {
			balances = append(balances, balanceOf(e))
		}
		theirs, err := verifier.Row(balances, blinding)
		if err != nil || theirs.Bytes() != [64]byte(mine.AppendBinary(nil)) {
			t.Errorf("row #%d: %x, the verifier has %x (%v)", i, mine.AppendBinary(nil), theirs.Bytes(), err)
		}
	}
}

// balanceOf is an entry as the verifier reads one.
func balanceOf(e merkle.Entry) verifier.Balance {
	return verifier.Balance{Asset: fmt.Sprintf("ASSET-%04d", e.Asset), Amount: e.Amount.Bytes16()}
}

// Hidden totals hold before the verifier, and neither for a total that is one less, nor without the surplus.
func TestJudged_HiddenTotals(t *testing.T) {
	p, v := parameters(t, 3), judge(t, 3)
	reserves := merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 1000}}, {Asset: 2, Amount: merkle.Amount{Lo: 1}}}
	rows := []Row{{Balances: merkle.Plain{{Asset: 0, Amount: merkle.Amount{Lo: 70}}, {Asset: 1, Amount: merkle.Amount{Lo: 10}}}}}
	for _, shards := range []int{1, 2, 4} {
		top := Top{Snapshot: merkle.Hash{1}, Key: merkle.BlindKey{2}, Hidden: true, Reserves: reserves}
		var points []Point
		for index := range shards {
			s := shardOf(rows)
			s.Index = uint32(index)
			c, _ := commit(t, p, s)
			top.Rows, points = append(top.Rows, c.Top), append(points, c.Top.Total)
		}
		proved, err := p.ProveTop(top, bytes.NewReader(someRandom))
		if err != nil {
			t.Fatal(err)
		}
		surplus := tree.PointOf(proved.Surplus.at)
		claim := verifier.Claim{
			Level: verifier.Top, Snapshot: tree.Hash{1}, Rows: uint64(shards), Root: tree.Hash(proved.Root.Hash),
			Sum: tree.PointOf(proved.Root.Sum.at), Totals: totalsOf(proved.Totals, 3), Surplus: &surplus,
		}
		if err := v.Check(claim, proved.Proof, given(points), 1); err != nil {
			t.Fatalf("%d shards: %v", shards, err)
		}
		if got := claim.Totals[1].Int64(); got != int64(10*shards) {
			t.Errorf("of an asset in shortfall %d is shown, want all that is owed", got)
		}
		for name, change := range map[string]func(*verifier.Claim){
			"reserves":   func(c *verifier.Claim) { c.Totals[0] = big.NewInt(999) },
			"surplus":    func(c *verifier.Claim) { c.Surplus = &c.Sum },
			"no surplus": func(c *verifier.Claim) { c.Surplus = nil },
		} {
			other := claim
			other.Totals = append([]*big.Int{}, claim.Totals...)
			if change(&other); v.Check(other, proved.Proof, given(points), 1) == nil {
				t.Errorf("%d shards: it holds with another %s", shards, name)
			}
		}
	}
}

package confidential

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// The leaves are what the SPEC says they are, and the root is that of the tree over them.
func TestCommit_IsTheTree(t *testing.T) {
	p := parameters(t, 5)
	for _, n := range []int{1, 2, 3, 1000, 2*chunkRows + 7} {
		rows := someRows(9, n, 5, 3, 100)
		for _, workers := range []int{1, 3} {
			var leaves []Leaf
			s := shardOf(rows)
			s.Workers = workers
			c, err := p.Commit(s, func(l []Leaf) error { leaves = append(leaves, l...); return nil })
			if err != nil {
				t.Fatal(err)
			}
			var nodes []merkle.Node[Point]
			for i, l := range leaves {
				if l.Identity != rows[i].Identity {
					t.Fatalf("leaf #%d has the identity of another row", i)
				}
				if i < 20 && l.Sum != commitment(p, rows[i].Balances, l.Blinding) {
					t.Errorf("leaf #%d is not the commitment to its row", i)
				}
				nodes = append(nodes, merkle.Leaf(merkle.Shard, l.Identity, l.Sum))
			}
			tree, err := merkle.NewTree(merkle.Shard, merkle.KindConfidential, nodes)
			if err != nil {
				t.Fatal(err)
			}
			if tree.Root() != c.Root || tree.Count() != c.Top.Leaves {
				t.Errorf("%d rows, %d workers: got root %v, want %v", n, workers, c.Root, tree.Root())
			}
			if c.Top.Total != commitment(p, c.Top.Totals, c.Top.Blinding) {
				t.Error("the total row is not the commitment to the totals")
			}
		}
	}
}

// commitment is Σ e_c G_c + r H, one after the other.
func commitment(p *Parameters, balances merkle.Plain, blinding [32]byte) Point {
	var r fr.Element
	r.SetBytes(blinding[:])
	sum := times(Point{p.blinding}, r)
	for _, e := range balances {
		for b := range 128 {
			if bit(e.Amount, b) {
				sum = plus(sum, Point{p.generators[128*int(e.Asset)+b]})
			}
		}
	}
	return sum
}

// Blindings hang on every row's data; whoever builds again from the same gets the same tree.
func TestCommit_BlindingsHangOnAllRows(t *testing.T) {
	p := parameters(t, 2)
	rows := someRows(1, 3, 2, 2, 64)
	_, before := commit(t, p, shardOf(rows))
	if _, again := commit(t, p, shardOf(rows)); !slices.Equal(again, before) {
		t.Error("the same rows gave other commitments")
	}
	for name, change := range map[string]func(*Shard){
		"a balance":      func(s *Shard) { rows := slices.Clone(rows); rows[2].Balances = nil; s.Rows = each(rows) },
		"an identity":    func(s *Shard) { rows := slices.Clone(rows); rows[2].Identity[0] ^= 1; s.Rows = each(rows) },
		"one row more":   func(s *Shard) { s.Count++; s.Rows = each(append(slices.Clone(rows), Row{})) },
		"the snapshot":   func(s *Shard) { s.Snapshot[31] ^= 1 },
		"the key":        func(s *Shard) { s.Key[0] ^= 1 },
		"another shard":  func(s *Shard) { s.Index++ },
		"rows exchanged": func(s *Shard) { s.Rows = each([]Row{rows[0], rows[2], rows[1]}) },
	} {
		s := shardOf(rows)
		change(&s)
		if _, after := commit(t, p, s); after[0] == before[0] {
			t.Errorf("%s is another, and the first row's commitment the same", name)
		}
	}
}

// A customer computes the leaf from what it was given.
func TestCommitRow(t *testing.T) {
	p := parameters(t, 2)
	rows := someRows(1, 1, 2, 2, 64)
	var leaf Leaf
	if _, err := p.Commit(shardOf(rows), func(l []Leaf) error { leaf = l[0]; return nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := p.CommitRow(rows[0].Balances, leaf.Blinding); err != nil || got != leaf.Sum {
		t.Errorf("got %v (%v), want %v", got, err, leaf.Sum)
	}
	if _, err := p.CommitRow(nil, [32]byte(bytes.Repeat([]byte{255}, 32))); err == nil {
		t.Error("a blinding above the group's order was taken")
	}
}

// A shard without customers has a decoy, which no two shards share.
func TestCommit_Decoy(t *testing.T) {
	p := parameters(t, 2)
	seen := map[merkle.Hash]bool{}
	for index := range uint32(3) {
		s := shardOf(nil)
		s.Index = index
		var leaves []Leaf
		c, err := p.Commit(s, func(l []Leaf) error { leaves = append(leaves, l...); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(leaves) != 1 || c.Top.Leaves != 1 || len(c.Top.Totals) != 0 || seen[leaves[0].Identity] {
			t.Errorf("got %d leaves, %+v", len(leaves), c.Top)
		}
		seen[leaves[0].Identity] = true
		proof, err := c.Prove(bytes.NewReader(someRandom))
		if err != nil {
			t.Fatal(err)
		}
		if err := check(public{assets: p.assets, snapshot: merkle.Hash{1}, index: index, rows: []Point{leaves[0].Sum}, root: c.Root.Hash, total: &c.Top.Total}, proof); err != nil {
			t.Error(err)
		}
	}
}

func TestNewParameters_Refuses(t *testing.T) {
	for name, assets := range map[string][]string{
		"none": nil, "two equal": {"BTC", "ETH", "BTC"}, "an empty id": {"BTC", ""}, "a long id": {strings.Repeat("A", 256)}, "too many": names(merkle.MaxAssets + 1),
	} {
		if _, err := NewParameters(assets); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestCommit_Refuses(t *testing.T) {
	p := parameters(t, 2)
	most := merkle.Amount{Hi: math.MaxUint64, Lo: math.MaxUint64}
	entry := func(asset uint16, a merkle.Amount) merkle.Plain { return merkle.Plain{{Asset: asset, Amount: a}} }
	one := merkle.Amount{Lo: 1}
	fault := errors.New("no more")
	for name, c := range map[string]struct {
		change func(*Shard)
		want   string
	}{
		"a total of 2^128":   {func(s *Shard) { s.Rows = each([]Row{{Balances: entry(1, most)}, {Balances: entry(1, one)}}) }, "sum of asset #1 reaches 2^128"},
		"too few rows":       {func(s *Shard) { s.Rows = each(make([]Row, 1)) }, "there are 1 rows, 2 were told"},
		"too many rows":      {func(s *Shard) { s.Rows = each(make([]Row, 3)) }, "more rows than the 2"},
		"too many for one":   {func(s *Shard) { s.Count = math.MaxInt32 + 1 }, "use more shards"},
		"no such asset":      {func(s *Shard) { s.Rows = each([]Row{{}, {Balances: entry(2, one)}}) }, "row #1: entry #0"},
		"an entry of zero":   {func(s *Shard) { s.Rows = each([]Row{{}, {Balances: entry(1, merkle.Amount{})}}) }, "row #1: entry #0"},
		"an asset twice":     {func(s *Shard) { s.Rows = each([]Row{{}, {Balances: append(entry(1, one), entry(1, one)...)}}) }, "row #1: entry #1"},
		"an error of theirs": {func(s *Shard) { s.Rows = func(yield func(Row, error) bool) { yield(Row{}, fault) } }, "no more"},
	} {
		s := shardOf(make([]Row, 2))
		c.change(&s)
		if _, err := p.Commit(s, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := p.Commit(shardOf(make([]Row, 3*chunkRows)), func([]Leaf) error { return fault }); !errors.Is(err, fault) {
		t.Errorf("an error of emit: got %v", err)
	}
	if _, err := p.Commit(shardOf([]Row{{Balances: entry(1, most)}}), nil); err != nil {
		t.Errorf("the greatest balance: %v", err)
	}
}

// A prover whose rows are others when they are read again says so, whichever reading it is; so does one without randomness.
func TestProve_Refuses(t *testing.T) {
	p := parameters(t, 9)
	rows := someRows(4, 3, 9, 9, 64)
	other := slices.Clone(rows)
	other[1].Balances = slices.Clone(rows[1].Balances)
	other[1].Balances[0].Amount.Lo ^= 2
	readings := 0
	odd := 0
	s := shardOf(nil)
	s.Count = 3
	s.Rows = func(yield func(Row, error) bool) {
		if readings++; readings == odd {
			each(other)(yield)
			return
		}
		each(rows)(yield)
	}
	c, _ := commit(t, p, s)
	first := readings + 1
	if _, err := c.Prove(bytes.NewReader(someRandom)); err != nil {
		t.Fatal(err)
	}
	last := readings
	for n := range last - first + 1 {
		readings, odd = 0, 1+n
		if _, err := c.Prove(bytes.NewReader(someRandom)); !errors.Is(err, errChanged) {
			t.Errorf("reading %d gave other rows: got %v", n, err)
		}
	}
	odd = 0
	fault := errors.New("no more")
	c.work.table.rows = func(yield func(Row, error) bool) { yield(Row{}, fault) }
	if _, err := c.Prove(bytes.NewReader(someRandom)); !errors.Is(err, fault) {
		t.Errorf("rows that cannot be read: got %v", err)
	}
	if _, err := c.Prove(io.LimitReader(bytes.NewReader(someRandom), 31)); err == nil {
		t.Error("31 random bytes were enough")
	}
}

// How many goroutines work changes nothing.
func TestProve_Workers(t *testing.T) {
	p := parameters(t, 5)
	s := shardOf(someRows(6, 2*chunkRows+7, 5, 5, 64))
	var first []byte
	for _, s.Workers = range []int{1, 2, 5} {
		c, _ := commit(t, p, s)
		proof, err := c.Prove(bytes.NewReader(someRandom))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = proof
		}
		if !bytes.Equal(proof, first) {
			t.Errorf("%d workers make another proof", s.Workers)
		}
	}
}

// Two proofs of one shard share no message, for masks are fresh.
func TestProve_MasksAreFresh(t *testing.T) {
	p := parameters(t, 1)
	c, points := commit(t, p, shardOf(someRows(1, 3, 1, 1, 64)))
	var proofs [2][]byte
	for i := range proofs {
		var err error
		if proofs[i], err = c.Prove(bytes.NewReader(bytes.Repeat([]byte{byte(i)}, 32))); err != nil {
			t.Fatal(err)
		}
		if err := check(public{assets: p.assets, snapshot: merkle.Hash{1}, index: 7, rows: points, root: c.Root.Hash, total: &c.Top.Total}, proofs[i]); err != nil {
			t.Error(err)
		}
	}
	for at := len(proofMagic); at < len(proofs[0]); at += 32 {
		if bytes.Equal(proofs[0][at:at+32], proofs[1][at:at+32]) {
			t.Errorf("both have the same 32 bytes at %d", at)
		}
	}
}

// The whole tree: shards, their proofs, and the top's, whose totals are those of the plain tree.
func TestProveTop(t *testing.T) {
	const assets = 6
	p := parameters(t, assets)
	top := Top{Snapshot: merkle.Hash{1}, Key: merkle.BlindKey{2}}
	var want merkle.Plain
	var totals []Point
	for index, n := range []int{4, 0, 1, 2500} {
		rows := someRows(uint64(index), n, assets, 3, 90)
		s := shardOf(rows)
		s.Index = uint32(index)
		c, _ := commit(t, p, s)
		top.Rows = append(top.Rows, c.Top)
		totals = append(totals, c.Top.Total)
		for _, r := range rows {
			var err error
			if want, err = want.Add(r.Balances); err != nil {
				t.Fatal(err)
			}
		}
	}
	proved, err := p.ProveTop(top, bytes.NewReader(someRandom))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(proved.Totals, want) {
		t.Errorf("got %v, want %v", proved.Totals, want)
	}
	v := public{assets: p.assets, snapshot: merkle.Hash{1}, rows: totals, root: proved.Root.Hash, totals: numbersOf(proved.Totals, len(p.assets))}
	if err := check(v, proved.Proof); err != nil {
		t.Error(err)
	}
	var nodes []merkle.Node[Point]
	for _, r := range top.Rows {
		nodes = append(nodes, merkle.Leaf(merkle.Top, r.Root, r.Total))
	}
	tree, err := merkle.NewTree(merkle.Top, merkle.KindConfidential, nodes)
	if err != nil || tree.Root() != proved.Root {
		t.Errorf("got root %v, want %v (%v)", proved.Root, tree.Root(), err)
	}

	for name, change := range map[string]func(*TopRow){
		"other totals":   func(r *TopRow) { r.Totals = nil },
		"other blinding": func(r *TopRow) { r.Blinding[31] ^= 1 },
		"no blinding":    func(r *TopRow) { r.Blinding = [32]byte(bytes.Repeat([]byte{255}, 32)) },
	} {
		bad := top
		bad.Rows = slices.Clone(top.Rows)
		change(&bad.Rows[3])
		if _, err := p.ProveTop(bad, bytes.NewReader(someRandom)); err == nil || !strings.Contains(err.Error(), "shard 3") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := p.ProveTop(Top{}, bytes.NewReader(someRandom)); err == nil {
		t.Error("a tree without shards was proved")
	}
}

// Where totals are hidden, what is shown is the reserves, but for an asset in shortfall; whatever the surplus, it is a row that is proved.
func TestProveTop_Hidden(t *testing.T) {
	p := parameters(t, 5)
	amount := func(n uint64) merkle.Amount { return merkle.Amount{Lo: n} }
	owed := merkle.Plain{{Asset: 0, Amount: amount(70)}, {Asset: 1, Amount: amount(10)}, {Asset: 2, Amount: amount(5)}}
	for _, shards := range []int{1, 2, 4} {
		top := Top{Snapshot: merkle.Hash{1}, Key: merkle.BlindKey{2}, Hidden: true, Reserves: merkle.Plain{
			{Asset: 0, Amount: amount(1000)}, {Asset: 1, Amount: amount(9)}, {Asset: 2, Amount: amount(5)}, {Asset: 4, Amount: amount(1)}}}
		var totals []Point
		for index := range shards {
			s := shardOf(nil)
			if s.Index = uint32(index); index == shards/2 {
				s.Count, s.Rows = 1, each([]Row{{Balances: owed}})
			}
			c, _ := commit(t, p, s)
			top.Rows, totals = append(top.Rows, c.Top), append(totals, c.Top.Total)
		}
		proved, err := p.ProveTop(top, bytes.NewReader(someRandom))
		if err != nil {
			t.Fatal(err)
		}
		want := merkle.Plain{{Asset: 0, Amount: amount(1000)}, {Asset: 1, Amount: amount(10)}, {Asset: 2, Amount: amount(5)}, {Asset: 4, Amount: amount(1)}}
		if !slices.Equal(proved.Totals, want) {
			t.Errorf("got %v, want %v", proved.Totals, want)
		}
		v := public{assets: p.assets, snapshot: merkle.Hash{1}, rows: totals, root: proved.Root.Hash, totals: numbersOf(proved.Totals, len(p.assets)), surplus: &proved.Surplus}
		if err := check(v, proved.Proof); err != nil {
			t.Error(err)
		}
		top.Hidden = false
		if open, err := p.ProveTop(top, bytes.NewReader(someRandom)); err != nil || open.Root != proved.Root || !slices.Equal(open.Totals, owed) {
			t.Errorf("opened: got %+v (%v)", open, err)
		}
	}
}

// A margin account: the third column is what the first, at half of its worth, exceeds the second by. Whoever has less than that is no row.
func TestProve_Relations(t *testing.T) {
	p := parameters(t, 3)
	amount := func(credit, debit, equity uint64) (row Row) {
		for j, n := range []uint64{credit, debit, equity} {
			if n != 0 {
				row.Balances = append(row.Balances, merkle.Entry{Asset: uint16(j), Amount: merkle.Amount{Lo: n}})
			}
		}
		return row
	}
	s := shardOf(make([]Row, 4))
	s.Relations = []Relation{{big.NewInt(1), big.NewInt(-2), big.NewInt(-1)}, {new(big.Int), new(big.Int), new(big.Int)}}
	s.Rows = each([]Row{amount(20, 3, 14), amount(0, 0, 0), amount(2, 0, 2), amount(8, 4, 0)})
	c, points := commit(t, p, s)
	proof, err := c.Prove(bytes.NewReader(someRandom))
	if err != nil {
		t.Fatal(err)
	}
	v := public{assets: p.assets, snapshot: merkle.Hash{1}, index: 7, rows: points, root: c.Root.Hash, total: &c.Top.Total, relations: s.Relations}
	if err := check(v, proof); err != nil {
		t.Error(err)
	}
	dense, err := c.instance().denseProve(bytes.NewReader(someRandom))
	if err != nil || !bytes.Equal(proof, dense) {
		t.Errorf("the dense proof is another (%v)", err)
	}
	v.relations = v.relations[:1]
	if check(v, proof) == nil {
		t.Error("the proof holds for other relations")
	}

	s.Rows = each([]Row{amount(20, 3, 14), amount(0, 0, 0), amount(2, 3, 0), amount(8, 4, 0)})
	if _, err := p.Commit(s, nil); err == nil || !strings.Contains(err.Error(), "row #2 does not satisfy relation #0") {
		t.Errorf("an account in debt: got %v", err)
	}
	for name, r := range map[string]Relation{"too short": {big.NewInt(1)}, "too great": {new(big.Int).Lsh(big.NewInt(-1), 96), new(big.Int), new(big.Int)}} {
		s.Relations = []Relation{r}
		if _, err := p.Commit(s, nil); err == nil || !strings.Contains(err.Error(), "relation #0 has") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Greater shapes hold too.
func TestProve_Shapes(t *testing.T) {
	for _, s := range []struct{ n, m, nonZero, bits int }{{1000, 20, 20, 110}, {65537, 3, 1, 64}, {2000, 300, 5, 64}} {
		t.Run(fmt.Sprintf("%d rows, %d assets", s.n, s.m), func(t *testing.T) {
			p := parameters(t, s.m)
			c, points := commit(t, p, shardOf(someRows(5, s.n, s.m, s.nonZero, s.bits)))
			proof, err := c.Prove(bytes.NewReader(someRandom))
			if err != nil {
				t.Fatal(err)
			}
			if err := check(public{assets: p.assets, snapshot: merkle.Hash{1}, index: 7, rows: points, root: c.Root.Hash, total: &c.Top.Total}, proof); err != nil {
				t.Error(err)
			}
		})
	}
}

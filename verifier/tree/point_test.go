package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/canon"
)

// multiples are n points: multiples of one by 1, 2, 3, ….
func multiples(t testing.TB, n int) []Point {
	t.Helper()
	base, err := grumpkin.HashToG1([]byte("base"), []byte("test"))
	if err != nil {
		t.Fatal(err)
	}
	scalars := make([]fr.Element, n)
	for i := range scalars {
		scalars[i].SetUint64(uint64(i + 1))
	}
	points := make([]Point, n)
	for i, p := range grumpkin.BatchScalarMultiplicationG1(&base, scalars) {
		points[i] = Point{p}
	}
	return points
}

// naivePoints is SPEC part 6 written down recursively.
func naivePoints(l level, leaves []node[Point]) node[Point] {
	var h hasher
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := naivePoints(l, leaves[:split]), naivePoints(l, leaves[split:])
	sum, _ := left.sum.plus(right.sum)
	return node[Point]{inner(&h, l, left, right), sum}
}

func TestPointTree_IsTheNaiveTree(t *testing.T) {
	points := multiples(t, 2*blockLeaves+7)
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 31, 33, blockLeaves - 1, blockLeaves, blockLeaves + 1, 2 * blockLeaves, 2*blockLeaves + 7} {
		tree, h, leaves := pointTree{level: shardLevel}, hasher{}, []node[Point]{}
		for i := range n {
			id := Hash(sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
			leaves = append(leaves, node[Point]{leaf(&h, shardLevel, id, points[i]), points[i]})
			tree.add(id, points[i])
		}
		got, err := tree.root()
		top := naivePoints(shardLevel, leaves)
		if want := root(&h, shardLevel, uint64(n), top); err != nil || got.hash != want || got.sum != top.sum {
			t.Errorf("%d leaves: got %s, %v; want %s", n, got.hash, err, want)
		}
	}
	empty := pointTree{level: shardLevel}
	if _, err := empty.root(); err == nil {
		t.Error("a tree without leaves has a root")
	}
}

// Sums of equal, opposite and no points are what gnark-crypto's own addition gives.
func TestPairs_SpecialPoints(t *testing.T) {
	p := multiples(t, 3)
	var minus Point
	minus.affine.Neg(&p[0].affine)
	cases := []Point{p[0], p[0], p[0], minus, {}, p[1], p[1], {}, {}, {}, p[0], p[2], p[2]}
	var a adder
	got := a.pairs(append([]Point{}, cases...))
	for i := range len(cases) / 2 {
		want, _ := cases[2*i].plus(cases[2*i+1])
		if got[i] != want {
			t.Errorf("pair %d: got %x, want %x", i, got[i].Bytes(), want.Bytes())
		}
	}
	if len(got) != 7 || got[6] != p[2] {
		t.Errorf("got %d sums, the last %x; want 7, and the point without a neighbour", len(got), got[6].Bytes())
	}
	if got := SumTotals([]Shard{{Total: p[0]}, {Total: p[1]}, {Total: minus}}); got != p[1] {
		t.Errorf("got %x, want %x", got.Bytes(), p[1].Bytes())
	}
}

func TestZ14_PointEncoding(t *testing.T) {
	good := multiples(t, 1)[0].Bytes()
	if p, err := ParsePoint(good[:]); err != nil || p.Bytes() != good {
		t.Errorf("got %x, %v", p.Bytes(), err)
	}
	prime, _ := new(big.Int).SetString("21888242871839275222246405745257275088548364400416034343698204186575808495617", 10)
	above := func(at int) []byte {
		b := bytes.Clone(good[:])
		x := new(big.Int).SetBytes(b[at : at+32])
		x.Add(x, prime).FillBytes(b[at : at+32])
		return b
	}
	off := bytes.Clone(good[:])
	off[63] ^= 1
	for name, raw := range map[string][]byte{
		"the identity": make([]byte, 64), "off the curve": off, "x above the prime": above(0), "y above the prime": above(32),
		"too short": good[:63], "too long": append(good[:], 0), "nothing": nil,
	} {
		if p, err := ParsePoint(raw); err == nil || !p.IsIdentity() {
			t.Errorf("%s: got %x, %v", name, p.Bytes(), err)
		}
	}
}

// rowsFile is a leaves file of n rows, and what the shard list says of it.
func rowsFile(t testing.TB, n int) ([]byte, Shard) {
	t.Helper()
	points, tree := multiples(t, n), pointTree{level: shardLevel}
	file := append([]byte(leavesMagic), make([]byte, 36)...)
	file = binary.BigEndian.AppendUint64(file, uint64(n))
	for i, p := range points {
		id := Hash(sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))))
		tree.add(id, p)
		file = p.appendBinary(append(file, id[:]...))
	}
	root, err := tree.root()
	if err != nil {
		t.Fatal(err)
	}
	return file, Shard{Leaves: uint64(n), Root: root.hash}
}

func TestRows(t *testing.T) {
	const n = blockLeaves + 5
	file, want := rowsFile(t, n)
	c := Commitment{Kind: KindConfidential}
	rows, err := c.CheckRows(bytes.NewReader(file), 0, want, NewIdentities(nil))
	if err != nil {
		t.Fatal(err)
	}
	read, points := 0, multiples(t, n)
	take := func(piece []grumpkin.G1Affine) error {
		for i := range piece {
			if piece[i] != points[read+i].affine {
				t.Fatalf("row #%d is another", read+i)
			}
		}
		read += len(piece)
		return nil
	}
	if err := c.ReadRows(bytes.NewReader(file), 0, want, rows, take); err != nil || read != n {
		t.Errorf("got %d rows, %v; want %d", read, err, n)
	}
	const head = len(leavesMagic) + 44
	other := bytes.Clone(file)
	copy(other[head+32:head+96], file[head+128:])
	nothing := func([]grumpkin.G1Affine) error { return nil }
	for name, tt := range map[string]struct {
		raw    []byte
		format bool
	}{
		"cut":               {file[:len(file)-1], true},
		"a byte more":       {append(bytes.Clone(file), 0), true},
		"changed since":     {other, true},
		"an older version":  {append([]byte("assay/v0/leaves\n"), file[16:]...), false},
		"of another format": {make([]byte, len(file)), true},
	} {
		var format *canon.FormatError
		var version *canon.VersionError
		if err := c.ReadRows(bytes.NewReader(tt.raw), 0, want, rows, nothing); !errors.As(err, &format) && tt.format || !errors.As(err, &version) && !tt.format {
			t.Errorf("%s: read again: got %v", name, err)
		}
		if _, err := c.CheckRows(bytes.NewReader(tt.raw), 0, want, NewIdentities(nil)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	stop := errors.New("stop")
	if err := c.ReadRows(bytes.NewReader(file), 0, want, rows, func([]grumpkin.G1Affine) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v, want %v", err, stop)
	}
	seen, first := NewIdentities(nil), identityOf(n-1)
	if err := seen.add(0, 0, first[:], len(first)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CheckRows(bytes.NewReader(file), 0, want, seen); err != nil {
		t.Fatal(err)
	}
	if err := seen.Check(); err == nil || err.Error() != "leaf #4100: its identity occurs twice in the tree, first at leaf #0 of shard #0" {
		t.Errorf("got %v", err)
	}
}

// BenchmarkCheckRows recomputes a shard of kind confidential without its proof; the figure that counts is ns/leaf.
func BenchmarkCheckRows(b *testing.B) {
	const n = 100_000
	file, want := rowsFile(b, n)
	for b.Loop() {
		if _, err := (Commitment{}).CheckRows(bytes.NewReader(file), 0, want, NewIdentities(nil)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leaf")
}

package tlog

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	xtlog "golang.org/x/mod/sumdb/tlog"

	"github.com/assay-por/assay/verifier/canon"
)

func slicesOf(path []Hash) [][]byte {
	out := [][]byte{}
	for _, h := range path {
		out = append(out, h[:])
	}
	return out
}

func hashesOf(path [][]byte) []Hash {
	out := []Hash{}
	for _, h := range path {
		out = append(out, Hash(h))
	}
	return out
}

func oracle(n uint64) *testonly.Tree {
	tree := testonly.New(rfc6962.DefaultHasher)
	for i := range n {
		tree.AppendData(entryOf(i, ""))
	}
	return tree
}

// agree compares a tree with the oracle, at index and m of n.
func agree(t *testing.T, ours *Tree, theirs *testonly.Tree, index, m, n uint64) {
	t.Helper()
	root, first := must(ours.Root(n))(t), must(ours.Root(m))(t)
	if root != Hash(theirs.HashAt(n)) {
		t.Fatalf("root of %d: got %s, want %x", n, root, theirs.HashAt(n))
	}
	path := must(ours.InclusionPath(index, n))(t)
	if diff := cmp.Diff(must(theirs.InclusionProof(index, n))(t), slicesOf(path)); len(path) > 0 && diff != "" {
		t.Fatalf("path of %d in %d (-want +got):\n%s", index, n, diff)
	}
	leaf := LeafHash(entryOf(index, ""))
	if err := CheckInclusion(leaf, index, n, path, root); err != nil {
		t.Fatal(err)
	}
	if err := xtlog.CheckRecord(xtlogPath(path), int64(n), xtlog.Hash(root), int64(index), xtlog.Hash(leaf)); err != nil {
		t.Fatal(err)
	}
	consistency := hashesOf(must(theirs.ConsistencyProof(m, n))(t))
	if err := CheckConsistency(m, n, consistency, first, root); err != nil {
		t.Fatal(err)
	}
	fork := must(ours.ForkPath(m, n))(t)
	one, two, err := RootsOf(m, n, fork)
	if err != nil || one != first || two != root {
		t.Fatalf("fork path from %d to %d: got %s, %s, %v", m, n, one, two, err)
	}
	short := fork
	if m&(m-1) == 0 || m == n {
		short = fork[1:] // what PROOF leaves out: the first root itself
	}
	if diff := cmp.Diff(consistency, append([]Hash{}, short...)); diff != "" {
		t.Fatalf("fork path from %d to %d (-want +got):\n%s", m, n, diff)
	}
}

func xtlogPath(path []Hash) (out xtlog.RecordProof) {
	for _, h := range path {
		out = append(out, xtlog.Hash(h))
	}
	return out
}

func TestTree_AgreesWithTheOracles(t *testing.T) {
	const most = 70
	ours, theirs := grown(most, ""), oracle(most)
	for n := uint64(1); n <= most; n++ {
		for i := range n {
			agree(t, ours, theirs, i, i+1, n)
		}
	}
}

func TestTree_AgreesWithTheOracles_Large(t *testing.T) {
	const most = 20_000
	ours, theirs := grown(most, ""), oracle(most)
	random := rand.New(rand.NewPCG(6, 962))
	for range 300 {
		n := 1 + random.Uint64N(most)
		agree(t, ours, theirs, random.Uint64N(n), 1+random.Uint64N(n), n)
	}
}

func TestTree_OutOfRange(t *testing.T) {
	tree := grown(5, "")
	if root := must(tree.Root(0))(t); root != Hash(rfc6962.DefaultHasher.EmptyRoot()) {
		t.Errorf("the root of no entries is %s", root)
	}
	_, err := tree.Root(6)
	refused(t, "root", err, "the log has 5")
	for _, at := range [][2]uint64{{5, 5}, {0, 6}, {0, 0}} {
		_, err := tree.InclusionPath(at[0], at[1])
		refused(t, fmt.Sprint("path of ", at), err, "the log has 5")
	}
	for _, at := range [][2]uint64{{0, 5}, {6, 5}, {1, 6}} {
		_, err := tree.ForkPath(at[0], at[1])
		refused(t, fmt.Sprint("fork path of ", at), err, "the log has 5")
	}
}

// A path of another length, another place or one bit off is refused, here as by the oracle.
func TestC11_PathIsOfOnePlace(t *testing.T) {
	const size = 21
	tree := grown(size, "")
	root := must(tree.Root(size))(t)
	for index := range uint64(size) {
		leaf, path := LeafHash(entryOf(index, "")), must(tree.InclusionPath(index, size))(t)
		for _, bad := range [][]Hash{path[1:], path[:len(path)-1], append([]Hash{leaf}, path...), append(path[:len(path):len(path)], leaf), nil} {
			if CheckInclusion(leaf, index, size, bad, root) == nil {
				t.Errorf("index %d: a path of %d hashes is taken", index, len(bad))
			}
		}
		for i := range path {
			bad := append([]Hash(nil), path...)
			bad[i][9] ^= 1
			refused(t, "a flipped bit", CheckInclusion(leaf, index, size, bad, root), "leads to root")
		}
		for at := range uint64(40) {
			for n := range uint64(40) {
				ours := CheckInclusion(leaf, at, n, path, root)
				theirs := proof.VerifyInclusion(rfc6962.DefaultHasher, at, n, leaf[:], slicesOf(path), root[:])
				if (ours == nil) != (theirs == nil) {
					t.Errorf("index %d of %d: got %v, the oracle has %v", at, n, ours, theirs)
				}
			}
		}
	}
	refused(t, "beyond the size", CheckInclusion(LeafHash(nil), size, size, nil, root), "index 21 is not in a log of 21 entries")
}

func TestConsistency_Refused(t *testing.T) {
	tree, other := grown(20, ""), grown(20, " forged")
	theirs := oracle(20)
	empty := must(tree.Root(0))(t)
	for m := uint64(1); m < 20; m++ {
		path := hashesOf(must(theirs.ConsistencyProof(m, 20))(t))
		first, second, forged := must(tree.Root(m))(t), must(tree.Root(20))(t), must(other.Root(m))(t)
		refused(t, "another past", CheckConsistency(m, 20, path, forged, second), "leads to roots")
		refused(t, "another present", CheckConsistency(m, 20, path, first, forged), "leads to roots")
		refused(t, "a hash more", CheckConsistency(m, 20, append([]Hash{first}, path...), first, second), "does not lead")
		refused(t, "a hash less", CheckConsistency(m, 20, path[1:], first, second), "lead")
		refused(t, "backwards", CheckConsistency(20, m, path, second, first), "does not begin with")
		refused(t, "one size", CheckConsistency(m, m, nil, first, forged), "have the roots")
		refused(t, "one size with a path", CheckConsistency(m, m, path, first, first), "need no path")
		refused(t, "from nothing with a root", CheckConsistency(0, m, nil, first, second), "the hash of nothing")
	}
	if err := errors.Join(CheckConsistency(0, 20, nil, empty, must(tree.Root(20))(t)), CheckConsistency(0, 0, nil, empty, empty)); err != nil {
		t.Error(err)
	}
	refused(t, "nothing with another root", CheckConsistency(0, 0, nil, empty, Hash{1}), "the hash of nothing")
	for _, at := range [][2]uint64{{0, 4}, {5, 4}} {
		_, _, err := RootsOf(at[0], at[1], []Hash{{}})
		refused(t, fmt.Sprint(at), err, "no path leads")
	}
}

// files is a log in a folder, of bundles as wide as given.
func files(size uint64, widths ...int) Source {
	all := map[string][]byte{}
	for bundle := uint64(0); bundle*tileWidth < size; bundle++ {
		for _, width := range append(widths, tileWidth) {
			var raw []byte
			for i := range uint64(width) {
				if at := bundle*tileWidth + i; at < size {
					entry := entryOf(at, "")
					raw = append(append(raw, 0, byte(len(entry))), entry...)
				} else if width == tileWidth {
					raw = nil
					break
				}
			}
			if raw != nil {
				all[EntryPath(bundle, width)] = raw
			}
		}
	}
	return func(path string) ([]byte, error) {
		if raw, ok := all[path]; ok {
			return raw, nil
		}
		return nil, fs.ErrNotExist
	}
}

func TestEntries(t *testing.T) {
	for _, tt := range []struct {
		name         string
		served, size uint64
		widths       []int
	}{
		{"none", 0, 0, nil},
		{"one", 1, 1, []int{1}},
		{"partial", 300, 300, []int{300 - 256}},
		{"exactly full", 512, 512, nil},
		{"full and one", 513, 513, []int{1}},
		{"the full bundle instead of the partial one", 512, 300, nil},
	} {
		var tree Tree
		var next uint64
		err := Entries(files(tt.served, tt.widths...), tt.size, func(index uint64, entry []byte) error {
			if index != next || string(entry) != string(entryOf(index, "")) {
				t.Errorf("%s: got %d %q, want %d", tt.name, index, entry, next)
			}
			next++
			tree.Append(LeafHash(entry))
			return nil
		})
		if err != nil || tree.Size() != tt.size || must(tree.Root(tt.size))(t) != must(grown(tt.size, "").Root(tt.size))(t) {
			t.Errorf("%s: got %d entries, %v", tt.name, tree.Size(), err)
		}
	}
}

func TestEntries_WiderThanAsked(t *testing.T) {
	src := files(40, 40)
	count := 0
	err := Entries(func(path string) ([]byte, error) {
		if path != "tile/entries/000.p/7" {
			return nil, fs.ErrNotExist
		}
		return src("tile/entries/000.p/40")
	}, 7, func(uint64, []byte) error { count++; return nil })
	if err != nil || count != 7 {
		t.Errorf("got %d entries, %v, want 7", count, err)
	}
}

func TestEntries_Refused(t *testing.T) {
	ignore := func(uint64, []byte) error { return nil }
	serve := func(raw string) Source { return func(string) ([]byte, error) { return []byte(raw), nil } }
	for _, tt := range []struct{ name, raw, problem string }{
		{"too few", "\x00\x01a", "tile/entries/000.p/2: 1 entries, want 2"},
		{"empty", "", "0 entries, want 2"},
		{"half a length", "\x00\x01a\x00\x01b\x00", "ends inside entry 2"},
		{"half an entry", "\x00\x01a\x00\x02b", "ends inside entry 1"},
		{"too many", string(make([]byte, 2*257)), "2 bytes follow 256 entries"},
		{"too long", string(make([]byte, maxBundle+1)), "the limit is 17825792"},
	} {
		formatError(t, tt.name, Entries(serve(tt.raw), 2, ignore), tt.problem)
	}
	formatError(t, "too large a log", Entries(serve(""), maxSize+1, ignore), "4294967297 entries")
	formatError(t, "a full bundle that is not full", Entries(func(path string) ([]byte, error) {
		if path == "tile/entries/000" {
			return []byte("\x00\x01a\x00\x01b"), nil
		}
		return nil, fs.ErrNotExist
	}, 2, ignore), "2 entries, want 256")
	if err := Entries(files(0), 300, ignore); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing bundle: got %v", err)
	}
	stop := errors.New("stop")
	if err := Entries(files(300, 44), 300, func(index uint64, _ []byte) error {
		if index == 299 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) {
		t.Errorf("got %v, want the reader's own error", err)
	}
}

func TestEntryPath(t *testing.T) {
	for _, tt := range []struct {
		bundle uint64
		width  int
		want   string
	}{
		{0, 256, "tile/entries/000"}, {0, 1, "tile/entries/000.p/1"}, {999, 256, "tile/entries/999"}, {1000, 256, "tile/entries/x001/000"},
		{1234067, 255, "tile/entries/x001/x234/067.p/255"}, {1<<24 - 1, 256, "tile/entries/x016/x777/215"},
	} {
		got := EntryPath(tt.bundle, tt.width)
		tile := xtlog.Tile{H: 8, L: -1, N: int64(tt.bundle), W: tt.width}.Path()
		if got != tt.want || "tile/8/data"+got[len("tile/entries"):] != tile {
			t.Errorf("got %s, want %s, the oracle has %s", got, tt.want, tile)
		}
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte("\x00\x01a\x00\x00\x00\x02bc"), uint64(3))
	f.Add(make([]byte, 512), uint64(256))
	f.Fuzz(func(t *testing.T, raw []byte, size uint64) {
		var again []byte
		var read uint64
		size %= tileWidth + 1
		err := Entries(func(string) ([]byte, error) { return raw, nil }, size, func(_ uint64, entry []byte) error {
			again = append(append(again, byte(len(entry)>>8), byte(len(entry))), entry...)
			read++
			return nil
		})
		var format *canon.FormatError
		switch {
		case err != nil && !errors.As(err, &format):
			t.Errorf("got %T %v", err, err)
		case err == nil && (read != size || string(raw[:len(again)]) != string(again)):
			t.Errorf("got %d entries %q of %q", read, again, raw)
		}
	})
}

func FuzzPaths(f *testing.F) {
	f.Add(uint64(3), uint64(7), uint64(5), []byte("some"), 3)
	f.Add(uint64(0), uint64(1), uint64(1), []byte{}, 0)
	f.Add(uint64(1<<63), uint64(1<<64-1), uint64(1<<63), []byte{1}, 64)
	f.Fuzz(func(t *testing.T, m, n, index uint64, seed []byte, length int) {
		path := make([]Hash, uint(length)%70)
		for i := range path {
			path[i] = LeafHash(append(seed, byte(i)))
		}
		leaf := LeafHash(seed)
		want, err := proof.RootFromInclusionProof(rfc6962.DefaultHasher, index, n, leaf[:], slicesOf(path))
		if err == nil {
			if err := CheckInclusion(leaf, index, n, path, Hash(want)); err != nil {
				t.Error(err)
			}
		} else if got, ok := climb(leaf, index, n, path); index < n && ok {
			t.Errorf("got root %s, the oracle has %v", got, err)
		}
		first, second, err := RootsOf(m, n, path)
		if err != nil {
			return
		}
		short := path
		if m&(m-1) == 0 || m == n {
			short = path[1:]
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, m, n, slicesOf(short), first[:], second[:]); err != nil {
			t.Errorf("from %d to %d: %v", m, n, err)
		}
		if err := CheckConsistency(m, n, short, first, second); err != nil {
			t.Error(err)
		}
	})
}

package shard

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
)

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

type row = Row[merkle.Plain]

// someRows are n different rows of a registry of four assets.
func someRows(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		seed := []byte(fmt.Sprint("row", i))
		rows[i] = row{
			Handle:   sha256.Sum256(append([]byte("handle"), seed...)),
			Nonce:    sha256.Sum256(append([]byte("nonce"), seed...)),
			Identity: sha256.Sum256(append([]byte("identity"), seed...)),
		}
		for a := range 4 {
			if (i+a)%3 == 0 {
				rows[i].Sum = append(rows[i].Sum, merkle.Entry{Asset: uint16(a), Amount: merkle.Amount{Lo: uint64(i + 1)}})
			}
		}
	}
	return rows
}

func rootOf(t testing.TB, rows []row) merkle.Node[merkle.Plain] {
	t.Helper()
	b := merkle.NewBuilder[merkle.Plain](merkle.Shard, merkle.KindPlain)
	for _, r := range rows {
		if err := b.Add(r.Identity, r.Sum); err != nil {
			t.Fatal(err)
		}
	}
	root, err := b.Root()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func headerOf(rows []row) Header {
	return Header{Snapshot: merkle.Hash{1}, Index: 2, Count: 5, Assets: 4, Leaves: uint64(len(rows))}
}

// nopCloser lets a Writer write contents that are not sealed.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func writeRows(t testing.TB, w *Writer[merkle.Plain], rows []row) merkle.Node[merkle.Plain] {
	t.Helper()
	p := NewPacker(Plain)
	for some := range slices.Chunk(rows, BlockRows) {
		b, err := p.Pack(some)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	root, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// seal writes a file, and holds the writer's root to a tree that is built apart.
func seal(t testing.TB, recipient age.Recipient, header Header, rows []row) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(Plain, &b, recipient, header)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := writeRows(t, w, rows), rootOf(t, rows); !cmp.Equal(got, want) {
		t.Fatalf("the writer's root is %v, want %v", got, want)
	}
	return b.Bytes()
}

// contents are what seal seals.
func contents(t testing.TB, header Header, rows []row) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := begin(Plain, nopCloser{&b}, header)
	if err != nil {
		t.Fatal(err)
	}
	writeRows(t, w, rows)
	return b.Bytes()
}

func openBytes(b []byte, identity age.Identity, want Header) (*File[merkle.Plain], error) {
	return Open(Plain, bytes.NewReader(b), int64(len(b)), identity, want)
}

func openContents(content []byte, want Header) (*File[merkle.Plain], error) {
	return open(Plain, bytes.NewReader(content), int64(len(content)), want)
}

// sealBytes seals any contents.
func sealBytes(t testing.TB, recipient age.Recipient, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipient)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oracle makes the proofs of all rows from one tree that keeps every node.
func oracle(t testing.TB, header Header, rows []row) []Proved[merkle.Plain] {
	t.Helper()
	leaves := make([]merkle.Node[merkle.Plain], len(rows))
	for i, r := range rows {
		leaves[i] = merkle.Leaf(merkle.Shard, r.Identity, r.Sum)
	}
	tree, err := merkle.NewTree(merkle.Shard, merkle.KindPlain, leaves)
	if err != nil {
		t.Fatal(err)
	}
	proofs := make([]Proved[merkle.Plain], len(rows))
	for i, r := range rows {
		path, err := tree.Path(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		proofs[i] = Proved[merkle.Plain]{r.Handle, r.Identity, merkle.Proof[merkle.Plain]{
			Kind: merkle.KindPlain, Snapshot: header.Snapshot, Balances: r.Sum, Nonce: r.Nonce, Path: path,
			Shard: merkle.Place{Count: uint64(header.Count), Index: uint64(header.Index), Leaf: uint64(i), Leaves: header.Leaves},
		}}
	}
	return proofs
}

var names = []string{"BTC", "ETH", "USDT", "SOL"}

func jsonOf(t testing.TB, p merkle.Proof[merkle.Plain]) string {
	t.Helper()
	b, err := p.JSON(names, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every row of a file gives the bytes of a proof that a whole tree gives, one by one and all in order; blocks and runs meet at
// all sizes, up to three kept levels.
func TestProveEveryRow(t *testing.T) {
	id := newIdentity(t)
	sizes := []int{1, 2, 3, 63, 64, 65, 127, 128, 129, 321, 64 * 64, 64*64 + 1, 64*64 + 65}
	for range 10 {
		sizes = append(sizes, 1+rand.IntN(2000))
	}
	for _, n := range sizes {
		rows := someRows(n)
		f, err := openBytes(seal(t, id.Recipient(), headerOf(rows), rows), id, headerOf(rows))
		if err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		proveAll(t, f, rows)
	}
}

func TestThreeLevels(t *testing.T) {
	rows := someRows(64*64*64 + 64*64 + 65)
	f, err := openContents(contents(t, headerOf(rows), rows), headerOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	if f.level != 2 {
		t.Fatalf("top run at level %d, want 2", f.level)
	}
	proofs := oracle(t, headerOf(rows), rows)
	for _, i := range []int{0, 63, 64, 4095, 4096, 262143, 262144, 266239, 266240, 266303, 266304, len(rows) - 1} {
		p, _, err := f.Prove(rows[i].Handle)
		if err != nil || !cmp.Equal(p, proofs[i].Proof, cmpopts.EquateEmpty()) {
			t.Errorf("row #%d: another proof (%v)", i, err)
		}
	}
}

func proveAll(t *testing.T, f *File[merkle.Plain], rows []row) {
	t.Helper()
	n, root := len(rows), rootOf(t, rows)
	if f.Root().Hash != root.Hash || f.Header() != headerOf(rows) {
		t.Fatalf("%d rows: root %v, want %v; header %+v", n, f.Root().Hash, root.Hash, f.Header())
	}
	want := oracle(t, headerOf(rows), rows)
	for i, r := range rows {
		p, identity, err := f.Prove(r.Handle)
		if err != nil || identity != r.Identity {
			t.Fatalf("row #%d of %d: identity %v (%v)", i, n, identity, err)
		}
		if got := jsonOf(t, p); got != jsonOf(t, want[i].Proof) {
			t.Fatalf("row #%d of %d: got\n%s", i, n, got)
		}
		// A tree of one shard needs no top.
		p.Shard.Count, p.Shard.Index = 1, 0
		got, err := p.RootOf(identity)
		if top := merkle.Root(merkle.Top, merkle.KindPlain, 1, merkle.Leaf(merkle.Top, root.Hash, root.Sum)); err != nil || got.Hash != top.Hash {
			t.Fatalf("row #%d of %d: root %v (%v), want %v", i, n, got.Hash, err, top.Hash)
		}
	}
	i := 0
	for p, err := range f.All() {
		if err != nil || p.Handle != rows[i].Handle || p.Identity != rows[i].Identity || jsonOf(t, p.Proof) != jsonOf(t, want[i].Proof) {
			t.Fatalf("row #%d of %d in order differs (%v)", i, n, err)
		}
		i++
	}
	if i != n {
		t.Fatalf("%d proofs in order, want %d", i, n)
	}
	for range f.All() {
		break // and stops when asked
	}
	if _, _, err := f.Prove([32]byte{9}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown handle: got %v, want ErrNotFound", err)
	}
}

// Handles that begin alike, even over several pages of the index, are told apart.
func TestHandlesThatBeginAlike(t *testing.T) {
	rows := someRows(3*pageRefs + 5)
	for i := 10; i < 2*pageRefs+20; i++ {
		copy(rows[i].Handle[:8], rows[10].Handle[:8])
	}
	f, err := openContents(contents(t, headerOf(rows), rows), headerOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 10, 11, pageRefs, 2 * pageRefs, 2*pageRefs + 19, 2*pageRefs + 20, len(rows) - 1} {
		p, _, err := f.Prove(rows[i].Handle)
		if err != nil || p.Shard.Leaf != uint64(i) {
			t.Errorf("row #%d: got leaf #%d (%v)", i, p.Shard.Leaf, err)
		}
	}
	stranger := rows[10].Handle
	stranger[31] ^= 1
	if _, _, err := f.Prove(stranger); !errors.Is(err, ErrNotFound) {
		t.Errorf("a stranger whose handle begins alike: got %v, want ErrNotFound", err)
	}
}

// counter counts what is read.
type counter struct {
	r     io.ReaderAt
	reads []int
}

func (c *counter) ReadAt(b []byte, at int64) (int, error) {
	c.reads = append(c.reads, len(b))
	return c.r.ReadAt(b, at)
}

// A proof reads a page of the index and a block, and a run a level that is not in memory; opening reads header and end alone.
func TestReads(t *testing.T) {
	for _, c := range []struct{ leaves, cold int }{{4096, 2}, {20_000, 3}} {
		rows := someRows(c.leaves)
		content := contents(t, headerOf(rows), rows)
		reads := &counter{r: bytes.NewReader(content)}
		f, err := open(Plain, reads, int64(len(content)), headerOf(rows))
		if err != nil {
			t.Fatal(err)
		}
		opened := 0
		for _, n := range reads.reads {
			opened += n
		}
		if most := headerSize + endSize + 64*(nodeSumAt+2+18*4) + 8*20; opened > most {
			t.Errorf("%d leaves: opening read %d bytes, want at most %d", c.leaves, opened, most)
		}
		for _, want := range []struct{ row, reads int }{{0, c.cold}, {1, 1}, {64, 2}} {
			// So that only what the last row left is in memory of the index.
			f.refs = newCache[[]ref](heldPages)
			reads.reads = nil
			if _, _, err := f.Prove(rows[want.row].Handle); err != nil || len(reads.reads) != want.reads {
				t.Errorf("%d leaves, row #%d: %d reads (%v), want %d", c.leaves, want.row, len(reads.reads), err, want.reads)
			}
		}
	}
}

// Rows that a file is to keep are read once, and give the proofs that they gave; no more are kept than was said.
func TestKeptRows(t *testing.T) {
	rows := someRows(4096)
	content, want := contents(t, headerOf(rows), rows), oracle(t, headerOf(rows), rows)
	for name, c := range map[string]struct{ bytes, again int }{"all": {len(content), 0}, "half": {len(content) / 2, 16}} {
		reads := &counter{r: bytes.NewReader(content)}
		f, err := open(Plain, reads, int64(len(content)), headerOf(rows))
		if err != nil {
			t.Fatal(err)
		}
		f.Keep(0, 0, c.bytes)
		for range 2 {
			reads.reads = nil
			for i := 0; i < len(rows); i += 13 {
				p, _, err := f.Prove(rows[i].Handle)
				if err != nil || !cmp.Equal(p, want[i].Proof, cmpopts.EquateEmpty()) {
					t.Fatalf("%s: row #%d: another proof (%v)", name, i, err)
				}
			}
		}
		if n := len(reads.reads); n < c.again || c.again == 0 && n > 0 {
			t.Errorf("%s: %d reads of what had been read before, want %d or more", name, n, c.again)
		}
		held := 0
		for _, raw := range f.raw.held {
			held += len(raw)
		}
		if held > c.bytes || held == 0 {
			t.Errorf("%s: %d bytes of rows are in memory, of %d", name, held, c.bytes)
		}
	}
}

// Several goroutines prove from one file at once.
func TestConcurrentProofs(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(5000)
	f, err := openBytes(seal(t, id.Recipient(), headerOf(rows), rows), id, headerOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	want := oracle(t, headerOf(rows), rows)
	var g errgroup.Group
	for start := range 4 {
		g.Go(func() error {
			for i := start; i < len(rows); i += 37 {
				p, _, err := f.Prove(rows[i].Handle)
				if err != nil || !cmp.Equal(p, want[i].Proof, cmpopts.EquateEmpty()) {
					return fmt.Errorf("row #%d: another proof (%w)", i, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := len(f.blocks.held); n != heldBlocks {
		t.Errorf("%d blocks are in memory, want %d", n, heldBlocks)
	}
}

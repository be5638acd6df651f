package tlog_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	proofs "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"github.com/assay-por/assay/attest/tlog"
)

// tree is the log's tree as golang.org/x/mod/sumdb/tlog has it, made of the entries alone.
type tree struct {
	hashes []sumdb.Hash
	size   int64
}

func (t *tree) ReadHashes(at []int64) ([]sumdb.Hash, error) {
	out := make([]sumdb.Hash, len(at))
	for n, i := range at {
		out[n] = t.hashes[i]
	}
	return out, nil
}

func (t *tree) add(tb testing.TB, entry []byte) {
	tb.Helper()
	h, err := sumdb.StoredHashes(t.size, entry, t)
	if err != nil {
		tb.Fatal(err)
	}
	t.hashes, t.size = append(t.hashes, h...), t.size+1
}

func (t *tree) root(tb testing.TB, size int64) sumdb.Hash {
	tb.Helper()
	if size == 0 {
		return sumdb.Hash(sha256.Sum256(nil))
	}
	h, err := sumdb.TreeHash(size, t)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// treeOf reads a log's folder.
func treeOf(t testing.TB, c tlog.Config, head tlog.Checkpoint) *tree {
	t.Helper()
	var all tree
	for e, err := range tlog.Entries(os.DirFS(c.Dir), head) {
		if err != nil {
			t.Fatal(err)
		}
		all.add(t, e)
	}
	return &all
}

// checkPlace verifies a place as a stranger would, by two libraries, and returns the checkpoint's tree.
func checkPlace(t testing.TB, vkey string, entry []byte, p tlog.Place) sumdb.Tree {
	t.Helper()
	var shown proofs.TLogProof
	if err := shown.Unmarshal(p.Proof); err != nil {
		t.Fatal(err)
	}
	if shown.Index != p.Index || string(shown.Checkpoint) != string(p.Checkpoint) || string(shown.Marshal()) != string(p.Proof) {
		t.Fatalf("place #%d has the proof\n%s", p.Index, p.Proof)
	}
	own, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(p.Checkpoint, note.VerifierList(own))
	if err != nil {
		t.Fatal(err)
	}
	head := treeIn(t, n.Text)
	path := make([][]byte, len(shown.Hashes))
	record := make(sumdb.RecordProof, len(shown.Hashes))
	for i, h := range shown.Hashes {
		path[i], record[i] = h[:], h
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, uint64(head.N), rfc6962.DefaultHasher.HashLeaf(entry), path, head.Hash[:]); err != nil {
		t.Fatalf("#%d: %v", p.Index, err)
	}
	if err := sumdb.CheckRecord(record, head.N, head.Hash, int64(p.Index), sumdb.RecordHash(entry)); err != nil {
		t.Fatalf("#%d: %v", p.Index, err)
	}
	return head
}

// treeIn reads the text of a checkpoint.
func treeIn(t testing.TB, text string) (head sumdb.Tree) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if len(lines) < 3 || lines[0] != origin {
		t.Fatalf("no checkpoint: %q", text)
	}
	var err error
	if head.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		t.Fatal(err)
	}
	if head.Hash, err = sumdb.ParseHash(lines[2]); err != nil {
		t.Fatal(err)
	}
	return head
}

func entriesOf(n int) [][]byte {
	entries := make([][]byte, n)
	for i := range entries {
		entries[i] = fmt.Appendf(nil, "entry %d %x", i, sha256.Sum256(fmt.Append(nil, i)))
	}
	return entries
}

// TestTenThousand: every inclusion proof, and consistency proofs between a thousand pairs of sizes, hold by two libraries that are not ours.
func TestTenThousand(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	entries := entriesOf(10_000)
	var places []tlog.Place
	for from := 0; from < len(entries); from += 2500 {
		some, err := l.Add(t.Context(), entries[from:from+2500]...)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, some...)
	}
	head := read(t, c, vkey)
	all := treeOf(t, c, head)
	if all.size != 10_000 || all.root(t, all.size) != sumdb.Hash(head.Root) {
		t.Fatalf("size %d, root %x", all.size, head.Root)
	}
	for i, p := range places {
		if p.Index != uint64(i) {
			t.Fatalf("entry %d stands at #%d", i, p.Index)
		}
		if under := checkPlace(t, vkey, entries[i], p); under.Hash != all.root(t, under.N) {
			t.Fatalf("#%d: the checkpoint of size %d is of another tree", i, under.N)
		}
	}
	builder, err := client.NewProofBuilder(t.Context(), head.Size, client.FileFetcher{Root: c.Dir}.ReadTile)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		to := 1 + rand.Int64N(all.size)
		from := 1 + rand.Int64N(to)
		path, err := builder.ConsistencyProof(t.Context(), uint64(from), uint64(to))
		if err != nil {
			t.Fatal(err)
		}
		older, newer := all.root(t, from), all.root(t, to)
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from), uint64(to), path, older[:], newer[:]); err != nil {
			t.Errorf("%d to %d: %v", from, to, err)
		}
		shown := make(sumdb.TreeProof, len(path))
		for i, h := range path {
			shown[i] = sumdb.Hash(h)
		}
		if err := sumdb.CheckTree(shown, to, newer, from, older); err != nil {
			t.Errorf("%d to %d: %v", from, to, err)
		}
	}
}

// BenchmarkAdd enters 10,000 entries at once, each read back and proved.
func BenchmarkAdd(b *testing.B) {
	entries := entriesOf(10_000)
	for b.Loop() {
		b.StopTimer()
		c, _ := config(b)
		l := create(b, c)
		b.StartTimer()
		if _, err := l.Add(b.Context(), entries...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkAddOne is what a command does: open, enter one entry with a witness's cosignature, close.
func BenchmarkAddOne(b *testing.B) {
	c, vkey := config(b)
	w := watch(b, "w.example", vkey)
	c.Witnesses, c.Quorum = []tlog.Witness{w.Witness}, 1
	if err := tlog.Create(c); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		l := open(b, c)
		add(b, l, fmt.Sprint("entry ", n))
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

package shard

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

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

// someRows are n different rows of a registry of four assets.
func someRows(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		seed := []byte(fmt.Sprint("row", i))
		rows[i] = Row{
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

func rootOf(t testing.TB, rows []Row) merkle.Node[merkle.Plain] {
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

func headerOf(rows []Row) Header {
	return Header{Snapshot: merkle.Hash{1}, Index: 2, Count: 5, Assets: 4, Leaves: uint64(len(rows))}
}

// seal writes a file as Writer does.
func seal(t testing.TB, recipient age.Recipient, header Header, rows []Row, root merkle.Hash) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, recipient, header)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if _, err := w.Write(r.AppendBinary(nil)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(root); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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

// Every row of a file gives a proof that reaches the root; the runs of 64 leaves meet at all sizes.
func TestProveEveryRow(t *testing.T) {
	id := newIdentity(t)
	for _, n := range []int{1, 2, 3, 63, 64, 65, 127, 128, 129, 200, 321} {
		rows := someRows(n)
		root := rootOf(t, rows)
		f, err := Open(bytes.NewReader(seal(t, id.Recipient(), headerOf(rows), rows, root.Hash)), id, headerOf(rows))
		if err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		if f.Root().Hash != root.Hash || f.Header() != headerOf(rows) {
			t.Fatalf("%d rows: root %v, want %v; header %+v", n, f.Root().Hash, root.Hash, f.Header())
		}
		for i, r := range rows {
			p, identity, err := f.Prove(r.Handle)
			if err != nil {
				t.Fatalf("row #%d of %d: %v", i, n, err)
			}
			if identity != r.Identity || p.Nonce != r.Nonce || p.Shard != (merkle.Place{Count: 5, Index: 2, Leaf: uint64(i), Leaves: uint64(n)}) {
				t.Fatalf("row #%d of %d: place %+v", i, n, p.Shard)
			}
			// A tree of one shard needs no top.
			p.Shard.Count, p.Shard.Index = 1, 0
			got, err := p.RootOf(identity)
			want := merkle.Root(merkle.Top, merkle.KindPlain, 1, merkle.Leaf(merkle.Top, root.Hash, root.Sum))
			if err != nil || got.Hash != want.Hash {
				t.Fatalf("row #%d of %d: root %v (%v), want %v", i, n, got.Hash, err, want.Hash)
			}
		}
		i := 0
		for h := range f.Handles {
			if h != rows[i].Handle {
				t.Fatalf("handle #%d differs", i)
			}
			i++
		}
		if i != n {
			t.Fatalf("%d handles, want %d", i, n)
		}
		for range f.Handles {
			break // and stops when asked
		}
		if _, _, err := f.Prove([32]byte{9}); !errors.Is(err, ErrNotFound) {
			t.Errorf("unknown handle: got %v, want ErrNotFound", err)
		}
		near := rows[0].Handle
		near[31] ^= 1
		if _, _, err := f.Prove(near); !errors.Is(err, ErrNotFound) {
			t.Errorf("handle of one prefix: got %v, want ErrNotFound", err)
		}
	}
}

// I6, I11: whoever lacks the identity reads nothing.
func TestI11_SealedAtRest(t *testing.T) {
	rows := someRows(3)
	b := seal(t, newIdentity(t).Recipient(), headerOf(rows), rows, rootOf(t, rows).Hash)
	if _, err := Open(bytes.NewReader(b), newIdentity(t), headerOf(rows)); err == nil {
		t.Error("another identity opened the file")
	}
	for _, r := range rows {
		if bytes.Contains(b, r.Handle[:]) || bytes.Contains(b, r.Nonce[:]) || bytes.Contains(b, r.Identity[:]) {
			t.Error("a row stands readable in the file")
		}
	}
}

// E7: cut, altered, and lengthened files are refused, at every byte.
func TestE07_AlteredFile(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(5)
	want := headerOf(rows)
	b := seal(t, id.Recipient(), want, rows, rootOf(t, rows).Hash)
	if _, err := Open(bytes.NewReader(b), id, want); err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := Open(bytes.NewReader(b[:n]), id, want); err == nil {
			t.Fatalf("cut to %d of %d bytes, and opened", n, len(b))
		}
	}
	for i := 0; i < len(b); i += 3 {
		c := bytes.Clone(b)
		c[i] ^= 4
		if _, err := Open(bytes.NewReader(c), id, want); err == nil {
			t.Fatalf("byte %d altered, and opened", i)
		}
	}
	if _, err := Open(io.MultiReader(bytes.NewReader(b), strings.NewReader("x")), id, want); err == nil {
		t.Error("a byte after the end, and opened")
	}
}

// T12: a file is refused in another's place.
func TestT12_OtherShard(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(5)
	b := seal(t, id.Recipient(), headerOf(rows), rows, rootOf(t, rows).Hash)
	for name, change := range map[string]func(*Header){
		"snapshot": func(h *Header) { h.Snapshot[31] ^= 1 },
		"index":    func(h *Header) { h.Index = 1 },
		"count":    func(h *Header) { h.Count = 6 },
		"assets":   func(h *Header) { h.Assets = 5 },
		"leaves":   func(h *Header) { h.Leaves = 6 },
	} {
		want := headerOf(rows)
		change(&want)
		if _, err := Open(bytes.NewReader(b), id, want); err == nil || !strings.Contains(err.Error(), "want shard") {
			t.Errorf("another %s: got %v", name, err)
		}
	}
	free := headerOf(rows)
	free.Leaves = 0
	if _, err := Open(bytes.NewReader(b), id, free); err != nil {
		t.Errorf("any number of leaves: %v", err)
	}
}

// Contents that were sealed by somebody else than a Writer are read as strictly.
func TestStrictContents(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(5)
	want := headerOf(rows)
	root := rootOf(t, rows).Hash
	good := want.encode()
	for _, r := range rows {
		good = r.AppendBinary(good)
	}
	good = append(good, root[:]...)
	if _, err := Open(bytes.NewReader(sealBytes(t, id.Recipient(), good)), id, want); err != nil {
		t.Fatal(err)
	}
	at := func(i int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[i:], b)
		return c
	}
	firstSum := headerSize + sumAt
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"other magic":        {at(0, 'x'), "not a shard file"},
		"empty":              {nil, "cut short"},
		"header only":        {good[:headerSize], "cut short"},
		"cut in a row":       {good[:headerSize+50], "cut short"},
		"cut in a sum":       {good[:firstSum+8], "cut short"},
		"cut in the root":    {good[:len(good)-1], "cut short"},
		"trailing":           {append(bytes.Clone(good), 0), "goes on after its end"},
		"other root":         {at(len(good)-1, good[len(good)-1]^1), "give the root"},
		"other identity":     {at(headerSize+identityAt, good[headerSize+identityAt]^1), "give the root"},
		"sum of 2000 assets": {at(firstSum, 0x07, 0xd0), "more entries"},
		"asset twice":        {at(firstSum+2+18, 0, 0), "ascending"},
		"no leaves":          {at(headerSize-8, 0, 0, 0, 0, 0, 0, 0, 0), "leaves"},
		"too many leaves":    {at(headerSize-8, 0xff), "leaves"},
		"no assets":          {at(headerSize-10, 0, 0), "assets"},
		"index beyond":       {at(headerSize-18, 0, 0, 0, 9), "index"},
	} {
		if _, err := Open(bytes.NewReader(sealBytes(t, id.Recipient(), c.content)), id, want); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want … %q", name, err, c.says)
		}
	}
}

// A2: a shard whose sum reaches 2^128 is refused on reading too.
func TestA02_ShardOverflow(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(2)
	for i := range rows {
		rows[i].Sum = merkle.Plain{{Asset: 0, Amount: merkle.Amount{Hi: 1 << 63}}}
	}
	if _, err := Open(bytes.NewReader(seal(t, id.Recipient(), headerOf(rows), rows, merkle.Hash{})), id, headerOf(rows)); !errors.Is(err, merkle.ErrOverflow) {
		t.Errorf("got %v, want ErrOverflow", err)
	}
}

func TestWriterRefused(t *testing.T) {
	id := newIdentity(t)
	for name, h := range map[string]Header{
		"no shards": {Assets: 1, Leaves: 1}, "index": {Count: 1, Index: 1, Assets: 1, Leaves: 1}, "no leaves": {Count: 1, Assets: 1},
		"no assets": {Count: 1, Leaves: 1}, "assets": {Count: 1, Assets: 1025, Leaves: 1}, "shards": {Count: MaxShards + 1, Assets: 1, Leaves: 1},
	} {
		if _, err := NewWriter(io.Discard, id.Recipient(), h); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	rows := someRows(3)
	h := headerOf(rows)
	good := h.encode()
	for _, r := range rows {
		good = r.AppendBinary(good)
	}
	root := rootOf(f, rows).Hash
	f.Add(append(good, root[:]...))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, content []byte) {
		want := h
		if len(content) >= headerSize {
			// Whatever snapshot and place the file names, so that the rows are reached.
			if named, err := decodeHeader(content); err == nil {
				want = named
			}
		}
		file, err := Open(bytes.NewReader(sealBytes(t, id.Recipient(), content)), id, want)
		if err != nil {
			return
		}
		again := file.header.encode()
		for _, run := range file.runs {
			again = append(again, run...)
		}
		again = append(again, file.root.Hash[:]...)
		if !bytes.Equal(again, content) {
			t.Errorf("%x was accepted, its form is %x", content, again)
		}
		if len(content) < headerSize+sumAt || binary.BigEndian.Uint64(content[headerSize-8:]) == 0 {
			t.Error("a file without rows was accepted")
		}
	})
}

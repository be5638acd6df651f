package shard

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/merkle"
)

// I6, I11: whoever lacks the identity reads nothing.
func TestI11_SealedAtRest(t *testing.T) {
	rows := someRows(3)
	b := seal(t, newIdentity(t).Recipient(), headerOf(rows), rows)
	if _, err := openBytes(b, newIdentity(t), headerOf(rows)); err == nil {
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
	b := seal(t, id.Recipient(), want, rows)
	if _, err := openBytes(b, id, want); err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := openBytes(b[:n], id, want); err == nil {
			t.Fatalf("cut to %d of %d bytes, and opened", n, len(b))
		}
	}
	for i := 0; i < len(b); i += 3 {
		c := bytes.Clone(b)
		c[i] ^= 4
		if _, err := openBytes(c, id, want); err == nil {
			t.Fatalf("byte %d altered, and opened", i)
		}
	}
	if _, err := openBytes(append(bytes.Clone(b), 'x'), id, want); err == nil {
		t.Error("a byte after the end, and opened")
	}
}

// E7: in a file of many chunks, not every byte is read at once. Whatever a byte was altered to, a proof is right or refused; and
// no byte is so far from all proofs that none is refused.
func TestE07_AlteredChunk(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(4200)
	want, proofs := headerOf(rows), oracle(t, headerOf(rows), rows)
	b := seal(t, id.Recipient(), want, rows)
	for _, n := range []int{len(b) / 2, len(b) - 1, len(b) - len(b)%(1<<16+16)} {
		if _, err := openBytes(b[:n], id, want); err == nil {
			t.Fatalf("cut to %d of %d bytes, and opened", n, len(b))
		}
	}
	for i := 300; i < len(b); i += len(b) / 29 {
		c := bytes.Clone(b)
		c[i] ^= 4
		f, err := openBytes(c, id, want)
		if err != nil {
			continue
		}
		refused := false
		for j, r := range rows {
			p, _, err := f.Prove(r.Handle)
			if errors.Is(err, ErrNotFound) || err == nil && !samePath(p, proofs[j].Proof) {
				t.Fatalf("byte %d altered, and row #%d: got %+v (%v)", i, j, p, err)
			}
			if refused = err != nil; refused {
				break
			}
		}
		if !refused {
			t.Errorf("byte %d altered, and every row proved", i)
		}
	}
}

// E7: the same of contents that were altered before they were sealed, which only who writes the file could do. A proof that is
// given is right, but for its nonce: that gives another identity than the customer's, and the caller who knows the customer sees
// it. A row whose handle or whose place in the index is gone is not found.
func TestE07_AlteredContents(t *testing.T) {
	for _, c := range []struct{ rows, step, each int }{{70, 7, 1}, {4200, 12007, 61}} {
		rows := someRows(c.rows)
		want, proofs := headerOf(rows), oracle(t, headerOf(rows), rows)
		good := contents(t, want, rows)
		refused := 0
		for i := 0; i < len(good); i += c.step {
			content := bytes.Clone(good)
			content[i] ^= byte(1 + i%255)
			f, err := openContents(content, want)
			if err != nil {
				refused++
				continue
			}
			for j := i % c.each; j < len(rows); j += c.each {
				p, identity, err := f.Prove(rows[j].Handle)
				if err != nil {
					refused++
					continue
				}
				if identity != rows[j].Identity || !samePath(p, proofs[j].Proof) || !slices.Equal(p.Balances, rows[j].Sum) || p.Shard != proofs[j].Proof.Shard {
					t.Fatalf("byte %d of %d altered, and row #%d: got %+v", i, len(good), j, p)
				}
			}
			for p, err := range f.All() {
				if err == nil && !samePath(p.Proof, proofs[p.Proof.Shard.Leaf].Proof) {
					t.Fatalf("byte %d of %d altered, and in order row #%d is another", i, len(good), p.Proof.Shard.Leaf)
				}
			}
		}
		if refused == 0 {
			t.Error("nothing was refused")
		}
	}
}

// T12: a file is refused in another's place.
func TestT12_OtherShard(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(5)
	b := seal(t, id.Recipient(), headerOf(rows), rows)
	for name, change := range map[string]func(*Header){
		"snapshot": func(h *Header) { h.Snapshot[31] ^= 1 },
		"index":    func(h *Header) { h.Index = 1 },
		"count":    func(h *Header) { h.Count = 6 },
		"assets":   func(h *Header) { h.Assets = 5 },
		"leaves":   func(h *Header) { h.Leaves = 6 },
	} {
		want := headerOf(rows)
		change(&want)
		if _, err := openBytes(b, id, want); err == nil || !strings.Contains(err.Error(), "want shard") {
			t.Errorf("another %s: got %v", name, err)
		}
	}
	free := headerOf(rows)
	free.Leaves = 0
	if _, err := openBytes(b, id, free); err != nil {
		t.Errorf("any number of leaves: %v", err)
	}
}

// Contents that were sealed by somebody else than a Writer are read as strictly, all of them.
func TestStrictContents(t *testing.T) {
	id := newIdentity(t)
	rows := someRows(70)
	want := headerOf(rows)
	good := contents(t, want, rows)
	root := rootOf(t, rows).Hash
	f, err := openBytes(sealBytes(t, id.Recipient(), good), id, want)
	if err != nil {
		t.Fatal(err)
	}
	index, first, second := int(f.indexAt), headerSize, int(f.top.nodes[1].where)
	topAt := index + 70*refSize + 8
	nextAt := topAt + len(f.top.nodes[0].appendBinary(nil))
	longerTop := slices.Insert(bytes.Clone(good), len(good)-endSize, 0)
	longerTop[len(longerTop)-1]++
	at := func(i int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[i:], b)
		return c
	}
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"other magic":           {at(0, 'x'), "not a shard file"},
		"version 1":             {at(0, []byte(magicV1)...), "build the tree again"},
		"empty":                 {nil, "cut short"},
		"header only":           {good[:headerSize], "cut short"},
		"cut in the end":        {good[:len(good)-1], "do not add up"},
		"trailing":              {append(bytes.Clone(good), 0), "do not add up"},
		"row left out":          {slices.Delete(bytes.Clone(good), first, first+sumAt), "do not add up"},
		"other root":            {at(len(good)-endSize, root[0]^1), "gives the root"},
		"other top run":         {at(topAt+12, good[topAt+12]^1), "gives the root"},
		"index elsewhere":       {at(len(good)-5, good[len(good)-5]^1), "do not add up"},
		"other size of top":     {at(len(good)-1, good[len(good)-1]^1), "do not add up"},
		"other identity":        {at(first+identityAt, good[first+identityAt]^1), "the file is damaged"},
		"sum of 2000 assets":    {at(first+sumAt, 0x07, 0xd0), "2000 entries"},
		"asset twice":           {at(first+sumAt+2+18, 0, 0), "ascending"},
		"blocks changed over":   {at(topAt, good[nextAt:nextAt+12]...), "row #6 of 64"},
		"block in the header":   {at(topAt+7, 1), "cannot be"},
		"block in the index":    {at(nextAt+7, good[nextAt+7]+1), "cannot be"},
		"block before all":      {at(topAt, 0xff), "cannot be"},
		"block of 4 GB":         {at(topAt+8, 0xff), "cannot be"},
		"block goes on":         {at(topAt+11, good[topAt+11]+1), "bytes follow 64 rows"},
		"top run goes on":       {longerTop, "bytes follow its 2 nodes"},
		"row of the last cut":   {at(second+sumAt, 0, 9), "entries"},
		"ref beyond":            {at(index+8, 0, 0, 0, 70), "leaf #70 of 70"},
		"refs not in order":     {at(index+refSize, 0), "not in order"},
		"ref of another leaf":   {at(index+8, good[index+refSize+8:index+refSize+12]...), "for another"},
		"page begins elsewhere": {at(topAt-1, good[topAt-1]^1), "not in order"},
		"no leaves":             {at(headerSize-8, 0, 0, 0, 0, 0, 0, 0, 0), "leaves"},
		"too many leaves":       {at(headerSize-8, 0xff), "leaves"},
		"no assets":             {at(headerSize-10, 0, 0), "assets"},
		"index beyond":          {at(headerSize-18, 0, 0, 0, 9), "index"},
	} {
		f, err := openBytes(sealBytes(t, id.Recipient(), c.content), id, want)
		for _, r := range rows {
			if err == nil {
				_, _, err = f.Prove(r.Handle)
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want … %q", name, err, c.says)
		}
	}
}

// A kept node that adds up to other sums than what it stands for, under a root that covers it: its proofs would not hold.
func TestKeptSum(t *testing.T) {
	rows := someRows(70)
	want := headerOf(rows)
	content := contents(t, want, rows)
	f, err := openContents(content, want)
	if err != nil {
		t.Fatal(err)
	}
	topAt := int(f.indexAt) + 70*refSize + 8
	content[topAt+nodeSumAt+2+2+15]++
	run := f.top.nodes
	run[0].Sum = slices.Clone(run[0].Sum)
	run[0].Sum[0].Amount.Lo++
	top, err := (&Writer[merkle.Plain]{kind: Plain}).topOf(run)
	if err != nil {
		t.Fatal(err)
	}
	root := merkle.Root(merkle.Shard, merkle.KindPlain, 70, top)
	copy(content[len(content)-endSize:], root.Hash[:])
	if f, err = openContents(content, want); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Prove(rows[0].Handle); err == nil || !strings.Contains(err.Error(), "the file is damaged") {
		t.Errorf("got %v", err)
	}
}

func TestPagesOutOfOrder(t *testing.T) {
	rows := someRows(pageRefs + 1)
	content := contents(t, headerOf(rows), rows)
	f, err := openContents(content, headerOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	copy(content[int(f.indexAt)+len(rows)*refSize:], bytes.Repeat([]byte{0xff}, 8))
	if _, err := openContents(content, headerOf(rows)); err == nil || !strings.Contains(err.Error(), "pages of its index are not in order") {
		t.Errorf("got %v", err)
	}
}

func samePath(p, q merkle.Proof[merkle.Plain]) bool {
	return slices.EqualFunc(p.Path, q.Path, func(a, b merkle.Node[merkle.Plain]) bool {
		return a.Hash == b.Hash && slices.Equal(a.Sum, b.Sum)
	})
}

// A2: a shard whose sum reaches 2^128 cannot be written, whether within a block, in a run, or above; and is refused on reading.
func TestA02_ShardOverflow(t *testing.T) {
	for _, n := range []int{2, 65, 64*64 + 1} {
		rows := someRows(n)
		for _, i := range []int{0, n - 1} {
			rows[i].Sum = merkle.Plain{{Asset: 0, Amount: merkle.Amount{Hi: 1 << 63}}}
		}
		w, err := begin(Plain, nopCloser{io.Discard}, headerOf(rows))
		p := NewPacker(Plain)
		for some := range slices.Chunk(rows, BlockRows) {
			var b Block[merkle.Plain]
			if err == nil {
				b, err = p.Pack(some)
			}
			if err == nil {
				err = w.Write(b)
			}
		}
		if err == nil {
			_, err = w.Close()
		}
		if !errors.Is(err, merkle.ErrOverflow) {
			t.Errorf("%d rows: got %v, want ErrOverflow", n, err)
		}
	}
	rows := someRows(2)
	for i := range rows {
		rows[i].Sum = merkle.Plain{{Asset: 0, Amount: merkle.Amount{Hi: 1 << 62}}}
	}
	content := contents(t, headerOf(rows), rows)
	for i := range rows {
		content[headerSize+i*(sumAt+2+18)+sumAt+4] = 0x80
	}
	f, err := openContents(content, headerOf(rows))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Prove(rows[0].Handle); !errors.Is(err, merkle.ErrOverflow) {
		t.Errorf("got %v, want ErrOverflow", err)
	}
}

func TestWriterRefused(t *testing.T) {
	id := newIdentity(t)
	for name, h := range map[string]Header{
		"no shards": {Assets: 1, Leaves: 1}, "index": {Count: 1, Index: 1, Assets: 1, Leaves: 1}, "no leaves": {Count: 1, Assets: 1},
		"no assets": {Count: 1, Leaves: 1}, "assets": {Count: 1, Assets: 1025, Leaves: 1}, "shards": {Count: MaxShards + 1, Assets: 1, Leaves: 1},
	} {
		if _, err := NewWriter(Plain, io.Discard, id.Recipient(), h); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	rows := someRows(100)
	p := NewPacker(Plain)
	for _, some := range [][]row{nil, rows[:65]} {
		if _, err := p.Pack(some); err == nil {
			t.Errorf("a block of %d rows: want an error", len(some))
		}
	}
	for name, sizes := range map[string][]int{"too few": {64}, "too many": {64, 37}, "a short block before another": {36, 64}} {
		w, err := NewWriter(Plain, io.Discard, id.Recipient(), headerOf(rows))
		for _, n := range sizes {
			var b Block[merkle.Plain]
			if err == nil {
				b, err = p.Pack(rows[:n])
			}
			if err == nil {
				err = w.Write(b)
			}
		}
		if err == nil {
			_, err = w.Close()
		}
		if err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

// Whatever the contents: no proof is given that does not reach the root, and the rows written again give the same root.
func FuzzOpen(f *testing.F) {
	for _, n := range []int{3, 70} {
		rows := someRows(n)
		f.Add(contents(f, headerOf(rows), rows))
	}
	f.Add([]byte(magic))
	f.Add([]byte(magicV1))
	f.Fuzz(func(t *testing.T, content []byte) {
		want := Header{}
		if len(content) >= headerSize {
			// Whatever snapshot and place the file names, so that the rows are reached.
			want, _ = decodeHeader(content, magic)
		}
		file, err := openContents(content, want)
		if err != nil {
			return
		}
		var rows []row
		for p, err := range file.All() {
			if err != nil {
				return
			}
			tree := p.Proof
			tree.Shard.Count, tree.Shard.Index = 1, 0
			root := merkle.Root(merkle.Top, merkle.KindPlain, 1, merkle.Leaf(merkle.Top, file.root.Hash, file.root.Sum))
			if got, err := tree.RootOf(p.Identity); err != nil || got.Hash != root.Hash {
				t.Fatalf("a proof gives the root %v (%v), want %v", got.Hash, err, root.Hash)
			}
			rows = append(rows, row{Handle: p.Handle, Nonce: p.Proof.Nonce, Identity: p.Identity, Sum: p.Proof.Balances})
		}
		for i, r := range rows {
			if p, _, err := file.Prove(r.Handle); err == nil && rows[p.Shard.Leaf].Handle != r.Handle {
				t.Errorf("the handle of row #%d gives another row", i)
			}
		}
		again, err := openContents(contents(t, file.header, rows), want)
		if err != nil || again.root.Hash != file.root.Hash {
			t.Errorf("written again: %v", err)
		}
	})
}

package build

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// hidingInput is a build of a confidential tree.
func hidingInput(t testing.TB, l *testLedger, shards int) Input {
	t.Helper()
	in := inputOf(t, l, 1, 2, shards, newIdentity(t))
	in.Kind = merkle.KindConfidential
	return in
}

// naiveHiding recomputes a confidential tree from the ledger, by SPEC parts 5, 6 and 29, and with no part of this package.
func naiveHiding(t testing.TB, in Input) (shards []*confidential.Committed, leaves [][]confidential.Leaf) {
	t.Helper()
	columns, err := in.worker().Plan.columns()
	if err != nil {
		t.Fatal(err)
	}
	params, err := confidential.NewParameters(columns)
	if err != nil {
		t.Fatal(err)
	}
	customers := slices.Clone(in.Ledger.ids)
	slices.SortFunc(customers, func(a, b string) int {
		x, y := in.Keys.Order(a), in.Keys.Order(b)
		return bytes.Compare(x[:], y[:])
	})
	leaves = make([][]confidential.Leaf, in.Shards)
	for index := range in.Shards {
		var rows []confidential.Row
		for _, id := range customers {
			if ShardOf(in.Keys.Order(id), in.Shards) == index {
				rows = append(rows, confidential.Row{Identity: merkle.Identity(in.Snapshot, in.Keys.Nonce(id), id), Balances: in.Ledger.sums[id]})
			}
		}
		c, err := params.Commit(confidential.Shard{
			Snapshot: in.Snapshot, Index: uint32(index), Key: in.Keys.Blind(), Count: uint64(len(rows)),
			Rows: func(yield func(confidential.Row, error) bool) {
				for _, r := range rows {
					if !yield(r, nil) {
						return
					}
				}
			},
		}, func(l []confidential.Leaf) error { leaves[index] = append(leaves[index], l...); return nil })
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, c)
	}
	return shards, leaves
}

// A confidential tree is the one that a plain reading of the specification gives, whoever builds it and in however many pieces; its
// totals are those of the plain tree; shards without customers have a decoy.
func TestConfidentialBuild(t *testing.T) {
	for _, c := range []struct{ customers, shards, parts, cores int }{{1, 1, 1, 1}, {1, 4, 1, 2}, {300, 3, 4, 2}, {5000, 2, 1, 2}} {
		l := readText(t, synthText(t, c.customers), ledger.Rules{})
		in := hidingInput(t, l, c.shards)
		in.Parts, in.Cores = c.parts, c.cores
		r := mustRun(t, in)
		want, leaves := naiveHiding(t, in)
		var count uint64
		for i, s := range r.Shards {
			if s.Root != want[i].Root.Hash || *s.Total != want[i].Top.Total || s.Leaves != want[i].Top.Leaves || s.Sum != nil {
				t.Errorf("%+v: shard #%d is %+v, want %+v", c, i, s, want[i].Top)
			}
			count += s.Leaves
			file := leavesHeader(in.Snapshot, i, len(leaves[i]))
			for _, l := range leaves[i] {
				file = l.Sum.AppendBinary(append(file, l.Identity[:]...))
			}
			if !bytes.Equal(readFile(t, filepath.Join(in.Dir, LeavesFile(i))), file) {
				t.Errorf("%+v: the leaves file of shard #%d is another", c, i)
			}
		}
		plain := in
		plain.Kind, plain.Shards, plain.Dir = merkle.KindPlain, 1, t.TempDir()
		if p := mustRun(t, plain); !slices.Equal(p.Totals, r.Totals) || r.Leaves != count || r.Kind != merkle.KindConfidential {
			t.Errorf("%+v: totals %v of %d leaves, the plain tree has %v", c, r.Totals, r.Leaves, p.Totals)
		}
		again := in
		again.Dir, again.Cores, again.Parts, again.Ledger = t.TempDir(), 1, 2, readText(t, reversed(l.text), ledger.Rules{})
		if other := mustRun(t, again); other.Root != r.Root {
			t.Errorf("%+v: another reading gives the root %v, want %v", c, other.Root, r.Root)
		}
	}
}

// Every customer's file leads from balances and blinding to the root, tells nothing of a decoy or of who is not there, and is the same
// whoever makes it. In the store nothing of a shard's totals can be read.
func TestConfidentialProofs(t *testing.T) {
	ctx := context.Background()
	l := readText(t, synthText(t, 200), ledger.Rules{})
	in := hidingInput(t, l, 1)
	in.Shards = 2
	r := mustRun(t, in)
	list, err := ShardsJSON(r, ids)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseShards(list, ids)
	if err != nil || back.Root != r.Root || back.Leaves != r.Leaves || back.Totals != nil {
		t.Fatalf("the shard list gives %+v (%v)", back, err)
	}
	b := builtOf(in, back, ids, in.Identity)
	maker, err1 := b.Maker(in.Keys.Lookup())
	server, err2 := b.Server(in.Keys.Lookup())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	params, err := confidential.NewParameters(ids)
	if err != nil {
		t.Fatal(err)
	}
	files := map[[32]byte]string{}
	for i := range r.Shards {
		for p, err := range maker.All(ctx, i) {
			if err != nil {
				t.Fatal(err)
			}
			files[p.Handle] = string(p.File)
		}
	}
	if len(files) != len(l.ids) {
		t.Errorf("%d files for %d customers", len(files), len(l.ids))
	}
	for _, id := range l.ids {
		file, err := maker.Prove(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		served, err := server.Prove(ctx, id)
		if err != nil || !bytes.Equal(served, file) || files[in.Keys.Handle(id)] != string(file) {
			t.Errorf("makers and servers make other files (%v)", err)
		}
		climb(t, in, r, params, id, file)
	}
	if _, err := maker.Prove(ctx, "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, err := server.Prove(ctx, "nobody"); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	for i, s := range r.Shards {
		done := string(readFile(t, filepath.Join(in.Dir, shardName(i))))
		var open hiddenOf
		if err := json.Unmarshal([]byte(done), &open); err != nil || len(open.Hidden.Sealed) < 200 || strings.Contains(done, "sum") || s.Leaves == 0 {
			t.Errorf("shard #%d left %s (%v)", i, done, err)
		}
	}
	if err := errors.Join(maker.Close(), server.Close()); err != nil {
		t.Error(err)
	}
}

type hiddenOf struct {
	Hidden struct{ Sealed []byte } `json:"hidden"`
}

// climb reads a customer's file by the letter of SPEC part 29 and follows it to the root.
func climb(t *testing.T, in Input, r Result, params *confidential.Parameters, id string, file []byte) {
	t.Helper()
	var p struct {
		Balances                     []struct{ Amount, Asset string }
		Blinding, Kind, Nonce, Total string
		Path, Top                    []struct {
			Hash merkle.Hash
			Sum  confidential.Point
		}
		Shard struct{ Count, Index, Leaf, Leaves uint64 }
	}
	if err := json.Unmarshal(file, &p); err != nil {
		t.Fatal(err)
	}
	var balances merkle.Plain
	for _, b := range p.Balances {
		amount, err := merkle.ParseAmount(b.Amount)
		if err != nil {
			t.Fatal(err)
		}
		balances = append(balances, merkle.Entry{Asset: uint16(slices.Index(ids, b.Asset)), Amount: amount})
	}
	blinding, _ := hex.DecodeString(p.Blinding)
	nonce, _ := hex.DecodeString(p.Nonce)
	sum, err := params.CommitRow(balances, [32]byte(blinding))
	if err != nil || !slices.Equal(balances, in.Ledger.sums[id]) || p.Kind != "confidential" || p.Total != r.Shards[p.Shard.Index].Total.String() {
		t.Fatalf("file %s (%v)", file, err)
	}
	up := func(level merkle.Level, n merkle.Node[confidential.Point], at, count uint64, path []struct {
		Hash merkle.Hash
		Sum  confidential.Point
	}) merkle.Node[confidential.Point] {
		for ; count > 1; at, count = at/2, (count+1)/2 {
			if at|1 >= count {
				continue
			}
			left, right := n, merkle.Node[confidential.Point]{Hash: path[0].Hash, Sum: path[0].Sum}
			if at&1 == 1 {
				left, right = right, left
			}
			n, _ = merkle.Parent(level, left, right)
			path = path[1:]
		}
		return n
	}
	n := up(merkle.Shard, merkle.Leaf(merkle.Shard, merkle.Identity(in.Snapshot, [32]byte(nonce), id), sum), p.Shard.Leaf, p.Shard.Leaves, p.Path)
	n = merkle.Root(merkle.Shard, merkle.KindConfidential, p.Shard.Leaves, n)
	n = up(merkle.Top, merkle.Leaf(merkle.Top, n.Hash, *r.Shards[p.Shard.Index].Total), p.Shard.Index, p.Shard.Count, p.Top)
	if root := merkle.Root(merkle.Top, merkle.KindConfidential, p.Shard.Count, n); root.Hash != r.Root {
		t.Errorf("the file gives the root %v, want %v", root.Hash, r.Root)
	}
}

// The first proofs that were written stay: a build that is begun again, or done by two workers, changes none; and what attempts left goes.
func TestConfidentialFirstProofStays(t *testing.T) {
	ctx := context.Background()
	in := hidingInput(t, readText(t, synthText(t, 50), ledger.Rules{}), 2)
	r := mustRun(t, in)
	names := []string{TopProofFile, ProofFile(0), ProofFile(1)}
	first := map[string][]byte{}
	for _, name := range names {
		first[name] = readFile(t, filepath.Join(in.Dir, name))
	}
	if len(filesOf(t, in.Dir)) != 1+2+2+2+3 {
		t.Errorf("the store holds %v", filesOf(t, in.Dir))
	}
	// A worker that is late: its result names another proof, which holds as well.
	w, late := in.worker(), in
	late.Dir = t.TempDir()
	if other := mustRun(t, late); other.Root != r.Root || bytes.Equal(readFile(t, filepath.Join(late.Dir, ProofFile(0))), first[ProofFile(0)]) {
		t.Fatalf("elsewhere: root %v, want %v and other proofs", other.Root, r.Root)
	}
	for i := range r.Shards {
		raw := readFile(t, filepath.Join(late.Dir, shardName(i)))
		if err := store.Write(ctx, w.Store, shardName(i), raw); err != nil {
			t.Fatal(err)
		}
	}
	if again, _, err := Run(ctx, w, InProcess{Do: w.Do}); err != nil || again.Root != r.Root || !slices.Equal(again.Totals, r.Totals) {
		t.Fatalf("again: %+v (%v)", again, err)
	}
	for _, name := range names {
		if !bytes.Equal(readFile(t, filepath.Join(in.Dir, name)), first[name]) {
			t.Errorf("%s is another", name)
		}
	}
	// Killed after one shard's proof was settled: the other's, and the top's, are still to come.
	for _, name := range names[:2] {
		if err := os.Rename(filepath.Join(late.Dir, name), filepath.Join(late.Dir, name+".gone")); err != nil {
			t.Fatal(err)
		}
	}
	var done shardDone
	if err := late.worker().get(ctx, shardName(0), &done); err != nil {
		t.Fatal(err)
	}
	tried := readFile(t, filepath.Join(late.Dir, ProofFile(0)+".gone"))
	if err := store.Write(ctx, store.Dir(late.Dir), triedName(0, done.Hidden.Tried), tried); err != nil {
		t.Fatal(err)
	}
	if again := mustRun(t, late); again.Root != r.Root || !bytes.Equal(readFile(t, filepath.Join(late.Dir, ProofFile(0))), tried) || len(filesOf(t, late.Dir)) != len(filesOf(t, in.Dir)) {
		t.Errorf("begun again: root %v, files %v", again.Root, filesOf(t, late.Dir))
	}
}

// A result that was altered, or is of another identity, ends the build.
func TestConfidentialAlteredResult(t *testing.T) {
	ctx := context.Background()
	in := hidingInput(t, readText(t, synthText(t, 20), ledger.Rules{}), 1)
	mustRun(t, in)
	w := in.worker()
	var done shardDone
	if err := w.get(ctx, shardName(0), &done); err != nil {
		t.Fatal(err)
	}
	good := done
	for name, change := range map[string]func(){
		"not of a confidential tree": func() { done.Hidden = nil },
		"totals of shard #0":         func() { done.Hidden = &hiddenDone{Total: good.Hidden.Total, Sealed: good.Hidden.Sealed[:150]} },
	} {
		done = good
		change()
		if err := w.put(ctx, shardName(0), done); err != nil {
			t.Fatal(err)
		}
		if _, err := run(in); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}

// A shard file that was sealed with other balances, or another blinding, than its commitments have is refused as it is read.
func TestConfidentialShardFile(t *testing.T) {
	ctx := context.Background()
	l := readText(t, synthText(t, 70), ledger.Rules{})
	in := hidingInput(t, l, 1)
	r := mustRun(t, in)
	w := in.worker()
	h, err := w.hidden()
	if err != nil {
		t.Fatal(err)
	}
	_, leaves := naiveHiding(t, in)
	for name, change := range map[string]func(o *merkle.Opening[confidential.Point]){
		"balances": func(o *merkle.Opening[confidential.Point]) {
			o.Balances = merkle.Plain{{Amount: merkle.Amount{Lo: 77}}}
		},
		"blinding": func(o *merkle.Opening[confidential.Point]) { o.Blinding[31] ^= 1 },
	} {
		files := newFiles(w, 0, h.kind)
		if err := files.begin(ctx, len(leaves[0]), 1); err != nil {
			t.Fatal(err)
		}
		customers := map[merkle.Hash]string{}
		for _, id := range l.ids {
			customers[merkle.Identity(in.Snapshot, in.Keys.Nonce(id), id)] = id
		}
		rows := rowsOf(in, leaves[0], customers)
		change(rows[3].Opening)
		for _, row := range rows {
			if err := files.add(row); err != nil {
				t.Fatal(err)
			}
		}
		if root, err := files.commit(); err != nil || root.Hash != r.Shards[0].Root {
			t.Fatalf("root %v (%v)", root.Hash, err)
		}
		maker, err := builtOf(in, r, ids, in.Identity).Maker(in.Keys.Lookup())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := maker.Prove(ctx, customers[rows[3].Identity]); err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("other %s: %v", name, err)
		}
		if err := maker.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Lists of one kind are not read as the other's, and a total row is a point.
func TestConfidentialShardList(t *testing.T) {
	in := hidingInput(t, readText(t, synthText(t, 20), ledger.Rules{}), 1)
	list, err := ShardsJSON(mustRun(t, in), ids)
	if err != nil {
		t.Fatal(err)
	}
	total := mustRun(t, in).Shards[0].Total.String()
	for name, change := range map[string]string{
		"plain":           strings.Replace(string(list), `"confidential"`, `"plain"`, 1),
		"a sum too":       strings.Replace(string(list), `"total"`, `"sum":[],"total"`, 1),
		"no total row":    strings.Replace(string(list), `,"total":"`+total+`"`, ``, 1),
		"the identity":    strings.Replace(string(list), total, strings.Repeat("0", 128), 1),
		"off the curve":   strings.Replace(string(list), total, strings.Repeat("1", 128), 1),
		"capital letters": strings.Replace(string(list), total, strings.ToUpper(total), 1),
	} {
		if change == string(list) {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := ParseShards([]byte(change), ids); err == nil {
			t.Errorf("%s: it was read", name)
		}
	}
	if n := binary.BigEndian.Uint64(readFile(t, filepath.Join(in.Dir, LeavesFile(0)))[52:]); n != 20 {
		t.Errorf("the leaves file has %d leaves", n)
	}
}

// Parameters of one list of assets are shared by all who hold them, and those of another list are others.
func TestConfidentialParametersAreShared(t *testing.T) {
	a, err1 := parametersOf(ids)
	b, err2 := parametersOf(slices.Clone(ids))
	c, err3 := parametersOf(ids[:2])
	if err := errors.Join(err1, err2, err3); err != nil || a != b || a == c {
		t.Errorf("shared: %v, of others: %v (%v)", a == b, a == c, err)
	}
	if _, err := parametersOf([]string{"BTC", "BTC"}); err == nil {
		t.Error("an asset twice: want an error")
	}
	runtime.KeepAlive(a)
}

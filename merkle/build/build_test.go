package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/store"
)

var assets = ledger.SynthAssets(6)

var ids = []string{"BTC", "ETH", "USDT", "SYN004", "SYN005", "SYN006"}

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func synthText(t testing.TB, customers int) string {
	t.Helper()
	var b bytes.Buffer
	if err := ledger.Synth(&b, ledger.SynthOptions{Customers: customers, Assets: len(assets), Held: 3, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// filesOf lists the files below a directory.
func filesOf(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// leafOf is a leaf as a leaves file holds it.
type leafOf struct {
	identity merkle.Hash
	sum      merkle.Plain
}

// readLeaves reads a leaves file by the letter of SPEC part 6.
func readLeaves(t testing.TB, dir string, snapshot merkle.Hash, index int) []leafOf {
	t.Helper()
	b := readFile(t, filepath.Join(dir, LeavesFile(index)))
	head := append([]byte("assay/v1/leaves\n"), snapshot[:]...)
	head = binary.BigEndian.AppendUint32(head, uint32(index))
	rest, ok := bytes.CutPrefix(b, head)
	if !ok {
		t.Fatalf("leaves file #%d begins with %x", index, b[:len(head)])
	}
	count := binary.BigEndian.Uint64(rest)
	rest = rest[8:]
	var leaves []leafOf
	for range count {
		l := leafOf{identity: merkle.Hash(rest)}
		var err error
		if l.sum, rest, err = merkle.DecodePlain(rest[32:], len(assets)); err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, l)
	}
	if len(rest) != 0 {
		t.Fatalf("leaves file #%d: %d bytes follow the last leaf", index, len(rest))
	}
	return leaves
}

// naive recomputes a build with no run, no sharing and no concurrency: from the ledger, by SPEC parts 5 and 6.
func naive(t testing.TB, in Input) Result {
	t.Helper()
	type customer struct {
		id    string
		order [32]byte
		sum   merkle.Plain
	}
	var all []customer
	for i := range len(in.Ledger.ids) {
		id := in.Ledger.ids[i]
		all = append(all, customer{id, in.Keys.Order(id), in.Ledger.sums[in.Ledger.ids[i]]})
	}
	slices.SortFunc(all, func(a, b customer) int { return bytes.Compare(a.order[:], b.order[:]) })
	r := Result{Kind: merkle.KindPlain, Snapshot: in.Snapshot, Leaves: uint64(len(all))}
	top := merkle.NewBuilder[merkle.Plain](merkle.Top, merkle.KindPlain)
	for s := range in.Shards {
		b := merkle.NewBuilder[merkle.Plain](merkle.Shard, merkle.KindPlain)
		for _, c := range all {
			n := new(big.Int).SetBytes(c.order[:8])
			n.Mul(n, big.NewInt(int64(in.Shards))).Rsh(n, 64)
			if n.Int64() != int64(s) {
				continue
			}
			if err := b.Add(merkle.Identity(in.Snapshot, in.Keys.Nonce(c.id), c.id), c.sum); err != nil {
				t.Fatal(err)
			}
		}
		root, err := b.Root()
		if err != nil {
			t.Fatal(err)
		}
		r.Shards = append(r.Shards, ShardResult{Leaves: b.Count(), Root: root.Hash, Sum: root.Sum})
		if err := top.Add(root.Hash, root.Sum); err != nil {
			t.Fatal(err)
		}
	}
	root, err := top.Root()
	if err != nil {
		t.Fatal(err)
	}
	r.Root, r.Totals = root.Hash, root.Sum
	return r
}

// A9: ledgers of all sizes, in one and several shards, against the naive build; and the leaves files give the shards' roots.
func TestA09_BuildAgainstNaive(t *testing.T) {
	id := newIdentity(t)
	for _, c := range []struct{ customers, shards int }{
		{1, 1}, {2, 1}, {3, 1}, {100, 1}, {100, 7}, {63, 1}, {64, 1}, {65, 1}, {4096, 1}, {4097, 1}, {6149, 2},
	} {
		in := inputOf(t, readText(t, synthText(t, c.customers), ledger.Rules{}), 1, 2, c.shards, id)
		var told, total int64
		in.Progress = func(stage string, done, all int64) {
			if stage == "tree" {
				told, total = done, all
			}
		}
		got := mustRun(t, in)
		if diff := cmp.Diff(naive(t, in), got); diff != "" {
			t.Fatalf("%d customers in %d shards:\n%s", c.customers, c.shards, diff)
		}
		if told == 0 || total != told {
			t.Errorf("progress ended at %d of %d", told, total)
		}
		var owed merkle.Plain
		for i := range len(in.Ledger.ids) {
			var err error
			if owed, err = owed.Add(in.Ledger.sums[in.Ledger.ids[i]]); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(owed, got.Totals); diff != "" {
			t.Errorf("the totals are not the sum of the ledger:\n%s", diff)
		}
		for s := range c.shards {
			b := merkle.NewBuilder[merkle.Plain](merkle.Shard, merkle.KindPlain)
			for _, l := range readLeaves(t, in.Dir, in.Snapshot, s) {
				if err := b.Add(l.identity, l.sum); err != nil {
					t.Fatal(err)
				}
			}
			if root, err := b.Root(); err != nil || root.Hash != got.Shards[s].Root {
				t.Errorf("leaves file #%d gives %v (%v), want %v", s, root.Hash, err, got.Shards[s].Root)
			}
		}
	}
}

// The same ledger in another order of rows, or built again, gives the same result and the same leaves files.
func TestSameLedgerSameBytes(t *testing.T) {
	id := newIdentity(t)
	text := synthText(t, 3000)
	rows := strings.SplitAfter(text, "\n")
	header, body := rows[0], rows[1:]
	slices.Reverse(body)
	first := inputOf(t, readText(t, text, ledger.Rules{}), 1, 2, 3, id)
	want := mustRun(t, first)
	again := first
	again.Dir = t.TempDir()
	reversed := inputOf(t, readText(t, header+strings.Join(body, ""), ledger.Rules{}), 1, 2, 3, id)
	for name, in := range map[string]Input{"again": again, "rows reversed": reversed} {
		if diff := cmp.Diff(want, mustRun(t, in)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		for s := range 3 {
			if !bytes.Equal(readFile(t, filepath.Join(first.Dir, LeavesFile(s))), readFile(t, filepath.Join(in.Dir, LeavesFile(s)))) {
				t.Errorf("%s: leaves file #%d differs", name, s)
			}
		}
	}
	if one := mustRun(t, inputOf(t, first.Ledger, 1, 2, 1, id)); one.Root == want.Root || !cmp.Equal(one.Totals, want.Totals) {
		t.Errorf("one shard instead of three: the root must differ and the totals must not")
	}
}

// I5: a customer who stands twice in the ledger is one leaf, however the entries are spread and spelled.
func TestI05_OneLeafPerCustomer(t *testing.T) {
	id := newIdentity(t)
	l := readText(t, "customer,asset,balance\ncarol,BTC,1\ndave,ETH,1\n carol ,ETH,2\ncarol,BTC,3\n", ledger.Rules{Duplicates: ledger.RuleSum})
	in := inputOf(t, l, 1, 2, 1, id)
	if r := mustRun(t, in); r.Leaves != 2 {
		t.Fatalf("%d leaves, want 2", r.Leaves)
	}
	seen := map[merkle.Hash]bool{}
	for _, leaf := range readLeaves(t, in.Dir, in.Snapshot, 0) {
		if seen[leaf.identity] {
			t.Error("one identity twice")
		}
		seen[leaf.identity] = true
	}
}

// I7: two snapshots of one ledger share no leaf, nonce, handle or order.
func TestI07_TwoSnapshotsUnlinkable(t *testing.T) {
	id := newIdentity(t)
	l := readText(t, synthText(t, 400), ledger.Rules{})
	seen := map[[32]byte]string{}
	var orders [2][]int
	for i, in := range []Input{inputOf(t, l, 1, 2, 1, id), inputOf(t, l, 3, 4, 1, id)} {
		r := mustRun(t, in)
		p, err := NewProver(store.Dir(in.Dir), r, len(assets), merkle.Hash{}, id)
		if err != nil {
			t.Fatal(err)
		}
		orders[i] = make([]int, len(l.ids))
		for c := range len(l.ids) {
			handle := in.Keys.Handle(l.ids[c])
			proof, err := p.Prove(context.Background(), handle, 0)
			if err != nil {
				t.Fatal(err)
			}
			orders[i][c] = int(proof.Shard.Leaf)
			leaf := merkle.Leaf(merkle.Shard, merkle.Identity(in.Snapshot, proof.Nonce, l.ids[c]), proof.Balances)
			for name, value := range map[string][32]byte{"nonce": proof.Nonce, "handle": handle, "leaf": leaf.Hash} {
				if other, twice := seen[value]; twice {
					t.Fatalf("a %s of snapshot #%d was a %s before", name, i, other)
				}
				seen[value] = name
			}
		}
	}
	same := 0
	for c := range orders[0] {
		if orders[0][c] == orders[1][c] {
			same++
		}
	}
	if same > 20 { // by chance about one
		t.Errorf("%d of %d customers keep their place", same, len(l.ids))
	}
}

// Every customer's proof reaches the root, with or without knowing the shard, and only with the customer's own id.
func TestProve(t *testing.T) {
	id := newIdentity(t)
	ctx := context.Background()
	l := readText(t, synthText(t, 300), ledger.Rules{})
	in := inputOf(t, l, 1, 2, 4, id)
	r := mustRun(t, in)
	statement := merkle.Hash{9}
	p, err := NewProver(store.Dir(in.Dir), r, len(assets), statement, id)
	if err != nil {
		t.Fatal(err)
	}
	for c := range len(l.ids) {
		name := l.ids[c]
		shardIndex := -1
		if c%2 == 0 {
			shardIndex = ShardOf(in.Keys.Order(name), in.Shards)
		}
		proof, err := p.Prove(ctx, in.Keys.Handle(name), shardIndex)
		if err != nil {
			t.Fatalf("customer #%d: %v", c, err)
		}
		root, err := proof.Root(name)
		if err != nil || root.Hash != r.Root || !cmp.Equal(root.Sum, r.Totals) || proof.Statement != statement {
			t.Fatalf("customer #%d: root %v (%v), want %v", c, root.Hash, err, r.Root)
		}
		// I3: one byte of the id more, and the leaf is another.
		if other, err := proof.Root(name + "x"); err == nil && other.Hash == r.Root {
			t.Fatalf("customer #%d: another id reaches the root", c)
		}
		if !cmp.Equal(proof.Balances, l.sums[name]) {
			t.Fatalf("customer #%d: other balances", c)
		}
	}
	if _, err := Prove(ctx, store.Dir(in.Dir), r, len(assets), statement, id, in.Keys.Handle("nobody"), -1); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown customer: got %v, want ErrNotFound", err)
	}
	if _, err := p.Prove(ctx, in.Keys.Handle(l.ids[0]), 4); err == nil {
		t.Error("shard #4 of 4: want an error")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Prove(cancelled, store.Dir(in.Dir), r, len(assets), statement, id, in.Keys.Handle(l.ids[0]), -1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// The proofs of all customers, in order, are byte for byte those that were made when a shard was read whole (digest of a build of
// then), and the same one by one.
func TestSameProofs(t *testing.T) {
	ctx := context.Background()
	id := newIdentity(t)
	in := inputOf(t, readText(t, synthText(t, 9000), ledger.Rules{}), 1, 2, 2, id)
	p, err := NewProver(store.Dir(in.Dir), mustRun(t, in), len(assets), merkle.Hash{9}, id)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	all := sha256.New()
	for s := range in.Shards {
		for proved, err := range p.All(ctx, s) {
			if err != nil {
				t.Fatal(err)
			}
			raw, err := proved.Proof.JSON(ids, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(raw)
			if proved.Proof.Shard.Leaf%50 == 0 {
				single, err := p.Prove(ctx, proved.Handle, s)
				if err != nil || !cmp.Equal(single, proved.Proof) {
					t.Fatalf("leaf #%d of shard #%d alone has another proof (%v)", proved.Proof.Shard.Leaf, s, err)
				}
			}
		}
	}
	if got, want := fmt.Sprintf("%x", all.Sum(nil)), "fb15fac664d510054985990f5ffb23deff48e29cf5db81b39ac210da19c3c045"; got != want {
		t.Errorf("the proofs have the digest %s, want %s", got, want)
	}
	for range p.All(ctx, 0) {
		break // and stops when asked
	}
	for _, err := range p.All(ctx, in.Shards) {
		if err == nil {
			t.Error("a shard beyond the last gave a proof")
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for _, err := range p.All(cancelled, 0) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: got %v", err)
		}
	}
}

// X11: files of another build are refused, not served.
func TestX11_StaleShards(t *testing.T) {
	id := newIdentity(t)
	ctx := context.Background()
	l := readText(t, synthText(t, 50), ledger.Rules{})
	in := inputOf(t, l, 1, 2, 2, id)
	r := mustRun(t, in)
	handle := in.Keys.Handle(l.ids[0])

	other := inputOf(t, readText(t, synthText(t, 50)+"zoe,BTC,1\n", ledger.Rules{}), 1, 2, 2, id)
	mustRun(t, other)
	if _, err := Prove(ctx, store.Dir(other.Dir), r, len(assets), merkle.Hash{}, id, handle, -1); err == nil {
		t.Error("shard files of another ledger gave a proof")
	}
	changed := r
	changed.Shards = slices.Clone(r.Shards)
	changed.Shards[0].Root[0] ^= 1
	if _, err := NewProver(store.Dir(in.Dir), changed, len(assets), merkle.Hash{}, id); err == nil {
		t.Error("shards that do not give the root: want an error")
	}
	if err := changed.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Prove(ctx, store.Dir(in.Dir), changed, len(assets), merkle.Hash{}, id, handle, -1); err == nil || !strings.Contains(err.Error(), "another build") {
		t.Errorf("got %v, want a shard file of another build", err)
	}
	if err := os.Remove(filepath.Join(in.Dir, ShardFile(0))); err != nil {
		t.Fatal(err)
	}
	if _, err := Prove(ctx, store.Dir(in.Dir), r, len(assets), merkle.Hash{}, id, handle, 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing shard file: got %v", err)
	}
}

func TestRunRefused(t *testing.T) {
	good := inputOf(t, readText(t, synthText(t, 5), ledger.Rules{}), 1, 2, 1, newIdentity(t))
	for name, change := range map[string]func(*Worker){
		"no sources":      func(w *Worker) { w.Sources = nil },
		"no keys":         func(w *Worker) { w.Keys = merkle.Keys{} },
		"no recipient":    func(w *Worker) { w.Recipient = nil },
		"no identity":     func(w *Worker) { w.Identity = nil },
		"no assets":       func(w *Worker) { w.Plan.Assets = nil },
		"negative shards": func(w *Worker) { w.Plan.Shards = -1 },
		"too many shards": func(w *Worker) { w.Plan.Shards = shard.MaxShards + 1 },
		"no parts":        func(w *Worker) { w.Plan.Parts = 0 },
		"another type":    func(w *Worker) { w.Plan.Type = "assay/v2/plan" },
	} {
		w := good.worker()
		change(w)
		if _, _, err := Run(context.Background(), w, InProcess{Do: w.Do}); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	if files := filesOf(t, good.Dir); len(files) != 0 {
		t.Errorf("refused builds wrote %v", files)
	}
	// A9: a shard without customers.
	in := good
	in.Shards = 200
	_, err := run(in)
	var empty *EmptyShardError
	if !errors.As(err, &empty) || empty.Shards != 200 || !strings.Contains(err.Error(), "fewer") {
		t.Errorf("got %v, want an EmptyShardError", err)
	}
	good.Shards = 0
	good.Dir = t.TempDir()
	if r := mustRun(t, good); len(r.Shards) != 1 {
		t.Errorf("no number of shards gives %d, want 1", len(r.Shards))
	}
	var row *ledger.RowError
	for _, text := range []string{"customer,asset,balance\n", "customer,asset,balance\nann,BTC,1\nbob,BTC,1\nann,BTC,2\n"} {
		in := good
		in.Ledger, in.Dir = &testLedger{text: text}, t.TempDir()
		if _, err := run(in); !errors.As(err, &row) {
			t.Errorf("%q: got %v, want a RowError", text, err)
		}
	}
	if row.Line != 4 {
		t.Errorf("the second entry is said to be in line %d, want 4", row.Line)
	}
}

func TestShardOf(t *testing.T) {
	for _, c := range []struct {
		order  uint64
		shards int
		want   int
	}{{0, 1, 0}, {1<<64 - 1, 1, 0}, {0, 3, 0}, {1<<64 - 1, 3, 2}, {1 << 63, 2, 1}, {1<<63 - 1, 2, 0}, {1<<64 - 1, 1 << 20, 1<<20 - 1}} {
		var key [32]byte
		binary.BigEndian.PutUint64(key[:], c.order)
		if got := ShardOf(key, c.shards); got != c.want {
			t.Errorf("order %#x of %d shards: got %d, want %d", c.order, c.shards, got, c.want)
		}
	}
}

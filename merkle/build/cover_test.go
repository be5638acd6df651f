package build

import (
	"bytes"
	"context"
	"crypto/rand"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
	verifier "github.com/assay-por/assay/verifier/confidential"
	"github.com/assay-por/assay/verifier/tree"
)

// hiddenTop is what proves the top of a build whose totals are hidden.
func hiddenTop(in Input, r Result) *HiddenTop {
	return &HiddenTop{Files: store.Dir(in.Dir), Result: r, Columns: ids, Assets: len(ids), Keys: in.Keys, Recipient: in.Identity.Recipient(), Identity: in.Identity, Random: rand.Reader}
}

func total(n uint64, asset uint16) merkle.Entry {
	return merkle.Entry{Asset: asset, Amount: merkle.Amount{Lo: n}}
}

// judge has what was proved of hidden totals judged by the verifier, which another hand wrote.
func judge(t *testing.T, r Result, columns []string, c Covered, totals merkle.Plain) error {
	t.Helper()
	v, err := verifier.New(columns)
	if err != nil {
		t.Fatal(err)
	}
	var rows []grumpkin.G1Affine
	var sum grumpkin.G1Affine
	for _, s := range r.Shards {
		p := pointOf(t, s.Total.AppendBinary(nil)).Affine()
		rows = append(rows, p)
		sum.Add(&sum, &p)
	}
	surplus := pointOf(t, c.Surplus.AppendBinary(nil))
	claim := verifier.Claim{Level: verifier.Top, Snapshot: tree.Hash(r.Snapshot), Rows: uint64(len(rows)), Root: tree.Hash(r.Root), Sum: tree.PointOf(sum), Surplus: &surplus}
	for j := range columns {
		b := totals.Amount(j).Bytes16()
		claim.Totals = append(claim.Totals, new(big.Int).SetBytes(b[:]))
	}
	return v.Check(claim, c.Proof, func(take func([]grumpkin.G1Affine) error) error { return take(rows) }, 1)
}

func pointOf(t *testing.T, b []byte) tree.Point {
	t.Helper()
	p, err := tree.ParsePoint(b)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A build with hidden totals leaves the top to whoever knows what reserves count; then each asset that they cover is shown at most at these,
// and one in shortfall at what is owed. The same reserves have one proof, whoever asks, others another, and all are of one tree.
func TestHiddenTotals(t *testing.T) {
	ctx := context.Background()
	const text = "customer,asset,balance\na,BTC,0.7\nb,BTC,0.3\nb,ETH,0.000000000000000002\nc,USDT,5\nd,USDT,1\n"
	in := hidingInput(t, readText(t, text, ledger.Rules{}), 2)
	open := mustRun(t, in)
	in.Dir, in.Hidden = t.TempDir(), true
	r := mustRun(t, in)
	if r.Root != open.Root || !slices.Equal(r.Totals, open.Totals) || slices.Contains(filesOf(t, in.Dir), TopProofFile) {
		t.Fatalf("root %v, want that of the tree with open totals, %v; files %v", r.Root, open.Root, filesOf(t, in.Dir))
	}
	h := hiddenTop(in, r)
	reserves := merkle.Plain{total(100_000_000, 0), total(1, 1), total(7_000_000, 2), total(3, 5)}
	want := merkle.Plain{total(100_000_000, 0), total(2, 1), total(7_000_000, 2), total(3, 5)}
	first, err := h.Cover(ctx, reserves)
	if err != nil || !slices.Equal(first.Totals, want) {
		t.Fatalf("%v, want %v (%v)", first.Totals, want, err)
	}
	if err := judge(t, r, ids, first, want); err != nil {
		t.Error(err)
	}
	if judge(t, r, ids, first, open.Totals) == nil {
		t.Error("it holds for what is owed")
	}
	if again, err := hiddenTop(in, r).Cover(ctx, reserves); err != nil || !bytes.Equal(again.Proof, first.Proof) || again.Surplus != first.Surplus || !slices.Equal(again.Totals, want) {
		t.Errorf("asked again: another proof (%v)", err)
	}
	other, err := h.Cover(ctx, nil)
	if err != nil || !slices.Equal(other.Totals, open.Totals) || other.Surplus == first.Surplus {
		t.Errorf("no reserves: %v, want all that is owed, %v (%v)", other.Totals, open.Totals, err)
	}
	if err := judge(t, r, ids, other, open.Totals); err != nil {
		t.Error(err)
	}
	if judge(t, r, ids, Covered{Surplus: first.Surplus, Proof: other.Proof}, open.Totals) == nil {
		t.Error("a proof holds with the surplus of another")
	}
	// Elsewhere, with other masks: another proof of the same surplus.
	elsewhere := in
	elsewhere.Dir = t.TempDir()
	if moved, err := hiddenTop(elsewhere, mustRun(t, elsewhere)).Cover(ctx, reserves); err != nil || moved.Surplus != first.Surplus || bytes.Equal(moved.Proof, first.Proof) {
		t.Errorf("elsewhere: the surplus %v, want %v and another proof (%v)", moved.Surplus, first.Surplus, err)
	}
	// Whoever builds again, as after a kill, leaves what was proved.
	files := filesOf(t, in.Dir)
	if again := mustRun(t, in); again.Root != r.Root || !slices.Equal(filesOf(t, in.Dir), files) {
		t.Errorf("built again: files %v, want %v", filesOf(t, in.Dir), files)
	}
}

// In the store nothing tells a total that is hidden: neither what scans counted, nor what was proved of reserves that do not cover it.
func TestHiddenTotalsAreSealed(t *testing.T) {
	const text = "customer,asset,balance,class\na,BTC,12.34567891,spot\nb,BTC,1.1,earn\n"
	in := hidingInput(t, readText(t, text, ledger.Rules{}), 1)
	canaries := []string{"1344567891", "1234567891", "110000000", "13.44567891", "spot"}
	told := func() (all []string) {
		for _, name := range filesOf(t, in.Dir) {
			for _, c := range canaries {
				if bytes.Contains(readFile(t, filepath.Join(in.Dir, name)), []byte(c)) {
					all = append(all, name+" tells "+c)
				}
			}
		}
		return all
	}
	mustRun(t, in)
	if len(told()) == 0 {
		t.Error("open totals are not found where they are known to be")
	}
	in.Dir, in.Hidden = t.TempDir(), true
	if _, err := hiddenTop(in, mustRun(t, in)).Cover(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if all := slices.DeleteFunc(told(), func(s string) bool { return strings.HasSuffix(s, "tells spot") && strings.HasPrefix(s, "shard-") }); len(all) > 0 {
		t.Errorf("%q", all) // a class's name and its customers, which a shard's result has, are published
	}
}

// What is of another tree, or another version, is refused.
func TestHiddenTotalsRefused(t *testing.T) {
	ctx := context.Background()
	in := hidingInput(t, readText(t, synthText(t, 20), ledger.Rules{}), 1)
	in.Hidden = true
	r := mustRun(t, in)
	w, shard := in.worker(), readFile(t, filepath.Join(in.Dir, shardName(0)))
	write := func(name string, content []byte) {
		t.Helper()
		if err := store.Write(ctx, w.Store, name, content); err != nil {
			t.Fatal(err)
		}
	}
	foreign := newIdentity(t)
	for want, spoil := range map[string]func(h *HiddenTop){
		"not the shard that the shard list has": func(*HiddenTop) {
			write(shardName(0), bytes.Replace(shard, []byte(`"leaves":20`), []byte(`"leaves":21`), 1))
		},
		"shard-00000.json of the build was": func(*HiddenTop) { write(shardName(0), []byte("{}")) },
		"open the totals of shard #0":       func(h *HiddenTop) { h.Identity = foreign },
		"of another root":                   func(h *HiddenTop) { h.Result.Root[0] ^= 1 },
		"open covered/":                     func(h *HiddenTop) { write(coveredName(CoveredID(h.Result.Root, nil)), shard) },
	} {
		h := hiddenTop(in, r)
		spoil(h)
		if _, err := h.Cover(ctx, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		write(shardName(0), shard)
		if err := store.RemoveAll(ctx, w.Store, coveredDir); err != nil {
			t.Fatal(err)
		}
	}
	write(scanName(0), bytes.Replace(readFile(t, filepath.Join(in.Dir, scanName(0))), []byte(`"sealed":"`), []byte(`"sealed":"AAAA`), 1))
	if _, err := run(in); err == nil || !strings.Contains(err.Error(), "what scan #0 counted") {
		t.Errorf("a scan's sealed counts were altered: %v", err)
	}
	plain := in
	plain.Kind, plain.Dir = merkle.KindPlain, t.TempDir()
	if _, err := run(plain); err == nil || !strings.Contains(err.Error(), "hides the totals") {
		t.Errorf("a plain tree with hidden totals: %v", err)
	}
}

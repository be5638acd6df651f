package spool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

func newIdentity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newKeys(t testing.TB) merkle.Keys {
	t.Helper()
	keys, err := merkle.DeriveKeys([32]byte{1}, merkle.Hash{2})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// folded is a customer as a test keeps it.
type folded struct {
	ID       string
	Entries  []ledger.Entry
	Repeated uint64
}

// madeUp returns records of a ledger in no order, and what they fold to, by order key.
func madeUp(keys merkle.Keys, customers int) (adds []folded, want []folded) {
	random := rand.New(rand.NewPCG(1, 2))
	classes := []string{ledger.DefaultClass, "earn", "margin"}
	for i := range customers {
		id := fmt.Sprintf("customer-%d@example.org", i)
		type pair struct {
			asset uint16
			class string
		}
		sums := map[pair]merkle.Amount{}
		one := folded{ID: id}
		for range 1 + random.IntN(4) {
			add := folded{ID: id}
			for range random.IntN(6) {
				e := ledger.Entry{Asset: uint16(random.IntN(300)), Class: classes[random.IntN(3)], Amount: merkle.Amount{Hi: random.Uint64() >> (40 + random.IntN(25)), Lo: random.Uint64() >> random.IntN(65)}}
				if sum, there := sums[pair{e.Asset, e.Class}]; there {
					one.Repeated++
					sums[pair{e.Asset, e.Class}], _ = sum.Add(e.Amount)
				} else {
					sums[pair{e.Asset, e.Class}] = e.Amount
				}
				add.Entries = append(add.Entries, e)
			}
			adds = append(adds, add)
		}
		for p, sum := range sums {
			one.Entries = append(one.Entries, ledger.Entry{Asset: p.asset, Class: p.class, Amount: sum})
		}
		slices.SortFunc(one.Entries, compareEntries)
		want = append(want, one)
	}
	random.Shuffle(len(adds), func(i, j int) { adds[i], adds[j] = adds[j], adds[i] })
	slices.SortFunc(want, func(a, b folded) int {
		x, y := keys.Order(a.ID), keys.Order(b.ID)
		return bytes.Compare(x[:], y[:])
	})
	return adds, want
}

func nameOf(part int) string { return fmt.Sprintf("spools/%02d.age", part) }

// spoolAll writes records through two sinks.
func spoolAll(t testing.TB, s store.Store, keys merkle.Keys, parts int, id *age.X25519Identity, adds []folded) []int64 {
	t.Helper()
	w := NewWriter(context.Background(), s, nameOf, parts, id.Recipient())
	sinks := []ledger.Sink{w.Sink(keys), w.Sink(keys)}
	for i, a := range adds {
		if err := sinks[i%2].Add([]byte(a.ID), a.Entries); err != nil {
			t.Fatal(err)
		}
	}
	sizes, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return sizes
}

func partOf(s store.Store, keys merkle.Keys, id *age.X25519Identity, memory int64, parts ...int) Part {
	p := Part{Store: s, Identity: id, Recipient: id.Recipient(), Keys: keys, Memory: memory, Spill: "runs/"}
	for _, i := range parts {
		p.Names = append(p.Names, nameOf(i))
	}
	return p
}

func collect(t testing.TB, p Part) []folded {
	t.Helper()
	var all []folded
	s, err := Sort(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	n, err := s.Len()
	if err != nil {
		t.Fatal(err)
	}
	for c, err := range s.All() {
		if err != nil {
			t.Fatal(err)
		}
		one := folded{ID: string(c.ID), Repeated: c.Repeated}
		one.Entries = append(one.Entries, c.Entries...)
		all = append(all, one)
	}
	if len(all) != n {
		t.Errorf("%d customers, Len says %d", len(all), n)
	}
	return all
}

// Whatever the number of parts and the memory, the customers come out sorted by order key and folded.
func TestSort(t *testing.T) {
	keys, id := newKeys(t), newIdentity(t)
	adds, want := madeUp(keys, 1000)
	for _, parts := range []int{1, 3, 16} {
		for _, memory := range []int64{5_000, 60_000, 1 << 30} {
			dir := t.TempDir()
			s := store.Dir(dir)
			sizes := spoolAll(t, s, keys, parts, id, adds)
			var got []folded
			for part := range parts {
				if sizes[part] > 0 {
					got = append(got, collect(t, partOf(s, keys, id, memory, part))...)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d parts, memory %d:\n%.2000s", parts, memory, diff)
			}
			if left, err := s.List(context.Background(), "runs/"); err != nil || len(left) > 0 {
				t.Errorf("%d parts, memory %d: runs are left: %v, %v", parts, memory, left, err)
			}
		}
	}
}

// A part may be cut further as it is read.
func TestSortKeep(t *testing.T) {
	keys, id := newKeys(t), newIdentity(t)
	adds, want := madeUp(keys, 500)
	s := store.Dir(t.TempDir())
	spoolAll(t, s, keys, 1, id, adds)
	var got []folded
	for shard := range 5 {
		p := partOf(s, keys, id, 10_000, 0)
		p.Keep = func(order uint64) bool { return PartOf(order, 5) == shard }
		got = append(got, collect(t, p)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

// Two customers whose order keys begin with the same 8 bytes stay two, in the order of their whole keys.
func TestSortTies(t *testing.T) {
	keys, id := newKeys(t), newIdentity(t)
	ids := []string{"ann", "bob", "cid", "dan"}
	slices.SortFunc(ids, func(a, b string) int {
		x, y := keys.Order(a), keys.Order(b)
		return bytes.Compare(x[:], y[:])
	})
	for _, memory := range []int64{1, 1 << 20} {
		s := store.Dir(t.TempDir())
		w := NewWriter(context.Background(), s, nameOf, 1, id.Recipient())
		for round := range 3 {
			for i := range ids {
				id := ids[(i*3+round)%len(ids)]
				if err := w.write(0, appendRecord(nil, 42, []byte(id), 0, []ledger.Entry{{Asset: uint16(round), Class: ledger.DefaultClass}})); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range collect(t, partOf(s, keys, id, memory, 0)) {
			if len(c.Entries) != 3 {
				t.Errorf("memory %d: %s has %d entries, want 3", memory, c.ID, len(c.Entries))
			}
			got = append(got, c.ID)
		}
		if !slices.Equal(got, ids) {
			t.Errorf("memory %d: got %v, want %v", memory, got, ids)
		}
	}
}

// A spool that was cut, altered, or sealed to another is refused, never read as less.
func TestDamagedSpool(t *testing.T) {
	keys, id := newKeys(t), newIdentity(t)
	adds, _ := madeUp(keys, 200)
	dir := t.TempDir()
	s := store.Dir(dir)
	spoolAll(t, s, keys, 1, id, adds)
	path := filepath.Join(dir, nameOf(0))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(whole, []byte("customer-")) {
		t.Error("a spool shows customers")
	}
	refused := func(name string, p Part) {
		t.Helper()
		if _, err := Sort(context.Background(), p); err == nil {
			t.Errorf("%s: was read", name)
		} else if strings.Contains(err.Error(), "@") {
			t.Errorf("%s: the error names a customer: %v", name, err)
		}
	}
	for _, cut := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		refused(fmt.Sprintf("cut at %d", cut), partOf(s, keys, id, 1<<20, 0))
	}
	altered := slices.Clone(whole)
	altered[len(altered)/2] ^= 1
	if err := os.WriteFile(path, altered, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("altered", partOf(s, keys, id, 1<<20, 0))
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("sealed to another", partOf(s, keys, newIdentity(t), 1<<20, 0))
	refused("absent", partOf(s, keys, id, 1<<20, 1))
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Sort(cancelled, partOf(s, keys, id, 1<<20, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte("ann"), uint64(7), uint64(1), uint64(0), "earn", uint16(3))
	f.Add([]byte{}, uint64(0), uint64(0), ^uint64(0), ledger.DefaultClass, uint16(0))
	f.Fuzz(func(t *testing.T, id []byte, order, hi, lo uint64, class string, asset uint16) {
		if len(class) > 32 || class == "" || asset >= merkle.MaxAssets {
			return
		}
		entries := []ledger.Entry{{Asset: asset, Class: class, Amount: merkle.Amount{Hi: hi, Lo: lo}}, {Asset: 1, Class: ledger.DefaultClass}}
		raw := appendRecord(nil, order, id, lo, entries)
		for cut := range raw {
			if _, ok := cutRecord(raw[:cut]); ok {
				t.Fatalf("a record cut at %d of %d is read", cut, len(raw))
			}
		}
		r, ok := cutRecord(binary.AppendUvarint(raw, order))
		if !ok || r.order != order || !bytes.Equal(r.id, id) || r.repeated != lo || !bytes.Equal(r.raw, raw) {
			t.Fatalf("got %+v, %v", r, ok)
		}
		s := &Sorted{classes: map[string]string{}, most: foldAt}
		s.take(r)
		if diff := cmp.Diff(entries, s.customer.Entries); diff != "" {
			t.Error(diff)
		}
	})
}

func FuzzCutRecord(f *testing.F) {
	f.Add(appendRecord(nil, 1, []byte("ann"), 0, []ledger.Entry{{Asset: 1, Class: "earn", Amount: merkle.Amount{Lo: 300}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := cutRecord(b); ok && (len(r.raw) > len(b) || len(r.id) > len(r.raw)) {
			t.Errorf("%+v", r)
		}
	})
}

func BenchmarkSpool(b *testing.B) {
	keys, id := newKeys(b), newIdentity(b)
	const customers = 100_000
	var adds []folded
	for i := range customers {
		adds = append(adds, folded{ID: fmt.Sprintf("customer.name%d@example.org", i), Entries: []ledger.Entry{
			{Asset: 1, Class: ledger.DefaultClass, Amount: merkle.Amount{Lo: 1e9}}, {Asset: 4, Class: ledger.DefaultClass, Amount: merkle.Amount{Lo: 1e15}}, {Asset: 9, Class: ledger.DefaultClass, Amount: merkle.Amount{Lo: 1e6}},
		}})
	}
	s := store.Dir(b.TempDir())
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			spoolAll(b, s, keys, 16, id, adds)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/customers, "ns/customer")
	})
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			for part := range 16 {
				sorted, err := Sort(context.Background(), partOf(s, keys, id, 1<<30, part))
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range sorted.All() {
					if err != nil {
						b.Fatal(err)
					}
				}
				if err := sorted.Close(); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/customers, "ns/customer")
	})
}

// noRoom is a store whose disk is full.
type noRoom struct{ store.Store }

func (n noRoom) Create(ctx context.Context, name string) (store.Writer, error) {
	w, err := n.Store.Create(ctx, name)
	return fullWriter{w}, err
}

type fullWriter struct{ store.Writer }

func (fullWriter) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A disk that is full when a part's file is begun is an error to every goroutine that writes to the part.
func TestX11_DiskFullAtBegin(t *testing.T) {
	id, keys := newIdentity(t), newKeys(t)
	w := NewWriter(context.Background(), noRoom{store.Dir(t.TempDir())}, nameOf, 1, id.Recipient())
	defer w.Close()
	for range 2 {
		sink := w.Sink(keys)
		var err error
		for i := 0; i < sinkBuffer && err == nil; i++ {
			err = sink.Add([]byte("customer"), nil)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := w.Commit(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("committed: %v", err)
	}
}

// One customer with more entries than memory holds takes no more memory than the ones that remain of them.
func TestSortOneCustomer(t *testing.T) {
	const records, each = 2*maxRuns + 9, 999
	id, keys, dir := newIdentity(t), newKeys(t), store.Dir(t.TempDir())
	add := folded{ID: "one"}
	for i := range each {
		add.Entries = append(add.Entries, ledger.Entry{Asset: uint16(i % 3), Class: ledger.DefaultClass, Amount: merkle.Amount{Lo: 1}})
	}
	sizes := spoolAll(t, dir, keys, 1, id, slices.Repeat([]folded{add}, records))
	for _, memory := range []int64{sizes[0] * 2, sizes[0] / 4, 1} {
		s, err := Sort(context.Background(), partOf(dir, keys, id, memory, 0))
		if err != nil {
			t.Fatal(err)
		}
		for c, err := range s.All() {
			if err != nil || len(c.Entries) != 3 || c.Repeated != records*each-3 || c.Entries[2].Amount.Lo != records*each/3 {
				t.Errorf("got %+v, %v", c, err)
			}
			if n := cap(c.Entries); n > 20*each || len(s.runs) >= maxRuns {
				t.Errorf("there was room for %d entries, and there were %d runs", n, len(s.runs))
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

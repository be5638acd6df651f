package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

var lenient = ledger.Rules{Negatives: ledger.RuleExclude, Duplicates: ledger.RuleSum, UnknownAssets: ledger.RuleExclude}

// oddLedger has classes, and what its rules leave out or add up.
func oddLedger(t testing.TB, customers int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("customer,class,asset,balance\n")
	for i, row := range strings.Split(strings.TrimSpace(synthText(t, customers)), "\n")[1:] {
		id, rest, _ := strings.Cut(row, ",")
		class := []string{"customer", "earn", "margin"}[i%3]
		fmt.Fprintf(&b, "%s,%s,%s\n", id, class, rest)
		switch i % 17 {
		case 3:
			fmt.Fprintf(&b, "%s,%s,%s\n", id, class, rest)
		case 5:
			fmt.Fprintf(&b, "%s,%s,BTC,-0.5\n", id, class)
		case 7:
			fmt.Fprintf(&b, "%s,%s,DOGE,%d.25\n", id, class, i)
		}
	}
	return b.String()
}

// cutInto divides a text of rows among so many sources.
func cutInto(text string, files int) []ledger.Source {
	head, body, _ := strings.Cut(text, "\n")
	rows := strings.SplitAfter(body, "\n")
	var sources []ledger.Source
	for i := range files {
		part := head + "\n" + strings.Join(rows[i*len(rows)/files:(i+1)*len(rows)/files], "")
		sources = append(sources, ledger.Source{Name: fmt.Sprintf("%d.csv", i), Size: int64(len(part)), Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(part)), nil
		}})
	}
	return sources
}

type outcome struct {
	Result Result
	Read   Read
	Leaves []string
}

func (w *Worker) outcome(t testing.TB, dir string) outcome {
	t.Helper()
	r, read, err := Run(context.Background(), w, InProcess{Do: w.Do, Cores: w.Cores})
	if err != nil {
		t.Fatal(err)
	}
	read.Contents = nil
	o := outcome{Result: r, Read: read}
	for i := range r.Shards {
		o.Leaves = append(o.Leaves, string(readFile(t, filepath.Join(dir, LeavesFile(i)))))
	}
	return o
}

// The same ledger gives the same root, the same summary and the same leaves, whatever the order of its rows, and however it is cut
// into files, scans, parts and goroutines, in much memory or little.
func TestSameRootHoweverItIsBuilt(t *testing.T) {
	id := newIdentity(t)
	text := oddLedger(t, 4000)
	in := inputOf(t, &testLedger{text: text, rules: lenient}, 1, 2, 4, id)
	want := in.worker().outcome(t, in.Dir)
	if s := want.Read.Summary; s.Customers != 4000 || s.Duplicates.Entries == 0 || s.Negatives.Entries == 0 || len(s.UnknownAssets.Sums) != 1 || len(s.Classes) != 3 {
		t.Fatalf("the ledger is too plain: %+v", s)
	}
	for name, change := range map[string]func(*Worker){
		"rows reversed":         func(w *Worker) { w.Sources = cutInto(reversed(text), 1) },
		"three files, one scan": func(w *Worker) { w.Sources, w.Plan.Scans = cutInto(text, 3), []int{3} },
		"five files, two scans": func(w *Worker) { w.Sources, w.Plan.Scans = cutInto(reversed(text), 5), []int{2, 3} },
		"one part":              func(w *Worker) { w.Plan.Parts = 1 },
		"more parts":            func(w *Worker) { w.Plan.Parts = 32 },
		"parts that shards cut": func(w *Worker) { w.Plan.Parts = 3 },
		"one goroutine":         func(w *Worker) { w.Cores = 1 },
		"five goroutines":       func(w *Worker) { w.Cores = 5 },
		"little memory":         func(w *Worker) { w.Memory, w.Plan.Parts, w.Cores = 1, 1, 1 },
	} {
		other := in
		other.Dir = t.TempDir()
		w := other.worker()
		change(w)
		if diff := cmp.Diff(want, w.outcome(t, other.Dir)); diff != "" {
			t.Errorf("%s:\n%.2000s", name, diff)
		}
	}
}

// A ledger of more entries than a shard should have is cut into the least power of two that keeps to it.
func TestShardsByEntries(t *testing.T) {
	var p Plan
	for entries, want := range map[uint64]int{1: 1, 1 << 21: 1, 1<<21 + 1: 2, 2 << 21: 2, 3 << 21: 4, 300_000_000: 256} {
		if got := p.shards(entries); got != want {
			t.Errorf("%d entries: %d shards, want %d", entries, got, want)
		}
	}
	p.Shards = 7
	if got := p.shards(1 << 40); got != 7 {
		t.Errorf("got %d shards, want those that were asked for", got)
	}
}

// Sources are divided among scans in order and none is left out; parts follow the estimate, and the memory bounds them.
func TestNewPlan(t *testing.T) {
	file := func(name string, size int64) ledger.Source { return ledger.Source{Name: name, Size: size} }
	for _, c := range []struct {
		sources []ledger.Source
		memory  int64
		scans   []int
		parts   int
	}{
		{[]ledger.Source{file("a.csv", 1000)}, 1 << 30, []int{1}, 1},
		{[]ledger.Source{file("a.csv", 10<<30)}, 1 << 30, []int{1}, 256},
		{[]ledger.Source{file("a.csv", 10<<30)}, 8 << 20, []int{1}, 16},
		{[]ledger.Source{file("a.csv.zst", 1<<30)}, 1 << 30, []int{1}, 128},
		{[]ledger.Source{{Name: "ledger.query", Query: true}}, 1 << 30, []int{1}, 32},
		{slices.Repeat([]ledger.Source{file("a.csv", 1<<30)}, 4), 1 << 30, []int{1, 1, 1, 1}, 64},
		{slices.Repeat([]ledger.Source{file("a.csv", 1<<20)}, 40), 1 << 30, []int{40}, 1},
		{slices.Repeat([]ledger.Source{file("a.csv", 1<<30)}, 40), 1 << 30, []int{3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2}, 1024},
	} {
		p := NewPlan("x", merkle.Hash{}, merkle.KindPlain, assets, ledger.Rules{}, c.sources, c.memory)
		if !slices.Equal(p.Scans, c.scans) || p.Parts != c.parts {
			t.Errorf("%s of %d, %d sources: %d parts, scans of %v, want %d and %v", c.sources[0].Name, c.sources[0].Size, len(c.sources), p.Parts, p.Scans, c.parts, c.scans)
		}
		if err := p.check(); err != nil {
			t.Error(err)
		}
	}
}

// fullStore is a store whose disk is full after so many bytes. It counts from the first.
type fullStore struct {
	store.Store
	left atomic.Int64
}

func (f *fullStore) Create(ctx context.Context, name string) (store.Writer, error) {
	w, err := f.Store.Create(ctx, name)
	return &fullWriter{w, f}, err
}

type fullWriter struct {
	store.Writer
	store *fullStore
}

func (w *fullWriter) Write(p []byte) (int, error) {
	if w.store.left.Add(-int64(len(p))) < 0 {
		return 0, syscall.ENOSPC
	}
	return w.Writer.Write(p)
}

// X11: a build that ends in the middle, wherever that is, has written nothing by halves, and goes on where it stopped; what it makes
// then is the same.
func TestX11_DiskFull(t *testing.T) {
	id := newIdentity(t)
	in := inputOf(t, &testLedger{text: oddLedger(t, 600), rules: lenient}, 1, 2, 4, id)
	want := in.worker().outcome(t, in.Dir)
	files := filesOf(t, in.Dir)
	other := in
	other.Dir = t.TempDir()
	failed := 0
	for room := int64(0); ; room += 1500 {
		w := other.worker()
		w.Plan.Parts, w.Cores = 8, 1
		full := &fullStore{Store: w.Store}
		full.left.Store(room)
		w.Store = full
		_, _, err := Run(context.Background(), w, InProcess{Do: w.Do, Cores: 1})
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("room for %d bytes: got %v, want that the disk is full", room, err)
		}
		failed++
		for _, name := range filesOf(t, other.Dir) {
			if strings.Contains(name, ".part") {
				t.Fatalf("room for %d bytes: %s is left", room, name)
			}
		}
	}
	if failed < 20 {
		t.Errorf("the disk was full %d times only", failed)
	}
	w := other.worker()
	w.Plan.Parts = 8
	w.Sources = []ledger.Source{{Name: "l.csv", Size: int64(len(in.Ledger.text)), Open: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("read again") }}}
	if diff := cmp.Diff(want, w.outcome(t, other.Dir)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
	if diff := cmp.Diff(files, filesOf(t, other.Dir)); diff != "" {
		t.Error(diff)
	}
}

// X11: a build that is cancelled in any of its stages goes on, and does no shard twice.
func TestX11_InterruptedBuild(t *testing.T) {
	id := newIdentity(t)
	in := inputOf(t, &testLedger{text: oddLedger(t, 3000), rules: lenient}, 1, 2, 6, id)
	want := in.worker().outcome(t, in.Dir)
	other := in
	other.Dir = t.TempDir()
	for _, stage := range []string{"ledger", "tree"} {
		ctx, cancel := context.WithCancel(context.Background())
		w := other.worker()
		w.Cores = 1
		w.Progress = func(s string, _, _ int64) {
			if s == stage {
				cancel()
			}
		}
		if _, _, err := Run(ctx, w, InProcess{Do: w.Do, Cores: 1}); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled while %s: got %v", stage, err)
		}
	}
	if _, err := os.Stat(filepath.Join(other.Dir, other.worker().spool(t, 0))); err != nil {
		t.Errorf("the spools that other shards need are gone: %v", err)
	}
	again := map[int]bool{}
	w := other.worker()
	_, _, err := Run(context.Background(), w, InProcess{Do: func(ctx context.Context, task Task) error {
		again[task.Index] = true
		return w.Do(ctx, task)
	}, Cores: 1})
	if err != nil || len(again) == 0 || len(again) == 6 {
		t.Fatalf("%d of 6 shards were built after the interrupt (%v)", len(again), err)
	}
	if diff := cmp.Diff(want, other.worker().outcome(t, other.Dir)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

// Tasks that a context's end left undone are no success.
func TestInProcess_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	first := func(_ context.Context, task Task) (bool, error) { return task.Index == 0, nil }
	r := InProcess{Do: func(ctx context.Context, _ Task) error { return ctx.Err() }}
	if err := r.Run(ctx, Plan{}.tasks(stageShard, 3), first, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// spool is the name of a part of scan #0.
func (w *Worker) spool(t *testing.T, part int) string {
	t.Helper()
	var s scanDone
	if err := w.get(context.Background(), scanName(0), &s); err != nil {
		t.Fatal(err)
	}
	return spoolName(0, s.Attempt, part)
}

// X11: what killed processes left goes before the build goes on, and nothing that it goes on with.
func TestX11_Tidy(t *testing.T) {
	in := inputOf(t, readText(t, synthText(t, 500), ledger.Rules{}), 1, 2, 4, newIdentity(t))
	in.Parts = 4
	want := in.worker().outcome(t, in.Dir)
	in.Dir = t.TempDir()
	ctx, w := context.Background(), in.worker()
	if err := errors.Join(w.Do(ctx, w.Plan.tasks(stageScan, 1)[0]), w.Do(ctx, w.Plan.tasks(stageShard, 4)[2])); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, in.Dir)
	for _, name := range []string{spoolName(0, "dead", 1), spoolName(0, "dead", 2) + ".1.part", runsName(1, "dead") + "00000.age", ShardFile(1) + ".2.part"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(in.Dir, name)), 0o700), os.WriteFile(filepath.Join(in.Dir, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Tidy(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, filesOf(t, in.Dir)); diff != "" {
		t.Error(diff)
	}
	w.Sources = []ledger.Source{{Name: "l.csv", Open: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("read again") }}}
	if diff := cmp.Diff(want, w.outcome(t, in.Dir)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
	if err := in.worker().Tidy(ctx); err != nil {
		t.Error(err)
	}
}

// Spools go as soon as no shard needs them, and not before.
func TestSpoolsAreDropped(t *testing.T) {
	for _, parts := range []int{2, 3, 4, 8} {
		in := inputOf(t, readText(t, synthText(t, 500), ledger.Rules{}), 1, 2, 4, newIdentity(t))
		in.Parts = parts
		w := in.worker()
		ctx := context.Background()
		plan := w.Plan.ID()
		if err := w.Do(ctx, Task{plan, stageScan, 0}); err != nil {
			t.Fatal(err)
		}
		for s := range 4 {
			if err := w.Do(ctx, Task{plan, stageShard, s}); err != nil {
				t.Fatal(err)
			}
			for p := range parts {
				first, last := overlap(p, parts, 4)
				_, err := os.Stat(filepath.Join(in.Dir, w.spool(t, p)))
				if gone := errors.Is(err, os.ErrNotExist); gone != (last <= s) {
					t.Errorf("%d parts: after shard #%d, part %d (shards %d to %d) is gone: %v", parts, s, p, first, last, gone)
				}
			}
		}
	}
}

// Many workers that do the same tasks at once, in a folder of all, do no harm.
func TestManyWorkersAtOnce(t *testing.T) {
	id := newIdentity(t)
	in := inputOf(t, &testLedger{text: oddLedger(t, 1000), rules: lenient}, 1, 2, 4, id)
	want := in.worker().outcome(t, in.Dir)
	other := in
	other.Dir = t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			w := other.worker()
			w.Plan.Parts = 8
			for _, stage := range []struct {
				name  string
				tasks int
			}{{stageScan, 1}, {stageShard, 4}} {
				for i := range stage.tasks {
					if err := w.Do(context.Background(), Task{w.Plan.ID(), stage.name, i}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	w := other.worker()
	w.Plan.Parts = 8
	if diff := cmp.Diff(want, w.outcome(t, other.Dir)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
	if diff := cmp.Diff(filesOf(t, in.Dir), filesOf(t, other.Dir)); diff != "" {
		t.Error(diff)
	}
}

// Summarize says of a ledger what a build says, and leaves nothing.
func TestSummarize(t *testing.T) {
	in := inputOf(t, &testLedger{text: oddLedger(t, 900), rules: lenient}, 1, 2, 3, newIdentity(t))
	want := in.worker().outcome(t, in.Dir).Read.Summary
	in.Dir = t.TempDir()
	got, err := Summarize(context.Background(), in.worker())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if left := filesOf(t, in.Dir); len(left) > 0 {
		t.Errorf("it leaves %v", left)
	}
}

// A source that changed while it was read stops the build, and a task of another plan is refused.
func TestSourceChanged(t *testing.T) {
	in := inputOf(t, readText(t, synthText(t, 50), ledger.Rules{}), 1, 2, 1, newIdentity(t))
	changed := errors.New("it changed")
	w := in.worker()
	w.Sources[0].Read = func() (string, error) { return "", changed }
	if _, _, err := Run(context.Background(), w, InProcess{Do: w.Do}); !errors.Is(err, changed) {
		t.Errorf("got %v", err)
	}
	w.Sources[0].Read = func() (string, error) { return "as read", nil }
	if _, read, err := Run(context.Background(), w, InProcess{Do: w.Do}); err != nil || !slices.Equal(read.Contents, []string{"as read"}) {
		t.Errorf("got %v, %v", read.Contents, err)
	}
	for _, task := range []Task{{"other", stageScan, 0}, {w.Plan.ID(), "fold", 0}, {w.Plan.ID(), stageScan, 1}, {w.Plan.ID(), stageShard, 1}, {w.Plan.ID(), stageShard, -1}} {
		if err := w.Do(context.Background(), task); err == nil {
			t.Errorf("%+v was done", task)
		}
	}
}

package build

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// moving is a worker whose ledger is, as that of a query, what it is at the moment when it is read: all workers of in have one plan.
func (in Input) moving(text func() string) *Worker {
	w := in.worker()
	var read string
	w.Sources = []ledger.Source{{
		Name: "ledger.query", Query: true, Size: w.Sources[0].Size,
		Open: func(context.Context) (io.ReadCloser, error) {
			read = text()
			return io.NopCloser(strings.NewReader(read)), nil
		},
		Read: func() (string, error) { return read[:min(len(read), 4000)], nil },
	}}
	return w
}

func always(text string) func() string { return func() string { return text } }

// pausing calls pause when a file whose name matches is about to be begun, the first time.
type pausing struct {
	store.Store
	match func(name string) bool
	pause func()
	done  atomic.Bool
}

func (p *pausing) Create(ctx context.Context, name string) (store.Writer, error) {
	if p.match(name) && p.done.CompareAndSwap(false, true) {
		p.pause()
	}
	return p.Store.Create(ctx, name)
}

// twoMoments are two ledgers of the same customers at two moments, and what is built of each.
func twoMoments(t *testing.T) (in Input, texts [2]string, want [2]outcome) {
	t.Helper()
	id := newIdentity(t)
	texts[0] = "customer,asset,balance\na,BTC,1\nb,BTC,2\nc,BTC,3\nd,BTC,4\ne,BTC,5\nf,BTC,6\n"
	texts[1] = "customer,asset,balance\na,BTC,2\nb,BTC,1\nc,BTC,3\nd,BTC,5\ne,BTC,4\ng,BTC,6\n"
	in = inputOf(t, &testLedger{text: texts[0]}, 1, 2, 2, id)
	in.Parts = 4
	for i, text := range texts {
		one := in
		one.Dir = t.TempDir()
		want[i] = one.moving(always(text)).outcome(t, one.Dir)
	}
	return in, texts, want
}

// A worker that was paused after it wrote its spools goes on when another one, who read the rows of another moment, has ended: the
// tree is of one of the moments, never of both.
func TestX11_TwoReadingsAtOnce(t *testing.T) {
	for _, name := range []string{"result", "first spool"} {
		in, texts, want := twoMoments(t)
		slow, fast := in.moving(always(texts[0])), in.moving(always(texts[1]))
		task := slow.Plan.tasks(stageScan, 1)[0]
		slow.Store = &pausing{
			Store: slow.Store,
			match: func(file string) bool {
				return name == "result" && file == scanName(0) || name != "result" && strings.HasPrefix(file, spoolsDir)
			},
			pause: func() {
				if err := fast.Do(context.Background(), task); err != nil {
					t.Error(err)
				}
			},
		}
		if err := slow.Do(context.Background(), task); err != nil {
			t.Fatal(err)
		}
		got := in.moving(always("")).outcome(t, in.Dir)
		if slices.IndexFunc(want[:], func(o outcome) bool { return cmp.Equal(got, o) }) < 0 {
			t.Errorf("paused before its %s:\n%.2000s\n%.2000s", name, cmp.Diff(want[0], got), cmp.Diff(want[1], got))
		}
		wantFiles := 1 + 3*2
		if files := filesOf(t, in.Dir); len(files) != wantFiles {
			t.Errorf("paused before its %s: it leaves %v", name, files)
		}
	}
}

// Where a scan's result is replaced by that of another moment after shards were built, nothing is made of both.
func TestX11_ShardsOfAnotherReading(t *testing.T) {
	in, texts, _ := twoMoments(t)
	w := in.moving(always(texts[0]))
	ctx := context.Background()
	if _, _, err := Run(ctx, w, InProcess{Do: w.Do}); err != nil {
		t.Fatal(err)
	}
	if err := w.Store.Remove(ctx, scanName(0)); err != nil {
		t.Fatal(err)
	}
	again := in.moving(always(texts[1]))
	if _, _, err := Run(ctx, again, InProcess{Do: again.Do}); err == nil || !strings.Contains(err.Error(), "another reading") {
		t.Errorf("got %v", err)
	}
	if same := in.moving(always(texts[0])); same.Store.Remove(ctx, scanName(0)) != nil {
		t.Fatal("not removed")
	} else if _, _, err := Run(ctx, same, InProcess{Do: same.Do}); err != nil {
		t.Errorf("the same rows, read again: %v", err)
	}
}

// A worker that is given one scan twice, as its first job was taken for lost, reads the ledger once.
func TestScanTwiceInOneWorker(t *testing.T) {
	in, texts, want := twoMoments(t)
	var readings atomic.Int32
	w := in.moving(func() string { return texts[readings.Add(1)-1] })
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if err := w.Do(context.Background(), w.Plan.tasks(stageScan, 1)[0]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(want[0], w.outcome(t, in.Dir)); diff != "" || readings.Load() != 1 {
		t.Errorf("%d readings: %.2000s", readings.Load(), diff)
	}
}

// A worker that outlives a build does the next one of the same plan, whose rows are others, as if it were new.
func TestWorkerOutlivesBuild(t *testing.T) {
	in, texts, want := twoMoments(t)
	now := texts[0]
	old := in.moving(func() string { return now })
	for i, text := range texts {
		now = text
		if err := store.RemoveAll(context.Background(), old.Store, ""); err != nil {
			t.Fatal(err)
		}
		coordinator := in.moving(always(""))
		r, read, err := Run(context.Background(), coordinator, InProcess{Do: old.Do})
		if err != nil {
			t.Fatalf("build %d: %v", i, err)
		}
		if r.Root != want[i].Result.Root || !cmp.Equal(read.Summary, want[i].Read.Summary) {
			t.Errorf("build %d: got the root %v of %+v, want %v of %+v", i, r.Root, read.Summary, want[i].Result.Root, want[i].Read.Summary)
		}
	}
}

// A worker that was paused in the middle of a shard, and goes on after the tree was built anew of other rows, leaves that tree alone.
func TestX11_LateShardOfAnotherReading(t *testing.T) {
	in, texts, want := twoMoments(t)
	ctx := context.Background()
	late := in.moving(always(texts[0]))
	if err := late.Do(ctx, late.Plan.tasks(stageScan, 1)[0]); err != nil {
		t.Fatal(err)
	}
	late.Store = &pausing{
		Store: late.Store,
		match: func(name string) bool { return name == ShardFile(0) },
		pause: func() {
			if err := store.RemoveAll(ctx, store.Dir(in.Dir), ""); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want[1], in.moving(always(texts[1])).outcome(t, in.Dir)); diff != "" {
				t.Errorf("%.2000s", diff)
			}
		},
	}
	if err := late.Do(ctx, late.Plan.tasks(stageShard, 2)[0]); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want[1], in.moving(always("")).outcome(t, in.Dir)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

// Two workers of different memory at one shard spill differently, and neither reads what the other spilled.
func TestSpillsOfTwoWorkers(t *testing.T) {
	id := newIdentity(t)
	in := inputOf(t, &testLedger{text: oddLedger(t, 60_000), rules: lenient}, 1, 2, 1, id)
	in.Cores = 1
	want := in.worker().outcome(t, in.Dir)
	in.Dir = t.TempDir()
	ctx := context.Background()
	a, b := in.worker(), in.worker()
	a.Memory, b.Memory = 1, 6<<20
	if err := a.Do(ctx, a.Plan.tasks(stageScan, 1)[0]); err != nil {
		t.Fatal(err)
	}
	task := a.Plan.tasks(stageShard, 1)[0]
	spilled, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	isShard := func(name string) bool { return name == ShardFile(0) }
	b.Store = &pausing{Store: b.Store, match: isShard, pause: func() {
		close(spilled)
		<-goOn
	}}
	a.Store = &pausing{Store: a.Store, match: isShard, pause: func() {
		go func() { ended <- b.Do(ctx, task) }()
		<-spilled
	}}
	if err := a.Do(ctx, task); err != nil {
		t.Error(err)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, in.worker().outcome(t, in.Dir)); diff != "" {
		t.Errorf("%.2000s", diff)
	}
}

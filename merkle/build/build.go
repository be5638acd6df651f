// Package build turns a ledger into the liability side of a report: the root, the shard list, the leaves files that anyone may
// recompute, and the sealed shard files out of which customers get their proofs (SPEC parts 5, 6 and 8).
//
// A build has two stages of tasks, which leave their results in a store:
//
//	ledger ──scan──▶ spools, a file for each scan and part of the order keys' range
//	spools ──shard─▶ a shard file, a leaves file, and the shard's root
//
//	plan.json                   what the build depends on; its digest names the folder that all this lies in
//	scan-000.json               what a scan counted: once it is there, the scan's spools are whole
//	spools/000/00000.age        sealed; removed when every shard that needs it is done
//	shard-00000.json            a shard's root, sum and counts: once it is there, its files are whole
//	shards/00000.age            sealed, see package shard
//	leaves/shard-00000.leaves   as SPEC part 6 says
//
// The same ledger, secret and snapshot give the same root and the same leaves files, whatever the order of the ledger's rows, the
// number of goroutines or machines, the memory, and however often a build was killed and begun again.
package build

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/spool"
	"github.com/assay-por/assay/merkle/store"
)

// Result is what a build publishes.
type Result struct {
	Kind     merkle.Kind
	Snapshot merkle.Hash
	Shards   []ShardResult
	Leaves   uint64
	Root     merkle.Hash
	Totals   merkle.Plain
}

// ShardResult is one shard of the shard list (SPEC part 6).
type ShardResult struct {
	Leaves uint64
	Root   merkle.Hash
	Sum    merkle.Plain
}

// Read is what a build learned of the ledger.
type Read struct {
	Summary  ledger.Summary
	Contents []string // what names the contents of each source, empty if it need not be read for that
}

// EmptyShardError says that a shard would have no customers, which a plain tree cannot have (SPEC part 6).
type EmptyShardError struct{ Shard, Shards int }

// Error says what to do.
func (e *EmptyShardError) Error() string {
	return fmt.Sprintf("shard #%d of %d would be empty: there are too few customers; set run.shards to fewer", e.Shard, e.Shards)
}

// Run does what of a build is not done yet, and returns the whole. In the store it leaves the results, the shard files and the leaves
// files; spools are gone.
func Run(ctx context.Context, w *Worker, r Runner) (Result, Read, error) {
	if err := w.check(); err != nil {
		return Result{}, Read{}, err
	}
	if err := r.Run(ctx, w.Plan.tasks(stageScan, len(w.Plan.Scans)), w.done, nil); err != nil {
		return Result{}, Read{}, err
	}
	scans, err := w.scanned(ctx)
	if err != nil {
		return Result{}, Read{}, err
	}
	shards := w.Plan.tasks(stageShard, scans.shards)
	tell, err := w.telling(ctx, shards, scans.counts.Entries())
	if err != nil {
		return Result{}, Read{}, err
	}
	if err := r.Run(ctx, shards, w.done, tell); err != nil {
		return Result{}, Read{}, err
	}
	result := Result{Snapshot: w.Plan.Snapshot}
	var folded ledger.Folded
	for i := range shards {
		var s shardDone
		if err := w.get(ctx, shardName(i), &s); err != nil {
			return Result{}, Read{}, err
		}
		result.Shards = append(result.Shards, s.result())
		folded.Add(s.Folded)
	}
	if err := result.close(); err != nil {
		return Result{}, Read{}, err
	}
	summary, err := scans.counts.Summary(w.Plan.Rules, folded)
	if err != nil {
		return Result{}, Read{}, err
	}
	return result, Read{summary, scans.contents}, w.sweep(ctx, len(shards))
}

// sweep removes what workers that were killed, or late, left behind.
func (w *Worker) sweep(ctx context.Context, shards int) error {
	keep := map[string]bool{PlanFile: true}
	for i := range w.Plan.Scans {
		keep[scanName(i)] = true
	}
	for i := range shards {
		keep[shardName(i)], keep[ShardFile(i)], keep[LeavesFile(i)] = true, true, true
	}
	return store.Sweep(ctx, w.Store, "", func(name string) bool { return keep[name] })
}

// telling returns what tells that a shard is done, those that are done already being the beginning.
func (w *Worker) telling(ctx context.Context, shards []Task, entries uint64) (func(Task), error) {
	if w.Progress == nil {
		return nil, nil
	}
	done, all, total := int64(0), int64(len(shards)), int64(entries) //nolint:gosec // a count
	for _, t := range shards {
		is, err := w.done(ctx, t)
		if err != nil {
			return nil, err
		}
		if is {
			done++
		}
	}
	return func(Task) {
		done++
		w.Progress("tree", total*done/all, total)
	}, nil
}

// Summarize reads a ledger as a build does, and tells what the statement would say of it. It keeps nothing.
func Summarize(ctx context.Context, w *Worker) (ledger.Summary, error) {
	if err := w.check(); err != nil {
		return ledger.Summary{}, err
	}
	defer store.RemoveAll(context.WithoutCancel(ctx), w.Store, "") //nolint:errcheck // it is a store for this alone
	local := InProcess{Do: w.Do}
	if err := local.Run(ctx, w.Plan.tasks(stageScan, len(w.Plan.Scans)), w.done, nil); err != nil {
		return ledger.Summary{}, err
	}
	scans, err := w.scanned(ctx)
	if err != nil {
		return ledger.Summary{}, err
	}
	var folded ledger.Folded
	for i := range scans.shards {
		f, err := w.fold(ctx, scans, i, nil, func(*spool.Customer) error { return nil })
		if err != nil {
			return ledger.Summary{}, err
		}
		folded.Add(f)
	}
	return scans.counts.Summary(w.Plan.Rules, folded)
}

// close computes the top tree over the shards (SPEC part 6).
func (r *Result) close() error {
	top, err := r.topTree()
	if err != nil {
		return fmt.Errorf("top tree: %w", err)
	}
	root := top.Root()
	r.Kind = merkle.KindPlain
	r.Root, r.Totals, r.Leaves = root.Hash, root.Sum, 0
	for _, s := range r.Shards {
		r.Leaves += s.Leaves
	}
	return nil
}

func (r *Result) topTree() (*merkle.Tree[merkle.Plain], error) {
	leaves := make([]merkle.Node[merkle.Plain], len(r.Shards))
	for i, s := range r.Shards {
		leaves[i] = merkle.Leaf(merkle.Top, s.Root, s.Sum)
	}
	return merkle.NewTree(merkle.Top, merkle.KindPlain, leaves)
}

// ShardOf returns the shard of a customer by its order key (SPEC part 5).
func ShardOf(order [32]byte, shards int) int {
	return spool.PartOf(binary.BigEndian.Uint64(order[:]), shards)
}

// put leaves a result in the store.
func (w *Worker) put(ctx context.Context, name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return store.Write(ctx, w.Store, name, b)
}

// get reads a result back.
func (w *Worker) get(ctx context.Context, name string, v any) error {
	b, err := store.Read(ctx, w.Store, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s of the build was altered: %w", name, err)
	}
	return nil
}

// done tells whether a task has left its result.
func (w *Worker) done(ctx context.Context, t Task) (bool, error) {
	name, err := t.result()
	if err != nil {
		return false, err
	}
	f, err := w.Store.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// scans is what all scans together left.
type scans struct {
	counts   ledger.Counts
	contents []string
	sizes    [][]int64 // of the spools, by scan and part; 0 where there is none
	shards   int
}

// scanned reads the results of all scans.
func (w *Worker) scanned(ctx context.Context) (*scans, error) {
	w.scansOnce.Lock()
	defer w.scansOnce.Unlock()
	if w.scans != nil {
		return w.scans, nil
	}
	all, spooled := &scans{}, int64(0)
	for i := range w.Plan.Scans {
		var s scanDone
		if err := w.get(ctx, scanName(i), &s); err != nil {
			return nil, err
		}
		if err := all.counts.Merge(s.Counts); err != nil {
			return nil, cmp.Or(ledger.Locate(ctx, w.Sources, w.Plan.Assets, w.Plan.Rules, ""), err)
		}
		all.contents = append(all.contents, s.Contents...)
		all.sizes = append(all.sizes, s.Spools)
		for _, size := range s.Spools {
			spooled += size
		}
	}
	if spooled == 0 {
		return nil, ledger.Empty(w.Sources)
	}
	all.shards = w.Plan.shards(all.counts.Entries())
	w.scans = all
	return all, nil
}

// Package build turns a ledger into the liability side of a report: the root, the shard list, the leaves files that anyone may
// recompute, and the sealed shard files out of which customers get their proofs (SPEC parts 5, 6 and 8).
//
// A build has two stages of tasks, which leave their results in a store, in a folder that the digest of the [Plan] names:
//
//	ledger ──scan──▶ spools, a file for each scan and part of the order keys' range
//	spools ──shard─▶ a shard file, a leaves file, and the shard's root
//
//	scan-000.json               what a scan counted: once it is there, the scan's spools are whole
//	spools/000-…/00000.age      sealed, in a folder an attempt; removed when every shard that needs it is done
//	shard-00000.json            a shard's root, sum and counts: once it is there, its files are whole
//	shards/00000.age            sealed, see package shard
//	leaves/shard-00000.leaves   as SPEC part 6 says
//
// In a confidential tree (SPEC part 29) a shard leaves a proof besides, and when all are done the top level is proved:
//
//	proofs/tried/00000-….proof  a shard's proof, of an attempt; its result names one
//	proofs/shard-00000.proof    the one that the result named when the tree was closed: it stays
//	proofs/top.proof            the first that was written stays
//
// Where totals are hidden, the top level is proved later, when it is known what reserves count ([HiddenTop]):
//
//	covered/….age               sealed, of a root and of reserves; it stays
//
// and what a scan counted is sealed in its result.
//
// What a shard's total row opens to is sealed in its result; whoever builds holds a shard's rows in memory while it is proved.
//
// The same ledger, secret and snapshot give the same root and the same leaves files, whatever the order of the ledger's rows, the
// number of goroutines or machines, the memory, and however often a build was killed and begun again.
package build

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"path"
	"strings"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/spool"
	"github.com/assay-por/assay/merkle/store"
)

// Result is what a build publishes. Totals are not known of a shard list alone whose sums hide.
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
	Total  *confidential.Point // its total row, where sums hide, and so in place of the sum
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
	if err := w.stage(ctx, r, "ledger", w.Plan.tasks(stageScan, len(w.Plan.Scans)), w.sizes()); err != nil {
		return Result{}, Read{}, err
	}
	scans, err := w.scanned(ctx)
	if err != nil {
		return Result{}, Read{}, err
	}
	shards := w.Plan.tasks(stageShard, scans.shards)
	if err := w.stage(ctx, r, "tree", shards, shares(scans.counts.Entries(), len(shards))); err != nil {
		return Result{}, Read{}, err
	}
	result := Result{Kind: w.Plan.Kind, Snapshot: w.Plan.Snapshot}
	var folded ledger.Folded
	var built []shardDone
	for i := range shards {
		var s shardDone
		if err := w.get(ctx, shardName(i), &s); err != nil {
			return Result{}, Read{}, err
		}
		if s.Ledger != scans.ledger {
			return Result{}, Read{}, fmt.Errorf("shard #%d was built of rows that another reading of the ledger gave: build it anew from the start (assay build --again)", i)
		}
		if (s.Hidden != nil) != (w.Plan.Kind == merkle.KindConfidential) {
			return Result{}, Read{}, fmt.Errorf("%s of the build was altered: it is not of a %v tree", shardName(i), w.Plan.Kind)
		}
		built = append(built, s)
		result.Shards = append(result.Shards, s.result())
		if err := folded.Add(s.Folded); err != nil {
			return Result{}, Read{}, err
		}
	}
	if err := result.close(); err != nil {
		return Result{}, Read{}, w.overflowed(err)
	}
	if result.Kind == merkle.KindConfidential {
		if result.Totals, err = w.closeTop(ctx, result.Root, built); err != nil {
			return Result{}, Read{}, w.overflowed(err)
		}
	}
	if err := w.tieOut(result.Totals, scans.counts, &folded); err != nil {
		return Result{}, Read{}, err
	}
	summary, err := scans.counts.Summary(w.Plan.Rules, folded)
	if err != nil {
		return Result{}, Read{}, err
	}
	return result, Read{summary, scans.contents()}, w.sweep(ctx, len(shards))
}

// sweep removes what workers that were killed, or late, left behind.
func (w *Worker) sweep(ctx context.Context, shards int) error {
	keep := map[string]bool{}
	for i := range w.Plan.Scans {
		keep[scanName(i)] = true
	}
	for i := range shards {
		keep[shardName(i)], keep[ShardFile(i)], keep[LeavesFile(i)], keep[ProofFile(i)] = true, true, true, true
	}
	keep[TopProofFile] = true
	return store.Sweep(ctx, w.Store, "", func(name string) bool { return keep[name] || strings.HasPrefix(name, coveredDir) })
}

// Tidy removes what processes that were killed left of tasks that are not done, so that it does not fill the disk while they are done
// again. Requires that nobody else does tasks of the plan.
func (w *Worker) Tidy(ctx context.Context) error {
	whole := map[string]bool{} // folders of spools
	for i, t := range w.Plan.tasks(stageScan, len(w.Plan.Scans)) {
		is, err := w.done(ctx, t)
		if err != nil {
			return err
		}
		var s scanDone
		if is {
			if err := w.get(ctx, scanName(i), &s); err != nil {
				return err
			}
			whole[path.Dir(spoolName(i, s.Attempt, 0))] = true
		}
	}
	return store.Sweep(ctx, w.Store, "", func(name string) bool { return !strings.HasPrefix(name, spoolsDir) || whole[path.Dir(name)] })
}

// stage has the tasks of a stage done, and tells its progress; each task is so much of it.
func (w *Worker) stage(ctx context.Context, r Runner, name string, tasks []Task, weights []int64) error {
	if w.Progress == nil {
		return r.Run(ctx, tasks, w.done, nil)
	}
	var done, total int64
	for i, t := range tasks {
		is, err := w.done(ctx, t)
		if err != nil {
			return err
		}
		total += weights[i]
		if is {
			done += weights[i]
		}
	}
	return r.Run(ctx, tasks, w.done, func(t Task) {
		done += weights[t.Index]
		w.Progress(name, done, total)
	})
}

// sizes returns how many bytes each scan reads.
func (w *Worker) sizes() []int64 {
	var all []int64
	rest := w.Sources
	for _, n := range w.Plan.Scans {
		var size int64
		for _, s := range rest[:n] {
			size += s.Size
		}
		all, rest = append(all, size), rest[n:]
	}
	return all
}

// shares divides a total evenly.
func shares(total uint64, n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = int64(total*uint64(i+1)/uint64(n) - total*uint64(i)/uint64(n)) //nolint:gosec // a count of entries, and at most 2^20 shares
	}
	return all
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
		f, err := w.fold(ctx, scans, i, nil, func(*spool.Customer, merkle.Plain) error { return nil })
		var under *UnderwaterError // they are counted to the end
		if err != nil && !errors.As(err, &under) {
			return ledger.Summary{}, err
		}
		if err := folded.Add(f); err != nil {
			return ledger.Summary{}, err
		}
	}
	if folded.Underwater > 0 && w.Plan.Rules.Underwater != ledger.RuleWriteOff {
		return ledger.Summary{}, &UnderwaterError{folded.Underwater}
	}
	return scans.counts.Summary(w.Plan.Rules, folded)
}

// close computes the top tree over the shards (SPEC part 6).
func (r *Result) close() error {
	var err error
	if r.Kind == merkle.KindConfidential {
		var top *merkle.Tree[confidential.Point]
		if top, err = topTree(shardsAbove, r.Shards); err == nil {
			r.Root = top.Root().Hash
		}
	} else {
		var top *merkle.Tree[merkle.Plain]
		if top, err = topTree(plainKind, r.Shards); err == nil {
			r.Root, r.Totals = top.Root().Hash, top.Root().Sum
		}
	}
	if err != nil {
		return fmt.Errorf("top tree: %w", err)
	}
	r.Leaves = 0
	for _, s := range r.Shards {
		r.Leaves += s.Leaves
	}
	return nil
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
	return w.has(ctx, name)
}

// has tells whether a file is in the store.
func (w *Worker) has(ctx context.Context, name string) (bool, error) {
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
	all    []scanDone
	counts ledger.Counts
	ledger string // digest of what they read
	shards int
}

func (s *scans) contents() (all []string) {
	for _, one := range s.all {
		all = append(all, one.Contents...)
	}
	return all
}

// digest names what scans read. Where totals are hidden, nobody can guess them by it.
func (w *Worker) digest() hash.Hash {
	if !w.Plan.Hidden {
		return sha256.New()
	}
	key := w.Keys.Blind()
	return hmac.New(sha256.New, key[:])
}

// scanned reads the results of all scans. They are not kept: while this process lives, the tree may be built anew.
func (w *Worker) scanned(ctx context.Context) (*scans, error) {
	all, spooled, digest := &scans{}, int64(0), w.digest()
	assets, err := w.Plan.assets()
	if err != nil {
		return nil, err
	}
	for i := range w.Plan.Scans {
		s, err := w.scanResult(ctx, i)
		if err != nil {
			return nil, err
		}
		if err := all.counts.Merge(s.Counts); err != nil {
			return nil, cmp.Or(ledger.Locate(ctx, w.Sources, assets, w.Plan.Rules, ""), err)
		}
		if len(s.Spools) != w.Plan.Parts {
			return nil, fmt.Errorf("%s of the build was altered: it has %d parts, want %d", scanName(i), len(s.Spools), w.Plan.Parts)
		}
		if err := json.NewEncoder(digest).Encode(s.scanRead); err != nil {
			return nil, err
		}
		all.all = append(all.all, s)
		for _, size := range s.Spools {
			spooled += size
		}
	}
	if spooled == 0 {
		return nil, ledger.Empty(w.Sources)
	}
	all.shards = w.Plan.shards(all.counts.Entries())
	all.ledger = hex.EncodeToString(digest.Sum(nil))
	return all, nil
}

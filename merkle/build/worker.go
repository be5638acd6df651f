package build

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/spool"
	"github.com/assay-por/assay/merkle/store"
)

// Worker does the tasks of one plan. It is safe for concurrent use.
type Worker struct {
	Plan    Plan
	Store   store.Store     // the plan's folder
	Sources []ledger.Source // in the order of the plan
	Keys    merkle.Keys
	// Recipient and Identity seal and open spools and shard files.
	Recipient age.Recipient
	Identity  age.Identity
	// Random names what an attempt at a task leaves for itself or for later tasks: two of them may be at once, in different memory, and
	// may read a query's rows at different moments. Where sums hide, it is also what masks of proofs come from: it must be a secret.
	Random io.Reader
	Memory int64 // bytes that the tasks may take together
	Cores  int   // 0 for all
	// Progress, if not nil, is told how many bytes of the ledger were read (stage "ledger"), and how many of its entries are in shards
	// that are done (stage "tree").
	Progress func(stage string, done, total int64)
	// Underwater, if not nil, is handed every customer whose debts are worth more than their collateral. Only [Summarize] calls it.
	Underwater func(customer []byte) error

	scanning sync.Mutex // a scan takes all cores, its share of the memory, and its sources for itself
	hiding   hiding
}

func (w *Worker) check() error {
	switch {
	case w.Keys.IsZero():
		return errors.New("the snapshot's keys were not derived")
	case w.Recipient == nil || w.Identity == nil:
		return errors.New("no recipient to seal the shard files to, or no identity to open spools with")
	case w.Random == nil:
		return errors.New("no source of randomness to name attempts by")
	}
	n := 0
	for _, scan := range w.Plan.Scans {
		n += scan
	}
	if n != len(w.Sources) {
		return fmt.Errorf("the plan has %d sources, here are %d", n, len(w.Sources))
	}
	return w.Plan.check()
}

// Do does a task, unless it was done before.
func (w *Worker) Do(ctx context.Context, t Task) error {
	if t.Plan != w.Plan.ID() {
		return fmt.Errorf("the task is of the plan %s, not of %s", t.Plan, w.Plan.ID())
	}
	if is, err := w.done(ctx, t); is || err != nil {
		return err
	}
	if t.Stage == stageScan {
		return w.scan(ctx, t.Index)
	}
	err := w.shard(ctx, t.Index)
	if err != nil {
		// Another worker may have done it and removed the spools meanwhile.
		if is, _ := w.done(ctx, t); is {
			return nil
		}
	}
	return err
}

// attempt returns a name that no other attempt has.
func (w *Worker) attempt() (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(w.Random, b[:]); err != nil {
		return "", fmt.Errorf("name an attempt: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

var errChanged = errors.New("a customer has two entries of one asset and class, but no longer when the ledger is read again: it changed; build it anew from the start (assay build --again)")

// scanDone is what a scan leaves.
type scanDone struct {
	scanRead
	Attempt string  `json:"attempt"`          // that wrote the spools
	Spools  []int64 `json:"spools"`           // the size of each part, before it is sealed
	Sealed  []byte  `json:"sealed,omitempty"` // where totals are hidden, the counts, which are left out above
}

// scanRead is what a scan read: whoever reads the same rows has the same.
type scanRead struct {
	Counts   ledger.Counts `json:"counts"`
	Contents []string      `json:"contents"` // of each source
}

// scan reads a part of the sources into spools.
func (w *Worker) scan(ctx context.Context, index int) error {
	if index < 0 || index >= len(w.Plan.Scans) {
		return fmt.Errorf("scan #%d of %d", index, len(w.Plan.Scans))
	}
	w.scanning.Lock()
	defer w.scanning.Unlock()
	if is, err := w.done(ctx, Task{Stage: stageScan, Index: index}); is || err != nil {
		return err
	}
	first := 0
	for _, n := range w.Plan.Scans[:index] {
		first += n
	}
	sources := w.Sources[first : first+w.Plan.Scans[index]]
	attempt, err := w.attempt()
	if err != nil {
		return err
	}
	writer := spool.NewWriter(ctx, w.Store, func(part int) string { return spoolName(index, attempt, part) }, w.Plan.Parts, w.Recipient)
	defer writer.Close() // given up, or committed
	var sinks []ledger.Sink
	for range cores(w.Cores) {
		sinks = append(sinks, writer.Sink(w.Keys))
	}
	assets, err := w.Plan.assets()
	if err != nil {
		return err
	}
	counts, err := ledger.Scan(ctx, sources, assets, w.Plan.Rules, sinks, w.reading(first))
	if err != nil {
		return err
	}
	done := scanDone{scanRead: scanRead{Counts: counts}, Attempt: attempt}
	for _, s := range sources {
		contents := ""
		if s.Read != nil {
			if contents, err = s.Read(); err != nil {
				return err
			}
		}
		done.Contents = append(done.Contents, contents)
	}
	if is, err := w.done(ctx, Task{Stage: stageScan, Index: index}); is || err != nil {
		return err // somebody was faster
	}
	if done.Spools, err = writer.Commit(); err != nil {
		return err
	}
	if w.Plan.Hidden {
		if done.Sealed, err = seal(w.Recipient, done.Counts); err != nil {
			return fmt.Errorf("seal what scan #%d counted: %w", index, err)
		}
		done.Counts = ledger.Counts{}
	}
	return w.put(ctx, scanName(index), done)
}

// scanResult reads what a scan left.
func (w *Worker) scanResult(ctx context.Context, index int) (s scanDone, err error) {
	if err := w.get(ctx, scanName(index), &s); err != nil || !w.Plan.Hidden {
		return s, err
	}
	if err := unseal(w.Identity, s.Sealed, &s.Counts); err != nil {
		return s, fmt.Errorf("open what scan #%d counted: %w", index, err)
	}
	return s, nil
}

// reading tells the progress of a scan whose sources begin with that one.
func (w *Worker) reading(first int) func(bytes int64) {
	if w.Progress == nil {
		return nil
	}
	var before, total int64
	for i, s := range w.Sources {
		if i < first {
			before += s.Size
		}
		total += s.Size
	}
	return func(bytes int64) {
		w.Progress("ledger", before+bytes, total)
	}
}

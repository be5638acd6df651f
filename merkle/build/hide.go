package build

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/spool"
	"github.com/assay-por/assay/merkle/store"
)

// hiddenDone is what a shard leaves whose sums hide.
type hiddenDone struct {
	Total  confidential.Point `json:"total"`  // its total row
	Tried  string             `json:"tried"`  // the attempt that made the proof
	Sealed []byte             `json:"sealed"` // what the total row opens to: a rowOpening
}

// rowOpening is what a total row opens to. It is a secret: a shard's totals are not published.
type rowOpening struct {
	Totals   []shardEntry `json:"totals"`
	Blinding []byte       `json:"blinding"`
}

// hiding is what a worker's tasks share where sums hide.
type hiding struct {
	once   sync.Once
	kind   kind[confidential.Point]
	params *confidential.Parameters
	room   chan struct{} // one for each shard that may be in memory at once
	err    error
}

// shardMemory is what a shard of [ShardEntries] takes at most while it is proved, in bytes.
const shardMemory = 256 << 20

// hidden returns what tasks share, and makes it where it is not made yet.
func (w *Worker) hidden() (*hiding, error) {
	h := &w.hiding
	h.once.Do(func() {
		var columns []string
		if columns, h.err = w.Plan.columns(); h.err != nil {
			return
		}
		if h.params, h.err = parametersOf(columns); h.err == nil {
			h.kind = hidingKind(h.params)
		}
		h.room = make(chan struct{}, min(max(int(w.Memory/shardMemory), 1), cores(w.Cores)))
	})
	return h, h.err
}

// hide builds a shard whose sums hide: its rows are held, committed to and proved (SPEC part 29).
func (w *Worker) hide(ctx context.Context, scans *scans, index int, done *shardDone) error {
	h, err := w.hidden()
	if err != nil {
		return err
	}
	select {
	case h.room <- struct{}{}:
		defer func() { <-h.room }()
	case <-ctx.Done():
		return ctx.Err()
	}
	margin, err := w.Plan.margin()
	if err != nil {
		return err
	}
	rows, err := w.hold(ctx, scans, index, margin != nil, done)
	if err != nil {
		return err
	}
	files := newFiles(w, index, h.kind)
	defer files.close()
	if err := files.begin(ctx, max(len(rows.rows), 1), scans.shards); err != nil {
		return err
	}
	atOnce := min(cap(h.room), scans.shards)
	committed, err := h.params.Commit(confidential.Shard{
		Snapshot: w.Plan.Snapshot, Index: uint32(index), Key: w.Keys.Blind(), Count: uint64(len(rows.rows)), Rows: rows.all(ctx), //nolint:gosec // at most 2^20 shards
		Relations: relationsOf(margin), Workers: (cores(w.Cores) + atOnce - 1) / atOnce,
	}, rows.writer(files))
	if err != nil {
		return err
	}
	proof, err := committed.Prove(w.Random)
	if err != nil {
		return err
	}
	if err := w.unchanged(ctx, scans); err != nil {
		return err
	}
	root, err := files.commit()
	if err != nil {
		return err
	}
	if root != committed.Root {
		return fmt.Errorf("shard #%d: its file has the root %v, what was committed to has %v", index, root.Hash, committed.Root.Hash)
	}
	done.Leaves, done.Root = committed.Top.Leaves, root.Hash
	done.Hidden, err = w.keepProof(ctx, index, proof, committed.Top)
	return err
}

// hold reads a shard's rows into memory.
func (w *Worker) hold(ctx context.Context, scans *scans, index int, margin bool, done *shardDone) (rows *heldRows, err error) {
	rows, keys := &heldRows{}, w.Keys.Clone()
	done.Folded, err = w.fold(ctx, scans, index, func(customers int) error {
		entries := int(scans.counts.Entries()) / scans.shards //nolint:gosec // below 2^53
		if margin {
			entries += 2 * customers // their net equity
		}
		rows.grow(customers, entries)
		return nil
	}, func(c *spool.Customer, balances merkle.Plain) error {
		var r heldRow
		r.handle, r.nonce, r.identity = w.named(c, keys)
		rows.add(r, balances)
		return nil
	})
	return rows, err
}

// relationsOf returns what every row is proved to satisfy (SPEC part 30).
func relationsOf(m *merkle.Margin) []confidential.Relation {
	if m == nil {
		return nil
	}
	return []confidential.Relation{m.Factors()}
}

// keepProof leaves a proof under a name of this attempt: two attempts make two proofs that hold, and the result names one.
func (w *Worker) keepProof(ctx context.Context, index int, proof []byte, top confidential.TopRow) (*hiddenDone, error) {
	attempt, err := w.attempt()
	if err != nil {
		return nil, err
	}
	if err := store.Write(ctx, w.Store, triedName(index, attempt), proof); err != nil {
		return nil, err
	}
	sealed, err := seal(w.Recipient, rowOpening{entriesOf(top.Totals), top.Blinding[:]})
	if err != nil {
		return nil, fmt.Errorf("seal the totals of shard #%d: %w", index, err)
	}
	return &hiddenDone{Total: top.Total, Tried: attempt, Sealed: sealed}, nil
}

// openRow opens what keepProof sealed.
func openRow(index int, s shardDone, identity age.Identity) (confidential.TopRow, error) {
	row := confidential.TopRow{Root: s.Root, Leaves: s.Leaves, Total: s.Hidden.Total}
	var opening rowOpening
	if err := unseal(identity, s.Hidden.Sealed, &opening); err != nil {
		return row, fmt.Errorf("open the totals of shard #%d: %w", index, err)
	}
	if len(opening.Blinding) != len(row.Blinding) {
		return row, fmt.Errorf("the sealed totals of shard #%d are of another version", index)
	}
	row.Totals, row.Blinding = plainOf(opening.Totals), [32]byte(opening.Blinding)
	return row, nil
}

// closeTop settles the shards' proofs, and makes the top level's unless it is there already, or totals are hidden. It returns the totals.
func (w *Worker) closeTop(ctx context.Context, root merkle.Hash, shards []shardDone) (totals merkle.Plain, err error) {
	h, err := w.hidden()
	if err != nil {
		return nil, err
	}
	top := confidential.Top{Snapshot: w.Plan.Snapshot, Key: w.Keys.Blind(), Workers: w.Cores}
	for i, s := range shards {
		row, err := openRow(i, s, w.Identity)
		if err == nil {
			totals, err = totals.Add(row.Totals)
		}
		if err == nil {
			err = w.settle(ctx, i, s.Hidden.Tried)
		}
		if err != nil {
			return nil, err
		}
		top.Rows = append(top.Rows, row)
	}
	if w.Plan.Hidden {
		return totals, nil
	}
	if is, err := w.has(ctx, TopProofFile); is || err != nil {
		return totals, err
	}
	proved, err := h.params.ProveTop(top, w.Random)
	if err != nil {
		return nil, err
	}
	if proved.Root.Hash != root {
		return nil, errOtherRoot
	}
	return totals, store.Write(ctx, w.Store, TopProofFile, proved.Proof)
}

var errOtherRoot = errors.New("the top level's proof is of another root: a file of the build was altered; build it anew from the start (assay build --again)")

// settle gives the proof that a shard's result names its place, once and for all: a worker that is late may name another.
func (w *Worker) settle(ctx context.Context, index int, attempt string) error {
	if is, err := w.has(ctx, ProofFile(index)); is || err != nil {
		return err
	}
	proof, err := store.Read(ctx, w.Store, triedName(index, attempt))
	if err != nil {
		return err
	}
	return store.Write(ctx, w.Store, ProofFile(index), proof)
}

// heldRow is a row in memory, but for its balances.
type heldRow struct {
	handle, nonce [32]byte
	identity      merkle.Hash
	end           int // of its balances
}

// heldRows are a shard's rows in memory: some 100 bytes each, and 24 for each balance that is not zero.
type heldRows struct {
	rows    []heldRow
	entries merkle.Plain
}

func (h *heldRows) grow(customers, entries int) {
	h.rows, h.entries = make([]heldRow, 0, customers), make(merkle.Plain, 0, entries+entries/32)
}

func (h *heldRows) add(r heldRow, balances merkle.Plain) {
	h.entries = append(h.entries, balances...)
	r.end = len(h.entries)
	h.rows = append(h.rows, r)
}

func (h *heldRows) balances(i int) merkle.Plain {
	start := 0
	if i > 0 {
		start = h.rows[i-1].end
	}
	return h.entries[start:h.rows[i].end:h.rows[i].end]
}

// all yields the rows, until ctx ends.
func (h *heldRows) all(ctx context.Context) confidential.Rows {
	const often = 1 << 12
	return func(yield func(confidential.Row, error) bool) {
		for i := range h.rows {
			if i%often == 0 && ctx.Err() != nil {
				yield(confidential.Row{}, ctx.Err())
				return
			}
			if !yield(confidential.Row{Identity: h.rows[i].identity, Balances: h.balances(i)}, nil) {
				return
			}
		}
	}
}

// writer writes the rows as they are committed to.
func (h *heldRows) writer(files *shardFiles[confidential.Point]) func([]confidential.Leaf) error {
	openings := make([]merkle.Opening[confidential.Point], shard.BlockRows)
	at := 0
	return func(leaves []confidential.Leaf) error {
		for _, l := range leaves {
			o := &openings[at%shard.BlockRows]
			*o = merkle.Opening[confidential.Point]{Blinding: l.Blinding}
			// A decoy is found by its identity, which is nobody's handle.
			row := shard.Row[confidential.Point]{Handle: l.Identity, Identity: l.Identity, Sum: l.Sum, Opening: o}
			if len(h.rows) > 0 {
				row.Handle, row.Nonce = h.rows[at].handle, h.rows[at].nonce
				o.Balances = h.balances(at)
			}
			at++
			if err := files.add(row); err != nil {
				return err
			}
		}
		return nil
	}
}

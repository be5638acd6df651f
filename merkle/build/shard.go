package build

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/spool"
	"github.com/assay-por/assay/merkle/store"
)

// shardDone is what a shard leaves.
type shardDone struct {
	Ledger string        `json:"ledger"` // what the scans read, see scans.ledger
	Leaves uint64        `json:"leaves"`
	Root   merkle.Hash   `json:"root"`
	Sum    []shardEntry  `json:"sum"`
	Folded ledger.Folded `json:"folded"`
}

type shardEntry struct {
	Asset  uint16        `json:"asset"`
	Amount merkle.Amount `json:"amount"`
}

func (s shardDone) result() ShardResult {
	r := ShardResult{Leaves: s.Leaves, Root: s.Root}
	for _, e := range s.Sum {
		r.Sum = append(r.Sum, merkle.Entry{Asset: e.Asset, Amount: e.Amount})
	}
	return r
}

// shard builds one shard out of the spools.
func (w *Worker) shard(ctx context.Context, index int) error {
	scans, err := w.scanned(ctx)
	if err != nil {
		return err
	}
	if index < 0 || index >= scans.shards {
		return fmt.Errorf("shard #%d of %d", index, scans.shards)
	}
	files := &shardFiles{worker: w, index: index, keys: w.Keys.Clone(), packer: shard.NewPacker()}
	defer files.close()
	folded, err := w.fold(ctx, scans, index, func(customers int) error { return files.begin(ctx, customers, scans.shards) }, files.add)
	if err != nil {
		return err
	}
	// It may have taken long: if the tree was begun anew meanwhile, of other rows, these files are not its own.
	if now, err := w.scanned(ctx); err != nil || now.ledger != scans.ledger {
		return errors.Join(err, errReplaced)
	}
	root, err := files.commit()
	if err != nil {
		return err
	}
	done := shardDone{Ledger: scans.ledger, Leaves: folded.Customers, Root: root.Hash, Folded: folded}
	for _, e := range root.Sum {
		done.Sum = append(done.Sum, shardEntry{e.Asset, e.Amount})
	}
	if err := w.put(ctx, shardName(index), done); err != nil {
		return err
	}
	return w.dropSpools(ctx, scans, index)
}

var errReplaced = errors.New("the ledger was read anew while the shard was built")

// fold hands on the customers of a shard in the order of the tree, and counts them. begin, if not nil, is told before how many they
// are.
func (w *Worker) fold(ctx context.Context, scans *scans, index int, begin func(customers int) error, each func(*spool.Customer) error) (ledger.Folded, error) {
	attempt, err := w.attempt()
	if err != nil {
		return ledger.Folded{}, err
	}
	part := spool.Part{
		Store: w.Store, Identity: w.Identity, Recipient: w.Recipient, Keys: w.Keys.Clone(), Spill: runsName(index, attempt),
		Keep:   func(order uint64) bool { return spool.PartOf(order, scans.shards) == index },
		Memory: max(w.Memory/4/int64(cores(w.Cores)), 1<<20),
	}
	first, last := overlap(index, scans.shards, w.Plan.Parts)
	for scan, s := range scans.all {
		for p := first; p <= last; p++ {
			if s.Spools[p] > 0 {
				part.Names = append(part.Names, spoolName(scan, s.Attempt, p))
			}
		}
	}
	sorted, err := spool.Sort(ctx, part)
	if err != nil {
		return ledger.Folded{}, err
	}
	defer sorted.Close() // what is left goes with the build's other spools
	customers, err := sorted.Len()
	if err != nil {
		return ledger.Folded{}, err
	}
	if customers == 0 {
		return ledger.Folded{}, &EmptyShardError{index, scans.shards}
	}
	if begin != nil {
		if err := begin(customers); err != nil {
			return ledger.Folded{}, err
		}
	}
	count := newCount()
	for c, err := range sorted.All() {
		if err != nil {
			return ledger.Folded{}, err
		}
		if c.Repeated > 0 && w.Plan.Rules.Duplicates != ledger.RuleSum {
			return ledger.Folded{}, w.repeated(ctx, string(c.ID))
		}
		count.add(c)
		if err := each(c); err != nil {
			return ledger.Folded{}, err
		}
	}
	return count.folded(), nil
}

// repeated tells where the second entry of a customer, an asset and a class stands.
func (w *Worker) repeated(ctx context.Context, customer string) error {
	if err := ledger.Locate(ctx, w.Sources, w.Plan.Assets, w.Plan.Rules, customer); err != nil {
		return err
	}
	return errChanged
}

// overlap returns the first and the last of so many parts that a shard's customers lie in.
func overlap(index, shards, parts int) (first, last int) {
	end := uint64(math.MaxUint64)
	if index+1 < shards {
		end = begins(index+1, shards) - 1
	}
	return spool.PartOf(begins(index, shards), parts), spool.PartOf(end, parts)
}

// begins returns the least order key of a shard.
func begins(index, shards int) uint64 {
	q, rest := bits.Div64(uint64(index), 0, uint64(shards)) //nolint:gosec // index is below shards
	if rest > 0 {
		q++
	}
	return q
}

// dropSpools removes the spools that no shard needs any more.
func (w *Worker) dropSpools(ctx context.Context, scans *scans, index int) error {
	first, last := overlap(index, scans.shards, w.Plan.Parts)
	for p := first; p <= last; p++ {
		needed := false
		from, to := overlap(p, w.Plan.Parts, scans.shards)
		for s := from; s <= to && !needed; s++ {
			is, err := w.done(ctx, Task{Stage: stageShard, Index: s})
			if err != nil {
				return err
			}
			needed = !is
		}
		for scan := 0; scan < len(scans.all) && !needed; scan++ {
			if err := w.Store.Remove(ctx, spoolName(scan, scans.all[scan].Attempt, p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// count counts customers.
type count struct {
	customers, entries, repeated uint64
	classes                      map[string]*classCount
}

type classCount struct{ customers, last uint64 }

func newCount() *count { return &count{classes: map[string]*classCount{}} }

func (n *count) add(c *spool.Customer) {
	n.customers++
	n.entries += uint64(len(c.Entries)) + c.Repeated
	n.repeated += c.Repeated
	for i := range c.Entries {
		name := c.Entries[i].Class
		if i > 0 && name == c.Entries[i-1].Class {
			continue
		}
		class := n.classes[name]
		if class == nil {
			class = &classCount{}
			n.classes[name] = class
		}
		if class.last != n.customers {
			class.last = n.customers
			class.customers++
		}
	}
}

func (n *count) folded() ledger.Folded {
	f := ledger.Folded{Customers: n.customers, Entries: n.entries, ClassCustomers: map[string]uint64{}, Duplicates: n.repeated}
	for name, class := range n.classes {
		f.ClassCustomers[name] = class.customers
	}
	return f
}

// shardFiles writes a shard's files, block by block.
type shardFiles struct {
	worker *Worker
	index  int
	keys   merkle.Keys
	packer *shard.Packer
	rows   []shard.Row  // of one block
	sums   merkle.Plain // of the block's rows, one after the other

	file   store.Writer
	sealed *shard.Writer
	leaves store.Writer // nil if not asked for
	out    *bufio.Writer
	buf    []byte
}

func (f *shardFiles) begin(ctx context.Context, customers, shards int) (err error) {
	plan := f.worker.Plan
	if f.file, err = f.worker.Store.Create(ctx, ShardFile(f.index)); err != nil {
		return err
	}
	f.sealed, err = shard.NewWriter(f.file, f.worker.Recipient, shard.Header{
		Snapshot: plan.Snapshot, Index: uint32(f.index), Count: uint32(shards), Assets: uint16(len(plan.Assets)), Leaves: uint64(customers), //nolint:gosec // the plan was checked
	})
	if err != nil || !plan.Leaves {
		return err
	}
	if f.leaves, err = f.worker.Store.Create(ctx, LeavesFile(f.index)); err != nil {
		return err
	}
	f.out = bufio.NewWriterSize(f.leaves, 1<<16)
	_, err = f.out.Write(leavesHeader(plan.Snapshot, f.index, customers))
	return err
}

// leavesHeader begins a leaves file (SPEC part 6).
func leavesHeader(snapshot merkle.Hash, index, leaves int) []byte {
	b := append([]byte("assay/v1/leaves\n"), snapshot[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(index))     //nolint:gosec // at most 2^20 shards
	return binary.BigEndian.AppendUint64(b, uint64(leaves)) //nolint:gosec // a length
}

// add adds a customer's row.
func (f *shardFiles) add(c *spool.Customer) error {
	id := string(c.ID)
	start := len(f.sums)
	for _, e := range c.Entries {
		if e.Amount.IsZero() {
			continue
		}
		if last := len(f.sums) - 1; last >= start && f.sums[last].Asset == e.Asset {
			f.sums[last].Amount, _ = f.sums[last].Amount.Add(e.Amount) // a part of the asset's total, so it fits
			continue
		}
		f.sums = append(f.sums, merkle.Entry{Asset: e.Asset, Amount: e.Amount})
	}
	row := shard.Row{
		Handle: f.keys.Handle(id), Nonce: f.keys.Nonce(id),
		// Should the buffer grow, the sums before it live on in the old one.
		Sum: f.sums[start:len(f.sums):len(f.sums)],
	}
	row.Identity = merkle.Identity(f.worker.Plan.Snapshot, row.Nonce, id)
	f.rows = append(f.rows, row)
	if len(f.rows) == shard.BlockRows {
		return f.flush()
	}
	return nil
}

// flush writes the block.
func (f *shardFiles) flush() error {
	block, err := f.packer.Pack(f.rows)
	if err == nil {
		err = f.sealed.Write(block)
	}
	for i := 0; i < len(f.rows) && f.leaves != nil && err == nil; i++ {
		f.buf = append(f.buf[:0], f.rows[i].Identity[:]...)
		_, err = f.out.Write(f.rows[i].Sum.AppendBinary(f.buf))
	}
	f.rows, f.sums = f.rows[:0], f.sums[:0]
	return err
}

// commit completes the files and returns the shard's root.
func (f *shardFiles) commit() (root merkle.Node[merkle.Plain], err error) {
	if len(f.rows) > 0 {
		if err := f.flush(); err != nil {
			return root, err
		}
	}
	if root, err = f.sealed.Close(); err != nil {
		return root, err
	}
	if err := f.file.Commit(); err != nil || f.leaves == nil {
		return root, err
	}
	if err := f.out.Flush(); err != nil {
		return root, err
	}
	return root, f.leaves.Commit()
}

// close gives up what was not committed.
func (f *shardFiles) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
	if f.leaves != nil {
		_ = f.leaves.Close()
	}
}

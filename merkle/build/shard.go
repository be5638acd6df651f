package build

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/spool"
)

// shardDone is what a shard leaves.
type shardDone struct {
	Ledger string        `json:"ledger"` // what the scans read, see scans.ledger
	Leaves uint64        `json:"leaves"`
	Root   merkle.Hash   `json:"root"`
	Sum    []shardEntry  `json:"sum,omitempty"`
	Folded ledger.Folded `json:"folded"`
	Hidden *hiddenDone   `json:"hidden,omitempty"` // where sums hide, in place of the sum
}

type shardEntry struct {
	Asset  uint16        `json:"asset"`
	Amount merkle.Amount `json:"amount"`
}

func entriesOf(sum merkle.Plain) (all []shardEntry) {
	for _, e := range sum {
		all = append(all, shardEntry{e.Asset, e.Amount})
	}
	return all
}

func plainOf(entries []shardEntry) (sum merkle.Plain) {
	for _, e := range entries {
		sum = append(sum, merkle.Entry{Asset: e.Asset, Amount: e.Amount})
	}
	return sum
}

func (s shardDone) result() ShardResult {
	r := ShardResult{Leaves: s.Leaves, Root: s.Root, Sum: plainOf(s.Sum)}
	if s.Hidden != nil {
		r.Total = &s.Hidden.Total
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
	done := shardDone{Ledger: scans.ledger}
	if w.Plan.Kind == merkle.KindConfidential {
		err = w.hide(ctx, scans, index, &done)
	} else {
		err = w.plain(ctx, scans, index, &done)
	}
	var under *UnderwaterError
	if errors.As(err, &under) {
		return fmt.Errorf("shard #%d of %d: %w", index, scans.shards, err)
	}
	if err != nil {
		return w.overflowed(err)
	}
	if err := w.put(ctx, shardName(index), done); err != nil {
		return err
	}
	return w.dropSpools(ctx, scans, index)
}

// plain builds a shard whose sums are open, as its customers stream past.
func (w *Worker) plain(ctx context.Context, scans *scans, index int, done *shardDone) (err error) {
	files := newFiles(w, index, plainKind)
	defer files.close()
	keys := w.Keys.Clone()
	var sums merkle.Plain // of the block's rows, one after the other
	done.Folded, err = w.fold(ctx, scans, index, func(customers int) error { return files.begin(ctx, customers, scans.shards) }, func(c *spool.Customer, balances merkle.Plain) error {
		if len(files.rows) == 0 {
			sums = sums[:0]
		}
		start := len(sums)
		sums = append(sums, balances...)
		row := shard.Row[merkle.Plain]{Sum: sums[start:len(sums):len(sums)]} // should the buffer grow, the sums before it live on in the old one
		row.Handle, row.Nonce, row.Identity = w.named(c, keys)
		return files.add(row)
	})
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
	done.Leaves, done.Root = done.Folded.Customers, root.Hash
	done.Sum = entriesOf(root.Sum)
	return nil
}

// named returns what finds a customer's row, and what names it.
func (w *Worker) named(c *spool.Customer, keys merkle.Keys) (handle, nonce [32]byte, identity merkle.Hash) {
	id := string(c.ID)
	nonce = keys.Nonce(id)
	return keys.Handle(id), nonce, merkle.Identity(w.Plan.Snapshot, nonce, id)
}

// unchanged refuses to go on where the tree was begun anew meanwhile, of other rows: a shard may take long.
func (w *Worker) unchanged(ctx context.Context, scans *scans) error {
	if now, err := w.scanned(ctx); err != nil || now.ledger != scans.ledger {
		return errors.Join(err, errReplaced)
	}
	return nil
}

var errReplaced = errors.New("the ledger was read anew while the shard was built")

// fold hands on the customers of a shard and their balances in the order of the tree, and counts them. begin, if not nil, is told before
// how many they are.
func (w *Worker) fold(ctx context.Context, scans *scans, index int, begin func(customers int) error, each func(*spool.Customer, merkle.Plain) error) (ledger.Folded, error) {
	part, err := w.part(scans, index)
	if err != nil {
		return ledger.Folded{}, err
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
	if customers == 0 && w.Plan.Kind == merkle.KindPlain {
		return ledger.Folded{}, &EmptyShardError{index, scans.shards}
	}
	if begin != nil {
		if err := begin(customers); err != nil {
			return ledger.Folded{}, err
		}
	}
	margin, err := w.Plan.margin()
	if err != nil {
		return ledger.Folded{}, err
	}
	count := newCount(len(w.Plan.Assets))
	rows := accounts{margin: margin, rule: w.Plan.Rules.Underwater, told: w.Underwater}
	for c, err := range sorted.All() {
		if err != nil {
			return ledger.Folded{}, err
		}
		if c.Repeated > 0 && w.Plan.Rules.Duplicates != ledger.RuleSum {
			return ledger.Folded{}, w.repeated(ctx, string(c.ID))
		}
		count.add(c)
		balances, is, err := rows.of(c)
		if err == nil && is {
			err = each(c, balances)
		}
		if err != nil {
			return ledger.Folded{}, err
		}
	}
	folded := count.folded()
	folded.Underwater, folded.WrittenOff = rows.underwater, rows.writtenOff
	return folded, rows.verdict()
}

// part is what of the spools a shard's customers lie in.
func (w *Worker) part(scans *scans, index int) (spool.Part, error) {
	attempt, err := w.attempt()
	if err != nil {
		return spool.Part{}, err
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
	return part, nil
}

// repeated tells where the second entry of a customer, an asset and a class stands.
func (w *Worker) repeated(ctx context.Context, customer string) error {
	assets, err := w.Plan.assets()
	if err != nil {
		return err
	}
	if err := ledger.Locate(ctx, w.Sources, assets, w.Plan.Rules, customer); err != nil {
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
	assets                       int // columns from there on are debits, which count for no class
	classes                      map[string]*classCount
}

type classCount struct{ customers, last uint64 }

func newCount(assets int) *count { return &count{assets: assets, classes: map[string]*classCount{}} }

func (n *count) add(c *spool.Customer) {
	n.customers++
	n.entries += uint64(len(c.Entries)) + c.Repeated
	n.repeated += c.Repeated
	for i := range c.Entries {
		name := c.Entries[i].Class
		if int(c.Entries[i].Asset) >= n.assets {
			break
		}
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

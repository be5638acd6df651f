package spool

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// Customer is one customer, with all entries of the ledger. It is good until the next one is asked for.
type Customer struct {
	ID       []byte
	Entries  []ledger.Entry // ascending by asset, then class, each pair once
	Repeated uint64         // entries that came after the first of their asset and class, and were added to it
}

// Part is a part of a ledger, to be sorted.
type Part struct {
	Store     store.Store
	Names     []string // of its spools
	Identity  age.Identity
	Recipient age.Recipient
	Keys      merkle.Keys
	Keep      func(order uint64) bool // which customers to yield; nil for all
	Memory    int64                   // what records in memory may take, in bytes
	Spill     string                  // where sorted runs go that do not fit there: a prefix of names
}

// refSize is what a record takes in memory beside itself.
const refSize = 16

type ref struct {
	order uint64
	at    int
}

// Sorted is a part in the order of its customers' keys (SPEC part 5). It is for one goroutine.
type Sorted struct {
	ctx      context.Context
	part     Part
	arena    []byte // records, one after the other
	refs     []ref
	runs     []string // files that are sorted
	made     int      // runs so far
	open     []store.File
	customer Customer
	most     int // entries of the customer that are held before they are folded
	classes  map[string]string
}

const (
	// foldAt is how many entries of one customer are held, at least, before those of one asset and class are added.
	foldAt = 1 << 12
	// maxRuns is how many runs lie there at once: each that is read takes some 200 KiB, and a file.
	maxRuns = 64
)

// Sort reads a part. What does not fit into memory is sorted run by run, and the runs are merged as they are read. Amounts of one
// asset over all customers must fit together. The caller closes what it gets.
func Sort(ctx context.Context, p Part) (*Sorted, error) {
	s := &Sorted{ctx: ctx, part: p, classes: map[string]string{}}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Len returns the number of customers.
func (s *Sorted) Len() (int, error) {
	n := 0
	if len(s.runs) > 0 {
		err := s.merge(func(uint64, *Customer) error { n++; return s.ctx.Err() })
		return n, err
	}
	var last record
	for i, r := range s.refs {
		if i > 0 && s.refs[i-1].order != r.order {
			n++
			continue
		}
		rec, _ := cutRecord(s.arena[r.at:])
		if i > 0 {
			last, _ = cutRecord(s.arena[s.refs[i-1].at:])
		}
		if i == 0 || !bytes.Equal(rec.id, last.id) {
			n++
		}
	}
	return n, nil
}

// All yields the customers, each once.
func (s *Sorted) All() iter.Seq2[*Customer, error] {
	return func(yield func(*Customer, error) bool) {
		err := s.merge(func(_ uint64, c *Customer) error {
			if !yield(c, nil) {
				return errStop
			}
			return s.ctx.Err()
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

var errStop = errors.New("no more are wanted")

// Close gives back files and runs.
func (s *Sorted) Close() error {
	errs := []error{s.closeFiles()}
	for _, name := range s.runs {
		errs = append(errs, s.part.Store.Remove(context.WithoutCancel(s.ctx), name))
	}
	return errors.Join(errs...)
}

// load reads all spools; sorted runs go to the store as memory fills.
func (s *Sorted) load() error {
	var size int64
	for _, name := range s.part.Names {
		r, err := s.stream(name)
		if err != nil {
			return err
		}
		size += r.size
		if s.arena == nil || int64(cap(s.arena)) < min(size, s.part.Memory) {
			s.arena = slices.Grow(s.arena, int(min(size, s.part.Memory))-len(s.arena)+1)
		}
		for {
			rec, err := r.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if s.part.Keep != nil && !s.part.Keep(rec.order) {
				continue
			}
			if used := len(s.arena) + refSize*len(s.refs); len(s.refs) > 0 && int64(used+len(rec.raw)+refSize) > s.part.Memory {
				if err := s.spill(); err != nil {
					return err
				}
			}
			s.refs = append(s.refs, ref{rec.order, len(s.arena)})
			s.arena = append(s.arena, rec.raw...)
		}
		if err := s.closeFiles(); err != nil {
			return err
		}
	}
	s.sort()
	return nil
}

// sort orders the records in memory by whole order keys, of which the first 8 bytes nearly always decide.
func (s *Sorted) sort() {
	slices.SortFunc(s.refs, func(a, b ref) int {
		if a.order != b.order {
			return cmp.Compare(a.order, b.order)
		}
		x, _ := cutRecord(s.arena[a.at:])
		y, _ := cutRecord(s.arena[b.at:])
		return s.compare(x, y)
	})
}

// compare compares records of which the first 8 bytes of the order keys are equal: nearly always they are of one customer.
func (s *Sorted) compare(a, b record) int {
	if a.order != b.order {
		return cmp.Compare(a.order, b.order)
	}
	if bytes.Equal(a.id, b.id) {
		return 0
	}
	x, y := s.part.Keys.Order(string(a.id)), s.part.Keys.Order(string(b.id))
	return bytes.Compare(x[:], y[:])
}

// spill writes what is in memory as a sorted run, folded, and empties the memory. Where runs become many, it makes one of them.
func (s *Sorted) spill() error {
	s.sort()
	if err := s.run([]cursor{&inMemory{sorted: s}}); err != nil {
		return err
	}
	s.arena, s.refs = s.arena[:0], s.refs[:0]
	if len(s.runs) < maxRuns {
		return nil
	}
	before, spools := s.runs, s.open
	s.open = nil
	cursors, err := s.cursors()
	if err == nil {
		err = s.run(cursors)
	}
	err = errors.Join(err, s.closeFiles())
	s.open = spools
	for i := 0; i < len(before) && err == nil; i++ {
		err = s.part.Store.Remove(s.ctx, before[i])
		s.runs = s.runs[1:]
	}
	return err
}

// run writes sorted records as a run.
func (s *Sorted) run(cursors []cursor) error {
	name := fmt.Sprintf("%s%05d.age", s.part.Spill, s.made)
	s.made++
	file, err := s.part.Store.Create(s.ctx, name)
	if err != nil {
		return err
	}
	defer file.Close() // given up, or committed
	sealed, err := begin(file, s.part.Recipient)
	if err != nil {
		return err
	}
	var buf []byte
	err = s.mergeOf(cursors, func(order uint64, c *Customer) error {
		buf = appendRecord(buf[:0], order, c.ID, c.Repeated, c.Entries)
		_, err := sealed.Write(buf)
		return err
	})
	if err == nil {
		err = sealed.Close()
	}
	if err == nil {
		err = file.Commit()
	}
	s.runs = append(s.runs, name)
	return err
}

// merge hands on the customers of memory and of all runs.
func (s *Sorted) merge(each func(order uint64, c *Customer) error) error {
	defer s.closeFiles() //nolint:errcheck // nothing was written
	cursors, err := s.cursors()
	if err != nil {
		return err
	}
	return s.mergeOf(append(cursors, &inMemory{sorted: s}), each)
}

// cursors opens all runs.
func (s *Sorted) cursors() (all []cursor, err error) {
	for _, name := range s.runs {
		r, err := s.stream(name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// cursor goes through sorted records. One is good until the next is asked for.
type cursor interface {
	next() (record, error) // or io.EOF
}

// mergeOf hands on the customers of sorted records. The cursors are few, so the least is looked for one by one.
func (s *Sorted) mergeOf(cursors []cursor, each func(order uint64, c *Customer) error) error {
	heads := make([]record, len(cursors))
	for i := 0; i < len(cursors); {
		var err error
		if heads[i], err = cursors[i].next(); errors.Is(err, io.EOF) {
			heads, cursors = slices.Delete(heads, i, i+1), slices.Delete(cursors, i, i+1)
		} else if err != nil {
			return err
		} else {
			i++
		}
	}
	c := &s.customer
	c.Entries, c.Repeated, s.most = c.Entries[:0], 0, foldAt
	var order uint64
	for started := false; ; started = true {
		least := -1
		for i := range heads {
			if least < 0 || s.compare(heads[i], heads[least]) < 0 {
				least = i
			}
		}
		if started && (least < 0 || heads[least].order != order || !bytes.Equal(heads[least].id, c.ID)) {
			c.fold()
			if err := each(order, c); err != nil {
				return err
			}
			c.Entries, c.Repeated, s.most = c.Entries[:0], 0, foldAt
		}
		if least < 0 {
			return nil
		}
		order, c.ID = heads[least].order, append(c.ID[:0], heads[least].id...)
		s.take(heads[least])
		var err error
		if heads[least], err = cursors[least].next(); errors.Is(err, io.EOF) {
			heads, cursors = slices.Delete(heads, least, least+1), slices.Delete(cursors, least, least+1)
		} else if err != nil {
			return err
		}
	}
}

// take adds a record's entries to the customer.
func (s *Sorted) take(r record) {
	c := &s.customer
	c.Repeated += r.repeated
	for body := r.body; len(body) > 0; {
		e, rest, _ := cutEntry(body) // it was cut once before
		body = rest
		class := ledger.DefaultClass
		if e.class != nil {
			known, ok := s.classes[string(e.class)]
			if !ok {
				known = string(e.class)
				s.classes[known] = known
			}
			class = known
		}
		c.Entries = append(c.Entries, ledger.Entry{Asset: e.asset, Class: class, Amount: e.amount})
	}
	if len(c.Entries) > s.most {
		c.fold()
		s.most = max(s.most, 2*len(c.Entries))
	}
}

func compareEntries(a, b ledger.Entry) int {
	return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Class, b.Class))
}

// fold brings the entries in order and adds those of one asset and class.
func (c *Customer) fold() {
	ascending := true
	for i := 1; i < len(c.Entries) && ascending; i++ {
		ascending = compareEntries(c.Entries[i-1], c.Entries[i]) < 0
	}
	if ascending {
		return
	}
	slices.SortFunc(c.Entries, compareEntries)
	kept := c.Entries[:1]
	for _, e := range c.Entries[1:] {
		last := &kept[len(kept)-1]
		if compareEntries(*last, e) != 0 {
			kept = append(kept, e)
			continue
		}
		last.Amount, _ = last.Amount.Add(e.Amount) // a part of the asset's total, so it fits
		c.Repeated++
	}
	c.Entries = kept
}

func (s *Sorted) closeFiles() error {
	var errs []error
	for _, f := range s.open {
		errs = append(errs, f.Close())
	}
	s.open = nil
	return errors.Join(errs...)
}

// inMemory goes through the records in memory, which are sorted.
type inMemory struct {
	sorted *Sorted
	done   int
}

func (m *inMemory) next() (record, error) {
	if m.done == len(m.sorted.refs) {
		return record{}, io.EOF
	}
	r, _ := cutRecord(m.sorted.arena[m.sorted.refs[m.done].at:]) // it was cut once before
	m.done++
	return r, nil
}

package tree

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
)

const (
	runRows   = 1 << 18 // identities that are sorted at once, 24 bytes each
	mergeRows = 1 << 9  // of each run, in memory while runs are merged
	rowBytes  = 24      // of an occurrence in a Scratch
)

// Scratch is room outside memory: an empty file that is written once and then read.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
}

// Identities gathers every identity of a tree, to tell whether one is counted twice (SPEC part 6). It keeps half of each hash: equal
// identities always meet, and unequal ones meet with a chance of one in 2^128. They are sorted a run at a time, and meet when all runs are
// merged: whatever identities somebody chooses, memory holds a run for each who adds, and the others lie in a Scratch.
type Identities struct {
	scratch func() (Scratch, error)
	rows    int // of a run
	lock    sync.Mutex
	open    []occurrence // not sorted yet
	runs    []*run
	file    Scratch // nil until the first run needs it
	size    int64
}

// occurrence is an identity's first half, and its place: the shard, then 31 bits for the leaf.
type occurrence struct{ high, low, place uint64 }

// TwiceError says where an identity stands for the second time in a tree, and where for the first.
type TwiceError struct{ Shard, Leaf, FirstShard, FirstLeaf uint64 }

func (e *TwiceError) Error() string {
	return fmt.Sprintf("leaf #%d: its identity occurs twice in the tree, first at leaf #%d of shard #%d", e.Leaf, e.FirstLeaf, e.FirstShard)
}

// NewIdentities returns an empty set; one set serves all shards of one tree, at the same time too. The scratch is asked for once, when
// identities are more than a run; nil: all stay in memory.
func NewIdentities(scratch func() (Scratch, error)) *Identities {
	return &Identities{scratch: scratch, rows: runRows}
}

// add adds the identities of leaves in a row, each size bytes after the last. Errors are the scratch's.
func (s *Identities) add(shard int, leaf uint64, raw []byte, size int) error {
	s.lock.Lock()
	for place := uint64(shard)<<31 | leaf; len(raw) > 0; place++ { //nolint:gosec // a shard's number is not negative
		s.open = append(s.open, occurrence{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:]), place})
		raw = raw[size:]
	}
	full := s.open
	if len(full) < s.rows {
		s.lock.Unlock()
		return nil
	}
	s.open = nil
	s.lock.Unlock()
	return s.close(full)
}

// close makes a run.
func (s *Identities) close(rows []occurrence) error {
	slices.SortFunc(rows, occurrence.compare)
	if s.scratch == nil {
		s.enter(&run{rows: rows})
		return nil
	}
	from, err := s.reserve(len(rows))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(io.NewOffsetWriter(s.file, from), 64<<10)
	for _, o := range rows {
		b := out.AvailableBuffer()
		for _, part := range []uint64{o.high, o.low, o.place} {
			b = binary.BigEndian.AppendUint64(b, part)
		}
		out.Write(b) //nolint:errcheck // Flush tells
	}
	if err := out.Flush(); err != nil {
		return keeping(err)
	}
	s.enter(&run{from: from, left: len(rows)})
	return nil
}

// reserve gives a run its place in the scratch.
func (s *Identities) reserve(rows int) (from int64, err error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.file == nil {
		if s.file, err = s.scratch(); err != nil {
			return 0, keeping(err)
		}
	}
	from = s.size
	s.size += int64(rows) * rowBytes
	return from, nil
}

func (s *Identities) enter(r *run) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.runs = append(s.runs, r)
}

func keeping(err error) error { return fmt.Errorf("keeping identities: %w", err) }

func (o occurrence) compare(p occurrence) int {
	if o.high != p.high {
		return cmp.Compare(o.high, p.high)
	}
	return cmp.Or(cmp.Compare(o.low, p.low), cmp.Compare(o.place, p.place))
}

// Check returns a *TwiceError if an identity was added twice, of the least such identity. Other errors are the scratch's. Nothing may be
// added afterwards, and it is called once.
func (s *Identities) Check() error {
	slices.SortFunc(s.open, occurrence.compare)
	heap := append(s.runs, &run{rows: s.open})
	heap = slices.DeleteFunc(heap, func(r *run) bool { return len(r.rows) == 0 && r.left == 0 })
	for _, r := range heap {
		if err := r.fill(s.file); err != nil {
			return err
		}
	}
	slices.SortFunc(heap, func(a, b *run) int { return a.rows[0].compare(b.rows[0]) })
	var last occurrence
	for n := 0; len(heap) > 0; n++ {
		least := heap[0]
		o := least.rows[0]
		if n > 0 && o.high == last.high && o.low == last.low {
			return &TwiceError{o.place >> 31, o.place & (1<<31 - 1), last.place >> 31, last.place & (1<<31 - 1)}
		}
		last = o
		if least.rows = least.rows[1:]; len(least.rows) == 0 {
			if err := least.fill(s.file); err != nil {
				return err
			}
			if len(least.rows) == 0 {
				heap[0] = heap[len(heap)-1]
				heap = heap[:len(heap)-1]
			}
		}
		sink(heap)
	}
	return nil
}

// sink takes the first run of a heap, by what comes next in each, to its place.
func sink(heap []*run) {
	for at := 0; ; {
		least := at
		for child := 2*at + 1; child <= 2*at+2 && child < len(heap); child++ {
			if heap[child].rows[0].compare(heap[least].rows[0]) < 0 {
				least = child
			}
		}
		if least == at {
			return
		}
		heap[at], heap[least] = heap[least], heap[at]
		at = least
	}
}

// run is sorted occurrences: those in memory, and then those in the scratch.
type run struct {
	rows []occurrence
	from int64
	left int
}

// fill reads what comes next into memory, if nothing is there.
func (r *run) fill(file Scratch) error {
	if len(r.rows) > 0 || r.left == 0 {
		return nil
	}
	n := min(r.left, mergeRows)
	raw := make([]byte, n*rowBytes)
	if _, err := file.ReadAt(raw, r.from); err != nil {
		return keeping(err)
	}
	r.rows = make([]occurrence, n)
	for i := range r.rows {
		at := raw[i*rowBytes:]
		r.rows[i] = occurrence{binary.BigEndian.Uint64(at), binary.BigEndian.Uint64(at[8:]), binary.BigEndian.Uint64(at[16:])}
	}
	r.from, r.left = r.from+int64(len(raw)), r.left-n
	return nil
}

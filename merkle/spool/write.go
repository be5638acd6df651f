package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// sinkBuffer is how much a sink collects for a part before it takes that part's file: in whole, parts × sinks × this, beside the
// 64 KiB that sealing takes for each part.
const sinkBuffer = 8 << 10

// Writer writes the spools of one scan, a file a part.
type Writer struct {
	ctx       context.Context
	store     store.Store
	name      func(part int) string
	recipient age.Recipient
	parts     []part
	sinks     []*sink
}

// part is one part's file, which the sinks write by turns. It is begun when there is something to write.
type part struct {
	mu     sync.Mutex
	file   store.Writer
	sealed io.WriteCloser
	size   int64
	err    error // the first: after it nothing is written any more
}

// NewWriter returns a Writer of so many parts, whose files get their names from name.
func NewWriter(ctx context.Context, s store.Store, name func(part int) string, parts int, recipient age.Recipient) *Writer {
	return &Writer{ctx: ctx, store: s, name: name, recipient: recipient, parts: make([]part, parts)}
}

// Sink returns a sink for one goroutine.
func (w *Writer) Sink(keys merkle.Keys) ledger.Sink {
	s := &sink{writer: w, keys: keys.Clone(), buffers: make([][]byte, len(w.parts))}
	w.sinks = append(w.sinks, s)
	return s
}

// Commit puts all files in their places, and returns the size of what each part holds, 0 where there is no file.
func (w *Writer) Commit() ([]int64, error) {
	for _, s := range w.sinks {
		for i, b := range s.buffers {
			if err := w.write(i, b); err != nil {
				return nil, err
			}
		}
	}
	sizes := make([]int64, len(w.parts))
	for i := range w.parts {
		p := &w.parts[i]
		if p.err != nil {
			return nil, p.err
		}
		if p.file == nil {
			continue
		}
		err := p.sealed.Close()
		if err == nil {
			err = p.file.Commit()
		}
		if err != nil {
			return nil, err
		}
		sizes[i] = p.size
	}
	return sizes, nil
}

// Close gives up what was not committed.
func (w *Writer) Close() error {
	var errs []error
	for i := range w.parts {
		if p := &w.parts[i]; p.file != nil {
			errs = append(errs, p.file.Close())
		}
	}
	return errors.Join(errs...)
}

func (w *Writer) write(index int, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	p := &w.parts[index]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil && p.file == nil {
		if p.file, p.err = w.store.Create(w.ctx, w.name(index)); p.err == nil {
			p.sealed, p.err = begin(p.file, w.recipient)
		}
	}
	if p.err != nil {
		return p.err
	}
	n, err := p.sealed.Write(b)
	p.size += int64(n)
	p.err = err
	return err
}

// begin begins a spool.
func begin(w io.Writer, recipient age.Recipient) (io.WriteCloser, error) {
	sealed, err := age.Encrypt(w, recipient)
	if err != nil {
		return nil, fmt.Errorf("seal a spool: %w", err)
	}
	_, err = io.WriteString(sealed, magic)
	return sealed, err
}

// sink drops what one goroutine reads.
type sink struct {
	writer  *Writer
	keys    merkle.Keys
	buffers [][]byte // of each part
}

// Add implements [ledger.Sink].
func (s *sink) Add(customer []byte, entries []ledger.Entry) error {
	key := s.keys.Order(string(customer))
	order := binary.BigEndian.Uint64(key[:])
	i := PartOf(order, len(s.buffers))
	b := s.buffers[i]
	if b == nil {
		b = make([]byte, 0, sinkBuffer+sinkBuffer/4)
	}
	b = appendRecord(b, order, customer, 0, entries)
	if len(b) >= sinkBuffer {
		if err := s.writer.write(i, b); err != nil {
			return err
		}
		b = b[:0]
	}
	s.buffers[i] = b
	return nil
}

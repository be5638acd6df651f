package spool

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// stream reads a spool's records one after the other.
type stream struct {
	name  string
	size  int64 // sealed
	plain io.Reader
	buf   []byte
	at    int // of what was not taken yet
	ended bool
}

// stream opens a spool.
func (s *Sorted) stream(name string) (*stream, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	f, err := s.part.Store.Open(s.ctx, name)
	if err != nil {
		return nil, err
	}
	s.open = append(s.open, f)
	plain, err := age.Decrypt(f, s.part.Identity)
	if err != nil {
		return nil, fmt.Errorf("spool %s: %w", name, err)
	}
	r := &stream{name: name, size: f.Size(), plain: plain, buf: make([]byte, 0, 1<<17)}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(plain, head); err != nil || string(head) != magic {
		return nil, fmt.Errorf("spool %s: it is none of version 1", name)
	}
	return r, nil
}

func (r *stream) next() (record, error) {
	for {
		if rec, ok := cutRecord(r.buf[r.at:]); ok {
			r.at += len(rec.raw)
			return rec, nil
		}
		if r.ended {
			if r.at < len(r.buf) {
				return record{}, fmt.Errorf("spool %s: %w", r.name, errDamaged)
			}
			return record{}, io.EOF
		}
		if err := r.fill(); err != nil {
			return record{}, fmt.Errorf("spool %s: %w", r.name, err)
		}
	}
}

// fill moves what is left to the front and reads on.
func (r *stream) fill() error {
	left := copy(r.buf, r.buf[r.at:])
	r.buf, r.at = r.buf[:left], 0
	if left > cap(r.buf)/2 {
		r.buf = append(make([]byte, 0, 2*cap(r.buf)), r.buf...)
	}
	n, err := r.plain.Read(r.buf[left:cap(r.buf)])
	r.buf = r.buf[:left+n]
	if errors.Is(err, io.EOF) {
		r.ended, err = true, nil
	}
	return err
}

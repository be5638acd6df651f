package build

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/shard"
	"github.com/assay-por/assay/merkle/store"
)

// What a server keeps in memory of all its shards, beside what each keeps anyway: all nodes and all of the index up to some four million
// customers, at 50 assets some 200 MB and 64 MB, and the rows of some one million, in bytes.
const (
	keptRuns  = 1 << 10
	keptPages = 1 << 12
	keptRows  = 128 << 20
)

// keptDesks is how many desks wait for a next request.
const keptDesks = 64

// Server makes the proof files of customers (SPEC part 8), for many at once. Unlike a [Prover] it keeps every shard open that was
// asked for, with what of its upper levels was read.
type Server struct {
	prover  *Prover
	shards  []served
	desks   chan *desk // a sync.Pool would have them made anew as often as memory is collected
	newDesk func() *desk
}

// served is a shard's file once it was asked for.
type served struct {
	mu   sync.Mutex
	from store.File
	file *shard.File
}

// desk is what one request needs for itself.
type desk struct {
	lookup  merkle.Lookup
	climber merkle.Climber[merkle.Plain]
	files   *merkle.Encoder[merkle.Plain]
	size    int // of the file before, which the next one's will be near
}

// NewServer takes a prover, which is the server's from now on, what finds rows, and what [merkle.NewEncoder] does.
func NewServer(p *Prover, lookup merkle.Lookup, assets []string, envelope []byte, log *merkle.InLog) (*Server, error) {
	if _, err := merkle.NewEncoder[merkle.Plain](assets, envelope, log); err != nil {
		return nil, err
	}
	s := &Server{prover: p, shards: make([]served, len(p.result.Shards)), desks: make(chan *desk, keptDesks)}
	s.newDesk = func() *desk {
		files, err := merkle.NewEncoder[merkle.Plain](assets, envelope, log)
		if err != nil { // it was made of the same before
			panic(err)
		}
		return &desk{lookup: lookup.Clone(), files: files}
	}
	return s, nil
}

// AbsentError is the [ErrNotFound] of a [Server]: a proof file that was made in place of what is not there had so many bytes.
type AbsentError struct{ Size int }

// Error says nothing of the customer.
func (AbsentError) Error() string { return ErrNotFound.Error() }

// Unwrap says what it is.
func (AbsentError) Unwrap() error { return ErrNotFound }

// Prove returns the proof file of a customer, whose id [merkle.NormalizeCustomer] returned. If there is no such customer it returns
// an [AbsentError], after the work that a proof takes: another leaf of the shard was proved, and thrown away. No error holds the id.
func (s *Server) Prove(ctx context.Context, customer string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := s.desk()
	defer s.leave(w)
	index, handle := ShardOf(w.lookup.Order(customer), len(s.shards)), w.lookup.Handle(customer)
	file, err := s.shard(ctx, index)
	if err != nil {
		return nil, err
	}
	var proved shard.Proved
	proved.Proof, proved.Identity, err = file.Prove(handle)
	absent := errors.Is(err, shard.ErrNotFound)
	if absent {
		proved, err = file.At(binary.BigEndian.Uint64(handle[8:]) % file.Header().Leaves)
	}
	// A row's nonce rests on the file's seal alone: that the row is this customer's shows here, and to who has the id only.
	if own := proved.Identity == merkle.Identity(proved.Proof.Snapshot, proved.Proof.Nonce, customer); err == nil && !own && !absent {
		err = errors.New("a row is not that of its customer: the file is damaged")
	}
	if err != nil {
		return nil, fmt.Errorf("shard #%d: %w", index, err)
	}
	proof, err := s.prover.finishBy(&w.climber, proved.Proof, proved.Identity)
	if err != nil {
		return nil, err
	}
	raw, err := w.files.Append(make([]byte, 0, w.size), proof)
	if err != nil {
		return nil, err
	}
	if w.size = len(raw) + len(raw)/16; absent {
		return nil, AbsentError{len(raw)}
	}
	return raw, nil
}

func (s *Server) desk() *desk {
	select {
	case w := <-s.desks:
		return w
	default:
		return s.newDesk()
	}
}

func (s *Server) leave(w *desk) {
	select {
	case s.desks <- w:
	default: // there are enough
	}
}

// Check opens every shard, so that what is missing or of another build shows before anybody asks.
func (s *Server) Check(ctx context.Context) error {
	for i := range s.shards {
		if _, err := s.shard(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) shard(ctx context.Context, index int) (_ *shard.File, err error) {
	at := &s.shards[index]
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.file == nil {
		if at.from, at.file, err = s.prover.openShard(context.WithoutCancel(ctx), index); err != nil { // it outlives who asks first
			return nil, err
		}
		at.file.Keep(keptRuns/len(s.shards), keptPages/len(s.shards), keptRows/len(s.shards))
	}
	return at.file, nil
}

// Close closes all files. Requires that nobody asks any more.
func (s *Server) Close() error {
	var all []error
	for i := range s.shards {
		if from := s.shards[i].from; from != nil {
			all = append(all, from.Close())
		}
	}
	return errors.Join(all...)
}

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

// Server makes the proof files of customers (SPEC parts 8 and 29), for many at once. Unlike a [Maker] it keeps every shard open that was
// asked for, with what of its upper levels was read.
type Server interface {
	// Prove returns the proof file of a customer, whose id [merkle.NormalizeCustomer] returned. If there is no such customer it returns
	// an [AbsentError], after the work that a proof takes: another leaf of the shard was proved, and thrown away. No error holds the id.
	Prove(ctx context.Context, customer string) ([]byte, error)
	// Check opens every shard, so that what is missing or of another build shows before anybody asks.
	Check(ctx context.Context) error
	// Close closes all files. Requires that nobody asks any more.
	Close() error
}

// server is a Server of one kind of tree.
type server[S merkle.Sum[S]] struct {
	prover  *prover[S]
	shards  []served[S]
	desks   chan *desk[S] // a sync.Pool would have them made anew as often as memory is collected
	newDesk func() *desk[S]
}

// served is a shard's file once it was asked for.
type served[S merkle.Sum[S]] struct {
	mu   sync.Mutex
	from store.File
	file *shard.File[S]
}

// desk is what one request needs for itself.
type desk[S merkle.Sum[S]] struct {
	lookup  merkle.Lookup
	climber merkle.Climber[S]
	files   *merkle.Encoder[S]
	size    int // of the file before, which the next one's will be near
}

// newServer takes a prover, which is the server's from now on, what finds rows, and what [merkle.NewEncoder] does.
func newServer[S merkle.Sum[S]](p *prover[S], lookup merkle.Lookup, assets []string, envelope []byte, log *merkle.InLog) (*server[S], error) {
	if _, err := merkle.NewEncoder[S](assets, envelope, log); err != nil {
		return nil, err
	}
	s := &server[S]{prover: p, shards: make([]served[S], len(p.result.Shards)), desks: make(chan *desk[S], keptDesks)}
	s.newDesk = func() *desk[S] {
		files, err := merkle.NewEncoder[S](assets, envelope, log)
		if err != nil { // it was made of the same before
			panic(err)
		}
		return &desk[S]{lookup: lookup.Clone(), files: files}
	}
	return s, nil
}

// AbsentError is the [ErrNotFound] of a [Server]: a proof file that was made in place of what is not there had so many bytes.
type AbsentError struct{ Size int }

// Error says nothing of the customer.
func (AbsentError) Error() string { return ErrNotFound.Error() }

// Unwrap says what it is.
func (AbsentError) Unwrap() error { return ErrNotFound }

// Prove implements [Server].
func (s *server[S]) Prove(ctx context.Context, customer string) ([]byte, error) {
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
	var proved shard.Proved[S]
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

func (s *server[S]) desk() *desk[S] {
	select {
	case w := <-s.desks:
		return w
	default:
		return s.newDesk()
	}
}

func (s *server[S]) leave(w *desk[S]) {
	select {
	case s.desks <- w:
	default: // there are enough
	}
}

// Check implements [Server].
func (s *server[S]) Check(ctx context.Context) error {
	for i := range s.shards {
		if _, err := s.shard(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (s *server[S]) shard(ctx context.Context, index int) (_ *shard.File[S], err error) {
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

// Close implements [Server].
func (s *server[S]) Close() error {
	var all []error
	for i := range s.shards {
		if from := s.shards[i].from; from != nil {
			all = append(all, from.Close())
		}
	}
	return errors.Join(all...)
}

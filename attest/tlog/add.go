package tlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
)

var errClosed = errors.New("log: it is closed")

// Add enters entries and returns where each stands (SPEC part 25). It comes back once
// all are under a published checkpoint that the quorum cosigned, were read back, and
// each has a proof that was verified. An entry that is there already is not added
// again: its place is returned, under the checkpoint of now. Where the quorum is not
// reached the error is a [*QuorumError].
func (l *Log) Add(ctx context.Context, entries ...[]byte) ([]Place, error) {
	l.running.RLock()
	defer l.running.RUnlock()
	if l.closed {
		return nil, errClosed
	}
	if len(entries) == 0 {
		return nil, nil
	}
	for i, e := range entries {
		if len(e) == 0 || len(e) > MaxEntry {
			return nil, fmt.Errorf("log: entry %d of %d has %d bytes, want 1 to %d", i+1, len(entries), len(e), MaxEntry)
		}
	}
	before := l.setup.hearing.heard()
	indexes, err := l.enter(ctx, entries)
	if err != nil {
		return nil, err
	}
	size := uint64(0)
	for _, i := range indexes {
		size = max(size, i+1)
	}
	r, err := l.published(ctx, before, size, func() bool { return true })
	if err != nil {
		return nil, err
	}
	places := make([]Place, len(entries))
	for n, i := range indexes {
		if places[n], err = r.place(i, entries[n]); err != nil {
			return nil, err
		}
	}
	return places, nil
}

// enter gives each entry its index, the one it has if it is there already.
func (l *Log) enter(ctx context.Context, entries [][]byte) ([]uint64, error) {
	futures := make([]tessera.IndexFuture, len(entries))
	leaves := make([]string, len(entries))
	l.mu.Lock()
	for n, e := range entries {
		leaves[n] = string(rfc6962.DefaultHasher.HashLeaf(e))
		if l.known[leaves[n]] == nil {
			l.known[leaves[n]] = l.add(ctx, tessera.NewEntry(e))
		}
		futures[n] = l.known[leaves[n]]
	}
	l.mu.Unlock()
	indexes := make([]uint64, len(entries))
	for n, future := range futures {
		i, err := future()
		if err != nil {
			l.forget(leaves)
			return nil, fmt.Errorf("log: entry %d of %d: %w", n+1, len(entries), err)
		}
		indexes[n] = i.Index
	}
	return indexes, nil
}

// forget lets entries that were not written be tried again.
func (l *Log) forget(leaves []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, leaf := range leaves {
		if future := l.known[leaf]; future != nil {
			if _, err := future(); err != nil {
				delete(l.known, leaf)
			}
		}
	}
}

// Cosign has the checkpoint published anew, with new cosignatures, and returns it: a
// log that is looked at must be fresh (SPEC part 25).
func (l *Log) Cosign(ctx context.Context) (Checkpoint, error) {
	l.running.RLock()
	defer l.running.RUnlock()
	if l.closed {
		return Checkpoint{}, errClosed
	}
	before := l.setup.hearing.heard()
	if err := l.expire(); err != nil {
		return Checkpoint{}, err
	}
	r, err := l.published(ctx, before, 0, func() bool {
		info, err := os.Stat(l.checkpointPath())
		return err == nil && time.Since(info.ModTime()) < republish
	})
	if err != nil {
		return Checkpoint{}, err
	}
	return r.head, nil
}

// published waits for a checkpoint that covers so many entries, has the quorum and is
// fresh, or for one after the first so many tried to fail.
func (l *Log) published(ctx context.Context, before int, size uint64, fresh func() bool) (*reader, error) {
	waiting, done := context.WithTimeout(ctx, l.setup.Patience)
	defer done()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		ready := fresh()
		r, err := l.look()
		if err != nil {
			return nil, err
		}
		if ready && r.head.Size >= size && len(r.head.Witnesses) >= l.setup.Quorum {
			return r, nil
		}
		if err := l.setup.hearing.verdict(before, size, l.setup.Quorum); err != nil {
			return nil, err
		}
		select {
		case <-tick.C:
		case <-waiting.Done():
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("log: no checkpoint of size %d was published in %s; the one there has size %d and %d cosignatures, want %d",
				size, l.setup.Patience, r.head.Size, len(r.head.Witnesses), l.setup.Quorum)
		}
	}
}

// look reads the checkpoint, which must follow from the one read before.
func (l *Log) look() (*reader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	dir := os.DirFS(l.setup.Dir)
	c, err := ReadCheckpoint(dir, l.setup.vkey, l.setup.vkeys...)
	if err != nil {
		return nil, err
	}
	r, err := newReader(dir, c)
	if err != nil {
		return nil, err
	}
	if c.Size != l.last.Size || c.Root != l.last.Root {
		if err := r.follows(l.last); err != nil {
			return nil, err
		}
	}
	l.last = c
	return r, nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/merkle/build"
)

// bulk makes the archives of all customers' proofs, several at a time.
type bulk struct {
	*prover
	dir *archiveDir
	to  []age.Recipient

	mu   sync.Mutex // for dir's list, progress, and what follows
	done uint64
	made int
}

// proveAll writes the proofs of all customers, an archive a shard, as far as they are not there already.
func (p *prover) proveAll(cmd *cobra.Command, path string, to []string) error {
	recipients, names, err := p.s.recipients(to)
	if err != nil {
		return err
	}
	of := archivesOf{Statement: p.statement.String(), Envelope: digestOf(p.envelope), Shards: len(p.tree.Shards), To: names}
	if p.log != nil {
		of.Log = digestOf(slices.Concat(p.log.Entry, p.log.Proof))
	}
	dir, err := openArchives(path, of)
	if err != nil {
		return err
	}
	defer dir.Close()
	b := &bulk{prover: p, dir: dir, to: recipients}
	if err := b.all(); err != nil {
		return err
	}
	return p.s.app.say(cmd, map[string]any{"proofs": p.customers, "archives": len(p.tree.Shards), "made": b.made, "dir": path},
		"%d proofs in %d archives in %s, %d of them made now", p.customers, len(p.tree.Shards), path, b.made)
}

// all makes the archives that are not whole. Memory is that of a few open shards and compressors, whatever their size.
func (b *bulk) all() error {
	g, ctx := errgroup.WithContext(b.s.ctx)
	defer b.s.progress.finish()
	listed := b.dir.list.Archives
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), len(b.tree.Shards)) {
		g.Go(func() error {
			m, err := b.maker()
			if err != nil {
				return err
			}
			defer m.proofs.Close()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(b.tree.Shards) {
					return nil
				}
				whole, err := b.dir.whole(listed, i)
				if whole {
					b.tell(b.tree.Shards[i].Leaves)
				} else if err == nil {
					err = m.archive(ctx, i)
				}
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					return err
				}
			}
		})
	}
	return g.Wait()
}

// maker makes archives, one at a time.
type maker struct {
	*bulk
	proofs build.Maker
}

func (b *bulk) maker() (*maker, error) {
	proofs, err := b.open()
	return &maker{bulk: b, proofs: proofs}, err
}

// archive makes a shard's.
func (m *maker) archive(ctx context.Context, shard int) error {
	w, err := m.dir.create(shard, m.snap.Instant.Time, m.to)
	if err != nil {
		return err
	}
	defer w.abandon()
	const often = 1 << 10
	for proof, err := range m.proofs.All(ctx, shard) {
		if err != nil {
			return unproved(err)
		}
		if err := w.add(proofFile(proof.Handle), proof.File); err != nil {
			return err
		}
		if w.files%often == 0 {
			m.tell(often)
		}
	}
	made, err := w.close()
	if err != nil {
		return err
	}
	m.tell(w.files % often)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made++
	return m.dir.add(made)
}

func (b *bulk) tell(proofs uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += proofs
	b.s.progress.step("proofs", int64(b.done), int64(b.tree.Leaves)) //nolint:gosec // below 2^51
}

// recipients are those that --to names, or the snapshot key's own, and their names in order.
func (s *stages) recipients(to []string) (all []age.Recipient, names []string, err error) {
	if len(to) == 0 {
		own, err := keys.Recipient(s.config.keyRef(s.config.Keys.Snapshot))
		if err != nil {
			return nil, nil, keyError("keys.snapshot", err)
		}
		return []age.Recipient{own}, []string{own.String()}, nil
	}
	for _, t := range to {
		some, err := recipientsOf(t)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range some {
			if name := fmt.Sprint(r); !slices.Contains(names, name) {
				all, names = append(all, r), append(names, name)
			}
		}
	}
	// Whether they go together, age says when it seals.
	if _, err := age.Encrypt(io.Discard, all...); err != nil {
		return nil, nil, usage("--to: %v", err)
	}
	slices.Sort(names)
	return all, names, nil
}

// recipientsOf are those of one --to. No error quotes a line: it may be a secret key in the wrong place.
func recipientsOf(to string) ([]age.Recipient, error) {
	text, from := to, "--to"
	switch {
	case strings.HasPrefix(strings.ToUpper(to), "AGE-SECRET-KEY-"):
		return nil, usage("--to: this is a secret key, want its recipient (age1…)")
	case !strings.HasPrefix(to, "age1"):
		raw, err := os.ReadFile(to)
		if err != nil {
			return nil, unreadable("--to: want an age recipient (age1…) or a file of them: %v", err)
		}
		text, from = string(raw), to
	}
	var all []age.Recipient
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := age.ParseRecipients(strings.NewReader(line))
		if err != nil {
			if from == to {
				from = fmt.Sprintf("%s:%d", to, n)
			}
			return nil, usage("%s: not an age recipient (age1…)", from)
		}
		all = append(all, r...)
	}
	if len(all) == 0 {
		return nil, usage("--to: %s holds no age recipient (age1…)", to)
	}
	return all, nil
}

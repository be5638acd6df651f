package build

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/confidential"
	"github.com/assay-por/assay/merkle/store"
)

// Built is a snapshot that was built and signed, of either kind of tree, out of which customers get their proofs. It is safe for
// concurrent use once it is filled in.
type Built struct {
	Files     store.Store // the plan's folder
	Result    Result      // what Run returned or ParseShards read
	Assets    []string    // the columns' names in order: the registry's ids, and what SPEC part 30 has besides
	Statement merkle.Hash // digest of the signed statement's payload
	Identity  age.Identity
	// Envelope and Log go into each proof's file, see [merkle.NewEncoder].
	Envelope []byte
	Log      *merkle.InLog

	once   sync.Once
	hiding kind[confidential.Point]
	err    error
}

// Maker makes the proof files of customers (SPEC parts 8 and 29). It keeps the last shard that it opened, and is for one goroutine. A
// proof that does not give the root is an error, never returned.
type Maker interface {
	// Prove returns the proof file of a customer, whose id [merkle.NormalizeCustomer] returned, or [ErrNotFound]. No error holds the id.
	Prove(ctx context.Context, customer string) ([]byte, error)
	// All yields the proof files of all customers of a shard, in the order of its leaves. After an error it ends. A file is good until the next one.
	All(ctx context.Context, shard int) iter.Seq2[ProofOf, error]
	// Close closes the shard file that is open. The Maker may go on and open another.
	Close() error
}

// ProofOf is the proof file of the row with a look-up handle.
type ProofOf struct {
	Handle [32]byte
	File   []byte
}

// Maker returns a Maker, by what finds rows.
func (b *Built) Maker(lookup merkle.Lookup) (Maker, error) {
	if b.Result.Kind != merkle.KindConfidential {
		return newMaker(b, plainKind, lookup)
	}
	k, err := b.hidingKind()
	if err != nil {
		return nil, err
	}
	return newMaker(b, k, lookup)
}

// Server returns a Server, by what finds rows.
func (b *Built) Server(lookup merkle.Lookup) (Server, error) {
	if b.Result.Kind != merkle.KindConfidential {
		return serverOf(b, plainKind, lookup)
	}
	k, err := b.hidingKind()
	if err != nil {
		return nil, err
	}
	return serverOf(b, k, lookup)
}

// hidingKind makes parameters once for all.
func (b *Built) hidingKind() (kind[confidential.Point], error) {
	b.once.Do(func() {
		var p *confidential.Parameters
		if p, b.err = parametersOf(b.Assets); b.err == nil {
			b.hiding = hidingKind(p)
		}
	})
	return b.hiding, b.err
}

func serverOf[S merkle.Sum[S]](b *Built, k kind[S], lookup merkle.Lookup) (Server, error) {
	p, err := newProver(k, b.Files, b.Result, len(b.Assets), b.Statement, b.Identity)
	if err != nil {
		return nil, err
	}
	return newServer(p, lookup, b.Assets, b.Envelope, b.Log)
}

// maker is a Maker of one kind of tree.
type maker[S merkle.Sum[S]] struct {
	*prover[S]
	lookup merkle.Lookup
	files  *merkle.Encoder[S]
	file   []byte
}

func newMaker[S merkle.Sum[S]](b *Built, k kind[S], lookup merkle.Lookup) (Maker, error) {
	p, err := newProver(k, b.Files, b.Result, len(b.Assets), b.Statement, b.Identity)
	if err != nil {
		return nil, err
	}
	files, err := merkle.NewEncoder[S](b.Assets, b.Envelope, b.Log)
	return &maker[S]{prover: p, lookup: lookup.Clone(), files: files}, err
}

// Prove implements [Maker].
func (m *maker[S]) Prove(ctx context.Context, customer string) ([]byte, error) {
	proof, err := m.prover.Prove(ctx, m.lookup.Handle(customer), ShardOf(m.lookup.Order(customer), len(m.result.Shards)))
	if err != nil {
		return nil, err
	}
	// The row's identity was held to the root. That it is this customer's, only who has the id can tell.
	if root, err := proof.Root(customer); err != nil || root.Hash != m.result.Root {
		return nil, fmt.Errorf("shard #%d: its row for this customer is not this customer's: the file is damaged", proof.Shard.Index)
	}
	return m.files.Append(nil, proof)
}

// All implements [Maker].
func (m *maker[S]) All(ctx context.Context, shard int) iter.Seq2[ProofOf, error] {
	return func(yield func(ProofOf, error) bool) {
		for proved, err := range m.prover.All(ctx, shard) {
			if err == nil {
				m.file, err = m.files.Append(m.file[:0], proved.Proof)
			}
			if err == nil && merkle.Hash(proved.Handle) == proved.Identity {
				continue // a decoy, which is nobody's
			}
			if !yield(ProofOf{proved.Handle, m.file}, err) || err != nil {
				return
			}
		}
	}
}

package build

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// benchAssets is how many assets the ledgers of benchmarks have, of which a customer holds three.
const benchAssets = 50

func benchIDs() []string {
	names := make([]string, benchAssets)
	for i, a := range ledger.SynthAssets(benchAssets) {
		names[i] = a.ID
	}
	return names
}

// benchTree builds a tree.
func benchTree(b *testing.B, customers, shards int) (in Input, r Result, identity *age.X25519Identity) {
	b.Helper()
	return benchTreeOf(b, merkle.KindPlain, customers, shards)
}

func benchTreeOf(b *testing.B, kind merkle.Kind, customers, shards int) (in Input, r Result, identity *age.X25519Identity) {
	b.Helper()
	var text bytes.Buffer
	if err := ledger.Synth(&text, ledger.SynthOptions{Customers: customers, Assets: benchAssets, Held: 3, Seed: 1}); err != nil {
		b.Fatal(err)
	}
	l := &testLedger{text: text.String(), registry: ledger.SynthAssets(benchAssets)}
	for row := range strings.Lines(l.text) {
		if id, _, _ := strings.Cut(row, ","); id != "customer" && (len(l.ids) == 0 || id != l.ids[len(l.ids)-1]) {
			l.ids = append(l.ids, id)
		}
	}
	identity = newIdentity(b)
	in = inputOf(b, l, 1, 2, shards, identity)
	in.Kind = kind
	return in, mustRun(b, in), identity
}

func benchProver(b *testing.B, in Input, r Result, identity age.Identity) *prover[merkle.Plain] {
	b.Helper()
	p, err := NewProver(store.Dir(in.Dir), r, benchAssets, merkle.Hash{9}, identity)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkProofs makes the proofs of a shard of 100,000 customers with 3 of 50 assets in order: checked to the root, and as JSON.
func BenchmarkProofs(b *testing.B) {
	in, r, id := benchTree(b, 100_000, 1)
	p := benchProver(b, in, r, id)
	defer p.Close()
	e, err := merkle.NewEncoder[merkle.Plain](benchIDs(), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	var file []byte
	b.ReportAllocs()
	for b.Loop() {
		for proved, err := range p.All(context.Background(), 0) {
			if err != nil {
				b.Fatal(err)
			}
			if file, err = e.Append(file[:0], proved.Proof); err != nil {
				b.Fatal(err)
			}
			if !b.Loop() {
				return
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proofs/s")
}

// BenchmarkMaker makes the files of a shard of 100,000 customers with 3 of 50 assets in order, by the kind of tree.
func BenchmarkMaker(b *testing.B) {
	for _, kind := range []merkle.Kind{merkle.KindPlain, merkle.KindConfidential} {
		b.Run(kind.String(), func(b *testing.B) {
			in, r, id := benchTreeOf(b, kind, 100_000, 1)
			m, err := builtOf(in, r, benchIDs(), id).Maker(in.Keys.Lookup())
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range m.All(context.Background(), 0) {
					if err != nil {
						b.Fatal(err)
					}
					if !b.Loop() {
						return
					}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proofs/s")
		})
	}
}

// BenchmarkProof is one customer's proof as JSON, out of a million customers in four shards with 3 of 50 assets: a shard has as many
// as one of a hundred million in 256 or 512. "warm" finds the shard files in the page cache and each time opens another or the same;
// "first" is a Prover's first; for "cold" the file has to come from the disk, where the system can be told to forget it.
func BenchmarkProof(b *testing.B) {
	const shards = 4
	in, r, id := benchTree(b, 1_000_000, shards)
	names := benchIDs()
	one := func(b *testing.B, p *prover[merkle.Plain]) {
		customer := in.Ledger.ids[rand.IntN(len(in.Ledger.ids))]
		proof, err := p.Prove(context.Background(), in.Keys.Handle(customer), ShardOf(in.Keys.Order(customer), shards))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := proof.JSON(names, nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("warm", func(b *testing.B) {
		p := benchProver(b, in, r, id)
		defer p.Close()
		for b.Loop() {
			one(b, p)
		}
	})
	first := func(b *testing.B) {
		p := benchProver(b, in, r, id)
		one(b, p)
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			first(b)
		}
	})
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			for i := range shards {
				forget(b, filepath.Join(in.Dir, ShardFile(i)))
			}
			b.StartTimer()
			first(b)
		}
	})
}

// BenchmarkStart is what comes before the first proof of a tree of 256 shards: its list is read, and its top tree is hashed.
func BenchmarkStart(b *testing.B) {
	const shards = 256
	r := Result{Snapshot: merkle.Hash{1}}
	for i := range shards {
		s := ShardResult{Leaves: 390_625, Root: merkle.Hash{byte(i)}}
		for a := range benchAssets {
			s.Sum = append(s.Sum, merkle.Entry{Asset: uint16(a), Amount: merkle.Amount{Hi: uint64(a), Lo: 1e18 + uint64(i)}})
		}
		r.Shards = append(r.Shards, s)
	}
	names := benchIDs()
	list, err := ShardsJSON(r, names)
	if err != nil {
		b.Fatal(err)
	}
	id, dir := newIdentity(b), b.TempDir()
	b.SetBytes(int64(len(list)))
	for b.Loop() {
		r, err := ParseShards(list, names)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := NewProver(store.Dir(dir), r, benchAssets, merkle.Hash{9}, id); err != nil {
			b.Fatal(err)
		}
	}
}

package build

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"filippo.io/age"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

func serverOfTest(t testing.TB, in Input, r Result, names []string, id age.Identity) Server {
	t.Helper()
	s, err := builtOf(in, r, names, id).Server(merkle.ParseLookup(in.Keys.Lookup().Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestServer: asked by many at once, it gives every customer the file that a Prover's proof has, and nobody else's id one.
func TestServer(t *testing.T) {
	ctx := context.Background()
	id := newIdentity(t)
	l := readText(t, synthText(t, 3000), ledger.Rules{})
	in := inputOf(t, l, 1, 2, 4, id)
	r := mustRun(t, in)
	s := serverOfTest(t, in, r, ids, id)
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	p, err := NewProver(store.Dir(in.Dir), r, len(assets), merkle.Hash{9}, id)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	for _, name := range l.ids {
		proof, err := p.Prove(ctx, in.Keys.Handle(name), -1)
		if err != nil {
			t.Fatal(err)
		}
		if want[name], err = proof.JSON(ids, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	sizes := map[int]bool{} // whoever is not there has a proof as long as somebody's
	for _, raw := range want {
		sizes[len(raw)] = true
	}
	var g errgroup.Group
	var wrong, found atomic.Int64
	for i := range 4 {
		g.Go(func() error {
			for at := range l.ids {
				name := l.ids[(at*7+i*1000)%len(l.ids)]
				raw, err := s.Prove(ctx, name)
				if err != nil {
					return err
				}
				if !bytes.Equal(raw, want[name]) {
					wrong.Add(1)
				}
				var absent AbsentError
				if _, err := s.Prove(ctx, name+" else"); !errors.Is(err, ErrNotFound) || !errors.As(err, &absent) || !sizes[absent.Size] {
					found.Add(1)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil || wrong.Load() > 0 || found.Load() > 0 {
		t.Errorf("%v; %d files differ, %d strangers were found", err, wrong.Load(), found.Load())
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Prove(cancelled, l.ids[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := errors.Join(s.Close(), p.Close()); err != nil {
		t.Error(err)
	}
}

// TestServerOfAnother: files that are away or of another build are found at the start, and other keys find nobody.
func TestServerOfAnother(t *testing.T) {
	ctx := context.Background()
	id := newIdentity(t)
	l := readText(t, synthText(t, 60), ledger.Rules{})
	in := inputOf(t, l, 1, 2, 2, id)
	r := mustRun(t, in)
	other := in
	var err error
	if other.Keys, err = merkle.DeriveKeys([32]byte{7}, in.Snapshot); err != nil {
		t.Fatal(err)
	}
	s := serverOfTest(t, other, r, ids, id)
	for _, name := range l.ids {
		if _, err := s.Prove(ctx, name); !errors.Is(err, ErrNotFound) {
			t.Errorf("by other keys: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	stranger := inputOf(t, readText(t, synthText(t, 61), ledger.Rules{}), 1, 2, 2, id)
	mustRun(t, stranger)
	if err := serverOfTest(t, stranger, r, ids, id).Check(ctx); err == nil {
		t.Error("the files of another build were taken")
	}
	if err := serverOfTest(t, in, r, ids, newIdentity(t)).Check(ctx); err == nil {
		t.Error("files opened with another identity")
	}
	if err := os.Remove(filepath.Join(in.Dir, ShardFile(1))); err != nil {
		t.Fatal(err)
	}
	if err := serverOfTest(t, in, r, ids, id).Check(ctx); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a shard is missing: %v", err)
	}
	noEnvelope := builtOf(in, r, ids, id)
	noEnvelope.Envelope = []byte("{")
	if _, err := noEnvelope.Server(in.Keys.Lookup()); err == nil || strings.Contains(err.Error(), "{") {
		t.Errorf("an envelope that is none: %v", err)
	}
}

// BenchmarkServer is a customer's proof file out of a shard of a million customers with 3 of 50 assets, on all cores: of one who is
// in it, and of one who is not.
func BenchmarkServer(b *testing.B) {
	b.Run("plain", func(b *testing.B) { benchServer(b, merkle.KindPlain) })
	b.Run("confidential", func(b *testing.B) { benchServer(b, merkle.KindConfidential) })
}

func benchServer(b *testing.B, kind merkle.Kind) {
	b.Helper()
	in, r, id := benchTreeOf(b, kind, 1_000_000, 1)
	for name, suffix := range map[string]string{"present": "", "absent": "x"} {
		b.Run(name, func(b *testing.B) {
			s := serverOfTest(b, in, r, benchIDs(), id)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Prove(context.Background(), in.Ledger.ids[rand.IntN(len(in.Ledger.ids))]+suffix); err != nil && suffix == "" {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proofs/s")
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}

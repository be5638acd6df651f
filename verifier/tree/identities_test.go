package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func identityOf(i uint64) Hash { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, i)) }

// someIdentities has 100 rows in each of three shards, in runs of so many; the scratch is a file, or memory.
func someIdentities(t *testing.T, rows int, file bool, of func(shard, leaf uint64) Hash) *Identities {
	t.Helper()
	s := NewIdentities(nil)
	if file {
		s = NewIdentities(func() (Scratch, error) {
			f, err := os.Create(filepath.Join(t.TempDir(), "scratch"))
			if err == nil {
				t.Cleanup(func() { f.Close() })
			}
			return f, err
		})
	}
	s.rows = rows
	var group sync.WaitGroup
	for shard := range uint64(3) {
		group.Go(func() {
			for leaf := uint64(0); leaf < 100; leaf += 4 {
				var block []byte
				for i := range uint64(4) {
					id := of(shard, leaf+i)
					block = append(append(block, id[:]...), make([]byte, PointSize)...)
				}
				if err := s.add(int(shard), leaf, block, rowSize); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	return s
}

// TestIdentities: what occurs twice is found wherever both stand, and whether runs lie in memory or in a file; nothing else is.
func TestIdentities(t *testing.T) {
	type place struct{ shard, leaf uint64 }
	for name, tt := range map[string]struct{ first, again place }{
		"side by side":         {place{1, 10}, place{1, 11}},
		"in one block":         {place{1, 8}, place{1, 11}},
		"in one shard":         {place{0, 0}, place{0, 99}},
		"in two shards":        {place{0, 99}, place{1, 0}},
		"in the last":          {place{0, 3}, place{2, 99}},
		"at one place of each": {place{1, 50}, place{2, 50}},
	} {
		for _, rows := range []int{1, 4, 7, 64, 299, 300, 1000} {
			for _, file := range []bool{false, true} {
				apart := func(shard, leaf uint64) Hash { return identityOf(shard<<20 | leaf) }
				if err := someIdentities(t, rows, file, apart).Check(); err != nil {
					t.Fatalf("runs of %d, in a file %v: refused identities that are all different: %v", rows, file, err)
				}
				got := someIdentities(t, rows, file, func(shard, leaf uint64) Hash {
					if (place{shard, leaf}) == tt.again {
						shard, leaf = tt.first.shard, tt.first.leaf
					}
					return apart(shard, leaf)
				}).Check()
				var twice *TwiceError
				if want := (TwiceError{tt.again.shard, tt.again.leaf, tt.first.shard, tt.first.leaf}); !errors.As(got, &twice) || *twice != want {
					t.Errorf("%s, runs of %d, in a file %v: got %v, want %v", name, rows, file, got, &want)
				}
			}
		}
	}
}

// Identities that somebody chose to be alike meet where they are equal, and only there.
func TestIdentities_Alike(t *testing.T) {
	alike := func(shard, leaf uint64) (id Hash) {
		binary.BigEndian.PutUint64(id[8:], shard<<20|leaf)
		return id
	}
	if err := someIdentities(t, 64, true, alike).Check(); err != nil {
		t.Errorf("all different: got %v", err)
	}
	got := someIdentities(t, 64, true, func(shard, leaf uint64) Hash { return alike(min(shard, 1), leaf) }).Check()
	if want := "leaf #0: its identity occurs twice in the tree, first at leaf #0 of shard #1"; got == nil || got.Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A largest place comes back as it was.
func TestIdentities_LastPlace(t *testing.T) {
	s := NewIdentities(nil)
	id := identityOf(0)
	for _, leaf := range []uint64{maxLeaves - 1, maxLeaves} {
		if err := s.add(maxShards-1, leaf, id[:], len(id)); err != nil {
			t.Fatal(err)
		}
	}
	var twice *TwiceError
	if err := s.Check(); !errors.As(err, &twice) || *twice != (TwiceError{maxShards - 1, maxLeaves, maxShards - 1, maxLeaves - 1}) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ write, read error }

func (f *failing) WriteAt(b []byte, _ int64) (int, error) { return len(b), f.write }
func (f *failing) ReadAt(b []byte, _ int64) (int, error)  { return len(b), f.read }

// A scratch that fails is told of, as what it is.
func TestIdentities_ScratchFails(t *testing.T) {
	full := errors.New("no space left")
	for name, open := range map[string]func() (Scratch, error){
		"not opened":  func() (Scratch, error) { return nil, full },
		"not written": func() (Scratch, error) { return &failing{write: full}, nil },
		"not read":    func() (Scratch, error) { return &failing{read: full}, nil },
		"too short":   func() (Scratch, error) { return &failing{read: io.ErrUnexpectedEOF}, nil },
	} {
		s := NewIdentities(open)
		s.rows = 2
		var err error
		for i := range uint64(2) {
			id := identityOf(i)
			err = errors.Join(err, s.add(0, i, id[:], len(id)))
		}
		if err == nil {
			err = s.Check()
		}
		if !errors.Is(err, full) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// BenchmarkIdentities gathers a million identities and merges their runs; the figure that counts is ns/leaf.
func BenchmarkIdentities(b *testing.B) {
	const n = 1 << 20
	raw := make([]byte, 0, n*len(Hash{}))
	for i := range uint64(n) {
		id := identityOf(i)
		raw = append(raw, id[:]...)
	}
	for b.Loop() {
		file, err := os.Create(filepath.Join(b.TempDir(), "scratch"))
		if err != nil {
			b.Fatal(err)
		}
		s := NewIdentities(func() (Scratch, error) { return file, nil })
		for leaf := uint64(0); leaf < n; leaf += blockLeaves {
			if err := s.add(0, leaf, raw[leaf*32:][:blockLeaves*32], 32); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.Check(); err != nil {
			b.Fatal(err)
		}
		file.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leaf")
}

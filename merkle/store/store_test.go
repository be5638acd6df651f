package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/merkle/store/storetest"
)

// Both stores do the same.
func TestConformance(t *testing.T) {
	t.Run("dir", func(t *testing.T) {
		dir := t.TempDir()
		conform(t, store.Dir(dir), "dir "+dir)
	})
	t.Run("bucket", func(t *testing.T) {
		server := storetest.Start(t)
		conform(t, newBucket(t, server, storetest.SecretKey), "bucket "+server.Address)
	})
	t.Run("bucket with scratch", func(t *testing.T) {
		server := storetest.Start(t)
		b := newBucket(t, server, storetest.SecretKey)
		b.Scratch = filepath.Join(t.TempDir(), "new")
		conform(t, b, "bucket "+server.Address)
		if left, err := os.ReadDir(b.Scratch); err != nil || len(left) > 0 {
			t.Errorf("scratch holds %v, %v, want nothing", left, err)
		}
	})
}

// conform tests a store that is empty, and that other processes open by where.
func conform(t *testing.T, s store.Store, where string) {
	for name, test := range map[string]func(*testing.T, store.Store, string){
		"whole or not at all": testWhole, "killed": testKilled, "at once": testAtOnce, "ranges": testRanges,
		"large": testLarge, "names": testNames, "lists": testLists,
	} {
		t.Run(name, func(t *testing.T) {
			test(t, s, where)
			if err := store.RemoveAll(context.Background(), s, ""); err != nil {
				t.Error(err)
			}
			listed(t, s, "")
		})
	}
}

// listed holds the names that a store lists to those wanted.
func listed(t *testing.T, s store.Store, prefix string, want ...string) {
	t.Helper()
	all, err := s.List(context.Background(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range all {
		names = append(names, f.Name)
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("names below %q (-want +got):\n%s", prefix, d)
	}
}

func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	var key [32]byte
	key[0] = byte(seed)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

func absent(t *testing.T, s store.Store, name string) {
	t.Helper()
	if _, err := s.Open(context.Background(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: got %v, want fs.ErrNotExist", name, err)
	}
}

// Sizes about the part of a bucket's writer, which is 5 MiB here.
var sizes = []int{0, 1, 5<<20 - 1, 5 << 20, 5<<20 + 1, 12 << 20}

func testWhole(t *testing.T, s store.Store, _ string) {
	ctx := context.Background()
	for _, size := range sizes {
		want := content(1, size)
		for _, commit := range []bool{false, true} {
			w, err := s.Create(ctx, "a/b/file")
			if err != nil {
				t.Fatal(err)
			}
			if n, err := w.Write(want); n != size || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, size, err)
			}
			listed(t, s, "")
			absent(t, s, "a/b/file")
			if commit {
				if err := w.Commit(); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
		listed(t, s, "", "a/b/file")
		if got, err := store.Read(ctx, s, "a/b/file"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d bytes came %d, %v", size, len(got), err)
		}
		absent(t, s, "a/b")
		if err := errors.Join(s.Remove(ctx, "a/b/file"), s.Remove(ctx, "a/b/file"), s.Remove(ctx, "a/b")); err != nil {
			t.Error(err)
		}
		absent(t, s, "a/b/file")
	}
}

// testKilled: a process that is killed while it writes leaves nothing that is seen.
func testKilled(t *testing.T, s store.Store, where string) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "STORE_TEST_WRITE="+where)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Error("the child wrote nothing: ", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = child.Wait() // it was killed
	listed(t, s, "")
	absent(t, s, "killed")
}

// TestMain writes most of a file, where it is testKilled's child.
func TestMain(m *testing.M) {
	where := os.Getenv("STORE_TEST_WRITE")
	if where == "" {
		os.Exit(m.Run())
	}
	var s store.Store
	if dir, ok := strings.CutPrefix(where, "dir "); ok {
		s = store.Dir(dir)
	} else {
		client, err := (&storetest.Server{Address: strings.TrimPrefix(where, "bucket ")}).Client(storetest.SecretKey)
		if err != nil {
			panic(err)
		}
		s = &store.Bucket{Client: client, Name: storetest.Name, Prefix: "some/folder", Part: 5 << 20}
	}
	w, err := s.Create(context.Background(), "killed")
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(content(1, 12<<20)); err != nil {
		panic(err)
	}
	fmt.Print(".")
	time.Sleep(time.Hour)
}

// testAtOnce: of writers of one name every one is done, and one file stays, whole.
func testAtOnce(t *testing.T, s store.Store, _ string) {
	ctx := context.Background()
	for _, size := range []int{1000, 6 << 20} {
		var writers sync.WaitGroup
		const n = 8
		for i := range uint64(n) {
			writers.Go(func() {
				if err := store.Write(ctx, s, "one", content(i, size)); err != nil {
					t.Error(err)
				}
				if err := s.Remove(ctx, "other/file"); err != nil { // folders come and go meanwhile
					t.Error(err)
				}
				if err := store.Write(ctx, s, "other/file", content(i, 10)); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		got, err := store.Read(ctx, s, "one")
		if err != nil {
			t.Fatal(err)
		}
		whole := false
		for i := range uint64(n) {
			whole = whole || bytes.Equal(got, content(i, size))
		}
		if !whole {
			t.Errorf("what stays of %d bytes is none of the files written", size)
		}
		listed(t, s, "", "one", "other/file")
		if err := s.Remove(ctx, "one"); err != nil {
			t.Error(err)
		}
	}
}

func testRanges(t *testing.T, s store.Store, _ string) {
	ctx := context.Background()
	const size = 12<<20 + 3
	small, large := content(1, 500), content(2, size)
	if err := errors.Join(store.Write(ctx, s, "small", small), store.Write(ctx, s, "large", large)); err != nil {
		t.Fatal(err)
	}
	f := opened(t, s, "small")
	if err := iotest.TestReader(f, small); err != nil {
		t.Error(err)
	}
	f = opened(t, s, "large")
	if f.Size() != size {
		t.Errorf("got size %d, want %d", f.Size(), size)
	}
	var readers sync.WaitGroup
	for _, r := range [][2]int{{0, 1}, {5<<20 - 1, 2}, {5 << 20, 1}, {3, 11 << 20}, {size - 1, 1}, {size - 3, 3}, {7, 0}} {
		readers.Go(func() {
			got := make([]byte, r[1])
			if n, err := f.ReadAt(got, int64(r[0])); n != r[1] || err != nil || !bytes.Equal(got, large[r[0]:r[0]+r[1]]) {
				t.Errorf("%d bytes at %d: got %d, %v", r[1], r[0], n, err)
			}
		})
	}
	got := make([]byte, 10)
	if n, err := f.ReadAt(got, size-4); n != 4 || err != io.EOF || !bytes.Equal(got[:4], large[size-4:]) { //nolint:errorlint // as io.ReaderAt says
		t.Errorf("over the end: got %d, %v", n, err)
	}
	readers.Wait()
	if all, err := io.ReadAll(f); err != nil || !bytes.Equal(all, large) {
		t.Errorf("from the beginning: got %d bytes, %v", len(all), err)
	}
}

func opened(t *testing.T, s store.Store, name string) store.File {
	t.Helper()
	f, err := s.Open(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// testLarge: memory is one part, whatever the size of the file.
func testLarge(t *testing.T, s store.Store, _ string) {
	const size, step, most = 40 << 20, 1 << 20, 24 << 20
	piece := content(3, step)
	allocated := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	if n := allocated(func() {
		w, err := s.Create(context.Background(), "large")
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		for range size / step {
			if _, err := w.Write(piece); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("to write %d bytes takes %d bytes of memory in all, want at most %d", size, n, most)
	}
	buf := make([]byte, step)
	if n := allocated(func() {
		f := opened(t, s, "large")
		for range size / step {
			if _, err := io.ReadFull(f, buf); err != nil || !bytes.Equal(buf, piece) {
				t.Fatal("other bytes, or ", err)
			}
		}
		if n, err := f.Read(buf); n != 0 || err != io.EOF { //nolint:errorlint // as io.Reader says
			t.Errorf("at the end: %d, %v", n, err)
		}
	}); n > most {
		t.Errorf("to read %d bytes takes %d bytes of memory in all, want at most %d", size, n, most)
	}
}

func testNames(t *testing.T, s store.Store, _ string) {
	ctx := context.Background()
	kept := []string{"!'()*~$,;:@", "a b", "a%20b", "a%2Fb", "a+b", "a/b+ &=?#.c", `quote"<>`, "x..y", "{}[]|^`", "é漢"}
	for i, name := range kept {
		if err := store.Write(ctx, s, name, []byte{byte(i)}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	listed(t, s, "", kept...)
	for i, name := range kept {
		if got, err := store.Read(ctx, s, name); err != nil || !bytes.Equal(got, []byte{byte(i)}) {
			t.Errorf("%q: got %v, %v", name, got, err)
		}
		if err := s.Remove(ctx, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", ".", "..", "../a", "a/../b", "/a", "a/", "a//b", "./a", `a\b`, "a\nb", "a\x00b", "a\x7fb", "a\xffb", "a.part"} {
		_, created := s.Create(ctx, name)
		_, opened := s.Open(ctx, name)
		for op, err := range map[string]error{"create": created, "open": opened, "remove": s.Remove(ctx, name)} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s %q: got %v, want fs.ErrInvalid", op, name, err)
			}
		}
	}
	listed(t, s, "")
}

func testLists(t *testing.T, s store.Store, _ string) {
	ctx := context.Background()
	all := []string{"a", "b/00", "b/01", "b/1/x", "b0", "c"}
	for i, name := range all {
		if err := store.Write(ctx, s, name, make([]byte, i)); err != nil {
			t.Fatal(err)
		}
	}
	listed(t, s, "", all...)
	listed(t, s, "b", all[1:5]...)
	listed(t, s, "b/", all[1:4]...)
	listed(t, s, "b/0", all[1:3]...)
	listed(t, s, "none/0")
	below := store.Within(store.Within(s, "b"), "1")
	listed(t, below, "", "x")
	if got, err := below.List(ctx, ""); err != nil || len(got) != 1 || got[0].Size != 3 {
		t.Errorf("got %v, %v, want one file of 3 bytes", got, err)
	}
	if got, err := store.Read(ctx, below, "x"); err != nil || len(got) != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if got, err := s.List(stopped, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want the context's error", got, err)
	}
	if err := store.RemoveAll(ctx, store.Within(s, "b"), "0"); err != nil {
		t.Error(err)
	}
	listed(t, s, "", "a", "b/1/x", "b0", "c")
}

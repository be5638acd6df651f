package copies_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/assay-por/assay/web/copies"
)

// object is a content that counts how often it is fetched.
type object struct {
	content string
	fetched atomic.Int64
}

func (o *object) open() (io.ReadCloser, error) {
	o.fetched.Add(1)
	return io.NopCloser(strings.NewReader(o.content)), nil
}

func open(t *testing.T, dir string, limit int64) *copies.Folder {
	t.Helper()
	f, err := copies.Open(dir, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// get wants a copy of an object.
func get(t *testing.T, f *copies.Folder, name string, o *object) {
	t.Helper()
	file, err := f.Get(name, o.open)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if raw, err := io.ReadAll(file); err != nil || string(raw) != o.content {
		t.Errorf("%s: %q, %v", name, raw, err)
	}
}

// there are the names of the copies.
func there(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != ".lock" {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// TestLeastLately: what was asked for least lately goes first, who reads it reads on, and a process that comes after finds the rest.
func TestLeastLately(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, 10)
	a, b, c := &object{content: "aaaa"}, &object{content: "bbbb"}, &object{content: "cccc"}
	get(t, f, "a", a)
	get(t, f, "b", b)
	reading, err := f.Get("b", b.open)
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	get(t, f, "a", a)
	get(t, f, "c", c)
	if got := there(t, dir); got != "a c" {
		t.Errorf("there are %s", got)
	}
	if raw, err := io.ReadAll(reading); err != nil || string(raw) != "bbbb" {
		t.Errorf("who reads what goes reads %q, %v", raw, err)
	}
	if _, err := f.Get("large", (&object{content: strings.Repeat("x", 11)}).open); !errors.Is(err, copies.ErrLarge) {
		t.Errorf("one that is larger than all: %v", err)
	}
	if err := errors.Join(f.Close(), os.WriteFile(filepath.Join(dir, ".part-1"), []byte("half"), 0o600)); err != nil {
		t.Fatal(err)
	}
	f = open(t, dir, 10)
	get(t, f, "a", a)
	get(t, f, "c", c)
	if n := a.fetched.Load() + c.fetched.Load(); n != 2 || there(t, dir) != "a c" {
		t.Errorf("both were fetched %d times; there are %s", n, there(t, dir))
	}
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if get(t, f, "a", a); a.fetched.Load() != 2 {
		t.Error("one that somebody removed was not fetched again")
	}
	if err := f.Retain(func(name string) bool { return name == "c" }); err != nil || there(t, dir) != "c" {
		t.Errorf("%v; there are %s", err, there(t, dir))
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if open(t, dir, 3); there(t, dir) != "" {
		t.Errorf("for fewer bytes there are %s", there(t, dir))
	}
}

// TestWhole: an object that breaks off, or is not there, leaves nothing.
func TestWhole(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, 100)
	broken := errors.New("broken off")
	_, err := f.Get("a", func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), &fails{broken})), nil
	})
	if !errors.Is(err, broken) || there(t, dir) != "" {
		t.Errorf("%v; there are %s", err, there(t, dir))
	}
	if _, err := f.Get("a", func() (io.ReadCloser, error) { return nil, fs.ErrNotExist }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	get(t, f, "a", &object{content: "all of it"})
}

type fails struct{ err error }

func (f *fails) Read([]byte) (int, error) { return 0, f.err }

// TestOneProcess: two do not keep their copies in one folder.
func TestOneProcess(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, 1)
	if _, err := copies.Open(dir, 1); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 1)
}

// TestManyAsk: of many who ask at once each gets all of what it asked for, and an object is fetched once.
func TestManyAsk(t *testing.T) {
	f := open(t, t.TempDir(), 1<<20)
	var objects [8]object
	for i := range objects {
		objects[i].content = strings.Repeat(fmt.Sprint(i), 1000*(i+1))
	}
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for i := range 200 {
				at := (i*7 + n) % len(objects)
				file, err := f.Get(fmt.Sprint(at), objects[at].open)
				if err != nil {
					t.Error(err)
					return
				}
				raw, err := io.ReadAll(file)
				if file.Close() != nil || err != nil || !bytes.Equal(raw, []byte(objects[at].content)) {
					t.Errorf("object %d has %d bytes, %v", at, len(raw), err)
				}
			}
		})
	}
	all.Wait()
	for i := range objects {
		if n := objects[i].fetched.Load(); n != 1 {
			t.Errorf("object %d was fetched %d times", i, n)
		}
	}
}

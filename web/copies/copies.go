// Package copies keeps copies of objects in a folder of this machine, up to so many bytes: what was asked for least lately goes
// first. A copy is there whole or not at all, and never changes: another content has another name. What the kernel has read of a
// copy lately it has in memory, as of any file.
package copies

import (
	"cmp"
	"container/list"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/singleflight"
)

// unfinished begins the names of copies on their way, lockName is the file that this process holds; no copy's name begins with a dot.
const (
	unfinished = ".part-"
	lockName   = ".lock"
)

// ErrLarge is wrapped by the error for an object that has more bytes than all copies may have.
var ErrLarge = errors.New("it is larger than all copies may be together")

// Folder is a folder of copies, held by this process alone. It may be used by many at once.
type Folder struct {
	dir      string
	limit    int64
	lock     *flock.Flock
	fetching singleflight.Group

	mu    sync.Mutex
	held  map[string]*list.Element // of copied
	order *list.List               // the one that was asked for last is the first
	total int64
}

type copied struct {
	name string
	size int64
}

// Open takes a folder, which it makes, for at most limit bytes; what is on its way comes on top. Copies that are there stay.
func Open(dir string, limit int64) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, limit: limit, lock: flock.New(filepath.Join(dir, lockName)), held: map[string]*list.Element{}, order: list.New()}
	got, err := f.lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !got {
		return nil, fmt.Errorf("another process keeps its copies in %s: each has a folder of its own", dir)
	}
	if err := f.adopt(); err != nil {
		return nil, errors.Join(err, f.lock.Unlock())
	}
	return f, nil
}

// adopt takes in what a process before left, and removes what it did not end.
func (f *Folder) adopt() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	type found struct {
		copied
		when time.Time
	}
	var all []found
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), unfinished):
			if err := os.Remove(filepath.Join(f.dir, e.Name())); err != nil {
				return err
			}
		case info.Mode().IsRegular() && !strings.HasPrefix(e.Name(), "."):
			all = append(all, found{copied{e.Name(), info.Size()}, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return cmp.Or(a.when.Compare(b.when), cmp.Compare(a.name, b.name)) })
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range all {
		f.add(one.copied)
	}
	return f.shrink()
}

// Close lets go of the folder; the copies stay.
func (f *Folder) Close() error { return f.lock.Unlock() }

// Fits is an error that wraps [ErrLarge] for an object of more bytes than all copies may have, which need not be fetched to be told.
func (f *Folder) Fits(size int64) error {
	if size > f.limit {
		return fmt.Errorf("%w, %d bytes", ErrLarge, f.limit)
	}
	return nil
}

// Get opens the copy of a name. If there is none, one of all who ask for it has fetch open the object, whose reader is an error if it
// is not whole, or not the right one.
func (f *Folder) Get(name string, fetch func() (io.ReadCloser, error)) (*os.File, error) {
	const tries = 3 // others may push out a copy as soon as it is there
	for range tries {
		file, err := f.open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		_, err, _ = f.fetching.Do(name, func() (any, error) {
			if f.has(name) { // since it was looked for
				return nil, nil
			}
			return nil, f.fetch(name, fetch)
		})
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the copies in %s push each other out: they need more than %d bytes", f.dir, f.limit)
}

// open is an fs.ErrNotExist if there is no such copy.
func (f *Folder) open(name string) (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.held[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	file, err := os.Open(filepath.Join(f.dir, name))
	if errors.Is(err, fs.ErrNotExist) { // somebody cleaned up
		f.drop(at)
	} else {
		f.order.MoveToFront(at)
	}
	return file, err
}

func (f *Folder) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held[name] != nil
}

func (f *Folder) fetch(name string, fetch func() (io.ReadCloser, error)) (err error) {
	from, err := fetch()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(f.dir, unfinished+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = to.Close()           // nothing of it is wanted
			_ = os.Remove(to.Name()) // it may have its place; what is left Open removes
		}
	}()
	size, err := io.Copy(to, io.LimitReader(from, f.limit+1))
	if err == nil {
		err = f.Fits(size)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(to.Sync(), to.Close()); err != nil {
		return err
	}
	return f.place(to.Name(), copied{name, size})
}

// place renames a whole copy, and makes room for it.
func (f *Folder) place(from string, c copied) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := os.Rename(from, filepath.Join(f.dir, c.name)); err != nil {
		return err
	}
	f.add(c)
	if err := f.shrink(); err != nil {
		return fmt.Errorf("an old copy cannot be removed: %w", err)
	}
	return nil
}

// add and what follows it want mu.
func (f *Folder) add(c copied) {
	if at, ok := f.held[c.name]; ok {
		f.drop(at)
	}
	f.held[c.name] = f.order.PushFront(c)
	f.total += c.size
}

// shrink removes copies until the others may stay. Who has one open goes on reading it.
func (f *Folder) shrink() error {
	for f.total > f.limit {
		if err := f.remove(f.order.Back()); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) remove(at *list.Element) error {
	if err := os.Remove(filepath.Join(f.dir, f.drop(at).name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *Folder) drop(at *list.Element) copied {
	c := f.order.Remove(at).(copied) // it holds no others
	delete(f.held, c.name)
	f.total -= c.size
	return c
}

// Retain removes all copies but those that keep names.
func (f *Folder) Retain(keep func(name string) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []error
	for name, at := range f.held {
		if !keep(name) {
			all = append(all, f.remove(at))
		}
	}
	return errors.Join(all...)
}

// Package store keeps the files of a build by name: in a folder, or in a bucket that several machines share.
//
// A file is there whole or not at all, and never changes: where two processes write one of the same name, both mean the same by
// it, and either stays. So a store needs no locks, and a process may end at any moment.
package store

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"unicode"
)

// Store keeps files. A name is a relative path with slashes, as [io/fs.ValidPath] has it, without backslashes and control
// characters, and does not end in ".part". No name is a folder of another. A store is safe for concurrent use, its open files for
// concurrent ReadAt.
type Store interface {
	// Create begins a file, which is there once Commit has returned.
	Create(ctx context.Context, name string) (Writer, error)
	// Open opens a file. If there is none, the error is fs.ErrNotExist.
	Open(ctx context.Context, name string) (File, error)
	// List returns the files whose names begin with prefix, in order of name; of files on their way nothing.
	List(ctx context.Context, prefix string) ([]Info, error)
	// Remove removes a file. If there is none, it does nothing.
	Remove(ctx context.Context, name string) error
}

// Writer writes one file.
type Writer interface {
	io.Writer
	// Commit ends the file and puts it in its place, to survive a loss of power.
	Commit() error
	// Close gives up a file that was not committed; after Commit it does nothing.
	Close() error
}

// File is an open file: read from its beginning, or at any place.
type File interface {
	io.Reader
	io.ReaderAt
	io.Closer
	Size() int64
}

// Info is a file in a list.
type Info struct {
	Name string
	Size int64
}

// Read returns a whole file.
func Read(ctx context.Context, s Store, name string) ([]byte, error) {
	f, err := s.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// Write puts a whole file in its place.
func Write(ctx context.Context, s Store, name string, data []byte) error {
	w, err := s.Create(ctx, name)
	if err != nil {
		return err
	}
	defer w.Close()
	if _, err := w.Write(data); err != nil {
		return err
	}
	return w.Commit()
}

// RemoveAll removes the files whose names begin with prefix, and what killed processes left of such files. Requires that nobody
// writes one.
func RemoveAll(ctx context.Context, s Store, prefix string) error {
	return Sweep(ctx, s, prefix, func(string) bool { return false })
}

// Sweep is RemoveAll but for the files that keep names.
func Sweep(ctx context.Context, s Store, prefix string, keep func(name string) bool) error {
	all, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, f := range all {
		if keep(f.Name) {
			continue
		}
		if err := s.Remove(ctx, f.Name); err != nil {
			return err
		}
	}
	return removeUnfinished(ctx, s, prefix)
}

func removeUnfinished(ctx context.Context, s Store, prefix string) error {
	if own, ok := s.(interface {
		removeUnfinished(context.Context, string) error
	}); ok {
		return own.removeUnfinished(ctx, prefix)
	}
	return nil
}

// Within returns the part of a store below a folder.
func Within(s Store, folder string) Store { return within{s, folder + "/"} }

type within struct {
	Store
	prefix string
}

func (w within) Create(ctx context.Context, name string) (Writer, error) {
	return w.Store.Create(ctx, w.prefix+name)
}

func (w within) Open(ctx context.Context, name string) (File, error) {
	return w.Store.Open(ctx, w.prefix+name)
}

func (w within) List(ctx context.Context, prefix string) ([]Info, error) {
	all, err := w.Store.List(ctx, w.prefix+prefix)
	for i := range all {
		all[i].Name = strings.TrimPrefix(all[i].Name, w.prefix)
	}
	return all, err
}

func (w within) Remove(ctx context.Context, name string) error {
	return w.Store.Remove(ctx, w.prefix+name)
}

func (w within) removeUnfinished(ctx context.Context, prefix string) error {
	return removeUnfinished(ctx, w.Store, w.prefix+prefix)
}

// unfinished ends the names of a folder's files on their way.
const unfinished = ".part"

// check refuses names that would lead elsewhere, or that not every store keeps as they are.
func check(op, name string) error {
	odd := func(r rune) bool { return r == '\\' || unicode.IsControl(r) }
	if !fs.ValidPath(name) || name == "." || strings.ContainsFunc(name, odd) || strings.HasSuffix(name, unfinished) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return nil
}

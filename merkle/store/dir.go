package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Dir is a store in a folder. Nobody but its owner can read what it writes.
type Dir string

// Create makes the folders above the file too.
func (d Dir) Create(_ context.Context, name string) (Writer, error) {
	if err := check("create", name); err != nil {
		return nil, err
	}
	path := d.path(name)
	const tries = 10 // a folder may be removed, as it is empty, before the file is in it
	for try := 1; ; try++ {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*"+unfinished) // mode 0600
		if err == nil {
			return &dirWriter{f, d, path}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || try == tries {
			return nil, err
		}
	}
}

// Open opens a file of the folder.
func (d Dir) Open(_ context.Context, name string) (File, error) {
	if err := check("open", name); err != nil {
		return nil, err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "open", Path: f.Name(), Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return dirFile{f, info.Size()}, nil
}

// List walks the folder that prefix leads to.
func (d Dir) List(ctx context.Context, prefix string) ([]Info, error) {
	all, err := d.walk(ctx, prefix)
	return slices.DeleteFunc(all, func(f Info) bool { return strings.HasSuffix(f.Name, unfinished) }), err
}

func (d Dir) walk(ctx context.Context, prefix string) ([]Info, error) {
	top := string(d)
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		if err := check("list", prefix[:i]); err != nil {
			return nil, err
		}
		top = d.path(prefix[:i])
	}
	var found []Info
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed meanwhile, or never there
		case err != nil || entry.IsDir():
			return errors.Join(err, ctx.Err())
		}
		rel, err := filepath.Rel(string(d), path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if !strings.HasPrefix(name, prefix) {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		found = append(found, Info{name, info.Size()})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

func (d Dir) removeUnfinished(ctx context.Context, prefix string) error {
	all, err := d.walk(ctx, prefix)
	if err != nil {
		return err
	}
	for _, f := range all {
		if strings.HasSuffix(f.Name, unfinished) {
			if err := d.remove(f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Remove removes the file, and the folders above it that are empty then.
func (d Dir) Remove(_ context.Context, name string) error {
	if err := check("remove", name); err != nil {
		return err
	}
	return d.remove(name)
}

func (d Dir) remove(name string) error {
	path := d.path(name)
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.prune(filepath.Dir(path))
	return nil
}

// prune removes a folder, and those above it, as far as they are empty.
func (d Dir) prune(folder string) {
	for folder != filepath.Clean(string(d)) && os.Remove(folder) == nil {
		folder = filepath.Dir(folder)
	}
}

func (d Dir) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

type dirFile struct {
	*os.File
	size int64
}

func (f dirFile) Size() int64 { return f.size }

type dirWriter struct {
	*os.File // nil once it is in its place, or given up
	dir      Dir
	path     string
}

func (w *dirWriter) Commit() error {
	if err := w.Sync(); err != nil {
		return err
	}
	if err := w.File.Close(); err != nil {
		return err
	}
	if err := os.Rename(w.Name(), w.path); err != nil {
		return err
	}
	w.File = nil
	for folder := filepath.Dir(w.path); ; folder = filepath.Dir(folder) { // Create may have made any of them
		err := syncDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // removed meanwhile, with the file
		}
		if err != nil || folder == filepath.Clean(string(w.dir)) {
			return err
		}
	}
}

func (w *dirWriter) Close() error {
	if w.File == nil {
		return nil
	}
	_ = w.File.Close() // Commit may have closed it
	err := os.Remove(w.Name())
	w.File = nil
	w.dir.prune(filepath.Dir(w.path))
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

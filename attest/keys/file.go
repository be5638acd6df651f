package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// create writes a new file whole or not at all, and never over another: the bytes
// are on disk under a temporary name before the name itself is taken.
func create(path string, content []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".new-key-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", path, ErrExists)
		}
		return err
	}
	return syncDir(dir)
}

// absent refuses a path where something lies already.
func absent(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, ErrExists)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// save writes a sealed file and its public half beside it.
func save(path, kind, line, public string, lock Lock) error {
	sealed, err := seal(kind, line, lock)
	if err != nil {
		return err
	}
	if err := errors.Join(absent(path), absent(PublicPath(path))); err != nil {
		return err
	}
	if err := create(path, sealed, 0o600); err != nil {
		return err
	}
	return create(PublicPath(path), []byte(public+"\n"), 0o644)
}

// samePublic compares the public half of an opened key with the file beside it, if there is one.
func samePublic(path, public string) error {
	b, err := os.ReadFile(PublicPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if string(b) != public+"\n" {
		return fmt.Errorf("%s: it is not the public half of %s: one of the two files was altered", PublicPath(path), path)
	}
	return nil
}

package main

import (
	"errors"
	"os"
	"path/filepath"
)

// writeWhole writes a file that appears whole or not at all. put gives it its name: os.Rename takes the place of a file that is there,
// os.Link fails with fs.ErrExist.
func writeWhole(path string, data []byte, put func(from, to string) error) (err error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return unreadable(path, err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(data)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	if err == nil {
		err = temporary.Sync()
	}
	if err = errors.Join(err, temporary.Close()); err != nil {
		return unreadable(path, err)
	}
	if err := put(temporary.Name(), path); err != nil {
		return unreadable(path, err)
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the name of a new file last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return unreadable(path, err)
	}
	return nil
}

package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteDir writes files as the folder dir, whole or not at all (SPEC part 11): it
// fills a folder beside it, then takes the name. A bundle that lies at dir is
// replaced; anything else there is left alone and refused. After an interruption
// the older bundle is there still, or [RestoreDir] puts it back.
func WriteDir(dir string, files []File) (err error) {
	sorted, err := sortFiles(files)
	if err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	if err := RestoreDir(dir); err != nil {
		return err
	}
	older, err := olderBundle(dir)
	if err != nil {
		return err
	}
	fresh := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".new")
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o755)); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	if err := fill(fresh, sorted); err != nil {
		return err
	}
	return swap(dir, fresh, older)
}

// RestoreDir puts back the bundle that an interrupted [WriteDir] had set aside. It
// does nothing where nothing was interrupted.
func RestoreDir(dir string) error {
	dir = filepath.Clean(dir)
	_, err := os.Lstat(dir)
	if err == nil {
		return os.RemoveAll(setAside(dir)) // the new bundle is in place
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(setAside(dir), dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func setAside(dir string) string {
	return filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".old")
}

// olderBundle says whether a bundle lies at dir; something else there is an error.
func olderBundle(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("bundle: %w", err)
	}
	if len(entries) == 0 {
		return true, nil
	}
	if _, err := os.Stat(filepath.Join(dir, PathManifest)); err != nil {
		return false, fmt.Errorf("bundle: %s is not empty and holds no bundle: name another folder", dir)
	}
	return true, nil
}

func fill(dir string, files []File) error {
	dirs := []string{dir}
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Path))
		if parent := filepath.Dir(name); parent != dir {
			if err := os.MkdirAll(parent, 0o755); err != nil {
				return fmt.Errorf("bundle: %w", err)
			}
			dirs = append(dirs, parent)
		}
		if err := writeFile(name, f.copyTo); err != nil {
			return err
		}
	}
	var err error
	for _, d := range dirs {
		err = errors.Join(err, syncDir(d))
	}
	return err
}

// swap takes the name: the older bundle is set aside for the moment between two renames.
func swap(dir, fresh string, older bool) error {
	if older {
		if err := os.Rename(dir, setAside(dir)); err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		return errors.Join(fmt.Errorf("bundle: %w", err), RestoreDir(dir))
	}
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return err
	}
	return os.RemoveAll(setAside(dir))
}

// WriteFile writes a file whole or not at all, replacing an older one.
func WriteFile(name string, write func(io.Writer) error) error {
	tmp := filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".new")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeFile(tmp, write); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, name); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return syncDir(filepath.Dir(name))
}

// writeFile creates a file and does not return before it is on disk.
func writeFile(name string, write func(io.Writer) error) error {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<16)
	err = write(w)
	return errors.Join(err, w.Flush(), out.Sync(), out.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

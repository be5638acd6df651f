package site

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/assay-por/assay/web/published"
)

// Written says what an export wrote.
type Written struct {
	Reports, Pages, Files int // files of bundles and log
	Bytes                 int64
}

// Export writes the whole site as the folder dir, with bundles and log, which may be nil. It fills a folder
// beside it, which is on disk before it takes the name. A site that lies at dir is replaced;
// anything else there is left alone and refused. After an interruption the older site is
// there still, or the next export puts it back.
func Export(dir string, s *Site, log *published.Log) (w Written, err error) {
	dir = filepath.Clean(dir)
	beside := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir))
	fresh, aside := beside+".new", beside+".old"
	alone, err := lockBeside(beside)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, alone()) }()
	older, err := olderSite(dir, aside)
	if err != nil {
		return w, err
	}
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o755)); err != nil {
		return w, fmt.Errorf("site: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	if w, err = s.fill(fresh, log); err != nil {
		return w, err
	}
	if older {
		if err := os.Rename(dir, aside); err != nil {
			return w, fmt.Errorf("site: %w", err)
		}
	}
	if err := os.Rename(fresh, dir); err != nil {
		if older {
			err = errors.Join(err, os.Rename(aside, dir))
		}
		return w, fmt.Errorf("site: %w", err)
	}
	return w, errors.Join(syncDir(filepath.Dir(dir)), os.RemoveAll(aside))
}

// lockBeside keeps others from writing the same site: each would remove what the other has filled, and publish what is left of it.
func lockBeside(beside string) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(beside), 0o755); err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	lock := flock.New(beside + ".lock")
	got, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	if !got {
		return nil, fmt.Errorf("site: another assay is writing it: %s is locked", lock.Path())
	}
	return lock.Unlock, nil // the file stays: who removes one that others wait for lets two in
}

// olderSite says whether there is something at dir that may be replaced, after putting back what an interruption left aside.
func olderSite(dir, aside string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Rename(aside, dir); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err == nil {
			entries, err = os.ReadDir(dir)
		}
	}
	if err != nil {
		return false, fmt.Errorf("site: %w", err)
	}
	if err := os.RemoveAll(aside); err != nil {
		return false, fmt.Errorf("site: %w", err)
	}
	if len(entries) == 0 {
		return true, nil
	}
	var there index
	raw, err := os.ReadFile(filepath.Join(dir, pathJSON))
	if err != nil || json.Unmarshal(raw, &there) != nil || there.Type != Type {
		return false, fmt.Errorf("site: %s is not empty and holds no site: name another folder", dir)
	}
	return true, nil
}

// fill writes all of the site into a folder that is empty.
func (s *Site) fill(dir string, log *published.Log) (Written, error) {
	to := &folder{dir: dir, below: map[string]bool{}}
	w := Written{Reports: len(s.shown)}
	for _, path := range s.Paths() {
		p, err := s.Page(path)
		if err != nil {
			return w, err
		}
		if err := to.write(path, func(out io.Writer) error { _, err := out.Write(p.Content); return err }); err != nil {
			return w, err
		}
		w.Pages++
	}
	for _, r := range s.shown {
		if err := r.copyTo(to); err != nil {
			return w, err
		}
	}
	if log != nil {
		if err := copyLog(to, log); err != nil {
			return w, err
		}
	}
	w.Files, w.Bytes = to.files-w.Pages, to.bytes
	return w, to.sync()
}

// copyTo copies the bundle's files, each of which has the digest that the manifest says.
func (r *shown) copyTo(to *folder) error {
	entries, err := r.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, _, err := r.Open(e.Path)
		if err != nil {
			return err
		}
		if err := to.copy(r.at("bundle/"+e.Path), f); err != nil {
			return err
		}
	}
	if !r.HasZip() {
		return nil
	}
	z, err := r.Zip()
	if err != nil {
		return err
	}
	return to.copy(r.at("bundle.zip"), z)
}

// copyLog copies the tiles that the checkpoint covers, and then the checkpoint.
func copyLog(to *folder, log *published.Log) error {
	f, err := log.Checkpoint()
	if err != nil {
		return fmt.Errorf("site: the log: %w", err)
	}
	checkpoint, err := io.ReadAll(f) // the log may grow meanwhile
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("site: the log: %w", err)
	}
	for path := range published.Tiles(published.SizeOf(checkpoint)) {
		f, _, err := log.Tile(path)
		if err != nil {
			return fmt.Errorf("site: the log: %w", err)
		}
		if err := to.copy("log/"+path, f); err != nil {
			return err
		}
	}
	return to.write("log/checkpoint", func(w io.Writer) error { _, err := w.Write(checkpoint); return err })
}

// folder is one that is being filled.
type folder struct {
	dir   string
	below map[string]bool // the folders that were made, itself among them
	files int
	bytes int64
}

func (f *folder) copy(path string, from *published.File) error {
	err := f.write(path, func(w io.Writer) error { _, err := io.Copy(w, from); return err })
	return errors.Join(err, from.Close())
}

// write creates a file and does not return before it is on disk.
func (f *folder) write(path string, content func(io.Writer) error) error {
	name := filepath.Join(f.dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	for at := filepath.Dir(name); len(at) >= len(f.dir); at = filepath.Dir(at) {
		f.below[at] = true
	}
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	w := &counter{w: bufio.NewWriterSize(out, 1<<16)}
	err = content(w)
	f.files, f.bytes = f.files+1, f.bytes+w.n
	if err := errors.Join(err, w.w.Flush(), out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("site: %s: %w", path, err)
	}
	return nil
}

type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// sync puts the folders on disk.
func (f *folder) sync() error {
	for dir := range f.below {
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("site: %w", err)
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

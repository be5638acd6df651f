package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WriteDir writes files as the folder dir, whole or not at all (SPEC part 11): it
// fills a folder beside it, then takes the name. A bundle that lies at dir is
// replaced; anything else there is left alone and refused. After an interruption
// the older bundle is there still, or [RestoreDir] puts it back.
func WriteDir(dir string, files []File) error {
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
	return bundleAt(dir).replace(sorted, older)
}

// Attach adds files to the attachments of the bundle at dir, in place of those with the
// same paths, all of them or none, and rewrites nothing else (SPEC part 11). What they
// say is for [Lint] to look at.
func Attach(dir string, files ...File) error {
	dir = filepath.Clean(dir)
	if err := RestoreDir(dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, PathManifest)); err != nil {
		return fmt.Errorf("bundle: there is none to attach to: %w", err)
	}
	have, err := filesBelow(dir, attachmentsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	byPath := map[string]File{}
	for _, f := range append(have, files...) {
		if !isAttachment(f.Path) {
			return fmt.Errorf("bundle: %s is no attachment", clip(f.Path))
		}
		byPath[f.Path] = f
	}
	all := slices.Collect(maps.Values(byPath))
	if err := checkTogether(all); err != nil {
		return err
	}
	for i := range all {
		all[i].Path = strings.TrimPrefix(all[i].Path, attachmentsDir+"/")
	}
	return attachmentsAt(dir).replace(all, len(have) > 0)
}

// ReadDir lists the files of the bundle at dir (SPEC part 11).
func ReadDir(dir string) ([]File, error) {
	files, err := filesBelow(dir, ".")
	if err != nil {
		return nil, err
	}
	return sortFiles(files)
}

func filesBelow(dir, part string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(filepath.Join(dir, part), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		path, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is no regular file", name)
		}
		f, err := NewDiskFile(filepath.ToSlash(path), name)
		files = append(files, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return files, nil
}

const attachmentsDir = "attachments"

// folder is one that is replaced as a whole, and where its next and its last content
// lie meanwhile: beside the bundle, never in it.
type folder struct{ dir, fresh, aside string }

func bundleAt(dir string) folder { return folderOf(dir, filepath.Base(dir)) }

func attachmentsAt(dir string) folder {
	p := folderOf(dir, filepath.Base(dir)+"."+attachmentsDir)
	p.dir = filepath.Join(dir, attachmentsDir)
	return p
}

func folderOf(dir, name string) folder {
	beside := filepath.Join(filepath.Dir(dir), "."+name)
	return folder{dir: dir, fresh: beside + ".new", aside: beside + ".old"}
}

// RestoreDir puts back what an interrupted [WriteDir] or [Attach] had set aside. It does
// nothing where nothing was interrupted.
func RestoreDir(dir string) error {
	dir = filepath.Clean(dir)
	if err := bundleAt(dir).restore(); err != nil {
		return err
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(attachmentsAt(dir).aside) // their bundle is gone
	}
	return attachmentsAt(dir).restore()
}

func (p folder) restore() error {
	_, err := os.Lstat(p.dir)
	if err == nil {
		return os.RemoveAll(p.aside) // the new content is in place
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(p.aside, p.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
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

// replace fills a folder with the files and takes the name for it: the older content is
// set aside for the moment between two renames.
func (p folder) replace(files []File, older bool) (err error) {
	if err := errors.Join(os.RemoveAll(p.fresh), os.Mkdir(p.fresh, 0o755)); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(p.fresh))
		}
	}()
	if err := fill(p.fresh, files); err != nil {
		return err
	}
	if older {
		if err := os.Rename(p.dir, p.aside); err != nil {
			return fmt.Errorf("bundle: %w", err)
		}
	}
	if err := os.Rename(p.fresh, p.dir); err != nil {
		return errors.Join(fmt.Errorf("bundle: %w", err), p.restore())
	}
	if err := syncDir(filepath.Dir(p.dir)); err != nil {
		return err
	}
	return os.RemoveAll(p.aside)
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

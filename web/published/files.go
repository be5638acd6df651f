package published

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-por/assay/report"
)

// Paths among the files of a report.
const (
	FolderBundle = "bundle"     // the folder of SPEC part 11
	PathZip      = "bundle.zip" // the same as one file
	FolderPage   = "report"     // of the page
	PathPage     = FolderPage + "/" + PageName
)

// bundled is the path of a bundle's file among those of its report.
func bundled(path string) string { return FolderBundle + "/" + path }

// Files are the files of one report, by paths such as [PathZip], wherever they lie.
type Files interface {
	fmt.Stringer // says where

	// Mark is another one when the report is. The error wraps fs.ErrNotExist if there is none.
	Mark() (string, error)
	// Open opens a file. If there is none, the error wraps fs.ErrNotExist.
	Open(path string) (*File, error)
	// Size is a file's, which is not opened.
	Size(path string) (int64, error)
	// Paths lists the bundle's files, in any order, without [FolderBundle].
	Paths() ([]string, error)
}

// placed are the files at a place.
type placed struct {
	Place
	digests *Digests
}

func (p placed) String() string { return p.Bundle }

// split is the folder below which a file is opened, and its name there.
func (p placed) split(path string) (dir, name string) {
	if name, ok := strings.CutPrefix(path, FolderBundle+"/"); ok {
		return p.Bundle, name
	}
	if name, ok := strings.CutPrefix(path, FolderPage+"/"); ok && p.Page != "" {
		return p.Page, name
	}
	if path == PathZip && p.Zip != "" {
		return filepath.Dir(p.Zip), filepath.Base(p.Zip)
	}
	return "", ""
}

func (p placed) Open(path string) (*File, error) {
	dir, name := p.split(path)
	if dir == "" {
		return nil, fmt.Errorf("%q: %w", path, fs.ErrNotExist)
	}
	return p.digests.Open(dir, name)
}

func (p placed) Size(path string) (int64, error) {
	dir, name := p.split(path)
	if dir == "" {
		return 0, fmt.Errorf("%q: %w", path, fs.ErrNotExist)
	}
	full := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Lstat(full)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is no regular file", full)
	}
	return info.Size(), nil
}

func (p placed) Paths() ([]string, error) {
	var all []string
	err := fs.WalkDir(os.DirFS(p.Bundle), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	return all, err
}

// Mark changes when a report is replaced. What lies in a bundle is replaced with its folder or, the attachments, as one folder.
func (p placed) Mark() (string, error) {
	var marks []string
	for _, name := range []string{p.Bundle, filepath.Join(p.Bundle, report.PathEnvelope), filepath.Join(p.Bundle, report.PathManifest)} {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		marks = append(marks, fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size()))
	}
	return strings.Join(marks, "\n"), nil
}

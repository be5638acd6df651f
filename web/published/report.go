package published

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
)

// Place is where one report's files lie: paths of this machine.
type Place struct {
	Bundle string // the bundle's folder (SPEC part 11)
	Zip    string // the bundle as one file; it may be missing
	Page   string // the folder of the report's page, index.html; it may be missing
}

// PageName is the file of a report's page.
const PageName = "index.html"

// ErrDamaged is wrapped by the error for a file that is not the one that its manifest lists.
var ErrDamaged = errors.New("it is not the file that the manifest lists")

// Report is a report that is whole. It never changes: when its files do, the shelf has another one.
type Report struct {
	report.Signed

	files  Files
	listed map[string]report.ManifestFile // by the manifest

	mu  sync.Mutex
	zip [sha256.Size]byte // digest of the zip that was found to be of this report
}

// Entry is a file of a bundle that is there.
type Entry struct {
	Path, Part string
	Size       int64
	SHA256     [sha256.Size]byte
}

// Open opens a file of the bundle by its path (SPEC part 11). It is fixed if the
// statement's digest vouches for it: the manifest and what that lists; the envelope and
// attachments may yet get more signatures, or others.
func (r *Report) Open(path string) (f *File, fixed bool, err error) {
	if _, ok := report.PartOf(path); !ok {
		return nil, false, fmt.Errorf("no bundle has a file %q: %w", path, fs.ErrNotExist)
	}
	if f, err = r.files.Open(bundled(path)); err != nil {
		return nil, false, err
	}
	want, fixed := r.digest(path)
	if fixed && f.SHA256 != want {
		return nil, false, errors.Join(fmt.Errorf("%s: %w", path, ErrDamaged), f.Close())
	}
	return f, fixed, nil
}

// digest is what the statement says a file has.
func (r *Report) digest(path string) (want [sha256.Size]byte, ok bool) {
	if path == report.PathManifest {
		want, err := r.Statement.ManifestDigest()
		return want, err == nil
	}
	file, ok := r.listed[path]
	return file.SHA256, ok
}

// Zip opens the bundle as one file, if it was published so and is of this statement.
func (r *Report) Zip() (*File, error) {
	f, err := r.files.Open(PathZip)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	known := r.zip == f.SHA256
	r.mu.Unlock()
	if known {
		return f, nil
	}
	if err := r.holds(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r.mu.Lock()
	r.zip = f.SHA256
	r.mu.Unlock()
	return f, nil
}

// holds reports why f is not this report's zip, or not whole: the directory of a zip stands at its end.
func (r *Report) holds(f *File) error {
	z, err := zip.NewReader(io.NewSectionReader(f, 0, f.Size), f.Size)
	if err != nil {
		return fmt.Errorf("the zip of %s: %w: %w", r.files, err, fs.ErrNotExist)
	}
	in, err := z.Open(report.PathEnvelope)
	if err != nil {
		return fmt.Errorf("the zip of %s: %w", r.files, err)
	}
	envelope, err := io.ReadAll(io.LimitReader(in, attest.MaxEnvelope))
	if err := errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("the zip of %s: %w", r.files, err)
	}
	e, err := attest.ParseEnvelope(envelope)
	if err != nil || !bytes.Equal(e.Payload, r.Payload) {
		return fmt.Errorf("the zip of %s holds another statement: %w", r.files, fs.ErrNotExist)
	}
	return nil
}

// Page opens the report's page.
func (r *Report) Page() (*File, error) { return r.files.Open(PathPage) }

// HasZip says whether there is a file where the zip belongs.
func (r *Report) HasZip() bool { return r.has(PathZip) }

// HasPage says whether there is a page.
func (r *Report) HasPage() bool { return r.has(PathPage) }

func (r *Report) has(path string) bool {
	_, err := r.files.Size(path)
	return err == nil
}

// Entries lists the files of the bundle that are there, sorted by path.
func (r *Report) Entries() ([]Entry, error) {
	paths, err := r.files.Paths()
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, path := range paths {
		part, ok := report.PartOf(path)
		if !ok {
			continue
		}
		e := Entry{Path: path, Part: part}
		if e.Size, err = r.files.Size(bundled(path)); err != nil {
			return nil, err
		}
		if e.SHA256, ok = r.digest(path); !ok {
			f, err := r.files.Open(bundled(path))
			if err != nil {
				return nil, err
			}
			e.SHA256 = f.SHA256
			if err := f.Close(); err != nil {
				return nil, err
			}
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// read takes a report from its files, and refuses one that is not whole.
func read(files Files) (*Report, error) {
	envelope, err := readAll(files, bundled(report.PathEnvelope))
	if err != nil {
		return nil, err
	}
	signed, err := report.Read(envelope)
	if err != nil {
		return nil, err
	}
	raw, err := readAll(files, bundled(report.PathManifest))
	if err != nil {
		return nil, err
	}
	want, err := signed.Statement.ManifestDigest()
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(raw) != want {
		return nil, fmt.Errorf("%s: %s is not the one that the statement names", files, report.PathManifest)
	}
	var m report.Manifest
	if err := attest.Decode(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", files, err)
	}
	r := &Report{Signed: signed, files: files, listed: map[string]report.ManifestFile{}}
	for _, f := range m.Files {
		r.listed[f.Path] = f
	}
	return r, r.whole()
}

func readAll(files Files, path string) ([]byte, error) {
	f, err := files.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// whole reports which listed file is missing, or of another size. Leaves are all there or none.
func (r *Report) whole() error {
	shards, there := 0, 0
	for path, f := range r.listed {
		size, err := r.files.Size(bundled(path))
		if f.Part == report.PartShard {
			shards++
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			there++
		}
		if err != nil {
			return err
		}
		if uint64(size) != f.Size { //nolint:gosec // a file's size
			return fmt.Errorf("%s: %s has %d bytes, the manifest says %d", r.files, path, size, f.Size)
		}
	}
	if there > 0 && there < shards {
		return fmt.Errorf("%s: of what there is of shards, %d files are there, of %d", r.files, there, shards)
	}
	return nil
}

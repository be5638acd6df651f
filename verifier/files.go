package verifier

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
)

// Files are a bundle's files, from a folder or a zip (SPEC part 11).
type Files struct {
	list   []listed // in ascending order of path
	byPath map[string]listed
	open   func(path string) (io.ReadCloser, error)
	faults []string // entries that no bundle may have
}

// listed is one file as folder or zip tell of it.
type listed struct {
	path string
	size int64
	crc  uint32
	zip  bool // crc is known
}

// maxListed bounds the files of a folder: shards and evidence of every chain.
const maxListed = 1<<20 + 1<<17

// Folder lists a bundle that is a folder. Entries that are not regular files, links among them, are kept for `bundle.files` to
// refuse. Use os.OpenRoot for the file system, so that nothing outside the folder can be read.
func Folder(fsys fs.FS) (*Files, error) {
	f := &Files{
		byPath: make(map[string]listed),
		open:   func(path string) (io.ReadCloser, error) { return fsys.Open(path) },
	}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			f.faults = append(f.faults, fmt.Sprintf("%q is not a regular file", path))
			return nil
		case len(f.list) >= maxListed:
			return fmt.Errorf("more than %d files", maxListed)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f.add(listed{path: path, size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, &unreadable{"the folder cannot be read: " + cause(err)}
	}
	return f, nil
}

// cause strips the operation from a file system's error, which names paths of this machine.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Sprintf("%q: %v", path.Path, path.Err)
	}
	return err.Error()
}

func (f *Files) add(l listed) {
	f.list = append(f.list, l)
	f.byPath[l.path] = l
}

// read reads a file whole, if it has at most limit bytes.
func (f *Files) read(path string, limit int64) ([]byte, error) {
	l, ok := f.byPath[path]
	if !ok {
		return nil, &unreadable{path + ": the file is missing"}
	}
	if l.size > limit {
		return nil, &unreadable{fmt.Sprintf("%s: %d bytes, the limit is %d", path, l.size, limit)}
	}
	in, err := f.open(path)
	if err != nil {
		return nil, &unreadable{path + ": " + cause(err)}
	}
	defer in.Close()
	raw, err := io.ReadAll(io.LimitReader(in, l.size+1))
	if err != nil {
		return nil, &unreadable{path + ": " + cause(err)}
	}
	if int64(len(raw)) != l.size {
		return nil, &unreadable{path + ": its size changed while it was read"}
	}
	return raw, nil
}

const (
	shardsPath   = "liabilities/shards.json"
	topProofPath = "liabilities/top.proof"
)

func leavesPath(shard uint64) string { return fmt.Sprintf("liabilities/shard-%05d.leaves", shard) }

func shardProofPath(shard uint64) string { return fmt.Sprintf("liabilities/shard-%05d.proof", shard) }

func evidencePath(chain string) string {
	return "reserves/evidence/" + strings.ReplaceAll(chain, ":", "-") + ".json"
}

func beaconPath(chain string) string {
	return "reserves/beacon/" + strings.ReplaceAll(chain, ":", "-") + ".json"
}

// limitOf gives the largest size of a file (SPEC part 18); leaves are streamed and have none.
func limitOf(path string) int64 {
	switch {
	case path == claim.EnvelopePath:
		return 24 << 20
	case path == shardsPath:
		return 64 << 20
	case path == claim.ManifestPath, path == claim.LinesPath, path == claim.ControlPath, path == claim.ClaimsPath, strings.HasPrefix(path, "reserves/beacon/"),
		strings.HasPrefix(path, "reserves/bands/") && strings.HasSuffix(path, "/lines.json"):
		return 256 << 20
	case strings.HasPrefix(path, findingsPrefix):
		return 1 << 20
	case path == anchorPath:
		return 256 << 20
	case strings.HasPrefix(path, attachments):
		return 64 << 10
	case strings.HasSuffix(path, ".leaves"):
		return 1<<63 - 1
	case strings.HasPrefix(path, "liabilities/"), path == pagePath:
		return 16 << 20
	}
	return 1 << 30
}

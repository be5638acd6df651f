package published

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// tilePath is all that a log's tiles are called (SPEC part 25): a level or entries, a number in groups of three digits, a width.
var tilePath = regexp.MustCompile(`^tile/(entries|[0-7])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?$`)

const checkpointName = "checkpoint"

// Log is a transparency log's folder (SPEC part 25). Of its tiles those are shown that
// the checkpoint covers, and no others: those are for ever; what lies beyond may yet be
// written anew.
type Log struct {
	Dir string

	digests Digests
}

// Checkpoint opens the checkpoint.
func (l *Log) Checkpoint() (*File, error) { return l.digests.Open(l.Dir, checkpointName) }

// Tile opens a tile by its path, such as tile/0/000. It is whole if it never changes;
// one of the log's end is there as long as no wider one takes its place.
func (l *Log) Tile(path string) (f *File, whole bool, err error) {
	whole, ok := covered(path, l.size())
	if !ok {
		return nil, false, fmt.Errorf("the log has no tile %q: %w", path, fs.ErrNotExist)
	}
	f, err = l.digests.Open(l.Dir, path)
	return f, whole, err
}

// Tiles lists the paths of the tiles that are there and shown, sorted.
func (l *Log) Tiles() ([]string, error) {
	size, all := l.size(), []string{}
	err := fs.WalkDir(os.DirFS(l.Dir), "tile", func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == "tile" {
			return nil // an empty log has none
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if _, ok := covered(path, size); ok {
			all = append(all, path)
		}
		return nil
	})
	return all, err
}

// size is the size under the checkpoint; 0 if there is none.
func (l *Log) size() uint64 {
	raw, err := os.ReadFile(filepath.Join(l.Dir, checkpointName))
	if err != nil {
		return 0
	}
	lines := bytes.SplitN(raw, []byte("\n"), 3)
	if len(lines) < 3 {
		return 0
	}
	size, err := strconv.ParseUint(string(lines[1]), 10, 64)
	if err != nil {
		return 0
	}
	return size
}

// covered reports whether path is a tile of a log of that size, and whether a full one.
func covered(path string, size uint64) (full, ok bool) {
	m := tilePath.FindStringSubmatch(path)
	if m == nil || strings.HasPrefix(m[2], "x000/") {
		return false, false
	}
	number, err := strconv.ParseUint(strings.NewReplacer("x", "", "/", "").Replace(m[2]), 10, 64)
	if err != nil {
		return false, false
	}
	if m[1] != "entries" {
		size >>= 8 * (m[1][0] - '0')
	}
	if m[3] == "" {
		return true, number < size/256
	}
	width, err := strconv.ParseUint(m[3], 10, 64)
	if err != nil || width > 255 {
		return false, false
	}
	return false, number < size/256 || number == size/256 && width <= size%256
}

package published

import (
	"bytes"
	"fmt"
	"io/fs"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"github.com/transparency-dev/tessera/api/layout"
)

// tilePath is all that a log's tiles are called (SPEC part 25): a level or entries, a number in groups of three digits, a width.
var tilePath = regexp.MustCompile(`^tile/(entries|[0-7])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?$`)

const checkpointName = "checkpoint"

// Log is a transparency log (SPEC part 25). Of its tiles those are shown that
// the checkpoint covers, and no others: those are for ever; what lies beyond may yet be
// written anew.
type Log struct{ Files LogFiles }

// LogFiles are the files of a log, wherever they lie. If there is no such file, the error wraps fs.ErrNotExist.
type LogFiles interface {
	Open(name string) (*File, error)
}

// LogFolder are those of a folder.
func LogFolder(dir string) LogFiles { return &logFolder{dir: dir} }

type logFolder struct {
	dir     string
	digests Digests
}

func (l *logFolder) Open(name string) (*File, error) { return l.digests.Open(l.dir, name) }

// FS has them as files to be read by others.
func FS(files LogFiles) fs.FS { return filesFS{files} }

type filesFS struct{ files LogFiles }

func (f filesFS) Open(name string) (fs.File, error) {
	file, err := f.files.Open(name)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Checkpoint opens the checkpoint.
func (l *Log) Checkpoint() (*File, error) { return l.Files.Open(checkpointName) }

// Tile opens a tile by its path, such as tile/0/000. It is whole if it never changes;
// one of the log's end is there as long as no wider one takes its place.
func (l *Log) Tile(path string) (f *File, whole bool, err error) {
	whole, ok := covered(path, l.Size())
	if !ok {
		return nil, false, fmt.Errorf("the log has no tile %q: %w", path, fs.ErrNotExist)
	}
	f, err = l.Files.Open(path)
	return f, whole, err
}

// Size is how many entries the checkpoint covers; 0 if there is none.
func (l *Log) Size() uint64 {
	raw, err := fs.ReadFile(FS(l.Files), checkpointName)
	if err != nil {
		return 0
	}
	return SizeOf(raw)
}

// SizeOf is the size that a checkpoint says; 0 for what is none.
func SizeOf(raw []byte) uint64 {
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

// Tiles goes through the paths of the tiles of a log of that size, level by level.
func Tiles(size uint64) iter.Seq[string] {
	return func(yield func(string) bool) {
		for level := uint64(0); size>>(8*level) > 0; level++ {
			tiles := (size>>(8*level) + layout.TileWidth - 1) / layout.TileWidth
			for i := range tiles {
				width := layout.PartialTileSize(level, i, size)
				if !yield(layout.TilePath(level, i, width)) || level == 0 && !yield(layout.EntriesPath(i, width)) {
					return
				}
			}
		}
	}
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

package published

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Bounds of a log's files (SPEC part 25), bytes: a checkpoint; a tile, of which those of entries have 256 with two bytes before each.
const (
	maxCheckpoint = 64 << 10
	maxTile       = 256 * (2 + 1<<16 - 1)
)

// LogBucket are the files of a log in a folder of a bucket, which has its tiles before its checkpoint. What it saw last it keeps
// while the bucket is away.
type LogBucket struct {
	linked

	looking    sync.Mutex
	checkpoint []byte // linked.mu holds it
}

// NewLogBucket returns one that has seen nothing yet.
func NewLogBucket(l Link) *LogBucket { return &LogBucket{linked: linked{Link: l}} }

// Watch looks at the bucket every few seconds until the context ends.
func (l *LogBucket) Watch(ctx context.Context) { l.watch(ctx, l.Look) }

// Look reads the checkpoint as it is by now. It is shown once there are copies of all tiles under it; one that is not there any more
// is kept, and so is one in whose place stands another of fewer entries: a log only grows.
func (l *LogBucket) Look(ctx context.Context) error {
	l.looking.Lock()
	defer l.looking.Unlock()
	return l.told(l.look(ctx))
}

func (l *LogBucket) look(ctx context.Context) error {
	raw, err := l.read(ctx, checkpointName, maxCheckpoint)
	if err != nil {
		return err
	}
	l.answered()
	l.mu.Lock()
	before := l.checkpoint
	l.mu.Unlock()
	if bytes.Equal(raw, before) {
		return nil
	}
	if size, seen := SizeOf(raw), SizeOf(before); size < seen {
		return fmt.Errorf("%s/%s is of %d entries, and of %d when it was seen last: %w", l.Name, checkpointName, size, seen, ErrDamaged)
	}
	for name := range Tiles(SizeOf(raw)) {
		file, err := l.openTile(name)
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checkpoint = raw
	return nil
}

// Open implements [LogFiles].
func (l *LogBucket) Open(name string) (*File, error) {
	var file *os.File
	var err error
	if name == checkpointName {
		file, err = l.openCheckpoint()
	} else {
		file, err = l.openTile(name)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) { // a path that the log does not have
			l.miss(name, err)
		}
		return nil, err
	}
	opened, err := l.digests.read(file.Name(), file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return opened, nil
}

func (l *LogBucket) openCheckpoint() (*os.File, error) {
	l.mu.Lock()
	raw, away := l.checkpoint, l.away
	l.mu.Unlock()
	if raw == nil {
		if errors.Is(away, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s holds no log: %w", l.Name, fs.ErrNotExist)
		}
		return nil, fmt.Errorf("%s was not seen yet: %w", l.Name, away)
	}
	return l.Copies.Get(fmt.Sprintf("checkpoint.%x", sha256.Sum256(raw)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil })
}

// openTile opens the copy of a tile. A tile has no digest of its own; whoever reads the log holds it to the checkpoint's root.
func (l *LogBucket) openTile(name string) (*os.File, error) {
	if !tilePath.MatchString(name) {
		return nil, fmt.Errorf("a log has no file %q: %w", name, fs.ErrNotExist)
	}
	bounded := func(r io.ReadCloser) io.ReadCloser { return &tile{r, maxTile, name} } // if it is not whole reading it is an error
	return l.open(fmt.Sprintf("tile.%x", sha256.Sum256([]byte(l.Name+"/"+name))), name, bounded)
}

// tile is a reader that is an error once it gave more than a tile has.
type tile struct {
	io.ReadCloser
	left int
	name string
}

func (t *tile) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if t.left -= n; t.left < 0 {
		return n, fmt.Errorf("%s has more than %d bytes: %w", t.name, maxTile, ErrDamaged)
	}
	return n, err
}

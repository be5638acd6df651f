package published

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/assay-por/assay/web/copies"
)

// Objects are those of a folder of a bucket.
type Objects interface {
	// Level lists what lies directly in the folder: its objects by name, each with a mark that is another one when the object is,
	// and its folders.
	Level(ctx context.Context) (objects map[string]string, folders []string, err error)
	// Open opens an object by its name, which may lead into a folder. If there is none, the error wraps fs.ErrNotExist. Reading is
	// an error if the object is not whole.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
}

// Link is how a folder of a bucket is read: what was read is kept on this machine.
type Link struct {
	Context context.Context // of the server: a copy is for all who ask for it
	Name    string          // s3://bucket/folder
	Objects Objects
	Copies  *copies.Folder
	Logger  *slog.Logger
}

// lookAgain is how often a bucket is looked at.
const lookAgain = 3 * time.Second

// ErrAway is wrapped by errors about what lies in a bucket that cannot be read, and of which there is no copy.
var ErrAway = errors.New("the bucket cannot be read, and there is no copy")

// linked is a Link, and what is known of its other end.
type linked struct {
	Link
	digests Digests

	mu      sync.Mutex
	away    error           // why it could not be read; nil if it could
	answers bool            // it does again, and is being read
	missed  map[string]bool // what was asked for in vain, and told of, until it could be read again
}

// watch looks again and again until the context ends.
func (l *linked) watch(ctx context.Context, look func(context.Context) error) {
	beat := time.NewTicker(lookAgain)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			_ = look(ctx) // it is told
		}
	}
}

// told notes whether the bucket answers, and tells of a change. What was not answered as this server ends says nothing.
func (l *linked) told(err error) error {
	if err != nil && l.Context.Err() != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && l.away == nil:
		l.Logger.Error("the bucket cannot be read: what there are copies of is shown as it was seen last", "bucket", l.Name, "error", err)
	case err == nil && l.away != nil:
		l.Logger.Warn("the bucket can be read again", "bucket", l.Name)
		l.missed = nil
	}
	l.away, l.answers = err, false
	return err
}

// answered has what is asked for be fetched again.
func (l *linked) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = true
}

// miss tells once of something that is wanted and cannot be had.
func (l *linked) miss(object string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.missed[object] || l.Context.Err() != nil {
		return
	}
	if l.missed == nil {
		l.missed = map[string]bool{}
	}
	l.missed[object] = true
	l.Logger.Warn("a file of the bucket was asked for and cannot be had", "bucket", l.Name, "object", object, "error", err)
}

// Away reports whether the bucket could not be read when it was looked at last.
func (l *linked) Away() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away != nil
}

// isAway is not nil while the bucket does not answer.
func (l *linked) isAway() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away == nil || l.answers {
		return nil
	}
	return fmt.Errorf("%s: %w: %v", l.Name, ErrAway, l.away) //nolint:errorlint // it may say that another object is not there
}

// read reads a small object as it is now.
func (l *linked) read(ctx context.Context, object string, most int64) ([]byte, error) {
	r, err := l.Objects.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(raw)) > most {
		err = fmt.Errorf("%s/%s has more than %d bytes: %w", l.Name, object, most, ErrDamaged)
	}
	return raw, err
}

// open opens the copy of an object that a name names. While the bucket is away nobody waits for it.
func (l *linked) open(name, object string, checked func(io.ReadCloser) io.ReadCloser) (*os.File, error) {
	return l.Copies.Get(name, func() (io.ReadCloser, error) {
		if err := l.isAway(); err != nil {
			return nil, err
		}
		r, err := l.Objects.Open(l.Context, object)
		if err != nil {
			return nil, err
		}
		return checked(r), nil
	})
}

// exact is a reader that is an error unless all it reads has a size and a digest.
type exact struct {
	io.ReadCloser
	left   int64
	sum    hash.Hash
	want   [sha256.Size]byte
	object string
}

// exactly wants a reader to give just what has that size and digest.
func exactly(r io.ReadCloser, size int64, want [sha256.Size]byte, object string) io.ReadCloser {
	return &exact{ReadCloser: r, left: size, sum: sha256.New(), want: want, object: object}
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	e.left -= int64(n)
	_, _ = e.sum.Write(p[:n]) // a hash takes all
	if e.left < 0 || errors.Is(err, io.EOF) && (e.left != 0 || [sha256.Size]byte(e.sum.Sum(nil)) != e.want) {
		return n, fmt.Errorf("%s: %w", e.object, ErrDamaged)
	}
	return n, err
}

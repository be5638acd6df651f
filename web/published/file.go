package published

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// File is an open file and its digest, taken of just these bytes.
type File struct {
	*os.File
	Size   int64
	SHA256 [sha256.Size]byte
}

// Digests remembers digests of files for as long as they stay the same. The zero value
// is ready for use.
type Digests struct {
	mu    sync.Mutex
	known map[string]noted
	under singleflight.Group
}

// noted is a digest, and what it was taken of.
type noted struct {
	size   int64
	time   time.Time
	digest [sha256.Size]byte
}

// Open opens the regular file called name, a path with slashes, below dir. The error
// wraps fs.ErrNotExist where there is none.
func (d *Digests) Open(dir, name string) (*File, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
	}
	full := filepath.Join(dir, filepath.FromSlash(name))
	if info, err := os.Lstat(full); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: %w", full, fs.ErrNotExist)
	}
	f, err := os.OpenInRoot(dir, filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	file, err := d.read(full, f)
	if err != nil {
		_ = f.Close() // it was only read
		return nil, err
	}
	return file, nil
}

func (d *Digests) read(full string, f *os.File) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: %w", full, fs.ErrNotExist)
	}
	digest, err := d.of(full, info, f)
	return &File{File: f, Size: info.Size(), SHA256: digest}, err
}

// of returns the digest of f and leaves it at its start. Of many who ask for a file that was not read yet one reads it.
func (d *Digests) of(full string, info fs.FileInfo, f *os.File) ([sha256.Size]byte, error) {
	d.mu.Lock()
	have, ok := d.known[full]
	d.mu.Unlock()
	if ok && have.size == info.Size() && have.time.Equal(info.ModTime()) {
		return have.digest, nil
	}
	key := fmt.Sprintf("%s %d %d", full, info.Size(), info.ModTime().UnixNano())
	sum, err, _ := d.under.Do(key, func() (any, error) {
		h := sha256.New()
		_, err := io.Copy(h, io.NewSectionReader(f, 0, info.Size()))
		return noted{info.Size(), info.ModTime(), [sha256.Size]byte(h.Sum(nil))}, err
	})
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	fresh := sum.(noted)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil {
		d.known = map[string]noted{}
	}
	d.known[full] = fresh
	return fresh.digest, nil
}

package store

import (
	"io"
	"io/fs"
	"slices"
	"sync"
)

// What [Ahead] asks for at once, and keeps.
const (
	aheadBlock = 1 << 20
	aheadLeast = 64 << 10
	aheadKept  = 64 << 20
)

// Ahead returns a file whose ReadAt reads on: a file of a bucket that is read at some places at once, and from each onwards, as
// the columns of a Parquet file are, then takes a request a MiB. It keeps at most 64 MiB; if there are so many places that what
// it keeps is lost before it is used, it asks for less at once.
func Ahead(f File) File { return &ahead{File: f, size: aheadBlock, most: aheadKept} }

type ahead struct {
	File
	mu         sync.Mutex
	blocks     []*block // the one used last is the last
	size, most int      // of a block, of all
	kept       int
}

// block is a part of the file.
type block struct {
	start int64
	bytes []byte
	used  int
}

func (a *ahead) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, &fs.PathError{Op: "read", Path: "file", Err: fs.ErrInvalid}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(p) {
		at := offset + int64(n)
		if at >= a.Size() {
			return n, io.EOF
		}
		b, err := a.block(at)
		if err != nil {
			return n, err
		}
		copied := copy(p[n:], b.bytes[at-b.start:])
		b.used += copied
		n += copied
	}
	return n, nil
}

// block returns the block that holds a place.
func (a *ahead) block(at int64) (*block, error) {
	i := slices.IndexFunc(a.blocks, func(b *block) bool { return b.start <= at && at < b.start+int64(len(b.bytes)) })
	if i >= 0 {
		b := a.blocks[i]
		a.blocks = append(slices.Delete(a.blocks, i, i+1), b)
		return b, nil
	}
	b := &block{start: at, bytes: make([]byte, min(int64(a.size), a.Size()-at))}
	for a.kept+len(b.bytes) > a.most && len(a.blocks) > 0 {
		lost := a.blocks[0]
		a.kept -= len(lost.bytes)
		a.blocks = slices.Delete(a.blocks, 0, 1)
		if lost.used < len(lost.bytes)/2 {
			a.size = max(a.size/2, aheadLeast)
		}
	}
	if n, err := a.File.ReadAt(b.bytes, at); n < len(b.bytes) {
		return nil, err // an io.ReaderAt has one then
	}
	a.kept += len(b.bytes)
	a.blocks = append(a.blocks, b)
	return b, nil
}

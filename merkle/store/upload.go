package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/minio/minio-go/v7"
)

// upload is an object on its way.
type upload struct {
	ctx    context.Context // of Create: a Writer's methods have none
	bucket *Bucket
	key    string
	part   int
	held   held
	id     string // of the multipart upload; empty as long as all is held
	parts  []minio.CompletePart
	ended  bool
}

func (u *upload) Write(p []byte) (written int, err error) {
	for len(p) > 0 {
		if u.held.size == u.part {
			if err := u.send(); err != nil {
				return written, err
			}
		}
		n := min(len(p), u.part-u.held.size)
		if err := u.held.add(p[:n], u.part); err != nil {
			return written, err
		}
		p, written = p[n:], written+n
	}
	return written, nil
}

// send sends what is held as the next part.
func (u *upload) send() error {
	core, b := minio.Core{Client: u.bucket.Client}, u.bucket
	if u.id == "" {
		id, err := core.NewMultipartUpload(u.ctx, b.Name, u.key, minio.PutObjectOptions{})
		if err != nil {
			return b.failed(u.ctx, u.key, err)
		}
		u.id = id
	}
	part, err := core.PutObjectPart(u.ctx, b.Name, u.key, u.id, len(u.parts)+1, u.held.reader(), int64(u.held.size), minio.PutObjectPartOptions{})
	if err != nil {
		return u.failed(err)
	}
	u.parts = append(u.parts, minio.CompletePart{PartNumber: part.PartNumber, ETag: part.ETag})
	u.held.size = 0
	return nil
}

func (u *upload) Commit() error {
	core, b := minio.Core{Client: u.bucket.Client}, u.bucket
	put := func(opts minio.PutObjectOptions) error {
		_, err := core.PutObject(u.ctx, b.Name, u.key, u.held.reader(), int64(u.held.size), "", "", opts)
		return err
	}
	if u.id != "" {
		if err := u.send(); err != nil { // never empty: a whole part is sent when more comes
			return err
		}
		put = func(opts minio.PutObjectOptions) error {
			_, err := core.CompleteMultipartUpload(u.ctx, b.Name, u.key, u.id, u.parts, opts)
			return err
		}
	}
	placed, err := u.place(put)
	if err != nil {
		return err
	}
	if placed {
		u.id = ""
	}
	return u.Close() // an upload that came second is still there
}

// place puts the object where none is. It tells whether it did, or found one that means the same.
func (u *upload) place(put func(minio.PutObjectOptions) error) (bool, error) {
	b := u.bucket
	var absent minio.PutObjectOptions
	absent.SetMatchETagExcept("*")
	err := put(absent)
	if codeOf(err) == minio.NotImplemented { // a server without conditions
		err = put(minio.PutObjectOptions{})
	}
	switch codeOf(err) {
	case "":
		if err == nil {
			return true, nil
		}
	case minio.PreconditionFailed:
		return false, nil
	case "ConditionalRequestConflict", minio.NoSuchUpload: // another writer ends at this moment; or this one did, and the answer was lost
		if _, there := b.Client.StatObject(u.ctx, b.Name, u.key, minio.StatObjectOptions{}); there == nil {
			return false, nil
		}
	}
	return false, u.failed(err)
}

// failed tells err of what was sent. A server that refuses an object before it has read all of it may hang up, and what it said be lost: it is
// asked a question then, which it reads to the end.
func (u *upload) failed(err error) error {
	var dialled *net.OpError
	away := errors.As(err, &dialled) && dialled.Op == "dial" || errors.Is(err, os.ErrDeadlineExceeded)
	if codeOf(err) == "" && !away && u.ctx.Err() == nil {
		_, _, why := u.bucket.list(u.ctx, u.key, false)
		var said *BucketError
		if errors.As(why, &said) && said.Err == nil {
			return why
		}
	}
	return u.bucket.failed(u.ctx, u.key, err)
}

// Close aborts the upload, whatever became of the context.
func (u *upload) Close() error {
	if u.ended {
		return nil
	}
	u.ended = true
	u.held.drop()
	if u.id == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), 30*time.Second)
	defer cancel()
	return u.bucket.abort(ctx, u.key, u.id)
}

// held are the bytes of the part that is being written: in memory, or in a file of a folder that is removed at once and goes when
// it is closed.
type held struct {
	scratch string
	size    int
	memory  []byte
	file    *os.File
}

// add takes bytes; there will be at most so many.
func (h *held) add(p []byte, most int) error {
	if h.scratch == "" {
		if need := h.size + len(p); need > cap(h.memory) {
			h.memory = append(make([]byte, 0, min(most, max(need, 2*cap(h.memory)))), h.memory[:h.size]...)
		}
		h.memory = append(h.memory[:h.size], p...)
	} else {
		if err := h.open(); err != nil {
			return err
		}
		if _, err := h.file.WriteAt(p, int64(h.size)); err != nil {
			return err
		}
	}
	h.size += len(p)
	return nil
}

func (h *held) open() (err error) {
	if h.file != nil {
		return nil
	}
	if err := os.MkdirAll(h.scratch, 0o700); err != nil {
		return err
	}
	if h.file, err = os.CreateTemp(h.scratch, ".part-*"); err != nil {
		return err
	}
	return os.Remove(h.file.Name())
}

// reader reads what is held, again from its beginning when a request is made anew.
func (h *held) reader() io.ReadSeeker {
	if h.file != nil {
		return io.NewSectionReader(h.file, 0, int64(h.size))
	}
	return bytes.NewReader(h.memory[:h.size])
}

func (h *held) drop() {
	if h.file != nil {
		_ = h.file.Close() // nothing of it is wanted
	}
	h.file, h.memory = nil, nil
}

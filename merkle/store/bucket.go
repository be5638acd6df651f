package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
)

// Bucket is a store in a bucket of an S3-compatible server. A file is an object, and there once the server has all of it. Where
// the server can put an object on the condition that there is none, the first one written stays; elsewhere the last.
type Bucket struct {
	Client  *minio.Client
	Name    string
	Prefix  string // the folder of the bucket that the store is; may be empty
	Part    int    // bytes that a writer holds and sends at once, at least 5 MiB; 0 for 16 MiB
	Scratch string // a folder where writers hold them, as they were written, in files without a name; empty for memory
}

const defaultPart = 16 << 20

func (b *Bucket) key(name string) string {
	if b.Prefix == "" {
		return name
	}
	return b.Prefix + "/" + name
}

func (b *Bucket) url(key string) string { return "s3://" + b.Name + "/" + key }

// Create begins an upload, of which the server shows nothing before Commit.
func (b *Bucket) Create(ctx context.Context, name string) (Writer, error) {
	if err := check("create", name); err != nil {
		return nil, err
	}
	return &upload{ctx: ctx, bucket: b, key: b.key(name), held: held{scratch: b.Scratch}, part: cmp.Or(b.Part, defaultPart)}, nil
}

// Open asks for the object's size and ETag. What is read later is of that very object, or an error.
func (b *Bucket) Open(ctx context.Context, name string) (File, error) {
	if err := check("open", name); err != nil {
		return nil, err
	}
	info, err := b.Client.StatObject(ctx, b.Name, b.key(name), minio.StatObjectOptions{})
	if err != nil {
		return nil, b.failed(ctx, b.key(name), err)
	}
	return b.OpenObject(ctx, Object{b.key(name), info.Size, info.ETag}), nil
}

// List asks for all objects below the prefix, a page after the other.
func (b *Bucket) List(ctx context.Context, prefix string) ([]Info, error) {
	objects, _, err := b.list(ctx, b.key(prefix), true)
	if err != nil {
		return nil, err
	}
	top := strings.TrimSuffix(b.key("x"), "x")
	var found []Info
	for _, o := range objects {
		if name := strings.TrimPrefix(o.Key, top); check("list", name) == nil { // else no file of a store
			found = append(found, Info{name, o.Size})
		}
	}
	slices.SortFunc(found, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// Remove removes the object.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	if err := check("remove", name); err != nil {
		return err
	}
	err := b.Client.RemoveObject(ctx, b.Name, b.key(name), minio.RemoveObjectOptions{})
	if err != nil && codeOf(err) != minio.NoSuchKey {
		return b.failed(ctx, b.key(name), err)
	}
	return nil
}

// Replace puts a small file in its place, whatever is there: who reads it gets the one or the other, whole.
func (b *Bucket) Replace(ctx context.Context, name string, data []byte) error {
	if err := check("replace", name); err != nil {
		return err
	}
	_, err := minio.Core{Client: b.Client}.PutObject(ctx, b.Name, b.key(name), bytes.NewReader(data), int64(len(data)), "", "", minio.PutObjectOptions{})
	return b.failed(ctx, b.key(name), err)
}

// removeUnfinished aborts uploads that nobody ended: the server keeps their parts for ever.
func (b *Bucket) removeUnfinished(ctx context.Context, prefix string) error {
	for u := range b.Client.ListIncompleteUploads(ctx, b.Name, b.key(prefix), true) {
		if u.Err != nil {
			return b.failed(ctx, b.key(prefix), u.Err)
		}
		if err := b.abort(ctx, u.Key, u.UploadID); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *Bucket) abort(ctx context.Context, key, id string) error {
	err := minio.Core{Client: b.Client}.AbortMultipartUpload(ctx, b.Name, key, id)
	if err != nil && codeOf(err) != minio.NoSuchUpload {
		return b.failed(ctx, key, err)
	}
	return nil
}

// Probe writes a small file twice, and removes it. It tells whether the server kept the first one.
func (b *Bucket) Probe(ctx context.Context, name string) (firstStays bool, err error) {
	if err := Write(ctx, b, name, []byte("1")); err != nil {
		return false, err
	}
	if err := Write(ctx, b, name, []byte("2")); err != nil {
		return false, err
	}
	stayed, err := Read(ctx, b, name)
	if err != nil {
		return false, err
	}
	return bytes.Equal(stayed, []byte("1")), b.Remove(ctx, name)
}

// Object is an object of a bucket as it was at one moment.
type Object struct {
	Key  string // within the bucket, the prefix included
	Size int64
	ETag string // another one means another object; it is no commitment to what the object holds
}

// Level returns the objects whose keys, which the store's prefix does not go before, begin with prefix and have no slash after
// it; and the folders, which are up to that slash.
func (b *Bucket) Level(ctx context.Context, prefix string) (objects []Object, folders []string, err error) {
	return b.list(ctx, prefix, false)
}

func (b *Bucket) list(ctx context.Context, prefix string, below bool) (objects []Object, folders []string, err error) {
	owner := false
	for o := range b.Client.ListObjectsIter(ctx, b.Name, minio.ListObjectsOptions{Prefix: prefix, Recursive: below, FetchOwner: &owner}) {
		switch {
		case o.Err != nil:
			return nil, nil, b.failed(ctx, prefix, o.Err)
		case !strings.HasSuffix(o.Key, "/"):
			objects = append(objects, Object{o.Key, o.Size, o.ETag})
		case !below && o.Key != prefix: // at the prefix itself stands what some programs make for a folder
			folders = append(folders, strings.TrimSuffix(o.Key, "/"))
		}
	}
	if err := ctx.Err(); err != nil { // the list ends without an error then
		return nil, nil, b.failed(ctx, prefix, err)
	}
	return objects, folders, nil
}

// OpenObject opens an object without asking for it: an error shows when it is read. If the object is another one by then, it is
// an error.
func (b *Bucket) OpenObject(ctx context.Context, o Object) File {
	return &objectFile{span{ctx: ctx, bucket: b, object: o, end: o.Size}}
}

// objectFile reads an object: from its beginning with one request, at any place with one request each.
type objectFile struct{ span }

func (f *objectFile) Size() int64 { return f.object.Size }

func (f *objectFile) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, &fs.PathError{Op: "read", Path: f.object.Key, Err: fs.ErrInvalid}
	}
	part := f.span
	part.body, part.at, part.end = nil, offset, min(offset+int64(len(p)), f.object.Size)
	n := 0
	for n < len(p) {
		read, err := part.Read(p[n:])
		n += read
		if err != nil {
			_ = part.Close() // nothing was written
			return n, err
		}
	}
	return n, part.Close()
}

// span reads a part of an object. A connection that breaks is opened anew where it broke, as long as each gives something.
type span struct {
	ctx     context.Context // of Open: an io.Reader has none
	bucket  *Bucket
	object  Object
	at, end int64
	body    io.ReadCloser
	idle    bool // body gave nothing yet
}

func (s *span) Read(p []byte) (int, error) {
	for {
		switch {
		case len(p) == 0:
			return 0, nil
		case s.at >= s.end:
			return 0, io.EOF
		case s.body == nil:
			if err := s.open(); err != nil {
				return 0, err
			}
		}
		n, err := s.body.Read(p[:min(int64(len(p)), s.end-s.at)])
		s.at += int64(n)
		fruitless := s.idle && n == 0
		s.idle = fruitless
		if err == nil || n > 0 {
			return n, nil
		}
		_ = s.Close() // broken already
		if fruitless {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, s.bucket.failed(s.ctx, s.object.Key, err)
		}
	}
}

func (s *span) open() error {
	if s.object.ETag == "" {
		return &BucketError{Name: s.bucket.url(s.object.Key), Problem: "the server gives the object no ETag, so that nobody could tell whether it changes meanwhile: copy it anew"}
	}
	var opts minio.GetObjectOptions
	err := opts.SetRange(s.at, s.end-1)
	if err == nil {
		err = opts.SetMatchETag(s.object.ETag)
	}
	if err != nil {
		return s.bucket.failed(s.ctx, s.object.Key, err)
	}
	body, info, _, err := minio.Core{Client: s.bucket.Client}.GetObject(s.ctx, s.bucket.Name, s.object.Key, opts)
	if err != nil {
		return s.bucket.failed(s.ctx, s.object.Key, err)
	}
	if info.ETag != s.object.ETag || info.Size != s.end-s.at { // of a server without conditions or ranges
		_ = body.Close() // nothing was written
		return s.bucket.failed(s.ctx, s.object.Key, minio.ErrorResponse{Code: minio.PreconditionFailed})
	}
	s.body, s.idle = body, true
	return nil
}

// Close ends the request.
func (s *span) Close() error {
	if s.body == nil {
		return nil
	}
	body := s.body
	s.body = nil
	return body.Close()
}

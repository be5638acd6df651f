package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assay-por/assay/merkle/ledger"
	"github.com/assay-por/assay/merkle/store"
)

// ledgerObject is a file of the ledger in a bucket, as it was when the bucket was listed.
type ledgerObject struct {
	bucket *store.Bucket
	store.Object
}

func (o ledgerObject) name() string { return s3Scheme + o.bucket.Name + "/" + o.Key }

// identity stands in the digest of the input. The ETag tells that an object was replaced, and what is read is held to it. It is no
// commitment to what the object holds, as the SHA-256 of a file is: a server may make it of anything.
func (o ledgerObject) identity() map[string]any {
	return map[string]any{"name": path.Base(o.Key), "size": o.Size, "etag": o.ETag}
}

func (o ledgerObject) source() ledger.Source {
	return ledger.Source{Name: o.name(), Size: o.Size, Open: func(ctx context.Context) (io.ReadCloser, error) {
		return openObject{store.Ahead(o.bucket.OpenObject(ctx, o.Object))}, nil
	}}
}

// openObject is a file of the ledger that is read: CSV by one request, Parquet at any place by one a MiB.
type openObject struct{ store.File }

func (o openObject) Read(p []byte) (int, error) {
	n, err := o.File.Read(p)
	return n, unnamed(err)
}

func (o openObject) ReadAt(p []byte, offset int64) (int, error) {
	n, err := o.File.ReadAt(p, offset)
	return n, unnamed(err)
}

// Seek tells the size, which is all that it is asked for.
func (o openObject) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekEnd {
		return 0, errors.ErrUnsupported
	}
	return o.Size(), nil
}

// unnamedError is the error of a file whose name stands before it.
type unnamedError struct{ *store.BucketError }

func (e unnamedError) Error() string { return e.Problem }

func unnamed(err error) error {
	var named *store.BucketError
	if errors.As(err, &named) {
		return unnamedError{named}
	}
	return err
}

// ledgerObjects finds the objects that the patterns of the configuration name, in order and each once.
func ledgerObjects(ctx context.Context, c *Config) ([]ledgerObject, error) {
	var found []ledgerObject
	for _, pattern := range c.Ledger.Files {
		if !strings.HasPrefix(pattern, s3Scheme) {
			continue
		}
		name, key, err := s3Name(pattern)
		if err != nil {
			return nil, unreadable("ledger.files: %v", err)
		}
		bucket, err := c.bucket(s3Scheme+name, s3Patient)
		if err != nil {
			return nil, err
		}
		objects, err := matching(ctx, bucket, key)
		if err != nil {
			return nil, err
		}
		if len(objects) == 0 {
			return nil, unreadable("ledger.files: nothing matches %s", pattern)
		}
		for _, o := range objects {
			found = append(found, ledgerObject{bucket, o})
		}
	}
	slices.SortFunc(found, func(a, b ledgerObject) int { return cmp.Compare(a.name(), b.name()) })
	return slices.CompactFunc(found, func(a, b ledgerObject) bool { return a.name() == b.name() }), nil
}

// matching returns the objects that a pattern matches, and those in the folders that it matches.
func matching(ctx context.Context, bucket *store.Bucket, pattern string) ([]store.Object, error) {
	if pattern == "" {
		return objectsIn(ctx, bucket, "")
	}
	pattern, onlyFolders := strings.CutSuffix(pattern, "/")
	fixed := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		fixed = pattern[:i]
	}
	if _, err := path.Match(pattern, ""); err != nil || strings.Contains(pattern[len(fixed):], "/") {
		return nil, unreadable("ledger.files: %q is not a pattern: at s3:// it stands after the last slash", pattern)
	}
	objects, folders, err := bucket.Level(ctx, fixed)
	if err != nil {
		return nil, err
	}
	others := func(key string) bool {
		matched, _ := path.Match(pattern, key) // a pattern that is none was refused
		return !matched
	}
	objects = slices.DeleteFunc(objects, func(o store.Object) bool { return onlyFolders || others(o.Key) })
	for _, folder := range slices.DeleteFunc(folders, others) {
		inside, err := objectsIn(ctx, bucket, folder+"/")
		if err != nil {
			return nil, err
		}
		objects = append(objects, inside...)
	}
	return objects, nil
}

// objectsIn does what filesIn does, of a folder of a bucket.
func objectsIn(ctx context.Context, bucket *store.Bucket, folder string) ([]store.Object, error) {
	beside := func(key string) bool {
		base := strings.TrimPrefix(key, folder)
		return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")
	}
	objects, folders, err := bucket.Level(ctx, folder)
	if err != nil {
		return nil, err
	}
	name := s3Scheme + bucket.Name + "/"
	if folders = slices.DeleteFunc(folders, beside); len(folders) > 0 {
		return nil, unreadable("ledger.files: %s is a folder in a folder: name it by itself", name+folders[0])
	}
	if objects = slices.DeleteFunc(objects, func(o store.Object) bool { return beside(o.Key) }); len(objects) == 0 {
		return nil, unreadable("ledger.files: the folder %s has no files", name+folder)
	}
	return objects, nil
}

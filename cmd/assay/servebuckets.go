package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/web/copies"
	shelves "github.com/assay-por/assay/web/published"
)

// checkBuckets refuses what servers could not read out of a bucket.
func (c *Config) checkBuckets() error {
	if c.Log.Bucket != "" && c.Log.Origin == "" {
		return errors.New("log.bucket: it is a copy of the [log], which has no origin")
	}
	shown := map[string]string{}
	for key, folder := range c.shownBuckets() {
		folder = strings.TrimSuffix(folder, "/")
		if other, twice := shown[folder]; twice {
			return fmt.Errorf("%s: %s is that of %s: each has a folder of its own", key, folder, other)
		}
		shown[folder] = key
	}
	if _, err := parseSize(c.Server.CacheSize); err != nil {
		return fmt.Errorf("server.cache_size: %w", err)
	}
	return nil
}

// objects are those of a folder of a bucket, as a server reads them.
type objects struct{ bucket *store.Bucket }

// Level implements [shelves.Objects].
func (o objects) Level(ctx context.Context) (map[string]string, []string, error) {
	prefix := ""
	if o.bucket.Prefix != "" {
		prefix = o.bucket.Prefix + "/"
	}
	found, folders, err := o.bucket.Level(ctx, prefix)
	all := map[string]string{}
	for _, f := range found {
		all[strings.TrimPrefix(f.Key, prefix)] = f.ETag
	}
	for i := range folders {
		folders[i] = strings.TrimPrefix(folders[i], prefix)
	}
	return all, folders, err
}

// Open implements [shelves.Objects].
func (o objects) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	return o.bucket.Open(ctx, name)
}

// reader reads what lies in buckets, with copies in one folder.
type reader struct {
	ctx    context.Context // of the server
	config *Config
	logger *slog.Logger
	copies *copies.Folder
	read   []interface{ Away() bool } // what is read by now
}

// away reports whether something that is read is away. It is nil if nothing is read.
func (r *reader) away() func() bool {
	if len(r.read) == 0 {
		return nil
	}
	return func() bool {
		return slices.ContainsFunc(r.read, func(b interface{ Away() bool }) bool { return b.Away() })
	}
}

// reader takes the folder of the copies, if there is anything in a bucket.
func (a *app) reader(ctx context.Context, c *Config, logger *slog.Logger) (*reader, error) {
	r := &reader{ctx: ctx, config: c, logger: logger}
	if inS3(c.Server.Reports) == "" && inS3(c.Server.Proofs) == "" && c.Log.Bucket == "" {
		return r, nil
	}
	limit, err := parseSize(c.Server.CacheSize)
	if err != nil {
		return nil, err
	}
	if r.copies, err = copies.Open(c.resolve(c.Server.Cache), limit); err != nil {
		return nil, unreadable("server.cache: %v", err)
	}
	a.opened = append(a.opened, r.copies)
	return r, nil
}

func (r *reader) link(folder string) (shelves.Link, error) {
	b, err := r.config.bucket(folder, s3Prompt)
	if err != nil {
		return shelves.Link{}, err
	}
	return shelves.Link{Context: r.ctx, Name: strings.TrimSuffix(folder, "/"), Objects: objects{b}, Copies: r.copies, Logger: r.logger}, nil
}

// sets are what lies in a folder of a bucket, looked at until the server ends.
func (r *reader) sets(key, folder, kind string) (*shelves.Bucket, error) {
	link, err := r.link(folder)
	if err != nil {
		return nil, err
	}
	b := shelves.NewBucket(link, kind)
	if err := begins(key, b.Look(r.ctx)); err != nil {
		return nil, err
	}
	r.read = append(r.read, b)
	go b.Watch(r.ctx)
	return b, nil
}

// log is the log that is shown: that of log.bucket, or the folder.
func (r *reader) log() (shelves.LogFiles, error) {
	if r.config.Log.Bucket == "" {
		return shelves.LogFolder(r.config.resolve(r.config.Log.Dir)), nil
	}
	link, err := r.link(r.config.Log.Bucket)
	if err != nil {
		return nil, err
	}
	b := shelves.NewLogBucket(link)
	err = b.Look(r.ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted(unreadable("log.bucket: %s holds no log", r.config.Log.Bucket), "where the log is kept, assay log cosign and assay publish put it there")
	}
	if err := begins("log.bucket", err); err != nil {
		return nil, err
	}
	r.read = append(r.read, b)
	go b.Watch(r.ctx)
	return b, nil
}

// begins says whether a server begins whose bucket answered so at first. One that is away may be back at any time.
func begins(key string, err error) error {
	if err == nil || errors.Is(err, store.ErrUnreachable) {
		return nil
	}
	return unreadable("%s: %v", key, err)
}

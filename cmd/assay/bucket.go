package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/assay-por/assay/merkle/store"
)

// S3Config says where the names lie that begin with s3://.
type S3Config struct {
	Endpoint    string `toml:"endpoint"`
	Region      string `toml:"region"`
	Credentials string `toml:"credentials"`
}

const s3Scheme = "s3://"

// s3Name splits s3://bucket/key; the key may be empty.
func s3Name(name string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(name, s3Scheme)
	bucket, key, _ = strings.Cut(rest, "/")
	switch {
	case !ok:
		return "", "", fmt.Errorf("got %q, want a name such as s3://bucket/folder", name)
	case s3utils.CheckValidBucketNameStrict(bucket) != nil:
		return "", "", fmt.Errorf("got %q, which names no bucket as S3 allows: s3://bucket/folder", name)
	case strings.HasPrefix(key, "/") || strings.Contains(key, "//"):
		return "", "", fmt.Errorf("got %q, which has an empty folder", name)
	}
	return bucket, key, nil
}

// inS3 is a name that begins with s3://, or nothing.
func inS3(name string) string {
	if strings.HasPrefix(name, s3Scheme) {
		return name
	}
	return ""
}

// checkS3 refuses half of a server, and names that lie at none.
func (c *Config) checkS3() error {
	var needs string
	for _, name := range c.Ledger.Files {
		if strings.HasPrefix(name, s3Scheme) {
			if _, _, err := s3Name(name); err != nil {
				return fmt.Errorf("ledger.files: %w", err)
			}
			needs = "ledger.files"
		}
	}
	for _, folder := range []struct{ key, name string }{{"run.store", c.Run.Store}, {"server.reports", inS3(c.Server.Reports)}, {"server.proofs", inS3(c.Server.Proofs)}, {"log.bucket", c.Log.Bucket}} {
		if folder.name == "" {
			continue
		}
		if _, _, err := s3Name(folder.name); err != nil {
			return fmt.Errorf("%s: %w", folder.key, err)
		}
		needs = folder.key
	}
	file, isFile := strings.CutPrefix(c.S3.Credentials, "file:")
	switch {
	case c.S3 == S3Config{} && needs != "":
		return fmt.Errorf("%s begins with s3://: say under [s3] which server that is", needs)
	case c.S3 == S3Config{}:
		return nil
	case !isFile || file == "":
		return errors.New("s3.credentials: write file:PATH: the keys stand in a file of their own, as they are secret")
	}
	u, err := url.Parse(c.S3.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return errors.New("s3.endpoint: want https://HOST or https://HOST:PORT and nothing else")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isPrivate(u.Hostname(), nil)) {
		return errors.New("s3.endpoint: the server's URL begins with https://, so that nobody reads along; http:// only at the loopback address")
	}
	return nil
}

// store is where the files of a build lie: the run's directory, or a folder of a bucket; files on their way there pass through
// run, as they are: sealed, or public.
func (c *Config) store(run string) (store.Store, error) {
	if c.Run.Store == "" {
		return store.Dir(run), nil
	}
	b, err := c.storeBucket()
	if err != nil {
		return nil, err
	}
	b.Scratch = run // many files are written at once
	return b, nil
}

func (c *Config) storeBucket() (*store.Bucket, error) {
	return c.bucket(c.Run.Store, s3Patient)
}

// bucket opens a folder of a bucket, s3://bucket/folder; nobody is asked yet.
func (c *Config) bucket(folder string, waits s3Waits) (*store.Bucket, error) {
	name, prefix, err := s3Name(folder)
	if err != nil {
		return nil, err
	}
	path := c.resolve(strings.TrimPrefix(c.S3.Credentials, "file:"))
	keys, err := s3Credentials(path)
	if err != nil {
		return nil, err
	}
	client, err := s3Client(c.S3, keys, waits)
	if err != nil {
		return nil, unreadable("s3.endpoint: %v", err)
	}
	return &store.Bucket{Client: client, Name: name, Prefix: strings.TrimSuffix(prefix, "/")}, nil
}

// s3Credentials reads the file of the keys, one NAME=VALUE a line. No error repeats any of it.
func s3Credentials(path string) (*credentials.Credentials, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable("s3.credentials: %v", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, hinted(refused("s3.credentials: others can read %s", path), "chmod 600 %s; if others may have read it, have new keys made", path)
	}
	raw, err := secretFile(path, "s3.credentials")
	if err != nil {
		return nil, err
	}
	values := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
	for i, line := range bytes.Split(raw, []byte("\n")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(string(line), "\r"), "=")
		before, known := values[name]
		odd := strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\'' })
		if !known || before != "" || value == "" || odd {
			return nil, unreadable("s3.credentials: %s:%d: want AWS_ACCESS_KEY_ID=…, AWS_SECRET_ACCESS_KEY=… or AWS_SESSION_TOKEN=…, each at most once, without quotes and spaces", path, i+1)
		}
		values[name] = value
	}
	if values["AWS_ACCESS_KEY_ID"] == "" || values["AWS_SECRET_ACCESS_KEY"] == "" {
		return nil, unreadable("s3.credentials: %s: want two lines, AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…", path)
	}
	return credentials.NewStaticV4(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], values["AWS_SESSION_TOKEN"]), nil
}

// s3Waits says after how much silence a request is given up, and how many times it is made in all.
type s3Waits struct {
	patience time.Duration
	tries    int
}

// Who builds can wait; somebody waits for who serves.
var (
	s3Patient = s3Waits{time.Minute, 4}
	s3Prompt  = s3Waits{10 * time.Second, 2}
)

func s3Client(at S3Config, keys *credentials.Credentials, waits s3Waits) (*minio.Client, error) {
	u, err := url.Parse(at.Endpoint)
	if err != nil {
		return nil, errors.New("is no URL")
	}
	dialer := net.Dialer{Timeout: 10 * time.Second}
	return minio.New(u.Host, &minio.Options{
		Creds: keys, Region: at.Region, Secure: u.Scheme == "https", MaxRetries: waits.tries,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return &patientConn{Conn: conn, patience: waits.patience}, nil
			},
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 16,
			DisableCompression:  true, // objects come as they are
		},
	})
}

// patientConn is a connection that ends when neither side says anything for some time, however long an object takes.
type patientConn struct {
	net.Conn
	patience time.Duration
	late     atomic.Bool // it ended so
}

func (c *patientConn) Read(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, c.why(err)
	}
	n, err := c.Conn.Read(p)
	return n, c.why(err)
}

// Write puts off the end of a Read that waits too.
func (c *patientConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, c.why(err)
	}
	n, err := c.Conn.Write(p)
	return n, c.why(err)
}

// why is what a Read or Write failed of. When one has waited too long the connection is closed, and the other would know of that alone.
func (c *patientConn) why(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.late.Store(true)
	case errors.Is(err, net.ErrClosed) && c.late.Load():
		return os.ErrDeadlineExceeded
	}
	return err
}

package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/merkle/store/storetest"
)

// newBucket is a store in a folder of a server's bucket.
func newBucket(t testing.TB, s *storetest.Server, secret string) *store.Bucket {
	t.Helper()
	client, err := s.Client(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &store.Bucket{Client: client, Name: storetest.Name, Prefix: "some/folder", Part: 5 << 20}
}

// The first file written stays, and whoever comes later is content.
func TestBucketKeepsTheFirst(t *testing.T) {
	s := storetest.Start(t)
	b, ctx := newBucket(t, s, storetest.SecretKey), context.Background()
	for _, size := range []int{10, 6 << 20} {
		name := fmt.Sprint(size)
		if err := errors.Join(store.Write(ctx, b, name, content(1, size)), store.Write(ctx, b, name, content(2, size))); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Read(ctx, b, name); err != nil || !bytes.Equal(got, content(1, size)) {
			t.Errorf("of %d bytes the second file stays, or %v", size, err)
		}
	}
	if n := uploads(t, b); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
	if first, err := b.Probe(ctx, "probe"); err != nil || !first {
		t.Errorf("got %v, %v, want that the first stays", first, err)
	}
	listed(t, b, "", "10", "6291456")
}

// uploads counts those that nobody ended.
func uploads(t *testing.T, b *store.Bucket) (n int) {
	t.Helper()
	for u := range b.Client.ListIncompleteUploads(context.Background(), b.Name, "", true) {
		if u.Err != nil {
			t.Fatal(u.Err)
		}
		n++
	}
	return n
}

// What is given up, or left by a process that was killed, is not kept by the server for ever.
func TestBucketLeavesNoUploads(t *testing.T) {
	s := storetest.Start(t)
	b := newBucket(t, s, storetest.SecretKey)
	ctx, cancel := context.WithCancel(context.Background())
	var writers []store.Writer
	for _, name := range []string{"a", "b"} {
		w, err := b.Create(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content(1, 6<<20)); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, w)
	}
	cancel()
	if err := writers[0].Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := writers[0].Close(); err != nil {
		t.Error(err)
	}
	if n := uploads(t, b); n != 1 {
		t.Errorf("%d uploads are left, want that of b", n)
	}
	if err := store.RemoveAll(context.Background(), b, "b"); err != nil {
		t.Error(err)
	}
	if n := uploads(t, b); n != 0 {
		t.Errorf("%d uploads are left, want none", n)
	}
}

func TestBucketObjectReplaced(t *testing.T) {
	s := storetest.Start(t)
	b, ctx := newBucket(t, s, storetest.SecretKey), context.Background()
	for _, size := range []int{9 << 20, 3} { // the second one is shorter than where it is read
		if err := store.Write(ctx, b, "file", content(1, 8<<20)); err != nil {
			t.Fatal(err)
		}
		f := opened(t, b, "file")
		got := make([]byte, 100)
		if _, err := f.ReadAt(got, 7<<20); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Client.PutObject(ctx, b.Name, "some/folder/file", bytes.NewReader(content(2, size)), int64(size), minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
		const want = "s3://assay-test/some/folder/file: the object is another one than when it was opened or listed"
		for range 2 {
			if n, err := f.ReadAt(got, 7<<20); n != 0 || err == nil || err.Error() != want {
				t.Errorf("got %d bytes, %v, want %s", n, err, want)
			}
			if n, err := f.Read(got); n != 0 || err == nil || err.Error() != want {
				t.Errorf("got %d bytes, %v, want %s", n, err, want)
			}
		}
		if err := b.Remove(ctx, "file"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(got, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of an object that is gone: got %v", err)
		}
	}
}

// Lists are as long as they are; the server gives a thousand names at once.
func TestBucketListsPages(t *testing.T) {
	s := storetest.Start(t)
	b, ctx := newBucket(t, s, storetest.SecretKey), context.Background()
	var want []string
	for i := range 2100 {
		name := fmt.Sprintf("%04d", i)
		want = append(want, name)
		path := filepath.Join(s.Folder, "some/folder", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	listed(t, b, "", want...)
	if _, err := store.Read(ctx, b, "0000"); err != nil {
		t.Errorf("of an empty object there is nothing to ask for: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(s.Folder, "some/folder/0000"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Read(ctx, b, "0000"); err == nil || !strings.Contains(err.Error(), "some/folder/0000: the server gives the object no ETag") {
		t.Errorf("got %v", err)
	}
	objects, folders, err := b.Level(ctx, "some/folder/1")
	if err != nil || len(objects) != 1000 || objects[0].Key != "some/folder/1000" || folders != nil {
		t.Errorf("got %d objects, folders %v, %v", len(objects), folders, err)
	}
	objects, folders, err = b.Level(ctx, "so")
	if d := cmp.Diff([]string{"some"}, folders); d != "" || objects != nil || err != nil {
		t.Errorf("got %v, folders %v, %v", objects, folders, err)
	}
}

func TestBucketFaults(t *testing.T) {
	s := storetest.Start(t)
	ctx := context.Background()
	b, wrong, elsewhere := newBucket(t, s, storetest.SecretKey), newBucket(t, s, "canary-wrong"), newBucket(t, s, storetest.SecretKey)
	elsewhere.Name = "nobody"
	fails := func(b *store.Bucket, want string, unreachable bool) {
		t.Helper()
		write := store.Write(ctx, b, "file", nil)
		_, list := b.List(ctx, "")
		for op, err := range map[string]error{"write": write, "list": list, "write much": store.Write(ctx, b, "file", content(1, 6<<20))} {
			switch {
			case err == nil || !strings.HasPrefix(err.Error(), "s3://"+b.Name+"/some/folder/") || !strings.Contains(err.Error(), want):
				t.Errorf("%s: got %v, want %s", op, err, want)
			case errors.Is(err, store.ErrUnreachable) != unreachable:
				t.Errorf("%s: is unreachable: %v, want %v: %v", op, !unreachable, unreachable, err)
			case regexp.MustCompile("canary|Signature=|uploadId").MatchString(err.Error()):
				t.Errorf("%s: the error repeats what is secret: %v", op, err)
			}
		}
	}
	fails(wrong, "the server refuses the credentials, or they do not allow this (SignatureDoesNotMatch)", false)
	fails(elsewhere, "there is no such bucket", false)
	abroad, err := minio.New(s.Address, &minio.Options{Creds: credentials.NewStaticV4(storetest.AccessKey, storetest.SecretKey, ""), Region: "us-canary-1"})
	if err != nil {
		t.Fatal(err)
	}
	fails(&store.Bucket{Client: abroad, Name: storetest.Name, Prefix: "some/folder"}, "the bucket is in another region than was said", false)
	hangsUp := between(t, s.Address, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method != http.MethodPut {
			pass.ServeHTTP(w, r)
		} else if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}
	})
	fails(newBucket(t, &storetest.Server{Address: hangsUp}, "canary-wrong"), "the server refuses the credentials", false)
	if err := store.Write(ctx, newBucket(t, &storetest.Server{Address: hangsUp}, storetest.SecretKey), "file", content(1, 6<<20)); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("of a server that refuses nothing, and hangs up: got %v", err)
	}
	if _, err := wrong.Open(ctx, "file"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "refuses the credentials") {
		t.Errorf("got %v", err)
	}
	if err := store.Write(ctx, b, "large", content(1, 12<<20)); err != nil {
		t.Fatal(err)
	}
	f := opened(t, b, "large")
	if _, err := f.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	w, err := b.Create(ctx, "half")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content(1, 6<<20)); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	fails(b, "connection refused", true)
	_, rest := io.Copy(io.Discard, f)
	_, more := w.Write(content(1, 6<<20))
	for op, err := range map[string]error{"read": rest, "write": more, "commit": w.Commit(), "close": w.Close()} {
		if !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("%s: got %v, want that the server gives no answer", op, err)
		}
	}
}

// between passes requests on to a server, but for those that it answers itself.
func between(t *testing.T, address string, answer func(w http.ResponseWriter, r *http.Request, pass http.Handler)) string {
	t.Helper()
	pass := &httputil.ReverseProxy{Director: func(r *http.Request) { r.URL.Scheme, r.URL.Host = "http", address }}
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, pass) }))
	t.Cleanup(p.Close)
	return p.Listener.Addr().String()
}

// Servers differ in what they say to a condition, and answers are lost: a file is there all the same, and no upload is left.
func TestBucketConditions(t *testing.T) {
	s := storetest.Start(t)
	refuse := func(status int, code string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if r.Header.Get("If-None-Match") == "" {
				pass.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
		}
	}
	var conditional atomic.Int32
	lose := func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Header.Get("If-None-Match") == "" || conditional.Add(1)%2 == 0 {
			pass.ServeHTTP(w, r)
			return
		}
		pass.ServeHTTP(httptest.NewRecorder(), r) // every other one
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request, http.Handler)
		want   string // the error, where no file was there before
	}{
		"no conditions":   {refuse(http.StatusNotImplemented, "NotImplemented"), ""},
		"another writes":  {refuse(http.StatusConflict, "ConditionalRequestConflict"), `the server says "ConditionalRequestConflict"`},
		"another did":     {refuse(http.StatusPreconditionFailed, "PreconditionFailed"), ""},
		"answer was lost": {lose, ""},
	} {
		b := newBucket(t, &storetest.Server{Address: between(t, s.Address, c.answer)}, storetest.SecretKey)
		for _, size := range []int{10, 6 << 20} {
			for _, before := range []bool{false, true} {
				file := fmt.Sprintf("%s/%d", name, size)
				err := store.Write(context.Background(), b, file, content(1, size))
				if want := c.want; !before && want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) || (before || want == "") && err != nil {
					t.Errorf("%s, %d bytes, one there before: %v: got %v, want %q", name, size, before, err, want)
				}
				if err := store.Write(context.Background(), newBucket(t, s, storetest.SecretKey), file, content(1, size)); err != nil {
					t.Fatal(err)
				}
				if got, err := store.Read(context.Background(), b, file); err != nil || !bytes.Equal(got, content(1, size)) {
					t.Errorf("%s: got %d bytes, %v", name, len(got), err)
				}
			}
		}
		if n := uploads(t, b); n != 0 {
			t.Errorf("%s: %d uploads are left", name, n)
		}
	}
}

// cutting passes connections on to a server, and cuts each after some bytes of its answers.
func cutting(t *testing.T, address string, after int64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", address)
			if err != nil {
				_ = in.Close()
				return
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.CopyN(in, out, after); _ = in.Close(); _ = out.Close() }()
		}
	}()
	return l.Addr().String()
}

// A connection that breaks costs a request, and no byte is lost or doubled.
func TestBucketReadsOn(t *testing.T) {
	s := storetest.Start(t)
	b, ctx := newBucket(t, s, storetest.SecretKey), context.Background()
	want := content(1, 12<<20)
	if err := store.Write(ctx, b, "file", want); err != nil {
		t.Fatal(err)
	}
	broken := newBucket(t, &storetest.Server{Address: cutting(t, s.Address, 1<<20)}, storetest.SecretKey)
	if got, err := store.Read(ctx, broken, "file"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	got := make([]byte, 5<<20)
	if _, err := opened(t, broken, "file").ReadAt(got, 1<<20); err != nil || !bytes.Equal(got, want[1<<20:6<<20]) {
		t.Error("at a place: other bytes, or ", err)
	}
	dead := newBucket(t, &storetest.Server{Address: cutting(t, s.Address, 0)}, storetest.SecretKey)
	_, opening := dead.Open(ctx, "file")
	for _, err := range []error{opening, store.Write(ctx, dead, "file", content(1, 6<<20))} {
		if !errors.Is(err, store.ErrUnreachable) || strings.Contains(err.Error(), "http://") {
			t.Errorf("got %v, want that the server gives no answer, and no URL", err)
		}
	}
}

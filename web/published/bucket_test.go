package published_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/merkle/store"
	"github.com/assay-por/assay/merkle/store/storetest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/copies"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/published/publishedtest"
)

// objects reads a folder of a real bucket.
type objects struct{ *store.Bucket }

func (o objects) Level(ctx context.Context) (map[string]string, []string, error) {
	found, folders, err := o.Bucket.Level(ctx, o.Prefix+"/")
	all := map[string]string{}
	for _, f := range found {
		all[strings.TrimPrefix(f.Key, o.Prefix+"/")] = f.ETag
	}
	for i := range folders {
		folders[i] = strings.TrimPrefix(folders[i], o.Prefix+"/")
	}
	return all, folders, err
}

func (o objects) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	return o.Bucket.Open(ctx, name)
}

// said collects what is logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// far is a bucket at a real server, and a machine that keeps copies of it.
type far struct {
	server *storetest.Server
	bucket *store.Bucket
	cache  string
	said   *said
	link   published.Link
}

func newFar(t testing.TB, limit int64) *far {
	t.Helper()
	f := &far{server: storetest.Start(t), cache: t.TempDir(), said: new(said)}
	client, err := f.server.Client(storetest.SecretKey)
	try(t, err)
	f.bucket = &store.Bucket{Client: client, Name: storetest.Name, Prefix: "shown"}
	kept, err := copies.Open(f.cache, limit)
	try(t, err)
	t.Cleanup(func() { _ = kept.Close() })
	f.link = published.Link{Context: t.Context(), Name: "s3://assay-test/shown", Objects: objects{f.bucket}, Copies: kept, Logger: slog.New(slog.NewTextHandler(f.said, nil))}
	return f
}

// paths are the files of a report in a folder.
func paths(t testing.TB, dir string) (all []string) {
	t.Helper()
	try(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

// publish puts a folder's files into the bucket, calls before each of them, and puts the index last.
func (f *far) publish(t testing.TB, dir, name string, before func()) {
	t.Helper()
	index := published.Index{Files: []published.IndexFile{}}
	for _, path := range paths(t, dir) {
		before()
		raw, err := os.ReadFile(filepath.Join(dir, path))
		try(t, err)
		file := published.IndexFile{Path: path, SHA256: sha256.Sum256(raw), Size: uint64(len(raw))}
		try(t, store.Write(t.Context(), f.bucket, name+"/"+file.Object(), raw))
		index.Files = append(index.Files, file)
	}
	before()
	raw, err := index.JSON()
	try(t, err)
	try(t, f.bucket.Replace(t.Context(), name+published.IndexSuffix, raw))
}

// remove removes objects whose names begin so.
func (f *far) remove(t *testing.T, prefix string) {
	t.Helper()
	all, err := f.bucket.List(t.Context(), prefix)
	try(t, err)
	for _, o := range all {
		try(t, f.bucket.Remove(t.Context(), o.Name))
	}
}

func made(t *testing.T, number uint64, former *publishedtest.Made) (publishedtest.Made, string) {
	t.Helper()
	m, dir := publishedtest.Draft(t, number, former), t.TempDir()
	m.Publish(t, dir)
	return m, dir
}

// holds wants a file to be, byte for byte, the one at a path.
func holds(t *testing.T, f *published.File, err error, path string) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(f)
	try(t, err)
	want, err := os.ReadFile(path)
	try(t, err)
	if !bytes.Equal(raw, want) || f.Size != int64(len(want)) || f.SHA256 != sha256.Sum256(want) {
		t.Errorf("%s: %d bytes, want %d", path, len(raw), len(want))
	}
}

// opens wants a report to give each file of a folder.
func opens(t *testing.T, s *published.Shelf, m publishedtest.Made, dir string) {
	t.Helper()
	r, err := s.Find(m.Digest)
	if err != nil || r == nil {
		t.Fatalf("the report is not shown: %v", err)
	}
	for _, path := range paths(t, filepath.Join(dir, "bundle")) {
		f, _, err := r.Open(path)
		holds(t, f, err, filepath.Join(dir, "bundle", path))
	}
	f, err := r.Page()
	holds(t, f, err, filepath.Join(dir, "report", "index.html"))
	entries, err := r.Entries()
	if err != nil || len(entries) != len(m.Files) {
		t.Errorf("%d files are listed, want %d: %v", len(entries), len(m.Files), err)
	}
}

// TestBucket: reports of a bucket are shown as those of a folder, each whole and at once; one whose index or folder is gone is not
// shown any more, and no copy of it is left.
func TestBucket(t *testing.T) {
	f := newFar(t, 1<<30)
	first, firstDir := made(t, 0, nil)
	second, secondDir := made(t, 1, &first)
	b := published.NewBucket(f.link, "report")
	s := b.Shelf(watch())
	look := func(want ...string) {
		t.Helper()
		try(t, b.Look(t.Context()))
		if got := shown(t, s); !same(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if _, err := s.Reports(); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a bucket that was not seen yet: %v", err)
	}
	look()
	f.publish(t, firstDir, "a", func() { look() })
	look(first.Digest.String())
	opens(t, s, first, firstDir)
	f.publish(t, secondDir, "b", func() {})
	look(second.Digest.String(), first.Digest.String())
	opens(t, s, second, secondDir)
	before, err := s.Find(first.Digest)
	try(t, err)
	try(t, os.WriteFile(filepath.Join(firstDir, "report", "index.html"), []byte("another page"), 0o600))
	f.publish(t, firstDir, "a", func() {})
	look(second.Digest.String(), first.Digest.String())
	opens(t, s, first, firstDir)
	if now, err := s.Find(first.Digest); err != nil || now == before {
		t.Errorf("the same report with another page was not noticed: %v", err)
	}
	f.publish(t, secondDir, "b", func() {}) // what is there already
	look(second.Digest.String(), first.Digest.String())

	try(t, store.Write(t.Context(), f.bucket, "no-index.json", []byte("{}")))
	try(t, store.Write(t.Context(), f.bucket, "no-index/x", []byte("x")))
	try(t, store.Write(t.Context(), f.bucket, "large.json", bytes.Repeat([]byte(" "), published.MaxIndex+1)))
	try(t, store.Write(t.Context(), f.bucket, "large/x", []byte("x")))
	lost, err := published.Index{Files: []published.IndexFile{{Path: "bundle.zip", SHA256: report.Digest{7}, Size: 7}}}.JSON()
	try(t, err)
	try(t, store.Write(t.Context(), f.bucket, "lost.json", lost))
	try(t, store.Write(t.Context(), f.bucket, "lost/x", []byte("x")))
	look(second.Digest.String(), first.Digest.String())
	look(second.Digest.String(), first.Digest.String())
	if n := strings.Count(f.said.String(), "it is not whole"); n != 3 {
		t.Errorf("of three that are not whole %d lines are said:\n%s", n, f.said)
	}

	try(t, f.bucket.Remove(t.Context(), "a"+published.IndexSuffix))
	look(second.Digest.String())
	f.remove(t, "b/")
	look()
	if left := paths(t, f.cache); len(left) != 1 { // the lock
		t.Errorf("there are copies left: %v", left)
	}
}

// enlarge makes a report's zip so large that it is not fetched before somebody asks; a zip's directory is at its end.
func enlarge(t *testing.T, dir string) (zip string) {
	t.Helper()
	zip = filepath.Join(dir, "bundle.zip")
	try(t, os.WriteFile(zip, append(make([]byte, 5<<20), []byte(readFile(t, zip))...), 0o600))
	return zip
}

// sees looks until that is no error: a server that has begun again may have to be asked twice.
func sees(t *testing.T, look func(context.Context) error) {
	t.Helper()
	err := look(t.Context())
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); err = look(t.Context()) {
		time.Sleep(50 * time.Millisecond)
	}
	try(t, err)
}

// TestBucketAway: while a bucket is away what was seen is shown, and what there is no copy of is an error that says so; it comes back by
// itself, and a machine that begins meanwhile shows nothing.
func TestBucketAway(t *testing.T) {
	f := newFar(t, 1<<30)
	m, dir := made(t, 0, nil)
	zip := enlarge(t, dir)
	f.publish(t, dir, "a", func() {})
	b := published.NewBucket(f.link, "report")
	try(t, b.Look(t.Context()))
	s := b.Shelf(watch())
	r, err := s.Find(m.Digest)
	try(t, err)
	f.server.Kill()
	late := published.NewBucket(f.link, "other")
	for _, l := range []*published.Bucket{b, b, late} {
		if err := l.Look(t.Context()); !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("a bucket that is away: %v", err)
		}
	}
	opens(t, s, m, dir)
	for range 2 {
		if _, err := r.Zip(); !errors.Is(err, published.ErrAway) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what there is no copy of: %v", err)
		}
	}
	if _, err := late.Shelf(watch()).Reports(); err == nil {
		t.Error("who saw nothing shows something")
	}
	f.server.Begin(t)
	for _, l := range []*published.Bucket{b, late} {
		sees(t, l.Look)
	}
	opens(t, s, m, dir)
	opens(t, late.Shelf(watch()), m, dir)
	file, err := r.Zip()
	holds(t, file, err, zip)
	for line, want := range map[string]int{"cannot be read: what there are copies of": 2, "can be read again": 2, "was asked for and cannot be had": 1} {
		if n := strings.Count(f.said.String(), line); n != want {
			t.Errorf("%q is said %d times, want %d:\n%s", line, n, want, f.said)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	try(t, err)
	return string(raw)
}

// TestBucketDamaged: an object that is not what the index says is not shown, nor kept; a copy that the disk altered is fetched anew.
func TestBucketDamaged(t *testing.T) {
	f := newFar(t, 1<<30)
	m, dir := made(t, 0, nil)
	f.publish(t, dir, "a", func() {})
	object := "a/" + published.IndexFile{SHA256: sha256.Sum256([]byte(readFile(t, filepath.Join(dir, "report", "index.html"))))}.Object()
	for _, content := range []string{"", "half", readFile(t, filepath.Join(dir, "report", "index.html")) + "more"} {
		try(t, f.bucket.Replace(t.Context(), object, []byte(content)))
		b := published.NewBucket(f.link, "report")
		try(t, b.Look(t.Context()))
		if got := shown(t, b.Shelf(watch())); len(got) != 0 {
			t.Errorf("with %q for its page the report is shown", content)
		}
	}
	try(t, f.bucket.Replace(t.Context(), object, []byte(readFile(t, filepath.Join(dir, "report", "index.html")))))
	b := published.NewBucket(f.link, "report")
	try(t, b.Look(t.Context()))
	s := b.Shelf(watch())
	opens(t, s, m, dir)
	for _, name := range paths(t, f.cache) {
		if strings.HasPrefix(name, "report.") {
			try(t, os.WriteFile(filepath.Join(f.cache, name), []byte("altered"), 0o600))
		}
	}
	opens(t, s, m, dir)
}

// TestBucketLost: a file that the index names and somebody has removed is not one that never was.
func TestBucketLost(t *testing.T) {
	f := newFar(t, 1<<30)
	m, dir := made(t, 0, nil)
	zip := enlarge(t, dir)
	f.publish(t, dir, "a", func() {})
	b := published.NewBucket(f.link, "report")
	try(t, b.Look(t.Context()))
	r, err := b.Shelf(watch()).Find(m.Digest)
	try(t, err)
	try(t, f.bucket.Remove(t.Context(), "a/"+published.IndexFile{SHA256: sha256.Sum256([]byte(readFile(t, zip)))}.Object()))
	if _, err := r.Zip(); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(f.said.String(), "was asked for and cannot be had") {
		t.Errorf("got %v; said: %s", err, f.said)
	}
}

// TestLogBucket: a checkpoint is shown once all tiles under it are there, and while the bucket is away the one that was seen last.
func TestLogBucket(t *testing.T) {
	f := newFar(t, 1<<30)
	log := published.NewLogBucket(f.link)
	shows := &published.Log{Files: log}
	checkpoint := func(size string) string { return "exchange.example/log\n" + size + "\nroot\n" }
	is := func(want string) {
		t.Helper()
		file, err := shows.Checkpoint()
		if want == "" {
			if err == nil {
				t.Error("a checkpoint is shown")
			}
			return
		}
		try(t, err)
		defer file.Close()
		if raw, err := io.ReadAll(file); err != nil || string(raw) != want {
			t.Errorf("got %q, %v, want %q", raw, err, want)
		}
	}
	if err := log.Look(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where there is no log: %v", err)
	}
	is("")
	for _, size := range []string{"3", "300"} {
		before := ""
		if size == "300" {
			before = checkpoint("3")
		}
		n := uint64(3)
		if size == "300" {
			n = 300
		}
		try(t, f.bucket.Replace(t.Context(), "checkpoint", []byte(checkpoint(size))))
		for name := range published.Tiles(n) {
			if err := log.Look(t.Context()); err == nil {
				t.Errorf("without %s the checkpoint of %s is taken", name, size)
			}
			is(before)
			try(t, store.Write(t.Context(), f.bucket, name, []byte(size+" "+name)))
		}
		try(t, log.Look(t.Context()))
		is(checkpoint(size))
	}
	f.server.Kill()
	if err := log.Look(t.Context()); !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("a bucket that is away: %v", err)
	}
	is(checkpoint("300"))
	for name := range published.Tiles(300) {
		file, _, err := shows.Tile(name)
		try(t, err)
		raw, err := io.ReadAll(file)
		if try(t, file.Close()); err != nil || string(raw) != "300 "+name {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
	for _, name := range []string{"tile/0/000.p/4", "tile/0/002", "../a.json", "tile/../checkpoint"} {
		if file, _, err := shows.Tile(name); err == nil {
			t.Errorf("%s is shown: %v", name, file.Name())
		}
	}
	f.server.Begin(t)
	sees(t, log.Look)
	is(checkpoint("300"))
	for _, other := range []string{checkpoint("3"), "no checkpoint"} {
		try(t, f.bucket.Replace(t.Context(), "checkpoint", []byte(other)))
		if err := log.Look(t.Context()); !errors.Is(err, published.ErrDamaged) {
			t.Errorf("a log that has fewer entries than before: %v", err)
		}
		is(checkpoint("300"))
	}
}

// TestLogBucketLarge: what has more bytes than any tile is none, and pushes nothing out.
func TestLogBucketLarge(t *testing.T) {
	f := newFar(t, 1<<30)
	log := published.NewLogBucket(f.link)
	try(t, f.bucket.Replace(t.Context(), "checkpoint", []byte("exchange.example/log\n1\nroot\n")))
	for name := range published.Tiles(1) {
		try(t, f.bucket.Replace(t.Context(), name, make([]byte, 256*65537+1)))
	}
	if err := log.Look(t.Context()); !errors.Is(err, published.ErrDamaged) {
		t.Errorf("got %v", err)
	}
	if left := paths(t, f.cache); len(left) != 1 { // the lock
		t.Errorf("there are copies: %v", left)
	}
}

// TestTiles: those of a log are the ones that are covered, each once.
func TestTiles(t *testing.T) {
	for size, want := range map[uint64]string{
		0: "", 1: "tile/0/000.p/1 tile/entries/000.p/1", 256: "tile/0/000 tile/entries/000 tile/1/000.p/1",
		600: "tile/0/000 tile/entries/000 tile/0/001 tile/entries/001 tile/0/002.p/88 tile/entries/002.p/88 tile/1/000.p/2",
	} {
		var got []string
		for name := range published.Tiles(size) {
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%d: got %v, want %s", size, got, want)
		}
	}
}

// FuzzParseIndex: what is taken for an index is written as it was read, and names files that can be.
func FuzzParseIndex(f *testing.F) {
	one, err := published.Index{Files: []published.IndexFile{{Path: "bundle/manifest.json", Size: 1}}}.JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	f.Add([]byte(`{"files":[],"type":"assay/v1/files"}`))
	f.Add(bytes.ReplaceAll(one, []byte("bundle/"), []byte("../")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		index, err := published.ParseIndex(raw)
		if err != nil {
			return
		}
		if again, err := index.JSON(); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%q is written as %q, %v", raw, again, err)
		}
		for _, file := range index.Files {
			if !fs.ValidPath(file.Path) {
				t.Errorf("it names %q", file.Path)
			}
		}
	})
}

// BenchmarkOpen opens and reads a report's manifest, by a folder and by copies of a bucket.
func BenchmarkOpen(b *testing.B) {
	m, dir := publishedtest.Draft(b, 0, nil), b.TempDir()
	m.Publish(b, dir)
	place := published.Place{Bundle: filepath.Join(dir, "bundle"), Zip: filepath.Join(dir, "bundle.zip"), Page: filepath.Join(dir, "report")}
	b.Run("folder", func(b *testing.B) { benchPage(b, published.Single(place, time.Now), m) })
	b.Run("bucket", func(b *testing.B) {
		f := newFar(b, 1<<30)
		f.publish(b, dir, "a", func() {})
		bucket := published.NewBucket(f.link, "report")
		if err := bucket.Look(b.Context()); err != nil {
			b.Fatal(err)
		}
		benchPage(b, bucket.Shelf(time.Now), m)
	})
}

func benchPage(b *testing.B, s *published.Shelf, m publishedtest.Made) {
	b.Helper()
	r, err := s.Find(m.Digest)
	if err != nil || r == nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f, _, err := r.Open(report.PathManifest)
			if err == nil {
				_, err = io.Copy(io.Discard, f)
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// unread are objects of which those that begin so cannot be read.
type unread struct {
	objects
	prefix string
}

func (u unread) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if u.prefix != "" && strings.HasPrefix(name, u.prefix) {
		return nil, fs.ErrPermission
	}
	return u.objects.Open(ctx, name)
}

// TestBucketUnread: one set that cannot be read keeps no other from being seen, nor from being taken back; what was seen of it stays.
func TestBucketUnread(t *testing.T) {
	f := newFar(t, 1<<30)
	first, firstDir := made(t, 0, nil)
	second, secondDir := made(t, 1, &first)
	third, thirdDir := made(t, 2, &second)
	zip := enlarge(t, thirdDir)
	files := &unread{objects: objects{f.bucket}}
	f.link.Objects = files
	b := published.NewBucket(f.link, "report")
	s := b.Shelf(watch())
	look := func(want ...string) {
		t.Helper()
		try(t, b.Look(t.Context()))
		if got := shown(t, s); !same(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	f.publish(t, firstDir, "a", func() {})
	f.publish(t, secondDir, "b", func() {})
	look(second.Digest.String(), first.Digest.String())
	files.prefix = "b"
	try(t, os.WriteFile(filepath.Join(secondDir, "report", "index.html"), []byte("another page"), 0o600))
	f.publish(t, secondDir, "b", func() {})
	f.publish(t, thirdDir, "c", func() {})
	look(third.Digest.String(), second.Digest.String(), first.Digest.String())
	opens(t, s, third, thirdDir)
	r, err := s.Find(third.Digest)
	try(t, err)
	large, err := r.Zip()
	holds(t, large, err, zip)
	try(t, f.bucket.Remove(t.Context(), "a"+published.IndexSuffix))
	look(third.Digest.String(), second.Digest.String())
	if n := strings.Count(f.said.String(), "cannot be read, and stays"); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, f.said)
	}
	files.prefix = ""
	look(third.Digest.String(), second.Digest.String())
	opens(t, s, second, secondDir)
	if err := published.NewBucket(f.link, "other").Look(t.Context()); err != nil {
		t.Error(err)
	}
	files.prefix = "b"
	if err := published.NewBucket(f.link, "begins").Look(t.Context()); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("who begins does not know what there is: %v", err)
	}
}

// TestBucketTooLarge: what is larger than all copies may be is not fetched to find that out, each time that somebody asks.
func TestBucketTooLarge(t *testing.T) {
	f := newFar(t, 4<<20)
	m, dir := made(t, 0, nil)
	enlarge(t, dir)
	f.publish(t, dir, "a", func() {})
	files := &unread{objects: objects{f.bucket}}
	f.link.Objects = files
	b := published.NewBucket(f.link, "report")
	try(t, b.Look(t.Context()))
	r, err := b.Shelf(watch()).Find(m.Digest)
	try(t, err)
	files.prefix = "a/"
	if _, err := r.Zip(); !errors.Is(err, copies.ErrLarge) || errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

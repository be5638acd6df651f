package tlog_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
)

const origin = "exchange.example/log"

func newKey(t testing.TB) *keys.Signer {
	t.Helper()
	key, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// config is of a log that is not created yet, and its verifier key.
func config(t testing.TB) (c tlog.Config, vkey string) {
	t.Helper()
	c = tlog.Config{Dir: filepath.Join(tempDir(t), "log"), Origin: origin, Signer: newKey(t)}
	vkey, err := tlog.VerifierKey(origin, c.Signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return c, vkey
}

// tempDir is removed after the test, though a closed log's tasks may go on in it for a moment.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "assay-tlog-*") //nolint:usetesting // t.TempDir fails the test over a file that appears late
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for os.RemoveAll(dir) != nil {
			time.Sleep(10 * time.Millisecond)
		}
	})
	return dir
}

func create(t testing.TB, c tlog.Config) *tlog.Log {
	t.Helper()
	if err := tlog.Create(c); err != nil {
		t.Fatal(err)
	}
	return open(t, c)
}

func open(t testing.TB, c tlog.Config) *tlog.Log {
	t.Helper()
	l, err := tlog.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t testing.TB, l *tlog.Log, entries ...string) []tlog.Place {
	t.Helper()
	places, err := l.Add(t.Context(), raw(entries)...)
	if err != nil {
		t.Fatal(err)
	}
	return places
}

func raw(entries []string) [][]byte {
	var out [][]byte
	for _, e := range entries {
		out = append(out, []byte(e))
	}
	return out
}

func read(t testing.TB, c tlog.Config, vkey string, witnesses ...string) tlog.Checkpoint {
	t.Helper()
	head, err := tlog.ReadCheckpoint(os.DirFS(c.Dir), vkey, witnesses...)
	if err != nil {
		t.Fatal(err)
	}
	return head
}

func TestAdds(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	first := add(t, l, "a", "b", "c", "b")
	if got := []uint64{first[0].Index, first[1].Index, first[2].Index, first[3].Index}; !slices.Equal(got, []uint64{0, 1, 2, 1}) {
		t.Errorf("places %d", got)
	}
	second := add(t, l, "d", "a")
	if second[0].Index != 3 || second[1].Index != 0 || bytes.Equal(second[1].Checkpoint, first[0].Checkpoint) {
		t.Errorf("an entry that is there: #%d, and a new one #%d", second[1].Index, second[0].Index)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Add(t.Context(), []byte("x")); err == nil {
		t.Error("a closed log takes entries")
	}
	again := add(t, open(t, c), "c")
	if again[0].Index != 2 {
		t.Errorf("after opening again: #%d, want 2", again[0].Index)
	}
	head := read(t, c, vkey)
	var got []string
	for e, err := range tlog.Entries(os.DirFS(c.Dir), head) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(e))
	}
	if !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("entries %q", got)
	}
	place, err := tlog.Prove(os.DirFS(c.Dir), head, []byte("d"))
	if err != nil || place.Index != 3 || !bytes.HasSuffix(place.Proof, head.Note) || !bytes.HasPrefix(place.Proof, []byte("c2sp.org/tlog-proof@v1\nindex 3\n")) {
		t.Errorf("%v\n%s", err, place.Proof)
	}
	if _, err := tlog.Prove(os.DirFS(c.Dir), head, []byte("e")); !errors.Is(err, tlog.ErrAbsent) {
		t.Errorf("an entry that is not there: %v", err)
	}
}

func TestRefusesEntries(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	for _, e := range [][]byte{nil, {}, make([]byte, tlog.MaxEntry+1)} {
		if _, err := l.Add(t.Context(), []byte("good"), e); err == nil || !strings.Contains(err.Error(), "entry 2 of 2") {
			t.Errorf("%d bytes: %v", len(e), err)
		}
	}
	if size := read(t, c, vkey).Size; size != 0 {
		t.Errorf("the log has %d entries", size)
	}
	if p := add(t, l, strings.Repeat("x", tlog.MaxEntry)); p[0].Index != 0 {
		t.Errorf("the largest entry: #%d", p[0].Index)
	}
}

func TestOpenWaitsForOthers(t *testing.T) {
	c, _ := config(t)
	l := create(t, c)
	hasty := c
	hasty.Patience = 100 * time.Millisecond
	if _, err := tlog.Open(t.Context(), hasty); err == nil || !strings.Contains(err.Error(), "another process holds") {
		t.Errorf("got %v", err)
	}
	opened := make(chan error)
	go func() {
		second, err := tlog.Open(t.Context(), c)
		if err == nil {
			err = second.Close()
		}
		opened <- err
	}()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestConfigRefused(t *testing.T) {
	good := watch(t, "w1", vkeyOf(t))
	key := newKey(t).PublicKey()
	var named []tlog.Witness // one key by two names
	for _, name := range []string{"a", "b"} {
		vkey, err := tlog.WitnessKey(name, key)
		if err != nil {
			t.Fatal(err)
		}
		named = append(named, tlog.Witness{Key: vkey, URL: "https://" + name + ".example"})
	}
	for name, tt := range map[string]struct {
		fault func(*tlog.Config)
		want  string
	}{
		"folder in use":    {func(c *tlog.Config) { _ = os.MkdirAll(filepath.Join(c.Dir, "x"), 0o755) }, "holds something"},
		"no folder":        {func(c *tlog.Config) { c.Dir = "" }, "both needed"},
		"no key":           {func(c *tlog.Config) { c.Signer = nil }, "both needed"},
		"origin":           {func(c *tlog.Config) { c.Origin = "a b" }, "without white space"},
		"long origin":      {func(c *tlog.Config) { c.Origin = strings.Repeat("a", 257) }, "without white space"},
		"quorum too large": {func(c *tlog.Config) { c.Quorum = 1 }, "a quorum of 1, want 0 to 0"},
		"no quorum":        {func(c *tlog.Config) { c.Witnesses = []tlog.Witness{good.Witness} }, "a quorum of 0, want 1 to 1"},
		"key of two names": {func(c *tlog.Config) { c.Witnesses, c.Quorum = named, 2 }, "stands twice"},
		"witness twice":    {func(c *tlog.Config) { c.Witnesses, c.Quorum = []tlog.Witness{good.Witness, good.Witness}, 2 }, "stands twice"},
		"witness key":      {func(c *tlog.Config) { c.Witnesses, c.Quorum = []tlog.Witness{{Key: "x", URL: good.URL}}, 1 }, "no verifier key of a witness"},
		"witness URL":      {func(c *tlog.Config) { c.Witnesses, c.Quorum = []tlog.Witness{{Key: good.Key, URL: "host:1"}}, 1 }, "URL is malformed"},
	} {
		c, _ := config(t)
		tt.fault(&c)
		if err := tlog.Create(c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func vkeyOf(t *testing.T) string {
	_, vkey := config(t)
	return vkey
}

// TestOpenRefuses: a folder that was altered is not written to.
func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		fault func(t *testing.T, c *tlog.Config)
		want  string
	}{
		"no log":         {func(_ *testing.T, c *tlog.Config) { c.Dir += "/none" }, "holds no log"},
		"another key":    {func(t *testing.T, c *tlog.Config) { c.Signer = newKey(t) }, "checkpoint: "},
		"another origin": {func(_ *testing.T, c *tlog.Config) { c.Origin += "2" }, "checkpoint: "},
		"a leaf's hash":  {flip("tile/0/000.p/3"), "give the root"},
		"state rolled back": {func(t *testing.T, c *tlog.Config) {
			if err := os.WriteFile(filepath.Join(c.Dir, ".state", "treeState"), []byte(`{"size":1,"root":""}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "its checkpoint counts 3 entries, its state 1"},
	} {
		c, _ := config(t)
		l := create(t, c)
		add(t, l, "a", "b", "c")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		tt.fault(t, &c)
		if l, err := tlog.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
			if err == nil {
				_ = l.Close()
			}
		}
	}
}

// flip changes the last byte of a file of the log.
func flip(name string) func(*testing.T, *tlog.Config) {
	return func(t *testing.T, c *tlog.Config) {
		name := filepath.Join(c.Dir, name)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadingRefuses: entries that are not those under the checkpoint are found out.
func TestReadingRefuses(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	add(t, l, "a", "b", "c")
	head := read(t, c, vkey)
	flip("tile/entries/000.p/3")(t, &c)
	n, last := 0, error(nil)
	for _, err := range tlog.Entries(os.DirFS(c.Dir), head) {
		n, last = n+1, err
	}
	if n != 4 || last == nil {
		t.Errorf("%d entries, %v", n, last)
	}
	if _, err := tlog.Prove(os.DirFS(c.Dir), head, []byte("c")); err == nil || !strings.Contains(err.Error(), "reads back as other bytes") {
		t.Errorf("got %v", err)
	}
	if _, err := l.Add(t.Context(), []byte("c")); err == nil {
		t.Error("a log that reads back other bytes says that it holds the entry")
	}
	flip("checkpoint")(t, &c)
	if _, err := tlog.ReadCheckpoint(os.DirFS(c.Dir), vkey); err == nil {
		t.Error("an altered checkpoint is read")
	}
}

// TestAddsAtOnce: many callers, some with the same entries.
func TestAddsAtOnce(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			if _, err := l.Add(t.Context(), fmt.Append(nil, n%30), fmt.Append(nil, "own ", n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if size := read(t, c, vkey).Size; size != 80 {
		t.Errorf("%d entries, want 80", size)
	}
}

// TestKeys holds verifier keys to SPEC part 25, with values that another language made.
func TestKeys(t *testing.T) {
	key, err := attest.ParsePublicKey("ed25519:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	for want, of := range map[string]func(string, attest.PublicKey) (string, error){
		"a.example/b+e9fb536b+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f": tlog.VerifierKey,
		"a.example/b+532135c5+BAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f": tlog.WitnessKey,
	} {
		if got, err := of("a.example/b", key); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		for _, name := range []string{"", "a b", "a+b", "a\u2003b", "\xff", strings.Repeat("a", 257)} {
			if _, err := of(name, key); err == nil {
				t.Errorf("the name %q: no error", name)
			}
		}
	}
}

// FuzzReadCheckpoint: whatever lies there, a checkpoint that is read was signed.
func FuzzReadCheckpoint(f *testing.F) {
	c, vkey := config(f)
	if err := tlog.Create(c); err != nil {
		f.Fatal(err)
	}
	good := read(f, c, vkey).Note
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("\n0\n"), []byte("\n1\n"), 1))
	f.Add([]byte(origin + "\n1\n\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		head, err := tlog.ReadCheckpoint(fstest.MapFS{"checkpoint": {Data: raw}}, vkey)
		if err == nil && (head.Size != 0 || !bytes.HasPrefix(raw, good[:bytes.Index(good, []byte("\n\n"))])) {
			t.Errorf("read as size %d: %q", head.Size, raw)
		}
	})
}

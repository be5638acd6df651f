package tlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/attest/witness"
)

// watcher is a real witness behind a real server.
type watcher struct {
	tlog.Witness
	server *httptest.Server
	down   atomic.Bool
	now    time.Time
	mu     sync.Mutex
}

func watch(t testing.TB, name string, logs ...string) *watcher {
	t.Helper()
	key := newKey(t)
	w := &watcher{now: time.Unix(1_790_000_000, 0)}
	inside, err := witness.Open(witness.Config{Dir: t.TempDir(), Name: name, Signer: key, Logs: logs, Log: slog.New(slog.DiscardHandler), Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.down.Load() {
			http.Error(rw, "out for lunch", http.StatusServiceUnavailable)
			return
		}
		inside.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() { w.server.Close(); _ = inside.Close() })
	vkey, err := tlog.WitnessKey(name, key.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	w.Witness = tlog.Witness{Key: vkey, URL: w.server.URL}
	return w
}

func (w *watcher) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// TestC11_Quorum: without it nothing is published, and the error says who refused and why; with it again, nothing is added twice.
func TestC11_Quorum(t *testing.T) {
	c, vkey := config(t)
	stranger := vkeyOf(t)
	w1, w2, w3 := watch(t, "w1.example", vkey), watch(t, "w2.example", vkey, stranger), watch(t, "w3.example", stranger)
	w1.now, w2.now = time.Unix(100, 0), time.Unix(200, 0)
	c.Witnesses, c.Quorum = []tlog.Witness{w1.Witness, w2.Witness, w3.Witness}, 2
	l := create(t, c)
	add(t, l, "a")
	head := read(t, c, vkey, w1.Key, w2.Key, w3.Key)
	if head.Size != 1 || len(head.Witnesses) != 2 || head.Witnesses[0].Time.Unix()+head.Witnesses[1].Time.Unix() != 300 {
		t.Fatalf("%+v", head)
	}
	w2.server.Close()
	_, err := l.Add(t.Context(), []byte("b"))
	var q *tlog.QuorumError
	if !errors.As(err, &q) || q.Size != 2 || q.Quorum != 2 || len(q.Faults) != 2 || q.Faults[0].Witness != "w2.example" || !strings.Contains(q.Faults[0].Said, "refused") ||
		q.Faults[1] != (tlog.Fault{Witness: "w3.example", Said: "403 no signature by a key of this log verifies"}) {
		t.Fatalf("got %v", err)
	}
	if head := read(t, c, vkey); head.Size != 1 {
		t.Errorf("a checkpoint of size %d was published", head.Size)
	}
	if _, err := tlog.Prove(os.DirFS(c.Dir), head, []byte("b")); !errors.Is(err, tlog.ErrAbsent) {
		t.Errorf("an unpublished entry: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c.Quorum = 1
	l = open(t, c)
	if p := add(t, l, "b", "c"); p[0].Index != 1 || p[1].Index != 2 {
		t.Errorf("places %d and %d", p[0].Index, p[1].Index)
	}
}

// TestC11_QuorumComesBack: the same log goes on, with what waited, as soon as its witness does.
func TestC11_QuorumComesBack(t *testing.T) {
	c, vkey := config(t)
	w := watch(t, "w.example", vkey)
	c.Witnesses, c.Quorum = []tlog.Witness{w.Witness}, 1
	l := create(t, c)
	w.down.Store(true)
	for range 3 {
		if _, err := l.Add(t.Context(), []byte("a")); err == nil || !strings.Contains(err.Error(), "w.example: 503 out for lunch") {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := l.Cosign(t.Context()); err == nil {
		t.Error("a log without its witness is fresh")
	}
	w.down.Store(false)
	if p := add(t, l, "a", "b"); p[0].Index != 0 || p[1].Index != 1 {
		t.Errorf("places %d and %d", p[0].Index, p[1].Index)
	}
}

// brokenKey signs other bytes than it is given, or nothing.
type brokenKey struct {
	attest.Signer
	how atomic.Value
}

func (k *brokenKey) Sign(message []byte) ([]byte, error) {
	switch k.how.Load() {
	case "wrong":
		return k.Signer.Sign(append(message, 'x'))
	case "refuses":
		return nil, errors.New("the token is locked")
	}
	return k.Signer.Sign(message)
}

func TestKeyThatFails(t *testing.T) {
	c, vkey := config(t)
	key := &brokenKey{Signer: c.Signer}
	c.Signer = key
	l := create(t, c)
	for how, want := range map[string]string{"wrong": "its key did not sign: the signature does not verify", "refuses": "its key did not sign: the token is locked"} {
		key.how.Store(how)
		if _, err := l.Add(t.Context(), []byte(how)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if size := read(t, c, vkey).Size; size != 0 {
		t.Errorf("a checkpoint of size %d was published", size)
	}
	key.how.Store("")
	add(t, l, "wrong", "refuses", "more")
}

// TestC11_FolderOfBefore: a folder put back to an earlier state is caught by the witness, and nothing is published from it.
func TestC11_FolderOfBefore(t *testing.T) {
	c, vkey := config(t)
	w := watch(t, "w.example", vkey)
	c.Witnesses, c.Quorum = []tlog.Witness{w.Witness}, 1
	l := create(t, c)
	add(t, l, "a", "b")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	before := c
	before.Dir = filepath.Join(tempDir(t), "before")
	if err := os.CopyFS(before.Dir, os.DirFS(c.Dir)); err != nil {
		t.Fatal(err)
	}
	l = open(t, c)
	add(t, l, "c", "d")
	old := open(t, before)
	_, err := old.Add(t.Context(), []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "w.example: it cosigned a larger log before, of size 4") {
		t.Errorf("got %v", err)
	}
	_, err = old.Add(t.Context(), []byte("y"), []byte("z"))
	if err == nil || !strings.Contains(err.Error(), "w.example: 422 the consistency proof does not verify") {
		t.Errorf("got %v", err)
	}
	if head := read(t, before, vkey); head.Size != 2 {
		t.Errorf("a checkpoint of size %d was published", head.Size)
	}
}

// TestFalseWitness: an answer that is no cosignature is said to be none.
func TestFalseWitness(t *testing.T) {
	c, _ := config(t)
	for want, h := range map[string]http.HandlerFunc{
		"it answered with a signature that does not verify": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "— w.example AAAA") },
		"302 ":              func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"500 one line only": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "one\nline\x1bonly", 500) },
	} {
		key, err := tlog.WitnessKey("w.example", newKey(t).PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(h)
		c.Dir = filepath.Join(tempDir(t), "log")
		c.Witnesses, c.Quorum = []tlog.Witness{{Key: key, URL: server.URL}}, 1
		l := create(t, c)
		if _, err := l.Add(t.Context(), []byte("a")); err == nil || !strings.Contains(err.Error(), "w.example: "+want) {
			t.Errorf("got %v, want %q", err, want)
		}
		server.Close()
	}
}

// TestCosign: the checkpoint of a log that does not grow is made fresh, and one that was published without witnesses gets them.
func TestCosign(t *testing.T) {
	c, vkey := config(t)
	l := create(t, c)
	add(t, l, "a")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w := watch(t, "w.example", vkey)
	c.Witnesses, c.Quorum = []tlog.Witness{w.Witness}, 1
	l = open(t, c)
	if p := add(t, l, "a"); p[0].Index != 0 || !bytes.Contains(p[0].Checkpoint, []byte("— w.example ")) {
		t.Errorf("%s", p[0].Checkpoint)
	}
	w.mu.Lock()
	w.now = w.now.Add(time.Hour)
	w.mu.Unlock()
	head, err := l.Cosign(t.Context())
	if err != nil || head.Size != 1 || len(head.Witnesses) != 1 || !head.Witnesses[0].Time.Equal(w.clock()) {
		t.Errorf("%v, %+v", err, head)
	}
}

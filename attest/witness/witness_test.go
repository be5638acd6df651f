package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cosignatures "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
)

const origin = "exchange.example/log"

// log is a small log of our own, hashed by golang.org/x/mod/sumdb/tlog; copies of it can be led apart.
type log struct {
	signer note.Signer
	vkey   string
	hashes []sumdb.Hash
	size   int64
}

func newLog(t *testing.T) *log {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return &log{signer: signer, vkey: vkey}
}

func (l *log) clone() *log {
	c := *l
	c.hashes = append([]sumdb.Hash{}, l.hashes...)
	return &c
}

func (l *log) reader() sumdb.HashReader {
	return sumdb.HashReaderFunc(func(at []int64) ([]sumdb.Hash, error) {
		var out []sumdb.Hash
		for _, i := range at {
			out = append(out, l.hashes[i])
		}
		return out, nil
	})
}

func (l *log) add(t *testing.T, entries ...string) {
	t.Helper()
	for _, e := range entries {
		h, err := sumdb.StoredHashes(l.size, []byte(e), l.reader())
		if err != nil {
			t.Fatal(err)
		}
		l.hashes, l.size = append(l.hashes, h...), l.size+1
	}
}

func (l *log) text(t *testing.T) string {
	t.Helper()
	root := sumdb.Hash(sha256.Sum256(nil))
	if l.size > 0 {
		var err error
		if root, err = sumdb.TreeHash(l.size, l.reader()); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%s\n%d\n%s\n", origin, l.size, base64.StdEncoding.EncodeToString(root[:]))
}

func (l *log) checkpoint(t *testing.T) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: l.text(t)}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// body is a whole request, from an old size on.
func (l *log) body(t *testing.T, old int64) string {
	t.Helper()
	var path strings.Builder
	if old > 0 && old < l.size {
		tree, err := sumdb.ProveTree(l.size, old, l.reader())
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range tree {
			path.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
		}
	}
	return fmt.Sprintf("old %d\n%s\n%s", old, path.String(), l.checkpoint(t))
}

func newKey(t *testing.T) *keys.Signer {
	t.Helper()
	key, err := keys.GenerateSigner(rand.Reader, attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func open(t *testing.T, c Config) *Witness {
	t.Helper()
	w, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func config(t *testing.T, logs ...string) Config {
	t.Helper()
	return Config{
		Dir: t.TempDir(), Name: "witness.example", Signer: newKey(t), Logs: logs,
		Now: func() time.Time { return time.Unix(1_790_000_000, 0) }, Log: slog.New(slog.DiscardHandler),
	}
}

func post(w http.Handler, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/add-checkpoint", strings.NewReader(body)))
	return rec
}

// cosigned checks an answer as C2SP says a log may: the lines after the checkpoint are a note.
func cosigned(t *testing.T, w *Witness, l *log, got *httptest.ResponseRecorder) {
	t.Helper()
	if got.Code != http.StatusOK {
		t.Fatalf("got %d %q, want a cosignature", got.Code, got.Body)
	}
	n, err := note.Open([]byte(l.checkpoint(t)+got.Body.String()), note.VerifierList(w.verifier))
	if err != nil {
		t.Fatal(err)
	}
	at, err := cosignatures.CoSigV1Timestamp(n.Sigs[0])
	if err != nil || !at.Equal(time.Unix(1_790_000_000, 0)) {
		t.Errorf("cosigned at %s, %v", at, err)
	}
}

func TestCosigns(t *testing.T) {
	l := newLog(t)
	w := open(t, config(t, l.vkey))
	last := int64(0)
	for n := range 40 {
		cosigned(t, w, l, post(w, l.body(t, last)))
		cosigned(t, w, l, post(w, l.body(t, l.size))) // asked again
		last = l.size
		for i := range n % 5 {
			l.add(t, fmt.Sprint(n, i))
		}
	}
	got := httptest.NewRecorder()
	hash := sha256.Sum256([]byte(origin))
	w.ServeHTTP(got, httptest.NewRequest(http.MethodGet, "/checkpoint/"+hex.EncodeToString(hash[:]), nil))
	own, err := note.NewVerifier(l.vkey)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open(got.Body.Bytes(), note.VerifierList(own, w.verifier)); err != nil || len(n.Sigs) != 2 {
		t.Errorf("what monitors read: %v, %q", err, got.Body)
	}
}

// TestAnswers holds the witness to C2SP tlog-witness, one fault a request.
func TestAnswers(t *testing.T) {
	l := newLog(t)
	l.add(t, "a", "b", "c")
	w := open(t, config(t, l.vkey))
	cosigned(t, w, l, post(w, l.body(t, 0)))
	l.add(t, "d", "e")
	good := l.body(t, 3)
	other := newLog(t)
	other.add(t, "a", "b", "c", "d", "e")
	proofless := "old 3\n\n" + l.checkpoint(t)
	hash := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, tt := range map[string]struct {
		body string
		code int
	}{
		"unknown origin":       {strings.ReplaceAll(good, origin, "else.example/log"), 404},
		"another key":          {other.body(t, 3), 403},
		"no signature":         {good[:strings.LastIndex(good, "— ")], 400},
		"false signature":      {strings.Replace(good, "\n5\n", "\n6\n", 1), 403},
		"larger old size":      {strings.Replace(proofless, "old 3", "old 6", 1), 400},
		"old size of before":   {l.body(t, 2), 409},
		"old size of none":     {l.body(t, 0), 409},
		"no proof":             {proofless, 422},
		"longer proof":         {strings.Replace(good, "old 3\n", "old 3\n"+hash+"\n", 1), 422},
		"leading zero":         {strings.Replace(good, "old 3", "old 03", 1), 400},
		"sign":                 {strings.Replace(good, "old 3", "old +3", 1), 400},
		"no old":               {good[len("old "):], 400},
		"empty":                {"", 400},
		"no checkpoint":        {"old 3\n\n", 400},
		"unended":              {"old 3\n" + hash, 400},
		"64 lines of proof":    {strings.Replace(good, "old 3\n", "old 3\n"+strings.Repeat(hash+"\n", 64), 1), 400},
		"short hash":           {strings.Replace(proofless, "old 3\n", "old 3\nAAAA\n", 1), 400},
		"loose base64":         {strings.Replace(proofless, "old 3\n", "old 3\n"+hash[:42]+"B=\n", 1), 400},
		"extension line":       {strings.Replace(good, "\n\n— ", "\nmore\n\n— ", 1), 400},
		"carriage return":      {strings.ReplaceAll(good, "\n", "\r\n"), 400},
		"size of a checkpoint": {strings.Replace(good, "\n5\n", "\n05\n", 1), 400},
		"too long":             {good + strings.Repeat("x", maxBody), 413},
	} {
		got := post(w, tt.body)
		if got.Code != tt.code {
			t.Errorf("%s: got %d %q, want %d", name, got.Code, got.Body, tt.code)
		}
		if isSize := got.Header().Get("Content-Type") == "text/x.tlog.size"; isSize != (tt.code == 409) || isSize && got.Body.String() != "3\n" {
			t.Errorf("%s: %s %q", name, got.Header().Get("Content-Type"), got.Body)
		}
	}
	cosigned(t, w, l, post(w, good))
	for path, want := range map[string]int{"/": 404, "/add-checkpoint": 405, "/checkpoint/": 404, "/checkpoint/" + strings.Repeat("0", 64): 404, "/.lock": 404} {
		got := httptest.NewRecorder()
		w.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
		if got.Code != want {
			t.Errorf("GET %s: got %d, want %d", path, got.Code, want)
		}
	}
}

// TestC11_RollbackAndFork: neither an older tree nor another of the same or a larger size is cosigned, and what shows a fork is kept.
func TestC11_RollbackAndFork(t *testing.T) {
	l := newLog(t)
	l.add(t, "a", "b")
	older := l.clone()
	l.add(t, "c", "d")
	same, larger := older.clone(), older.clone()
	same.add(t, "c", "D")
	larger.add(t, "C", "d", "e")
	var lines bytes.Buffer
	c := config(t, l.vkey)
	c.Log = slog.New(slog.NewTextHandler(&lines, nil))
	w := open(t, c)
	cosigned(t, w, l, post(w, l.body(t, 0)))
	if got := post(w, older.body(t, 0)); got.Code != 409 || got.Body.String() != "4\n" {
		t.Errorf("an older tree: %d %q", got.Code, got.Body)
	}
	if got := post(w, older.body(t, 2)); got.Code != 409 || got.Body.String() != "4\n" {
		t.Errorf("an older tree: %d %q", got.Code, got.Body)
	}
	for body, code := range map[string]int{same.body(t, 4): 409, larger.body(t, 4): 422} {
		before := lines.Len()
		for range 3 { // asked again, it is the same evidence
			if got := post(w, body); got.Code != code || got.Header().Get("Content-Type") == "text/x.tlog.size" {
				t.Errorf("a fork: %d %q, want %d", got.Code, got.Body, code)
			}
		}
		line := lines.String()[before:]
		_, dir, ok := strings.Cut(strings.SplitN(line, "\n", 2)[0], "evidence=")
		if !ok {
			t.Fatalf("the log line names no evidence: %s", line)
		}
		if _, err := os.Stat(filepath.Join(dir, "fork.json")); (err == nil) != (code == 409) {
			t.Errorf("a fork that the two checkpoints show by themselves, status %d: %v", code, err)
		}
		_, _, sent := strings.Cut(body, "\n\n")
		if !sent {
			t.Fatal("no checkpoint in the request")
		}
		for file, want := range map[string]string{"request": body, "cosigned": l.checkpoint(t), "refused": body[strings.Index(body, "\n\n")+2:]} {
			kept, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || !strings.HasPrefix(string(kept), want) {
				t.Errorf("evidence %s: %v\n%s\nwant\n%s", file, err, kept, want)
			}
		}
	}
	if kept, err := os.ReadDir(filepath.Join(c.Dir, "evidence")); err != nil || len(kept) != 2 {
		t.Errorf("%d pieces of evidence, %v; want 2", len(kept), err)
	}
	cosigned(t, w, l, post(w, l.body(t, 4)))
}

// TestC11_RestartRemembers: what was cosigned binds the witness after it ends, and its memory cannot be written by others.
func TestC11_RestartRemembers(t *testing.T) {
	l := newLog(t)
	l.add(t, "a", "b")
	fork := l.clone()
	c := config(t, l.vkey)
	w := open(t, c)
	cosigned(t, w, l, post(w, l.body(t, 0)))
	if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second witness in the folder: %v", err)
	}
	l.add(t, "c")
	fork.add(t, "x")
	cosigned(t, w, l, post(w, l.body(t, 2)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w = open(t, c)
	if got := post(w, fork.body(t, 2)); got.Code != 409 || got.Body.String() != "3\n" {
		t.Errorf("after a restart: %d %q", got.Code, got.Body)
	}
	if got := post(w, fork.body(t, 3)); got.Code != 409 {
		t.Errorf("after a restart: %d %q", got.Code, got.Body)
	}
	cosigned(t, w, l, post(w, l.body(t, 3)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(c.Dir, "*.checkpoint"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, altered := range map[string]string{
		"smaller":        strings.Replace(string(raw), "\n3\n", "\n2\n", 1),
		"cut":            string(raw[:len(raw)/2]),
		"not cosigned":   l.checkpoint(t),
		"empty":          "",
		"another origin": strings.ReplaceAll(string(raw), origin, "else.example/log"),
	} {
		if err := os.WriteFile(files[0], []byte(altered), 0o600); err != nil {
			t.Fatal(err)
		}
		if w, err := Open(c); err == nil {
			_ = w.Close()
			t.Errorf("memory %s: taken", name)
		}
	}
}

// TestC11_Race: of two forks that arrive at once only one is ever cosigned.
func TestC11_Race(t *testing.T) {
	c := config(t)
	for n := range 100 {
		base := newLog(t)
		base.add(t, "a", "b", "c")
		c.Logs, c.Dir = []string{base.vkey}, t.TempDir()
		w := open(t, c)
		cosigned(t, w, base, post(w, base.body(t, 0)))
		forks := [2]*log{base.clone(), base.clone()}
		forks[0].add(t, "left")
		forks[1].add(t, "right", "more")
		bodies := [2]string{forks[0].body(t, 3), forks[1].body(t, 3)}
		var got [8]*httptest.ResponseRecorder
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range got {
			all.Go(func() { <-start; got[i] = post(w, bodies[i%2]) })
		}
		close(start)
		all.Wait()
		signed := map[int]bool{}
		for i, r := range got {
			if r.Code == http.StatusOK {
				signed[i%2] = true
			}
		}
		if len(signed) != 1 {
			t.Fatalf("try %d: %d of two forks were cosigned", n, len(signed))
		}
	}
}

// TestKeepsBeforeItAnswers: what cannot be kept is not cosigned.
func TestKeepsBeforeItAnswers(t *testing.T) {
	l := newLog(t)
	l.add(t, "a")
	c := config(t, l.vkey)
	w := open(t, c)
	hash := sha256.Sum256([]byte(origin))
	if err := os.MkdirAll(filepath.Join(c.Dir, hex.EncodeToString(hash[:])+".checkpoint", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := post(w, l.body(t, 0)); got.Code != 500 || strings.Contains(got.Body.String(), "—") || strings.Contains(got.Body.String(), c.Dir) {
		t.Errorf("got %d %q", got.Code, got.Body)
	}
}

func TestOpenRefuses(t *testing.T) {
	l := newLog(t)
	for name, fault := range map[string]func(*Config){
		"no folder": func(c *Config) { c.Dir = "" },
		"no key":    func(c *Config) { c.Signer = nil },
		"no clock":  func(c *Config) { c.Now = nil },
		"no logger": func(c *Config) { c.Log = nil },
		"no log":    func(c *Config) { c.Logs = nil },
		"bad log":   func(c *Config) { c.Logs = []string{"x"} },
		"bad name":  func(c *Config) { c.Name = "a+b" },
	} {
		c := config(t, l.vkey)
		fault(&c)
		if _, err := Open(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	hash := base64.StdEncoding.EncodeToString(key[:32])
	f.Add([]byte("old 0\n\n" + origin + "\n1\n" + hash + "\n\n— " + origin + " " + hash + "\n"))
	f.Add([]byte("old 3\n" + hash + "\n\n" + origin + "\n5\n" + hash + "\n\n"))
	f.Add([]byte("old 3\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseRequest(body)
		if err != nil {
			return
		}
		again := fmt.Sprintf("old %d\n", r.old)
		for _, h := range r.path {
			again += base64.StdEncoding.EncodeToString(h) + "\n"
		}
		if again += "\n" + string(r.note); again != string(body) {
			t.Errorf("%q reads as %q", body, again)
		}
		if text := fmt.Sprintf("%s\n%d\n%s\n", r.head.origin, r.head.size, base64.StdEncoding.EncodeToString(r.head.root[:])); text != r.head.text {
			t.Errorf("%q reads as %q", r.head.text, text)
		}
	})
}

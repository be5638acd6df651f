package web_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/published/publishedtest"
)

// responseKey signs the answers of tests.
var responseKey = ed25519.NewKeyFromSeed([]byte("the response key of a small test"))

// now is the time of all tests.
func now() time.Time { return publishedtest.Day.AddDate(0, 1, 0) }

// A place is a folder with what was published, beside other files that must never be served.
type place struct {
	dir         string
	first, last publishedtest.Made // number 0, and 1, which supersedes nothing
	log         *bytes.Buffer
}

func newPlace(t testing.TB) place {
	t.Helper()
	p := place{dir: t.TempDir(), log: new(bytes.Buffer)}
	p.first = publishedtest.Draft(t, 0, nil)
	p.last = publishedtest.Draft(t, 1, &p.first)
	p.first.Publish(t, filepath.Join(p.dir, "reports", "2026-11-01"))
	p.last.Publish(t, filepath.Join(p.dir, "reports", "2026-11-02"))
	for name, content := range map[string]string{
		"reports/2026-11-02/bundle/ledger.csv":                        "carol@example.org",
		"reports/2026-11-02/bundle/liabilities/shard-00000.leaves.gz": "secret",
		"reports/2026-11-02/report/notes.txt":                         "secret",
		"reports/2026-11-02/keys.age":                                 "secret",
		"keys/statement.age":                                          "secret",
		"policy.toml":                                                 "version = 1\n",
		"log/checkpoint":                                              "x.example/log\n300\nAAAA\n\n— x.example/log BBBB\n",
		"log/tile/0/000":                                              "leaves",
		"log/tile/0/001.p/44":                                         "more leaves",
		"log/tile/1/000.p/1":                                          "a node",
		"log/tile/entries/000":                                        "entries",
		"log/tile/entries/000.p/200":                                  "entries of before",
		"log/tile/entries/001.p/44":                                   "more entries",
		"log/tile/entries/001.p/45":                                   "secret, not published yet",
		"log/tile/entries/001":                                        "secret, not published yet",
		"log/tile/0/x000/000":                                         "secret, by a second name",
		"log/tile/0/000.p/0":                                          "secret, of no width",
		"log/tile/entries/notes":                                      "secret",
		"log/.state/treeState":                                        "secret",
	} {
		write(t, filepath.Join(p.dir, name), content)
	}
	link := filepath.Join(p.dir, "reports", "2026-11-02", "bundle", "attachments", "anchor.json")
	if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(filepath.Join(p.dir, "keys", "statement.age"), link)); err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// config serves both reports, signed. Time goes on for the shelf, so that each look is a new one.
func (p place) config() web.Config {
	looks := now()
	return web.Config{
		Config: api.Config{
			Reports: published.Folder(filepath.Join(p.dir, "reports"), func() time.Time { looks = looks.Add(time.Minute); return looks }),
			Log:     &published.Log{Files: published.LogFolder(filepath.Join(p.dir, "log"))}, Policy: filepath.Join(p.dir, "policy.toml"),
			KeyList: func() ([]byte, error) { return []byte(`{"a":"list"}`), nil },
		},
		Key: responseKey, Now: now, Logger: slog.New(slog.NewTextHandler(p.log, nil)),
	}
}

func handler(t testing.TB, c web.Config) http.Handler {
	t.Helper()
	h, err := web.Handler(c)
	if err != nil {
		t.Fatal(err)
	}
	return recorded(t, h)
}

// site is the handler without a key.
func (p place) site(t testing.TB) http.Handler {
	t.Helper()
	c := p.config()
	c.Key = nil
	return handler(t, c)
}

// signed is the handler with one.
func (p place) signed(t testing.TB) http.Handler {
	t.Helper()
	return handler(t, p.config())
}

// withRegister adds a log's entries: both statements, then such notices of the first.
func (p place) withRegister(t testing.TB, c web.Config, kinds ...report.EntryKind) web.Config {
	t.Helper()
	register := report.NewRegister(publishedtest.Exchange, publishedtest.Key.PublicKey())
	issued := report.Time{Time: publishedtest.Day.AddDate(0, 0, 5)}
	index := uint64(0)
	enter := func(e report.Entry, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		payload, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		envelope, err := attest.Sign(attest.PayloadEntry, payload, publishedtest.Key)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := envelope.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := register.Add(index, raw); err != nil {
			t.Fatal(err)
		}
		index++
	}
	enter(report.NewEntry(p.first.Envelope, issued))
	enter(report.NewEntry(p.last.Envelope, issued))
	for _, kind := range kinds {
		switch kind {
		case report.EntryErratum:
			enter(report.NewErratum(publishedtest.Exchange, p.first.Digest, "mended", issued))
		case report.EntryWithdrawal:
			enter(report.NewWithdrawal(publishedtest.Exchange, p.first.Digest, "taken back", issued))
		default:
			t.Fatalf("%s is no notice", kind)
		}
	}
	c.Register = func() (api.Seen, error) {
		return api.Seen{Origin: "x.example/log", Size: index, Register: register}, nil
	}
	c.Prove = func(i uint64) ([]byte, error) {
		if i >= index {
			return nil, fs.ErrNotExist
		}
		return fmt.Appendf(nil, "c2sp.org/tlog-proof@v1\nindex %d\n", i), nil
	}
	return c
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://x.example/", nil)
	r.Method = method
	if u, err := url.ParseRequestURI(path); err == nil {
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
	} else {
		r.URL.Path = path
	}
	r.RequestURI = path
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// verified holds an answer to its signature.
func verified(t testing.TB, method, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	verifiedTo(t, method, path, nil, w)
}

// verifiedTo holds an answer to its signature, and to that of the request, if it was signed.
func verifiedTo(t testing.TB, method, path string, asked []byte, w *httptest.ResponseRecorder) {
	t.Helper()
	u, err := url.ParseRequestURI(path)
	if err != nil {
		t.Fatal(err)
	}
	u.Scheme, u.Host = "https", "x.example"
	_, err = httpsig.Verify(httpsig.Answer{Method: method, URL: u, Asked: asked, Status: w.Code, Header: w.Header(), Content: w.Body.Bytes()},
		[]httpsig.Key{{Public: responseKey.Public().(ed25519.PublicKey), From: now().Add(-time.Hour), Until: now().Add(time.Hour)}}, now())
	if err != nil {
		t.Errorf("%s %s: %d: %v", method, path, w.Code, err)
	}
}

// problem reads an answer that must be one.
func problem(t testing.TB, w *httptest.ResponseRecorder) (kind, detail string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" || p.Status != w.Code || p.Title == "" {
		t.Errorf("%d is no problem: %v %q %v", w.Code, err, w.Body, w.Header())
	}
	return p.Type, p.Detail
}

package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/published/publishedtest"
	"github.com/assay-por/assay/web/site"
)

// siteFiles are the site's paths and what is served there.
func (p place) siteFiles(t testing.TB) map[string][2]string {
	t.Helper()
	newest := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(p.dir, "reports", "2026-11-02", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	files := map[string][2]string{
		"/reports/main-1/bundle.zip":                 {"application/zip", newest("bundle.zip")},
		"/reports/main-1/bundle/manifest.json":       {"application/json", newest("bundle/manifest.json")},
		"/reports/main-0/bundle/statement.dsse.json": {"application/json", string(p.first.Envelope)},
		"/bundle.zip":                            {"application/zip", newest("bundle.zip")},
		"/statement.dsse.json":                   {"application/json", string(p.last.Envelope)},
		"/bundle/statement.dsse.json":            {"application/json", string(p.last.Envelope)},
		"/bundle/manifest.json":                  {"application/json", newest("bundle/manifest.json")},
		"/bundle/reserves/lines.json":            {"application/json", newest("bundle/reserves/lines.json")},
		"/bundle/liabilities/shard-00000.leaves": {"application/octet-stream", newest("bundle/liabilities/shard-00000.leaves")},
		"/log/checkpoint":                        {"text/plain; charset=utf-8", "x.example/log\n300\nAAAA\n\n— x.example/log BBBB\n"},
		"/log/tile/0/000":                        {"application/octet-stream", "leaves"},
		"/log/tile/0/001.p/44":                   {"application/octet-stream", "more leaves"},
		"/log/tile/1/000.p/1":                    {"application/octet-stream", "a node"},
		"/log/tile/entries/000":                  {"application/octet-stream", "entries"},
		"/log/tile/entries/000.p/200":            {"application/octet-stream", "entries of before"},
		"/log/tile/entries/001.p/44":             {"application/octet-stream", "more entries"},
	}
	pages := p.pages(t)
	for _, path := range pages.Paths() {
		page, err := pages.Page(path)
		if err != nil {
			t.Fatal(err)
		}
		files["/"+path] = [2]string{page.Kind, string(page.Content)}
	}
	files["/"], files["/reports/main-1/"] = files["/index.html"], files["/reports/main-1/index.html"]
	return files
}

// pages is the site as it is exported: what is served must be the same.
func (p place) pages(t testing.TB) *site.Site {
	t.Helper()
	all, err := p.config().Reports.Reports()
	if err != nil {
		t.Fatal(err)
	}
	s, err := site.New(site.Source{Reports: all, Policy: []byte("version = 1\n")})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestServes(t *testing.T) {
	p := newPlace(t)
	unsigned, signed := p.site(t), p.signed(t)
	for path, want := range p.siteFiles(t) {
		sum := sha256.Sum256([]byte(want[1]))
		tag := `"` + hex.EncodeToString(sum[:]) + `"`
		for name, h := range map[string]http.Handler{"unsigned": unsigned, "signed": signed} {
			got := ask(h, http.MethodGet, path)
			if got.Code != 200 || got.Body.String() != want[1] || got.Header().Get("Content-Type") != want[0] || got.Header().Get("ETag") != tag {
				t.Errorf("%s %s: %d %q %v", name, path, got.Code, got.Body, got.Header())
			}
			if head := ask(h, http.MethodHead, path); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != tag {
				t.Errorf("%s HEAD %s: %d %q", name, path, head.Code, head.Body)
			}
			if same := ask(h, http.MethodGet, path, "If-None-Match", tag); same.Code != http.StatusNotModified || same.Body.Len() != 0 {
				t.Errorf("%s %s asked again: %d", name, path, same.Code)
			}
		}
		if part := ask(unsigned, http.MethodGet, path, "Range", "bytes=1-1"); part.Code != http.StatusPartialContent || part.Body.String() != want[1][1:2] || part.Header().Get("Content-Digest") != "" {
			t.Errorf("a part of %s: %d %q", path, part.Code, part.Body)
		}
		if whole := ask(signed, http.MethodGet, path, "Range", "bytes=1-1"); whole.Code != 200 || whole.Body.String() != want[1] {
			t.Errorf("a part of %s, signed: %d %q", path, whole.Code, whole.Body)
		}
	}
}

func TestRefuses(t *testing.T) {
	p := newPlace(t)
	v1 := "/v1/reports/" + p.last.Digest.String()
	signed := p.signed(t)
	both := map[string]http.Handler{"site": p.site(t), "signed": signed}
	for _, path := range []string{
		"/bundle", "/bundle/", "/bundle/reserves", "/bundle/reserves/", "/bundle/ledger.csv", "/bundle/liabilities/shard-00000.leaves.gz",
		"/bundle/liabilities/shard-00002.leaves", "/bundle/../keys/statement.age", "/bundle/reserves/../../keys/statement.age", "/../keys/statement.age",
		"/bundle/..%2f..%2fkeys%2fstatement.age", "/bundle/%2e%2e/keys/statement.age", `/bundle/..\keys\statement.age`, "/bundle//manifest.json",
		"/bundle/./manifest.json", "/bundle/manifest.json\x00", "/bundle/attachments/anchor.json", "/notes.txt", "/report/index.html", "/keys/statement.age", "/x",
		"/reports", "/reports/", "/reports/main-1", "/reports/main-2/", "/reports/main-1/notes.txt", "/reports/main-1/keys.age", "/reports/main-1/report/index.html", "/reports/main-1/bundle", "/reports/main-1/bundle/",
		"/reports/main-1/bundle/ledger.csv", "/reports/main-1/bundle/../../keys.age", "/reports/main-1/bundle/..%2fkeys.age", "/reports/main-1/bundle/attachments/anchor.json", "/reports/../policy.toml", "/reports/2026-11-02/bundle.zip",
		"/xx/", "/xx/index.html", "/page-1.html", "/page-2.html", "/page-x.html", "/verify.html", "/verify-small.html", "/widget.js",
		"/log", "/log/", "/log/.state/treeState", "/log/.lock", "/log/tile", "/log/tile/", "/log/tile/0/", "/log/tile/entries/001", "/log/tile/entries/001.p/45", "/log/tile/entries/002",
		"/log/tile/0/x000/000", "/log/tile/0/000.p/0", "/log/tile/0/000.p/044", "/log/tile/0/000.p/256", "/log/tile/0/0", "/log/tile/1/000", "/log/tile/2/000.p/1", "/log/tile/8/000", "/log/tile/00/000",
		"/log/tile/entries/notes", "/log/tile/entries/../../checkpoint", "/log/../keys/statement.age", "/log/tile/0/../../.state/treeState", "/log//checkpoint", "/log/checkpoint/", "/log/checkpoint\x00",
		"/log/tile/0/x999/x999/x999/x999/x999/999", "/log/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
		v1 + "/files/ledger.csv", v1 + "/files/../../keys.age", v1 + "/files/..%2f..%2fkeys.age", v1 + "/files/%2e%2e/%2e%2e/keys.age", v1 + "/files/attachments/anchor.json", v1 + "/files/reserves//lines.json",
		v1 + "/files/reserves%2flines.jso", v1 + "/keys.age", "/v1/log/tile/entries/001", "/v1/log/tile/../checkpoint", "/v1/log/tile/..%2f.state%2ftreeState", "/v1", "/v1/", "/v2/reports", "/.well-known/",
		"/.well-known/../v1/reports", "/openapi", "/docs", "/schemas/Report.json", "/openapi-3.0.json", "/v1/reports/",
	} {
		for name, h := range both {
			got := ask(h, http.MethodGet, path)
			if got.Code != http.StatusNotFound && (name != "site" || got.Code != http.StatusServiceUnavailable) && (got.Code != http.StatusUnprocessableEntity || !strings.Contains(path, "files/")) {
				t.Errorf("%s %s: %d, want 404", name, path, got.Code)
			}
			problem(t, got)
			for _, private := range []string{"secret", "carol", "/tmp", "no such file or directory"} {
				if strings.Contains(got.Body.String(), private) {
					t.Errorf("%s shows %q", path, got.Body)
				}
			}
		}
	}
	for _, path := range []string{"/bundle.zip", "/v1/reports", "/", "/v1/log/tile/0/000"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			got := ask(signed, method, path)
			if got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.Code, got.Header().Get("Allow"))
			}
			problem(t, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	p := newPlace(t)
	for _, path := range []string{"/", "/bundle.zip", "/bundle/manifest.json", "/nothing", "/v1/reports", "/v1/reports/latest/report", "/openapi.json"} {
		got := ask(p.signed(t), http.MethodGet, path).Header()
		if got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Referrer-Policy") != "no-referrer" ||
			!strings.HasPrefix(got.Get("Content-Security-Policy"), "default-src 'none'") || got.Get("X-Frame-Options") != "DENY" ||
			!strings.HasSuffix(got.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", path, got)
		}
		if len(got.Values("Content-Security-Policy")) != 1 || strings.Contains(got.Get("Content-Security-Policy"), "script-src") {
			t.Errorf("%s: policy %v", path, got.Values("Content-Security-Policy"))
		}
		if open := got.Get("Access-Control-Allow-Origin") == "*"; open != (strings.HasPrefix(path, "/v1/") || path == "/openapi.json") {
			t.Errorf("%s: pages of others may read it: %t", path, open)
		}
		if got.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: over plain HTTP a browser is told to want TLS", path)
		}
	}
}

// TestTools: the page that checks proofs is nobody's but the site's, under its own policy; the widget is for pages of others, which may look at what they run.
func TestTools(t *testing.T) {
	p := newPlace(t)
	c := p.config()
	var err error
	page := func(name string) []byte {
		return []byte(`<!DOCTYPE html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-` + name + `'"><title>Check</title>`)
	}
	if c.Tools, err = site.NewTools(page("both"), page("small"), []byte("widget")); err != nil {
		t.Fatal(err)
	}
	h := handler(t, c)
	for path, want := range map[string][4]string{
		"/verify.html":       {"text/html; charset=utf-8", "default-src 'none'; script-src 'sha256-both'; frame-ancestors 'none'", "", ""},
		"/verify-small.html": {"text/html; charset=utf-8", "default-src 'none'; script-src 'sha256-small'; frame-ancestors 'none'", "", ""},
		"/widget.js":         {"text/javascript; charset=utf-8", "default-src 'none'; sandbox; frame-ancestors 'none'", "*", "cross-origin"},
	} {
		got := ask(h, http.MethodGet, path)
		head := got.Header()
		if is := [4]string{head.Get("Content-Type"), head.Get("Content-Security-Policy"), head.Get("Access-Control-Allow-Origin"), head.Get("Cross-Origin-Resource-Policy")}; got.Code != http.StatusOK || is != want {
			t.Errorf("%s: %d, %q, want %q", path, got.Code, is, want)
		}
	}
}

// TestCaching: what a digest names is for ever, under that digest; anything else is asked for again, and a problem is not kept.
func TestCaching(t *testing.T) {
	p := newPlace(t)
	const forever = "public, max-age=31536000, immutable"
	v1 := "/v1/reports/" + p.first.Digest.String()
	for path, want := range map[string]string{
		"/log/checkpoint": "no-cache", "/log/tile/0/000": forever, "/log/tile/entries/000": forever, "/log/tile/0/001.p/44": "no-cache", "/log/tile/entries/001": "no-store",
		"/bundle/manifest.json": "no-cache", "/bundle.zip": "no-cache", "/": "no-cache", "/nothing": "no-store",
		v1: "no-cache", v1 + "/files/manifest.json": forever, v1 + "/files/reserves/lines.json": forever, v1 + "/files/liabilities/shard-00001.leaves": forever,
		v1 + "/files/statement.dsse.json": "no-cache", v1 + "/statement": "no-cache", v1 + "/bundle": "no-cache", v1 + "/report": "no-cache", v1 + "/states": "no-cache",
		"/v1/reports/latest/files/manifest.json": "no-cache", "/v1/reports": "no-cache", "/v1/log/tile/0/000": forever, "/v1/log/checkpoint": "no-cache",
		"/v1/policy": "no-cache", "/.well-known/assay-keys": "no-cache", "/v1/health": "no-cache", "/openapi.json": "no-cache",
	} {
		if got := ask(p.signed(t), http.MethodGet, path).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for name, checkpoint := range map[string]string{"empty": "", "no size": "x\n-1\n", "one line": "x"} {
		write(t, filepath.Join(p.dir, "log", "checkpoint"), checkpoint)
		if got := ask(p.site(t), http.MethodGet, "/log/tile/0/000"); got.Code != http.StatusNotFound {
			t.Errorf("a checkpoint that is %s covers tiles: %d", name, got.Code)
		}
	}
	c := p.config()
	c.Log = nil
	for _, path := range []string{"/log/checkpoint", "/v1/log/checkpoint", "/v1/log/tile/0/000", "/v1/log/proof?index=0"} {
		if got := ask(handler(t, c), http.MethodGet, path); got.Code != http.StatusNotFound {
			t.Errorf("%s without a log: %d", path, got.Code)
		}
	}
}

// TestReplaced: files that are replaced while they are served are served anew, with digests of their own.
func TestReplaced(t *testing.T) {
	p := newPlace(t)
	h := p.signed(t)
	page := filepath.Join(p.dir, "reports", "2026-11-02", "report", "index.html")
	const alone = "/v1/reports/latest/report" // the page that was published with the report
	before := ask(h, http.MethodGet, alone)
	write(t, page, "<!DOCTYPE html>anew")
	if err := os.Chtimes(page, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	after := ask(h, http.MethodGet, alone)
	if bytes.Equal(before.Body.Bytes(), after.Body.Bytes()) || before.Header().Get("ETag") == after.Header().Get("ETag") {
		t.Error("the older page is served still, or under the older tag")
	}
	if err := os.Remove(page); err != nil {
		t.Fatal(err)
	}
	if gone := ask(h, http.MethodGet, alone); gone.Code != http.StatusNotFound {
		t.Errorf("a page that is gone: %d", gone.Code)
	}
	list := ask(h, http.MethodGet, "/")
	next := publishedtest.Draft(t, 2, &p.last)
	next.Publish(t, filepath.Join(p.dir, "reports", "2026-11-03"))
	if got := ask(h, http.MethodGet, "/statement.dsse.json"); got.Body.String() != string(next.Envelope) {
		t.Errorf("a new report was not noticed: %d", got.Code)
	}
	if got := ask(h, http.MethodGet, "/"); !strings.Contains(got.Body.String(), `href="reports/main-2/index.html"`) || got.Header().Get("ETag") == list.Header().Get("ETag") {
		t.Error("the site does not show the new report, or under the older tag")
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "reports")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/reports/main-2/index.html", "/reports/main-2/bundle.zip", "/v1/reports", "/v1/health"} {
		if got := ask(h, http.MethodGet, path); got.Code != http.StatusServiceUnavailable {
			t.Errorf("%s without the folder: %d", path, got.Code)
		}
	}
}

func TestHandlerRefuses(t *testing.T) {
	p := newPlace(t)
	for name, change := range map[string]func(*web.Config){
		"no reports": func(c *web.Config) { c.Reports = nil },
		"no logger":  func(c *web.Config) { c.Logger = nil },
		"no list":    func(c *web.Config) { c.KeyList = nil },
		"no clock":   func(c *web.Config) { c.Now = nil },
		"no gate":    func(c *web.Config) { c.Proofs = provers(nil) },
	} {
		c := p.config()
		change(&c)
		if _, err := web.Handler(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	c := p.config()
	c.Reports = published.Single(published.Place{Bundle: filepath.Join(p.dir, "reports", "2026-11-01", "bundle")}, now)
	for path, want := range map[string]string{"/bundle.zip": "folder", "/reports/main-0/bundle.zip": "no such file", "/v1/reports/latest/report": "no such file"} {
		if got := ask(handler(t, c), http.MethodGet, path); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s of a bundle alone: %d %q", path, got.Code, got.Body)
		}
	}
	c.Reports = published.Folder(t.TempDir(), now)
	if got := ask(handler(t, c), http.MethodGet, "/"); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "no report is published") {
		t.Errorf("an empty folder: %d %q", got.Code, got.Body)
	}
}

// TestSiteKnowsTheLog: what the log says of a report stands on its page as soon as it is there, and where the log cannot be read no page is shown.
func TestSiteKnowsTheLog(t *testing.T) {
	p := newPlace(t)
	c := p.withRegister(t, p.config())
	published := c.Register
	var now func() (api.Seen, error)
	c.Register = func() (api.Seen, error) { return now() }
	h := handler(t, c)
	const page = "/reports/main-0/index.html"
	now = published
	before := ask(h, http.MethodGet, page)
	if before.Code != 200 || !strings.Contains(before.Body.String(), "state published") || before.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("published: %d", before.Code)
	}
	if policy := before.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'sha256-") || strings.Contains(policy, "unsafe") || !strings.HasSuffix(policy, "frame-ancestors 'none'") {
		t.Errorf("policy %s", policy)
	}
	now = p.withRegister(t, p.config(), report.EntryErratum, report.EntryWithdrawal).Register
	after := ask(h, http.MethodGet, page)
	if body := after.Body.String(); !strings.Contains(body, "state withdrawn") || !strings.Contains(body, "taken back") || !strings.Contains(body, "mended") || after.Header().Get("ETag") == before.Header().Get("ETag") {
		t.Error("a withdrawal is not shown, or under the older tag")
	}
	now = func() (api.Seen, error) { return api.Seen{}, errors.New("secret") }
	for _, path := range []string{page, "/", "/index.json", "/feed.xml"} {
		if got := ask(h, http.MethodGet, path); got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("%s without the log: %d %.80s", path, got.Code, got.Body)
		}
	}
}

// TestPanics: a fault of the server is a signed problem, and says nothing of the inside, nor does the log of the request.
func TestPanics(t *testing.T) {
	p := newPlace(t)
	c := p.config()
	c.Register = func() (api.Seen, error) { panic("secret") }
	got := ask(handler(t, c), http.MethodGet, "/v1/reports?series=carol")
	if kind, _ := problem(t, got); got.Code != http.StatusInternalServerError || kind != "/problems/internal" || strings.Contains(got.Body.String(), "secret") {
		t.Errorf("%d %q", got.Code, got.Body)
	}
	verified(t, http.MethodGet, "/v1/reports?series=carol", got)
	if log := p.log.String(); !strings.Contains(log, "panic") || strings.Contains(log, "carol") || strings.Contains(log, `"secret"`) {
		t.Errorf("the log says %s", log)
	}
}

// TestManyAtOnce: many ask while new reports come; each time the answer is a whole one, and signed.
func TestManyAtOnce(t *testing.T) {
	p := newPlace(t)
	h := p.signed(t)
	const more = 5
	for n, former := uint64(0), p.last; n < more; n++ {
		next := publishedtest.Draft(t, 2+n, &former)
		next.Publish(t, filepath.Join(p.dir, "reports", fmt.Sprint(".more-", n)))
		former = next
	}
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			for range 20 {
				for _, path := range []string{"/v1/reports", "/statement.dsse.json", "/v1/reports/latest/files/manifest.json", "/v1/reports/" + p.first.Digest.String() + "/bundle"} {
					got := ask(h, http.MethodGet, path)
					if got.Code != http.StatusOK {
						return fmt.Errorf("%s: %d %s", path, got.Code, got.Body)
					}
					verified(t, http.MethodGet, path, got)
				}
			}
			return nil
		})
	}
	for n := range more {
		hidden := filepath.Join(p.dir, "reports", fmt.Sprint(".more-", n))
		if err := os.Rename(hidden, filepath.Join(p.dir, "reports", fmt.Sprint("more-", n))); err != nil {
			t.Fatal(err)
		}
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if got := ask(h, http.MethodGet, "/v1/reports"); strings.Count(got.Body.String(), `"period"`) != 2+more {
		t.Errorf("at the end: %s", got.Body)
	}
}

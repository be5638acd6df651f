package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web"
)

// site lays out published files, beside others that must never be served.
func site(t *testing.T) (dir string, h http.Handler) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{
		"bundle/statement.dsse.json":               `{"payload":""}`,
		"bundle/manifest.json":                     `{"files":[]}`,
		"bundle/reserves/evidence/eip155-1.json":   `{}`,
		"bundle/liabilities/shard-00000.leaves":    "assay/v1/leaves\n\x00\x01",
		"bundle/ledger.csv":                        "carol@example.org",
		"bundle/liabilities/shard-00001.leaves.gz": "x",
		"bundle.zip":         "PK\x05\x06 zip",
		"report/index.html":  "<!DOCTYPE html><title>report</title>",
		"report/notes.txt":   "private",
		"keys/statement.age": "secret",

		"log/checkpoint":             "x.example/log\n300\nAAAA\n\n— x.example/log BBBB\n",
		"log/tile/0/000":             "leaves",
		"log/tile/0/001.p/44":        "more leaves",
		"log/tile/1/000.p/1":         "a node",
		"log/tile/entries/000":       "entries",
		"log/tile/entries/000.p/200": "entries of before",
		"log/tile/entries/001.p/44":  "more entries",
		"log/tile/entries/001.p/45":  "secret, not published yet",
		"log/tile/entries/001":       "secret, not published yet",
		"log/tile/0/x000/000":        "secret, by a second name",
		"log/tile/0/000.p/0":         "secret, of no width",
		"log/tile/entries/notes":     "secret",
		"log/.state/treeState":       "secret",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "keys", "statement.age"), filepath.Join(dir, "bundle", "reserves", "lines.json")); err != nil {
		t.Fatal(err)
	}
	h, err := web.Handler(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	return dir, h
}

func config(dir string) web.Config {
	return web.Config{Bundle: os.DirFS(filepath.Join(dir, "bundle")), Zip: filepath.Join(dir, "bundle.zip"), Report: os.DirFS(filepath.Join(dir, "report")), Log: os.DirFS(filepath.Join(dir, "log"))}
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://x/", nil)
	r.URL.Path, r.RequestURI = path, path
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestServes(t *testing.T) {
	_, h := site(t)
	for path, want := range map[string][2]string{
		"/":                           {"text/html; charset=utf-8", "<!DOCTYPE html><title>report</title>"},
		"/bundle.zip":                 {"application/zip", "PK\x05\x06 zip"},
		"/statement.dsse.json":        {"application/json", `{"payload":""}`},
		"/bundle/statement.dsse.json": {"application/json", `{"payload":""}`},
		"/bundle/manifest.json":       {"application/json", `{"files":[]}`},
		"/bundle/reserves/evidence/eip155-1.json": {"application/json", `{}`},
		"/bundle/liabilities/shard-00000.leaves":  {"application/octet-stream", "assay/v1/leaves\n\x00\x01"},
		"/log/checkpoint":                         {"text/plain; charset=utf-8", "x.example/log\n300\nAAAA\n\n— x.example/log BBBB\n"},
		"/log/tile/0/000":                         {"application/octet-stream", "leaves"},
		"/log/tile/0/001.p/44":                    {"application/octet-stream", "more leaves"},
		"/log/tile/1/000.p/1":                     {"application/octet-stream", "a node"},
		"/log/tile/entries/000":                   {"application/octet-stream", "entries"},
		"/log/tile/entries/000.p/200":             {"application/octet-stream", "entries of before"},
		"/log/tile/entries/001.p/44":              {"application/octet-stream", "more entries"},
	} {
		got := ask(h, http.MethodGet, path)
		sum := sha256.Sum256([]byte(want[1]))
		tag := `"` + hex.EncodeToString(sum[:]) + `"`
		if got.Code != 200 || got.Body.String() != want[1] || got.Header().Get("Content-Type") != want[0] || got.Header().Get("ETag") != tag {
			t.Errorf("%s: %d %q %v", path, got.Code, got.Body, got.Header())
		}
		if head := ask(h, http.MethodHead, path); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != tag {
			t.Errorf("HEAD %s: %d %q", path, head.Code, head.Body)
		}
		if same := ask(h, http.MethodGet, path, "If-None-Match", tag); same.Code != http.StatusNotModified || same.Body.Len() != 0 {
			t.Errorf("%s asked again: %d", path, same.Code)
		}
		if part := ask(h, http.MethodGet, path, "Range", "bytes=1-1"); part.Code != http.StatusPartialContent || part.Body.String() != want[1][1:2] {
			t.Errorf("a part of %s: %d %q", path, part.Code, part.Body)
		}
	}
}

func TestRefuses(t *testing.T) {
	_, h := site(t)
	for _, path := range []string{
		"/bundle", "/bundle/", "/bundle/reserves", "/bundle/reserves/", "/bundle/ledger.csv", "/bundle/liabilities/shard-00001.leaves.gz",
		"/bundle/liabilities/shard-00001.leaves", "/bundle/../keys/statement.age", "/bundle/reserves/../../keys/statement.age", "/../keys/statement.age",
		"/bundle/..%2f..%2fkeys%2fstatement.age", "/bundle/%2e%2e/keys/statement.age", `/bundle/..\keys\statement.age`, "/bundle//manifest.json",
		"/bundle/./manifest.json", "/bundle/manifest.json\x00", "/bundle/reserves/lines.json", "/index.html", "/notes.txt", "/report/index.html", "/keys/statement.age", "/x",
		"/log", "/log/", "/log/.state/treeState", "/log/.lock", "/log/tile", "/log/tile/", "/log/tile/0/", "/log/tile/entries/001", "/log/tile/entries/001.p/45", "/log/tile/entries/002",
		"/log/tile/0/x000/000", "/log/tile/0/000.p/0", "/log/tile/0/000.p/044", "/log/tile/0/000.p/256", "/log/tile/0/0", "/log/tile/1/000", "/log/tile/2/000.p/1", "/log/tile/8/000", "/log/tile/00/000",
		"/log/tile/entries/notes", "/log/tile/entries/../../checkpoint", "/log/../keys/statement.age", "/log/tile/0/../../.state/treeState", "/log//checkpoint", "/log/checkpoint/", "/log/checkpoint\x00",
		"/log/tile/0/x999/x999/x999/x999/x999/999", "/log/tile/0/x999/x999/x999/x999/x999/x999/x999/999",
	} {
		got := ask(h, http.MethodGet, path)
		if got.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, got.Code)
		}
		for _, private := range []string{"secret", "carol", "/tmp", "no such file or directory"} {
			if strings.Contains(got.Body.String(), private) {
				t.Errorf("%s shows %q", path, got.Body)
			}
		}
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
		got := ask(h, method, "/bundle.zip")
		if got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, got.Code, got.Header().Get("Allow"))
		}
	}
}

func TestHeaders(t *testing.T) {
	_, h := site(t)
	for _, path := range []string{"/", "/bundle.zip", "/bundle/manifest.json", "/nothing"} {
		got := ask(h, http.MethodGet, path).Header()
		if got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Referrer-Policy") != "no-referrer" ||
			!strings.HasPrefix(got.Get("Content-Security-Policy"), "default-src 'none'") || got.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", path, got)
		}
		if len(got.Values("Content-Security-Policy")) != 1 || strings.Contains(got.Get("Content-Security-Policy"), "script-src") {
			t.Errorf("%s: policy %v", path, got.Values("Content-Security-Policy"))
		}
	}
}

// TestLogCaching: what a log's checkpoint covers never changes, and the checkpoint always may.
func TestLogCaching(t *testing.T) {
	dir, h := site(t)
	for path, want := range map[string]string{
		"/log/checkpoint": "no-store", "/log/tile/0/000": "public, max-age=31536000, immutable", "/log/tile/entries/000": "public, max-age=31536000, immutable",
		"/log/tile/0/001.p/44": "no-cache", "/log/tile/entries/001": "no-store",
	} {
		if got := ask(h, http.MethodGet, path).Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for name, checkpoint := range map[string]string{"empty": "", "no size": "x\n-1\n", "one line": "x"} {
		if err := os.WriteFile(filepath.Join(dir, "log", "checkpoint"), []byte(checkpoint), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := ask(h, http.MethodGet, "/log/tile/0/000"); got.Code != http.StatusNotFound {
			t.Errorf("a checkpoint that is %s covers tiles: %d", name, got.Code)
		}
	}
	c := config(dir)
	c.Log = nil
	h, err := web.Handler(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(h, http.MethodGet, "/log/checkpoint"); got.Code != http.StatusNotFound {
		t.Errorf("no log: %d", got.Code)
	}
}

// TestReplaced: a file that is replaced while it is served is served anew, with its own digest.
func TestReplaced(t *testing.T) {
	dir, h := site(t)
	before := ask(h, http.MethodGet, "/bundle.zip")
	name := filepath.Join(dir, "bundle.zip")
	if err := os.WriteFile(name, []byte("PK\x05\x06 new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	after := ask(h, http.MethodGet, "/bundle.zip")
	if bytes.Equal(before.Body.Bytes(), after.Body.Bytes()) || before.Header().Get("ETag") == after.Header().Get("ETag") {
		t.Error("the older file is served still, or under the older tag")
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if gone := ask(h, http.MethodGet, "/bundle.zip"); gone.Code != http.StatusNotFound {
		t.Errorf("a file that is gone: %d", gone.Code)
	}
}

func TestHandlerRefuses(t *testing.T) {
	dir, _ := site(t)
	whole := config(dir)
	noZip := whole
	noZip.Zip = ""
	h, err := web.Handler(noZip)
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(h, http.MethodGet, "/bundle.zip"); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "folder") {
		t.Errorf("a bundle without zip: %d %q", got.Code, got.Body)
	}
	var nothing fs.FS
	for name, c := range map[string]web.Config{
		"no bundle":    {Report: whole.Report},
		"no report":    {Bundle: whole.Bundle, Report: nothing},
		"no statement": {Bundle: whole.Report, Report: whole.Report},
		"no page":      {Bundle: whole.Bundle, Report: whole.Bundle},
	} {
		if _, err := web.Handler(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

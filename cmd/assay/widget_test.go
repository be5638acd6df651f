package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	customers "github.com/assay-por/assay/web/app"
)

// widgetOf is the widget that the program hands out; if it has none, one that is built here, or a reason to skip.
func widgetOf(t *testing.T, node string) string {
	t.Helper()
	if kept := customers.Widget(); kept != nil { // package web/app holds it to its sources
		return string(kept)
	}
	app, err := filepath.Abs("../../web/app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(app, "node_modules", "esbuild")); err != nil {
		t.Skip("no esbuild, which bundles the widget: type: npm ci --prefix web/app")
	}
	out := t.TempDir()
	if said, err := exec.CommandContext(t.Context(), node, filepath.Join(app, "widget", "build.mjs"), "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return read(t, out, "widget.js")
}

// TestWidgetInABrowser: on a page of somebody else's, under a strict policy, the widget shows what the log says of the newest report of a real server: published,
// old, withdrawn. It believes no other key, no other name, no answer that was altered on the way, and no silence. testdata/widget.mjs is what is done.
func TestWidgetInABrowser(t *testing.T) {
	chromium, node, modules := browserOf(t)
	widget := widgetOf(t, node)
	e := newExchange(t, "[server]\nkey = \"file:keys/response.age\"\nreports = \"reports\"\n"+unhurried)
	e.published(t, "a", "2026-10", "2026-10-31T00:00:00Z")
	e.shelved(t, "a")
	e.must(t, "keys", "response", "--recipient", recipientOf(t, e.dir))
	server, _ := serving(t, e.dir, e.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	liar := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) },
		ModifyResponse: func(r *http.Response) error {
			content, err := io.ReadAll(r.Body)
			content = bytes.ReplaceAll(content, []byte(`"state":"withdrawn"`), []byte(`"state":"published"`))
			content = bytes.ReplaceAll(content, []byte(`"period":"2026-10"`), []byte(`"period":"2026-12"`))
			r.Body = io.NopCloser(bytes.NewReader(content))
			return err
		},
	})
	defer liar.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hash := sha256.Sum256([]byte(widget))
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		digest := "sha256-" + base64.StdEncoding.EncodeToString(hash[:])
		script := "<script>" + widget + "</script>"
		if customers.Widget() != nil { // the server hands it out
			script = fmt.Sprintf(`<script src="%s/widget.js" integrity="%s" crossorigin></script>`, server, digest)
		}
		w.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src '%s'; connect-src %s %s http://127.0.0.1:9", digest, server, liar.URL))
		fmt.Fprint(w, "<!DOCTYPE html><html lang=\"en\"><title>Elsewhere</title><main><h1>Elsewhere</h1>")
		key, name := strings.TrimSpace(read(t, e.dir, "keys", "statement.pub")), "Demo Exchange"
		for _, one := range [][5]string{
			{"good", server, key, name, "100000"}, {"old", server, key, name, "1"}, {"key", server, "ed25519:" + strings.Repeat("ab", 32), name, "100000"},
			{"name", server, key, "Other Exchange", "100000"}, {"altered", liar.URL, key, name, "100000"}, {"away", "http://127.0.0.1:9", key, name, "100000"},
		} {
			fmt.Fprintf(w, "<p><assay-state id=%q src=%q key=%q exchange=%q stale=%q></assay-state>", one[0], one[1], one[2], one[3], one[4])
		}
		fmt.Fprint(w, "</main>"+script)
	}))
	defer page.Close()
	looked := func(when string, want string) {
		t.Helper()
		drive := exec.CommandContext(t.Context(), node, "testdata/widget.mjs")
		drive.Env = append(os.Environ(), "CHROMIUM="+chromium, "MODULES="+modules, "PAGE="+page.URL, "WANT="+want)
		if out, err := drive.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", when, err, out)
		}
	}
	looked("published", `{"good":"published","old":"stale","key":"unknown","name":"unknown","altered":"unknown","away":"unknown"}`)
	e.must(t, "withdraw", "--statement", "a/statement.dsse.json", "--reason", "A wallet was missing.")
	looked("withdrawn", `{"good":"withdrawn","old":"withdrawn","key":"unknown","name":"unknown","altered":"unknown","away":"unknown"}`)
}

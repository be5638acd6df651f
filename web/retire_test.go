package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
)

// TestRetired: what is on its way out says so in every answer and in the document, and is not answered once its time is over.
func TestRetired(t *testing.T) {
	p := newPlace(t)
	since, until := now().AddDate(0, 0, -100), now().AddDate(0, 0, 100)
	c := p.config()
	c.Retired = []api.Retirement{
		{Operation: "GET /v1/policy", Deprecated: since, Sunset: until, Successor: "/v2/policy", Notice: "https://x.example/notice"},
		{Operation: "GET /v1/reports/{statement}/files/{path}", Deprecated: since.AddDate(0, 0, -200), Sunset: now().Add(-time.Second), Successor: "/v2/files"},
	}
	h := handler(t, c)
	fields := func(path string, method string) (int, http.Header) {
		got := ask(h, method, path)
		verified(t, method, path, got)
		out := http.Header{}
		for _, name := range []string{"Deprecation", "Sunset", "Link"} {
			if lines := got.Header().Values(name); len(lines) > 0 {
				out[name] = lines
			}
		}
		return got.Code, out
	}
	want := http.Header{"Deprecation": {fmt.Sprint("@", since.Unix())}, "Sunset": {until.UTC().Format(http.TimeFormat)}, "Link": {`</v2/policy>; rel="successor-version"`, `<https://x.example/notice>; rel="deprecation"`}}
	for _, method := range []string{"GET", "HEAD"} {
		code, got := fields("/v1/policy", method)
		if diff := cmp.Diff(want, got); code != 200 || diff != "" {
			t.Errorf("%s: %d %s", method, code, diff)
		}
	}
	path := "/v1/reports/" + p.first.Digest.String() + "/files/manifest.json"
	gone := ask(h, "GET", path)
	if kind, _ := problem(t, gone); gone.Code != 410 || kind != "/problems/version-retired" || gone.Header().Get("Link") != `</v2/files>; rel="successor-version"` || gone.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s %v", gone.Code, kind, gone.Header())
	}
	for _, path := range []string{"/v1/reports", "/", "/v1/nothing"} {
		if _, got := fields(path, "GET"); len(got) != 0 {
			t.Errorf("%s, which stays, says %v", path, got)
		}
	}
	var document struct {
		Paths map[string]map[string]struct {
			Deprecated bool
			Sunset     string `json:"x-sunset"`
		}
	}
	if err := json.Unmarshal(ask(h, "GET", "/openapi.json").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	for path, item := range document.Paths {
		retired := path == "/v1/policy" || strings.HasSuffix(path, "/files/{path}")
		if got := item["get"]; path != api.ProofsPath && (got.Deprecated != retired || retired == (got.Sunset == "")) {
			t.Errorf("%s: deprecated %t, until %q", path, got.Deprecated, got.Sunset)
		}
	}
}

// TestRetiredVersion: a whole version ends, and what is of no version stays.
func TestRetiredVersion(t *testing.T) {
	p := newPlace(t)
	c := p.config()
	c.Retired = []api.Retirement{{Operation: "v1", Deprecated: now().AddDate(0, 0, -180), Sunset: now(), Successor: "/v2/"}}
	h := handler(t, c)
	for path, want := range map[string]int{"/v1/reports": 410, "/v1/health": 410, "/v1/nothing": 404, "/": 200, "/.well-known/assay-keys": 200, "/openapi.json": 200, "/log/checkpoint": 200} {
		if got := ask(h, "GET", path); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	for name, of := range map[string]api.Retirement{
		"at short notice":  {Operation: "v1", Deprecated: now(), Sunset: now().AddDate(0, 0, 179)},
		"no such route":    {Operation: "GET /v1/nothing", Deprecated: now(), Sunset: now().AddDate(1, 0, 0)},
		"no such version":  {Operation: "v2", Deprecated: now(), Sunset: now().AddDate(1, 0, 0)},
		"another method":   {Operation: "PUT /v1/policy", Deprecated: now(), Sunset: now().AddDate(1, 0, 0)},
		"another spelling": {Operation: "get /v1/policy", Deprecated: now(), Sunset: now().AddDate(1, 0, 0)},
	} {
		c.Retired = []api.Retirement{of}
		if _, err := web.Handler(c); err == nil || !strings.Contains(err.Error(), of.Operation) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

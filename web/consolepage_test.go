package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/authn"
)

// A page of the console as its reader has it.
type page struct {
	*httptest.ResponseRecorder
	path string
}

// opens asks for a page of the console.
func (p *person) opens(t testing.TB, path string) page {
	t.Helper()
	return p.goes(t, httptest.NewRequest(http.MethodGet, "https://x.example"+path, nil), path)
}

// sends sends a form, as a browser does whose page is of this server. Fields are names and values in turn.
func (p *person) sends(t testing.TB, path string, fields ...string) page {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "https://x.example"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://x.example")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return p.goes(t, r, path)
}

func (p *person) goes(t testing.TB, r *http.Request, path string) page {
	t.Helper()
	if p.cookie != "" {
		r.AddCookie(&http.Cookie{Name: authn.SessionCookie, Value: p.cookie})
	}
	w := httptest.NewRecorder()
	p.o.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == authn.SessionCookie {
			p.cookie = c.Value
		}
	}
	wholesome(t, path, w)
	return page{w, path}
}

// wholesome holds every page to what all of them are.
func wholesome(t testing.TB, path string, w *httptest.ResponseRecorder) {
	t.Helper()
	said := w.Body.String()
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("%s: the policy lacks %s: %s", path, want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || w.Header().Get("Signature") == "" {
		t.Errorf("%s: %s, signature %q", path, policy, w.Header().Get("Signature"))
	}
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		return
	}
	for _, want := range []string{`<html lang="en">`, `<a class="skip" href="#main">`, `<main id="main"`, "<title>"} {
		if !strings.Contains(said, want) {
			t.Errorf("%s lacks %s", path, want)
		}
	}
	if n := strings.Count(said, "<h1>"); n != 1 {
		t.Errorf("%s has %d headings of the first rank", path, n)
	}
	if strings.Count(said, "<table>") != strings.Count(said, "<caption>") {
		t.Errorf("%s has a table without a caption", path)
	}
	for _, bad := range []string{"<style", " style=", "javascript:", " on", "http://", "ZgotmplZ", "%!"} {
		if i := strings.Index(said, bad); i >= 0 && (bad != " on" || regexp.MustCompile(` on[a-z]+="`).MatchString(said)) {
			t.Errorf("%s has %q: %s", path, bad, said[i:min(len(said), i+80)])
		}
	}
	for _, script := range regexp.MustCompile(`<script[^>]*>`).FindAllString(said, -1) {
		if !strings.Contains(script, `src="/console/passkeys.js?`) || !strings.Contains(policy, "script-src 'self'") {
			t.Errorf("%s has the script %s", path, script)
		}
	}
}

// is wants a status, and texts among the page's.
func (p page) is(t testing.TB, status int, texts ...string) page {
	t.Helper()
	said := html.UnescapeString(p.Body.String())
	if p.Code != status {
		t.Errorf("%s: %d, want %d, to %s:\n%s", p.path, p.Code, status, p.Header().Get("Location"), said[strings.Index(said, "<main")+1:])
	}
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("%s does not say %q:\n%s", p.path, text, said[strings.Index(said, "<main")+1:])
		}
	}
	return p
}

// lacks wants texts not to be there.
func (p page) lacks(t testing.TB, texts ...string) page {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(html.UnescapeString(p.Body.String()), text) {
			t.Errorf("%s says %q", p.path, text)
		}
	}
	return p
}

// leads wants to be led elsewhere.
func (p page) leads(t testing.TB, to string) string {
	t.Helper()
	got := p.Header().Get("Location")
	if p.Code != http.StatusSeeOther || !strings.HasPrefix(got, to) {
		t.Fatalf("%s: %d, to %q, want %q:\n%s", p.path, p.Code, got, to, p.Body)
	}
	return got
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// hidden are the fields of a page's forms that nobody sees, as they are to be sent back.
func (p page) hidden(names ...string) []string {
	var all []string
	for _, m := range hiddenField.FindAllStringSubmatch(p.Body.String(), -1) {
		if slices.Contains(names, m[1]) {
			all = append(all, m[1], html.UnescapeString(m[2]))
		}
	}
	return all
}

// Package web hands out a published report over HTTP, and nothing else.
//
// What it serves lies in files already: the report's page, the bundle as a folder
// and as one zip. A reader needs no login, and a mirror needs no more than these:
//
//	GET /                             the report's page
//	GET /bundle.zip                   the whole bundle
//	GET /bundle/reserves/lines.json   one file of it
//	GET /statement.dsse.json          the signed statement
//	GET /log/checkpoint               the transparency log's head
//	GET /log/tile/entries/000.p/7     and its tiles
//
// Only GET and HEAD are answered, only paths that a bundle or a log may hold are
// looked up (SPEC parts 11 and 25), and no folder is listed. Every answer carries its content's
// digest as ETag. Addresses, TLS and timeouts are the business of the command.
// This side holds no ledger, no node and no key.
package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/report"
)

// Config says where the published files lie. They may be replaced while they are served.
type Config struct {
	Bundle fs.FS  // the bundle's folder (SPEC part 11)
	Zip    string // the bundle as one file; empty if it is published as a folder only
	Report fs.FS  // the folder of the report's page, index.html
	Log    fs.FS  // the transparency log's folder (SPEC part 25); nil if there is none
}

const pageName = "index.html"

// pagePolicy lets the report's page show itself and do nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// filePolicy is for files that are not pages.
const filePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// Handler returns the routes. It is an error when the bundle has no statement or
// the report's page is missing.
func Handler(c Config) (http.Handler, error) {
	if c.Bundle == nil || c.Report == nil {
		return nil, errors.New("web: the bundle's folder and the report's are both needed")
	}
	if _, err := fs.Stat(c.Bundle, report.PathEnvelope); err != nil {
		return nil, fmt.Errorf("web: the bundle has no statement: %w", err)
	}
	if _, err := fs.Stat(c.Report, pageName); err != nil {
		return nil, fmt.Errorf("web: the report has no page: %w", err)
	}
	s := &site{config: c, tags: map[string]tag{}}
	r := chi.NewRouter()
	r.Use(secure)
	both := func(pattern string, h http.HandlerFunc) {
		r.Get(pattern, h)
		r.Head(pattern, h)
	}
	both("/", s.page)
	both("/bundle.zip", s.zip)
	both("/bundle/*", s.file)
	both("/log/*", s.log)
	both("/"+report.PathEnvelope, func(w http.ResponseWriter, r *http.Request) { s.bundled(w, r, report.PathEnvelope) })
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "there is no such page") })
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "only GET and HEAD are answered")
	})
	return r, nil
}

// secure sets the headers that every answer carries.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", filePolicy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache") // keep a copy, but ask whether it is still the one
		next.ServeHTTP(w, r)
	})
}

// refuse answers in one line and says nothing of the inside.
func refuse(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, sentence, status)
}

func (s *site) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	s.serve(w, r, s.config.Report, pageName, "text/html; charset=utf-8")
}

func (s *site) zip(w http.ResponseWriter, r *http.Request) {
	if s.config.Zip == "" {
		refuse(w, http.StatusNotFound, "this bundle is published as a folder: see /bundle/"+report.PathManifest)
		return
	}
	dir, name := filepath.Split(s.config.Zip)
	w.Header().Set("Content-Disposition", `attachment; filename="bundle.zip"`)
	s.serve(w, r, os.DirFS(filepath.Clean(dir)), name, "application/zip")
}

func (s *site) file(w http.ResponseWriter, r *http.Request) {
	s.bundled(w, r, chi.URLParam(r, "*"))
}

// bundled serves a file of the bundle; paths that a bundle cannot hold are unknown.
func (s *site) bundled(w http.ResponseWriter, r *http.Request, path string) {
	if _, ok := report.PartOf(path); !ok {
		refuse(w, http.StatusNotFound, notThere)
		return
	}
	s.serve(w, r, s.config.Bundle, path, contentType(path))
}

// contentType follows from the ending of a bundle's path.
func contentType(path string) string {
	if strings.HasSuffix(path, ".json") {
		return "application/json"
	}
	return "application/octet-stream"
}

package web

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/site"
)

// front is what everybody may read: the site, the newest report's files, the log.
type front struct {
	Config
	pages *site.Keeper
}

func newFront(c Config) front { return front{c, site.NewKeeper(c.source)} }

// source is what the site shows now.
func (c Config) source() (site.Source, error) {
	src := site.Source{Tools: c.Tools}
	var err error
	if src.Reports, err = c.Reports.Reports(); err != nil {
		return src, err
	}
	if c.Register != nil {
		seen, err := c.Register()
		if err != nil {
			return src, err
		}
		src.Register, src.Log, src.Size = seen.Register, seen.Origin, seen.Size
	}
	if c.Policy != "" {
		if src.Policy, err = os.ReadFile(c.Policy); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return src, err
		}
	}
	return src, nil
}

// newest is the report that the site shows; without one it has answered.
func (s front) newest(w http.ResponseWriter) *published.Report {
	all, err := s.Reports.Reports()
	switch {
	case err != nil:
		api.RefuseFor(w, err)
	case len(all) == 0:
		api.Refuse(w, http.StatusNotFound, "no report is published here")
	default:
		return all[0]
	}
	return nil
}

// page answers with a page of the site, which is drawn once for all who ask.
func (s front) page(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if path == "" || strings.HasSuffix(path, "/") {
		path += "index.html"
	}
	s.drawn(w, r, path)
}

func (s front) drawn(w http.ResponseWriter, r *http.Request, path string) {
	p, err := s.pages.Page(path)
	switch {
	case errors.Is(err, site.ErrEmpty):
		api.Refuse(w, http.StatusNotFound, "no report is published here")
		return
	case err != nil:
		if !errors.Is(err, fs.ErrNotExist) {
			s.Fault(err)
		}
		api.RefuseFor(w, err)
		return
	}
	answer := api.BytesOf(p.Content, p.Kind)
	if p.Policy != "" {
		answer.Header = map[string]string{"Content-Security-Policy": p.Policy + "; frame-ancestors 'none'"}
	}
	if p.Embedded {
		open(w)
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	answer.Send(w, r)
}

// report answers with a report's pages, and with the files of its bundle.
func (s front) report(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(chi.URLParam(r, "*"), "/")
	inBundle, bundled := strings.CutPrefix(path, "bundle/")
	if path != "bundle.zip" && !bundled {
		s.page(w, r)
		return
	}
	all, err := s.pages.Site()
	if err != nil {
		api.RefuseFor(w, err)
		return
	}
	report, err := all.Report(name)
	switch {
	case err != nil:
		api.RefuseFor(w, err)
	case bundled:
		sendFile(w, r, report, inBundle)
	default:
		sendZip(w, r, report)
	}
}

func (s front) zip(w http.ResponseWriter, r *http.Request) {
	newest := s.newest(w)
	if newest == nil {
		return
	}
	if !newest.HasZip() {
		api.Refuse(w, http.StatusNotFound, "this bundle is published as a folder: see /bundle/"+report.PathManifest)
		return
	}
	sendZip(w, r, newest)
}

func sendZip(w http.ResponseWriter, r *http.Request, of *published.Report) {
	f, err := of.Zip()
	if err != nil {
		api.RefuseFor(w, err)
		return
	}
	api.Zip(f).Send(w, r)
}

func (s front) file(w http.ResponseWriter, r *http.Request) { s.bundled(w, r, chi.URLParam(r, "*")) }

// bundled serves a file of the bundle; paths that a bundle cannot hold are unknown.
func (s front) bundled(w http.ResponseWriter, r *http.Request, path string) {
	if newest := s.newest(w); newest != nil {
		sendFile(w, r, newest, path)
	}
}

func sendFile(w http.ResponseWriter, r *http.Request, of *published.Report, path string) {
	f, _, err := of.Open(path)
	if err != nil {
		api.RefuseFor(w, err)
		return
	}
	api.Of(f, api.KindOf(path), api.AskFor).Send(w, r)
}

// log serves the log's folder.
func (s front) log(w http.ResponseWriter, r *http.Request) {
	if s.Log == nil {
		api.Refuse(w, http.StatusNotFound, "no log is served here")
		return
	}
	path := chi.URLParam(r, "*")
	if path == "checkpoint" {
		f, err := s.Log.Checkpoint()
		if err != nil {
			api.RefuseFor(w, err)
			return
		}
		api.Of(f, "text/plain; charset=utf-8", api.AskFor).Send(w, r)
		return
	}
	f, whole, err := s.Log.Tile(path)
	if err != nil {
		api.RefuseFor(w, err)
		return
	}
	api.Of(f, "application/octet-stream", api.Keep(whole)).Send(w, r)
}

// Package web serves what an exchange has published: a site for people, and the API of
// package web/api for programs.
//
//	GET /                      the reports, and below /reports/ each of them (package web/site)
//	GET /feed.xml  /how.html   news of them, and how all this works; the pages in other languages below /es/ …
//	GET /verify.html           the page that checks customers' proofs; /verify-small.html, the same with one program of two
//	GET /widget.js             shows on pages of others what became of the newest report
//	GET /statement.dsse.json   the newest report's signed statement
//	GET /bundle.zip            its bundle as one file
//	GET /bundle/manifest.json  each file of the bundle by its path
//	GET /log/checkpoint        the transparency log, and below /log/tile/ its tiles
//	GET /v1/reports …          the API
//	GET /console/              pages for people who sign in (package web/console)
//	/oauth/…                   tokens for apps (package web/oauth)
//
// Of what was published only GET and HEAD are answered, only paths that a bundle or a log may
// hold are looked up (SPEC parts 11 and 25), and no folder is listed. With a response key every answer is
// signed, errors too (SPEC part 28); without one there is the site alone, and the API
// answers 503. Addresses, TLS and time limits are the business of the command.
//
// A request is refused by the first of these that it does not pass, and every refusal is
// signed: a key in its URL, what nobody needs (length, content), how often its address asks,
// no such route, one that is retired, who asks, from where, how often that client asks, whether
// something stood out of what it does, what it may, and only then what it asks for.
//
// Which permission a route needs stands in one table: a route that is not in it keeps
// the server from starting. Whoever asks for what is not public shows a credential (package
// web/authn), and is turned away in one way whatever is wrong with it. This side holds no
// ledger, no node and no key but the one that signs answers.
package web

import (
	"crypto"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/anomaly"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/limit"
	"github.com/assay-por/assay/web/site"
	"github.com/assay-por/assay/web/watch"
	"github.com/assay-por/assay/web/words"
)

// Config says what is served. The files may be replaced meanwhile.
type Config struct {
	api.Config

	Gate   *authn.Gate      // knows who asks; needed where a route is not for everybody
	Audit  *audit.Keeper    // keeps the record of it; goes with the gate
	Limits *limit.Limiter   // counts who asks how often; nil: nobody does
	Key    crypto.Signer    // signs every answer, an Ed25519 key; without it nothing is signed, and there is the site alone
	Now    func() time.Time // the clock of the signatures
	Logger *slog.Logger
	Watch  *watch.Watch // sees every request; nil: nobody does

	Anomalies *anomaly.Watch // notices what stands out; nil: nobody does

	Proxies Proxies // before this server, if there are any

	Tools site.Tools // what the site hands out: the pages that check proofs, the widget
}

// Handler returns all routes.
func Handler(c Config) (http.Handler, error) {
	if c.Reports == nil || c.Logger == nil || c.Key != nil && (c.KeyList == nil || c.Now == nil) {
		return nil, errors.New("web: reports and a logger are needed, and with a key its list and a clock")
	}
	if (c.Proofs != nil || c.Acts != nil) && c.Gate == nil {
		return nil, errors.New("web: proofs and acts are not for everybody, and there is no gate that knows who asks")
	}
	if c.OAuth != nil && (c.Gate == nil || c.Key == nil) {
		return nil, errors.New("web: apps are let in where there is a gate that knows their tokens, and a key that signs answers")
	}
	if (c.Gate == nil) != (c.Audit == nil) {
		return nil, errors.New("web: a gate and the audit log go together")
	}
	if c.Limits != nil {
		c.Policies = c.Limits
	}
	if err := c.checkRetired(); err != nil {
		return nil, err
	}
	if c.Fault == nil {
		c.Fault = func(err error) { c.Logger.Error("what was asked for could not be done", "error", err) }
	}
	if c.Limits != nil && c.Quota == nil {
		c.Quota = c.left
	}
	r := chi.NewRouter()
	r.Use(stays, secure, c.recovers, c.noKeyInURL, narrow, c.guard, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		if !c.stranger(w, r) {
			return
		}
		api.Refuse(w, http.StatusNotFound, "there is no such page")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		if !c.stranger(w, req) {
			return
		}
		api.RefuseMethod(w, r, req.URL.Path)
	})
	if err := c.add(r); err != nil {
		return nil, err
	}
	if err := checkRoutes(r, permissions); err != nil {
		return nil, err
	}
	if c.Key == nil {
		return c.Proxies.Handler(c.watched(r)), nil
	}
	signer, err := httpsig.NewSigner(c.Key, c.Now)
	if err != nil {
		return nil, err
	}
	return c.Proxies.Handler(c.watched(httpsig.Handler(r, signer))), nil
}

// add adds site and API.
func (c Config) add(r chi.Router) error {
	s := newFront(c)
	r.Group(func(r chi.Router) {
		r.Use(noted)
		if c.Key != nil {
			r.Use(c.current)
		}
		r.Use(c.retires, c.door)
		for _, path := range site.Fixed() {
			r.Get("/"+path, s.page)
		}
		r.Get("/", s.page)
		r.Get("/page-{number}.html", s.page)
		r.Get("/reports/*", s.report)
		for _, l := range words.All() {
			if l.Tag != words.English {
				r.Get("/"+l.Tag+"/*", s.page)
			}
		}
		r.Get("/bundle.zip", s.zip)
		r.Get("/bundle/*", s.file)
		r.Get("/log/*", s.log)
		r.Get("/"+report.PathEnvelope, func(w http.ResponseWriter, r *http.Request) { s.bundled(w, r, report.PathEnvelope) })
	})
	if c.OAuth != nil {
		r.Group(func(r chi.Router) {
			r.Use(noted, c.current, c.clerk)
			for route, h := range c.OAuth.Handlers() {
				method, path, _ := strings.Cut(route, " ")
				r.MethodFunc(method, path, h)
			}
		})
	}
	var err error
	r.Group(func(r chi.Router) {
		r.Use(noted)
		if c.Key == nil {
			r.Use(unsigned)
		} else {
			r.Use(anywhere, c.current, c.retires, padded, c.door)
		}
		err = api.Add(r, c.Config)
	})
	return errors.Join(err, c.addConsole(r))
}

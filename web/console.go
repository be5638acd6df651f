package web

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/console"
	"github.com/assay-por/assay/web/watch"
)

// addConsole adds the pages for people, where people sign in. They ask the routes beside them, as whoever looks.
func (c Config) addConsole(r chi.Router) error {
	if c.Key == nil || c.People == nil || c.Acts == nil {
		return nil
	}
	pages, err := console.New(console.Config{API: beside(r), Name: c.People.Name, Origins: c.People.Origins, Random: c.Acts.Random, Fault: c.Fault})
	if err != nil {
		return err
	}
	show := c.counted(pages)
	r.Group(func(r chi.Router) {
		r.Use(noted)
		r.Get("/console", http.RedirectHandler(console.Path, http.StatusSeeOther).ServeHTTP)
		r.Get("/console/*", show)
		r.Post("/console/*", show)
	})
	return nil
}

// beside is a router as one of its own handlers asks it: what it found out about that one's request is not about this one.
func beside(r http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, asked *http.Request) {
		var none *chi.Context
		r.ServeHTTP(w, asked.WithContext(context.WithValue(asked.Context(), chi.RouteCtxKey, none)))
	})
}

// counted shows a page to whoever may ask still. What the page asks for is counted too, and is told to be what was asked for nowhere.
func (c Config) counted(pages http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := c.visitor(w, r); !ok {
			return
		}
		defer watch.Of(r.Context()).Operation(methodOf(r), chi.RouteContext(r.Context()).RoutePattern())
		pages.ServeHTTP(w, r)
	}
}

package web

import (
	"net/http"
	"runtime/debug"

	"github.com/assay-por/assay/web/api"
)

// filePolicy is for all that is not a page.
const filePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// stays goes on with what was asked for if whoever asked says meanwhile that no more will come, or is gone: it is soon done, and to break it
// off would be a fault of this server in its log, as often as somebody likes. What waits for something ends ([api.Stay]).
func stays(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r.WithContext(api.Stay(r.Context()))) })
}

// secure sets the fields that every answer carries.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", filePolicy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store") // until something better is known
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		next.ServeHTTP(w, r)
	})
}

// recovers turns a panic into an answer like any other. The log tells where it was, and nothing that may quote the request.
func (c Config) recovers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // what net/http compares with
				panic(v)
			}
			c.Logger.ErrorContext(r.Context(), "a request made the server panic", "stack", string(debug.Stack()))
			api.Refuse(w, http.StatusInternalServerError, "something is wrong with this server")
		}()
		next.ServeHTTP(w, r)
	})
}

const maxURI = 2048 // bytes

// narrow refuses what no route needs.
func narrow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(r.RequestURI) > maxURI:
			api.Refuse(w, http.StatusRequestURITooLong, "a path and query of over 2048 bytes")
			return
		case r.ContentLength != 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			api.Refuse(w, http.StatusRequestEntityTooLarge, "requests to this server that read have no content")
			return
		}
		for _, name := range []string{"If-Unmodified-Since", "If-Modified-Since"} {
			r.Header.Del(name) // tags are digests, and whoever has one asks with it
		}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			r.Header.Del("If-Match")
		}
		next.ServeHTTP(w, r)
	})
}

// unsigned stands before the API where there is no key: what cannot be shown later is not said.
func unsigned(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.Refuse(w, http.StatusServiceUnavailable, "this server has no key to sign its answers with: server.key in assay.toml names one")
	})
}

// current refuses to answer once the key's time is over; its list and the server's health are still told.
func (c Config) current(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := c.KeyList(); err != nil && r.URL.Path != "/.well-known/assay-keys" && r.URL.Path != "/v1/health" {
			if !c.stranger(w, r) {
				return
			}
			api.Refuse(w, http.StatusServiceUnavailable, "the key that signs answers is not good now: see /.well-known/assay-keys")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// anywhere lets pages of others read and check answers that are public.
func anywhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forAll(r) {
			open(w)
		}
		next.ServeHTTP(w, r)
	})
}

// open lets pages of others read and check an answer.
func open(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Content-Digest, ETag, Signature, Signature-Input")
}

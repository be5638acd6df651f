package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
)

// Path is where the console lies. Everything below it is the console's.
const Path = "/console/"

// Config says what the console shows, and to whom it listens.
type Config struct {
	API     http.Handler // the server's API, at /v1/
	Name    string       // of the exchange; may be empty
	Origins []string     // of its pages, such as https://assay.example: forms of no others are taken
	Random  io.Reader    // forms are named by it, so that each is done once
	Fault   func(error)  // is told why a page could not be made
}

// Console serves the pages.
type Console struct {
	Config
	mux   *http.ServeMux
	pages pages
	style string // digests of the files beside the pages, by which a browser knows that they changed
	code  string
}

//go:embed style.css passkeys.js icon.svg
var files embed.FS

// New returns a console.
func New(c Config) (*Console, error) {
	if c.API == nil || c.Random == nil || c.Fault == nil || len(c.Origins) == 0 {
		return nil, errors.New("console: an API, randomness, an origin, and whom to tell of faults are needed")
	}
	out := &Console{Config: c, mux: http.NewServeMux()}
	var err error
	if out.style, err = digestOf("style.css"); err != nil {
		return nil, err
	}
	if out.code, err = digestOf("passkeys.js"); err != nil {
		return nil, err
	}
	if out.pages, err = parsePages(out.style, out.code); err != nil {
		return nil, err
	}
	out.routes()
	return out, nil
}

func digestOf(name string) (string, error) {
	raw, err := files.ReadFile(name)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8]), err
}

// policy is for every page: nothing from elsewhere, nothing inline, and forms are sent here alone.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// scripted is for the pages on which a passkey is asked for.
const scripted = policy + "; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin") // without one, browsers do not say which page a form is of
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Cache-Control", "no-store")
	c.mux.ServeHTTP(w, r)
}

// ours reports whether a form was sent by a page of this server, as the browser says.
func (c *Console) ours(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return slices.Contains(c.Origins, r.Header.Get("Origin")) && (site == "" || site == "same-origin")
}

// file serves what lies beside the pages. Its name in them changes with it, so that it may be kept.
func (c *Console) file(name, kind, digest string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			http.Error(w, "there is no such file", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		if r.URL.RawQuery == digest {
			w.Header().Set("Cache-Control", "private, max-age=86400")
		}
		_, _ = w.Write(raw) // who asked is gone
	}
}

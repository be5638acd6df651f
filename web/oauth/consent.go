package oauth

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"

	"github.com/ory/fosite"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

//go:embed pages
var files embed.FS

var pages = template.Must(template.ParseFS(files, "pages/*.html"))

// words say what a customer allows.
var words = map[string]string{
	string(authz.ProofReadSelf): "fetch the proof that your own balances are counted in the exchange's reports. The proof has your balances in it. Of other customers it says nothing, and the app can move nothing.",
}

// question is what a customer is asked.
type question struct {
	Exchange, App, Owner, For, Until, At string
	Scopes                               []string
}

// ask asks the customer whether they allow what an app wants.
func (s *Server) ask(w http.ResponseWriter, r *http.Request) {
	name := cookie(r, loginCookie)
	wanted, err := s.wantedOf(s.Store.Pushed(r.Context(), s.mac("pushed", name)))
	if err == nil && wanted.Customer == "" {
		err = errGone
	}
	var of app
	if err == nil {
		of, err = s.app(r.Context(), s.Store, wanted.App)
	}
	back, bad := url.Parse(wanted.Redirect)
	if err = errors.Join(err, bad); err != nil {
		s.sorry(w, r, wanted.App, err)
		return
	}
	q := question{Exchange: s.Exchange, App: of.Name, Owner: of.kept.Owner, For: s.mac("consent", name), Until: day(s.now().Add(grantLife)), At: back.Host}
	for _, scope := range wanted.Scopes {
		q.Scopes = append(q.Scopes, words[scope])
	}
	page(w, http.StatusOK, "consent.html", back.Scheme+"://"+back.Host, q)
}

// sorry tells a person why it goes no further. Nobody is sent to an address that no app has shown to be its own.
func (s *Server) sorry(w http.ResponseWriter, r *http.Request, app string, err error) {
	if errors.Is(err, store.ErrUnknown) {
		err = fosite.ErrInvalidClient.WithHint("That app is not let in here.").WithDebug(err.Error())
	}
	if _, _, _, ours := amounts(err); ours {
		s.Fault(err)
		w.Header().Set("Retry-After", "10")
		page(w, http.StatusServiceUnavailable, "sorry.html", "", sentence{s.Exchange, "It cannot be done at the moment. Nothing was allowed. Try again in a while."})
		return
	}
	if kept := s.Denials.Record(acting(r.Context(), "", ""), "authorize", app, reason(err)); kept != nil {
		s.Fault(kept)
	}
	hint := "Go back to the app, and begin anew."
	var known *fosite.RFC6749Error
	if errors.As(err, &known) && known.HintField != "" {
		hint = known.HintField + " " + hint
	}
	page(w, http.StatusBadRequest, "sorry.html", "", sentence{s.Exchange, hint})
}

type sentence struct{ Exchange, Text string }

// page answers with a page, whose form may lead to one other place.
func page(w http.ResponseWriter, status int, name, leads string, content any) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, content); err != nil { // the pages are this program's own
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self' "+leads+"; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // who asked is gone
}

// style is how the pages look.
func style(w http.ResponseWriter, _ *http.Request) {
	raw, err := files.ReadFile("pages/style.css")
	if err != nil { // it is part of the program
		panic(err)
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(raw) // who asked is gone
}

package console

import (
	"context"
	"encoding/base32"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/authn"
)

// visit is one request to the console.
type visit struct {
	c       *Console
	w       http.ResponseWriter
	r       *http.Request
	session string     // the cookie's value; empty: nobody is signed in
	form    url.Values // that was sent
	me      *api.Me    // who looks; nil on pages for everybody
}

const (
	maxForm   = 64 << 10 // bytes
	maxUpload = 4 << 20  // of one that has a signed file in it
)

// carried is a form that goes on once a passkey was shown.
type carried struct {
	session string
	form    url.Values
}

type carriedKey struct{}

// open adds a page for everybody.
func (c *Console) open(pattern string, do func(*visit) error) { c.add(pattern, maxForm, do) }

// page adds a page for whoever is signed in.
func (c *Console) page(pattern string, do func(*visit) error) { c.signedIn(pattern, maxForm, do) }

// upload adds one that is sent a signed file.
func (c *Console) upload(pattern string, do func(*visit) error) { c.signedIn(pattern, maxUpload, do) }

// atHand adds one for whoever is signed in, also where nothing else is shown to them until they show a passkey.
func (c *Console) atHand(pattern string, do func(*visit) error) {
	c.add(pattern, maxUpload, func(v *visit) error {
		var p *problem
		if err := v.knows(); err != nil && !(errors.As(err, &p) && p.is("insufficient-user-authentication")) {
			return err
		}
		if v.session == "" {
			return v.toSignIn()
		}
		return do(v)
	})
}

func (c *Console) signedIn(pattern string, most int64, do func(*visit) error) {
	c.add(pattern, most, func(v *visit) error {
		if v.session == "" {
			return v.toSignIn()
		}
		if err := v.knows(); err != nil {
			return err
		}
		return do(v)
	})
}

// knows asks who looks, if anybody is signed in.
func (v *visit) knows() error {
	if v.session == "" {
		return nil
	}
	v.me = new(api.Me)
	_, err := v.get("/v1/me", v.me)
	return err
}

func (c *Console) add(pattern string, most int64, do func(*visit) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c: c, w: w, r: r}
		if cookie, err := r.Cookie(authn.SessionCookie); err == nil {
			v.session = cookie.Value
		}
		err := v.read(most)
		if err == nil {
			err = do(v)
		}
		if err != nil {
			v.refused(err)
		}
	})
}

// read reads the form, if one was sent, and refuses one that no page of this server sent.
func (v *visit) read(most int64) error {
	if from, ok := v.r.Context().Value(carriedKey{}).(carried); ok {
		v.session, v.form = from.session, from.form
		return nil
	}
	if v.r.Method != http.MethodPost {
		return nil
	}
	if !v.c.ours(v.r) {
		return &problem{Status: http.StatusForbidden, Detail: "This form was not sent by a page of this console: nothing was done. Open the console at " + v.c.Origins[0] + Path + " and try again there."}
	}
	if v.session == "" {
		most = maxForm
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, most)
	var err error
	if strings.HasPrefix(v.r.Header.Get("Content-Type"), "multipart/form-data") {
		err = v.readFiles(most)
	} else {
		err = v.r.ParseForm()
	}
	if err != nil {
		return &problem{Status: http.StatusBadRequest, Detail: "The form could not be read, or it is too large: nothing was done."}
	}
	v.form = v.r.PostForm
	return nil
}

// readFiles reads a form with a file in it, which becomes the text of its field.
func (v *visit) readFiles(most int64) error {
	if err := v.r.ParseMultipartForm(most); err != nil {
		return err
	}
	for name, all := range v.r.MultipartForm.File {
		if len(all) != 1 || all[0].Size == 0 {
			continue
		}
		f, err := all[0].Open()
		if err != nil {
			return err
		}
		raw, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		v.r.PostForm.Set(name, string(raw))
	}
	return nil
}

// value is what stands in a field of the form, without blanks around it.
func (v *visit) value(name string) string { return strings.TrimSpace(v.form.Get(name)) }

// part is a part of the path, as the API's path takes it.
func (v *visit) part(name string) string { return url.PathEscape(v.r.PathValue(name)) }

// may reports whether whoever looks has a permission, so that they are shown what they may do.
func (v *visit) may(permission string) bool {
	if v.me == nil {
		return false
	}
	for _, p := range v.me.Permissions {
		if p == permission {
			return true
		}
	}
	return false
}

// form adds a page with a form, which is shown to whoever may send it: the API has the last word.
func (c *Console) form(path, permission string, do func(*visit) error) {
	c.page("GET "+path, func(v *visit) error {
		if !v.may(permission) {
			return &problem{Status: http.StatusForbidden, Detail: "This needs " + permission + ", which you were not given."}
		}
		return do(v)
	})
	c.page("POST "+path, do)
}

// draw names a form, so that it is done once however often it is sent.
func (v *visit) draw() (string, error) {
	var raw [15]byte
	_, err := io.ReadFull(v.c.Random, raw[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw[:])), err
}

// to leads to another page of the console.
func (v *visit) to(path string) error {
	v.w.Header().Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// toSignIn leads to where people sign in, and back to the page that was asked for.
func (v *visit) toSignIn() error {
	path := Path + "sign-in"
	if v.r.Method == http.MethodGet && v.r.URL.Path != Path {
		path += "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode()
	}
	return v.to(path)
}

// next is where a page leads to that was asked for on the way elsewhere: a page of the console, or its first.
func (v *visit) next() string { return inside(v.r.FormValue("next")) }

// from is the page that a form was on.
func (v *visit) from() string {
	u, err := url.Parse(v.r.Referer())
	if err != nil || !slices.Contains(v.c.Origins, u.Scheme+"://"+u.Host) {
		return Path
	}
	return inside(u.RequestURI())
}

// inside is an address of the console, or that of its first page for any other one.
func inside(address string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && strings.HasPrefix(u.Path, Path) && !strings.Contains(u.Path, "..") {
		return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
	}
	return Path
}

// refused shows why something is not shown, or not done.
func (v *visit) refused(err error) {
	var p *problem
	if !errors.As(err, &p) {
		v.c.Fault(err)
		p = &problem{Status: http.StatusInternalServerError, Detail: "Something is wrong with this server: it could not make this page."}
	}
	switch {
	case p.is("insufficient-user-authentication"):
		err = v.asksForPasskey(v.r.URL.Path, v.form)
	case p.Status == http.StatusUnauthorized:
		err = v.toSignIn()
	default:
		err = v.showAs(p.Status, "refused", page{Title: titleOf(p), Data: p})
	}
	if err != nil {
		v.c.Fault(err)
		http.Error(v.w, "this page could not be made", http.StatusInternalServerError)
	}
}

func titleOf(p *problem) string {
	switch p.Status {
	case http.StatusForbidden:
		return "Not permitted"
	case http.StatusNotFound:
		return "Not found"
	case http.StatusTooManyRequests:
		return "Too many requests"
	case http.StatusInternalServerError, http.StatusServiceUnavailable:
		return "Not at the moment"
	}
	return "That did not work"
}

// again goes on with a form that was sent before, by the session that there is now.
func (v *visit) again(path string, form url.Values) {
	r := v.r.Clone(context.WithValue(v.r.Context(), carriedKey{}, carried{v.session, form}))
	r.URL = &url.URL{Path: path}
	r.RequestURI = path
	v.c.mux.ServeHTTP(v.w, r)
}

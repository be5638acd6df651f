package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/assay-por/assay/web/api"
)

//go:embed pages
var sources embed.FS

// pages are the templates, by their names.
type pages map[string]*template.Template

// page is what a template is shown.
type page struct {
	Title    string
	Exchange string
	Me       *api.Me
	Second   bool // what changes people, clients, keys or limits takes another person
	Nav      []link
	Notice   string // of what was just done
	Problem  *problem
	Script   bool // a passkey may be asked for
	Data     any
}

type link struct {
	Path, Text string
	Current    bool
}

// rooms are the console's parts, and which permission shows the way to each.
var rooms = []struct{ path, text, permission string }{
	{"", "Overview", ""},
	{"runs", "Runs", "run:read"},
	{"reports", "Reports", ""},
	{"proposals", "Proposals", "client:read"},
	{"clients", "Clients", "client:read"},
	{"people", "People", "client:read"},
	{"limits", "Limits", "limit:read"},
	{"audit", "Audit log", "audit:read"},
	{"usage", "Usage", ""},
	{"account", "Account", ""},
}

// parsePages reads all templates. Each page has a file of its own; what they share stands in the layout and the parts.
func parsePages(style, code string) (pages, error) {
	base, err := template.New("").Funcs(template.FuncMap{
		"when": when, "day": day, "short": short, "join": func(all []string) string { return strings.Join(all, ", ") }, "say": say,
		"style": func() string { return style }, "code": func() string { return code }, "act": words, "part": partOf, "milli": milli,
	}).ParseFS(sources, "pages/layout.html", "pages/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(sources, "pages/*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, name := range names {
		one, err := base.Clone()
		if err == nil {
			one, err = one.ParseFS(sources, name)
		}
		if err != nil {
			return nil, err
		}
		all[strings.TrimSuffix(path.Base(name), ".html")] = one
	}
	return all, nil
}

// show shows a page.
func (v *visit) show(name string, p page) error { return v.showAs(http.StatusOK, name, p) }

func (v *visit) showAs(status int, name string, p page) error {
	p.Exchange, p.Me, p.Nav = v.c.Name, v.me, v.nav()
	p.Second = v.me != nil && v.me.Second
	if p.Notice == "" {
		p.Notice = notices[v.r.URL.Query().Get("done")]
	}
	var out bytes.Buffer
	if err := v.c.pages[name].ExecuteTemplate(&out, "layout", p); err != nil {
		return err
	}
	h := v.w.Header()
	if p.Script {
		h.Set("Content-Security-Policy", scripted)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(out.Bytes()) // who asked is gone
	return nil
}

// nav leads to what whoever looks may see.
func (v *visit) nav() []link {
	if v.me == nil {
		return nil
	}
	var all []link
	for _, r := range rooms {
		if r.permission != "" && !v.may(r.permission) {
			continue
		}
		at := Path + r.path
		current := v.r.URL.Path == at || r.path != "" && strings.HasPrefix(v.r.URL.Path, at+"/")
		all = append(all, link{at, r.text, current || r.path == "clients" && strings.HasPrefix(v.r.URL.Path, Path+"keys/")})
	}
	return all
}

// notices are what is told of something that was done, on the page that comes after it.
var notices = map[string]string{
	"asked":      "The run was asked for. A worker takes it up.",
	"cancelled":  "The run is to be cancelled.",
	"resumed":    "The run is looked at again.",
	"approved":   "The approval was taken.",
	"published":  "The draft is to be published. A worker signs it, enters it in the log and shows it.",
	"withdrawn":  "The withdrawal was asked for. It waits for the approvers.",
	"finding":    "The finding was handed in.",
	"proposed":   "It was proposed. Another person has to confirm it within 24 hours.",
	"confirmed":  "It was confirmed, and is done.",
	"rejected":   "It was rejected. Nothing was done.",
	"changed":    "It was changed.",
	"made":       "It was made.",
	"disabled":   "It is disabled. No request is let in any more.",
	"enabled":    "It is enabled.",
	"revoked":    "The key was revoked. It is of no use any more.",
	"ended":      "The session was ended.",
	"added":      "The passkey was added.",
	"removed":    "It was removed.",
	"signed-out": "You are signed out.",
	"shown":      "Your passkey was shown.",
}

// when is a time as people read it, for machines beside it.
func when(text string) template.HTML {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2 Jan 2006, 15:04:05") + "&nbsp;UTC</time>") //nolint:gosec // it has digits and names of months alone
}

// day is the day of a time.
func day(text string) template.HTML {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
	}
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + t.UTC().Format("2 Jan 2006") + "</time>") //nolint:gosec // as above
}

// short is the beginning of a digest, which people tell it by.
func short(digest string) string {
	if len(digest) > 12 {
		return digest[:12] + "…"
	}
	return digest
}

// partOf is what a part of a page is shown.
func partOf(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			all[name] = pairs[i+1]
		}
	}
	return all
}

// milli is a time of microseconds in thousandths of a second.
func milli(us int64) string { return fmt.Sprintf("%d.%d", us/1000, us/100%10) }

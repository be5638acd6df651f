package site

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"

	"github.com/assay-por/assay/report/render"
	"github.com/assay-por/assay/web/words"
)

//go:embed site.css
var style string

//go:embed search.js
var search string

//go:embed frame.tmpl
var frameText string

//go:embed list.tmpl
var listText string

//go:embed report.tmpl
var reportText string

//go:embed how.tmpl
var howText string

// frame is what stands around each page.
type frame struct {
	Lang       string
	RTL        bool
	Title      string
	Exchange   string
	Up         string // from the page to the site: "", "../" …
	Home       string // from the page to its language's pages
	Here       string // index, how, or nothing
	Verifier   string // link to the page that checks proofs, if there is one
	Alternates []alternate
	Style      template.CSS
	StyleHash  string
	Body       any
}

// alternate is the same page in another language.
type alternate struct {
	Tag, Name, Dir, Link string
	Current              bool
}

// maxPolicy is the largest policy that a link carries.
const maxPolicy = 16 << 10

// frame is around the page at path, which is below its language's prefix. A page that is
// found anywhere has no links.
func (s *Site) frame(t *words.Texts, path string) frame {
	whole := prefix(t) + path
	up := strings.Repeat("../", strings.Count(whole, "/"))
	f := frame{
		Exchange: s.exchange().Name, Up: up, Home: strings.Repeat("../", strings.Count(path, "/")),
		Style: template.CSS(render.Style() + style), StyleHash: render.Hash(render.Style() + style), //nolint:gosec // our own files
	}
	f.Lang, f.RTL = t.Lang()
	if s.src.Verifier != nil {
		f.Verifier = up + pathVerifier
		if n := len(s.src.Policy); n > 0 && n <= maxPolicy {
			f.Verifier += "#policy=" + base64.RawURLEncoding.EncodeToString(s.src.Policy)
		}
	}
	for _, l := range s.languages {
		f.Alternates = append(f.Alternates, alternate{l.Tag, l.Name, l.Dir(), up + prefix(l) + path, l.Tag == t.Tag})
	}
	return f
}

// templates are those of a language.
func templates(t *words.Texts, texts ...string) (*template.Template, error) {
	all := template.New("").Funcs(render.Functions(t))
	for _, text := range append([]string{frameText}, texts...) {
		if _, err := all.Parse(text); err != nil {
			return nil, fmt.Errorf("site: %w", err)
		}
	}
	return all, nil
}

// page draws a page of the site's own.
func page(t *words.Texts, text string, f frame) (Page, error) {
	all, err := templates(t, text)
	if err != nil {
		return Page{}, err
	}
	var out bytes.Buffer
	if err := all.ExecuteTemplate(&out, "page", f); err != nil {
		return Page{}, fmt.Errorf("site: %w", err)
	}
	return Page{Content: out.Bytes(), Kind: html, Policy: policy(f.StyleHash, "")}, nil
}

const html = "text/html; charset=utf-8"

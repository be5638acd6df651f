package site

import "github.com/assay-por/assay/web/words"

const missingText = `{{define "body"}}<main id="main" class="list"><header class="lead-in"><p class="kicker"><span>404</span></p><h1>{{w "missing.title"}}</h1><p class="lead">{{w "missing.text"}}</p></header></main>{{end}}`

// missing is the page for an address that is none. A server shows it at any address, so it has no links.
func (s *Site) missing() (Page, error) {
	t := s.languages[0]
	f := s.frame(t, pathMissing)
	f.Alternates, f.Title = nil, t.Text("missing.title", words.Args{})
	return page(t, missingText, f)
}

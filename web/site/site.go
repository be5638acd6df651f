package site

import (
	"errors"
	"fmt"
	stdhtml "html"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/words"
)

// Source is what a site shows.
type Source struct {
	Reports  []*published.Report // the newest first
	Register *report.Register    // what the log says of them; nil: no log is read
	Log      string              // its name
	Size     uint64              // and how many entries it has
	Policy   []byte              // the exchange's own trust policy, if it publishes one
	Tools
}

// Tools are the programs that a site hands out beside what it shows, each if there is one.
type Tools struct {
	Verifier *Page // the page that checks proofs
	Small    *Page // the same with one of its two programs, an eighth of the size
	Widget   *Page // the script that shows on any page what became of the newest report
}

// NewTools are those of such bytes, nil where there is none. A page's policy is the one in its own meta element, without which it is refused.
func NewTools(verifier, small, widget []byte) (t Tools, err error) {
	for _, one := range []struct {
		page **Page
		from []byte
	}{{&t.Verifier, verifier}, {&t.Small, small}} {
		if one.from == nil {
			continue
		}
		said := ownPolicy.FindSubmatch(one.from)
		if said == nil {
			return Tools{}, errors.New("site: the page that checks proofs has no policy of its own")
		}
		*one.page = &Page{Content: one.from, Kind: html, Policy: stdhtml.UnescapeString(string(said[1]))}
	}
	if widget != nil {
		t.Widget = &Page{Content: widget, Kind: "text/javascript; charset=utf-8", Embedded: true}
	}
	return t, nil
}

var ownPolicy = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]+)">`)

// at is the tool at a path, nil if there is none.
func (t Tools) at(path string) *Page {
	switch path {
	case pathVerifier:
		return t.Verifier
	case pathSmall:
		return t.Small
	case pathWidget:
		return t.Widget
	}
	return nil
}

// Page is a file of the site.
type Page struct {
	Content  []byte
	Kind     string // media type
	Policy   string // Content-Security-Policy of a page, as its own meta element has it
	Embedded bool   // pages of other sites have it in them
}

// Site is a site at one moment. It never changes; pages are drawn when they are asked for.
type Site struct {
	src       Source
	languages []*words.Texts // English first
	shown     []*shown
	byName    map[string]*shown
}

// shown is a report with its place on the site and in the log.
type shown struct {
	*published.Report
	name  string
	about *report.Listed // nil: the log does not hold it, or is not read
}

// file is the set of texts that these pages have.
const file = "site"

// ErrEmpty says that there is no report, and so nothing to show.
var ErrEmpty = errors.New("there is no report to show")

// New lays out a site. No page is drawn yet.
func New(src Source) (*Site, error) {
	if len(src.Reports) == 0 {
		return nil, fmt.Errorf("site: %w", ErrEmpty)
	}
	s := &Site{src: src, byName: map[string]*shown{}}
	for _, l := range words.Languages(file) {
		t, err := words.Load(l.Tag, file)
		if err != nil {
			return nil, err
		}
		s.languages = append(s.languages, t)
	}
	seats := map[string]int{}
	for _, r := range src.Reports {
		seats[seat(r)]++
	}
	for _, r := range src.Reports {
		one := &shown{Report: r, name: seat(r), about: src.Register.Find(r.Digest)}
		if seats[one.name] > 1 { // the exchange has signed two statements of one number: neither hides the other
			one.name += "-" + r.Digest.String()[:12]
		}
		s.shown, s.byName[one.name] = append(s.shown, one), one
	}
	return s, nil
}

// seat is what a report is called: letters, digits and -.
func seat(r *published.Report) string {
	p := r.Statement.Predicate.Series
	return fmt.Sprintf("%s-%d", p.Name, p.Number)
}

// Report returns the report of that name, or an error that wraps fs.ErrNotExist.
func (s *Site) Report(name string) (*published.Report, error) {
	if one, ok := s.byName[name]; ok {
		return one.Report, nil
	}
	return nil, fmt.Errorf("no report is called %q: %w", name, fs.ErrNotExist)
}

const (
	pathJSON     = "index.json"
	pathRobots   = "robots.txt"
	pathMissing  = "404.html"
	pathVerifier = "verify.html"
	pathSmall    = "verify-small.html"
	pathWidget   = "widget.js"
	pathIndex    = "index.html"
	pathHow      = "how.html"
	pathFeed     = "feed.xml"
	pathReport   = "report.json"
)

// Fixed lists the paths that a site has whatever it shows, of English pages, and of the tools that there are.
func Fixed() []string {
	return append([]string{pathIndex, pathHow, pathFeed, pathJSON, pathRobots, pathMissing}, toolPaths()...)
}

func toolPaths() []string { return []string{pathVerifier, pathSmall, pathWidget} }

// Paths lists the site's files but those of bundles and log, sorted.
func (s *Site) Paths() []string {
	all := []string{pathJSON, pathRobots, pathMissing}
	for _, path := range toolPaths() {
		if s.src.at(path) != nil {
			all = append(all, path)
		}
	}
	for _, r := range s.shown {
		all = append(all, r.at(pathReport))
	}
	for _, t := range s.languages {
		below := prefix(t)
		all = append(all, below+pathHow, below+pathFeed)
		for n := range s.sheets() {
			all = append(all, below+sheetPath(n))
		}
		for _, r := range s.shown {
			all = append(all, below+r.at(pathIndex))
		}
	}
	slices.Sort(all)
	return all
}

// Page draws the file at a path of [Site.Paths]; the error for any other wraps fs.ErrNotExist.
func (s *Site) Page(path string) (Page, error) {
	switch path {
	case pathJSON:
		return s.indexJSON()
	case pathRobots:
		return Page{Content: []byte("User-agent: *\nAllow: /\n"), Kind: "text/plain; charset=utf-8"}, nil
	case pathMissing:
		return s.missing()
	case pathVerifier, pathSmall, pathWidget:
		if tool := s.src.at(path); tool != nil {
			return *tool, nil
		}
		return Page{}, absent(path)
	}
	t, rest := s.languageOf(path)
	if name, below, ok := strings.Cut(strings.TrimPrefix(rest, "reports/"), "/"); ok && strings.HasPrefix(rest, "reports/") {
		one := s.byName[name]
		switch {
		case one != nil && below == pathIndex:
			return s.report(t, one)
		case one != nil && below == pathReport && prefix(t) == "":
			return s.reportJSON(one)
		}
		return Page{}, absent(path)
	}
	switch rest {
	case pathHow:
		return s.how(t)
	case pathFeed:
		return s.feed(t)
	}
	for n := range s.sheets() {
		if rest == sheetPath(n) {
			return s.sheet(t, n)
		}
	}
	return Page{}, absent(path)
}

func absent(path string) error { return fmt.Errorf("the site has no %q: %w", path, fs.ErrNotExist) }

// at is where a file of a report lies.
func (r *shown) at(name string) string { return "reports/" + r.name + "/" + name }

// prefix is below what a language's pages lie: English is the site itself.
func prefix(t *words.Texts) string {
	if t.Tag == words.English {
		return ""
	}
	return t.Tag + "/"
}

// languageOf parts a path into its language and the rest.
func (s *Site) languageOf(path string) (t *words.Texts, rest string) {
	for _, t := range s.languages[1:] {
		if rest, ok := strings.CutPrefix(path, prefix(t)); ok {
			return t, rest
		}
	}
	return s.languages[0], path
}

// exchange is whose site it is: the newest report says.
func (s *Site) exchange() report.Exchange {
	return s.shown[0].Statement.Predicate.Snapshot.Exchange
}

// policy is a page's own, for the script of that hash, if there is one.
func policy(styleHash, scriptHash string) string {
	p := "default-src 'none'; style-src 'sha256-" + styleHash + "';"
	if scriptHash != "" {
		p += " script-src 'sha256-" + scriptHash + "';"
	}
	return p + " base-uri 'none'; form-action 'none'"
}

package site_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/published/publishedtest"
	"github.com/assay-por/assay/web/site"
)

// drawn draws a page.
func drawn(t testing.TB, s *site.Site, path string) string {
	t.Helper()
	p, err := s.Page(path)
	must(t, err)
	return string(p.Content)
}

// exported writes the site of the place, with a log.
func exported(t testing.TB, p place) string {
	t.Helper()
	src := p.source(t)
	var err error
	checks := []byte(`<!DOCTYPE html><html lang="en"><meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;"><title>Check</title><main><h1>Check</h1></main></html>`)
	src.Tools, err = site.NewTools(checks, checks, []byte("widget"))
	must(t, err)
	if src.Verifier.Policy != "default-src 'none'" {
		t.Errorf("its policy is %s", src.Verifier.Policy)
	}
	if _, err := site.NewTools(nil, []byte("<title>Check</title>"), nil); err == nil {
		t.Error("a page without a policy is let in")
	}
	src.Policy = []byte("version = 1\n")
	s, err := site.New(src)
	must(t, err)
	log := t.TempDir()
	for name, content := range map[string]string{"checkpoint": "demo.example/log\n300\nAAAA\n\n— x BBBB\n", "tile/0/000": "leaves", "tile/0/001.p/44": "more", "tile/1/000.p/1": "above", "tile/entries/000": "entries", "tile/entries/001.p/44": "more entries", "tile/0/002": "not published yet", "tile/notes": "secret"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(log, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(log, name), []byte(content), 0o600))
	}
	dir := filepath.Join(t.TempDir(), "public")
	w, err := site.Export(dir, s, &published.Log{Files: published.LogFolder(log)})
	must(t, err)
	if w.Reports != len(p.made) || w.Pages != len(s.Paths()) || w.Files == 0 || w.Bytes == 0 {
		t.Errorf("it says %+v", w)
	}
	return dir
}

// paths lists the files below a folder.
func paths(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	}))
	return all
}

// TestLinks: every link of every page leads to a file of the site, and to a place in it, wherever the site lies; and nothing else is asked for.
func TestLinks(t *testing.T) {
	dir := exported(t, newPlace(t))
	all := paths(t, dir)
	ids, links := map[string]map[string]bool{}, map[string][]string{}
	for _, name := range all {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		ids[name] = map[string]bool{}
		for _, n := range nodes(t, dir, name) {
			for _, a := range n.Attr {
				switch a.Key {
				case "id":
					if ids[name][a.Val] {
						t.Errorf("%s: the id %s stands twice", name, a.Val)
					}
					ids[name][a.Val] = true
				case "href":
					links[name] = append(links[name], a.Val)
				case "src", "srcset", "action", "style", "onclick", "onload", "background", "poster":
					t.Errorf("%s has the attribute %s=%q", name, a.Key, a.Val)
				}
			}
		}
	}
	count := 0
	for name, list := range links {
		for _, l := range list {
			u, err := url.Parse(l)
			if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(l, "/") {
				t.Errorf("%s links to %s, which is not relative", name, l)
				continue
			}
			count++
			to := name
			if u.Path != "" {
				to = path.Join(path.Dir(name), u.Path)
			}
			if !slices.Contains(all, to) {
				t.Errorf("%s links to %s, and there is no %s", name, l, to)
			}
			if u.Fragment != "" && !strings.HasPrefix(u.Fragment, "policy=") && !ids[to][u.Fragment] {
				t.Errorf("%s links to %s, and nothing there is called so", name, l)
			}
		}
	}
	if count < 250 {
		t.Errorf("%d links were looked at", count)
	}
	if !slices.Contains(all, "log/tile/0/001.p/44") || slices.Contains(all, "log/tile/0/002") || slices.Contains(all, "log/tile/notes") {
		t.Error("of the log there is not what its checkpoint covers")
	}
	var listed struct {
		Widget struct{ Link, Integrity string }
	}
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	must(t, err)
	must(t, json.Unmarshal(raw, &listed))
	if sum := sha256.Sum256([]byte("widget")); listed.Widget.Link != "widget.js" || listed.Widget.Integrity != "sha256-"+base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("index.json says of the widget %+v", listed.Widget)
	}
	list := links["index.html"]
	if !slices.Contains(list, "verify.html#policy=dmVyc2lvbiA9IDEK") {
		t.Errorf("the list does not lead to the page that checks: %v", list)
	}
}

func nodes(t testing.TB, dir, name string) []*html.Node {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	must(t, err)
	root, err := html.Parse(bytes.NewReader(raw))
	must(t, err)
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

// void are the elements that have no end.
var void = map[atom.Atom]bool{atom.Meta: true, atom.Link: true, atom.Input: true, atom.Br: true, atom.Hr: true, atom.Img: true, atom.Col: true}

// TestWellFormed: every element that begins ends, in order; a page has one title, one h1, one main, and headings step by step.
func TestWellFormed(t *testing.T) {
	s := newPlace(t).site(t)
	for _, path := range s.Paths() {
		if !strings.HasSuffix(path, ".html") {
			continue
		}
		text := drawn(t, s, path)
		z, open, seen, last := html.NewTokenizer(strings.NewReader(text)), []string{}, map[string]int{}, 1
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				if !errors.Is(z.Err(), io.EOF) {
					t.Errorf("%s: %v", path, z.Err())
				}
				break
			}
			token := z.Token()
			if kind == html.StartTagToken {
				seen[token.Data]++
				if !void[token.DataAtom] {
					open = append(open, token.Data)
				}
				if len(token.Data) == 2 && token.Data[0] == 'h' && token.Data[1] >= '1' && token.Data[1] <= '6' {
					if level := int(token.Data[1] - '0'); level > last+1 {
						t.Errorf("%s: a heading of level %d after one of level %d", path, level, last)
					} else {
						last = level
					}
				}
			}
			if kind == html.EndTagToken {
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%s: </%s> ends %v", path, token.Data, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 || seen["h1"] != 1 || seen["main"] != 1 || seen["title"] < 1 {
			t.Errorf("%s: open at the end: %v; it has %d h1, %d main", path, open, seen["h1"], seen["main"])
		}
		for _, bad := range []string{"[state", "[site", "[history", "[files", "[list", "[how", "{n}", "{instant}", "ZgotmplZ"} {
			if strings.Contains(filled.ReplaceAllString(inside.ReplaceAllString(text, ""), ""), bad) {
				t.Errorf("%s shows %s", path, bad)
			}
		}
	}
}

var (
	inside = regexp.MustCompile(`(?s)<(style|script)>.*?</(style|script)>`)
	inline = regexp.MustCompile(`</?(code|time|strong|data|b)( [^>]*)?>`)
	tags   = regexp.MustCompile(`<[^>]*>`)
	filled = regexp.MustCompile(` data-found="[^"]*"`) // by the script
	abroad = regexp.MustCompile(`^[a-z]{2}/`)
)

func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(inline.ReplaceAllString(inside.ReplaceAllString(page, ""), ""), " "))), " ")
}

// TestX05_SiteWording: no page in English claims more than a report can show, and each says what it must. People hold those in other languages to them.
func TestX05_SiteWording(t *testing.T) {
	s := newPlace(t).site(t)
	for _, path := range s.Paths() {
		if strings.HasSuffix(path, ".html") && !abroad.MatchString(path) {
			if err := report.CheckWording(text(drawn(t, s, path))); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// TestStates: what became of a report stands on its page before all else, in the list, the feed and the JSON.
func TestStates(t *testing.T) {
	p := newPlace(t)
	s := p.site(t)
	for n, want := range map[int][]string{
		0: {"Published", "It is entry #0 of the public log demo.example/log, since 2 July 2026, 03:00:00 UTC, and nothing there takes it back, up to entry #8: the last one when this page was drawn."},
		1: {"Withdrawn", "This report was withdrawn. Do not rely on it.", "Since 3 December 2026, 09:00:00 UTC.", "A cold wallet <b>was counted twice</b>."},
		2: {"Superseded", "Another report took the place of this one.", "The savings accounts were left out.", "To the report that took its place: main-3"},
		3: {"Published", "Corrections to its words", "Scope: “spot” should read “spot and savings”."},
		5: {"Published", "Shortfall in 1 of 4 assets", "USDT is short by 1,110,000.00 USDT"},
		6: {"Published", "Totals are hidden", "BTC reached; by how much is not shown"},
	} {
		page := text(drawn(t, s, "reports/"+name(n)+"/index.html"))
		for _, one := range want {
			if !strings.Contains(page, one) {
				t.Errorf("report %d does not say %q", n, one)
			}
		}
		if at := strings.Index(page, want[0]); at < 0 || at > strings.Index(page, "Solvency report 20") {
			t.Errorf("report %d says %q after what it reports", n, want[0])
		}
	}
	unread := p.source(t)
	unread.Register, unread.Log, unread.Size = nil, "", 0
	alone, err := site.New(unread)
	must(t, err)
	if page := text(drawn(t, alone, "reports/main-1/index.html")); !strings.Contains(page, "this page cannot say whether it was withdrawn") || strings.Contains(page, "Withdrawn") {
		t.Error("without a log the page does not say that it cannot know")
	}
	empty := p.source(t)
	empty.Register = report.NewRegister(publishedtest.Exchange, publishedtest.Key.PublicKey())
	early, err := site.New(empty)
	must(t, err)
	if page := text(drawn(t, early, "reports/main-1/index.html")); !strings.Contains(page, "does not hold it") {
		t.Error("a report that is not in the log is said to be")
	}
}

func name(n int) string { return "main-" + string(rune('0'+n)) }

// TestE10_SiteInjection: the exchange's words are shown as they are, and are nothing but words.
func TestE10_SiteInjection(t *testing.T) {
	s := newPlace(t).site(t)
	for _, path := range s.Paths() {
		page, err := s.Page(path)
		must(t, err)
		if strings.HasSuffix(path, ".html") && strings.Contains(string(page.Content), "<b>was counted") || strings.HasSuffix(path, ".xml") && strings.Contains(string(page.Content), "<b>") {
			t.Errorf("%s: a reason became markup", path)
		}
	}
}

// TestPolicy: what is served is let do just what the page itself says, and the hashes are those of what is inside.
func TestPolicy(t *testing.T) {
	s := newPlace(t).site(t)
	own := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy" content="([^"]*)">`)
	for _, path := range s.Paths() {
		page, err := s.Page(path)
		must(t, err)
		if !strings.HasSuffix(path, ".html") {
			if page.Policy != "" {
				t.Errorf("%s has a policy", path)
			}
			continue
		}
		said := own.FindSubmatch(page.Content)
		if said == nil || html.UnescapeString(string(said[1])) != page.Policy || !strings.HasPrefix(page.Policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(page.Policy, "unsafe") {
			t.Errorf("%s: its policy is %s, and it says %s", path, page.Policy, said)
		}
		if scripted := bytes.Contains(page.Content, []byte("<script>")); scripted != strings.Contains(page.Policy, "script-src") || scripted != strings.HasPrefix(abroad.ReplaceAllString(path, ""), "reports/") {
			t.Errorf("%s: a script: %t, policy %s", path, scripted, page.Policy)
		}
	}
}

// TestAccounts: all accounts are in the page, a thousand open and the rest folded; the script finds among all of them.
func TestAccounts(t *testing.T) {
	page := drawn(t, newPlace(t).site(t), "reports/main-5/index.html")
	_, accounts, _ := strings.Cut(page, `<section id="accounts"`)
	accounts, _, _ = strings.Cut(accounts, "</section>")
	if rows := strings.Count(accounts, `<th scope="row">`); rows != 1_107 {
		t.Errorf("%d accounts, want 1107", rows)
	}
	if folded := strings.Count(accounts, `<details class="batch">`); folded != 1 || !strings.Contains(accounts, "Accounts 1,001 to 1,107") {
		t.Errorf("%d parts are folded", folded)
	}
	if strings.Contains(page, "more balances") {
		t.Error("it says that accounts are left out")
	}
}

// TestJSON: what is beside the pages says the same, exactly.
func TestJSON(t *testing.T) {
	p := newPlace(t)
	s := p.site(t)
	var list struct {
		Type, Exchange string
		Log            struct {
			Origin string
			Size   uint64
		}
		Reports []struct {
			Name, Statement, State, Reason, Period string
			Errata                                 []struct{ Text string }
			Coverage                               []struct{ Asset, Liabilities, Counted, Coverage, Surplus, Shortfall string }
			Links                                  map[string]string
		}
	}
	must(t, json.Unmarshal([]byte(drawn(t, s, "index.json")), &list))
	if list.Type != site.Type || list.Exchange != publishedtest.Exchange || list.Log.Size != 9 || len(list.Reports) != 7 {
		t.Fatalf("%+v", list)
	}
	states := []string{"published", "published", "published", "published", "superseded", "withdrawn", "published"}
	for i, r := range list.Reports {
		made := p.made[len(p.made)-1-i]
		if r.Statement != made.Digest.String() || r.State != states[i] || r.Name != name(6-i) || (r.Reason != "") != (r.State == "superseded" || r.State == "withdrawn") {
			t.Errorf("report %d: %+v", i, r)
		}
		if r.Links["bundle"] != "reports/"+r.Name+"/bundle.zip" {
			t.Errorf("links %v", r.Links)
		}
	}
	if short := list.Reports[1].Coverage[2]; short.Shortfall != "1110000000000" || short.Coverage != "97.30" || short.Surplus != "" || list.Reports[3].Errata == nil {
		t.Errorf("the shortfall is %+v", short)
	}
	if hidden := list.Reports[0].Coverage[0]; hidden.Liabilities != "" || hidden.Coverage != "" || hidden.Surplus != "" || hidden.Counted != "1252000000000" {
		t.Errorf("a hidden total is %+v", hidden)
	}
	var one struct {
		Type, Previous string
		Files          []struct{ Path, SHA256 string }
		Links          map[string]string
	}
	must(t, json.Unmarshal([]byte(drawn(t, s, "reports/main-6/report.json")), &one))
	if one.Previous != p.made[5].Digest.String() || len(one.Files) != len(p.made[6].Files) || one.Links["manifest"] != "../../reports/main-6/bundle/manifest.json" {
		t.Errorf("%+v", one)
	}
}

// TestFeed holds the feed to RFC 4287: what must be there is, once; ids are URNs, are different, and stay when more becomes of a report.
func TestFeed(t *testing.T) {
	type entry struct {
		ID, Title, Updated, Published, Summary []string
		Link                                   []struct {
			Rel  string `xml:"rel,attr"`
			Href string `xml:"href,attr"`
		} `xml:"http://www.w3.org/2005/Atom link"`
	}
	type feed struct {
		XMLName            xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		Lang               string   `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		ID, Title, Updated []string
		Author             []struct{ Name []string }
		Entry              []entry
	}
	parsed := func(s *site.Site) (f feed) {
		raw := strings.NewReplacer("<id>", "<ID>", "</id>", "</ID>", "<title>", "<Title>", "</title>", "</Title>", "<updated>", "<Updated>", "</updated>", "</Updated>", "<published>", "<Published>", "</published>", "</Published>",
			"<summary>", "<Summary>", "</summary>", "</Summary>", "<author>", "<Author>", "</author>", "</Author>", "<name>", "<Name>", "</name>", "</Name>", "<entry>", "<Entry>", "</entry>", "</Entry>").Replace(drawn(t, s, "feed.xml"))
		must(t, xml.Unmarshal([]byte(raw), &f))
		return f
	}
	urn := regexp.MustCompile(`^urn:sha256:[0-9a-f]{64}$`)
	p := newPlace(t)
	f := parsed(p.site(t))
	if len(f.ID) != 1 || !urn.MatchString(f.ID[0]) || len(f.Title) != 1 || len(f.Updated) != 1 || len(f.Author) != 1 || len(f.Author[0].Name) != 1 || f.Lang != "en" || len(f.Entry) != 9 {
		t.Fatalf("%+v", f)
	}
	seen, last := map[string]bool{}, f.Updated[0]
	for i, e := range f.Entry {
		if len(e.ID) != 1 || !urn.MatchString(e.ID[0]) || seen[e.ID[0]] || len(e.Title) != 1 || e.Title[0] == "" || len(e.Updated) != 1 || len(e.Published) != 1 || len(e.Summary) != 1 || len(e.Link) != 1 || e.Link[0].Rel != "alternate" {
			t.Errorf("entry %d: %+v", i, e)
		}
		seen[e.ID[0]] = true
		if _, err := time.Parse(time.RFC3339, e.Updated[0]); err != nil || e.Updated[0] > last {
			t.Errorf("entry %d is of %s, after %s: %v", i, e.Updated[0], last, err)
		}
		last = e.Updated[0]
	}
	for _, made := range p.made {
		if !seen["urn:sha256:"+made.Digest.String()] {
			t.Errorf("no entry of the statement %s", made.Digest)
		}
	}
	p.enter(t)(report.NewErratum(publishedtest.Exchange, p.made[0].Digest, "Another one.", report.Time{Time: time.Date(2026, 12, 4, 0, 0, 0, 0, time.UTC)}))
	more := parsed(p.site(t))
	if len(more.Entry) != 10 || more.Updated[0] != "2026-12-04T00:00:00Z" || more.ID[0] != f.ID[0] {
		t.Errorf("after an erratum: %+v", more)
	}
	for _, e := range more.Entry[1:] {
		if !seen[e.ID[0]] {
			t.Errorf("the id %s is new", e.ID[0])
		}
	}
}

// TestFeedStates: a report's own entry says that it was withdrawn, superseded or is in no log; a reader who sees that entry alone does not take it for good.
func TestFeedStates(t *testing.T) {
	type entry struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Summary string `xml:"summary"`
	}
	of := func(s *site.Site, path string) map[string]entry {
		var f struct {
			Entries []entry `xml:"entry"`
		}
		must(t, xml.Unmarshal([]byte(drawn(t, s, path)), &f))
		all := map[string]entry{}
		for _, e := range f.Entries {
			all[strings.TrimPrefix(e.ID, "urn:sha256:")] = e
		}
		return all
	}
	p := newPlace(t)
	s := p.site(t)
	feed := of(s, "feed.xml")
	for n, want := range map[int]entry{
		1: {Title: "Withdrawn: solvency report 2026-07", Updated: "2026-12-03T09:00:00Z", Summary: "This report was withdrawn. Do not rely on it. Why, in the exchange’s words: A cold wallet <b>was counted twice</b>."},
		2: {Title: "Superseded: solvency report 2026-08", Updated: "2026-09-02T03:00:00Z", Summary: "Another report took the place of this one. Why, in the exchange’s words: The savings accounts were left out."},
		3: {Title: "solvency report 2026-08", Updated: "2026-09-02T03:00:00Z", Summary: "The reserves counted reach what is owed, in each of 4 assets"},
	} {
		got := feed[p.made[n].Digest.String()]
		if !strings.Contains(got.Title, want.Title) || got.Updated != want.Updated || got.Summary != want.Summary {
			t.Errorf("report %d: %+v, want %+v", n, got, want)
		}
	}
	for _, path := range s.Paths() {
		if strings.HasSuffix(path, "/feed.xml") && len(path) == len("xx/feed.xml") {
			other := of(s, path)
			if good, gone := other[p.made[3].Digest.String()], other[p.made[1].Digest.String()]; good.Title == "" || gone.Summary == good.Summary || !strings.Contains(gone.Summary, "was counted twice") {
				t.Errorf("%s: %+v", path, gone)
			}
		}
	}
	src := p.source(t)
	src.Register = report.NewRegister(publishedtest.Exchange, publishedtest.Key.PublicKey())
	early, err := site.New(src)
	must(t, err)
	if got := of(early, "feed.xml")[p.made[0].Digest.String()]; !strings.Contains(got.Summary, "the public log demo.example/log does not hold it") {
		t.Errorf("a report that is in no log: %+v", got)
	}
}

// TestNames: two statements of one number are both shown, under names of their own; a list of many is in pages.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	first := publishedtest.Draft(t, 0, nil)
	first.Publish(t, filepath.Join(dir, "a"))
	other := publishedtest.Draft(t, 1, &first)
	other.Publish(t, filepath.Join(dir, "b"))
	twin := draft(t, month{period: "2026-10", owed: [3]uint64{1, 1, 1}, held: [3]uint64{1, 1, 1}}, 1, []publishedtest.Made{first})
	twin.Publish(t, filepath.Join(dir, "c"))
	p := place{dir: dir}
	s := p.site(t)
	for _, made := range []publishedtest.Made{other, twin} {
		r, err := s.Report("main-1-" + made.Digest.String()[:12])
		if err != nil || r.Digest != made.Digest {
			t.Errorf("%s: %v", made.Digest, err)
		}
	}
	if _, err := s.Report("main-1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one of both hides the other: %v", err)
	}
	former := &other
	for n := uint64(2); n < 64; n++ {
		next := publishedtest.Draft(t, n, former)
		next.Publish(t, filepath.Join(dir, next.Digest.String()))
		former = &next
	}
	s = p.site(t)
	list := drawn(t, s, "index.html") + drawn(t, s, "page-2.html")
	if n := strings.Count(list, `<li class="entry`); n != 65 || !strings.Contains(list, `href="page-2.html" rel="next"`) || !strings.Contains(list, `href="index.html" rel="prev"`) {
		t.Errorf("%d reports on two pages", n)
	}
	if _, err := s.Page("page-3.html"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a third page: %v", err)
	}
	if newest := text(drawn(t, s, "reports/main-63/index.html")); !strings.Contains(newest, "older reports are in the list of reports") {
		t.Error("the history does not say that there is more")
	}
}

// TestNoReports: there is nothing to lay out.
func TestNoReports(t *testing.T) {
	if _, err := site.New(site.Source{}); !errors.Is(err, site.ErrEmpty) {
		t.Error(err)
	}
}

// TestKeeper: a page is drawn anew when the log says more, and not before; what is drawn is what [site.Site.Page] draws.
func TestKeeper(t *testing.T) {
	p := newPlace(t)
	src := p.source(t)
	var fault error
	k := site.NewKeeper(func() (site.Source, error) { return src, fault })
	const path = "reports/main-0/index.html"
	first, err := k.Page(path)
	must(t, err)
	if again, err := k.Page(path); err != nil || &again.Content[0] != &first.Content[0] {
		t.Errorf("it was drawn twice: %v", err)
	}
	if string(first.Content) != drawn(t, p.site(t), path) {
		t.Error("what is kept is another page")
	}
	p.enter(t)(report.NewWithdrawal(publishedtest.Exchange, p.made[0].Digest, "Taken back.", report.Time{Time: time.Date(2026, 12, 4, 0, 0, 0, 0, time.UTC)}))
	src.Size = p.entries
	if now, err := k.Page(path); err != nil || !bytes.Contains(now.Content, []byte("Taken back.")) {
		t.Errorf("the withdrawal is not shown: %v", err)
	}
	if _, err := k.Page("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	fault = errors.New("the disk is gone")
	if _, err := k.Page(path); !errors.Is(err, fault) {
		t.Error(err)
	}
}

// TestExportAlone: of two who write the same site at once one is refused, and what the other writes is whole.
func TestExportAlone(t *testing.T) {
	s := newPlace(t).site(t)
	dir := filepath.Join(t.TempDir(), "not", "there", "public")
	faults := make(chan error)
	const writers = 3
	for range writers {
		go func() { _, err := site.Export(dir, s, nil); faults <- err }()
	}
	written := 0
	for range writers {
		if err := <-faults; err == nil {
			written++
		} else if !strings.Contains(err.Error(), "another assay is writing it") {
			t.Error(err)
		}
	}
	if written == 0 {
		t.Error("nobody has written it")
	}
	all := paths(t, dir)
	for _, path := range s.Paths() {
		if !slices.Contains(all, path) {
			t.Fatalf("%s is not there: %d files are", path, len(all))
		}
	}
}

// TestExport: a site is replaced as a whole, also after an interruption; what is no site stays, and what cannot be read leaves the older site as it was.
func TestExport(t *testing.T) {
	p := newPlace(t)
	dir := exported(t, p)
	s := p.site(t)
	stale := filepath.Join(dir, "reports", "stale.html")
	must(t, os.WriteFile(stale, nil, 0o600))
	_, err := site.Export(dir, s, nil)
	must(t, err)
	before, err := os.ReadFile(filepath.Join(dir, "index.json"))
	must(t, err)
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of the older site is still there: %v", err)
	}
	beside := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir))
	must(t, os.Rename(dir, beside+".old")) // as an interruption between the renames leaves it
	must(t, os.MkdirAll(beside+".new", 0o755))
	_, err = site.Export(dir, s, nil)
	must(t, err)
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 2 { // it, and the lock
		t.Errorf("beside the site lies %v: %v", left, err)
	}
	lines := filepath.Join(p.dir, "03", "bundle", "reserves", "lines.json")
	raw, err := os.ReadFile(lines)
	must(t, err)
	must(t, os.WriteFile(lines, bytes.Replace(raw, []byte("own-cold"), []byte("own-warm"), 1), 0o600))
	if _, err := site.Export(dir, s, nil); !errors.Is(err, published.ErrDamaged) {
		t.Errorf("a bundle that was altered: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(dir, "index.json")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the older site is not there any more: %v", err)
	}
	other := t.TempDir()
	must(t, os.WriteFile(filepath.Join(other, "mine.txt"), []byte("keep"), 0o600))
	if _, err := site.Export(other, s, nil); err == nil || !strings.Contains(err.Error(), "holds no site") {
		t.Errorf("a folder of something else: %v", err)
	}
	if _, err := os.Stat(filepath.Join(other, "mine.txt")); err != nil {
		t.Error(err)
	}
}

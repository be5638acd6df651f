package site

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
	"github.com/assay-por/assay/web/words"
)

// feedLong is how many entries a feed has at most.
const feedLong = 60

// atom is a feed (RFC 4287).
type atom struct {
	XMLName  xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang     string      `xml:"xml:lang,attr"`
	ID       string      `xml:"id"`
	Title    string      `xml:"title"`
	Subtitle string      `xml:"subtitle"`
	Updated  string      `xml:"updated"`
	Author   author      `xml:"author"`
	Links    []link      `xml:"link"`
	Entries  []atomEntry `xml:"entry"`
}

type author struct {
	Name string `xml:"name"`
}

type link struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID        string `xml:"id"`
	Title     string `xml:"title"`
	Published string `xml:"published"`
	Updated   string `xml:"updated"`
	Links     []link `xml:"link"`
	Summary   string `xml:"summary"`
}

// feed tells of reports, and of what became of them: an entry of a report that was withdrawn or superseded says so itself. A report's id is its statement's digest, a notice's that of its entry: both
// stay whatever else changes.
func (s *Site) feed(t *words.Texts) (Page, error) {
	who := s.exchange()
	f := atom{
		Lang: t.Tag, ID: urn([]byte("assay/v1/feed\x00" + who.Name + "\x00" + t.Tag)), Title: t.Text("site.feed", words.Args{"exchange": who.Name}),
		Subtitle: t.Text("site.foot", nil), Author: author{cmp.Or(who.Name, "assay")}, Updated: "1970-01-01T00:00:00Z",
		Links: []link{{"self", "application/atom+xml", pathFeed}, {"alternate", "text/html", pathIndex}},
	}
	for _, r := range s.shown {
		f.Entries = append(f.Entries, s.told(t, r)...)
	}
	slices.SortStableFunc(f.Entries, func(a, b atomEntry) int { return cmp.Compare(b.Updated, a.Updated) }) // whole seconds of UTC sort as text
	f.Entries = f.Entries[:min(len(f.Entries), feedLong)]
	if len(f.Entries) > 0 {
		f.Updated = f.Entries[0].Updated
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	enc := xml.NewEncoder(&out)
	enc.Indent("", "  ")
	err := enc.Encode(f)
	out.WriteByte('\n')
	return Page{Content: out.Bytes(), Kind: "application/atom+xml; charset=utf-8"}, err
}

// told is what a feed tells of a report.
func (s *Site) told(t *words.Texts, r *shown) []atomEntry {
	p := r.Statement.Predicate
	short := 0
	for _, c := range p.Coverage {
		if c.Shortfall != nil {
			short++
		}
	}
	args := words.Args{"exchange": p.Snapshot.Exchange.Name, "period": p.Snapshot.Period}
	at := p.Issued.String()
	if r.about != nil {
		at = r.about.Entry.Issued.String()
	}
	links := []link{{"alternate", "text/html", r.at(pathIndex)}}
	own := atomEntry{ID: "urn:sha256:" + r.Digest.String(), Title: t.Text("report.title", args), Published: at, Updated: at, Links: links, Summary: render.Headline(t, short, len(p.Coverage))}
	switch st := s.state(r); st.State {
	case report.StateWithdrawn, report.StateSuperseded: // whoever reads this entry alone must not take it for good
		key := string(st.State)
		own.Title, own.Updated = t.Text("report.title."+key, args), max(at, st.Noticed.String())
		own.Summary = t.Text("state."+key+".say", nil) + " " + t.Text("why."+key, words.Args{"reason": oneLine(st.Why)})
	case report.StateSigned:
		said := t.Text("state.unknown.say", nil)
		if st.Known {
			said = strings.ReplaceAll(t.Text("state.signed.say", words.Args{"log": st.Log}), "`", "")
		}
		own.Summary += ". " + said
	case report.StatePublished:
	}
	entries := []atomEntry{own}
	if r.about == nil {
		return entries
	}
	notice := func(n report.Noted, key, text string) {
		at := n.Entry.Issued.String()
		entries = append(entries, atomEntry{ID: urn(append([]byte(strconv.FormatUint(n.Index, 10)+"\x00"), n.Raw...)), Title: t.Text(key, args), Published: at, Updated: at, Links: links, Summary: oneLine(text)})
	}
	for _, e := range r.about.Errata {
		notice(e, "report.title.erratum", e.Entry.Text)
	}
	if w := r.about.Withdrawal; w != nil {
		notice(*w, "report.title.withdrawn", w.Entry.Text)
	}
	return entries
}

func urn(of []byte) string {
	sum := sha256.Sum256(of)
	return "urn:sha256:" + hex.EncodeToString(sum[:])
}

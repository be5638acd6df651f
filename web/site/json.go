package site

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/assay-por/assay/report"
)

// Type is the type of index.json; a folder that has one holds a site.
const Type = "assay/v1/site"

const typeReport = "assay/v1/site/report"

// index is index.json.
type index struct {
	Type     string    `json:"type"`
	Exchange string    `json:"exchange,omitempty"`
	Log      *log      `json:"log,omitempty"`    // as it was read; missing if none was
	Widget   *widget   `json:"widget,omitempty"` // for pages of others, if there is one
	Reports  []summary `json:"reports"`          // the newest first
}

type log struct {
	Origin string `json:"origin"`
	Size   uint64 `json:"size"`
}

// widget is the script, and what a page that has it in it may hold it to.
type widget struct {
	Link      string `json:"link"`
	Integrity string `json:"integrity"` // Subresource Integrity
}

// summary is a report in short. Links are relative to the site.
type summary struct {
	Name      string            `json:"name"`
	Statement report.Digest     `json:"statement"`
	Series    string            `json:"series"`
	Number    uint64            `json:"number"`
	Period    string            `json:"period"`
	Instant   report.Time       `json:"instant"`
	Issued    report.Time       `json:"issued"`
	State     report.State      `json:"state"`
	Reason    string            `json:"reason,omitempty"` // of a withdrawal, or for the one that took its place
	Errata    []noted           `json:"errata,omitempty"`
	Coverage  []coverage        `json:"coverage"`
	Links     map[string]string `json:"links"`
}

type noted struct {
	Issued report.Time `json:"issued"`
	Text   string      `json:"text"`
}

// coverage is an asset's, in its base units; of a hidden total there is no liabilities, ratio and surplus.
type coverage struct {
	Asset       string        `json:"asset"`
	Decimals    uint8         `json:"decimals"`
	Liabilities *report.Units `json:"liabilities,omitempty"`
	Counted     report.Units  `json:"counted"`
	Ratio       string        `json:"coverage,omitempty"` // percent, floored
	Surplus     *report.Units `json:"surplus,omitempty"`
	Shortfall   *report.Units `json:"shortfall,omitempty"`
}

// whole is report.json.
type whole struct {
	Type string `json:"type"`
	summary
	Exchange report.Exchange `json:"exchange"`
	Snapshot report.Digest   `json:"snapshot"`
	Previous *report.Digest  `json:"previous,omitempty"`
	Files    []listedFile    `json:"files"`
}

type listedFile struct {
	Path   string `json:"path"`
	Part   string `json:"part"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (s *Site) indexJSON() (Page, error) {
	out := index{Type: Type, Exchange: s.exchange().Name, Reports: []summary{}}
	if s.src.Register != nil {
		out.Log = &log{s.src.Log, s.src.Size}
	}
	if script := s.src.Widget; script != nil {
		sum := sha256.Sum256(script.Content)
		out.Widget = &widget{pathWidget, "sha256-" + base64.StdEncoding.EncodeToString(sum[:])}
	}
	for _, r := range s.shown {
		out.Reports = append(out.Reports, r.summary(""))
	}
	return jsonOf(out)
}

func (s *Site) reportJSON(r *shown) (Page, error) {
	p := r.Statement.Predicate
	out := whole{Type: typeReport, summary: r.summary(strings.Repeat("../", strings.Count(r.at(pathReport), "/"))), Exchange: p.Snapshot.Exchange, Snapshot: p.Snapshot.ID, Previous: p.Series.Previous, Files: []listedFile{}}
	entries, err := r.Entries()
	if err != nil {
		return Page{}, err
	}
	for _, e := range entries {
		out.Files = append(out.Files, listedFile{e.Path, e.Part, e.Size, hex.EncodeToString(e.SHA256[:])})
	}
	return jsonOf(out)
}

// summary is a report in short, for a file from which up leads to the site.
func (r *shown) summary(up string) summary {
	p := r.Statement.Predicate
	out := summary{
		Name: r.name, Statement: r.Digest, Series: p.Series.Name, Number: p.Series.Number, Period: p.Snapshot.Period, Instant: p.Snapshot.Instant, Issued: p.Issued,
		State: r.about.State(), Reason: r.why(), Coverage: []coverage{},
		Links: map[string]string{"page": up + r.at(pathIndex), "json": up + r.at(pathReport), "statement": up + r.at("bundle/"+report.PathEnvelope), "manifest": up + r.at("bundle/"+report.PathManifest)},
	}
	if r.HasZip() {
		out.Links["bundle"] = up + r.at("bundle.zip")
	}
	if r.about != nil {
		for _, e := range r.about.Errata {
			out.Errata = append(out.Errata, noted{e.Entry.Issued, e.Entry.Text})
		}
	}
	for i, c := range p.Coverage {
		out.Coverage = append(out.Coverage, coverage{c.Asset, p.Snapshot.Assets[i].Decimals, c.Liabilities, c.Counted, c.Ratio, c.Surplus, c.Shortfall})
	}
	return out
}

func jsonOf(v any) (Page, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return Page{Content: b.Bytes(), Kind: "application/json"}, err
}

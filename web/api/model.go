package api

import (
	"cmp"
	"encoding/hex"
	"slices"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/published"
)

// Reports is a page of the list.
type Reports struct {
	Reports []Summary `json:"reports" nullable:"false" maxItems:"500"`
	Next    string    `json:"next,omitempty" minLength:"64" maxLength:"64" doc:"Cursor for the reports after these; missing on the last page"`
}

// Summary is a report in short. State is by the log as it is served here.
type Summary struct {
	Statement string `json:"statement" minLength:"64" maxLength:"64" doc:"Its digest"`
	Exchange  string `json:"exchange" maxLength:"64"`
	Series    Series `json:"series"`
	Period    string `json:"period" maxLength:"32"`
	Instant   string `json:"instant" format:"date-time" maxLength:"20" doc:"What time it speaks of"`
	Issued    string `json:"issued" format:"date-time" maxLength:"20"`
	State     string `json:"state" enum:"signed,published,superseded,withdrawn" doc:"signed: no log served here holds it"`
	Links     Links  `json:"links"`
}

// Series is a statement's place in its series.
type Series struct {
	Name   string `json:"name" maxLength:"32"`
	Number uint64 `json:"number" maximum:"9007199254740991"`
}

// Links lead to the parts of a report that there are.
type Links struct {
	Self      string `json:"self" format:"uri-reference" maxLength:"256"`
	Statement string `json:"statement" format:"uri-reference" maxLength:"256"`
	Manifest  string `json:"manifest" format:"uri-reference" maxLength:"256"`
	States    string `json:"states" format:"uri-reference" maxLength:"256"`
	Bundle    string `json:"bundle,omitempty" format:"uri-reference" maxLength:"256"`
	Report    string `json:"report,omitempty" format:"uri-reference" maxLength:"256"`
}

// Report is a report in short, with coverage and files.
type Report struct {
	Summary
	Snapshot string     `json:"snapshot" minLength:"64" maxLength:"64"`
	Previous string     `json:"previous,omitempty" minLength:"64" maxLength:"64" doc:"Digest of the statement before it in the series"`
	Coverage []Coverage `json:"coverage" nullable:"false" maxItems:"1024"`
	Files    []File     `json:"files" nullable:"false" maxItems:"2097152"`
}

// Coverage is what is owed and what was counted of an asset, in its base units.
type Coverage struct {
	Asset       string `json:"asset" maxLength:"64"`
	Decimals    uint8  `json:"decimals" maximum:"255"`
	Liabilities string `json:"liabilities" maxLength:"78" doc:"Empty where totals are hidden: no more is owed than what was counted"`
	Counted     string `json:"counted" maxLength:"78"`
	Ratio       string `json:"coverage,omitempty" maxLength:"96" doc:"Percent, rounded down; missing where nothing is owed, or liabilities are empty"`
	Surplus     string `json:"surplus,omitempty" maxLength:"78"`
	Shortfall   string `json:"shortfall,omitempty" maxLength:"78"`
}

// File is a file of the bundle.
type File struct {
	Path   string `json:"path" maxLength:"128"`
	Part   string `json:"part" enum:"core,shard,attachment"`
	Size   int64  `json:"size" minimum:"0" maximum:"9007199254740991"`
	SHA256 string `json:"sha256" minLength:"64" maxLength:"64"`
	Link   string `json:"link" format:"uri-reference" maxLength:"256"`
}

// States is what became of a statement.
type States struct {
	Statement string  `json:"statement" minLength:"64" maxLength:"64"`
	State     string  `json:"state" enum:"signed,published,superseded,withdrawn"`
	Log       *Head   `json:"log,omitempty" doc:"As it was looked at; missing if no log is served here"`
	Entries   []Entry `json:"entries" nullable:"false" maxItems:"1048576" doc:"What the log says of the statement, in its order"`
}

// Head names a log's checkpoint.
type Head struct {
	Origin string `json:"origin" maxLength:"256"`
	Size   uint64 `json:"size" maximum:"9007199254740991"`
}

// Entry is what an entry of the log says of a statement.
type Entry struct {
	Index  uint64 `json:"index" maximum:"9007199254740991"`
	Kind   string `json:"kind" enum:"published,superseded,withdrawn,erratum"`
	Issued string `json:"issued" format:"date-time" maxLength:"20"`
	By     string `json:"by,omitempty" minLength:"64" maxLength:"64" doc:"Digest of the statement that took its place"`
	Text   string `json:"text,omitempty" maxLength:"4096" doc:"Why, or what is wrong and how it should read"`
}

const kindErratum = "erratum"

func summary(r *published.Report, register *report.Register) Summary {
	p, base := r.Statement.Predicate, "/v1/reports/"+r.Digest.String()
	s := Summary{
		Statement: r.Digest.String(), Exchange: p.Snapshot.Exchange.Name, Series: Series{p.Series.Name, p.Series.Number}, Period: p.Snapshot.Period,
		Instant: p.Snapshot.Instant.String(), Issued: p.Issued.String(), State: string(register.Find(r.Digest).State()),
		Links: Links{Self: base, Statement: base + "/statement", Manifest: base + "/files/" + report.PathManifest, States: base + "/states"},
	}
	if r.HasZip() {
		s.Links.Bundle = base + "/bundle"
	}
	if r.HasPage() {
		s.Links.Report = base + "/report"
	}
	return s
}

func whole(r *published.Report, register *report.Register) (Report, error) {
	p := r.Statement.Predicate
	out := Report{Summary: summary(r, register), Snapshot: p.Snapshot.ID.String(), Coverage: []Coverage{}, Files: []File{}}
	if p.Series.Previous != nil {
		out.Previous = p.Series.Previous.String()
	}
	for i, c := range p.Coverage {
		out.Coverage = append(out.Coverage, Coverage{
			Asset: c.Asset, Decimals: p.Snapshot.Assets[i].Decimals, Liabilities: digits(c.Liabilities), Counted: c.Counted.String(),
			Ratio: c.Ratio, Surplus: digits(c.Surplus), Shortfall: digits(c.Shortfall),
		})
	}
	entries, err := r.Entries()
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		out.Files = append(out.Files, File{e.Path, e.Part, e.Size, hex.EncodeToString(e.SHA256[:]), out.Links.Self + "/files/" + e.Path})
	}
	return out, nil
}

func digits(u *report.Units) string {
	if u == nil {
		return ""
	}
	return u.String()
}

// states answers for statements that the log holds too, where their report is not here any more.
func (a *api) states(in *reportInput) (Answer, error) {
	seen, err := a.seen()
	if err != nil {
		return Answer{}, err
	}
	var statement report.Digest
	if in.Statement == latest || seen.Register == nil || statement.UnmarshalText([]byte(in.Statement)) != nil || seen.Register.Find(statement) == nil {
		r, err := a.find(in.Statement)
		if err != nil {
			return Answer{}, err
		}
		statement = r.Digest
	}
	about := seen.Register.Find(statement)
	out := States{Statement: statement.String(), State: string(about.State()), Entries: entries(about)}
	if seen.Register != nil {
		out.Log = &Head{seen.Origin, seen.Size}
	}
	return jsonOf(out)
}

func entries(about *report.Listed) []Entry {
	all := []Entry{}
	if about == nil {
		return all
	}
	note := func(kind string, n report.Noted) {
		all = append(all, Entry{Index: n.Index, Kind: kind, Issued: n.Entry.Issued.String(), Text: n.Entry.Text})
	}
	note(string(report.StatePublished), about.Noted)
	for _, e := range about.Errata {
		note(kindErratum, e)
	}
	if about.Withdrawal != nil {
		note(string(report.StateWithdrawn), *about.Withdrawal)
	}
	if by := about.SupersededBy; by != nil {
		note(string(report.StateSuperseded), by.Noted)
		last := &all[len(all)-1]
		last.By, last.Text = by.Entry.Statement.String(), by.Entry.Series.Supersedes.Reason
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Index, b.Index) })
	return all
}

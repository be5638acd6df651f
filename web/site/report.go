package site

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/report/render"
	"github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/words"
)

const (
	maxLines  = 10_000 // accounts that a page lists
	maxShards = 512    // files of shards that it lists
)

// state is what became of a statement, as the page says it.
type state struct {
	State   report.State
	Known   bool // a log is read
	Log     string
	Index   uint64
	Last    uint64      // entry of the log that was read: a page that is kept says until where it knows
	Issued  report.Time // of the entry that made it so
	Why     string
	By      string // link to the report that took its place, if it is here
	ByName  string
	Errata  []erratum
	Noticed report.Time // when it was withdrawn or superseded
}

type erratum struct {
	Issued report.Time
	Text   string
}

// download is a file that readers can take.
type download struct {
	Link, Path, SHA256 string
	Size               uint64
}

type downloads struct {
	Zip        *download
	Files      []download
	Shards     []download
	MoreShards uint64
	JSON       string
	Verifier   string
}

func (s *Site) report(t *words.Texts, r *shown) (Page, error) {
	p := r.Statement.Predicate
	files, err := r.files(s)
	if err != nil {
		return Page{}, err
	}
	all, err := templates(t, reportText)
	if err != nil {
		return Page{}, err
	}
	f := s.frame(t, r.at(pathIndex))
	var fault error
	draw := func(name string, data any) template.HTML {
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, name, data); err != nil {
			fault = errors.Join(fault, err)
		}
		return template.HTML(out.String()) //nolint:gosec // a template's own output
	}
	args := words.Args{"exchange": p.Snapshot.Exchange.Name, "period": p.Snapshot.Period}
	around := render.Frame{Lines: maxLines, Script: template.JS(search), Style: style} //nolint:gosec // our own file
	if st := r.about.State(); st == report.StateWithdrawn || st == report.StateSuperseded {
		around.Title = t.Text("report.title."+string(st), args)
	}
	around.Head, around.Top, around.Foot = draw("head", f), draw("top", f), draw("foot", f)
	around.State = draw("state", s.state(r))
	if h, ok := s.history(t, r); ok {
		around.Sections = []render.Section{{ID: "history", Name: t.Text("history", nil), HTML: draw("history", h)}}
	}
	list, err := s.downloads(r, f)
	if err != nil {
		return Page{}, err
	}
	around.Files = draw("files", list)
	if fault != nil {
		return Page{}, fmt.Errorf("site: %w", fault)
	}
	var out bytes.Buffer
	if err := render.Framed(&out, files, t, around); err != nil {
		return Page{}, err
	}
	return Page{Content: out.Bytes(), Kind: html, Policy: policy(f.StyleHash, around.ScriptHash())}, nil
}

// files reads what the page is drawn from.
func (r *shown) files(s *Site) (f render.Files, err error) {
	if f.Envelope, err = read(r.Report, report.PathEnvelope); err != nil {
		return f, err
	}
	if f.Lines, err = read(r.Report, report.PathLines); err != nil {
		return f, err
	}
	for n := range r.Statement.Predicate.Bands {
		b, err := read(r.Report, report.PathBandLines(n))
		if err != nil {
			return f, err
		}
		f.Bands = append(f.Bands, b)
	}
	entries, err := r.Entries()
	if err != nil {
		return f, err
	}
	for n := 0; slices.ContainsFunc(entries, func(e published.Entry) bool { return e.Path == report.PathFinding(n) }); n++ {
		b, err := read(r.Report, report.PathFinding(n))
		if err != nil {
			return f, err
		}
		f.Findings = append(f.Findings, b)
	}
	if r.about != nil {
		f.Logged = &render.Logged{Origin: s.src.Log, Index: r.about.Index, Size: s.src.Size}
	}
	return f, nil
}

func read(r *published.Report, path string) ([]byte, error) {
	f, _, err := r.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(f)
	return b, errors.Join(err, f.Close())
}

func (s *Site) state(r *shown) state {
	out := state{State: r.about.State(), Known: s.src.Register != nil, Log: s.src.Log, Why: r.why()}
	if r.about == nil {
		return out
	}
	out.Index, out.Issued, out.Last = r.about.Index, r.about.Entry.Issued, max(s.src.Size, r.about.Index+1)-1
	for _, e := range r.about.Errata {
		out.Errata = append(out.Errata, erratum{e.Entry.Issued, e.Entry.Text})
	}
	switch out.State {
	case report.StateWithdrawn:
		out.Noticed = r.about.Withdrawal.Entry.Issued
	case report.StateSuperseded:
		out.Noticed = r.about.SupersededBy.Entry.Issued
	case report.StateSigned, report.StatePublished:
	}
	if by := r.about.SupersededBy; by != nil {
		for _, one := range s.shown {
			if one.Digest == by.Entry.Statement {
				out.By, out.ByName = "../"+one.name+"/"+pathIndex, one.name
			}
		}
	}
	return out
}

// downloads lists the bundle's files that are here, for a page that has this frame.
func (s *Site) downloads(r *shown, f frame) (downloads, error) {
	base := f.Up + r.at("")
	out := downloads{JSON: base + pathReport, Verifier: f.Verifier}
	entries, err := r.Entries()
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		d := download{Link: base + "bundle/" + e.Path, Path: e.Path, SHA256: hex.EncodeToString(e.SHA256[:]), Size: uint64(e.Size)} //nolint:gosec // a file's size
		switch {
		case e.Part != report.PartShard:
			out.Files = append(out.Files, d)
		case len(out.Shards) < maxShards:
			out.Shards = append(out.Shards, d)
		default:
			out.MoreShards++
		}
	}
	if !r.HasZip() {
		return out, nil
	}
	z, err := r.Zip()
	if err != nil {
		return out, err
	}
	out.Zip = &download{Link: base + "bundle.zip", Path: "bundle.zip", SHA256: hex.EncodeToString(z.SHA256[:]), Size: uint64(z.Size)} //nolint:gosec // a file's size
	return out, z.Close()
}

// oneLine is a text that a feed or a title has in one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

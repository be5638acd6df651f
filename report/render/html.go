package render

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/assay-por/assay/report"
)

//go:embed page.tmpl
var pageText string

//go:embed style.css
var style string

// Files are those of a bundle that the page is drawn from.
type Files struct {
	Envelope []byte   // statement.dsse.json (SPEC part 10)
	Lines    []byte   // reserves/lines.json (SPEC part 15)
	Bands    [][]byte // the lines of its bands in order (SPEC part 21)
	Findings [][]byte // auditors' findings in order (SPEC part 27)
	Logged   *Logged  // once it is published; its proof was verified
}

// Logged is where the statement stands in a log (SPEC part 25).
type Logged struct {
	Origin      string
	Index, Size uint64 // of the entry, of the log then
	Witnesses   []Witnessed
}

// Witnessed says who cosigned the log, and when.
type Witnessed struct {
	Name string
	Time time.Time
}

// At is the time as the page has it.
func (w Witnessed) At() string { return w.Time.UTC().Format("2006-01-02 15:04:05 UTC") }

// HTML writes the page of a signed report, in these words. It draws nothing when the bytes are not of
// their format, when the lines do not give the statement's reserves and totals, or when
// a finding is about another statement.
func HTML(w io.Writer, f Files, words Words) error { return Framed(w, f, words, Frame{}) }

// Framed writes the page of a signed report with what a site puts around it: else it is [HTML].
func Framed(w io.Writer, f Files, words Words, frame Frame) error {
	signed, err := report.Read(f.Envelope)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	list, err := signed.Lines(f.Lines)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	held, err := signed.Bands(list, f.Bands)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	p := newPage(words, signed, list, frame)
	p.Claims, p.Logged = newClaims(words, p.Predicate), f.Logged
	if p.Steps, err = newSteps(words, p.Snapshot, list, held); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	if p.Findings, err = newFindings(signed.Digest, f.Findings); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	p.Style = template.CSS(style + frame.Style) //nolint:gosec // our own file, not input
	p.StyleHash = Hash(style + frame.Style)
	t, err := template.New("page").Funcs(Functions(words)).Parse(pageText)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

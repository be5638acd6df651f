package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/assay-por/assay/report"
)

//go:embed page.tmpl
var pageText string

//go:embed style.css
var style string

// HTML writes the page of a signed report. Envelope is statement.dsse.json (SPEC part
// 10), lines is reserves/lines.json (SPEC part 15), bands are the lines of its bands in
// order (SPEC part 21). It draws nothing when the bytes are not of their format, or
// when the lines do not give the statement's reserves and totals.
func HTML(w io.Writer, envelope, lines []byte, bands ...[]byte) error {
	signed, err := report.Read(envelope)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	list, err := signed.Lines(lines)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	held, err := signed.Bands(list, bands)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	p := newPage(signed, list)
	p.Claims = newClaims(p.Predicate)
	if p.Steps, err = newSteps(p.Snapshot, list, held); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	hash := sha256.Sum256([]byte(style))
	p.Style = template.CSS(style) //nolint:gosec // our own file, not input
	p.StyleHash = base64.StdEncoding.EncodeToString(hash[:])
	t, err := template.New("page").Parse(pageText)
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

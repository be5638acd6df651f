package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

// output is how verdicts are printed.
type output struct {
	json, quiet bool
	progress    io.Writer // has a line of progress on it, nil if there is none
}

// print writes a verdict, and returns its exit code as an error if it is not proven.
func (o *output) print(w io.Writer, v verifier.Verdict) error {
	return o.write(w, told{"assay-verify " + version, v}, v.Exit, func(p *page) {
		if !o.quiet {
			p.verdict(v)
		}
		p.last(v)
	})
}

// told is a verdict with who gave it, as an auditor's finding names it (SPEC part 27).
type told struct {
	Tool string `json:"tool"`
	verifier.Verdict
}

// printRecheck writes what came of a recheck, in the same way.
func (o *output) printRecheck(w io.Writer, v rechecked) error {
	return o.write(w, v, v.Exit, func(p *page) {
		if !o.quiet {
			p.recheck(v)
		}
		word := p.paint("1;32", "AGREED")
		if !v.Agreed {
			word = p.paint("1;31", "NOT AGREED")
		}
		fmt.Fprint(p, word)
		p.line(": %s", v.Summary)
	})
}

func (o *output) write(w io.Writer, v any, exit int, text func(*page)) error {
	if o.progress != nil {
		fmt.Fprint(o.progress, "\r\x1b[K")
	}
	var err error
	if o.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(v)
	} else {
		p := page{color: colored(w)}
		text(&p)
		_, err = io.WriteString(w, p.String())
	}
	if err != nil {
		return &failure{code: verifier.ExitUnreadable, err: fmt.Errorf("the verdict could not be written: %w", err)}
	}
	if exit != verifier.ExitProven {
		return &judged{exit}
	}
	return nil
}

// colored reports whether w is a terminal whose user did not ask for none (no-color.org).
func colored(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// escape makes anything that came from a file harmless to a terminal: control and invisible characters are spelt out.
func escape(s string) string {
	var b strings.Builder
	for _, c := range s {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, "\\u{%04x}", c)
		}
	}
	return b.String()
}

// A page is the text of a verdict.
type page struct {
	strings.Builder
	color bool
}

// line writes one line whose arguments may come from files.
func (p *page) line(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = escape(s)
		}
	}
	fmt.Fprintf(p, format+"\n", args...)
}

func (p *page) paint(code, s string) string {
	if !p.color {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// mark gives a result as sign, word and colour: never by colour alone.
func (p *page) mark(r verifier.Result) string {
	switch r {
	case verifier.Pass:
		return p.paint("32", "✓ pass   ")
	case verifier.Fail:
		return p.paint("31", "✗ fail   ")
	default:
		return p.paint("33", "– skipped")
	}
}

func (p *page) checks(list []verifier.Check) {
	width := 0
	for _, c := range list {
		width = max(width, utf8.RuneCountInString(shortName(c.Name)))
	}
	for _, c := range list {
		fmt.Fprint(p, "  "+p.mark(c.Result)+"  ")
		p.line("%-*s  %s", width, shortName(c.Name), c.Title)
		if c.Detail != "" {
			p.line("             %s", c.Detail)
		}
	}
}

func (p *page) recheck(v rechecked) {
	p.checks(v.Checks)
	if v.Statement != nil {
		p.statement(v.Statement)
	}
	p.list("Rechecked", v.Rechecked)
	p.list("Not rechecked", v.NotRechecked)
	p.list("Notes", v.Notes)
	p.list("What this does not show", v.NotShown)
	p.list("What was trusted", append([]string{"the trust policy with digest " + v.Policy, "signing keys of that policy: " + signers(v.Signers)}, v.Nodes...))
	p.line("")
}

func (p *page) verdict(v verifier.Verdict) {
	p.standing(v.State)
	p.checks(v.Checks)
	if s := v.Statement; s != nil {
		p.statement(s)
		p.times(v)
	}
	switch {
	case len(v.Coverage) == 0:
	case v.Statement.HiddenTotals:
		p.bounds(v.Coverage)
	default:
		p.coverage(v.Coverage)
	}
	if v.Margin != nil {
		p.margin(v.Margin)
	}
	p.reserves(v.Reserves)
	p.list("Held by others or not shown, in no total above", claimsOf(v.Claims))
	for _, f := range v.Findings {
		p.finding(f, v.Policy)
	}
	p.list("The same wallets from one instant to the next", flowsOf(v.Flows))
	if c := v.Customer; c != nil {
		p.list("Found", append([]string{c.Row}, c.Found...))
		p.list("Who checked that it is counted", []string{c.Counted})
	}
	if v.Answer != nil {
		p.answer(v.Answer)
	}
	p.list("Caught", evidenceOf(v.Evidence))
	p.list("Notes", v.Notes)
	if v.Proven {
		p.list("What this does not show", v.NotShown)
	}
	if v.Customer != nil {
		p.list("What was trusted", v.Customer.Trusted)
	} else {
		p.list("What was trusted", trusted(v))
	}
	p.line("")
}

// trusted names what a verdict on a bundle rests on.
func trusted(v verifier.Verdict) []string {
	list := []string{"the trust policy with digest " + v.Policy, "signing keys of that policy: " + signers(v.Signers)}
	if a := v.Approvals; a != nil && len(a.By) > 0 {
		list = append(list, fmt.Sprintf("approvers' keys, %d of them the policy's: %s", a.Believed, strings.Join(a.By, ", ")))
	}
	if a := v.Answer; a != nil {
		list = append(list, "the server's key "+a.Key+", which they list, and the server's clock")
	}
	if l := v.Log; l != nil && l.Known {
		list = append(list, "the log "+l.Origin+" of that policy, and its witnesses: "+witnesses(l))
	}
	return list
}

func witnesses(l *verifier.Log) string {
	var names []string
	for _, w := range l.Witnesses {
		names = append(names, w.Name+" ("+w.Time+")")
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}

// shortName abbreviates the 32 hex digits of a Bitcoin-like chain, which the title spells out.
func shortName(name string) string {
	const prefix, digits, kept = len("bip122:"), 32, 8
	if at := strings.Index(name, "bip122:"); at >= 0 && len(name) >= at+prefix+digits {
		return name[:at+prefix+kept] + "…" + name[at+prefix+digits:]
	}
	return name
}

func signers(ids []string) string {
	if len(ids) == 0 {
		return "none signed"
	}
	return strings.Join(ids, ", ")
}

func (p *page) statement(s *verifier.Statement) {
	p.line("\nStatement %s", s.Digest)
	for _, row := range [][2]string{
		{"exchange", s.Exchange + " (" + s.Entity + ")"},
		{"instant", s.Instant + ", period " + s.Period},
		{"issued", s.Issued + fmt.Sprintf(", number %d of the series %s", s.Number, s.Series)},
		{"supersedes", supersedes(s)},
		{"snapshot", s.Snapshot},
		{"root", s.Root},
		{"leaves", fmt.Sprintf("%d in %d shards", s.Leaves, s.Shards)},
		{"totals", totals(s)},
		{"covers", strings.Join(s.Included, "; ")},
		{"leaves out", strings.Join(s.Excluded, "; ")},
		{"encumbered", s.Encumbrances},
		{"made by", s.Tool},
	} {
		if row[1] != "" {
			p.line("  %-11s %s", row[0], row[1])
		}
	}
}

// totals says where what is owed in all is hidden.
func totals(s *verifier.Statement) string {
	if s.HiddenTotals {
		return "hidden: of each asset the statement has what is owed at most"
	}
	return ""
}

// times prints when the statement was made, as far as others than the exchange show it, and where it stands in a log.
func (p *page) times(v verifier.Verdict) {
	for _, b := range v.NotBefore {
		told := b.By
		if b.Time != "" {
			told += ", " + b.Time
		}
		if !b.Believed {
			told += ": the exchange's word"
		}
		p.line("  %-11s %s", "not before", told)
	}
	told := "nothing that the policy believes shows it"
	if b := v.NotAfter; b != nil {
		told = b.Time + ", by " + b.By
	}
	p.line("  %-11s %s", "not after", told)
	if l := v.Log; l != nil {
		whose := "a log that the policy does not know"
		if l.Known {
			whose = "witnesses: " + witnesses(l)
		}
		p.line("  %-11s %s", "log", fmt.Sprintf("entry %d of %d in %s, %s", l.Index, l.Size, l.Origin, whose))
	}
	for _, s := range v.Timestamps {
		p.line("  %-11s %s", "time stamp", s.Time+" by "+s.Authority+believed(s.Believed))
	}
	if a := v.Anchor; a != nil {
		p.line("  %-11s %s", "anchor", fmt.Sprintf("block %d of %s, %s%s", a.Number, shortName(a.Chain), a.Time, believed(a.Believed)))
	}
}

func believed(yes bool) string {
	if yes {
		return ""
	}
	return ": not believed"
}

// claimsOf puts each claim in a sentence that cannot be taken for proof.
func claimsOf(list []verifier.ThirdParty) (lines []string) {
	for _, c := range list {
		switch {
		case c.Kind != claim.Custodian:
			lines = append(lines, fmt.Sprintf("%s %s: the exchange's word (%s)", c.Amount, c.Asset, c.Holder))
		case c.Signed:
			lines = append(lines, fmt.Sprintf("%s %s: signed for by %s, whose key is the policy's", c.Amount, c.Asset, c.Holder))
		default:
			lines = append(lines, fmt.Sprintf("%s %s: with %s, the exchange's word", c.Amount, c.Asset, c.Holder))
		}
	}
	return lines
}

// supersedes says which statement this one takes the place of, and why.
func supersedes(s *verifier.Statement) string {
	if s.Supersedes == "" {
		return ""
	}
	return s.Supersedes + ": " + s.Reason
}

func evidenceOf(list []verifier.Evidence) (lines []string) {
	for _, e := range list {
		lines = append(lines, e.Says+" (--json gives the evidence, which anybody can check)")
	}
	return lines
}

func flowsOf(list []verifier.Flow) (lines []string) {
	for _, f := range list {
		lines = append(lines, fmt.Sprintf("%s to %s: %s in, %s out of %s", f.From, f.To, f.Inflow, f.Outflow, f.Asset))
	}
	return lines
}

func (p *page) list(head string, items []string) {
	if len(items) == 0 {
		return
	}
	p.line("\n%s", head)
	for _, item := range items {
		p.line("  - %s", item)
	}
}

// last writes the verdict in one line. One on a statement that does not stand begins with that.
func (p *page) last(v verifier.Verdict) {
	summary := v.Summary
	if v.Proven {
		fmt.Fprint(p, p.paint("1;32", "PROVEN"))
	} else if word := v.State.Word(); word != "" {
		fmt.Fprint(p, p.paint("1;31", word))
		summary = strings.TrimPrefix(summary, word+": ")
	} else {
		fmt.Fprint(p, p.paint("1;31", "NOT PROVEN"))
	}
	p.line(": %s", summary)
}

package console

import (
	"fmt"
	"slices"

	"github.com/assay-por/assay/report"
)

// draftPage is a draft as whoever approves or publishes it reads it.
type draftPage struct {
	runPage
	Statement *report.Predicate // of a report
	Entry     *report.Entry     // of a withdrawal
	Rows      []coverage
	Former    string // digest of the statement before it; empty: there is none
	Period    string // its period
	Compared  bool   // the former is here to be compared with
	Changes   []report.Change
	Warnings  []string
	Checks    []check
	Approvers []approver
	MayHandIn bool
}

// coverage is what is owed and counted of an asset, in whole coins.
type coverage struct {
	Asset, Owed, Counted, Ratio, Difference string
	Short                                   bool
}

// check is something that was looked at in the draft.
type check struct {
	Good bool
	Text string
}

type approver struct {
	Key  string
	Good bool // it signed this very draft
}

func (v *visit) draft() error {
	out := draftPage{MayHandIn: v.may("approval:submit")}
	out.MayPublish = v.may("report:publish")
	if _, err := v.get("/v1/runs/"+v.part("id"), &out.RunDetail); err != nil {
		return err
	}
	out.settle()
	var raw []byte
	if _, err := v.get("/v1/runs/"+v.part("id")+"/draft", &raw); err != nil {
		return err
	}
	if out.Approvals != nil {
		for _, key := range out.Approvals.Keys {
			out.Approvers = append(out.Approvers, approver{key, slices.Contains(out.Approvals.Approved, key)})
		}
	}
	out.reads(raw)
	if out.Statement != nil {
		v.compare(&out)
	}
	return v.show("draft", page{Title: "Draft of " + name(out.Run), Data: out})
}

// reads reads a draft by the rules that a verifier has for it. What does not pass is shown as that.
func (d *draftPage) reads(raw []byte) {
	if d.Kind != "report" {
		e, err := report.ParseEntry(raw)
		d.looked(err, "It is an entry of the log as the specification has it.", "It is no entry of the log that a verifier takes")
		if err == nil {
			d.Entry = &e
		}
		return
	}
	s, err := report.ParseStatement(raw)
	d.looked(err, "It is a statement as the specification has it: every sum in it adds up, and it has one spelling.", "It is no statement that a verifier takes")
	if err != nil {
		return
	}
	p := s.Predicate
	d.Statement = &p
	for _, text := range report.Warnings(p) {
		d.Warnings = append(d.Warnings, sentence(text))
	}
	short := 0
	for i, c := range p.Coverage {
		decimals := p.Snapshot.Assets[i].Decimals
		row := coverage{Asset: c.Asset, Owed: c.Liabilities.Decimal(decimals), Counted: c.Counted.Decimal(decimals), Ratio: c.Ratio}
		switch {
		case c.Shortfall != nil:
			row.Short, row.Difference = true, "−"+c.Shortfall.Decimal(decimals)
			short++
		case c.Surplus != nil:
			row.Difference = "+" + c.Surplus.Decimal(decimals)
		}
		d.Rows = append(d.Rows, row)
	}
	covers := check{short == 0, "What is counted covers what is owed, of every asset."}
	if short > 0 {
		covers.Text = fmt.Sprintf("What is counted does not cover what is owed, of %d of %d assets.", short, len(d.Rows))
	}
	d.Checks = append(d.Checks, covers)
}

func (d *draftPage) looked(err error, good, bad string) {
	if err != nil {
		d.Checks = append(d.Checks, check{false, sentence(bad + ": " + err.Error())})
		return
	}
	d.Checks = append(d.Checks, check{true, good})
}

// compare lists what changed since the former statement of the series, as far as that is served here.
func (v *visit) compare(d *draftPage) {
	previous := d.Statement.Series.Previous
	if previous == nil {
		return
	}
	d.Former = previous.String()
	var envelope []byte
	if _, err := v.get("/v1/reports/"+d.Former+"/statement", &envelope); err != nil {
		d.Checks = append(d.Checks, check{false, "The former statement is not served here: nothing is compared with it."})
		return
	}
	former, err := report.Read(envelope)
	if err != nil || former.Digest.String() != d.Former {
		d.Checks = append(d.Checks, check{false, "What is served as the former statement is another one: nothing is compared with it."})
		return
	}
	d.Compared, d.Period = true, former.Statement.Predicate.Snapshot.Period
	d.Changes = report.Diff(former.Statement.Predicate, *d.Statement)
}

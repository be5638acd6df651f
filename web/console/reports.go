package console

import (
	"encoding/json"
	"net/url"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
)

func (c *Console) reportRoutes() {
	c.page("GET "+Path+"reports", (*visit).reports)
	c.page("GET "+Path+"reports/{statement}", func(v *visit) error { return v.report(nil) })
	c.page("POST "+Path+"reports/{statement}/withdraw", (*visit).withdraw)
	c.upload("POST "+Path+"reports/{statement}/findings", (*visit).finding)
}

func (v *visit) reports() error {
	var all api.Reports
	if _, err := v.get("/v1/reports"+v.query("cursor"), &all); err != nil {
		return err
	}
	return v.show("reports", page{Title: "Reports", Data: listed{Rows: all.Reports, Next: v.following(Path+"reports", all.Next, nil)}})
}

// reportPage is a published report.
type reportPage struct {
	api.Report
	Entries     []api.Entry
	Rows        []coverage
	Withdraw    *form // nil: whoever looks may not, or it was withdrawn
	MayFindings bool
	Once        string
}

func (v *visit) withdrawForm() *form {
	return &form{Action: Path + "reports/" + v.part("statement") + "/withdraw", Submit: "Ask for the withdrawal", Danger: true, Fields: []field{
		{Name: "reason", Label: "Why it is withdrawn", Hint: "Everybody is told, in the log, for ever. As many approvers have to sign it as had to sign the statement.", Kind: "area", Required: true, Most: 1024, Rule: "Say why, in 1 to 1024 characters."},
	}}
}

// report shows a report, with a form to withdraw it that was refused, if there is one.
func (v *visit) report(p *problem) error {
	var out reportPage
	base := "/v1/reports/" + v.part("statement")
	if _, err := v.get(base, &out.Report); err != nil {
		return err
	}
	var states api.States
	if _, err := v.get(base+"/states", &states); err != nil {
		return err
	}
	out.Entries = states.Entries
	for _, c := range out.Coverage {
		out.Rows = append(out.Rows, coverage{Asset: c.Asset, Owed: decimal(c.Liabilities, c.Decimals), Counted: decimal(c.Counted, c.Decimals), Ratio: c.Ratio, Short: c.Shortfall != "", Difference: difference(c)})
	}
	var err error
	if out.Once, err = v.draw(); err != nil {
		return err
	}
	out.MayFindings = v.may("finding:submit")
	if v.may("report:withdraw") && out.State != "withdrawn" {
		out.Withdraw = v.withdrawForm()
		if err := v.named(out.Withdraw); err != nil {
			return err
		}
	}
	if p != nil && out.Withdraw != nil {
		out.Withdraw.fill(v.form)
		out.Withdraw.blame(p)
	}
	status := 200
	if p != nil {
		status = p.Status
	}
	return v.showAs(status, "report", page{Title: "Report of " + out.Period, Data: out, Problem: p})
}

func difference(c api.Coverage) string {
	switch {
	case c.Shortfall != "":
		return "−" + decimal(c.Shortfall, c.Decimals)
	case c.Surplus != "":
		return "+" + decimal(c.Surplus, c.Decimals)
	}
	return ""
}

// decimal is an amount of base units in whole coins.
func decimal(units string, decimals uint8) string {
	u, err := report.ParseUnits(units)
	if err != nil {
		return units
	}
	return u.Decimal(decimals)
}

func (v *visit) withdraw() error {
	err := v.does(deed{path: "/v1/reports/" + v.part("statement") + ":withdraw", change: api.WithdrawWish{Reason: v.value("reason")}, done: v.toRun("withdrawn")})
	if p, ok := err.(*problem); ok && theForms(p) && p.Status != 403 { //nolint:errorlint // ask returns it as it is
		return v.report(p)
	}
	return err
}

func (v *visit) finding() error {
	raw, err := v.envelope()
	if err != nil {
		return err
	}
	return v.does(deed{path: "/v1/reports/" + v.part("statement") + "/findings", change: raw, done: v.toRun("finding")})
}

// toRun leads to a run that was asked for.
func (v *visit) toRun(notice string) func([]byte) error {
	return func(raw []byte) error {
		var made api.Run
		if err := json.Unmarshal(raw, &made); err != nil {
			return err
		}
		return v.to(Path + "runs/" + url.PathEscape(made.ID) + "?done=" + notice)
	}
}

package render

import (
	"slices"

	"github.com/assay-por/assay/report"
)

// claim is what somebody says of coins that no evidence shows.
type claim struct {
	Asset, Holder, Word string
	Amount              figure
}

func newClaims(w Words, p report.Predicate) []claim {
	var out []claim
	for _, c := range p.Reserves.Claims {
		of := p.Snapshot.Assets[slices.Index(p.Snapshot.AssetIDs(), c.Asset)]
		word := w.Text("claims.exchange", nil)
		if c.Kind == report.Custodian {
			word = w.Text("claims.custodian", nil)
		}
		out = append(out, claim{Asset: c.Asset, Holder: c.Holder, Word: word,
			Amount: money(w, c.Amount, of.Decimals, places(of.Decimals, c.Amount), of.ID)})
	}
	return out
}

// step is what moved in one asset from one instant to the next.
type step struct {
	From, To, Asset string
	In, Out         figure
}

// newSteps lists the flows of every asset that has tokens; the others lie on no chain.
func newSteps(w Words, s report.Snapshot, lines []report.Line, bands []report.BandReserves) ([]step, error) {
	all, err := report.Flows(s, lines, bands)
	if err != nil {
		return nil, err
	}
	name := func(t report.Time) string {
		text := t.Format("2006-01-02 15:04:05 UTC")
		if t.Equal(s.Instant.Time) {
			text = w.Text("report.flows.this", map[string]any{"time": text})
		}
		return text
	}
	var out []step
	for _, st := range all {
		for i, f := range st.Flows {
			of := s.Assets[i]
			if len(of.Tokens) == 0 {
				continue
			}
			n := places(of.Decimals, f.In, f.Out)
			out = append(out, step{From: name(st.From), To: name(st.To), Asset: of.ID,
				In: money(w, f.In, of.Decimals, n, of.ID), Out: money(w, f.Out, of.Decimals, n, of.ID)})
		}
	}
	return out, nil
}

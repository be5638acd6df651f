package report

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-por/assay/chains"
)

// Change is one thing in which a statement differs from a former one, in plain words for
// whoever is to approve it. It never speaks of one customer.
type Change struct {
	What string `json:"what"`           // such as liabilities
	Name string `json:"name,omitempty"` // of which asset, token, chain or key
	From string `json:"from,omitempty"` // empty: it is new
	To   string `json:"to,omitempty"`   // empty: it is gone
	By   string `json:"by,omitempty"`   // of a figure: how much, with its sign
}

// String says the change in one line.
func (c Change) String() string {
	name := strings.TrimSpace(c.What + " " + c.Name)
	switch {
	case c.From == "":
		return name + ": new: " + c.To
	case c.To == "":
		return name + ": gone: " + c.From
	case c.By != "":
		return fmt.Sprintf("%s: %s → %s (%s)", name, c.From, c.To, c.By)
	}
	return fmt.Sprintf("%s: %s → %s", name, c.From, c.To)
}

// Diff lists what changed from a former statement of a series to the one that is to be
// signed. What stayed is not listed; an empty list means that nothing did.
func Diff(former, draft Predicate) []Change {
	var d changes
	a, b := former, draft
	d.text("exchange", "", a.Snapshot.Exchange.Name, b.Snapshot.Exchange.Name)
	d.text("entity", "", a.Snapshot.Exchange.Entity, b.Snapshot.Exchange.Entity)
	d.text("period", "", a.Snapshot.Period, b.Snapshot.Period)
	d.text("instant", "", a.Snapshot.Instant.String(), b.Snapshot.Instant.String())
	d.text("series", "", a.Series.text(), b.Series.text())
	d.registry(a.Snapshot, b.Snapshot)
	d.text("totals", "", a.Tree.totals(), b.Tree.totals())
	d.figures(a, b)
	d.margin(a, b)
	d.count("customers", a.Ledger.Customers, b.Ledger.Customers)
	d.set("scope included", quoted(a.Scope.Included), quoted(b.Scope.Included))
	d.set("scope excluded", quoted(a.Scope.Excluded), quoted(b.Scope.Excluded))
	d.text("encumbrances", "", strconv.Quote(a.Scope.Encumbrances), strconv.Quote(b.Scope.Encumbrances))
	d.set("rule: token class", plain(a.Reserves.Rule.Classes), plain(b.Reserves.Rule.Classes))
	d.set("rule: control", plain(a.Reserves.Rule.Control), plain(b.Reserves.Rule.Control))
	d.text("rule: least evidence", "", string(a.Reserves.Rule.Evidence), string(b.Reserves.Rule.Evidence))
	d.count("approvals required", a.Approvals.Required, b.Approvals.Required)
	d.set("approver", a.Approvals.texts(), b.Approvals.texts())
	d.set("chain", plain(a.Snapshot.Chains()), plain(b.Snapshot.Chains()))
	d.text("tool", "", a.Tool, b.Tool)
	return d
}

type changes []Change

func (d *changes) text(what, name, from, to string) {
	if from != to {
		*d = append(*d, Change{What: what, Name: name, From: from, To: to})
	}
}

func (d *changes) count(what string, from, to uint64) {
	if from != to {
		by := new(big.Int).Sub(new(big.Int).SetUint64(to), new(big.Int).SetUint64(from))
		*d = append(*d, Change{What: what, From: strconv.FormatUint(from, 10), To: strconv.FormatUint(to, 10), By: signed(by, 0)})
	}
}

// set lists what one list has and the other has not.
func (d *changes) set(what string, from, to []string) {
	for _, s := range from {
		if !slices.Contains(to, s) {
			*d = append(*d, Change{What: what, From: s})
		}
	}
	for _, s := range to {
		if !slices.Contains(from, s) {
			*d = append(*d, Change{What: what, To: s})
		}
	}
}

// registry compares assets and their tokens.
func (d *changes) registry(from, to Snapshot) {
	assets := func(s Snapshot) (ids []string, said map[string]string) {
		said = map[string]string{}
		for _, a := range s.Assets {
			ids, said[a.ID] = append(ids, a.ID), fmt.Sprintf("%d decimals", a.Decimals)
		}
		return ids, said
	}
	tokens := func(s Snapshot) (ids []string, said map[string]string) {
		said = map[string]string{}
		for _, a := range s.Assets {
			for _, t := range a.Tokens {
				id := string(t.ID)
				ids, said[id] = append(ids, id), fmt.Sprintf("%s, %d decimals, for %s", t.Class, t.Decimals, a.ID)
			}
		}
		return ids, said
	}
	for _, kind := range []struct {
		what string
		read func(Snapshot) ([]string, map[string]string)
	}{{"asset", assets}, {"token", tokens}} {
		was, before := kind.read(from)
		is, after := kind.read(to)
		for _, id := range union(was, is) {
			d.text(kind.what, id, before[id], after[id])
		}
	}
}

// figures compares what is owed, what is counted, and coverage, per asset.
func (d *changes) figures(from, to Predicate) {
	before, after := from.perAsset(), to.perAsset()
	for _, id := range union(from.Snapshot.AssetIDs(), to.Snapshot.AssetIDs()) {
		a, b := before[id], after[id]
		d.amount("liabilities", id, a, b, owed)
		d.amount("counted", id, a, b, counted)
		if a == nil || b == nil || a.ratio() == b.ratio() {
			continue
		}
		c := Change{What: "coverage", Name: id, From: a.ratio(), To: b.ratio()}
		if a.Ratio != "" && b.Ratio != "" {
			c.By = signed(new(big.Int).Sub(hundredths(b.Ratio), hundredths(a.Ratio)), 2)
		}
		*d = append(*d, c)
	}
}

// held is an asset's coverage and how its amounts are written.
type held struct {
	Coverage
	decimals uint8
}

func (p Predicate) perAsset() map[string]*held {
	all := map[string]*held{}
	for i, c := range p.Coverage {
		all[c.Asset] = &held{c, p.Snapshot.Assets[i].Decimals}
	}
	return all
}

// figure is one of an asset's amounts; nil where it is hidden.
type figure func(*held) *Units

func owed(h *held) *Units    { return h.Liabilities }
func counted(h *held) *Units { return &h.Counted }

// of is the figure in whole units; empty without the asset, and where it is hidden.
func (f figure) of(h *held) string {
	if h == nil || f(h) == nil {
		return ""
	}
	return f(h).Decimal(h.decimals)
}

// amount compares a figure of an asset. One that is hidden on one side is compared with nothing.
func (d *changes) amount(what, id string, from, to *held, f figure) {
	was, is := f.of(from), f.of(to)
	if from == nil || to == nil {
		d.text(what, id, was, is)
		return
	}
	if was == "" || is == "" {
		return
	}
	decimals := max(from.decimals, to.decimals)
	by := new(big.Int).Sub(scaled(*f(to), decimals-to.decimals), scaled(*f(from), decimals-from.decimals))
	if by.Sign() != 0 {
		*d = append(*d, Change{What: what, Name: id, From: was, To: is, By: signed(by, decimals)})
	}
}

func scaled(u Units, digits uint8) *big.Int {
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	return factor.Mul(factor, u.n.ToBig())
}

// signed writes a difference with its sign, in whole units without trailing zeros.
func signed(n *big.Int, decimals uint8) string {
	sign := "+"
	if n.Sign() < 0 {
		sign = "-"
	}
	return sign + decimal(new(big.Int).Abs(n).String(), decimals)
}

// ratio says how far an asset is covered, as far as its statement says it.
func (h *held) ratio() string {
	if h.Hidden() {
		return "at least what is owed"
	}
	return percentOf(h.Ratio)
}

// totals says whether totals are hidden.
func (t Tree) totals() string {
	if t.Hides() {
		return "hidden"
	}
	return "open"
}

func percentOf(ratio string) string {
	if ratio == "" {
		return "nothing owed"
	}
	return ratio + " %"
}

// hundredths reads a ratio that was checked before.
func hundredths(ratio string) *big.Int {
	n, _ := new(big.Int).SetString(strings.Replace(ratio, ".", "", 1), 10)
	return n
}

func (s Series) text() string {
	text := fmt.Sprintf("%s, number %d", s.Name, s.Number)
	if s.Supersedes != nil {
		text += fmt.Sprintf(", takes the place of statement %s: %q", s.Supersedes.Statement, s.Supersedes.Reason)
	}
	return text
}

func (a Approvals) texts() []string {
	var all []string
	for _, k := range a.Keys {
		all = append(all, k.String())
	}
	return all
}

func plain[T Class | chains.ControlGrade | chains.Chain](words []T) []string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return all
}

func quoted(texts []string) []string {
	var all []string
	for _, t := range texts {
		all = append(all, strconv.Quote(t))
	}
	return all
}

// union lists what either list has, those of the second first, in its order.
func union(from, to []string) []string {
	all := slices.Clone(to)
	for _, s := range from {
		if !slices.Contains(to, s) {
			all = append(all, s)
		}
	}
	return all
}

// Warnings lists what whoever approves a statement should look at twice. None of it is
// a fault of the format: a true statement may have every one.
func Warnings(p Predicate) []string {
	var out []string
	for i, c := range p.Coverage {
		if c.Shortfall != nil {
			text := fmt.Sprintf("%s: SHORTFALL of %s %s", c.Asset, c.Shortfall.Decimal(p.Snapshot.Assets[i].Decimals), c.Asset)
			if p.Tree.Hides() {
				text += "; so what is owed of it is shown, and cannot be hidden"
			}
			out = append(out, text)
		}
	}
	if u := p.Ledger.Underwater; u != nil && u.Customers > 0 {
		out = append(out, fmt.Sprintf("%d of %d customers are under water at the prices stated: their debts were written off", u.Customers, p.Ledger.Customers))
	}
	texts := append(append([]string{p.Scope.Encumbrances}, p.Scope.Included...), p.Scope.Excluded...)
	if p.Series.Supersedes != nil {
		texts = append(texts, p.Series.Supersedes.Reason)
	}
	for _, t := range texts {
		if word := forbidden(t); word != "" {
			out = append(out, fmt.Sprintf("a text of the exchange says %q, which no report can show: %q", word, clip(t)))
		}
	}
	if p.Scope.Encumbrances == NotDeclared {
		out = append(out, "whether reserves are borrowed, pledged or lent is not declared")
	}
	if p.Approvals.Required == 0 {
		out = append(out, "unattended: nobody has to approve this statement")
	}
	for _, b := range p.Snapshot.Blocks {
		if !slices.ContainsFunc(p.Moment.Blocks, func(last Block) bool { return last.Chain == b.Chain }) {
			out = append(out, fmt.Sprintf("no last block of %s is named: on that chain nothing shows that the statement was not drawn up before its time", b.Chain))
		}
	}
	return out
}

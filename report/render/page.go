package render

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-por/assay/report"
)

// shownLines bounds a table of accounts. The page by itself has one; the rest is in the bundle.
const shownLines = 1000

// page is what the template fills in. Every text of the exchange's is escaped there.
type page struct {
	Lang      string
	RTL       bool
	Style     template.CSS
	StyleHash string
	Frame     Frame

	report.Predicate
	Digest, Manifest string
	KeyIDs           []string // of the exchange
	Origin           origin
	Logged           *Logged
	Findings         []finding
	Blocks           []block
	Chart            chart
	Assets           []asset
	Short            []asset // those with a shortfall
	Headline         string  // how many are short, in one sentence
	Ledger           ledger
	Borrowing        *borrowing // nil without margin accounts
	Accounts         []account
	Batches          []batch // of accounts, those after the first
	MoreAccounts     uint64
	Shared           []shared
	Claims           []claim
	Steps            []step
	Rule             rule
	Words            []wordList
}

type block struct{ Name, Chain, Number, Hash, Time string }

type asset struct {
	ID, Ratio          string
	Owed, Counted, Gap figure
	GapName            string // surplus or shortfall, in words
	Short              bool
	Hidden             bool // what is owed: no more than Counted, and there is no Gap
	Groups             []group
	Held               figure
}

type group struct {
	Chain, Kind, Token, Class, Custody, Evidence, Control, Accounts string
	Amount                                                          figure
	Why                                                             string // why it does not count; empty if it does
}

type ledger struct {
	Entries    string
	Classes    []class
	Duplicates moved
	Negatives  moved
	Unknown    moved
}

type class struct {
	Name, Customers, Entries string
	Sums                     []named
}

// moved is a rule of the ledger and what it moved.
type moved struct {
	Rule    string
	Entries string
	Sums    []named
}

type named struct {
	Asset  string
	Amount figure
}

type account struct {
	Chain, Account, Address, Kind, Token string
	Custody, Evidence, Control           string
	Amount                               figure
	Asset                                string
	Counts                               bool
}

// batch is a part of a long list of accounts, folded.
type batch struct {
	First, Last int
	Accounts    []account
}

// accountTable is a table of accounts and what it is called.
type accountTable struct {
	Accounts []account
	Name     template.HTML
}

// shared is an address that occurs on several chains.
type shared struct{ Address, Chains string }

type rule struct{ Classes, Control, Evidence string }

type wordList struct {
	Title string
	Words []word
}

func newPage(w Words, s report.Signed, lines []report.Line, frame Frame) page {
	p := page{Predicate: s.Statement.Predicate, Digest: s.Digest.String(), Frame: frame}
	p.Lang, p.RTL = w.Lang()
	p.Origin, p.KeyIDs = newOrigin(w, s)
	p.Manifest = s.Statement.Subject[0].Digest.SHA256
	p.Blocks = newBlocks(w, p.Snapshot.Blocks)
	p.Chart = newChart(w, p.Coverage)
	for i := range p.Snapshot.Assets {
		a := newAsset(w, p.Predicate, i)
		p.Assets = append(p.Assets, a)
		if a.Short {
			p.Short = append(p.Short, a)
		}
	}
	p.Ledger = newLedger(w, p.Predicate)
	p.Borrowing = newBorrowing(w, p.Predicate)
	p.Accounts = newAccounts(w, p.Predicate, lines[:min(len(lines), shownLines)])
	rest := lines[len(p.Accounts):]
	for first := len(p.Accounts); len(rest) > 0 && frame.Lines > first; {
		n := min(len(rest), shownLines, frame.Lines-first)
		p.Batches = append(p.Batches, batch{First: first + 1, Last: first + n, Accounts: newAccounts(w, p.Predicate, rest[:n])})
		first, rest = first+n, rest[n:]
	}
	p.MoreAccounts = uint64(len(rest))
	for _, a := range report.SharedAddresses(lines) {
		p.Shared = append(p.Shared, shared{a.Address, strings.Join(strs(a.Chains), ", ")})
	}
	p.Rule = newRule(w, p.Reserves.Rule)
	p.Headline = Headline(w, len(p.Short), len(p.Assets))
	p.Words = newWords(w)
	return p
}

func newBlocks(w Words, blocks []report.Block) []block {
	var out []block
	for _, b := range blocks {
		out = append(out, block{chainName(string(b.Chain)), string(b.Chain), count(w, b.Number), b.Hash, b.Time.Format("2006-01-02 15:04:05 UTC")})
	}
	return out
}

func newAsset(w Words, p report.Predicate, i int) asset {
	of, c, r := p.Snapshot.Assets[i], p.Coverage[i], p.Reserves.Assets[i]
	a := asset{ID: of.ID, Short: c.Shortfall != nil, Hidden: c.Hidden()}
	if a.Hidden {
		a.Counted = money(w, c.Counted, of.Decimals, places(of.Decimals, c.Counted), of.ID)
	} else {
		gap, name := c.Surplus, "surplus"
		if a.Short {
			gap, name = c.Shortfall, "shortfall"
		}
		n := places(of.Decimals, *c.Liabilities, c.Counted, *gap)
		show := func(u report.Units) figure { return money(w, u, of.Decimals, n, of.ID) }
		a.Owed, a.Counted, a.Gap, a.GapName = show(*c.Liabilities), show(c.Counted), show(*gap), w.Text(name, nil)
	}
	if c.Ratio != "" {
		a.Ratio = w.Percent(c.Ratio)
	}
	amounts := []report.Units{c.Counted}
	for _, g := range r.Groups {
		amounts = append(amounts, g.Amount)
	}
	n := places(of.Decimals, amounts...)
	for _, g := range r.Groups {
		chain, kind := tokenName(w, string(g.Token))
		a.Groups = append(a.Groups, group{
			Chain: chain, Kind: kind, Token: string(g.Token), Class: string(g.Class), Custody: string(g.Custody),
			Evidence: string(g.Evidence), Control: string(g.Control), Accounts: count(w, g.Accounts),
			Amount: money(w, g.Amount, of.Decimals, n, of.ID), Why: why(w, p.Reserves.Rule, g),
		})
	}
	a.Held = money(w, c.Counted, of.Decimals, n, of.ID)
	return a
}

// why says what keeps a group from counting.
func why(w Words, r report.Rule, g report.Group) string {
	var reasons []string
	if !slices.Contains(r.Classes, g.Class) {
		reasons = append(reasons, w.Text("why.class", nil))
	}
	if !slices.Contains(r.Control, g.Control) {
		reasons = append(reasons, w.Text("why.control", nil))
	}
	if !g.Evidence.AtLeast(r.Evidence) {
		reasons = append(reasons, w.Text("why.evidence", nil))
	}
	return strings.Join(reasons, ", ")
}

func newRule(w Words, r report.Rule) rule {
	return rule{Classes: list(w, r.Classes), Control: list(w, r.Control), Evidence: string(r.Evidence)}
}

func strs[T ~string](words []T) []string {
	var s []string
	for _, w := range words {
		s = append(s, string(w))
	}
	return s
}

// list joins words as a sentence does.
func list[T ~string](w Words, words []T) string {
	s := strs(words)
	switch len(s) {
	case 0:
		return w.Text("words.none", nil)
	case 1:
		return s[0]
	}
	return w.Text("words.or", map[string]any{"list": strings.Join(s[:len(s)-1], ", "), "last": s[len(s)-1]})
}

func newLedger(w Words, p report.Predicate) ledger {
	in := p.Ledger
	l := ledger{
		Entries:    count(w, in.Entries),
		Duplicates: moved{Rule: in.Duplicates.Rule, Entries: count(w, in.Duplicates.Entries)},
		Negatives:  moved{Rule: in.Negatives.Rule, Entries: count(w, in.Negatives.Entries), Sums: sums(w, p.Snapshot, in.Negatives.Sum)},
		Unknown:    moved{Rule: in.UnknownAssets.Rule, Entries: count(w, in.UnknownAssets.Entries)},
	}
	for _, c := range in.Classes {
		l.Classes = append(l.Classes, class{c.Class, count(w, c.Customers), count(w, c.Entries), sums(w, p.Snapshot, c.Sum)})
	}
	for _, u := range in.UnknownAssets.Sums {
		l.Unknown.Sums = append(l.Unknown.Sums, named{u.Asset, figure{Text: w.Number(u.Amount), Units: u.Amount, Exact: u.Amount}})
	}
	return l
}

func sums(w Words, s report.Snapshot, list []report.AssetAmount) []named {
	var out []named
	for _, a := range list {
		of := s.Assets[slices.Index(s.AssetIDs(), a.Asset)]
		out = append(out, named{a.Asset, money(w, a.Amount, of.Decimals, places(of.Decimals, a.Amount), a.Asset)})
	}
	return out
}

func newAccounts(w Words, p report.Predicate, lines []report.Line) []account {
	type known struct {
		asset string
		token report.Token
	}
	tokens := map[string]known{}
	for _, a := range p.Snapshot.Assets {
		for _, t := range a.Tokens {
			tokens[string(t.ID)] = known{a.ID, t}
		}
	}
	var out []account
	for _, l := range lines {
		k := tokens[string(l.Token)]
		chain, kind := tokenName(w, string(l.Token))
		out = append(out, account{
			Chain: chain, Account: string(l.Account), Address: l.Account.Address(),
			Kind: kind, Token: string(l.Token), Asset: k.asset,
			Custody: string(l.Custody), Evidence: string(l.Evidence), Control: string(l.Control),
			Amount: money(w, l.Amount, k.token.Decimals, places(k.token.Decimals, l.Amount), k.asset),
			Counts: p.Reserves.Rule.Counts(k.token.Class, l.Control, l.Evidence),
		})
	}
	return out
}

// Headline says in one sentence how many assets are short.
func Headline(w Words, short, of int) string {
	key := "headline.reach"
	if short > 0 {
		key = "headline.short"
	}
	return w.Text(key, map[string]any{"short": short, "n": of})
}

// Hides says whether sums hide in a tree of this kind.
func (p page) Hides() bool { return p.Tree.Kind == report.KindConfidential }

// count shows a whole number.
func count(w Words, n uint64) string { return w.Number(strconv.FormatUint(n, 10)) }

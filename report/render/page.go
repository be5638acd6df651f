package render

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/assay-por/assay/report"
)

// shownLines bounds the table of accounts; the rest is in the bundle.
const shownLines = 1000

// page is what the template fills in. Every text of the exchange's is escaped there.
type page struct {
	Style     template.CSS
	StyleHash string

	report.Predicate
	Digest, Manifest string
	KeyIDs           []string // of the exchange
	Origin           origin
	Logged           *Logged
	Findings         []finding
	InstantText      string
	CustomersText    string
	Blocks           []block
	Chart            chart
	Assets           []asset
	Short            []asset // those with a shortfall
	Ledger           ledger
	Borrowing        *borrowing // nil without margin accounts
	Accounts         []account
	MoreAccounts     string
	Shared           []report.SharedAddress
	Claims           []claim
	Steps            []step
	Rule             rule
	Words            []wordList
}

type block struct{ Name, Chain, Number, Hash, Time string }

type asset struct {
	ID, Ratio, Finding string
	Owed, Counted, Gap figure
	GapName            string // surplus or shortfall
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
	Asset string
	figure
}

type account struct {
	Chain, Account, Address, Kind, Token string
	Custody, Evidence, Control           string
	Amount                               figure
	Asset                                string
	Counts                               bool
}

type rule struct{ Classes, Control, Evidence string }

type wordList struct {
	Title string
	Words []word
}

func newPage(s report.Signed, lines []report.Line) page {
	p := page{Predicate: s.Statement.Predicate, Digest: s.Digest.String()}
	p.Origin, p.KeyIDs = newOrigin(s)
	p.Manifest = s.Statement.Subject[0].Digest.SHA256
	p.InstantText = p.Snapshot.Instant.Format("2 January 2006, 15:04:05 UTC")
	p.CustomersText = count(p.Predicate.Ledger.Customers)
	p.Blocks = newBlocks(p.Snapshot.Blocks)
	p.Chart = newChart(p.Coverage)
	for i := range p.Snapshot.Assets {
		a := newAsset(p.Predicate, i)
		p.Assets = append(p.Assets, a)
		if a.Short {
			p.Short = append(p.Short, a)
		}
	}
	p.Ledger = newLedger(p.Predicate)
	p.Borrowing = newBorrowing(p.Predicate)
	p.Accounts = newAccounts(p.Predicate, lines[:min(len(lines), shownLines)])
	if more := len(lines) - len(p.Accounts); more > 0 {
		p.MoreAccounts = count(uint64(more))
	}
	p.Shared = report.SharedAddresses(lines)
	p.Rule = newRule(p.Reserves.Rule)
	p.Words = []wordList{{"Evidence, weakest first", evidenceWords()}, {"Control", controlWords()}, {"Token class", classWords()}, {"Custody", custodyWords()}}
	return p
}

func newBlocks(blocks []report.Block) []block {
	var out []block
	for _, b := range blocks {
		out = append(out, block{chainName(string(b.Chain)), string(b.Chain), count(b.Number), b.Hash, b.Time.Format("2006-01-02 15:04:05 UTC")})
	}
	return out
}

func newAsset(p report.Predicate, i int) asset {
	of, c, r := p.Snapshot.Assets[i], p.Coverage[i], p.Reserves.Assets[i]
	a := asset{ID: of.ID, Finding: c.Finding(), Short: c.Shortfall != nil, Hidden: c.Hidden()}
	if a.Hidden {
		a.Counted = money(c.Counted, of.Decimals, places(of.Decimals, c.Counted), of.ID)
	} else {
		gap, name := c.Surplus, "surplus"
		if a.Short {
			gap, name = c.Shortfall, "shortfall"
		}
		n := places(of.Decimals, *c.Liabilities, c.Counted, *gap)
		show := func(u report.Units) figure { return money(u, of.Decimals, n, of.ID) }
		a.Owed, a.Counted, a.Gap, a.GapName = show(*c.Liabilities), show(c.Counted), show(*gap), name
	}
	if c.Ratio != "" {
		a.Ratio = percent(c.Ratio)
	}
	amounts := []report.Units{c.Counted}
	for _, g := range r.Groups {
		amounts = append(amounts, g.Amount)
	}
	n := places(of.Decimals, amounts...)
	for _, g := range r.Groups {
		chain, kind := tokenName(string(g.Token))
		a.Groups = append(a.Groups, group{
			Chain: chain, Kind: kind, Token: string(g.Token), Class: string(g.Class), Custody: string(g.Custody),
			Evidence: string(g.Evidence), Control: string(g.Control), Accounts: count(g.Accounts),
			Amount: money(g.Amount, of.Decimals, n, of.ID), Why: why(p.Reserves.Rule, g),
		})
	}
	a.Held = money(c.Counted, of.Decimals, n, of.ID)
	return a
}

// why says what keeps a group from counting.
func why(r report.Rule, g report.Group) string {
	var reasons []string
	if !slices.Contains(r.Classes, g.Class) {
		reasons = append(reasons, "class")
	}
	if !slices.Contains(r.Control, g.Control) {
		reasons = append(reasons, "control")
	}
	if !g.Evidence.AtLeast(r.Evidence) {
		reasons = append(reasons, "evidence")
	}
	return strings.Join(reasons, ", ")
}

func newRule(r report.Rule) rule {
	return rule{Classes: list(r.Classes), Control: list(r.Control), Evidence: string(r.Evidence)}
}

// list joins words as a sentence does.
func list[T ~string](words []T) string {
	var s []string
	for _, w := range words {
		s = append(s, string(w))
	}
	switch len(s) {
	case 0:
		return "none"
	case 1:
		return s[0]
	}
	return strings.Join(s[:len(s)-1], ", ") + " or " + s[len(s)-1]
}

func newLedger(p report.Predicate) ledger {
	in := p.Ledger
	l := ledger{
		Entries:    count(in.Entries),
		Duplicates: moved{Rule: in.Duplicates.Rule, Entries: count(in.Duplicates.Entries)},
		Negatives:  moved{Rule: in.Negatives.Rule, Entries: count(in.Negatives.Entries), Sums: sums(p.Snapshot, in.Negatives.Sum)},
		Unknown:    moved{Rule: in.UnknownAssets.Rule, Entries: count(in.UnknownAssets.Entries)},
	}
	for _, c := range in.Classes {
		l.Classes = append(l.Classes, class{c.Class, count(c.Customers), count(c.Entries), sums(p.Snapshot, c.Sum)})
	}
	for _, u := range in.UnknownAssets.Sums {
		whole, part, dotted := strings.Cut(u.Amount, ".")
		text := grouped(whole)
		if dotted {
			text += "." + part
		}
		l.Unknown.Sums = append(l.Unknown.Sums, named{u.Asset, figure{Text: text, Units: u.Amount, Exact: u.Amount}})
	}
	return l
}

func sums(s report.Snapshot, list []report.AssetAmount) []named {
	var out []named
	for _, a := range list {
		of := s.Assets[slices.Index(s.AssetIDs(), a.Asset)]
		out = append(out, named{a.Asset, money(a.Amount, of.Decimals, places(of.Decimals, a.Amount), a.Asset)})
	}
	return out
}

func newAccounts(p report.Predicate, lines []report.Line) []account {
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
		chain, kind := tokenName(string(l.Token))
		out = append(out, account{
			Chain: chain, Account: string(l.Account), Address: l.Account.Address(),
			Kind: kind, Token: string(l.Token), Asset: k.asset,
			Custody: string(l.Custody), Evidence: string(l.Evidence), Control: string(l.Control),
			Amount: money(l.Amount, k.token.Decimals, places(k.token.Decimals, l.Amount), k.asset),
			Counts: p.Reserves.Rule.Counts(k.token.Class, l.Control, l.Evidence),
		})
	}
	return out
}

// Headline says in one sentence how many assets are short.
func (p page) Headline() string {
	n := len(p.Assets)
	noun := "assets"
	if n == 1 {
		noun = "asset"
	}
	switch {
	case len(p.Short) > 0:
		return fmt.Sprintf("Shortfall in %d of %d %s", len(p.Short), n, noun)
	case n == 1:
		return "The reserves counted reach what is owed"
	}
	return fmt.Sprintf("The reserves counted reach what is owed, in each of %d assets", n)
}

// Hides says whether sums hide in a tree of this kind.
func (p page) Hides() bool { return p.Tree.Kind == report.KindConfidential }

// TreeText says how large the tree is.
func (p page) TreeText() string {
	return plural(p.Tree.Leaves, "leaf", "leaves") + " in " + plural(p.Tree.Shards, "shard", "shards")
}

func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

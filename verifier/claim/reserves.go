package claim

import (
	"fmt"
	"math/big"
	"sort"

	"github.com/assay-por/assay/verifier/canon"
)

// Group is lines of one token with the same custody and grades, added up in the asset's base units (SPEC part 15).
type Group struct {
	Accounts                                 uint64
	Amount                                   *big.Int
	Class, Control, Custody, Evidence, Token string
	Counts                                   bool // by the rule that [Snapshot.Regroup] was given; not part of the format
}

func (g Group) key() string {
	return g.Token + "\x00" + g.Custody + "\x00" + g.Evidence + "\x00" + g.Control
}

// AssetReserves is what is held for one asset (SPEC part 15).
type AssetReserves struct {
	Asset   string
	Counted *big.Int
	Groups  []Group
}

// Reserves is what the statement says is held, and the rule it counts by (SPEC part 15).
type Reserves struct {
	Assets []AssetReserves
	Claims []StatedClaim // shown apart, in no total
	Rule   Rule
}

func readReserves(r *canon.Reader) (v Reserves) {
	r.Object(
		canon.Key("assets", func() {
			r.Array(maxAssets, func(int) {
				var a AssetReserves
				r.Object(
					canon.Key("asset", func() { a.Asset = canon.Parse(r, parseAsset) }),
					canon.Key("counted", func() { a.Counted = canon.Parse(r, parseAmount) }),
					canon.Key("groups", func() { a.Groups = readGroups(r) }),
				)
				v.Assets = append(v.Assets, a)
			})
		}),
		canon.Key("claims", func() { v.Claims = readStatedClaims(r) }),
		canon.Key("rule", func() {
			r.Object(
				canon.Key("classes", func() { v.Rule.Classes = readNames(r, parseClass) }),
				canon.Key("control", func() { v.Rule.Control = readNames(r, parseControl) }),
				canon.Key("evidence", func() { v.Rule.Evidence = canon.Parse(r, parseEvidence) }),
			)
		}),
	)
	return v
}

func readNames(r *canon.Reader, parse func(string) (string, error)) (list []string) {
	var last string
	r.Array(16, func(i int) {
		s := canon.Parse(r, parse)
		ascending(r, i, &last, s)
		list = append(list, s)
	})
	return list
}

func readGroups(r *canon.Reader) (list []Group) {
	var last string
	r.Array(maxEntries, func(i int) {
		var g Group
		r.Object(
			canon.Key("accounts", func() { g.Accounts = r.Number(canon.MaxInteger) }),
			canon.Key("amount", func() { g.Amount = canon.Parse(r, parseWide) }),
			canon.Key("class", func() { g.Class = canon.Parse(r, parseClass) }),
			canon.Key("control", func() { g.Control = canon.Parse(r, parseControl) }),
			canon.Key("custody", func() { g.Custody = canon.Parse(r, parseCustody) }),
			canon.Key("evidence", func() { g.Evidence = canon.Parse(r, parseClaimed) }),
			canon.Key("token", func() { g.Token = canon.Parse(r, parseToken) }),
		)
		ascending(r, i, &last, g.key())
		list = append(list, g)
	})
	return list
}

// Regroup adds lines up by asset, token, custody and grades, and counts them by a rule (SPEC part 15). Token units become the
// asset's exactly: the asset has at least the token's decimals.
func (s *Snapshot) Regroup(lines []Line, rule Rule) ([]AssetReserves, error) {
	type backing struct {
		asset int
		token Token
	}
	tokens := make(map[string]backing)
	out := make([]AssetReserves, len(s.Assets))
	for i, a := range s.Assets {
		out[i] = AssetReserves{Asset: a.ID, Counted: new(big.Int)}
		for _, t := range a.Tokens {
			tokens[t.ID] = backing{i, t}
		}
	}
	groups := make(map[string]*Group)
	for _, l := range lines {
		b, known := tokens[l.Token]
		if !known {
			return nil, fmt.Errorf("token %s is not in the registry", l.Token)
		}
		g := Group{Amount: new(big.Int), Class: b.token.Class, Control: l.Control, Custody: l.Custody, Evidence: l.Evidence, Token: l.Token}
		if groups[g.key()] == nil {
			groups[g.key()] = &g
		}
		into := groups[g.key()]
		into.Accounts++
		into.Amount.Add(into.Amount, s.inAssetUnits(b.asset, b.token, l.Amount))
		if into.Amount.BitLen() > 256 {
			return nil, fmt.Errorf("the reserves in token %s reach 2^256 base units of %s", l.Token, s.Assets[b.asset].ID)
		}
	}
	for _, g := range groups {
		a := &out[tokens[g.Token].asset]
		if g.Counts = rule.counts(g.Class, g.Control, g.Evidence); g.Counts {
			a.Counted.Add(a.Counted, g.Amount)
		}
		a.Groups = append(a.Groups, *g)
	}
	for _, a := range out {
		sort.Slice(a.Groups, func(i, j int) bool { return a.Groups[i].key() < a.Groups[j].key() })
	}
	return out, nil
}

// CheckReserves is the check `reserves.totals` (SPEC part 15): groups and counted amounts follow from the lines by the statement's
// own rule.
func (s *Statement) CheckReserves(lines []Line) error {
	want, err := s.Snapshot.Regroup(lines, s.Reserves.Rule)
	if err != nil {
		return err
	}
	for i, stated := range s.Reserves.Assets {
		if len(stated.Groups) != len(want[i].Groups) {
			return fmt.Errorf("%s: the statement has %d groups of reserves, the lines give %d", stated.Asset, len(stated.Groups), len(want[i].Groups))
		}
		for k, g := range stated.Groups {
			w := want[i].Groups[k]
			if g.key() != w.key() || g.Class != w.Class || g.Accounts != w.Accounts || g.Amount.Cmp(w.Amount) != 0 {
				return fmt.Errorf("%s, group %d: the statement has %d accounts with %s base units of %s (%s, %s, %s, %s), the lines give %d with %s of %s (%s, %s, %s, %s)",
					stated.Asset, k, g.Accounts, g.Amount, g.Token, g.Class, g.Custody, g.Evidence, g.Control,
					w.Accounts, w.Amount, w.Token, w.Class, w.Custody, w.Evidence, w.Control)
			}
		}
		if stated.Counted.Cmp(want[i].Counted) != 0 {
			return fmt.Errorf("%s: the statement counts %s base units, by its own rule it is %s", stated.Asset, stated.Counted, want[i].Counted)
		}
	}
	return nil
}

package claim

import (
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	bandType = "assay/v1/band"
	maxBands = 16 // SPEC part 21
)

// Band is the same wallets at another instant (SPEC part 21).
type Band struct {
	Blocks  []Block
	Instant time.Time
	Totals  []Named // of its lines, in registry order
}

func readBands(r *canon.Reader) (list []Band) {
	r.Array(maxBands, func(i int) {
		var b Band
		r.Object(
			canon.Key("blocks", func() { b.Blocks = readBlocks(r) }),
			canon.Key("instant", func() { b.Instant = canon.Parse(r, parseTime) }),
			canon.Key("totals", func() {
				r.Array(maxAssets, func(int) {
					var n Named
					r.Object(
						canon.Key("amount", func() { n.Amount = canon.Parse(r, parseAmount) }),
						canon.Key("asset", func() { n.Asset = canon.Parse(r, parseAsset) }),
					)
					b.Totals = append(b.Totals, n)
				})
			}),
		)
		if i > 0 && !b.Instant.After(list[i-1].Instant) {
			r.Fail("instant: twice or out of order")
		}
		list = append(list, b)
	})
	return list
}

// BandLine is what one account held of one token at a band's instant (SPEC part 21).
type BandLine struct {
	Account  string
	Amount   *big.Int // in the token's base units
	Evidence string
	Token    string
}

// ParseBandLines reads `reserves/bands/N/lines.json`. Errors are *canon.FormatError or *canon.VersionError.
func ParseBandLines(raw []byte) (lines []BandLine, snapshot Hash, err error) {
	if len(raw) > maxLines {
		return nil, snapshot, &canon.FormatError{Problem: "over 256 MiB"}
	}
	err = canon.DecodeTyped(raw, "type", bandType, func(r *canon.Reader) {
		r.Object(
			canon.Key("lines", func() {
				var last string
				r.Array(maxEntries, func(i int) {
					var x BandLine
					r.Object(
						canon.Key("account", func() { x.Account = canon.Parse(r, parseAccount) }),
						canon.Key("amount", func() { x.Amount = canon.Parse(r, parseWide) }),
						canon.Key("evidence", func() { x.Evidence = canon.Parse(r, parseClaimed) }),
						canon.Key("token", func() { x.Token = canon.Parse(r, parseToken) }),
					)
					ascending(r, i, &last, x.Account+"\x00"+x.Token)
					lines = append(lines, x)
				})
			}),
			canon.Key("snapshot", func() { snapshot = r.Hash() }),
			canon.Key("type", func() { r.Fixed(bandType) }),
		)
	})
	if err != nil {
		return nil, snapshot, err
	}
	return lines, snapshot, nil
}

// CheckBand checks what a band says without its evidence (SPEC part 21): it has one block for each pinned chain, not after its
// instant nor too long before it; anchors of the policy do not contradict it.
func (s *Statement) CheckBand(b Band, p *Policy) error {
	if b.Instant.Equal(s.Snapshot.Instant) {
		return errors.New("its instant is the snapshot's own")
	}
	if len(b.Blocks) != len(s.Snapshot.Blocks) {
		return fmt.Errorf("it pins %d blocks, the snapshot %d", len(b.Blocks), len(s.Snapshot.Blocks))
	}
	for i, block := range b.Blocks {
		if block.Chain != s.Snapshot.Blocks[i].Chain {
			return fmt.Errorf("it pins a block of %s, the snapshot one of %s", block.Chain, s.Snapshot.Blocks[i].Chain)
		}
		if block.Time.After(b.Instant) || b.Instant.Sub(block.Time) > p.Window {
			return fmt.Errorf("its block of %s is of %s, which is after %s or more than %s before it", block.Chain, block.Time.Format(timeForm), b.Instant.Format(timeForm), p.Window)
		}
		if _, err := p.CheckAnchor(block); err != nil {
			return fmt.Errorf("%s: %w", block.Chain, err)
		}
	}
	return nil
}

// CheckBandLines makes sure that a band has a line for every line of the reserves and no other, and that its totals follow (SPEC part
// 21).
func (s *Statement) CheckBandLines(b Band, lines []BandLine, reserves []Line) error {
	if len(lines) != len(reserves) {
		return fmt.Errorf("it has %d lines, the reserves have %d", len(lines), len(reserves))
	}
	totals := s.zeros()
	for i, l := range lines {
		if l.Account != reserves[i].Account || l.Token != reserves[i].Token {
			return fmt.Errorf("line %d is %s in %s, the reserves have %s in %s", i, l.Account, l.Token, reserves[i].Account, reserves[i].Token)
		}
		asset, token, known := s.Snapshot.Find(l.Token)
		if !known {
			return fmt.Errorf("line %d: token %s is not in the registry", i, l.Token)
		}
		totals[asset].Add(totals[asset], s.Snapshot.inAssetUnits(asset, token, l.Amount))
	}
	if len(b.Totals) != len(totals) {
		return fmt.Errorf("it has totals of %d assets, the registry has %d", len(b.Totals), len(totals))
	}
	for i, stated := range b.Totals {
		if stated.Asset != s.Snapshot.Assets[i].ID || stated.Amount.Cmp(totals[i]) != 0 {
			return fmt.Errorf("its total %d is %s of %s, the lines give %s of %s", i, stated.Amount, stated.Asset, totals[i], s.Snapshot.Assets[i].ID)
		}
	}
	return nil
}

// inAssetUnits scales base units of a token to those of its asset, exactly: the asset has at least the token's decimals.
func (s *Snapshot) inAssetUnits(asset int, token Token, amount *big.Int) *big.Int {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(s.Assets[asset].Decimals-token.Decimals)), nil)
	return scale.Mul(scale, amount)
}

// Flow is what accounts gained and lost of one asset from one instant to the next, in the asset's base units (SPEC part 21).
type Flow struct {
	Asset           string
	From, To        time.Time
	Inflow, Outflow *big.Int
}

// Flows compares the bands and the snapshot in order of time. Requires bands that passed CheckBandLines, in the statement's order.
func (s *Statement) Flows(bands [][]BandLine, reserves []Line) []Flow {
	type moment struct {
		at      time.Time
		amounts []*big.Int // by line
	}
	type holder struct {
		account string
		asset   int
	}
	var moments []moment
	now := moment{at: s.Snapshot.Instant}
	for _, l := range reserves {
		now.amounts = append(now.amounts, l.Amount)
	}
	placed := false
	for i, b := range s.Bands {
		if !placed && b.Instant.After(now.at) {
			moments, placed = append(moments, now), true
		}
		m := moment{at: b.Instant}
		for _, l := range bands[i] {
			m.amounts = append(m.amounts, l.Amount)
		}
		moments = append(moments, m)
	}
	if !placed {
		moments = append(moments, now)
	}
	var list []Flow
	for k := 1; k < len(moments); k++ {
		changes := map[holder]*big.Int{} // of an account: a swap between two tokens of one asset is no flow
		for i, l := range reserves {
			asset, token, _ := s.Snapshot.Find(l.Token)
			of := holder{l.Account, asset}
			if changes[of] == nil {
				changes[of] = new(big.Int)
			}
			change := new(big.Int).Sub(moments[k].amounts[i], moments[k-1].amounts[i])
			changes[of].Add(changes[of], s.Snapshot.inAssetUnits(asset, token, change))
		}
		in, out := s.zeros(), s.zeros()
		for of, change := range changes {
			if change.Sign() > 0 {
				in[of.asset].Add(in[of.asset], change)
			} else {
				out[of.asset].Sub(out[of.asset], change)
			}
		}
		for i, a := range s.Snapshot.Assets {
			list = append(list, Flow{Asset: a.ID, From: moments[k-1].at, To: moments[k].at, Inflow: in[i], Outflow: out[i]})
		}
	}
	return list
}

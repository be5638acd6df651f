package verifier

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// Flow is what accounts gained and lost of one asset from one instant to the next, in decimals (SPEC part 21).
type Flow struct {
	Asset   string `json:"asset"`
	From    string `json:"from"`
	To      string `json:"to"`
	Inflow  string `json:"inflow"`
	Outflow string `json:"outflow"`
}

func bandLinesPath(n int) string { return fmt.Sprintf("reserves/bands/%d/lines.json", n) }

func bandEvidencePath(n int, chain string) string {
	return fmt.Sprintf("reserves/bands/%d/%s.json", n, strings.ReplaceAll(chain, ":", "-"))
}

// checkBands is the check `bands` (SPEC part 21).
func (b *bundleRun) checkBands() (string, error) {
	s := b.statement
	if len(s.Bands) == 0 {
		return "the statement has none", nil
	}
	all := make([][]claim.BandLine, len(s.Bands))
	for n, band := range s.Bands {
		lines, err := b.checkBand(n, band)
		if err != nil {
			return "", fmt.Errorf("band %d: %w", n, err)
		}
		all[n] = lines
	}
	for _, f := range s.Flows(all, b.lines) {
		asset, _ := s.Snapshot.Asset(f.Asset)
		b.verdict.Flows = append(b.verdict.Flows, Flow{
			Asset: f.Asset, From: f.From.Format(timeForm), To: f.To.Format(timeForm),
			Inflow: decimal(f.Inflow, asset.Decimals), Outflow: decimal(f.Outflow, asset.Decimals),
		})
	}
	return fmt.Sprintf("%d other instants, %d lines each", len(s.Bands), len(b.lines)), nil
}

func (b *bundleRun) checkBand(n int, band claim.Band) ([]claim.BandLine, error) {
	if err := b.statement.CheckBand(band, b.policy); err != nil {
		return nil, err
	}
	b.nameUnanchored(n, band)
	raw, err := b.load(bandLinesPath(n))
	if err != nil {
		return nil, err
	}
	lines, snapshot, err := claim.ParseBandLines(raw)
	if err != nil {
		return nil, in(bandLinesPath(n), err)
	}
	if snapshot != b.statement.Snapshot.ID {
		return nil, fmt.Errorf("%s: snapshot %s, the statement's is %s", bandLinesPath(n), snapshot, b.statement.Snapshot.ID)
	}
	if err := b.statement.CheckBandLines(band, lines, b.lines); err != nil {
		return nil, err
	}
	reached := newReached()
	for _, block := range band.Blocks {
		if err := b.checkBandChain(n, evidence.Block(block), reached); err != nil {
			return nil, in(bandEvidencePath(n, block.Chain), err)
		}
	}
	for i, l := range lines {
		switch found, ok := reached.balances[holding{l.Account, l.Token}]; {
		case !ok:
			return nil, fmt.Errorf("line %d, %s: no evidence for it", i, l.Account)
		case found.amount.Cmp(l.Amount) != 0:
			return nil, fmt.Errorf("line %d, %s: it claims %s base units of %s, the evidence gives %s", i, l.Account, l.Amount, l.Token, found.amount)
		case found.grade != l.Evidence:
			return nil, fmt.Errorf("line %d, %s: it claims the evidence grade %s, the evidence reaches %s", i, l.Account, l.Evidence, found.grade)
		}
	}
	if len(reached.balances) != len(lines) {
		return nil, fmt.Errorf("the evidence has %d balances, %d of them have a line", len(reached.balances), len(lines))
	}
	return lines, nil
}

// nameUnanchored names the headers of a band that no anchor confirms (SPEC part 17). A light client speaks of the pinned block alone.
func (b *bundleRun) nameUnanchored(n int, band claim.Band) {
	var blocks []string
	for _, block := range band.Blocks {
		if confirmed, err := b.policy.CheckAnchor(block); err == nil && !confirmed {
			blocks = append(blocks, fmt.Sprintf("%d of %s", block.Number, block.Chain))
		}
	}
	if len(blocks) > 0 {
		b.note("band %d: no anchor of the policy confirms block %s: that it is the chain's is the exchange's word", n, strings.Join(blocks, ", block "))
	}
}

// checkBandChain makes for one block of a band what `headers.CHAIN` and `evidence.CHAIN` make for the pinned one.
func (b *bundleRun) checkBandChain(n int, block evidence.Block, into reached) error {
	raw, err := b.load(bandEvidencePath(n, block.Chain))
	if err != nil {
		return err
	}
	file, err := parseEvidence(raw, b.statement.Snapshot.ID.String(), block.Chain)
	if err != nil {
		return err
	}
	if err := file.checkHeaders(block); err != nil {
		return err
	}
	if _, err = file.check(block, b, into); err == nil && len(into.safes) > 0 {
		err = errors.New("safes: a band proves no owners")
	}
	return err
}

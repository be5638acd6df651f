package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/report"
)

// maxBands is SPEC's bound on other instants (part 21).
const maxBands = 16

// bandOffsets are how far from the snapshot's the instants of [bands] lie, in order.
func (c *Config) bandOffsets() ([]time.Duration, error) {
	var all []time.Duration
	for _, list := range []struct {
		texts []string
		sign  time.Duration
	}{{c.Bands.Before, -1}, {c.Bands.After, 1}} {
		for _, text := range list.texts {
			d, err := time.ParseDuration(text)
			if err != nil || d < time.Second || d%time.Second != 0 {
				return nil, fmt.Errorf("got %q, want a duration of whole seconds, such as 24h or 90m", text)
			}
			if slices.Contains(all, list.sign*d) {
				return nil, fmt.Errorf("%q stands twice", text)
			}
			all = append(all, list.sign*d)
		}
	}
	if len(all) > maxBands {
		return nil, fmt.Errorf("there are %d, want at most %d", len(all), maxBands)
	}
	slices.Sort(all)
	return all, nil
}

// bands gathers the evidence of the same holdings at the instants of [bands], or returns what was gathered before. An instant
// whose blocks are not final yet, or that keeps failing, does not keep the others from being gathered.
func (s *stages) bands(snap report.Snapshot) ([]report.BandReserves, error) {
	offsets, err := s.config.bandOffsets()
	if err != nil || len(offsets) == 0 {
		return nil, err
	}
	wallets, err := s.wallets()
	if err != nil {
		return nil, err
	}
	var bands []report.BandReserves
	var failed []error
	var early []string
	for _, offset := range offsets {
		band, err := s.band(snap, report.Time{Time: snap.Instant.Add(offset)}, wallets)
		var notFinal *chains.NotFinalError
		switch {
		case errors.As(err, &notFinal):
			early = append(early, fmt.Sprintf("the blocks of %s (%s lacks at least %d)", snap.Instant.Add(offset).Format(time.RFC3339), notFinal.Chain, notFinal.Blocks))
		case err != nil:
			failed = append(failed, err)
		default:
			bands = append(bands, band)
		}
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	if len(failed) > 1 {
		return nil, errors.Join(failed...)
	}
	if len(early) > 0 {
		return nil, waiting("run it again once they are final; what was gathered is kept", "waiting for %s", strings.Join(early, ", and for "))
	}
	return bands, nil
}

// band is one instant. What a chain gave is kept before the next one is asked.
func (s *stages) band(snap report.Snapshot, at report.Time, wallets []wallet) (report.BandReserves, error) {
	var refs []chains.BlockRef
	var balances []chains.Balance
	for _, chain := range snap.Chains() {
		g, err := s.gatherBand(snap, at, chain, holdings(chain, wallets, tokensOf(snap)))
		if err != nil {
			return report.BandReserves{}, lostBand(at, err)
		}
		refs = append(refs, g.Block.Ref())
		balances = append(balances, g.chains()...)
	}
	band, err := report.NewBand(snap, at.Time, refs, balances)
	if err != nil {
		return report.BandReserves{}, refused("%v", err)
	}
	return band, nil
}

// bandFolder is where the run keeps what was gathered for an instant: by its time, so that other bands may come and go.
func bandFolder(at report.Time) string {
	return dirBands + "/" + strings.ReplaceAll(at.String(), ":", "")
}

func bandEvidence(at report.Time, chain chains.Chain) string {
	return bandFolder(at) + "/" + strings.ReplaceAll(string(chain), ":", "-") + ".evidence.json"
}

// gatherBand pins the chain's block of a band's instant and gathers evidence there. As in [stages.gather], the record is
// written last.
func (s *stages) gatherBand(snap report.Snapshot, at report.Time, chain chains.Chain, wanted []chains.Holding) (gathered, error) {
	var g gathered
	name := bandFolder(at) + "/" + strings.ReplaceAll(string(chain), ":", "-") + ".json"
	if s.run.has(name) {
		if err := s.run.readJSON(name, "reserves", &g); err != nil {
			return g, err
		}
		return g, s.sameHoldings(chain, g, wanted)
	}
	source, err := s.source(s.ctx, chain)
	if err != nil {
		return g, err
	}
	ref, err := source.Pin(s.ctx, at.Time)
	if err != nil {
		return g, err
	}
	pinned, err := report.NewTime(ref.Time)
	if err != nil {
		return g, refused("%v", err)
	}
	g.Block = report.Block{Chain: ref.Chain, Hash: ref.Hash, Number: ref.Number, Time: pinned}
	validators := bandFolder(at) + "/" + strings.ReplaceAll(string(chain), ":", "-") + ".validators.json"
	if err := s.stake(validators, g.Block); err != nil {
		return g, err
	}
	staked, err := s.shownStaked(validators, chain)
	if err != nil {
		return g, err
	}
	if source, err = s.sourceWith(s.ctx, chain, evm.Options{Staked: staked, WithoutOwners: true}); err != nil {
		return g, err
	}
	s.progress.say("reserves: band of %s: %s: asking for %d balances at block %d", at, chain, len(wanted), ref.Number)
	evidence, err := source.Gather(s.ctx, snap.ID.String(), ref, wanted)
	if err != nil {
		return g, err
	}
	file, err := report.EvidenceJSON(evidence)
	if err != nil {
		return g, err
	}
	if err := s.run.write(bandEvidence(at, chain), file); err != nil {
		return g, err
	}
	g.Balances = []gatheredBalance{}
	for _, b := range evidence.Balances {
		g.Balances = append(g.Balances, gatheredBalance{Account: b.Account, Amount: report.NewUnits(b.Amount), Grade: b.Grade, Token: b.Token})
	}
	return g, s.run.writeJSON(name, g)
}

// lostBand says what to do when nodes have forgotten an instant.
func lostBand(at report.Time, err error) error {
	var lost *chains.HistoryLostError
	if errors.As(err, &lost) {
		return hinted(fmt.Errorf("band of %s: %w", at, err), "bands need nodes that keep old state: name an archive node under [[chain]], or take this instant out of [bands]")
	}
	return err
}

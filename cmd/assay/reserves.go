package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// gathered is what one chain's evidence shows. The evidence itself lies in a file of its own, in the bundle's form; this one is
// written last, so it is there only if both are whole.
type gathered struct {
	Balances []gatheredBalance `json:"balances"`
	Block    report.Block      `json:"block"`
}

type gatheredBalance struct {
	Account chains.Account       `json:"account"`
	Amount  report.Units         `json:"amount"`
	Grade   chains.EvidenceGrade `json:"grade"`
	Token   chains.Token         `json:"token"`
}

func newReserves(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reserves",
		Short: "Gather the evidence of every wallet's balances at the pinned blocks",
		Long: `Ask the nodes for proofs of every balance at the snapshot's pinned blocks, check them, and keep them. What was gathered for a chain is
never gathered again. Run it soon after the snapshot: nodes forget old state.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				snap, err := s.snapshot(instant{})
				if err != nil {
					return err
				}
				balances, err := s.reserves(snap)
				if err != nil {
					return err
				}
				return a.say(cmd, map[string]int{"balances": len(balances)}, "%d balances on %d chains proved", len(balances), len(snap.Blocks))
			})
		},
	}
}

// reserves gathers the evidence of all chains, or returns what was gathered before. A chain that fails does not keep the
// others from being gathered: their nodes forget too.
func (s *stages) reserves(snap report.Snapshot) ([]chains.Balance, error) {
	wallets, err := s.wallets()
	if err != nil {
		return nil, err
	}
	if err := s.everyWalletHasToken(snap, wallets); err != nil {
		return nil, err
	}
	var all []chains.Balance
	var failed []error
	for _, block := range snap.Blocks {
		balances, err := s.gather(snap, block, holdings(block.Chain, wallets, tokensOf(snap)))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, balances...)
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return all, errors.Join(failed...)
}

func (s *stages) gather(snap report.Snapshot, block report.Block, wanted []chains.Holding) ([]chains.Balance, error) {
	name := dirGathered + "/" + strings.ReplaceAll(string(block.Chain), ":", "-") + ".json"
	if s.run.has(name) {
		var g gathered
		if err := s.run.readJSON(name, "reserves", &g); err != nil {
			return nil, err
		}
		return g.chains(), s.sameHoldings(block.Chain, g, wanted)
	}
	s.progress.say("reserves: %s: asking for %d balances at block %d", block.Chain, len(wanted), block.Number)
	source, err := s.source(s.ctx, block.Chain)
	if err != nil {
		return nil, err
	}
	evidence, err := source.Gather(s.ctx, snap.ID.String(), block.Ref(), wanted)
	if err != nil {
		return nil, lostSnapshot(err)
	}
	file, err := report.EvidenceJSON(evidence)
	if err != nil {
		return nil, err
	}
	if err := s.run.write(published(report.PathEvidence(block.Chain)), file); err != nil {
		return nil, err
	}
	g := gathered{Block: block, Balances: []gatheredBalance{}}
	for _, b := range evidence.Balances {
		g.Balances = append(g.Balances, gatheredBalance{Account: b.Account, Amount: report.NewUnits(b.Amount), Grade: b.Grade, Token: b.Token})
	}
	return evidence.Balances, s.run.writeJSON(name, g)
}

func (g gathered) chains() []chains.Balance {
	var all []chains.Balance
	for _, b := range g.Balances {
		all = append(all, chains.Balance{Account: b.Account, Token: b.Token, Amount: b.Amount.Int(), Grade: b.Grade})
	}
	return all
}

// sameHoldings refuses to go on with evidence of other wallets than the configuration names now.
func (s *stages) sameHoldings(chain chains.Chain, g gathered, wanted []chains.Holding) error {
	had := make(map[chains.Holding]bool, len(g.Balances))
	for _, b := range g.Balances {
		had[chains.Holding{Account: b.Account, Token: b.Token}] = true
	}
	if len(had) == len(wanted) && !slices.ContainsFunc(wanted, func(h chains.Holding) bool { return !had[h] }) {
		return nil
	}
	return hinted(refused("the wallets of %s changed since the evidence was gathered in %s", chain, s.rel(s.run.path)),
		"put the lists back, or take a new snapshot in a run directory of its own")
}

// everyWalletHasToken catches a list of addresses that no token of the registry could lie on.
func (s *stages) everyWalletHasToken(snap report.Snapshot, wallets []wallet) error {
	for _, w := range wallets {
		if _, ok := snap.Block(w.account.Chain()); !ok {
			return hinted(unreadable("%s: a wallet lies on %s, but no asset has a token there", s.config.path, w.account.Chain()),
				"add the token to an [[asset]], or remove the [[wallet]]")
		}
	}
	return nil
}

func tokensOf(snap report.Snapshot) []chains.Token {
	var all []chains.Token
	for _, a := range snap.Assets {
		for _, t := range a.Tokens {
			all = append(all, t.ID)
		}
	}
	return all
}

// lostSnapshot says what to do when the pinned block is of no more use.
func lostSnapshot(err error) error {
	var lost *chains.HistoryLostError
	var reorged *chains.ReorgedError
	if errors.As(err, &lost) || errors.As(err, &reorged) {
		return hinted(err, "this snapshot cannot be finished: take a new one in a run directory of its own, and gather soon after; an archive node keeps old state")
	}
	return err
}

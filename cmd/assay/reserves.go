package main

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/report"
)

// gathered is what one chain's evidence shows. The evidence itself lies in a file of its own, in the bundle's form; this one is
// written last, so it is there only if both are whole.
type gathered struct {
	Balances []gatheredBalance `json:"balances"`
	Block    report.Block      `json:"block"`
	Owners   []gatheredOwners  `json:"owners,omitempty"`
}

// gatheredOwners are the keys of a contract wallet, as the evidence proves them.
type gatheredOwners struct {
	Account   chains.Account `json:"account"`
	Addresses []string       `json:"addresses"`
	Threshold uint64         `json:"threshold"`
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
never gathered again. Run it soon after the snapshot: nodes forget old state.

It gathers the same at the instants of [bands], and takes in what the [[custodian]]s signed; what is not there yet it names, and ends with exit code 1.`,
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
				if err := a.say(cmd, map[string]int{"balances": len(balances)}, "%d balances on %d chains proved", len(balances), len(snap.Blocks)); err != nil {
					return err
				}
				_, err = s.beside(snap)
				return err
			})
		},
	}
}

// reserves gathers the evidence of all chains, or returns what was gathered before. A chain that fails does not keep the
// others from being gathered: their nodes forget too.
func (s *stages) reserves(snap report.Snapshot) ([]chains.Balance, error) {
	if err := s.everyWalletHasToken(snap); err != nil {
		return nil, err
	}
	if err := s.derive(snap); err != nil {
		return nil, err
	}
	var failed []error
	unread := map[chains.Chain]bool{}
	for _, block := range snap.Blocks {
		if err := s.stake(fileStaked(block.Chain), block); err != nil {
			failed, unread[block.Chain] = append(failed, err), true
		}
	}
	wallets, err := s.walletsBut(unread)
	if err != nil {
		return nil, errors.Join(append(failed, err)...)
	}
	var all []chains.Balance
	for _, block := range snap.Blocks {
		if unread[block.Chain] {
			continue // its evidence is one file, and would lack a part
		}
		balances, err := s.gather(snap, block, holdings(block.Chain, wallets, tokensOf(snap)))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, balances...)
	}
	// Balances come first: nodes forget those.
	for _, block := range snap.Blocks {
		if err := s.finality(snap, block); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return all, errors.Join(failed...)
}

func (s *stages) gather(snap report.Snapshot, block report.Block, wanted []chains.Holding) ([]chains.Balance, error) {
	name := fileGathered(block.Chain)
	if s.run.has(name) {
		var g gathered
		if err := s.run.readJSON(name, "reserves", &g); err != nil {
			return nil, err
		}
		return g.chains(), s.sameHoldings(block.Chain, g, wanted)
	}
	s.progress.say("reserves: %s: asking for %d balances at block %d", block.Chain, len(wanted), block.Number)
	staked, err := s.shownStaked(fileStaked(block.Chain), block.Chain)
	if err != nil {
		return nil, err
	}
	source, err := s.sourceWith(s.ctx, block.Chain, evm.Options{Staked: staked})
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
	for _, account := range slices.Sorted(maps.Keys(evidence.Owners)) {
		o := evidence.Owners[account]
		g.Owners = append(g.Owners, gatheredOwners{Account: account, Addresses: o.Addresses, Threshold: o.Threshold})
	}
	return evidence.Balances, s.run.writeJSON(name, g)
}

func fileGathered(chain chains.Chain) string {
	return dirGathered + "/" + strings.ReplaceAll(string(chain), ":", "-") + ".json"
}

// owners are those of all contract wallets that the evidence gathered so far proves.
func (s *stages) owners(snap report.Snapshot) (map[chains.Account]chains.Owners, error) {
	all := map[chains.Account]chains.Owners{}
	for _, chain := range snap.Chains() {
		if !s.run.has(fileGathered(chain)) {
			continue
		}
		var g gathered
		if err := s.run.readJSON(fileGathered(chain), "reserves", &g); err != nil {
			return nil, err
		}
		for _, o := range g.Owners {
			all[o.Account] = chains.Owners{Addresses: o.Addresses, Threshold: o.Threshold}
		}
	}
	return all, nil
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
func (s *stages) everyWalletHasToken(snap report.Snapshot) error {
	for _, w := range s.config.Wallets {
		if _, ok := snap.Block(chains.Chain(w.Chain)); !ok {
			return hinted(unreadable("%s: a wallet lies on %s, but no asset has a token there", s.config.path, w.Chain),
				"add the token to an [[asset]], or remove the [[wallet]]")
		}
	}
	for _, v := range s.config.Validators {
		if _, ok := snap.Block(chains.Chain(v.Chain)); !ok {
			return hinted(unreadable("%s: validators lie on %s, but no asset had a token there when the snapshot was taken", s.config.path, v.Chain),
				"take a new snapshot in a run directory of its own")
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

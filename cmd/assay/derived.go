package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/descriptor"
	"github.com/assay-por/assay/chains/utxo"
	"github.com/assay-por/assay/report"
)

// derivation is a descriptor of the configuration and all addresses of it that are looked at.
type derivation struct {
	name     string // where it stands, for messages
	wallet   WalletConfig
	parsed   *descriptor.Descriptor
	accounts []chains.Account // branch by branch
}

// at says which address the i-th account is.
func (d *derivation) at(i int) string {
	if !d.parsed.Ranged() {
		return fmt.Sprintf("%s, branch %d", d.name, i)
	}
	per := int(d.wallet.Range)
	return fmt.Sprintf("%s, branch %d, index %d", d.name, i/per, i%per)
}

// descriptors reads the descriptors and extended keys of a chain, or of all if it is empty.
func (s *stages) descriptors(chain chains.Chain) ([]*derivation, error) {
	var all []*derivation
	add := func(w WalletConfig, d *descriptor.Descriptor, err error, where string, args ...any) error {
		name := fmt.Sprintf(where, args...)
		if err != nil {
			return unreadable("%s: %s: %v", s.config.path, name, err)
		}
		all = append(all, &derivation{name: name, wallet: w, parsed: d})
		return nil
	}
	for i, w := range s.config.Wallets {
		if chain != "" && w.Chain != string(chain) {
			continue
		}
		for j, text := range w.Descriptors {
			d, err := descriptor.Parse(chains.Chain(w.Chain), text)
			if err := add(w, d, err, "wallet #%d, descriptor #%d", i+1, j+1); err != nil {
				return nil, err
			}
		}
		for j, text := range w.XPubs {
			d, err := descriptor.ParseKey(chains.Chain(w.Chain), text, w.Script)
			if err := add(w, d, err, "wallet #%d, xpub #%d", i+1, j+1); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// deriveAll derives the addresses of all descriptors. One that stands for two of them, or is listed as well, is refused: its
// coins would count twice.
func (s *stages) deriveAll(all []*derivation) error {
	_, seen, err := s.listed()
	if err != nil {
		return err
	}
	for _, d := range all {
		if err := d.derive(s.ctx); err != nil {
			return err
		}
		for i, account := range d.accounts {
			if first, ok := seen[account]; ok {
				return s.twice(account, d.at(i), first)
			}
			seen[account] = d.at(i)
		}
	}
	return nil
}

func (s *stages) twice(account chains.Account, one, other string) error {
	return hinted(unreadable("%s: account %s is of %s and of %s", s.config.path, account, one, other),
		"its coins would count twice: leave one of both away")
}

func (d *derivation) derive(ctx context.Context) error {
	indexes := uint32(1)
	if d.parsed.Ranged() {
		indexes = d.wallet.Range
	}
	for branch := range d.parsed.Branches() {
		for index := range indexes {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			account, err := d.parsed.Account(branch, index)
			if err != nil {
				return unreadable("%s: %v", d.name, err)
			}
			d.accounts = append(d.accounts, account)
		}
	}
	return nil
}

// derived is which of a chain's derived addresses hold coins at the pinned block. It stays in the run's directory: descriptors
// tell addresses that nobody else knows of.
type derived struct {
	Block       report.Block        `json:"block"`
	Descriptors []derivedDescriptor `json:"descriptors"`
}

type derivedDescriptor struct {
	Accounts   []chains.Account `json:"accounts"`
	Custody    string           `json:"custody"`
	Descriptor string           `json:"descriptor"`
	Looked     int              `json:"looked"`
	Range      uint64           `json:"range"`
}

func fileDerived(chain string) string {
	return dirDerived + "/" + strings.ReplaceAll(chain, ":", "-") + ".json"
}

// derive asks the nodes of each chain which derived addresses hold coins at its pinned block. What was found is kept, and never
// asked again.
func (s *stages) derive(snap report.Snapshot) error {
	for _, block := range snap.Blocks {
		all, err := s.descriptors(block.Chain)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			continue
		}
		name := fileDerived(string(block.Chain))
		if s.run.has(name) {
			if err := s.sameDescriptors(block.Chain, all); err != nil {
				return err
			}
			continue
		}
		if err := s.deriveAll(all); err != nil {
			return err
		}
		d, err := s.lookUp(block, all)
		if err != nil {
			return err
		}
		if err := s.run.writeJSON(name, d); err != nil {
			return err
		}
	}
	return nil
}

// lookUp asks for the coins of all derived addresses of a chain, and says what was found of each descriptor.
func (s *stages) lookUp(block report.Block, all []*derivation) (derived, error) {
	var asked []chains.Account
	for _, d := range all {
		asked = append(asked, d.accounts...)
	}
	s.progress.say("reserves: %s: asking which of %d derived addresses hold coins at block %d", block.Chain, len(asked), block.Number)
	source, err := s.source(s.ctx, block.Chain)
	if err != nil {
		return derived{}, err
	}
	chain, ok := source.(*utxo.Source)
	if !ok {
		return derived{}, refused("%s has no descriptors", block.Chain)
	}
	funded, err := chain.Funded(s.ctx, block.Ref(), asked)
	if err != nil {
		return derived{}, lostSnapshot(err)
	}
	out := derived{Block: block, Descriptors: []derivedDescriptor{}}
	for _, d := range all {
		one := derivedDescriptor{Accounts: []chains.Account{}, Custody: d.wallet.Custody, Descriptor: d.parsed.String(), Looked: len(d.accounts), Range: uint64(d.wallet.Range)}
		for i, account := range d.accounts {
			if _, has := slices.BinarySearch(funded, account); !has {
				continue
			}
			if d.parsed.Ranged() && uint32(i)%d.wallet.Range >= d.wallet.Range-d.wallet.Gap { //nolint:gosec // a range is at most a million
				return derived{}, hinted(refused("%s holds coins, which is one of the last %d addresses looked at: there may be more beyond", d.at(i), d.wallet.Gap),
					"raise range of that [[wallet]] in %s and run again", s.rel(s.config.path))
			}
			one.Accounts = append(one.Accounts, account)
		}
		s.progress.say("reserves: %s: %d addresses looked at, %d hold coins", d.name, one.Looked, len(one.Accounts))
		out.Descriptors = append(out.Descriptors, one)
	}
	return out, nil
}

// sameDescriptors refuses to go on with what other descriptors gave than the configuration names now.
func (s *stages) sameDescriptors(chain chains.Chain, all []*derivation) error {
	var before derived
	if err := s.run.readJSON(fileDerived(string(chain)), "reserves", &before); err != nil {
		return err
	}
	same := slices.EqualFunc(before.Descriptors, all, func(b derivedDescriptor, d *derivation) bool {
		return b.Descriptor == d.parsed.String() && b.Range == uint64(d.wallet.Range) && b.Custody == d.wallet.Custody
	})
	if same {
		return nil
	}
	return hinted(refused("the descriptors of %s changed since their coins were looked for in %s", chain, s.rel(s.run.path)),
		"put them back, or take a new snapshot in a run directory of its own")
}

// found are the accounts of derived wallets that hold coins. None of them may be listed too, by now.
func (s *stages) found(listed map[chains.Account]string) ([]wallet, error) {
	var all []wallet
	asked := map[string]bool{}
	for _, w := range s.config.Wallets {
		if !w.derives() || asked[w.Chain] {
			continue
		}
		asked[w.Chain] = true
		var d derived
		if err := s.run.readJSON(fileDerived(w.Chain), "reserves", &d); err != nil {
			return nil, err
		}
		for _, one := range d.Descriptors {
			for _, account := range one.Accounts {
				if where, ok := listed[account]; ok {
					return nil, s.twice(account, "a descriptor of that chain", where)
				}
				all = append(all, wallet{account: account, custody: one.Custody})
			}
		}
	}
	return all, nil
}

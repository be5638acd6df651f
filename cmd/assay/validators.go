package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/beacon"
	"github.com/assay-por/assay/chains/evm"
	"github.com/assay-por/assay/report"
)

// ValidatorsConfig is a list of the exchange's validators on one beacon chain (SPEC part 22).
type ValidatorsConfig struct {
	Chain   string   `toml:"chain"`
	File    string   `toml:"file"` // an index or a public key a line
	Indexes []uint64 `toml:"indexes"`
	PubKeys []string `toml:"pubkeys"`
	Custody string   `toml:"custody"`
}

// checkValidators checks that lists of validators have what they need: a beacon node, and a token to be counted in.
func (c *Config) checkValidators() error {
	staked := map[chains.Chain]chains.Token{}
	for _, a := range c.Assets {
		for _, t := range a.Tokens {
			token := chains.Token(t.ID)
			if !token.Staked() {
				continue
			}
			if t.Class != string(report.Staked) || t.Decimals != 18 {
				return fmt.Errorf("asset %s: token %s has class %q and %d decimals, want %q and 18", a.ID, t.ID, t.Class, t.Decimals, report.Staked)
			}
			if other, ok := staked[token.Chain()]; ok {
				return fmt.Errorf("asset %s: token %s is the same coin as %s, and would be counted twice", a.ID, t.ID, other)
			}
			staked[token.Chain()] = token
		}
	}
	for i, v := range c.Validators {
		chain := chains.Chain(v.Chain)
		switch given := len(v.Indexes)+len(v.PubKeys) > 0; {
		case (v.File != "") == given:
			return fmt.Errorf("validators #%d: give either file, or indexes and pubkeys", i+1)
		case chain.Namespace() != chains.EIP155:
			return fmt.Errorf("validators #%d: chain %q has none: want an eip155 chain", i+1, v.Chain)
		case !c.chain(chain).hasBeacon():
			return fmt.Errorf("validators #%d: what they hold is read from a beacon node: name one under beacon in the [[chain]] of %s", i+1, v.Chain)
		case staked[chain] == "":
			return fmt.Errorf(`validators #%d: no asset has the token they are counted in: add { id = "%s/staked:60", decimals = 18, class = "staked" } to one`, i+1, v.Chain)
		}
	}
	return nil
}

func (c *Config) hasValidators(chain chains.Chain) bool {
	return slices.ContainsFunc(c.Validators, func(v ValidatorsConfig) bool { return v.Chain == string(chain) })
}

// listedValidator is a validator of the configuration: who keeps it, and where it stands.
type listedValidator struct {
	id             beacon.ValidatorID
	custody, where string
}

// validators reads the lists of a chain. One named twice is refused here; one named by index and by public key, once the beacon
// node's state shows that both are one.
func (s *stages) validators(chain chains.Chain) ([]listedValidator, error) {
	var all []listedValidator
	seen := map[beacon.ValidatorID]string{}
	for i, v := range s.config.Validators {
		if v.Chain != string(chain) {
			continue
		}
		names, where, err := s.validatorNames(i, v)
		if err != nil {
			return nil, err
		}
		for j, name := range names {
			if name == "" {
				continue
			}
			id, err := beacon.ParseValidatorID(name)
			if err != nil {
				return nil, unreadable("%s: %v", where(j), err)
			}
			if first, ok := seen[id]; ok {
				return nil, hinted(unreadable("%s: validator %s is listed before, at %s", where(j), id, first), "list each validator once")
			}
			seen[id] = where(j)
			all = append(all, listedValidator{id, v.Custody, where(j)})
		}
	}
	if len(all) == 0 {
		return nil, unreadable("%s: the lists of validators of %s are empty", s.config.path, chain)
	}
	return all, nil
}

func (s *stages) validatorNames(i int, v ValidatorsConfig) ([]string, func(int) string, error) {
	if v.File != "" {
		file := s.config.resolve(v.File)
		lines, err := readLines(file)
		if err != nil {
			return nil, nil, hinted(err, "validators #%d names this file", i+1)
		}
		return lines, func(j int) string { return fmt.Sprintf("%s:%d", file, j+1) }, nil
	}
	var names []string
	for _, index := range v.Indexes {
		names = append(names, strconv.FormatUint(index, 10))
	}
	return append(names, v.PubKeys...), func(j int) string {
		if j < len(v.Indexes) {
			return fmt.Sprintf("%s: validators #%d, index #%d", s.config.path, i+1, j+1)
		}
		return fmt.Sprintf("%s: validators #%d, pubkey #%d", s.config.path, i+1, j+1-len(v.Indexes))
	}, nil
}

// staked is what a chain's validators hold at the pinned block, in the order of the lists, and the proof of it. It is written once,
// so that the state is fetched once.
type staked struct {
	Block  report.Block      `json:"block"`
	Parent report.Digest     `json:"parent"` // root of the beacon block before
	Proof  beacon.Validators `json:"proof"`
	Stakes []stake           `json:"stakes"`
}

type stake struct {
	Account chains.Account `json:"account"`
	Amount  report.Units   `json:"amount"`
	ID      string         `json:"id"` // as it was listed
}

func fileStaked(chain chains.Chain) string {
	return dirGathered + "/" + strings.ReplaceAll(string(chain), ":", "-") + ".validators.json"
}

// stake asks a beacon node what the validators of a chain held before a block, and keeps the answer in a file of the run, unless it
// is there already.
func (s *stages) stake(file string, block report.Block) error {
	if !s.config.hasValidators(block.Chain) {
		return nil
	}
	list, err := s.validators(block.Chain)
	if err != nil {
		return err
	}
	if s.run.has(file) {
		_, err := s.readStaked(file, block.Chain, list)
		return err
	}
	s.progress.say("reserves: %s: reading from the beacon chain what %d validators hold before block %d", block.Chain, len(list), block.Number)
	source, err := s.beaconSource(block.Chain)
	if err != nil {
		return err
	}
	defer source.Close()
	parent, err := s.parentBeaconRoot(block)
	if err != nil {
		return lostSnapshot(err)
	}
	ids := make([]beacon.ValidatorID, len(list))
	for i, v := range list {
		ids[i] = v.id
	}
	proof, stakes, err := source.Validators(s.ctx, block.Ref(), parent, ids)
	var which *beacon.ValidatorError
	if errors.As(err, &which) {
		return hinted(refused("%s: %v", list[slices.Index(ids, which.ID)].where, err), "correct the list of validators, and run again")
	}
	if err != nil {
		return lostSnapshot(err)
	}
	out := staked{Block: block, Parent: parent, Proof: proof, Stakes: make([]stake, len(stakes))}
	for i, one := range stakes {
		out.Stakes[i] = stake{Account: one.Account, Amount: report.NewUnits(one.Wei()), ID: one.ID.String()}
	}
	return s.run.writeJSON(file, out)
}

func (s *stages) parentBeaconRoot(block report.Block) (root [32]byte, err error) {
	c := s.config.chain(block.Chain)
	execution, err := evm.New(s.ctx, block.Chain, c.Nodes, evm.Options{Confirmations: c.Confirmations})
	if err != nil {
		return root, err
	}
	defer execution.Close()
	return execution.ParentBeaconRoot(s.ctx, block.Ref())
}

// readStaked reads what validators hold, and refuses to go on with what others held than the configuration lists now.
func (s *stages) readStaked(file string, chain chains.Chain, list []listedValidator) (staked, error) {
	var out staked
	if err := s.run.readJSON(file, "reserves", &out); err != nil {
		return out, err
	}
	if slices.EqualFunc(out.Stakes, list, func(had stake, v listedValidator) bool { return had.ID == v.id.String() }) {
		return out, nil
	}
	return out, hinted(refused("the validators of %s changed since it was read in %s what they hold", chain, s.rel(s.run.path)),
		"put the lists back, or take a new snapshot in a run directory of its own")
}

// shownStaked is what was read of a chain's validators, as its execution nodes' evidence takes it; nil if it has none.
func (s *stages) shownStaked(file string, chain chains.Chain) (*evm.Staked, error) {
	if !s.config.hasValidators(chain) {
		return nil, nil
	}
	list, err := s.validators(chain)
	if err != nil {
		return nil, err
	}
	kept, err := s.readStaked(file, chain, list)
	if err != nil {
		return nil, err
	}
	sums := map[chains.Account]report.Units{}
	for _, one := range kept.Stakes {
		if sums[one.Account], err = sums[one.Account].Add(one.Amount); err != nil {
			return nil, refused("account %s: %v", one.Account, err)
		}
	}
	shown := &evm.Staked{Parent: kept.Parent, Balances: map[chains.Account]*uint256.Int{}, File: kept.Proof}
	for account, sum := range sums {
		shown.Balances[account] = sum.Int()
	}
	return shown, nil
}

// withStaked adds the accounts that validators' withdrawals go to, of all chains but those left out. An account has one custody:
// that of all its validators, and of the wallet that it may be as well.
func (s *stages) withStaked(all []wallet, listed map[chains.Account]string, out map[chains.Chain]bool) ([]wallet, error) {
	at, where := map[chains.Account]int{}, maps.Clone(listed)
	for i, w := range all {
		at[w.account] = i
	}
	asked := map[chains.Chain]bool{}
	for _, v := range s.config.Validators {
		chain := chains.Chain(v.Chain)
		if asked[chain] || out[chain] {
			continue
		}
		asked[chain] = true
		list, err := s.validators(chain)
		if err != nil {
			return nil, err
		}
		kept, err := s.readStaked(fileStaked(chain), chain, list)
		if err != nil {
			return nil, err
		}
		for j, one := range kept.Stakes {
			i, known := at[one.Account]
			switch {
			case !known:
				at[one.Account], where[one.Account] = len(all), list[j].where
				all = append(all, wallet{account: one.Account, custody: list[j].custody, staked: true, only: true})
			case all[i].custody != list[j].custody:
				return nil, hinted(unreadable("%s: the withdrawals of validator %s, custody %q, go to account %s, which has custody %q at %s",
					list[j].where, one.ID, list[j].custody, one.Account, all[i].custody, where[one.Account]), "an account has one custody")
			default:
				all[i].staked = true
			}
		}
	}
	return all, nil
}

// lookValidators reads the lists, and asks whether a beacon node gives states at all.
func (s *stages) lookValidators(chain chains.Chain) (string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	list, err := s.validators(chain)
	if err != nil {
		return "", err
	}
	source, err := s.beaconSource(chain)
	if err != nil {
		return "", err
	}
	defer source.Close()
	return fmt.Sprintf("%s: %d validators listed, a beacon node gives states", chain, len(list)), source.GivesStates(ctx)
}

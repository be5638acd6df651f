package main

import (
	"fmt"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/evm"
)

// RecipeConfig says how an ERC-20 token's balances follow from its contract's storage (SPEC part 12), as far as that cannot be
// found out, or is to be pinned.
type RecipeConfig struct {
	Layout string       `toml:"layout"`
	Slot   string       `toml:"slot"`
	Bits   uint         `toml:"bits"`
	Proxy  string       `toml:"proxy"`
	Share  *ShareConfig `toml:"share"`
	Aave   *AaveConfig  `toml:"aave"`
}

// ShareConfig is a token whose holders have shares in a pool.
type ShareConfig struct {
	Pool  []TermConfig `toml:"pool"`
	Total []TermConfig `toml:"total"`
}

// TermConfig is a summand of the pool or of all shares: a word of storage, cut, shifted and multiplied.
type TermConfig struct {
	Slot     string `toml:"slot"`
	Contract string `toml:"contract"` // the token's own, if empty
	Bits     uint   `toml:"bits"`     // 0: all that the shift leaves
	Shift    uint   `toml:"shift"`
	Times    string `toml:"times"` // 1, if empty
	Minus    bool   `toml:"minus"`
}

// AaveConfig is a token of an Aave pool.
type AaveConfig struct {
	Pool     string `toml:"pool"`
	Slot     string `toml:"slot"`
	Rounding string `toml:"rounding"`
}

func (c *RecipeConfig) recipe() evm.Recipe {
	r := evm.Recipe{Layout: c.Layout, Slot: c.Slot, Bits: c.Bits, Proxy: c.Proxy}
	if c.Share != nil {
		r.Share = &evm.Share{Pool: terms(c.Share.Pool), Total: terms(c.Share.Total)}
	}
	if c.Aave != nil {
		r.Aave = &evm.Aave{Pool: c.Aave.Pool, Rounding: c.Aave.Rounding, Slot: c.Aave.Slot}
	}
	return r
}

func terms(side []TermConfig) []evm.Term {
	all := make([]evm.Term, len(side))
	for i, t := range side {
		all[i] = evm.Term{Bits: t.Bits, Contract: t.Contract, Minus: t.Minus, Shift: t.Shift, Slot: t.Slot, Times: t.Times}
		if t.Bits == 0 && t.Shift < 256 {
			all[i].Bits = 256 - t.Shift
		}
		if t.Times == "" {
			all[i].Times = "1"
		}
	}
	return all
}

// recipes are those of a chain's tokens.
func (c *Config) recipes(chain chains.Chain) map[chains.Token]evm.Recipe {
	all := map[chains.Token]evm.Recipe{}
	for _, a := range c.Assets {
		for _, t := range a.Tokens {
			if token := chains.Token(t.ID); t.Recipe != nil && token.Chain() == chain {
				all[token] = t.Recipe.recipe()
			}
		}
	}
	return all
}

// checkRecipes checks them before anything is asked of a node.
func (c *Config) checkRecipes() error {
	for _, a := range c.Assets {
		for _, t := range a.Tokens {
			if t.Recipe == nil {
				continue
			}
			token, err := chains.ParseToken(t.ID)
			if err == nil {
				err = t.Recipe.recipe().Check(token)
			}
			if err != nil {
				return fmt.Errorf("asset %s: %w", a.ID, err)
			}
		}
	}
	return nil
}

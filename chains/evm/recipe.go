package evm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// A Recipe says how the balances of an ERC-20 token follow from proved storage
// (SPEC part 12). In [Options] every part of it may be missing: what is missing
// is found out, but for Share and Aave, which only a person can know.
type Recipe struct {
	Aave   *Aave        `json:"aave,omitempty"`
	Bits   uint         `json:"bits,omitempty"` // low bits of the word that are the balance; 0 for all of them
	Layout string       `json:"layout"`         // Solidity or Vyper
	Proxy  string       `json:"proxy,omitempty"`
	Share  *Share       `json:"share,omitempty"`
	Slot   string       `json:"slot"` // hex32
	Token  chains.Token `json:"token"`
}

// Aave is the recipe of a token whose word is a balance scaled down by what its
// pool has earned since the pool began (SPEC part 12, step 7).
type Aave struct {
	Pool     string `json:"pool"`     // address of the pool's contract
	Rounding string `json:"rounding"` // HalfUp or Down
	Slot     string `json:"slot"`     // hex32: where the pool keeps what it knows of the underlying token
}

// The roundings of an Aave recipe (SPEC part 12).
const (
	HalfUp = "half-up"
	Down   = "down"
)

// Share is the recipe of a token whose word is a number of shares in a pool
// (SPEC part 12, step 6).
type Share struct {
	Pool  []Term `json:"pool"`
	Total []Term `json:"total"`
}

// A Term is one summand of either side of a Share (SPEC part 12).
type Term struct {
	Bits     uint   `json:"bits"`
	Contract string `json:"contract,omitempty"` // whose storage it is; empty for the token's own
	Minus    bool   `json:"minus"`
	Shift    uint   `json:"shift"`
	Slot     string `json:"slot"`  // hex32
	Times    string `json:"times"` // an amount from 1
}

// A recipe is a Recipe in this room's own types. As a wish it may be without a
// layout.
type recipe struct {
	layout  *layout
	bits    uint
	proxy   *proxy
	formula formula // nil where the word is the balance
	given   Recipe  // with Share and Aave as they were given
}

// Check says what is wrong with a recipe that the configuration gives for a
// token, as [New] would (SPEC part 12).
func (r Recipe) Check(token chains.Token) error {
	_, err := r.parse(token)
	return err
}

// parse checks a recipe that the configuration gives for a token.
func (r Recipe) parse(token chains.Token) (recipe, error) {
	fail := func(err error) (recipe, error) { return recipe{}, fmt.Errorf("recipe of token %s: %w", token, err) }
	if r.Token != "" && r.Token != token {
		return fail(fmt.Errorf("it names token %s", r.Token))
	}
	if _, ok := token.Contract(); !ok {
		return fail(errors.New("only ERC-20 tokens have one"))
	}
	parsed := recipe{bits: r.Bits, given: Recipe{Aave: r.Aave, Share: r.Share, Token: token}}
	if r.Bits > 255 {
		return fail(fmt.Errorf("bits is %d, want 1 to 255, or none for the whole word", r.Bits))
	}
	if r.Proxy != "" {
		i := slices.IndexFunc(proxies, func(p proxy) bool { return p.name == r.Proxy })
		if i < 0 {
			return fail(fmt.Errorf("proxy is %q, want eip1967 or zeppelinos", clipped(r.Proxy)))
		}
		parsed.proxy = &proxies[i]
	}
	var err error
	if r.Layout != "" || r.Slot != "" {
		if parsed.layout, err = parseLayout(r.Layout, r.Slot); err != nil {
			return fail(err)
		}
	}
	switch {
	case r.Share != nil && r.Aave != nil:
		return fail(errors.New("it has share and aave, which exclude each other"))
	case r.Share != nil:
		parsed.formula, err = r.Share.parse()
	case r.Aave != nil:
		parsed.formula, err = r.Aave.parse()
	}
	if err != nil {
		return fail(err)
	}
	return parsed, nil
}

func parseLayout(order, slot string) (*layout, error) {
	if order != Solidity && order != Vyper {
		return nil, fmt.Errorf("layout is %q, want solidity or vyper, or neither layout nor slot to have them found", clipped(order))
	}
	at, err := parseWord("slot", slot)
	if err != nil {
		return nil, err
	}
	return &layout{order, at}, nil
}

func parseWord(name, text string) (common.Hash, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != common.HashLength || text != strings.ToLower(text) {
		return common.Hash{}, fmt.Errorf("%s is %q, want 64 lower-case hex digits without 0x", name, clipped(text))
	}
	return common.BytesToHash(raw), nil
}

func parseContract(name, text string) (common.Address, error) {
	lower, err := ParseAddress(text)
	if err != nil || lower != text {
		return common.Address{}, fmt.Errorf("%s is %q, want 0x and 40 lower-case hex digits", name, clipped(text))
	}
	return common.HexToAddress(text), nil
}

// maxTerms bounds a side of a Share.
const maxTerms = 8

func (s *Share) parse() (formula, error) {
	parsed := &share{}
	for _, side := range []struct {
		name string
		said []Term
		into *[]term
	}{{"pool", s.Pool, &parsed.pool}, {"total", s.Total, &parsed.total}} {
		if n := len(side.said); n < 1 || n > maxTerms {
			return nil, fmt.Errorf("share.%s has %d terms, want 1 to %d", side.name, n, maxTerms)
		}
		for i, t := range side.said {
			one, err := t.parse()
			if err != nil {
				return nil, fmt.Errorf("share.%s, term #%d: %w", side.name, i+1, err)
			}
			*side.into = append(*side.into, one)
		}
	}
	return parsed, nil
}

// maxTimes is the number of digits that a term's factor may have.
const maxTimes = 38

func (t Term) parse() (term, error) {
	if t.Bits < 1 || t.Shift > 255 || t.Bits+t.Shift > 256 || t.Bits > 256 {
		return term{}, fmt.Errorf("bits %d and shift %d, want at least one bit of a word's 256", t.Bits, t.Shift)
	}
	parsed := term{bits: t.Bits, shift: t.Shift, minus: t.Minus}
	var err error
	if parsed.slot, err = parseWord("slot", t.Slot); err != nil {
		return term{}, err
	}
	if t.Contract != "" {
		at, err := parseContract("contract", t.Contract)
		if err != nil {
			return term{}, err
		}
		parsed.contract = &at
	}
	times, err := uint256.FromDecimal(t.Times)
	if err != nil || times.IsZero() || times.Dec() != t.Times || len(t.Times) > maxTimes {
		return term{}, fmt.Errorf("times is %q, want a whole number from 1 of at most %d digits", clipped(t.Times), maxTimes)
	}
	parsed.times = times.ToBig()
	return parsed, nil
}

func (a *Aave) parse() (formula, error) {
	if a.Rounding != HalfUp && a.Rounding != Down {
		return nil, fmt.Errorf("aave.rounding is %q, want half-up or down", clipped(a.Rounding))
	}
	pool, err := parseContract("aave.pool", a.Pool)
	if err != nil {
		return nil, err
	}
	slot, err := parseWord("aave.slot", a.Slot)
	if err != nil {
		return nil, err
	}
	return &aave{pool: pool, slot: slot, halfUp: a.Rounding == HalfUp}, nil
}

// said spells the recipe for the evidence file.
func (r recipe) said() Recipe {
	said := r.given
	said.Bits, said.Layout, said.Slot = r.bits, r.layout.order, hex.EncodeToString(r.layout.slot[:])
	if r.proxy != nil {
		said.Proxy = r.proxy.name
	}
	return said
}

package evidence

import (
	"cmp"
	"strings"
)

// Holding names a balance that is asked for: what an account has of a token (SPEC part 12).
type Holding struct {
	Account string // CAIP-10
	Token   string // CAIP-19
}

// String names both.
func (h Holding) String() string { return h.Account + " with " + h.Token }

func (h Holding) compare(other Holding) int {
	return cmp.Or(strings.Compare(h.Account, other.Account), strings.Compare(h.Token, other.Token))
}

// evmHolding is a holding on an eip155 chain.
type evmHolding struct {
	Holding
	holder [20]byte
	kind   tokenKind
}

// tokenKind tells where a token's balances are found.
type tokenKind int

const (
	nativeCoin tokenKind = iota // in the state trie
	stakedCoin                  // with validators
	erc20Token                  // in the storage of the token, or told by nodes
	assetForms = "slip44:<number>, staked:<number>, or erc20:0x and 40 lower-case hex digits"
)

// holderOf is the address of an account of this chain.
func (e *EVM) holderOf(account string) (address [20]byte, ok bool) {
	rest, ours := strings.CutPrefix(account, e.chain+":")
	address, ok = evmAddress(rest)
	return address, ours && ok
}

// tokenOf tells the kind of a token of this chain, and the contract of an ERC-20 token.
func (e *EVM) tokenOf(token string) (kind tokenKind, contract [20]byte, ok bool) {
	asset, ours := strings.CutPrefix(token, e.chain+"/")
	name, rest, _ := strings.Cut(asset, ":")
	switch name {
	case "slip44":
		return nativeCoin, contract, ours && isNumber(rest)
	case "staked":
		return stakedCoin, contract, ours && isNumber(rest)
	case "erc20":
		contract, ok = evmAddress(rest)
	}
	return erc20Token, contract, ours && ok
}

// holdings reads what balances are asked for. There is one name for the native coin, and one for what of it is staked: under two
// names one balance would count twice.
func (e *EVM) holdings(asked []Holding) ([]evmHolding, error) {
	list := make([]evmHolding, len(asked))
	names := map[tokenKind]string{}
	for i, h := range asked {
		x := evmHolding{Holding: h}
		var isAccount, isToken bool
		x.holder, isAccount = e.holderOf(h.Account)
		x.kind, _, isToken = e.tokenOf(h.Token)
		switch {
		case !isAccount:
			return nil, &CheckError{Field: h.String(), Problem: "not an account of " + e.chain, Got: h.Account, Want: e.chain + ":0x and 40 lower-case hex digits"}
		case !isToken:
			return nil, &CheckError{Field: h.String(), Problem: "not a token of " + e.chain, Got: h.Token, Want: assetForms}
		case x.kind == erc20Token:
		case names[x.kind] == "":
			names[x.kind] = h.Token
		case names[x.kind] != h.Token:
			return nil, &CheckError{Field: h.String(), Problem: "two tokens name the same coin", Got: h.Token, Want: names[x.kind]}
		}
		list[i] = x
	}
	return list, nil
}

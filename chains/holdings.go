package chains

import (
	"cmp"
	"fmt"
	"slices"
)

// SortHoldings checks the holdings asked of one chain and returns them sorted
// by account and token (SPEC part 15). It refuses what would count a coin
// twice: a holding listed twice, and two names for the chain's one native
// token.
func SortHoldings(chain Chain, holdings []Holding) ([]Holding, error) {
	sorted := slices.Clone(holdings)
	slices.SortFunc(sorted, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Token, b.Token))
	})
	var native Token
	for i, h := range sorted {
		if _, err := ParseAccount(string(h.Account)); err != nil {
			return nil, &HoldingError{h, err.Error()}
		}
		if _, err := ParseToken(string(h.Token)); err != nil {
			return nil, &HoldingError{h, err.Error()}
		}
		if got := h.Account.Chain(); got != chain {
			return nil, &HoldingError{h, fmt.Sprintf("the account is of chain %s, want %s", got, chain)}
		}
		if got := h.Token.Chain(); got != chain {
			return nil, &HoldingError{h, fmt.Sprintf("the token is of chain %s, want %s", got, chain)}
		}
		if i > 0 && h == sorted[i-1] {
			return nil, &HoldingError{h, "listed twice, and would be counted twice"}
		}
		if !h.Token.Native() {
			continue
		}
		if native != "" && h.Token != native {
			return nil, &HoldingError{h, fmt.Sprintf("is the same coin as %s under another name, and would be counted twice", native)}
		}
		native = h.Token
	}
	return sorted, nil
}

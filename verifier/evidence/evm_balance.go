package evidence

import (
	"math/big"
	"strconv"
)

// prover finds balances: in the state, with validators, or in the nodes' answers.
type prover struct {
	state   *evmState
	tokens  map[string]*provenToken
	staked  map[[20]byte]*big.Int
	answers []evmAnswer // in the order of the holdings that they are for
	nodes   int         // how many gave them
}

// balances finds what is asked for, and that nothing else is staked (SPEC part 12, steps 2 to 9; part 22, Validators, step 4).
func (p *prover) balances(asked []evmHolding) ([]Balance, error) {
	list := make([]Balance, len(asked))
	validators := 0
	for i, h := range asked {
		b := Balance{Account: h.Account, Token: h.Token}
		if token := p.tokens[h.Token]; h.kind == erc20Token && token == nil {
			b.Amount, b.Nodes = p.answers[0].amount, p.nodes
			p.answers = p.answers[1:]
		} else {
			var err error
			if b.Amount, err = p.proved(h, token); err != nil {
				return nil, err
			}
		}
		if b.Amount.BitLen() > 256 {
			return nil, &CheckError{Field: h.String(), Problem: "a balance that no amount can hold", Got: b.Amount.String(), Want: "below 2^256"}
		}
		if h.kind == stakedCoin {
			validators++
		}
		list[i] = b
	}
	if validators != len(p.staked) {
		return nil, &CheckError{Field: "validators", Problem: "validators whose account has no line", Got: strconv.Itoa(len(p.staked)) + " accounts", Want: strconv.Itoa(validators)}
	}
	return list, nil
}

// proved is a balance that nobody's word is needed for.
func (p *prover) proved(h evmHolding, token *provenToken) (*big.Int, error) {
	switch h.kind {
	case erc20Token:
		return p.state.balance(h.String(), token, h.holder)
	case stakedCoin:
		units := p.staked[h.holder]
		if units == nil {
			return nil, &CheckError{Field: h.String(), Problem: "no validator's withdrawals go to the account", Got: h.Account, Want: "an account of validators"}
		}
		return units, nil
	case nativeCoin:
	}
	holder, err := p.state.account(h.String(), h.holder)
	return new(big.Int).SetBytes(holder.balance), err
}

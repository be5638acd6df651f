package evm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// attest asks every node what balanceOf answers at the pinned block, for
// holdings that no recipe proves (SPEC part 12, step 9). All must answer alike.
// A node that does not answer, or has lost the history, is passed over while
// another one is left.
func attest(ctx context.Context, nodes []*node, block chains.BlockRef, holdings []chains.Holding) ([]Attestation, error) {
	all := []Attestation{}
	if len(holdings) == 0 {
		return all, nil
	}
	var passed error
	var first string // label and place of the first that answered
	for _, n := range nodes {
		answers, err := n.attest(ctx, block, holdings)
		if passable(err) {
			passed = errors.Join(passed, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		place := fmt.Sprintf("%s (%s)", n.witness, n.label)
		if len(all) == 0 {
			first = place
		} else if err := agree(block, first, all[0].Answers, place, answers); err != nil {
			return nil, err
		}
		all = append(all, Attestation{Answers: answers, Node: n.witness})
	}
	if len(all) == 0 {
		return nil, passed
	}
	slices.SortFunc(all, func(a, b Attestation) int { return cmp.Compare(a.Node, b.Node) })
	return all, nil
}

// passable reports whether an error is a node's that may be passed over.
func passable(err error) bool {
	var unreachable *chains.UnreachableError
	var lost *chains.HistoryLostError
	return errors.As(err, &unreachable) || errors.As(err, &lost)
}

func (n *node) attest(ctx context.Context, block chains.BlockRef, holdings []chains.Holding) ([]BalanceClaim, error) {
	at, err := n.blockArgument(ctx, block)
	if err != nil {
		return nil, err
	}
	words := make([]hexutil.Bytes, len(holdings))
	questions := make([]question, len(holdings))
	for i, h := range holdings {
		questions[i] = question{"eth_call", []any{balanceOf(contractOf(h.Token), common.HexToAddress(h.Account.Address())), at}, &words[i]}
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, n.stateFault(ctx, block, err)
	}
	answers := make([]BalanceClaim, len(holdings))
	for i, h := range holdings {
		if len(words[i]) != 32 {
			return nil, &chains.RefusedError{Node: n.label, Method: "eth_call", Reason: fmt.Sprintf("balanceOf of %s answers with %d bytes, want one word", h.Token, len(words[i]))}
		}
		answers[i] = BalanceClaim{Account: h.Account, Amount: new(uint256.Int).SetBytes32(words[i]).Dec(), Token: h.Token}
	}
	return answers, nil
}

// agree compares the answers of two nodes.
func agree(block chains.BlockRef, first string, want []BalanceClaim, second string, got []BalanceClaim) error {
	for i := range want {
		if got[i] != want[i] {
			return &chains.DisagreementError{
				Chain:   block.Chain,
				What:    fmt.Sprintf("the balance of %s in %s at block %d", want[i].Account, want[i].Token, block.Number),
				Answers: []chains.NodeAnswer{{Node: first, Answer: want[i].Amount}, {Node: second, Answer: got[i].Amount}},
			}
		}
	}
	return nil
}

// codeReverted is the JSON-RPC code of a call that the contract reverts; older
// nodes say it in words only.
const codeReverted = 3

// reverted reports whether an error says that a call failed in the contract.
func reverted(err error) bool {
	var refused *chains.RefusedError
	if !errors.As(err, &refused) {
		return false
	}
	said := strings.ToLower(refused.Reason)
	return refused.Code == codeReverted || slices.ContainsFunc([]string{"revert", "invalid opcode", "out of gas", "stack underflow", "invalid jump"},
		func(phrase string) bool { return strings.Contains(said, phrase) })
}

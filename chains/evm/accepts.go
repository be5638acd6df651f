package evm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// A NotAcceptedError says that a contract does not take a signature for its
// own.
type NotAcceptedError struct {
	Account chains.Account
	Node    string // that was asked
	Reason  string
}

// Error names the account, the node and what the contract answered.
func (e *NotAcceptedError) Error() string {
	return fmt.Sprintf("the contract at %s does not accept the signature, says node %s: %s", e.Account, e.Node, e.Reason)
}

// accepted is what isValidSignature answers for a signature that is the
// contract's (EIP-1271): its own selector, padded to a word.
var accepted = common.RightPadBytes([]byte{0x16, 0x26, 0xba, 0x7e}, 32)

// Accepts asks every node whether the account's contract takes the signature of
// the hash for its own at the pinned block (SPEC part 14, eip1271). It returns
// the names that the nodes have in evidence, ascending. One that refuses, or says
// no, is an error, whatever others say; one that does not answer, or has lost the
// history, is passed over while another one is left.
func (s *Source) Accepts(ctx context.Context, block chains.BlockRef, account chains.Account, hash [32]byte, signature []byte) ([]string, error) {
	if block.Chain != s.chain || account.Chain() != s.chain {
		return nil, fmt.Errorf("pinned block of chain %s and account %s, want both of %s", block.Chain, account, s.chain)
	}
	nodes, err := s.answering(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkCanonical(ctx, nodes, block); err != nil {
		return nil, err
	}
	question := isValidSignature(common.HexToAddress(account.Address()), hash, signature)
	var names []string
	var passed error
	for _, n := range nodes {
		switch err := n.accepts(ctx, block, account, question); {
		case err == nil:
			names = append(names, n.witness)
		case passable(err):
			passed = errors.Join(passed, err)
		default:
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, passed
	}
	slices.Sort(names)
	return names, checkCanonical(ctx, nodes, block)
}

func (n *node) accepts(ctx context.Context, block chains.BlockRef, account chains.Account, call map[string]any) error {
	at, err := n.blockArgument(ctx, block)
	if err != nil {
		return err
	}
	no := func(reason string) error { return &NotAcceptedError{Account: account, Node: n.label, Reason: reason} }
	var answer hexutil.Bytes
	if err := n.ask(ctx, question{"eth_call", []any{call, at}, &answer}); err != nil {
		if reverted(err) {
			return no("it fails")
		}
		return n.stateFault(ctx, block, err)
	}
	if len(answer) == 0 {
		return no("it answers nothing; is it a contract, and was it one at the pinned block?")
	}
	if !bytes.Equal(answer, accepted) {
		return no("it answers " + clipped(answer.String()))
	}
	return nil
}

// isValidSignature is the call object of isValidSignature(bytes32, bytes).
func isValidSignature(contract common.Address, hash [32]byte, signature []byte) map[string]any {
	data := bytes.Clone(accepted[:4])
	for _, word := range [][]byte{hash[:], {64}, uint256.NewInt(uint64(len(signature))).Bytes()} {
		data = append(data, common.LeftPadBytes(word, 32)...)
	}
	data = append(data, signature...)
	padding := make([]byte, (32-len(signature)%32)%32)
	return map[string]any{"to": contract, "data": hexutil.Bytes(append(data, padding...))}
}

package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"github.com/assay-por/assay/chains"
)

// maxAncestry is the most headers that light client evidence holds (SPEC part 22).
const maxAncestry = 8192

// Headers returns the RLP headers from a block, named by its hash, back to the
// child of block to, newest first; none if they are the same block. They are a
// hash chain: each hashes to the parent hash of the one before (SPEC part 22).
// A block to that is no ancestor of the other is a ReorgedError.
func (s *Source) Headers(ctx context.Context, from string, to chains.BlockRef) ([][]byte, error) {
	if to.Chain != s.chain {
		return nil, fmt.Errorf("pinned block is of chain %s, want %s", to.Chain, s.chain)
	}
	if from == to.Hash {
		return [][]byte{}, nil
	}
	nodes, err := s.answering(ctx)
	if err != nil {
		return nil, err
	}
	var passed error
	for _, n := range nodes {
		headers, err := n.ancestry(ctx, from, to)
		var unreachable *chains.UnreachableError
		var refused *chains.RefusedError
		if !errors.As(err, &unreachable) && !errors.As(err, &refused) {
			return headers, err
		}
		passed = errors.Join(passed, err)
	}
	return nil, passed
}

// ancestry asks by number, many at a time, and goes by the hashes.
func (n *node) ancestry(ctx context.Context, from string, to chains.BlockRef) ([][]byte, error) {
	const method = "eth_getBlockByHash"
	var top *head
	if err := n.ask(ctx, question{method, []any{from, false}, &top}); err != nil {
		return nil, err
	}
	if top == nil {
		return nil, &chains.RefusedError{Node: n.label, Method: method,
			Reason: fmt.Sprintf("it has no block %s, which the beacon chain finalised; is it still syncing?", from)}
	}
	number := uint64(top.Number)
	if number <= to.Number || number-to.Number > maxAncestry {
		return nil, &chains.RefusedError{Node: n.label, Method: method,
			Reason: fmt.Sprintf("block %s is number %d, want one of the %d after block %d", from, number, maxAncestry, to.Number)}
	}
	want := common.HexToHash(from)
	headers := make([][]byte, 0, number-to.Number)
	ask := n.rawHeaders
	for number > to.Number {
		chunk := min(number-to.Number, maxBatch)
		got, err := ask(ctx, number, chunk)
		var refused *chains.RefusedError
		if errors.As(err, &refused) && len(headers) == 0 {
			ask = n.rebuiltHeaders
			got, err = ask(ctx, number, chunk)
		}
		if err != nil {
			return nil, err
		}
		for i, raw := range got {
			if want, err = n.parentOf(raw, want, number-uint64(i), to); err != nil { //nolint:gosec // at most maxBatch
				return nil, err
			}
		}
		headers = append(headers, got...)
		number -= chunk
	}
	if want.Hex() != to.Hash {
		return nil, &chains.ReorgedError{Block: to, Node: n.label, Got: want.Hex()}
	}
	return headers, nil
}

// parentOf checks that a header has the hash wanted of it, and returns its
// parent's.
func (n *node) parentOf(raw []byte, want common.Hash, number uint64, to chains.BlockRef) (common.Hash, error) {
	lie := func(reason string) (common.Hash, error) {
		return common.Hash{}, &chains.ProofError{Node: n.label, Block: to, What: fmt.Sprintf("the header of block %d after it", number), Reason: reason}
	}
	if got := crypto.Keccak256Hash(raw); got != want {
		return lie(fmt.Sprintf("it hashes to %s, want %s", got.Hex(), want.Hex()))
	}
	var items []rlp.RawValue
	var parent common.Hash
	if err := rlp.DecodeBytes(raw, &items); err != nil || len(items) == 0 || rlp.DecodeBytes(items[0], &parent) != nil {
		return lie("it is no RLP list that begins with a parent hash")
	}
	return parent, nil
}

// rawHeaders fetches count headers from a number downwards.
func (n *node) rawHeaders(ctx context.Context, number, count uint64) ([][]byte, error) {
	raw := make([]hexutil.Bytes, count)
	questions := make([]question, count)
	for i := range questions {
		questions[i] = question{"debug_getRawHeader", []any{hexutil.EncodeUint64(number - uint64(i))}, &raw[i]} //nolint:gosec // not negative
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, err
	}
	headers := make([][]byte, count)
	for i, b := range raw {
		headers[i] = b
	}
	return headers, nil
}

// rebuiltHeaders does the same by JSON, from which the bytes are rebuilt.
func (n *node) rebuiltHeaders(ctx context.Context, number, count uint64) ([][]byte, error) {
	const method = "eth_getBlockByNumber"
	raw := make([]json.RawMessage, count)
	questions := make([]question, count)
	for i := range questions {
		questions[i] = question{method, []any{hexutil.EncodeUint64(number - uint64(i)), false}, &raw[i]} //nolint:gosec // not negative
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, err
	}
	headers := make([][]byte, count)
	for i, answer := range raw {
		var h types.Header
		if err := json.Unmarshal(answer, &h); err != nil || string(answer) == "null" {
			return nil, &chains.RefusedError{Node: n.label, Method: method, Reason: fmt.Sprintf("it gave no header of block %d", number-uint64(i))} //nolint:gosec // not negative
		}
		b, err := rlp.EncodeToBytes(&h)
		if err != nil {
			return nil, fmt.Errorf("header of block %d: %w", number-uint64(i), err) //nolint:gosec // not negative
		}
		headers[i] = b
	}
	return headers, nil
}

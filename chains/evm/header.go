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

// A header is the pinned block's header, checked against its hash.
type header struct {
	raw  []byte
	root common.Hash // of the state
	time uint64

	beacon *common.Hash // root of the beacon block before it, nil if it names none
}

// beaconItem is the place of the parent beacon block's root (EIP-4788).
const beaconItem = 19

// header fetches the pinned block's header and checks that hash, number and
// time are the pinned ones (SPEC part 12, step 1). A node without
// debug_getRawHeader gives it as JSON, from which the bytes are rebuilt.
func (n *node) header(ctx context.Context, block chains.BlockRef) (header, error) {
	var raw hexutil.Bytes
	err := n.ask(ctx, question{"debug_getRawHeader", []any{block.Hash}, &raw})
	var refused *chains.RefusedError
	if errors.As(err, &refused) {
		raw, err = n.rebuiltHeader(ctx, block)
	}
	if err != nil {
		return header{}, err
	}
	lie := func(reason string) error {
		return &chains.ProofError{Node: n.label, Block: block, What: "the block's header", Reason: reason}
	}
	if got := crypto.Keccak256Hash(raw).Hex(); got != block.Hash {
		return header{}, lie(fmt.Sprintf("it hashes to %s, want %s", got, block.Hash))
	}
	// Chains add items at the end, so only the ones before are read.
	var items []rlp.RawValue
	if err := rlp.DecodeBytes(raw, &items); err != nil || len(items) < 12 {
		return header{}, lie("it is no RLP list of 12 items or more")
	}
	var root common.Hash
	var number, time uint64
	err = errors.Join(rlp.DecodeBytes(items[3], &root), rlp.DecodeBytes(items[8], &number), rlp.DecodeBytes(items[11], &time))
	if err != nil {
		return header{}, lie("its state root, number or time is malformed")
	}
	if number != block.Number || int64(time) != block.Time.Unix() { //nolint:gosec // a time that wraps equals none
		return header{}, lie(fmt.Sprintf("it is number %d at time %d, want %d at %d", number, time, block.Number, block.Time.Unix()))
	}
	h := header{raw: raw, root: root, time: time}
	var beacon common.Hash
	if len(items) > beaconItem && rlp.DecodeBytes(items[beaconItem], &beacon) == nil {
		h.beacon = &beacon
	}
	return h, nil
}

func (n *node) rebuiltHeader(ctx context.Context, block chains.BlockRef) ([]byte, error) {
	const method = "eth_getBlockByHash"
	var answer json.RawMessage
	if err := n.ask(ctx, question{method, []any{block.Hash, false}, &answer}); err != nil {
		return nil, n.stateFault(ctx, block, err)
	}
	if string(answer) == "null" {
		if err := n.checkCanonical(ctx, block); err != nil {
			return nil, err
		}
		return nil, &chains.HistoryLostError{Block: block, Node: n.label, Reason: "it does not know the block"}
	}
	var h types.Header
	if err := json.Unmarshal(answer, &h); err != nil {
		return nil, &chains.RefusedError{Node: n.label, Method: method, Reason: "its answer is malformed"}
	}
	return rlp.EncodeToBytes(&h)
}

package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// maxBatch is the number of calls in one batch; nodes commonly take up to 1,000.
const maxBatch = 100

// A node is one JSON-RPC endpoint.
type node struct {
	label   string // where it listens, for whoever runs it
	witness string // its name in evidence, which is public and tells nobody where it listens
	rpc     *rpc.Client
}

// A question is one call of a batch.
type question struct {
	method string
	args   []any
	answer any // pointer that the answer is decoded into
}

// ask puts the questions in as few batches as they need. The first error ends it.
func (n *node) ask(ctx context.Context, questions ...question) error {
	for len(questions) > 0 {
		chunk := questions[:min(len(questions), maxBatch)]
		questions = questions[len(chunk):]
		raw := make([]json.RawMessage, len(chunk))
		elems := make([]rpc.BatchElem, len(chunk))
		for i, q := range chunk {
			elems[i] = rpc.BatchElem{Method: q.method, Args: q.args, Result: &raw[i]}
		}
		var err error
		if len(elems) == 1 {
			elems[0].Error = n.rpc.CallContext(ctx, &raw[0], elems[0].Method, elems[0].Args...)
		} else {
			err = n.rpc.BatchCallContext(ctx, elems)
		}
		if err != nil {
			return n.fault(ctx, chunk[0].method, err)
		}
		for i, q := range chunk {
			if elems[i].Error != nil {
				return n.fault(ctx, q.method, elems[i].Error)
			}
			if err := json.Unmarshal(raw[i], q.answer); err != nil {
				return &chains.RefusedError{Node: n.label, Method: q.method, Reason: "its answer is malformed"}
			}
		}
	}
	return nil
}

// fault says what an error of the rpc client means. A JSON-RPC error is the
// node's answer; anything else is no answer.
func (n *node) fault(ctx context.Context, method string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var said rpc.Error
	if errors.As(err, &said) {
		return &chains.RefusedError{Node: n.label, Method: method, Code: said.ErrorCode(), Reason: egress.Quote(said.Error())}
	}
	var status rpc.HTTPError
	if errors.As(err, &status) {
		if status.StatusCode == http.StatusTooManyRequests {
			return &chains.UnreachableError{Node: n.label, Err: errors.New("it was asked more than it allows (HTTP status 429)")}
		}
		return &chains.UnreachableError{Node: n.label, Err: fmt.Errorf("HTTP status %d", status.StatusCode)}
	}
	return &chains.UnreachableError{Node: n.label, Err: egress.Cause(err)}
}

func (n *node) checkChain(ctx context.Context, want chains.Chain) error {
	var id hexutil.Big
	if err := n.ask(ctx, question{"eth_chainId", nil, &id}); err != nil {
		return err
	}
	if got := chains.Chain(chains.EIP155 + ":" + id.ToInt().String()); got != want {
		return &chains.WrongChainError{Node: n.label, Got: got, Want: want}
	}
	return nil
}

// A head is what is read of a block's JSON before its header is proved.
type head struct {
	Hash   common.Hash    `json:"hash"`
	Number hexutil.Uint64 `json:"number"`
	Time   hexutil.Uint64 `json:"timestamp"`
}

func (h *head) ref(chain chains.Chain) chains.BlockRef {
	return chains.BlockRef{Chain: chain, Hash: h.Hash.Hex(), Number: uint64(h.Number), Time: time.Unix(int64(h.Time), 0).UTC()} //nolint:gosec // a time that wraps is no time
}

// block returns the head of a block by number or tag, nil if there is none.
func (n *node) block(ctx context.Context, which string) (*head, error) {
	var h *head
	err := n.ask(ctx, question{"eth_getBlockByNumber", []any{which, false}, &h})
	return h, err
}

func (n *node) blockAt(ctx context.Context, number uint64) (*head, error) {
	h, err := n.block(ctx, hexutil.EncodeUint64(number))
	if err == nil && h != nil && uint64(h.Number) != number {
		return nil, &chains.RefusedError{Node: n.label, Method: "eth_getBlockByNumber",
			Reason: fmt.Sprintf("it answers with block %d when asked for %d", uint64(h.Number), number)}
	}
	return h, err
}

// checkCanonical returns a ReorgedError unless the block stands in the node's
// chain.
func (n *node) checkCanonical(ctx context.Context, block chains.BlockRef) error {
	h, err := n.blockAt(ctx, block.Number)
	if err != nil {
		return err
	}
	if h == nil {
		return &chains.ReorgedError{Block: block, Node: n.label}
	}
	if h.Hash.Hex() != block.Hash {
		return &chains.ReorgedError{Block: block, Node: n.label, Got: h.Hash.Hex()}
	}
	return nil
}

// stateFault says what a refused question about a block's state means: the
// block was reorganised away, its state is gone, or something else.
func (n *node) stateFault(ctx context.Context, block chains.BlockRef, err error) error {
	var refused *chains.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	if canonical := n.checkCanonical(ctx, block); canonical != nil {
		return canonical
	}
	said := strings.ToLower(refused.Reason)
	for _, phrase := range lostPhrases {
		if strings.Contains(said, phrase) {
			return &chains.HistoryLostError{Block: block, Node: n.label, Reason: refused.Reason}
		}
	}
	return err
}

// lostPhrases are how nodes say that they no longer have an old state: geth,
// anvil, Erigon, Reth, Nethermind, Besu.
var lostPhrases = []string{
	"missing trie node", "historical state", "state not available", "state is not available",
	"state unavailable", "no state available", "missing state", "pruned", "too old",
	"proof window", "world state", "not available due to pruning", "blockoutofrange",
}

// badParameters is the JSON-RPC code of a call whose arguments were not
// understood.
const badParameters = -32602

// blockArgument returns how this node is to be asked about the block: by hash
// (EIP-1898), or by number where it does not take a hash. Either way the proofs
// are checked against the pinned header.
func (n *node) blockArgument(ctx context.Context, block chains.BlockRef) (any, error) {
	byHash := map[string]any{"blockHash": block.Hash, "requireCanonical": true}
	var ignored json.RawMessage
	err := n.ask(ctx, question{"eth_getBalance", []any{common.Address{}, byHash}, &ignored})
	var refused *chains.RefusedError
	if errors.As(err, &refused) && refused.Code == badParameters {
		return "0x" + strconv.FormatUint(block.Number, 16), nil
	}
	if err != nil {
		return nil, n.stateFault(ctx, block, err)
	}
	return byHash, nil
}

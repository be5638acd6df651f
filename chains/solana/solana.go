// Package solana gathers what nodes of Solana say of balances (SPEC part 19).
//
// Solana counts slots, some of which have no block. A block is known by its
// slot and its blockhash, and is final once the cluster has rooted it; all
// questions here ask for that (commitment finalized).
//
// Nodes cannot be asked for a balance at a past slot: minContextSlot is only a
// floor. So balances are of the present, and each answer is kept with the slot
// that its own context names, never with the pinned one. Gather right after the
// pinned block is final, and while the wallets rest.
//
//	SOL          getMultipleAccounts: lamports; null is an account that does not exist, which holds 0
//	token MINT   getTokenAccountsByOwner with that mint: the sum over all accounts of it that the owner has
//
// The filter by mint covers Token and Token-2022 alike, as a mint belongs to one
// program. SOL that is delegated to stake accounts, and tokens in accounts that
// a program owns, are the wallet's in no answer.
//
// No node of Solana runs in the tests: they play recorded answers of public
// nodes (testdata) over a local HTTP server.
package solana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/egress"
)

// New returns the source of a Solana cluster (SPEC part 19). It asks the nodes
// nothing yet; the context is there so that every adapter is opened alike.
func New(_ context.Context, chain chains.Chain, urls []string, limits egress.Limits) (*attested.Source, error) {
	rules := attested.Rules{Namespace: chains.Solana, Check: check, Present: func(chains.Token) bool { return true }}
	return attested.New(chain, urls, limits, rules, func(a *attested.Asker) attested.Node { return &node{ask: a, chain: chain} })
}

// check refuses addresses that are none.
func check(h chains.Holding) error {
	if _, err := ParseAddress(h.Account.Address()); err != nil {
		return err
	}
	if mint, ok := h.Token.Contract(); ok {
		if _, err := ParseAddress(mint); err != nil {
			return fmt.Errorf("the token's mint: %w", err)
		}
	}
	return nil
}

// A node is one JSON-RPC endpoint.
type node struct {
	ask   *attested.Asker
	chain chains.Chain
}

// finalized is the only commitment asked for.
const finalized = "finalized"

// The errors by which a node says that a slot has no block, or none any more.
const (
	codeCleanedUp      = -32001
	codeNotAvailable   = -32004
	codeSkipped        = -32007
	codeSkippedForLong = -32009
)

// missing reports whether an error says that the slot has no block that the
// node knows.
func missing(err error) bool {
	var refused *chains.RefusedError
	return errors.As(err, &refused) && slices.Contains([]int{codeCleanedUp, codeNotAvailable, codeSkipped, codeSkippedForLong}, refused.Code)
}

// call asks, and parses the result, which is malformed if parse says so.
func (n *node) call(ctx context.Context, method string, params []any, parse func(json.RawMessage) error) error {
	result, err := n.ask.Call(ctx, method, params)
	if err != nil {
		return err
	}
	if err := parse(result); err != nil {
		return n.ask.Refused(method, "its answer is malformed: %v", err)
	}
	return nil
}

// Chain returns the chain of the genesis hash.
func (n *node) Chain(ctx context.Context) (chains.Chain, error) {
	var hash string
	err := n.call(ctx, "getGenesisHash", []any{}, func(result json.RawMessage) (err error) {
		hash, err = parseHash(result)
		return err
	})
	if err != nil {
		return "", err
	}
	return chains.Chain(chains.Solana + ":" + hash[:32]), nil
}

// Block returns the rooted block of a slot.
func (n *node) Block(ctx context.Context, slot uint64) (chains.BlockRef, bool, error) {
	b, ok, err := n.block(ctx, slot)
	return chains.BlockRef{Chain: n.chain, Hash: b.hash, Number: slot, Time: b.time}, ok, err
}

func (n *node) block(ctx context.Context, slot uint64) (b block, ok bool, err error) {
	config := map[string]any{"commitment": finalized, "transactionDetails": "none", "rewards": false, "maxSupportedTransactionVersion": 0}
	err = n.call(ctx, "getBlock", []any{slot, config}, func(result json.RawMessage) (err error) {
		b, ok, err = parseBlock(result, slot)
		return err
	})
	if missing(err) {
		return block{}, false, nil
	}
	return b, ok, err
}

// from returns slot and time of the first block at a slot or after it.
func (n *node) from(ctx context.Context, slot uint64) (chains.BlockRef, bool, error) {
	var found uint64
	err := n.call(ctx, "getBlocksWithLimit", []any{slot, 1, map[string]any{"commitment": finalized}}, func(result json.RawMessage) (err error) {
		found, err = parseFirstSlot(result, slot)
		return err
	})
	if missing(err) {
		return chains.BlockRef{}, false, nil
	}
	if err != nil {
		return chains.BlockRef{}, false, err
	}
	return n.at(ctx, found)
}

// at returns a block's slot and time.
func (n *node) at(ctx context.Context, slot uint64) (chains.BlockRef, bool, error) {
	var at time.Time
	var ok bool
	err := n.call(ctx, "getBlockTime", []any{slot}, func(result json.RawMessage) (err error) {
		at, ok, err = parseTime(result)
		return err
	})
	if missing(err) {
		return chains.BlockRef{}, false, nil
	}
	return chains.BlockRef{Chain: n.chain, Number: slot, Time: at}, ok, err
}

// slot returns the last rooted slot.
func (n *node) slot(ctx context.Context) (slot uint64, err error) {
	err = n.call(ctx, "getSlot", []any{map[string]any{"commitment": finalized}}, func(result json.RawMessage) error {
		return json.Unmarshal(result, &slot)
	})
	return slot, err
}

// Last returns the last rooted block.
func (n *node) Last(ctx context.Context) (chains.BlockRef, error) {
	slot, err := n.slot(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	head, ok, err := n.Block(ctx, slot)
	if err == nil && !ok {
		err = n.ask.Refused("getBlock", "it does not have the block of its own last slot %d; try again", slot)
	}
	return head, err
}

// Pin returns the last rooted block not later than the instant, once a later
// one is rooted. It is the parent of the first later one.
func (n *node) Pin(ctx context.Context, instant time.Time) (chains.BlockRef, error) {
	slot, err := n.slot(ctx)
	if err != nil {
		return chains.BlockRef{}, err
	}
	head, ok, err := n.at(ctx, slot)
	if err != nil {
		return head, err
	}
	if !ok {
		return head, n.ask.Refused("getBlockTime", "it does not know the time of its own last slot %d; try again", slot)
	}
	if !head.Time.After(instant) {
		return head, &chains.NotFinalError{Chain: n.chain, Instant: instant, Final: slot, Blocks: 1}
	}
	first, err := attested.FirstAfter(ctx, instant, head, n.from)
	if err != nil {
		return first, err
	}
	lost := &chains.HistoryLostError{Block: chains.BlockRef{Chain: n.chain, Number: first.Number}, Node: n.ask.Label(), Reason: "it has no blocks and times of that instant"}
	after, ok, err := n.block(ctx, first.Number)
	switch {
	case err != nil:
		return first, err
	case !ok:
		return first, lost
	case first.Number == 0:
		return first, fmt.Errorf("chain %s began only after %s", n.chain, instant.UTC().Format(time.RFC3339))
	}
	pinned, ok, err := n.Block(ctx, after.parent)
	switch {
	case err != nil:
		return pinned, err
	case !ok || pinned.Time.After(instant):
		return pinned, lost
	case pinned.Hash != after.previous:
		return pinned, n.ask.Refused("getBlock", "it says that block %d follows %s, and that this is %s", first.Number, after.previous, pinned.Hash)
	}
	return pinned, nil
}

// maxAccounts is how many accounts nodes take in one question.
const maxAccounts = 100

// Balances asks for all balances as of now.
func (n *node) Balances(ctx context.Context, pinned chains.BlockRef, holdings []chains.Holding) ([]attested.Told, error) {
	told := make([]attested.Told, len(holdings))
	var native []int
	for i, h := range holdings {
		mint, ok := h.Token.Contract()
		if !ok {
			native = append(native, i)
			continue
		}
		var err error
		if told[i], err = n.tokens(ctx, pinned, h.Account.Address(), mint); err != nil {
			return nil, err
		}
	}
	for part := range slices.Chunk(native, maxAccounts) {
		keys := make([]string, len(part))
		for j, i := range part {
			keys[j] = holdings[i].Account.Address()
		}
		amounts, slot, err := n.coins(ctx, pinned, keys)
		if err != nil {
			return nil, err
		}
		for j, i := range part {
			told[i] = attested.Told{Amount: amounts[j], Number: slot}
		}
	}
	return told, nil
}

func (n *node) coins(ctx context.Context, pinned chains.BlockRef, keys []string) (amounts []*uint256.Int, slot uint64, err error) {
	config := map[string]any{"commitment": finalized, "minContextSlot": pinned.Number, "encoding": "base64", "dataSlice": map[string]any{"offset": 0, "length": 0}}
	err = n.call(ctx, "getMultipleAccounts", []any{keys, config}, func(result json.RawMessage) (err error) {
		amounts, slot, err = parseLamports(result, len(keys))
		return err
	})
	return amounts, slot, err
}

func (n *node) tokens(ctx context.Context, pinned chains.BlockRef, owner, mint string) (told attested.Told, err error) {
	config := map[string]any{"commitment": finalized, "minContextSlot": pinned.Number, "encoding": "jsonParsed"}
	err = n.call(ctx, "getTokenAccountsByOwner", []any{owner, map[string]any{"mint": mint}, config}, func(result json.RawMessage) (err error) {
		told.Amount, told.Number, err = parseTokens(result, owner, mint)
		return err
	})
	return told, err
}

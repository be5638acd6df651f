// Package tron gathers what nodes of Tron say of balances (SPEC part 19).
//
// It asks java-tron's HTTP API, at one URL that serves both its halves:
// /walletsolidity, which knows only blocks that can no longer be reorganised,
// and /wallet. TronGrid and its like serve both; java-tron itself serves them
// at two ports, which a reverse proxy joins. The two balances of an account are
// of different times:
//
//	TRX      /wallet/getaccountbalance, at the pinned block
//	TRC-20   /walletsolidity/triggerconstantcontract balanceOf, as of the node's last solidified block
//
// The trap is in the first. A node answers it out of an index that is off by
// default (storage.balance.history.lookup), and without the index it reports no
// error: it says 0 and repeats the block that it was asked about, for every
// account. So where a node says 0, it must show that it keeps the index at
// that block (/wallet/getblockbalance), and a second node must say 0 as well.
//
// TRX that is staked, TRX in unclaimed rewards and TRC-10 tokens are in neither
// balance.
//
// No node of Tron runs in the tests: they play recorded answers of public nodes
// (testdata) over a local HTTP server.
package tron

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/egress"
)

const zeroReason = "a node that keeps no balances of past blocks (java-tron's storage.balance.history.lookup is off by default) says 0 of every account; " +
	"name two nodes in [[chain]] that were synced with storage.balance.history.lookup = true"

// New returns the source of a Tron chain (SPEC part 19). It asks the nodes
// nothing yet; the context is there so that every adapter is opened alike.
func New(_ context.Context, chain chains.Chain, urls []string, limits egress.Limits) (*attested.Source, error) {
	rules := attested.Rules{Namespace: chains.Tron, Check: check, Zero: zeroReason, Present: func(t chains.Token) bool { return !t.Native() }}
	return attested.New(chain, urls, limits, rules, func(a *attested.Asker) attested.Node { return &node{ask: a, chain: chain} })
}

// check refuses addresses that are none.
func check(h chains.Holding) error {
	if _, err := decodeAddress(h.Account.Address()); err != nil {
		return err
	}
	if contract, ok := h.Token.Contract(); ok {
		if _, err := decodeAddress(contract); err != nil {
			return fmt.Errorf("the token's contract: %w", err)
		}
	}
	return nil
}

// A node is one java-tron node.
type node struct {
	ask   *attested.Asker
	chain chains.Chain
}

// post puts a question to a path of the API.
func (n *node) post(ctx context.Context, path string, question map[string]any) ([]byte, error) {
	body, err := n.ask.Post(ctx, path, question)
	var status *attested.StatusError
	if errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed) {
		return nil, n.ask.Refused(path, "%v: its URL must serve both /wallet and /walletsolidity of java-tron's HTTP API", status)
	}
	if err != nil {
		return nil, err
	}
	if reason := refusal(body); reason != "" {
		return nil, n.ask.Refused(path, "%s", reason)
	}
	return body, nil
}

// refusal returns what the node says in place of an answer. Its errors come with
// HTTP status 200, and one of them is no JSON.
func refusal(body []byte) string {
	var answer struct {
		Error string `json:"Error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		if strings.HasPrefix(string(body), "this API is closed because this node is a lite fullnode") {
			return "it is a lite fullnode, which keeps no old blocks; ask a full node"
		}
		return "its answer is malformed"
	}
	if answer.Error != "" {
		return "it says: " + egress.Quote(answer.Error)
	}
	return ""
}

// Chain returns the chain of the genesis block's id.
func (n *node) Chain(ctx context.Context) (chains.Chain, error) {
	genesis, ok, err := n.Block(ctx, 0)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", n.ask.Refused(pathBlock, "it has no genesis block")
	}
	return chains.Chain(chains.Tron + ":0x" + genesis.Hash[len(genesis.Hash)-8:]), nil
}

const (
	pathHead     = "walletsolidity/getnowblock"
	pathBlock    = "walletsolidity/getblockbynum"
	pathBalance  = "wallet/getaccountbalance"
	pathTrace    = "wallet/getblockbalance"
	pathConstant = "walletsolidity/triggerconstantcontract"
)

// Last returns the last solidified block.
func (n *node) Last(ctx context.Context) (chains.BlockRef, error) {
	body, err := n.post(ctx, pathHead, map[string]any{})
	if err != nil {
		return chains.BlockRef{}, err
	}
	block, ok, err := parseBlock(body)
	if err != nil {
		return block, n.ask.Refused(pathHead, "its answer is malformed: %v", err)
	}
	if !ok {
		return block, n.ask.Refused(pathHead, "it has no block yet")
	}
	block.Chain = n.chain
	return block, nil
}

// Block returns the solidified block of a number.
func (n *node) Block(ctx context.Context, number uint64) (chains.BlockRef, bool, error) {
	body, err := n.post(ctx, pathBlock, map[string]any{"num": number})
	if err != nil {
		return chains.BlockRef{}, false, err
	}
	block, ok, err := parseBlock(body)
	if err != nil {
		return block, false, n.ask.Refused(pathBlock, "its answer is malformed: %v", err)
	}
	if ok && block.Number != number {
		return block, false, n.ask.Refused(pathBlock, "it answers with block %d when asked for %d", block.Number, number)
	}
	block.Chain = n.chain
	return block, ok, nil
}

// Pin returns the last solidified block not later than the instant, once a
// later one is solidified.
func (n *node) Pin(ctx context.Context, instant time.Time) (chains.BlockRef, error) {
	head, err := n.Last(ctx)
	if err != nil {
		return head, err
	}
	if !head.Time.After(instant) {
		return head, &chains.NotFinalError{Chain: n.chain, Instant: instant, Final: head.Number, Blocks: 1}
	}
	first, err := attested.FirstAfter(ctx, instant, head, n.Block)
	if err != nil {
		return first, err
	}
	if first.Number <= 1 { // the genesis block bears no time of its own
		return first, fmt.Errorf("chain %s began only after %s", n.chain, instant.UTC().Format(time.RFC3339))
	}
	block, ok, err := n.Block(ctx, first.Number-1)
	if err != nil {
		return block, err
	}
	if !ok || block.Time.After(instant) {
		return block, &chains.HistoryLostError{Block: chains.BlockRef{Chain: n.chain, Number: first.Number - 1}, Node: n.ask.Label(), Reason: "it has no such block"}
	}
	return block, nil
}

// Balances asks for TRX at the pinned block and for TRC-20 tokens now.
func (n *node) Balances(ctx context.Context, pinned chains.BlockRef, holdings []chains.Holding) ([]attested.Told, error) {
	told := make([]attested.Told, len(holdings))
	var now []int // holdings whose balance is told of the present
	var zero *chains.Holding
	for i, h := range holdings {
		address, err := decodeAddress(h.Account.Address())
		if err != nil {
			return nil, err
		}
		if contract, ok := h.Token.Contract(); ok {
			now = append(now, i)
			told[i].Amount, err = n.tokens(ctx, address, contract)
		} else {
			told[i].Number = pinned.Number
			told[i].Amount, err = n.coins(ctx, address, pinned)
			if err == nil && told[i].Amount.IsZero() && zero == nil {
				zero = &holdings[i]
			}
		}
		if err != nil {
			return nil, err
		}
	}
	if zero != nil {
		if err := n.keepsHistory(ctx, pinned, *zero); err != nil {
			return nil, err
		}
	}
	if len(now) == 0 {
		return told, nil
	}
	// An answer names no block. It speaks of none later than the head afterwards.
	head, err := n.Last(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range now {
		told[i].Number = head.Number
	}
	return told, nil
}

// keepsHistory refuses a 0 of a node that keeps no balances of past blocks: such
// a node knows no changes of balances in the pinned block.
func (n *node) keepsHistory(ctx context.Context, pinned chains.BlockRef, zero chains.Holding) error {
	_, err := n.post(ctx, pathTrace, map[string]any{"hash": pinned.Hash, "number": pinned.Number})
	var refused *chains.RefusedError
	if errors.As(err, &refused) && strings.Contains(refused.Reason, "This block does not exist") {
		return &attested.ZeroError{Node: n.ask.Label(), Block: pinned, Holding: zero, Reason: "it keeps no changes of balances at that block; " + zeroReason}
	}
	if errors.As(err, &refused) {
		return nil // not served here: then two nodes must say so
	}
	return err
}

func hexAddress(address []byte) string { return hex.EncodeToString(address) }

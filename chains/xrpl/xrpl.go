// Package xrpl gathers what nodes of the XRP Ledger say of balances (SPEC part
// 19).
//
// The ledger advances in numbered versions, each closed at a time and known by
// a hash; only versions that the network validated are read. Nodes keep past
// versions and answer about any of them by its hash, so balances are those at
// the pinned ledger exactly:
//
//	XRP   account_info with ledger_hash: drops, the account's reserve among them
//
// An account that was never funded, or was deleted, is in no ledger. The node's
// actNotFound is then a balance of 0, but only where the answer names the pinned
// ledger: an answer about another ledger, or one that only failed, is no 0. XRP
// in escrows and payment channels, and tokens of issuers, are in no answer.
//
// No node of the ledger runs in the tests: they play recorded answers of public
// nodes (testdata) over a local HTTP server.
package xrpl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/egress"
)

// New returns the source of an XRP Ledger network (SPEC part 19). It asks the
// nodes nothing yet; the context is there so that every adapter is opened alike.
func New(_ context.Context, chain chains.Chain, urls []string, limits egress.Limits) (*attested.Source, error) {
	rules := attested.Rules{Namespace: chains.XRPL, Check: check, Present: func(chains.Token) bool { return false }}
	return attested.New(chain, urls, limits, rules, func(a *attested.Asker) attested.Node { return &node{ask: a, chain: chain} })
}

// check refuses addresses that are none.
func check(h chains.Holding) error {
	_, err := ParseAddress(h.Account.Address())
	return err
}

// A node is one JSON-RPC endpoint of rippled or Clio.
type node struct {
	ask   *attested.Asker
	chain chains.Chain
}

// call asks, and returns the result, unless the node says that there is none.
func (n *node) call(ctx context.Context, method string, params map[string]any) (json.RawMessage, error) {
	result, err := n.ask.Call(ctx, method, []any{params})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// refused turns a failure that a result tells of into an error.
func (n *node) refused(method string, f failure) error {
	return n.ask.Refused(method, "it says: %s", egress.Quote(f.Name+" "+f.Message))
}

// Chain returns the chain of the node's network number. Nodes that name none
// are of the main network.
func (n *node) Chain(ctx context.Context) (chains.Chain, error) {
	result, err := n.call(ctx, "server_info", map[string]any{})
	if err != nil {
		return "", err
	}
	network, failed, err := parseInfo(result)
	if err != nil {
		return "", n.ask.Refused("server_info", "its answer is malformed: %v", err)
	}
	if failed.Name != "" {
		return "", n.refused("server_info", failed)
	}
	return chains.Chain(chains.XRPL + ":" + strconv.FormatUint(uint64(network), 10)), nil
}

// ledger returns a validated ledger by its number, or the last one for
// "validated"; ok is false if the node does not have it.
func (n *node) ledger(ctx context.Context, which any) (chains.BlockRef, bool, error) {
	result, err := n.call(ctx, "ledger", map[string]any{"ledger_index": which})
	if err != nil {
		return chains.BlockRef{}, false, err
	}
	block, failed, err := parseLedger(result)
	switch {
	case err != nil:
		return block, false, n.ask.Refused("ledger", "its answer is malformed: %v", err)
	case failed.Name == "lgrNotFound":
		return block, false, nil
	case failed.Name != "":
		return block, false, n.refused("ledger", failed)
	}
	block.Chain = n.chain
	return block, true, nil
}

// Block returns the validated ledger of a number.
func (n *node) Block(ctx context.Context, number uint64) (chains.BlockRef, bool, error) {
	block, ok, err := n.ledger(ctx, number)
	if ok && block.Number != number {
		return block, false, n.ask.Refused("ledger", "it answers with ledger %d when asked for %d", block.Number, number)
	}
	return block, ok, err
}

// Last returns the last validated ledger.
func (n *node) Last(ctx context.Context) (chains.BlockRef, error) {
	head, ok, err := n.ledger(ctx, "validated")
	if err == nil && !ok {
		err = n.ask.Refused("ledger", "it has no validated ledger; is it still syncing?")
	}
	return head, err
}

// Pin returns the last validated ledger closed not later than the instant, once
// a later one is validated.
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
	if first.Number == 0 {
		return first, fmt.Errorf("chain %s began only after %s", n.chain, instant.UTC().Format(time.RFC3339))
	}
	block, ok, err := n.Block(ctx, first.Number-1)
	if err != nil {
		return block, err
	}
	if !ok || block.Time.After(instant) {
		return block, &chains.HistoryLostError{Block: chains.BlockRef{Chain: n.chain, Number: first.Number - 1}, Node: n.ask.Label(), Reason: "it has no such ledger"}
	}
	return block, nil
}

// Balances asks for every account at the pinned ledger.
func (n *node) Balances(ctx context.Context, pinned chains.BlockRef, holdings []chains.Holding) ([]attested.Told, error) {
	told := make([]attested.Told, len(holdings))
	for i, h := range holdings {
		address := h.Account.Address()
		result, err := n.call(ctx, "account_info", map[string]any{"account": address, "ledger_hash": pinned.Hash})
		if err != nil {
			return nil, err
		}
		amount, failed, err := parseAccount(result, address, pinned)
		switch {
		case err != nil:
			return nil, n.ask.Refused("account_info", "its answer about %s is not taken: %v", address, err)
		case failed.Name == "lgrNotFound":
			return nil, &chains.HistoryLostError{Block: pinned, Node: n.ask.Label(), Reason: "it no longer has the ledger"}
		case failed.Name != "":
			return nil, n.refused("account_info", failed)
		}
		told[i] = attested.Told{Amount: amount, Number: pinned.Number}
	}
	return told, nil
}

var errMalformed = errors.New("want an object")

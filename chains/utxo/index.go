package utxo

import (
	"bytes"
	"context"
	"errors"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// methodIndex is how a node with an address index is asked.
const methodIndex = "searchrawtransactions"

// page is the number of transactions asked for at a time; with tx of common
// sizes an answer stays at some hundred kilobytes.
const page = 100

// A sighting is a transaction of an address, and the block that it is in; the
// block is empty while it is in none.
type sighting struct {
	tx    *wire.MsgTx
	block string
}

// indexed returns an owner's coins at the pinned block by all transactions of
// its address.
func (n *node) indexed(ctx context.Context, o owner, pinned chains.BlockRef, heights map[string]uint64) ([]coin, error) {
	sightings, err := n.sightings(ctx, o.account.Address())
	if err != nil {
		return nil, err
	}
	var blocks []string
	for _, s := range sightings {
		blocks = append(blocks, s.block)
	}
	if err := n.learnHeights(ctx, blocks, heights); err != nil {
		return nil, err
	}
	unspent := map[wire.OutPoint]coin{}
	var spent []wire.OutPoint
	for _, s := range sightings {
		if s.block == "" || heights[s.block] > pinned.Number {
			continue
		}
		for _, in := range s.tx.TxIn {
			spent = append(spent, in.PreviousOutPoint)
		}
		id := s.tx.TxHash()
		for i, out := range s.tx.TxOut {
			if bytes.Equal(out.PkScript, o.script) {
				at := wire.OutPoint{Hash: id, Index: uint32(i)} //nolint:gosec // a transaction has fewer outputs
				unspent[at] = coin{owner: o, outpoint: at, block: s.block}
			}
		}
	}
	for _, at := range spent {
		delete(unspent, at)
	}
	coins := make([]coin, 0, len(unspent))
	for _, c := range unspent {
		coins = append(coins, c)
	}
	return coins, nil
}

// Error codes of btcd.
const (
	codeNoTxInfo = -5 // also Bitcoin Core's for a malformed address, which none is by now
	noTxInfo     = "No information available about address"
)

// sightings returns every transaction of an address, page by page.
func (n *node) sightings(ctx context.Context, addr string) ([]sighting, error) {
	var all []sighting
	for {
		var answer []struct {
			Hex       string `json:"hex"`
			BlockHash string `json:"blockhash"`
		}
		err := n.ask(ctx, question{methodIndex, []any{addr, 1, len(all), page, 0, false}, &answer})
		var refused *chains.RefusedError
		if errors.As(err, &refused) && refused.Code == codeNoTxInfo && refused.Reason == noTxInfo {
			return all, nil // never used, or the page before was the last
		}
		if err != nil {
			return nil, err
		}
		for _, a := range answer {
			tx, err := parseTransaction(a.Hex, n.mweb)
			if err != nil {
				return nil, &chains.RefusedError{Node: n.label, Method: methodIndex, Reason: "its answer holds no transaction"}
			}
			all = append(all, sighting{tx, a.BlockHash})
		}
		if len(answer) < page {
			return all, nil
		}
	}
}

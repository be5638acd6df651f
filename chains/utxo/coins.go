package utxo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// method is how the nodes are asked for an account's coins.
const method = "searchrawtransactions"

// page is the number of transactions asked for at a time; with tx of common
// sizes an answer stays at some hundred kilobytes.
const page = 100

// A coin is an output that was unspent at the pinned block, by one node's word.
type coin struct {
	account  chains.Account
	outpoint wire.OutPoint
	amount   int64
	block    string // hash of the block that made it
}

// script returns the output script of an account's address (SPEC part 13,
// step 4).
func script(account chains.Account, params *chaincfg.Params) ([]byte, error) {
	a, err := address.DecodeAddress(account.Address(), params)
	if err != nil {
		return nil, fmt.Errorf("its address is malformed: %w", err)
	}
	if !a.IsForNet(params) {
		return nil, fmt.Errorf("its address is of another network than %s", params.Name)
	}
	switch a.(type) {
	case *address.AddressPubKeyHash, *address.AddressScriptHash,
		*address.AddressWitnessPubKeyHash, *address.AddressWitnessScriptHash, *address.AddressTaproot:
	default:
		return nil, errors.New("its address is none of P2PKH, P2SH, P2WPKH, P2WSH, P2TR")
	}
	if got := a.EncodeAddress(); got != account.Address() {
		return nil, fmt.Errorf("its address is not in its one spelling, %s", got)
	}
	return txscript.PayToAddrScript(a)
}

// A sighting is a transaction of an address, and the block that it is in; the
// block is empty while it is in none.
type sighting struct {
	tx    *wire.MsgTx
	block string
}

// coins returns what the node says was unspent at the pinned block, sorted by
// outpoint as text.
func (n *node) coins(ctx context.Context, account chains.Account, pkScript []byte, pinned chains.BlockRef, heights map[string]uint64) ([]coin, error) {
	sightings, err := n.sightings(ctx, account.Address())
	if err != nil {
		return nil, n.fault(ctx, pinned, err)
	}
	if err := n.learnHeights(ctx, sightings, heights); err != nil {
		return nil, n.fault(ctx, pinned, err)
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
			if out.Value >= 0 && bytes.Equal(out.PkScript, pkScript) {
				at := wire.OutPoint{Hash: id, Index: uint32(i)} //nolint:gosec // a transaction has fewer outputs
				unspent[at] = coin{account: account, outpoint: at, amount: out.Value, block: s.block}
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
	slices.SortFunc(coins, func(a, b coin) int { return cmp.Compare(a.outpoint.String(), b.outpoint.String()) })
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
		err := n.ask(ctx, question{method, []any{addr, 1, len(all), page, 0, false}, &answer})
		var refused *chains.RefusedError
		if errors.As(err, &refused) && refused.Code == codeNoTxInfo && refused.Reason == noTxInfo {
			return all, nil // never used, or the page before was the last
		}
		if err != nil {
			return nil, err
		}
		for _, a := range answer {
			raw, err := hex.DecodeString(a.Hex)
			r := bytes.NewReader(raw)
			tx := new(wire.MsgTx)
			if err != nil || tx.Deserialize(r) != nil || r.Len() > 0 {
				return nil, &chains.RefusedError{Node: n.label, Method: method, Reason: "its answer holds no transaction"}
			}
			all = append(all, sighting{tx, a.BlockHash})
		}
		if len(answer) < page {
			return all, nil
		}
	}
}

// learnHeights asks for the heights of blocks that are not known yet.
func (n *node) learnHeights(ctx context.Context, sightings []sighting, heights map[string]uint64) error {
	var hashes []string
	for _, s := range sightings {
		if _, ok := heights[s.block]; !ok && s.block != "" {
			hashes = append(hashes, s.block)
		}
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	answers := make([]struct {
		Height uint64 `json:"height"`
	}, len(hashes))
	questions := make([]question, len(hashes))
	for i, h := range hashes {
		questions[i] = question{"getblockheader", []any{h, true}, &answers[i]}
	}
	if err := n.ask(ctx, questions...); err != nil {
		return err
	}
	for i, h := range hashes {
		heights[h] = answers[i].Height
	}
	return nil
}

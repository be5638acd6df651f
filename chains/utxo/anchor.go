package utxo

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// AnchorType is the type of an anchor's file (SPEC part 26).
const AnchorType = "assay/v1/anchor"

// An Anchor shows a transaction in a block, and work on top of it (SPEC part 26).
type Anchor struct {
	Branch   []string     `json:"branch"`
	Chain    chains.Chain `json:"chain"`
	Coinbase Coinbase     `json:"coinbase"`
	First    uint64       `json:"first"`
	Headers  string       `json:"headers"`
	Index    uint64       `json:"index"`
	Tx       string       `json:"tx"`
	Type     string       `json:"type"`
}

// An Anchored is a transaction that names one of the scripts asked for.
type Anchored struct {
	File   Anchor
	Block  chains.BlockRef
	Script int // which of them
}

// anchorHead begins the script that names a checkpoint: OP_RETURN, 40 bytes.
const anchorHead = "\x6a\x28assay/v1"

// AnchorScript returns the output script that names the digest of a checkpoint's text
// (SPEC part 26).
func AnchorScript(digest [32]byte) []byte { return append([]byte(anchorHead), digest[:]...) }

// Place says where to look for a transaction. Nodes without an index of transactions
// need the height.
type Place struct {
	Txid   string
	Height *uint64
}

// Anchor returns the proof that a transaction with exactly one output of one of the
// scripts stands in a block (SPEC part 26), once that block has enough confirmations,
// each with its header. Before that it returns an [UnconfirmedError] or a
// [chains.NotFinalError]. All nodes that answer must have the block.
func (s *Source) Anchor(ctx context.Context, at Place, scripts ...[]byte) (Anchored, error) {
	id, err := chainhash.NewHashFromStr(at.Txid)
	if err != nil || !isHash(at.Txid) {
		return Anchored{}, fmt.Errorf("%.80q is no transaction id: want 64 hex digits", at.Txid)
	}
	nodes, err := s.answering(ctx)
	if err != nil {
		return Anchored{}, err
	}
	n := nodes[0]
	height, err := s.heightOf(ctx, n, at)
	if err != nil {
		return Anchored{}, err
	}
	block, err := s.BlockAt(ctx, height)
	if err != nil {
		return Anchored{}, err
	}
	found, err := s.anchor(ctx, n, block, *id, scripts)
	if err != nil {
		return Anchored{}, err
	}
	// Once more at the end: nothing is kept that was read across a reorganisation.
	for _, n := range nodes {
		var reorged *chains.ReorgedError
		if err := n.checkCanonical(ctx, block); errors.As(err, &reorged) {
			return Anchored{}, &chains.RefusedError{Node: n.label, Method: "getblockhash", Reason: "its chain changed while it was read; try again"}
		} else if err != nil {
			return Anchored{}, err
		}
	}
	return found, nil
}

// codeNoTx is how nodes say that they do not know a transaction.
const codeNoTx = -5

// heightOf finds the block of a transaction.
func (s *Source) heightOf(ctx context.Context, n *node, at Place) (uint64, error) {
	if at.Height != nil {
		return *at.Height, nil
	}
	var answer struct {
		BlockHash string `json:"blockhash"`
	}
	err := n.ask(ctx, question{"getrawtransaction", []any{at.Txid, 1}, &answer})
	var refused *chains.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Code == codeNoTx:
		return 0, &UnknownTransactionError{Node: n.label, Txid: at.Txid}
	case err != nil:
		return 0, err
	case answer.BlockHash == "":
		return 0, &UnconfirmedError{Chain: s.chain, Txid: at.Txid}
	case !isHash(answer.BlockHash):
		return 0, n.malformed("getrawtransaction", "it names no block")
	}
	heights := map[string]uint64{}
	if err := n.learnHeights(ctx, []string{answer.BlockHash}, heights); err != nil {
		return 0, err
	}
	return heights[answer.BlockHash], nil
}

// anchor reads the block and the headers on top of it, and checks them.
func (s *Source) anchor(ctx context.Context, n *node, at chains.BlockRef, id chainhash.Hash, scripts [][]byte) (Anchored, error) {
	lie := func(what string, err error) error {
		return &chains.ProofError{Node: n.label, Block: at, What: what, Reason: err.Error()}
	}
	headers, err := n.headers(ctx, at.Number, s.confirmations)
	if err != nil {
		return Anchored{}, err
	}
	if got := headers[0].BlockHash().String(); got != at.Hash {
		return Anchored{}, n.malformed("getblockheader", "its chain changed while it was read; try again")
	}
	if err := errors.Join(linked(headers), s.network.checkWorks(headers)); err != nil {
		return Anchored{}, lie("the headers", err)
	}
	block, err := n.block(ctx, at.Hash)
	if err != nil {
		return Anchored{}, n.fault(ctx, at, err)
	}
	index := slices.IndexFunc(block.Transactions, func(tx *wire.MsgTx) bool { return tx.TxHash() == id })
	if index < 1 { // the coinbase is no payment
		return Anchored{}, &NotInBlockError{Block: at, Txid: id.String()}
	}
	which, err := scriptOf(block.Transactions[index], scripts)
	if err != nil {
		return Anchored{}, err
	}
	file, err := anchorFile(block, index)
	if err != nil {
		return Anchored{}, lie("block "+at.Hash, err)
	}
	var raw bytes.Buffer
	for i := range headers {
		if err := headers[i].Serialize(&raw); err != nil {
			return Anchored{}, err
		}
	}
	file.Chain, file.First, file.Headers = s.chain, at.Number, hex.EncodeToString(raw.Bytes())
	return Anchored{File: file, Block: at, Script: which}, nil
}

// scriptOf says which of the scripts a transaction has, in exactly one output.
func scriptOf(tx *wire.MsgTx, scripts [][]byte) (int, error) {
	which, outputs := -1, 0
	for _, out := range tx.TxOut {
		if i := slices.IndexFunc(scripts, func(s []byte) bool { return bytes.Equal(s, out.PkScript) }); i >= 0 {
			which = i
			outputs++
		}
	}
	if outputs != 1 {
		return 0, fmt.Errorf("transaction %s has %d outputs with a script that was asked for, want exactly one", tx.TxHash(), outputs)
	}
	return which, nil
}

// anchorFile proves a transaction of a block (SPEC part 13, step 2).
func anchorFile(block *wire.MsgBlock, index int) (Anchor, error) {
	tree, err := newMerkleTree(block)
	if err != nil {
		return Anchor{}, err
	}
	coinbase, err := stripped(block.Transactions[0])
	if err != nil {
		return Anchor{}, err
	}
	tx, err := stripped(block.Transactions[index])
	if err != nil {
		return Anchor{}, err
	}
	return Anchor{Branch: hexes(tree.branch(index)), Coinbase: Coinbase{Branch: hexes(tree.branch(0)), Tx: coinbase},
		Index: uint64(index), Tx: tx, Type: AnchorType}, nil //nolint:gosec // a place is not negative
}

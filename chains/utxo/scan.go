package utxo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// methodScan is how a node without an address index is asked.
const methodScan = "scantxoutset"

// defaultPerScan is the number of scripts looked for in one scan, each of which takes
// the node through its whole set of coins.
const defaultPerScan = 20_000

// A finding is what one scan found, as of the tip that it names.
type finding struct {
	Success   bool   `json:"success"`
	Height    uint64 `json:"height"`
	BestBlock string `json:"bestblock"`
	Unspents  []struct {
		Txid         string `json:"txid"`
		Vout         uint32 `json:"vout"`
		ScriptPubKey string `json:"scriptPubKey"`
		Height       uint64 `json:"height"`
	} `json:"unspents"`
}

// scanned returns all owners' coins at the pinned block. What is unspent at a
// tip and was made by the pinned block was unspent there too. What a block
// between them spends and was made by the pinned block was unspent there as
// well, and nothing else was. The second half is read out of every block from
// the scan's tip down to the pinned one, whichever chain the node follows by
// then.
func (n *node) scanned(ctx context.Context, owners []owner, pinned chains.BlockRef, heights map[string]uint64) ([]coin, error) {
	r := &rewind{node: n, pinned: pinned, heights: heights, owners: map[string]owner{}, read: map[string]bool{}, found: map[wire.OutPoint]coin{}}
	for _, o := range owners {
		r.owners[hex.EncodeToString(o.script)] = o
	}
	for len(owners) > 0 {
		chunk := owners[:min(len(owners), n.perScan)]
		owners = owners[len(chunk):]
		f, err := n.scan(ctx, chunk)
		if err != nil {
			return nil, err
		}
		if f.Height < pinned.Number {
			return nil, &chains.ReorgedError{Block: pinned, Node: n.label}
		}
		if err := r.keep(ctx, f); err != nil {
			return nil, err
		}
		r.tips = append(r.tips, tip{f.BestBlock, f.Height})
	}
	// The blocks come last: the tips of several scans have most of them in common.
	for _, t := range r.tips {
		if err := r.back(ctx, t); err != nil {
			return nil, err
		}
	}
	coins := make([]coin, 0, len(r.found))
	for _, c := range r.found {
		coins = append(coins, c)
	}
	return coins, nil
}

func (n *node) scan(ctx context.Context, owners []owner) (finding, error) {
	descriptors := make([]string, len(owners))
	for i, o := range owners {
		descriptors[i] = "raw(" + hex.EncodeToString(o.script) + ")"
	}
	var f finding
	err := n.askBatch(ctx, n.patient, []question{{methodScan, []any{"start", descriptors}, &f}})
	var refused *chains.RefusedError
	if errors.As(err, &refused) && refused.Code == codeNoMethod {
		return finding{}, &chains.RefusedError{Node: n.label, Method: methodIndex + " and " + methodScan, Code: refused.Code,
			Reason: refused.Reason + ": use a node that has one of them: Bitcoin Core or Litecoin Core, or btcd with --txindex and --addrindex"}
	}
	if err == nil && !f.Success {
		err = n.malformed(methodScan, "the scan did not end")
	}
	if err == nil && !isHash(f.BestBlock) {
		err = n.malformed(methodScan, "its answer does not name the block that it is true of")
	}
	return f, err
}

func (n *node) malformed(method, reason string) error {
	return &chains.RefusedError{Node: n.label, Method: method, Reason: reason}
}

func isHash(text string) bool {
	return len(text) == 2*chainhash.HashSize && strings.Trim(text, "0123456789abcdef") == ""
}

// A tip is a block that a scan was made at.
type tip struct {
	hash   string
	height uint64
}

// A rewind takes what was scanned at tips back to the pinned block.
type rewind struct {
	node    *node
	pinned  chains.BlockRef
	owners  map[string]owner // by output script, in hex
	heights map[string]uint64
	tips    []tip
	read    map[string]bool // blocks, by hash
	found   map[wire.OutPoint]coin

	tellsNoPrevouts bool // found out by asking
}

// keep takes those coins of a scan that were made by the pinned block.
func (r *rewind) keep(ctx context.Context, f finding) error {
	var made []uint64
	for _, u := range f.Unspents {
		if u.Height <= r.pinned.Number {
			made = append(made, u.Height)
		}
	}
	blocks, err := r.node.blocksAt(ctx, made)
	if err != nil {
		return err
	}
	for _, u := range f.Unspents {
		o, ours := r.owners[u.ScriptPubKey]
		id, err := chainhash.NewHashFromStr(u.Txid)
		if !ours || err != nil || !isHash(u.Txid) {
			return r.node.malformed(methodScan, "its answer holds a coin that it was not asked for")
		}
		if u.Height > r.pinned.Number {
			continue
		}
		at := wire.OutPoint{Hash: *id, Index: u.Vout}
		r.found[at] = coin{owner: o, outpoint: at, block: blocks[u.Height]}
		r.heights[blocks[u.Height]] = u.Height
	}
	return nil
}

// blocksAt returns the hashes of the blocks at some heights.
func (n *node) blocksAt(ctx context.Context, heights []uint64) (map[uint64]string, error) {
	hashes := make([]string, 0, len(heights))
	index := map[uint64]int{}
	var questions []question
	for _, h := range heights {
		if _, twice := index[h]; !twice {
			index[h] = len(hashes)
			hashes = append(hashes, "")
			questions = append(questions, question{"getblockhash", []any{h}, &hashes[index[h]]})
		}
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, err
	}
	at := make(map[uint64]string, len(index))
	for h, i := range index {
		if at[h] = hashes[i]; !isHash(at[h]) {
			return nil, n.malformed("getblockhash", "its answer is malformed")
		}
	}
	return at, nil
}

// back reads the blocks from a tip down to the pinned block, or to those that
// were read before.
func (r *rewind) back(ctx context.Context, t tip) error {
	hash := t.hash
	for height := t.height; height > r.pinned.Number; height-- {
		if r.read[hash] {
			return nil
		}
		block, err := r.node.block(ctx, hash)
		if err != nil {
			return err
		}
		if len(block.Transactions) == 0 {
			return r.node.malformed("getblock", "it has no transaction")
		}
		if _, err := newMerkleTree(block); err != nil {
			return &chains.ProofError{Node: r.node.label, Block: r.pinned, What: "block " + hash, Reason: err.Error()}
		}
		if err := r.unspend(ctx, hash, block); err != nil {
			return err
		}
		r.read[hash] = true
		hash = block.Header.PrevBlock.String()
	}
	if hash != r.pinned.Hash {
		return &chains.ReorgedError{Block: r.pinned, Node: r.node.label, Got: hash}
	}
	return nil
}

// unspend finds the owners' coins that a block after the pinned one spends.
func (r *rewind) unspend(ctx context.Context, hash string, block *wire.MsgBlock) error {
	var spent []wire.OutPoint
	for _, tx := range block.Transactions[1:] {
		for _, in := range tx.TxIn {
			spent = append(spent, in.PreviousOutPoint)
		}
	}
	if len(spent) == 0 {
		return nil
	}
	told, err := r.prevouts(ctx, hash)
	if err != nil {
		return err
	}
	var untold []wire.OutPoint
	var made []uint64
	for _, at := range spent {
		p, ok := told[at]
		if !ok {
			untold = append(untold, at)
		} else if _, ours := r.owners[p.script]; ours && p.height <= r.pinned.Number {
			made = append(made, p.height)
		}
	}
	blocks, err := r.node.blocksAt(ctx, made)
	if err != nil {
		return err
	}
	for _, at := range spent {
		p, ok := told[at]
		if o, ours := r.owners[p.script]; ok && ours && p.height <= r.pinned.Number {
			r.found[at] = coin{owner: o, outpoint: at, block: blocks[p.height]}
			r.heights[blocks[p.height]] = p.height
		}
	}
	return r.lookUp(ctx, untold)
}

// A prevout is what an input spends, as a node that keeps it for undoing tells.
type prevout struct {
	script string // hex
	height uint64 // of the block that made it
}

// prevouts returns what the inputs of a block spend. Bitcoin Core tells it since
// version 23; other nodes leave it out, and nothing is in the map.
func (r *rewind) prevouts(ctx context.Context, hash string) (map[wire.OutPoint]prevout, error) {
	told := map[wire.OutPoint]prevout{}
	if r.tellsNoPrevouts {
		return told, nil
	}
	var answer struct {
		Tx []struct {
			Vin []struct {
				Txid    string `json:"txid"`
				Vout    uint32 `json:"vout"`
				Prevout *struct {
					Height       *uint64 `json:"height"`
					ScriptPubKey struct {
						Hex string `json:"hex"`
					} `json:"scriptPubKey"`
				} `json:"prevout"`
			} `json:"vin"`
		} `json:"tx"`
	}
	const withPrevouts = 3
	if err := r.node.askBatch(ctx, r.node.patient, []question{{"getblock", []any{hash, withPrevouts}, &answer}}); err != nil {
		return nil, err
	}
	for _, tx := range answer.Tx {
		for _, in := range tx.Vin {
			id, err := chainhash.NewHashFromStr(in.Txid)
			if err == nil && in.Prevout != nil && in.Prevout.Height != nil {
				told[wire.OutPoint{Hash: *id, Index: in.Vout}] = prevout{in.Prevout.ScriptPubKey.Hex, *in.Prevout.Height}
			}
		}
	}
	r.tellsNoPrevouts = len(told) == 0
	return told, nil
}

// lookUp finds the owners' coins among outputs by their transactions, which
// takes a node with an index of transactions.
func (r *rewind) lookUp(ctx context.Context, spent []wire.OutPoint) error {
	type answer struct {
		Hex       string `json:"hex"`
		BlockHash string `json:"blockhash"`
	}
	answers := map[chainhash.Hash]*answer{}
	var questions []question
	for _, at := range spent {
		if answers[at.Hash] == nil {
			answers[at.Hash] = new(answer)
			questions = append(questions, question{"getrawtransaction", []any{at.Hash.String(), true}, answers[at.Hash]})
		}
	}
	err := r.node.ask(ctx, questions...)
	var refused *chains.RefusedError
	if errors.As(err, &refused) && refused.Code != 0 {
		return &chains.RefusedError{Node: r.node.label, Method: refused.Method, Code: refused.Code, Reason: fmt.Sprintf(
			"%s: to find again what was spent after block %d, use Bitcoin Core 23 or later, or a node with txindex=1", refused.Reason, r.pinned.Number)}
	}
	if err != nil {
		return err
	}
	var kept []coin
	var blocks []string
	for _, at := range spent {
		a := answers[at.Hash]
		tx, err := parseTransaction(a.Hex, r.node.mweb)
		if err != nil || tx.TxHash() != at.Hash || uint64(at.Index) >= uint64(len(tx.TxOut)) || !isHash(a.BlockHash) {
			return r.node.malformed("getrawtransaction", "its answer is not the transaction asked for, in a block")
		}
		if o, ours := r.owners[hex.EncodeToString(tx.TxOut[at.Index].PkScript)]; ours {
			kept = append(kept, coin{owner: o, outpoint: at, block: a.BlockHash})
			blocks = append(blocks, a.BlockHash)
		}
	}
	if err := r.node.learnHeights(ctx, blocks, r.heights); err != nil {
		return err
	}
	for _, c := range kept {
		if r.heights[c.block] <= r.pinned.Number {
			r.found[c.outpoint] = c
		}
	}
	return nil
}

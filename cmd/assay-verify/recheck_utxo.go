package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"time"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// utxoNode asks a node of a bip122 chain (SPEC part 17, Rechecking with one's own nodes).
type utxoNode struct{ *node }

func (n utxoNode) name() string { return n.label }

func (n utxoNode) chain(ctx context.Context) (string, error) {
	c := &call{method: "getblockhash", params: []any{0}}
	if err := n.ask(ctx, c); err != nil {
		return "", err
	}
	genesis, err := n.hash(c)
	if err != nil {
		return "", err
	}
	return "bip122:" + genesis[:32], nil
}

func (n utxoNode) hash(c *call) (string, error) {
	var hash string
	if err := c.read(n.node, &hash); err != nil {
		return "", err
	}
	if !isHash(hash) {
		return "", c.malformed(n.node)
	}
	return hash, nil
}

// A utxoHead is what is read of a block's header.
type utxoHead struct {
	Height        uint64 `json:"height"`
	Time          int64  `json:"time"`
	Confirmations int64  `json:"confirmations"` // below 1: not in the best chain
}

func (n utxoNode) head(ctx context.Context, hash string) (h utxoHead, err error) {
	c := &call{method: "getblockheader", params: []any{hash, true}}
	if err := n.ask(ctx, c); err != nil {
		return h, err
	}
	return h, c.read(n.node, &h)
}

// clockSlack is how far a Bitcoin block's time may run ahead of those after it.
const clockSlack = 2 * time.Hour

func (n utxoNode) block(ctx context.Context, pinned claim.Block) (string, error) {
	best := &call{method: "getbestblockhash"}
	if err := n.ask(ctx, best); err != nil {
		return "", err
	}
	tipHash, err := n.hash(best)
	if err != nil {
		return "", err
	}
	tip, err := n.head(ctx, tipHash)
	if err != nil {
		return "", err
	}
	if tip.Height < pinned.Number {
		return "", behind(n.label, pinned, tip.Height, time.Unix(tip.Time, 0), clockSlack)
	}
	at := &call{method: "getblockhash", params: []any{pinned.Number}}
	if err := n.ask(ctx, at); err != nil {
		return "", err
	}
	hash, err := n.hash(at)
	if err != nil {
		return "", err
	}
	if hash != pinned.Hash {
		return hash, otherHash(n.label, pinned, hash)
	}
	head, err := n.head(ctx, hash)
	if err != nil {
		return "", err
	}
	if head.Height != pinned.Number || head.Confirmations < 1 {
		return "", &noAnswer{n.label, fmt.Sprintf("it gives block %s at height %d, and by its hash at height %d with %d confirmations", hash, pinned.Number, head.Height, head.Confirmations)}
	}
	if head.Time != pinned.Time.Unix() {
		return hash, otherTime(n.label, pinned, time.Unix(head.Time, 0))
	}
	return hash, nil
}

// A txout is what a node says of an output that is unspent in its best chain.
type txout struct {
	BestBlock     string      `json:"bestblock"`
	Confirmations uint64      `json:"confirmations"`
	Value         json.Number `json:"value"`
	Script        struct {
		Hex string `json:"hex"`
	} `json:"scriptPubKey"`
}

func (n utxoNode) holdings(ctx context.Context, p verifier.Pinned) (found, error) {
	calls := make([]*call, len(p.Outputs))
	for i, o := range p.Outputs {
		calls[i] = &call{method: "gettxout", params: []any{o.TxID, o.Vout, false}} // false: the chain alone, no memory pool
	}
	if err := n.ask(ctx, calls...); err != nil {
		return found{}, err
	}
	f := found{asked: len(calls)}
	var wrong faultList
	sum, all := new(big.Int), new(big.Int)
	heights := map[string]uint64{} // of best blocks: the chain may grow between two answers
	for i, c := range calls {
		o := p.Outputs[i]
		all.Add(all, o.Amount)
		if c.refused == nil && c.none() {
			f.missing = append(f.missing, fmt.Sprintf("%s:%d", o.TxID, o.Vout))
			continue
		}
		var answer txout
		if err := c.read(n.node, &answer); err != nil {
			return found{}, err
		}
		value, ok := satoshi(answer.Value)
		if !ok || !isHash(answer.BestBlock) || answer.Confirmations < 1 {
			return found{}, c.malformed(n.node)
		}
		tip, known := heights[answer.BestBlock]
		if !known {
			h, err := n.head(ctx, answer.BestBlock)
			if err != nil {
				return found{}, err
			}
			tip, heights[answer.BestBlock] = h.Height, h.Height
		}
		if answer.Confirmations > tip+1 {
			return found{}, c.malformed(n.node)
		}
		if says := differs(o, answer, value, tip+1-answer.Confirmations, p.Block); says != "" {
			wrong.add("node %s: output %s:%d %s", n.label, o.TxID, o.Vout, says)
			continue
		}
		f.agreed++
		sum.Add(sum, value)
	}
	f.detail = fmt.Sprintf("%d of %d outputs are unspent now, %s of %s base units", f.agreed, f.asked, sum, all)
	return f, wrong.err()
}

// differs says how an unspent output is not the one that the evidence names.
func differs(o evidence.Output, answer txout, value *big.Int, height uint64, block claim.Block) string {
	switch {
	case value.Cmp(o.Amount) != 0:
		return fmt.Sprintf("pays %s base units, the evidence says %s", value, o.Amount)
	case answer.Script.Hex != hex.EncodeToString(o.Script):
		return "pays another script than that of " + o.Account
	case height > block.Number:
		return fmt.Sprintf("was created in block %d, after the pinned block %d", height, block.Number)
	}
	return ""
}

var coins = regexp.MustCompile(`^[0-9]{1,8}(\.[0-9]{1,20})?([eE][-+]?[0-9]{1,2})?$`)

// satoshi reads a node's amount in coins, exactly.
func satoshi(n json.Number) (*big.Int, bool) {
	if !coins.MatchString(n.String()) {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !r.Mul(r, big.NewRat(100_000_000, 1)).IsInt() {
		return nil, false
	}
	return new(big.Int).Set(r.Num()), true
}

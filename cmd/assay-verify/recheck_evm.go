package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

// evmNode asks a node of an eip155 chain (SPEC part 17, Rechecking with one's own nodes).
type evmNode struct{ *node }

func (n evmNode) name() string { return n.label }

func (n evmNode) chain(ctx context.Context) (string, error) {
	c := &call{method: "eth_chainId"}
	if err := n.ask(ctx, c); err != nil {
		return "", err
	}
	id, err := n.quantity(c)
	if err != nil {
		return "", err
	}
	return "eip155:" + id.String(), nil
}

// quantity reads a result that is a number: 0x and hex digits.
func (n evmNode) quantity(c *call) (*big.Int, error) {
	var text string
	if err := c.read(n.node, &text); err != nil {
		return nil, err
	}
	v, ok := quantity(text)
	if !ok {
		return nil, c.malformed(n.node)
	}
	return v, nil
}

func quantity(s string) (*big.Int, bool) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || digits == "" || len(digits) > 64 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return nil, false
	}
	return new(big.Int).SetString(digits, 16)
}

// An evmHead is what is read of a block.
type evmHead struct {
	hash         string
	number, time uint64
}

// head reads a block; nil is a block that the node does not have.
func (n evmNode) head(c *call) (*evmHead, error) {
	if c.refused == nil && c.none() {
		return nil, nil //nolint:nilnil // no such block is an answer
	}
	var raw struct{ Hash, Number, Timestamp string }
	if err := c.read(n.node, &raw); err != nil {
		return nil, err
	}
	number, ok1 := quantity(raw.Number)
	seconds, ok2 := quantity(raw.Timestamp)
	hash := strings.ToLower(raw.Hash)
	if !ok1 || !ok2 || !number.IsUint64() || !seconds.IsInt64() || !isHash(strings.TrimPrefix(hash, "0x")) || len(hash) != 66 {
		return nil, c.malformed(n.node)
	}
	return &evmHead{hash, number.Uint64(), seconds.Uint64()}, nil
}

// isHash reports whether s is 64 lower-case hex digits.
func isHash(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

func (n evmNode) block(ctx context.Context, pinned claim.Block) (string, error) {
	number := "0x" + strconv.FormatUint(pinned.Number, 16)
	byNumber, byHash := &call{method: "eth_getBlockByNumber", params: []any{number, false}}, &call{method: "eth_getBlockByHash", params: []any{pinned.Hash, false}}
	latest := &call{method: "eth_getBlockByNumber", params: []any{"latest", false}}
	if err := n.ask(ctx, byNumber, byHash, latest); err != nil {
		return "", err
	}
	tip, err := n.head(latest)
	if err != nil {
		return "", err
	}
	if tip == nil {
		return "", latest.malformed(n.node)
	}
	if tip.number < pinned.Number {
		return "", behind(n.label, pinned, tip.number, time.Unix(int64(tip.time), 0), 0) //nolint:gosec // head made sure that it fits
	}
	got, err := n.head(byNumber)
	if err != nil {
		return "", err
	}
	if got == nil {
		return "", &noAnswer{n.label, fmt.Sprintf("it does not have block %d, though its chain goes on to block %d", pinned.Number, tip.number)}
	}
	if got.number != pinned.Number {
		return "", &noAnswer{n.label, fmt.Sprintf("it answers with block %d when asked for block %d", got.number, pinned.Number)}
	}
	if got.hash != pinned.Hash {
		return got.hash, otherHash(n.label, pinned, got.hash)
	}
	if got.time != uint64(pinned.Time.Unix()) { //nolint:gosec // a time of SPEC part 2 is not negative where it matters: a mismatch
		return got.hash, otherTime(n.label, pinned, time.Unix(int64(got.time), 0)) //nolint:gosec // head made sure that it fits
	}
	same, err := n.head(byHash)
	if err != nil {
		return "", err
	}
	if same == nil || *same != *got {
		return "", &noAnswer{n.label, fmt.Sprintf("it gives block %d by number, and not the same block by its hash", pinned.Number)}
	}
	return got.hash, nil
}

func (n evmNode) holdings(ctx context.Context, p verifier.Pinned) (found, error) {
	at := map[string]any{"blockHash": p.Block.Hash, "requireCanonical": true}
	calls := make([]*call, len(p.Lines))
	for i, l := range p.Lines {
		address := strings.TrimPrefix(l.Account, p.Block.Chain+":")
		contract, erc20 := strings.CutPrefix(l.Token, p.Block.Chain+"/erc20:")
		switch {
		case erc20:
			data := "0x70a08231" + strings.Repeat("0", 24) + strings.TrimPrefix(address, "0x") // balanceOf(address)
			calls[i] = &call{method: "eth_call", params: []any{map[string]any{"to": contract, "data": data}, at}}
		case strings.HasPrefix(l.Token, p.Block.Chain+"/slip44:"):
			calls[i] = &call{method: "eth_getBalance", params: []any{address, at}}
		default:
			return found{}, &contradiction{fmt.Sprintf("the line of %s names token %s, which is of another chain", l.Account, l.Token)}
		}
	}
	if err := n.ask(ctx, calls...); err != nil {
		return found{}, err
	}
	var wrong faultList
	var stopped error // the first line that the node has no answer for; a contradiction in another outweighs it
	for i, c := range calls {
		l := p.Lines[i]
		got, err := n.balance(c)
		if c.refused != nil {
			err = n.refusedState(c, p.Block, l)
		}
		if err != nil {
			if !wrong.take(err) && stopped == nil {
				stopped = err
			}
			continue
		}
		switch {
		case got == nil:
			wrong.add("node %s: %s has no code at block %d, so %s holds none of it, the statement says %s", n.label, l.Token, p.Block.Number, l.Account, l.Amount)
		case got.Cmp(l.Amount) != 0:
			wrong.add("node %s: %s holds %s base units of %s at block %d, the statement says %s", n.label, l.Account, got, l.Token, p.Block.Number, l.Amount)
		}
	}
	if err := wrong.err(); err != nil {
		return found{}, err
	}
	return found{detail: fmt.Sprintf("%d balances", len(calls)), asked: len(calls), agreed: len(calls)}, stopped
}

// balance reads the answer about one line; nil is a call that met no code.
func (n evmNode) balance(c *call) (*big.Int, error) {
	if c.method == "eth_getBalance" {
		return n.quantity(c)
	}
	var text string
	if err := c.read(n.node, &text); err != nil {
		return nil, err
	}
	if text == "0x" {
		return nil, nil //nolint:nilnil // no code is an answer
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(raw) != 32 {
		return nil, c.malformed(n.node)
	}
	return new(big.Int).SetBytes(raw), nil
}

// reverted is the code that nodes give with the reason of a call that a contract refused.
const reverted = 3

// refusedState tells a node that no longer has a block's state, and a contract that refuses, from a node that does not answer.
func (n evmNode) refusedState(c *call, block claim.Block, l claim.Line) error {
	said := strings.ToLower(c.refused.text)
	if c.refused.code == reverted || strings.Contains(said, "execution reverted") {
		return &contradiction{fmt.Sprintf("node %s: %s refuses balanceOf for %s at block %d, the statement says %s", n.label, l.Token, l.Account, block.Number, l.Amount)}
	}
	for _, phrase := range lostPhrases {
		if strings.Contains(said, phrase) {
			return &lostState{n.label, fmt.Sprintf("it no longer has the state of block %d (it says: %s); ask a node that keeps old states", block.Number, c.refused.text)}
		}
	}
	return c.refusedBy(n.node)
}

// lostPhrases are how nodes say that they no longer have an old state: geth, anvil, Erigon, Reth, Nethermind, Besu.
var lostPhrases = []string{
	"missing trie node", "historical state", "state not available", "state is not available", "state unavailable", "no state available",
	"missing state", "pruned", "too old", "proof window", "world state", "due to pruning",
}

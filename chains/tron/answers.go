package tron

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// parseBlock reads a block's JSON; ok is false for {}, which is how a node says
// that it has no such block. The chain is left to the caller.
func parseBlock(body []byte) (block chains.BlockRef, ok bool, err error) {
	var answer struct {
		ID     string `json:"blockID"`
		Header *struct {
			Raw struct {
				Number    uint64 `json:"number"`    // absent in block 0
				Timestamp uint64 `json:"timestamp"` // in milliseconds
			} `json:"raw_data"`
		} `json:"block_header"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return block, false, errors.New("no block")
	}
	if answer.ID == "" && answer.Header == nil {
		return block, false, nil
	}
	if !isHash(answer.ID) || answer.Header == nil {
		return block, false, errors.New("a block needs an id of 64 hex digits and a header")
	}
	raw := answer.Header.Raw
	if named, err := strconv.ParseUint(answer.ID[:16], 16, 64); err != nil || named != raw.Number {
		return block, false, fmt.Errorf("the id %s is not of block %d", answer.ID, raw.Number)
	}
	const latest = 253402300799 // the last second of the year 9999
	seconds := raw.Timestamp / 1000
	if raw.Timestamp%1000 != 0 {
		seconds++ // a block within a second is after the instant that the second begins with
	}
	if seconds > latest {
		return block, false, fmt.Errorf("time %d is out of range", raw.Timestamp)
	}
	return chains.BlockRef{Hash: answer.ID, Number: raw.Number, Time: time.Unix(int64(seconds), 0).UTC()}, true, nil
}

func isHash(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// coins asks how many sun an account held at the pinned block.
func (n *node) coins(ctx context.Context, address []byte, pinned chains.BlockRef) (*uint256.Int, error) {
	body, err := n.post(ctx, pathBalance, map[string]any{
		"account_identifier": map[string]any{"address": hexAddress(address)},
		"block_identifier":   map[string]any{"hash": pinned.Hash, "number": pinned.Number},
	})
	if err != nil {
		return nil, err
	}
	amount, err := parseBalance(body, pinned)
	if err != nil {
		return nil, n.ask.Refused(pathBalance, "%v", err)
	}
	return amount, nil
}

// parseBalance reads an answer to getaccountbalance. The block that it names is
// the last one up to the pinned one in which the balance changed.
func parseBalance(body []byte, pinned chains.BlockRef) (*uint256.Int, error) {
	var answer struct {
		Balance *uint64 `json:"balance"` // absent if 0, in some versions
		Block   *struct {
			Hash   string `json:"hash"`
			Number uint64 `json:"number"`
		} `json:"block_identifier"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("its answer is malformed")
	}
	switch at := answer.Block; {
	case at == nil || !isHash(at.Hash):
		return nil, errors.New("its answer names no block")
	case at.Number > pinned.Number:
		return nil, fmt.Errorf("its answer is of block %d, after the pinned %d", at.Number, pinned.Number)
	case at.Number == pinned.Number && at.Hash != pinned.Hash:
		return nil, fmt.Errorf("its answer is of block %s, pinned is %s", at.Hash, pinned.Hash)
	}
	if answer.Balance == nil {
		return new(uint256.Int), nil
	}
	return uint256.NewInt(*answer.Balance), nil
}

// tokens asks how much of a TRC-20 token an account holds as of the last
// solidified block.
func (n *node) tokens(ctx context.Context, address []byte, contract string) (*uint256.Int, error) {
	at, err := decodeAddress(contract)
	if err != nil {
		return nil, err
	}
	body, err := n.post(ctx, pathConstant, map[string]any{
		"owner_address": hexAddress(address), "contract_address": hexAddress(at),
		"function_selector": "balanceOf(address)", "parameter": strings.Repeat("0", 24) + hexAddress(address[1:]),
	})
	if err != nil {
		return nil, err
	}
	amount, err := parseConstant(body)
	if err != nil {
		return nil, n.ask.Refused(pathConstant, "token %s: %v", contract, err)
	}
	return amount, nil
}

// parseConstant reads the word that a constant call returned. A revert has a
// result too, which is its reason and must not pass for a number.
func parseConstant(body []byte) (*uint256.Int, error) {
	var answer struct {
		Result struct {
			Result  bool   `json:"result"`
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"result"`
		Words       []string `json:"constant_result"`
		Transaction struct {
			Ret []struct {
				Ret string `json:"ret"`
			} `json:"ret"`
		} `json:"transaction"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("its answer is malformed")
	}
	r := answer.Result
	if !r.Result || r.Code != "" || r.Message != "" {
		return nil, fmt.Errorf("the call failed: %s %s", egress.Quote(r.Code), egress.Quote(readable(r.Message)))
	}
	for _, ret := range answer.Transaction.Ret {
		if ret.Ret != "" && !strings.HasPrefix(ret.Ret, "SUC") { // nodes misspell success
			return nil, fmt.Errorf("the call failed: %s", egress.Quote(ret.Ret))
		}
	}
	if len(answer.Words) != 1 || !isHash(answer.Words[0]) {
		return nil, errors.New("balanceOf returned no word of 32 bytes")
	}
	word, err := hex.DecodeString(answer.Words[0])
	if err != nil {
		return nil, err
	}
	return new(uint256.Int).SetBytes(word), nil
}

// readable turns a message in hex, as nodes give it, into text.
func readable(message string) string {
	if text, err := hex.DecodeString(message); err == nil {
		return string(text)
	}
	return message
}

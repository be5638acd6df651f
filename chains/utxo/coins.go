package utxo

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
)

// An owner is an account and the output script of its address.
type owner struct {
	account chains.Account
	script  []byte
}

// A coin is an output that was unspent at the pinned block, by one node's word.
type coin struct {
	owner
	outpoint wire.OutPoint
	block    string // hash of the block that made it
	amount   int64  // known once the coin's block is proved
}

// codeNoMethod is JSON-RPC's for a method that a node does not have.
const codeNoMethod = -32601

// coins returns what the node says was unspent at the pinned block, sorted by
// account and outpoint as text, and the method that was asked.
func (n *node) coins(ctx context.Context, owners []owner, pinned chains.BlockRef, heights map[string]uint64) (all []coin, method string, err error) {
	method = methodIndex
	for i, o := range owners {
		coins, err := n.indexed(ctx, o, pinned, heights)
		var refused *chains.RefusedError
		if i == 0 && errors.As(err, &refused) && refused.Code == codeNoMethod {
			method = methodScan
			break
		}
		if err != nil {
			return nil, "", n.fault(ctx, pinned, err)
		}
		all = append(all, coins...)
	}
	if method == methodScan {
		if all, err = n.scanned(ctx, owners, pinned, heights); err != nil {
			return nil, "", n.fault(ctx, pinned, err)
		}
	}
	slices.SortFunc(all, func(a, b coin) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.outpoint.String(), b.outpoint.String()))
	})
	return all, method, nil
}

// learnHeights asks for the heights of blocks that are not known yet.
func (n *node) learnHeights(ctx context.Context, hashes []string, heights map[string]uint64) error {
	hashes = slices.DeleteFunc(slices.Clone(hashes), func(h string) bool {
		_, known := heights[h]
		return known || h == ""
	})
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

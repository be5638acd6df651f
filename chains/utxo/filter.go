package utxo

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2/gcs"
	"github.com/btcsuite/btcd/btcutil/v2/gcs/builder"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/chains"
)

const (
	leastFilterNodes = 2
	// maxFilters leaves room for proofs in the 1 GiB of an evidence file (SPEC part 18).
	maxFilters = 900 << 20
	// filtersAtATime keeps an answer at some megabytes on Bitcoin's main network.
	filtersAtATime = 100
)

// filter gathers the compact filters of all headers, and whole blocks where one
// matches an account with coins. It keeps nothing that a verifier would refuse
// (SPEC part 13, steps 6 to 9).
func (g *gathering) filter(ctx context.Context, nodes []*node) error {
	g.file.Filters = &Filters{Attested: []FilterHeader{}, Blocks: []WholeBlock{}, Filters: []string{}}
	core, err := g.attestFilters(ctx, nodes)
	if err != nil {
		return err
	}
	n := nodes[0]
	var previous chainhash.Hash
	if g.file.First > 0 {
		if previous, _, err = n.filterHeader(ctx, g.headers[0].PrevBlock); err != nil {
			return n.fault(ctx, g.pinned, err)
		}
	}
	g.file.Filters.Previous = previous.String()
	matches, last, err := g.walkFilters(ctx, n, core, previous)
	if err != nil {
		return err
	}
	if got, want := last.String(), g.file.Filters.Attested[0].Header; got != want {
		return g.lie(n, "the compact filters", fmt.Sprintf("they lead to the filter header %s, every node says %s", got, want))
	}
	for _, b := range g.file.Blocks {
		if _, matched := slices.BinarySearch(matches, b.Height-g.file.First); !matched {
			return g.lie(n, fmt.Sprintf("the compact filter of block %d", b.Height), "it does not match a coin that the block made")
		}
	}
	return g.wholeBlocks(ctx, n, matches)
}

// attestFilters asks every node for the filter header of the pinned block; all
// must say the same. It returns whether the first node is of Bitcoin Core's kind.
func (g *gathering) attestFilters(ctx context.Context, nodes []*node) (core bool, err error) {
	pinned := g.headers[len(g.headers)-1].BlockHash()
	attested := make([]FilterHeader, len(nodes))
	for i, n := range nodes {
		header, likeCore, err := n.filterHeader(ctx, pinned)
		if err != nil {
			return false, n.fault(ctx, g.pinned, err)
		}
		attested[i] = FilterHeader{Header: header.String(), Node: n.witness}
		if i == 0 {
			core = likeCore
		}
		if first := attested[0]; first.Header != attested[i].Header {
			return false, &chains.DisagreementError{
				Chain: g.source.chain, What: fmt.Sprintf("the filter header of block %d", g.pinned.Number),
				Answers: []chains.NodeAnswer{
					{Node: first.Node + " (" + nodes[0].label + ")", Answer: first.Header},
					{Node: n.witness + " (" + n.label + ")", Answer: attested[i].Header}},
			}
		}
	}
	slices.SortFunc(attested, func(a, b FilterHeader) int { return cmp.Compare(a.Node, b.Node) })
	g.file.Filters.Attested = attested
	return core, nil
}

// walkFilters fetches all filters, and returns the places of those that match
// and the filter header that they lead to.
func (g *gathering) walkFilters(ctx context.Context, n *node, core bool, header chainhash.Hash) (matches []uint64, last chainhash.Hash, err error) {
	scripts := g.scripts()
	blocks := make([]chainhash.Hash, len(g.headers))
	for i := range blocks {
		blocks[i] = g.headers[i].BlockHash()
	}
	for done := 0; done < len(blocks); {
		part := blocks[done:min(done+filtersAtATime, len(blocks))]
		filters, err := n.filters(ctx, core, part)
		if err != nil {
			return nil, last, n.fault(ctx, g.pinned, err)
		}
		found, err := matchAll(part, filters, scripts)
		if err != nil {
			return nil, last, g.lie(n, "the compact filters", err.Error())
		}
		for i, raw := range filters {
			header = nextFilterHeader(raw, header)
			text := hex.EncodeToString(raw)
			if err := g.grow(len(text)); err != nil {
				return nil, last, err
			}
			g.file.Filters.Filters = append(g.file.Filters.Filters, text)
			if found[i] {
				matches = append(matches, uint64(done+i)) //nolint:gosec // a place is not negative
			}
		}
		done += len(part)
		g.source.progress("compact filters of "+string(g.source.chain), int64(done), int64(len(blocks)))
	}
	return matches, header, nil
}

// scripts are those of the accounts that have coins.
func (g *gathering) scripts() [][]byte {
	var scripts [][]byte
	for i, c := range g.coins {
		if i == 0 || c.account != g.coins[i-1].account {
			scripts = append(scripts, c.script)
		}
	}
	return scripts
}

// grow counts what the evidence holds, and refuses more than may be read again.
func (g *gathering) grow(bytes int) error {
	if g.size += bytes; g.size > g.source.mostFilters {
		return &TooLargeError{Chain: g.source.chain, First: g.file.First, Pinned: g.pinned.Number, Most: g.source.mostFilters}
	}
	return nil
}

// nextFilterHeader is the filter header of a block by that of the one before
// (BIP-157).
func nextFilterHeader(filter []byte, previous chainhash.Hash) chainhash.Hash {
	hash := chainhash.DoubleHashH(filter)
	return chainhash.DoubleHashH(append(hash[:], previous[:]...))
}

// matchAll says of each block's filter whether it matches any script.
func matchAll(blocks []chainhash.Hash, filters [][]byte, scripts [][]byte) ([]bool, error) {
	found := make([]bool, len(filters))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i := range filters {
		work.Go(func() (err error) {
			if found[i], err = match(blocks[i], filters[i], scripts); err != nil {
				return fmt.Errorf("that of block %s: %w", blocks[i], err)
			}
			return nil
		})
	}
	return found, work.Wait()
}

// match reports whether a basic filter of a block matches any of the scripts
// (BIP-158). Of the library's ways to ask, this one compares all 64 bits.
func match(block chainhash.Hash, filter []byte, scripts [][]byte) (bool, error) {
	set, err := gcs.FromNBytes(builder.DefaultP, builder.DefaultM, filter)
	if err != nil {
		return false, fmt.Errorf("it is no filter: %w", err)
	}
	if set.N() == 0 || len(scripts) == 0 {
		return false, nil
	}
	return set.ZipMatchAny(builder.DeriveKey(&block), scripts)
}

// wholeBlocks keeps all transactions of the blocks that match, none of which
// spends one of the coins.
func (g *gathering) wholeBlocks(ctx context.Context, n *node, matches []uint64) error {
	coins := make(map[wire.OutPoint]chains.Account, len(g.coins))
	for _, c := range g.coins {
		coins[c.outpoint] = c.account
	}
	for done, at := range matches {
		hash := g.headers[at].BlockHash().String()
		block, err := n.block(ctx, hash)
		if err != nil {
			return n.fault(ctx, g.pinned, err)
		}
		whole := WholeBlock{Height: g.file.First + at, Transactions: make([]string, len(block.Transactions))}
		if len(block.Transactions) == 0 {
			return g.lie(n, "block "+hash, "it has no transaction")
		}
		if _, err := newMerkleTree(block); err != nil {
			return g.lie(n, "block "+hash, err.Error())
		}
		for i, tx := range block.Transactions {
			for _, in := range tx.TxIn {
				if account, ours := coins[in.PreviousOutPoint]; ours {
					return &SpentError{Account: account, Outpoint: in.PreviousOutPoint.String(), Pinned: g.pinned.Number, Block: whole.Height, Tx: tx.TxHash().String()}
				}
			}
			if whole.Transactions[i], err = stripped(tx); err != nil {
				return g.lie(n, "block "+hash, err.Error())
			}
			if err := g.grow(len(whole.Transactions[i])); err != nil {
				return err
			}
		}
		g.file.Filters.Blocks = append(g.file.Filters.Blocks, whole)
		g.source.progress("blocks that a filter matches on "+string(g.source.chain), int64(done+1), int64(len(matches)))
	}
	return nil
}

// How nodes are asked for filters: btcd, and Bitcoin Core's kind.
const (
	methodFilter       = "getcfilter"
	methodFilterHeader = "getcfilterheader"
	methodCoreFilter   = "getblockfilter"
	basicFilter        = 0
)

type coreFilter struct {
	Filter string `json:"filter"`
	Header string `json:"header"`
}

// filterHeader asks for the filter header of a block, and finds out by asking
// which kind of node it is.
func (n *node) filterHeader(ctx context.Context, block chainhash.Hash) (header chainhash.Hash, core bool, err error) {
	var text string
	err = n.ask(ctx, question{methodFilterHeader, []any{block.String(), basicFilter}, &text})
	var refused *chains.RefusedError
	if errors.As(err, &refused) && refused.Code == codeNoMethod {
		var answer coreFilter
		core = true
		err = n.ask(ctx, question{methodCoreFilter, []any{block.String()}, &answer})
		text = answer.Header
	}
	if err != nil {
		return header, core, withoutFilters(err)
	}
	if !isHash(text) {
		return header, core, n.malformed("its filter header", "it is no hash")
	}
	return header, core, chainhash.Decode(&header, text)
}

// filters asks for the filters of some blocks.
func (n *node) filters(ctx context.Context, core bool, blocks []chainhash.Hash) ([][]byte, error) {
	texts, answers, questions := make([]string, len(blocks)), make([]coreFilter, len(blocks)), make([]question, len(blocks))
	for i, b := range blocks {
		questions[i] = question{methodFilter, []any{b.String(), basicFilter}, &texts[i]}
		if core {
			questions[i] = question{methodCoreFilter, []any{b.String()}, &answers[i]}
		}
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, withoutFilters(err)
	}
	filters := make([][]byte, len(blocks))
	for i := range filters {
		if core {
			texts[i] = answers[i].Filter
		}
		var err error
		if filters[i], err = hex.DecodeString(texts[i]); err != nil || len(filters[i]) == 0 {
			return nil, n.malformed(questions[i].method, "its answer is no filter")
		}
	}
	return filters, nil
}

// withoutFilters adds what a node needs to serve filters.
func withoutFilters(err error) error {
	var refused *chains.RefusedError
	if !errors.As(err, &refused) || refused.Code == 0 {
		return err
	}
	with := *refused
	with.Reason += ": to serve compact filters, Bitcoin Core and Litecoin Core take blockfilterindex=1 and some time, btcd must not run with --nocfilters"
	return &with
}

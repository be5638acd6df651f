// Package utxo gathers proofs of coins on Bitcoin, Litecoin and their test
// networks.
//
// A coin is shown by the transaction that made it, the Merkle branch from
// there to its block's header, and the unbroken run of headers from there to
// the pinned block, each with its proof of work. All of that is built here out
// of raw blocks and checked before it is kept; the node could not invent it
// without the work.
//
// What no such proof can show is that a coin was not spent since. That is the
// word of the nodes asked, and it is kept as that: the evidence names each node
// and the coins that it said were unspent at the pinned block. With more than
// one node they must say the same.
//
// Two kinds of node are asked, each found out by asking. One with an address
// index (btcd with --txindex and --addrindex) lists every transaction of an
// address by searchrawtransactions. One without (Bitcoin Core, Litecoin Core)
// goes through its whole set of coins by scantxoutset, but only as of its tip:
// coins made after the pinned block are dropped, and the blocks from there to
// the tip are read for the coins that were spent in them. So both ways the
// coins are those at the pinned height exactly, whatever happened since.
//
// With compact filters (BIP-158) more than the nodes' word stands behind it:
// the filters of all blocks from the oldest coin to the pinned one say which
// blocks may touch the accounts, those blocks are kept whole, and none of them
// spends a coin. Two nodes must say the same of the filters, as blocks do not
// commit to them.
package utxo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// defaultConfirmations is how deep Bitcoin's users want a block to lie.
const defaultConfirmations = 6

const (
	defaultScanTimeout = 2 * time.Hour
	defaultScanBytes   = 256 << 20 // some 700,000 coins
)

// Options are the knobs of a Source; the zero value is right for Bitcoin.
type Options struct {
	// Confirmations is how many a block must have to be pinned, itself counted.
	// Zero means 6.
	Confirmations uint64

	// Filters adds compact filters to the evidence. It takes two nodes, each of
	// which serves them: btcd, or Bitcoin Core or Litecoin Core with
	// blockfilterindex=1.
	Filters bool
	// Progress is told how far long work is; it may be nil.
	Progress func(stage string, done, total int64)

	Limits egress.Limits
	// ScanTimeout bounds one scantxoutset, which goes through the node's whole
	// set of coins: minutes on mainnet. Zero means 2 hours.
	ScanTimeout time.Duration
}

// A Source reads one Bitcoin or Litecoin network from one or more nodes of it. With
// several, all that answer must agree. It implements chains.Source (SPEC part
// 13).
type Source struct {
	chain         chains.Chain
	network       *network
	nodes         []*node
	confirmations uint64
	filters       bool
	progress      func(stage string, done, total int64)
	mostFilters   int // bytes of filters and whole blocks
}

var _ chains.Source = (*Source)(nil)

// New returns the source of a Bitcoin or Litecoin network (SPEC part 13). A node's URL carries its user name and password. New
// asks the nodes nothing yet; the context is there so that every adapter is
// opened alike.
func New(_ context.Context, chain chains.Chain, urls []string, opts Options) (*Source, error) {
	network := networkOf(chain)
	if network == nil {
		return nil, fmt.Errorf("chain %s is not mainnet, testnet3, regtest or simnet of Bitcoin, nor mainnet, testnet4 or regtest of Litecoin", chain)
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("chain %s has no node: name at least one URL", chain)
	}
	if opts.Filters && len(urls) < leastFilterNodes {
		return nil, &TooFewNodesError{Chain: chain, Got: len(urls)}
	}
	s := &Source{chain: chain, network: network, confirmations: opts.Confirmations, filters: opts.Filters, progress: opts.Progress, mostFilters: maxFilters}
	if s.progress == nil {
		s.progress = func(string, int64, int64) {}
	}
	if s.confirmations == 0 {
		s.confirmations = defaultConfirmations
	}
	patience := egress.Limits{Bytes: opts.Limits.Bytes, Timeout: opts.ScanTimeout}
	if patience.Bytes == 0 {
		patience.Bytes = defaultScanBytes
	}
	if patience.Timeout == 0 {
		patience.Timeout = defaultScanTimeout
	}
	seen := map[string]bool{}
	for _, u := range urls {
		endpoint, err := egress.New(u, opts.Limits)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", chain, err)
		}
		patient, err := egress.New(u, patience)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", chain, err)
		}
		if seen[endpoint.Label] {
			return nil, fmt.Errorf("chain %s: node %s is listed twice, which would pass for two witnesses", chain, endpoint.Label)
		}
		seen[endpoint.Label] = true
		s.nodes = append(s.nodes, &node{
			label: endpoint.Label, witness: fmt.Sprintf("node %d", len(s.nodes)+1), endpoint: endpoint, patient: patient, perScan: defaultPerScan, mweb: network.mweb,
		})
	}
	return s, nil
}

// answering returns the nodes that answer, after checking that each is of this
// chain. A node that is down is passed over while another one answers.
func (s *Source) answering(ctx context.Context) ([]*node, error) {
	var up []*node
	var down error
	for _, n := range s.nodes {
		genesis, err := n.blockHash(ctx, 0)
		var unreachable *chains.UnreachableError
		switch {
		case errors.As(err, &unreachable):
			down = errors.Join(down, err)
			continue
		case err != nil:
			return nil, err
		}
		if got := chainOf(genesis); got != s.chain {
			return nil, &chains.WrongChainError{Node: n.label, Got: got, Want: s.chain}
		}
		up = append(up, n)
	}
	if len(up) == 0 {
		return nil, down
	}
	return up, nil
}

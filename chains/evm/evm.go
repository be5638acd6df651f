// Package evm gathers state proofs of balances on Ethereum and the chains that
// share its state trie.
//
// A node is asked for much and believed in nothing: what it answers to
// eth_getProof is a list of trie nodes, and a balance is only what those bytes
// prove against the state root of the pinned block's header, whose own hash is
// recomputed. The numbers that stand beside a proof in the JSON are not read.
//
// Two things about nodes shape the code. They forget: an ordinary full node
// proves only its last hundred or so states, and a block becomes final only
// some sixty blocks late, so all is asked in few large calls, checked at once,
// and a lost history is an error of its own and never a zero. And an ERC-20
// balance is a number in its contract's storage at a place that the contract
// chose: [Source.Gather] finds the place by watching balanceOf read it, and
// takes it only if every holder's number there is what balanceOf answers.
package evm

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// Options are the knobs of a Source; the zero value is right for Ethereum.
type Options struct {
	// Confirmations is for chains whose nodes know no finalized block: the head
	// counts as one confirmation, and a block with this many is final. Zero asks
	// the node for its finalized block.
	Confirmations uint64

	Limits egress.Limits
}

// A Source reads one EVM chain from one or more nodes of it. With several, all
// that answer must agree on the pinned block, and the proofs are those of the
// first that gives them. It implements chains.Source (SPEC part 12).
type Source struct {
	chain chains.Chain
	nodes []*node
	opts  Options
}

var _ chains.Source = (*Source)(nil)

// New returns the source of an eip155 chain. It asks the nodes nothing yet.
func New(ctx context.Context, chain chains.Chain, urls []string, opts Options) (*Source, error) {
	if _, err := chains.ParseChain(string(chain)); err != nil {
		return nil, err
	}
	if chain.Namespace() != chains.EIP155 {
		return nil, fmt.Errorf("chain %s is no eip155 chain", chain)
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("chain %s has no node: name at least one URL", chain)
	}
	s := &Source{chain: chain, opts: opts}
	for _, u := range urls {
		endpoint, err := egress.New(u, opts.Limits)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", chain, err)
		}
		client, err := rpc.DialOptions(ctx, endpoint.URL, rpc.WithHTTPClient(endpoint.HTTP))
		if err != nil {
			return nil, fmt.Errorf("chain %s: node %s: %w", chain, endpoint.Label, egress.Cause(err))
		}
		s.nodes = append(s.nodes, &node{label: endpoint.Label, rpc: client})
	}
	return s, nil
}

// Close lets go of the nodes.
func (s *Source) Close() {
	for _, n := range s.nodes {
		n.rpc.Close()
	}
}

// answering returns the nodes that answer, after checking that each is of this
// chain. A node that is down is passed over while another one answers.
func (s *Source) answering(ctx context.Context) ([]*node, error) {
	var up []*node
	var down error
	for _, n := range s.nodes {
		err := n.checkChain(ctx, s.chain)
		var unreachable *chains.UnreachableError
		switch {
		case err == nil:
			up = append(up, n)
		case errors.As(err, &unreachable):
			down = errors.Join(down, err)
		default:
			return nil, err
		}
	}
	if len(up) == 0 {
		return nil, down
	}
	return up, nil
}

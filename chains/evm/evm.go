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
// balance follows from its contract's storage in a way that the contract chose,
// a [Recipe]: [Source.Gather] finds it by watching balanceOf read, or is told it,
// and takes it only if it gives for every holder what balanceOf answers. For a
// token without one all nodes are asked, and their answers, which prove nothing,
// are kept as what they are.
//
// Of a contract wallet that is a Safe the storage shows too who owns it; of any
// other, [Source.Accepts] asks the nodes whether it takes a signature.
package evm

import (
	"context"
	"errors"
	"fmt"
	"slices"

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

	// Recipes says of tokens what cannot be found out about how their balances
	// are proved, or need not be (SPEC part 12).
	Recipes map[chains.Token]Recipe

	// Staked is what validators hold for the accounts of which staked balances
	// are asked, all of them and no others (SPEC part 22).
	Staked *Staked

	// WithoutOwners leaves the owners of Safes unproved: whoever asks what was
	// held at another time does not ask who could move it (SPEC part 21).
	WithoutOwners bool

	Limits egress.Limits
}

// A Source reads one EVM chain from one or more nodes of it. With several, all
// that answer must agree on the pinned block and on every balance that is only
// attested, and the proofs are those of the first that gives them. It implements chains.Source (SPEC part 12).
type Source struct {
	chain   chains.Chain
	nodes   []*node
	opts    Options
	recipes map[chains.Token]recipe
}

var _ chains.Source = (*Source)(nil)

// maxNodes bounds how many nodes may attest a balance (SPEC part 19).
const maxNodes = 16

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
	if len(urls) > maxNodes {
		return nil, fmt.Errorf("chain %s has %d nodes, want at most %d", chain, len(urls), maxNodes)
	}
	s := &Source{chain: chain, opts: opts, recipes: map[chains.Token]recipe{}}
	for token, r := range opts.Recipes {
		if token.Chain() != chain {
			return nil, fmt.Errorf("recipe of token %s: it is not of chain %s", token, chain)
		}
		parsed, err := r.parse(token)
		if err != nil {
			return nil, err
		}
		s.recipes[token] = parsed
	}
	for _, u := range urls {
		endpoint, err := egress.New(u, opts.Limits)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", chain, err)
		}
		if slices.ContainsFunc(s.nodes, func(n *node) bool { return n.label == endpoint.Label }) {
			return nil, fmt.Errorf("chain %s: node %s is listed twice, which would pass for two witnesses", chain, endpoint.Label)
		}
		client, err := rpc.DialOptions(ctx, endpoint.URL, rpc.WithHTTPClient(endpoint.HTTP))
		if err != nil {
			return nil, fmt.Errorf("chain %s: node %s: %w", chain, endpoint.Label, egress.Cause(err))
		}
		s.nodes = append(s.nodes, &node{label: endpoint.Label, witness: fmt.Sprintf("node %d", len(s.nodes)+1), rpc: client})
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

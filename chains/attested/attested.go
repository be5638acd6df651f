// Package attested gathers balances on chains where no proof shows one: all
// that can be had is what nodes say, and that several of them say the same.
//
// Every configured node is asked, each by itself, for the pinned block and for
// every balance. All that answer must agree; where they do not, the error keeps
// what each said, and no evidence comes of it. The evidence file names the
// nodes by their place in the configuration and holds every answer:
//
//	{"answers":[{"account":"tron:0x2b6653dc:TW8Jv…","amount":"1793227200","number":66987565,"token":"tron:0x2b6653dc/slip44:195"}],
//	 "block":{"hash":"0000000003fe262d…","number":66987565,"time":"2026-04-29T06:45:21Z"},"node":"node 1"}
//
// The answers are unsigned, so they are the exchange's word about the nodes'
// word: grade node-attested, and no more however many nodes agree.
//
// Nodes speak of two times. Some keep the past and answer at the pinned block;
// others know only the present, and then each answer carries the number of the
// block it speaks of. A balance of the present may move between two nodes'
// answers: all are then asked once more, and if they still differ the error
// says so.
//
// Nothing here knows a chain: packages tron, solana and xrpl each bring a
// [Node], which knows how to ask one node, and [Rules]. An [Asker] carries the
// questions over package egress.
package attested

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// MaxNodes is how many nodes evidence may name (SPEC part 19).
const MaxNodes = 16

// A Node asks one node of a chain. Its errors are those of package chains.
type Node interface {
	// Chain returns the chain that the node is of.
	Chain(ctx context.Context) (chains.Chain, error)
	// Pin returns the last block not later than the instant, once a final one
	// after it exists, and a NotFinalError until then (SPEC part 3).
	Pin(ctx context.Context, instant time.Time) (chains.BlockRef, error)
	// Last returns the last final block that the node has.
	Last(ctx context.Context) (chains.BlockRef, error)
	// Block returns the final block of a number; ok is false if the node has none.
	Block(ctx context.Context, number uint64) (block chains.BlockRef, ok bool, err error)
	// Balances returns what the node says of each holding, in their order.
	Balances(ctx context.Context, pinned chains.BlockRef, holdings []chains.Holding) ([]Told, error)
}

// Told is what a node says of one holding: how much, and at which block.
type Told struct {
	Amount *uint256.Int
	Number uint64
}

// Rules are what a chain does its own way (SPEC part 19).
type Rules struct {
	// Namespace is that of the chains.
	Namespace string
	// Check says what is wrong with a holding's spelling.
	Check func(chains.Holding) error
	// Present reports whether nodes tell a token's balance only as it is now.
	Present func(chains.Token) bool
	// Zero is why a balance of 0 at a past block may mean that the node knows
	// nothing, and what to do. If it is not empty, two nodes must say a 0.
	Zero string
}

// A ZeroError says that a balance of 0 at a past block is not believed (SPEC
// part 19).
type ZeroError struct {
	Node    string
	Block   chains.BlockRef
	Holding chains.Holding
	Reason  string
}

// Error names the holding, the reason and what to do.
func (e *ZeroError) Error() string {
	return fmt.Sprintf("node %s says that account %s held 0 of %s at block %d, which is not believed: %s",
		e.Node, e.Holding.Account, e.Holding.Token, e.Block.Number, e.Reason)
}

// A Source reads one chain from all of its configured nodes. It implements
// chains.Source (SPEC part 19).
type Source struct {
	chain chains.Chain
	rules Rules
	nodes []*witness
}

var _ chains.Source = (*Source)(nil)

// A witness is a node and its names.
type witness struct {
	Node
	label string // where it listens, for whoever runs it
	name  string // its name in evidence, which is public and tells nobody where it listens
}

// String names it as notes do.
func (w *witness) String() string { return w.name + " (" + w.label + ")" }

// New returns the source of a chain, with a node opened at each URL (SPEC part
// 19). It asks the nodes nothing yet.
func New(chain chains.Chain, urls []string, limits egress.Limits, rules Rules, open func(*Asker) Node) (*Source, error) {
	if _, err := chains.ParseChain(string(chain)); err != nil {
		return nil, err
	}
	if chain.Namespace() != rules.Namespace {
		return nil, fmt.Errorf("chain %s is no %s chain", chain, rules.Namespace)
	}
	if len(urls) == 0 || len(urls) > MaxNodes {
		return nil, fmt.Errorf("chain %s has %d nodes: name the URLs of 1 to %d", chain, len(urls), MaxNodes)
	}
	s := &Source{chain: chain, rules: rules}
	seen := map[string]bool{}
	for i, u := range urls {
		endpoint, err := egress.New(u, limits)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", chain, err)
		}
		if seen[endpoint.Label] {
			return nil, fmt.Errorf("chain %s: node %s is listed twice, which would pass for two witnesses", chain, endpoint.Label)
		}
		seen[endpoint.Label] = true
		s.nodes = append(s.nodes, &witness{Node: open(&Asker{endpoint}), label: endpoint.Label, name: fmt.Sprintf("node %d", i+1)})
	}
	return s, nil
}

// answering returns the nodes that answer, after checking that each is of this
// chain. A node that is down is passed over while another one answers: the
// evidence then names fewer nodes, and a verifier counts them.
func (s *Source) answering(ctx context.Context) ([]*witness, error) {
	var up []*witness
	var down error
	for _, w := range s.nodes {
		got, err := w.Chain(ctx)
		var unreachable *chains.UnreachableError
		switch {
		case errors.As(err, &unreachable):
			down = errors.Join(down, err)
			continue
		case err != nil:
			return nil, err
		case got != s.chain:
			return nil, &chains.WrongChainError{Node: w.label, Got: got, Want: s.chain}
		}
		up = append(up, w)
	}
	if len(up) == 0 {
		return nil, down
	}
	return up, nil
}

// Package beacon shows that an Ethereum block is finalised, by the light client
// protocol of the beacon chain (SPEC part 22).
//
// The way goes from a block that everybody trusts, the checkpoint, to the pinned
// one. The checkpoint's state names a sync committee of 512 keys. Of each period
// of about 27 hours one update is kept, by which the present committee vouches
// for the next one, until the committee is reached that signed the finality of
// a block after the pinned one. That block's body holds the hash of an execution
// block, whose header names its parent, and so on back to the pinned block.
//
//	checkpoint ─► committee ─► update ─► … ─► committee ─► finalised block
//	                                                            │
//	pinned block ◄─ header ◄─ … ◄─ header ◄─ execution block ◄──┘
//
// The state of the beacon block before the pinned one, whose root stands in the
// pinned block's header, shows besides what validators hold.
//
// Any beacon node that serves the standard Beacon API can be asked, and it need
// not be trusted: every branch and every signature is checked before anything
// is kept, by the same rules as a verifier's.
package beacon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// Options are what a Source needs beside nodes.
type Options struct {
	Checkpoint string  // root of a finalised beacon block, `0x` and 64 hex digits; empty if nothing is to be proved final
	Network    Network // of a chain that the table of SPEC part 22 does not have

	Limits egress.Limits
	States egress.Limits // of an answer that is a whole state; 2 GiB and half an hour by default
}

const (
	// answerLimit is far above the largest honest answer, 32 updates of 60 kB.
	answerLimit = 16 << 20

	// stateLimit is that of states: mainnet's have some 300 MB, with two million validators.
	stateLimit   = 2 << 30
	stateTimeout = 30 * time.Minute
)

// A Source proves blocks of one chain final, with one or more beacon nodes (SPEC
// part 22).
type Source struct {
	chain      chains.Chain
	nodes      []*node
	network    network
	checkpoint *root // nil if there is none
}

// A HeadersFunc returns the execution headers, in RLP, from the block of the hash
// back to the child of block to, newest first. The Headers method of an evm.Source
// is one.
type HeadersFunc func(ctx context.Context, from string, to chains.BlockRef) ([][]byte, error)

// New returns the source of an eip155 chain. It asks the nodes nothing yet.
func New(chain chains.Chain, urls []string, opts Options) (*Source, error) {
	if _, err := chains.ParseChain(string(chain)); err != nil {
		return nil, err
	}
	if chain.Namespace() != chains.EIP155 {
		return nil, fmt.Errorf("chain %s has no beacon chain: light client evidence is for eip155", chain)
	}
	s := &Source{chain: chain}
	var err error
	if opts.Checkpoint != "" {
		checkpoint, err := parseRoot(opts.Checkpoint)
		if err != nil {
			return nil, fmt.Errorf("chain %s: checkpoint: %w", chain, err)
		}
		s.checkpoint = &checkpoint
	}
	net, known := KnownNetwork(chain)
	if configured := opts.Network.Genesis != "" || len(opts.Network.Forks) > 0; known && configured {
		return nil, fmt.Errorf("chain %s: its network is known: leave out genesis and forks", chain)
	} else if !known && !configured {
		return nil, fmt.Errorf("chain %s: its network is not known: configure genesis and forks", chain)
	} else if configured {
		net = opts.Network
	}
	if s.network, err = net.parse(); err != nil {
		return nil, fmt.Errorf("chain %s: %w", chain, err)
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("chain %s has no beacon node: name at least one URL", chain)
	}
	for _, raw := range urls {
		n, err := newNode(raw, opts)
		if err != nil {
			return nil, fmt.Errorf("chain %s: beacon: %w", chain, err)
		}
		s.nodes = append(s.nodes, n)
	}
	return s, nil
}

// Close lets go of the nodes.
func (s *Source) Close() {
	for _, n := range s.nodes {
		n.http.CloseIdleConnections()
		n.states.CloseIdleConnections()
	}
}

// Prove returns the light client evidence of a pinned block (SPEC part 22), which
// marshals by encoding/json to its file. A node that gives no answer or cannot
// help is passed over while another one is left; one that gives something false
// ends it. While the block is not finalised, the error is a NotFinalisedError.
func (s *Source) Prove(ctx context.Context, snapshot string, block chains.BlockRef, headers HeadersFunc) (file any, err error) {
	if block.Chain != s.chain {
		return nil, fmt.Errorf("pinned block is of chain %s, want %s", block.Chain, s.chain)
	}
	p, err := s.first(ctx, func(w walk) (proved, error) {
		p, err := s.reach(ctx, w)
		if err != nil {
			return proved{}, err
		}
		return w.choose(p)
	}, block)
	if err != nil {
		return nil, err
	}
	return s.assemble(ctx, snapshot, block, p, headers)
}

// Finalised goes the way from the checkpoint, and returns the number of the last
// finalised execution block.
func (s *Source) Finalised(ctx context.Context) (uint64, error) {
	p, err := s.first(ctx, func(w walk) (proved, error) {
		p, err := s.reach(ctx, w)
		if err != nil {
			return proved{}, err
		}
		if _, err := p.final.executionBranch(); err != nil {
			return proved{}, w.verdict("the finalised execution block", err)
		}
		return p, nil
	}, chains.BlockRef{Chain: s.chain})
	return p.final.execution.number, err
}

// first asks one node after the other, until one gives what is wanted or a lie.
func (s *Source) first(ctx context.Context, do func(walk) (proved, error), block chains.BlockRef) (proved, error) {
	var passed error
	for _, n := range s.nodes {
		p, err := do(walk{n, block})
		if err == nil {
			return p, nil
		}
		var lie *chains.ProofError
		var reorged *chains.ReorgedError
		if ctx.Err() != nil || errors.As(err, &lie) || errors.As(err, &reorged) {
			return proved{}, err
		}
		passed = errors.Join(passed, err)
	}
	var early *NotFinalisedError
	if errors.As(passed, &early) {
		return proved{}, early // one node at least is well, and waiting is all there is to do
	}
	return proved{}, passed
}

// proved is a way from the checkpoint to a finalised block.
type proved struct {
	bootstrap bootstrap
	updates   []update
	final     update
	branch    []root // of final's execution block
}

// A walk is the work of one Prove with one node.
type walk struct {
	*node
	block chains.BlockRef
}

// verdict says what a failed check means: a lie, or something that is merely of
// no use.
func (w walk) verdict(what string, err error) error {
	var tooWeak *weakError
	var unknown *ForkError
	switch {
	case errors.As(err, &unknown):
		return err
	case errors.As(err, &tooWeak):
		return &UnusableError{Node: w.label, What: what, Reason: tooWeak.reason}
	}
	return &chains.ProofError{Node: w.label, Block: w.block, What: what, Reason: err.Error()}
}

// reach goes from the checkpoint to the last finalised block.
func (s *Source) reach(ctx context.Context, w walk) (proved, error) {
	if s.checkpoint == nil {
		return proved{}, fmt.Errorf("chain %s: no checkpoint to go from", s.chain)
	}
	n := w.node
	net, err := n.check(ctx, s.chain, s.network)
	if err != nil {
		return proved{}, err
	}
	final, err := fetch(ctx, n, pathFinality, nil, parseFinality)
	if err != nil {
		return proved{}, err
	}
	if _, err := net.ofSlot(final.finalized.slot); err != nil {
		return proved{}, err
	}
	start, err := n.bootstrap(ctx, *s.checkpoint)
	if err != nil {
		return proved{}, err
	}
	l, err := begin(net, *s.checkpoint, start)
	if err != nil {
		return proved{}, w.verdict("the checkpoint's bootstrap", err)
	}
	updates, err := w.follow(ctx, l, period(final.slot))
	if err != nil {
		return proved{}, err
	}
	if err := l.final(&final); err != nil {
		return proved{}, w.verdict("the finality update", err)
	}
	return proved{bootstrap: start, updates: updates, final: final}, nil
}

// follow goes from the light client's period to the last one, an update each.
func (w walk) follow(ctx context.Context, l *light, last uint64) ([]update, error) {
	if last < l.period {
		return nil, &UnusableError{Node: w.label, What: "the finality update", Reason: fmt.Sprintf("it is of period %d, the checkpoint of the later period %d", last, l.period)}
	}
	if last-l.period > maxUpdates {
		return nil, fmt.Errorf("the checkpoint is %d committee periods old, at most %d can be bridged: take a later one", last-l.period, maxUpdates)
	}
	updates := []update{}
	for l.period < last {
		list, err := w.updates(ctx, l.period, last-l.period)
		if err != nil {
			return nil, err
		}
		for i := range list {
			what := fmt.Sprintf("the update of period %d", l.period)
			if err := l.follow(&list[i]); err != nil {
				return nil, w.verdict(what, err)
			}
		}
		updates = append(updates, list...)
	}
	return updates, nil
}

// choose takes the finalised block that the way ends at: the last one, or, where
// it lies too far after the pinned block, the first that an update finalised
// after it.
func (w walk) choose(p proved) (proved, error) {
	nearest := p.final.execution.number
	for i := -1; i < len(p.updates); i++ {
		end, last := p.final, i < 0
		if !last {
			end = p.updates[i]
		}
		branch, err := end.executionBranch()
		if err != nil {
			return proved{}, w.verdict("the finalised execution block", err)
		}
		number := end.execution.number
		switch {
		case number < w.block.Number && last:
			return proved{}, &NotFinalisedError{Block: w.block, Finalised: number}
		case number < w.block.Number:
			continue
		case number == w.block.Number && "0x"+end.execution.hash.hex() != w.block.Hash:
			return proved{}, &chains.ReorgedError{Block: w.block, Node: w.label, Got: "0x" + end.execution.hash.hex()}
		case number-w.block.Number > MaxHeaders:
			nearest = min(nearest, number)
			continue
		case !last:
			p.final, p.updates = end, p.updates[:i]
		}
		p.branch = branch
		return p, nil
	}
	return proved{}, &TooFarError{Block: w.block, Finalised: nearest}
}

// assemble fetches the headers between and writes the file.
func (s *Source) assemble(ctx context.Context, snapshot string, block chains.BlockRef, p proved, headers HeadersFunc) (any, error) {
	hash := p.final.execution.hash
	file := &Evidence{
		Bootstrap: Bootstrap{Branch: hexes(p.bootstrap.branch), Committee: p.bootstrap.committee.file(), Header: p.bootstrap.header.file()},
		Chain:     s.chain,
		Finality:  Finality{Signed: p.final.file(), Execution: Execution{Branch: hexes(p.branch), Hash: hash.hex()}},
		Headers:   []string{},
		Snapshot:  snapshot,
		Type:      EvidenceType,
		Updates:   []Update{},
	}
	for i := range p.updates {
		u := &p.updates[i]
		file.Updates = append(file.Updates, Update{Signed: u.file(), Branch: hexes(u.branch), Committee: u.committee.file()})
	}
	if "0x"+hash.hex() == block.Hash {
		return file, nil
	}
	chain, err := headers(ctx, "0x"+hash.hex(), block)
	if err != nil {
		return nil, err
	}
	if err := ancestry(hash, block.Hash, chain); err != nil {
		return nil, fmt.Errorf("the headers from the finalised block back to block %d: %w", block.Number, err)
	}
	for _, h := range chain {
		file.Headers = append(file.Headers, hex.EncodeToString(h))
	}
	return file, nil
}

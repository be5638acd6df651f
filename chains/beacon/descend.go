package beacon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// again reads evidence as a verifier does, from nothing but its text, and makes
// sure that it shows what was surveyed (SPEC part 22).
func (s *Source) again(v Validators, parent root, want []Stake) error {
	got, err := s.read(v, parent)
	if err != nil {
		return fmt.Errorf("the evidence does not show what the validators hold: %w", err)
	}
	if len(got) != len(want) {
		return fmt.Errorf("the evidence shows %d validators, want %d", len(got), len(want))
	}
	for _, w := range want {
		if g := got[w.Index]; g.Account != w.Account || g.Gwei != w.Gwei {
			return fmt.Errorf("the evidence of validator %s does not show what it holds", w.ID)
		}
	}
	return nil
}

// read returns what each validator holds, by its index.
func (s *Source) read(v Validators, parent root) (map[uint64]Stake, error) {
	h, err := v.Header.parse()
	if err != nil {
		return nil, err
	}
	if got := h.root(); got != parent {
		return nil, fmt.Errorf("the header's root is 0x%s, want 0x%s", got.hex(), parent.hex())
	}
	f, err := s.network.ofSlot(h.slot)
	if err != nil {
		return nil, err
	}
	depth := depthOf(len(stateFields(f.name)))
	d := descent{nodes: trail{}, used: map[root]bool{}}
	for _, text := range v.Nodes {
		raw, err := hex.DecodeString(text)
		if err != nil || len(raw) != 64 {
			return nil, errors.New("a node is not 64 bytes of hex")
		}
		d.nodes[sha256.Sum256(raw)] = [64]byte(raw)
	}
	stakes := map[uint64]Stake{}
	for _, index := range v.Indexes {
		credentials, err := d.to(h.state, step{validatorsField, depth}, step{0, 1}, step{index, validatorsDepth}, step{1, validatorDepth})
		if err != nil {
			return nil, fmt.Errorf("withdrawal credentials of validator %d: %w", index, err)
		}
		chunk, err := d.to(h.state, step{balancesField, depth}, step{0, 1}, step{index / 4, balancesDepth})
		if err != nil {
			return nil, fmt.Errorf("balance of validator %d: %w", index, err)
		}
		account, err := withdrawals(s.chain, credentials)
		if err != nil {
			return nil, fmt.Errorf("validator %d: %w", index, err)
		}
		stakes[index] = Stake{Index: index, Account: account, Gwei: balanceIn(chunk, index)}
	}
	if len(d.used) != len(d.nodes) || len(d.nodes) != len(v.Nodes) {
		return nil, fmt.Errorf("it has %d nodes, %d of them different, and uses %d", len(v.Nodes), len(d.nodes), len(d.used))
	}
	return stakes, nil
}

// A descent goes from a state's root down to what stands in it.
type descent struct {
	nodes trail
	used  map[root]bool
}

// A step goes down by depth levels, to the place of that number.
type step struct {
	place uint64
	depth int
}

func (d descent) to(from root, steps ...step) (root, error) {
	at := from
	for _, s := range steps {
		for level := s.depth - 1; level >= 0; level-- {
			node, ok := d.nodes[at]
			if !ok {
				return root{}, fmt.Errorf("node 0x%s is missing", at.hex())
			}
			d.used[at] = true
			if s.place>>level&1 == 0 {
				at = root(node[:32])
			} else {
				at = root(node[32:])
			}
		}
	}
	return at, nil
}

// parse reads a header back from its file.
func (j Header) parse() (header, error) {
	h := header{slot: j.Slot, proposer: j.Proposer}
	var errs [3]error
	h.body, errs[0] = parseRoot(j.Body)
	h.parent, errs[1] = parseRoot(j.Parent)
	h.state, errs[2] = parseRoot(j.State)
	return h, errors.Join(errs[:]...)
}

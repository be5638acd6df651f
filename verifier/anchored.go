package verifier

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/beacon"
	"github.com/assay-por/assay/verifier/claim"
)

// checkAnchored asks whether a pinned block is the chain's by the policy's own knowledge: an anchor, or a checkpoint from which the
// bundle's light client evidence leads to it (SPEC parts 16 and 22). Without either it is the exchange's word, and the verdict says so.
func (b *bundleRun) checkAnchored(pinned claim.Block) (string, error) {
	anchored, err := b.policy.CheckAnchor(pinned)
	if err != nil {
		return "", err
	}
	found, err := b.checkBeacon(pinned)
	if err != nil {
		return "", err
	}
	if err := b.policy.CheckAnchored(pinned, anchored || found != ""); err != nil {
		return "", err
	}
	var by []string
	if anchored {
		by = append(by, "an anchor of the policy")
	}
	if found != "" {
		by = append(by, found)
	}
	if b.anchored[pinned.Chain] = len(by) > 0; len(by) > 0 {
		return fmt.Sprintf("block %d, confirmed by %s", pinned.Number, strings.Join(by, " and by ")), nil
	}
	b.verdict.Unanchored = append(b.verdict.Unanchored, pinned.Chain)
	b.note("no anchor of the policy confirms block %d of %s: that it is the chain's is the exchange's word", pinned.Number, pinned.Chain)
	return fmt.Sprintf("block %d; no anchor confirms it, so it is the exchange's word", pinned.Number), nil
}

// checkBeacon follows the light client evidence of a chain, if the policy has a checkpoint for it and the bundle the file. It says by
// what the block is confirmed, or nothing if one of the two is missing.
func (b *bundleRun) checkBeacon(pinned claim.Block) (string, error) {
	path := beaconPath(pinned.Chain)
	_, listed := b.listed[path]
	checkpoint, trusted := b.policy.Checkpoint(pinned.Chain)
	if !trusted {
		if listed {
			b.note("%s was not looked at: the policy has no checkpoint for %s", path, pinned.Chain)
		}
		return "", nil
	}
	network, err := networkOf(checkpoint)
	if err != nil {
		return "", err
	}
	if !listed {
		b.note("the policy's checkpoint for %s was not used: the bundle has no %s", pinned.Chain, path)
		return "", nil
	}
	raw, err := b.load(path)
	if err != nil {
		return "", err
	}
	file, err := beacon.Parse(raw, b.statement.Snapshot.ID.String(), pinned.Chain)
	if err != nil {
		return "", in(path, err)
	}
	found, err := file.Check(beacon.Checkpoint{Root: checkpoint.Root, Network: network}, beacon.Block{Chain: pinned.Chain, Hash: pinned.Hash})
	if err != nil {
		return "", in(path, err)
	}
	return fmt.Sprintf("the policy's checkpoint 0x%s: sync committees signed slot %d, which finalises it", checkpoint.Root, found.Slot), nil
}

// networkFor gives the beacon chain's network of a chain, if the table or the policy knows it.
func (b *bundleRun) networkFor(chain string) (*beacon.Network, error) {
	for _, c := range b.policy.Checkpoints {
		if c.Chain == chain {
			network, err := networkOf(c)
			return &network, err
		}
	}
	if network, known := beacon.Known(chain); known {
		return &network, nil
	}
	return nil, nil
}

// networkOf gives the network of a checkpoint: the table's, or the policy's own for a chain that is not in it.
func networkOf(c claim.Checkpoint) (beacon.Network, error) {
	network, known := beacon.Known(c.Chain)
	switch {
	case known && c.Network != nil:
		return network, fmt.Errorf("the policy's checkpoint for %s has a genesis and forks of its own: leave them out, this network's are fixed", c.Chain)
	case !known && c.Network == nil:
		return network, fmt.Errorf("the policy's checkpoint for %s needs genesis and forks: this verifier does not know that network", c.Chain)
	case known:
		return network, nil
	}
	network.Genesis = c.Network.Genesis
	for _, f := range c.Network.Forks {
		network.Forks = append(network.Forks, beacon.Fork(f))
	}
	return network, nil
}

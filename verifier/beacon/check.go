package beacon

import (
	"fmt"
	"strconv"
)

// quorum is two thirds of a committee.
const quorum = 342

// executionIndex is where a block's body keeps the execution block's hash: field 12 of the 17 of the payload, which is at 25.
const executionIndex = 25*32 + 12

// Checkpoint is a finalised beacon block that the policy trusts (SPEC part 16), and the network it is of.
type Checkpoint struct {
	Root    [32]byte
	Network Network
}

// Block is the pinned execution block.
type Block struct {
	Chain string // CAIP-2
	Hash  string // 0x and 64 hex digits
}

// Finalized is what the light client found (SPEC part 22): the pinned block is an ancestor of the execution block in this slot, or is it.
type Finalized struct {
	Slot      uint64 // of the finalised beacon block
	Updates   int    // how many committees followed the checkpoint's
	Ancestors int    // execution headers from the finalised block to the pinned one
}

// client is how far the light client came: the present committee.
type client struct {
	network Network
	period  uint64
	keys    points
}

// Check follows the evidence from the checkpoint to the pinned block (SPEC part 22, steps 1 to 5). Errors are [CheckError].
func (e *Evidence) Check(trusted Checkpoint, pinned Block) (Finalized, error) {
	if pinned.Chain != e.chain {
		return Finalized{}, &CheckError{Field: "chain", Problem: "evidence of another chain than the pinned block's", Got: e.chain, Want: pinned.Chain}
	}
	c := &client{network: trusted.Network}
	if err := c.start(e.bootstrap, trusted.Root); err != nil {
		return Finalized{}, err
	}
	for i, u := range e.updates {
		if err := c.follow("updates["+strconv.Itoa(i)+"]", u); err != nil {
			return Finalized{}, err
		}
	}
	if err := c.checkFinality(e.finality); err != nil {
		return Finalized{}, err
	}
	if err := c.checkExecution(e.finality.finalized, e.execution); err != nil {
		return Finalized{}, err
	}
	if err := checkAncestry(e.execution.hash, e.headers, pinned.Hash); err != nil {
		return Finalized{}, err
	}
	return Finalized{Slot: e.finality.finalized.slot, Updates: len(e.updates), Ancestors: len(e.headers)}, nil
}

// start takes the committee of the checkpoint's state (step 1).
func (c *client) start(b bootstrap, trusted [32]byte) error {
	if got := b.header.root(); got != trusted {
		return &CheckError{Field: "bootstrap.header", Problem: "its root is not the policy's checkpoint", Got: hexed(got), Want: hexed(trusted)}
	}
	at, err := c.network.layoutOf("bootstrap.header", b.header)
	if err != nil {
		return err
	}
	if err := inTree("bootstrap.branch", "the committee is not the state's", b.committee.root(), b.branch, at.current, b.header.state); err != nil {
		return err
	}
	c.keys, err = b.committee.points("bootstrap.committee")
	c.period = period(b.header.slot)
	return err
}

// follow goes from the present committee to the next (step 2).
func (c *client) follow(field string, u update) error {
	for _, s := range []struct {
		what string
		slot uint64
	}{{".attested.slot", u.attested.slot}, {".finalized.slot", u.finalized.slot}, {".slot", u.slot}} {
		if err := c.ofPeriod(field+s.what, s.slot); err != nil {
			return err
		}
	}
	at, err := c.checkSigned(field, u)
	if err != nil {
		return err
	}
	if err := inTree(field+".branch", "the next committee is not the state's", u.committee.root(), u.branch, at.next, u.attested.state); err != nil {
		return err
	}
	if err := c.checkSignature(field, u); err != nil {
		return err
	}
	c.keys, err = u.committee.points(field + ".committee")
	c.period++
	return err
}

// checkFinality checks the last signature (step 3).
func (c *client) checkFinality(u update) error {
	if err := c.ofPeriod("finality.slot", u.slot); err != nil {
		return err
	}
	if _, err := c.checkSigned("finality", u); err != nil {
		return err
	}
	return c.checkSignature("finality", u)
}

func (c *client) ofPeriod(field string, slot uint64) error {
	if got := period(slot); got != c.period {
		return &CheckError{Field: field, Problem: fmt.Sprintf("slot %d is not of the present committee's period", slot), Got: strconv.FormatUint(got, 10), Want: strconv.FormatUint(c.period, 10)}
	}
	return nil
}

// checkSigned checks what updates and finality have in common, but for the signature: it takes most of the time and comes last.
func (c *client) checkSigned(field string, u update) (layout, error) {
	if u.slot <= u.attested.slot || u.attested.slot < u.finalized.slot {
		return layout{}, &CheckError{Field: field + ".slot", Problem: "out of order", Got: fmt.Sprintf("signed in slot %d, attested %d, finalized %d", u.slot, u.attested.slot, u.finalized.slot), Want: "signed after attested, and finalized not after it"}
	}
	if n := signed(u.bits); n < quorum {
		return layout{}, &CheckError{Field: field + ".bits", Problem: "too few of the committee signed", Got: strconv.Itoa(n), Want: strconv.Itoa(quorum) + " or more of " + strconv.Itoa(committeeSize)}
	}
	at, err := c.network.layoutOf(field+".attested", u.attested)
	if err != nil {
		return layout{}, err
	}
	return at, inTree(field+".finality", "the attested state has not finalized it", u.finalized.root(), u.finality, at.finalized, u.attested.state)
}

func (c *client) checkSignature(field string, u update) error {
	fork, ok := c.network.signedWith(u.slot)
	if !ok { // never where attested, which is earlier, has a fork
		return &CheckError{Field: field + ".slot", Problem: "no fork of this network is known at it", Got: strconv.FormatUint(u.slot, 10), Want: "a slot from Deneb on"}
	}
	message := signingRoot(u.attested.root(), fork.Version, c.network.Genesis)
	if err := verify(c.keys.sum(u.bits), message, u.signature); err != nil {
		return &CheckError{
			Field: field + ".signature", Problem: fmt.Sprintf("not by the %d validators whose bit is set, over attested with version %x of %s", signed(u.bits), fork.Version, fork.Name),
			Got: err.Error(), Want: "their signature",
		}
	}
	return nil
}

// checkExecution finds the execution block in the finalised beacon block (step 4).
func (c *client) checkExecution(finalized header, x execution) error {
	if _, err := c.network.layoutOf("finality.finalized", finalized); err != nil {
		return err
	}
	return inTree("finality.execution", "the hash is not in the finalized block's body", x.hash, x.branch, executionIndex, finalized.body)
}

// inTree checks a branch: leaf stands at the generalised index under root.
func inTree(field, problem string, leaf [32]byte, branch [][32]byte, index uint64, root [32]byte) error {
	got, fits := climb(leaf, branch, index)
	if !fits {
		return &CheckError{Field: field, Problem: fmt.Sprintf("no branch of generalised index %d", index), Got: fmt.Sprintf("%d hashes", len(branch)), Want: "as many as the index is deep"}
	}
	if got != root {
		return &CheckError{Field: field, Problem: fmt.Sprintf("%s: the branch at generalised index %d ends elsewhere", problem, index), Got: hexed(got), Want: hexed(root)}
	}
	return nil
}

func hexed(h [32]byte) string { return fmt.Sprintf("0x%x", h) }

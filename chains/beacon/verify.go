package beacon

import (
	"errors"
	"fmt"
)

// Generalised indexes in a state, before Electra and from it on (SPEC part 22).
type place struct{ before, since uint64 }

var (
	currentCommittee = place{54, 86}
	nextCommittee    = place{55, 87}
	finalizedRoot    = place{105, 169}
)

func (p place) in(f fork) uint64 {
	if f.name == Deneb {
		return p.before
	}
	return p.since
}

// A light is a light client at work: a network, and the committee of one period,
// of which it may believe what two thirds sign.
type light struct {
	network network
	period  uint64
	signers *signers
}

// weakError says that an update is not false, yet shows too little.
type weakError struct{ reason string }

func (e *weakError) Error() string { return e.reason }

func weak(format string, args ...any) error { return &weakError{fmt.Sprintf(format, args...)} }

// begin checks a bootstrap against the checkpoint (SPEC part 22, step 1).
func begin(n network, checkpoint root, b bootstrap) (*light, error) {
	if got := b.header.root(); got != checkpoint {
		return nil, fmt.Errorf("its header's root is 0x%s, want 0x%s", got.hex(), checkpoint.hex())
	}
	f, err := n.ofSlot(b.header.slot)
	if err != nil {
		return nil, err
	}
	if !climbs(b.committee.root(), b.branch, currentCommittee.in(f), b.header.state) {
		return nil, fmt.Errorf("its committee does not stand at index %d of its state", currentCommittee.in(f))
	}
	signers, err := b.committee.open()
	if err != nil {
		return nil, err
	}
	return &light{network: n, period: period(b.header.slot), signers: signers}, nil
}

// follow checks an update of the present period and goes on to the next one's
// committee (SPEC part 22, step 2).
func (l *light) follow(u *update) error {
	for _, slot := range []uint64{u.attested.slot, u.finalized.slot, u.slot} {
		if period(slot) != l.period {
			return weak("a slot of it, %d, is not of period %d", slot, l.period)
		}
	}
	if err := l.check(u); err != nil {
		return err
	}
	f, err := l.network.ofSlot(u.attested.slot)
	if err != nil {
		return err
	}
	if !climbs(u.committee.root(), u.branch, nextCommittee.in(f), u.attested.state) {
		return fmt.Errorf("the next committee does not stand at index %d of its state", nextCommittee.in(f))
	}
	next, err := u.committee.open()
	if err != nil {
		return err
	}
	l.signers, l.period = next, l.period+1
	return nil
}

// final checks the last step, whose signature is of the present period (SPEC
// part 22, step 3).
func (l *light) final(u *update) error {
	if period(u.slot) != l.period {
		return weak("its signature's slot, %d, is not of period %d", u.slot, l.period)
	}
	return l.check(u)
}

// check is what both have in common.
func (l *light) check(u *update) error {
	if u.slot <= u.attested.slot || u.attested.slot < u.finalized.slot {
		return fmt.Errorf("its slots do not follow each other: signature %d, attested %d, finalized %d", u.slot, u.attested.slot, u.finalized.slot)
	}
	if n := signed(u.bits); n < leastSigners {
		return weak("%d of %d members signed it, want %d", n, committeeSize, leastSigners)
	}
	of, err := l.network.ofSlot(u.attested.slot)
	if err != nil {
		return err
	}
	if _, err := l.network.ofSlot(u.finalized.slot); err != nil {
		return err
	}
	if !climbs(u.finalized.root(), u.finality, finalizedRoot.in(of), u.attested.state) {
		return fmt.Errorf("its finalized block does not stand at index %d of its state", finalizedRoot.in(of))
	}
	version, err := l.network.ofSlot(u.slot - 1)
	if err != nil {
		return err
	}
	return l.signers.verify(u.bits, signingRoot(u.attested.root(), version.version, l.network.genesis), u.signature)
}

// executionBranch checks that an update's payload is its finalised block's, and returns
// the branch of the payload's block hash under the body (SPEC part 22, step 4).
func (u *update) executionBranch() ([]root, error) {
	branch := append(u.execution.hashBranch(), u.above...)
	if !climbs(u.execution.hash, branch, hashIndex, u.finalized.body) {
		return nil, errors.New("its execution block is not the one in its finalized block's body")
	}
	return branch, nil
}

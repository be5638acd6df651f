package tlog

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

const lastSecond = 253402300799 // of the year 9999: later times have no text form (SPEC part 2)

// Trust is what a reader's policy believes of logs (SPEC part 16).
type Trust struct {
	Logs, Witnesses []Key
	Quorum          int
}

// UnknownLogError says that a checkpoint is of a log that the policy does not name.
type UnknownLogError struct{ Origin string }

// Error names the log.
func (e *UnknownLogError) Error() string {
	return fmt.Sprintf("the policy has no key of log %q", e.Origin)
}

// QuorumError says that too few witnesses of the policy saw a checkpoint.
type QuorumError struct {
	Origin     string
	Have, Want int
}

// Error gives how many cosigned, and how many must.
func (e *QuorumError) Error() string {
	return fmt.Sprintf("the checkpoint of log %q is cosigned by %d of the policy's witnesses, want %d", e.Origin, e.Have, e.Want)
}

// Check verifies a checkpoint (SPEC part 25, steps 1 to 4). Errors are *canon.FormatError, *UnknownLogError, *QuorumError, or one that
// names the signature that is missing or false.
func (t Trust) Check(raw []byte) (*Checkpoint, error) {
	c, err := t.CheckLogOnly(raw)
	if err != nil {
		return nil, err
	}
	if len(c.Cosignatures) < t.Quorum {
		return nil, &QuorumError{c.Origin, len(c.Cosignatures), t.Quorum}
	}
	if t.Quorum > 0 {
		var times []time.Time
		for _, s := range c.Cosignatures {
			times = append(times, s.Time)
		}
		slices.SortFunc(times, time.Time.Compare)
		c.Witnessed = times[t.Quorum-1]
	}
	return c, nil
}

// CheckLogOnly is Check without the quorum: for anchors, which date a checkpoint by themselves, and for evidence against a log, where
// only what the log signed matters (SPEC parts 25 and 26).
func (t Trust) CheckLogOnly(raw []byte) (*Checkpoint, error) {
	c, err := ParseCheckpoint(raw)
	if err != nil {
		return nil, err
	}
	for i, l := range c.lines {
		if slices.ContainsFunc(c.lines[:i], func(o line) bool { return o.name == l.name && o.hash == l.hash }) {
			return nil, fmt.Errorf("the checkpoint of log %q is signed twice by %q with one key", c.Origin, l.name)
		}
	}
	if err := t.checkLog(c); err != nil {
		return nil, err
	}
	if err := t.checkWitnesses(c); err != nil {
		return nil, err
	}
	return c, nil
}

func (t Trust) checkLog(c *Checkpoint) error {
	known := false
	for _, key := range t.Logs {
		if key.Name != c.Origin {
			continue
		}
		known = true
		l, signed := c.by(key)
		if !signed {
			continue
		}
		if !ed25519.Verify(key.Public[:], c.Text, l.signature) {
			return fmt.Errorf("the signature of log %q on its checkpoint does not verify", c.Origin)
		}
		c.Logs = append(c.Logs, key)
	}
	switch {
	case !known:
		return &UnknownLogError{c.Origin}
	case len(c.Logs) == 0:
		return fmt.Errorf("the checkpoint of log %q is not signed with a key that the policy has of it", c.Origin)
	}
	return nil
}

// checkWitnesses counts a public key once, under whatever names the policy has it.
func (t Trust) checkWitnesses(c *Checkpoint) error {
	var counted [][ed25519.PublicKeySize]byte
	for _, key := range t.Witnesses {
		l, signed := c.by(key)
		if !signed {
			continue
		}
		at, err := l.cosigned(key, c.Text)
		if err != nil {
			return fmt.Errorf("the cosignature of witness %q on the checkpoint of log %q %w", key.Name, c.Origin, err)
		}
		if !slices.Contains(counted, key.Public) {
			counted = append(counted, key.Public)
			c.Cosignatures = append(c.Cosignatures, Cosignature{key.Name, at})
		}
	}
	return nil
}

// cosigned verifies a witness's line, and gives the time in it.
func (l line) cosigned(key Key, text []byte) (time.Time, error) {
	if len(l.signature) != 8+ed25519.SignatureSize {
		return time.Time{}, fmt.Errorf("has %d bytes, want %d", len(l.signature), 8+ed25519.SignatureSize)
	}
	seconds := binary.BigEndian.Uint64(l.signature)
	if seconds > lastSecond {
		return time.Time{}, fmt.Errorf("is of second %d, after the year 9999", seconds)
	}
	message := append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", seconds), text...)
	if !ed25519.Verify(key.Public[:], message, l.signature[8:]) {
		return time.Time{}, fmt.Errorf("does not verify")
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

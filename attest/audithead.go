package attest

import (
	"errors"
	"fmt"
	"time"
)

// TypeAuditHead is the type of a head of a server's audit log (SPEC part 28).
const TypeAuditHead = "assay/v1/audit-head"

// AuditHead says how far a server's audit log reached at a time (SPEC part 28). It is the payload of an envelope of
// type [PayloadAuditHead] that the audit key signs: who has one finds out whether rows up to it were changed later.
type AuditHead struct {
	At   time.Time `json:"at"`   // UTC, whole seconds
	Hash string    `json:"hash"` // of the last row, 64 hex digits
	Seq  uint64    `json:"seq"`  // its number, from 1
	Type string    `json:"type"`
}

// NewAuditHead returns the head of a log whose last row has that number and hash.
func NewAuditHead(seq uint64, hash string, at time.Time) AuditHead {
	return AuditHead{At: at.UTC().Truncate(time.Second), Hash: hash, Seq: seq, Type: TypeAuditHead}
}

// JSON returns the payload to be signed (SPEC part 28).
func (h AuditHead) JSON() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	return Canonical(h)
}

// ParseAuditHead reads the payload of an envelope that was verified (SPEC part 28).
func ParseAuditHead(payload []byte) (AuditHead, error) {
	var h AuditHead
	if err := Decode(payload, &h); err != nil {
		return AuditHead{}, fmt.Errorf("audit head: %w", err)
	}
	return h, h.check()
}

func (h AuditHead) check() error {
	switch {
	case h.Type != TypeAuditHead:
		return fmt.Errorf("audit head: type is %q, want %q", clip([]byte(h.Type), 0, 64), TypeAuditHead)
	case !isTime(h.At):
		return errors.New("audit head: at: want a time in UTC, whole seconds")
	case !isHex32(h.Hash):
		return errors.New("audit head: hash: want 64 lower-case hex digits")
	case h.Seq == 0:
		return errors.New("audit head: seq is 0, want the number of the last row, from 1")
	}
	return nil
}

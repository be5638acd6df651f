package beacon

import (
	"encoding/hex"

	"github.com/assay-por/assay/chains"
)

// EvidenceType is the type of this room's evidence file (SPEC part 22).
const EvidenceType = "assay/v1/evidence/beacon"

// MaxHeaders is the most execution headers that a file holds, and maxUpdates
// the most updates (SPEC part 22).
const (
	MaxHeaders = 8192
	maxUpdates = 512
)

// Evidence is the light client evidence of one chain (SPEC part 22).
type Evidence struct {
	Bootstrap Bootstrap    `json:"bootstrap"`
	Chain     chains.Chain `json:"chain"`
	Finality  Finality     `json:"finality"`
	Headers   []string     `json:"headers"`
	Snapshot  string       `json:"snapshot"`
	Type      string       `json:"type"`
	Updates   []Update     `json:"updates"`
}

// Header is a beacon block's header (SPEC part 22).
type Header struct {
	Body     string `json:"body"`
	Parent   string `json:"parent"`
	Proposer uint64 `json:"proposer"`
	Slot     uint64 `json:"slot"`
	State    string `json:"state"`
}

// Committee is a sync committee (SPEC part 22).
type Committee struct {
	Aggregate string `json:"aggregate"`
	Keys      string `json:"keys"`
}

// Bootstrap is the checkpoint's header and the committee in its state (SPEC
// part 22).
type Bootstrap struct {
	Branch    []string  `json:"branch"`
	Committee Committee `json:"committee"`
	Header    Header    `json:"header"`
}

// Signed is a header that a committee signed, and the finalised one that it
// names (SPEC part 22).
type Signed struct {
	Attested  Header   `json:"attested"`
	Bits      string   `json:"bits"`
	Finality  []string `json:"finality"`
	Finalized Header   `json:"finalized"`
	Signature string   `json:"signature"`
	Slot      uint64   `json:"slot"`
}

// Update hands over to the next committee (SPEC part 22).
type Update struct {
	Signed
	Branch    []string  `json:"branch"`
	Committee Committee `json:"committee"`
}

// Finality is the last step: a finalised header with its execution block (SPEC
// part 22).
type Finality struct {
	Signed
	Execution Execution `json:"execution"`
}

// Execution names the execution block of a finalised header (SPEC part 22).
type Execution struct {
	Branch []string `json:"branch"`
	Hash   string   `json:"hash"`
}

func (h header) file() Header {
	return Header{Body: h.body.hex(), Parent: h.parent.hex(), Proposer: h.proposer, Slot: h.slot, State: h.state.hex()}
}

func (c *committee) file() Committee {
	keys := make([]byte, 0, committeeSize*48)
	for _, k := range c.keys {
		keys = append(keys, k[:]...)
	}
	return Committee{Aggregate: hex.EncodeToString(c.aggregate[:]), Keys: hex.EncodeToString(keys)}
}

func (u *update) file() Signed {
	return Signed{
		Attested: u.attested.file(), Bits: hex.EncodeToString(u.bits[:]), Finality: hexes(u.finality), Finalized: u.finalized.file(),
		Signature: hex.EncodeToString(u.signature[:]), Slot: u.slot,
	}
}

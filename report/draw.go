package report

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// TypeDraw is the type of a commitment to draw an instant (SPEC part 21).
const TypeDraw = "assay/v1/draw"

// DrawCommitment is what the exchange publishes before it can know which instant it
// will draw (SPEC part 21). Its JSON is the payload of an envelope.
type DrawCommitment struct {
	Chain      chains.Chain `json:"chain"`
	Commitment Digest       `json:"commitment"`
	Exchange   string       `json:"exchange"`
	From       Time         `json:"from"`
	Number     uint64       `json:"number"`
	To         Time         `json:"to"`
	Type       string       `json:"type"`
}

// Draw shows that a snapshot's instant was drawn: by a seed that was committed to,
// and the hash of a block that did not exist then (SPEC part 21).
type Draw struct {
	Chain      chains.Chain `json:"chain"`
	Commitment Digest       `json:"commitment"`
	From       Time         `json:"from"`
	Hash       string       `json:"hash"`
	Number     uint64       `json:"number"`
	Seed       Digest       `json:"seed"`
	To         Time         `json:"to"`
}

// NewDrawCommitment commits to a seed: the instant will lie between from and to, and
// follow from the seed and the hash of that block (SPEC part 21). The seed is 32
// fresh random bytes, kept secret until the block is final.
func NewDrawCommitment(exchange string, chain chains.Chain, number uint64, from, to time.Time, seed [32]byte) (DrawCommitment, error) {
	c := DrawCommitment{Chain: chain, Commitment: commitment(seed), Exchange: exchange, Number: number, Type: TypeDraw}
	var err error
	if c.From, err = NewTime(from); err != nil {
		return DrawCommitment{}, fmt.Errorf("draw: from: %w", err)
	}
	if c.To, err = NewTime(to); err != nil {
		return DrawCommitment{}, fmt.Errorf("draw: to: %w", err)
	}
	return c, c.check()
}

// ParseDrawCommitment reads the payload of a commitment's envelope (SPEC part 21).
func ParseDrawCommitment(payload []byte) (DrawCommitment, error) {
	var c DrawCommitment
	if err := attest.Decode(payload, &c); err != nil {
		return DrawCommitment{}, fmt.Errorf("draw: %w", err)
	}
	return c, c.check()
}

// JSON returns the payload of the commitment's envelope (SPEC part 21).
func (c DrawCommitment) JSON() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return attest.Canonical(c)
}

func (c DrawCommitment) check() error {
	if c.Type != TypeDraw {
		return fmt.Errorf("draw: it is of type %q, want %q", clip(c.Type), TypeDraw)
	}
	if !isPrintable(c.Exchange) {
		return fmt.Errorf("draw: exchange: %q is not 1 to 64 printable ASCII characters", clip(c.Exchange))
	}
	return checkDrawn(c.Chain, c.Number, c.From, c.To)
}

// Reveal draws the instant (SPEC part 21). Hash is that of the commitment's block,
// which must be final.
func (c DrawCommitment) Reveal(seed [32]byte, hash string) (Draw, error) {
	if err := c.check(); err != nil {
		return Draw{}, err
	}
	d := Draw{Chain: c.Chain, Commitment: c.Commitment, From: c.From, Hash: hash, Number: c.Number, Seed: seed, To: c.To}
	return d, d.check(d.Instant())
}

// Instant is the one that seed and hash give (SPEC part 21). Requires that from is
// before to.
func (d Draw) Instant() Time {
	h := sha256.New()
	h.Write([]byte("assay/v1/instant\x00"))
	h.Write(d.Seed[:])
	h.Write([]byte(d.Hash))
	choices := uint64(d.To.Unix()-d.From.Unix()) + 1 //nolint:gosec // from is before to
	offset := binary.BigEndian.Uint64(h.Sum(nil)) % choices
	return Time{time.Unix(d.From.Unix()+int64(offset), 0).UTC()} //nolint:gosec // at most to
}

// check holds a draw to its format, its commitment and the instant it must give.
func (d Draw) check(instant Time) error {
	if err := checkDrawn(d.Chain, d.Number, d.From, d.To); err != nil {
		return err
	}
	if !isBlockHash(d.Chain, d.Hash) {
		return fmt.Errorf("draw: the hash of block %d is not spelt as the tools of %s do", d.Number, d.Chain)
	}
	if got := commitment(d.Seed); got != d.Commitment {
		return fmt.Errorf("draw: the seed has the commitment %s, not %s", got, d.Commitment)
	}
	if got := d.Instant(); !got.Equal(instant.Time) {
		return fmt.Errorf("draw: seed and hash give the instant %s, not %s", got, instant)
	}
	return nil
}

func checkDrawn(chain chains.Chain, number uint64, from, to Time) error {
	if _, err := chains.ParseChain(string(chain)); err != nil {
		return fmt.Errorf("draw: %w", err)
	}
	if number > maxNumber {
		return fmt.Errorf("draw: block %d is above 2^53-1", number)
	}
	if !from.Before(to.Time) {
		return fmt.Errorf("draw: from, %s, is not before to, %s", from, to)
	}
	return nil
}

func commitment(seed [32]byte) Digest {
	return sha256.Sum256(append([]byte("assay/v1/draw\x00"), seed[:]...))
}

// WithDraw returns the snapshot of a drawn instant, whose id covers the draw (SPEC
// parts 3 and 21).
func (s Snapshot) WithDraw(d Draw) (Snapshot, error) {
	s.Draw = &d
	if err := s.checkTaken(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	var err error
	if s.ID, err = s.computeID(); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot: %w", err)
	}
	return s, nil
}

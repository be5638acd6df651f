package merkle

import (
	"encoding/binary"
	"fmt"
)

// MaxAssets is the most assets that a registry lists (SPEC part 3).
const MaxAssets = 1024

// entrySize is the encoded size of one [Entry]: u16 asset index ‖ u128 amount.
const entrySize = 2 + 16

// Entry is one asset's part of a plain sum: the asset's index in the registry, and an amount that is not zero.
type Entry struct {
	Asset  uint16
	Amount Amount
}

// Plain is a plain sum: entries by strictly ascending asset, none of them zero (SPEC part 4). The nil Plain is the empty sum.
// It is immutable once it is in a node.
type Plain []Entry

// OverflowError says of which asset a sum would reach 2^128 (SPEC part 4).
type OverflowError struct{ Asset uint16 }

// Error returns the verdict; Asset counts from 0 in registry order.
func (e *OverflowError) Error() string {
	return fmt.Sprintf("sum of asset #%d reaches 2^128", e.Asset)
}

// Unwrap returns [ErrOverflow].
func (e *OverflowError) Unwrap() error { return ErrOverflow }

// Add returns the checked sum p + q per asset (SPEC part 4). It never changes p or q; where one is empty it returns the other.
func (p Plain) Add(q Plain) (Plain, error) {
	if len(p) == 0 {
		return q, nil
	}
	if len(q) == 0 {
		return p, nil
	}
	sum := make(Plain, 0, p.union(q))
	for len(p) > 0 && len(q) > 0 {
		switch {
		case p[0].Asset < q[0].Asset:
			sum, p = append(sum, p[0]), p[1:]
		case p[0].Asset > q[0].Asset:
			sum, q = append(sum, q[0]), q[1:]
		default:
			amount, err := p[0].Amount.Add(q[0].Amount)
			if err != nil {
				return nil, &OverflowError{Asset: p[0].Asset}
			}
			sum, p, q = append(sum, Entry{p[0].Asset, amount}), p[1:], q[1:]
		}
	}
	return append(append(sum, p...), q...), nil
}

// union returns how many assets p and q have together.
func (p Plain) union(q Plain) int {
	n := len(p) + len(q)
	for i, j := 0, 0; i < len(p) && j < len(q); {
		switch {
		case p[i].Asset < q[j].Asset:
			i++
		case p[i].Asset > q[j].Asset:
			j++
		default:
			n, i, j = n-1, i+1, j+1
		}
	}
	return n
}

// Amount returns p's amount of an asset, zero if it has none.
func (p Plain) Amount(asset int) Amount {
	for _, e := range p {
		if int(e.Asset) == asset {
			return e.Amount
		}
	}
	return Amount{}
}

// AppendBinary appends the encoding of SPEC part 4. Requires ascending entries without zeros.
func (p Plain) AppendBinary(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(p))) //nolint:gosec // at most 1,024 entries
	for _, e := range p {
		b = binary.BigEndian.AppendUint16(b, e.Asset)
		b = e.Amount.appendBinary(b)
	}
	return b
}

// DecodePlain reads one encoded sum of a registry of that many assets from the front of b, and returns what follows it. It
// refuses every encoding but the one of SPEC part 4.
func DecodePlain(b []byte, assets int) (p Plain, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, fmt.Errorf("sum has %d bytes, want at least 2", len(b))
	}
	count := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	if count > assets {
		return nil, nil, fmt.Errorf("sum has %d entries, the registry %d assets", count, assets)
	}
	if len(b) < count*entrySize {
		return nil, nil, fmt.Errorf("sum of %d entries has %d bytes of them, want %d", count, len(b), count*entrySize)
	}
	if count > 0 {
		p = make(Plain, count)
	}
	for i := range p {
		p[i] = Entry{
			Asset:  binary.BigEndian.Uint16(b),
			Amount: Amount{Hi: binary.BigEndian.Uint64(b[2:]), Lo: binary.BigEndian.Uint64(b[10:])},
		}
		b = b[entrySize:]
		switch {
		case int(p[i].Asset) >= assets:
			return nil, nil, fmt.Errorf("sum entry #%d has asset #%d, the registry ends before #%d", i, p[i].Asset, assets)
		case i > 0 && p[i].Asset <= p[i-1].Asset:
			return nil, nil, fmt.Errorf("sum entry #%d has asset #%d after #%d, want ascending", i, p[i].Asset, p[i-1].Asset)
		case p[i].Amount.IsZero():
			return nil, nil, fmt.Errorf("sum entry #%d is zero, want it left out", i)
		}
	}
	return p, b, nil
}

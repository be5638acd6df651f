// Package spool carries customers' entries from the ledger to their shards (SPEC parts 5 and 7).
//
// A scan of the ledger meets customers in any order. It drops what it reads into files, one for each of some equal parts of the
// range of order keys; that is also the shuffle which hides the customers' order. Whoever builds a shard then reads the parts
// that it consists of, one after the other, and gets its customers sorted and folded, in memory that does not grow with them:
//
//	ledger → [Writer] → spools/00/00.age … → [Sort] → customers in the order of the tree
//
// A spool is an age file of records:
//
//	"assay/v1/spool" ‖ 0x0a ‖ records
//	record      first 8 bytes of the order key ‖ size of the id ‖ customer id ‖ repeated ‖ entries ‖ entry…
//	entry       2 × asset (+ 1: a class follows) ‖ [ size ‖ class ] ‖ size ‖ amount, big-endian
//
// where sizes, counts and asset are varints. A record holds all that it needs, so spools of one part can be joined in any order
// and number, and one that was written twice is as good as the other. The format is the builder's own; a verifier never sees it.
package spool

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/merkle/ledger"
)

const magic = "assay/v1/spool\n"

// PartOf returns the part, of so many equal ones, that an order key lies in; order is its first 8 bytes. Shards are such parts.
func PartOf(order uint64, parts int) int {
	high, _ := bits.Mul64(order, uint64(parts)) //nolint:gosec // at least 1
	return int(high)                            //nolint:gosec // below parts
}

// record is one that was read; its parts point into what it was read from.
type record struct {
	order    uint64
	id       []byte
	repeated uint64 // entries that were added to others of the record
	entries  uint64
	body     []byte // the entries
	raw      []byte // the whole
}

func appendRecord(b []byte, order uint64, customer []byte, repeated uint64, entries []ledger.Entry) []byte {
	b = binary.BigEndian.AppendUint64(b, order)
	b = binary.AppendUvarint(b, uint64(len(customer)))
	b = append(b, customer...)
	b = binary.AppendUvarint(b, repeated)
	b = binary.AppendUvarint(b, uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		if e.Class == ledger.DefaultClass {
			b = binary.AppendUvarint(b, uint64(e.Asset)<<1)
		} else {
			b = binary.AppendUvarint(b, uint64(e.Asset)<<1|1)
			b = append(append(b, byte(len(e.Class))), e.Class...)
		}
		size := (bits.Len64(e.Amount.Lo) + 7) / 8
		if e.Amount.Hi != 0 {
			size = 8 + (bits.Len64(e.Amount.Hi)+7)/8
		}
		amount := e.Amount.Bytes16()
		b = append(append(b, byte(size)), amount[16-size:]...)
	}
	return b
}

var errDamaged = errors.New("it is damaged")

// cutRecord reads the record at the front of b. Where it is cut off, ok is false, and so it is where it makes no sense.
func cutRecord(b []byte) (r record, ok bool) {
	rest := b
	if len(rest) < 8 {
		return r, false
	}
	r.order, rest = binary.BigEndian.Uint64(rest), rest[8:]
	var size uint64
	if size, rest, ok = uvarint(rest); !ok || uint64(len(rest)) < size {
		return r, false
	}
	r.id, rest = rest[:size], rest[size:]
	if r.repeated, rest, ok = uvarint(rest); !ok {
		return r, false
	}
	if r.entries, rest, ok = uvarint(rest); !ok {
		return r, false
	}
	r.body = rest
	for range r.entries {
		if _, rest, ok = cutEntry(rest); !ok {
			return r, false
		}
	}
	r.body = r.body[:len(r.body)-len(rest)]
	r.raw = b[:len(b)-len(rest)]
	return r, true
}

// rawEntry is an entry that was read.
type rawEntry struct {
	asset  uint16
	class  []byte // nil for the default
	amount merkle.Amount
}

func cutEntry(b []byte) (e rawEntry, rest []byte, ok bool) {
	key, b, ok := uvarint(b)
	if !ok || key>>1 >= merkle.MaxAssets {
		return e, nil, false
	}
	e.asset = uint16(key >> 1) //nolint:gosec // below 1,024
	if key&1 == 1 {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return e, nil, false
		}
		e.class, b = b[1:1+int(b[0])], b[1+int(b[0]):]
	}
	if len(b) == 0 || b[0] > 16 || len(b) < 1+int(b[0]) {
		return e, nil, false
	}
	size := int(b[0])
	for _, c := range b[1 : 1+size] {
		e.amount.Hi = e.amount.Hi<<8 | e.amount.Lo>>56
		e.amount.Lo = e.amount.Lo<<8 | uint64(c)
	}
	return e, b[1+size:], true
}

func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), b[1:], true
	}
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

package evidence

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// item is one item of RLP: a string or a list, with its whole encoding.
type item struct {
	list    bool
	content []byte
	whole   []byte
}

// splitRLP takes the first item off b. Each item has one encoding: the shortest (SPEC part 12).
func splitRLP(b []byte) (first item, rest []byte, err error) {
	if len(b) == 0 {
		return item{}, nil, errors.New("rlp: ends where an item should stand")
	}
	tag := b[0]
	if tag < 0x80 {
		return item{content: b[:1], whole: b[:1]}, b[1:], nil
	}
	list := tag >= 0xc0
	base := byte(0x80)
	if list {
		base = 0xc0
	}
	header, size := 1, uint64(tag-base)
	if size > 55 {
		lengthBytes := int(size - 55) //nolint:gosec // size is 56 to 63
		if header += lengthBytes; len(b) < header {
			return item{}, nil, errors.New("rlp: ends inside a length")
		}
		if b[1] == 0 {
			return item{}, nil, errors.New("rlp: length with a leading zero")
		}
		var wide [8]byte
		copy(wide[8-lengthBytes:], b[1:header])
		if size = binary.BigEndian.Uint64(wide[:]); size <= 55 {
			return item{}, nil, errors.New("rlp: long form of a short length")
		}
	}
	if size > uint64(len(b)-header) { //nolint:gosec // header is at most len(b)
		return item{}, nil, fmt.Errorf("rlp: item of %d bytes where %d are left", size, len(b)-header)
	}
	end := header + int(size) //nolint:gosec // at most len(b), as just checked
	if !list && size == 1 && b[1] < 0x80 {
		return item{}, nil, errors.New("rlp: long form of a single byte")
	}
	return item{list: list, content: b[header:end], whole: b[:end]}, b[end:], nil
}

// listRLP reads b as one list with nothing left over and returns its items.
func listRLP(b []byte) ([]item, error) {
	outer, rest, err := splitRLP(b)
	if err != nil {
		return nil, err
	}
	if !outer.list {
		return nil, errors.New("rlp: want a list, got a string")
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("rlp: %d bytes are left over", len(rest))
	}
	var items []item
	for left := outer.content; len(left) > 0; {
		var next item
		if next, left, err = splitRLP(left); err != nil {
			return nil, err
		}
		items = append(items, next)
	}
	return items, nil
}

// integer is an item that holds an unsigned integer of at most size bytes, without leading zeros, big-endian.
func (i item) integer(size int) ([]byte, error) {
	switch {
	case i.list:
		return nil, errors.New("rlp: want an integer, got a list")
	case len(i.content) > size:
		return nil, fmt.Errorf("rlp: integer of %d bytes, more than %d", len(i.content), size)
	case len(i.content) > 0 && i.content[0] == 0:
		return nil, errors.New("rlp: integer with a leading zero")
	}
	return i.content, nil
}

// uint64 is an item that holds an integer below 2^64.
func (i item) uint64() (uint64, error) {
	digits, err := i.integer(8)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[8-len(digits):], digits)
	return binary.BigEndian.Uint64(wide[:]), nil
}

// hash is an item that holds exactly 32 bytes.
func (i item) hash() (h [32]byte, err error) {
	if i.list || len(i.content) != len(h) {
		return h, fmt.Errorf("rlp: want 32 bytes, got %d", len(i.content))
	}
	return [32]byte(i.content), nil
}

package evidence

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const maxTransaction = 4_000_000 // bytes, SPEC part 18

// transaction is what evidence needs of a transaction without witness data.
type transaction struct {
	id         [32]byte // in hashing order
	isCoinbase bool     // one input, of the null outpoint
	inputs     [][]byte // the outpoints spent: txid in hashing order, four bytes of vout
	outputs    []transactionOutput
}

type transactionOutput struct {
	value  uint64
	script []byte
}

// cursor reads the fields of a transaction; the first fault sticks.
type cursor struct {
	left []byte
	err  error
}

func (c *cursor) take(n uint64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n > uint64(len(c.left)) {
		c.err = fmt.Errorf("ends inside %s: %d bytes where %d are left", what, n, len(c.left))
		return nil
	}
	out := c.left[:n]
	c.left = c.left[n:]
	return out
}

// number reads four bytes, little-endian.
func (c *cursor) number(what string) uint32 {
	b := c.take(4, what)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

// count reads a compact size in its shortest form.
func (c *cursor) count(what string) uint64 {
	tag := c.take(1, what)
	if c.err != nil {
		return 0
	}
	var n, least uint64
	switch tag[0] {
	case 0xfd:
		if b := c.take(2, what); b != nil {
			n, least = uint64(binary.LittleEndian.Uint16(b)), 0xfd
		}
	case 0xfe:
		if b := c.take(4, what); b != nil {
			n, least = uint64(binary.LittleEndian.Uint32(b)), 1<<16
		}
	case 0xff:
		if b := c.take(8, what); b != nil {
			n, least = binary.LittleEndian.Uint64(b), 1<<32
		}
	default:
		return uint64(tag[0])
	}
	if c.err == nil && n < least {
		c.err = fmt.Errorf("%s: count %d is not in its shortest form", what, n)
	}
	return n
}

// parseTransaction reads version, inputs, outputs and lock time, and refuses anything else (SPEC part 13, step 3). A
// transaction of 64 bytes could also be two nodes of a Merkle tree, and is refused (CVE-2017-12842).
func parseTransaction(raw []byte) (transaction, error) {
	if len(raw) == 64 {
		return transaction{}, errors.New("64 bytes, as long as an inner node of the Merkle tree")
	}
	c := &cursor{left: raw}
	c.take(4, "the version")
	inputs := c.count("the number of inputs")
	if c.err == nil && inputs == 0 {
		return transaction{}, errors.New("no inputs: a witness marker, or no transaction")
	}
	tx := transaction{isCoinbase: inputs == 1}
	for i := uint64(0); i < inputs && c.err == nil; i++ {
		outpoint := c.take(36, "an input's outpoint")
		tx.isCoinbase = tx.isCoinbase && isNullOutpoint(outpoint)
		tx.inputs = append(tx.inputs, outpoint)
		c.take(c.count("the length of an input's script"), "an input's script")
		c.take(4, "an input's sequence")
	}
	outputs := c.count("the number of outputs")
	if c.err == nil && outputs == 0 {
		return transaction{}, errors.New("no outputs")
	}
	for i := uint64(0); i < outputs && c.err == nil; i++ {
		var out transactionOutput
		if value := c.take(8, "an output's value"); value != nil {
			out.value = binary.LittleEndian.Uint64(value)
		}
		out.script = c.take(c.count("the length of an output's script"), "an output's script")
		tx.outputs = append(tx.outputs, out)
	}
	c.take(4, "the lock time")
	if c.err == nil && len(c.left) > 0 {
		c.err = fmt.Errorf("%d bytes are left over", len(c.left))
	}
	if c.err != nil {
		return transaction{}, c.err
	}
	tx.id = doubleSHA256(raw)
	return tx, nil
}

func isNullOutpoint(outpoint []byte) bool {
	if len(outpoint) != 36 || binary.LittleEndian.Uint32(outpoint[32:]) != 0xffffffff {
		return false
	}
	for _, b := range outpoint[:32] {
		if b != 0 {
			return false
		}
	}
	return true
}

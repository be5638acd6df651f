package evidence

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	kindAnchor = "assay/v1/anchor"
	maxAnchor  = 256 << 20 // SPEC part 18
)

// Anchor is a transaction in a block of a bip122 chain, with the headers from that block on (SPEC part 26).
type Anchor struct {
	chain        *UTXO // its headers
	coinbase, tx provenTransaction
}

// ParseAnchor reads an anchor (SPEC part 26). Malformed input is a [canon.FormatError] or [canon.VersionError].
func ParseAnchor(raw []byte) (*Anchor, error) {
	if len(raw) > maxAnchor {
		return nil, &canon.FormatError{Field: "file", Problem: fmt.Sprintf("%d bytes, more than 256 MiB", len(raw))}
	}
	a, u := new(Anchor), new(UTXO)
	err := decode(raw, kindAnchor, func(r *canon.Reader) {
		r.Object(
			canon.Key("branch", func() { a.tx.branch = readBranch(r) }),
			canon.Key("chain", func() { u.chain = r.Text() }),
			canon.Key("coinbase", func() { a.coinbase = readCoinbase(r) }),
			canon.Key("first", func() { u.first = r.Number(1<<32 - 1) }),
			canon.Key("headers", func() { u.headers = readHeaders(r) }),
			canon.Key("index", func() { a.tx.index = readIndex(r) }),
			canon.Key("tx", func() { a.tx.raw = readHex(r, maxTransaction) }),
			canon.Key("type", func() { r.Fixed(kindAnchor) }),
		)
	})
	if err != nil {
		return nil, err
	}
	known := false
	if u.network, known = networkOf(u.chain); !known {
		return nil, &canon.FormatError{Field: "chain", Problem: fmt.Sprintf("%q is not a network with Bitcoin's rules known here (SPEC part 13)", u.chain)}
	}
	a.chain = u
	return a, nil
}

// Check verifies that the transaction is in the block, that the headers from there on follow from one another with their work, and that
// exactly one of its outputs has this script (SPEC part 26, step 2). It gives the block: whether it is the chain's, only somebody who
// knows one of the headers can say. Errors are a [CheckError].
func (a *Anchor) Check(script []byte) (Block, error) {
	if err := a.chain.checkLinks(); err != nil {
		return Block{}, err
	}
	root := [32]byte(a.chain.header(0)[36:68])
	coinbase, err := includeCoinbase("coinbase", 0, a.coinbase, root)
	if err != nil {
		return Block{}, err
	}
	tx, err := includeBeside("tx", 0, a.tx, a.coinbase, root)
	if err != nil {
		return Block{}, err
	}
	if tx.id == coinbase.id {
		return Block{}, &CheckError{Field: "tx", Problem: "it is the coinbase", Got: printed(tx.id), Want: "another transaction of the block"}
	}
	found := 0
	for _, out := range tx.outputs {
		if bytes.Equal(out.script, script) {
			found++
		}
	}
	if found != 1 {
		return Block{}, &CheckError{Field: "tx", Problem: "it does not hold the log's checkpoint", Got: strconv.Itoa(found) + " outputs with its script", Want: fmt.Sprintf("one output with script %x", script)}
	}
	return a.chain.block(0), nil
}

// Headers gives how many there are: the block's own, and those of the blocks after it.
func (a *Anchor) Headers() int { return len(a.chain.headers) / headerSize }

// Hash gives the id of the block of a height, if its header is here.
func (a *Anchor) Hash(height uint64) (string, bool) {
	if height < a.chain.first || height-a.chain.first >= uint64(a.Headers()) { //nolint:gosec // a length
		return "", false
	}
	return a.chain.block(int(height - a.chain.first)).Hash, true //nolint:gosec // below the number of headers
}

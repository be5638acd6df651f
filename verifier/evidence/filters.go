package evidence

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// filters is what a file says of spending since its first block: the compact filter of every block, and whole each block whose
// filter matches (SPEC part 13, "Compact filters").
type filters struct {
	attested []filterAttestation
	blocks   []wholeBlock
	coded    []codedFilter // one for each header
	previous [32]byte      // header of the filter before the first, in hashing order
}

// filterAttestation is the filter header that one node answered for the pinned block.
type filterAttestation struct {
	node   string
	header [32]byte // in hashing order
}

type wholeBlock struct {
	height       uint64
	transactions [][]byte
}

// codedFilter is a filter as nodes give it, and taken apart: how many items it says it holds, and the coded set.
type codedFilter struct {
	raw, set []byte
	items    uint32
}

// Parameters of BIP-158's basic filters: an item is a number below items × filterSpread, coded in at least filterBits + 1 bits.
const (
	filterBits   = 19
	filterSpread = 784931
)

// parseFilter reads the number of items and leaves the coded set as it is.
func parseFilter(raw []byte) (codedFilter, error) {
	c := &cursor{left: raw}
	items := c.count("the number of items")
	switch {
	case c.err != nil:
		return codedFilter{}, c.err
	case items > math.MaxUint32 || items*(filterBits+1) > uint64(len(c.left))*8:
		return codedFilter{}, fmt.Errorf("%d items do not fit into %d bytes", items, len(c.left))
	case items == 0 && len(c.left) > 0:
		return codedFilter{}, fmt.Errorf("%d bytes follow a filter without items", len(c.left))
	}
	return codedFilter{raw: raw, set: c.left, items: uint32(items)}, nil
}

func readFilters(r *canon.Reader) *filters {
	f := new(filters)
	r.Object(
		canon.Key("attested", func() { f.attested = readFilterAttestations(r) }),
		canon.Key("blocks", func() { f.blocks = readWholeBlocks(r) }),
		canon.Key("filters", func() {
			r.Array(maxHeaders, func(int) {
				coded, err := parseFilter(readHex(r, maxFile))
				if err != nil {
					r.Fail("not a compact filter: %v", err)
				}
				f.coded = append(f.coded, coded)
			})
		}),
		canon.Key("previous", func() { f.previous = reversed(r.Hash()) }),
	)
	return f
}

func readFilterAttestations(r *canon.Reader) (attested []filterAttestation) {
	r.Array(maxFile, func(i int) {
		var a filterAttestation
		r.Object(
			canon.Key("header", func() { a.header = reversed(r.Hash()) }),
			canon.Key("node", func() { a.node = readLabel(r) }),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(a.node, attested[i-1].node), "node")
		}
		attested = append(attested, a)
	})
	if len(attested) < 2 {
		r.Fail("filters are not in consensus: at least two nodes attest them, got %d", len(attested))
	}
	return attested
}

func readWholeBlocks(r *canon.Reader) (blocks []wholeBlock) {
	r.Array(maxHeaders, func(i int) {
		var b wholeBlock
		r.Object(
			canon.Key("height", func() { b.height = r.Number(1<<32 - 1) }),
			canon.Key("transactions", func() {
				r.Array(maxFile, func(int) { b.transactions = append(b.transactions, readHex(r, maxTransaction)) })
			}),
		)
		if i > 0 {
			ascending(r, i, cmp.Compare(b.height, blocks[i-1].height), "height")
		}
		blocks = append(blocks, b)
	})
	return blocks
}

// fit: there is a filter for each header, and nothing before the filter of block 0.
func (f *filters) fit(headers int, first uint64) error {
	if len(f.coded) != headers {
		return &canon.FormatError{Field: "filters.filters", Problem: fmt.Sprintf("%d filters for %d headers: one is needed for each", len(f.coded), headers)}
	}
	if first == 0 && f.previous != [32]byte{} {
		return &canon.FormatError{Field: "filters.previous", Problem: "no filter is before that of block 0: want zeros"}
	}
	return nil
}

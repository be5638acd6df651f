// Package shard keeps one shard of a snapshot in a sealed file, and makes customers' inclusion proofs out of it at random (SPEC
// parts 5, 6 and 8).
//
// A shard file is an age file. It holds what is needed to serve proofs and no more:
//
//	header      "assay/v2/shard-rows" (where sums hide: "assay/v2/shard-hide") ‖ 0x0a ‖ snapshot id (32) ‖ u32 shard ‖ u32 shards ‖ u16 assets ‖ u64 leaves
//	blocks      64 neighbouring rows each, the last one fewer; a row is handle (32) ‖ nonce (32) ‖ identity (32) ‖ sum,
//	            and where sums hide ‖ balances ‖ blinding (32)
//	runs        64 neighbouring nodes each, the last one fewer; a node is u64 where ‖ u32 size ‖ hash (32) ‖ sum
//	index       leaves × ( first 8 bytes of a handle ‖ u32 leaf ), ascending, in pages of 1,024
//	pages       first 8 bytes of each page
//	top run     the one run that no node stands for
//	end         shard root hash (32) ‖ u64 where the index begins ‖ u32 size of the top run
//
// Of the tree, every sixth level is kept. A node stands for the block or run that lies where it says; the levels between are
// hashed again from what is read there, and have to give that very node. Blocks and runs lie in the order in which they fill.
//
//	          top run          ← gives the shard root
//	         /       \
//	     run         run       ← each gives its node in the run above
//	    /  |  \     /  |
//	block … … … block … block  ← each gives its node in its run
//
// So a reader that knows the shard root trusts nothing it was given: what was altered or comes from elsewhere is refused as it
// is read. What a leaf does not hash, a row's handle and nonce, rests on the seal alone.
//
// To open a file is to read its header and its end, from pages on: 64 nodes and 8 bytes for 1,024 leaves at most. A proof then
// takes one read of the index, one of a block, and one of each run between top run and block that is not in memory from proofs
// before: none up to 4,096 leaves, one up to 262,144, two up to 16,777,216. Each is of a few kilobytes up to some ten, which age
// unseals in chunks of 64 KiB. Writing takes memory for one block, a run a level, and 16 bytes of index a row.
//
// There is no customer id in it: whoever serves proofs finds a row by its look-up handle, and can name nobody. The format is
// the builder's own; a verifier never sees it.
package shard

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/assay-por/assay/merkle"
)

// MaxShards and MaxLeaves bound a tree (SPEC part 18).
const (
	MaxShards = 1 << 20
	MaxLeaves = 1<<31 - 1
)

const (
	magic       = "assay/v2/shard-rows\n"
	magicV1     = "assay/v1/shard-rows\n"
	magicHiding = "assay/v2/shard-hide\n"
)

// fanout is how many rows a block has, and how many nodes a run. It is a power of two, so what they give are nodes of the tree.
const (
	fanoutBits = 6
	fanout     = 1 << fanoutBits
)

const headerSize = len(magic) + 32 + 4 + 4 + 2 + 8

// Kind is what a file has to know of its tree's kind of sum.
type Kind[S merkle.Sum[S]] struct {
	Tree merkle.Kind
	// Decode reads a sum from the front of b, of a registry of that many assets, and returns what follows it.
	Decode func(b []byte, assets int) (sum S, rest []byte, err error)
	// Top, if not nil, computes the top of the tree over a block's rows, faster than leaf by leaf.
	Top func(rows []Row[S]) (merkle.Node[S], error)
	// Pairs, if not nil, adds neighbours of a row of nodes, as [merkle.NewTreeBy] has it, faster than one by one.
	Pairs func(row []merkle.Node[S]) ([]S, error)
	// Opens says that sums hide: rows have an opening each. It holds sums of rows of a block to what they open to.
	Opens func(rows []Row[S]) error
}

// Plain is the kind whose sums are what customers are owed.
var Plain = Kind[merkle.Plain]{Tree: merkle.KindPlain, Decode: merkle.DecodePlain}

func (k Kind[S]) magic() string {
	if k.Opens != nil {
		return magicHiding
	}
	return magic
}

// tree builds the tree over nodes of a shard.
func (k Kind[S]) tree(nodes []merkle.Node[S]) (*merkle.Tree[S], error) {
	if k.Pairs != nil {
		return merkle.NewTreeBy(merkle.Shard, k.Tree, nodes, k.Pairs)
	}
	return merkle.NewTree(merkle.Shard, k.Tree, nodes)
}

// top computes the top of the tree over a block's rows. It may share memory with a row.
func (k Kind[S]) top(tree *merkle.Builder[S], rows []Row[S]) (merkle.Node[S], error) {
	if k.Top != nil {
		return k.Top(rows)
	}
	tree.Reset()
	for _, r := range rows {
		if err := tree.Add(r.Identity, r.Sum); err != nil {
			return merkle.Node[S]{}, err
		}
	}
	return tree.Top()
}

// Header says which shard of which snapshot a file holds.
type Header struct {
	Snapshot merkle.Hash
	Index    uint32 // this shard, from 0
	Count    uint32 // all shards of the tree
	Assets   uint16 // of the registry
	Leaves   uint64
}

func (h Header) check() error {
	if h.Count == 0 || h.Count > MaxShards || h.Index >= h.Count {
		return fmt.Errorf("shard #%d of %d: want an index below the count, and at most %d shards", h.Index, h.Count, MaxShards)
	}
	if h.Leaves == 0 || h.Leaves > MaxLeaves {
		return fmt.Errorf("shard of %d leaves: want 1 to %d", h.Leaves, MaxLeaves)
	}
	if h.Assets == 0 || h.Assets > merkle.MaxAssets {
		return fmt.Errorf("registry of %d assets: want 1 to %d", h.Assets, merkle.MaxAssets)
	}
	return nil
}

func (h Header) encode(magic string) []byte {
	b := append([]byte(magic), h.Snapshot[:]...)
	b = binary.BigEndian.AppendUint32(b, h.Index)
	b = binary.BigEndian.AppendUint32(b, h.Count)
	b = binary.BigEndian.AppendUint16(b, h.Assets)
	return binary.BigEndian.AppendUint64(b, h.Leaves)
}

// decodeHeader reads a header of headerSize bytes.
func decodeHeader(b []byte, want string) (h Header, err error) {
	switch string(b[:len(magic)]) {
	case want:
	case magicV1:
		return h, errors.New("it is of version 1, this program reads version 2: build the tree again (assay build --again); its root stays the same")
	case magic, magicHiding:
		return h, errors.New("its tree is of another kind")
	default:
		return h, errors.New("not a shard file of version 2")
	}
	b = b[len(magic):]
	h.Snapshot = merkle.Hash(b[:32])
	h.Index = binary.BigEndian.Uint32(b[32:])
	h.Count = binary.BigEndian.Uint32(b[36:])
	h.Assets = binary.BigEndian.Uint16(b[40:])
	h.Leaves = binary.BigEndian.Uint64(b[42:])
	return h, h.check()
}

// Row is one customer's row.
type Row[S merkle.Sum[S]] struct {
	Handle   [32]byte
	Nonce    [32]byte
	Identity merkle.Hash
	Sum      S
	// Opening is what the sum opens to, where sums hide; its Total is not the file's.
	Opening *merkle.Opening[S]
}

// AppendBinary appends the row as it stands in a file.
func (r Row[S]) AppendBinary(b []byte) []byte {
	b = append(b, r.Handle[:]...)
	b = append(b, r.Nonce[:]...)
	b = append(b, r.Identity[:]...)
	b = r.Sum.AppendBinary(b)
	if r.Opening == nil {
		return b
	}
	return append(r.Opening.Balances.AppendBinary(b), r.Opening.Blinding[:]...)
}

// Where the parts of an encoded row begin.
const (
	nonceAt    = 32
	identityAt = 64
	sumAt      = 96
)

// decodeRow reads one row from the front of b.
func (k Kind[S]) decodeRow(b []byte, assets int) (r Row[S], rest []byte, err error) {
	if len(b) < sumAt {
		return r, nil, fmt.Errorf("a row has %d bytes, want at least %d", len(b), sumAt+2)
	}
	r = Row[S]{Handle: [32]byte(b), Nonce: [32]byte(b[nonceAt:]), Identity: merkle.Hash(b[identityAt:])}
	if r.Sum, rest, err = k.Decode(b[sumAt:], assets); err != nil || k.Opens == nil {
		return r, rest, err
	}
	r.Opening = new(merkle.Opening[S])
	if r.Opening.Balances, rest, err = merkle.DecodePlain(rest, assets); err != nil {
		return r, nil, fmt.Errorf("balances: %w", err)
	}
	if len(rest) < len(r.Opening.Blinding) {
		return r, nil, errors.New("its blinding is cut off")
	}
	r.Opening.Blinding = [32]byte(rest)
	return r, rest[len(r.Opening.Blinding):], nil
}

// node is a kept node of the tree, with where the block or run that it stands for lies.
type node[S merkle.Sum[S]] struct {
	where int64
	size  int
	merkle.Node[S]
}

const nodeSumAt = 8 + 4 + 32

func (n node[S]) appendBinary(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(n.where)) //nolint:gosec // an offset
	b = binary.BigEndian.AppendUint32(b, uint32(n.size))  //nolint:gosec // at most 64 rows of at most 1,024 assets
	b = append(b, n.Hash[:]...)
	return n.Sum.AppendBinary(b)
}

// decodeNode reads one node from the front of b. What it points to is not judged.
func (k Kind[S]) decodeNode(b []byte, assets int) (n node[S], rest []byte, err error) {
	if len(b) < nodeSumAt {
		return n, nil, fmt.Errorf("a node has %d bytes, want at least %d", len(b), nodeSumAt+2)
	}
	n.where = int64(binary.BigEndian.Uint64(b)) //nolint:gosec // held to the file's bounds before it is followed
	n.size = int(binary.BigEndian.Uint32(b[8:]))
	n.Hash = merkle.Hash(b[12:])
	n.Sum, rest, err = k.Decode(b[nodeSumAt:], assets)
	return n, rest, err
}

// ref is an entry of the index.
type ref struct {
	prefix uint64 // first 8 bytes of the handle
	leaf   uint32
}

func (r ref) cmp(o ref) int {
	return cmp.Or(cmp.Compare(r.prefix, o.prefix), cmp.Compare(r.leaf, o.leaf))
}

const (
	refSize  = 8 + 4
	pageRefs = 1024
	endSize  = 32 + 8 + 4
)

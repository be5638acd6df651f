// Package shard keeps one shard of a snapshot in a sealed file, and makes customers' inclusion proofs out of it (SPEC parts 5,
// 6 and 8).
//
// A shard file is an age file. It holds, in leaf order, what is needed to serve proofs and no more:
//
//	"assay/v1/shard-rows" ‖ 0x0a ‖ snapshot id (32) ‖ u32 shard ‖ u32 shards ‖ u16 assets ‖ u64 leaves
//	leaves × ( handle (32) ‖ nonce (32) ‖ identity (32) ‖ sum )
//	shard root hash (32)
//
// There is no customer id in it: whoever serves proofs finds a row by its look-up handle, and can name nobody. The format is
// the builder's own; a verifier never sees it.
package shard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/assay-por/assay/merkle"
)

// MaxShards and MaxLeaves bound a tree (SPEC part 18).
const (
	MaxShards = 1 << 20
	MaxLeaves = 1<<31 - 1
)

const magic = "assay/v1/shard-rows\n"

const headerSize = len(magic) + 32 + 4 + 4 + 2 + 8

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

func (h Header) encode() []byte {
	b := append([]byte(magic), h.Snapshot[:]...)
	b = binary.BigEndian.AppendUint32(b, h.Index)
	b = binary.BigEndian.AppendUint32(b, h.Count)
	b = binary.BigEndian.AppendUint16(b, h.Assets)
	return binary.BigEndian.AppendUint64(b, h.Leaves)
}

// decodeHeader reads a header of headerSize bytes.
func decodeHeader(b []byte) (h Header, err error) {
	if string(b[:len(magic)]) != magic {
		return h, errors.New("not a shard file of version 1")
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
type Row struct {
	Handle   [32]byte
	Nonce    [32]byte
	Identity merkle.Hash
	Sum      merkle.Plain
}

// AppendBinary appends the row as it stands in a file.
func (r Row) AppendBinary(b []byte) []byte {
	b = append(b, r.Handle[:]...)
	b = append(b, r.Nonce[:]...)
	b = append(b, r.Identity[:]...)
	return r.Sum.AppendBinary(b)
}

// Where the parts of an encoded row begin.
const (
	nonceAt    = 32
	identityAt = 64
	sumAt      = 96
)

// Writer seals rows into a file as they come.
type Writer struct {
	sealed io.WriteCloser
}

// NewWriter begins a file for one recipient. Nothing is complete before [Writer.Close].
func NewWriter(w io.Writer, recipient age.Recipient, header Header) (*Writer, error) {
	if err := header.check(); err != nil {
		return nil, err
	}
	sealed, err := age.Encrypt(w, recipient)
	if err != nil {
		return nil, fmt.Errorf("seal shard #%d: %w", header.Index, err)
	}
	if _, err := sealed.Write(header.encode()); err != nil {
		return nil, err
	}
	return &Writer{sealed}, nil
}

// Write appends whole rows, encoded by [Row.AppendBinary], in leaf order.
func (w *Writer) Write(rows []byte) (int, error) { return w.sealed.Write(rows) }

// Close ends the file with the shard root's hash, by which a reader knows that it computes the same tree. It does not close
// the writer below.
func (w *Writer) Close(root merkle.Hash) error {
	if _, err := w.sealed.Write(root[:]); err != nil {
		return err
	}
	return w.sealed.Close()
}

package confidential

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/merkle"
)

// prf gives scalars under a key (SPEC part 29, Who builds). It is for one goroutine.
type prf struct {
	mac  hash.Hash
	wide *wide
	in   []byte
	out  [64]byte
}

func newPRF(key []byte, w *wide) *prf { return &prf{mac: hmac.New(sha512.New, key), wide: w} }

// scalar is HMAC-SHA512(key, label) as an integer, modulo q.
func (f *prf) scalar(label string) fr.Element {
	f.in = append(f.in[:0], label...)
	return f.of()
}

// at is HMAC-SHA512(key, label ‖ u64 i), as an integer, modulo q.
func (f *prf) at(label string, i int) fr.Element {
	f.in = binary.BigEndian.AppendUint64(append(f.in[:0], label...), uint64(i)) //nolint:gosec // at least 0
	return f.of()
}

func (f *prf) of() fr.Element {
	f.mac.Reset()
	f.mac.Write(f.in) // never fails, by hash.Hash's promise
	f.mac.Sum(f.out[:0])
	return f.wide.scalar(&f.out)
}

func mac256(key []byte, parts ...[]byte) [32]byte {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		m.Write(p) // never fails, by hash.Hash's promise
	}
	return [32]byte(m.Sum(nil))
}

func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// rowsHash computes D, the hash of a shard's data (SPEC part 29, Who builds).
type rowsHash struct {
	hash hash.Hash
	buf  []byte
}

func newRowsHash(count int) *rowsHash {
	h := &rowsHash{hash: sha256.New()}
	h.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(count))) //nolint:gosec // at least 1
	return h
}

func (h *rowsHash) add(c *chunk) {
	h.buf = h.buf[:0]
	for i := range c.rows() {
		h.buf = append(h.buf, c.identities[i][:]...)
		h.buf = merkle.Plain(c.row(i)).AppendBinary(h.buf)
	}
	h.hash.Write(h.buf) // never fails, by hash.Hash's promise
}

func (h *rowsHash) sum() merkle.Hash { return merkle.Hash(h.hash.Sum(nil)) }

// digest reads all rows for D.
func digest(t *table) (merkle.Hash, error) {
	h, free := newRowsHash(t.count), pool()
	err := t.chunks(free, func(c *chunk) error {
		h.add(c)
		free.Put(c)
		return nil
	})
	return h.sum(), err
}

// shardKey is the key of a shard's blindings (SPEC part 29, Who builds).
func shardKey(blind merkle.BlindKey, snapshot merkle.Hash, shard uint32, rows merkle.Hash) []byte {
	k := mac256(blind[:], []byte("rows"), snapshot[:], u32(shard), rows[:])
	return k[:]
}

// decoy is the identity of the one row of a shard without customers (SPEC part 29, Who builds).
func decoy(blind merkle.BlindKey, snapshot merkle.Hash, shard uint32) merkle.Hash {
	return mac256(blind[:], []byte("decoy"), snapshot[:], u32(shard))
}

// surplusKey is the key of the blinding of a surplus (SPEC part 29, Who builds).
func surplusKey(blind merkle.BlindKey, snapshot, rows merkle.Hash, totals []byte) []byte {
	k := mac256(blind[:], []byte("surplus"), snapshot[:], rows[:], totals)
	return k[:]
}

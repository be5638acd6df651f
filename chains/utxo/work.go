package utxo

import (
	"bytes"
	"math/big"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/crypto/scrypt"
)

// doubleHash is the work of Bitcoin's networks, where it is the block's id too.
func doubleHash(header []byte) (chainhash.Hash, error) {
	return chainhash.DoubleHashH(header), nil
}

// scryptHash is the work of Litecoin's networks. Their blocks' ids are double
// SHA-256 all the same.
func scryptHash(header []byte) (work chainhash.Hash, err error) {
	const cost, blockSize, parallel = 1024, 1, 1
	b, err := scrypt.Key(header, header, cost, blockSize, parallel, chainhash.HashSize)
	copy(work[:], b)
	return work, err
}

func headerBytes(h *wire.BlockHeader) ([]byte, error) {
	var raw bytes.Buffer
	err := h.Serialize(&raw)
	return raw.Bytes(), err
}

// expand returns the target that a header's bits stand for: 3 bytes of
// mantissa, the top bit its sign, under 1 byte of exponent in bytes.
func expand(bits uint32) *big.Int {
	target := big.NewInt(int64(bits & 0x007fffff))
	if exponent := uint(bits >> 24); exponent <= 3 {
		target.Rsh(target, 8*(3-exponent))
	} else {
		target.Lsh(target, 8*(exponent-3))
	}
	if bits&0x00800000 != 0 {
		target.Neg(target)
	}
	return target
}

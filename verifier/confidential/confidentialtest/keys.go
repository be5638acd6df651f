package confidentialtest

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
)

// BlindKey is a snapshot's key for blindings (SPEC part 29, "Who builds").
func BlindKey(secret, snapshot []byte) []byte {
	key, err := hkdf.Key(sha256.New, secret, snapshot, "assay/v1/key/blind", 32)
	if err != nil {
		panic(err)
	}
	return key
}

// RowsDigest is the D of rows, balances of all assets each.
func RowsDigest(identities [][]byte, balances [][]*big.Int) []byte {
	data := binary.BigEndian.AppendUint64(nil, uint64(len(identities)))
	for i, row := range balances {
		var entries []byte
		count := uint16(0)
		for j, amount := range row {
			if amount.Sign() != 0 {
				entries = append(binary.BigEndian.AppendUint16(entries, uint16(j)), amount.FillBytes(make([]byte, 16))...) //nolint:gosec // a test has few assets
				count++
			}
		}
		data = append(binary.BigEndian.AppendUint16(append(data, identities[i]...), count), entries...)
	}
	return hashed(data)
}

// RowsKey is that of a shard's blindings.
func RowsKey(blind, snapshot []byte, shard uint32, digest []byte) []byte {
	return mac256(blind, []byte("rows"), snapshot, binary.BigEndian.AppendUint32(nil, shard), digest)
}

// Decoy is the identity of the row of a shard without customers.
func Decoy(blind, snapshot []byte, shard uint32) []byte {
	return mac256(blind, []byte("decoy"), snapshot, binary.BigEndian.AppendUint32(nil, shard))
}

// SurplusBlinding is that of the row outside the tree, with hidden totals.
func SurplusBlinding(blind, snapshot, digest []byte, totals []*big.Int) Scalar {
	key := mac256(blind, []byte("surplus"), snapshot, digest, encodedTotals(totals))
	return Keyed(key, "surplus")
}

// Keyed is HMAC-SHA512(key, name), or HMAC-SHA512(key, name ‖ u64 index), as an integer, modulo q.
func Keyed(key []byte, name string, index ...int) (s Scalar) {
	mac := hmac.New(sha512.New, key)
	mac.Write([]byte(name))
	for _, i := range index {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(i))) //nolint:gosec // at least 0
	}
	s.SetBigInt(new(big.Int).Mod(new(big.Int).SetBytes(mac.Sum(nil)), fr.Modulus()))
	return s
}

func mac256(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

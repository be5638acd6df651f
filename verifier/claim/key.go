package claim

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
)

// Key is a public key as a policy or a statement names it (SPEC part 2).
type Key struct {
	Text   string
	ID     string // as signatures name it (SPEC part 10)
	public any    // ed25519.PublicKey or *ecdsa.PublicKey on P-256
}

// parseKey reads the text form of a public key. A P-256 key is a point of the curve, in its one compressed spelling.
func parseKey(s string) (Key, error) {
	algorithm, hexes, _ := strings.Cut(s, ":")
	length := map[string]int{"ed25519": ed25519.PublicKeySize, "p256": 33}[algorithm]
	if length == 0 || len(hexes) != 2*length || !only(hexes, lowerHex) {
		return Key{}, errors.New("not a public key: want ed25519: and 64, or p256: and 66 lower-case hex digits")
	}
	raw, err := hex.DecodeString(hexes)
	if err != nil {
		return Key{}, err
	}
	id := sha256.Sum256([]byte("assay/v1/key\x00" + s))
	key := Key{Text: s, ID: hex.EncodeToString(id[:]), public: ed25519.PublicKey(raw)}
	if algorithm == "p256" {
		if key.public, err = parsePoint(raw); err != nil {
			return Key{}, err
		}
	}
	return key, nil
}

func parsePoint(compressed []byte) (*ecdsa.PublicKey, error) {
	x, y := elliptic.UnmarshalCompressed(elliptic.P256(), compressed)
	if x == nil {
		return nil, errors.New("not a public key: these bytes are no compressed point of P-256")
	}
	point := append([]byte{4}, make([]byte, 64)...)
	x.FillBytes(point[1:33])
	y.FillBytes(point[33:])
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
}

func (k Key) edwards() bool {
	_, ok := k.public.(ed25519.PublicKey)
	return ok
}

// verifies reports whether a signature is by this key over the message (SPEC part 10). Both kinds are 64 bytes, and of either nobody
// but the key's owner can make another spelling: that is why s is at most half the order of P-256.
func (k Key) verifies(message, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	switch public := k.public.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	case *ecdsa.PublicKey:
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		if s.Cmp(new(big.Int).Rsh(elliptic.P256().Params().N, 1)) > 0 {
			return false
		}
		digest := sha256.Sum256(message)
		return ecdsa.Verify(public, digest[:], r, s)
	}
	return false
}

// keyOf finds the key that a signature names.
func keyOf(keys []Key, id string) (Key, bool) {
	for _, k := range keys {
		if k.ID == id {
			return k, true
		}
	}
	return Key{}, false
}

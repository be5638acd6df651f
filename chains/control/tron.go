package control

import (
	"fmt"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/ethereum/go-ethereum/common"
)

// tronVersion is what stands before the 20 bytes of a Tron address.
const tronVersion = 0x41

func tronAddress(a common.Address) string { return base58.CheckEncode(a[:], tronVersion) }

// verifyTron takes what Tron's wallets sign: the text, or, in the older
// version, the text's hash.
func verifyTron(address, text, signature string) (Signature, error) {
	raw, version, err := base58.CheckDecode(address)
	if err != nil || version != tronVersion || len(raw) != common.AddressLength || base58.CheckEncode(raw, version) != address {
		return Signature{}, fmt.Errorf("address %s is none of Tron: want base58check of 0x41 and 20 bytes", address)
	}
	sig, err := parseRSV(signature)
	if err != nil {
		return Signature{}, err
	}
	return sig.recover([]way{{Tron, eip191Digest(tronWords, text)}, {TronV1, hashedDigest(tronWords, text)}}, address, tronAddress)
}

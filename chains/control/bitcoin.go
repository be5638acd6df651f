package control

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/assay-por/assay/chains"
)

// What the variants of BIP-322 begin with; older wallets leave out the first.
// Every PSBT in base64 begins with the last.
const (
	simplePrefix = "smp"
	fullPrefix   = "ful"
	fundsPrefix  = "pof"
	psbtPrefix   = "cHNidP"
)

// verifyBitcoin tells the methods of Bitcoin accounts apart by the signature's
// form and checks it.
func verifyBitcoin(account chains.Account, text, signature string) (Signature, error) {
	addr, params, err := bitcoinAddress(account)
	if err != nil {
		return Signature{}, err
	}
	if strings.HasPrefix(signature, fullPrefix) {
		return verifyFull(addr, text, signature)
	}
	if strings.Contains(signature, ":") {
		return verifyMultisig(addr, params, text, signature)
	}
	if sig, ok := asCompact(signature); ok {
		return verifyCompact(addr, params, text, sig)
	}
	return verifySimple(addr, text, signature)
}

// bitcoinAddress decodes an account's address, which must be in its one
// spelling.
func bitcoinAddress(account chains.Account) (address.Address, *chaincfg.Params, error) {
	params := network(account.Chain())
	if params == nil {
		return nil, nil, errors.New("its chain is no Bitcoin network that is known here, nor one of Litecoin")
	}
	a, err := decodeAddress(account.Address(), params)
	if err != nil {
		return nil, nil, fmt.Errorf("address: %w", err)
	}
	if !a.IsForNet(params) || a.EncodeAddress() != account.Address() {
		return nil, nil, fmt.Errorf("address is not one of %s in its one spelling", params.Name)
	}
	switch a.(type) {
	case *address.AddressPubKeyHash, *address.AddressScriptHash, *address.AddressWitnessPubKeyHash, *address.AddressWitnessScriptHash, *address.AddressTaproot:
		return a, params, nil
	default:
		return nil, nil, errors.New("its address is none of P2PKH, P2SH, P2WPKH, P2WSH and P2TR")
	}
}

// decodeAddress reads bech32 by itself: the library goes by a table of the whole
// program, which knows the prefixes of Bitcoin only.
func decodeAddress(text string, params *chaincfg.Params) (address.Address, error) {
	if !strings.HasPrefix(text, params.Bech32HRPSegwit+"1") {
		return address.DecodeAddress(text, params)
	}
	_, data, err := bech32.Decode(text)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, errors.New("it holds no witness version")
	}
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil {
		return nil, err
	}
	switch version := data[0]; {
	case version == 0 && len(program) == 20:
		return address.NewAddressWitnessPubKeyHash(program, params)
	case version == 0 && len(program) == 32:
		return address.NewAddressWitnessScriptHash(program, params)
	case version == 1 && len(program) == 32:
		return address.NewAddressTaproot(program, params)
	}
	return nil, errors.New("its witness program is of no known kind")
}

const litecoin = "litecoin"

// network returns how a chain spells its addresses, nil if it is none of SPEC
// part 13's.
func network(chain chains.Chain) *chaincfg.Params {
	for _, p := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.RegressionNetParams, &chaincfg.SimNetParams} {
		if p.GenesisHash.String()[:32] == chain.Reference() {
			return p
		}
	}
	switch chain.Reference() {
	case "12a765e31ffd4059bada1e25190f6e98":
		return &chaincfg.Params{Name: litecoin, PubKeyHashAddrID: 0x30, ScriptHashAddrID: 0x32, Bech32HRPSegwit: "ltc"}
	case "4966625a4b2851d9fdee139e56211a0d":
		return &chaincfg.Params{Name: litecoin + " testnet4", PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0x3a, Bech32HRPSegwit: "tltc"}
	case "530827f38f93b43ed12af0b3ad25a288":
		return &chaincfg.Params{Name: litecoin + " regtest", PubKeyHashAddrID: 0x6f, ScriptHashAddrID: 0x3a, Bech32HRPSegwit: "rltc"}
	}
	return nil
}

// messageMagic is what wallets of a network hash before a signed message.
func messageMagic(params *chaincfg.Params) string {
	if strings.HasPrefix(params.Name, litecoin) {
		return "Litecoin Signed Message:\n"
	}
	return "Bitcoin Signed Message:\n"
}

// decodeBase64 takes base64 as wallets paste it, wrapped or not, but with
// nothing in its unused bits.
func decodeBase64(signature, prefix string) ([]byte, error) {
	const most = 1_400_000 // a PSBT of SPEC part 18 in base64
	if len(signature) > most {
		return nil, fmt.Errorf("signature is longer than %d characters", most)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(signature, prefix))
	if err != nil {
		return nil, fmt.Errorf("signature: want %s and base64: %w", prefix, err)
	}
	return raw, nil
}

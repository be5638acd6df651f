package control

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/assay-por/assay/chains"
)

// What the variants of BIP-322 begin with; older wallets leave out the first.
const (
	simplePrefix = "smp"
	fullPrefix   = "ful"
	fundsPrefix  = "pof"
)

// verifyBitcoin tells the methods of Bitcoin accounts apart by the signature's
// form and checks it.
func verifyBitcoin(account chains.Account, challenge, signature string) (method, normalized string, grade chains.ControlGrade, err error) {
	addr, params, err := bitcoinAddress(account)
	if err != nil {
		return "", "", chains.NoControl, err
	}
	if strings.HasPrefix(signature, fundsPrefix) {
		return "", "", chains.NoControl, fmt.Errorf("signature is of BIP-322's variant %q, a proof of funds, which is no method of control: sign with %q or %q", fundsPrefix, simplePrefix, fullPrefix)
	}
	if strings.HasPrefix(signature, fullPrefix) {
		normalized, err = verifyFull(addr, challenge, signature)
		return BIP322Full, normalized, chains.Script, err
	}
	if sig, ok := asCompact(signature); ok {
		normalized, err = verifyCompact(addr, params, challenge, sig)
		return Compact, normalized, chains.Bound, err
	}
	normalized, err = verifySimple(addr, challenge, signature)
	return BIP322Simple, normalized, chains.Script, err
}

// bitcoinAddress decodes an account's address, which must be in its one
// spelling.
func bitcoinAddress(account chains.Account) (address.Address, *chaincfg.Params, error) {
	params := network(account.Chain())
	if params == nil {
		return nil, nil, errors.New("its chain is no Bitcoin network that is known here")
	}
	a, err := address.DecodeAddress(account.Address(), params)
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

func network(chain chains.Chain) *chaincfg.Params {
	for _, p := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.RegressionNetParams, &chaincfg.SimNetParams} {
		if p.GenesisHash.String()[:32] == chain.Reference() {
			return p
		}
	}
	return nil
}

// decodeBase64 takes base64 as wallets paste it, wrapped or not, but with
// nothing in its unused bits.
func decodeBase64(signature, prefix string) ([]byte, error) {
	const most = 1 << 20
	if len(signature) > most {
		return nil, fmt.Errorf("signature is longer than %d characters", most)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(signature, prefix))
	if err != nil {
		return nil, fmt.Errorf("signature: want %s and base64: %w", prefix, err)
	}
	return raw, nil
}

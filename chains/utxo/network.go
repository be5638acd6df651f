package utxo

import (
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"golang.org/x/sync/errgroup"

	"github.com/assay-por/assay/chains"
)

// A network is a chain with Bitcoin's rules, and what it does its own way (SPEC
// part 13).
type network struct {
	name     string
	chain    chains.Chain
	powLimit *big.Int
	work     func(header []byte) (chainhash.Hash, error) // the hash that must be below the target
	params   *chaincfg.Params                            // only how it spells addresses
	mweb     bool                                        // its blocks may bear an extension block (LIP-3)
}

// networkOf returns the rules of the chain, nil if it is none of SPEC part 13's.
func networkOf(chain chains.Chain) *network {
	for _, p := range []*chaincfg.Params{&chaincfg.MainNetParams, &chaincfg.TestNet3Params, &chaincfg.RegressionNetParams, &chaincfg.SimNetParams} {
		if chain == chainOf(p.GenesisHash.String()) {
			return &network{name: "bitcoin " + p.Name, chain: chain, powLimit: p.PowLimit, work: doubleHash, params: p}
		}
	}
	for _, l := range []struct {
		name, genesis    string
		limitBits        uint
		pubKeyHash, hash byte
		hrp              string
	}{
		{"mainnet", "12a765e31ffd4059bada1e25190f6e98", 236, 0x30, 0x32, "ltc"},
		{"testnet4", "4966625a4b2851d9fdee139e56211a0d", 236, 0x6f, 0x3a, "tltc"},
		{"regtest", "530827f38f93b43ed12af0b3ad25a288", 255, 0x6f, 0x3a, "rltc"},
	} {
		if chain == chainOf(l.genesis) {
			limit := new(big.Int).Lsh(big.NewInt(1), l.limitBits)
			return &network{name: "litecoin " + l.name, chain: chain, powLimit: limit.Sub(limit, big.NewInt(1)), work: scryptHash, mweb: true,
				params: &chaincfg.Params{Name: l.name, PubKeyHashAddrID: l.pubKeyHash, ScriptHashAddrID: l.hash, Bech32HRPSegwit: l.hrp}}
		}
	}
	return nil
}

func chainOf(genesis string) chains.Chain {
	return chains.Chain(chains.BIP122 + ":" + genesis[:min(32, len(genesis))])
}

// script returns the output script of an account's address (SPEC part 13,
// step 4).
func (n *network) script(account chains.Account) ([]byte, error) {
	a, err := n.decode(account.Address())
	if err != nil {
		return nil, fmt.Errorf("its address is not one of %s: %w", n.name, err)
	}
	if got := a.EncodeAddress(); got != account.Address() {
		return nil, fmt.Errorf("its address is not in its one spelling, %s", got)
	}
	return txscript.PayToAddrScript(a)
}

// decode reads an address without the library's table of known networks, which
// is shared by the whole program and knows Bitcoin's only.
func (n *network) decode(text string) (address.Address, error) {
	if strings.HasPrefix(text, n.params.Bech32HRPSegwit+"1") {
		return n.decodeSegwit(text)
	}
	payload, version, err := base58.CheckDecode(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("neither bech32 with %q nor base58check: %w", n.params.Bech32HRPSegwit, err)
	case version == n.params.PubKeyHashAddrID:
		return address.NewAddressPubKeyHash(payload, n.params)
	case version == n.params.ScriptHashAddrID:
		return address.NewAddressScriptHashFromHash(payload, n.params)
	}
	return nil, fmt.Errorf("version 0x%02x, want 0x%02x (P2PKH) or 0x%02x (P2SH)", version, n.params.PubKeyHashAddrID, n.params.ScriptHashAddrID)
}

// decodeSegwit leaves the checksum's kind to whoever compares the spelling.
func (n *network) decodeSegwit(text string) (address.Address, error) {
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
		return address.NewAddressWitnessPubKeyHash(program, n.params)
	case version == 0 && len(program) == 32:
		return address.NewAddressWitnessScriptHash(program, n.params)
	case version == 1 && len(program) == 32:
		return address.NewAddressTaproot(program, n.params)
	}
	return nil, errors.New("none of P2PKH, P2SH, P2WPKH, P2WSH, P2TR")
}

// checkWorks checks the proof of work of all headers. Scrypt takes most of a
// millisecond a header, so all processors share them.
func (n *network) checkWorks(headers []wire.BlockHeader) error {
	const share = 256
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(headers, share) {
		g.Go(func() error {
			for i := range part {
				if err := n.checkWork(&part[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// checkWork checks a header's proof of work against the target of its own bits
// and the network's limit (SPEC part 13, step 1).
func (n *network) checkWork(h *wire.BlockHeader) error {
	target := expand(h.Bits)
	if target.Sign() <= 0 || target.Cmp(n.powLimit) > 0 {
		return fmt.Errorf("header %s: the target of its bits %08x is out of range", h.BlockHash(), h.Bits)
	}
	raw, err := headerBytes(h)
	if err != nil {
		return err
	}
	work, err := n.work(raw)
	if err != nil {
		return err
	}
	var reversed [chainhash.HashSize]byte
	for i, b := range work {
		reversed[len(work)-1-i] = b
	}
	if new(big.Int).SetBytes(reversed[:]).Cmp(target) > 0 {
		return fmt.Errorf("header %s has not the work that its bits ask for on %s", h.BlockHash(), n.name)
	}
	return nil
}

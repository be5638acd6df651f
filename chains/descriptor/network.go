package descriptor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/assay-por/assay/chains"
)

// A network is how a chain of SPEC part 13 spells addresses, and which
// extended keys are its own.
type network struct {
	name    string
	genesis string
	params  *chaincfg.Params // only how it spells addresses
	keys    []string         // prefixes of extended public keys, the usual one first
}

// networkOf returns the network of a chain, nil if it is none of SPEC part 13's.
func networkOf(chain chains.Chain) *network {
	for _, n := range []network{
		{"Bitcoin mainnet", "000000000019d6689c085ae165831e93", spelling(0x00, 0x05, "bc"), []string{"xpub", "ypub", "zpub"}},
		{"Bitcoin testnet3", "000000000933ea01ad0ee984209779ba", spelling(0x6f, 0xc4, "tb"), []string{"tpub", "upub", "vpub"}},
		{"Bitcoin regtest", "0f9188f13cb7b2c71f2a335e3a4fc328", spelling(0x6f, 0xc4, "bcrt"), []string{"tpub", "upub", "vpub"}},
		{"Bitcoin simnet", "683e86bd5c6d110d91b94b97137ba6bf", spelling(0x3f, 0x7b, "sb"), []string{"spub"}},
		{"Litecoin mainnet", "12a765e31ffd4059bada1e25190f6e98", spelling(0x30, 0x32, "ltc"), []string{"xpub", "Ltub", "Mtub", "ypub", "zpub"}},
		{"Litecoin testnet4", "4966625a4b2851d9fdee139e56211a0d", spelling(0x6f, 0x3a, "tltc"), []string{"tpub", "ttub", "upub", "vpub"}},
		{"Litecoin regtest", "530827f38f93b43ed12af0b3ad25a288", spelling(0x6f, 0x3a, "rltc"), []string{"tpub", "ttub", "upub", "vpub"}},
	} {
		if chain.Namespace() == chains.BIP122 && chain.Reference() == n.genesis {
			return &n
		}
	}
	return nil
}

func spelling(pubKeyHash, script byte, hrp string) *chaincfg.Params {
	return &chaincfg.Params{PubKeyHashAddrID: pubKeyHash, ScriptHashAddrID: script, Bech32HRPSegwit: hrp}
}

// A version is what the first four bytes of an extended key say of it (BIP-32,
// SLIP-132).
type version struct {
	bytes   uint32
	prefix  string // as the key's text begins
	script  string // that the key is for, if it says so
	private bool
	many    bool // it is one of several keys of a script
}

func versions() []version {
	return []version{
		{bytes: 0x0488b21e, prefix: "xpub"}, {bytes: 0x049d7cb2, prefix: "ypub", script: ScriptNested}, {bytes: 0x04b24746, prefix: "zpub", script: ScriptWitness},
		{bytes: 0x0295b43f, prefix: "Ypub", many: true}, {bytes: 0x02aa7ed3, prefix: "Zpub", many: true},
		{bytes: 0x043587cf, prefix: "tpub"}, {bytes: 0x044a5262, prefix: "upub", script: ScriptNested}, {bytes: 0x045f1cf6, prefix: "vpub", script: ScriptWitness},
		{bytes: 0x024289ef, prefix: "Upub", many: true}, {bytes: 0x02575483, prefix: "Vpub", many: true},
		{bytes: 0x019da462, prefix: "Ltub"}, {bytes: 0x01b26ef6, prefix: "Mtub", script: ScriptNested}, {bytes: 0x0436f6e1, prefix: "ttub"},
		{bytes: 0x0420bd3a, prefix: "spub"},

		{bytes: 0x0488ade4, prefix: "xprv", private: true}, {bytes: 0x049d7878, prefix: "yprv", private: true}, {bytes: 0x04b2430c, prefix: "zprv", private: true},
		{bytes: 0x0295b005, prefix: "Yprv", private: true}, {bytes: 0x02aa7a99, prefix: "Zprv", private: true},
		{bytes: 0x04358394, prefix: "tprv", private: true}, {bytes: 0x044a4e28, prefix: "uprv", private: true}, {bytes: 0x045f18bc, prefix: "vprv", private: true},
		{bytes: 0x024285b5, prefix: "Uprv", private: true}, {bytes: 0x02575048, prefix: "Vprv", private: true},
		{bytes: 0x019d9cfe, prefix: "Ltpv", private: true}, {bytes: 0x01b26792, prefix: "Mtpv", private: true}, {bytes: 0x0436ef7d, prefix: "ttpv", private: true},
		{bytes: 0x0420b900, prefix: "sprv", private: true},
	}
}

// versionOf returns what the first bytes of an extended key mean.
func versionOf(b []byte) (version, bool) {
	all := versions()
	i := slices.IndexFunc(all, func(v version) bool { return v.bytes == binary.BigEndian.Uint32(b) })
	if i < 0 {
		return version{}, false
	}
	return all[i], true
}

// usual returns the version bytes of the network's plain extended public keys.
func (n *network) usual() []byte {
	all := versions()
	i := slices.IndexFunc(all, func(v version) bool { return v.prefix == n.keys[0] })
	return binary.BigEndian.AppendUint32(nil, all[i].bytes)
}

// takes returns an error unless a key of this version belongs to the network.
func (n *network) takes(v version) error {
	if slices.Contains(n.keys, v.prefix) {
		return nil
	}
	return fmt.Errorf("it is of the kind %s, which is not %s's: want %s", v.prefix, n.name, strings.Join(n.keys, ", "))
}

// address reads an address of the network and returns it in its one spelling
// (SPEC part 2).
func (n *network) address(text string) (address.Address, error) {
	if hrp := n.params.Bech32HRPSegwit + "1"; strings.HasPrefix(strings.ToLower(text), hrp) {
		return n.segwit(text)
	}
	payload, version, err := base58.CheckDecode(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("its address is none of %s: %w", n.name, err)
	case version == n.params.PubKeyHashAddrID:
		return address.NewAddressPubKeyHash(payload, n.params)
	case version == n.params.ScriptHashAddrID:
		return address.NewAddressScriptHashFromHash(payload, n.params)
	}
	return nil, fmt.Errorf("its address is none of %s: version 0x%02x", n.name, version)
}

func (n *network) segwit(text string) (address.Address, error) {
	_, data, err := bech32.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("its address: %w", err)
	}
	if len(data) == 0 {
		return nil, errors.New("its address holds no witness version")
	}
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil {
		return nil, fmt.Errorf("its address: %w", err)
	}
	var a address.Address
	switch version := data[0]; {
	case version == 0 && len(program) == 20:
		a, err = address.NewAddressWitnessPubKeyHash(program, n.params)
	case version == 0 && len(program) == 32:
		a, err = address.NewAddressWitnessScriptHash(program, n.params)
	case version == 1 && len(program) == 32:
		a, err = address.NewAddressTaproot(program, n.params)
	default:
		err = errors.New("its address is none of P2PKH, P2SH, P2WPKH, P2WSH, P2TR")
	}
	if err != nil {
		return nil, err
	}
	// The kind of checksum depends on the witness version: told by the spelling.
	if a.EncodeAddress() != strings.ToLower(text) {
		return nil, errors.New("its address has the checksum of another witness version")
	}
	return a, nil
}

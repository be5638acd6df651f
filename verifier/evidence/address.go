package evidence

import (
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
)

// network is what differs between chains that have Bitcoin's rules (SPEC part 13).
type network struct {
	token            string // of its coin, after chain and slash
	message          string // what its wallets hash before a signed message
	work             func(header []byte) [32]byte
	limitBits        int // the proof-of-work limit is 2^limitBits − 1
	hrp              string
	pubKeyHash, hash byte // base58check versions of P2PKH and P2SH
}

// networkOf finds a network by its CAIP-2 name: the first half of its genesis block's id.
func networkOf(chain string) (network, bool) {
	const bitcoin, litecoin = "slip44:0", "slip44:2"
	const bitcoinMessage, litecoinMessage = "Bitcoin Signed Message:\n", "Litecoin Signed Message:\n"
	switch chain {
	case "bip122:000000000019d6689c085ae165831e93": // mainnet
		return network{token: bitcoin, message: bitcoinMessage, work: doubleSHA256, limitBits: 224, hrp: "bc", pubKeyHash: 0x00, hash: 0x05}, true
	case "bip122:000000000933ea01ad0ee984209779ba": // testnet3
		return network{token: bitcoin, message: bitcoinMessage, work: doubleSHA256, limitBits: 224, hrp: "tb", pubKeyHash: 0x6f, hash: 0xc4}, true
	case "bip122:0f9188f13cb7b2c71f2a335e3a4fc328": // regtest
		return network{token: bitcoin, message: bitcoinMessage, work: doubleSHA256, limitBits: 255, hrp: "bcrt", pubKeyHash: 0x6f, hash: 0xc4}, true
	case "bip122:683e86bd5c6d110d91b94b97137ba6bf": // simnet
		return network{token: bitcoin, message: bitcoinMessage, work: doubleSHA256, limitBits: 255, hrp: "sb", pubKeyHash: 0x3f, hash: 0x7b}, true
	case "bip122:12a765e31ffd4059bada1e25190f6e98": // Litecoin mainnet
		return network{token: litecoin, message: litecoinMessage, work: scryptWork, limitBits: 236, hrp: "ltc", pubKeyHash: 0x30, hash: 0x32}, true
	case "bip122:4966625a4b2851d9fdee139e56211a0d": // Litecoin testnet4
		return network{token: litecoin, message: litecoinMessage, work: scryptWork, limitBits: 236, hrp: "tltc", pubKeyHash: 0x6f, hash: 0x3a}, true
	case "bip122:530827f38f93b43ed12af0b3ad25a288": // Litecoin regtest
		return network{token: litecoin, message: litecoinMessage, work: scryptWork, limitBits: 255, hrp: "rltc", pubKeyHash: 0x6f, hash: 0x3a}, true
	}
	return network{}, false
}

// scriptKind is the kind of output that an address pays to.
type scriptKind string

const (
	p2pkh  scriptKind = "P2PKH"
	p2sh   scriptKind = "P2SH"
	p2wpkh scriptKind = "P2WPKH"
	p2wsh  scriptKind = "P2WSH"
	p2tr   scriptKind = "P2TR"
)

// script is the output script of an address on this network. Each address has one spelling: bech32 in lower case.
func (n network) script(address string) (script []byte, kind scriptKind, err error) {
	if len(address) > 90 {
		return nil, "", fmt.Errorf("address of %d characters, more than 90", len(address))
	}
	if strings.HasPrefix(address, n.hrp+"1") {
		return n.segwitScript(address)
	}
	hash, version, err := base58Hash(address)
	if err != nil {
		return nil, "", fmt.Errorf("address %q is neither bech32 with %q nor base58check: %w", address, n.hrp, err)
	}
	switch version {
	case n.pubKeyHash:
		return append(append([]byte{0x76, 0xa9, 0x14}, hash[:]...), 0x88, 0xac), p2pkh, nil
	case n.hash:
		return append(append([]byte{0xa9, 0x14}, hash[:]...), 0x87), p2sh, nil
	}
	return nil, "", fmt.Errorf("address %q is of version 0x%02x, want 0x%02x or 0x%02x on this network", address, version, n.pubKeyHash, n.hash)
}

// base58Hash reads base58check of a version and 20 bytes, in its one spelling.
func base58Hash(address string) (hash [20]byte, version byte, err error) {
	payload, version, err := base58.CheckDecode(address)
	switch {
	case err != nil:
		return hash, 0, err
	case len(payload) != len(hash):
		return hash, 0, fmt.Errorf("it holds %d bytes, want %d", len(payload), len(hash))
	case base58.CheckEncode(payload, version) != address:
		return hash, 0, errors.New("not in its own spelling")
	}
	return [20]byte(payload), version, nil
}

// segwitScript reads a bech32 (witness version 0) or bech32m (version 1) address: BIP-173, BIP-350.
func (n network) segwitScript(address string) (script []byte, kind scriptKind, err error) {
	if address != strings.ToLower(address) {
		return nil, "", fmt.Errorf("address %q is not in lower case", address)
	}
	hrp, data, checksum, err := bech32.DecodeGeneric(address)
	if err != nil {
		return nil, "", fmt.Errorf("address %q is not bech32: %w", address, err)
	}
	if hrp != n.hrp {
		return nil, "", fmt.Errorf("address %q begins %q, want %q", address, hrp, n.hrp)
	}
	if len(data) == 0 {
		return nil, "", fmt.Errorf("address %q holds no witness version", address)
	}
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil {
		return nil, "", fmt.Errorf("address %q holds no whole bytes: %w", address, err)
	}
	switch version := data[0]; {
	case version == 0 && checksum == bech32.Version0 && len(program) == 20:
		return append([]byte{0x00, 0x14}, program...), p2wpkh, nil
	case version == 0 && checksum == bech32.Version0 && len(program) == 32:
		return append([]byte{0x00, 0x20}, program...), p2wsh, nil
	case version == 1 && checksum == bech32.VersionM && len(program) == 32:
		return append([]byte{0x51, 0x20}, program...), p2tr, nil
	default:
		return nil, "", fmt.Errorf("address %q has witness version %d, a program of %d bytes and not the checksum of a known kind", address, version, len(program))
	}
}

// accountScript is the output script of a CAIP-10 account of a chain with Bitcoin's rules (SPEC parts 2 and 13).
func accountScript(account string) (script []byte, kind scriptKind, err error) {
	n, text, err := accountNetwork(account)
	if err != nil {
		return nil, "", err
	}
	return n.script(text)
}

// accountNetwork splits an account into its network and its address there.
func accountNetwork(account string) (n network, text string, err error) {
	at := strings.LastIndexByte(account, ':')
	if at < 0 {
		return network{}, "", fmt.Errorf("%q is not an account: want chain:address", account)
	}
	n, ok := networkOf(account[:at])
	if !ok {
		return network{}, "", fmt.Errorf("%q is not a network with Bitcoin's rules known here", account[:at])
	}
	return n, account[at+1:], nil
}

package verifier

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"golang.org/x/crypto/sha3"
)

// The smallest chains that the checks of evidence accept: a state trie of two accounts, a storage trie of one slot, a block of two
// transactions at a work that takes two tries.

const (
	evmChain  = "eip155:1337"
	utxoChain = "bip122:0f9188f13cb7b2c71f2a335e3a4fc328"
)

func keccak(parts ...[]byte) []byte {
	k := sha3.NewLegacyKeccak256()
	k.Write(bytes.Join(parts, nil))
	return k.Sum(nil)
}

func rlpBytes(b []byte) []byte {
	if len(b) == 1 && b[0] < 0x80 {
		return b
	}
	return append(rlpHead(0x80, len(b)), b...)
}

func rlpList(items ...[]byte) []byte {
	b := bytes.Join(items, nil)
	return append(rlpHead(0xc0, len(b)), b...)
}

func rlpHead(base byte, n int) []byte {
	if n < 56 {
		return []byte{base + byte(n)}
	}
	size := big.NewInt(int64(n)).Bytes()
	return append([]byte{base + 55 + byte(len(size))}, size...)
}

func rlpInt(v *big.Int) []byte { return rlpBytes(v.Bytes()) }

// leafNode is a trie leaf below the first skip nibbles of a key; skip is 0 or 1.
func leafNode(key []byte, skip int, value []byte) []byte {
	if skip == 0 {
		return rlpList(rlpBytes(append([]byte{0x20}, key...)), rlpBytes(value))
	}
	return rlpList(rlpBytes(append([]byte{0x30 | key[0]&0x0f}, key[1:]...)), rlpBytes(value))
}

type chainFixture struct {
	block    obj
	evidence obj
	lines    []obj
}

func pad32(b []byte) []byte { return append(make([]byte, 32-len(b)), b...) }

// evmFixture holds native 3.5 of 18 decimals and 1,000,000 token units at one account.
func evmFixture(key *btcec.PrivateKey) chainFixture {
	holder := keccak(key.PubKey().SerializeUncompressed()[1:])[12:]
	native, tokens := amount("3500000000000000000"), big.NewInt(1_000_000_000)
	storage := leafNode(keccak(keccak(pad32(holder), make([]byte, 32))), 0, rlpInt(tokens))
	var token []byte
	for i := byte(0); ; i++ {
		if token = bytes.Repeat([]byte{i}, 20); keccak(token)[0]>>4 != keccak(holder)[0]>>4 {
			break
		}
	}
	emptyRoot, emptyCode := keccak([]byte{0x80}), keccak(nil)
	account := func(key []byte, balance *big.Int, root, code []byte) []byte {
		return leafNode(keccak(key), 1, rlpList(rlpInt(big.NewInt(1)), rlpInt(balance), rlpBytes(root), rlpBytes(code)))
	}
	leaves := [][]byte{account(holder, native, emptyRoot, emptyCode), account(token, new(big.Int), keccak(storage), keccak([]byte("code")))}
	items := make([][]byte, 17)
	for i := range items {
		items[i] = []byte{0x80}
	}
	items[keccak(holder)[0]>>4], items[keccak(token)[0]>>4] = rlpBytes(keccak(leaves[0])), rlpBytes(keccak(leaves[1]))
	root := rlpList(items...)
	blank := rlpBytes(make([]byte, 32))
	header := rlpList(blank, blank, rlpBytes(make([]byte, 20)), rlpBytes(keccak(root)), blank, blank, rlpBytes(make([]byte, 256)),
		[]byte{0x80}, rlpInt(big.NewInt(100)), rlpInt(big.NewInt(30_000_000)), []byte{0x80}, rlpInt(big.NewInt(1793491190)), []byte{0x80}, blank, rlpBytes(make([]byte, 8)))
	nodes := [][]byte{root, leaves[0], leaves[1], storage}
	slices.SortFunc(nodes, func(a, b []byte) int { return bytes.Compare(keccak(a), keccak(b)) })
	texts := []string{}
	for _, n := range nodes {
		texts = append(texts, base64.StdEncoding.EncodeToString(n))
	}
	at := evmChain + ":0x" + hex.EncodeToString(holder)
	erc20, coin := evmChain+"/erc20:0x"+hex.EncodeToString(token), evmChain+"/slip44:60"
	return chainFixture{
		block: obj{"chain": evmChain, "hash": "0x" + hex.EncodeToString(keccak(header)), "number": 100, "time": "2026-10-31T23:59:50Z"},
		evidence: obj{
			"attested": []obj{},
			"chain":    evmChain, "header": hex.EncodeToString(header), "nodes": texts, "safes": []string{},
			"tokens": []obj{{"layout": "solidity", "slot": hex.EncodeToString(make([]byte, 32)), "token": erc20}}, "type": "assay/v1/evidence/evm",
		},
		lines: []obj{
			{"account": at, "amount": tokens.String(), "control": "bound", "custody": "own-hot", "evidence": "state-proved", "token": erc20},
			{"account": at, "amount": native.String(), "control": "bound", "custody": "own-hot", "evidence": "state-proved", "token": coin},
		},
	}
}

func sha2(b []byte) []byte { return h(h(b)) }

func reversed(b []byte) []byte {
	b = slices.Clone(b)
	slices.Reverse(b)
	return b
}

// transactionOf pays value satoshi to a script from one input.
func transactionOf(from []byte, vin uint32, value uint64, script []byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 2)
	b = append(append(b, 1), from...)
	b = append(le.AppendUint32(b, vin), 2, 0x51, 0x51)
	b = append(le.AppendUint32(b, 0xffffffff), 1)
	b = append(le.AppendUint64(b, value), byte(len(script)))
	return append(append(b, script...), 0, 0, 0, 0)
}

// base58check is the address form of a P2PKH script on a test network.
func base58check(payload []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	b := append([]byte{0x6f}, payload...)
	v, out, rest := new(big.Int).SetBytes(append(b, sha2(b)[:4]...)), "", new(big.Int)
	for v.Sign() > 0 {
		v.QuoRem(v, big.NewInt(58), rest)
		out = string(alphabet[rest.Int64()]) + out
	}
	return out
}

// utxoFixture holds 2 BTC in one output, which nobody signed for.
func utxoFixture() chainFixture { return utxoFixtureOf(h([]byte("owner"))[:20]) }

// utxoFixtureOf holds 2 BTC in one output to the hash of a key.
func utxoFixtureOf(owner []byte) chainFixture {
	script := append(append([]byte{0x76, 0xa9, 20}, owner...), 0x88, 0xac)
	coinbase := transactionOf(make([]byte, 32), 0xffffffff, 5_000_000_000, script)
	pay := transactionOf(h([]byte("earlier")), 0, 200_000_000, script)
	root := sha2(append(sha2(coinbase), sha2(pay)...))
	le := binary.LittleEndian
	var header []byte
	for nonce := uint32(0); ; nonce++ {
		header = append(le.AppendUint32(nil, 2), h([]byte("previous"))...)
		header = le.AppendUint32(append(header, root...), 1793491190)
		header = le.AppendUint32(le.AppendUint32(header, 0x207fffff), nonce)
		if reversed(sha2(header))[0] < 0x7f {
			break
		}
	}
	at, txid := utxoChain+":"+base58check(owner), hex.EncodeToString(reversed(sha2(pay)))
	branch := func(b []byte) []string { return []string{hex.EncodeToString(b)} }
	return chainFixture{
		block: obj{"chain": utxoChain, "hash": hex.EncodeToString(reversed(sha2(header))), "number": 700, "time": "2026-10-31T23:59:50Z"},
		evidence: obj{
			"attested": []obj{{"answers": []obj{{"account": at, "method": "scantxoutset", "outpoints": []string{txid + ":0"}}}, "node": "own node"}},
			"blocks": []obj{{
				"coinbase": obj{"branch": branch(sha2(pay)), "tx": hex.EncodeToString(coinbase)}, "height": 700,
				"transactions": []obj{{"branch": branch(sha2(coinbase)), "index": 1, "tx": hex.EncodeToString(pay)}},
			}},
			"chain": utxoChain, "first": 700, "headers": hex.EncodeToString(header),
			"outputs": []obj{{"account": at, "amount": "200000000", "txid": txid, "vout": 0}}, "type": "assay/v1/evidence/utxo",
		},
		lines: []obj{{"account": at, "amount": "200000000", "control": "none", "custody": "own-cold", "evidence": "inclusion-proved", "token": utxoChain + "/slip44:1"}},
	}
}

// newFullWorld has reserves on two chains: three lines, two of them signed for.
func newFullWorld() *world {
	w := newWorld()
	key, _ := btcec.PrivKeyFromBytes(h([]byte("wallet")))
	evm, utxo := evmFixture(key), utxoFixture()
	account := evm.lines[0]["account"].(string)
	w.assets[0]["tokens"] = []obj{{"class": "native", "decimals": 8, "id": utxoChain + "/slip44:1"}}
	w.assets[1]["tokens"] = []obj{{"class": "native", "decimals": 18, "id": evmChain + "/slip44:60"}}
	w.assets[2]["tokens"] = []obj{{"class": "issued", "decimals": 6, "id": evm.lines[0]["token"]}}
	w.blocks = []obj{utxo.block, evm.block}
	w.lines = append(append([]obj{}, utxo.lines...), evm.lines...)
	w.evidence = map[string]obj{evmChain: evm.evidence, utxoChain: utxo.evidence}
	w.signAs = func(root, snapshot string) []obj {
		text := "Assay proof of control v1\nexchange: Demo Exchange\nsnapshot: " + snapshot + "\nchain: " + evmChain +
			"\naccount: " + account + "\nblock: " + evm.block["hash"].(string) + "\nroot: " + root
		return []obj{{"accounts": []string{account}, "method": "eip191", "signature": signEIP191(key, text)}}
	}
	return w
}

func signEIP191(key *btcec.PrivateKey, text string) string {
	compact := ecdsa.SignCompact(key, keccak([]byte("\x19Ethereum Signed Message:\n"+strconv.Itoa(len(text))), []byte(text)), false)
	return "0x" + hex.EncodeToString(append(compact[1:], compact[0]))
}

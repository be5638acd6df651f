package verifier

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math/big"
	"slices"
)

// A state trie by the definition: recursion over nibbles. Whatever stands in it is read by the evidence, so the nodes of the
// evidence are all its nodes.

type (
	stateOf   map[string]*accountOf // by address
	accountOf struct {
		balance *big.Int
		code    []byte // Keccak-256 of it
		storage map[string]*big.Int
	}
)

func (s stateOf) at(address []byte) *accountOf {
	if s[string(address)] == nil {
		s[string(address)] = &accountOf{new(big.Int), keccak(), map[string]*big.Int{}}
	}
	return s[string(address)]
}

// put sets a storage value; 0 clears it.
func (a *accountOf) put(slot []byte, value *big.Int) {
	delete(a.storage, string(slot))
	if value.Sign() != 0 {
		a.storage[string(slot)] = value
	}
}

// header is the RLP of a header over the state, with more items at its end, and all nodes in base64 by their hash.
func (s stateOf) header(number, seconds int64, more ...[]byte) (header []byte, texts []string) {
	nodes := map[string][]byte{}
	leaves := map[string][]byte{}
	for address, a := range s {
		storage := map[string][]byte{}
		for slot, value := range a.storage {
			storage[nibblesOf(keccak([]byte(slot)))] = rlpInt(value)
		}
		leaves[nibblesOf(keccak([]byte(address)))] = rlpList(rlpInt(big.NewInt(1)), rlpInt(a.balance), rlpBytes(rootOf(storage, nodes)), rlpBytes(a.code))
	}
	blank := rlpBytes(make([]byte, 32))
	header = rlpList(append([][]byte{blank, blank, rlpBytes(make([]byte, 20)), rlpBytes(rootOf(leaves, nodes)), blank, blank, rlpBytes(make([]byte, 256)),
		[]byte{0x80}, rlpInt(big.NewInt(number)), rlpInt(big.NewInt(30_000_000)), []byte{0x80}, rlpInt(big.NewInt(seconds)), []byte{0x80}, blank, rlpBytes(make([]byte, 8))}, more...)...)
	for _, key := range slices.Sorted(maps.Keys(nodes)) {
		texts = append(texts, base64.StdEncoding.EncodeToString(nodes[key]))
	}
	return header, texts
}

func nibblesOf(b []byte) string { return hex.EncodeToString(b) }

// rootOf is the hash of a trie's root. It gathers the nodes.
func rootOf(content map[string][]byte, nodes map[string][]byte) []byte {
	if len(content) == 0 {
		return keccak([]byte{0x80})
	}
	root := trieOf(content, nodes)
	nodes[string(keccak(root))] = root
	return keccak(root)
}

// trieOf is the node over some keys, all of one length, as hex digits.
func trieOf(content map[string][]byte, nodes map[string][]byte) []byte {
	keys := slices.Sorted(maps.Keys(content))
	if len(keys) == 1 {
		return rlpList(rlpBytes(hexPrefix(keys[0], 2)), rlpBytes(content[keys[0]]))
	}
	first, last, common := keys[0], keys[len(keys)-1], 0
	for first[common] == last[common] {
		common++
	}
	below := map[byte]map[string][]byte{}
	for key, value := range content {
		n := key[common]
		if below[n] == nil {
			below[n] = map[string][]byte{}
		}
		below[n][key[common+1:]] = value
	}
	items := [][]byte{}
	for _, n := range []byte("0123456789abcdef") {
		if below[n] == nil {
			items = append(items, []byte{0x80})
			continue
		}
		items = append(items, reference(trieOf(below[n], nodes), nodes))
	}
	branch := rlpList(append(items, []byte{0x80})...)
	if common == 0 {
		return branch
	}
	return rlpList(rlpBytes(hexPrefix(first[:common], 0)), reference(branch, nodes))
}

// reference is how a node's parent holds it.
func reference(node []byte, nodes map[string][]byte) []byte {
	if len(node) < 32 {
		return node
	}
	nodes[string(keccak(node))] = node
	return rlpBytes(keccak(node))
}

// hexPrefix packs nibbles behind a flag: 0 goes on, 2 ends.
func hexPrefix(nibbles string, flag int) []byte {
	if len(nibbles)%2 == 1 {
		return unhexed(string("0123456789abcdef"[flag+1]) + nibbles)
	}
	return unhexed(string("0123456789abcdef"[flag]) + "0" + nibbles)
}

func slotAt(n int64) []byte { return pad32(big.NewInt(n).Bytes()) }

func addressOf(n byte) []byte { return bytes.Repeat([]byte{n}, 20) }

func textOf(address []byte) string { return "0x" + hex.EncodeToString(address) }

func erc20(n byte) string { return evmChain + "/erc20:" + textOf(addressOf(n)) }

// word packs high ‖ low, 128 bits each.
func word(high, low string) *big.Int {
	return new(big.Int).Add(new(big.Int).Lsh(amount(high), 128), amount(low))
}

func pointer(address []byte) *big.Int { return new(big.Int).SetBytes(address) }

func codeOf(text string) []byte { return keccak([]byte(text)) }

package evidence

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/sha3"
)

// outcome is how a walk through a trie ends. Absence is proved like a value; a walk that cannot go on proves neither.
type outcome int

const (
	notProven outcome = iota
	proven
	provenAbsent
)

// lookup is what a walk found. reason, got and want say why nothing is proven.
type lookup struct {
	outcome           outcome
	value             []byte
	reason, got, want string
}

// Roots of the empty trie, and the hash of empty code: Keccak-256 of 0x80 and of nothing.
var (
	emptyRoot = keccak256([]byte{0x80})
	emptyCode = keccak256()
)

func keccak256(parts ...[]byte) (h [32]byte) {
	k := sha3.NewLegacyKeccak256()
	sumInto(k, &h, parts...)
	return h
}

func sumInto(k hash.Hash, h *[32]byte, parts ...[]byte) {
	k.Reset()
	for _, p := range parts {
		k.Write(p)
	}
	k.Sum(h[:0])
}

// trieNode is a decoded node of a Merkle-Patricia trie: a branch, or a path that ends in a value or goes on to a child.
type trieNode struct {
	branch   bool
	leaf     bool
	path     []byte // nibbles, of a leaf or an extension
	value    []byte // of a leaf
	children []child
}

// child refers to a node by hash, or holds it whole; of a branch it may do neither.
type child struct {
	hash  []byte
	whole *trieNode
}

// nodeSet holds nodes by their Keccak-256. Each node is decoded once, however many walks share it.
type nodeSet struct {
	index   map[[32]byte]int
	raw     [][]byte
	decoded []*trieNode
	used    []bool
}

func newNodeSet(hashes [][32]byte, raw [][]byte) *nodeSet {
	s := &nodeSet{index: make(map[[32]byte]int, len(raw)), raw: raw, decoded: make([]*trieNode, len(raw)), used: make([]bool, len(raw))}
	for i, h := range hashes {
		s.index[h] = i
	}
	return s
}

// unused is the first node that no walk came by, or -1.
func (s *nodeSet) unused() int {
	for i, used := range s.used {
		if !used {
			return i
		}
	}
	return -1
}

// walk looks a key up under a root: its value, its proven absence, or why neither is proven (SPEC part 12).
func (s *nodeSet) walk(root, key [32]byte) lookup {
	if root == emptyRoot {
		return lookup{outcome: provenAbsent}
	}
	next := child{hash: root[:]}
	for depth := 0; ; {
		node := next.whole
		if node == nil {
			var failed lookup
			if node, failed = s.node([32]byte(next.hash), depth == 0); node == nil {
				return failed
			}
		}
		switch {
		case node.branch:
			if depth == 2*len(key) {
				return lookup{reason: "the trie is deeper than its keys", got: "a branch below 64 nibbles", want: "a leaf"}
			}
			next = node.children[nibble(key, depth)]
			depth++
			if next.hash == nil && next.whole == nil {
				return lookup{outcome: provenAbsent}
			}
		case !follows(key, depth, node.path):
			return lookup{outcome: provenAbsent}
		case node.leaf:
			if depth+len(node.path) != 2*len(key) {
				return lookup{reason: "the trie is shallower than its keys", got: fmt.Sprintf("a leaf at %d nibbles", depth+len(node.path)), want: "64"}
			}
			return lookup{outcome: proven, value: node.value}
		default:
			depth += len(node.path)
			next = node.children[0]
		}
	}
}

// node finds a node by hash, or says why there is none.
func (s *nodeSet) node(h [32]byte, isRoot bool) (*trieNode, lookup) {
	i, ok := s.index[h]
	if !ok {
		return nil, lookup{reason: "a trie node is missing, so neither value nor absence is proven", got: "no such node", want: "0x" + hex.EncodeToString(h[:])}
	}
	s.used[i] = true
	if !isRoot && len(s.raw[i]) < 32 {
		return nil, lookup{reason: "a trie node shorter than 32 bytes is referred to by its hash", got: fmt.Sprintf("%d bytes", len(s.raw[i])), want: "it inside its parent"}
	}
	if s.decoded[i] == nil {
		node, err := decodeNode(s.raw[i])
		if err != nil {
			return nil, lookup{reason: fmt.Sprintf("nodes[%d] is no trie node", i), got: err.Error(), want: "a leaf, an extension or a branch"}
		}
		s.decoded[i] = node
	}
	return s.decoded[i], lookup{}
}

func nibble(key [32]byte, at int) byte {
	if at%2 == 0 {
		return key[at/2] >> 4
	}
	return key[at/2] & 0x0f
}

// follows: the key goes on from depth along path.
func follows(key [32]byte, depth int, path []byte) bool {
	if depth+len(path) > 2*len(key) {
		return false
	}
	for i, n := range path {
		if nibble(key, depth+i) != n {
			return false
		}
	}
	return true
}

func decodeNode(raw []byte) (*trieNode, error) {
	items, err := listRLP(raw)
	if err != nil {
		return nil, err
	}
	switch len(items) {
	case 17:
		if items[16].list || len(items[16].content) > 0 {
			return nil, errors.New("a branch with a value: every key has one length")
		}
		node := &trieNode{branch: true, children: make([]child, 16)}
		for i := range node.children {
			if !items[i].list && len(items[i].content) == 0 {
				continue
			}
			if node.children[i], err = decodeChild(items[i]); err != nil {
				return nil, err
			}
		}
		return node, nil
	case 2:
		return decodePath(items[0], items[1])
	default:
		return nil, fmt.Errorf("a list of %d items", len(items))
	}
}

// decodePath reads a leaf or an extension: a path in hex-prefix form, then a value or a child.
func decodePath(prefix, tail item) (*trieNode, error) {
	if prefix.list || len(prefix.content) == 0 {
		return nil, errors.New("a path that is empty or a list")
	}
	flag := prefix.content[0] >> 4
	if flag > 3 {
		return nil, fmt.Errorf("a path with flag %d", flag)
	}
	node := &trieNode{leaf: flag >= 2}
	if low := prefix.content[0] & 0x0f; flag%2 == 1 {
		node.path = append(node.path, low)
	} else if low != 0 {
		return nil, errors.New("a path of even length with padding other than 0")
	}
	for _, b := range prefix.content[1:] {
		node.path = append(node.path, b>>4, b&0x0f)
	}
	if node.leaf {
		if tail.list || len(tail.content) == 0 {
			return nil, errors.New("a leaf without a value")
		}
		node.value = tail.content
		return node, nil
	}
	if len(node.path) == 0 {
		return nil, errors.New("an extension with an empty path")
	}
	next, err := decodeChild(tail)
	node.children = []child{next}
	return node, err
}

// decodeChild reads a reference: a hash, or a node shorter than 32 bytes that stands inside its parent.
func decodeChild(i item) (child, error) {
	if !i.list {
		if len(i.content) != 32 {
			return child{}, fmt.Errorf("a reference of %d bytes", len(i.content))
		}
		return child{hash: i.content}, nil
	}
	if len(i.whole) >= 32 {
		return child{}, fmt.Errorf("a node of %d bytes inside its parent", len(i.whole))
	}
	node, err := decodeNode(i.whole)
	return child{whole: node}, err
}

// account is a leaf of the state trie.
type account struct {
	exists      bool
	balance     []byte // big-endian
	storageRoot [32]byte
	codeHash    [32]byte
}

// decodeAccount reads the list of nonce, balance, storage root and code hash.
func decodeAccount(value []byte) (a account, err error) {
	items, err := listRLP(value)
	if err != nil {
		return a, err
	}
	if len(items) != 4 {
		return a, fmt.Errorf("an account of %d items", len(items))
	}
	if _, err = items[0].uint64(); err != nil {
		return a, err
	}
	if a.balance, err = items[1].integer(32); err != nil {
		return a, err
	}
	if a.storageRoot, err = items[2].hash(); err != nil {
		return a, err
	}
	a.codeHash, err = items[3].hash()
	a.exists = true
	return a, err
}

// decodeStorage reads a storage value: one integer, nothing left over.
func decodeStorage(value []byte) ([]byte, error) {
	one, rest, err := splitRLP(value)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("rlp: %d bytes are left over", len(rest))
	}
	return one.integer(32)
}

func compareHashes(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }

// Package merkle builds the Merkle-sum tree of liabilities: SPEC parts 4, 5, 6 and 8 from the builder's side.
//
// Every customer is a leaf that carries what the customer is owed; every node carries the sum of what lies below it and
// hashes both children's hashes and sums, so the totals at the root cannot be smaller than what the customers see in their
// own leaves. Trees come in two levels of one construction: a [Shard] tree over customers, and one [Top] tree over shards.
//
//	            top root ← the root, in the signed statement
//	           /        \
//	   shard root 0   shard root 1
//	     /     \            |
//	 node     Carol       Dave
//	 /   \
//	Alice Bob
//
// The tree is generic in its [Sum]; [Plain] is the kind whose amounts are readable along a path. A [Builder] computes a root
// while leaves stream past, in memory that grows with the tree's height alone; a [Tree] keeps every node, to hand out paths.
//
// The package is pure: no network, no clock, no environment, and no randomness; the secret of a snapshot is an argument.
package merkle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Hash is a SHA-256 digest (SPEC part 2).
type Hash [32]byte

// String returns h as 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns h as [Hash.String] does.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads 64 hex digits.
func (h *Hash) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != len(h) {
		return errors.New("want 64 hex digits")
	}
	*h = Hash(b)
	return nil
}

// Kind says which kind of sum a tree carries. It is hashed into every root (SPEC part 6).
type Kind byte

const (
	// KindPlain is the kind of [Plain] sums.
	KindPlain Kind = 0x01
	// KindConfidential is the kind whose sums are points that hide (SPEC part 29).
	KindConfidential Kind = 0x02
)

// String returns the kind's name in JSON files.
func (k Kind) String() string {
	switch k {
	case KindPlain:
		return "plain"
	case KindConfidential:
		return "confidential"
	}
	return fmt.Sprintf("kind(%#02x)", byte(k))
}

// Level separates the two trees: no hash of one is a hash of the other (SPEC part 6). Its value is the byte that the
// level's leaves begin with.
type Level byte

const (
	// Shard is the level whose leaves are customers.
	Shard Level = 0x00
	// Top is the level whose leaves are shard roots.
	Top Level = 0x10
)

// What follows a level in the first byte of a preimage.
const (
	leafByte = 0x00
	nodeByte = 0x01
	rootByte = 0x02
)

// Sum is what a node carries beside its hash: a quantity that adds with an error instead of wrapping, with one encoding to be
// hashed and one in JSON files. Values are immutable: Add returns a new one, or one of its operands.
type Sum[S any] interface {
	Add(S) (S, error)
	AppendBinary([]byte) []byte
	// AppendJSON appends the canonical JSON, with the registry's asset ids in order.
	AppendJSON(b []byte, assets []string) ([]byte, error)
}

// Node is one node of a tree: a leaf, an inner node or a closed root (SPEC part 6).
type Node[S Sum[S]] struct {
	Hash Hash
	Sum  S
}

// Leaf returns the leaf of an identity (for [Top]: of a shard root's hash) and its sum (SPEC part 6).
func Leaf[S Sum[S]](level Level, identity Hash, sum S) Node[S] {
	h := hasher[S]{level: level}
	return h.leaf(identity, sum)
}

// Parent returns the node above two others (SPEC part 6). It fails when the sums cannot be added.
func Parent[S Sum[S]](level Level, left, right Node[S]) (Node[S], error) {
	h := hasher[S]{level: level}
	return h.parent(left, right)
}

// Root closes a tree: it binds kind and number of leaves to the tree's highest node (SPEC part 6).
func Root[S Sum[S]](level Level, kind Kind, count uint64, top Node[S]) Node[S] {
	buf := []byte{byte(level) | rootByte, byte(kind)}
	buf = binary.BigEndian.AppendUint64(buf, count)
	buf = append(buf, top.Hash[:]...)
	buf = top.Sum.AppendBinary(buf)
	return Node[S]{Hash: sha256.Sum256(buf), Sum: top.Sum}
}

// hasher makes nodes with one scratch buffer, since a tree hashes millions of them.
type hasher[S Sum[S]] struct {
	level Level
	buf   []byte
}

// Hasher makes nodes of sums that its caller adds up, for a kind whose sums are cheaper added many at once (SPEC part 6). A
// Hasher is for one goroutine.
type Hasher[S Sum[S]] struct{ hasher hasher[S] }

// NewHasher returns a Hasher of one level.
func NewHasher[S Sum[S]](level Level) *Hasher[S] { return &Hasher[S]{hasher[S]{level: level}} }

// Leaf is [Leaf].
func (h *Hasher[S]) Leaf(identity Hash, sum S) Node[S] { return h.hasher.leaf(identity, sum) }

// Parent returns the node above two others. Requires sum to be that of theirs.
func (h *Hasher[S]) Parent(left, right Node[S], sum S) Node[S] {
	h.hasher.preimage(left, right)
	return Node[S]{Hash: sha256.Sum256(h.hasher.buf), Sum: sum}
}

func (h *hasher[S]) leaf(identity Hash, sum S) Node[S] {
	h.buf = append(h.buf[:0], byte(h.level)|leafByte)
	h.buf = append(h.buf, identity[:]...)
	h.buf = sum.AppendBinary(h.buf)
	return Node[S]{Hash: sha256.Sum256(h.buf), Sum: sum}
}

func (h *hasher[S]) parent(left, right Node[S]) (Node[S], error) {
	sum, err := left.Sum.Add(right.Sum)
	if err != nil {
		return Node[S]{}, err
	}
	h.preimage(left, right)
	return Node[S]{Hash: sha256.Sum256(h.buf), Sum: sum}, nil
}

// preimage fills the buffer with what a parent hashes.
func (h *hasher[S]) preimage(left, right Node[S]) {
	h.buf = append(h.buf[:0], byte(h.level)|nodeByte)
	h.buf = append(h.buf, left.Hash[:]...)
	h.buf = left.Sum.AppendBinary(h.buf)
	h.buf = append(h.buf, right.Hash[:]...)
	h.buf = right.Sum.AppendBinary(h.buf)
}

// Package tree checks Merkle-sum trees of liabilities and customers' places in them: SPEC parts 4, 5, 6 and 8, and what part 29 says of
// the tree whose sums are points.
//
// A node is a hash and a sum, and a parent's hash covers both hashes and both sums below it. So whoever knows the root knows
// that the stated total is the sum of all leaves, and a customer who climbs from their own leaf to that root knows that their
// balances are in the total:
//
//	proof, err := tree.ParseProof(file)          // untrusted bytes
//	err = proof.CheckStatement(commitment)       // what the signed statement says
//	err = proof.CheckRoot(commitment, customer)  // what the customer typed
//
// Nothing in a proof says on which side a sibling stands or how long the path is: index and count fix that. The package reads
// bytes and returns errors; it knows no files, no network and no signatures.
package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
)

// Limits of SPEC part 18.
const (
	maxAssets    = 1024
	maxShards    = 1 << 20
	maxLeaves    = 1<<31 - 1
	maxPath      = 31
	maxTop       = 20
	maxProof     = 4 << 20
	maxWhole     = 28 << 20
	maxShardList = 64 << 20
)

// Kinds of sums: amounts in the open (SPEC part 4), and commitments to them (SPEC part 29).
const (
	KindPlain        = "plain"
	KindConfidential = "confidential"
)

// Commitment is what a signed statement says about the tree (SPEC part 9), as the checks here need it.
type Commitment struct {
	Kind      string
	Snapshot  Hash
	Statement Hash     // H(payload)
	Assets    []string // names of a sum's columns: assets in registry order, and with margin accounts what follows them (SPEC part 30)
	Root      Hash
	Leaves    uint64
	Shards    uint64
	Totals    Sum        // of kind plain
	Margin    []*big.Int // one factor a column: their products with every row's amounts add up to nothing; nil: no margin accounts (SPEC part 30)
}

// summand is a kind of sum that tree hashes cover.
type summand[S any] interface {
	kind() byte
	appendBinary(b []byte) []byte
	plus(other S) (S, error)
}

// node is a hash and the sum of everything below it.
type node[S summand[S]] struct {
	hash Hash
	sum  S
}

// level keeps shard trees and the top tree apart by the first byte of every preimage (SPEC part 6).
type level byte

const (
	shardLevel level = 0x00
	topLevel   level = 0x10
)

func (l level) String() string {
	if l == topLevel {
		return "top tree"
	}
	return "shard tree"
}

// A hasher computes node hashes in one reused buffer.
type hasher struct{ buf []byte }

// leaf hashes an identity (shard level) or a shard root's hash (top level) with its sum.
func leaf[S summand[S]](h *hasher, l level, id Hash, sum S) Hash {
	h.buf = append(h.buf[:0], byte(l))
	h.buf = append(h.buf, id[:]...)
	h.buf = sum.appendBinary(h.buf)
	return sha256.Sum256(h.buf)
}

// inner hashes both children with both their sums.
func inner[S summand[S]](h *hasher, l level, left, right node[S]) Hash {
	h.buf = append(h.buf[:0], byte(l)|0x01)
	h.buf = append(h.buf, left.hash[:]...)
	h.buf = left.sum.appendBinary(h.buf)
	h.buf = append(h.buf, right.hash[:]...)
	h.buf = right.sum.appendBinary(h.buf)
	return sha256.Sum256(h.buf)
}

// root closes a tree: it covers kind, count, hash and sum.
func root[S summand[S]](h *hasher, l level, count uint64, top node[S]) Hash {
	h.buf = append(h.buf[:0], byte(l)|0x02, top.sum.kind())
	h.buf = binary.BigEndian.AppendUint64(h.buf, count)
	h.buf = append(h.buf, top.hash[:]...)
	h.buf = top.sum.appendBinary(h.buf)
	return sha256.Sum256(h.buf)
}

// A stack builds a tree of RFC 6962 shape from its leaves in order. It holds one whole subtree for each one bit of the number
// of leaves, so its memory grows with the logarithm; buffers are swapped, not copied.
type stack struct {
	level level
	hash  hasher
	count uint64
	whole []node[Sum] // by height: the subtree that waits for its right sibling
	carry []node[Sum] // by height: the subtree just made
}

func (s *stack) grow(height int) {
	for len(s.carry) <= height {
		s.carry = append(s.carry, node[Sum]{})
		s.whole = append(s.whole, node[Sum]{})
	}
}

// add appends a leaf; the sum is copied.
func (s *stack) add(id Hash, sum Sum) error {
	s.grow(0)
	s.carry[0].hash = leaf(&s.hash, s.level, id, sum)
	s.carry[0].sum = append(s.carry[0].sum[:0], sum...)
	height := 0
	for bit := uint64(1); s.count&bit != 0; bit <<= 1 {
		s.grow(height + 1)
		left, right, up := s.whole[height], s.carry[height], &s.carry[height+1]
		total, err := left.sum.appendAdd(up.sum[:0], right.sum)
		if err != nil {
			return fmt.Errorf("%s, height %d, leaf #%d: %w", s.level, height+1, s.count, err)
		}
		up.sum, up.hash = total, inner(&s.hash, s.level, left, right)
		height++
	}
	s.whole[height], s.carry[height] = s.carry[height], s.whole[height]
	s.count++
	return nil
}

// root folds what is left, from the right, and closes the tree.
func (s *stack) root() (node[Sum], error) {
	if s.count == 0 {
		return node[Sum]{}, errors.New("a tree without leaves")
	}
	var top *node[Sum]
	for height := range s.whole {
		if s.count>>height&1 == 0 {
			continue
		}
		left := s.whole[height]
		if top == nil {
			top = &left
			continue
		}
		total, err := left.sum.appendAdd(nil, top.sum)
		if err != nil {
			return node[Sum]{}, fmt.Errorf("%s, height %d, right edge: %w", s.level, height+1, err)
		}
		top = &node[Sum]{inner(&s.hash, s.level, left, *top), total}
	}
	return node[Sum]{root(&s.hash, s.level, s.count, *top), append(Sum(nil), top.sum...)}, nil
}

// pathLength counts the siblings of leaf i of n (SPEC part 6).
func pathLength(i, n uint64) (length int) {
	for ; n > 1; i, n = i/2, (n+1)/2 {
		if i%2 == 1 || i+1 < n {
			length++
		}
	}
	return length
}

// climb goes from leaf i of n to the top of its tree. Sides follow from i and n; every sibling is used, and none is left over.
func climb[S summand[S]](l level, i, n uint64, at node[S], siblings []node[S]) (node[S], error) {
	var h hasher
	if got, want := len(siblings), pathLength(i, n); got != want {
		return node[S]{}, fmt.Errorf("%s: %d siblings, leaf #%d of %d has %d", l, got, i, n, want)
	}
	for step := 0; n > 1; i, n = i/2, (n+1)/2 {
		left, right := at, at
		switch {
		case i%2 == 1:
			left = siblings[step]
		case i+1 < n:
			right = siblings[step]
		default:
			continue
		}
		total, err := left.sum.plus(right.sum)
		if err != nil {
			return node[S]{}, fmt.Errorf("%s, sibling %d: %w", l, step, err)
		}
		at = node[S]{inner(&h, l, left, right), total}
		step++
	}
	return at, nil
}

package beacon

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"

	"github.com/assay-por/assay/chains/egress"
)

// A root is a hash tree root of SSZ, or a chunk that one is made of.
type root [32]byte

func parseRoot(s string) (root, error) {
	digits := strings.TrimPrefix(s, "0x")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 32 {
		return root{}, fmt.Errorf("got %q, want 64 hex digits", egress.Quote(s))
	}
	return root(b), nil
}

func (r root) hex() string { return hex.EncodeToString(r[:]) }

func hexes(branch []root) []string {
	out := make([]string, len(branch))
	for i, r := range branch {
		out[i] = r.hex()
	}
	return out
}

func pair(a, b root) root {
	var both [64]byte
	copy(both[:32], a[:])
	copy(both[32:], b[:])
	return sha256.Sum256(both[:])
}

// merkleize returns the root of chunks, with zero chunks after them up to 2^depth.
// Requires at most 2^depth chunks.
func merkleize(chunks []root, depth int) root {
	level := append([]root{}, chunks...)
	zero := root{}
	for range depth {
		if len(level)%2 == 1 {
			level = append(level, zero)
		}
		for i := 0; i < len(level); i += 2 {
			level[i/2] = pair(level[i], level[i+1])
		}
		level = level[:len(level)/2]
		zero = pair(zero, zero)
	}
	if len(level) == 0 {
		return zero
	}
	return level[0]
}

// siblings returns the branch from chunk number index up to the root of 2^depth.
func siblings(chunks []root, depth, index int) []root {
	out := make([]root, depth)
	for level := range depth {
		width := 1 << level
		from := (index>>level ^ 1) << level
		var below []root
		if from < len(chunks) {
			below = chunks[from:min(from+width, len(chunks))]
		}
		out[level] = merkleize(below, level)
	}
	return out
}

// climbs reports whether leaf stands at a generalised index under top.
func climbs(leaf root, branch []root, index uint64, top root) bool {
	if len(branch) != bits.Len64(index)-1 {
		return false
	}
	for _, sibling := range branch {
		if index&1 == 1 {
			leaf = pair(sibling, leaf)
		} else {
			leaf = pair(leaf, sibling)
		}
		index >>= 1
	}
	return leaf == top
}

func chunkOf(b []byte) (r root) { copy(r[:], b); return r }

func chunkOfNumber(n uint64) (r root) { binary.LittleEndian.PutUint64(r[:], n); return r }

// chunksOf cuts bytes into chunks, the last one filled up with zeros.
func chunksOf(b []byte) []root {
	var out []root
	for len(b) > 0 {
		n := min(len(b), 32)
		out = append(out, chunkOf(b[:n]))
		b = b[n:]
	}
	return out
}

// A header is a BeaconBlockHeader.
type header struct {
	slot, proposer      uint64
	parent, state, body root
}

func (h header) root() root {
	return merkleize([]root{chunkOfNumber(h.slot), chunkOfNumber(h.proposer), h.parent, h.state, h.body}, 3)
}

// A committee is a SyncCommittee: its keys as they came, not yet looked at.
type committee struct {
	keys      [committeeSize][48]byte
	aggregate [48]byte
}

func keyRoot(k [48]byte) root { return pair(chunkOf(k[:32]), chunkOf(k[32:])) }

func (c *committee) root() root {
	keys := make([]root, committeeSize)
	for i, k := range c.keys {
		keys[i] = keyRoot(k)
	}
	return pair(merkleize(keys, 9), keyRoot(c.aggregate))
}

// A payload is an ExecutionPayloadHeader, of Deneb and later: the roots of its 17
// fields, and of those what is read.
type payload struct {
	fields []root
	hash   root
	number uint64
}

// Places of the SPEC's indexes: block_hash is field 12 of the payload, and the
// payload stands at index 25 under the block's body.
const (
	payloadDepth = 5
	hashField    = 12
	payloadIndex = 25
	hashIndex    = payloadIndex<<payloadDepth + hashField // 812
)

// hashBranch returns the branch of the block's hash inside the payload.
func (p payload) hashBranch() []root { return siblings(p.fields, payloadDepth, hashField) }

// signingRoot returns what a committee signs of a block (SPEC part 22).
func signingRoot(block root, version [4]byte, genesis root) root {
	data := pair(chunkOf(version[:]), genesis)
	domain := root{0x07}
	copy(domain[4:], data[:28])
	return pair(block, domain)
}

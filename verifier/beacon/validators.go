package beacon

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"sort"
	"strconv"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	maxValidators = 1 << 22
	maxStateNodes = 1 << 24
	maxIndex      = 1<<40 - 1

	validatorsField, balancesField = 11, 12
	validatorsDepth, balancesDepth = 40, 38 // of the lists' trees, below the node that mixes in their lengths
	validatorDepth                 = 3      // of a validator's eight fields
	credentialsField               = 1
)

// Validators are the parsed withdrawal credentials and balances of validators in one beacon state (SPEC part 22, Validators).
type Validators struct {
	header  header
	indexes []uint64
	nodes   [][64]byte
	hashes  [][32]byte
}

// ReadValidators reads the key `validators` of evidence of part 12.
func ReadValidators(r *canon.Reader) *Validators {
	v := new(Validators)
	r.Object(
		canon.Key("header", func() { v.header = readHeader(r) }),
		canon.Key("indexes", func() {
			r.Array(maxValidators, func(i int) {
				v.indexes = append(v.indexes, r.Number(maxIndex))
				if i > 0 && v.indexes[i] <= v.indexes[i-1] {
					r.Fail("not in ascending order, or twice")
				}
			})
			if len(v.indexes) == 0 {
				r.Fail("no validators")
			}
		}),
		canon.Key("nodes", func() {
			r.Array(maxStateNodes, func(i int) {
				raw := readBytes(r, 64)
				if r.Failed() {
					return
				}
				v.nodes, v.hashes = append(v.nodes, [64]byte(raw)), append(v.hashes, sha256.Sum256(raw))
				if i > 0 && bytes.Compare(v.hashes[i][:], v.hashes[i-1][:]) <= 0 {
					r.Fail("not in ascending order of SHA-256, or twice")
				}
			})
		}),
	)
	return v
}

// Balances gives what validators hold, by the address that their withdrawals go to, in units of 10^9 of the chain's base units (SPEC
// part 22, Validators). parent is what the pinned block's header names as the beacon block before it. Errors are [CheckError].
func (v *Validators) Balances(parent [32]byte, network Network) (map[[20]byte]*big.Int, error) {
	if got := v.header.root(); got != parent {
		return nil, &CheckError{Field: "validators.header", Problem: "its root is not the one that the pinned block's header names", Got: hexed(got), Want: hexed(parent)}
	}
	depth, err := v.stateDepth(network)
	if err != nil {
		return nil, err
	}
	walk := stateWalk{from: v, used: make([]bool, len(v.nodes))}
	held := map[[20]byte]*big.Int{}
	for k, i := range v.indexes {
		field := "validators.indexes[" + strconv.Itoa(k) + "]"
		record := (uint64(1)<<depth | validatorsField) << 1
		record = (record<<validatorsDepth|i)<<validatorDepth | credentialsField
		credentials, err := walk.leaf(field, record)
		if err != nil {
			return nil, err
		}
		if (credentials[0] != 1 && credentials[0] != 2) || !bytes.Equal(credentials[1:12], make([]byte, 11)) {
			return nil, &CheckError{Field: field, Problem: fmt.Sprintf("validator %d has no account that its withdrawals go to", i), Got: hexed(credentials), Want: "0x01 or 0x02, eleven zeros and an address"}
		}
		chunk, err := walk.leaf(field, ((uint64(1)<<depth|balancesField)<<1)<<balancesDepth|i/4)
		if err != nil {
			return nil, err
		}
		to := [20]byte(credentials[12:])
		if held[to] == nil {
			held[to] = new(big.Int)
		}
		held[to].Add(held[to], new(big.Int).SetUint64(binary.LittleEndian.Uint64(chunk[i%4*8:])))
	}
	for i, used := range walk.used {
		if !used {
			return nil, &CheckError{Field: "validators.nodes[" + strconv.Itoa(i) + "]", Problem: "a node that proves nothing", Got: "a node on no path", Want: "every node used"}
		}
	}
	return held, nil
}

// stateDepth is how deep the fields of a state lie in the header's fork.
func (v *Validators) stateDepth(network Network) (int, error) {
	if _, err := network.layoutOf("validators.header", v.header); err != nil {
		return 0, err
	}
	if fork, _ := network.forkAt(v.header.slot); fork.Name == "deneb" {
		return 5, nil
	}
	return 6, nil
}

// stateWalk goes down a state's tree, whose nodes are found by their hash, and remembers which were visited.
type stateWalk struct {
	from *Validators
	used []bool
}

// leaf is what stands at a generalised index.
func (w stateWalk) leaf(field string, index uint64) ([32]byte, error) {
	at := w.from.header.state
	bits := 63
	for index>>bits == 0 {
		bits--
	}
	for bits--; bits >= 0; bits-- {
		i := sort.Search(len(w.from.hashes), func(i int) bool { return bytes.Compare(w.from.hashes[i][:], at[:]) >= 0 })
		if i == len(w.from.hashes) || w.from.hashes[i] != at {
			return at, &CheckError{Field: field, Problem: "a node of the beacon state is missing", Got: "no node with hash " + hexed(at), Want: "every node from the state's root down"}
		}
		w.used[i] = true
		if index>>bits&1 == 0 {
			at = [32]byte(w.from.nodes[i][:32])
		} else {
			at = [32]byte(w.from.nodes[i][32:])
		}
	}
	return at, nil
}

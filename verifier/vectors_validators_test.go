package verifier

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"
)

// stateTree is the hash tree of a beacon state of which some leaves are there: all others are zero. Leaves are named by their place
// among the 2^depth of their level.
type stateTree struct {
	leaves map[int]map[uint64][]byte // by depth
	nodes  map[string][]byte         // of 64 bytes, by hash: those above a leaf
}

func (s *stateTree) put(depth int, place uint64, leaf []byte) {
	if s.leaves[depth] == nil {
		s.leaves[depth] = map[uint64][]byte{}
	}
	s.leaves[depth][place] = leaf
}

// root is the hash of a subtree; leaves may stand at any depth. The deepest is 6+1+40+3.
func (s *stateTree) root(depth int, place uint64) []byte {
	if leaf := s.leaves[depth][place]; leaf != nil {
		return leaf
	}
	if !s.above(depth, place) {
		return h([]byte{byte(depth)}) // whatever is not looked at
	}
	both := append(slices.Clone(s.root(depth+1, 2*place)), s.root(depth+1, 2*place+1)...)
	s.nodes[string(h(both))] = both
	return h(both)
}

func (s *stateTree) above(depth int, place uint64) bool {
	for d, leaves := range s.leaves {
		for p := range leaves {
			if d > depth && p>>(d-depth) == place {
				return true
			}
		}
	}
	return false
}

// validatorsFixture are three validators, two of which pay out to one account.
type validatorsFixture struct {
	indexes  []uint64
	prefixes []byte
	to       []byte // which account
	gwei     []uint64
	depth    int
	slot     uint64
}

func newValidatorsFixture() *validatorsFixture {
	return &validatorsFixture{
		indexes: []uint64{6, 7, 1_234_567}, prefixes: []byte{1, 2, 1}, to: []byte{holding1, holding1, safe},
		gwei: []uint64{32_000_000_001, 2_048_123_456_789, 31_999_000_000}, depth: 6, slot: 8_000_000,
	}
}

// evidence is the key `validators`, and the root of the header in it.
func (f *validatorsFixture) evidence() (file obj, root []byte) {
	s := &stateTree{map[int]map[uint64][]byte{}, map[string][]byte{}}
	list := func(field uint64) uint64 { return field << 1 } // the left child of a list holds its items
	chunks := map[uint64][]byte{}
	for k, i := range f.indexes {
		credentials := append(append([]byte{f.prefixes[k]}, make([]byte, 11)...), addressOf(f.to[k])...)
		s.put(f.depth+1+40+3, (list(11)<<40|i)<<3|1, credentials)
		if chunks[i/4] == nil {
			chunks[i/4] = make([]byte, 32)
		}
		binary.LittleEndian.PutUint64(chunks[i/4][i%4*8:], f.gwei[k])
	}
	for place, chunk := range chunks {
		s.put(f.depth+1+38, list(12)<<38|place, chunk)
	}
	state := s.root(0, 0)
	number := func(v uint64) []byte { return append(binary.LittleEndian.AppendUint64(nil, v), make([]byte, 24)...) }
	leaves := [][]byte{number(f.slot), number(99), h([]byte("parent")), state, h([]byte("body")), make([]byte, 32), make([]byte, 32), make([]byte, 32)}
	for len(leaves) > 1 {
		var up [][]byte
		for i := 0; i < len(leaves); i += 2 {
			up = append(up, h(leaves[i], leaves[i+1]))
		}
		leaves = up
	}
	nodes := []string{}
	for _, key := range slices.Sorted(maps.Keys(s.nodes)) {
		nodes = append(nodes, hex.EncodeToString(s.nodes[key]))
	}
	header := obj{
		"body": hex.EncodeToString(h([]byte("body"))), "parent": hex.EncodeToString(h([]byte("parent"))), "proposer": 99, "slot": f.slot,
		"state": hex.EncodeToString(state),
	}
	return obj{"header": header, "indexes": f.indexes, "nodes": nodes}, leaves[0]
}

// stakedWorld holds what the validators hold, and what edits make of it.
func stakedWorld(edit func(*validatorsFixture), after func(m *evmMaker, file obj)) *world {
	f := newValidatorsFixture()
	edit(f)
	file, root := f.evidence()
	w := recipeWorld(func(m *evmMaker) {
		m.holds(holding1, evmChain+"/staked:60", "2080123456790000000000", "state-proved")
		m.holds(safe, evmChain+"/staked:60", "31999000000000000000", "state-proved")
		zero := []byte{0x80}
		m.more = [][]byte{zero, rlpBytes(make([]byte, 32)), zero, zero, rlpBytes(root)}
		m.evidence = func(e obj) { e["validators"] = file }
		if after != nil {
			after(m, file)
		}
	})
	w.assets[1]["tokens"] = []obj{{"class": "staked", "decimals": 18, "id": evmChain + "/staked:60"}}
	w.full = electraPolicy
	return w
}

var electraPolicy = "[[checkpoint]]\nchain = \"" + evmChain + "\"\nroot = \"0x" + strings.Repeat("0", 64) + "\"\ngenesis = \"" + strings.Repeat("0", 64) +
	"\"\nforks = [{ epoch = 1, name = \"deneb\", version = \"0x04000000\" }, { epoch = 2000, name = \"electra\", version = \"0x05000000\" }]\n"

func validatorVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world) {
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	same := func(*validatorsFixture) {}
	add("happy-validators", "", "pass", 0, "three validators; two pay out to one account", stakedWorld(same, nil))
	add("happy-validators-deneb", "", "pass", 0, "a state of 32 fields", stakedWorld(func(f *validatorsFixture) { f.depth, f.slot = 5, 63_999 }, nil))
	const evidence = "evidence." + evmChain
	fault := func(name, attack, check, comment string, exit int, edit func(*validatorsFixture), after func(m *evmMaker, file obj)) {
		add("validators-"+name, attack, check, exit, comment, stakedWorld(edit, after))
	}
	amount := func(units string) func(m *evmMaker, file obj) {
		return func(m *evmMaker, _ obj) { m.lines[0]["amount"] = units }
	}
	fault("line-inflated", "B9", "reserves.lines", "more than the validators hold", 1, same, amount("2080123456790000000001"))
	fault("of-another-fork", "B20", evidence, "the tree of Deneb read in a header of Electra", 1, func(f *validatorsFixture) { f.depth = 5 }, nil)
	fault("that-pay-out-to-a-key", "B23", evidence, "withdrawal credentials of the first kind name no account", 1, func(f *validatorsFixture) { f.prefixes[1] = 0 }, nil)
	fault("before-deneb", "B20", evidence, "", 1, func(f *validatorsFixture) { f.slot = 31 }, nil)
	fault("node-missing", "B7", evidence, "", 1, same, func(_ *evmMaker, file obj) { file["nodes"] = file["nodes"].([]string)[1:] })
	fault("node-unused", "B9", evidence, "", 1, same, func(_ *evmMaker, file obj) {
		extra := bytes.Repeat([]byte{7}, 64)
		list := append(slices.Clone(file["nodes"].([]string)), hex.EncodeToString(extra))
		slices.SortFunc(list, func(a, b string) int { return bytes.Compare(h(unhexed(a)), h(unhexed(b))) })
		file["nodes"] = list
	})
	fault("header-of-another-block", "B20", evidence, "a beacon block that the pinned block does not name", 1, same, func(_ *evmMaker, file obj) { file["header"].(obj)["proposer"] = 98 })
	fault("without-line", "B10", evidence, "an account of validators has no line", 1, same, func(m *evmMaker, _ obj) { m.lines = m.lines[:1] })
	fault("of-nobody", "B9", evidence, "a line of staked coins without validators", 1, same, func(m *evmMaker, _ obj) { m.evidence = nil })
	fault("counted-twice", "B10", "headers."+evmChain, "one validator named twice", 3, same, func(_ *evmMaker, file obj) { file["indexes"] = []uint64{6, 6, 7, 1_234_567} })
	fault("header-without-a-beacon-block", "B20", evidence, "a block header from before EIP-4788", 1, same, func(m *evmMaker, _ obj) { m.more = nil })
	twice := stakedWorld(same, nil)
	twice.assets[1]["tokens"] = append(twice.assets[1]["tokens"].([]obj), obj{"class": "staked", "decimals": 18, "id": evmChain + "/staked:61"})
	add("validators-under-two-names", "B10", "snapshot", 1, "two tokens for the coins of one chain's validators", twice)
	plain := stakedWorld(same, nil)
	plain.assets[1]["tokens"].([]obj)[0]["class"] = "native"
	add("validators-of-another-class", "B16", "snapshot", 1, "staked coins called native", plain)
	unknown := stakedWorld(same, nil)
	unknown.full = ""
	add("validators-of-an-unknown-network", "B20", evidence, 1, "neither the table nor the policy says its forks", unknown)
}

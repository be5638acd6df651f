package beacon

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Beacon states made here, byte by byte, and a hash of them that follows the
// consensus specification naively and shares nothing with the code under test.

// testValidator is what differs between validators that matter.
type testValidator struct {
	key         [48]byte
	credentials chunk
	gwei        uint64
}

// testState is a state of some fork. All that proves nothing is seeded noise.
type testState struct {
	fork       string
	slot       uint64
	validators []testValidator
}

// noise is n bytes of a seed.
func noise(text string, n int) []byte {
	var b []byte
	for i := uint64(0); len(b) < n; i++ {
		c := seeded(text, i)
		b = append(b, c[:]...)
	}
	return b[:n]
}

func address(text string) chunk {
	c := seeded(text, 0)
	return chunk(append(append([]byte{1}, make([]byte, 11)...), c[:20]...))
}

// statesOf is some validators for three accounts, the last one of the old kind.
func validatorsOf(n int) []testValidator {
	var all []testValidator
	for i := range uint64(n) {
		v := testValidator{gwei: 32e9 + i*1_000_003}
		copy(v.key[:], noise("pubkey"+string(rune('a'+i%26)), 48))
		binary.BigEndian.PutUint64(v.key[8:], i)
		v.credentials = address("account" + string(rune('0'+i%3)))
		if i%2 == 1 {
			v.credentials[0] = 2
		}
		if i == uint64(n)-1 {
			v.credentials = seeded("bls", i)
			v.credentials[0] = 0
		}
		all = append(all, v)
	}
	return all
}

func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// tv is a value with its bytes and its root; variable ones are written behind.
type tv struct {
	raw      []byte
	root     chunk
	variable bool
}

// deep is the root of leaves, filled up to 2^depth, however deep.
func deep(leaves []chunk, depth int) chunk {
	at := 0
	for 1<<at < len(leaves) {
		at++
	}
	top := tree(leaves, at)
	for ; at < depth; at++ {
		zero := chunk{}
		for range at {
			zero = sha256.Sum256(append(zero[:], zero[:]...))
		}
		top = sha256.Sum256(append(top[:], zero[:]...))
	}
	return top
}

func vector(b []byte, depth int) tv { return tv{raw: b, root: deep(byteChunks(b), depth)} }

func number64(n uint64) tv { return vector(u64(n), 0) }

func noisy(text string, n, depth int) tv { return vector(noise(text, n), depth) }

func numbers(b []byte, size, depth int) tv {
	length := u64Chunk(uint64(len(b) / size))
	return tv{b, tree([]chunk{deep(byteChunks(b), depth), length}, 1), true}
}

func containers(depth int, of ...tv) tv {
	var out tv
	var roots []chunk
	for _, v := range of {
		out.raw = append(out.raw, v.raw...)
		roots = append(roots, v.root)
	}
	out.root = tree([]chunk{deep(roots, depth), u64Chunk(uint64(len(of)))}, 1)
	out.variable = true
	return out
}

// record is a container of the least depth; what is variable in it stands behind.
func record(of ...tv) tv {
	var roots []chunk
	size := 0
	for _, v := range of {
		roots = append(roots, v.root)
		size += map[bool]int{false: len(v.raw), true: 4}[v.variable]
	}
	var head, tail []byte
	out := tv{}
	for _, v := range of {
		if !v.variable {
			head = append(head, v.raw...)
			continue
		}
		out.variable = true
		head = binary.LittleEndian.AppendUint32(head, uint32(size+len(tail)))
		tail = append(tail, v.raw...)
	}
	depth := 0
	for 1<<depth < len(of) {
		depth++
	}
	out.raw, out.root = append(head, tail...), deep(roots, depth)
	return out
}

func testCommitteeValue(text string) tv {
	var keys []chunk
	raw := noise(text, 512*48)
	for i := range 512 {
		keys = append(keys, deep(byteChunks(raw[i*48:(i+1)*48]), 1))
	}
	return record(tv{raw: raw, root: deep(keys, 9)}, noisy(text+"aggregate", 48, 1))
}

// fields are all of the state, in order.
func (s testState) fields() []tv {
	var validators []tv
	var balances, participation []byte
	for i, v := range s.validators {
		far := number64(1<<64 - 1)
		validators = append(validators, record(vector(v.key[:], 1), vector(v.credentials[:], 0), number64(32e9), vector([]byte{byte(i % 2)}, 0),
			number64(uint64(i)), number64(uint64(i+1)), far, far))
		balances = append(balances, u64(v.gwei)...)
		participation = append(participation, byte(i%8))
	}
	point := func(text string) tv { return record(number64(s.slot/32), noisy(text, 32, 0)) }
	eth1 := func(text string) tv {
		return record(noisy(text, 32, 0), number64(uint64(len(text))), noisy(text+"h", 32, 0))
	}
	extra := noise("extra", 17)
	payload := record(noisy("p0", 32, 0), noisy("p1", 20, 0), noisy("p2", 32, 0), noisy("p3", 32, 0), noisy("p4", 256, 3), noisy("p5", 32, 0),
		number64(1), number64(2), number64(3), number64(4), numbers(extra, 1, 0), noisy("fee", 32, 0), noisy("p6", 32, 0), noisy("p7", 32, 0), noisy("p8", 32, 0),
		number64(5), number64(6))
	all := []tv{
		number64(1606824023), noisy("genesis", 32, 0), number64(s.slot), record(noisy("v", 4, 0), noisy("w", 4, 0), number64(9)),
		record(number64(s.slot), number64(3), noisy("a", 32, 0), noisy("b", 32, 0), noisy("c", 32, 0)),
		noisy("blocks", 8192*32, 13), noisy("states", 8192*32, 13), numbers(noise("historical", 5*32), 32, 24),
		eth1("eth1"), containers(11, eth1("x"), eth1("yy"), eth1("zzz")), number64(77),
		containers(40, validators...), numbers(balances, 8, 38), noisy("randao", 65536*32, 16), noisy("slashings", 8192*8, 11),
		numbers(participation, 1, 35), numbers(bytes.Clone(participation), 1, 35), vector([]byte{13}, 0), point("1"), point("2"), point("3"), numbers(bytes.Clone(balances), 8, 38),
		testCommitteeValue("current"), testCommitteeValue("next"), payload, number64(11), number64(12), containers(24, record(noisy("s", 32, 0), noisy("t", 32, 0))),
	}
	if s.fork == Deneb {
		return all
	}
	for i := range uint64(6) {
		all = append(all, number64(i+100))
	}
	pending := func(i uint64) tv {
		return record(noisy("pending", 48, 1), noisy("wc", 32, 0), number64(i), noisy("sig", 96, 2), number64(i))
	}
	all = append(all, containers(27, pending(1), pending(2)), containers(27, record(number64(1), number64(2), number64(3))), containers(18, record(number64(4), number64(5))))
	if s.fork == Fulu {
		all = append(all, noisy("lookahead", 64*8, 4))
	}
	return all
}

func (s testState) value() tv { return record(s.fields()...) }

func surveyOf(indexes ...uint64) *survey {
	s := &survey{indexes: map[uint64]bool{}, keys: map[[48]byte]bool{}, trail: trail{}}
	for _, i := range indexes {
		s.indexes[i] = true
	}
	return s
}

// The roots of these states as go-eth2-client v0.27.2 has them by fastssz, and by dynamic-ssz v1.1.2.
var knownRoots = map[string]string{
	Deneb:   "b42eddfc58173ca3974defb4181a4789a646e9eac8930c3343b538f7a6e8d799",
	Electra: "61c7bbf195f27cb24f2d5067569b0f35426a2637e3577a8bcd2d216a484ca7cd",
	Fulu:    "3998b5a198083f82d8a39b6b6f16e223e2beafe2170d8f0a3d4fd4e1a64ff5bc",
}

func TestState_Root(t *testing.T) {
	for fork, want := range knownRoots {
		t.Run(fork, func(t *testing.T) {
			v := testState{fork: fork, slot: 12345, validators: validatorsOf(301)}.value()
			if got := hex.EncodeToString(v.root[:]); got != want {
				t.Errorf("the naive root is %s, want %s", got, want)
			}
			s := surveyOf(0, 7, 299)
			got, err := s.state(bytes.NewReader(v.raw), fork)
			if err != nil {
				t.Fatal(err)
			}
			if got.hex() != want {
				t.Errorf("root %s, want %s", got.hex(), want)
			}
			var indexes []uint64
			for _, e := range s.found {
				indexes = append(indexes, e.index)
			}
			if diff := cmp.Diff([]uint64{0, 7, 299}, indexes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A growing tree has the root of the naive one, and keeps what leads to its marked leaves and no more.
func TestGrowing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, 9).Draw(t, "depth")
		leaves := make([]chunk, rapid.IntRange(0, 1<<depth).Draw(t, "leaves"))
		g := growing{trail: trail{}}
		want := map[chunk]bool{}
		for i := range leaves {
			leaves[i] = seeded("leaf", uint64(i))
			marked := rapid.IntRange(0, 5).Draw(t, "mark") == 0
			g.add(leaf{leaves[i], marked})
			if marked {
				want[chunk{byte(i), byte(i >> 8)}] = true
			}
		}
		top := g.top(depth)
		if chunk(top.root) != deep(leaves, depth) {
			t.Fatalf("the root of %d leaves at depth %d is another", len(leaves), depth)
		}
		if top.marked != (len(want) > 0) {
			t.Error("the mark was lost")
		}
		d := descent{nodes: g.trail, used: map[root]bool{}}
		for place := range want {
			i := uint64(place[0]) + uint64(place[1])<<8
			got, err := d.to(top.root, step{i, depth})
			if err != nil || chunk(got) != leaves[i] {
				t.Errorf("leaf %d: %x, %v", i, got, err)
			}
		}
		if len(d.used) != len(g.trail) {
			t.Errorf("it keeps %d nodes, %d are needed", len(g.trail), len(d.used))
		}
	})
}

// FuzzState: bytes are refused, or what was read of them stands under their root.
func FuzzState(f *testing.F) {
	for n, fork := range []string{Deneb, Electra, Fulu} {
		s := testState{fork: fork, slot: testSlots[fork], validators: validatorsOf(9)}
		raw := s.value().raw
		// The vectors of noise, 2.7 MB, are left out of the seeds, and put back as zeros.
		if _, err := surveyOf().state(bytes.NewReader(grow(shrink(raw))), fork); err != nil || len(grow(shrink(raw))) != len(raw) {
			f.Fatal(err)
		}
		f.Add(byte(n), shrink(raw))
		f.Add(byte(n+1), shrink(raw))
		f.Add(byte(n), shrink(raw)[:5000])
	}
	f.Fuzz(func(t *testing.T, n byte, raw []byte) {
		fork := []string{Deneb, Electra, Fulu}[n%3]
		s := surveyOf(0, 3, 8)
		got, err := s.state(bytes.NewReader(grow(raw)), fork)
		if err != nil {
			return
		}
		for _, e := range s.found {
			d := descent{nodes: s.trail, used: map[root]bool{}}
			depth := depthOf(len(stateFields(fork)))
			credentials, err := d.to(got, step{validatorsField, depth}, step{0, 1}, step{e.index, validatorsDepth}, step{1, validatorDepth})
			if err != nil || credentials != e.credentials {
				t.Errorf("validator %d: %v", e.index, err)
			}
			chunk, err := d.to(got, step{balancesField, depth}, step{0, 1}, step{e.index / 4, balancesDepth})
			if err != nil || balanceIn(chunk, e.index) != e.gwei {
				t.Errorf("balance %d: %v", e.index, err)
			}
		}
	})
}

// FuzzLists reads what stands behind a state's fixed part, without that.
func FuzzLists(f *testing.F) {
	s := testState{fork: Fulu, slot: testSlots[Fulu], validators: validatorsOf(9)}
	for i, v := range s.fields() {
		if v.variable {
			f.Add(byte(i), v.raw)
			f.Add(byte(i), v.raw[:len(v.raw)-1])
		}
	}
	fields := stateFields(Fulu)
	f.Fuzz(func(t *testing.T, n byte, raw []byte) {
		field := fields[int(n)%len(fields)]
		if field.list == nil {
			return
		}
		s := surveyOf(0, 3, 8)
		s.all = uint64(len(raw) / 8) // as many balances as there are
		got, err := field.list(s, &part{in: bufio.NewReader(bytes.NewReader(raw)), name: field.name, left: len(raw)})
		again, err2 := field.list(surveyOf(), &part{in: bufio.NewReader(bytes.NewReader(append(bytes.Clone(raw), 1))), name: field.name, left: len(raw)})
		if field.name == "balances" {
			return // the count is that of the validators before
		}
		if (err == nil) != (err2 == nil) || err == nil && got.root != again.root {
			t.Errorf("%s: %x, %v; with a byte behind it %x, %v", field.name, got.root, err, again.root, err2)
		}
		if err == nil && got.marked != (len(s.trail) > 0) || err != nil && kindOf(err) != "other" {
			t.Errorf("%s: marked %v with %d nodes, %v", field.name, got.marked, len(s.trail), err)
		}
	})
}

// The large vectors of a state: block and state roots, which follow each other, then mixes and slashings, which do too. Both places
// stand alike in all forks.
const (
	rootsAt, rootsSize = 8 + 32 + 8 + 16 + 112, 2 * 8192 * 32
	mixesAt, mixesSize = rootsAt + 4 + 72 + 4 + 8 + 4 + 4, 65536*32 + 8192*8 // once the roots are out
)

func shrink(raw []byte) []byte {
	out := append(bytes.Clone(raw[:rootsAt]), raw[rootsAt+rootsSize:]...)
	return append(out[:mixesAt:mixesAt], out[mixesAt+mixesSize:]...)
}

func grow(raw []byte) []byte {
	if len(raw) < mixesAt {
		return raw
	}
	out := append(bytes.Clone(raw[:rootsAt]), make([]byte, rootsSize)...)
	out = append(out, raw[rootsAt:mixesAt]...)
	out = append(out, make([]byte, mixesSize)...)
	return append(out, raw[mixesAt:]...)
}

// BenchmarkState reads a state of a million validators, of which a thousand are asked for.
func BenchmarkState(b *testing.B) {
	raw := millionValidators()
	var first, last runtime.MemStats
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		s := surveyOf()
		for i := range uint64(1000) {
			s.indexes[i*999] = true
		}
		runtime.GC()
		runtime.ReadMemStats(&first)
		if _, err := s.state(bytes.NewReader(raw), Fulu); err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&last)
		b.ReportMetric(float64(len(s.trail)), "nodes")
		b.ReportMetric(float64(int64(last.HeapAlloc)-int64(first.HeapAlloc))/(1<<20), "kept-MiB")
		runtime.KeepAlive(s)
	}
}

// millionValidators takes a small state and makes its lists long.
func millionValidators() []byte {
	const n = 1_000_000
	small := testState{fork: Fulu, slot: testSlots[Fulu], validators: validatorsOf(8)}
	var fixed, lists []byte
	size := 0
	fields := small.fields()
	for _, f := range fields {
		size += map[bool]int{false: len(f.raw), true: 4}[f.variable]
	}
	for i, f := range fields {
		if !f.variable {
			fixed = append(fixed, f.raw...)
			continue
		}
		fixed = binary.LittleEndian.AppendUint32(fixed, uint32(size+len(lists)))
		item := map[int]int{11: validatorSize, 12: 8, 15: 1, 16: 1, 21: 8}[i]
		if item == 0 {
			lists = append(lists, f.raw...)
			continue
		}
		for j := range uint64(n) {
			lists = append(lists, f.raw[:item]...)
			if item == validatorSize {
				binary.BigEndian.PutUint64(lists[len(lists)-item+8:], j)
			}
		}
	}
	return append(fixed, lists...)
}

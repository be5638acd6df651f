package verifier

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bls12-381"
)

// A beacon chain of two committees, SPEC part 22 written down naively: committee 0 has the secret keys 1 to 512 and signs in period 10,
// committee 1 has 513 to 1,024 and signs in period 11. Electra begins in the middle of period 10, at the slot in which the update was signed:
// that signature still binds Deneb's version.

const (
	committeeSize = 512
	electraEpoch  = 2700
)

// beaconFixture plays the exchange: every step can be edited before what comes after it is hashed and signed.
type beaconFixture struct {
	chain     string
	pinned    []byte // Keccak-256 of the pinned header
	genesis   []byte
	committee func(i int, keys [][]byte)
	aggregate func(i int, aggregate []byte)
	bits      func(name string, bits []byte)
	leaves    func(name string, leaves map[uint64][]byte) // of a state or a body, by generalised index
	slots     func(name string, h obj)
	signing   func(name string, s *signing)
	headers   func(headers [][]byte) [][]byte
	signature func(name string, raw []byte)
	file      func(f obj)
}

// signing is what a signature is made of.
type signing struct {
	committee int
	bits      []byte
	version   uint32
	genesis   []byte
	block     []byte // root of what is signed
}

// secretKeys makes the public keys once: the n-th is n+1 times the generator.
var secretKeys = sync.OnceValue(func() (keys []bls12381.G1Affine) {
	_, _, generator, _ := bls12381.Generators()
	var sum bls12381.G1Affine
	for range 2 * committeeSize {
		sum.Add(&sum, &generator)
		keys = append(keys, sum)
	}
	return keys
})

func (f *beaconFixture) keysOf(i int) (keys [][]byte, aggregate []byte) {
	var sum bls12381.G1Jac
	honest := make([][]byte, committeeSize)
	for n := range committeeSize {
		raw := secretKeys()[i*committeeSize+n].Bytes()
		honest[n] = raw[:]
	}
	keys = slices.Clone(honest)
	if f.committee != nil {
		f.committee(i, keys)
	}
	for n, raw := range keys { // a key that is changed is no part of the sum
		if bytes.Equal(raw, honest[n]) {
			sum.AddMixed(&secretKeys()[i*committeeSize+n])
		}
	}
	var total bls12381.G1Affine
	raw := total.FromJacobian(&sum).Bytes()
	if f.aggregate != nil {
		f.aggregate(i, raw[:])
	}
	return keys, raw[:]
}

// merkleRoot is the root over chunks, by recursion, over a power of two of places.
func merkleRoot(chunks [][]byte, places int) []byte {
	if places == 1 {
		if len(chunks) == 0 {
			return make([]byte, 32)
		}
		return chunks[0]
	}
	half := places / 2
	return h(merkleRoot(chunks[:min(half, len(chunks))], half), merkleRoot(chunks[min(half, len(chunks)):], half))
}

func le64(v int) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(v)), make([]byte, 24)...)
}

func headerRoot(x obj) []byte {
	root := func(key string) []byte {
		raw, err := hex.DecodeString(x[key].(string))
		if err != nil {
			panic(err)
		}
		return raw
	}
	return merkleRoot([][]byte{le64(x["slot"].(int)), le64(x["proposer"].(int)), root("parent"), root("state"), root("body")}, 8)
}

func committeeRoot(keys [][]byte, aggregate []byte) []byte {
	var roots [][]byte
	for _, k := range keys {
		roots = append(roots, h(k, make([]byte, 16)))
	}
	return h(merkleRoot(roots, committeeSize), h(aggregate, make([]byte, 16)))
}

// A sparse tree has leaves at some generalised indices and made-up hashes everywhere else.
type sparse map[uint64][]byte

func (s sparse) node(index uint64) []byte {
	if leaf := s[index]; leaf != nil {
		return leaf
	}
	for at := range s {
		for ; at > index; at /= 2 {
			if at/2 == index {
				return h(s.node(2*index), s.node(2*index+1))
			}
		}
	}
	return h([]byte("filler"), u64(int(index)))
}

func (s sparse) branch(index uint64) (out []string) {
	for ; index > 1; index /= 2 {
		out = append(out, hex.EncodeToString(s.node(index^1)))
	}
	return out
}

func (f *beaconFixture) tree(name string, leaves map[uint64][]byte) sparse {
	if f.leaves != nil {
		f.leaves(name, leaves)
	}
	return leaves
}

func (f *beaconFixture) beaconHeader(name string, slot int, state, body []byte) obj {
	x := obj{
		"body": hex.EncodeToString(body), "parent": hex.EncodeToString(h([]byte("parent of "), []byte(name))), "proposer": 7 + slot%3, "slot": slot,
		"state": hex.EncodeToString(state),
	}
	if f.slots != nil {
		f.slots(name, x)
	}
	return x
}

// sign signs as the first n members of a committee, all but some.
func (f *beaconFixture) sign(name string, s signing, n int) obj {
	s.bits = make([]byte, committeeSize/8)
	for i := range n {
		s.bits[i/8] |= 1 << (i % 8)
	}
	if f.signing != nil {
		f.signing(name, &s)
	}
	secret := new(big.Int)
	for i := range committeeSize {
		if s.bits[i/8]>>(i%8)&1 == 1 {
			secret.Add(secret, big.NewInt(int64(s.committee*committeeSize+i+1)))
		}
	}
	version := append(binary.BigEndian.AppendUint32(nil, s.version), make([]byte, 28)...)
	domain := append([]byte{7, 0, 0, 0}, h(version, s.genesis)[:28]...)
	point, err := bls12381.HashToG2(h(s.block, domain), []byte("BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"))
	if err != nil {
		panic(err)
	}
	raw := point.ScalarMultiplication(&point, secret).Bytes()
	if f.signature != nil {
		f.signature(name, raw[:])
	}
	if f.bits != nil {
		f.bits(name, s.bits)
	}
	return obj{"bits": hex.EncodeToString(s.bits), "signature": hex.EncodeToString(raw[:])}
}

// descendants are the headers of the three blocks after the pinned one, the last first.
func (f *beaconFixture) descendants() (headers [][]byte) {
	parent := f.pinned
	blank := rlpBytes(make([]byte, 32))
	for number := range 3 {
		raw := rlpList(rlpBytes(parent), blank, rlpBytes(make([]byte, 20)), blank, blank, blank, rlpBytes(make([]byte, 256)),
			[]byte{0x80}, rlpInt(big.NewInt(int64(101+number))), rlpInt(big.NewInt(30_000_000)), []byte{0x80}, rlpInt(big.NewInt(1793491202)), []byte{0x80}, blank, rlpBytes(make([]byte, 8)))
		headers = append([][]byte{raw}, headers...)
		parent = keccak(raw)
	}
	return headers
}

// make gives the evidence, for one snapshot, and the root of the checkpoint from which it starts.
func (f *beaconFixture) make(snapshot string) (evidence obj, checkpoint string) {
	committees, roots := make([]obj, 2), make([][]byte, 2)
	for i := range committees {
		keys, aggregate := f.keysOf(i)
		committees[i], roots[i] = obj{"aggregate": hex.EncodeToString(aggregate), "keys": hex.EncodeToString(bytes.Join(keys, nil))}, committeeRoot(keys, aggregate)
	}
	body := func(name string) []byte { return h([]byte("body of "), []byte(name)) }

	start := f.tree("bootstrap", sparse{54: roots[0]})
	first := f.beaconHeader("bootstrap", 82000, start.node(1), body("bootstrap"))

	update := f.signedUpdate("update", 86336, 86399, body("update.finalized"), func(finalized []byte) sparse { return sparse{55: roots[1], 105: finalized} },
		signing{committee: 0, version: 4}, 500)
	update["committee"] = committees[1]

	headers := f.descendants()
	hash := keccak(headers[0])
	if f.headers != nil {
		headers = f.headers(headers)
	}
	block := f.tree("body", sparse{812: hash})
	finality := f.signedUpdate("finality", 90240, 90300, block.node(1), func(finalized []byte) sparse { return sparse{169: finalized} },
		signing{committee: 1, version: 5}, 342)
	delete(finality, "branch")
	finality["execution"] = obj{"branch": block.branch(812), "hash": hex.EncodeToString(hash)}

	hexes := []string{}
	for _, raw := range headers {
		hexes = append(hexes, hex.EncodeToString(raw))
	}
	evidence = obj{
		"bootstrap": obj{"branch": start.branch(54), "committee": committees[0], "header": first}, "chain": f.chain, "finality": finality, "headers": hexes,
		"snapshot": snapshot, "type": "assay/v1/evidence/beacon", "updates": []obj{update},
	}
	checkpoint = hex.EncodeToString(headerRoot(first))
	if f.file != nil {
		f.file(evidence)
	}
	return evidence, checkpoint
}

// signedUpdate is an update without its committee.
func (f *beaconFixture) signedUpdate(name string, finalizedSlot, attestedSlot int, body []byte, state func(finalized []byte) sparse, s signing, signers int) obj {
	finalized := f.beaconHeader(name+".finalized", finalizedSlot, h([]byte(name)), body)
	tree := f.tree(name, state(headerRoot(finalized)))
	attested := f.beaconHeader(name+".attested", attestedSlot, tree.node(1), h([]byte("body of "), []byte(name)))
	s.genesis, s.block = f.genesis, headerRoot(attested)
	out := f.sign(name, s, signers)
	out["attested"], out["finalized"], out["slot"] = attested, finalized, attestedSlot+1
	out["branch"] = tree.branch(55)
	if out["finality"] = tree.branch(105); attestedSlot/32 >= electraEpoch {
		out["finality"] = tree.branch(169)
	}
	return out
}

func newBeaconFixture() *beaconFixture {
	pinned, err := hex.DecodeString(newFullWorld().blocks[1]["hash"].(string)[2:])
	if err != nil {
		panic(err)
	}
	return &beaconFixture{chain: evmChain, pinned: pinned, genesis: h([]byte("genesis"))}
}

// policyCheckpoint is the policy's entry for the fixture's chain.
func (f *beaconFixture) policyCheckpoint(root string) string {
	return "[[checkpoint]]\nchain = \"" + evmChain + "\"\nroot = \"0x" + root + "\"\ngenesis = \"" + hex.EncodeToString(h([]byte("genesis"))) + "\"\n" +
		"forks = [{ epoch = 0, name = \"deneb\", version = \"0x00000004\" }, { epoch = 2700, name = \"electra\", version = \"0x00000005\" }]\n"
}

// withBeacon adds light client evidence to the world of two chains. It says nothing of it in the policy.
func withBeacon(t testing.TB, f *beaconFixture) (w *world, checkpoint string) {
	t.Helper()
	w = newFullWorld()
	_, checkpoint = f.make("")
	w.files = func(files map[string][]byte) {
		lines := string(files["reserves/lines.json"])
		_, after, _ := bytes.Cut([]byte(lines), []byte(`"snapshot":"`))
		evidence, _ := f.make(string(after[:64]))
		files[beaconPath(evmChain)] = encode(evidence)
	}
	return w, checkpoint
}

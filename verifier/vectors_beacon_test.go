package verifier

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"

	"github.com/assay-por/assay/verifier/beacon"
)

// Vectors of SPEC part 22. Keys make a file of evidence 100,000 bytes long: one whole bundle holds it, and every fault is told as a few
// replacements in that file and in the policy.

const beaconBase = "happy-light-client"

func beaconVectors(t testing.TB, put putter) {
	honest := newBeaconFixture()
	w, root := withBeacon(t, honest)
	w.full = honest.policyCheckpoint(root)
	m := w.make(t)
	put("bundle", beaconBase, vector{Comment: "two committees, and three blocks from the finalised to the pinned one", Expect: "pass", Policy: m.raw, Files: vectorFiles(m.files)})
	file, pinned := string(m.files[beaconPath(evmChain)]), "0x"+hex.EncodeToString(honest.pinned)
	happy := vector{Comment: "as it stands in the bundle", Expect: "pass", Base: beaconBase, Chain: evmChain, Snapshot: m.snapshot, Block: pinned}
	put("beacon", "happy", happy)
	var before obj
	if err := json.Unmarshal([]byte(file), &before); err != nil {
		t.Fatal(err)
	}
	for _, c := range beaconFaults() {
		f := newBeaconFixture()
		c.edit(f)
		evidence, checkpoint := f.make(m.snapshot)
		after := obj{}
		if err := json.Unmarshal(encode(evidence), &after); err != nil {
			t.Fatal(err)
		}
		v := happy
		v.Attack, v.Comment, v.Expect, v.Reason = "B20", c.comment, "refused", c.reason
		v.Replace = replacements(t, file+m.raw, before, after)
		if checkpoint != root {
			v.Replace = append(v.Replace, [2]string{root, checkpoint})
		}
		if c.policy[0] != "" {
			v.Replace = append(v.Replace, c.policy)
		}
		if c.block != "" {
			v.Block = c.block
		}
		put("beacon", c.name, v)
	}
}

// replacements says how to make one file of another: the smallest parts that differ and occur once.
func replacements(t testing.TB, text string, before, after any) (list [][2]string) {
	t.Helper()
	from, to := string(encode(before)), string(encode(after))
	if from == to {
		return nil
	}
	if len(from) < 600 && strings.Count(text, from) == 1 {
		return [][2]string{{from, to}}
	}
	switch b := before.(type) {
	case obj:
		a := after.(obj)
		for _, key := range sortedKeys(b) {
			list = append(list, replacements(t, text, b[key], a[key])...)
		}
		return list
	case []any:
		if a := after.([]any); len(a) == len(b) {
			for i := range b {
				list = append(list, replacements(t, text, b[i], a[i])...)
			}
			return list
		}
	case string:
		if a := after.(string); len(a) == len(b) && len(b) > 600 {
			for i := 0; i < len(b); i += 96 {
				if end := min(i+96, len(b)); a[i:end] != b[i:end] {
					list = append(list, [2]string{b[i:end], a[i:end]})
				}
			}
			return list
		}
	}
	if strings.Count(text, from) != 1 {
		t.Fatalf("%.80s… occurs %d times", from, strings.Count(text, from))
	}
	return [][2]string{{from, to}}
}

func sortedKeys(m obj) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// checkBeacon applies a vector's replacements, each to what occurs once in the file or the policy of its base, and checks.
func checkBeacon(t testing.TB, v vector) {
	raw, err := os.ReadFile(filepath.Join(vectorsDir, "bundle", v.Base+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var base vector
	if err := json.Unmarshal(raw, &base); err != nil {
		t.Fatal(err)
	}
	file, text := string(base.Files[beaconPath(v.Chain)].bytes(t)), base.Policy
	for _, r := range v.Replace {
		if n := strings.Count(file, r[0]) + strings.Count(text, r[0]); n != 1 {
			t.Fatalf("%.80s… occurs %d times", r[0], n)
		}
		file, text = strings.Replace(file, r[0], r[1], 1), strings.Replace(text, r[0], r[1], 1)
	}
	expectError(t, v, lightClient(t, []byte(file), text, v))
}

// lightClient makes the checks of SPEC part 22 alone.
func lightClient(t testing.TB, file []byte, policy string, v vector) error {
	t.Helper()
	p, err := ReadPolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, ok := p.Checkpoint(v.Chain)
	if !ok {
		t.Fatal("the policy has no checkpoint")
	}
	network, err := networkOf(checkpoint)
	if err != nil {
		return err
	}
	evidence, err := beacon.Parse(file, v.Snapshot, v.Chain)
	if err != nil {
		return err
	}
	_, err = evidence.Check(beacon.Checkpoint{Root: checkpoint.Root, Network: network}, beacon.Block{Chain: v.Chain, Hash: v.Block})
	return err
}

type beaconFault struct {
	name, comment, reason string
	edit                  func(f *beaconFixture)
	policy                [2]string // replaced in the policy
	block                 string    // another pinned block
}

func beaconFaults() []beaconFault {
	return slices.Concat(committeeFaults(), signatureFaults(), treeFaults(), slotFaults(), ancestryFaults())
}

// on gives an edit for one name only.
func on[T any](name string, edit func(T)) func(string, T) {
	return func(n string, v T) {
		if n == name {
			edit(v)
		}
	}
}

func committeeFaults() []beaconFault {
	key := func(i int, raw []byte) func(f *beaconFixture) {
		return func(f *beaconFixture) {
			f.committee = func(n int, keys [][]byte) {
				if n == i {
					keys[7] = raw
				}
			}
		}
	}
	var x fp.Element
	x.SetUint64(5)
	jacobian := bls12381.GeneratePointNotInG1(x)
	var outside bls12381.G1Affine
	subgroup := outside.FromJacobian(&jacobian).Bytes()
	infinity := append([]byte{0xc0}, make([]byte, 47)...)
	long := secretKeys()[7].RawBytes()
	return []beaconFault{
		{name: "key-at-infinity", comment: "a key of the checkpoint's committee is no key", reason: "bootstrap.committee.keys[7]", edit: key(0, infinity)},
		{name: "key-outside-the-subgroup", comment: "a point of the curve, of another order", reason: "subgroup", edit: key(0, subgroup[:])},
		{name: "key-uncompressed", comment: "half of the long form", reason: "bootstrap.committee.keys[7]", edit: key(0, long[:48])},
		{name: "key-of-the-next-committee-at-infinity", comment: "the committee that an update names is checked as the first is", reason: "updates[0].committee.keys[7]", edit: key(1, infinity)},
		{name: "aggregate-not-the-sum", comment: "the aggregate is another point", reason: "not the sum of the keys", edit: func(f *beaconFixture) {
			f.aggregate = func(i int, aggregate []byte) {
				if i == 0 {
					other := secretKeys()[7].Bytes()
					copy(aggregate, other[:])
				}
			}
		}},
		{name: "committee-not-the-checkpoints", comment: "the first committee is not in the checkpoint's state", reason: "bootstrap.branch: the committee is not the state's", edit: func(f *beaconFixture) {
			f.leaves = on("bootstrap", func(leaves map[uint64][]byte) { leaves[54] = h([]byte("another committee")) })
		}},
		{name: "next-committee-not-the-states", comment: "an update brings a committee that nobody signed", reason: "updates[0].branch: the next committee is not the state's", edit: func(f *beaconFixture) {
			f.leaves = on("update", func(leaves map[uint64][]byte) { leaves[55] = h([]byte("another committee")) })
		}},
		{name: "checkpoint-other", comment: "the evidence begins elsewhere than the policy does", reason: "bootstrap.header: its root is not the policy's checkpoint", edit: func(f *beaconFixture) {
			f.file = func(x obj) { x["bootstrap"].(obj)["header"].(obj)["proposer"] = 99 }
		}},
	}
}

func signatureFaults() []beaconFault {
	sign := func(name string, edit func(*signing)) func(f *beaconFixture) {
		return func(f *beaconFixture) { f.signing = on(name, edit) }
	}
	const not = "validators whose bit is set"
	return []beaconFault{
		{name: "signatures-341", comment: "one less than two thirds of 512", reason: "finality.bits: too few", edit: sign("finality", func(s *signing) { s.bits[341/8] &^= 1 << (341 % 8) })},
		{name: "signatures-341-of-an-update", comment: "the same for a change of the committee", reason: "updates[0].bits: too few", edit: sign("update", func(s *signing) {
			clear(s.bits[43:])
			s.bits[42] = 0x1f
		})},
		{name: "bit-not-signed", comment: "a bit is set of a validator that did not sign", reason: not, edit: func(f *beaconFixture) {
			f.bits = on("finality", func(bits []byte) { bits[63] |= 0x80 })
		}},
		{name: "bit-left-out", comment: "a validator signed and its bit is not set", reason: not, edit: func(f *beaconFixture) {
			f.signing = on("finality", func(s *signing) { s.bits[63] |= 0x80 })
			f.bits = on("finality", func(bits []byte) { bits[63] = 0 })
		}},
		{name: "domain-of-another-fork", comment: "signed with the version of the fork before", reason: "finality.signature", edit: sign("finality", func(s *signing) { s.version = 4 })},
		{name: "domain-of-the-signatures-own-slot", comment: "the version is that of the slot before the signature's, here the last of Deneb", reason: "updates[0].signature", edit: sign("update", func(s *signing) { s.version = 5 })},
		{name: "domain-of-another-network", comment: "signed on a chain with other first validators", reason: "finality.signature", edit: sign("finality", func(s *signing) { s.genesis = h([]byte("other genesis")) })},
		{name: "signed-by-the-committee-before", comment: "the committee of period 10 signs in period 11", reason: "finality.signature", edit: sign("finality", func(s *signing) { s.committee = 0 })},
		{name: "update-signed-by-the-next-committee", comment: "a committee appoints itself", reason: "updates[0].signature", edit: sign("update", func(s *signing) { s.committee = 1 })},
		{name: "signed-something-else", comment: "a signature over another block", reason: "finality.signature", edit: sign("finality", func(s *signing) { s.block = h([]byte("another block")) })},
		{name: "signature-at-infinity", comment: "the point at infinity", reason: "finality.signature", edit: func(f *beaconFixture) {
			f.signature = on("finality", func(raw []byte) { copy(raw, append([]byte{0xc0}, make([]byte, 95)...)) })
		}},
		{name: "signature-negated", comment: "the other point with that abscissa", reason: not, edit: func(f *beaconFixture) {
			f.signature = on("finality", func(raw []byte) { raw[0] ^= 0x20 })
		}},
	}
}

func treeFaults() []beaconFault {
	leaf := func(name string, index uint64) func(f *beaconFixture) {
		return func(f *beaconFixture) {
			f.leaves = on(name, func(leaves map[uint64][]byte) { leaves[index] = h([]byte("something else")) })
		}
	}
	return []beaconFault{
		{name: "finalized-not-in-the-state", comment: "the attested state has finalised another block", reason: "finality.finality: the attested state has not finalized it", edit: leaf("finality", 169)},
		{name: "update-finalized-not-in-the-state", comment: "the same in an update", reason: "updates[0].finality: the attested state has not finalized it", edit: leaf("update", 105)},
		{name: "execution-not-in-the-body", comment: "an execution block of another beacon block", reason: "finality.execution: the hash is not in the finalized block's body", edit: leaf("body", 812)},
		{name: "execution-at-another-index", comment: "the right hash in the field before, the parent's", reason: "finality.execution", edit: func(f *beaconFixture) {
			f.leaves = on("body", func(leaves map[uint64][]byte) { leaves[811], leaves[812] = leaves[812], h([]byte("filler")) })
		}},
		{name: "electras-index-in-deneb", comment: "the committee's place is one deeper only from Electra on", reason: "no branch of generalised index 54", edit: func(f *beaconFixture) {
			f.leaves = on("bootstrap", func(leaves map[uint64][]byte) { leaves[86] = leaves[54]; delete(leaves, 54) })
			f.file = func(x obj) { x["bootstrap"].(obj)["branch"] = sparse{}.branch(86) }
		}},
		{name: "denebs-index-in-electra", comment: "and the finalised block's too", reason: "no branch of generalised index 169", edit: func(f *beaconFixture) {
			f.file = func(x obj) { x["finality"].(obj)["finality"] = x["finality"].(obj)["finality"].([]string)[:6] }
		}},
		{name: "fork-before-deneb", comment: "the policy's network has no fork yet at the checkpoint", reason: "is of no fork that this verifier knows", edit: func(*beaconFixture) {}, policy: [2]string{"epoch = 0,", "epoch = 2600,"}},
		{name: "fork-after-fulu", comment: "a block of Gloas has another form", reason: "got gloas", edit: func(*beaconFixture) {}, policy: [2]string{`name = "electra"`, `name = "gloas"`}},
	}
}

func slotFaults() []beaconFault {
	slot := func(name string, v int) func(f *beaconFixture) {
		return func(f *beaconFixture) { f.slots = on(name, func(x obj) { x["slot"] = v }) }
	}
	signed := func(key string, v int) func(f *beaconFixture) {
		return func(f *beaconFixture) {
			f.file = func(x obj) {
				if key == "finality" {
					x["finality"].(obj)["slot"] = v
				} else {
					x["updates"].([]obj)[0]["slot"] = v
				}
			}
		}
	}
	const period = "is not of the present committee's period"
	return []beaconFault{
		{name: "update-of-a-later-period", comment: "an update is left out", reason: period, edit: slot("update.attested", 90113)},
		{name: "update-of-an-earlier-period", comment: "an update from before the checkpoint", reason: period, edit: slot("update.attested", 81919)},
		{name: "update-finalizes-the-period-before", comment: "finalised before the present committee's period", reason: "updates[0].finalized.slot", edit: slot("update.finalized", 81919)},
		{name: "update-signed-in-the-next-period", comment: "the slot of an update's signature", reason: "updates[0].slot", edit: signed("updates", 90112)},
		{name: "signed-in-the-slot-itself", comment: "a signature stands in a later block than it speaks of", reason: "out of order", edit: signed("finality", 90300)},
		{name: "finalized-after-attested", comment: "what is finalised is older than what was attested", reason: "out of order", edit: slot("finality.finalized", 90301)},
		{name: "finalized-before-deneb", comment: "a block of Capella has its payload elsewhere", reason: "finality.finalized.slot", edit: slot("finality.finalized", 79000), policy: [2]string{"epoch = 0,", "epoch = 2500,"}},
		{name: "signed-in-a-later-period", comment: "the last signature is of no committee that is known", reason: "finality.slot", edit: signed("finality", 98304)},
	}
}

func ancestryFaults() []beaconFault {
	cut := func(edit func([][]byte) [][]byte) func(f *beaconFixture) {
		return func(f *beaconFixture) { f.headers = edit }
	}
	return []beaconFault{
		{name: "headers-broken", comment: "a header in the middle is another block's", reason: "headers[1]: it is not the parent", edit: cut(func(x [][]byte) [][]byte {
			x[1] = bytes.Clone(x[1])
			x[1][10] ^= 1
			return x
		})},
		{name: "headers-not-the-finalized-blocks", comment: "the first header is its child's parent only by word", reason: "headers[0]: it is not the finalized block's", edit: cut(func(x [][]byte) [][]byte {
			x[0] = bytes.Clone(x[0])
			x[0][10] ^= 1
			return x
		})},
		{name: "headers-too-few", comment: "they end before the child of the pinned block", reason: "headers: the headers do not lead to the pinned block", edit: cut(func(x [][]byte) [][]byte { return x[:2] })},
		{name: "headers-none", comment: "as if the finalised block were the pinned one", reason: "headers: there are no headers", edit: cut(func([][]byte) [][]byte { return nil })},
		{name: "pinned-block-other", comment: "all is true, of another block", reason: "headers: the headers do not lead to the pinned block", edit: func(*beaconFixture) {}, block: "0x" + strings.Repeat("0", 64)},
		{name: "pinned-block-not-an-ancestor", comment: "the finalised block's own hash is pinned, and headers go on", reason: "do not lead", edit: func(*beaconFixture) {}, block: "0x" + hex.EncodeToString(keccak(newBeaconFixture().descendants()[0]))},
	}
}

// The smaller things that a list of replacements cannot tell.
func TestBeacon_Lists(t *testing.T) {
	f := newBeaconFixture()
	_, root := f.make(strings.Repeat("0", 64))
	policy := newWorld().make(t).raw + f.policyCheckpoint(root)
	at := func(block []byte) vector {
		return vector{Chain: evmChain, Snapshot: strings.Repeat("0", 64), Block: "0x" + hex.EncodeToString(block)}
	}
	tip := keccak(f.descendants()[0])
	for name, c := range map[string]struct {
		edit  func(x obj)
		block []byte
		want  string
	}{
		"as made":                        {func(obj) {}, f.pinned, ""},
		"the finalised block is pinned":  {func(x obj) { x["headers"] = []string{} }, tip, ""},
		"its parent is pinned":           {func(x obj) { x["headers"] = x["headers"].([]string)[:1] }, keccak(f.descendants()[1]), ""},
		"no updates":                     {func(x obj) { x["updates"] = []obj{} }, f.pinned, "finality.slot"},
		"an update twice":                {func(x obj) { x["updates"] = append(x["updates"].([]obj), x["updates"].([]obj)[0]) }, f.pinned, "updates[1].attested.slot"},
		"headers beyond the pinned":      {func(x obj) { x["headers"] = append(x["headers"].([]string), "00") }, f.pinned, "headers[3]"},
		"headers the other way":          {func(x obj) { slices.Reverse(x["headers"].([]string)) }, f.pinned, "headers[0]"},
		"the next committee is not told": {func(x obj) { delete(x["updates"].([]obj)[0], "committee") }, f.pinned, "committee"},
		"a committee in finality":        {func(x obj) { x["finality"].(obj)["committee"] = obj{} }, f.pinned, "committee"},
	} {
		t.Run(name, func(t *testing.T) {
			x, _ := f.make(strings.Repeat("0", 64))
			c.edit(x)
			err := lightClient(t, encode(x), policy, at(c.block))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Any byte of the evidence that is changed is refused by some step.
func TestBeacon_AnyChange(t *testing.T) {
	f := newBeaconFixture()
	good, root := f.make(strings.Repeat("0", 64))
	raw := encode(good)
	policy := newWorld().make(t).raw + f.policyCheckpoint(root)
	v := vector{Chain: evmChain, Snapshot: strings.Repeat("0", 64), Block: "0x" + hex.EncodeToString(f.pinned)}
	if err := lightClient(t, raw, policy, v); err != nil {
		t.Fatal(err)
	}
	step := 1 + len(raw)/30
	for i := 0; i < len(raw); i += step {
		changed := bytes.Clone(raw)
		if changed[i]++; changed[i] == 'g' || changed[i] == ':' { // still hex
			changed[i] = 'a'
		}
		if err := lightClient(t, changed, policy, v); err == nil {
			t.Errorf("byte %d, in …%s…: taken", i, raw[max(0, i-20):min(len(raw), i+20)])
		}
	}
}

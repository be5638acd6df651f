package beacon

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func chunks(list []chunk) (out []root) {
	for _, c := range list {
		out = append(out, c)
	}
	return out
}

// Roots and branches are those of a naive tree, and a branch fits one place only.
func TestTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		depth := rapid.IntRange(0, 6).Draw(t, "depth")
		n := rapid.IntRange(0, 1<<depth).Draw(t, "leaves")
		var leaves []chunk
		for i := range n {
			leaves = append(leaves, seeded("leaf", uint64(i)))
		}
		top := merkleize(chunks(leaves), depth)
		if want := tree(leaves, depth); top != want {
			t.Fatalf("root %x, want %x", top, want)
		}
		at := rapid.IntRange(0, 1<<depth-1).Draw(t, "at")
		branch := siblings(chunks(leaves), depth, at)
		for i, want := range branchOf(leaves, depth, at) {
			if branch[i] != want {
				t.Fatalf("sibling %d is %x, want %x", i, branch[i], want)
			}
		}
		leaf := root{}
		if at < n {
			leaf = leaves[at]
		}
		index := uint64(1<<depth + at)
		if !climbs(leaf, branch, index, top) {
			t.Fatal("the branch does not climb")
		}
		for _, other := range []uint64{index ^ 1, index * 2, index*2 + 1, index / 2, 0} {
			if depth > 0 && n > at && n > at^1 && climbs(leaf, branch, other, top) {
				t.Fatalf("it climbs from %d too", other)
			}
		}
		if depth > 0 {
			branch[rapid.IntRange(0, depth-1).Draw(t, "spoilt")][0] ^= 1
			if climbs(leaf, branch, index, top) {
				t.Fatal("it climbs with another sibling")
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	raw, err := os.ReadFile("testdata/mainnet-1151.json")
	if err != nil {
		f.Fatal(err)
	}
	// A few keys only: over 512 of them the fuzzer would do nothing but make its findings smaller.
	committee := `{"pubkeys":["0x` + strings.Repeat("c0", 48) + `"],"aggregate_pubkey":"0x` + strings.Repeat("c2", 48) + `"}`
	zeros := strings.Repeat("0", 64)
	header := `{"beacon":{"slot":"9","proposer_index":"1","parent_root":"0x` + zeros + `","state_root":"0x` + zeros + `","body_root":"0x` + zeros + `"}}`
	f.Add(raw)
	f.Add([]byte(`{"data":{"header":` + header + `,"current_sync_committee":` + committee + `,"current_sync_committee_branch":["0x` + zeros + `"]}}`))
	f.Add([]byte("[" + strings.Replace(string(raw), `"next_sync_committee_branch"`, `"next_sync_committee":`+committee+`,"next_sync_committee_branch"`, 1) + "]"))
	f.Add([]byte(`{"data":{"genesis_validators_root":"0x` + zeros + `"}}`))
	f.Add([]byte(`{"data":{"DEPOSIT_CHAIN_ID":"1","DENEB_FORK_EPOCH":"269568","DENEB_FORK_VERSION":"0x04000000","X_FORK_EPOCH":"18446744073709551615","BLOB_SCHEDULE":[]}}`))
	f.Add([]byte(`[{"data":{"attested_header":{"beacon":{"slot":"1"}}}}]`))
	f.Add([]byte(`{"data":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, err := parseFinality(b); err == nil {
			_, _ = u.executionBranch()
			checkBack(t, u.attested)
		}
		if list, err := parseUpdates(b); err == nil {
			for _, u := range list {
				_ = u.committee.root()
				checkBack(t, u.finalized)
			}
		}
		if boot, err := parseBootstrap(b); err == nil {
			_ = boot.committee.root()
			checkBack(t, boot.header)
		}
		if c, err := parseSpec(b); err == nil {
			known, _ := KnownNetwork("eip155:1")
			net, _ := known.parse()
			_, _ = net.with(c.forks)
		}
		_, _ = parseGenesis(b)
	})
}

// checkBack makes sure that what was read can stand in a canonical file.
func checkBack(t *testing.T, h header) {
	t.Helper()
	if f := h.file(); f.Slot > 1<<53-1 || f.Proposer > 1<<53-1 || len(f.Body) != 64 {
		t.Errorf("%+v cannot stand in a file", f)
	}
}

func FuzzAncestry(f *testing.F) {
	f.Add([]byte{0xc0}, []byte{0x80})
	f.Add([]byte{0xe1, 0xa0}, []byte{0xf8, 0x01})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if ancestry(root{}, "0x", [][]byte{a, b}) == nil {
			t.Error("made-up headers were taken")
		}
	})
}

func BenchmarkOpenCommittee(b *testing.B) {
	from := committeeOf(1)
	c := &committee{keys: [committeeSize][48]byte(from.keys), aggregate: from.aggregate}
	for b.Loop() {
		if _, err := c.open(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	from := committeeOf(1)
	c := &committee{keys: [committeeSize][48]byte(from.keys), aggregate: from.aggregate}
	s, err := c.open()
	if err != nil {
		b.Fatal(err)
	}
	message := root(seeded("message", 1))
	bits, signature := from.sign(message, 500)
	for b.Loop() {
		if err := s.verify(bits, message, signature); err != nil {
			b.Fatal(err)
		}
	}
}

// Three periods, over HTTP.
func BenchmarkProve(b *testing.B) {
	s, all := play(b)
	source := s.source(b, synthetic)
	for b.Loop() {
		if _, err := source.Prove(b.Context(), testSnapshot, refOf(all[20]), between(all)); err != nil {
			b.Fatal(err)
		}
	}
}

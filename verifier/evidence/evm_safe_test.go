package evidence

import (
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
)

const (
	proxyCode     = "d7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c"
	singletonCode = "1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4"
)

func ownerSlot(a common.Address) common.Hash {
	return crypto.Keccak256Hash(common.LeftPadBytes(a.Bytes(), 32), slotOf(2).Bytes())
}

// newSafeFixture is a Safe of three owners, two of whom must sign, with some ether.
func newSafeFixture(t testing.TB) (f *evmFixture, owners []common.Address) {
	t.Helper()
	f = &evmFixture{state: fakeState{}}
	safe, account := contractAt(0x5a), ethereum+":"+lower(contractAt(0x5a))
	f.state.at(contractAt(0x51)).codeHash = common.FromHex(singletonCode)
	at := f.state.at(safe)
	at.codeHash, at.balance = common.FromHex(proxyCode), big.NewInt(1e9)
	at.put(slotOf(0), pointerTo(contractAt(0x51)))
	at.put(slotOf(3), big.NewInt(3))
	at.put(slotOf(4), big.NewInt(2))
	end := common.BigToAddress(big.NewInt(1))
	owners = []common.Address{holder(1), holder(2), holder(3)}
	ring := append([]common.Address{end}, owners...)
	for i, a := range ring {
		at.put(ownerSlot(a), pointerTo(ring[(i+1)%len(ring)]))
	}
	f.lines = []any{doc{"account": account, "amount": "1000000000", "token": ethereum + "/slip44:60"}}
	f.file = doc{
		"attested": []any{}, "chain": ethereum,
		"safes": []any{account}, "snapshot": testSnapshot, "tokens": []any{}, "type": kindEVM,
	}
	f.seal(t)
	return f, owners
}

func TestEVM_Safe(t *testing.T) {
	f, owners := newSafeFixture(t)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	want := Safe{Threshold: 2}
	for _, o := range owners {
		want.Owners = append(want.Owners, lower(o))
	}
	slices.Sort(want.Owners)
	if diff := cmp.Diff(map[string]Safe{f.file["safes"].([]any)[0].(string): want}, result.Safes); diff != "" {
		t.Error(diff)
	}
}

// The codes of both releases, and of both kinds of singleton.
func TestEVM_SafeCodes(t *testing.T) {
	for _, proxy := range []string{proxyCode, "b89c1b3bdf2cf8827818646bce9a8f6e372885f8c55e5c07acbd307cb133b000"} {
		for _, singleton := range []string{
			singletonCode, "b1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff",
			"bba688fbdb21ad2bb58bc320638b43d94e7d100f6f3ebaab0a4e4de6304b1c2e", "21842597390c4c6e3c1239e434a682b054bd9548eee5e9b1d6a4482731023c0f",
		} {
			f, _ := newSafeFixture(t)
			f.state.at(contractAt(0x5a)).codeHash, f.state.at(contractAt(0x51)).codeHash = common.FromHex(proxy), common.FromHex(singleton)
			f.seal(t)
			if _, err := f.check(t); err != nil {
				t.Errorf("%s with %s: %v", proxy, singleton, err)
			}
		}
	}
}

// Owners that are not all of them, or fewer who must sign than the contract asks for, are refused.
func TestB11_OwnersAsTheContractHasThem(t *testing.T) {
	safe := func(f *evmFixture) *fakeAccount { return f.state.at(contractAt(0x5a)) }
	end := common.BigToAddress(big.NewInt(1))
	for _, tt := range []struct {
		name, problem string
		change        func(f *evmFixture, owners []common.Address)
	}{
		{"an owner missing from the ring", "not as long as its owner count: got 2, want a ring of 3", func(f *evmFixture, o []common.Address) {
			safe(f).put(ownerSlot(o[0]), pointerTo(o[2]))
			safe(f).put(ownerSlot(o[1]), new(big.Int))
		}},
		{"count too small", "longer than its owner count", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(3), big.NewInt(2)) }},
		{"count too great", "not as long as its owner count: got 3, want a ring of 4", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(3), big.NewInt(4)) }},
		{"count 0", "an owner count that no Safe here has: got 0", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(3), new(big.Int)) }},
		{"count 257", "an owner count that no Safe here has: got 257", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(3), big.NewInt(257)) }},
		{"threshold 0", "a threshold that its owners cannot have: got 0, want 1 to 3", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(4), new(big.Int)) }},
		{"threshold above the owners", "a threshold that its owners cannot have: got 4", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(4), big.NewInt(4)) }},
		{"threshold beyond 2^64", "a threshold that its owners cannot have", func(f *evmFixture, _ []common.Address) { safe(f).put(slotOf(4), new(big.Int).Lsh(big.NewInt(1), 65)) }},
		{"ring broken", "its ring of owners is broken: got 0 after 2 owners", func(f *evmFixture, o []common.Address) { safe(f).put(ownerSlot(o[1]), new(big.Int)) }},
		{"ring empty", "not as long as its owner count: got 0", func(f *evmFixture, _ []common.Address) { safe(f).put(ownerSlot(end), pointerTo(end)) }},
		{"ring into itself", "does not come back to its beginning", func(f *evmFixture, o []common.Address) { safe(f).put(ownerSlot(o[2]), pointerTo(o[1])) }},
		{"owner is no address", "a word that is no address", func(f *evmFixture, o []common.Address) {
			safe(f).put(ownerSlot(o[2]), new(big.Int).Lsh(big.NewInt(1), 160))
		}},
		{"code unknown", "its code is of no proxy of Safe that is known here", func(f *evmFixture, _ []common.Address) { safe(f).code("a proxy of our own") }},
		{"singleton itself", "its code is of no proxy of Safe that is known here", func(f *evmFixture, _ []common.Address) { safe(f).codeHash = common.FromHex(singletonCode) }},
		{"no code", "the Safe's account has no code", func(f *evmFixture, _ []common.Address) { safe(f).codeHash = crypto.Keccak256() }},
		{"singleton unknown", "the code of its singleton is of no Safe", func(f *evmFixture, _ []common.Address) { f.state.at(contractAt(0x51)).code("a Safe of our own") }},
		{"singleton is a proxy", "the code of its singleton is of no Safe", func(f *evmFixture, _ []common.Address) {
			f.state.at(contractAt(0x51)).codeHash = common.FromHex(proxyCode)
		}},
		{"singleton does not exist", "the Safe's singleton does not exist", func(f *evmFixture, _ []common.Address) { delete(f.state, contractAt(0x51)) }},
		{"singleton is no address", "a word that is no address", func(f *evmFixture, _ []common.Address) {
			safe(f).put(slotOf(0), new(big.Int).Lsh(big.NewInt(1), 255))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, owners := newSafeFixture(t)
			tt.change(f, owners)
			f.seal(t)
			_, err := f.check(t)
			wantCheck(t, err, "safes[0]", tt.problem)
		})
	}
}

// Without any one of the nodes that prove a Safe, nothing of it is proved.
func TestB11_OwnersWithoutProof(t *testing.T) {
	f, _ := newSafeFixture(t)
	nodes := f.file["nodes"].([]any)
	for i := range nodes {
		f.file["nodes"] = slices.Delete(slices.Clone(nodes), i, i+1)
		if _, err := f.check(t); err == nil || !strings.Contains(err.Error(), "a trie node is missing") {
			t.Errorf("without node %d: got %v", i, err)
		}
	}
}

// A Safe of 256 owners is proved; the ring of one more is not walked.
func TestEVM_SafeOfManyOwners(t *testing.T) {
	for _, n := range []int{1, 256, 257} {
		f, owners := newSafeFixture(t)
		at := f.state.at(contractAt(0x5a))
		for _, o := range owners {
			at.put(ownerSlot(o), new(big.Int))
		}
		ring := []common.Address{common.BigToAddress(big.NewInt(1))}
		for i := range n {
			ring = append(ring, holder(100+i))
		}
		for i, a := range ring {
			at.put(ownerSlot(a), pointerTo(ring[(i+1)%len(ring)]))
		}
		at.put(slotOf(3), big.NewInt(int64(n)))
		at.put(slotOf(4), big.NewInt(1))
		f.seal(t)
		result, err := f.check(t)
		if n > 256 {
			wantCheck(t, err, "safes[0]", "an owner count that no Safe here has")
		} else if got := result.Safes[f.file["safes"].([]any)[0].(string)]; err != nil || len(got.Owners) != n {
			t.Errorf("%d owners: got %d, %v", n, len(got.Owners), err)
		}
	}
}

// The codes of Safe here are those of SPEC.md's table.
func TestEVM_SafeCodesOfTheSpec(t *testing.T) {
	raw, err := os.ReadFile("../SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range strings.Split(string(raw), "\n") {
		kind, rest, ok := strings.Cut(line, ": ")
		if kind != "| proxy" && kind != "| singleton" || !ok {
			continue
		}
		rows++
		name, code, _ := strings.Cut(rest, " | `")
		got, isProxy, known := safeCode(common.HexToHash(strings.TrimSuffix(code, "` |")))
		if !known || got != name || isProxy != (kind == "| proxy") {
			t.Errorf("%s: known %v as %q, proxy %v", line, known, got, isProxy)
		}
	}
	if rows != 6 {
		t.Errorf("the table has %d rows, want 6", rows)
	}
}

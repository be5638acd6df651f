package evidence

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// Lines that are not of this chain, or that the nodes do not prove (SPEC part 12).
func TestEVM_LinesRefused(t *testing.T) {
	for _, tt := range []struct {
		name, problem string
		line          Holding
	}{
		{"account of another chain", "not an account of eip155:1", Holding{"eip155:2:" + lower(holder(1)), ethereum + "/slip44:60"}},
		{"account with a checksum", "not an account of eip155:1", Holding{ethereum + ":" + holder(1).Hex(), ethereum + "/slip44:60"}},
		{"token of another chain", "not a token of eip155:1", Holding{ethereum + ":" + lower(holder(1)), "eip155:2/slip44:60"}},
		{"token of no chain", "not a token of eip155:1", Holding{ethereum + ":" + lower(holder(1)), "slip44:60"}},
		{"token of another kind", "not a token of eip155:1", Holding{ethereum + ":" + lower(holder(1)), ethereum + "/erc721:" + lower(holder(0))}},
		{"token number with a leading zero", "not a token of eip155:1", Holding{ethereum + ":" + lower(holder(1)), ethereum + "/staked:060"}},
		{"the coin under another name", "two tokens name the same coin: got eip155:1/slip44:61, want eip155:1/slip44:60", Holding{ethereum + ":0x" + strings.Repeat("f", 40), ethereum + "/slip44:61"}},
		{"staked by nobody", "no validator's withdrawals go to the account", Holding{ethereum + ":0x" + strings.Repeat("f", 40), ethereum + "/staked:60"}},
		{"token that nothing proves", "has no recipe, and no node answered for it", Holding{ethereum + ":0x" + strings.Repeat("f", 40), tokenAt(0x44)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newEVMFixture(t, 3)
			f.lines = append(f.lines, doc{"account": tt.line.Account, "amount": "0", "token": tt.line.Token})
			_, err := f.check(t)
			wantCheck(t, err, tt.line.String(), tt.problem)
		})
	}
}

// A line more than the nodes prove is neither a balance nor 0: its path ends at a node that is not there.
func TestB07_LineThatTheNodesDoNotProve(t *testing.T) {
	f := newEVMFixture(t, 12)
	at := slices.IndexFunc(f.lines, func(v any) bool { return v.(doc)["account"] == ethereum+":"+lower(holder(11)) }) + 3
	left := f.lines[at]
	f.lines = slices.Delete(slices.Clone(f.lines), at, at+1)
	unused := 0
	for {
		_, err := f.check(t)
		if err == nil {
			break
		}
		var c *CheckError
		var n int
		if !errors.As(err, &c) || c.Problem != "a trie node that proves nothing" {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(c.Field, "nodes[%d]", &n); err != nil {
			t.Fatal(err)
		}
		f.file["nodes"] = slices.Delete(f.file["nodes"].([]any), n, n+1)
		unused++
	}
	f.lines = slices.Insert(f.lines, at, left)
	_, err := f.check(t)
	wantCheck(t, err, f.named(at), "a trie node is missing, so neither value nor absence is proven")
	if unused == 0 || f.line(at)["token"] != ethereum+"/slip44:60" {
		t.Errorf("%d nodes left out, line %v: this test shows nothing", unused, left)
	}
}

// A balance of 2^256 or more fits no amount, whatever a formula makes of the word.
func TestEVM_BalanceTooLarge(t *testing.T) {
	f := newRecipeFixture(t)
	f.keep(shares)
	f.state.at(contractAt(vault)).put(slotOf(5), big.NewInt(1))
	f.state.at(contractAt(shares)).put(mappingSlot(layoutSolidity, holder(1), 0), new(big.Int).Lsh(big.NewInt(1), 255))
	f.lines = slices.DeleteFunc(f.lines, func(v any) bool { return !strings.HasSuffix(v.(doc)["account"].(string), lower(holder(1))) })
	f.seal(t)
	_, err := f.check(t)
	wantCheck(t, err, f.named(0), "a balance that no amount can hold")
}

package evidence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/canon"
)

func TestE05_MalformedEVM(t *testing.T) {
	swap := func(list any, i, j int) {
		l := list.([]any)
		l[i], l[j] = l[j], l[i]
	}
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *evmFixture)
	}{
		{"missing key", "file", `key "nodes" is missing`, func(f *evmFixture) { delete(f.file, "nodes") }},
		{"unknown key", "file", `unknown key "notes"`, func(f *evmFixture) { f.file["notes"] = "" }},
		{"unknown key of a balance", "balances[0]", `unknown key "block"`, func(f *evmFixture) { f.balance(0)["block"] = "" }},
		{"amount is a number", "balances[1].amount", "want a string", func(f *evmFixture) { f.balance(1)["amount"] = 5 }},
		{"amount above 2^256", "balances[1].amount", "more than 256", func(f *evmFixture) { f.balance(1)["amount"] = strings.Repeat("9", 78) }},
		{"account of another chain", "balances[0].account", "is not an account of eip155:1", func(f *evmFixture) { f.balance(0)["account"] = "eip155:2:" + lower(holder(0)) }},
		{"account with a checksum", "balances[0].account", "is not an account of eip155:1", func(f *evmFixture) { f.balance(0)["account"] = ethereum + ":" + holder(0).Hex() }},
		{"account of 19 bytes", "balances[0].account", "is not an account of eip155:1", func(f *evmFixture) { f.balance(0)["account"] = ethereum + ":" + lower(holder(0))[:40] }},
		{"token of another chain", "balances[0].token", "is not a token of eip155:1", func(f *evmFixture) { f.balance(0)["token"] = "eip155:2/slip44:60" }},
		{"token of another kind", "balances[0].token", "is not a token of eip155:1", func(f *evmFixture) { f.balance(0)["token"] = ethereum + "/erc721:" + lower(holder(0)) }},
		{"token number with a leading zero", "balances[3].token", "is not a token of eip155:1", func(f *evmFixture) { f.balance(3)["token"] = ethereum + "/slip44:060" }},
		{"native token under two names", "balances[7].token", "name the same coin", func(f *evmFixture) { f.balance(7)["token"] = ethereum + "/slip44:61" }},
		{"balances out of order", "balances[1]", "not in ascending order of account and token", func(f *evmFixture) { swap(f.file["balances"], 0, 1) }},
		{"a balance twice", "balances[1]", "or twice", func(f *evmFixture) { f.file["balances"].([]any)[1] = f.balance(0) }},
		{"token not listed", "balances[2].token", "does not stand in tokens", func(f *evmFixture) { f.file["tokens"] = f.file["tokens"].([]any)[:2] }},
		{"token without balance", "tokens[3].token", "has no balance", func(f *evmFixture) {
			f.file["tokens"] = append(f.file["tokens"].([]any), doc{"layout": "vyper", "slot": strings.Repeat("0", 64), "token": ethereum + "/erc20:0x" + strings.Repeat("f", 40)})
		}},
		{"native token with a layout", "tokens[3].token", "a native token has no storage", func(f *evmFixture) {
			f.file["tokens"] = append(f.file["tokens"].([]any), doc{"layout": "vyper", "slot": strings.Repeat("0", 64), "token": ethereum + "/slip44:60"})
		}},
		{"tokens out of order", "tokens[1]", "not in ascending order of token", func(f *evmFixture) { swap(f.file["tokens"], 0, 1) }},
		{"unknown layout", "tokens[0].layout", "neither solidity nor vyper", func(f *evmFixture) { f.file["tokens"].([]any)[0].(doc)["layout"] = "huff" }},
		{"short slot", "tokens[0].slot", "want 64 lower-case hex digits", func(f *evmFixture) { f.file["tokens"].([]any)[0].(doc)["slot"] = "00" }},
		{"nodes out of order", "nodes[1]", "not in ascending order of Keccak-256", func(f *evmFixture) { swap(f.file["nodes"], 0, 1) }},
		{"a node twice", "nodes[1]", "or twice", func(f *evmFixture) {
			nodes := f.file["nodes"].([]any)
			f.file["nodes"] = slices.Insert(nodes, 0, nodes[0])
		}},
		{"node in capitals", "nodes[0]", "want lower-case hex", func(f *evmFixture) {
			nodes := f.file["nodes"].([]any)
			nodes[0] = strings.ToUpper(nodes[0].(string))
		}},
		{"node with 0x", "nodes[0]", "want lower-case hex", func(f *evmFixture) { f.file["nodes"].([]any)[0] = "0x00" }},
		{"header of an odd length", "header", "want lower-case hex of an even length", func(f *evmFixture) { f.file["header"] = "abc" }},
		{"type of another thing", "type", "got \"assay/v1/evidence/utxo\"", func(f *evmFixture) { f.file["type"] = kindUTXO }},
		{"no type", "type", "got \"\"", func(f *evmFixture) { delete(f.file, "type") }},
		{"type with a strange version", "type", "got \"assay/v/evidence/evm\"", func(f *evmFixture) { f.file["type"] = "assay/v/evidence/evm" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newEVMFixture(t, 3)

			tt.change(f)
			_, err := f.check(t)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
}

func TestEVM_AnotherSubject(t *testing.T) {
	raw := encode(t, newEVMFixture(t, 3).file)
	_, err := ParseEVM(raw, strings.Repeat("0", 64), ethereum)
	wantCheck(t, err, "snapshot", "evidence of another snapshot")
	_, err = ParseEVM(raw, testSnapshot, "eip155:2")
	if err == nil {
		t.Error("chain eip155:2: taken")
	}
	_, err = ParseEVM(raw, testSnapshot, "eip155:x")
	wantFormat(t, err, "chain", "is not eip155:<number>")
	f := newEVMFixture(t, 3)
	f.file["balances"], f.file["nodes"], f.file["tokens"] = []any{}, []any{}, []any{}
	_, err = ParseEVM(encode(t, f.file), testSnapshot, "eip155:2")
	wantCheck(t, err, "chain", "evidence of another chain: got eip155:1, want eip155:2")
}

func TestVersion_Another(t *testing.T) {
	f := newEVMFixture(t, 3)
	f.file["type"] = "assay/v2/evidence/evm"
	f.file["zz"] = "a key of the future"
	_, err := f.check(t)
	var v *canon.VersionError
	if !errors.As(err, &v) || v.Got != "assay/v2/evidence/evm" || v.Want != kindEVM || !strings.Contains(v.Error(), "this verifier knows") {
		t.Errorf("got %v, want a version error", err)
	}
}

func TestE09_SizeLimits(t *testing.T) {
	f := newEVMFixture(t, 3)
	f.file["header"] = strings.Repeat("00", maxHeader+1)
	_, err := f.check(t)
	wantFormat(t, err, "header", fmt.Sprintf("%d bytes, more than %d", maxHeader+1, maxHeader))
	f = newEVMFixture(t, 3)
	f.file["nodes"] = []any{strings.Repeat("00", maxTrieNode+1)}
	_, err = f.check(t)
	wantFormat(t, err, "nodes[0]", "1025 bytes, more than 1024")
}

func FuzzParseEVM(f *testing.F) {
	fixture := newEVMFixture(f, 1)
	f.Add(encode(f, fixture.file))
	fixture.file["nodes"] = []any{}
	f.Add(encode(f, fixture.file))
	f.Add([]byte(`{"balances":[],"chain":"eip155:1","header":"c0","nodes":["80"],"snapshot":"` + testSnapshot + `","tokens":[],"type":"` + kindEVM + `"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		parsed, err := ParseEVM(raw, testSnapshot, ethereum)
		if err != nil {
			wantTyped(t, err)
			return
		}
		if _, err := parsed.Check(fixture.block, nil); err != nil {
			wantTyped(t, err)
		}
	})
}

func BenchmarkERC20StateProofs1000(b *testing.B) {
	f := newEVMFixture(b, 1000)
	balances := f.file["balances"].([]any)
	token := ethereum + "/erc20:0x1000000000000000000000000000000000000001"
	f.file["balances"] = slices.DeleteFunc(balances, func(v any) bool { return v.(doc)["token"] != token })
	f.file["tokens"] = f.file["tokens"].([]any)[:1]
	f.file["nodes"] = f.usedNodes(b)
	raw := encode(b, f.file)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		parsed, err := ParseEVM(raw, testSnapshot, ethereum)
		if err != nil {
			b.Fatal(err)
		}
		result, err := parsed.Check(f.block, f.pins)
		if err != nil || len(result.Balances) != 1000 {
			b.Fatalf("%d balances, %v", len(result.Balances), err)
		}
	}
}

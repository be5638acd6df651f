package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

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
		{"unknown key of an answer", "attested[0].answers[0]", `unknown key "block"`, func(f *evmFixture) { f.line(0)["block"] = "" }},
		{"amount is a number", "attested[0].answers[1].amount", "want a string", func(f *evmFixture) { f.line(1)["amount"] = 5 }},
		{"amount above 2^256", "attested[0].answers[1].amount", "more than 256", func(f *evmFixture) { f.line(1)["amount"] = strings.Repeat("9", 78) }},
		{"account of another chain", "attested[0].answers[0].account", "is not an account of eip155:1", func(f *evmFixture) { f.line(0)["account"] = "eip155:2:" + lower(holder(0)) }},
		{"account with a checksum", "attested[0].answers[0].account", "is not an account of eip155:1", func(f *evmFixture) { f.line(0)["account"] = ethereum + ":" + holder(0).Hex() }},
		{"account of 19 bytes", "attested[0].answers[0].account", "is not an account of eip155:1", func(f *evmFixture) { f.line(0)["account"] = ethereum + ":" + lower(holder(0))[:40] }},
		{"token of another chain", "attested[0].answers[0].token", "is not a token of eip155:1", func(f *evmFixture) { f.line(0)["token"] = "eip155:2/slip44:60" }},
		{"token of no chain", "attested[0].answers[0].token", "is not a token of eip155:1", func(f *evmFixture) { f.line(0)["token"] = "slip44:60" }},
		{"token of another kind", "attested[0].answers[0].token", "is not a token of eip155:1", func(f *evmFixture) { f.line(0)["token"] = ethereum + "/erc721:" + lower(holder(0)) }},
		{"token number with a leading zero", "attested[0].answers[3].token", "is not a token of eip155:1", func(f *evmFixture) { f.line(3)["token"] = ethereum + "/slip44:060" }},
		{"answers out of order", "attested[0].answers[1]", "not in ascending order of account and token", func(f *evmFixture) { swap(f.lines, 0, 1) }},
		{"an answer twice", "attested[0].answers[1]", "or twice", func(f *evmFixture) { f.lines[1] = f.line(0) }},
		{"native token with a layout", "tokens[3].token", "is not an ERC-20 token of eip155:1", func(f *evmFixture) {
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
		{"node in hex", "nodes[0]", "not base64", func(f *evmFixture) {
			f.file["nodes"].([]any)[0] = hex.EncodeToString(make([]byte, 33))
		}},
		{"node with 0x", "nodes[0]", "not base64", func(f *evmFixture) { f.file["nodes"].([]any)[0] = "0x00" + strings.Repeat("0", 65) }},
		{"node without padding", "nodes[0]", "not base64", func(f *evmFixture) { f.file["nodes"].([]any)[0] = "wA" }},
		{"node with bits after its end", "nodes[0]", "not base64", func(f *evmFixture) { f.file["nodes"].([]any)[0] = "wB==" }},
		{"node in base64url", "nodes[0]", "not base64", func(f *evmFixture) { f.file["nodes"].([]any)[0] = "-_-_" }},
		{"header of an odd length", "header", "want lower-case hex of an even length", func(f *evmFixture) { f.file["header"] = "abc" }},
		{"type of another thing", "type", "got \"assay/v1/evidence/utxo\"", func(f *evmFixture) { f.file["type"] = kindUTXO }},
		{"no type", "type", "got \"\"", func(f *evmFixture) { delete(f.file, "type") }},
		{"type with a strange version", "type", "got \"assay/v/evidence/evm\"", func(f *evmFixture) { f.file["type"] = "assay/v/evidence/evm" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newEVMFixture(t, 3)
			f.file["attested"] = []any{doc{"answers": f.lines, "node": "node 1"}}
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
	f.file["nodes"], f.file["tokens"] = []any{}, []any{}
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
	for size, problem := range map[int]string{maxTrieNode + 1: "1025 bytes, more than 1024", maxTrieNode + 3: "1372 characters of base64, more than 1024 bytes"} {
		f.file["nodes"] = []any{base64.StdEncoding.EncodeToString(make([]byte, size))}
		_, err = f.check(t)
		wantFormat(t, err, "nodes[0]", problem)
	}
}

func FuzzParseEVM(f *testing.F) {
	fixture := newEVMFixture(f, 1)
	f.Add(encode(f, fixture.file))
	fixture.file["nodes"] = []any{}
	f.Add(encode(f, fixture.file))
	f.Add([]byte(`{"attested":[],"chain":"eip155:1","header":"c0","nodes":["gA=="],"safes":[],"snapshot":"` + testSnapshot + `","tokens":[],"type":"` + kindEVM + `"}`))
	recipes := newRecipeFixture(f)
	f.Add(encode(f, recipes.file))
	safe, _ := newSafeFixture(f)
	f.Add(encode(f, safe.file))
	f.Add(encode(f, doc{"attested": recipes.file["attested"], "chain": ethereum, "header": "c0", "nodes": []any{}, "safes": []any{}, "snapshot": testSnapshot, "tokens": []any{}, "type": kindEVM}))
	fixtures := []*evmFixture{fixture, recipes, safe}
	f.Fuzz(func(t *testing.T, raw []byte) {
		parsed, err := ParseEVM(raw, testSnapshot, ethereum)
		if err != nil {
			wantTyped(t, err)
			return
		}
		for _, x := range fixtures {
			if _, err := parsed.Check(x.block, Trust{}, x.holdings()); err != nil {
				wantTyped(t, err)
			}
		}
	})
}

// BenchmarkERC20StateProofs1000 checks 1,000 holders of one token, and tells the size of their evidence.
func BenchmarkERC20StateProofs1000(b *testing.B) {
	f := newEVMFixture(b, 1002) // two hold nothing
	token := f.file["tokens"].([]any)[0].(doc)["token"]
	f.lines = slices.DeleteFunc(f.lines, func(v any) bool { return v.(doc)["token"] != token || v.(doc)["amount"] == "0" })
	f.file["tokens"] = f.file["tokens"].([]any)[:1]
	address := common.HexToAddress("0x1000000000000000000000000000000000000001")
	for a := range f.state {
		if a != address {
			delete(f.state, a)
		}
	}
	f.seal(b)
	raw, nodes := encode(b, f.file), 0
	for _, n := range f.file["nodes"].([]any) {
		nodes += len(mustBase64(b, n.(string)))
	}
	asked := f.holdings()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		parsed, err := ParseEVM(raw, testSnapshot, ethereum)
		if err != nil {
			b.Fatal(err)
		}
		result, err := parsed.Check(f.block, Trust{Tokens: f.pins}, asked)
		if err != nil || len(result.Balances) != 1000 {
			b.Fatalf("%d balances, %v", len(result.Balances), err)
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(raw)
	_ = w.Close()
	b.ReportMetric(float64(len(raw))/1000, "file-KB")
	b.ReportMetric(float64(nodes)/1000, "nodes-KB")
	b.ReportMetric(float64(packed.Len())/1000, "gzip-KB")
}

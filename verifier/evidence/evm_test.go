package evidence

import (
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

func TestEVM_GoodEvidence(t *testing.T) {
	f := newEVMFixture(t, 12)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Notes) != 0 {
		t.Errorf("every token is pinned, got notes %q", result.Notes)
	}
	if len(result.Balances) != 48 {
		t.Fatalf("got %d balances, want 48", len(result.Balances))
	}
	for i, got := range result.Balances {
		want := f.line(i)
		if got.Account != want["account"] || got.Token != want["token"] || got.Amount.String() != want["amount"] {
			t.Errorf("balance %d: got %v, want %v", i, got, want)
		}
	}
}

// Checks keep no state: the same file gives the same answer again, and concurrently.
func TestEVM_CheckTwice(t *testing.T) {
	f := newEVMFixture(t, 12)
	parsed, err := ParseEVM(encode(t, f.file), testSnapshot, ethereum)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := parsed.Check(f.block, Trust{Tokens: f.pins}, f.holdings())
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestEVM_EmptyEvidence(t *testing.T) {
	f := newEVMFixture(t, 3)
	f.lines, f.file["nodes"], f.file["tokens"] = nil, []any{}, []any{}
	if result, err := f.check(t); err != nil || len(result.Balances) != 0 {
		t.Errorf("got %v, %v", result, err)
	}
}

func TestB07_AbsenceIsNotFailure(t *testing.T) {
	f := newEVMFixture(t, 12)
	nodes := f.file["nodes"].([]any)
	for i := range nodes {
		f.file["nodes"] = slices.Delete(slices.Clone(nodes), i, i+1)
		_, err := f.check(t)
		if err == nil {
			t.Fatalf("without node %d: verified", i)
		}
		var c *CheckError
		if !errors.As(err, &c) || !strings.Contains(c.Problem, "a trie node is missing, so neither value nor absence is proven") {
			t.Errorf("without node %d: got %v, want that it is missing", i, err)
		}
	}
	f.file["nodes"] = []any{}
	_, err := f.check(t)
	wantCheck(t, err, "tokens[0]", "neither value nor absence is proven")
}

func TestB07_AnyByteOfANodeMatters(t *testing.T) {
	f := newEVMFixture(t, 8)
	nodes := f.file["nodes"].([]any)
	for i, node := range nodes {
		raw := mustBase64(t, node.(string))
		for at := 0; at < len(raw); at += 7 {
			raw[at] ^= 0x10
			bag := nodeBag{}
			for j, other := range nodes {
				b := mustBase64(t, other.(string))
				if j == i {
					b = raw
				}
				_ = bag.Put(crypto.Keccak256(b), b)
			}
			f.file["nodes"] = bag.sorted()
			if _, err := f.check(t); err == nil {
				t.Fatalf("node %d, byte %d changed: verified", i, at)
			}
			raw[at] ^= 0x10
		}
	}
}

// Whatever the file says beside the proof is refused: a list of balances, and a node's answer for what is proved.
func TestB09_JSONBesideTheProof(t *testing.T) {
	f := newEVMFixture(t, 12)
	f.file["balances"] = f.lines
	_, err := f.check(t)
	wantFormat(t, err, "file", `unknown key "balances"`)
	delete(f.file, "balances")
	for i := range f.lines {
		said := doc{"account": f.line(i)["account"], "amount": "1" + f.line(i)["amount"].(string), "token": f.line(i)["token"]}
		f.file["attested"] = []any{doc{"answers": []any{said}, "node": "node 1"}}
		_, err := f.check(t)
		wantCheck(t, err, "attested[0].answers[0]", "is proved here, so no node's answer counts for it")
	}
}

func TestB08_TokenPin(t *testing.T) {
	for _, tt := range []struct {
		name, field, problem string
		change               func(p *TokenPin)
	}{
		{"layout", "tokens[0].layout", "got solidity, want vyper", func(p *TokenPin) { p.Layout = layoutVyper }},
		{"slot", "tokens[0].slot", "is not the policy's", func(p *TokenPin) { p.Slot = strings.Repeat("1", 64) }},
		{"code", "tokens[0].code", "is not the policy's", func(p *TokenPin) { p.Code = "0x" + strings.Repeat("1", 64) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newEVMFixture(t, 5)
			id := f.file["tokens"].([]any)[0].(doc)["token"].(string)
			pin := f.pins[id]
			tt.change(&pin)
			f.pins[id] = pin
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
	t.Run("no pin", func(t *testing.T) {
		f := newEVMFixture(t, 5)
		id := f.file["tokens"].([]any)[1].(doc)["token"].(string)
		delete(f.pins, id)
		result, err := f.check(t)
		if err != nil || len(result.Notes) != 1 || !strings.HasPrefix(result.Notes[0], id+": ") || !strings.Contains(result.Notes[0], "the exchange's word") {
			t.Errorf("got notes %q, %v", result.Notes, err)
		}
	})
	t.Run("other layout in the file", func(t *testing.T) {
		f := newEVMFixture(t, 5)
		f.file["tokens"].([]any)[0].(doc)["layout"] = layoutVyper
		f.pins = nil
		if _, err := f.check(t); err == nil {
			t.Error("verified")
		}
	})
}

func TestEVM_TokenMustBeAContract(t *testing.T) {
	f := newEVMFixture(t, 5)
	for _, tt := range []struct {
		holder  int
		problem string
	}{{0, "does not exist at the pinned block"}, {1, "has no code"}} {
		id := ethereum + "/erc20:" + lower(holder(tt.holder))
		f.file["tokens"] = []any{doc{"layout": layoutSolidity, "slot": strings.Repeat("0", 64), "token": id}}
		f.lines = []any{doc{"account": ethereum + ":" + lower(holder(2)), "amount": "0", "token": id}}
		_, err := f.check(t)
		wantCheck(t, err, "tokens[0]", tt.problem)
	}
}

func TestEVM_EveryNodeIsUsed(t *testing.T) {
	f := newEVMFixture(t, 12)
	f.lines = f.lines[:4]
	_, err := f.check(t)
	var c *CheckError
	if !errors.As(err, &c) || c.Problem != "a trie node that proves nothing" {
		t.Errorf("got %v, want a node that proves nothing", err)
	}
}

// rewrite decodes the header into raw items, changes them, and pins the result.
func (f *evmFixture) rewrite(t testing.TB, change func(items []rlp.RawValue) []rlp.RawValue) {
	t.Helper()
	raw, _ := hex.DecodeString(f.file["header"].(string))
	var items []rlp.RawValue
	if err := rlp.DecodeBytes(raw, &items); err != nil {
		t.Fatal(err)
	}
	out, err := rlp.EncodeToBytes(change(items))
	if err != nil {
		t.Fatal(err)
	}
	f.setHeader(out)
}

func TestEVM_Header(t *testing.T) {
	for _, tt := range []struct {
		name, problem string
		change        func(f *evmFixture)
	}{
		{"another chain's block", "another chain than the pinned block's", func(f *evmFixture) { f.block.Chain = "eip155:2" }},
		{"another hash", "its Keccak-256 is not the pinned block's hash", func(f *evmFixture) { f.block.Hash = "0x" + strings.Repeat("0", 64) }},
		{"hash in capitals", "its Keccak-256 is not the pinned block's hash", func(f *evmFixture) { f.block.Hash = strings.ToUpper(f.block.Hash) }},
		{"another number", "its number is not the pinned one: got 21000000, want 21000001", func(f *evmFixture) { f.block.Number++ }},
		{"another time", "its time is not the pinned one", func(f *evmFixture) { f.block.Time = f.block.Time.Add(time.Second) }},
		{"time before 1970", "its time is not the pinned one", func(f *evmFixture) { f.block.Time = time.Unix(-1, 0) }},
		{"a byte left over", "1 bytes are left over", func(f *evmFixture) {
			raw, _ := hex.DecodeString(f.file["header"].(string))
			f.setHeader(append(raw, 0))
		}},
		{"a string", "want a list, got a string", func(f *evmFixture) { f.setHeader([]byte{0x80}) }},
		{"nothing", "ends where an item should stand", func(f *evmFixture) { f.setHeader(nil) }},
		{"long form of a length", "long form of a short length", func(f *evmFixture) { f.setHeader([]byte{0xf8, 0x01, 0x05}) }},
		{"length with a leading zero", "length with a leading zero", func(f *evmFixture) { f.setHeader([]byte{0xf9, 0x00, 0x40}) }},
		{"cut short", "item of 512 bytes where 0 are left", func(f *evmFixture) { f.setHeader([]byte{0xf9, 0x02, 0x00}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newEVMFixture(t, 3)
			tt.change(f)
			_, err := f.check(t)
			wantCheck(t, err, "header", tt.problem)
			parsed, err := ParseEVM(encode(t, f.file), testSnapshot, ethereum)
			if err != nil {
				t.Fatal(err)
			}
			wantCheck(t, parsed.CheckHeader(f.block), "header", tt.problem)
		})
	}
	for _, tt := range []struct {
		name, problem string
		change        func(items []rlp.RawValue) []rlp.RawValue
	}{
		{"eleven items", "too few items", func(i []rlp.RawValue) []rlp.RawValue { return i[:11] }},
		{"short state root", "item 3 is no state root", func(i []rlp.RawValue) []rlp.RawValue { i[3] = rlp.RawValue{0x05}; return i }},
		{"number is a list", "item 8 is no block number", func(i []rlp.RawValue) []rlp.RawValue { i[8] = rlp.RawValue{0xc0}; return i }},
		{"number with a leading zero", "leading zero", func(i []rlp.RawValue) []rlp.RawValue { i[8] = rlp.RawValue{0x82, 0x00, 0xff}; return i }},
		{"number of nine bytes", "integer of 9 bytes", func(i []rlp.RawValue) []rlp.RawValue {
			i[8] = append(rlp.RawValue{0x89, 1}, make([]byte, 8)...)
			return i
		}},
		{"time in long form", "long form of a single byte", func(i []rlp.RawValue) []rlp.RawValue { i[11] = rlp.RawValue{0x81, 0x05}; return i }},
		{"time is a list", "item 11 is no time", func(i []rlp.RawValue) []rlp.RawValue { i[11] = rlp.RawValue{0xc0}; return i }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newEVMFixture(t, 3)
			f.rewrite(t, tt.change)
			_, err := f.check(t)
			wantCheck(t, err, "header", tt.problem)
		})
	}
	t.Run("further items are not read", func(t *testing.T) {
		f := newEVMFixture(t, 3)
		f.rewrite(t, func(i []rlp.RawValue) []rlp.RawValue { return append(i, rlp.RawValue{0xc1, 0x05}, rlp.RawValue{0x00}) })
		if _, err := f.check(t); err != nil {
			t.Error(err)
		}
	})
}

// A header and a state made up for the purpose pass every check of this room, so a file must not be able to vouch for its own
// header: anchors are the policy's, and a file that brings one is not of its format.
func TestB20_NoFileVouchesForItsHeader(t *testing.T) {
	f := newEVMFixture(t, 3)
	f.rewrite(t, func(i []rlp.RawValue) []rlp.RawValue { i[12] = rlp.RawValue("\x84fake"); return i })
	if _, err := f.check(t); err != nil {
		t.Fatalf("a made-up header is refused here, so this test shows nothing: %v", err)
	}
	f.file["anchor"] = doc{"chain": ethereum, "hash": f.block.Hash, "number": 21000000}
	_, err := f.check(t)
	wantFormat(t, err, "file", `unknown key "anchor"`)
	u := newUTXOFixture(t)
	if _, err := u.check(t); err != nil {
		t.Fatal(err)
	}
	u.file["anchor"] = doc{"chain": regtest, "hash": u.block.Hash, "number": 105}
	_, err = u.check(t)
	wantFormat(t, err, "file", `unknown key "anchor"`)
}

func TestEVM_Accounts(t *testing.T) {
	good := &types.StateAccount{Root: types.EmptyRootHash, CodeHash: types.EmptyCodeHash.Bytes()}
	list := func(items ...any) []byte {
		b, err := rlp.EncodeToBytes(items)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	root, code := good.Root.Bytes(), good.CodeHash
	if a, err := decodeAccount(list(uint64(1), uint64(5), root, code)); err != nil || new(big.Int).SetBytes(a.balance).Uint64() != 5 {
		t.Fatalf("got %v, %v", a, err)
	}
	for _, tt := range []struct {
		name, problem string
		raw           []byte
	}{
		{"three items", "an account of 3 items", list(uint64(1), uint64(5), root)},
		{"five items", "an account of 5 items", list(uint64(1), uint64(5), root, code, code)},
		{"nonce with a leading zero", "leading zero", list([]byte{0, 1}, uint64(5), root, code)},
		{"balance with a leading zero", "leading zero", list(uint64(1), []byte{0, 5}, root, code)},
		{"balance of 33 bytes", "integer of 33 bytes", list(uint64(1), append([]byte{1}, root...), root, code)},
		{"short root", "want 32 bytes, got 31", list(uint64(1), uint64(5), root[1:], code)},
		{"short code hash", "want 32 bytes, got 0", list(uint64(1), uint64(5), root, []byte{})},
		{"a byte left over", "1 bytes are left over", append(list(uint64(1), uint64(5), root, code), 0)},
	} {
		if _, err := decodeAccount(tt.raw); err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: got %v, want …%s…", tt.name, err, tt.problem)
		}
	}
	for _, tt := range []struct {
		problem string
		raw     []byte
	}{{"leading zero", []byte{0x82, 0, 1}}, {"long form", []byte{0x81, 1}}, {"left over", []byte{1, 1}}, {"a list", []byte{0xc0}}, {"integer of 33 bytes", append([]byte{0xa1, 1}, root...)}, {"ends where", nil}} {
		if _, err := decodeStorage(tt.raw); err == nil || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("storage value %x: got %v, want …%s…", tt.raw, err, tt.problem)
		}
	}
}

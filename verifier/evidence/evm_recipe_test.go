package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/go-cmp/cmp"
)

func number(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		panic(text)
	}
	return n
}

func contractAt(n byte) common.Address { return common.BytesToAddress(slices.Repeat([]byte{n}, 20)) }

func tokenAt(n byte) string { return ethereum + "/erc20:" + lower(contractAt(n)) }

func slotOf(n int64) common.Hash { return common.BigToHash(big.NewInt(n)) }

func hexOf(h common.Hash) string { return hex.EncodeToString(h.Bytes()) }

// packed is high ‖ low, 128 bits each.
func packed(high, low *big.Int) *big.Int { return new(big.Int).Add(new(big.Int).Lsh(high, 128), low) }

func pointerTo(a common.Address) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }

func termOf(slot int64, shift, bits int, minus bool, times string) doc {
	return doc{"bits": bits, "minus": minus, "shift": shift, "slot": hexOf(slotOf(slot)), "times": times}
}

// Slots of proxies, from another writing of their definitions than the product's.
var (
	slotEIP1967    = common.HexToHash("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")
	slotZeppelinOS = common.HexToHash("0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3")
)

// Tokens of newRecipeFixture.
const (
	flagged  = 1 + iota // 255 bits behind a zeppelinos proxy
	behind              // an eip1967 proxy
	shares              // pool and total of several terms
	aaveUp              // half-up
	aaveDown            // down
	unproved            // attested by two nodes
	lending  = 9        // the pool of the two aave tokens
	library  = 10       // what the proxies borrow
	vault    = 11       // the contract of a term
)

// newRecipeFixture has one token of each kind of recipe, and one with none, held by holders 1 and 2. Its amounts were computed
// by hand, that is by another program.
func newRecipeFixture(t testing.TB) *evmFixture {
	t.Helper()
	f := &evmFixture{state: fakeState{}}
	f.state.at(contractAt(library)).code("library")
	f.state.at(contractAt(flagged)).code("proxy 1").put(slotZeppelinOS, pointerTo(contractAt(library)))
	f.state.at(contractAt(behind)).code("proxy 2").put(slotEIP1967, pointerTo(contractAt(library)))
	stake := f.state.at(contractAt(shares)).code("shares")
	stake.put(slotOf(100), packed(number("9000000000000000000000007"), number("12345678901234567890")))
	stake.put(slotOf(101), packed(big.NewInt(298), big.NewInt(300)))
	f.state.at(contractAt(vault)).code("vault").put(slotOf(5), number("7700000000000000000000013"))
	pool := f.state.at(contractAt(lending)).code("lending")
	pool.put(slotOf(0x201), packed(number("40000000000000000000000000"), number("1050000000000000000000000000")))
	pool.put(slotOf(0x203), packed(big.NewInt(fixtureTime-15_768_000), big.NewInt(77)))
	f.state.at(contractAt(aaveUp)).code("aToken")
	f.state.at(contractAt(aaveDown)).code("aToken")

	top := new(big.Int).Lsh(big.NewInt(1), 255)
	total := termOf(5, 0, 256, false, "1")
	total["contract"] = lower(contractAt(vault))
	aave := func(rounding string) doc {
		return doc{"pool": lower(contractAt(lending)), "rounding": rounding, "slot": hexOf(slotOf(0x200))}
	}
	recipes := []doc{
		{"bits": 255, "proxy": proxyZeppelinOS, "slot": 9},
		{"proxy": proxyEIP1967, "slot": 51},
		{"share": doc{
			"pool": []any{
				termOf(100, 0, 128, false, "1"), termOf(100, 128, 128, false, "1"),
				termOf(101, 0, 128, false, "32000000000000000000"), termOf(101, 128, 128, true, "32000000000000000000"),
			},
			"total": []any{total},
		}, "slot": 0},
		{"aave": aave(roundHalfUp), "bits": 128, "slot": 52},
		{"aave": aave(roundDown), "bits": 128, "slot": 52},
	}
	words := [][2]*big.Int{
		{big.NewInt(1_000_000), new(big.Int).Add(top, big.NewInt(77))},
		{number("115792089237316195423570985008687907853269984665640564039457584007913129639935"), new(big.Int)},
		{number("5000000000000000000"), number("7700000000000000000000013")},
		{big.NewInt(500), packed(big.NewInt(9), big.NewInt(1_000_000_008))},
		{big.NewInt(500), packed(big.NewInt(9), big.NewInt(1_000_000_008))},
	}
	amounts := [][2]string{
		{"1000000", "77"}, {"115792089237316195423570985008687907853269984665640564039457584007913129639935", "0"},
		{"5844205419272013788", "9000076345678901234567897"}, {"536", "1071000009"}, {"535", "1071000008"}, {"12", "0"},
	}
	list, answers := []any{}, []any{}
	for n, r := range recipes {
		slot := slotOf(int64(r["slot"].(int)))
		for i, word := range words[n] {
			f.state.at(contractAt(byte(n+1))).put(mappingSlot(layoutSolidity, holder(i+1), uint64(r["slot"].(int))), word)
		}
		r["layout"], r["slot"], r["token"] = layoutSolidity, hexOf(slot), tokenAt(byte(n+1))
		list = append(list, r)
	}
	order := []int{0, 1}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(lower(holder(a+1)), lower(holder(b+1))) })
	for _, i := range order {
		for n := range amounts {
			f.lines = append(f.lines, doc{"account": ethereum + ":" + lower(holder(i+1)), "amount": amounts[n][i], "token": tokenAt(byte(n + 1))})
		}
		answers = append(answers, doc{"account": ethereum + ":" + lower(holder(i+1)), "amount": amounts[unproved-1][i], "token": tokenAt(unproved)})
	}
	f.file = doc{
		"attested": []any{doc{"answers": answers, "node": "node 1"}, doc{"answers": slices.Clone(answers), "node": "node 2"}},
		"chain":    ethereum, "safes": []any{}, "snapshot": testSnapshot, "tokens": list, "type": kindEVM,
	}
	f.seal(t)
	return f
}

func (f *evmFixture) recipe(n byte) doc { return f.file["tokens"].([]any)[n-1].(doc) }

// keep leaves only some tokens, and what the state has for them.
func (f *evmFixture) keep(tokens ...byte) {
	here := func(v any) bool {
		return slices.ContainsFunc(tokens, func(n byte) bool { return v.(doc)["token"] == tokenAt(n) })
	}
	drop := func(list any) []any {
		return slices.DeleteFunc(slices.Clone(list.([]any)), func(v any) bool { return !here(v) })
	}
	f.lines, f.file["tokens"] = drop(f.lines), drop(f.file["tokens"])
	if !slices.Contains(tokens, unproved) {
		f.file["attested"] = []any{}
	}
	for n := byte(flagged); n <= aaveDown; n++ {
		if !slices.Contains(tokens, n) {
			delete(f.state, contractAt(n))
		}
	}
	for helper, of := range map[byte][]byte{lending: {aaveUp, aaveDown}, library: {flagged, behind}, vault: {shares}} {
		if !slices.ContainsFunc(of, func(n byte) bool { return slices.Contains(tokens, n) }) {
			delete(f.state, contractAt(helper))
		}
	}
}

func TestEVM_Recipes(t *testing.T) {
	f := newRecipeFixture(t)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range result.Balances {
		want, nodes := f.line(i), 0
		if want["token"] == tokenAt(unproved) {
			nodes = 2
		}
		if got.Account != want["account"] || got.Token != want["token"] || got.Amount.String() != want["amount"] || got.Nodes != nodes {
			t.Errorf("balance %d: got %v, want %v of %d nodes", i, got, want, nodes)
		}
	}
	notes := strings.Join(result.Notes, "\n")
	code := fmt.Sprintf("code 0x%x", crypto.Keccak256([]byte("proxy 1")))
	for _, want := range []string{
		tokenAt(flagged) + ": that its balances follow from layout solidity, slot " + hexOf(slotOf(9)) + ", bits 255, " + code + ", proxy zeppelinos, implementation 0x",
		tokenAt(flagged) + ": 1 of 2 holders have bits set above the lowest 255",
		tokenAt(aaveUp) + ": 1 of 2 holders have bits set above the lowest 128",
		`2 token balances at block 21000000 are proved by nothing: they are the word of 2 nodes, which answered the same, "node 1", "node 2"`,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes are\n%s\nwant …%s…", notes, want)
		}
	}
	if len(result.Notes) != 9 || strings.Contains(notes, "77") && strings.Contains(notes, "1071000009") {
		t.Errorf("got %d notes, want 9 without amounts:\n%s", len(result.Notes), notes)
	}
}

// Odd numbers, computed with Python's integers: index 1.084…, a rate of 3.9 %, a day less a second since the last update.
func TestEVM_AaveOddNumbers(t *testing.T) {
	for _, tt := range []struct {
		token        byte
		word, amount string
	}{
		{aaveUp, "1000000008", "1084437157"}, {aaveDown, "1000000008", "1084437157"},
		{aaveUp, "123456789012", "133881128244"}, {aaveDown, "123456789012", "133881128244"}, {aaveDown, "1", "1"},
	} {
		f := newRecipeFixture(t)
		f.keep(tt.token)
		pool := f.state.at(contractAt(lending))
		pool.put(slotOf(0x201), packed(number("38765432109876543210987654"), number("1084321987654321098765432101")))
		pool.put(slotOf(0x203), packed(new(big.Int).Add(big.NewInt(fixtureTime-86_399), new(big.Int).Lsh(big.NewInt(3), 40)), new(big.Int))) // an id above the time
		for i := range 2 {
			f.state.at(contractAt(tt.token)).put(mappingSlot(layoutSolidity, holder(i+1), 52), number(tt.word))
			f.line(i)["amount"] = tt.amount
		}
		f.seal(t)
		if _, err := f.check(t); err != nil {
			t.Errorf("word %s: %v", tt.word, err)
		}
		f.line(1)["amount"] = tt.amount + "0"
		_, err := f.check(t)
		wantCheck(t, err, "lines[1]", "want "+tt.amount)
	}
}

func TestEVM_ShareWithoutShares(t *testing.T) {
	f := newRecipeFixture(t)
	f.keep(shares)
	f.state.at(contractAt(vault)).put(slotOf(5), new(big.Int))
	f.seal(t)
	_, err := f.check(t)
	wantCheck(t, err, f.named(0), "shares of a token whose total is 0")
	for i := range 2 {
		f.state.at(contractAt(shares)).put(mappingSlot(layoutSolidity, holder(i+1), 0), new(big.Int))
		f.line(i)["amount"] = "0"
	}
	f.seal(t)
	if _, err := f.check(t); err != nil {
		t.Errorf("a token without shares: %v", err)
	}
}

// Every refusal of a recipe that the state does not bear out (SPEC part 12, steps 4 to 8).
func TestEVM_RecipeRefused(t *testing.T) {
	for _, tt := range []struct {
		name, field, problem string
		token                byte
		change               func(f *evmFixture)
	}{
		{"proxy slot empty", "tokens[0].proxy", "the implementation does not exist", behind, func(f *evmFixture) { f.state.at(contractAt(behind)).put(slotEIP1967, new(big.Int)) }},
		{"proxy of the other kind", "tokens[0].proxy", "the implementation does not exist", behind, func(f *evmFixture) { f.file["tokens"].([]any)[0].(doc)["proxy"] = proxyZeppelinOS }},
		{"proxy slot is no address", "tokens[0].proxy", "a word that is no address", behind, func(f *evmFixture) {
			f.state.at(contractAt(behind)).put(slotEIP1967, new(big.Int).Lsh(pointerTo(contractAt(library)), 8))
		}},
		{"implementation without code", "tokens[0].proxy", "the implementation has no code", behind, func(f *evmFixture) { f.state.at(contractAt(library)).codeHash = crypto.Keccak256() }},
		{"implementation does not exist", "tokens[0].proxy", "the implementation does not exist", behind, func(f *evmFixture) { delete(f.state, contractAt(library)) }},
		{"pool below 0", "tokens[0].share.pool", "below 0", shares, func(f *evmFixture) {
			f.state.at(contractAt(shares)).put(slotOf(101), packed(number("1000000"), new(big.Int)))
		}},
		{"total below 0", "tokens[0].share.total", "below 0", shares, func(f *evmFixture) {
			f.file["tokens"].([]any)[0].(doc)["share"].(doc)["total"].([]any)[0].(doc)["minus"] = true
		}},
		{"contract of a term without code", "tokens[0].share.total[0].contract", "the contract of a term has no code", shares, func(f *evmFixture) { f.state.at(contractAt(vault)).codeHash = crypto.Keccak256() }},
		{"a term left out", "lines[0]", "another amount than the evidence gives", shares, func(f *evmFixture) {
			share := f.file["tokens"].([]any)[0].(doc)["share"].(doc)
			share["pool"] = share["pool"].([]any)[:3]
		}},
		{"a factor of one more", "lines[0]", "another amount than the evidence gives", shares, func(f *evmFixture) {
			f.file["tokens"].([]any)[0].(doc)["share"].(doc)["total"].([]any)[0].(doc)["times"] = "2"
		}},
		{"pool without code", "tokens[0].aave.pool", "the pool has no code", aaveUp, func(f *evmFixture) { f.state.at(contractAt(lending)).codeHash = crypto.Keccak256() }},
		{"reserve updated later", "tokens[0].aave", "after the pinned block", aaveUp, func(f *evmFixture) {
			f.state.at(contractAt(lending)).put(slotOf(0x203), packed(big.NewInt(fixtureTime+1), new(big.Int)))
		}},
		{"rounded the other way", "lines[0]", "got 536, want 535", aaveUp, func(f *evmFixture) { f.file["tokens"].([]any)[0].(doc)["aave"].(doc)["rounding"] = roundDown }},
		{"reserve of another asset", "lines[0]", "got 536, want 255", aaveUp, func(f *evmFixture) {
			f.file["tokens"].([]any)[0].(doc)["aave"].(doc)["slot"] = hexOf(slotOf(0x300))
			pool := f.state.at(contractAt(lending))
			for from, to := range map[int64]int64{0x201: 0x301, 0x203: 0x303} {
				pool.put(slotOf(to), pool.storage[slotOf(from)])
				pool.put(slotOf(from), new(big.Int))
			}
			pool.put(slotOf(0x301), packed(number("40000000000000000000000000"), number("500000000000000000000000000")))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newRecipeFixture(t)
			f.keep(tt.token)
			f.lines = slices.DeleteFunc(f.lines, func(v any) bool { return !strings.HasSuffix(v.(doc)["account"].(string), lower(holder(1))) })
			slot := new(big.Int).SetBytes(common.FromHex(f.file["tokens"].([]any)[0].(doc)["slot"].(string))).Uint64()
			f.state.at(contractAt(tt.token)).put(mappingSlot(layoutSolidity, holder(2), slot), new(big.Int))
			tt.change(f)
			f.seal(t)
			_, err := f.check(t)
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
}

func TestEVM_RecipeAndLines(t *testing.T) {
	f := newRecipeFixture(t)
	f.keep(shares, behind)
	f.lines = slices.DeleteFunc(f.lines, func(v any) bool { return v.(doc)["token"] == tokenAt(behind) })
	_, err := f.check(t)
	wantCheck(t, err, "tokens[0]", "a recipe that serves no line")
	f = newRecipeFixture(t)
	f.keep(shares, behind)
	f.file["tokens"] = f.file["tokens"].([]any)[1:]
	_, err = f.check(t)
	wantCheck(t, err, f.named(0), "has no recipe, and no node answered for it")
}

// A token that was upgraded, or whose recipe says less than the truth, is never passed over.
func TestB08_ProxyHidden(t *testing.T) {
	for token, slot := range map[byte]string{flagged: proxyZeppelinOS, behind: proxyEIP1967} {
		f := newRecipeFixture(t)
		f.keep(token)
		delete(f.file["tokens"].([]any)[0].(doc), "proxy")
		delete(f.state, contractAt(library))
		f.seal(t)
		_, err := f.check(t)
		wantCheck(t, err, "tokens[0].proxy", "the token is a proxy of kind "+slot+", and its recipe does not say so")
	}
}

func TestB08_ProxyUpgraded(t *testing.T) {
	f := newRecipeFixture(t)
	f.keep(behind)
	f.seal(t)
	f.pins = f.pinsOf(t)
	if result, err := f.check(t); err != nil || len(result.Notes) != 0 {
		t.Fatalf("pinned as it is: notes %q, %v", result.Notes, err)
	}
	f.state.at(contractAt(library)).code("another library")
	f.seal(t)
	_, err := f.check(t)
	wantCheck(t, err, "tokens[0].implementation", "the recipe of "+tokenAt(behind)+" is not the policy's")
}

// With the flag in its top bit a holder's word is huge: cut, or refused, but never counted.
func TestB08_PackedFlagBits(t *testing.T) {
	f := newRecipeFixture(t)
	f.keep(flagged)
	f.seal(t)
	delete(f.file["tokens"].([]any)[0].(doc), "bits")
	_, err := f.check(t)
	whole := slices.IndexFunc(f.lines, func(v any) bool { return v.(doc)["amount"] == "77" })
	wantCheck(t, err, fmt.Sprintf("lines[%d]", whole), "got 77, want 578960446186580977117854925043439539266349923328202820197287920039565648200")
	f.pins = map[string]TokenPin{tokenAt(flagged): {Layout: layoutSolidity, Slot: hexOf(slotOf(9)), Bits: 255, Proxy: proxyZeppelinOS, Code: "0x" + hex.EncodeToString(crypto.Keccak256([]byte("proxy 1")))}}
	_, err = f.check(t)
	wantCheck(t, err, "tokens[0].bits", "got none, want 255")
}

// pinsOf is what a policy would pin to meet the file.
func (f *evmFixture) pinsOf(t testing.TB) map[string]TokenPin {
	t.Helper()
	pins := map[string]TokenPin{}
	for _, v := range f.file["tokens"].([]any) {
		r := v.(doc)
		text := func(key string) string { s, _ := r[key].(string); return s }
		bits, _ := r["bits"].(int)
		p := TokenPin{Layout: text("layout"), Slot: text("slot"), Bits: bits, Proxy: text("proxy")}
		address := common.HexToAddress(text("token")[len(ethereum+"/erc20:"):])
		p.Code = "0x" + hex.EncodeToString(f.state.at(address).codeHash)
		if p.Proxy != "" {
			p.Implementation = "0x" + hex.EncodeToString(f.state.at(contractAt(library)).codeHash)
		}
		for _, key := range []string{"aave", "share"} {
			if formula, ok := r[key]; ok {
				sum := sha256.Sum256(encode(t, formula))
				p.Formula = hex.EncodeToString(sum[:])
			}
		}
		pins[text("token")] = p
	}
	return pins
}

func TestEVM_PolicyPinsRecipes(t *testing.T) {
	f := newRecipeFixture(t)
	f.pins = f.pinsOf(t)
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range result.Notes {
		if strings.Contains(n, "the policy has no entry") {
			t.Errorf("every recipe is pinned, got the note %q", n)
		}
	}
	other := strings.Repeat("1", 64)
	for _, tt := range []struct {
		token  byte
		key    string
		change func(p *TokenPin)
	}{
		{flagged, "bits", func(p *TokenPin) { p.Bits = 254 }},
		{flagged, "bits", func(p *TokenPin) { p.Bits = 0 }},
		{behind, "bits", func(p *TokenPin) { p.Bits = 255 }},
		{flagged, "proxy", func(p *TokenPin) { p.Proxy = proxyEIP1967 }},
		{behind, "proxy", func(p *TokenPin) { p.Proxy, p.Implementation = "", "" }},
		{shares, "proxy", func(p *TokenPin) { p.Proxy, p.Implementation = proxyEIP1967, "0x"+other }},
		{behind, "implementation", func(p *TokenPin) { p.Implementation = "0x" + other }},
		{shares, "formula", func(p *TokenPin) { p.Formula = other }},
		{shares, "formula", func(p *TokenPin) { p.Formula = "" }},
		{behind, "formula", func(p *TokenPin) { p.Formula = other }},
		{aaveUp, "formula", func(p *TokenPin) { p.Formula = f.pins[tokenAt(aaveDown)].Formula }},
	} {
		pins := map[string]TokenPin{}
		for id, p := range f.pins {
			if id == tokenAt(tt.token) {
				tt.change(&p)
			}
			pins[id] = p
		}
		parsed, err := ParseEVM(encode(t, f.file), testSnapshot, ethereum)
		if err != nil {
			t.Fatal(err)
		}
		_, err = parsed.Check(f.block, Trust{Tokens: pins}, f.holdings())
		wantCheck(t, err, fmt.Sprintf("tokens[%d].%s", tt.token-1, tt.key), "is not the policy's")
	}
}

func TestEVM_MalformedRecipe(t *testing.T) {
	zero := strings.Repeat("0", 64)
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *evmFixture)
	}{
		{"bits 0", "tokens[0].bits", "from 1 to 255", func(f *evmFixture) { f.recipe(flagged)["bits"] = 0 }},
		{"bits 256", "tokens[0].bits", "above 255", func(f *evmFixture) { f.recipe(flagged)["bits"] = 256 }},
		{"unknown proxy", "tokens[1].proxy", "neither eip1967 nor zeppelinos", func(f *evmFixture) { f.recipe(behind)["proxy"] = "beacon" }},
		{"empty proxy", "tokens[1].proxy", "neither eip1967 nor zeppelinos", func(f *evmFixture) { f.recipe(behind)["proxy"] = "" }},
		{"share and aave", "tokens[2].share", "never both", func(f *evmFixture) { f.recipe(shares)["aave"] = f.recipe(aaveUp)["aave"] }},
		{"unknown rounding", "tokens[3].aave.rounding", "neither half-up nor down", func(f *evmFixture) { f.recipe(aaveUp)["aave"].(doc)["rounding"] = "up" }},
		{"pool in capitals", "tokens[3].aave.pool", "is no address", func(f *evmFixture) { f.recipe(aaveUp)["aave"].(doc)["pool"] = strings.ToUpper(lower(contractAt(0xaa))) }},
		{"short slot of a reserve", "tokens[3].aave.slot", "not a hash", func(f *evmFixture) { f.recipe(aaveUp)["aave"].(doc)["slot"] = zero[2:] }},
		{"no term", "tokens[2].share.pool", "no term: want 1 to 8", func(f *evmFixture) { f.recipe(shares)["share"].(doc)["pool"] = []any{} }},
		{"nine terms", "tokens[2].share.pool", "more than 8 entries", func(f *evmFixture) {
			f.recipe(shares)["share"].(doc)["pool"] = slices.Repeat([]any{termOf(1, 0, 1, false, "1")}, 9)
		}},
		{"term of 0 bits", "tokens[2].share.pool[0].bits", "from 1 to 256", func(f *evmFixture) { f.term()["bits"] = 0 }},
		{"term of 257 bits", "tokens[2].share.pool[0].bits", "above 256", func(f *evmFixture) { f.term()["bits"] = 257 }},
		{"shift beyond the word", "tokens[2].share.pool[0].shift", "more than 256", func(f *evmFixture) { f.term()["shift"] = 129 }},
		{"shift 256", "tokens[2].share.pool[0].shift", "above 255", func(f *evmFixture) { f.term()["shift"] = 256 }},
		{"factor 0", "tokens[2].share.pool[0].times", "an amount from 1", func(f *evmFixture) { f.term()["times"] = "0" }},
		{"factor of 39 digits", "tokens[2].share.pool[0].times", "at most 38 digits", func(f *evmFixture) { f.term()["times"] = strings.Repeat("9", 39) }},
		{"minus as text", "tokens[2].share.pool[0].minus", "want true or false", func(f *evmFixture) { f.term()["minus"] = "false" }},
		{"contract of a term", "tokens[2].share.pool[0].contract", "is no address", func(f *evmFixture) { f.term()["contract"] = "0x00" }},
		{"unknown key of a term", "tokens[2].share.pool[0]", `unknown key "plus"`, func(f *evmFixture) { f.term()["plus"] = true }},
		{"node without label", "attested[0].node", "1 to 64 printable ASCII", func(f *evmFixture) { f.file["attested"].([]any)[0].(doc)["node"] = "" }},
		{"nodes out of order", "attested[1]", "not in ascending order of node", func(f *evmFixture) { f.file["attested"].([]any)[0].(doc)["node"] = "node 3" }},
		{"a node twice", "attested[1]", "or twice", func(f *evmFixture) { f.file["attested"].([]any)[1].(doc)["node"] = "node 1" }},
		{"seventeen nodes", "attested", "more than 16 entries", func(f *evmFixture) {
			list := []any{}
			for i := range 17 {
				list = append(list, doc{"answers": []any{}, "node": fmt.Sprintf("node %02d", i)})
			}
			f.file["attested"] = list
		}},
		{"answer with a number", "attested[0].answers[0]", `unknown key "number"`, func(f *evmFixture) {
			f.file["attested"].([]any)[0].(doc)["answers"].([]any)[0].(doc)["number"] = 21000000
		}},
		{"answer twice", "attested[0].answers[1]", "or twice", func(f *evmFixture) {
			a := f.file["attested"].([]any)[0].(doc)
			a["answers"] = append(a["answers"].([]any)[:1:1], a["answers"].([]any)...)
		}},
		{"safe of another chain", "safes[0]", "is not an account of eip155:1", func(f *evmFixture) { f.file["safes"] = []any{"eip155:2:" + lower(holder(1))} }},
		{"safes out of order", "safes[1]", "not in ascending order of account", func(f *evmFixture) {
			f.file["safes"] = []any{ethereum + ":" + lower(contractAt(2)), ethereum + ":" + lower(contractAt(1))}
		}},
		{"no safes", "file", `key "safes" is missing`, func(f *evmFixture) { delete(f.file, "safes") }},
		{"no attested", "file", `key "attested" is missing`, func(f *evmFixture) { delete(f.file, "attested") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newRecipeFixture(t)
			tt.change(f)
			_, err := f.check(t)
			wantFormat(t, err, tt.field, tt.problem)
		})
	}
}

// term is the first of the pool's.
func (f *evmFixture) term() doc { return f.recipe(shares)["share"].(doc)["pool"].([]any)[0].(doc) }

// What a node says must be said by all, of everything that no recipe proves and of nothing else.
func TestB04_AttestedAnswers(t *testing.T) {
	answers := func(f *evmFixture, node int) []any { return f.file["attested"].([]any)[node].(doc)["answers"].([]any) }
	for _, tt := range []struct {
		name, field, problem string
		change               func(f *evmFixture)
	}{
		{"one node says more", "attested[1].answers[0].amount", `the node "node 2" says another amount than "node 1"`, func(f *evmFixture) {
			answers(f, 1)[0] = doc{"account": f.line(0)["account"], "amount": "1212", "token": tokenAt(unproved)}
		}},
		{"the line says more than both", "lines[5]", "got 999", func(f *evmFixture) { f.line(5)["amount"] = "999" }},
		{"one node leaves a balance out", "attested[1]", `the node "node 2" has no answer for a line`, func(f *evmFixture) {
			f.file["attested"].([]any)[1].(doc)["answers"] = answers(f, 1)[1:]
		}},
		{"one node leaves the last out", "attested[0]", `the node "node 1" has no answer for a line`, func(f *evmFixture) {
			f.file["attested"].([]any)[0].(doc)["answers"] = answers(f, 0)[:1]
		}},
		{"no answers at all", "attested[0]", "has no answer for a line", func(f *evmFixture) {
			f.file["attested"].([]any)[0].(doc)["answers"] = []any{}
		}},
		{"an answer for an account that is not there", "attested[0].answers[2]", "an answer for what no line asks", func(f *evmFixture) {
			a := doc{"account": ethereum + ":0x" + strings.Repeat("f", 40), "amount": "5", "token": tokenAt(unproved)}
			f.file["attested"].([]any)[0].(doc)["answers"] = append(answers(f, 0), a)
		}},
		{"proved and attested", "attested[0].answers[0]", "is proved here, so no node's answer counts", func(f *evmFixture) {
			a := doc{"account": f.line(0)["account"], "amount": "1000000", "token": tokenAt(flagged)}
			f.file["attested"].([]any)[0].(doc)["answers"] = append([]any{a}, answers(f, 0)...)
		}},
		{"the native coin attested", "attested[0].answers[1]", "is proved here", func(f *evmFixture) {
			a := doc{"account": f.line(0)["account"], "amount": "5", "token": ethereum + "/slip44:60"}
			f.file["attested"].([]any)[0].(doc)["answers"] = slices.Insert(slices.Clone(answers(f, 0)), 1, any(a))
		}},
		{"no node", "", "has no recipe, and no node answered for it", func(f *evmFixture) { f.file["attested"] = []any{} }},
		{"nodes with nothing to say", "attested", "there is nothing for them to answer", func(f *evmFixture) {
			f.lines = slices.DeleteFunc(f.lines, func(v any) bool { return v.(doc)["token"] == tokenAt(unproved) })
			f.file["attested"] = []any{doc{"answers": []any{}, "node": "node 1"}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newRecipeFixture(t)
			tt.change(f)
			_, err := f.check(t)
			if tt.field == "" {
				tt.field = f.named(5)
			}
			wantCheck(t, err, tt.field, tt.problem)
		})
	}
}

// A node's 0 is an answer like any other: it is never proved, and the note says whose word it is.
func TestB03_AttestedZero(t *testing.T) {
	f := newRecipeFixture(t)
	f.keep(unproved)
	f.state = fakeState{}
	f.file["attested"] = f.file["attested"].([]any)[:1]
	f.seal(t)
	f.file["nodes"] = []any{}
	result, err := f.check(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []Balance{}
	for i := range 2 {
		want = append(want, Balance{Account: f.line(i)["account"].(string), Token: tokenAt(unproved), Amount: number(f.line(i)["amount"].(string)), Nodes: 1})
	}
	if diff := cmp.Diff(want, result.Balances, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
		t.Error(diff)
	}
	if len(result.Notes) != 1 || !strings.Contains(result.Notes[0], `the word of one node, "node 1"`) {
		t.Errorf("got notes %q", result.Notes)
	}
	silent := doc{"account": f.line(0)["account"], "amount": "0", "token": tokenAt(unproved)}
	answers := f.file["attested"].([]any)[0].(doc)["answers"].([]any)
	if f.line(0)["amount"] == "0" {
		silent["account"] = f.line(1)["account"]
		f.file["attested"] = []any{f.file["attested"].([]any)[0], doc{"answers": []any{answers[0], silent}, "node": "node 2"}}
	} else {
		f.file["attested"] = []any{f.file["attested"].([]any)[0], doc{"answers": []any{silent, answers[1]}, "node": "node 2"}}
	}
	if _, err = f.check(t); err == nil || !strings.Contains(err.Error(), `the node "node 2" says another amount than "node 1": got 0, want 12`) {
		t.Errorf("a node that answers 0 where another has 12: got %v", err)
	}
}

func TestEVM_ProxySlots(t *testing.T) {
	for proxy, want := range map[string]common.Hash{proxyEIP1967: slotEIP1967, proxyZeppelinOS: slotZeppelinOS} {
		if got := common.Hash(implementationSlot(proxy)); got != want {
			t.Errorf("%s: got %s, want %s", proxy, got, want)
		}
	}
	if got := common.Hash(slotAt(common.MaxHash, 3)); got != slotOf(2) {
		t.Errorf("slots go around: got %s, want 2", got)
	}
}

package evm

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/google/go-cmp/cmp"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

// A town is a list of transactions that put contracts and holders on a chain.
type town struct {
	t      *testing.T
	sender common.Address
	code   map[string]hexutil.Bytes
	txs    []devnet.Transaction
}

func newTown(t *testing.T, sender common.Address) *town {
	t.Helper()
	raw, err := os.ReadFile("testdata/tokens/tokens.json")
	if err != nil {
		t.Fatal(err)
	}
	var artefact struct {
		Contracts map[string]hexutil.Bytes `json:"contracts"`
	}
	unmarshal(t, raw, &artefact)
	return &town{t: t, sender: sender, code: artefact.Contracts}
}

// wordOf encodes an argument of a call.
func wordOf(v any) []byte {
	switch v := v.(type) {
	case int:
		return common.LeftPadBytes(uint256.NewInt(uint64(v)).Bytes(), 32)
	case string:
		return common.LeftPadBytes(uint256.MustFromDecimal(v).Bytes(), 32)
	case common.Address:
		return common.LeftPadBytes(v[:], 32)
	case common.Hash:
		return v[:]
	case []byte:
		return v
	}
	panic(fmt.Sprintf("argument %v", v))
}

func (w *town) send(to *common.Address, data []byte, args []any) common.Address {
	for _, a := range args {
		data = append(data, wordOf(a)...)
	}
	n := uint64(len(w.txs))
	w.txs = append(w.txs, devnet.Transaction{Block: 2 + n/2, To: to, Data: data})
	return crypto.CreateAddress(w.sender, n)
}

func (w *town) deploy(name string, args ...any) common.Address {
	w.t.Helper()
	if len(w.code[name]) == 0 {
		w.t.Fatalf("no contract %s", name)
	}
	return w.send(nil, slices.Clone(w.code[name]), args)
}

func (w *town) call(to common.Address, signature string, args ...any) {
	w.send(&to, slices.Clone(crypto.Keccak256([]byte(signature))[:4]), args)
}

// Holders of the town's tokens: two with some of each, one with none.
var holders = []common.Address{common.HexToAddress("0x00000000000000000000000000000000000000a1"), common.HexToAddress("0x00000000000000000000000000000000000000a2"), common.HexToAddress("0x00000000000000000000000000000000000000aa")}

const (
	amount1 = "1000000000000000000000"
	amount2 = "77777777777777777777"
)

func (w *town) mint(token common.Address) common.Address {
	w.call(token, "mint(address,uint256)", holders[0], amount1)
	w.call(token, "mint(address,uint256)", holders[1], amount2)
	return token
}

func slotHex(n byte) string { return hex.EncodeToString(common.Hash{31: n}.Bytes()) }

// A tokenCase is a token of the town, what the configuration says of it, and
// the recipe that is to be found: none where nodes attest.
type tokenCase struct {
	name  string
	token common.Address
	wish  *Recipe
	want  *Recipe
}

func (c tokenCase) id(chain chains.Chain) chains.Token {
	return chains.Token(string(chain) + "/erc20:" + strings.ToLower(c.token.Hex()))
}

func tokenTown(t *testing.T, sender common.Address) (*town, []tokenCase) {
	w := newTown(t, sender)
	packedCode, plainCode := w.deploy("Packed"), w.deploy("Plain")
	flagged := w.mint(w.deploy("Proxy", proxies[0].slot, packedCode))
	w.call(flagged, "blacklist(address)", holders[1])
	unflagged := w.mint(w.deploy("Packed"))
	shares := w.mint(w.deploy("Shares"))
	w.call(shares, "report(uint256,uint256,uint256,uint256,uint256)", "3000000000000000007", "990000000000000000001", 12, "320123456789012345678", 10)
	pool := w.deploy("Pool")
	asset := common.HexToAddress("0xa55e7")
	w.call(pool, "set(address,uint128,uint128)", asset, "1070000000000000000000000001", "45678901234567890123456789")
	halfUp, down := w.mint(w.deploy("Scaled", pool, asset, "500000000000000000000000000")), w.mint(w.deploy("Scaled", pool, asset, 0))
	reserve := hex.EncodeToString(crypto.Keccak256(wordOf(asset), wordOf(52)))
	of := func(name string) string { return hex.EncodeToString(crypto.Keccak256([]byte("test.Shares." + name))) }
	share := &Share{
		Pool: []Term{
			{Slot: of("bufferedAndDeposited"), Bits: 128, Times: "1"}, {Slot: of("balanceAndValidators"), Bits: 128, Times: "1"},
			{Slot: of("bufferedAndDeposited"), Bits: 128, Shift: 128, Times: "32000000000000000000"},
			{Slot: of("balanceAndValidators"), Bits: 128, Shift: 128, Times: "32000000000000000000", Minus: true, Contract: strings.ToLower(shares.Hex())},
		},
		Total: []Term{{Slot: of("totalAndExternal"), Bits: 128, Times: "1"}, {Slot: of("totalAndExternal"), Bits: 128, Shift: 128, Times: "1", Minus: true}},
	}
	aave := func(rounding string) *Aave {
		return &Aave{Pool: strings.ToLower(pool.Hex()), Rounding: rounding, Slot: reserve}
	}
	return w, []tokenCase{
		{"packed, eip1967", flagged, nil, &Recipe{Bits: 255, Layout: Solidity, Proxy: "eip1967", Slot: slotHex(9)}},
		{"packed, no flag", unflagged, nil, &Recipe{Layout: Solidity, Slot: slotHex(9)}},
		{"packed, no flag, bits pinned", unflagged, &Recipe{Bits: 255}, &Recipe{Bits: 255, Layout: Solidity, Slot: slotHex(9)}},
		{"plain, zeppelinos", w.mint(w.deploy("Proxy", proxies[1].slot, plainCode)), nil, &Recipe{Layout: Solidity, Proxy: "zeppelinos", Slot: slotHex(3)}},
		{"vyper", w.mint(w.deploy("Hashed")), nil, &Recipe{Layout: Vyper, Slot: slotHex(3)}},
		{"erc7201", w.mint(w.deploy("Namespaced")), nil, &Recipe{Layout: Solidity, Slot: hex.EncodeToString(erc7201Slot[:])}},
		{"halves", w.mint(w.deploy("Halves")), nil, &Recipe{Bits: 128, Layout: Solidity, Slot: slotHex(0)}},
		{"split", w.mint(w.deploy("Split")), nil, nil},
		{"shares, no recipe", shares, nil, nil},
		{"shares", shares, &Recipe{Share: share}, &Recipe{Layout: Solidity, Share: share, Slot: slotHex(0)}},
		{"shares, all given", shares, &Recipe{Layout: Solidity, Share: share, Slot: slotHex(0)}, &Recipe{Layout: Solidity, Share: share, Slot: slotHex(0)}},
		{"aave, no recipe", halfUp, nil, nil},
		{"aave, half up", halfUp, &Recipe{Aave: aave(HalfUp)}, &Recipe{Aave: aave(HalfUp), Bits: 128, Layout: Solidity, Slot: slotHex(52)}},
		{"aave, down", down, &Recipe{Aave: aave(Down)}, &Recipe{Aave: aave(Down), Bits: 128, Layout: Solidity, Slot: slotHex(52)}},
	}
}

// holdingsOf are the holders', in order.
func holdingsOf(chain chains.Chain, token chains.Token) []chains.Holding {
	var all []chains.Holding
	for _, h := range holders {
		all = append(all, chains.Holding{Account: accountOf(chain, h), Token: token})
	}
	return all
}

func TestTokens(t *testing.T) {
	w, cases := tokenTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			checkToken(t, devnet.EthereumChain, node.URL(), block, c)
		})
	}
}

// checkToken gathers a token's holders and holds the evidence against what the
// contract itself answers.
func checkToken(t *testing.T, chain chains.Chain, url string, block chains.BlockRef, c tokenCase) {
	t.Helper()
	token := c.id(chain)
	opts := Options{Recipes: map[chains.Token]Recipe{}}
	if c.wish != nil {
		opts.Recipes[token] = *c.wish
	}
	s, err := New(t.Context(), chain, []string{url}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	holdings := holdingsOf(chain, token)
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	file, want, grade := evidence.File.(Evidence), []Recipe{}, chains.NodeAttested
	if c.want != nil {
		one := *c.want
		one.Token = token
		want, grade = append(want, one), chains.StateProved
	}
	if d := cmp.Diff(want, file.Tokens); d != "" {
		t.Errorf("recipes (-want +got):\n%s", d)
	}
	amounts := askBalances(t, url, holdings, block.Number)
	for i, b := range evidence.Balances {
		if b.Amount.Dec() != amounts[i] || b.Grade != grade {
			t.Errorf("%s: got %s, %s, want %s, %s", b.Account, b.Amount, b.Grade, amounts[i], grade)
		}
	}
	if amounts[0] == "0" || amounts[1] == "0" || amounts[2] != "0" {
		t.Errorf("the holders have %v, want two of them some", amounts)
	}
	if (len(file.Attested) == 1) != (c.want == nil) {
		t.Errorf("attested: %+v", file.Attested)
	}
	everyNodeIsNeeded(t, s, block, evidence)
}

// everyNodeIsNeeded proves the balances out of nothing but the file as it is
// published, and finds that no node may be left out.
func everyNodeIsNeeded(t *testing.T, s *Source, block chains.BlockRef, evidence chains.Evidence) {
	t.Helper()
	var file Evidence
	unmarshal(t, marshal(t, evidence.File), &file)
	var holdings []chains.Holding
	for _, b := range evidence.Balances {
		holdings = append(holdings, chains.Holding{Account: b.Account, Token: b.Token})
	}
	again := func(without int) error {
		g := &gathering{node: s.nodes[0], block: block, set: newNodeSet(), recipes: map[chains.Token]recipe{}, safes: file.Safes}
		raw, _ := hex.DecodeString(file.Header)
		var h types.Header
		if err := rlp.DecodeBytes(raw, &h); err != nil {
			return err
		}
		g.header = header{raw: raw, root: h.Root, time: h.Time}
		for _, r := range file.Tokens {
			parsed, err := r.parse(r.Token)
			if err != nil {
				t.Fatal(err)
			}
			g.recipes[r.Token] = parsed
		}
		for i, n := range file.Nodes {
			if i != without {
				g.set.add(n)
			}
		}
		got, err := g.assemble(file.Snapshot, holdings, file.Attested)
		if err == nil && !cmp.Equal(got, evidence) {
			t.Errorf("the evidence proves something else:\n%s", cmp.Diff(evidence, got))
		}
		return err
	}
	if err := again(-1); err != nil {
		t.Errorf("the evidence alone proves nothing: %v", err)
	}
	for i := range file.Nodes {
		if again(i) == nil {
			t.Errorf("node %d of %d is not needed", i, len(file.Nodes))
		}
	}
}

func TestB08_RecipeThatDoesNotFit(t *testing.T) {
	w, cases := tokenTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	byName := map[string]tokenCase{}
	for _, c := range cases {
		byName[c.name] = c
	}
	share := func(edit func(s *Share)) *Share {
		var s Share
		unmarshal(t, marshal(t, byName["shares"].wish.Share), &s)
		edit(&s)
		return &s
	}
	aave := func(edit func(a *Aave)) *Aave {
		a := *byName["aave, half up"].wish.Aave
		edit(&a)
		return &a
	}
	for name, c := range map[string]struct {
		of   string
		wish Recipe
		says string
	}{
		"another slot":        {"packed, eip1967", Recipe{Layout: Solidity, Slot: slotHex(8)}, "other numbers"},
		"another layout":      {"vyper", Recipe{Layout: Solidity, Slot: slotHex(3)}, "other numbers"},
		"too few bits":        {"halves", Recipe{Bits: 64}, "other numbers"},
		"no such proxy":       {"packed, eip1967", Recipe{Proxy: "zeppelinos"}, "no proxy of the kind zeppelinos"},
		"no proxy at all":     {"halves", Recipe{Proxy: "eip1967"}, "no proxy of the kind eip1967"},
		"no mapping":          {"split", Recipe{Bits: 255}, "other numbers"},
		"a term too many":     {"shares", Recipe{Share: share(func(s *Share) { s.Pool = append(s.Pool, s.Pool[0]) })}, "other numbers"},
		"negative pool":       {"shares", Recipe{Share: share(func(s *Share) { s.Pool[0].Minus, s.Pool[1].Minus = true, true; s.Pool[2].Times = "1" })}, "other numbers"},
		"no shares in all":    {"shares", Recipe{Share: share(func(s *Share) { s.Total = s.Total[:1]; s.Total[0].Slot = slotHex(99) })}, "other numbers"},
		"no such contract":    {"shares", Recipe{Share: share(func(s *Share) { s.Pool[3].Contract = "0x" + strings.Repeat("ab", 20) })}, "no contract at 0xab"},
		"wrong rounding":      {"aave, half up", Recipe{Aave: aave(func(a *Aave) { a.Rounding = Down })}, "other numbers"},
		"another reserve":     {"aave, half up", Recipe{Aave: aave(func(a *Aave) { a.Slot = slotHex(1) })}, "other numbers"},
		"pool is no contract": {"aave, half up", Recipe{Aave: aave(func(a *Aave) { a.Pool = "0x" + strings.Repeat("cd", 20) })}, "no contract at 0x"},
	} {
		t.Run(name, func(t *testing.T) {
			token := byName[c.of].id(devnet.EthereumChain)
			s := open(t, Options{Recipes: map[chains.Token]Recipe{token: c.wish}}, node.URL())
			_, err := s.Gather(t.Context(), testSnapshot, block, holdingsOf(devnet.EthereumChain, token))
			var unknown *chains.UnknownLayoutError
			if !errors.As(err, &unknown) || !strings.Contains(strings.ToLower(err.Error()), c.says) {
				t.Errorf("got %v, want an UnknownLayoutError about %q", err, c.says)
			}
		})
	}
}

func TestB08_ProxySlots(t *testing.T) {
	l := layout{Solidity, common.Hash{}}
	code := common.HexToAddress("0xc0de")
	address := func(a common.Address) common.Hash { return common.BytesToHash(a[:]) }
	cases := []struct {
		name  string
		slots map[int]common.Hash
		want  string // attested, or the proxy
	}{
		{"none", nil, ""},
		{"both", map[int]common.Hash{0: address(code), 1: address(code)}, "eip1967"},
		{"the second, the first holds no code's address", map[int]common.Hash{0: address(holders[0]), 1: address(code)}, "zeppelinos"},
		{"no code there", map[int]common.Hash{0: address(holders[0])}, "attested"},
		{"more than an address", map[int]common.Hash{1: {0: 1, 31: 5}}, "attested"},
	}
	alloc := types.GenesisAlloc{code: {Code: []byte{0x00}, Balance: common.Big0}}
	at := func(i int) common.Address { return common.BigToAddress(uint256.NewInt(0x71000 + uint64(i)).ToBig()) }
	for i, c := range cases {
		storage := map[common.Hash]common.Hash{l.key(holders[0]): {31: 9}, l.key(holders[1]): {31: 8}}
		for p, word := range c.slots {
			storage[proxies[p].slot] = word
		}
		alloc[at(i)] = types.Account{Code: tokenCode(l.order, l.slot), Balance: common.Big0, Nonce: 1, Storage: storage}
	}
	node, instant := startNode(t, alloc)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := &Recipe{Layout: Solidity, Slot: slotHex(0), Proxy: c.want}
			if c.want == "attested" {
				want = nil
			}
			checkToken(t, devnet.EthereumChain, node.URL(), block, tokenCase{token: at(i), want: want})
		})
	}
}

// TestNoAccessLists has a node that cannot tell what a call reads: the balances
// are attested, unless the configuration says where they lie.
func TestNoAccessLists(t *testing.T) {
	w, cases := tokenTown(t, devnet.Deployer(testSeed))
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	for code, said := range map[int]string{-32601: "what?", -32000: "the method eth_createAccessList does not exist/is not available"} {
		proxy := refusing(t, node.URL(), "eth_createAccessList", code, said)
		plain := cases[3]
		plain.want = nil
		checkToken(t, devnet.EthereumChain, proxy.URL, block, plain)
		plain.wish = &Recipe{Proxy: "zeppelinos"} // tells nothing of the place
		checkToken(t, devnet.EthereumChain, proxy.URL, block, plain)
		plain.wish = &Recipe{Layout: Solidity, Slot: slotHex(3)}
		plain.want = cases[3].want
		checkToken(t, devnet.EthereumChain, proxy.URL, block, plain)
	}
	// Another node's hint is as good, the proof being the first one's all the same.
	lacking := refusing(t, node.URL(), "eth_createAccessList", -32601, "no")
	proofless := refusing(t, node.URL(), "eth_getProof", -32601, "no")
	evidence, err := open(t, Options{}, lacking.URL, proofless.URL).Gather(t.Context(), testSnapshot, block, holdingsOf(devnet.EthereumChain, cases[3].id(devnet.EthereumChain)))
	if err != nil || evidence.Balances[0].Grade != chains.StateProved {
		t.Errorf("beside a node that can tell: got %+v, %v, want proved balances", evidence.Balances, err)
	}
	// One that is only busy would weaken the evidence without need.
	proxy := refusing(t, node.URL(), "eth_createAccessList", -32005, "limit exceeded")
	token := cases[3].id(devnet.EthereumChain)
	var refused *chains.RefusedError
	if _, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdingsOf(devnet.EthereumChain, token)); !errors.As(err, &refused) {
		t.Errorf("busy: got %v, want a RefusedError", err)
	}
}

func TestRecipesThatAreNone(t *testing.T) {
	const token = "eip155:1337/erc20:0x00000000000000000000000000000000000000aa"
	slot, pool := slotHex(1), "0x00000000000000000000000000000000000000bb"
	term := func(edit func(*Term)) Recipe {
		one := Term{Slot: slot, Bits: 256, Times: "1"}
		edit(&one)
		return Recipe{Share: &Share{Pool: []Term{one}, Total: []Term{{Slot: slot, Bits: 256, Times: "1"}}}}
	}
	if err := term(func(*Term) {}).Check(token); err != nil {
		t.Fatal(err)
	}
	cases := map[string]Recipe{
		"bits is 256":      {Bits: 256},
		"layout is":        {Slot: slot},
		"slot is":          {Layout: Vyper},
		"layout is \"c\"":  {Layout: "c", Slot: slot},
		"slot is \"0x":     {Layout: Vyper, Slot: "0x" + slot[2:]},
		"slot is \"AA":     {Layout: Vyper, Slot: strings.Repeat("AA", 32)},
		"proxy is":         {Proxy: "eip1822"},
		"names token":      {Token: "eip155:1337/erc20:0x00000000000000000000000000000000000000ab"},
		"exclude each":     {Share: &Share{}, Aave: &Aave{}},
		"pool has 0 terms": {Share: &Share{}},
		"total has 9 terms": {Share: &Share{
			Pool: term(func(*Term) {}).Share.Pool, Total: slices.Repeat(term(func(*Term) {}).Share.Pool, 9)}},
		"bits 0 and":           term(func(t *Term) { t.Bits = 0 }),
		"bits 256 and shift 1": term(func(t *Term) { t.Shift = 1 }),
		"bits 1 and shift 256": term(func(t *Term) { t.Bits, t.Shift = 1, 256 }),
		"bits 257 and":         term(func(t *Term) { t.Bits = 257 }),
		"term #1: slot is":     term(func(t *Term) { t.Slot = "7" }),
		"contract is":          term(func(t *Term) { t.Contract = "0xBB" }),
		"contract is \"0x00000000000000000000000000000000000000BB": term(func(t *Term) { t.Contract = "0x00000000000000000000000000000000000000BB" }),
		"times is \"0\"":                    term(func(t *Term) { t.Times = "0" }),
		"times is \"01\"":                   term(func(t *Term) { t.Times = "01" }),
		"times is \"-1\"":                   term(func(t *Term) { t.Times = "-1" }),
		"times is \"1000000000000000000000": term(func(t *Term) { t.Times = "1" + strings.Repeat("0", 38) }),
		"rounding is":                       {Aave: &Aave{Pool: pool, Slot: slot, Rounding: "up"}},
		"aave.pool is":                      {Aave: &Aave{Pool: "pool", Slot: slot, Rounding: Down}},
		"aave.slot is":                      {Aave: &Aave{Pool: pool, Slot: "52", Rounding: Down}},
	}
	for want, r := range cases {
		if _, err := New(t.Context(), devnet.EthereumChain, []string{"http://127.0.0.1"}, Options{Recipes: map[chains.Token]Recipe{token: r}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want a refusal with %q", err, want)
		}
	}
	for _, other := range []chains.Token{"eip155:1337/slip44:60", "eip155:1/erc20:0x00000000000000000000000000000000000000aa"} {
		if _, err := New(t.Context(), devnet.EthereumChain, []string{"http://127.0.0.1"}, Options{Recipes: map[chains.Token]Recipe{other: {Bits: 255}}}); err == nil {
			t.Errorf("a recipe of %s was taken", other)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		var back Recipe
		raw, err := json.Marshal(cases[name])
		if err != nil || json.Unmarshal(raw, &back) != nil || !cmp.Equal(back, cases[name]) {
			t.Errorf("%s: not the same after JSON: %s", name, raw)
		}
	}
}

// refusing is a node that refuses one method.
func refusing(t *testing.T, url, method string, code int, said string) *chainstest.Proxy {
	t.Helper()
	proxy := chainstest.NewProxy(t, url)
	proxy.Refuse = func(c chainstest.Call) (int, string) {
		if c.Method == method {
			return code, said
		}
		return 0, ""
	}
	return proxy
}

func FuzzRecipe(f *testing.F) {
	f.Add([]byte(`{"layout":"solidity","slot":"` + slotHex(9) + `","bits":255,"proxy":"eip1967"}`))
	f.Add([]byte(`{"layout":"vyper","slot":"` + slotHex(1) + `","share":{"pool":[{"bits":128,"minus":true,"shift":128,"slot":"` + slotHex(2) + `","times":"32"}],"total":[{"bits":256,"minus":false,"shift":0,"slot":"` + slotHex(3) + `","times":"1","contract":"0x00000000000000000000000000000000000000bb"}]}}`))
	f.Add([]byte(`{"aave":{"pool":"0x00000000000000000000000000000000000000bb","rounding":"down","slot":"` + slotHex(4) + `"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		const token = "eip155:1/erc20:0x00000000000000000000000000000000000000aa"
		var r Recipe
		if json.Unmarshal(raw, &r) != nil {
			return
		}
		parsed, err := r.parse(token)
		if err != nil || parsed.layout == nil {
			return
		}
		r.Token = token
		if d := cmp.Diff(r, parsed.said()); d != "" {
			t.Errorf("a recipe that was taken is said otherwise (-want +got):\n%s", d)
		}
		if parsed.formula != nil {
			_, _ = parsed.formula.line(holders[0], func(place) (*uint256.Int, error) { return uint256.NewInt(7), nil }, 9) // must not panic
		}
	})
}

package utxo

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

// startTwo starts two nodes of one chain.
func startTwo(t *testing.T) (a, b *devnet.Bitcoin, instant time.Time) {
	t.Helper()
	a, instant = startNode(t)
	return a, startNodeAt(t, instant), instant
}

// checkFilters checks the evidence as SPEC part 13 says, steps 6 to 9, by code
// that shares nothing with what made it but the library's filter.
func checkFilters(t *testing.T, chain chains.Chain, file Evidence, nodes int) {
	t.Helper()
	f := file.Filters
	if f == nil {
		t.Fatal("no filters")
	}
	if len(f.Attested) != nodes || !slices.IsSortedFunc(f.Attested, func(a, b FilterHeader) int { return strings.Compare(a.Node, b.Node) }) {
		t.Errorf("attested by %+v, want %d nodes in order", f.Attested, nodes)
	}
	headers := headersOf(t, file)
	if len(f.Filters) != len(headers) {
		t.Fatalf("%d filters of %d headers", len(f.Filters), len(headers))
	}
	header, err := chainhash.NewHashFromStr(f.Previous)
	if err != nil || len(f.Previous) != 64 {
		t.Fatal(err)
	}
	var scripts [][]byte
	coins := map[string]bool{}
	for _, o := range file.Outputs {
		script, err := networkOf(chain).script(o.Account)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, script)
		coins[o.Txid+":"+itoa(o.Vout)] = true
	}
	last := *header
	var matches []uint64
	for i, text := range f.Filters {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		hash := chainhash.DoubleHashB(raw)
		last = chainhash.DoubleHashH(append(hash, last[:]...))
		if ok, err := match(headers[i].BlockHash(), raw, scripts); err != nil {
			t.Fatal(err)
		} else if ok {
			matches = append(matches, file.First+uint64(i))
		}
	}
	for _, a := range f.Attested {
		if a.Header != last.String() {
			t.Errorf("%s says filter header %s, the filters lead to %s", a.Node, a.Header, last)
		}
	}
	var heights []uint64
	for _, b := range f.Blocks {
		heights = append(heights, b.Height)
		var level []chainhash.Hash
		for i, text := range b.Transactions {
			raw, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			tx := new(wire.MsgTx)
			if err := tx.DeserializeNoWitness(strings.NewReader(string(raw))); err != nil || tx.SerializeSizeStripped() != len(raw) {
				t.Fatalf("block %d, transaction %d: %v, or it is not bare", b.Height, i, err)
			}
			level = append(level, chainhash.DoubleHashH(raw))
			for _, in := range tx.TxIn {
				if coins[in.PreviousOutPoint.String()] {
					t.Errorf("block %d spends %s", b.Height, in.PreviousOutPoint)
				}
			}
		}
		if root := naiveRoot(level); root != headers[b.Height-file.First].MerkleRoot {
			t.Errorf("block %d: its transactions do not hash up to its header", b.Height)
		}
	}
	if d := cmp.Diff(matches, heights); d != "" {
		t.Errorf("blocks (-matching +kept):\n%s", d)
	}
	for _, b := range file.Blocks {
		if !slices.Contains(heights, b.Height) {
			t.Errorf("block %d made a coin, and is not kept whole", b.Height)
		}
	}
}

func itoa(n uint64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func headersOf(t *testing.T, file Evidence) []wire.BlockHeader {
	t.Helper()
	raw, err := hex.DecodeString(file.Headers)
	if err != nil {
		t.Fatal(err)
	}
	headers := make([]wire.BlockHeader, len(raw)/80)
	for i := range headers {
		if err := headers[i].Deserialize(strings.NewReader(string(raw[80*i:]))); err != nil {
			t.Fatal(err)
		}
	}
	return headers
}

func TestFilters(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, want := demoHoldings(t)
	var steps []int64
	s := open(t, Options{Filters: true, Progress: func(_ string, done, _ int64) { steps = append(steps, done) }}, a.URL(), b.URL())
	block := mustPin(t, s, instant)
	evidence, err := s.Gather(t.Context(), testSnapshot, block, holdings)
	if err != nil {
		t.Fatal(err)
	}
	file := evidence.File.(Evidence)
	checkFilters(t, devnet.BitcoinChain, file, 2)
	for i, balance := range evidence.Balances {
		if balance.Grade != chains.FilterChecked || balance.Amount.Dec() != want[i] {
			t.Errorf("%s: %s, %s, want %s, %s", balance.Account, balance.Amount.Dec(), balance.Grade, want[i], chains.FilterChecked)
		}
	}
	// The wallets' coins were made in blocks 321 to 323, where one was spent too.
	if file.First != 321 || len(file.Filters.Blocks) < 3 || len(steps) == 0 || steps[0] != 10 {
		t.Errorf("from %d, %d whole blocks, progress %v", file.First, len(file.Filters.Blocks), steps)
	}

	// From the first block on: 330 headers, and the miner's coins in most of them.
	miner, err := a.Miner()
	if err != nil {
		t.Fatal(err)
	}
	amounts, file := mustGather(t, s, block, chains.Holding{Account: miner, Token: devnet.BitcoinNative})
	if amounts[miner] != "910000000000" || file.First != 149 || len(file.Filters.Filters) != 182 {
		t.Errorf("the miner holds %s from block %d in %d filters", amounts[miner], file.First, len(file.Filters.Filters))
	}
	checkFilters(t, devnet.BitcoinChain, file, 2)

	// An account without coins: one filter, which matches nothing of ours.
	_, file = mustGather(t, s, block, chains.Holding{Account: unused(t), Token: devnet.BitcoinNative})
	checkFilters(t, devnet.BitcoinChain, file, 2)
	if len(file.Filters.Filters) != 1 || len(file.Filters.Blocks) != 0 {
		t.Errorf("no coins: %d filters, %d blocks", len(file.Filters.Filters), len(file.Filters.Blocks))
	}
	if raw, err := json.Marshal(file); err != nil || strings.Contains(string(raw), "null") {
		t.Errorf("%s, %v, want no null", raw, err)
	}
	// Without filters nothing of them is in the file.
	_, file = mustGather(t, open(t, Options{}, a.URL(), b.URL()), block, holdings...)
	if raw, err := json.Marshal(file); err != nil || strings.Contains(string(raw), "filters") {
		t.Errorf("filters that nobody asked for: %v", err)
	}
}

// TestFiltersFromGenesis: before the chain's first block the filter header is
// zero.
func TestFiltersFromGenesis(t *testing.T) {
	a, b, instant := startTwo(t)
	s := open(t, Options{Filters: true}, a.URL(), b.URL())
	block := mustPin(t, s, instant)
	nodes, err := s.canonical(t.Context(), block)
	if err != nil {
		t.Fatal(err)
	}
	g := &gathering{source: s, pinned: block}
	if g.headers, err = g.proveHeaders(t.Context(), nodes[0], 0); err != nil {
		t.Fatal(err)
	}
	if err := g.filter(t.Context(), nodes); err != nil {
		t.Fatal(err)
	}
	if g.file.Filters.Previous != strings.Repeat("0", 64) || len(g.file.Filters.Filters) != int(block.Number)+1 {
		t.Errorf("previous %s, %d filters", g.file.Filters.Previous, len(g.file.Filters.Filters))
	}
}

func TestFiltersTakeTwoNodes(t *testing.T) {
	a, instant := startNode(t)
	var few *TooFewNodesError
	if _, err := New(t.Context(), devnet.BitcoinChain, []string{a.URL()}, Options{Filters: true}); !errors.As(err, &few) || few.Got != 1 {
		t.Errorf("one node: got %v, want a TooFewNodesError", err)
	}
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, a.URL()), instant)
	down := open(t, Options{Filters: true}, a.URL(), "http://127.0.0.1:1")
	if evidence, err := down.Gather(t.Context(), testSnapshot, block, holdings); !errors.As(err, &few) || evidence.File != nil {
		t.Errorf("one of two is down: got %v, want a TooFewNodesError", err)
	}
}

func alterResult(method string, nth int, change func(result string) string) func(chainstest.Call, json.RawMessage) json.RawMessage {
	seen := 0
	return func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if c.Method != method {
			return nil
		}
		if seen++; nth > 0 && seen != nth {
			return nil
		}
		var text string
		if json.Unmarshal(result, &text) != nil {
			return nil
		}
		out, _ := json.Marshal(change(text))
		return out
	}
}

func flip(text string) string {
	last := byte('0')
	if text[len(text)-1] == '0' {
		last = '1'
	}
	return text[:len(text)-1] + string(last)
}

// TestB19_LyingNode: filters that are not the chain's, in every way that one
// node can make them, are refused, and nothing is kept.
func TestB19_LyingNode(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, a.URL()), instant)
	for name, c := range map[string]struct {
		first bool // the node that gives the filters lies, else the other
		alter func(chainstest.Call, json.RawMessage) json.RawMessage
	}{
		"the other's filter header":   {false, alterResult(methodFilterHeader, 0, flip)},
		"the first's filter header":   {true, alterResult(methodFilterHeader, 1, flip)},
		"the header before":           {true, alterResult(methodFilterHeader, 2, flip)},
		"a filter's bytes":            {true, alterResult(methodFilter, 4, flip)},
		"an empty filter":             {true, alterResult(methodFilter, 1, func(string) string { return "00" })},
		"no filter":                   {true, alterResult(methodFilter, 1, func(string) string { return "" })},
		"no hex":                      {true, alterResult(methodFilter, 1, func(string) string { return "xy" })},
		"a filter without items":      {true, alterResult(methodFilter, 3, func(text string) string { return text[:2] })},
		"a filter cut short":          {true, alterResult(methodFilter, 3, func(text string) string { return text[:4] })},
		"a count without end":         {true, alterResult(methodFilter, 3, func(string) string { return "ff" })},
		"a filter header of no hash":  {true, alterResult(methodFilterHeader, 1, func(string) string { return "00" })},
		"an upper-case filter header": {true, alterResult(methodFilterHeader, 1, strings.ToUpper)},
	} {
		t.Run(name, func(t *testing.T) {
			liar, urls := chainstest.NewProxy(t, b.URL()), []string{a.URL(), ""}
			if urls[1] = liar.URL; c.first {
				urls[0], urls[1] = urls[1], urls[0]
			}
			liar.Alter = c.alter
			evidence, err := open(t, Options{Filters: true}, urls...).Gather(t.Context(), testSnapshot, block, holdings)
			var proof *chains.ProofError
			var disagree *chains.DisagreementError
			var refused *chains.RefusedError
			if evidence.File != nil || !errors.As(err, &proof) && !errors.As(err, &disagree) && !errors.As(err, &refused) {
				t.Errorf("got %v, want it refused", err)
			}
		})
	}
}

// TestB19_TruncatedRange: a node that leaves out the filters of some blocks, or
// gives those of others, leads to another filter header.
func TestB19_TruncatedRange(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, a.URL()), instant)
	var first string
	for name, alter := range map[string]func(chainstest.Call, json.RawMessage) json.RawMessage{
		"one filter for all": alterResult(methodFilter, 0, func(text string) string {
			if first == "" {
				first = text
			}
			return first
		}),
		"no answer for one": func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
			if c.Method == methodFilter && strings.Contains(string(c.Params[0]), block.Hash) {
				return json.RawMessage("null")
			}
			return nil
		},
	} {
		liar := chainstest.NewProxy(t, b.URL())
		liar.Alter = alter
		evidence, err := open(t, Options{Filters: true}, liar.URL, a.URL()).Gather(t.Context(), testSnapshot, block, holdings)
		var proof *chains.ProofError
		var refused *chains.RefusedError
		if evidence.File != nil || !errors.As(err, &proof) && !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}
}

// hideSpends makes a node say that all coins of the block 322 are unspent still:
// it leaves out the block that spent one of 299.
func hideSpends(t *testing.T, node *devnet.Bitcoin) *chainstest.Proxy {
	t.Helper()
	liar := chainstest.NewProxy(t, node.URL())
	liar.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		var list []map[string]any
		if c.Method != methodIndex || json.Unmarshal(result, &list) != nil {
			return nil
		}
		var kept []map[string]any
		for _, tx := range list {
			raw, _ := tx["hex"].(string)
			parsed, err := parseTransaction(raw, false)
			if err != nil {
				t.Error(err)
				return nil
			}
			// What spends the coin of 299 pays 120 and 178.
			if len(parsed.TxOut) == 2 && parsed.TxOut[0].Value == 120_00000000 && parsed.TxOut[1].Value == 178_00000000 {
				continue
			}
			kept = append(kept, tx)
		}
		out, _ := json.Marshal(append([]map[string]any{}, kept...))
		return out
	}
	return liar
}

// TestB19_SpendInAMatchingBlock: nodes that agree that a coin is unspent are
// shown wrong by the block that spends it.
func TestB19_SpendInAMatchingBlock(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, a.URL()), instant)
	one, other := hideSpends(t, a), hideSpends(t, b)
	// Without filters the lie passes: it is the nodes' word.
	amounts, _ := mustGather(t, open(t, Options{}, one.URL, other.URL), block, holdings...)
	if !slices.Contains(slices.Collect(mapsValues(amounts)), "389812345678") {
		t.Errorf("got %v, want the cold wallet to show 299 more and 178 less", amounts)
	}
	evidence, err := open(t, Options{Filters: true}, one.URL, other.URL).Gather(t.Context(), testSnapshot, block, holdings)
	var spent *SpentError
	if evidence.File != nil || !errors.As(err, &spent) || spent.Block != 323 || spent.Pinned != 330 || !strings.Contains(err.Error(), spent.Outpoint) {
		t.Errorf("got %v, want a SpentError of block 323", err)
	}
	// A filter that hides the block is not the one that the headers are made of.
	hide := one.Alter
	empty := alterResult(methodFilter, 2, func(string) string { return "00" }) // block 322 is the first: 299 was made there
	one.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if out := empty(c, result); out != nil {
			return out
		}
		return hide(c, result)
	}
	var proof *chains.ProofError
	if evidence, err := open(t, Options{Filters: true}, one.URL, other.URL).Gather(t.Context(), testSnapshot, block, holdings); evidence.File != nil || !errors.As(err, &proof) {
		t.Errorf("a filter that hides the spend: got %v, want a ProofError", err)
	}
}

func mapsValues(m map[chains.Account]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// TestB19_WholeBlocks: a matching block that is not its header's is refused.
func TestB19_WholeBlocks(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, a.URL()), instant)
	asked := 0
	liar := chainstest.NewProxy(t, a.URL())
	liar.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if c.Method != "getblock" {
			return nil
		}
		if asked++; asked <= 3 {
			return nil // what the coins are proved by is right
		}
		return alterResult("getblock", 0, func(text string) string { return flip(text) })(c, result)
	}
	evidence, err := open(t, Options{Filters: true}, liar.URL, b.URL()).Gather(t.Context(), testSnapshot, block, holdings)
	var proof *chains.ProofError
	if evidence.File != nil || !errors.As(err, &proof) || asked < 4 {
		t.Errorf("got %v after %d blocks, want a ProofError", err, asked)
	}
}

// TestFiltersTooLarge stops before evidence that no verifier reads is written.
func TestFiltersTooLarge(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, _ := demoHoldings(t)
	s := open(t, Options{Filters: true}, a.URL(), b.URL())
	block := mustPin(t, s, instant)
	_, file := mustGather(t, s, block, holdings...)
	filters, all := 0, 0
	for _, f := range file.Filters.Filters {
		filters += len(f)
	}
	all = filters
	for _, b := range file.Filters.Blocks {
		for _, tx := range b.Transactions {
			all += len(tx)
		}
	}
	for most, ok := range map[int]bool{all: true, all - 1: false, filters: false, filters - 1: false} {
		s.mostFilters = most
		_, err := s.Gather(t.Context(), testSnapshot, block, holdings)
		var large *TooLargeError
		if (err == nil) != ok || !ok && (!errors.As(err, &large) || large.First != 321 || large.Pinned != 330) {
			t.Errorf("%d bytes at most: got %v, want ok = %v", most, err, ok)
		}
	}
}

// TestFiltersRefused: a node without filters is told what it needs.
func TestFiltersRefused(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, _ := demoHoldings(t)
	block := mustPin(t, open(t, Options{}, a.URL()), instant)
	for _, said := range []struct {
		code int
		text string
	}{
		{codeNoMethod, "Method not found"}, {-1, "Index is not enabled for filtertype basic"}, {-5, "The CF index must be enabled for this command"},
	} {
		proxy := chainstest.NewProxy(t, a.URL())
		proxy.Refuse = func(c chainstest.Call) (int, string) {
			if c.Method == methodFilterHeader || c.Method == methodCoreFilter {
				return said.code, said.text
			}
			return 0, ""
		}
		var refused *chains.RefusedError
		_, err := open(t, Options{Filters: true}, b.URL(), proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		if !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, said.text) || !strings.Contains(refused.Reason, "blockfilterindex=1") {
			t.Errorf("%q: got %v, want it said what the node needs", said.text, err)
		}
	}
}

// TestMatch checks BIP-158's vectors of testnet: block, filter, and what is in
// it.
func TestMatch(t *testing.T) {
	for _, c := range []struct{ block, filter, before, after, script string }{
		{"000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943", "019dfca8", "0000000000000000000000000000000000000000000000000000000000000000",
			"21584579b7eb08997773e5aeff3a7f932700042d0ed2a6129012b7d7ae81b750", "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac"},
		{"000000006c02c8ea6e4ff69651f7fcde348fb9d557a06e6957b65552002a7820", "0174a170", "d7bdac13a59d745b1add0d2ce852f1a0442e8945fc1bf3848d3cbffd88c24fe1",
			"186afd11ef2b5e7e3504f2e8cbf8df28a1fd251fe53d60dff8b1467d1b386cf0", "21038a7f6ef1c8ca0c588aa53fa860128077c9e6c11e6830f4d7ee4e763a56b7718fac"},
		{"0000000018b07dca1b28b4b5a119f6d6e71698ce1ed96f143f54179ce177a19c", "0afbc2920af1b027f31f87b592276eb4c32094bb4d3697021b4c6380", "ed47705334f4643892ca46396eb3f4196a5e30880589e4009ef38eae895d4a13",
			"b6d98692cec5145f67585f3434ec3c2b3030182e1cb3ec58b855c5c164dfaaa3", "76a91445db0b779c0b9fa207f12a8218c94fc77aff504588ac"},
		{"000000000000015d6077a411a8f5cc95caf775ccf11c54e27df75ce58d187313", "09027acea61b6cc3fb33f5d52f7d088a6b2f75d234e89ca800", "8f13b9a9c85611635b47906c3053ac53cfcec7211455d4cb0d63dc9acc13d472",
			"546c574a0472144bcaf9b6aeabf26372ad87c7af7d1ee0dbfae5e099abeae49c", "a914feb8a29635c56d9cd913122f90678756bf23887687"},
	} {
		var block, before chainhash.Hash
		if err := errors.Join(chainhash.Decode(&block, c.block), chainhash.Decode(&before, c.before)); err != nil {
			t.Fatal(err)
		}
		filter, script := mustHex(t, c.filter), mustHex(t, c.script)
		if got := nextFilterHeader(filter, before).String(); got != c.after {
			t.Errorf("block %s: filter header %s, want %s", c.block, got, c.after)
		}
		others := [][]byte{{0x51}, {0x52}, mustScript(t, unusedOf(t, mainnet))}
		if ok, err := match(block, filter, append(slices.Clone(others), script)); err != nil || !ok {
			t.Errorf("block %s: its script does not match: %v", c.block, err)
		}
		if ok, err := match(block, filter, others); err != nil || ok {
			t.Errorf("block %s: other scripts match: %v", c.block, err)
		}
		if ok, err := match(block, filter, nil); err != nil || ok {
			t.Errorf("block %s: no script matches: %v", c.block, err)
		}
	}
	if ok, err := match(*chaincfg.MainNetParams.GenesisHash, []byte{0}, [][]byte{{0x51}}); err != nil || ok {
		t.Errorf("an empty filter matches: %v", err)
	}
}

func mustHex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func unusedOf(t *testing.T, chain chains.Chain) chains.Account {
	t.Helper()
	return networkOf(chain).account("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
}

func TestFunded(t *testing.T) {
	a, b, instant := startTwo(t)
	holdings, amounts := demoHoldings(t)
	s := open(t, Options{}, a.URL(), b.URL())
	block := mustPin(t, s, instant)
	var all, want []chains.Account
	for i, h := range holdings {
		all = append(all, h.Account)
		if amounts[i] != "0" {
			want = append(want, h.Account)
		}
	}
	slices.Reverse(all)
	got, err := s.Funded(t.Context(), block, append(all, all[0]))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("accounts with coins (-want +got):\n%s", d)
	}
	if got, err := s.Funded(t.Context(), block, nil); err != nil || len(got) != 0 {
		t.Errorf("of none: got %v, %v", got, err)
	}
	var disagree *chains.DisagreementError
	if got, err := open(t, Options{}, a.URL(), hideSpends(t, b).URL).Funded(t.Context(), block, all); !errors.As(err, &disagree) {
		t.Errorf("nodes that disagree: got %v, %v", got, err)
	}
	if _, err := s.Funded(t.Context(), block, []chains.Account{unusedOf(t, mainnet)}); err == nil {
		t.Error("an account of another chain was asked for")
	}
	block.Chain = mainnet
	if _, err := s.Funded(t.Context(), block, all); err == nil {
		t.Error("a block of another chain was taken")
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte{0x01, 0x9d, 0xfc, 0xa8}, []byte{0x51})
	f.Add([]byte{0}, []byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte{0x51})
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte{0x51})
	f.Fuzz(func(t *testing.T, filter, script []byte) {
		ok, err := match(chainhash.Hash{1}, filter, [][]byte{script})
		if ok && err != nil {
			t.Error("a match and an error")
		}
		_ = nextFilterHeader(filter, chainhash.Hash{})
	})
}

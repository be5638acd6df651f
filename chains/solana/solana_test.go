package solana

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/chainstest"
)

// subject is a recorded node of mainnet, and this adapter for it.
func subject(t *testing.T) chainstest.Subject {
	t.Helper()
	s := play(t)
	return chainstest.Subject{
		Chain: mainnet, Instant: instant, Pinned: pinnedSlot, URL: s.URL, Other: devnet,
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			return open(t, chain, limit, urls...)
		},
		Holdings: []chains.Holding{{Account: poor, Token: native}, {Account: poor, Token: token}, {Account: owner, Token: native}, {Account: owner, Token: token}, {Account: rich, Token: native}},
		Amounts:  []string{"998763433", "0", "0", "420000000000000", "88849814690250"},
		Grade:    chains.NodeAttested,
		Foreign:  chains.Holding{Account: chains.Account(devnet + ":vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg"), Token: chains.Token(devnet + "/slip44:501")},
		Alias:    chains.Holding{Account: poor, Token: chains.Token(mainnet + "/slip44:502")},
		Bad:      chains.Holding{Account: chains.Account(mainnet + ":JJEfe6DcPM2ziB2vfUWDV6aHVerXRGkv3TcyvJUNGHZz"), Token: native}, // 33 bytes
		Evidence: "getMultipleAccounts",
		Reorg: func(*testing.T) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fork++
		},
	}
}

func TestConformance(t *testing.T) { chainstest.Run(t, subject(t)) }

func TestB02_Reorg(t *testing.T) { chainstest.Reorg(t, subject(t)) }

func TestB20_NeverHeaderTrusted(t *testing.T) { chainstest.NeverHeaderTrusted(t, subject(t)) }

// The pinned block is the last one with a block, also where slots were skipped
// before the instant.
func TestPinAtSkippedSlots(t *testing.T) {
	source := open(t, mainnet, 0, play(t).URL)
	for seconds := range int64(4) { // slots 1 to 3 after the pinned one have no block
		block, err := source.Pin(t.Context(), time.Unix(pinnedTime+seconds, 0))
		want := chains.BlockRef{Chain: mainnet, Hash: "Bmm7S3gKAbYLKqEWjFjoZ7PnDGB3C6vsJ1yjG6tznrCX", Number: pinnedSlot, Time: time.Date(2022, 2, 28, 0, 58, 54, 0, time.UTC)}
		if err != nil || block != want {
			t.Errorf("%d seconds after: got %+v, %v, want %+v", seconds, block, err, want)
		}
	}
	if block, err := source.Pin(t.Context(), time.Unix(pinnedTime+4, 0)); err != nil || block.Number != pinnedSlot+4 {
		t.Errorf("4 seconds after: got slot %d, %v", block.Number, err)
	}
}

func TestB18_HistoryLost(t *testing.T) {
	s := play(t)
	var lost *chains.HistoryLostError
	for _, kept := range []uint64{pinnedSlot + 1, pinnedSlot + 10} {
		s.kept = kept
		if _, err := open(t, mainnet, 0, s.URL).Pin(t.Context(), instant); !errors.As(err, &lost) {
			t.Errorf("blocks kept from slot %d on: got %v, want a HistoryLostError", kept, err)
		}
	}
	s.kept = 0
	source := open(t, mainnet, 0, s.URL)
	block := mustPin(t, source)
	s.kept = pinnedSlot + 1
	if _, err := source.Gather(t.Context(), testSnap, block, nil); !errors.As(err, &lost) {
		t.Errorf("while gathering: got %v, want a HistoryLostError", err)
	}
}

// An answer is kept with its own slot, never with the pinned one.
func TestNumbersOfAnswers(t *testing.T) {
	source := open(t, mainnet, 0, play(t).URL)
	evidence, err := source.Gather(t.Context(), testSnap, mustPin(t, source), []chains.Holding{{Account: owner, Token: native}, {Account: owner, Token: token}})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, a := range evidence.File.(attested.Evidence).Attested[0].Answers {
		got = append(got, a.Number)
	}
	if d := cmp.Diff([]uint64{341197247, 341197933}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// More accounts than one question takes.
func TestManyAccounts(t *testing.T) {
	s := play(t)
	var questions atomic.Int64
	s.intervene = func(method string, params []any, _ http.ResponseWriter) bool {
		if method == "getMultipleAccounts" {
			questions.Add(1)
			if n := len(params[0].([]any)); n > 100 {
				t.Errorf("asked for %d accounts at once", n)
			}
		}
		return false
	}
	holdings := []chains.Holding{{Account: rich, Token: native}, {Account: poor, Token: native}}
	for i := range 248 {
		holdings = append(holdings, chains.Holding{Account: chains.Account(string(mainnet) + ":" + s.hash(uint64(i))), Token: native})
	}
	source := open(t, mainnet, 0, s.URL)
	evidence, err := source.Gather(t.Context(), testSnap, mustPin(t, source), holdings)
	if err != nil || questions.Load() != 3 {
		t.Fatalf("got %v after %d questions, want 3", err, questions.Load())
	}
	for _, b := range evidence.Balances {
		want := map[chains.Account]string{rich: "88849814690250", poor: "998763433"}[b.Account]
		if want == "" {
			want = "0"
		}
		if b.Amount.Dec() != want {
			t.Errorf("%s: got %s, want %s", b.Account, b.Amount.Dec(), want)
		}
	}
}

func TestB04_OneNodeOfTwoLies(t *testing.T) {
	lamports := func(amounts ...string) func(string, []any, http.ResponseWriter) bool {
		round := 0
		return func(method string, _ []any, w http.ResponseWriter) bool {
			if method != "getMultipleAccounts" {
				return false
			}
			_, _ = fmt.Fprintf(w, `{"result":{"context":{"slot":341197247},"value":[{"lamports":%s}]}}`, amounts[min(round, len(amounts)-1)])
			round++
			return true
		}
	}
	holdings := []chains.Holding{{Account: poor, Token: native}}
	liar := play(t)
	liar.intervene = lamports("1")
	source := open(t, mainnet, 0, play(t).URL, liar.URL)
	block := mustPin(t, source)
	_, err := source.Gather(t.Context(), testSnap, block, holdings)
	var disagree *chains.DisagreementError
	if !errors.As(err, &disagree) || !strings.Contains(err.Error(), "says 998763433 at block 341197247") || !strings.Contains(err.Error(), "says 1 at block 341197247") || !strings.Contains(err.Error(), "moved") {
		t.Errorf("got %v, want a DisagreementError with both answers", err)
	}
	moving := play(t)
	moving.intervene = lamports("1", "998763433")
	evidence, err := open(t, mainnet, 0, play(t).URL, moving.URL).Gather(t.Context(), testSnap, block, holdings)
	if err != nil || evidence.Balances[0].Amount.Dec() != "998763433" {
		t.Errorf("a balance that came to rest: got %v, %v", evidence.Balances, err)
	}
	forked := play(t)
	forked.fork = 1
	if _, err := open(t, mainnet, 0, play(t).URL, forked.URL).Pin(t.Context(), instant); !errors.As(err, &disagree) {
		t.Errorf("another block: got %v, want a DisagreementError", err)
	}
}

func TestB21_AddressSpellings(t *testing.T) {
	for _, right := range []string{"vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg", "11111111111111111111111111111111", "JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG"} {
		if got, err := ParseAddress(right); err != nil || got != right {
			t.Errorf("got %q, %v", got, err)
		}
	}
	const right = "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA"
	for _, wrong := range []string{
		"", right + " ", " " + right, right + right, right[:43], right + "A", "1" + right, strings.Replace(right, "4", "0", 1),
		"111111111111111111111111111111111",            // 33 bytes of zero
		"JJEfe6DcPM2ziB2vfUWDV6aHVerXRGkv3TcyvJUNGHZz", // 33 bytes
		"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", strings.Repeat("1", 100000),
		"0x8e23ee67d1332ad560396262c48ffbb01f93d052",
	} {
		if got, err := ParseAddress(wrong); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.50q: got %q, %.300v", wrong, got, err)
		}
	}
}

// What a node may answer in place of a balance, and what becomes of it.
func TestB22_HostileBalances(t *testing.T) {
	const coins, tokens = "getMultipleAccounts", "getTokenAccountsByOwner"
	entry := func(change string) string {
		raw, err := os.ReadFile("testdata/tokens.json")
		if err != nil {
			t.Fatal(err)
		}
		from, to, _ := strings.Cut(change, "→")
		if !strings.Contains(string(raw), from) {
			t.Fatalf("the recorded answer has no %s", from)
		}
		return strings.Replace(string(raw), from, to, 1)
	}
	recordedEntry := func() string {
		one := entry(`"id":1→"id":1`)
		return one[strings.Index(one, `{"pubkey"`):strings.LastIndex(one, `]},"id"`)]
	}()
	for name, c := range map[string]struct{ method, answer, says string }{
		"no slot":              {coins, `{"result":{"context":{},"value":[null]}}`, "names no slot"},
		"no list":              {coins, `{"result":{"context":{"slot":341197247},"value":null}}`, "holds no list"},
		"null":                 {coins, `{"result":null}`, "names no slot"},
		"too few":              {coins, `{"result":{"context":{"slot":341197247},"value":[]}}`, "got 0 accounts, want 1"},
		"no number":            {coins, `{"result":{"context":{"slot":341197247},"value":[{}]}}`, "has no lamports"},
		"a negative number":    {coins, `{"result":{"context":{"slot":341197247},"value":[{"lamports":-1}]}}`, "malformed"},
		"a number with points": {coins, `{"result":{"context":{"slot":341197247},"value":[{"lamports":1e3}]}}`, "malformed"},
		"an earlier slot":      {coins, `{"result":{"context":{"slot":122788842},"value":[null]}}`, "lag behind"},
		"behind":               {coins, `{"error":{"code":-32016,"message":"Minimum context slot has not been reached"}}`, "Minimum context slot"},
		"another mint":         {tokens, entry(`"mint":"2cHr→"mint":"3cHr`), "of another owner or mint"},
		"another owner":        {tokens, entry(`"owner":"A1TM→"owner":"A2TM`), "of another owner or mint"},
		"another program":      {tokens, entry(`"owner":"Token→"owner":"Tokem`), "no token account"},
		"another type":         {tokens, entry(`"type":"account"→"type":"mint"`), "no token account"},
		"a float":              {tokens, entry(`"amount":"420000000000000"→"amount":"420000000.5"`), "no amount of tokens"},
		"a leading zero":       {tokens, entry(`"amount":"42→"amount":"042`), "no amount of tokens"},
		"a negative amount":    {tokens, entry(`"amount":"42→"amount":"-42`), "no amount of tokens"},
		"too much":             {tokens, entry(`"amount":"420000000000000"→"amount":"18446744073709551616"`), "no amount of tokens"},
		"no amount":            {tokens, entry(`"amount":"420000000000000",→`), "no amount of tokens"},
		"listed twice":         {tokens, entry(`"value":[→"value":[` + recordedEntry + `,`), "listed twice"},
	} {
		s := play(t)
		source := open(t, mainnet, 0, s.URL)
		block := mustPin(t, source)
		s.intervene = func(method string, _ []any, w http.ResponseWriter) bool {
			if method == c.method {
				_, _ = w.Write([]byte(c.answer))
			}
			return method == c.method
		}
		evidence, err := source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: owner, Token: native}, {Account: owner, Token: token}})
		var refused *chains.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, %v, want a RefusedError that says %q", name, evidence.Balances, err, c.says)
		}
	}
}

// Two accounts of one mint are added up, whichever of the two programs they are
// of.
func TestTokenAccountsAreAddedUp(t *testing.T) {
	answer := recorded(t, "tokens")
	value := answer["result"].(object)["value"].([]any)
	second := recorded(t, "tokens")["result"].(object)["value"].([]any)[0].(object)
	second["pubkey"] = "4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA"
	second["account"].(object)["owner"] = programToken2022
	answer["result"].(object)["value"] = append(value, second)
	result, err := json.Marshal(answer["result"])
	if err != nil {
		t.Fatal(err)
	}
	sum, slot, err := parseTokens(result, owner.Address(), mint)
	if err != nil || sum.Dec() != "840000000000000" || slot != 341197933 {
		t.Errorf("got %v at slot %d, %v", sum, slot, err)
	}
}

func TestB22_HostileBlocks(t *testing.T) {
	for name, c := range map[string]struct{ method, answer, says string }{
		"another parent's hash": {"getBlock", `{"result":{"blockhash":"Bmm7S3gKAbYLKqEWjFjoZ7PnDGB3C6vsJ1yjG6tznrCX","previousBlockhash":"3XhDMjAQMcMJHgbb6aTG48MLCTHnDfwk7FHpJ4wN4ymj","parentSlot":122788843,"blockTime":1646009934}}`, "and that this is"},
		"a parent after it":     {"getBlock", `{"result":{"blockhash":"Bmm7S3gKAbYLKqEWjFjoZ7PnDGB3C6vsJ1yjG6tznrCX","parentSlot":122789842,"blockTime":1646009934}}`, "no parent before it"},
		"no hash":               {"getBlock", `{"result":{"blockhash":"x","parentSlot":122788842,"blockTime":1646009934}}`, "blockhash"},
		"no such block":         {"getBlock", `{"result":null}`, "no longer has the history"},
		"a block without time":  {"getBlock", `{"result":{"blockhash":"Bmm7S3gKAbYLKqEWjFjoZ7PnDGB3C6vsJ1yjG6tznrCX","parentSlot":122788842,"blockTime":null}}`, "no longer has the history"},
		"a slot before":         {"getBlocksWithLimit", `{"result":[1]}`, "want one slot from"},
		"no slots":              {"getBlocksWithLimit", `{"result":[]}`, "want one slot from"},
		"a time long ago":       {"getBlockTime", `{"result":-5}`, "out of range"},
		"no time":               {"getBlockTime", `{"result":null}`, "does not know the time of its own last slot"},
		"a genesis of 31 bytes": {"getGenesisHash", `{"result":"5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N"}`, "base58 of 32 bytes"},
	} {
		s := play(t)
		s.intervene = func(method string, params []any, w http.ResponseWriter) bool {
			hit := method == c.method && (method != "getBlock" || params[0] == json.Number("122788847")) // the first block after the instant
			if hit {
				_, _ = w.Write([]byte(c.answer))
			}
			return hit
		}
		if block, err := open(t, mainnet, 0, s.URL).Pin(t.Context(), instant); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %+v, %v, want an error that says %q", name, block, err, c.says)
		}
	}
}

func TestRecordedAnswers(t *testing.T) {
	result := func(name string) json.RawMessage {
		raw, err := json.Marshal(recorded(t, name)["result"])
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if hash, err := parseHash(result("genesishash")); err != nil || chains.Chain(chains.Solana+":"+hash[:32]) != devnet {
		t.Errorf("genesis hash: got %s, %v", hash, err)
	}
	if b, ok, err := parseBlock(result("block-430"), 430); ok || err != nil {
		t.Errorf("a block without a time: got %+v, %v, %v", b, ok, err)
	}
	if b, ok, err := parseBlock(result("block"), pinnedSlot); !ok || err != nil || b.parent != pinnedSlot-1 {
		t.Errorf("a block: got %+v, %v, %v", b, ok, err)
	}
	amounts, slot, err := parseLamports(result("accounts-none"), 2)
	if err != nil || slot != 335501794 || !amounts[0].IsZero() || amounts[1].Dec() != "2000000" {
		t.Errorf("an account that does not exist: got %v at %d, %v", amounts, slot, err)
	}
}

func seeds(f *testing.F) {
	f.Helper()
	for _, name := range []string{"block", "block-430", "genesishash", "accounts", "accounts-none", "tokens"} {
		raw, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		var answer struct {
			Result json.RawMessage `json:"result"`
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(answer.Result))
	}
	for _, seed := range []string{"null", "[5]", "[]", "1646009934", "-1", `{"context":{"slot":1},"value":[null]}`} {
		f.Add([]byte(seed))
	}
}

func FuzzParseBlock(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, result []byte) {
		if b, ok, err := parseBlock(result, 500); ok && (err != nil || b.parent >= 500 || b.time.Year() > 9999) {
			t.Errorf("%q: got %+v, %v", result, b, err)
		}
		if _, err := parseHash(result); err == nil && len(result) < 34 {
			t.Errorf("%q is taken for a hash", result)
		}
	})
}

func FuzzParseSlots(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, result []byte) {
		if slot, err := parseFirstSlot(result, 5); err == nil && slot < 5 {
			t.Errorf("%q: got %d", result, slot)
		}
		if at, ok, err := parseTime(result); ok && (err != nil || at.Unix() < 0 || at.Year() > 9999) {
			t.Errorf("%q: got %s, %v", result, at, err)
		}
	})
}

func FuzzParseLamports(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, result []byte) {
		if amounts, _, err := parseLamports(result, 2); err == nil && len(amounts) != 2 {
			t.Errorf("%q: got %d amounts", result, len(amounts))
		}
	})
}

func FuzzParseTokens(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, result []byte) {
		if sum, _, err := parseTokens(result, owner.Address(), mint); (sum == nil) == (err == nil) {
			t.Errorf("%q: got %v, %v", result, sum, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg", "11111111111111111111111111111111", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseAddress(text)
		if err != nil {
			return
		}
		if _, bad := chains.ParseAccount(string(mainnet) + ":" + got); bad != nil || got != text {
			t.Errorf("%q: got %q, which is no account: %v", text, got, bad)
		}
	})
}

package tron

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/chainstest"
)

// subject is a recorded node of Nile, and this adapter for it.
func subject(t *testing.T) chainstest.Subject {
	t.Helper()
	return chainstest.Subject{
		Chain: nile, Instant: instant, Pinned: pinnedNumber, URL: play(t).URL, Other: mainnet,
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			return open(t, chain, limit, urls...)
		},
		Holdings: []chains.Holding{{Account: holder, Token: native}, {Account: holder, Token: token}, {Account: stranger, Token: native}, {Account: stranger, Token: token}},
		Amounts:  []string{"1793227200", "1087360000", "5", "0"},
		Grade:    chains.NodeAttested,
		Foreign:  chains.Holding{Account: "tron:0x2b6653dc:TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHp", Token: "tron:0x2b6653dc/slip44:195"},
		Alias:    chains.Holding{Account: holder, Token: "tron:0xcd8690dc/slip44:196"},
		Bad:      chains.Holding{Account: "tron:0xcd8690dc:TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHq", Token: native},
	}
}

func TestConformance(t *testing.T) { chainstest.Run(t, subject(t)) }

func TestB20_NeverHeaderTrusted(t *testing.T) { chainstest.NeverHeaderTrusted(t, subject(t)) }

func TestPinnedBlockIsTheRecordedOne(t *testing.T) {
	block := mustPin(t, open(t, nile, 0, play(t).URL))
	want := chains.BlockRef{Chain: nile, Hash: "0000000003fe262d52bfa4b2814f816fd2e57af5b98a33d60d8630a03a908e0e", Number: pinnedNumber, Time: time.Date(2026, 4, 29, 6, 45, 21, 0, time.UTC)}
	if block != want {
		t.Errorf("got %+v, want %+v", block, want)
	}
}

// TRX is told of the pinned block, a token of the head at most.
func TestNumbersOfAnswers(t *testing.T) {
	source := open(t, nile, 0, play(t).URL)
	evidence, err := source.Gather(t.Context(), testSnap, mustPin(t, source), []chains.Holding{{Account: holder, Token: native}, {Account: holder, Token: token}})
	if err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, a := range evidence.File.(attested.Evidence).Attested[0].Answers {
		got = append(got, a.Number)
	}
	if d := cmp.Diff([]uint64{pinnedNumber, headNumber}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestB02_Reorg(t *testing.T) {
	s := play(t)
	source := open(t, nile, 0, s.URL)
	block := mustPin(t, source)
	s.intervene = func(path string, _ object, _ http.ResponseWriter) bool {
		if path == "wallet/getaccountbalance" {
			s.mu.Lock()
			s.fork = "f0f0"
			s.mu.Unlock()
		}
		return false
	}
	var reorged *chains.ReorgedError
	for _, when := range []string{"while gathering", "afterwards"} {
		_, err := source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: holder, Token: native}})
		if !errors.As(err, &reorged) || reorged.Block != block || !strings.HasSuffix(reorged.Got, "f0f0") {
			t.Errorf("%s: got %v, want a ReorgedError", when, err)
		}
	}
}

// A node without the index says 0 of every account. Two of them agree, and are
// not believed either.
func TestB03_SilentZero(t *testing.T) {
	holdings := []chains.Holding{{Account: holder, Token: native}}
	empty := []chains.Holding{{Account: "tron:0xcd8690dc:TS42R1n377ZvjCERGYDMjk3sgtCNpPPPPP", Token: native}}
	for name, c := range map[string]struct {
		alter    func(*server)
		nodes    int
		holdings []chains.Holding
		refused  string
	}{
		"one node without the index":             {func(s *server) { s.history = false }, 1, holdings, "keeps no changes of balances"},
		"two nodes without the index":            {func(s *server) { s.history = false }, 2, holdings, "keeps no changes of balances"},
		"one node with the index":                {func(*server) {}, 1, empty, "no second node says so"},
		"two nodes with the index":               {func(*server) {}, 2, empty, ""},
		"one node that hides whether it has it":  {func(s *server) { s.noTraces = true }, 1, empty, "no second node says so"},
		"two nodes that hide whether they do":    {func(s *server) { s.noTraces = true }, 2, empty, ""},
		"one node with the index and no 0 of it": {func(*server) {}, 1, holdings, ""},
	} {
		var urls []string
		for range c.nodes {
			s := play(t)
			c.alter(s)
			urls = append(urls, s.URL)
		}
		source := open(t, nile, 0, urls...)
		_, err := source.Gather(t.Context(), testSnap, mustPin(t, source), c.holdings)
		var zero *attested.ZeroError
		if c.refused == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &zero) || !strings.Contains(err.Error(), c.refused) || !strings.Contains(err.Error(), "storage.balance.history.lookup = true") {
			t.Errorf("%s: got %v, want a ZeroError that says %q and what to do", name, err, c.refused)
		}
	}
}

func TestB04_OneNodeOfTwoLies(t *testing.T) {
	for name, lie := range map[string]func(s *server){
		"another balance": func(s *server) { s.coins["41f7c3feccb6461aab0fd25f61d9560645b08228cb"] = 6 },
		"another token balance": func(s *server) {
			s.intervene = func(path string, _ object, w http.ResponseWriter) bool {
				if path != "walletsolidity/triggerconstantcontract" {
					return false
				}
				answer := recorded(t, "constant")
				answer["constant_result"] = []string{strings.Repeat("0", 63) + "6"}
				_ = json.NewEncoder(w).Encode(answer)
				return true
			}
		},
	} {
		liar := play(t)
		lie(liar)
		source := open(t, nile, 0, play(t).URL, liar.URL)
		_, err := source.Gather(t.Context(), testSnap, mustPin(t, source), []chains.Holding{{Account: stranger, Token: native}, {Account: stranger, Token: token}})
		var disagree *chains.DisagreementError
		if !errors.As(err, &disagree) || len(disagree.Answers) != 2 || disagree.Answers[0].Answer == disagree.Answers[1].Answer ||
			!strings.Contains(err.Error(), "node 1 (") || !strings.Contains(err.Error(), "node 2 (") {
			t.Errorf("%s: got %v, want a DisagreementError with both answers", name, err)
		}
	}
	forked := play(t)
	forked.fork = "f0f0"
	_, err := open(t, nile, 0, play(t).URL, forked.URL).Pin(t.Context(), instant)
	var disagree *chains.DisagreementError
	if !errors.As(err, &disagree) || !strings.Contains(err.Error(), "f0f0") {
		t.Errorf("another block: got %v, want a DisagreementError", err)
	}
	lagging := play(t)
	lagging.head = pinnedNumber
	var notFinal *chains.NotFinalError
	if _, err := open(t, nile, 0, play(t).URL, lagging.URL).Pin(t.Context(), instant); !errors.As(err, &notFinal) {
		t.Errorf("a node that lags: got %v, want a NotFinalError", err)
	}
	source := open(t, nile, 0, play(t).URL)
	block := mustPin(t, source)
	lagging.head = pinnedNumber - 1
	var lost *chains.HistoryLostError
	if _, err := open(t, nile, 0, lagging.URL).Gather(t.Context(), testSnap, block, nil); !errors.As(err, &lost) {
		t.Errorf("a node that lags while gathering: got %v, want a HistoryLostError", err)
	}
}

func TestB21_AddressSpellings(t *testing.T) {
	const right = "TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHp"
	if got, err := ParseAddress(right); err != nil || got != right {
		t.Errorf("got %q, %v", got, err)
	}
	for _, wrong := range []string{
		"", right + " ", " " + right, right + right, right[:33], strings.ToLower(right), "TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHq",
		"41dd791d6b49e190062d650e6a23c575510d35f2f9", "0xdd791d6b49e190062d650e6a23c575510d35f2f9",
		"1MC3RcBXcyNTQZtiSwzPqfPLeN82ayzW1G", // the same 20 bytes on Bitcoin
		"TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqp0p", "ТWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpH", strings.Repeat("T", 100000),
	} {
		if got, err := ParseAddress(wrong); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.50q: got %q, %.300v", wrong, got, err)
		}
	}
	source := open(t, nile, 0, play(t).URL)
	bad := chains.Holding{Account: holder, Token: "tron:0xcd8690dc/trc20:TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBg"}
	var refused *chains.HoldingError
	if _, err := source.Gather(t.Context(), testSnap, mustPin(t, source), []chains.Holding{bad}); !errors.As(err, &refused) {
		t.Errorf("a contract that is none: got %v, want a HoldingError", err)
	}
}

// What a node may answer in place of a balance, and what becomes of it.
func TestB22_HostileBalances(t *testing.T) {
	const coins, tokens = "wallet/getaccountbalance", "walletsolidity/triggerconstantcontract"
	for name, c := range map[string]struct{ path, answer, says string }{
		"no block":           {coins, `{"balance":5}`, "names no block"},
		"a later block":      {coins, `{"balance":5,"block_identifier":{"hash":"` + strings.Repeat("0", 64) + `","number":66987566}}`, "after the pinned"},
		"a sibling":          {coins, `{"balance":5,"block_identifier":{"hash":"` + strings.Repeat("0", 64) + `","number":66987565}}`, "pinned is"},
		"a negative balance": {coins, `{"balance":-5,"block_identifier":{"hash":"` + strings.Repeat("0", 64) + `","number":1}}`, "malformed"},
		"a fraction":         {coins, `{"balance":5.5,"block_identifier":{"hash":"` + strings.Repeat("0", 64) + `","number":1}}`, "malformed"},
		"too much":           {coins, `{"balance":18446744073709551616,"block_identifier":{"hash":"` + strings.Repeat("0", 64) + `","number":1}}`, "malformed"},
		"null":               {coins, `null`, "names no block"},
		"an error":           {coins, `{"Error":"class java.lang.Exception : \u001b[2J"}`, "it says: class java.lang.Exception"},
		"a lite node":        {coins, `this API is closed because this node is a lite fullnode`, "ask a full node"},
		"no contract":        {tokens, `{"result":{"code":"CONTRACT_VALIDATE_ERROR","message":"536d61727420636f6e7472616374206973206e6f742065786973742e"}}`, "Smart contract is not exist."},
		"a revert": {tokens, `{"result":{"result":true,"message":"524556455254206f70636f6465206578656375746564"},"constant_result":["` +
			strings.Repeat("0", 64) + `"],"transaction":{"ret":[{"ret":"FAILED"}]}}`, "REVERT opcode executed"},
		"a silent revert": {tokens, `{"result":{"result":true},"constant_result":["` + strings.Repeat("0", 64) + `"],"transaction":{"ret":[{"ret":"FAILED"}]}}`, "FAILED"},
		"no word":         {tokens, `{"result":{"result":true},"constant_result":[""]}`, "no word"},
		"two words":       {tokens, `{"result":{"result":true},"constant_result":["` + strings.Repeat("0", 64) + `","` + strings.Repeat("0", 64) + `"]}`, "no word"},
		"a reason":        {tokens, `{"result":{"result":true},"constant_result":["08c379a0` + strings.Repeat("0", 128) + `"]}`, "no word"},
	} {
		s := play(t)
		source := open(t, nile, 0, s.URL)
		block := mustPin(t, source)
		s.intervene = func(path string, _ object, w http.ResponseWriter) bool {
			if path == c.path {
				_, _ = w.Write([]byte(c.answer))
			}
			return path == c.path
		}
		evidence, err := source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: holder, Token: native}, {Account: holder, Token: token}})
		var refused *chains.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: got %v, %v, want a RefusedError that says %q", name, evidence.Balances, err, c.says)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"too many questions": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
		"dropped":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"without end":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
	} {
		s := play(t)
		source := open(t, nile, 1<<16, s.URL)
		block := mustPin(t, source)
		s.intervene = func(path string, _ object, w http.ResponseWriter) bool {
			if path == coins {
				answer(w, nil)
			}
			return path == coins
		}
		var unreachable *chains.UnreachableError
		if _, err := source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: holder, Token: native}}); !errors.As(err, &unreachable) {
			t.Errorf("%s: got %v, want an UnreachableError", name, err)
		}
	}
}

func TestPinTellsWhatIsMissing(t *testing.T) {
	s := play(t)
	s.intervene = func(path string, _ object, w http.ResponseWriter) bool {
		if strings.HasPrefix(path, "walletsolidity/") {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}
	if _, err := open(t, nile, 0, s.URL).Pin(t.Context(), instant); err == nil || !strings.Contains(err.Error(), "must serve both /wallet and /walletsolidity") {
		t.Errorf("no /walletsolidity: got %v", err)
	}
	pruned := play(t)
	pruned.intervene = func(_ string, question object, w http.ResponseWriter) bool {
		if number, ok := question["num"].(json.Number); ok && number != "0" && number < "66987566" {
			_, _ = w.Write([]byte("{}"))
			return true
		}
		return false
	}
	var lost *chains.HistoryLostError
	if _, err := open(t, nile, 0, pruned.URL).Pin(t.Context(), instant); !errors.As(err, &lost) || lost.Block.Number != pinnedNumber {
		t.Errorf("pruned: got %v, want a HistoryLostError of the pinned block", err)
	}
}

func TestParseBlock(t *testing.T) {
	raw, err := os.ReadFile("testdata/genesis.json")
	if err != nil {
		t.Fatal(err)
	}
	if block, ok, err := parseBlock(raw); err != nil || !ok || block.Number != 0 || block.Hash[56:] != "2b6653dc" {
		t.Errorf("the recorded genesis block: got %+v, %v, %v", block, ok, err)
	}
	id := func(number string) string { return number + strings.Repeat("0", 48) }
	for name, c := range map[string]struct{ body, says string }{
		"another number":   {`{"blockID":"` + id("0000000000000002") + `","block_header":{"raw_data":{"number":1}}}`, "is not of block 1"},
		"upper case":       {`{"blockID":"` + id("000000000000000A") + `","block_header":{"raw_data":{"number":10}}}`, "64 hex digits"},
		"no header":        {`{"blockID":"` + id("0000000000000001") + `"}`, "header"},
		"no id":            {`{"block_header":{"raw_data":{"number":1}}}`, "64 hex digits"},
		"a negative time":  {`{"blockID":"` + id("0000000000000001") + `","block_header":{"raw_data":{"number":1,"timestamp":-1}}}`, "no block"},
		"a time far ahead": {`{"blockID":"` + id("0000000000000001") + `","block_header":{"raw_data":{"number":1,"timestamp":18446744073709551615}}}`, "out of range"},
	} {
		if block, ok, err := parseBlock([]byte(c.body)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %+v, %v, %v, want %q", name, block, ok, err, c.says)
		}
	}
	// A block within a second is later than the second.
	block, _, err := parseBlock([]byte(`{"blockID":"` + id("0000000000000001") + `","block_header":{"raw_data":{"number":1,"timestamp":1500}}}`))
	if err != nil || block.Time.Unix() != 2 {
		t.Errorf("got %v, %v, want second 2", block.Time, err)
	}
}

// seeds adds the recorded answers.
func seeds(f *testing.F) {
	f.Helper()
	for _, name := range []string{"genesis", "nowblock", "block", "accountbalance", "blockbalance", "blockbalance-off", "constant"} {
		raw, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("{}"))
	f.Add([]byte("null"))
}

func FuzzParseBlock(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if block, ok, err := parseBlock(body); ok && (err != nil || !isHash(block.Hash) || block.Time.Year() > 9999 || block.Time.Unix() < 0) {
			t.Errorf("%q: got %+v, %v", body, block, err)
		}
	})
}

func FuzzParseBalance(f *testing.F) {
	seeds(f)
	pinned := chains.BlockRef{Hash: "0000000003fe262d52bfa4b2814f816fd2e57af5b98a33d60d8630a03a908e0e", Number: pinnedNumber}
	f.Fuzz(func(t *testing.T, body []byte) {
		if amount, err := parseBalance(body, pinned); (amount == nil) == (err == nil) {
			t.Errorf("%q: got %v, %v", body, amount, err)
		}
	})
}

func FuzzParseConstant(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		if amount, err := parseConstant(body); (amount == nil) == (err == nil) {
			t.Errorf("%q: got %v, %v", body, amount, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHp", "", "1MC3RcBXcyNTQZtiSwzPqfPLeN82ayzW1G", "T"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseAddress(text)
		if err != nil {
			return
		}
		if _, bad := chains.ParseAccount(string(nile) + ":" + got); bad != nil || got != text {
			t.Errorf("%q: got %q, which is no account: %v", text, got, bad)
		}
	})
}

package xrpl

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/chainstest"
)

// subject is a recorded node of the main network, and this adapter for it.
func subject(t *testing.T) chainstest.Subject {
	t.Helper()
	s := play(t)
	return chainstest.Subject{
		Chain: mainnet, Instant: instant, Pinned: pinnedIndex, URL: s.URL, Other: testnet,
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			return open(t, chain, limit, urls...)
		},
		Holdings: []chains.Holding{{Account: holder, Token: native}, {Account: nobody, Token: native}},
		Amounts:  []string{"9986", "0"},
		Grade:    chains.NodeAttested,
		Foreign:  chains.Holding{Account: "xrpl:1:rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn", Token: "xrpl:1/slip44:144"},
		Alias:    chains.Holding{Account: holder, Token: "xrpl:0/slip44:145"},
		Bad:      chains.Holding{Account: "xrpl:0:rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCm", Token: native},
		Evidence: "account_info",
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

func TestPinnedLedgerIsTheRecordedOne(t *testing.T) {
	source := open(t, mainnet, 0, play(t).URL)
	want := chains.BlockRef{Chain: mainnet, Hash: pinnedHash, Number: pinnedIndex, Time: time.Date(2023, 11, 1, 21, 20, 1, 0, time.UTC)}
	if block := mustPin(t, source); block != want {
		t.Errorf("got %+v, want %+v", block, want)
	}
	evidence, err := source.Gather(t.Context(), testSnap, want, []chains.Holding{{Account: holder, Token: native}})
	if err != nil {
		t.Fatal(err)
	}
	if a := evidence.File.(attested.Evidence).Attested[0]; a.Block.Time != "2023-11-01T21:20:01Z" || a.Answers[0].Number != pinnedIndex {
		t.Errorf("got %+v", a)
	}
}

// A node that names no network is of the main one; one that names another is not.
func TestNetworkNumber(t *testing.T) {
	old := play(t)
	old.intervene = func(method string, _ object, w http.ResponseWriter) bool {
		if method != "server_info" {
			return false
		}
		answer := recorded(t, "server_info")
		delete(answer["result"].(object)["info"].(object), "network_id")
		_ = json.NewEncoder(w).Encode(answer)
		return true
	}
	if _, err := open(t, mainnet, 0, old.URL).Pin(t.Context(), instant); err != nil {
		t.Errorf("a node that names no network: %v", err)
	}
	other := play(t)
	other.info = "server_info-testnet"
	var wrong *chains.WrongChainError
	if _, err := open(t, mainnet, 0, other.URL).Pin(t.Context(), instant); !errors.As(err, &wrong) || wrong.Got != testnet {
		t.Errorf("a node of the test network: got %v, want a WrongChainError", err)
	}
}

func TestB18_HistoryLost(t *testing.T) {
	s := play(t)
	source := open(t, mainnet, 0, s.URL)
	block := mustPin(t, source)
	s.kept = pinnedIndex + 1
	var lost *chains.HistoryLostError
	if _, err := source.Pin(t.Context(), instant); !errors.As(err, &lost) || lost.Block.Number != pinnedIndex {
		t.Errorf("Pin: got %v, want a HistoryLostError", err)
	}
	if _, err := source.Gather(t.Context(), testSnap, block, nil); !errors.As(err, &lost) {
		t.Errorf("Gather: got %v, want a HistoryLostError", err)
	}
	s.kept = 0
	s.intervene = func(method string, _ object, w http.ResponseWriter) bool {
		if method == "account_info" {
			_ = json.NewEncoder(w).Encode(recorded(t, "no_ledger"))
		}
		return method == "account_info"
	}
	if _, err := source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: holder, Token: native}}); !errors.As(err, &lost) {
		t.Errorf("only the state is gone: got %v, want a HistoryLostError", err)
	}
}

// actNotFound is 0 drops where it names the pinned ledger, and an error
// anywhere else.
func TestB03_AbsenceIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ answer, says string }{
		"names no ledger":      {`{"result":{"error":"actNotFound","error_code":19,"error_message":"Account not found.","status":"error"}}`, "not the pinned ledger"},
		"the recorded ledger":  {"not_found", "not the pinned ledger"},
		"another ledger":       {`{"result":{"error":"actNotFound","ledger_hash":"` + parentHash + `","ledger_index":83626951,"validated":true}}`, "not the pinned ledger"},
		"another number":       {`{"result":{"error":"actNotFound","ledger_hash":"` + pinnedHash + `","ledger_index":83626951,"validated":true}}`, "not the pinned ledger"},
		"not validated":        {`{"result":{"error":"actNotFound","ledger_hash":"` + pinnedHash + `","ledger_index":83626952,"validated":false}}`, "not validated"},
		"another account":      {`{"result":{"error":"actNotFound","account":"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn","ledger_hash":"` + pinnedHash + `","ledger_index":83626952,"validated":true}}`, "is about"},
		"another question":     {`{"result":{"error":"actNotFound","request":{"account":"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn","ledger_hash":"` + pinnedHash + `"}}}`, "not the pinned ledger"},
		"the current ledger":   {`{"result":{"error":"actNotFound","ledger_current_index":83626953,"request":{"account":"rLiAJ4gvUje4GCYADp8ECRnSMQAkFkWDta"},"validated":false}}`, "not the pinned ledger"},
		"another failure":      {"no_network", "noNetwork"},
		"a malformed account":  {`{"result":{"error":"actMalformed","ledger_hash":"` + pinnedHash + `","ledger_index":83626952,"validated":true}}`, "actMalformed"},
		"no account, no error": {`{"result":{"ledger_hash":"` + pinnedHash + `","ledger_index":83626952,"validated":true}}`, "another account, or none"},
	} {
		s := play(t)
		source := open(t, mainnet, 0, s.URL)
		block := mustPin(t, source)
		s.intervene = func(method string, _ object, w http.ResponseWriter) bool {
			switch {
			case method != "account_info":
			case strings.HasPrefix(c.answer, "{"):
				_, _ = w.Write([]byte(c.answer))
			default:
				_ = json.NewEncoder(w).Encode(recorded(t, c.answer))
			}
			return method == "account_info"
		}
		evidence, err := source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: nobody, Token: native}})
		var refused *chains.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, %v, want a RefusedError that says %q", name, evidence.Balances, err, c.says)
		}
	}
	clio := play(t)
	clio.clio = true
	source := open(t, mainnet, 0, clio.URL)
	evidence, err := source.Gather(t.Context(), testSnap, mustPin(t, source), []chains.Holding{{Account: nobody, Token: native}})
	if err != nil || !evidence.Balances[0].Amount.IsZero() {
		t.Errorf("Clio: got %v, %v, want 0", evidence.Balances, err)
	}
}

func TestB04_OneNodeOfTwoLies(t *testing.T) {
	liar := play(t)
	liar.intervene = func(method string, params object, w http.ResponseWriter) bool {
		if method != "account_info" {
			return false
		}
		answer := liar.account(params)
		answer["result"].(object)["account_data"].(object)["Balance"] = "9987"
		_ = json.NewEncoder(w).Encode(answer)
		return true
	}
	source := open(t, mainnet, 0, play(t).URL, liar.URL)
	_, err := source.Gather(t.Context(), testSnap, mustPin(t, source), []chains.Holding{{Account: holder, Token: native}})
	var disagree *chains.DisagreementError
	if !errors.As(err, &disagree) || !strings.Contains(err.Error(), "says 9986 at block 83626952") || !strings.Contains(err.Error(), "says 9987 at block 83626952") {
		t.Errorf("got %v, want a DisagreementError with both answers", err)
	}
	forked := play(t)
	forked.fork = 1
	if _, err := open(t, mainnet, 0, play(t).URL, forked.URL).Pin(t.Context(), instant); !errors.As(err, &disagree) {
		t.Errorf("another ledger: got %v, want a DisagreementError", err)
	}
}

func TestB21_AddressSpellings(t *testing.T) {
	for _, right := range []string{"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn", "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59", "rrrrrrrrrrrrrrrrrrrrrhoLvTp", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"} {
		if got, err := ParseAddress(right); err != nil || got != right {
			t.Errorf("got %q, %v", got, err)
		}
	}
	const right = "rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn"
	for wrong, says := range map[string]string{
		"": "want r", right + " ": "want base58check", right + right: "want r", right[:33]: "", strings.ToLower(right): "",
		"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCm":                   "checksum",
		"1MC3RcBXcyNTQZtiSwzPqfPLeN82ayzW1G":                   "",          // of Bitcoin, in its alphabet
		"XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi":      "X-address", // holds a tag
		"n9KQK8yvTDcZdGyhu2EGdDnFPEBSsY5wEgpU5GgpygTgLFsjQyPt": "want r",    // a node's key
		"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jC0":                   "", strings.Repeat("r", 100000): "want r",
	} {
		if got, err := ParseAddress(wrong); err == nil || len(err.Error()) > 300 || !strings.Contains(err.Error(), says) {
			t.Errorf("%.50q: got %q, %.300v, want an error that says %q", wrong, got, err, says)
		}
	}
}

// What a node may answer in place of a ledger or a balance.
func TestB22_HostileAnswers(t *testing.T) {
	ledger := func(from, to string) string { return altered(t, "ledger", from, to) }
	for name, c := range map[string]struct{ method, answer, says string }{
		"a ledger of two hashes":     {"ledger", ledger(`"ledger_hash":"140B`, `"ledger_hash":"150B`), "two hashes"},
		"not validated":              {"ledger", ledger(`"validated":true`, `"validated":false`), "is not validated"},
		"not closed":                 {"ledger", ledger(`"closed":true`, `"closed":false`), "is not validated"},
		"no time":                    {"ledger", ledger(`"close_time":752188801,`, ``), "close time"},
		"a negative time":            {"ledger", ledger(`"close_time":752188801`, `"close_time":-1`), "want an object"},
		"no validated ledger":        {"ledger", `{"result":{"error":"lgrNotFound","status":"error"}}`, "still syncing"},
		"not synced":                 {"ledger", `{"result":{"error":"noNetwork","error_message":"Not synced to the network.","status":"error"}}`, "Not synced"},
		"slow down":                  {"server_info", `{"result":{"error":"slowDown","error_message":"You are placing too much load on the server.","status":"error"}}`, "too much load"},
		"no info":                    {"server_info", `{"result":{"status":"success"}}`, "no info"},
		"a network number too large": {"server_info", `{"result":{"info":{"network_id":4294967296}}}`, "want an object"},
		"a balance of another":       {"account_info", altered(t, "account_info", "rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"), "not the pinned ledger"},
		"the recorded ledger":        {"account_info", altered(t, "account_info", "", ""), "not the pinned ledger"},
		"the current ledger":         {"account_info", altered(t, "account_info-current", "", ""), "not the pinned ledger"},
		"a float":                    {"account_info", pinnedAccount(t, `"Balance":"9986"`, `"Balance":"9.986"`), "no number of drops"},
		"a negative balance":         {"account_info", pinnedAccount(t, `"Balance":"9986"`, `"Balance":"-9986"`), "no number of drops"},
		"a leading zero":             {"account_info", pinnedAccount(t, `"Balance":"9986"`, `"Balance":"09986"`), "no number of drops"},
		"too much":                   {"account_info", pinnedAccount(t, `"Balance":"9986"`, `"Balance":"18446744073709551616"`), "no number of drops"},
		"a number for a text":        {"account_info", pinnedAccount(t, `"Balance":"9986"`, `"Balance":9986`), "want an object"},
		"of another account":         {"account_info", pinnedAccount(t, `"Account":"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn"`, `"Account":"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"`), "another account"},
	} {
		s := play(t)
		s.intervene = func(method string, _ object, w http.ResponseWriter) bool {
			if method == c.method {
				_, _ = w.Write([]byte(c.answer))
			}
			return method == c.method
		}
		source := open(t, mainnet, 0, s.URL)
		block, err := source.Pin(t.Context(), instant)
		if err == nil {
			_, err = source.Gather(t.Context(), testSnap, block, []chains.Holding{{Account: holder, Token: native}})
		}
		var refused *chains.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want a RefusedError that says %q", name, err, c.says)
		}
	}
}

// altered returns a recorded answer with one place changed.
func altered(t *testing.T, name, from, to string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), from) {
		t.Fatalf("the recorded answer has no %s", from)
	}
	return strings.Replace(string(raw), from, to, 1)
}

// pinnedAccount returns the recorded account at the recorded ledger, with one
// place changed.
func pinnedAccount(t *testing.T, from, to string) string {
	t.Helper()
	return strings.NewReplacer("8169428EDF7F046F817CE44F5F1DF23AD9FAEFFA2CBA7645C3254D66AA79B46E", pinnedHash, "56843712", "83626952").
		Replace(altered(t, "account_info", from, to))
}

func seeds(f *testing.F) {
	f.Helper()
	for _, name := range []string{"server_info", "server_info-testnet", "ledger", "account_info", "account_info-current", "not_found", "no_network", "no_ledger"} {
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
	f.Add([]byte("null"))
}

func FuzzParseLedger(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, result []byte) {
		block, failed, err := parseLedger(result)
		if err == nil && failed.Name == "" && (!isHash(block.Hash) || block.Time.Unix() < epoch || block.Time.Year() > 9999) {
			t.Errorf("%q: got %+v", result, block)
		}
		if _, _, err := parseInfo(result); err == nil && len(result) < 4 {
			t.Errorf("%q is taken for info", result)
		}
	})
}

func FuzzParseAccount(f *testing.F) {
	seeds(f)
	pinned := chains.BlockRef{Hash: "8169428EDF7F046F817CE44F5F1DF23AD9FAEFFA2CBA7645C3254D66AA79B46E", Number: 56843712}
	f.Fuzz(func(t *testing.T, result []byte) {
		amount, failed, err := parseAccount(result, holder.Address(), pinned)
		if (amount != nil) != (err == nil && failed.Name == "") {
			t.Errorf("%q: got %v, %v, %v", result, amount, failed, err)
		}
		if amount != nil && !strings.Contains(string(result), pinned.Hash) && !strings.Contains(string(result), `\u`) {
			t.Errorf("%q: an answer that does not name the ledger is taken: %v", result, amount)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn", "rrrrrrrrrrrrrrrrrrrrrhoLvTp", ""} {
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

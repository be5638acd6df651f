package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/chains"
)

// rippled plays a node of the XRP Ledger's main network: the recorded ledger 83626952 and the one after it, and the recorded
// account with a balance.
func rippled(t *testing.T, balance string) string {
	t.Helper()
	recorded := func(name string) string { return read(t, "..", "..", "chains", "xrpl", "testdata", name+".json") }
	const hash, index = "140B769E9ED61FCD675A6EEC1F005084614314C1D675C2CFDD11A1024BBD2C96", "83626952"
	ledger := recorded("ledger")
	next := strings.NewReplacer(hash, strings.Repeat("A", 64), index, "83626953", "752188801", "752188810").Replace(ledger)
	account := strings.NewReplacer("8169428EDF7F046F817CE44F5F1DF23AD9FAEFFA2CBA7645C3254D66AA79B46E", hash, "56843712", index, `"9986"`, `"`+balance+`"`).
		Replace(recorded("account_info"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var question struct {
			Method string           `json:"method"`
			Params []map[string]any `json:"params"`
		}
		if err := json.NewDecoder(r.Body).Decode(&question); err != nil {
			t.Error(err)
		}
		answer := recorded("no_ledger")
		switch which := question.Params[0]["ledger_index"]; {
		case question.Method == "server_info":
			answer = recorded("server_info")
		case question.Method == "account_info":
			answer = account
		case which == "validated", which == float64(83626953):
			answer = next
		case which == float64(83626952):
			answer = ledger
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func xrplConfig(t *testing.T, assay string, urls ...string) string {
	t.Helper()
	text := fmt.Sprintf(`[exchange]
name = "Demo Exchange"
entity = "Demo Ltd."
[scope]
included = ["spot"]
[ledger]
files = ["ledger.csv"]
[[asset]]
id = "XRP"
decimals = 6
tokens = [{ id = "xrpl:0/slip44:144", decimals = 6, class = "native" }]
[[chain]]
id = "xrpl:0"
nodes = ["%s"]
[[wallet]]
chain = "xrpl:0"
custody = "own-cold"
accounts = ["rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn"]
`, strings.Join(urls, `", "`))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init"}, {"ledger", "synth", "--customers", "20", "--held", "1", "--out", "ledger.csv"}, {"snapshot", "--at", "2023-11-01T21:20:05Z"}} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatalf("assay %s: %s", args, stderr)
		}
	}
	return dir
}

// Two nodes that say the same give evidence in the bundle's form; a policy may ask for two.
func TestAttestedReserves(t *testing.T) {
	assay, verify := programs(t)
	dir := xrplConfig(t, assay, rippled(t, "9986"), rippled(t, "9986"))
	if code, _, stderr := call(t, dir, assay, "reserves", "--quiet"); code != exitDone {
		t.Fatal(stderr)
	}
	found, err := filepath.Glob(filepath.Join(dir, "run", "*", "reserves", "evidence", "xrpl-0.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("evidence files: %v, %v", found, err)
	}
	raw := read(t, found[0])
	for _, want := range []string{
		`"type":"assay/v1/evidence/attested"`, `"node":"node 1"`, `"node":"node 2"`,
		`"block":{"hash":"140B769E9ED61FCD675A6EEC1F005084614314C1D675C2CFDD11A1024BBD2C96","number":83626952,"time":"2023-11-01T21:20:01Z"}`,
		`{"account":"xrpl:0:rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn","amount":"9986","number":83626952,"token":"xrpl:0/slip44:144"}`,
	} {
		if !strings.Contains(raw, want) {
			t.Errorf("the evidence has no %s: %s", want, raw)
		}
	}
	one := xrplConfig(t, assay, rippled(t, "9986"))
	for _, c := range []struct {
		dir, nodes, counted string
	}{{dir, "", "0.009986"}, {dir, "nodes = 2\n", "0.009986"}, {dir, "nodes = 3\n", "0"}, {one, "", "0.009986"}, {one, "nodes = 2\n", "0"}} {
		must(t, c.dir, assay, "run", "--unsigned", "--quiet")
		v := judged(t, c.dir, verify, exitDone, `"inclusion-proved"`, `"node-attested"`, "control = [", `control = ["none", `, "[liabilities]", c.nodes+"[liabilities]")
		g := v.Reserves[0].Groups
		if len(g) != 1 || g[0].Evidence != "node-attested" || g[0].Counted != (c.counted != "0") || v.Coverage[0].Counted != c.counted {
			t.Errorf("%q: groups %+v, coverage %+v, want %s counted", c.nodes, g, v.Coverage, c.counted)
		}
	}
}

func TestB04_AttestedReservesDisagree(t *testing.T) {
	assay, _ := programs(t)
	dir := xrplConfig(t, assay, rippled(t, "9986"), rippled(t, "9985"))
	expect(t, dir, assay, exitRefused, "disagree on the balance of xrpl:0:rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn", "reserves", "--quiet")
	if found, _ := filepath.Glob(filepath.Join(dir, "run", "gathered", "*")); len(found) > 0 {
		t.Errorf("evidence was kept all the same: %v", found)
	}
}

func TestB21_AccountsOfOtherChains(t *testing.T) {
	for _, c := range []struct{ chain, address, want string }{
		{"tron:0x2b6653dc", "TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHp", ""},
		{"tron:0x2b6653dc", "TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHq", "checksum"},
		{"tron:0x2b6653dc", "41dd791d6b49e190062d650e6a23c575510d35f2f9", "not an address of Tron"},
		{"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg", ""},
		{"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPT", "32 bytes"},
		{"xrpl:0", "rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn", ""},
		{"xrpl:0", "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi", "X-address"},
		{"xrpl:0", "RG1QQV2NH2GR7RCZ1P8YYCBUKCCN633JCN", "checksum"},
		{"cosmos:cosmoshub-4", "cosmos1x", "want eip155"},
	} {
		for _, prefix := range []string{"", c.chain + ":"} {
			got, err := canonicalAccount(c.chain, prefix+c.address)
			switch {
			case c.want == "" && (err != nil || got != chains.Account(c.chain+":"+c.address)):
				t.Errorf("%s %s: got %q, %v", c.chain, prefix+c.address, got, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s %s: got %q, %v, want %q", c.chain, prefix+c.address, got, err, c.want)
			}
		}
	}
}

func TestSourceOfEveryNamespace(t *testing.T) {
	s := &stages{ctx: t.Context(), config: &Config{}}
	for _, id := range []string{"tron:0x2b6653dc", "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "xrpl:0"} {
		s.config.Chains = []ChainConfig{{ID: id, Nodes: []string{"http://127.0.0.1:1"}}}
		if source, err := s.source(t.Context(), chains.Chain(id)); err != nil || source == nil {
			t.Errorf("%s: %v", id, err)
		}
		s.config.Chains[0].Confirmations = 6
		if _, err := s.source(t.Context(), chains.Chain(id)); err == nil || !strings.Contains(err.Error(), "confirmations has no meaning") {
			t.Errorf("%s with confirmations: got %v", id, err)
		}
	}
}

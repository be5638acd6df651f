package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

const (
	ethChain = string(devnet.EthereumChain)
	btcChain = string(devnet.BitcoinChain)
)

// B20: the hash of a block that nobody but the exchange vouched for comes from the reader's nodes, and a policy that takes no
// block without an anchor then proves the bundle.
func TestB20_AnchorsComeFromOwnNodes(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	policy, err := os.ReadFile(r.policy)
	if err != nil {
		t.Fatal(err)
	}
	strict := strings.Replace(string(policy), "anchored = false", "anchored = true", 1)
	if err := os.WriteFile(r.policy, []byte(strict), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := command("bundle", r.bundle, "--policy", r.policy); code != 1 || !strings.Contains(stdout, "anchor") {
		t.Fatalf("without anchors: exit %d\n%s", code, stdout)
	}
	anchors := filepath.Join(t.TempDir(), "anchors.toml")
	args := []string{"--node", ethChain + "=" + n.ethereum.URL(), "--anchors", anchors}
	if n.bitcoin != nil {
		args = append(args, "--node", btcChain+"="+n.bitcoin.URL())
	}
	v := r.recheck(t, 0, args...)
	v.want(t, "recheck."+ethChain+".block", "pass", r.ethereum.Hash)
	v.want(t, "recheck."+ethChain+".balances", "pass", "8 balances")
	if n.bitcoin != nil {
		v.want(t, "recheck."+btcChain+".block", "pass", r.bitcoin.Hash)
		v.want(t, "recheck."+btcChain+".unspent", "pass", "outputs are unspent now")
	}
	text, err := os.ReadFile(anchors)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.policy, append([]byte(strict), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := command("bundle", r.bundle, "--policy", r.policy); code != 0 || !strings.Contains(stdout, "confirmed by an anchor of the policy") {
		t.Errorf("with the anchors: exit %d\n%s%s", code, stdout, stderr)
	}
	// Once in the policy, they are not written again: a policy refuses two anchors of one block.
	code, stdout, stderr := command("recheck", r.bundle, "--policy", r.policy, "--node", ethChain+"="+n.ethereum.URL(), "--anchors", "-")
	if code != 0 || stdout != "" || !strings.Contains(stderr, "the policy has this anchor already") || !strings.Contains(stderr, "AGREED: ") {
		t.Errorf("exit %d, stdout %q\n%s", code, stdout, stderr)
	}
}

// B20: a block made up for the purpose is refused by a real node, and the anchor says what the node said.
func TestB20_MadeUpBlock(t *testing.T) {
	n := nodes(t)
	madeUp := "0x" + strings.Repeat("ab", 32)
	r := n.report(t, func(held *holdings) {
		for _, b := range held.blocks {
			if b["chain"] == devnet.EthereumChain {
				b["hash"] = madeUp
			}
		}
	})
	code, stdout, stderr := command("recheck", r.bundle, "--policy", r.policy, "--node", ethChain+"="+n.ethereum.URL(), "--anchors", "-")
	if code != 1 || strings.Contains(stdout, madeUp) || !strings.Contains(stdout, r.ethereum.Hash) {
		t.Errorf("exit %d, anchors\n%s", code, stdout)
	}
	for _, want := range []string{"✗ fail     recheck." + ethChain + ".block", "– skipped  recheck." + ethChain + ".balances", "the statement pins " + madeUp, "NOT AGREED: your nodes contradict the statement in recheck." + ethChain + ".block."} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in\n%s", want, stderr)
		}
	}
}

// B02: a pinned block that the chain has left since is refused by a real node that still knows it by its hash.
func TestB02_RecheckAfterAReorg(t *testing.T) {
	wallets, err := devnet.Wallets("reorg")
	if err != nil {
		t.Fatal(err)
	}
	n := &localNodes{instant: devnet.Instant(time.Now()), wallets: wallets}
	if n.ethereum, err = devnet.StartEthereum(devnet.EthereumOptions{Seed: "reorg", Instant: n.instant}); err != nil {
		t.Fatal(err)
	}
	defer n.ethereum.Close()
	r := n.report(t, nil)
	node := ethChain + "=" + n.ethereum.URL()
	r.recheck(t, 0, "--node", node)
	if err := n.ethereum.Reorg(r.ethereum.Number - 1); err != nil {
		t.Fatal(err)
	}
	r.recheck(t, 1, "--node", node).want(t, "recheck."+ethChain+".block", "fail", "the statement pins "+r.ethereum.Hash)
}

// B04: a node that alters the block or a balance contradicts, whatever the others say.
func TestB04_RecheckWithALyingNode(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	honest := ethChain + "=" + n.ethereum.URL()
	for _, tt := range []struct{ name, method, from, to, check, says string }{
		{"hash", "eth_getBlockByNumber", r.ethereum.Hash, "0x" + strings.Repeat("cd", 32), "block", "its block 64 is 0xcdcd"},
		{"time", "eth_getBlockByNumber", `"timestamp":"0x`, `"timestamp":"0x1`, "block", "its block 64 is of "},
		{"coins", "eth_getBalance", `"0x`, `"0x1`, "balances", "the statement says"},
		{"tokens", "eth_call", `"0x0`, `"0x1`, "balances", "the statement says"},
		{"no token", "eth_call", "", `"0x"`, "balances", "has no code at block 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			liar := chainstest.NewProxy(t, n.ethereum.URL())
			liar.Alter = func(call chainstest.Call, result json.RawMessage) json.RawMessage {
				if call.Method != tt.method {
					return nil
				}
				if tt.from == "" {
					return json.RawMessage(tt.to)
				}
				return json.RawMessage(strings.ReplaceAll(string(result), tt.from, tt.to))
			}
			v := r.recheck(t, 1, "--node", ethChain+"="+liar.URL)
			v.want(t, "recheck."+ethChain+"."+tt.check, "fail", tt.says)
			v = r.recheck(t, 1, "--node", honest, "--node", ethChain+"="+liar.URL)
			v.want(t, "recheck."+ethChain+"."+tt.check, "fail", tt.says)
			if tt.name == "hash" && len(v.Anchors) > 0 {
				t.Errorf("nodes that disagree gave the anchor %v", v.Anchors)
			}
		})
	}
	t.Run("reverts", func(t *testing.T) {
		liar := chainstest.NewProxy(t, n.ethereum.URL())
		liar.Refuse = func(call chainstest.Call) (int, string) {
			if call.Method == "eth_call" {
				return 3, "execution reverted"
			}
			return 0, ""
		}
		r.recheck(t, 1, "--node", ethChain+"="+liar.URL).want(t, "recheck."+ethChain+".balances", "fail", "refuses balanceOf")
	})
	// The other way about: the node is honest, and the signed line is false.
	false1 := n.report(t, func(held *holdings) {
		for _, l := range held.lines {
			if l["account"] == r.first {
				l["amount"] = "1" + l["amount"].(string)
			}
		}
	})
	false1.recheck(t, 1, "--node", honest).want(t, "recheck."+ethChain+".balances", "fail", r.first+" holds ")
}

// Nodes are asked by the block's hash, and only while it is canonical: a number may mean another block a moment later.
func TestRecheck_AsksByHash(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	watched := chainstest.NewProxy(t, n.ethereum.URL())
	watched.Before = func(call chainstest.Call) {
		if call.Method != "eth_getBalance" && call.Method != "eth_call" {
			return
		}
		if got, want := string(call.Params[1]), `{"blockHash":"`+r.ethereum.Hash+`","requireCanonical":true}`; got != want {
			t.Errorf("%s at %s, want %s", call.Method, got, want)
		}
	}
	v := r.recheck(t, 0, "--node", ethChain+"="+watched.URL, "--node", ethChain+"="+watched.URL+"/other")
	if got := watched.Count("eth_getBalance") + watched.Count("eth_call"); got != 16 {
		t.Errorf("%d questions about balances, want 8 of each node", got)
	}
	if len(v.Nodes) != 2 || v.Nodes[1] != v.Nodes[0]+" (number 2)" {
		t.Errorf("two paths of one host are told as %q", v.Nodes)
	}
	if n.bitcoin == nil {
		return
	}
	watched = chainstest.NewProxy(t, n.bitcoin.URL())
	watched.Before = func(call chainstest.Call) {
		if call.Method == "gettxout" && string(call.Params[2]) != "false" {
			t.Errorf("gettxout with the memory pool: %s", call.Params)
		}
	}
	r.recheck(t, 0, "--node", btcChain+"="+watched.URL)
	if watched.Count("gettxout") != 9 {
		t.Errorf("%d questions about outputs, want 9", watched.Count("gettxout"))
	}
}

// A node that no longer has the state leaves that part skipped, and the verdict says so.
func TestRecheck_StateLost(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	pruned := chainstest.NewProxy(t, n.ethereum.URL())
	pruned.Refuse = func(call chainstest.Call) (int, string) {
		if call.Method == "eth_getBalance" || call.Method == "eth_call" {
			return -32000, "missing trie node 00 (path ) state 0x00 is not available"
		}
		return 0, ""
	}
	v := r.recheck(t, 0, "--node", ethChain+"="+pruned.URL)
	v.want(t, "recheck."+ethChain+".block", "pass", "block 64")
	v.want(t, "recheck."+ethChain+".balances", "skipped", "it no longer has the state of block 64")
	if !strings.Contains(v.Summary, "Not rechecked: ") || !strings.Contains(v.Summary, "the balances on "+ethChain+" by node ") {
		t.Errorf("the summary hides what was not rechecked: %s", v.Summary)
	}
	// One that has it passes; the other is still named.
	v = r.recheck(t, 0, "--node", ethChain+"="+pruned.URL, "--node", ethChain+"="+n.ethereum.URL())
	v.want(t, "recheck."+ethChain+".balances", "pass", "it no longer has the state")
	if !strings.Contains(v.Summary, "the balances on "+ethChain+" by node ") {
		t.Errorf("the summary hides a node that lost the state: %s", v.Summary)
	}
	// Any other refusal is no answer.
	pruned.Refuse = func(call chainstest.Call) (int, string) {
		if call.Method == "eth_getBalance" {
			return -32005, "limit exceeded"
		}
		return 0, ""
	}
	r.recheck(t, 5, "--node", ethChain+"="+pruned.URL).want(t, "recheck."+ethChain+".balances", "skipped", "not answered: node ")
}

// A chain that is shorter contradicts only if it has passed the pinned block's time.
func TestRecheck_NodeBehind(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	short := chainstest.NewProxy(t, n.ethereum.URL())
	at := `"0x1"`
	short.Alter = func(call chainstest.Call, _ json.RawMessage) json.RawMessage {
		if call.Method != "eth_getBlockByNumber" || string(call.Params[0]) != `"latest"` {
			return nil
		}
		return json.RawMessage(`{"hash":"0x` + strings.Repeat("11", 32) + `","number":"0x20","timestamp":` + at + `}`)
	}
	r.recheck(t, 5, "--node", ethChain+"="+short.URL).want(t, "recheck."+ethChain+".block", "skipped", "ask again when it has caught up")
	at = `"0xffffffff"`
	r.recheck(t, 1, "--node", ethChain+"="+short.URL).want(t, "recheck."+ethChain+".block", "fail", "it had no block 64 by ")
}

// Outputs that a real node does not know, one that another node alters, and one of after the instant.
func TestB05_RecheckUnspent(t *testing.T) {
	n := nodes(t)
	n.needBitcoin(t)
	node := btcChain + "=" + n.bitcoin.URL()
	unknown := strings.Repeat("00", 32)
	extra := func(held *holdings) {
		path := "reserves/evidence/" + strings.ReplaceAll(btcChain, ":", "-") + ".json"
		var file obj
		if err := json.Unmarshal(held.evidence[path], &file); err != nil {
			t.Fatal(err)
		}
		outputs := file["outputs"].([]any)
		first := outputs[0].(obj)
		file["outputs"] = append([]any{obj{"account": first["account"], "amount": "5", "txid": unknown, "vout": 0}}, outputs...)
		held.evidence[path] = encode(file)
	}
	v := n.report(t, extra).recheck(t, 0, "--node", node)
	v.want(t, "recheck."+btcChain+".unspent", "pass", "outputs are unspent now")
	if last := v.Notes[len(v.Notes)-1]; !strings.Contains(last, "2 of 10 outputs are spent since or unknown to this node now") || !strings.Contains(last, unknown+":0") {
		t.Errorf("notes %q, want one that names the output that nobody knows and the one that was spent after the instant", v.Notes)
	}
	if !strings.Contains(v.Summary, "Not rechecked: ") || !strings.Contains(v.Summary, "2 of 10 outputs on "+btcChain+", spent since or unknown to node ") {
		t.Errorf("the summary hides outputs that were not found: %s", v.Summary)
	}
	r := n.report(t, nil)
	for _, tt := range []struct{ name, from, to, result, says string }{
		{"value", `"value":`, `"value":1`, "fail", "base units, the evidence says"},
		{"script", `"hex":"`, `"hex":"00`, "fail", "pays another script than that of "},
		{"confirmations", `"confirmations":`, `"confirmations":1,"was":`, "fail", "after the pinned block"},
		{"all spent", "", "null", "skipped", "spent since, or unknown to this node now"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			liar := chainstest.NewProxy(t, n.bitcoin.URL())
			liar.Alter = func(call chainstest.Call, result json.RawMessage) json.RawMessage {
				switch {
				case call.Method != "gettxout":
					return nil
				case tt.from == "":
					return json.RawMessage(tt.to)
				}
				return json.RawMessage(strings.Replace(string(result), tt.from, tt.to, 1))
			}
			exit := 1
			if tt.result == "skipped" {
				exit = 0
			}
			r.recheck(t, exit, "--node", btcChain+"="+liar.URL).want(t, "recheck."+btcChain+".unspent", tt.result, tt.says)
		})
	}
	t.Run("other block", func(t *testing.T) {
		liar := chainstest.NewProxy(t, n.bitcoin.URL())
		liar.Alter = func(call chainstest.Call, _ json.RawMessage) json.RawMessage {
			if call.Method == "getblockhash" && string(call.Params[0]) != "0" {
				return json.RawMessage(`"` + strings.Repeat("22", 32) + `"`)
			}
			return nil
		}
		r.recheck(t, 1, "--node", btcChain+"="+liar.URL).want(t, "recheck."+btcChain+".block", "fail", "the statement pins "+r.bitcoin.Hash)
	})
	t.Run("left the best chain", func(t *testing.T) {
		liar := chainstest.NewProxy(t, n.bitcoin.URL())
		liar.Alter = func(call chainstest.Call, result json.RawMessage) json.RawMessage {
			if call.Method == "getblockheader" && string(call.Params[0]) == `"`+r.bitcoin.Hash+`"` {
				return json.RawMessage(strings.Replace(string(result), `"confirmations":`, `"confirmations":-1,"was":`, 1))
			}
			return nil
		}
		r.recheck(t, 5, "--node", btcChain+"="+liar.URL).want(t, "recheck."+btcChain+".block", "skipped", "with -1 confirmations")
	})
}

// A node of another chain is told from one that contradicts; nothing is rechecked then.
func TestB04_RecheckWithANodeOfAnotherChain(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	other := chainstest.NewProxy(t, n.ethereum.URL())
	other.Alter = func(call chainstest.Call, _ json.RawMessage) json.RawMessage {
		if call.Method == "eth_chainId" {
			return json.RawMessage(`"0x1"`)
		}
		return nil
	}
	code, stdout, stderr := command("recheck", r.bundle, "--policy", r.policy, "--node", ethChain+"="+other.URL)
	if code != 2 || stdout != "" || !strings.Contains(stderr, "is a node of eip155:1, not of "+ethChain) {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

// No secret of a URL is ever printed, whatever goes wrong.
func TestRecheck_SecretsOfURLs(t *testing.T) {
	n := nodes(t)
	r := n.report(t, nil)
	redirects := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusTemporaryRedirect))
	defer redirects.Close()
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"id":0,"result":"` + strings.Repeat("0", answerSize) + `"}`))
	}))
	defer long.Close()
	status := httptest.NewServer(http.NotFoundHandler())
	defer status.Close()
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer denied.Close()
	secret := func(url string) string {
		return strings.Replace(url, "://", "://hunter2:hunter3@", 1) + "/hunter4?key=hunter5"
	}
	for _, tt := range []struct {
		name, node, says string
		exit             int
	}{
		{"unreachable", ethChain + "=" + secret("http://127.0.0.1:1"), "connection refused", 5},
		{"redirect", ethChain + "=" + secret(redirects.URL), "never followed", 5},
		{"long", ethChain + "=" + secret(long.URL), "longer than 8388608 bytes", 5},
		{"status", ethChain + "=" + secret(status.URL), "HTTP status 404", 5},
		{"denied", ethChain + "=" + secret(denied.URL), "HTTP status 401", 5},
		{"malformed", ethChain + "=http://hunter2:hunter3@[::1", "URL is malformed", 2},
		{"scheme", ethChain + "=ws://hunter2:hunter3@127.0.0.1", "begins with neither", 2},
		{"no chain", "http://hunter2:hunter3@127.0.0.1/?key=hunter4", "want CHAIN=URL", 2},
		{"unknown chain", "hunter2:hunter3=http://127.0.0.1", "neither eip155", 2},
		{"no host", ethChain + "=http:///hunter2", "names no host", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, how := range []string{"--json", "--json=false"} {
				code, stdout, stderr := command("recheck", r.bundle, "--policy", r.policy, how, "--node", tt.node)
				if code != tt.exit || !strings.Contains(stdout+stderr, tt.says) {
					t.Errorf("exit %d, want %d and %q\n%s%s", code, tt.exit, tt.says, stdout, stderr)
				}
				if strings.Contains(stdout+stderr, "hunter") {
					t.Errorf("a secret was printed\n%s%s", stdout, stderr)
				}
			}
		})
	}
}

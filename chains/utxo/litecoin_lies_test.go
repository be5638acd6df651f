package utxo

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/chainhash/v2"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/verifier/evidence"
)

// TestB17_VerifierTakesLitecoin brings evidence of a real node before the
// verifier, and the same under Bitcoin's name.
func TestB17_VerifierTakesLitecoin(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	s := n.open(Options{}, n.url())
	block := mustPin(t, s, n.instant)
	file := n.expect("the node", s, block)
	holdings, amounts := n.holdings()
	var accounts []string
	for _, h := range holdings {
		accounts = append(accounts, string(h.Account))
	}
	check := func(raw []byte, chain string, accounts []string) (evidence.UTXOResult, error) {
		parsed, err := evidence.ParseUTXO(raw, testSnapshot, chain)
		if err != nil {
			return evidence.UTXOResult{}, err
		}
		return parsed.Check(evidence.Block{Chain: chain, Hash: block.Hash, Number: block.Number, Time: block.Time}, accounts)
	}
	raw, err := attest.Canonical(file)
	if err != nil {
		t.Fatal(err)
	}
	result, err := check(raw, string(litecoinRegtest), accounts)
	if err != nil || len(result.Balances) != len(amounts) {
		t.Fatalf("got %+v, %v, want %d balances", result, err, len(amounts))
	}
	for i, b := range result.Balances {
		if b.Account != accounts[i] || b.Token != string(litecoinNative) || b.Amount.String() != amounts[i] {
			t.Errorf("the verifier says %+v, want %s of %s", b, amounts[i], accounts[i])
		}
	}
	// The same headers, of no coins, as blocks of Bitcoin's regtest: every second
	// of their double hashes is above the target.
	file.Outputs, file.Blocks, file.Chain, file.Attested = []Output{}, []Block{}, regtest, []Attestation{{Answers: []Answer{}, Node: "node"}}
	for at := 0; ; at += 160 {
		if at == len(file.Headers) {
			t.Fatal("all headers have Bitcoin's work too")
		}
		one := file
		one.Headers = file.Headers[at : at+160]
		header, err := hex.DecodeString(one.Headers)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = attest.Canonical(one); err != nil {
			t.Fatal(err)
		}
		block.Hash = chainhash.DoubleHashH(header).String()
		if _, err = check(raw, string(regtest), nil); err != nil && strings.Contains(err.Error(), "no proof of work") {
			break
		}
	}
}

// TestB02_TipReorgedAfterTheScan: the scan is true of blocks that are no longer
// in the chain when they are read. The pinned block still is.
func TestB02_TipReorgedAfterTheScan(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	s := n.open(Options{}, n.url())
	block := mustPin(t, s, n.instant)
	want := n.expect("before", s, block)
	proxy := chainstest.NewProxy(t, n.url())
	done := false
	proxy.Before = func(c chainstest.Call) {
		if c.Method == "getblock" && !done {
			done = true
			n.reorg(tipLitecoin - 2)
		}
	}
	got := n.expect("across the reorganisation", n.open(Options{}, proxy.URL), block)
	if !done || len(got.Outputs) != len(want.Outputs) {
		t.Errorf("got %d outputs, want %d", len(got.Outputs), len(want.Outputs))
	}
}

// TestScan_InParts: more scripts than one scan takes, and a tip that is thrown
// out between two scans.
func TestScan_InParts(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	block := mustPin(t, n.open(Options{}, n.url()), n.instant)
	proxy := chainstest.NewProxy(t, n.url())
	proxy.Before = func(c chainstest.Call) {
		if c.Method == methodScan && proxy.Count(methodScan) == 2 {
			n.reorg(tipLitecoin - 13) // with it blocks that spent coins
		}
	}
	s := n.open(Options{}, proxy.URL)
	s.nodes[0].perScan = 2
	n.expect("in parts", s, block)
	if got := proxy.Count(methodScan); got != 3 {
		t.Errorf("%d scans of 2 scripts each, want 3 for 5 scripts", got)
	}
}

// TestScan_Patience: a scan may take longer than any other answer.
func TestScan_Patience(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	block := mustPin(t, n.open(Options{}, n.url()), n.instant)
	proxy := chainstest.NewProxy(t, n.url())
	proxy.Before = func(c chainstest.Call) {
		if c.Method == methodScan {
			time.Sleep(4 * time.Second)
		}
	}
	n.expect("a slow scan", n.open(Options{Limits: egress.Limits{Timeout: 3 * time.Second}}, proxy.URL), block)
	holdings, _ := n.holdings()
	var unreachable *chains.UnreachableError
	_, err := n.open(Options{ScanTimeout: 100 * time.Millisecond}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
	if !errors.As(err, &unreachable) {
		t.Errorf("a scan beyond its time: got %v, want an UnreachableError", err)
	}
}

func TestB04_LitecoinLies(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	holdings, _ := n.holdings()
	block := mustPin(t, n.open(Options{}, n.url()), n.instant)

	of := func(method, verbosity string, change func(result json.RawMessage) json.RawMessage) func(chainstest.Call, json.RawMessage) json.RawMessage {
		return func(c chainstest.Call, result json.RawMessage) json.RawMessage {
			if c.Method != method || verbosity != "" && string(c.Params[1]) != verbosity {
				return nil
			}
			return change(result)
		}
	}
	scan := func(from, to string) func(chainstest.Call, json.RawMessage) json.RawMessage {
		return of(methodScan, "", func(result json.RawMessage) json.RawMessage {
			if !bytes.Contains(result, []byte(from)) {
				t.Errorf("no %s in %s", from, result)
			}
			return bytes.Replace(result, []byte(from), []byte(to), 1)
		})
	}
	edit := func(place func(length int) int) func(json.RawMessage) json.RawMessage {
		return func(result json.RawMessage) json.RawMessage {
			out := bytes.Clone(result)
			at := place(len(out))
			if out[at]++; out[at] == '9'+1 || out[at] == 'f'+1 {
				out[at] = '0'
			}
			return out
		}
	}
	hexByte := func(i int) func(int) int { return func(int) int { return 1 + 2*i } }
	for name, alter := range map[string]func(chainstest.Call, json.RawMessage) json.RawMessage{
		"no scan":                       of(methodScan, "", func(json.RawMessage) json.RawMessage { return json.RawMessage("null") }),
		"a scan that was aborted":       scan(`"success":true`, `"success":false`),
		"a scan of no block":            scan(`"bestblock":"`, `"bestblock":"x`),
		"a scan of a block beyond":      scan(`"height":125`, `"height":126`),
		"a scan of a block before":      scan(`"height":125`, `"height":109`),
		"a coin of another height":      scan(`"height":104`, `"height":105`),
		"a coin of another transaction": scan(`"txid":"`, `"txid":"00`),
		"a coin that nobody asked for":  scan(`"scriptPubKey":"`, `"scriptPubKey":"51`),
		"a block's Merkle root":         of("getblock", "0", edit(hexByte(40))),
		"a block's count":               of("getblock", "0", edit(hexByte(80))),
		"a transaction's lock time":     of("getblock", "0", edit(func(length int) int { return length - 2 })),
		"another transaction": of("getrawtransaction", "", func(result json.RawMessage) json.RawMessage {
			return bytes.Replace(result, []byte(`"hex":"02`), []byte(`"hex":"01`), 1)
		}),
		"a transaction in no block": of("getrawtransaction", "", func(result json.RawMessage) json.RawMessage {
			return bytes.Replace(result, []byte(`"blockhash"`), []byte(`"block"`), 1)
		}),
		"prevouts that are not": of("getblock", "3", func(result json.RawMessage) json.RawMessage {
			// Every input spends a coin of ours.
			told := n.withPrevouts(result, nil)
			script := hex.EncodeToString(mustScript(t, n.hot))
			var b map[string]any
			if err := json.Unmarshal(told, &b); err != nil {
				t.Error(err)
			}
			for _, tx := range b["tx"].([]any) {
				for _, in := range tx.(map[string]any)["vin"].([]any) {
					if p, ok := in.(map[string]any)["prevout"].(map[string]any); ok {
						p["scriptPubKey"] = map[string]any{"hex": script}
					}
				}
			}
			out, _ := json.Marshal(b)
			return out
		}),
	} {
		proxy := chainstest.NewProxy(t, n.url())
		proxy.Alter = alter
		evidence, err := n.open(Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		var proof *chains.ProofError
		var refused *chains.RefusedError
		var reorged *chains.ReorgedError
		if evidence.File != nil || !errors.As(err, &proof) && !errors.As(err, &refused) && !errors.As(err, &reorged) {
			t.Errorf("%s: got %v, want it refused", name, err)
		}
	}

	// Prevouts of some inputs only: the rest is looked up.
	proxy := chainstest.NewProxy(t, n.url())
	proxy.Alter = of("getblock", "3", func(result json.RawMessage) json.RawMessage {
		return n.withPrevouts(result, func(txid string) bool { return txid[0]%2 == 0 })
	})
	n.expect("prevouts of some inputs", n.open(Options{}, proxy.URL), block)

	// A coin that one node hides is one that the other tells.
	proxy = chainstest.NewProxy(t, n.url())
	proxy.Alter = of(methodScan, "", func(result json.RawMessage) json.RawMessage {
		var f map[string]any
		d := json.NewDecoder(bytes.NewReader(result))
		d.UseNumber()
		if err := d.Decode(&f); err != nil {
			t.Error(err)
		}
		var rest []any
		for _, u := range f["unspents"].([]any) {
			if u.(map[string]any)["height"].(json.Number) != "104" {
				rest = append(rest, u)
			}
		}
		f["unspents"] = rest
		out, _ := json.Marshal(f)
		return out
	})
	var disagree *chains.DisagreementError
	if _, err := n.open(Options{}, n.url(), proxy.URL).Gather(t.Context(), testSnapshot, block, holdings); !errors.As(err, &disagree) || len(disagree.Answers) != 2 {
		t.Errorf("a hidden coin: got %v, want a DisagreementError with both answers", err)
	}
}

func mustScript(t *testing.T, account chains.Account) []byte {
	t.Helper()
	script, err := networkOf(account.Chain()).script(account)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// TestB03_ScanRefused: what a node says instead of scanning is no empty scan.
func TestB03_ScanRefused(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	holdings, _ := n.holdings()
	block := mustPin(t, n.open(Options{}, n.url()), n.instant)
	for _, said := range []struct {
		code int
		text string
	}{
		{-8, `Scan already in progress, use action "abort" or "status"`}, {codeNoMethod, "Method not found"}, {-1, "Unable to read UTXO set"},
	} {
		proxy := chainstest.NewProxy(t, n.url())
		proxy.Refuse = func(c chainstest.Call) (int, string) {
			if c.Method == methodScan {
				return said.code, said.text
			}
			return 0, ""
		}
		evidence, err := n.open(Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		var refused *chains.RefusedError
		if evidence.File != nil || !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, said.text) {
			t.Errorf("%q passed for no coins: %v", said.text, err)
		}
	}
}

package utxo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/egress"
)

const litecoinNative = chains.Token(litecoinRegtest + "/slip44:2")

// A litecoin is a real litecoind, a node of Bitcoin Core's line without an
// address index, with a chain that leads up to an instant and beyond.
type litecoin struct {
	t       *testing.T
	place   string
	instant time.Time
	miner   string // address

	hot, nested, legacy, mined chains.Account
}

// pinnedLitecoin is the block of the instant, and tipLitecoin the last one.
const (
	pinnedLitecoin = 110
	tipLitecoin    = 125
)

func startLitecoind(t *testing.T, args ...string) *litecoin {
	t.Helper()
	path, err := exec.LookPath("litecoind")
	if err != nil {
		t.Skip("skipped: there is no litecoind; on Debian type: apt-get install -y --no-install-recommends litecoind")
	}
	const tries = 3 // another process may take the free port first
	for try := 1; ; try++ {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		n := &litecoin{t: t, place: fmt.Sprintf("127.0.0.1:%d", port), instant: time.Now().UTC().Truncate(time.Second).Add(-time.Hour)}
		if err := n.run(path, port, args); err == nil {
			return n
		} else if try == tries {
			t.Fatal(err)
		}
	}
}

func (n *litecoin) run(path string, port int, args []string) error {
	dir := n.t.TempDir()
	cmd := exec.Command(path, append([]string{"-regtest", "-datadir=" + dir, "-rpcuser=u", "-rpcpassword=p", fmt.Sprintf("-rpcport=%d", port),
		"-listen=0", "-connect=0", "-dnsseed=0", "-fallbackfee=0.0001", "-keypool=1", "-printtoconsole=0"}, args...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is told by its output
		close(ended)
	}()
	n.t.Cleanup(func() {
		// It would wait for idle connections, and what it stored is of no use.
		_ = cmd.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := n.try("", "getblockcount"); err == nil {
			return nil
		}
		select {
		case <-ended:
			log, _ := os.ReadFile(filepath.Join(dir, "regtest", "debug.log"))
			return fmt.Errorf("litecoind ended: %s %s", said.String(), log[max(0, len(log)-500):])
		default:
		}
		if time.Now().After(deadline) {
			return errors.New("litecoind is not ready after five minutes")
		}
	}
}

// try asks the node one question, of a wallet if one is named.
func (n *litecoin) try(wallet, method string, params ...any) (json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": append([]any{}, params...)})
	if err != nil {
		return nil, err
	}
	url := "http://u:p@" + n.place
	if wallet != "" {
		url += "/wallet/" + wallet
	}
	resp, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if len(answer.Error) > 0 && string(answer.Error) != "null" {
		return nil, fmt.Errorf("%s %v: %s", method, params, answer.Error)
	}
	return answer.Result, nil
}

// ask is try for what must not fail; an answer that is a text is returned bare.
func (n *litecoin) ask(wallet, method string, params ...any) string {
	n.t.Helper()
	answer, err := n.try(wallet, method, params...)
	if err != nil {
		n.t.Fatal(err)
	}
	var text string
	if json.Unmarshal(answer, &text) == nil {
		return text
	}
	return string(answer)
}

// mine adds a block at a time with all that waits.
func (n *litecoin) mine(at time.Time, to string) {
	n.t.Helper()
	n.ask("", "setmocktime", at.Unix())
	n.ask("", "generatetoaddress", 1, to)
}

// pay has the miner pay an address, and returns the coin.
func (n *litecoin) pay(address, amount string) (txid string, vout int) {
	n.t.Helper()
	txid = n.ask("miner", "sendtoaddress", address, json.Number(amount))
	var tx struct {
		Details []struct {
			Address string `json:"address"`
			Vout    int    `json:"vout"`
		} `json:"details"`
	}
	if err := json.Unmarshal([]byte(n.ask("miner", "gettransaction", txid)), &tx); err != nil {
		n.t.Fatal(err)
	}
	for _, d := range tx.Details {
		if d.Address == address {
			return txid, d.Vout
		}
	}
	n.t.Fatalf("%s does not pay %s", txid, address)
	return "", 0
}

// spend has our wallet spend a coin.
func (n *litecoin) spend(txid string, vout int, to, amount string) string {
	n.t.Helper()
	raw := n.ask("ours", "createrawtransaction", []any{map[string]any{"txid": txid, "vout": vout}}, map[string]any{to: json.Number(amount)})
	var signed struct {
		Hex string `json:"hex"`
	}
	if err := json.Unmarshal([]byte(n.ask("ours", "signrawtransactionwithwallet", raw)), &signed); err != nil {
		n.t.Fatal(err)
	}
	return n.ask("ours", "sendrawtransaction", signed.Hex, 0)
}

// startLitecoin starts a node and gives it its chain. What a scan finds at the
// tip differs from the pinned block in every way that there is.
func startLitecoin(t *testing.T, args ...string) *litecoin {
	t.Helper()
	n := startLitecoind(t, args...)
	n.ask("", "createwallet", "miner")
	n.ask("", "createwallet", "ours")
	n.miner = n.ask("miner", "getnewaddress", "", "bech32")
	network := networkOf(litecoinRegtest)
	for form, account := range map[string]*chains.Account{"bech32": &n.hot, "p2sh-segwit": &n.nested, "legacy": &n.legacy} {
		*account = network.account(n.ask("ours", "getnewaddress", "", form))
	}
	n.mined = network.account(n.ask("ours", "getnewaddress", "", "bech32"))
	n.ask("", "setmocktime", n.instant.Add(-24*time.Hour).Unix())
	n.ask("", "generatetoaddress", 101, n.miner)

	first := n.instant.Add(-30*time.Second - (pinnedLitecoin-102)*time.Minute)
	at := func(height int) time.Time { return first.Add(time.Duration(height-102) * time.Minute) }
	hot, hotOut := n.pay(n.hot.Address(), "10")
	early, earlyOut := n.pay(n.hot.Address(), "5.00000001")
	nested, nestedOut := n.pay(n.nested.Address(), "7")
	n.pay(n.legacy.Address(), "3.12345678")
	var passing string
	for height := 102; height <= tipLitecoin; height++ {
		to := n.miner
		switch height {
		case 103: // spent before the pinned block
			n.spend(early, earlyOut, n.miner, "4.9")
		case 104: // a coinbase of ours
			to = n.mined.Address()
		case 111: // spent after it, and a coin made after it
			n.spend(hot, hotOut, n.miner, "9.9")
			n.pay(n.hot.Address(), "2")
		case 112:
			passing = n.spend(nested, nestedOut, n.hot.Address(), "6.9")
		case 113: // made and spent after it
			n.spend(passing, 0, n.miner, "6.8")
		}
		n.mine(at(height), to)
	}
	return n
}

func (n *litecoin) url() string { return "http://u:p@" + n.place }

// holdings are what the chain's accounts hold at the pinned block, in order.
func (n *litecoin) holdings() (holdings []chains.Holding, amounts []string) {
	n.t.Helper()
	byAccount := map[chains.Account]string{
		n.hot: "1000000000", n.nested: "700000000", n.legacy: "312345678", n.mined: "5000000000",
		networkOf(litecoinRegtest).account("rltc1qw508d6qejxtdg4y5r3zarvary0c5xw7k693xs3"): "0",
	}
	for a := range byAccount {
		holdings = append(holdings, chains.Holding{Account: a, Token: litecoinNative})
	}
	holdings, err := chains.SortHoldings(litecoinRegtest, holdings)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, h := range holdings {
		amounts = append(amounts, byAccount[h.Account])
	}
	return holdings, amounts
}

func (n *litecoin) open(opts Options, urls ...string) *Source {
	n.t.Helper()
	s, err := New(n.t.Context(), litecoinRegtest, urls, opts)
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

// reorg replaces all blocks after a height.
func (n *litecoin) reorg(after int) {
	n.t.Helper()
	var tip int
	if err := json.Unmarshal([]byte(n.ask("", "getblockcount")), &tip); err != nil {
		n.t.Fatal(err)
	}
	n.ask("", "invalidateblock", n.ask("", "getblockhash", after+1))
	for height := after + 1; height <= tip+1; height++ {
		n.mine(n.instant.Add(time.Duration(height-pinnedLitecoin)*time.Minute+time.Second), n.ask("miner", "getnewaddress", "", "legacy"))
	}
}

func litecoinSubject(t *testing.T) chainstest.Subject {
	t.Helper()
	n := startLitecoin(t, "-txindex=1")
	holdings, amounts := n.holdings()
	return chainstest.Subject{
		Chain: litecoinRegtest, Instant: n.instant, Pinned: pinnedLitecoin, URL: n.url(), Other: litecoinMainnet,
		Open: func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source {
			s, err := New(t.Context(), chain, urls, Options{Limits: egress.Limits{Bytes: limit}})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		Holdings: holdings, Amounts: amounts, Grade: chains.InclusionProved,
		Foreign:  chains.Holding{Account: chains.Account(mainnet) + ":bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", Token: chains.Token(mainnet) + "/slip44:0"},
		Alias:    chains.Holding{Account: holdings[0].Account, Token: chains.Token(litecoinRegtest) + "/slip44:0"},
		Bad:      chains.Holding{Account: chains.Account(litecoinRegtest + ":bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"), Token: litecoinNative},
		Evidence: methodScan,
		Reorg:    func(*testing.T) { n.reorg(pinnedLitecoin - 3) },
	}
}

func TestLitecoin_Conformance(t *testing.T) {
	chainstest.Run(t, litecoinSubject(t))
}

func TestB02_LitecoinReorg(t *testing.T) {
	chainstest.Reorg(t, litecoinSubject(t))
}

func TestB20_LitecoinNeverHeaderTrusted(t *testing.T) {
	chainstest.NeverHeaderTrusted(t, litecoinSubject(t))
}

func (n *litecoin) expect(what string, s *Source, block chains.BlockRef) Evidence {
	n.t.Helper()
	holdings, want := n.holdings()
	amounts, file := mustGather(n.t, s, block, holdings...)
	for i, h := range holdings {
		if amounts[h.Account] != want[i] {
			n.t.Errorf("%s: %s holds %s, want %s", what, h.Account, amounts[h.Account], want[i])
		}
	}
	return file
}

// TestB05_SpentAfterThePinnedBlock is the scan's trap: at the tip the coins of
// the pinned block are gone, and others are there.
func TestB05_SpentAfterThePinnedBlock(t *testing.T) {
	n := startLitecoin(t, "-txindex=1")
	s := n.open(Options{}, n.url())
	block := mustPin(t, s, n.instant)
	file := n.expect("a node with an index of transactions", s, block)
	for _, a := range file.Attested[0].Answers {
		if a.Method != methodScan {
			t.Errorf("asked by %q, want %q", a.Method, methodScan)
		}
	}

	// A node that tells what inputs spend, as Bitcoin Core does since version 23,
	// is asked for no single transaction.
	proxy := chainstest.NewProxy(t, n.url())
	proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
		if c.Method != "getblock" || string(c.Params[1]) != "3" {
			return nil
		}
		return n.withPrevouts(result, nil)
	}
	n.expect("a node that tells prevouts", n.open(Options{}, proxy.URL), block)
	if proxy.Count("getrawtransaction") > 0 {
		t.Errorf("%d transactions were looked up, which the node had told", proxy.Count("getrawtransaction"))
	}

	// The same at the tip itself, where no block is read: the scan is all.
	tip := n.blockAt(s, tipLitecoin)
	amounts, _ := mustGather(t, s, tip, chains.Holding{Account: n.hot, Token: litecoinNative}, chains.Holding{Account: n.nested, Token: litecoinNative})
	if amounts[n.hot] != "200000000" || amounts[n.nested] != "0" {
		t.Errorf("at the tip: got %v, want 2 and nothing", amounts)
	}
}

// withPrevouts adds to a block what each input spends, all but what leave names.
func (n *litecoin) withPrevouts(block json.RawMessage, leave func(txid string) bool) json.RawMessage {
	n.t.Helper()
	var b map[string]any
	if err := json.Unmarshal(block, &b); err != nil {
		n.t.Error(err)
	}
	for _, tx := range b["tx"].([]any) {
		for _, in := range tx.(map[string]any)["vin"].([]any) {
			in := in.(map[string]any)
			txid, ok := in["txid"].(string)
			if !ok || leave != nil && leave(txid) {
				continue
			}
			var made struct {
				BlockHash string `json:"blockhash"`
				Vout      []struct {
					ScriptPubKey map[string]any `json:"scriptPubKey"`
				} `json:"vout"`
			}
			var header struct {
				Height int `json:"height"`
			}
			if err := errors.Join(json.Unmarshal([]byte(n.ask("", "getrawtransaction", txid, true)), &made),
				json.Unmarshal([]byte(n.ask("", "getblockheader", made.BlockHash)), &header)); err != nil {
				n.t.Error(err)
			}
			in["prevout"] = map[string]any{"generated": false, "height": header.Height, "scriptPubKey": made.Vout[int(in["vout"].(float64))].ScriptPubKey}
		}
	}
	out, err := json.Marshal(b)
	if err != nil {
		n.t.Error(err)
	}
	return out
}

// TestB05_NoWayToFindSpentCoins: a node that can tell neither what inputs spend
// nor look a transaction up is refused; it would leave out what was spent.
func TestB05_NoWayToFindSpentCoins(t *testing.T) {
	n := startLitecoin(t)
	s := n.open(Options{}, n.url())
	holdings, _ := n.holdings()
	evidence, err := s.Gather(t.Context(), testSnapshot, mustPin(t, s, n.instant), holdings)
	var refused *chains.RefusedError
	if evidence.File != nil || !errors.As(err, &refused) || !strings.Contains(refused.Reason, "txindex=1") || !strings.Contains(refused.Reason, "Bitcoin Core 23") {
		t.Errorf("got %v, want an error that names what the node needs", err)
	}
}

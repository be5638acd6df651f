package evm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
	"github.com/assay-por/assay/chains/egress"
)

// TestB04_ProofOfSomethingElse has a node answer with a proof that holds, but of
// another account, another word, or another block.
func TestB04_ProofOfSomethingElse(t *testing.T) {
	node, instant := startNode(t, nil)
	holdings := demoHoldings(t, node)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	client, err := rpc.Dial(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	contract, _ := node.Token().Contract()
	for name, instead := range map[string]func(params []json.RawMessage) []any{
		"account": func(p []json.RawMessage) []any { return []any{contract, p[1], p[2]} },
		"words": func(p []json.RawMessage) []any {
			var keys []common.Hash
			unmarshal(t, p[1], &keys)
			for i := range keys {
				keys[i] = common.Hash{1}
			}
			return []any{p[0], keys, p[2]}
		},
		"block":    func(p []json.RawMessage) []any { return []any{p[0], p[1], "latest"} },
		"no words": func(p []json.RawMessage) []any { return []any{p[0], []string{}, p[2]} },
	} {
		proxy := chainstest.NewProxy(t, node.URL())
		proxy.Alter = func(c chainstest.Call, _ json.RawMessage) json.RawMessage {
			if c.Method != "eth_getProof" {
				return nil
			}
			var other json.RawMessage
			if err := client.Call(&other, "eth_getProof", instead(c.Params)...); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return other
		}
		_, err := open(t, Options{}, proxy.URL).Gather(t.Context(), testSnapshot, block, holdings)
		var proof *chains.ProofError
		if !errors.As(err, &proof) || proof.Block != block {
			t.Errorf("another %s: got %v, want a ProofError", name, err)
		}
	}
}

// TestB22_NodeThatBreaks breaks one method after another, each in several ways:
// the error is one of the node, nothing is kept, and another node is as good.
func TestB22_NodeThatBreaks(t *testing.T) {
	w := newTown(t, devnet.Deployer(testSeed))
	token := tokenCase{token: w.mint(w.deploy("Plain"))}.id(devnet.EthereumChain)
	node, instant := startNodeWith(t, devnet.EthereumOptions{Transactions: w.txs})
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	holdings := holdingsOf(devnet.EthereumChain, token)
	ways := map[string]http.HandlerFunc{
		"megabytes": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":"`))
			for range 64 {
				_, _ = w.Write(bytes.Repeat([]byte("a"), 1<<15)) // the client is gone by then
			}
		},
		"rate limit": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"slow down"}}`, http.StatusTooManyRequests)
		},
		"dropped connection": func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = conn.Close()
			}
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"resu`))
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for _, method := range []string{"eth_getProof", "eth_createAccessList", "eth_call", "eth_getCode", "debug_getRawHeader"} {
		for name, broken := range ways {
			limits := egress.Limits{Bytes: 1 << 20, Timeout: time.Minute}
			if name == "silence" {
				if method != "eth_getProof" {
					continue // takes its time
				}
				limits.Timeout = 2 * time.Second
			}
			proxy := chainstest.NewProxy(t, node.URL())
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				if strings.Contains(string(body), `"`+method+`"`) {
					broken(w, r)
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				proxy.ServeHTTP(w, r)
			}))
			evidence, err := open(t, Options{Limits: limits}, server.URL).Gather(t.Context(), testSnapshot, block, holdings)
			var unreachable *chains.UnreachableError
			if !errors.As(err, &unreachable) || evidence.File != nil {
				t.Errorf("%s of %s: got %v, want an UnreachableError and nothing else", name, method, err)
			}
			if name != "silence" {
				if _, err := open(t, Options{Limits: limits}, server.URL, node.URL()).Gather(t.Context(), testSnapshot, block, holdings); err != nil {
					t.Errorf("%s of %s, beside another node: %v", name, method, err)
				}
			}
			server.Close()
		}
	}
}

package evm

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/chainstest"
	"github.com/assay-por/assay/chains/devnet"
)

func hashOf(t *testing.T, node *devnet.Ethereum, number uint64) string {
	t.Helper()
	client, err := rpc.DialContext(t.Context(), node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var h head
	if err := client.CallContext(t.Context(), &h, "eth_getBlockByNumber", hexutil.EncodeUint64(number), false); err != nil {
		t.Fatal(err)
	}
	return h.Hash.Hex()
}

// led checks that headers lead from one block back to the child of another.
func led(t *testing.T, headers [][]byte, from, to string) {
	t.Helper()
	want := common.HexToHash(from)
	for i, raw := range headers {
		var h types.Header
		if err := rlp.DecodeBytes(raw, &h); err != nil || h.Hash() != want {
			t.Fatalf("header #%d: %v, hash %s, want %s", i+1, err, h.Hash(), want)
		}
		want = h.ParentHash
	}
	if want != common.HexToHash(to) {
		t.Errorf("they lead to %s, want %s", want, to)
	}
}

func TestHeaders(t *testing.T) {
	node, instant := startNode(t, nil)
	if err := node.Mine(150); err != nil { // more than one batch
		t.Fatal(err)
	}
	proxy := chainstest.NewProxy(t, node.URL())
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	top := hashOf(t, node, 224)
	for name, refuse := range map[string]func(chainstest.Call) (int, string){
		"raw":     nil,
		"rebuilt": func(c chainstest.Call) (int, string) { return code(c.Method == "debug_getRawHeader"), "no such method" },
	} {
		t.Run(name, func(t *testing.T) {
			proxy.Refuse = refuse
			headers, err := open(t, Options{}, proxy.URL).Headers(t.Context(), top, block)
			if err != nil {
				t.Fatal(err)
			}
			if want := 224 - int(block.Number); len(headers) != want {
				t.Errorf("%d headers, want %d", len(headers), want)
			}
			led(t, headers, top, block.Hash)
		})
	}
	proxy.Refuse = nil
	one, err := open(t, Options{}, proxy.URL).Headers(t.Context(), hashOf(t, node, block.Number+1), block)
	if err != nil || len(one) != 1 {
		t.Errorf("the child: %d headers, %v", len(one), err)
	}
	none, err := open(t, Options{}, proxy.URL).Headers(t.Context(), block.Hash, block)
	if err != nil || none == nil || len(none) != 0 {
		t.Errorf("the same block: %v, %v", none, err)
	}
	// A node that is down is passed over.
	if _, err := open(t, Options{}, "http://127.0.0.1:1", node.URL()).Headers(t.Context(), top, block); err != nil {
		t.Error(err)
	}
}

func code(refuse bool) int {
	if refuse {
		return -32601
	}
	return 0
}

func TestB04_LyingHeaders(t *testing.T) {
	node, instant := startNode(t, nil)
	block := mustPin(t, open(t, Options{}, node.URL()), instant)
	top := hashOf(t, node, 70)
	var lie *chains.ProofError
	var refused *chains.RefusedError
	var reorged *chains.ReorgedError
	for _, tt := range []struct {
		name   string
		method string
		alter  func(json.RawMessage) string
		as     any
		words  string
	}{
		{"a byte", "debug_getRawHeader", func(r json.RawMessage) string { return strings.Replace(string(r), "a0", "a1", 1) }, &lie, "hashes to"},
		{"nothing", "debug_getRawHeader", func(json.RawMessage) string { return `"0x"` }, &lie, "hashes to"},
		{"no hex", "debug_getRawHeader", func(json.RawMessage) string { return `7` }, &refused, "gave no header"},
		{"unknown block", "eth_getBlockByHash", func(json.RawMessage) string { return `null` }, &refused, "it has no block"},
		{"a number before it", "eth_getBlockByHash", func(r json.RawMessage) string {
			return strings.Replace(string(r), `"number":"0x46"`, `"number":"0x40"`, 1)
		}, &refused, "is number 64"},
		{"a number far after it", "eth_getBlockByHash", func(r json.RawMessage) string {
			return strings.Replace(string(r), `"number":"0x46"`, `"number":"0x4600"`, 1)
		}, &refused, "one of the 8192"},
		{"a number some blocks less", "eth_getBlockByHash", func(r json.RawMessage) string {
			return strings.Replace(string(r), `"number":"0x46"`, `"number":"0x45"`, 1)
		}, &lie, "hashes to"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy := chainstest.NewProxy(t, node.URL())
			proxy.Alter = func(c chainstest.Call, result json.RawMessage) json.RawMessage {
				if c.Method == "eth_getBlockByNumber" && tt.name == "no hex" {
					return json.RawMessage("null")
				}
				if c.Method != tt.method {
					return nil
				}
				return json.RawMessage(tt.alter(result))
			}
			headers, err := open(t, Options{}, proxy.URL).Headers(t.Context(), top, block)
			if !errors.As(err, tt.as) || !strings.Contains(err.Error(), tt.words) || headers != nil {
				t.Errorf("got %v, want a %T with %q", err, tt.as, tt.words)
			}
		})
	}
	s := open(t, Options{}, node.URL())
	other := block
	other.Hash = hashOf(t, node, block.Number-1)
	if _, err := s.Headers(t.Context(), top, other); !errors.As(err, &reorged) || reorged.Got != block.Hash {
		t.Errorf("a block that is no ancestor: got %v", err)
	}
	other.Chain = "eip155:1"
	if _, err := s.Headers(t.Context(), top, other); err == nil {
		t.Error("a block of another chain was taken")
	}
}

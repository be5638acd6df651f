package solana

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2/base58"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/egress"
)

const (
	mainnet = chains.Chain("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")
	devnet  = chains.Chain("solana:GH7ome3EiwEr7tu9JuTh2dpYWBJK3z69")
	native  = chains.Token(mainnet + "/slip44:501")
	token   = chains.Token(mainnet + "/token:" + mint)
	mint    = "2cHr7QS3xfuSV8wdxo3ztuF4xbiarF6Nrgx3qpx3HzXR"

	// The recorded block.
	pinnedSlot = 122788843
	pinnedTime = 1646009934
)

// The accounts of the recorded answers: two that hold SOL, and one that holds a
// token.
var (
	rich    = chains.Account(mainnet + ":vines1vzrYbzLMRdu58ou5XTby4qAqVRLmqo36NKPTg")
	poor    = chains.Account(mainnet + ":4fYNw3dojWmQ4dXtSGE9epjRGy9pFSx62YypT7avPYvA")
	owner   = chains.Account(mainnet + ":A1TMhSGzQxMr1TboBKtgixKz1sS6REASMxPo1qsyTSJd")
	instant = time.Unix(pinnedTime+1, 0).UTC()

	testSnap = strings.Repeat("0", 62) + "bb"
)

type object = map[string]any

// recorded returns an answer of testdata.
func recorded(t *testing.T, name string) object {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var answer object
	if err := dec.Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// A server plays a node of Solana's mainnet, with the recorded block and those
// about it in the same shape. Three slots after it have no block.
type server struct {
	t  *testing.T
	mu sync.Mutex

	genesis   string
	fork      byte   // makes other blockhashes
	kept      uint64 // first slot that is not cleaned up
	slots     []uint64
	intervene func(method string, params []any, w http.ResponseWriter) bool // true if it answered

	URL string
}

func play(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, genesis: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"}
	for slot := uint64(pinnedSlot - 200); slot < pinnedSlot+300; slot++ {
		if slot <= pinnedSlot || slot > pinnedSlot+3 {
			s.slots = append(s.slots, slot)
		}
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var question struct {
		Method string `json:"method"`
		Params []any  `json:"params"`
		ID     any    `json:"id"`
	}
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(&question); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	intervene := s.intervene
	s.mu.Unlock()
	if intervene != nil && intervene(question.Method, question.Params, w) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answer(question.Method, question.Params)
	answer["id"] = question.ID
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *server) answer(method string, params []any) object {
	switch method {
	case "getGenesisHash":
		answer := recorded(s.t, "genesishash")
		answer["result"] = s.genesis
		return answer
	case "getSlot":
		return object{"jsonrpc": "2.0", "result": s.slots[len(s.slots)-1]}
	case "getMultipleAccounts":
		return s.accounts(params)
	case "getTokenAccountsByOwner":
		return s.tokens(params)
	case "getBlocksWithLimit", "getBlockTime", "getBlock":
	default:
		return object{"jsonrpc": "2.0", "error": object{"code": -32601, "message": "Method not found"}}
	}
	number, err := params[0].(json.Number).Int64()
	if err != nil {
		s.t.Error(err)
	}
	slot := uint64(number)
	if method == "getBlocksWithLimit" {
		at, _ := slices.BinarySearch(s.slots, max(slot, s.kept))
		return object{"jsonrpc": "2.0", "result": s.slots[at:min(at+1, len(s.slots))]}
	}
	at, ok := slices.BinarySearch(s.slots, slot)
	switch {
	case slot < s.kept:
		return object{"jsonrpc": "2.0", "error": object{"code": -32001, "message": "Block 5 cleaned up, does not exist on node. First available block: 9"}}
	case !ok:
		return recorded(s.t, "skipped")
	case method == "getBlockTime":
		return object{"jsonrpc": "2.0", "result": timeOf(slot)}
	}
	answer := recorded(s.t, "block")
	result := answer["result"].(object)
	if slot == pinnedSlot && s.fork == 0 {
		return answer
	}
	result["blockTime"], result["blockhash"] = timeOf(slot), s.hash(slot)
	if at > 0 {
		result["parentSlot"], result["previousBlockhash"] = s.slots[at-1], s.hash(s.slots[at-1])
	}
	return answer
}

// timeOf is a block's time, which is a second apart about the recorded one.
func timeOf(slot uint64) int64 {
	return pinnedTime + int64(slot) - pinnedSlot
}

func (s *server) hash(slot uint64) string {
	switch {
	case s.fork == 0 && slot == pinnedSlot:
		return "Bmm7S3gKAbYLKqEWjFjoZ7PnDGB3C6vsJ1yjG6tznrCX"
	case s.fork == 0 && slot == pinnedSlot-1:
		return "3XhDMjAQMcMJHgbb6aTG48MLCTHnDfwk7FHpJ4wN4ymj"
	}
	b := make([]byte, 32)
	b[0], b[1], b[2], b[3] = 1+s.fork, byte(slot>>16), byte(slot>>8), byte(slot)
	return base58.Encode(b)
}

// accounts answers as recorded about the two accounts, and with null about
// others.
func (s *server) accounts(params []any) object {
	answer := recorded(s.t, "accounts")
	result := answer["result"].(object)
	both := result["value"].([]any)
	var value []any
	for _, key := range params[0].([]any) {
		switch key {
		case rich.Address():
			value = append(value, both[0])
		case poor.Address():
			value = append(value, both[1])
		default:
			value = append(value, nil)
		}
	}
	result["value"] = value
	return answer
}

func (s *server) tokens(params []any) object {
	answer := recorded(s.t, "tokens")
	if params[0] != owner.Address() || params[1].(object)["mint"] != mint {
		answer["result"].(object)["value"] = []any{}
	}
	return answer
}

func open(t *testing.T, chain chains.Chain, limit int64, urls ...string) *attested.Source {
	t.Helper()
	s, err := New(t.Context(), chain, urls, egress.Limits{Bytes: limit})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustPin(t *testing.T, s *attested.Source) chains.BlockRef {
	t.Helper()
	block, err := s.Pin(t.Context(), instant)
	if err != nil {
		t.Fatal(err)
	}
	return block
}

package tron

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/attested"
	"github.com/assay-por/assay/chains/egress"
)

const (
	nile    = chains.Chain("tron:0xcd8690dc")
	mainnet = chains.Chain("tron:0x2b6653dc")
	native  = chains.Token("tron:0xcd8690dc/slip44:195")
	token   = chains.Token("tron:0xcd8690dc/trc20:TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf")

	nileGenesis = "0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc"

	// The recorded block and head, and Nile's pace between them.
	pinnedNumber, headNumber = 66987565, 66987627
	pinnedTime               = 1777445121
	pace                     = 3
)

var (
	// holder is the account of the recorded answers, stranger another real one.
	holder   = chains.Account("tron:0xcd8690dc:TWAFRfZFmhVQZjxM3De7Mp5UZ9sLqWqpHp")
	stranger = chains.Account("tron:0xcd8690dc:TYZGhS8UG5okCZneaJoYZJJhsqeD6ZZZZZ")
	instant  = time.Unix(pinnedTime+1, 0).UTC()
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

// A server plays a node of Nile. The recorded block, head, balances and errors
// are answered as they are; other blocks and accounts in the same shapes.
type server struct {
	t  *testing.T
	mu sync.Mutex

	coins     map[string]uint64 // of accounts other than the holder, by hex address
	history   bool              // storage.balance.history.lookup
	noTraces  bool              // getblockbalance is not served
	fork      string            // digits in place of those that ids of blocks end with
	head      int64
	genesis   string
	asked     map[string]int
	intervene func(path string, question object, w http.ResponseWriter) bool // true if it answered

	URL string
}

func play(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, history: true, head: headNumber, genesis: nileGenesis, asked: map[string]int{},
		coins: map[string]uint64{"41f7c3feccb6461aab0fd25f61d9560645b08228cb": 5}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var question object
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(&question); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	s.asked[path]++
	intervene := s.intervene
	s.mu.Unlock()
	if intervene != nil && intervene(path, question, w) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answer(path, question)
	if answer == nil {
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *server) answer(path string, question object) object {
	switch path {
	case "walletsolidity/getnowblock":
		return s.block(s.head)
	case "walletsolidity/getblockbynum":
		number, err := question["num"].(json.Number).Int64()
		if err != nil {
			return object{"Error": "class java.lang.NumberFormatException"}
		}
		return s.block(number)
	case "wallet/getaccountbalance":
		return s.balance(question)
	case "wallet/getblockbalance":
		if s.noTraces {
			return nil
		}
		if !s.history {
			return recorded(s.t, "blockbalance-off")
		}
		return recorded(s.t, "blockbalance")
	case "walletsolidity/triggerconstantcontract":
		answer := recorded(s.t, "constant")
		if question["parameter"] != "000000000000000000000000dd791d6b49e190062d650e6a23c575510d35f2f9" {
			answer["constant_result"] = []string{strings.Repeat("0", 64)}
		}
		if question["contract_address"] != "41eca9bc828a3005b9a3b909f2cc5c2a54794de05f" || question["function_selector"] != "balanceOf(address)" {
			return object{"result": object{"code": "CONTRACT_VALIDATE_ERROR", "message": "536d61727420636f6e7472616374206973206e6f742065786973742e"}}
		}
		return answer
	}
	return nil
}

// block returns a block: a recorded one, or the recorded one's shape with
// another number, id and time.
func (s *server) block(number int64) object {
	switch {
	case number == 0:
		answer := recorded(s.t, "genesis")
		answer["blockID"] = s.genesis
		return answer
	case number == headNumber && s.fork == "":
		return recorded(s.t, "nowblock")
	case number > s.head:
		return object{}
	}
	answer := recorded(s.t, "block")
	if number == pinnedNumber && s.fork == "" {
		return answer
	}
	raw := answer["block_header"].(object)["raw_data"].(object)
	answer["blockID"] = fmt.Sprintf("%016x%048x", number, number*7) + ""
	if s.fork != "" {
		answer["blockID"] = answer["blockID"].(string)[:64-len(s.fork)] + s.fork
	}
	raw["number"] = number
	raw["timestamp"] = 1000 * (pinnedTime + pace*(number-pinnedNumber))
	return answer
}

func (s *server) balance(question object) object {
	at := question["block_identifier"].(object)
	number, err := at["number"].(json.Number).Int64()
	if err != nil {
		return object{"Error": "class java.lang.NumberFormatException"}
	}
	if at["hash"] != s.block(number)["blockID"] {
		return object{"Error": "class java.lang.IllegalArgumentException : number and hash do not match"}
	}
	address := question["account_identifier"].(object)["address"].(string)
	switch {
	case !s.history:
		return object{"balance": 0, "block_identifier": maps.Clone(at)} // the trap
	case address == "41dd791d6b49e190062d650e6a23c575510d35f2f9":
		return recorded(s.t, "accountbalance")
	}
	return object{"balance": s.coins[address], "block_identifier": maps.Clone(at)}
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

package xrpl

import (
	"encoding/json"
	"fmt"
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
	mainnet = chains.Chain("xrpl:0")
	testnet = chains.Chain("xrpl:1")
	native  = chains.Token("xrpl:0/slip44:144")

	// The recorded ledger.
	pinnedIndex, headIndex = 83626952, 83627100
	pinnedClose            = 752188801
	pinnedHash             = "140B769E9ED61FCD675A6EEC1F005084614314C1D675C2CFDD11A1024BBD2C96"
	parentHash             = "7D169A530960AFA8A0E38D036D8EF960BC2C2E02C4A0CE848A4200B9376AC99C"
)

var (
	holder  = chains.Account("xrpl:0:rG1QQv2nh2gr7RCZ1P8YYcBUKCCN633jCn") // of the recorded answer
	nobody  = chains.Account("xrpl:0:rLiAJ4gvUje4GCYADp8ECRnSMQAkFkWDta")
	instant = time.Unix(epoch+pinnedClose+4, 0).UTC()

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

// A server plays a node of the main network, with the recorded ledger and those
// about it in the same shape.
type server struct {
	t  *testing.T
	mu sync.Mutex

	info      string                                                         // the recorded answer to server_info
	fork      int                                                            // makes other hashes
	kept      int64                                                          // first ledger that it has
	clio      bool                                                           // its errors name a ledger only in the question that they repeat
	intervene func(method string, params object, w http.ResponseWriter) bool // true if it answered

	URL string
}

func play(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, info: "server_info"}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var question struct {
		Method string   `json:"method"`
		Params []object `json:"params"`
	}
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	if err := dec.Decode(&question); err != nil || len(question.Params) != 1 {
		http.Error(w, "Unable to parse request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	intervene := s.intervene
	s.mu.Unlock()
	if intervene != nil && intervene(question.Method, question.Params[0], w) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(s.answer(question.Method, question.Params[0]))
}

func (s *server) answer(method string, params object) object {
	switch method {
	case "server_info":
		return recorded(s.t, s.info)
	case "ledger":
		if params["ledger_index"] == "validated" {
			return s.ledger(headIndex)
		}
		index, err := params["ledger_index"].(json.Number).Int64()
		if err != nil || index > headIndex || index < s.kept {
			return recorded(s.t, "no_ledger")
		}
		return s.ledger(index)
	case "account_info":
		return s.account(params)
	}
	return object{"result": object{"error": "unknownCmd", "error_message": "Unknown method.", "status": "error"}}
}

// closeOf is a ledger's close time: as recorded for two, then every five seconds.
func closeOf(index int64) int64 {
	return pinnedClose + 5*(index-pinnedIndex) + map[bool]int64{true: 4}[index == pinnedIndex-1]
}

func (s *server) hash(index int64) string {
	switch {
	case s.fork == 0 && index == pinnedIndex:
		return pinnedHash
	case s.fork == 0 && index == pinnedIndex-1:
		return parentHash
	}
	return fmt.Sprintf("%08X%056X", s.fork, index)
}

func (s *server) ledger(index int64) object {
	answer := recorded(s.t, "ledger")
	if index == pinnedIndex && s.fork == 0 {
		return answer
	}
	result := answer["result"].(object)
	ledger := result["ledger"].(object)
	result["ledger_hash"], result["ledger_index"] = s.hash(index), index
	ledger["ledger_hash"], ledger["ledger_index"] = s.hash(index), fmt.Sprint(index)
	ledger["close_time"] = closeOf(index)
	return answer
}

func (s *server) account(params object) object {
	var index int64
	for i := int64(pinnedIndex - 5); i < pinnedIndex+5; i++ {
		if params["ledger_hash"] == s.hash(i) {
			index = i
		}
	}
	if index == 0 || index < s.kept {
		return recorded(s.t, "no_ledger")
	}
	name := "account_info"
	if params["account"] != holder.Address() {
		name = "not_found"
	}
	answer := recorded(s.t, name)
	result := answer["result"].(object)
	result["ledger_hash"], result["ledger_index"] = params["ledger_hash"], index
	if name == "not_found" {
		result["account"] = params["account"]
		result["request"] = object{"account": params["account"], "command": "account_info", "ledger_hash": params["ledger_hash"]}
		if s.clio {
			delete(result, "ledger_hash")
			delete(result, "ledger_index")
			delete(result, "validated")
			delete(result, "account")
		}
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

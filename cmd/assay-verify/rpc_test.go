package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestB22_AnswersOfAHostileNode(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{`[{"id":0,"result":"a"},{"id":1,"result":null}]`, ""},
		{`[{"id":1,"error":{"code":-1,"message":"no"}},{"id":0,"result":"a"}]`, ""},
		{`[{"id":0,"result":"a"},{"id":0,"result":"b"},{"id":1}]`, "one question twice"},
		{`[{"id":0,"result":"a"}]`, "getb: it left out the answer"},
		{`[{"id":0,"result":"a"},{"id":2,"result":"b"}]`, "what was not asked"},
		{`[{"id":-1,"result":"a"}]`, "what was not asked"},
		{`[{"result":"a"}]`, "what was not asked"},
		{`{"id":null,"error":{"code":-32600,"message":"batch\u0007 too\u202e long"}}`, "it refuses: batch  too  long (code -32600)"},
		{`[]`, "left out"},
		{`<html>`, "not JSON-RPC"},
		{`null`, "not JSON-RPC"},
		{``, "not JSON-RPC"},
	} {
		calls := []*call{{method: "geta"}, {method: "getb"}}
		err := settle(calls, []byte(tt.raw))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.raw, err, tt.want)
		}
	}
}

// Many calls go in few requests, and each gets its own answer, in whatever order they come.
func TestAsk_Batches(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		raw, _ := io.ReadAll(r.Body)
		var asked []rpcRequest
		if json.Unmarshal(raw, &asked) != nil {
			var one rpcRequest
			if err := json.Unmarshal(raw, &one); err != nil {
				t.Error(err)
			}
			asked = []rpcRequest{one}
		}
		if len(asked) > batchSize {
			t.Errorf("%d calls in one request", len(asked))
		}
		answers := []obj{}
		for _, a := range asked {
			answers = append(answers, obj{"id": a.ID, "result": a.Params[0]})
		}
		slices.Reverse(answers)
		_ = json.NewEncoder(w).Encode(answers)
	}))
	defer server.Close()
	n, err := newNode(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	calls := make([]*call, 2*batchSize+1)
	for i := range calls {
		calls[i] = &call{method: "echo", params: []any{i}}
	}
	if err := n.ask(t.Context(), calls...); err != nil || requests != 3 {
		t.Fatalf("%d requests, %v, want 3", requests, err)
	}
	for i, c := range calls {
		if got := string(c.result); got != strconv.Itoa(i) {
			t.Fatalf("call %d got the answer %s", i, got)
		}
	}
}

func TestSatoshi(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "1": "100000000", "1.5": "150000000", "0.00000001": "1", "1e-08": "1", "1E-8": "1", "21000000": "2100000000000000",
		"0.000000001": "", "-1": "", "1e999": "", "": "", "NaN": "", "0x1": "", "1.": "", "1e-09": "", "999999999": "",
	} {
		got, ok := satoshi(json.Number(text))
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: got %v, %v, want %q", text, got, ok, want)
		}
	}
}

func TestQuantity(t *testing.T) {
	for text, want := range map[string]string{
		"0x0": "0", "0x1F": "31", "0x" + strings.Repeat("0", 63) + "1": "1",
		"": "", "0x": "", "1": "", "0x-1": "", "0x1g": "", "0x" + strings.Repeat("1", 65): "", "0X1": "",
	} {
		got, ok := quantity(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: got %v, %v, want %q", text, got, ok, want)
		}
	}
}

// No answer of a node, whatever it is, does more than give an error.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"id":0,"result":{"hash":"0x` + strings.Repeat("ab", 32) + `","number":"0x40","timestamp":"0x65"}}`,
		`[{"id":0,"result":"0x1"}]`, `{"id":0,"result":{"value":1e-08,"confirmations":3}}`, `{"id":0,"error":{"code":3,"message":"execution reverted"}}`, `{"id":0,"result":null}`,
	} {
		f.Add([]byte(seed))
	}
	n := &node{label: "n"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := &call{method: "m"}
		if settle([]*call{c}, raw) != nil {
			return
		}
		if (c.refused == nil) == (len(c.result) == 0) {
			t.Error("neither a result nor a refusal, or both")
		}
		if h, err := (evmNode{n}).head(c); err == nil && h != nil && (len(h.hash) != 66 || strings.ToLower(h.hash) != h.hash) {
			t.Errorf("hash %q", h.hash)
		}
		if h, err := (utxoNode{n}).hash(c); err == nil && !isHash(h) {
			t.Errorf("hash %q", h)
		}
		if v, err := (evmNode{n}).balance(c); err == nil && v != nil && (v.Sign() < 0 || v.BitLen() > 256) {
			t.Errorf("balance %s", v)
		}
		var o txout
		if c.read(n, &o) == nil {
			if v, ok := satoshi(o.Value); ok && (v.Sign() < 0 || v.BitLen() > 96) {
				t.Errorf("value %s", v)
			}
		}
	})
}

package chainstest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
)

// A Call is one question that went through a Proxy.
type Call struct {
	Method string
	Params []json.RawMessage
}

// A Proxy stands before a real node and may lie. Its fields may be changed
// only between calls.
type Proxy struct {
	// Before is run before a call is passed on.
	Before func(Call)
	// Alter returns the result that is answered instead; nil leaves it.
	Alter func(call Call, result json.RawMessage) json.RawMessage
	// Refuse returns the text and code of a JSON-RPC error; code 0 leaves the
	// answer.
	Refuse func(Call) (code int, text string)

	URL string

	node string
	mu   sync.Mutex
	seen []Call
}

// NewProxy returns a Proxy before the node at a URL, whose user name and
// password it passes on.
func NewProxy(t *testing.T, node string) *Proxy {
	t.Helper()
	p := &Proxy{node: node}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Count returns how often a method was asked.
func (p *Proxy) Count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.seen {
		if c.Method == method {
			n++
		}
	}
	return n
}

type message struct {
	JSONRPC string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   *messageError     `json:"error,omitempty"`
}

type messageError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// ServeHTTP passes the question on and alters the answer as it was told to.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	batch := bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	calls := map[string]Call{}
	for _, m := range decode(body, batch) {
		call := Call{Method: m.Method, Params: m.Params}
		calls[string(m.ID)] = call
		p.mu.Lock()
		p.seen = append(p.seen, call)
		p.mu.Unlock()
		if p.Before != nil {
			p.Before(call)
		}
	}
	answer, err := p.forward(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	answers := decode(answer, batch)
	for i := range answers {
		p.lie(calls[string(answers[i].ID)], &answers[i])
	}
	var out any = answers
	if !batch && len(answers) == 1 {
		out = answers[0]
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out) // the client may have gone
}

func (p *Proxy) lie(call Call, answer *message) {
	if p.Refuse != nil {
		if code, text := p.Refuse(call); code != 0 {
			answer.Result, answer.Error = nil, &messageError{code, text}
			return
		}
	}
	if p.Alter != nil && answer.Error == nil {
		if altered := p.Alter(call, answer.Result); altered != nil {
			answer.Result = altered
		}
	}
}

func (p *Proxy) forward(body []byte) ([]byte, error) {
	u, err := url.Parse(p.node)
	if err != nil {
		return nil, err
	}
	user := u.User
	u.User = nil
	req, err := http.NewRequest(http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

func decode(body []byte, batch bool) []message {
	var many []message
	if batch {
		_ = json.Unmarshal(body, &many) // what is no JSON-RPC is passed on as it is
		return many
	}
	var one message
	if json.Unmarshal(body, &one) == nil {
		many = []message{one}
	}
	return many
}

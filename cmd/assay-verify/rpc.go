package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	answerTime = time.Minute // for one answer, from dialling to its last byte
	answerSize = 8 << 20     // bytes of one answer
	batchSize  = 50          // calls in one request: public nodes take no long batches
)

// A node is one JSON-RPC endpoint of the reader's own choosing.
type node struct {
	label          string // host and port: the rest of a URL may hold a secret
	url            string // without user name and password
	user, password string
	auth           bool
	client         http.Client
}

// noAnswer is a node that could not be asked, or whose answer is none: it speaks neither for the statement nor against it.
type noAnswer struct{ node, problem string }

func (e *noAnswer) Error() string { return "node " + e.node + ": " + e.problem }

// newNode reads a node's URL. Its errors do not repeat the URL, which may hold a password.
func newNode(raw string) (*node, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("a node's URL is malformed: want http://host:port or https://host/path")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("a node's URL begins with neither http:// nor https://")
	}
	if u.Hostname() == "" {
		return nil, errors.New("a node's URL names no host")
	}
	n := &node{label: u.Host}
	if u.User != nil {
		n.user, n.auth = u.User.Username(), true
		n.password, _ = u.User.Password()
		u.User = nil
	}
	n.url = u.String()
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxResponseHeaderBytes = 64 << 10
	n.client = http.Client{Transport: transport, Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("it answers with a redirect, which is never followed")
	}}
	return n, nil
}

// A call is one question, and what the node made of it: a result, or its own refusal.
type call struct {
	method  string
	params  []any
	result  json.RawMessage
	refused *refusal
}

// refusal is an error that the node itself gave.
type refusal struct {
	code int
	text string
}

// refusedBy is the error of a refusal that nothing can be concluded from.
func (c *call) refusedBy(n *node) error {
	return &noAnswer{n.label, fmt.Sprintf("%s: it refuses: %s (code %d)", c.method, c.refused.text, c.refused.code)}
}

// malformed is the error of a result that is not of the method's form.
func (c *call) malformed(n *node) error {
	return &noAnswer{n.label, c.method + ": its answer is malformed"}
}

// read decodes a result; null is malformed, and so is what does not fit.
func (c *call) read(n *node, into any) error {
	if c.refused != nil {
		return c.refusedBy(n)
	}
	if c.none() || json.Unmarshal(c.result, into) != nil {
		return c.malformed(n)
	}
	return nil
}

// none reports whether the node answered that there is no such thing.
func (c *call) none() bool { return string(c.result) == "null" }

// ask puts the calls in as few requests as they need. Its error is a *noAnswer.
func (n *node) ask(ctx context.Context, calls ...*call) error {
	for len(calls) > 0 {
		chunk := calls[:min(len(calls), batchSize)]
		calls = calls[len(chunk):]
		if err := n.askChunk(ctx, chunk); err != nil {
			return &noAnswer{n.label, err.Error()}
		}
	}
	return nil
}

type rpcRequest struct {
	JSONRPC string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type rpcResponse struct {
	ID     *int            `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (n *node) askChunk(ctx context.Context, chunk []*call) error {
	requests := make([]rpcRequest, len(chunk))
	for i, c := range chunk {
		requests[i] = rpcRequest{"2.0", i, c.method, append([]any{}, c.params...)}
	}
	var body any = requests
	if len(chunk) == 1 {
		body = requests[0] // not every node takes batches
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	raw, status, err := n.post(ctx, encoded)
	if err != nil {
		return err
	}
	if err := settle(chunk, raw); status == http.StatusOK || !errors.Is(err, errNotRPC) {
		return err
	}
	return fmt.Errorf("HTTP status %d", status)
}

var errNotRPC = errors.New("its answer is not JSON-RPC")

// settle gives each call of a request its answer: one each, no more and no fewer.
func settle(chunk []*call, raw []byte) error {
	responses, ok := readResponses(raw)
	if !ok {
		return errNotRPC
	}
	answered := make([]bool, len(chunk))
	for _, r := range responses {
		if r.ID == nil || *r.ID < 0 || *r.ID >= len(chunk) {
			if r.Error != nil {
				return fmt.Errorf("it refuses: %s (code %d)", quote(r.Error.Message), r.Error.Code)
			}
			return errors.New("it answers what was not asked")
		}
		if answered[*r.ID] {
			return errors.New("it answers one question twice")
		}
		answered[*r.ID] = true
		c := chunk[*r.ID]
		switch {
		case r.Error != nil:
			c.refused = &refusal{r.Error.Code, quote(r.Error.Message)}
		case len(r.Result) == 0:
			c.result = json.RawMessage("null")
		default:
			c.result = r.Result
		}
	}
	for i, c := range chunk {
		if !answered[i] {
			return fmt.Errorf("%s: it left out the answer", c.method)
		}
	}
	return nil
}

// readResponses reads one response, or a batch of them.
func readResponses(raw []byte) ([]rpcResponse, bool) {
	if bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) {
		var many []rpcResponse
		err := json.Unmarshal(raw, &many)
		return many, err == nil
	}
	var one rpcResponse
	err := json.Unmarshal(raw, &one)
	return []rpcResponse{one}, err == nil && (one.ID != nil || one.Error != nil)
}

// post sends one request and reads its answer, whatever the status: Bitcoin nodes tell their errors under 404 and 500.
func (n *node) post(ctx context.Context, body []byte) (raw []byte, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, errors.New("its URL is malformed")
	}
	request.Header.Set("Content-Type", "application/json")
	if n.auth {
		request.SetBasicAuth(n.user, n.password)
	}
	response, err := n.client.Do(request)
	if err != nil {
		return nil, 0, cause(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden {
		return nil, 0, fmt.Errorf("it refuses the user name and password, or wants some (HTTP status %d)", response.StatusCode)
	}
	raw, err = io.ReadAll(io.LimitReader(response.Body, answerSize+1))
	if err != nil {
		return nil, 0, cause(err)
	}
	if len(raw) > answerSize {
		return nil, 0, fmt.Errorf("its answer is longer than %d bytes", answerSize)
	}
	return raw, response.StatusCode, nil
}

// cause strips the URL that http.Client puts before an error.
func cause(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return cause(outer.Err)
	}
	return err
}

// quote makes a node's own words fit for one line.
func quote(s string) string {
	const most = 200
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return ' '
		}
		return r
	}, s))
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}

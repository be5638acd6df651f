package attested

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// An Asker puts questions to one node, over package egress.
type Asker struct{ endpoint *egress.Endpoint }

// Label returns the node's host and port, never its credentials.
func (a *Asker) Label() string { return a.endpoint.Label }

// Refused returns the error of a question that the node would not answer, or
// whose answer is not taken.
func (a *Asker) Refused(method, format string, args ...any) error {
	return &chains.RefusedError{Node: a.Label(), Method: method, Reason: fmt.Sprintf(format, args...)}
}

// A StatusError is an answer's HTTP status that is not 200.
type StatusError struct{ Code int }

// Error says the status and, where it helps, what to do.
func (e *StatusError) Error() string {
	switch e.Code {
	case http.StatusTooManyRequests:
		return "HTTP status 429: it limits how often it may be asked, wait or ask a node of your own"
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("HTTP status %d: it refused user name and password, or the key in its URL", e.Code)
	}
	return fmt.Sprintf("HTTP status %d", e.Code)
}

// Post puts a question as JSON to a path below the node's URL and returns the
// answer's body.
func (a *Asker) Post(ctx context.Context, path string, question any) ([]byte, error) {
	fail := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &chains.UnreachableError{Node: a.Label(), Err: egress.Cause(err)}
	}
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	place, err := url.Parse(a.endpoint.URL)
	if err != nil {
		return nil, fail(err)
	}
	if path != "" {
		place = place.JoinPath(path) // what stands after ? stays
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, place.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fail(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.endpoint.HTTP.Do(req)
	if err != nil {
		return nil, fail(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fail(&StatusError{resp.StatusCode})
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fail(err)
	}
	return answer, nil
}

// Call puts a question in JSON-RPC and returns the result, which may be null.
func (a *Asker) Call(ctx context.Context, method string, params []any) (json.RawMessage, error) {
	body, err := a.Post(ctx, "", map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	result, code, reason := parseResponse(body)
	if reason != "" {
		return nil, &chains.RefusedError{Node: a.Label(), Method: method, Code: code, Reason: reason}
	}
	return result, nil
}

// parseResponse reads a JSON-RPC response; reason is why there is no result.
func parseResponse(body []byte) (result json.RawMessage, code int, reason string) {
	var r struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, 0, "its answer is malformed"
	}
	if r.Error != nil {
		return nil, r.Error.Code, "it says: " + egress.Quote(r.Error.Message)
	}
	if r.Result == nil {
		return nil, 0, "its answer holds no result"
	}
	return r.Result, 0, ""
}

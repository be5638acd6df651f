package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const (
	proofsPath = "/v1/proofs"
	keyField   = "Assay-Key"
)

// Problem is an answer that refuses (RFC 9457), checked like any other: 404 says that there
// is no such customer in the statement, or that the server has no proofs of it.
type Problem struct {
	Type   string `json:"type"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	Instance string `json:"instance"` // the request's id, by which whoever runs the server finds it
}

// Error says what the server said.
func (p *Problem) Error() string {
	return fmt.Sprintf("client: the server refuses (%d %s): %s", p.Status, p.Type, p.Detail)
}

// Latest names the newest report that a server has.
const Latest = "latest"

// Proof asks for a customer's inclusion proof (SPEC part 8) in a statement, named by the 64
// hex digits of its digest, or [Latest]. It returns the proof's file and the receipt of the
// answer that brought it, to be kept beside it; assay-verify proof --receipt checks both.
// What the server refuses is a [*Problem]. It needs [Config.APIKey]; the customer's id is
// in neither file, nor in an error.
func (c *Client) Proof(ctx context.Context, statement, customer string) (proof, receipt []byte, err error) {
	if c.apiKey == "" {
		return nil, nil, errors.New("client: customers' proofs are for who has an API key: Config.APIKey")
	}
	asked, err := json.Marshal(map[string]string{"customer": customer, "statement": statement})
	if err != nil {
		return nil, nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath(proofsPath).String(), bytes.NewReader(asked))
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(keyField, c.apiKey)
	resp, err := c.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, MaxContent))
	if err != nil {
		return nil, nil, err
	}
	if resp.StatusCode != http.StatusOK {
		problem := &Problem{}
		if err := json.Unmarshal(content, problem); err != nil || problem.Status != resp.StatusCode {
			return nil, nil, fmt.Errorf("client: the server answers %s, and does not say why", resp.Status)
		}
		return nil, nil, problem
	}
	receipt, err = Receipt(resp, content)
	return content, receipt, err
}

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

const proofsPath = "/v1/proofs"

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
// What the server refuses is a [*Problem]. It needs a credential; the customer's id is
// in neither file, nor in an error.
func (c *Client) Proof(ctx context.Context, statement, customer string) (proof, receipt []byte, err error) {
	asked, err := json.Marshal(map[string]string{"customer": customer, "statement": statement})
	if err != nil {
		return nil, nil, err
	}
	resp, err := c.ask(ctx, question{method: http.MethodPost, path: proofsPath}, asked)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content, err := wholeOf(resp)
	if err != nil {
		return nil, nil, err
	}
	receipt, err = Receipt(resp, content)
	return content, receipt, err
}

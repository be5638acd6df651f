package utxo

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// maxBatch is the number of calls in one batch.
const maxBatch = 500

// A node is one JSON-RPC endpoint of a Bitcoin or Litecoin node.
type node struct {
	label    string // where it listens, for whoever runs it
	witness  string // its name in evidence, which is public and tells nobody where it listens
	endpoint *egress.Endpoint
	patient  *egress.Endpoint // the same place, for questions that take long
	perScan  int              // scripts looked for in one scan
	mweb     bool             // its blocks may bear an extension block
}

// A question is one call of a batch.
type question struct {
	method string
	params []any
	answer any // pointer that the answer is decoded into
}

type request struct {
	JSONRPC string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type response struct {
	ID     *int            `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// ask puts the questions in as few batches as they need. The first error ends it.
func (n *node) ask(ctx context.Context, questions ...question) error {
	for len(questions) > 0 {
		chunk := questions[:min(len(questions), maxBatch)]
		questions = questions[len(chunk):]
		if err := n.askBatch(ctx, n.endpoint, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) askBatch(ctx context.Context, to *egress.Endpoint, chunk []question) error {
	requests := make([]request, len(chunk))
	for i, q := range chunk {
		requests[i] = request{"2.0", i, q.method, q.params}
	}
	body, err := json.Marshal(requests)
	if err != nil {
		return err
	}
	answer, err := n.post(ctx, to, body)
	if err != nil {
		return err
	}
	refuse := func(q question, code int, reason string) error {
		return &chains.RefusedError{Node: n.label, Method: q.method, Code: code, Reason: reason}
	}
	var responses []response
	if err := json.Unmarshal(answer, &responses); err != nil {
		return refuse(chunk[0], 0, "its answer is malformed")
	}
	byID := make([]*response, len(chunk))
	for i := range responses {
		if id := responses[i].ID; id != nil && *id >= 0 && *id < len(byID) {
			byID[*id] = &responses[i]
		}
	}
	for i, q := range chunk {
		r := byID[i]
		if r == nil {
			return refuse(q, 0, "it left out this answer")
		}
		if r.Error != nil {
			return refuse(q, r.Error.Code, egress.Quote(r.Error.Message))
		}
		// A null would pass for an empty list, and that for no coins.
		if err := json.Unmarshal(r.Result, q.answer); err != nil || string(r.Result) == "null" {
			return refuse(q, 0, "its answer is malformed")
		}
	}
	return nil
}

func (n *node) post(ctx context.Context, to *egress.Endpoint, body []byte) ([]byte, error) {
	fail := func(err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &chains.UnreachableError{Node: n.label, Err: egress.Cause(err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fail(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := to.HTTP.Do(req)
	if err != nil {
		return nil, fail(err)
	}
	defer resp.Body.Close()
	// Bitcoin Core answers errors with status 500 and a body that says more.
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusInternalServerError {
		if resp.StatusCode == http.StatusUnauthorized {
			return nil, fail(errors.New("it refused user name and password"))
		}
		return nil, fail(fmt.Errorf("HTTP status %d", resp.StatusCode))
	}
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fail(err)
	}
	return answer, nil
}

func (n *node) blockCount(ctx context.Context) (uint64, error) {
	var height uint64
	err := n.ask(ctx, question{"getblockcount", []any{}, &height})
	return height, err
}

func (n *node) blockHash(ctx context.Context, height uint64) (string, error) {
	hashes, err := n.blockHashes(ctx, height, 1)
	if err != nil {
		return "", err
	}
	return hashes[0], nil
}

func (n *node) blockHashes(ctx context.Context, first, count uint64) ([]string, error) {
	hashes := make([]string, count)
	questions := make([]question, count)
	for i := range questions {
		questions[i] = question{"getblockhash", []any{first + uint64(i)}, &hashes[i]} //nolint:gosec // an index is not negative
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, err
	}
	for _, h := range hashes {
		if !isHash(h) {
			return nil, n.malformed("getblockhash", "its answer is malformed")
		}
	}
	return hashes, nil
}

// headers returns the headers of count blocks of the best chain.
func (n *node) headers(ctx context.Context, first, count uint64) ([]wire.BlockHeader, error) {
	hashes, err := n.blockHashes(ctx, first, count)
	if err != nil {
		return nil, err
	}
	raw := make([]string, count)
	questions := make([]question, count)
	for i := range questions {
		questions[i] = question{"getblockheader", []any{hashes[i], false}, &raw[i]}
	}
	if err := n.ask(ctx, questions...); err != nil {
		return nil, err
	}
	headers := make([]wire.BlockHeader, count)
	for i := range headers {
		b, err := hex.DecodeString(raw[i])
		if err != nil || len(b) != wire.MaxBlockHeaderPayload || headers[i].Deserialize(bytes.NewReader(b)) != nil {
			return nil, &chains.RefusedError{Node: n.label, Method: "getblockheader", Reason: "its answer is no header of 80 bytes"}
		}
	}
	return headers, nil
}

// block returns a whole block by hash.
func (n *node) block(ctx context.Context, hash string) (*wire.MsgBlock, error) {
	var raw string
	if err := n.ask(ctx, question{"getblock", []any{hash, 0}, &raw}); err != nil {
		return nil, err
	}
	block, err := parseBlock(raw, n.mweb)
	if err != nil {
		return nil, &chains.RefusedError{Node: n.label, Method: "getblock", Reason: "its answer is no block: " + err.Error()}
	}
	if got := block.Header.BlockHash().String(); got != hash {
		return nil, &chains.RefusedError{Node: n.label, Method: "getblock", Reason: "it answered with block " + got + " for " + hash}
	}
	return block, nil
}

// checkCanonical returns a ReorgedError unless the block stands in the node's
// best chain.
func (n *node) checkCanonical(ctx context.Context, block chains.BlockRef) error {
	got, err := n.blockHash(ctx, block.Number)
	var refused *chains.RefusedError
	if errors.As(err, &refused) && refused.Code != 0 {
		return &chains.ReorgedError{Block: block, Node: n.label} // its chain is shorter now
	}
	if err != nil {
		return err
	}
	if got != block.Hash {
		return &chains.ReorgedError{Block: block, Node: n.label, Got: got}
	}
	return nil
}

// fault says what a refused question about an old block means.
func (n *node) fault(ctx context.Context, block chains.BlockRef, err error) error {
	var refused *chains.RefusedError
	if !errors.As(err, &refused) || refused.Code == 0 {
		return err
	}
	if canonical := n.checkCanonical(ctx, block); canonical != nil {
		return canonical
	}
	said := strings.ToLower(refused.Reason)
	if refused.Method == "getblock" && (strings.Contains(said, "prune") || strings.Contains(said, "not available") || strings.Contains(said, "not found")) {
		return &chains.HistoryLostError{Block: block, Node: n.label, Reason: refused.Reason}
	}
	return err
}

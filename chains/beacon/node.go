package beacon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// The questions of the Beacon API.
const (
	pathGenesis   = "/eth/v1/beacon/genesis"
	pathSpec      = "/eth/v1/config/spec"
	pathBootstrap = "/eth/v1/beacon/light_client/bootstrap/"
	pathUpdates   = "/eth/v1/beacon/light_client/updates"
	pathFinality  = "/eth/v1/beacon/light_client/finality_update"
)

// maxAtOnce is the number of updates asked for in one question; a node may answer
// with fewer, and never gives more than 128.
const maxAtOnce = 32

// A node is one beacon node.
type node struct {
	label  string
	base   *url.URL
	http   *http.Client
	states *http.Client // for states, which are far longer
}

// newNode returns the node at a URL.
func newNode(rawURL string, opts Options) (*node, error) {
	limits, states := opts.Limits, opts.States
	limits.Bytes = cmp.Or(limits.Bytes, answerLimit)
	states.Bytes, states.Timeout = cmp.Or(states.Bytes, stateLimit), cmp.Or(states.Timeout, stateTimeout)
	endpoint, err := egress.New(rawURL, limits)
	if err != nil {
		return nil, err
	}
	patient, err := egress.New(rawURL, states)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(endpoint.URL)
	if err != nil {
		return nil, fmt.Errorf("the URL of %s is malformed", endpoint.Label)
	}
	return &node{label: endpoint.Label, base: base, http: endpoint.HTTP, states: patient.HTTP}, nil
}

// A statusError is an answer other than 200.
type statusError struct {
	status int
	said   string
}

// Error is the status that the node answered.
func (e *statusError) Error() string { return fmt.Sprintf("HTTP status %d%s", e.status, said(e.said)) }

// ask puts one question and reads the answer whole.
func (n *node) ask(ctx context.Context, path string, query url.Values) ([]byte, error) {
	resp, err := n.open(ctx, n.http, path, query, "application/json")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, n.fault(ctx, path, err)
	}
	return body, nil
}

// open puts one question. Of an answer other than 200 the error is a statusError.
func (n *node) open(ctx context.Context, client *http.Client, path string, query url.Values, accept string) (*http.Response, error) {
	u := n.base.JoinPath(path)
	all := u.Query()
	for key, values := range query {
		all[key] = values
	}
	u.RawQuery = all.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("the question for " + path + " cannot be put")
	}
	req.Header.Set("Accept", accept)
	resp, err := client.Do(req)
	if err != nil {
		return nil, n.fault(ctx, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, &statusError{resp.StatusCode, reason(resp.Body)}
	}
	return resp, nil
}

// reason is what a refusal says in words.
func reason(body io.Reader) string {
	raw, _ := io.ReadAll(io.LimitReader(body, 4096)) // a part of it will do
	var j struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(raw, &j) != nil {
		return ""
	}
	return egress.Quote(j.Message)
}

// fault says what an error of the client means.
func (n *node) fault(ctx context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var long *egress.TooLongError
	if errors.As(err, &long) || errors.Is(err, egress.ErrRedirect) {
		return n.refused(path, egress.Cause(err).Error())
	}
	return &chains.UnreachableError{Node: n.label, Err: egress.Cause(err)}
}

func (n *node) refused(path, reason string) error {
	return &chains.RefusedError{Node: n.label, Method: path, Reason: reason}
}

// fetch asks and parses.
func fetch[T any](ctx context.Context, n *node, path string, query url.Values, parse func([]byte) (T, error)) (T, error) {
	var none T
	body, err := n.ask(ctx, path, query)
	var status *statusError
	if errors.As(err, &status) {
		return none, n.refusal(path, status)
	}
	if err != nil {
		return none, err
	}
	v, err := parse(body)
	if err != nil {
		return none, n.refused(path, err.Error())
	}
	return v, nil
}

// refusal says what a status means at a path.
func (n *node) refusal(path string, s *statusError) error {
	missing := s.status == http.StatusNotFound || s.status == http.StatusMethodNotAllowed || s.status == http.StatusNotImplemented
	if missing && (path == pathFinality || path == pathUpdates) {
		return &NoLightClientError{Node: n.label, Path: path, Status: s.status, Said: s.said}
	}
	if s.status == http.StatusBadGateway || s.status == http.StatusGatewayTimeout {
		return &chains.UnreachableError{Node: n.label, Err: s}
	}
	return n.refused(path, s.Error())
}

// check makes sure that the node is of the network, and returns the network with
// what later forks the node knows.
func (n *node) check(ctx context.Context, chain chains.Chain, want network) (network, error) {
	wrong := func(format string, args ...any) (network, error) {
		return network{}, &WrongNetworkError{Node: n.label, Chain: chain, Reason: fmt.Sprintf(format, args...)}
	}
	genesis, err := fetch(ctx, n, pathGenesis, nil, parseGenesis)
	if err != nil {
		return network{}, err
	}
	if genesis != want.genesis {
		return wrong("its genesis validators root is 0x%s, want 0x%s", genesis.hex(), want.genesis.hex())
	}
	c, err := fetch(ctx, n, pathSpec, nil, parseSpec)
	if err != nil {
		return network{}, err
	}
	if c.chainID != "" && c.chainID != chain.Reference() {
		return wrong("its execution chain is %s:%s", chains.EIP155, egress.Quote(c.chainID))
	}
	if c.other != "" {
		return wrong("its constants are not those of the mainnet preset: %s", c.other)
	}
	out, err := want.with(c.forks)
	if err != nil {
		return wrong("%v", err)
	}
	return out, nil
}

// bootstrap asks for the checkpoint's header and committee.
func (n *node) bootstrap(ctx context.Context, checkpoint root) (bootstrap, error) {
	path := pathBootstrap + "0x" + checkpoint.hex()
	body, err := n.ask(ctx, path, nil)
	var status *statusError
	if errors.As(err, &status) {
		if status.status == http.StatusNotFound || status.status == http.StatusInternalServerError {
			return bootstrap{}, &CheckpointError{Node: n.label, Checkpoint: "0x" + checkpoint.hex(), Said: status.said}
		}
		return bootstrap{}, n.refusal(path, status)
	}
	if err != nil {
		return bootstrap{}, err
	}
	b, err := parseBootstrap(body)
	if err != nil {
		return bootstrap{}, n.refused(path, err.Error())
	}
	return b, nil
}

// updates asks for the updates of periods from first on, and returns at least one
// of the count wanted.
func (n *node) updates(ctx context.Context, first, count uint64) ([]update, error) {
	count = min(count, maxAtOnce)
	query := url.Values{"start_period": {strconv.FormatUint(first, 10)}, "count": {strconv.FormatUint(count, 10)}}
	list, err := fetch(ctx, n, pathUpdates, query, parseUpdates)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &UnusableError{Node: n.label, What: fmt.Sprintf("the update of period %d", first), Reason: "there is none"}
	}
	if uint64(len(list)) > count {
		return nil, n.refused(pathUpdates, fmt.Sprintf("it gave %d updates when asked for %d", len(list), count))
	}
	return list, nil
}

package beacon

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/egress"
)

// The questions of the Beacon API about a block and its state.
const (
	pathHeaders = "/eth/v1/beacon/headers/"
	pathStates  = "/eth/v2/debug/beacon/states/"
)

// Validators shows what validators hold (SPEC part 22).
type Validators struct {
	Header  Header   `json:"header"`
	Indexes []uint64 `json:"indexes"`
	Nodes   []string `json:"nodes"`
}

// A ValidatorID names a validator by its index or by its public key.
type ValidatorID struct {
	index uint64
	key   [48]byte
	byKey bool
}

// ParseValidatorID reads an index, or a public key as `0x` and 96 hex digits.
func ParseValidatorID(s string) (ValidatorID, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		key, err := hex.DecodeString(digits)
		if err != nil || len(key) != 48 {
			return ValidatorID{}, fmt.Errorf("validator %q: want a public key of 0x and 96 hex digits", egress.Quote(s))
		}
		return ValidatorID{key: [48]byte(key), byKey: true}, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != s || n >= 1<<validatorsDepth {
		return ValidatorID{}, fmt.Errorf("validator %q: want an index below 2^40, or a public key of 0x and 96 hex digits", egress.Quote(s))
	}
	return ValidatorID{index: n}, nil
}

// String is the index or the public key.
func (v ValidatorID) String() string {
	if v.byKey {
		return "0x" + hex.EncodeToString(v.key[:])
	}
	return strconv.FormatUint(v.index, 10)
}

// A Stake is what one validator holds, and for whom (SPEC part 22).
type Stake struct {
	ID      ValidatorID // as it was asked for
	Index   uint64
	Account chains.Account // that its withdrawals go to
	Gwei    uint64
}

// Wei is what the validator holds in the token's base units (SPEC part 22).
func (s Stake) Wei() *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(s.Gwei), uint256.NewInt(1_000_000_000))
}

// Validators proves what validators hold in the state of the beacon block before
// the pinned one, whose root is parent: item 19 of the pinned block's header
// (SPEC part 22). The state is read as it comes and never held whole. A node
// that gives no answer or cannot help is passed over while another one is left;
// one that gives something false ends it.
func (s *Source) Validators(ctx context.Context, block chains.BlockRef, parent [32]byte, ids []ValidatorID) (Validators, []Stake, error) {
	if block.Chain != s.chain {
		return Validators{}, nil, fmt.Errorf("pinned block is of chain %s, want %s", block.Chain, s.chain)
	}
	if len(ids) == 0 {
		return Validators{}, nil, errors.New("no validators are named")
	}
	listed := map[ValidatorID]bool{}
	for _, id := range ids {
		if listed[id] {
			return Validators{}, nil, &ValidatorError{ID: id, Reason: "it is listed twice, and would be counted twice"}
		}
		listed[id] = true
	}
	var passed error
	for _, n := range s.nodes {
		v, stakes, err := s.stakes(ctx, walk{n, block}, parent, ids)
		if err == nil {
			return v, stakes, nil
		}
		var lie *chains.ProofError
		var which *ValidatorError
		if ctx.Err() != nil || errors.As(err, &lie) || errors.As(err, &which) {
			return Validators{}, nil, err
		}
		passed = errors.Join(passed, err)
	}
	return Validators{}, nil, passed
}

// stakes asks one node.
func (s *Source) stakes(ctx context.Context, w walk, parent root, ids []ValidatorID) (Validators, []Stake, error) {
	none := func(err error) (Validators, []Stake, error) { return Validators{}, nil, err }
	net, err := w.check(ctx, s.chain, s.network)
	if err != nil {
		return none(err)
	}
	h, err := w.parentHeader(ctx, parent)
	if err != nil {
		return none(err)
	}
	f, err := net.ofSlot(h.slot)
	if err != nil {
		return none(err)
	}
	v := &survey{indexes: map[uint64]bool{}, keys: map[[48]byte]bool{}, trail: trail{}}
	for _, id := range ids {
		if id.byKey {
			v.keys[id.key] = true
		} else {
			v.indexes[id.index] = true
		}
	}
	got, err := w.state(ctx, h, f, v)
	if err != nil {
		return none(err)
	}
	if got != h.state {
		return none(w.verdict("the state of the beacon block before it", fmt.Errorf("its root is 0x%s, want 0x%s", got.hex(), h.state.hex())))
	}
	stakes, err := v.pair(s.chain, ids)
	if err != nil {
		return none(err)
	}
	file := v.file(h)
	return file, stakes, s.again(file, parent, stakes)
}

// parentHeader asks for the header of a beacon block by its root.
func (w walk) parentHeader(ctx context.Context, parent root) (header, error) {
	path := pathHeaders + "0x" + parent.hex()
	body, err := w.ask(ctx, path, nil)
	var status *statusError
	switch {
	case errors.As(err, &status) && status.status == http.StatusNotFound:
		return header{}, &chains.HistoryLostError{Block: w.block, Node: w.label, Reason: "it does not have beacon block 0x" + parent.hex() + said(status.said)}
	case errors.As(err, &status):
		return header{}, w.refusal(path, status)
	case err != nil:
		return header{}, err
	}
	h, err := parseHeader(body)
	if err != nil {
		return header{}, w.refused(path, err.Error())
	}
	if got := h.root(); got != parent {
		return header{}, w.verdict("the header of the beacon block before it", fmt.Errorf("its root is 0x%s, want 0x%s", got.hex(), parent.hex()))
	}
	return h, nil
}

func parseHeader(b []byte) (header, error) {
	j, err := decode[versioned[struct {
		Header struct {
			Message headerJSON `json:"message"`
		} `json:"header"`
	}]](b)
	if err != nil {
		return header{}, err
	}
	if j.Data == nil {
		return header{}, errors.New("it has no data")
	}
	return j.Data.Header.Message.header()
}

// state surveys the state of a block: asked for by its root, or, where the node
// keeps states by slot only, by its slot.
func (w walk) state(ctx context.Context, h header, f fork, v *survey) (root, error) {
	var status *statusError
	path := pathStates + "0x" + h.state.hex()
	resp, err := w.openState(ctx, path)
	if errors.As(err, &status) {
		path = pathStates + strconv.FormatUint(h.slot, 10)
		resp, err = w.openState(ctx, path)
	}
	if errors.As(err, &status) {
		return root{}, &NoStateError{Node: w.label, State: fmt.Sprintf("state of slot %d", h.slot), Status: status.status, Said: status.said}
	}
	if err != nil {
		return root{}, err
	}
	defer resp.Body.Close()
	if says := resp.Header.Get("Eth-Consensus-Version"); says != "" && !strings.EqualFold(says, f.name) {
		return root{}, w.refused(path, fmt.Sprintf("it says that the state is of fork %s, want %s", egress.Quote(says), f.name))
	}
	got, err := v.state(resp.Body, f.name)
	var bad *malformedError
	if errors.As(err, &bad) {
		return root{}, w.refused(path, bad.reason)
	}
	if err != nil {
		return root{}, w.fault(ctx, path, err)
	}
	return got, nil
}

// openState asks for a state in SSZ.
func (n *node) openState(ctx context.Context, path string) (*http.Response, error) {
	const ssz = "application/octet-stream"
	resp, err := n.open(ctx, n.states, path, nil, ssz)
	if err != nil {
		return nil, err
	}
	given := resp.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(given); err != nil || kind != ssz {
		return nil, errors.Join(n.refused(path, fmt.Sprintf("it answers with %q, want %s", egress.Quote(given), ssz)), resp.Body.Close())
	}
	return resp, nil
}

// GivesStates makes sure that a node is of the network and gives states, of which
// it reads none (SPEC part 22).
func (s *Source) GivesStates(ctx context.Context) error {
	_, err := s.first(ctx, func(w walk) (proved, error) {
		if _, err := w.check(ctx, s.chain, s.network); err != nil {
			return proved{}, err
		}
		resp, err := w.openState(ctx, pathStates+"finalized")
		var status *statusError
		if errors.As(err, &status) {
			return proved{}, &NoStateError{Node: w.label, State: "finalized state", Status: status.status, Said: status.said}
		}
		if err != nil {
			return proved{}, err
		}
		return proved{}, resp.Body.Close()
	}, chains.BlockRef{Chain: s.chain})
	return err
}

// pair says of each validator asked for what it holds, in order.
func (s *survey) pair(chain chains.Chain, ids []ValidatorID) ([]Stake, error) {
	byIndex, byKey := map[uint64]entry{}, map[[48]byte]entry{}
	for _, e := range s.found {
		byIndex[e.index], byKey[e.key] = e, e
	}
	seen := map[uint64]ValidatorID{}
	stakes := make([]Stake, len(ids))
	for i, id := range ids {
		e, ok := byIndex[id.index]
		if id.byKey {
			e, ok = byKey[id.key]
		}
		if !ok {
			return nil, &ValidatorError{ID: id, Reason: fmt.Sprintf("the state has no such validator among its %d", s.all)}
		}
		if other, twice := seen[e.index]; twice {
			return nil, &ValidatorError{ID: id, Reason: fmt.Sprintf("it is the same validator as %s, and would be counted twice", other)}
		}
		seen[e.index] = id
		account, err := withdrawals(chain, e.credentials)
		if err != nil {
			return nil, &ValidatorError{ID: id, Reason: err.Error()}
		}
		stakes[i] = Stake{ID: id, Index: e.index, Account: account, Gwei: e.gwei}
	}
	return stakes, nil
}

// withdrawals is the account of withdrawal credentials (SPEC part 22).
func withdrawals(chain chains.Chain, credentials root) (chains.Account, error) {
	if kind := credentials[0]; kind != 1 && kind != 2 || [11]byte(credentials[1:12]) != [11]byte{} {
		return "", fmt.Errorf("its withdrawal credentials 0x%s name no account: want 0x01 or 0x02, eleven zeros and an address; leave it out, or change its credentials first", credentials.hex())
	}
	return chains.Account(string(chain) + ":0x" + hex.EncodeToString(credentials[12:])), nil
}

// file is the evidence of what was surveyed.
func (s *survey) file(h header) Validators {
	v := Validators{Header: h.file(), Indexes: []uint64{}, Nodes: []string{}}
	for _, e := range s.found {
		v.Indexes = append(v.Indexes, e.index)
	}
	hashes := make([]root, 0, len(s.trail))
	for hash := range s.trail {
		hashes = append(hashes, hash)
	}
	slices.SortFunc(hashes, func(a, b root) int { return slices.Compare(a[:], b[:]) })
	for _, hash := range hashes {
		node := s.trail[hash]
		v.Nodes = append(v.Nodes, hex.EncodeToString(node[:]))
	}
	return v
}

package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/beacon"
)

// EVMResult is what the evidence of an eip155 chain reaches (SPEC part 12).
type EVMResult struct {
	Balances []Balance       // of the holdings, in their order. Grade state-proved, or node-attested where it has Nodes
	Safes    map[string]Safe // by account
	Notes    []string        // what the evidence leaves to somebody's word
}

// TokenPin is what the policy says of how the balances of an ERC-20 token are proved (SPEC part 16). What is empty, or 0, the
// recipe must not have.
type TokenPin struct {
	Layout         string // solidity or vyper
	Slot           string // hex32
	Code           string // 0x and hex32: Keccak-256 of the token's code
	Bits           int    // how many low bits of the word are the balance
	Proxy          string // eip1967 or zeppelinos
	Implementation string // 0x and hex32: Keccak-256 of the implementation's code
	Formula        string // hex32: SHA-256 of the canonical JSON of the share or aave formula
}

// Trust is what a policy knows of a chain beyond its block (SPEC part 16).
type Trust struct {
	Tokens  map[string]TokenPin // by CAIP-19 id
	Network *beacon.Network     // nil: none is known, so validators cannot be read
}

// CheckHeader checks that the header is that of the pinned block: hash, number and time (SPEC part 12, step 1).
func (e *EVM) CheckHeader(block Block) error {
	_, err := e.stateRoot(block)
	return err
}

// Check computes the balances of the holdings, which are sorted by account and token, from the header's state root (SPEC part
// 12, steps 1 to 12; part 22, Validators). The first that is not proven, nor attested by every node, is the error, a
// [CheckError]; nothing is returned in part.
func (e *EVM) Check(block Block, trust Trust, holdings []Holding) (EVMResult, error) {
	root, err := e.stateRoot(block)
	if err != nil {
		return EVMResult{}, err
	}
	asked, err := e.holdings(holdings)
	if err != nil {
		return EVMResult{}, err
	}
	state := e.stateUnder(root)
	result, err := e.prove(state, block, trust, asked)
	if err != nil {
		return EVMResult{}, err
	}
	if i := state.nodes.unused(); i >= 0 {
		return EVMResult{}, &CheckError{Field: "nodes[" + strconv.Itoa(i) + "]", Problem: "a trie node that proves nothing", Got: "a node on no path", Want: "every node used"}
	}
	return result, nil
}

// prove makes every check that reads the state.
func (e *EVM) prove(state *evmState, block Block, trust Trust, asked []evmHolding) (EVMResult, error) {
	answers, err := e.checkAttested(asked)
	if err != nil {
		return EVMResult{}, err
	}
	result := EVMResult{Safes: map[string]Safe{}}
	tokens := map[string]*provenToken{}
	for i, x := range e.recipes {
		token, note, err := state.checkToken("tokens["+strconv.Itoa(i)+"]", x, uint64(block.Time.Unix()), trust.Tokens) //nolint:gosec // the header's time, as checked
		if err != nil {
			return EVMResult{}, err
		}
		result.note(note)
		tokens[x.token] = token
	}
	staked, err := e.stakedWith(trust.Network)
	if err != nil {
		return EVMResult{}, err
	}
	if result.Balances, err = (&prover{state, tokens, staked, answers, len(e.attested)}).balances(asked); err != nil {
		return EVMResult{}, err
	}
	for i, x := range e.recipes {
		token := tokens[x.token]
		if token.holders == 0 {
			return EVMResult{}, &CheckError{Field: "tokens[" + strconv.Itoa(i) + "]", Problem: "a recipe that serves no line", Got: x.token, Want: "tokens of lines"}
		}
		result.note(token.flags())
	}
	if n := result.attested(); n > 0 {
		result.note(e.attestedNote(block, n))
	}
	for i, x := range e.safes {
		field := "safes[" + strconv.Itoa(i) + "]"
		if _, has := slices.BinarySearchFunc(asked, x.account, func(h evmHolding, account string) int { return strings.Compare(h.Account, account) }); !has {
			return EVMResult{}, &CheckError{Field: field, Problem: "the Safe has no reserve line", Got: x.account, Want: "accounts of lines"}
		}
		safe, err := state.safe(field, x.address)
		if err != nil {
			return EVMResult{}, err
		}
		result.Safes[x.account] = safe
	}
	return result, nil
}

func (r *EVMResult) note(text string) {
	if text != "" {
		r.Notes = append(r.Notes, text)
	}
}

// attested counts the balances that are the word of nodes.
func (r *EVMResult) attested() (n int) {
	for _, b := range r.Balances {
		if b.Nodes > 0 {
			n++
		}
	}
	return n
}

// stateRoot is the state root of the pinned block, once the header is known to be its own.
func (e *EVM) stateRoot(block Block) (root [32]byte, err error) {
	fail := func(problem, got, want string) ([32]byte, error) {
		return [32]byte{}, &CheckError{Field: "header", Problem: problem, Got: got, Want: want}
	}
	if block.Chain != e.chain {
		return fail("evidence of another chain than the pinned block's", e.chain, block.Chain)
	}
	if got := fmt.Sprintf("0x%x", e.headerHash); got != block.Hash {
		return fail("its Keccak-256 is not the pinned block's hash", got, block.Hash)
	}
	items, err := listRLP(e.header)
	if err != nil {
		return fail("not strict RLP", err.Error(), "one list")
	}
	if len(items) < 12 {
		return fail("too few items", strconv.Itoa(len(items)), "12 or more")
	}
	if root, err = items[3].hash(); err != nil {
		return fail("item 3 is no state root", err.Error(), "32 bytes")
	}
	number, err := items[8].uint64()
	if err != nil {
		return fail("item 8 is no block number", err.Error(), "an integer below 2^64")
	}
	seconds, err := items[11].uint64()
	if err != nil {
		return fail("item 11 is no time", err.Error(), "an integer below 2^64")
	}
	if number != block.Number {
		return fail("its number is not the pinned one", strconv.FormatUint(number, 10), strconv.FormatUint(block.Number, 10))
	}
	if want := block.Time.Unix(); want < 0 || seconds != uint64(want) {
		return fail("its time is not the pinned one", strconv.FormatUint(seconds, 10), block.Time.UTC().Format(time.RFC3339))
	}
	return root, nil
}

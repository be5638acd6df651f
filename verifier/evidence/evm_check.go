package evidence

import (
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// EVMResult is what the evidence of an eip155 chain reaches, grade state-proved (SPEC part 12).
type EVMResult struct {
	Balances []Balance // as in the file: by account and token
	Notes    []string  // what the evidence leaves to somebody's word
}

// TokenPin is what the policy says of how an ERC-20 token stores its balances (SPEC part 16).
type TokenPin struct {
	Layout string // solidity or vyper
	Slot   string // hex32
	Code   string // 0x and hex32: Keccak-256 of the token's code
}

// CheckHeader checks that the header is that of the pinned block: hash, number and time (SPEC part 12, step 1).
func (e *EVM) CheckHeader(block Block) error {
	_, err := e.stateRoot(block)
	return err
}

// Check recomputes every balance from the header's state root (SPEC part 12, steps 1 to 7). pins are the policy's tokens, by
// CAIP-19 id. The first balance that is not proven is the error, a [CheckError]; nothing is returned in part.
func (e *EVM) Check(block Block, pins map[string]TokenPin) (EVMResult, error) {
	root, err := e.stateRoot(block)
	if err != nil {
		return EVMResult{}, err
	}
	state := &evmState{root: root, nodes: newNodeSet(e.hashes, e.nodes), accounts: map[[20]byte]account{}}
	var result EVMResult
	for i, token := range e.order {
		note, err := e.checkToken(state, "tokens["+strconv.Itoa(i)+"]", token, pins)
		if err != nil {
			return EVMResult{}, err
		}
		if note != "" {
			result.Notes = append(result.Notes, note)
		}
	}
	for i, b := range e.balances {
		field := "balances[" + strconv.Itoa(i) + "]"
		got, err := e.proven(state, field, b)
		if err != nil {
			return EVMResult{}, err
		}
		if got.Cmp(b.amount) != 0 {
			return EVMResult{}, &CheckError{Field: field + ".amount", Problem: "the file's amount is not what the state of the pinned block holds", Got: b.amount.String(), Want: got.String()}
		}
		result.Balances = append(result.Balances, Balance{Account: b.account, Token: b.token, Amount: got})
	}
	if i := state.nodes.unused(); i >= 0 {
		return EVMResult{}, &CheckError{Field: "nodes[" + strconv.Itoa(i) + "]", Problem: "a trie node that proves nothing", Got: "a node on no path", Want: "every node used"}
	}
	return result, nil
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

// evmState is the state under one header, as far as the nodes prove it.
type evmState struct {
	root     [32]byte
	nodes    *nodeSet
	accounts map[[20]byte]account
}

// account looks an account up once: its leaf, or its proven absence.
func (s *evmState) account(field string, address [20]byte) (account, error) {
	if a, ok := s.accounts[address]; ok {
		return a, nil
	}
	found := s.nodes.walk(s.root, keccak256(address[:]))
	var a account
	switch found.outcome {
	case notProven:
		return a, &CheckError{Field: field, Problem: "state trie: " + found.reason, Got: found.got, Want: found.want}
	case proven:
		var err error
		if a, err = decodeAccount(found.value); err != nil {
			return a, &CheckError{Field: field, Problem: "state trie: the leaf is no account", Got: err.Error(), Want: "nonce, balance, storage root and code hash"}
		}
	case provenAbsent:
		a.storageRoot, a.codeHash = emptyRoot, emptyCode
	}
	s.accounts[address] = a
	return a, nil
}

// proven is the balance that the state holds for one claim.
func (e *EVM) proven(state *evmState, field string, b evmBalance) (*big.Int, error) {
	if b.native {
		holder, err := state.account(field, b.holder)
		return new(big.Int).SetBytes(holder.balance), err
	}
	storage := e.tokens[b.token]
	token, err := state.account(field, b.contract)
	if err != nil {
		return nil, err
	}
	found := state.nodes.walk(token.storageRoot, slotKey(storage.layout, storage.slot, b.holder))
	if found.outcome == notProven {
		return nil, &CheckError{Field: field, Problem: "storage trie: " + found.reason, Got: found.got, Want: found.want}
	}
	if found.outcome == provenAbsent {
		return new(big.Int), nil
	}
	digits, err := decodeStorage(found.value)
	if err != nil {
		return nil, &CheckError{Field: field, Problem: "storage trie: the leaf is no integer", Got: err.Error(), Want: "an integer below 2^256"}
	}
	return new(big.Int).SetBytes(digits), nil
}

// checkToken checks that a token is a contract, and that its layout, slot and code are the policy's where the policy speaks.
// Where it does not, the note says whose word they are.
func (e *EVM) checkToken(state *evmState, field, token string, pins map[string]TokenPin) (note string, err error) {
	storage := e.tokens[token]
	contract, err := state.account(field, storage.contract)
	if err != nil {
		return "", err
	}
	if !contract.exists {
		return "", &CheckError{Field: field, Problem: "the token's account does not exist at the pinned block", Got: "a proven absence", Want: "an account with code"}
	}
	if contract.codeHash == emptyCode {
		return "", &CheckError{Field: field, Problem: "the token's account has no code", Got: "an account without code", Want: "a contract"}
	}
	code := fmt.Sprintf("0x%x", contract.codeHash)
	pin, ok := pins[token]
	if !ok {
		return fmt.Sprintf("%s: that balances are stored in layout %s at slot %s by code %s is the exchange's word: the policy has no entry for this token",
			token, storage.layout, storage.slotText, code), nil
	}
	for _, c := range []struct{ what, got, want string }{
		{"layout", storage.layout, pin.Layout},
		{"slot", storage.slotText, pin.Slot},
		{"code", code, pin.Code},
	} {
		if c.got != c.want {
			return "", &CheckError{Field: field + "." + c.what, Problem: "the " + c.what + " of " + token + " is not the policy's", Got: c.got, Want: c.want}
		}
	}
	return "", nil
}

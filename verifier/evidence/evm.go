package evidence

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	kindEVM        = "assay/v1/evidence/evm"
	layoutSolidity = "solidity"
	layoutVyper    = "vyper"

	maxHeader   = 1 << 20 // chains put their own things into headers, never this much
	maxTrieNode = 1024    // a full branch takes 532 bytes, a leaf less
)

// EVM is the parsed evidence of an eip155 chain (SPEC part 12). Its checks may run concurrently.
type EVM struct {
	chain      string
	header     []byte
	headerHash [32]byte
	balances   []evmBalance
	tokens     map[string]tokenStorage
	order      []string // of the tokens, as in the file
	hashes     [][32]byte
	nodes      [][]byte
}

// evmBalance is one claim of the file.
type evmBalance struct {
	account, token string
	holder         [20]byte
	contract       [20]byte
	native         bool
	amount         *big.Int
}

// tokenStorage is how an ERC-20 token stores its balances, by the file.
type tokenStorage struct {
	contract [20]byte
	layout   string
	slot     [32]byte
	slotText string
}

// ParseEVM reads the evidence file of an eip155 chain (SPEC part 12). Malformed input is a [canon.FormatError] or
// [canon.VersionError]; evidence of another snapshot or chain is a [CheckError].
func ParseEVM(raw []byte, snapshot, chain string) (*EVM, error) {
	if number, ok := strings.CutPrefix(chain, "eip155:"); !ok || !isNumber(number) {
		return nil, &canon.FormatError{Field: "chain", Problem: fmt.Sprintf("%q is not eip155:<number>", chain)}
	}
	e := &EVM{chain: chain, tokens: map[string]tokenStorage{}}
	var gotChain, gotSnapshot string
	err := decode(raw, kindEVM, func(r *canon.Reader) {
		r.Object(
			canon.Key("balances", func() { e.readBalances(r) }),
			canon.Key("chain", func() { gotChain = r.Text() }),
			canon.Key("header", func() { e.header = readHex(r, maxHeader) }),
			canon.Key("nodes", func() { e.readNodes(r) }),
			canon.Key("snapshot", func() { gotSnapshot = r.Text() }),
			canon.Key("tokens", func() { e.readTokens(r) }),
			canon.Key("type", func() { r.Fixed(kindEVM) }),
		)
	})
	if err != nil {
		return nil, err
	}
	if err := sameSubject(gotSnapshot, snapshot, gotChain, chain); err != nil {
		return nil, err
	}
	if err := e.checkTokenList(); err != nil {
		return nil, err
	}
	e.headerHash = keccak256(e.header)
	return e, nil
}

// sameSubject: the evidence is of the statement's snapshot and of the chain that its path names.
func sameSubject(gotSnapshot, snapshot, gotChain, chain string) error {
	if gotChain != chain {
		return &CheckError{Field: "chain", Problem: "evidence of another chain", Got: gotChain, Want: chain}
	}
	if gotSnapshot != snapshot {
		return &CheckError{Field: "snapshot", Problem: "evidence of another snapshot", Got: gotSnapshot, Want: snapshot}
	}
	return nil
}

func (e *EVM) readBalances(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		var b evmBalance
		r.Object(
			canon.Key("account", func() { b.account, b.holder = e.readAccount(r) }),
			canon.Key("amount", func() { b.amount = readAmount(r, 256) }),
			canon.Key("token", func() { b.token, b.contract, b.native = e.readToken(r) }),
		)
		if i > 0 {
			last := e.balances[i-1]
			ascending(r, i, cmp.Or(strings.Compare(b.account, last.account), strings.Compare(b.token, last.token)), "account and token")
		}
		e.balances = append(e.balances, b)
	})
}

// readAccount reads an account of this chain.
func (e *EVM) readAccount(r *canon.Reader) (text string, address [20]byte) {
	text = r.Text()
	rest, ours := strings.CutPrefix(text, e.chain+":")
	address, ok := evmAddress(rest)
	if !ours || !ok {
		r.Fail("%q is not an account of %s: want %s:0x and 40 lower-case hex digits", text, e.chain, e.chain)
	}
	return text, address
}

// readToken reads a token of this chain: the native one, or an ERC-20 contract.
func (e *EVM) readToken(r *canon.Reader) (text string, contract [20]byte, native bool) {
	text = r.Text()
	if number, ok := strings.CutPrefix(text, e.chain+"/slip44:"); ok && isNumber(number) {
		return text, contract, true
	}
	rest, ours := strings.CutPrefix(text, e.chain+"/erc20:")
	contract, ok := evmAddress(rest)
	if !ours || !ok {
		r.Fail("%q is not a token of %s: want slip44:<number>, or erc20:0x and 40 lower-case hex digits", text, e.chain)
	}
	return text, contract, false
}

func (e *EVM) readNodes(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		node := readHex(r, maxTrieNode)
		h := keccak256(node)
		if i > 0 {
			ascending(r, i, compareHashes(h, e.hashes[i-1]), "Keccak-256")
		}
		e.nodes = append(e.nodes, node)
		e.hashes = append(e.hashes, h)
	})
}

func (e *EVM) readTokens(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		var t tokenStorage
		var token string
		var native bool
		r.Object(
			canon.Key("layout", func() {
				if t.layout = r.Text(); t.layout != layoutSolidity && t.layout != layoutVyper {
					r.Fail("layout %q is neither solidity nor vyper", t.layout)
				}
			}),
			canon.Key("slot", func() {
				t.slot = r.Hash()
				t.slotText = fmt.Sprintf("%x", t.slot)
			}),
			canon.Key("token", func() {
				if token, t.contract, native = e.readToken(r); native {
					r.Fail("a native token has no storage")
				}
			}),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(token, e.order[i-1]), "token")
		}
		e.order = append(e.order, token)
		e.tokens[token] = t
	})
}

// checkTokenList: the file's tokens are the ERC-20 tokens of its balances, and there is one name for the native token: under
// two names one holding would count twice.
func (e *EVM) checkTokenList() error {
	named := map[string]bool{}
	native := ""
	for i, b := range e.balances {
		field := fmt.Sprintf("balances[%d].token", i)
		if !b.native {
			if _, ok := e.tokens[b.token]; !ok {
				return &canon.FormatError{Field: field, Problem: b.token + " does not stand in tokens"}
			}
			named[b.token] = true
			continue
		}
		if native != "" && native != b.token {
			return &canon.FormatError{Field: field, Problem: fmt.Sprintf("%s and %s name the same coin", native, b.token)}
		}
		native = b.token
	}
	for i, token := range e.order {
		if !named[token] {
			return &canon.FormatError{Field: fmt.Sprintf("tokens[%d].token", i), Problem: token + " has no balance"}
		}
	}
	return nil
}

package evidence

import (
	"cmp"
	"fmt"
	"math/big"
	"strings"
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

// ParseEVM reads the evidence file of an eip155 chain (SPEC part 12). Malformed input is a [FormatError] or [VersionError];
// evidence of another snapshot or chain is a [CheckError].
func ParseEVM(raw []byte, snapshot, chain string) (*EVM, error) {
	if number, ok := strings.CutPrefix(chain, "eip155:"); !ok || !isNumber(number) {
		return nil, &FormatError{Field: "chain", Problem: fmt.Sprintf("%q is not eip155:<number>", chain)}
	}
	f, err := openFile(raw, kindEVM)
	if err != nil {
		return nil, err
	}
	e := &EVM{chain: chain, tokens: map[string]tokenStorage{}}
	var gotChain, gotSnapshot string
	f.object(func() {
		f.key("balances", func() { e.readBalances(f) })
		f.key("chain", func() { gotChain = f.text() })
		f.key("header", func() { e.header = f.hex(maxHeader) })
		f.key("nodes", func() { e.readNodes(f) })
		f.key("snapshot", func() { gotSnapshot = f.text() })
		f.key("tokens", func() { e.readTokens(f) })
		f.key("type", func() { f.text() })
	})
	if f.err != nil {
		return nil, f.err
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

func (e *EVM) readBalances(f *fields) {
	f.list(func(i int) {
		var b evmBalance
		f.object(func() {
			f.key("account", func() { b.account, b.holder = e.readAccount(f) })
			f.key("amount", func() { b.amount = f.amount(256) })
			f.key("token", func() { b.token, b.contract, b.native = e.readToken(f) })
		})
		if i > 0 {
			last := e.balances[i-1]
			f.ascending(i, cmp.Or(strings.Compare(b.account, last.account), strings.Compare(b.token, last.token)), "account and token")
		}
		e.balances = append(e.balances, b)
	})
}

// readAccount reads an account of this chain.
func (e *EVM) readAccount(f *fields) (text string, address [20]byte) {
	text = f.text()
	rest, ours := strings.CutPrefix(text, e.chain+":")
	address, ok := evmAddress(rest)
	if f.err == nil && (!ours || !ok) {
		f.fault("%q is not an account of %s: want %s:0x and 40 lower-case hex digits", text, e.chain, e.chain)
	}
	return text, address
}

// readToken reads a token of this chain: the native one, or an ERC-20 contract.
func (e *EVM) readToken(f *fields) (text string, contract [20]byte, native bool) {
	text = f.text()
	if f.err != nil {
		return text, contract, false
	}
	if number, ok := strings.CutPrefix(text, e.chain+"/slip44:"); ok && isNumber(number) {
		return text, contract, true
	}
	rest, ours := strings.CutPrefix(text, e.chain+"/erc20:")
	contract, ok := evmAddress(rest)
	if !ours || !ok {
		f.fault("%q is not a token of %s: want slip44:<number>, or erc20:0x and 40 lower-case hex digits", text, e.chain)
	}
	return text, contract, false
}

func (e *EVM) readNodes(f *fields) {
	f.list(func(i int) {
		node := f.hex(maxTrieNode)
		h := keccak256(node)
		if i > 0 {
			f.ascending(i, compareHashes(h, e.hashes[i-1]), "Keccak-256")
		}
		e.nodes = append(e.nodes, node)
		e.hashes = append(e.hashes, h)
	})
}

func (e *EVM) readTokens(f *fields) {
	f.list(func(i int) {
		var t tokenStorage
		var token string
		var native bool
		f.object(func() {
			f.key("layout", func() {
				if t.layout = f.text(); t.layout != layoutSolidity && t.layout != layoutVyper {
					f.fault("layout %q is neither solidity nor vyper", t.layout)
				}
			})
			f.key("slot", func() {
				t.slot = f.hash()
				t.slotText = fmt.Sprintf("%x", t.slot)
			})
			f.key("token", func() {
				if token, t.contract, native = e.readToken(f); native {
					f.fault("a native token has no storage")
				}
			})
		})
		if i > 0 {
			f.ascending(i, strings.Compare(token, e.order[i-1]), "token")
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
				return &FormatError{Field: field, Problem: b.token + " does not stand in tokens"}
			}
			named[b.token] = true
			continue
		}
		if native != "" && native != b.token {
			return &FormatError{Field: field, Problem: fmt.Sprintf("%s and %s name the same coin", native, b.token)}
		}
		native = b.token
	}
	for i, token := range e.order {
		if !named[token] {
			return &FormatError{Field: fmt.Sprintf("tokens[%d].token", i), Problem: token + " has no balance"}
		}
	}
	return nil
}

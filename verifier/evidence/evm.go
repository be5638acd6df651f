package evidence

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/beacon"
	"github.com/assay-por/assay/verifier/canon"
)

const (
	kindEVM = "assay/v1/evidence/evm"

	maxHeader    = 1 << 20 // chains put their own things into headers, never this much
	maxTrieNode  = 1024    // a full branch takes 532 bytes, a leaf less
	maxAttesting = 16      // nodes
)

// EVM is the parsed evidence of an eip155 chain (SPEC part 12). Its checks may run concurrently.
type EVM struct {
	chain      string
	attested   []evmAttestation
	header     []byte
	headerHash [32]byte
	hashes     [][32]byte
	nodes      [][]byte
	recipes    []*recipe // as in the file: by token
	byToken    map[string]*recipe
	safes      []evmSafe
	validators *beacon.Validators // nil: none
}

// evmAttestation is what one node answered at the pinned block, by the exchange's word.
type evmAttestation struct {
	node    string
	answers []evmAnswer
}

type evmAnswer struct {
	evmHolding
	amount *big.Int
}

// evmSafe is an account whose owners the file proves.
type evmSafe struct {
	account string
	address [20]byte
}

// ParseEVM reads the evidence file of an eip155 chain (SPEC part 12). Malformed input is a [canon.FormatError] or
// [canon.VersionError]; evidence of another snapshot or chain is a [CheckError].
func ParseEVM(raw []byte, snapshot, chain string) (*EVM, error) {
	if number, ok := strings.CutPrefix(chain, "eip155:"); !ok || !isNumber(number) {
		return nil, &canon.FormatError{Field: "chain", Problem: fmt.Sprintf("%q is not eip155:<number>", chain)}
	}
	e := &EVM{chain: chain, byToken: map[string]*recipe{}}
	var gotChain, gotSnapshot string
	err := decode(raw, kindEVM, func(r *canon.Reader) {
		r.Object(
			canon.Key("attested", func() { e.readAttested(r) }),
			canon.Key("chain", func() { gotChain = r.Text() }),
			canon.Key("header", func() { e.header = readHex(r, maxHeader) }),
			canon.Key("nodes", func() { e.readNodes(r) }),
			canon.Key("safes", func() { e.readSafes(r) }),
			canon.Key("snapshot", func() { gotSnapshot = r.Text() }),
			canon.Key("tokens", func() { e.readRecipes(r) }),
			canon.Key("type", func() { r.Fixed(kindEVM) }),
			canon.Optional("validators", func() { e.validators = beacon.ReadValidators(r) }),
		)
	})
	if err != nil {
		return nil, err
	}
	if err := sameSubject(gotSnapshot, snapshot, gotChain, chain); err != nil {
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

func (e *EVM) readAttested(r *canon.Reader) {
	r.Array(maxAttesting, func(i int) {
		var a evmAttestation
		r.Object(
			canon.Key("answers", func() { a.answers = e.readAnswers(r) }),
			canon.Key("node", func() { a.node = readLabel(r) }),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(a.node, e.attested[i-1].node), "node")
		}
		e.attested = append(e.attested, a)
	})
}

func (e *EVM) readAnswers(r *canon.Reader) (list []evmAnswer) {
	r.Array(maxFile, func(i int) {
		var a evmAnswer
		r.Object(
			canon.Key("account", func() { a.Account, a.holder = e.readAccount(r) }),
			canon.Key("amount", func() { a.amount = readAmount(r, 256) }),
			canon.Key("token", func() {
				a.Token = r.Text()
				var ok bool
				if a.kind, _, ok = e.tokenOf(a.Token); !ok {
					r.Fail("%q is not a token of %s: want %s", a.Token, e.chain, assetForms)
				}
			}),
		)
		if i > 0 {
			ascending(r, i, a.compare(list[i-1].Holding), "account and token")
		}
		list = append(list, a)
	})
	return list
}

func (e *EVM) readSafes(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		var s evmSafe
		s.account, s.address = e.readAccount(r)
		if i > 0 {
			ascending(r, i, strings.Compare(s.account, e.safes[i-1].account), "account")
		}
		e.safes = append(e.safes, s)
	})
}

// readAccount reads an account of this chain.
func (e *EVM) readAccount(r *canon.Reader) (text string, address [20]byte) {
	text = r.Text()
	address, ok := e.holderOf(text)
	if !ok {
		r.Fail("%q is not an account of %s: want %s:0x and 40 lower-case hex digits", text, e.chain, e.chain)
	}
	return text, address
}

func (e *EVM) readNodes(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		node := readBase64(r, maxTrieNode)
		h := keccak256(node)
		if i > 0 {
			ascending(r, i, compareHashes(h, e.hashes[i-1]), "Keccak-256")
		}
		e.nodes = append(e.nodes, node)
		e.hashes = append(e.hashes, h)
	})
}

package evidence

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const (
	kindUTXO   = "assay/v1/evidence/utxo"
	maxHeaders = 2_000_000 // SPEC part 18
)

// UTXO is the parsed evidence of a bip122 chain (SPEC part 13). Its checks may run concurrently.
type UTXO struct {
	chain    string
	network  network
	first    uint64
	headers  []byte
	attested []attestation
	blocks   []provenBlock
	outputs  []output
}

// attestation is what one node said of unspentness.
type attestation struct {
	node    string
	answers []answer
}

type answer struct {
	account   string
	outpoints []string
}

type provenBlock struct {
	height       uint64
	coinbase     provenTransaction
	transactions []provenTransaction
}

type provenTransaction struct {
	raw    []byte
	index  uint64
	branch [][32]byte
}

// output is one claim of the file.
type output struct {
	account string
	amount  *big.Int
	txid    [32]byte // in hashing order
	vout    uint64
}

func (o output) outpoint() string { return printed(o.txid) + ":" + strconv.FormatUint(o.vout, 10) }

// ParseUTXO reads the evidence file of a bip122 chain (SPEC part 13). Malformed input is a [FormatError] or [VersionError];
// evidence of another snapshot or chain is a [CheckError].
func ParseUTXO(raw []byte, snapshot, chain string) (*UTXO, error) {
	net, ok := networkOf(chain)
	if !ok {
		return nil, &FormatError{Field: "chain", Problem: fmt.Sprintf("%q is not a network with Bitcoin's rules known here: mainnet, testnet3, regtest, simnet", chain)}
	}
	f, err := openFile(raw, kindUTXO)
	if err != nil {
		return nil, err
	}
	u := &UTXO{chain: chain, network: net}
	var gotChain, gotSnapshot string
	f.object(func() {
		f.key("attested", func() { u.readAttested(f) })
		f.key("blocks", func() { u.readBlocks(f) })
		f.key("chain", func() { gotChain = f.text() })
		f.key("first", func() { u.first = f.integer(1<<32 - 1) })
		f.key("headers", func() {
			u.headers = f.hex(maxHeaders * headerSize)
			if len(u.headers) == 0 || len(u.headers)%headerSize != 0 {
				f.fault("%d bytes are not whole headers of 80 bytes, at least one", len(u.headers))
			}
		})
		f.key("outputs", func() { u.readOutputs(f) })
		f.key("snapshot", func() { gotSnapshot = f.text() })
		f.key("type", func() { f.text() })
	})
	if f.err != nil {
		return nil, f.err
	}
	if err := sameSubject(gotSnapshot, snapshot, gotChain, chain); err != nil {
		return nil, err
	}
	if len(u.outputs) == 0 && (len(u.headers) != headerSize || len(u.blocks) > 0) {
		return nil, &FormatError{Field: "headers", Problem: fmt.Sprintf("without outputs the file holds the pinned block's header alone, got %d headers and %d blocks", len(u.headers)/headerSize, len(u.blocks))}
	}
	return u, nil
}

func (u *UTXO) readAttested(f *fields) {
	f.list(func(i int) {
		var a attestation
		f.object(func() {
			f.key("answers", func() { a.answers = u.readAnswers(f) })
			f.key("node", func() {
				if a.node = f.text(); !isLabel(a.node) {
					f.fault("a node's label is 1 to 64 printable ASCII characters")
				}
			})
		})
		if i > 0 {
			f.ascending(i, strings.Compare(a.node, u.attested[i-1].node), "node")
		}
		u.attested = append(u.attested, a)
	})
	if len(u.attested) == 0 {
		f.fault("no node: at least one said what is unspent")
	}
}

func (u *UTXO) readAnswers(f *fields) (answers []answer) {
	f.list(func(i int) {
		var a answer
		f.object(func() {
			f.key("account", func() { a.account = u.readAccount(f) })
			f.key("method", func() {
				if !isLabel(f.text()) {
					f.fault("a method is 1 to 64 printable ASCII characters")
				}
			})
			f.key("outpoints", func() {
				f.list(func(j int) {
					a.outpoints = append(a.outpoints, readOutpoint(f))
					if j > 0 {
						f.ascending(j, strings.Compare(a.outpoints[j], a.outpoints[j-1]), "outpoint")
					}
				})
			})
		})
		if i > 0 {
			f.ascending(i, strings.Compare(a.account, answers[i-1].account), "account")
		}
		answers = append(answers, a)
	})
	return answers
}

// readOutpoint reads `txid:vout`.
func readOutpoint(f *fields) string {
	text := f.text()
	txid, vout, found := strings.Cut(text, ":")
	raw, ok := decodeHex([]byte(txid))
	n, err := strconv.ParseUint(vout, 10, 32)
	if !found || !ok || len(raw) != 32 || err != nil || strconv.FormatUint(n, 10) != vout {
		f.fault("%q is not txid:vout", text)
	}
	return text
}

func (u *UTXO) readAccount(f *fields) string {
	text := f.text()
	if f.err != nil {
		return text
	}
	address, ours := strings.CutPrefix(text, u.chain+":")
	if !ours {
		f.fault("%q is not an account of %s", text, u.chain)
	} else if _, _, err := u.network.script(address); err != nil {
		f.fault("%v", err)
	}
	return text
}

func (u *UTXO) readBlocks(f *fields) {
	f.list(func(i int) {
		var b provenBlock
		f.object(func() {
			f.key("coinbase", func() {
				f.object(func() {
					f.key("branch", func() { b.coinbase.branch = readBranch(f) })
					f.key("tx", func() { b.coinbase.raw = f.hex(maxTransaction) })
				})
			})
			f.key("height", func() { b.height = f.integer(1<<32 - 1) })
			f.key("transactions", func() { b.transactions = readTransactions(f) })
		})
		if i > 0 {
			f.ascending(i, cmp.Compare(b.height, u.blocks[i-1].height), "height")
		}
		u.blocks = append(u.blocks, b)
	})
}

func readTransactions(f *fields) (transactions []provenTransaction) {
	f.list(func(j int) {
		var t provenTransaction
		f.object(func() {
			f.key("branch", func() { t.branch = readBranch(f) })
			f.key("index", func() {
				if t.index = f.integer(1<<32 - 1); t.index == 0 {
					f.fault("index 0 is the coinbase's")
				}
			})
			f.key("tx", func() { t.raw = f.hex(maxTransaction) })
		})
		if j > 0 {
			f.ascending(j, cmp.Compare(t.index, transactions[j-1].index), "index")
		}
		transactions = append(transactions, t)
	})
	return transactions
}

func readBranch(f *fields) (branch [][32]byte) {
	f.list(func(level int) {
		if level == maxBranch {
			f.fault("a branch longer than %d", maxBranch)
		}
		branch = append(branch, f.hash())
	})
	return branch
}

func (u *UTXO) readOutputs(f *fields) {
	f.list(func(i int) {
		var o output
		f.object(func() {
			f.key("account", func() { o.account = u.readAccount(f) })
			f.key("amount", func() { o.amount = f.amount(64) })
			f.key("txid", func() { o.txid = reversed(f.hash()) })
			f.key("vout", func() { o.vout = f.integer(1<<32 - 1) })
		})
		if i > 0 {
			last := u.outputs[i-1]
			order := cmp.Or(strings.Compare(o.account, last.account), compareHashes(reversed(o.txid), reversed(last.txid)), cmp.Compare(o.vout, last.vout))
			f.ascending(i, order, "account, txid and vout")
		}
		u.outputs = append(u.outputs, o)
	})
}

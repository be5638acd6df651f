package evidence

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
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
	filters  *filters // nil if the file has none
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

// spentAs is the outpoint as the input that spends it holds it.
func (o output) spentAs() [36]byte {
	return [36]byte(binary.LittleEndian.AppendUint32(o.txid[:], uint32(o.vout))) //nolint:gosec // below 2^32 as read
}

// ParseUTXO reads the evidence file of a bip122 chain (SPEC part 13). Malformed input is a [canon.FormatError] or
// [canon.VersionError]; evidence of another snapshot or chain is a [CheckError].
func ParseUTXO(raw []byte, snapshot, chain string) (*UTXO, error) {
	net, ok := networkOf(chain)
	if !ok {
		return nil, &canon.FormatError{Field: "chain", Problem: fmt.Sprintf("%q is not a network with Bitcoin's rules known here (SPEC part 13)", chain)}
	}
	u := &UTXO{chain: chain, network: net}
	var gotChain, gotSnapshot string
	err := decode(raw, kindUTXO, func(r *canon.Reader) {
		r.Object(
			canon.Key("attested", func() { u.readAttested(r) }),
			canon.Key("blocks", func() { u.readBlocks(r) }),
			canon.Key("chain", func() { gotChain = r.Text() }),
			canon.Optional("filters", func() { u.filters = readFilters(r) }),
			canon.Key("first", func() { u.first = r.Number(1<<32 - 1) }),
			canon.Key("headers", func() { u.headers = readHeaders(r) }),
			canon.Key("outputs", func() { u.readOutputs(r) }),
			canon.Key("snapshot", func() { gotSnapshot = r.Text() }),
			canon.Key("type", func() { r.Fixed(kindUTXO) }),
		)
	})
	if err != nil {
		return nil, err
	}
	if err := sameSubject(gotSnapshot, snapshot, gotChain, chain); err != nil {
		return nil, err
	}
	if len(u.outputs) == 0 && (len(u.headers) != headerSize || len(u.blocks) > 0) {
		return nil, &canon.FormatError{Field: "headers", Problem: fmt.Sprintf("without outputs the file holds the pinned block's header alone, got %d headers and %d blocks", len(u.headers)/headerSize, len(u.blocks))}
	}
	if u.filters != nil {
		if err := u.filters.fit(len(u.headers)/headerSize, u.first); err != nil {
			return nil, err
		}
	}
	return u, nil
}

func readHeaders(r *canon.Reader) []byte {
	headers := readHex(r, maxHeaders*headerSize)
	if len(headers) == 0 || len(headers)%headerSize != 0 {
		r.Fail("%d bytes are not whole headers of 80 bytes, at least one", len(headers))
	}
	return headers
}

func (u *UTXO) readAttested(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		var a attestation
		r.Object(
			canon.Key("answers", func() { a.answers = u.readAnswers(r) }),
			canon.Key("node", func() { a.node = readLabel(r) }),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(a.node, u.attested[i-1].node), "node")
		}
		u.attested = append(u.attested, a)
	})
	if len(u.attested) == 0 {
		r.Fail("no node: at least one said what is unspent")
	}
}

func (u *UTXO) readAnswers(r *canon.Reader) (answers []answer) {
	r.Array(maxFile, func(i int) {
		var a answer
		r.Object(
			canon.Key("account", func() { a.account = u.readAccount(r) }),
			canon.Key("method", func() {
				if !isLabel(r.Text()) {
					r.Fail("a method is 1 to 64 printable ASCII characters")
				}
			}),
			canon.Key("outpoints", func() {
				r.Array(maxFile, func(j int) {
					a.outpoints = append(a.outpoints, readOutpoint(r))
					if j > 0 {
						ascending(r, j, strings.Compare(a.outpoints[j], a.outpoints[j-1]), "outpoint")
					}
				})
			}),
		)
		if i > 0 {
			ascending(r, i, strings.Compare(a.account, answers[i-1].account), "account")
		}
		answers = append(answers, a)
	})
	return answers
}

// readOutpoint reads `txid:vout`.
func readOutpoint(r *canon.Reader) string {
	text := r.Text()
	txid, vout, found := strings.Cut(text, ":")
	raw, ok := decodeHex([]byte(txid))
	n, err := strconv.ParseUint(vout, 10, 32)
	if !found || !ok || len(raw) != 32 || err != nil || strconv.FormatUint(n, 10) != vout {
		r.Fail("%q is not txid:vout", text)
	}
	return text
}

func (u *UTXO) readAccount(r *canon.Reader) string {
	text := r.Text()
	address, ours := strings.CutPrefix(text, u.chain+":")
	if !ours {
		r.Fail("%q is not an account of %s", text, u.chain)
	} else if _, _, err := u.network.script(address); err != nil {
		r.Fail("%v", err)
	}
	return text
}

func (u *UTXO) readBlocks(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		var b provenBlock
		r.Object(
			canon.Key("coinbase", func() { b.coinbase = readCoinbase(r) }),
			canon.Key("height", func() { b.height = r.Number(1<<32 - 1) }),
			canon.Key("transactions", func() { b.transactions = readTransactions(r) }),
		)
		if i > 0 {
			ascending(r, i, cmp.Compare(b.height, u.blocks[i-1].height), "height")
		}
		u.blocks = append(u.blocks, b)
	})
}

func readCoinbase(r *canon.Reader) (t provenTransaction) {
	r.Object(
		canon.Key("branch", func() { t.branch = readBranch(r) }),
		canon.Key("tx", func() { t.raw = readHex(r, maxTransaction) }),
	)
	return t
}

// readIndex reads the place of a transaction that is no coinbase.
func readIndex(r *canon.Reader) uint64 {
	index := r.Number(1<<32 - 1)
	if index == 0 {
		r.Fail("index 0 is the coinbase's")
	}
	return index
}

func readTransactions(r *canon.Reader) (transactions []provenTransaction) {
	r.Array(maxFile, func(j int) {
		var t provenTransaction
		r.Object(
			canon.Key("branch", func() { t.branch = readBranch(r) }),
			canon.Key("index", func() { t.index = readIndex(r) }),
			canon.Key("tx", func() { t.raw = readHex(r, maxTransaction) }),
		)
		if j > 0 {
			ascending(r, j, cmp.Compare(t.index, transactions[j-1].index), "index")
		}
		transactions = append(transactions, t)
	})
	return transactions
}

func readBranch(r *canon.Reader) (branch [][32]byte) {
	r.Array(maxFile, func(level int) {
		if level == maxBranch {
			r.Fail("a branch longer than %d", maxBranch)
		}
		branch = append(branch, r.Hash())
	})
	return branch
}

func (u *UTXO) readOutputs(r *canon.Reader) {
	r.Array(maxFile, func(i int) {
		var o output
		r.Object(
			canon.Key("account", func() { o.account = u.readAccount(r) }),
			canon.Key("amount", func() { o.amount = readAmount(r, 64) }),
			canon.Key("txid", func() { o.txid = reversed(r.Hash()) }),
			canon.Key("vout", func() { o.vout = r.Number(1<<32 - 1) }),
		)
		if i > 0 {
			last := u.outputs[i-1]
			order := cmp.Or(strings.Compare(o.account, last.account), compareHashes(reversed(o.txid), reversed(last.txid)), cmp.Compare(o.vout, last.vout))
			ascending(r, i, order, "account, txid and vout")
		}
		u.outputs = append(u.outputs, o)
	})
}

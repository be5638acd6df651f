package utxo

import "github.com/assay-por/assay/chains"

// EvidenceType is the type of this room's evidence file (SPEC part 13).
const EvidenceType = "assay/v1/evidence/utxo"

// Evidence is the evidence file of a Bitcoin network (SPEC part 13).
type Evidence struct {
	Attested []Attestation `json:"attested"`
	Blocks   []Block       `json:"blocks"`
	Chain    chains.Chain  `json:"chain"`
	Filters  *Filters      `json:"filters,omitempty"`
	First    uint64        `json:"first"`
	Headers  string        `json:"headers"`
	Outputs  []Output      `json:"outputs"`
	Snapshot string        `json:"snapshot"`
	Type     string        `json:"type"`
}

// An Attestation is what one node said was unspent at the pinned block (SPEC
// part 13).
type Attestation struct {
	Answers []Answer `json:"answers"`
	Node    string   `json:"node"`
}

// An Answer is a node's answer about one account (SPEC part 13).
type Answer struct {
	Account   chains.Account `json:"account"`
	Method    string         `json:"method"`
	Outpoints []string       `json:"outpoints"`
}

// A Block holds the proved transactions of one block (SPEC part 13).
type Block struct {
	Coinbase     Coinbase      `json:"coinbase"`
	Height       uint64        `json:"height"`
	Transactions []Transaction `json:"transactions"`
}

// A Coinbase is a block's first transaction, whose branch fixes the tree's
// depth (SPEC part 13).
type Coinbase struct {
	Branch []string `json:"branch"`
	Tx     string   `json:"tx"`
}

// A Transaction stands at its index in its block (SPEC part 13).
type Transaction struct {
	Branch []string `json:"branch"`
	Index  uint64   `json:"index"`
	Tx     string   `json:"tx"`
}

// An Output is one coin of an account (SPEC part 13).
type Output struct {
	Account chains.Account `json:"account"`
	Amount  string         `json:"amount"`
	Txid    string         `json:"txid"`
	Vout    uint64         `json:"vout"`
}

// Filters are the compact filters of the blocks from the first header to the
// pinned one, and every block that they match whole (SPEC part 13, Compact
// filters).
type Filters struct {
	Attested []FilterHeader `json:"attested"`
	Blocks   []WholeBlock   `json:"blocks"`
	Filters  []string       `json:"filters"`
	Previous string         `json:"previous"`
}

// A FilterHeader is what one node said is the filter header of the pinned block
// (SPEC part 13, Compact filters).
type FilterHeader struct {
	Header string `json:"header"`
	Node   string `json:"node"`
}

// A WholeBlock holds all transactions of a block (SPEC part 13, Compact
// filters).
type WholeBlock struct {
	Height       uint64   `json:"height"`
	Transactions []string `json:"transactions"`
}

package evm

import "github.com/assay-por/assay/chains"

// EvidenceType is the type of this room's evidence file (SPEC part 12).
const EvidenceType = "assay/v1/evidence/evm"

// Evidence is the evidence file of an EVM chain (SPEC part 12). The balances that
// it proves are said by the lines of the bundle, not again here.
type Evidence struct {
	Attested []Attestation    `json:"attested"`
	Chain    chains.Chain     `json:"chain"`
	Header   string           `json:"header"`
	Nodes    [][]byte         `json:"nodes"` // as base64
	Safes    []chains.Account `json:"safes"`
	Snapshot string           `json:"snapshot"`
	Tokens   []Recipe         `json:"tokens"`
	Type     string           `json:"type"`

	Validators any `json:"validators,omitempty"` // of SPEC part 22, as the room made it that shows them
}

// An Attestation is what one node answered to balanceOf at the pinned block,
// for the tokens that no recipe proves (SPEC parts 12 and 19).
type Attestation struct {
	Answers []BalanceClaim `json:"answers"`
	Node    string         `json:"node"`
}

// A BalanceClaim is one balance, as a node answers it (SPEC part 12).
type BalanceClaim struct {
	Account chains.Account `json:"account"`
	Amount  string         `json:"amount"`
	Token   chains.Token   `json:"token"`
}

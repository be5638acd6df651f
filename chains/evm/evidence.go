package evm

import "github.com/assay-por/assay/chains"

// EvidenceType is the type of this room's evidence file (SPEC part 12).
const EvidenceType = "assay/v1/evidence/evm"

// Evidence is the evidence file of an EVM chain (SPEC part 12).
type Evidence struct {
	Balances []BalanceClaim `json:"balances"`
	Chain    chains.Chain   `json:"chain"`
	Header   string         `json:"header"`
	Nodes    []string       `json:"nodes"`
	Snapshot string         `json:"snapshot"`
	Tokens   []TokenLayout  `json:"tokens"`
	Type     string         `json:"type"`
}

// BalanceClaim is one balance that the nodes prove (SPEC part 12).
type BalanceClaim struct {
	Account chains.Account `json:"account"`
	Amount  string         `json:"amount"`
	Token   chains.Token   `json:"token"`
}

// TokenLayout says where a token's contract stores balances (SPEC part 12).
type TokenLayout struct {
	Layout string       `json:"layout"`
	Slot   string       `json:"slot"`
	Token  chains.Token `json:"token"`
}

package attested

import (
	"cmp"
	"slices"
	"time"

	"github.com/assay-por/assay/chains"
)

// EvidenceType is the type of this room's evidence file (SPEC part 19).
const EvidenceType = "assay/v1/evidence/attested"

// Evidence is the evidence file of a chain whose balances nodes attest (SPEC
// part 19).
type Evidence struct {
	Attested []Attestation `json:"attested"`
	Balances []Balance     `json:"balances"`
	Chain    chains.Chain  `json:"chain"`
	Snapshot string        `json:"snapshot"`
	Type     string        `json:"type"`
}

// An Attestation is all that one node said (SPEC part 19).
type Attestation struct {
	Answers []Answer `json:"answers"`
	Block   Block    `json:"block"`
	Node    string   `json:"node"`
}

// An Answer is one balance as a node said it, and the number of the block,
// ledger or slot that it speaks of (SPEC part 19).
type Answer struct {
	Account chains.Account `json:"account"`
	Amount  string         `json:"amount"`
	Number  uint64         `json:"number"`
	Token   chains.Token   `json:"token"`
}

// A Block is the pinned block as one node knows it (SPEC part 19).
type Block struct {
	Hash   string `json:"hash"`
	Number uint64 `json:"number"`
	Time   string `json:"time"`
}

// A Balance is what all nodes said of one holding (SPEC part 19).
type Balance struct {
	Account chains.Account `json:"account"`
	Amount  string         `json:"amount"`
	Token   chains.Token   `json:"token"`
}

// newEvidence writes down what the nodes said. Requires sorted holdings and at
// least one statement, and that the statements agree.
func newEvidence(chain chains.Chain, snapshot string, holdings []chains.Holding, said []statement) chains.Evidence {
	file := Evidence{Attested: []Attestation{}, Balances: []Balance{}, Chain: chain, Snapshot: snapshot, Type: EvidenceType}
	for _, s := range said {
		a := Attestation{Answers: []Answer{}, Node: s.by.name,
			Block: Block{Hash: s.block.Hash, Number: s.block.Number, Time: s.block.Time.UTC().Format(time.RFC3339)}}
		for i, h := range holdings {
			a.Answers = append(a.Answers, Answer{Account: h.Account, Amount: s.told[i].Amount.Dec(), Number: s.told[i].Number, Token: h.Token})
		}
		file.Attested = append(file.Attested, a)
	}
	slices.SortFunc(file.Attested, func(a, b Attestation) int { return cmp.Compare(a.Node, b.Node) })
	var balances []chains.Balance
	for i, h := range holdings {
		amount := said[0].told[i].Amount
		file.Balances = append(file.Balances, Balance{Account: h.Account, Amount: amount.Dec(), Token: h.Token})
		balances = append(balances, chains.Balance{Account: h.Account, Token: h.Token, Amount: amount.Clone(), Grade: chains.NodeAttested})
	}
	return chains.Evidence{Balances: balances, File: file}
}

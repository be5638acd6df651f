package utxo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// Gather returns the coins of every account at the pinned block, each proved to
// have been made (SPEC part 13).
func (s *Source) Gather(ctx context.Context, snapshot string, block chains.BlockRef, holdings []chains.Holding) (chains.Evidence, error) {
	if block.Chain != s.chain {
		return chains.Evidence{}, fmt.Errorf("pinned block is of chain %s, want %s", block.Chain, s.chain)
	}
	sorted, err := chains.SortHoldings(s.chain, holdings)
	if err != nil {
		return chains.Evidence{}, err
	}
	owners := make([]owner, len(sorted))
	for i, h := range sorted {
		owners[i].account = h.Account
		if owners[i].script, err = s.network.script(h.Account); err != nil {
			return chains.Evidence{}, &chains.HoldingError{Holding: h, Reason: err.Error()}
		}
	}
	nodes, err := s.canonical(ctx, block)
	if err != nil {
		return chains.Evidence{}, err
	}
	if s.filters && len(nodes) < leastFilterNodes {
		return chains.Evidence{}, &TooFewNodesError{Chain: s.chain, Got: len(nodes)}
	}
	g := &gathering{source: s, pinned: block, file: Evidence{
		Attested: []Attestation{}, Blocks: []Block{}, Outputs: []Output{},
		Chain: s.chain, Snapshot: snapshot, Type: EvidenceType,
	}}
	for _, n := range nodes {
		if err := g.attest(ctx, n, owners); err != nil {
			return chains.Evidence{}, err
		}
	}
	slices.SortFunc(g.file.Attested, func(a, b Attestation) int { return cmp.Compare(a.Node, b.Node) })
	if err := g.prove(ctx, nodes[0]); err != nil {
		return chains.Evidence{}, err
	}
	if s.filters {
		if err := g.filter(ctx, nodes); err != nil {
			return chains.Evidence{}, err
		}
	}
	// Once more at the end: nothing is kept that was read across a reorganisation.
	for _, n := range nodes {
		if err := n.checkCanonical(ctx, block); err != nil {
			return chains.Evidence{}, err
		}
	}
	return chains.Evidence{Balances: g.balances(sorted), File: g.file}, nil
}

// canonical returns the nodes that answer, all of which have the block in their
// best chain.
func (s *Source) canonical(ctx context.Context, block chains.BlockRef) ([]*node, error) {
	nodes, err := s.answering(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if err := n.checkCanonical(ctx, block); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

// A gathering is the work of one Gather.
type gathering struct {
	source *Source
	pinned chains.BlockRef
	file   Evidence

	// Of the first node:
	coins   []coin // sorted by account, then outpoint; amounts are known once they are proved
	heights map[string]uint64
	headers []wire.BlockHeader // from the first block needed to the pinned one

	size int // of filters and whole blocks, in bytes
}

// attest asks one node for all accounts' coins. The first node's answers are
// those that are proved; every other node must give the same.
func (g *gathering) attest(ctx context.Context, n *node, owners []owner) error {
	heights := map[string]uint64{}
	attestation := Attestation{Answers: []Answer{}, Node: n.witness}
	all, method, err := n.coins(ctx, owners, g.pinned, heights)
	if err != nil {
		return err
	}
	rest := all
	for _, o := range owners {
		answer := Answer{Account: o.account, Method: method, Outpoints: []string{}}
		for len(rest) > 0 && rest[0].account == o.account {
			answer.Outpoints = append(answer.Outpoints, rest[0].outpoint.String())
			rest = rest[1:]
		}
		attestation.Answers = append(attestation.Answers, answer)
	}
	g.file.Attested = append(g.file.Attested, attestation)
	if len(g.file.Attested) == 1 {
		g.coins, g.heights = all, heights
		return nil
	}
	first := g.file.Attested[0]
	for i, a := range attestation.Answers {
		if b := first.Answers[i]; !slices.Equal(a.Outpoints, b.Outpoints) {
			return &chains.DisagreementError{
				Chain: g.source.chain,
				What:  fmt.Sprintf("the coins of %s at block %d", a.Account, g.pinned.Number),
				Answers: []chains.NodeAnswer{
					{Node: first.Node, Answer: list(b.Outpoints)}, {Node: n.witness + " (" + n.label + ")", Answer: list(a.Outpoints)}},
			}
		}
	}
	return nil
}

func list(outpoints []string) string {
	const most = 20
	if len(outpoints) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(outpoints[:most], " "), len(outpoints)-most)
	}
	return "[" + strings.Join(outpoints, " ") + "]"
}

// prove fetches headers and blocks, checks them, and fills the evidence file.
func (g *gathering) prove(ctx context.Context, n *node) error {
	first := g.pinned.Number
	made := map[string][]*coin{}
	for i := range g.coins {
		c := &g.coins[i]
		first = min(first, g.heights[c.block])
		made[c.block] = append(made[c.block], c)
	}
	headers, err := g.proveHeaders(ctx, n, first)
	if err != nil {
		return err
	}
	g.file.First, g.headers = first, headers
	for _, hash := range slices.SortedFunc(maps.Keys(made), func(a, b string) int { return cmp.Compare(g.heights[a], g.heights[b]) }) {
		height := g.heights[hash]
		if got := headers[height-first].BlockHash().String(); got != hash {
			return g.lie(n, "the place of block "+hash, fmt.Sprintf("block %d is %s", height, got))
		}
		block, err := n.block(ctx, hash)
		if err != nil {
			return n.fault(ctx, g.pinned, err)
		}
		proved, err := proveBlock(block, height, made[hash])
		if err != nil {
			return g.lie(n, "block "+hash, err.Error())
		}
		g.file.Blocks = append(g.file.Blocks, proved)
	}
	for _, c := range g.coins {
		g.file.Outputs = append(g.file.Outputs, Output{Account: c.account, Amount: strconv.FormatInt(c.amount, 10),
			Txid: c.outpoint.Hash.String(), Vout: uint64(c.outpoint.Index)})
	}
	slices.SortFunc(g.file.Outputs, func(a, b Output) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Txid, b.Txid), cmp.Compare(a.Vout, b.Vout))
	})
	return nil
}

// proveHeaders fetches the headers from the first block needed to the pinned
// one, and checks that they are linked, worked for, and end where they must
// (SPEC part 13, step 1).
func (g *gathering) proveHeaders(ctx context.Context, n *node, first uint64) ([]wire.BlockHeader, error) {
	headers, err := n.headers(ctx, first, g.pinned.Number-first+1)
	if err != nil {
		return nil, n.fault(ctx, g.pinned, err)
	}
	last := headers[len(headers)-1]
	if got := last.BlockHash().String(); got != g.pinned.Hash {
		return nil, &chains.ReorgedError{Block: g.pinned, Node: n.label, Got: got}
	}
	if !last.Timestamp.Equal(g.pinned.Time) {
		return nil, g.lie(n, "the pinned header", fmt.Sprintf("its time is %d, want %d", last.Timestamp.Unix(), g.pinned.Time.Unix()))
	}
	if err := linked(headers); err != nil {
		return nil, g.lie(n, "the headers", err.Error())
	}
	if err := g.source.network.checkWorks(headers); err != nil {
		return nil, g.lie(n, "the headers", err.Error())
	}
	var raw bytes.Buffer
	for i := range headers {
		if err := headers[i].Serialize(&raw); err != nil {
			return nil, err
		}
	}
	g.file.Headers = hex.EncodeToString(raw.Bytes())
	return headers, nil
}

func (g *gathering) lie(n *node, what, reason string) error {
	return &chains.ProofError{Node: n.label, Block: g.pinned, What: what, Reason: reason}
}

// proveBlock returns the transactions that made the coins, with their branches
// and the coinbase's, and fills in the coins' amounts (SPEC part 13, steps 2 to
// 4).
func proveBlock(block *wire.MsgBlock, height uint64, coins []*coin) (Block, error) {
	if len(block.Transactions) == 0 {
		return Block{}, fmt.Errorf("it has no transaction")
	}
	tree, err := newMerkleTree(block)
	if err != nil {
		return Block{}, err
	}
	at := map[chainhash.Hash]int{}
	for i, id := range tree[0] {
		at[id] = i
	}
	var indexes []int
	for _, c := range coins {
		i, ok := at[c.outpoint.Hash]
		if !ok {
			return Block{}, fmt.Errorf("transaction %s is not in it", c.outpoint.Hash)
		}
		outputs := block.Transactions[i].TxOut
		if at := int(c.outpoint.Index); at >= len(outputs) || outputs[at].Value < 0 || !bytes.Equal(outputs[at].PkScript, c.script) {
			return Block{}, fmt.Errorf("output %s does not pay %s", c.outpoint, c.account)
		}
		c.amount = outputs[c.outpoint.Index].Value
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	indexes = slices.Compact(indexes)
	coinbase, err := stripped(block.Transactions[0])
	if err != nil {
		return Block{}, err
	}
	proved := Block{Coinbase: Coinbase{Branch: hexes(tree.branch(0)), Tx: coinbase}, Height: height, Transactions: []Transaction{}}
	for _, i := range indexes {
		if i == 0 {
			continue // it stands as the coinbase
		}
		tx, err := stripped(block.Transactions[i])
		if err != nil {
			return Block{}, err
		}
		proved.Transactions = append(proved.Transactions, Transaction{Branch: hexes(tree.branch(i)), Index: uint64(i), Tx: tx}) //nolint:gosec // a place is not negative
	}
	return proved, nil
}

// stripped returns a transaction's bytes without witness data, which are what
// its id is the hash of.
func stripped(tx *wire.MsgTx) (string, error) {
	var b bytes.Buffer
	if err := tx.SerializeNoWitness(&b); err != nil {
		return "", err
	}
	const node = 64
	if b.Len() == node {
		return "", fmt.Errorf("transaction %s is as long as a Merkle node (CVE-2017-12842)", tx.TxHash())
	}
	return hex.EncodeToString(b.Bytes()), nil
}

func hexes(hashes []chainhash.Hash) []string {
	text := make([]string, len(hashes))
	for i, h := range hashes {
		text[i] = hex.EncodeToString(h[:])
	}
	return text
}

// balances adds up every account's coins.
func (g *gathering) balances(sorted []chains.Holding) []chains.Balance {
	grade := chains.InclusionProved
	if g.file.Filters != nil {
		grade = chains.FilterChecked
	}
	balances := make([]chains.Balance, len(sorted))
	sums := map[chains.Account]*uint256.Int{}
	for i, h := range sorted {
		sums[h.Account] = new(uint256.Int)
		balances[i] = chains.Balance{Account: h.Account, Token: h.Token, Amount: sums[h.Account], Grade: grade}
	}
	for _, c := range g.coins {
		sum := sums[c.account]
		sum.Add(sum, uint256.NewInt(uint64(c.amount))) //nolint:gosec // checked when it was read
	}
	return balances
}

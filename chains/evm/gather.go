package evm

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// maxKeys is the number of storage keys asked for in one eth_getProof: few
// enough that an answer stays at some megabytes.
const maxKeys = 256

// Gather proves every holding at the pinned block (SPEC part 12). A node that
// does not answer, or has lost the history, is passed over while another one
// is left; a node whose proof is false ends it.
func (s *Source) Gather(ctx context.Context, snapshot string, block chains.BlockRef, holdings []chains.Holding) (chains.Evidence, error) {
	if block.Chain != s.chain {
		return chains.Evidence{}, fmt.Errorf("pinned block is of chain %s, want %s", block.Chain, s.chain)
	}
	sorted, err := chains.SortHoldings(s.chain, holdings)
	if err != nil {
		return chains.Evidence{}, err
	}
	nodes, err := s.answering(ctx)
	if err != nil {
		return chains.Evidence{}, err
	}
	for _, n := range nodes {
		if err := n.checkCanonical(ctx, block); err != nil {
			return chains.Evidence{}, err
		}
	}
	evidence, err := gatherFirst(ctx, nodes, snapshot, block, sorted)
	if err != nil {
		return chains.Evidence{}, err
	}
	// Once more at the end: nothing is kept that was read across a reorganisation.
	for _, n := range nodes {
		if err := n.checkCanonical(ctx, block); err != nil {
			return chains.Evidence{}, err
		}
	}
	return evidence, nil
}

func gatherFirst(ctx context.Context, nodes []*node, snapshot string, block chains.BlockRef, sorted []chains.Holding) (chains.Evidence, error) {
	var passed error
	for _, n := range nodes {
		g := &gathering{node: n, block: block, set: newNodeSet(), layouts: map[chains.Token]layout{}}
		evidence, err := g.run(ctx, snapshot, sorted)
		var unreachable *chains.UnreachableError
		var lost *chains.HistoryLostError
		if !errors.As(err, &unreachable) && !errors.As(err, &lost) {
			return evidence, err
		}
		passed = errors.Join(passed, err)
	}
	return chains.Evidence{}, passed
}

// A gathering is the work of one Gather with one node.
type gathering struct {
	node    *node
	block   chains.BlockRef
	at      any // the block, as this node is asked for it
	header  header
	set     *nodeSet
	layouts map[chains.Token]layout
}

func (g *gathering) run(ctx context.Context, snapshot string, sorted []chains.Holding) (chains.Evidence, error) {
	var err error
	if g.header, err = g.node.header(ctx, g.block); err != nil {
		return chains.Evidence{}, err
	}
	if g.at, err = g.node.blockArgument(ctx, g.block); err != nil {
		return chains.Evidence{}, err
	}
	if err := g.fetchAccounts(ctx, sorted); err != nil {
		return chains.Evidence{}, err
	}
	holders := tokenHolders(sorted)
	for _, token := range slices.Sorted(maps.Keys(holders)) {
		contract, _ := token.Contract()
		l, err := g.findLayout(ctx, token, common.HexToAddress(contract), holders[token])
		if err != nil {
			return chains.Evidence{}, err
		}
		g.layouts[token] = l
	}
	return g.assemble(snapshot, sorted)
}

// fetchAccounts fetches the proofs of all accounts that a native balance is
// asked of, and of the tokens' own.
func (g *gathering) fetchAccounts(ctx context.Context, sorted []chains.Holding) error {
	var wanted []common.Address
	for _, h := range sorted {
		if contract, ok := h.Token.Contract(); ok {
			wanted = append(wanted, common.HexToAddress(contract))
		} else {
			wanted = append(wanted, common.HexToAddress(h.Account.Address()))
		}
	}
	slices.SortFunc(wanted, common.Address.Cmp)
	wanted = slices.Compact(wanted)
	questions := make([]question, len(wanted))
	answers := make([]proofAnswer, len(wanted))
	for i, address := range wanted {
		questions[i] = question{"eth_getProof", []any{address, []string{}, g.at}, &answers[i]}
	}
	if err := g.node.ask(ctx, questions...); err != nil {
		return g.node.stateFault(ctx, g.block, err)
	}
	for _, a := range answers {
		g.keep(a)
	}
	return nil
}

// proofAnswer is what is read of an answer to eth_getProof: the proofs.
type proofAnswer struct {
	AccountProof []hexutil.Bytes `json:"accountProof"`
	StorageProof []struct {
		Proof []hexutil.Bytes `json:"proof"`
	} `json:"storageProof"`
}

func (g *gathering) keep(a proofAnswer) {
	for _, blob := range a.AccountProof {
		g.set.add(blob)
	}
	for _, s := range a.StorageProof {
		for _, blob := range s.Proof {
			g.set.add(blob)
		}
	}
}

// words fetches and proves the holders' words under a layout.
func (g *gathering) words(ctx context.Context, token chains.Token, contract common.Address, l layout, holders []common.Address) ([]*uint256.Int, error) {
	for chunk := range slices.Chunk(holders, maxKeys) {
		keys := make([]common.Hash, len(chunk))
		for i, h := range chunk {
			keys[i] = l.key(h)
		}
		var answer proofAnswer
		if err := g.node.ask(ctx, question{"eth_getProof", []any{contract, keys, g.at}, &answer}); err != nil {
			return nil, g.node.stateFault(ctx, g.block, err)
		}
		g.keep(answer)
	}
	proved := make([]*uint256.Int, len(holders))
	a, err := g.tokenAccount(g.set, token, contract)
	if err != nil {
		return nil, err
	}
	for i, h := range holders {
		if proved[i], err = g.set.storage(a, l.key(h)); err != nil {
			return nil, g.lie(fmt.Sprintf("the balance of %s in %s", h.Hex(), contract.Hex()), err)
		}
	}
	return proved, nil
}

// tokenAccount proves the account of a token's contract.
func (g *gathering) tokenAccount(set *nodeSet, token chains.Token, contract common.Address) (*types.StateAccount, error) {
	a, err := set.account(g.header.root, contract)
	if err != nil {
		return nil, g.lie("the account "+contract.Hex(), err)
	}
	if !hasCode(a) {
		return nil, &chains.UnknownLayoutError{Token: token, Reason: fmt.Sprintf("there is no contract at its address at block %d", g.block.Number)}
	}
	return a, nil
}

func (g *gathering) lie(what string, err error) error {
	return &chains.ProofError{Node: g.node.label, Block: g.block, What: what, Reason: err.Error()}
}

// assemble proves every balance from the collected nodes, and keeps those that
// were visited.
func (g *gathering) assemble(snapshot string, sorted []chains.Holding) (chains.Evidence, error) {
	set := g.set.unused()
	file := Evidence{
		Balances: []BalanceClaim{}, Nodes: []string{}, Tokens: []TokenLayout{},
		Chain: g.block.Chain, Header: hex.EncodeToString(g.header.raw), Snapshot: snapshot, Type: EvidenceType,
	}
	balances := make([]chains.Balance, len(sorted))
	for i, h := range sorted {
		amount, err := g.amount(set, h)
		if err != nil {
			return chains.Evidence{}, err
		}
		balances[i] = chains.Balance{Account: h.Account, Token: h.Token, Amount: amount, Grade: chains.StateProved}
		file.Balances = append(file.Balances, BalanceClaim{Account: h.Account, Amount: amount.Dec(), Token: h.Token})
	}
	for token, l := range g.layouts {
		file.Tokens = append(file.Tokens, TokenLayout{Layout: l.order, Slot: hex.EncodeToString(l.slot[:]), Token: token})
	}
	slices.SortFunc(file.Tokens, func(a, b TokenLayout) int { return cmp.Compare(a.Token, b.Token) })
	for _, blob := range set.visited() {
		file.Nodes = append(file.Nodes, hex.EncodeToString(blob))
	}
	return chains.Evidence{Balances: balances, File: file}, nil
}

// amount proves one balance (SPEC part 12, steps 2 to 4).
func (g *gathering) amount(set *nodeSet, h chains.Holding) (*uint256.Int, error) {
	holder := common.HexToAddress(h.Account.Address())
	contract, ok := h.Token.Contract()
	if !ok {
		a, err := set.account(g.header.root, holder)
		if err != nil {
			return nil, g.lie("the account "+holder.Hex(), err)
		}
		if a == nil {
			return new(uint256.Int), nil
		}
		return a.Balance, nil
	}
	a, err := g.tokenAccount(set, h.Token, common.HexToAddress(contract))
	if err != nil {
		return nil, err
	}
	word, err := set.storage(a, g.layouts[h.Token].key(holder))
	if err != nil {
		return nil, g.lie(fmt.Sprintf("the balance of %s in %s", holder.Hex(), contract), err)
	}
	return word, nil
}

// tokenHolders lists the wallets asked about by token, native ones left out.
func tokenHolders(sorted []chains.Holding) map[chains.Token][]common.Address {
	holders := map[chains.Token][]common.Address{}
	for _, h := range sorted {
		if !h.Token.Native() {
			holders[h.Token] = append(holders[h.Token], common.HexToAddress(h.Account.Address()))
		}
	}
	return holders
}

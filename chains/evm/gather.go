package evm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"github.com/assay-por/assay/chains"
)

// maxKeys is the number of storage keys asked for in one eth_getProof: few
// enough that an answer stays at some megabytes.
const maxKeys = 256

// Gather proves every holding at the pinned block, as far as its token can be
// proved, and has the rest attested by every node (SPEC part 12). A node that
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
	if err := s.checkStaked(sorted); err != nil {
		return chains.Evidence{}, err
	}
	nodes, err := s.answering(ctx)
	if err != nil {
		return chains.Evidence{}, err
	}
	if err := checkCanonical(ctx, nodes, block); err != nil {
		return chains.Evidence{}, err
	}
	g, err := s.gatherFirst(ctx, nodes, block, sorted)
	if err != nil {
		return chains.Evidence{}, err
	}
	attested, err := attest(ctx, nodes, block, g.unproved(sorted))
	if err != nil {
		return chains.Evidence{}, err
	}
	// Once more at the end: nothing is kept that was read across a reorganisation.
	if err := checkCanonical(ctx, nodes, block); err != nil {
		return chains.Evidence{}, err
	}
	return g.assemble(snapshot, sorted, attested)
}

// checkCanonical returns a ReorgedError unless the block stands in every node's
// chain.
func checkCanonical(ctx context.Context, nodes []*node, block chains.BlockRef) error {
	for _, n := range nodes {
		if err := n.checkCanonical(ctx, block); err != nil {
			return err
		}
	}
	return nil
}

// gatherFirst collects all proofs from the first node that has them.
func (s *Source) gatherFirst(ctx context.Context, nodes []*node, block chains.BlockRef, sorted []chains.Holding) (*gathering, error) {
	var passed error
	for i, n := range nodes {
		g := &gathering{node: n, others: nodes[i+1:], block: block, wishes: s.recipes, staked: s.opts.Staked, owners: !s.opts.WithoutOwners, set: newNodeSet(), recipes: map[chains.Token]recipe{}}
		err := g.run(ctx, sorted)
		if !passable(err) {
			return g, err
		}
		passed = errors.Join(passed, err)
	}
	return nil, passed
}

// A gathering is the work of one Gather with one node.
type gathering struct {
	node    *node
	others  []*node // that may be asked for hints
	block   chains.BlockRef
	at      any // the block, as this node is asked for it
	header  header
	wishes  map[chains.Token]recipe // what the configuration says of recipes
	staked  *Staked                 // nil if no holding is staked
	owners  bool                    // of Safes are asked for
	set     *nodeSet
	recipes map[chains.Token]recipe // of the tokens that can be proved
	safes   []chains.Account
}

func (g *gathering) run(ctx context.Context, sorted []chains.Holding) error {
	var err error
	if g.header, err = g.node.header(ctx, g.block); err != nil {
		return err
	}
	if err = g.sameBeacon(); err != nil {
		return err
	}
	if g.at, err = g.node.blockArgument(ctx, g.block); err != nil {
		return err
	}
	fetched, err := g.fetchAccounts(ctx, sorted)
	if err != nil {
		return err
	}
	holders := tokenHolders(sorted)
	for _, token := range slices.Sorted(maps.Keys(holders)) {
		r, err := g.findRecipe(ctx, token, holders[token])
		if errors.Is(err, errUnproved) {
			continue
		}
		if err != nil {
			return err
		}
		g.recipes[token] = r
	}
	if !g.owners {
		return nil
	}
	return g.findSafes(ctx, sorted, fetched)
}

// unproved lists the holdings of tokens without a recipe.
func (g *gathering) unproved(sorted []chains.Holding) []chains.Holding {
	var rest []chains.Holding
	for _, h := range sorted {
		if _, proved := g.recipes[h.Token]; !proved && provable(h.Token) {
			rest = append(rest, h)
		}
	}
	return rest
}

// fetchAccounts fetches the proofs of all accounts that a native balance is
// asked of, and of the tokens' own.
func (g *gathering) fetchAccounts(ctx context.Context, sorted []chains.Holding) (map[common.Address]bool, error) {
	fetched := map[common.Address]bool{}
	var wants []want
	for _, h := range sorted {
		if h.Token.Staked() {
			continue
		}
		address := common.HexToAddress(h.Account.Address())
		if !h.Token.Native() {
			address = contractOf(h.Token)
		}
		if !fetched[address] {
			fetched[address] = true
			wants = append(wants, want{address: address})
		}
	}
	return fetched, g.fetch(ctx, wants...)
}

// A want is an account, and words of its storage, that proofs are wanted of.
type want struct {
	address common.Address
	keys    []common.Hash
}

// fetch asks for proofs, in as few calls and batches as keep every answer at
// some megabytes, and keeps them. It proves nothing.
func (g *gathering) fetch(ctx context.Context, wants ...want) error {
	var batch []question
	var answers []*proofAnswer
	weight := 0
	flush := func() error {
		if err := g.node.ask(ctx, batch...); err != nil {
			return g.node.stateFault(ctx, g.block, err)
		}
		for _, a := range answers {
			g.keep(*a)
		}
		batch, answers, weight = nil, nil, 0
		return nil
	}
	for _, w := range wants {
		for first := true; first || len(w.keys) > 0; first = false {
			keys := w.keys[:min(len(w.keys), maxKeys)]
			w.keys = w.keys[len(keys):]
			if weight += 1 + len(keys); weight > maxKeys && len(batch) > 0 {
				if err := flush(); err != nil {
					return err
				}
				weight = 1 + len(keys)
			}
			answer := new(proofAnswer)
			answers = append(answers, answer)
			batch = append(batch, question{"eth_getProof", []any{w.address, append([]common.Hash{}, keys...), g.at}, answer})
		}
	}
	return flush()
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

func (g *gathering) lie(what string, err error) error {
	return &chains.ProofError{Node: g.node.label, Block: g.block, What: what, Reason: err.Error()}
}

// assemble proves every balance from the collected nodes, and keeps those that
// were visited.
func (g *gathering) assemble(snapshot string, sorted []chains.Holding, attested []Attestation) (chains.Evidence, error) {
	state := g.state(g.set.unused())
	file := Evidence{
		Attested: attested, Safes: []chains.Account{}, Tokens: []Recipe{},
		Chain: g.block.Chain, Header: hex.EncodeToString(g.header.raw), Snapshot: snapshot, Type: EvidenceType,
	}
	proved, err := g.balances(state, sorted, attested)
	if err != nil {
		return chains.Evidence{}, err
	}
	for _, token := range slices.Sorted(maps.Keys(g.recipes)) {
		file.Tokens = append(file.Tokens, g.recipes[token].said())
	}
	owners := map[chains.Account]chains.Owners{}
	for _, safe := range g.safes {
		if owners[safe], _, err = state.owners(common.HexToAddress(safe.Address())); err != nil {
			return chains.Evidence{}, err
		}
		file.Safes = append(file.Safes, safe)
	}
	file.Nodes = state.set.visited()
	if g.staked != nil {
		file.Validators = g.staked.File
	}
	return chains.Evidence{Balances: proved, Owners: owners, File: file}, nil
}

// balances returns what is shown of every holding, in order (SPEC part 12, steps
// 2 to 9).
func (g *gathering) balances(state *state, sorted []chains.Holding, attested []Attestation) ([]chains.Balance, error) {
	shown := map[chains.Holding]chains.Balance{}
	show := func(account chains.Account, token chains.Token, amount *uint256.Int, grade chains.EvidenceGrade) {
		shown[chains.Holding{Account: account, Token: token}] = chains.Balance{Account: account, Token: token, Amount: amount, Grade: grade}
	}
	for token, holders := range tokenHolders(sorted) {
		r, ok := g.recipes[token]
		if !ok {
			continue
		}
		amounts, err := state.balances(contractOf(token), r, holders)
		if err != nil {
			return nil, err
		}
		for i, h := range holders {
			show(accountOf(g.block.Chain, h), token, amounts[i], chains.StateProved)
		}
	}
	if len(attested) > 0 {
		for _, a := range attested[0].Answers {
			amount, err := uint256.FromDecimal(a.Amount)
			if err != nil {
				return nil, err
			}
			show(a.Account, a.Token, amount, chains.NodeAttested)
		}
	}
	for _, h := range sorted {
		if h.Token.Staked() {
			show(h.Account, h.Token, g.staked.Balances[h.Account], chains.StateProved)
		}
		if !h.Token.Native() {
			continue
		}
		a, err := state.account(common.HexToAddress(h.Account.Address()))
		if err != nil {
			return nil, err
		}
		amount := new(uint256.Int)
		if a != nil {
			amount = a.Balance
		}
		show(h.Account, h.Token, amount, chains.StateProved)
	}
	all := make([]chains.Balance, len(sorted))
	for i, h := range sorted {
		all[i] = shown[h]
	}
	return all, nil
}

func accountOf(chain chains.Chain, address common.Address) chains.Account {
	return chains.Account(string(chain) + ":" + strings.ToLower(address.Hex()))
}

// tokenHolders lists the wallets asked about by token, native and staked ones left out.
func tokenHolders(sorted []chains.Holding) map[chains.Token][]common.Address {
	holders := map[chains.Token][]common.Address{}
	for _, h := range sorted {
		if provable(h.Token) {
			holders[h.Token] = append(holders[h.Token], common.HexToAddress(h.Account.Address()))
		}
	}
	return holders
}

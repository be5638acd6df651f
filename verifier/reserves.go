package verifier

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// reached is what evidence and signatures reach, to be compared with what the lines claim (SPEC part 15).
type reached struct {
	balances map[holding]backing
	control  map[string]string        // by account
	safes    map[string]evidence.Safe // by account: owners that evidence proves
}

type holding struct{ account, token string }

type backing struct {
	amount *big.Int
	grade  string
	nodes  int // of a node-attested balance: how many said so
}

func newReached() reached {
	return reached{map[holding]backing{}, map[string]string{}, map[string]evidence.Safe{}}
}

// nodes is how many nodes said what a node-attested line claims.
func (r reached) nodes(l claim.Line) int { return r.balances[holding{l.Account, l.Token}].nodes }

// balance notes what evidence shows of one holding.
func (r reached) balance(x evidence.Balance, grade string) error {
	h := holding{x.Account, x.Token}
	if _, twice := r.balances[h]; twice {
		return fmt.Errorf("account %s: token %s is there twice", x.Account, x.Token)
	}
	r.balances[h] = backing{x.Amount, grade, x.Nodes}
	return nil
}

// checkReserves makes the checks of SPEC parts 12 to 15.
func (b *bundleRun) checkReserves() {
	lines := []string{"statement.format"}
	linesErr := error(&notRun{"the check statement.format did not pass"})
	if b.statement != nil {
		linesErr = b.loadLines()
		for _, block := range b.statement.Snapshot.Blocks {
			lines = append(lines, "headers."+block.Chain, "evidence."+block.Chain)
			b.checkChain(block, linesErr)
		}
	}
	b.check("control", []string{"statement.format"}, func() (string, error) { return b.checkControl(linesErr) })
	needs := append(lines, "control")
	if linesErr != nil {
		needs = nil // the lines' own fault is this check's to tell
	}
	b.check("reserves.lines", needs, func() (string, error) { return b.checkLines(linesErr) })
	b.check("reserves.totals", []string{"reserves.lines"}, func() (string, error) {
		return fmt.Sprintf("%d lines", len(b.lines)), b.statement.CheckReserves(b.lines)
	})
	b.check("reserves.claims", []string{"statement.format"}, b.checkClaims)
	b.check("bands", []string{"reserves.lines", "snapshot"}, b.checkBands)
	b.check("coverage.stated", []string{"reserves.lines"}, func() (string, error) {
		detail := fmt.Sprintf("of %d assets", len(b.statement.Coverage))
		if b.statement.Hidden() {
			detail += ", of those with hidden totals no more than what counts"
		}
		return detail, b.statement.CheckCoverage(b.lines)
	})
	b.check("coverage.policy", []string{"reserves.lines", "snapshot"}, b.checkCoverage)
}

func (b *bundleRun) loadLines() error {
	raw, err := b.load(claim.LinesPath)
	if err != nil {
		return err
	}
	lines, err := claim.ParseLines(raw)
	if err != nil {
		return in(claim.LinesPath, err)
	}
	if lines.Snapshot != b.statement.Snapshot.ID {
		return fmt.Errorf("%s: snapshot %s, the statement's is %s", claim.LinesPath, lines.Snapshot, b.statement.Snapshot.ID)
	}
	b.lines = lines.Lines
	return nil
}

// checkChain makes the checks `headers.CHAIN` and `evidence.CHAIN` of one pinned block (SPEC parts 12, 13 and 16).
func (b *bundleRun) checkChain(pinned claim.Block, linesErr error) {
	headers, name := "headers."+pinned.Chain, "evidence."+pinned.Chain
	path, block := evidencePath(pinned.Chain), evidence.Block(pinned)
	var file chainEvidence
	b.check(headers, []string{"statement.format"}, func() (string, error) {
		raw, err := b.load(path)
		if err != nil {
			return "", err
		}
		if file, err = parseEvidence(raw, b.statement.Snapshot.ID.String(), pinned.Chain); err != nil {
			return "", in(path, err)
		}
		if err := file.checkHeaders(block); err != nil {
			return "", in(path, err)
		}
		return b.checkAnchored(pinned)
	})
	b.check(name, []string{headers}, func() (string, error) {
		if linesErr != nil {
			return "", &notRun{claim.LinesPath + " could not be read"}
		}
		notes, err := file.check(block, b, b.reached)
		if err != nil {
			return "", in(path, err)
		}
		b.verdict.Notes = append(b.verdict.Notes, notes...)
		return b.gradesOn(pinned.Chain), nil
	})
}

// chainEvidence is the evidence of one chain, whatever its technology.
type chainEvidence interface {
	checkHeaders(block evidence.Block) error
	check(block evidence.Block, b *bundleRun, into reached) (notes []string, err error)
}

// gradesOn says what grades the balances of a chain reach, and how many of each.
func (b *bundleRun) gradesOn(chain string) string {
	count := map[string]int{}
	for h, backing := range b.reached.balances {
		if claim.ChainOf(h.account) == chain {
			count[backing.grade]++
		}
	}
	if len(count) == 0 {
		return "no balances"
	}
	var list []string
	for _, grade := range slices.Sorted(maps.Keys(count)) {
		list = append(list, fmt.Sprintf("%d of grade %s", count[grade], grade))
	}
	return "balances: " + strings.Join(list, ", ")
}

func parseEvidence(raw []byte, snapshot, chain string) (chainEvidence, error) {
	if strings.HasPrefix(chain, "bip122:") {
		file, err := evidence.ParseUTXO(raw, snapshot, chain)
		return utxoEvidence{file}, err
	}
	if strings.HasPrefix(chain, "eip155:") {
		file, err := evidence.ParseEVM(raw, snapshot, chain)
		return evmEvidence{file}, err
	}
	file, err := evidence.ParseAttested(raw, snapshot, chain)
	return attestedEvidence{file}, err
}

type evmEvidence struct{ file *evidence.EVM }

func (e evmEvidence) checkHeaders(block evidence.Block) error { return e.file.CheckHeader(block) }

func (e evmEvidence) check(block evidence.Block, b *bundleRun, into reached) ([]string, error) {
	pins := make(map[string]evidence.TokenPin)
	for _, t := range b.policy.Tokens {
		pins[t.ID] = evidence.TokenPin{
			Layout: t.Layout, Slot: t.Slot, Code: t.Code, Bits: t.Bits, Proxy: t.Proxy, Implementation: t.Implementation, Formula: t.Formula,
		}
	}
	network, err := b.networkFor(block.Chain)
	if err != nil {
		return nil, err
	}
	result, err := e.file.Check(block, evidence.Trust{Tokens: pins, Network: network}, b.holdingsOn(block.Chain))
	if err != nil {
		return nil, err
	}
	for _, x := range result.Balances {
		grade := claim.StateProved
		if x.Nodes > 0 {
			grade = claim.NodeAttested
		}
		if err := into.balance(x, grade); err != nil {
			return nil, err
		}
	}
	maps.Copy(into.safes, result.Safes)
	return result.Notes, nil
}

// holdingsOn is what the lines ask of a chain's evidence; a band's lines are of the same accounts and tokens. That no token is of
// another chain than its account is a check of its own, reserves.lines.
func (b *bundleRun) holdingsOn(chain string) (list []evidence.Holding) {
	for _, l := range b.lines {
		if claim.ChainOf(l.Account) == chain && claim.ChainOf(l.Token) == chain {
			list = append(list, evidence.Holding{Account: l.Account, Token: l.Token})
		}
	}
	return list
}

type utxoEvidence struct{ file *evidence.UTXO }

func (e utxoEvidence) checkHeaders(block evidence.Block) error { return e.file.CheckHeaders(block) }

func (e utxoEvidence) grade() string {
	if e.file.HasFilters() {
		return claim.FilterChecked
	}
	return claim.InclusionProved
}

func (e utxoEvidence) check(block evidence.Block, b *bundleRun, into reached) ([]string, error) {
	var accounts []string
	for _, l := range b.lines {
		if claim.ChainOf(l.Account) == block.Chain && (len(accounts) == 0 || accounts[len(accounts)-1] != l.Account) {
			accounts = append(accounts, l.Account)
		}
	}
	result, err := e.file.Check(block, accounts)
	if err != nil {
		return nil, err
	}
	coin := b.statement.Snapshot.Coin(block.Chain)
	for _, x := range result.Balances {
		x.Token = coin
		if err := into.balance(x, e.grade()); err != nil {
			return nil, err
		}
	}
	return result.Notes, nil
}

type attestedEvidence struct{ file *evidence.Attested }

func (e attestedEvidence) checkHeaders(block evidence.Block) error { return e.file.CheckBlock(block) }

func (e attestedEvidence) check(block evidence.Block, _ *bundleRun, into reached) ([]string, error) {
	result, err := e.file.Check(block)
	if err != nil {
		return nil, err
	}
	for _, x := range result.Balances {
		if err := into.balance(x, claim.NodeAttested); err != nil {
			return nil, err
		}
	}
	return result.Notes, nil
}

// checkLines is the check `reserves.lines` (SPEC part 15).
func (b *bundleRun) checkLines(linesErr error) (string, error) {
	if linesErr != nil {
		return "", linesErr
	}
	used := 0
	for i, l := range b.lines {
		amount, grade, err := b.backing(l)
		if err != nil {
			return "", fmt.Errorf("line %d, %s: %w", i, l.Account, err)
		}
		control := b.reached.control[l.Account]
		if control == "" {
			control = claim.NoControl
		}
		switch {
		case amount.Cmp(l.Amount) != 0:
			return "", fmt.Errorf("line %d, %s: it claims %s base units of %s, the evidence gives %s", i, l.Account, l.Amount, l.Token, amount)
		case grade != l.Evidence:
			return "", fmt.Errorf("line %d, %s: it claims the evidence grade %s, the evidence reaches %s", i, l.Account, l.Evidence, grade)
		case control != l.Control:
			return "", fmt.Errorf("line %d, %s: it claims the control grade %s, the signatures reach %s", i, l.Account, l.Control, control)
		}
		used++
	}
	if balances := len(b.reached.balances); balances != used {
		return "", fmt.Errorf("the evidence has %d balances, %d of them have a line", balances, used)
	}
	return fmt.Sprintf("%d lines", len(b.lines)), nil
}

// backing finds what the evidence reaches for a line's account and token.
func (b *bundleRun) backing(l claim.Line) (*big.Int, string, error) {
	chain := claim.ChainOf(l.Account)
	if _, _, known := b.statement.Snapshot.Find(l.Token); !known {
		return nil, "", fmt.Errorf("token %s is not in the registry", l.Token)
	}
	if claim.ChainOf(l.Token) != chain {
		return nil, "", fmt.Errorf("token %s is of another chain", l.Token)
	}
	if found, ok := b.reached.balances[holding{l.Account, l.Token}]; ok {
		return found.amount, found.grade, nil
	}
	return nil, "", errors.New("no evidence for it")
}

// byGrade puts an asset's reserves into decimals, group by group.
func byGrade(a claim.AssetReserves, decimals int) Reserves {
	out := Reserves{Asset: a.Asset, Groups: []Group{}}
	for _, g := range a.Groups {
		out.Groups = append(out.Groups, Group{
			Accounts: g.Accounts, Amount: decimal(g.Amount, decimals), Class: g.Class, Control: g.Control, Counted: g.Counts,
			Custody: g.Custody, Evidence: g.Evidence, Token: g.Token,
		})
	}
	return out
}

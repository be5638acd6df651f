package verifier

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// reached is what evidence and signatures reach, to be compared with what the lines claim (SPEC part 15).
type reached struct {
	balances map[holding]backing
	control  map[string]string // by account
}

type holding struct{ account, token string }

type backing struct {
	amount *big.Int
	grade  string
}

func newReached() reached {
	return reached{map[holding]backing{}, map[string]string{}}
}

// balance notes what evidence shows of one holding.
func (r reached) balance(account, token string, amount *big.Int, grade string) error {
	h := holding{account, token}
	if _, twice := r.balances[h]; twice {
		return fmt.Errorf("account %s: token %s is there twice", account, token)
	}
	r.balances[h] = backing{amount, grade}
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
	b.check("coverage.stated", []string{"reserves.lines"}, func() (string, error) {
		return fmt.Sprintf("of %d assets", len(b.statement.Coverage)), b.statement.CheckCoverage(b.lines)
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
		anchored, err := b.policy.CheckAnchor(pinned)
		if err != nil {
			return "", err
		}
		if b.anchored[pinned.Chain] = anchored; anchored {
			return fmt.Sprintf("block %d, confirmed by an anchor of the policy", pinned.Number), nil
		}
		b.verdict.Unanchored = append(b.verdict.Unanchored, pinned.Chain)
		b.note("no anchor of the policy confirms block %d of %s: that it is the chain's is the exchange's word", pinned.Number, pinned.Chain)
		return fmt.Sprintf("block %d; no anchor confirms it, so it is the exchange's word", pinned.Number), nil
	})
	b.check(name, []string{headers}, func() (string, error) {
		if linesErr != nil {
			return "", &notRun{claim.LinesPath + " could not be read"}
		}
		notes, err := file.check(block, b)
		if err != nil {
			return "", in(path, err)
		}
		b.verdict.Notes = append(b.verdict.Notes, notes...)
		return "grade " + file.grade(), nil
	})
}

// chainEvidence is the evidence of one chain, whatever its technology.
type chainEvidence interface {
	checkHeaders(block evidence.Block) error
	check(block evidence.Block, b *bundleRun) (notes []string, err error)
	grade() string
}

func parseEvidence(raw []byte, snapshot, chain string) (chainEvidence, error) {
	if strings.HasPrefix(chain, "bip122:") {
		file, err := evidence.ParseUTXO(raw, snapshot, chain)
		return utxoEvidence{file}, err
	}
	file, err := evidence.ParseEVM(raw, snapshot, chain)
	return evmEvidence{file}, err
}

type evmEvidence struct{ file *evidence.EVM }

func (e evmEvidence) grade() string                           { return claim.StateProved }
func (e evmEvidence) checkHeaders(block evidence.Block) error { return e.file.CheckHeader(block) }

func (e evmEvidence) check(block evidence.Block, b *bundleRun) ([]string, error) {
	pins := make(map[string]evidence.TokenPin)
	for _, t := range b.policy.Tokens {
		pins[t.ID] = evidence.TokenPin{Layout: t.Layout, Slot: t.Slot, Code: t.Code}
	}
	result, err := e.file.Check(block, pins)
	if err != nil {
		return nil, err
	}
	for _, x := range result.Balances {
		if err := b.reached.balance(x.Account, x.Token, x.Amount, claim.StateProved); err != nil {
			return nil, err
		}
	}
	return result.Notes, nil
}

type utxoEvidence struct{ file *evidence.UTXO }

func (e utxoEvidence) grade() string                           { return claim.InclusionProved }
func (e utxoEvidence) checkHeaders(block evidence.Block) error { return e.file.CheckHeaders(block) }

func (e utxoEvidence) check(block evidence.Block, b *bundleRun) ([]string, error) {
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
		if err := b.reached.balance(x.Account, coin, x.Amount, claim.InclusionProved); err != nil {
			return nil, err
		}
	}
	return result.Notes, nil
}

// checkControl is the check `control` (SPEC part 14).
func (b *bundleRun) checkControl(linesErr error) (string, error) {
	raw, err := b.load(claim.ControlPath)
	if err != nil {
		return "", err
	}
	control, err := claim.ParseControl(raw)
	if err != nil {
		return "", in(claim.ControlPath, err)
	}
	if linesErr != nil {
		return "", &notRun{claim.LinesPath + " could not be read"}
	}
	s := b.statement
	if control.Snapshot != s.Snapshot.ID {
		return "", fmt.Errorf("%s: snapshot %s, the statement's is %s", claim.ControlPath, control.Snapshot, s.Snapshot.ID)
	}
	blocks, accounts := map[string]string{}, map[string]bool{}
	for _, block := range s.Snapshot.Blocks {
		blocks[block.Chain] = block.Hash
	}
	for _, l := range b.lines {
		accounts[l.Account] = true
	}
	for i, x := range control.Signatures {
		chain := claim.ChainOf(x.Account)
		if !accounts[x.Account] {
			return "", fmt.Errorf("signature %d is by %s, which has no reserve line", i, x.Account)
		}
		challenge := evidence.Challenge(s.Snapshot.Exchange.Name, s.Snapshot.ID.String(), chain, x.Account, blocks[chain], s.Tree.Root.String())
		grade, err := evidence.VerifyControl(x.Method, x.Account, challenge, x.Signature)
		if err != nil {
			return "", fmt.Errorf("%s: signature %d, by %s: %w", claim.ControlPath, i, x.Account, err)
		}
		b.reached.control[x.Account] = grade
	}
	return fmt.Sprintf("%d of %d accounts signed", len(control.Signatures), len(accounts)), nil
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

// checkCoverage is the check `coverage.policy` (SPEC part 15).
func (b *bundleRun) checkCoverage() (string, error) {
	s := b.statement
	list, err := s.Recover(b.lines, b.policy, b.anchored)
	if err != nil {
		return "", err
	}
	for i, c := range list {
		b.verdict.Coverage = append(b.verdict.Coverage, tell(c, s.Coverage[i], s.Snapshot.Assets[i].Decimals))
	}
	if err := b.policy.CheckLeast(list); err != nil {
		return "", err
	}
	if b.policy.LeastCoverage == nil {
		return "computed and shown; the policy asks for no least coverage", nil
	}
	return fmt.Sprintf("every asset with liabilities has at least %s %%", b.policy.LeastCoverage), nil
}

// tell puts an asset's coverage into decimals: by the policy's rule, and as stated.
func tell(c, stated claim.Coverage, decimals int) Coverage {
	out := Coverage{
		Asset: c.Asset, Liabilities: decimal(c.Liabilities, decimals), Counted: decimal(c.Counted, decimals),
		StatedCounted: decimal(stated.Counted, decimals),
	}
	if c.Percent != nil {
		out.Coverage = c.Percent.String()
	}
	if stated.Percent != nil {
		out.StatedCoverage = stated.Percent.String()
	}
	if c.Short {
		out.Shortfall = decimal(c.Gap, decimals)
	} else {
		out.Surplus = decimal(c.Gap, decimals)
	}
	if stated.Short {
		out.StatedShortfall = decimal(stated.Gap, decimals)
	}
	return out
}

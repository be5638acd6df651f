package verifier

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

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
	if s := b.statement.Snapshot.ID; control.Snapshot != s {
		return "", fmt.Errorf("%s: snapshot %s, the statement's is %s", claim.ControlPath, control.Snapshot, s)
	}
	accounts := map[string]bool{}
	for _, l := range b.lines {
		accounts[l.Account] = true
	}
	nodes := map[string]int{}
	for i, x := range control.Signatures {
		for _, account := range x.Accounts {
			if !accounts[account] {
				return "", fmt.Errorf("signature %d is by %s, which has no reserve line", i, account)
			}
		}
		grade, err := b.verifyControl(x)
		if err != nil {
			return "", fmt.Errorf("%s: signature %d, by %s: %w", claim.ControlPath, i, by(x.Accounts), err)
		}
		for _, account := range x.Accounts {
			b.reached.control[account] = grade
		}
		if len(x.Nodes) > 0 {
			nodes[strings.Join(x.Nodes, ", ")] += len(x.Accounts)
		}
	}
	for _, names := range slices.Sorted(maps.Keys(nodes)) {
		b.note("that the contracts of %d accounts accept their signature is what these nodes are said to have answered: %s", nodes[names], names)
	}
	return fmt.Sprintf("%d of %d accounts signed", len(b.reached.control), len(accounts)), nil
}

// verifyControl checks one signature over the challenge that the statement gives for its accounts, or over its message.
func (b *bundleRun) verifyControl(x claim.ControlSignature) (grade string, err error) {
	s := b.statement
	pinned := make([]evidence.Pinned, len(x.Accounts))
	for i, account := range x.Accounts {
		chain := claim.ChainOf(account)
		pinned[i] = evidence.Pinned{Chain: chain, Account: account}
		for _, block := range s.Snapshot.Blocks {
			if block.Chain == chain {
				pinned[i].Block = block.Hash
			}
		}
		if check := "evidence." + chain; x.Method == evidence.MethodSafe && !b.passed[check] {
			return "", &notRun{"the check " + check + ", which proves the owners of " + account + ", did not pass"}
		}
	}
	return (&evidence.Control{
		Accounts: x.Accounts, Method: x.Method, Message: x.Message, Signature: x.Signature, Safes: b.reached.safes,
		Challenge: evidence.Challenge(s.Snapshot.Exchange.Name, s.Snapshot.ID.String(), s.Tree.Root.String(), pinned...),
	}).Verify()
}

// by names the accounts of a signature, the first of many.
func by(accounts []string) string {
	if len(accounts) == 1 {
		return accounts[0]
	}
	return fmt.Sprintf("%s and %d more", accounts[0], len(accounts)-1)
}

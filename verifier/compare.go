package verifier

import (
	"fmt"
	"sort"

	"github.com/assay-por/assay/verifier/claim"
)

// Comparison tells whether two exchanges show the same coins (SPEC part 17, Comparing bundles).
type Comparison struct {
	First    Verdict  `json:"first"` // the checks of statement and files that come before
	Second   Verdict  `json:"second"`
	Accounts []string `json:"accounts"` // that stand in the lines of both
	Outputs  []string `json:"outputs"`  // that stand in the evidence of both, as txid:vout
	Compared string   `json:"compared"` // how many of each were held against one another; empty if none were
	Exit     int      `json:"exit"`
	Summary  string   `json:"summary"`
}

// SameExchangeError says that two bundles are of one exchange, which may show its own wallets as often as it likes.
type SameExchangeError struct{ Name string }

func (e *SameExchangeError) Error() string {
	return fmt.Sprintf("both statements are by %q: one exchange shares its wallets with itself by right", e.Name)
}

// Compare looks for accounts and outputs that two bundles both claim (SPEC part 17, Comparing bundles). Two bundles of one exchange
// are a *SameExchangeError.
func Compare(first, second *Files, firstPolicy, secondPolicy *claim.Policy) (Comparison, error) {
	var c Comparison
	var a, b []Pinned
	c.First, a = readPinned(first, firstPolicy, everyChain)
	c.Second, b = readPinned(second, secondPolicy, everyChain)
	c.Accounts, c.Outputs = []string{}, []string{}
	if c.First.Exit != ExitProven || c.Second.Exit != ExitProven {
		c.Exit = graver(c.First.Exit, c.Second.Exit)
		c.Summary = "nothing was compared: " + firstFault(c.First, c.Second)
		return c, nil
	}
	if name := c.First.Statement.Exchange; name == c.Second.Statement.Exchange {
		return c, &SameExchangeError{name}
	}
	accountsA, outputsA := claimed(a)
	accountsB, outputsB := claimed(b)
	c.Accounts, c.Outputs = both(accountsA, accountsB), both(outputsA, outputsB)
	c.Compared = fmt.Sprintf("%d and %d accounts, %d and %d outputs", len(accountsA), len(accountsB), len(outputsA), len(outputsB))
	instants := fmt.Sprintf("%s (%s) and %s (%s)", c.First.Statement.Exchange, c.First.Statement.Instant, c.Second.Statement.Exchange, c.Second.Statement.Instant)
	if len(c.Accounts)+len(c.Outputs) == 0 {
		c.Summary = "nothing is claimed by both " + instants
		return c, nil
	}
	c.Exit = ExitFalse
	c.Summary = fmt.Sprintf("%d accounts and %d outputs are claimed by both %s", len(c.Accounts), len(c.Outputs), instants)
	return c, nil
}

// everyChain asks for the outputs of all chains.
func everyChain(string) bool { return true }

// claimed lists the accounts and outputs that a statement's signed files name.
func claimed(list []Pinned) (accounts, outputs map[string]bool) {
	accounts, outputs = map[string]bool{}, map[string]bool{}
	for _, p := range list {
		for _, l := range p.Lines {
			accounts[l.Account] = true
		}
		for _, o := range p.Outputs {
			outputs[fmt.Sprintf("%s:%d", o.TxID, o.Vout)] = true
		}
	}
	return accounts, outputs
}

func both(a, b map[string]bool) []string {
	list := []string{}
	for k := range a {
		if b[k] {
			list = append(list, k)
		}
	}
	sort.Strings(list)
	return list
}

// graver gives the exit code that comes first where two apply (SPEC part 17).
func graver(a, b int) int {
	for _, code := range []int{ExitFalse, ExitUnsupported, ExitUnreadable, ExitNetwork} {
		if a == code || b == code {
			return code
		}
	}
	return ExitProven
}

func firstFault(verdicts ...Verdict) string {
	for i, v := range verdicts {
		if v.Exit != ExitProven {
			return []string{"first", "second"}[i] + " bundle: " + v.Summary
		}
	}
	return ""
}

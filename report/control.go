package report

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

const (
	maxSigned       = 1_000 // accounts of one signature, SPEC part 14
	maxMessage      = 1_024 // bytes, SPEC part 14
	maxControlNodes = 16    // SPEC part 14
	maxLabel        = 64    // of a node, SPEC part 13
	everyChallenge  = "Assay proof of control"

	methodContract = "eip1271"
	methodProof    = "bip322-pof"
)

// controlGrades are the methods of SPEC part 14 and the grades they reach over
// a challenge.
var controlGrades = map[string]chains.ControlGrade{
	"eip191": chains.Bound, "eip191-hash": chains.Bound, "eip712": chains.Bound, "safe": chains.OwnerProved, methodContract: chains.ContractAttested,
	"bip322-simple": chains.Script, "bip322-full": chains.Script, methodProof: chains.Script, "bip127": chains.Script,
	"compact": chains.Bound, "compact-multisig": chains.Script,
	"tron": chains.Bound, "tron-v1": chains.Bound, "ed25519": chains.Bound, "ed25519-okx": chains.Bound, "xrpl": chains.Bound,
}

// Grade returns the control grade that the signature gives each of its
// accounts, if it verifies (SPEC part 14).
func (c ControlSignature) Grade() chains.ControlGrade {
	if c.Message != "" {
		return chains.Static
	}
	if grade, ok := controlGrades[c.Method]; ok {
		return grade
	}
	return chains.NoControl
}

// ControlJSON returns reserves/control.json (SPEC part 14). Its signatures are
// sorted here; each account has at most one, and a line with the grade that it
// gives.
func ControlJSON(s Snapshot, lines []Line, signatures []ControlSignature) ([]byte, error) {
	sorted := append([]ControlSignature{}, signatures...)
	slices.SortFunc(sorted, func(a, b ControlSignature) int { return cmp.Compare(firstOf(a), firstOf(b)) })
	if err := checkControl(sorted); err != nil {
		return nil, err
	}
	has := map[chains.Account]chains.ControlGrade{}
	for _, l := range lines {
		has[l.Account] = l.Control
	}
	for _, c := range sorted {
		for _, a := range c.Accounts {
			if stated, ok := has[a]; !ok {
				return nil, fmt.Errorf("control: the account %s signed but has no line", a)
			} else if stated != c.Grade() {
				return nil, fmt.Errorf("control: the lines of account %s say %s, its signature gives %s", a, stated, c.Grade())
			}
		}
	}
	return attest.Canonical(ControlFile{Signatures: sorted, Snapshot: s.ID, Type: TypeControl})
}

func firstOf(c ControlSignature) chains.Account {
	if len(c.Accounts) == 0 {
		return ""
	}
	return c.Accounts[0]
}

// checkControl holds the list to its form (SPEC part 14); whether a signature
// verifies is not seen here.
func checkControl(signatures []ControlSignature) error {
	seen := map[chains.Account]bool{}
	for i, c := range signatures {
		if err := c.check(); err != nil {
			return fmt.Errorf("control: signature #%d: %w", i, err)
		}
		for _, a := range c.Accounts {
			if seen[a] {
				return fmt.Errorf("control: the account %s signed twice", a)
			}
			seen[a] = true
		}
		if i > 0 && signatures[i-1].Accounts[0] > c.Accounts[0] {
			return fmt.Errorf("control: signature #%d does not follow the one before it: they are sorted by their first account", i)
		}
	}
	return nil
}

func (c ControlSignature) check() error {
	if n := len(c.Accounts); n == 0 || n > maxSigned {
		return fmt.Errorf("it is for %d accounts, want 1 to %d", n, maxSigned)
	}
	for _, a := range c.Accounts {
		if _, err := chains.ParseAccount(string(a)); err != nil {
			return err
		}
	}
	ordered := c.Accounts
	if c.Method == methodProof {
		ordered = ordered[1:]
	}
	if !slices.IsSorted(ordered) {
		return errors.New("its accounts do not ascend")
	}
	if _, ok := controlGrades[c.Method]; !ok {
		return fmt.Errorf("its method %q is none of SPEC part 14", clip(c.Method))
	}
	if c.Signature == "" {
		return errors.New("it is empty")
	}
	if strings.HasPrefix(c.Message, everyChallenge) || len(c.Message) > maxMessage || strings.IndexFunc(c.Message, notInMessage) >= 0 {
		return fmt.Errorf("its message is not 1 to %d bytes of printable ASCII, or is some challenge", maxMessage)
	}
	return c.checkNodes()
}

func notInMessage(r rune) bool { return r < 0x20 || r > 0x7e }

func (c ControlSignature) checkNodes() error {
	if (c.Method == methodContract) != (len(c.Nodes) > 0) || len(c.Nodes) > maxControlNodes {
		return fmt.Errorf("its method is %s and it names %d nodes, want 1 to %d with %s and none else", c.Method, len(c.Nodes), maxControlNodes, methodContract)
	}
	for i, n := range c.Nodes {
		if n == "" || len(n) > maxLabel || strings.IndexFunc(n, func(r rune) bool { return r < 0x20 || r > 0x7e }) >= 0 || i > 0 && c.Nodes[i-1] >= n {
			return fmt.Errorf("its node %q is no label of 1 to %d printable ASCII characters, or does not ascend", clip(n), maxLabel)
		}
	}
	return nil
}

package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// Wallet is an account of the exchange: who keeps it, by its own word, and how it
// was shown to control it (SPEC part 15).
type Wallet struct {
	Account chains.Account
	Custody Custody
	Control chains.ControlGrade
}

// NewLines makes the reserve lines of all balances (SPEC part 15). Each balance
// becomes one line; a holding that occurs twice, a balance without a wallet and a
// wallet without a balance are refused.
func NewLines(s Snapshot, wallets []Wallet, balances []chains.Balance) ([]Line, error) {
	byAccount := make(map[chains.Account]Wallet, len(wallets))
	for _, w := range wallets {
		if _, twice := byAccount[w.Account]; twice {
			return nil, fmt.Errorf("reserves: the account %s is listed twice among the wallets and would count twice", w.Account)
		}
		byAccount[w.Account] = w
	}
	lines := make([]Line, 0, len(balances))
	answered := make(map[chains.Account]bool, len(wallets))
	for _, b := range balances {
		w, ok := byAccount[b.Account]
		if !ok {
			return nil, fmt.Errorf("reserves: there is a balance of %s, which is not among the wallets", b.Account)
		}
		if b.Amount == nil {
			return nil, fmt.Errorf("reserves: the balance of %s in %s has no amount", b.Account, b.Token)
		}
		answered[b.Account] = true
		lines = append(lines, Line{Account: b.Account, Amount: NewUnits(b.Amount), Control: w.Control,
			Custody: w.Custody, Evidence: b.Grade, Token: b.Token})
	}
	for _, w := range wallets {
		if !answered[w.Account] {
			return nil, fmt.Errorf("reserves: the wallet %s has no balance, not even zero: gather its chain's evidence again", w.Account)
		}
	}
	slices.SortFunc(lines, compareLines)
	return lines, CheckLines(s, lines)
}

func compareLines(a, b Line) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Token, b.Token))
}

// CheckLines holds lines to their format and to the registry (SPEC part 15).
func CheckLines(s Snapshot, lines []Line) error {
	tokens := s.tokens()
	for i, l := range lines {
		if i > 0 {
			switch c := compareLines(lines[i-1], l); {
			case c == 0:
				return fmt.Errorf("reserves: %s in %s is listed twice and would count twice", l.Account, l.Token)
			case c > 0:
				return fmt.Errorf("reserves: line #%d is not sorted by account and token", i)
			}
		}
		if err := l.check(); err != nil {
			return fmt.Errorf("reserves: line #%d: %w", i, err)
		}
		if _, ok := tokens[l.Token]; !ok {
			return fmt.Errorf("reserves: line #%d: the token %s backs no asset of the registry", i, l.Token)
		}
	}
	return nil
}

func (l Line) check() error {
	if _, err := chains.ParseAccount(string(l.Account)); err != nil {
		return err
	}
	if _, err := chains.ParseToken(string(l.Token)); err != nil {
		return err
	}
	if got, want := l.Token.Chain(), l.Account.Chain(); got != want {
		return fmt.Errorf("the token is of chain %s, the account of %s", got, want)
	}
	return checkGrades(l.Custody, l.Control, l.Evidence)
}

// checkGrades holds a line's or a group's words to those of SPEC part 15.
func checkGrades(custody Custody, control chains.ControlGrade, evidence chains.EvidenceGrade) error {
	if !slices.Contains(Custodies(), custody) {
		return fmt.Errorf("custody %q, want one of %v", clip(string(custody)), Custodies())
	}
	if _, err := chains.ParseControlGrade(string(control)); err != nil {
		return err
	}
	if _, err := chains.ParseEvidenceGrade(string(evidence)); err != nil {
		return err
	}
	if evidence == chains.HeaderTrusted {
		return fmt.Errorf("the evidence grade %s is a verifier's to give, a report states at most %s", chains.HeaderTrusted, chains.StateProved)
	}
	return nil
}

// place is where a token stands in the registry.
type place struct {
	asset int
	token Token
}

func (s Snapshot) tokens() map[chains.Token]place {
	m := map[chains.Token]place{}
	for i, a := range s.Assets {
		for _, t := range a.Tokens {
			m[t.ID] = place{i, t}
		}
	}
	return m
}

// SharedAddresses lists the addresses that occur on more than one chain, sorted,
// each with its chains. They are different accounts and count once each, but a
// reader should see them (SPEC part 15).
func SharedAddresses(lines []Line) []SharedAddress {
	on := map[string][]chains.Chain{}
	for _, l := range lines {
		on[l.Account.Address()] = append(on[l.Account.Address()], l.Account.Chain())
	}
	var shared []SharedAddress
	for address, all := range on {
		slices.Sort(all)
		if all = slices.Compact(all); len(all) > 1 {
			shared = append(shared, SharedAddress{address, all})
		}
	}
	slices.SortFunc(shared, func(a, b SharedAddress) int { return cmp.Compare(a.Address, b.Address) })
	return shared
}

// SharedAddress is one address on several chains (SPEC part 15).
type SharedAddress struct {
	Address string
	Chains  []chains.Chain
}

// LinesJSON returns reserves/lines.json (SPEC part 15).
func LinesJSON(s Snapshot, lines []Line) ([]byte, error) {
	if err := CheckLines(s, lines); err != nil {
		return nil, err
	}
	return attest.Canonical(LinesFile{Lines: notNil(lines), Snapshot: s.ID, Type: TypeLines})
}

// ParseLines reads reserves/lines.json of a snapshot (SPEC part 15).
func ParseLines(s Snapshot, b []byte) ([]Line, error) {
	var f LinesFile
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", PathLines, maxFile)
	}
	if err := attest.Decode(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", PathLines, err)
	}
	if f.Type != TypeLines || f.Snapshot != s.ID {
		return nil, fmt.Errorf("%s: it is of type %q and snapshot %s, want %q and %s", PathLines, clip(f.Type), f.Snapshot, TypeLines, s.ID)
	}
	return f.Lines, CheckLines(s, f.Lines)
}

// EvidenceJSON returns the evidence file of one chain (SPEC parts 12 and 13).
func EvidenceJSON(e chains.Evidence) ([]byte, error) { return attest.Canonical(e.File) }

// notNil keeps an empty list from being written as null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

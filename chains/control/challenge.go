package control

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/chains"
)

// A Challenge is what the owner of one or several accounts signs (SPEC part
// 14).
type Challenge struct {
	Exchange string
	Snapshot string
	Accounts []Pinned // in the order of the text
	Root     string
}

// Pinned is an account with the hash of its chain's pinned block (SPEC part
// 14).
type Pinned struct {
	Account chains.Account
	Block   string
}

const (
	everyChallenge = "Assay proof of control" // of whatever version
	firstLine      = everyChallenge + " v1"

	maxAccounts  = 1_000 // SPEC part 14
	maxMessage   = 1_024 // SPEC part 14
	maxChallenge = maxAccounts * 512
)

// Names returns the accounts, in the order of the text (SPEC part 14).
func (c Challenge) Names() []chains.Account {
	names := make([]chains.Account, len(c.Accounts))
	for i, a := range c.Accounts {
		names[i] = a.Account
	}
	return names
}

// Text returns the challenge's bytes, without a line feed at the end (SPEC
// part 14).
func (c Challenge) Text() string {
	var b strings.Builder
	b.WriteString(firstLine + "\nexchange: " + c.Exchange + "\nsnapshot: " + c.Snapshot)
	for _, a := range c.Accounts {
		b.WriteString("\nchain: " + string(a.Account.Chain()) + "\naccount: " + string(a.Account) + "\nblock: " + a.Block)
	}
	b.WriteString("\nroot: " + c.Root)
	return b.String()
}

// ParseChallenge reads a challenge's text, which must be exactly what Text
// gives (SPEC part 14).
func ParseChallenge(text string) (Challenge, error) {
	if len(text) > maxChallenge {
		return Challenge{}, fmt.Errorf("challenge is longer than %d bytes", maxChallenge)
	}
	lines := strings.Split(text, "\n")
	accounts := (len(lines) - 4) / 3
	if len(lines) < 7 || len(lines) != 4+3*accounts || lines[0] != firstLine {
		return Challenge{}, fmt.Errorf("challenge: want 7 lines, and 3 more for each account after the first, the first line %q", firstLine)
	}
	if accounts > maxAccounts {
		return Challenge{}, fmt.Errorf("challenge: it names %d accounts, at most %d", accounts, maxAccounts)
	}
	var err error
	value := func(line int, field string) string {
		v, ok := strings.CutPrefix(lines[line], field+": ")
		if err == nil && (!ok || v == "" || strings.TrimSpace(v) != v) {
			err = fmt.Errorf("challenge: line %d: want %q and a value", line+1, field+": ")
		}
		return v
	}
	c := Challenge{Exchange: value(1, "exchange"), Snapshot: value(2, "snapshot"), Root: value(len(lines)-1, "root")}
	for at := 3; at < len(lines)-1; at += 3 {
		chain, account, block := value(at, "chain"), value(at+1, "account"), value(at+2, "block")
		if err != nil {
			return Challenge{}, err
		}
		pinned, err := parsePinned(chain, account, block)
		if err != nil {
			return Challenge{}, fmt.Errorf("challenge: line %d: %w", at+1, err)
		}
		c.Accounts = append(c.Accounts, pinned)
	}
	if err == nil {
		err = c.consistent()
	}
	if err != nil {
		return Challenge{}, err
	}
	return c, nil
}

func parsePinned(chain, account, block string) (Pinned, error) {
	c, err := chains.ParseChain(chain)
	if err != nil {
		return Pinned{}, err
	}
	a, err := chains.ParseAccount(account)
	if err != nil {
		return Pinned{}, err
	}
	if a.Chain() != c {
		return Pinned{}, fmt.Errorf("the account is of chain %s, want %s", a.Chain(), c)
	}
	return Pinned{Account: a, Block: block}, nil
}

// consistent refuses an account that is named twice, and a chain with two
// pinned blocks.
func (c Challenge) consistent() error {
	seen, blocks := map[chains.Account]bool{}, map[chains.Chain]string{}
	for _, a := range c.Accounts {
		if seen[a.Account] {
			return fmt.Errorf("challenge: account %s is named twice", a.Account)
		}
		seen[a.Account] = true
		if block, ok := blocks[a.Account.Chain()]; ok && block != a.Block {
			return fmt.Errorf("challenge: it names two blocks of chain %s", a.Account.Chain())
		}
		blocks[a.Account.Chain()] = a.Block
	}
	return nil
}

// CheckMessage refuses what no signature of grade `static` may be over: a text
// of another form than SPEC part 14's, or some challenge.
func CheckMessage(text string) error {
	if text == "" || len(text) > maxMessage {
		return fmt.Errorf("message has %d bytes, want 1 to %d", len(text), maxMessage)
	}
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c > 0x7e {
			return fmt.Errorf("message: byte %d is %#02x, want printable ASCII", i, c)
		}
	}
	if strings.HasPrefix(text, everyChallenge) {
		return errors.New("message begins like a challenge: it is one, but not the one of these accounts, this snapshot and this root")
	}
	return nil
}

// Package control makes the texts that wallets sign, and checks the
// signatures, to show that the exchange can move an account's coins.
//
// A [Challenge] names exchange, snapshot, chain, account, pinned block and
// tree root, one a line, so that a signature over it is good for this account
// in this report and for nothing else:
//
//	Assay proof of control v1
//	exchange: Demo Exchange
//	snapshot: 5f0c…
//	chain: eip155:1
//	account: eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052
//	block: 0x8d1c…
//	root: 91ab…
//
// Taken are EIP-191 (personal_sign) for accounts of Ethereum's kind, and for
// Bitcoin's BIP-322, "simple" or "full", and the compact signatures of 65
// bytes that wallets make of messages. The package makes no signature: keys
// stay with whoever holds them.
package control

import (
	"errors"
	"fmt"
	"strings"

	"github.com/assay-por/assay/chains"
)

// A Challenge is what one account's owner signs (SPEC part 14).
type Challenge struct {
	Exchange string
	Snapshot string
	Chain    chains.Chain
	Account  chains.Account
	Block    string // hash of the chain's pinned block
	Root     string
}

const firstLine = "Assay proof of control v1"

// fields are the lines after the first, in order.
var fields = [...]string{"exchange", "snapshot", "chain", "account", "block", "root"}

// Text returns the challenge's bytes, without a line feed at the end (SPEC
// part 14).
func (c Challenge) Text() string {
	values := [...]string{c.Exchange, c.Snapshot, string(c.Chain), string(c.Account), c.Block, c.Root}
	var b strings.Builder
	b.WriteString(firstLine)
	for i, f := range fields {
		b.WriteString("\n" + f + ": " + values[i])
	}
	return b.String()
}

// ParseChallenge reads a challenge's text, which must be exactly what Text
// gives (SPEC part 14).
func ParseChallenge(text string) (Challenge, error) {
	const most = 1024
	if len(text) > most {
		return Challenge{}, fmt.Errorf("challenge is longer than %d bytes", most)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 1+len(fields) || lines[0] != firstLine {
		return Challenge{}, fmt.Errorf("challenge: want %d lines, the first of them %q", 1+len(fields), firstLine)
	}
	var values [len(fields)]string
	for i, f := range fields {
		value, ok := strings.CutPrefix(lines[i+1], f+": ")
		if !ok || value == "" || strings.TrimSpace(value) != value {
			return Challenge{}, fmt.Errorf("challenge: line %d: want %q and a value", i+2, f+": ")
		}
		values[i] = value
	}
	c := Challenge{Exchange: values[0], Snapshot: values[1], Block: values[4], Root: values[5]}
	var err error
	if c.Chain, err = chains.ParseChain(values[2]); err != nil {
		return Challenge{}, fmt.Errorf("challenge: %w", err)
	}
	if c.Account, err = chains.ParseAccount(values[3]); err != nil {
		return Challenge{}, fmt.Errorf("challenge: %w", err)
	}
	if got := c.Account.Chain(); got != c.Chain {
		return Challenge{}, fmt.Errorf("challenge: account is of chain %s, want %s", got, c.Chain)
	}
	return c, nil
}

// The methods of SPEC part 14.
const (
	EIP191       = "eip191"
	BIP322Simple = "bip322-simple"
	BIP322Full   = "bip322-full"
	Compact      = "compact"
)

// Verify checks an account's signature over a challenge's text (SPEC part 14).
// It tells the method from the signature's form, and returns the method, the signature in the one spelling that a report
// holds, and the control grade that it reaches. The caller must have made the
// challenge itself, from the statement: whatever text is handed in is the text
// that is checked.
func Verify(account chains.Account, challenge, signature string) (method, normalized string, grade chains.ControlGrade, err error) {
	signature = strings.TrimSpace(signature)
	switch account.Chain().Namespace() {
	case chains.EIP155:
		normalized, err = verifyEIP191(account.Address(), challenge, signature)
		method, grade = EIP191, chains.Bound
	case chains.BIP122:
		method, normalized, grade, err = verifyBitcoin(account, challenge, signature)
	default:
		err = errors.New("no kind of signature is known for its chain")
	}
	if err != nil {
		return "", "", chains.NoControl, fmt.Errorf("control of %s: %w", account, err)
	}
	return method, normalized, grade, nil
}

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
// One text may name several accounts, by the three lines in the middle once
// for each: the one owner of them all signs once.
//
// [Verify] tells the method by the account's chain and the signature's form,
// and where that leaves a choice tries in a fixed order:
//
//	eip155   with nodes that answered for the contract: eip1271
//	         an account whose owners are proved: safe
//	         65 bytes: eip191, then eip712, then eip191-hash
//	bip122   begins ful, pof, or as every PSBT does: bip322-full, bip322-pof, bip127
//	         holds a colon: compact-multisig
//	         65 bytes in base64: compact; else bip322-simple
//	tron     65 bytes: tron, then tron-v1
//	solana   64 bytes: ed25519, then ed25519-okx
//	xrpl     public key, colon, signature: xrpl
//
// The package makes no signature: keys stay with whoever holds them. What
// others published over texts of their own is read by package
// control/lists.
package control

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-por/assay/chains"
)

// The methods of SPEC part 14.
const (
	EIP191          = "eip191"
	EIP191Hash      = "eip191-hash"
	EIP712          = "eip712"
	Safe            = "safe"
	EIP1271         = "eip1271"
	BIP322Simple    = "bip322-simple"
	BIP322Full      = "bip322-full"
	BIP322Proof     = "bip322-pof"
	BIP127          = "bip127"
	Compact         = "compact"
	CompactMultisig = "compact-multisig"
	Tron            = "tron"
	TronV1          = "tron-v1"
	Ed25519         = "ed25519"
	Ed25519OKX      = "ed25519-okx"
	XRPL            = "xrpl"
)

// Facts are what a signature alone does not show, and others found out (SPEC
// part 14).
type Facts struct {
	// Owners of contract wallets, as the evidence of their chain proves them.
	Owners map[chains.Account]chains.Owners
	// Nodes that answered that the contract takes this signature at the pinned
	// block; if there are any, the method is eip1271.
	Nodes []string
}

// A Signature is one that was verified, as a report holds it (SPEC part 14).
type Signature struct {
	Method    string
	Nodes     []string // with eip1271 only, ascending
	Signature string   // in its one spelling
	Grade     chains.ControlGrade
}

// Verify checks a signature for every one of the accounts over a text: their
// challenge, or a text of others, which gives the grade static (SPEC part 14).
// It takes the spellings that wallets write and returns the one that a report
// holds. The caller must have made the challenge itself, from the statement:
// it is checked here that the text names these accounts, not which snapshot,
// blocks and root it names.
func Verify(accounts []chains.Account, text, signature string, facts Facts) (Signature, error) {
	static := !strings.HasPrefix(text, everyChallenge)
	if static {
		if err := CheckMessage(text); err != nil {
			return Signature{}, fmt.Errorf("control: %w", err)
		}
	} else {
		c, err := ParseChallenge(text)
		if err != nil {
			return Signature{}, fmt.Errorf("control: %w", err)
		}
		if !slices.Equal(c.Names(), accounts) {
			return Signature{}, errors.New("control: the text is the challenge of other accounts")
		}
	}
	s, err := verify(accounts, text, signature, facts)
	if err != nil {
		return Signature{}, err
	}
	if static {
		s.Grade = chains.Static
	}
	return s, nil
}

// verify checks a signature over any text.
func verify(accounts []chains.Account, text, signature string, facts Facts) (Signature, error) {
	signature = strings.TrimSpace(signature)
	if err := checkAccounts(accounts); err != nil {
		return Signature{}, err
	}
	if isProofOfFunds(signature) {
		s, err := verifyProofOfFunds(accounts, text, signature)
		if err != nil {
			return Signature{}, fmt.Errorf("control of %s: %w", listed(accounts), err)
		}
		return s, nil
	}
	if !slices.IsSorted(accounts) {
		return Signature{}, fmt.Errorf("control of %s: accounts must ascend", listed(accounts))
	}
	var all Signature
	for i, account := range accounts {
		one, err := verifyOne(account, text, signature, facts)
		if err != nil {
			return Signature{}, fmt.Errorf("control of %s: %w", account, err)
		}
		if i > 0 && (one.Method != all.Method || one.Signature != all.Signature) {
			return Signature{}, fmt.Errorf("control of %s: the signature is %s here and %s for %s: have them signed apart", account, one.Method, all.Method, accounts[0])
		}
		all = one
	}
	return all, nil
}

func verifyOne(account chains.Account, text, signature string, facts Facts) (Signature, error) {
	switch account.Chain().Namespace() {
	case chains.EIP155:
		return verifyEthereum(account, text, signature, facts)
	case chains.BIP122:
		return verifyBitcoin(account, text, signature)
	case chains.Tron:
		return verifyTron(account.Address(), text, signature)
	case chains.Solana:
		return verifySolana(account.Address(), text, signature)
	case chains.XRPL:
		return verifyXRPL(account.Address(), text, signature)
	}
	return Signature{}, errors.New("no kind of signature is known for its chain")
}

func checkAccounts(accounts []chains.Account) error {
	if len(accounts) == 0 || len(accounts) > maxAccounts {
		return fmt.Errorf("control: a signature is for 1 to %d accounts, got %d", maxAccounts, len(accounts))
	}
	seen := map[chains.Account]bool{}
	for _, a := range accounts {
		if _, err := chains.ParseAccount(string(a)); err != nil {
			return fmt.Errorf("control: %w", err)
		}
		if seen[a] {
			return fmt.Errorf("control: account %s is named twice", a)
		}
		seen[a] = true
	}
	return nil
}

// listed names accounts in an error.
func listed(accounts []chains.Account) string {
	if len(accounts) == 1 {
		return string(accounts[0])
	}
	return fmt.Sprintf("%s and %d more", accounts[0], len(accounts)-1)
}

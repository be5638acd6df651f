package evidence

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Methods of control (SPEC part 14).
const (
	MethodEIP191          = "eip191"
	MethodEIP191Hash      = "eip191-hash"
	MethodEIP712          = "eip712"
	MethodSafe            = "safe"
	MethodEIP1271         = "eip1271"
	MethodBIP322          = "bip322-simple"
	MethodFull            = "bip322-full"
	MethodFunds           = "bip322-pof"
	MethodBIP127          = "bip127"
	MethodCompact         = "compact"
	MethodCompactMultisig = "compact-multisig"
	MethodTron            = "tron"
	MethodTronV1          = "tron-v1"
	MethodEd25519         = "ed25519"
	MethodEd25519OKX      = "ed25519-okx"
	MethodXRPL            = "xrpl"
)

// Grades of control (SPEC parts 14 and 15).
const (
	GradeStatic           = "static"            // any method, over a text that can be shown again for ever
	GradeBound            = "bound"             // the key that the address names signed
	GradeScript           = "script"            // the address's whole script was satisfied
	GradeOwnerProved      = "owner-proved"      // enough owners of the Safe signed, and its state says who they are
	GradeContractAttested = "contract-attested" // named nodes say that the contract accepts the signature
)

// challengeBegin begins every challenge, and no other text that may be signed.
const challengeBegin = "Assay proof of control"

// Pinned is an account of a challenge, with its chain and the hash of that chain's pinned block.
type Pinned struct{ Chain, Account, Block string }

// Challenge is the text that the owner of one account or of several signs (SPEC part 14). Whoever checks builds it from the signed
// statement, so a signature over another root, block, snapshot or exchange does not verify.
func Challenge(exchange, snapshot, root string, accounts ...Pinned) string {
	lines := []string{challengeBegin + " v1", "exchange: " + exchange, "snapshot: " + snapshot}
	for _, a := range accounts {
		lines = append(lines, "chain: "+a.Chain, "account: "+a.Account, "block: "+a.Block)
	}
	return strings.Join(append(lines, "root: "+root), "\n")
}

// Control is one signature for one account or for several (SPEC part 14), and what a verifier knows about it.
type Control struct {
	Accounts  []string // in the order of the challenge
	Method    string
	Challenge string // of all the accounts, built by the verifier
	Message   string // what was signed instead, if anything
	Signature string
	Safes     map[string]Safe // by account: what the chains' evidence proved
}

// Verify checks the signature for every one of its accounts and returns the grade that they reach (SPEC part 14). A signature that is
// not of its method's format, or a method that is not for an account, is a [canon.FormatError]; one that does not verify is a
// [CheckError].
func (c *Control) Verify() (grade string, err error) {
	if len(c.Accounts) == 0 {
		return "", &canon.FormatError{Field: "accounts", Problem: "nobody is named"}
	}
	if strings.HasPrefix(c.Message, challengeBegin) {
		return "", &canon.FormatError{Field: "message", Problem: "it begins as a challenge does, and is not the one of these accounts"}
	}
	text := c.Challenge
	if c.Message != "" {
		text = c.Message
	}
	grade, err = c.verify(text)
	switch {
	case err != nil:
		return "", err
	case c.Message != "":
		return GradeStatic, nil
	}
	return grade, nil
}

// verify checks the signature over a text. The grade counts only if there is no error.
func (c *Control) verify(text string) (string, error) {
	switch c.Method {
	case MethodEIP191:
		return GradeBound, c.each(text, verifyEIP191)
	case MethodEIP191Hash:
		return GradeBound, c.each(text, verifyEIP191Hash)
	case MethodEIP712:
		return GradeBound, c.each(text, verifyEIP712)
	case MethodSafe:
		return GradeOwnerProved, c.verifySafe(text)
	case MethodEIP1271:
		return GradeContractAttested, c.each(text, checkEIP1271)
	case MethodBIP322:
		return GradeScript, c.each(text, verifySimple)
	case MethodFull:
		return GradeScript, c.each(text, verifyFull)
	case MethodFunds:
		return GradeScript, c.verifyFunds(text)
	case MethodBIP127:
		return GradeScript, c.verifyBIP127(text)
	case MethodCompact:
		return GradeBound, c.each(text, verifyCompact)
	case MethodCompactMultisig:
		return GradeScript, c.each(text, verifyCompactMultisig)
	case MethodTron:
		return GradeBound, c.each(text, verifyTron)
	case MethodTronV1:
		return GradeBound, c.each(text, verifyTronV1)
	case MethodEd25519:
		return GradeBound, c.each(text, verifyEd25519)
	case MethodEd25519OKX:
		return GradeBound, c.each(text, verifyEd25519OKX)
	case MethodXRPL:
		return GradeBound, c.each(text, verifyXRPL)
	}
	return "", &canon.FormatError{Field: "method", Problem: fmt.Sprintf("%q is no method of control", c.Method)}
}

// each checks the one signature for each account.
func (c *Control) each(text string, verify func(account, text, signature string) error) error {
	for _, account := range c.Accounts {
		if err := verify(account, text, c.Signature); err != nil {
			return err
		}
	}
	return nil
}

package evidence

import (
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Methods and grades of control (SPEC part 14).
const (
	MethodEIP191  = "eip191"
	MethodBIP322  = "bip322-simple"
	MethodFull    = "bip322-full"
	MethodCompact = "compact"

	GradeBound  = "bound"  // eip191, compact: the key that the address names signed
	GradeScript = "script" // bip322-simple, bip322-full: the address's whole script was satisfied
)

// Challenge is the text that the owner of an account signs (SPEC part 14). Whoever checks builds it from the signed
// statement, so a signature over another root, block, snapshot or exchange does not verify.
func Challenge(exchange, snapshot, chain, account, block, root string) string {
	return strings.Join([]string{
		"Assay proof of control v1",
		"exchange: " + exchange,
		"snapshot: " + snapshot,
		"chain: " + chain,
		"account: " + account,
		"block: " + block,
		"root: " + root,
	}, "\n")
}

// VerifyControl checks one signature of control over a challenge and returns the grade that it reaches (SPEC part 14). A
// signature that is not of its method's format, or a method that is not for the account, is a [canon.FormatError]; one that does
// not verify is a [CheckError].
func VerifyControl(method, account, challenge, signature string) (grade string, err error) {
	switch method {
	case MethodEIP191:
		return GradeBound, verifyEIP191(account, challenge, signature)
	case MethodBIP322:
		return GradeScript, verifySimple(account, challenge, signature)
	case MethodFull:
		return GradeScript, verifyFull(account, challenge, signature)
	case MethodCompact:
		return GradeBound, verifyCompact(account, challenge, signature)
	}
	return "", &canon.FormatError{Field: "method", Problem: fmt.Sprintf("%q is none of %s, %s, %s and %s", method, MethodEIP191, MethodBIP322, MethodFull, MethodCompact)}
}

// Package claim reads what an exchange claims, and what a verifier believes: the signed statement in its envelope, the snapshot it
// speaks of, manifest, reserve lines, control signatures, who approved, what a log's entries and auditors' findings say of it, and the
// trust policy (SPEC parts 2, 3, 7, 9, 10, 11, 15, 16, 23, 24, 26 and 27).
//
// Every Parse function takes untrusted bytes and accepts one spelling of one value: a *canon.FormatError names the field that is
// wrong, a *canon.VersionError a file from another version. Every Check and Verify function returns nil only if what it is named for
// holds:
//
//	policy, err := claim.ParsePolicy(own)          // the verifier's own file
//	envelope, err := claim.ParseEnvelope(theirs)   // the exchange's
//	signers, err := envelope.Verify(policy.Keys)   // over exactly these payload bytes
//	statement, err := claim.ParseStatement(envelope.Payload)
//	err = policy.CheckLimits(signers[0], statement.Issued, notAfter)
//	approved, err := statement.CheckApprovals(envelope, policy, notAfter)
//	err = statement.Snapshot.Check(policy.Window)
//
// What is shown to a person must come from the parsed payload, never from elsewhere: it is what was signed.
package claim

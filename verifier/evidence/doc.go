// Package evidence recomputes, offline and from SPEC.md alone, what the reserve evidence of a bundle proves: headers,
// state proofs and transactions (SPEC parts 12 and 13), and the signatures of control (SPEC part 14).
//
// A file is first parsed, then checked against the block that the statement pins:
//
//	file, err := evidence.ParseEVM(raw, snapshotID, "eip155:1")   // canon.FormatError, canon.VersionError: unreadable
//	result, err := file.Check(block, trust, holdings)             // CheckError: readable, and false
//
// Nothing is believed because the file says it. A balance counts when the trie nodes hash up to the state root of a header
// that hashes to the pinned block; an output counts when its transaction hashes up to the Merkle root of a header under
// proof of work. What a file cannot prove is said in the result's notes, word for word fit for a verdict: that unspentness
// is the word of named nodes, that a token's storage layout is the exchange's word. A balance that only nodes vouch for says so
// itself, and by how many.
//
// Control is told from a signature over a text that the verifier builds itself:
//
//	text := evidence.Challenge(exchange, snapshot, root, evidence.Pinned{Chain: chain, Account: account, Block: block})
//	grade, err := (&evidence.Control{Accounts: accounts, Method: "bip322-full", Challenge: text, Signature: signature}).Verify()
//
// It says who could sign, never what they hold: a proof of funds is read for its signatures, and what it spends is not looked at.
//
// A header may be made up together with the state under it, and passes here: only an anchor in the verifier's own policy tells
// (SPEC part 16), and no file of this package can bring one.
package evidence

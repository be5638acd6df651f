// Package evidence recomputes, offline and from SPEC.md alone, what the reserve evidence of a bundle proves: headers,
// state proofs and transactions (SPEC parts 12 and 13), and the signatures of control (SPEC part 14).
//
// A file is first parsed, then checked against the block that the statement pins:
//
//	file, err := evidence.ParseEVM(raw, snapshotID, "eip155:1")   // canon.FormatError, canon.VersionError: unreadable
//	result, err := file.Check(block, pins)                        // CheckError: readable, and false
//
// Nothing is believed because the file says it. A balance counts when the trie nodes hash up to the state root of a header
// that hashes to the pinned block; an output counts when its transaction hashes up to the Merkle root of a header under
// proof of work. What a file cannot prove is said in the result's notes, word for word fit for a verdict: that unspentness
// is the word of named nodes, that a token's storage layout is the exchange's word.
//
// A header may be made up together with the state under it, and passes here: only an anchor in the verifier's own policy tells
// (SPEC part 16), and no file of this package can bring one.
package evidence

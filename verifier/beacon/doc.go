// Package beacon is a light client of Ethereum that runs offline (SPEC part 22). From a checkpoint that the reader's policy trusts, it
// follows signatures of sync committees to a finalised block, and parent hashes from there back to the pinned one:
//
//	file, err := beacon.Parse(raw, snapshotID, "eip155:1")       // canon.FormatError, canon.VersionError: unreadable
//	found, err := file.Check(checkpoint, beacon.Block{Chain: …}) // CheckError: readable, and false
//
// The file is the exchange's and proves nothing by itself: whoever makes up a chain makes up its committees too. It counts only from
// a checkpoint that came with the policy.
//
// Three things are recomputed. Roots: what a beacon block or state says is a leaf of a SHA-256 tree (SSZ), found by a branch to a root
// already believed. Signatures: 512 validators form a committee for 8,192 slots, about 27 hours; two thirds of them must have signed, and
// the state they signed names the committee after them. Hashes: an execution block names its parent.
//
// What is left to believe is the checkpoint, and that two thirds of a committee do not lie: they are a sample of all validators, and
// are not punished for signing two chains.
package beacon

// Package tlog checks, offline and from SPEC.md alone, what a transparency log and its witnesses signed (SPEC part 25): formats of C2SP,
// trees of RFC 6962 with SHA-256.
//
// A proof is first parsed, then its checkpoint is checked against what the reader trusts, and its path against the checkpoint:
//
//	proof, err := tlog.ParseProof(raw)                  // *canon.FormatError: unreadable
//	checkpoint, err := trust.Check(proof.Checkpoint)    // *UnknownLogError, *QuorumError, or a signature that is false
//	err = tlog.CheckInclusion(tlog.LeafHash(entry), proof.Index, checkpoint.Size, proof.Path, checkpoint.Root)
//
// Whoever looks at the whole log reads its entries into a Tree, which answers for all of the log's past:
//
//	var tree tlog.Tree
//	err := tlog.Entries(source, checkpoint.Size, func(_ uint64, entry []byte) error { tree.Append(tlog.LeafHash(entry)); return nil })
//	root, err := tree.Root(earlier.Size)                // is earlier.Root, or the log signed two histories
//
// What is found against a log is kept as a Fork, against an exchange as an Equivocation: files that anybody can check without the log.
//
// A log that is honest about its entries may still hold false ones. What entries say is not looked at here.
package tlog

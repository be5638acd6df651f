// Package confidential builds the tree whose sums hide: SPEC part 29 from the builder's side.
//
// A leaf's sum is a [Point]: a hiding commitment to one customer's balances. Commitments add up as balances do, so that a
// node's sum commits to what lies below it, and one proof for a whole shard shows that every balance is one of 0 … 2^128 − 1
// and that the shard's total row says what its rows add up to. One more proof, over the total rows, opens the totals.
//
//	      rows: balances, identities, a key
//	                   │ Commit
//	leaves ←─ shard root, total row ─→ top tree
//	                   │ Prove            │ ProveTop
//	            shard's proof         top's proof: the totals are these
//
// [Parameters] are of a list of assets and hold the tables that make commitments cheap; everybody has the same. [Parameters.Commit]
// reads a shard's rows twice and its [Committed.Prove] five times or more, in pieces, on all cores: memory is 80 bytes a row
// and no more of the rows themselves than a few thousand at a time. All work grows with the balances that are not zero.
//
// Table look-ups and the time that a proof takes depend on balances: a machine that others share should not prove.
// The package is pure: fresh randomness, rows and keys are arguments.
package confidential

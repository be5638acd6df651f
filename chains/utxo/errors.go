package utxo

import (
	"fmt"

	"github.com/assay-por/assay/chains"
)

// A TooFewNodesError says that compact filters have less than two witnesses
// (SPEC part 13, Compact filters).
type TooFewNodesError struct {
	Chain chains.Chain
	Got   int
}

// Error says how many nodes there are and what to do.
func (e *TooFewNodesError) Error() string {
	return fmt.Sprintf("chain %s: compact filters take %d nodes that answer, got %d: name another node of the chain, or do without filters", e.Chain, leastFilterNodes, e.Got)
}

// A SpentError says that a coin which every node called unspent at the pinned
// block is spent in a block up to there (SPEC part 13, step 9).
type SpentError struct {
	Account  chains.Account
	Outpoint string
	Pinned   uint64
	Block    uint64 // that spends it
	Tx       string
}

// Error names the coin and what spends it.
func (e *SpentError) Error() string {
	return fmt.Sprintf("coin %s of %s is spent by transaction %s in block %d, and every node said that it was unspent at block %d; do not use these nodes",
		e.Outpoint, e.Account, e.Tx, e.Block, e.Pinned)
}

// A TooLargeError says that filters and blocks are more than an evidence file
// may hold (SPEC part 18).
type TooLargeError struct {
	Chain         chains.Chain
	First, Pinned uint64
	Most          int
}

// Error names the range and what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("chain %s: filters and matching blocks from %d, which made the oldest coin, to %d are more than the %d bytes that evidence may hold: move the oldest coins, or do without filters",
		e.Chain, e.First, e.Pinned, e.Most)
}

// An UnconfirmedError says that a transaction stands in no block yet.
type UnconfirmedError struct {
	Chain chains.Chain
	Txid  string
}

// Error says what is waited for.
func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("transaction %s is in no block of %s yet", e.Txid, e.Chain)
}

// An UnknownTransactionError says that a node does not know a transaction, or has no
// index to find it by.
type UnknownTransactionError struct{ Node, Txid string }

// Error says what to do.
func (e *UnknownTransactionError) Error() string {
	return fmt.Sprintf("node %s does not know transaction %s: check the id; if the node has no index of transactions (txindex=1), name the block's height", e.Node, e.Txid)
}

// A NotInBlockError says that a transaction is not in the block where it was looked for.
type NotInBlockError struct {
	Block chains.BlockRef
	Txid  string
}

// Error names both.
func (e *NotInBlockError) Error() string {
	return fmt.Sprintf("transaction %s is no payment in block %d %s: check its id and height", e.Txid, e.Block.Number, e.Block.Hash)
}

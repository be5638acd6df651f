package chains

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// An UnreachableError says that a node gave no answer.
type UnreachableError struct {
	Node string // label of the node: host and port, never its credentials
	Err  error
}

// Error names the node, why, and what to look at.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("node %s is unreachable: %v; is it running, and is its URL right?", e.Node, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// A RefusedError says that a node answered a question with an error.
type RefusedError struct {
	Node   string
	Method string
	Code   int    // of JSON-RPC, 0 if there was none
	Reason string // what the node said, or why its answer was not taken
}

// Error names the node, the question and the reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("node %s refused %s: %s", e.Node, e.Method, e.Reason)
}

// A WrongChainError says that a node is of another chain than it is
// configured for.
type WrongChainError struct {
	Node      string
	Got, Want Chain
}

// Error names the chain that the node is of and the one that was wanted.
func (e *WrongChainError) Error() string {
	return fmt.Sprintf("node %s is of chain %s, want %s: check the node's URL", e.Node, e.Got, e.Want)
}

// A NotFinalError says that the block of an instant, or of a number where there
// is no instant, may still change or be missing.
type NotFinalError struct {
	Chain   Chain
	Instant time.Time
	Number  uint64
	Final   uint64 // number of the chain's last final block
	Blocks  uint64 // how many more blocks must become final, at least
}

// Error says how many blocks to wait for.
func (e *NotFinalError) Error() string {
	which := "block " + strconv.FormatUint(e.Number, 10)
	if !e.Instant.IsZero() {
		which = "the block of " + e.Instant.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s on %s is not final yet: %s is final up to block %d, at least %d more must follow; try again later",
		which, e.Chain, e.Chain, e.Final, e.Blocks)
}

// A ReorgedError says that a pinned block is no longer in its chain.
type ReorgedError struct {
	Block BlockRef
	Node  string
	Got   string // hash that now stands at the block's number, if known
}

// Error names the block and what stands in its place.
func (e *ReorgedError) Error() string {
	text := fmt.Sprintf("block %d %s is no longer in the chain of node %s", e.Block.Number, e.Block.Hash, e.Node)
	if e.Got != "" {
		text += ", which has " + e.Got + " there"
	}
	return text + ": pin the instant again"
}

// A HistoryLostError says that a node no longer has what evidence at a block
// needs.
type HistoryLostError struct {
	Block  BlockRef
	Node   string
	Reason string // what the node said
}

// Error names the block, the node and its words.
func (e *HistoryLostError) Error() string {
	return fmt.Sprintf("node %s no longer has the history of block %d: %s; gather sooner after the block is final, or ask an archive node", e.Node, e.Block.Number, e.Reason)
}

// A ProofError says that what a node gave as proof does not hold.
type ProofError struct {
	Node   string
	Block  BlockRef
	What   string // which proof
	Reason string // what is wrong with it
}

// Error says which proof and what is wrong with it.
func (e *ProofError) Error() string {
	return fmt.Sprintf("node %s gave a false proof of %s at block %d: %s; do not use this node", e.Node, e.What, e.Block.Number, e.Reason)
}

// A DisagreementError says that two nodes of one chain answered the same
// question differently.
type DisagreementError struct {
	Chain   Chain
	What    string
	Answers []NodeAnswer
}

// A NodeAnswer is one node's answer to a question.
type NodeAnswer struct{ Node, Answer string }

// Error gives both answers.
func (e *DisagreementError) Error() string {
	said := make([]string, len(e.Answers))
	for i, a := range e.Answers {
		said[i] = a.Node + " says " + a.Answer
	}
	return fmt.Sprintf("nodes of %s disagree on %s: %s; find out which one is wrong", e.Chain, e.What, strings.Join(said, ", "))
}

// An UnknownLayoutError says that it could not be found out how a token's
// contract stores balances, so its storage proves nothing.
type UnknownLayoutError struct {
	Token  Token
	Reason string
}

// Error names the token and the reason.
func (e *UnknownLayoutError) Error() string {
	return fmt.Sprintf("token %s: how its contract stores balances is not known: %s", e.Token, e.Reason)
}

// A HoldingError says that a holding cannot be asked for as it stands in the
// list of wallets.
type HoldingError struct {
	Holding Holding
	Reason  string
}

// Error names the holding and the reason.
func (e *HoldingError) Error() string {
	return fmt.Sprintf("account %s, token %s: %s", clip(string(e.Holding.Account)), clip(string(e.Holding.Token)), e.Reason)
}

// Package chains holds the words in which every chain is spoken of: where
// coins lie, at which block, how many, and how well that is shown.
//
// Chains, accounts and tokens are named by their CAIP text, in one spelling
// only:
//
//	eip155:1                                                    a chain
//	eip155:1:0x8e23ee67d1332ad560396262c48ffbb01f93d052         an account of it
//	eip155:1/slip44:60                                          its native token
//	eip155:1/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7   another token
//
// The package knows no chain's technology. Each adapter (package evm, package
// utxo) is written in its own chain's terms and meets the rest of the house in
// one interface, [Source]: pin the block of an instant, then gather evidence at
// that block. Package chainstest is the suite that every adapter passes.
package chains

import (
	"context"
	"time"

	"github.com/holiman/uint256"
)

// A BlockRef names one block of one chain (SPEC part 3).
type BlockRef struct {
	Chain  Chain
	Hash   string // as the chain's own tools print it
	Number uint64
	Time   time.Time
}

// A Holding is an account and one token that it may hold (SPEC part 15).
type Holding struct {
	Account Account
	Token   Token
}

// A Balance is what evidence shows of one holding (SPEC part 15).
type Balance struct {
	Account Account
	Token   Token
	Amount  *uint256.Int // base units of the token
	Grade   EvidenceGrade
}

// Evidence is what a source gathered at one block. Balances has one entry for
// each holding asked for, sorted by account and token. File marshals by
// encoding/json to the chain's evidence file (SPEC parts 12 and 13), which
// holds everything that shows the balances.
type Evidence struct {
	Balances []Balance
	Owners   map[Account]Owners // of contract wallets whose owners the evidence proves
	File     any
}

// Owners are the keys of a contract wallet, and how many of them must sign
// (SPEC part 12).
type Owners struct {
	Addresses []string // as an account's address is spelt
	Threshold uint64
}

// A Source reads one chain. Its verbs ask nodes; Pin and Gather believe of their
// answers only what the evidence will show again to a stranger.
type Source interface {
	// Pin returns the chain's last block not later than the instant, and a
	// NotFinalError while another block may still take its place (SPEC part 3).
	Pin(ctx context.Context, instant time.Time) (BlockRef, error)

	// Last returns the last block that the first node to answer has, final or not:
	// what nobody could know before it was made (SPEC part 26).
	Last(ctx context.Context) (BlockRef, error)

	// Gather returns the evidence of the holdings at the block. It is all or
	// nothing: no balance is left out, and none is zero for want of an answer
	// (SPEC parts 12 and 13).
	Gather(ctx context.Context, snapshot string, block BlockRef, holdings []Holding) (Evidence, error)
}

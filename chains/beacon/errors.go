package beacon

import (
	"fmt"

	"github.com/assay-por/assay/chains"
)

// A NotFinalisedError says that the beacon chain has not finalised the pinned
// block yet. Nothing is wrong: try again later.
type NotFinalisedError struct {
	Block     chains.BlockRef
	Finalised uint64 // number of the last execution block that is
}

// Error names both blocks.
func (e *NotFinalisedError) Error() string {
	return fmt.Sprintf("block %d of %s is not finalised by the beacon chain yet, which is at block %d; try again in some minutes",
		e.Block.Number, e.Block.Chain, e.Finalised)
}

// A TooFarError says that too many headers lie between the pinned block and
// every finalised one that could be had.
type TooFarError struct {
	Block     chains.BlockRef
	Finalised uint64 // number of the nearest finalised execution block
}

// Error names the distance.
func (e *TooFarError) Error() string {
	return fmt.Sprintf("block %d of %s lies %d blocks before the nearest finalised block that the beacon node still shows, at most %d can be bridged: prove sooner after the snapshot",
		e.Block.Number, e.Block.Chain, e.Finalised-e.Block.Number, MaxHeaders)
}

// A NoLightClientError says that a beacon node serves no light client data.
type NoLightClientError struct {
	Node   string
	Path   string
	Status int
	Said   string
}

// Error says what to configure.
func (e *NoLightClientError) Error() string {
	return fmt.Sprintf("beacon node %s does not serve %s (HTTP status %d%s): let it serve light client data "+
		"(Lighthouse, Lodestar and Nimbus do unless told otherwise, Nimbus that of before its start with --light-client-data-import-mode=full; "+
		"Prysm: --enable-light-client), or name another node in beacon",
		e.Node, e.Path, e.Status, said(e.Said))
}

// A CheckpointError says that a node has no light client data for the
// checkpoint.
type CheckpointError struct {
	Node, Checkpoint string
	Said             string
}

// Error says what a checkpoint must be.
func (e *CheckpointError) Error() string {
	return fmt.Sprintf("beacon node %s has no bootstrap for the checkpoint %s%s: a checkpoint is the root of a finalised block at the start of an epoch, "+
		"and young enough for the node to have its state still", e.Node, e.Checkpoint, said(e.Said))
}

// A WrongNetworkError says that a beacon node is of another network than the
// one that the chain belongs to.
type WrongNetworkError struct {
	Node   string
	Chain  chains.Chain
	Reason string
}

// Error says in what it differs.
func (e *WrongNetworkError) Error() string {
	return fmt.Sprintf("beacon node %s is not of the network of %s: %s; check the node's URL, and genesis and forks if they are configured", e.Node, e.Chain, e.Reason)
}

// A ForkError says that a header is of a fork whose rules SPEC part 22 does not
// know.
type ForkError struct {
	Epoch uint64
	Name  string
}

// Error names the fork.
func (e *ForkError) Error() string {
	return fmt.Sprintf("a header of epoch %d is of fork %s: light client evidence knows %s to %s only; take the beacon node out of the configuration, or a later version of assay",
		e.Epoch, e.Name, Deneb, Fulu)
}

// An UnusableError says that what a node gave is not false but cannot serve as
// evidence.
type UnusableError struct {
	Node   string
	What   string
	Reason string
}

// Error says what and why.
func (e *UnusableError) Error() string {
	return fmt.Sprintf("%s of beacon node %s cannot serve as evidence: %s; try again later, or ask another node", e.What, e.Node, e.Reason)
}

// A NoStateError says that a beacon node does not give a state.
type NoStateError struct {
	Node   string
	State  string // which one
	Status int
	Said   string
}

// Error says what to configure.
func (e *NoStateError) Error() string {
	return fmt.Sprintf("beacon node %s does not give the %s (HTTP status %d%s): it must serve %s and have that state still: "+
		"gather soon after the block is final, or name a node in beacon that keeps old states (Lighthouse: --reconstruct-historic-states; "+
		"Teku: --data-storage-mode=archive)", e.Node, e.State, e.Status, said(e.Said), pathStates)
}

// A ValidatorError says that what a validator holds cannot be counted.
type ValidatorError struct {
	ID     ValidatorID
	Reason string
}

// Error names the validator and the reason.
func (e *ValidatorError) Error() string {
	return fmt.Sprintf("validator %s: %s", e.ID, e.Reason)
}

func said(words string) string {
	if words == "" {
		return ""
	}
	return ", it says: " + words
}

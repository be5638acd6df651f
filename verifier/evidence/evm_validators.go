package evidence

import (
	"errors"
	"math/big"
	"strconv"

	"github.com/assay-por/assay/verifier/beacon"
)

// parentBeaconRoot is the item of a block's header that names the beacon block before it (EIP-4788).
const parentBeaconRoot = 19

// stakedWith gives what validators hold, by the account that their withdrawals go to, in the chain's base units (SPEC part 22,
// Validators).
func (e *EVM) stakedWith(network *beacon.Network) (map[[20]byte]*big.Int, error) {
	if e.validators == nil {
		return nil, nil
	}
	if network == nil {
		return nil, &CheckError{Field: "validators", Problem: "the beacon chain of this network is not known", Got: e.chain, Want: "a network of SPEC part 22, or a checkpoint in the policy that says its forks"}
	}
	items, err := listRLP(e.header)
	if err == nil && len(items) <= parentBeaconRoot {
		err = errors.New(strconv.Itoa(len(items)) + " items")
	}
	var parent [32]byte
	if err == nil {
		parent, err = items[parentBeaconRoot].hash()
	}
	if err != nil {
		return nil, &CheckError{Field: "header", Problem: "item 19 names no beacon block", Got: err.Error(), Want: "32 bytes, as EIP-4788 has them"}
	}
	held, err := e.validators.Balances(parent, *network)
	var untrue *beacon.CheckError
	if errors.As(err, &untrue) {
		return nil, &CheckError{Field: untrue.Field, Problem: untrue.Problem, Got: untrue.Got, Want: untrue.Want}
	}
	if err != nil {
		return nil, err
	}
	for _, units := range held {
		units.Mul(units, big.NewInt(1_000_000_000))
	}
	return held, nil
}

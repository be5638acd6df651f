package evidence

import (
	"math/big"
	"strings"
)

// Output is an output that evidence of a bip122 chain says was unspent at the pinned block (SPEC part 13). As read it is a claim:
// only [UTXO.Check] shows that it was created.
type Output struct {
	Account string
	Amount  *big.Int // in the chain's base units
	TxID    string   // as printed
	Vout    uint64
	Script  []byte // that pays to the account
}

// Outputs gives the outputs that the file names, in its order (SPEC part 13). The caller must not take them for checked.
func (u *UTXO) Outputs() ([]Output, error) {
	list := make([]Output, len(u.outputs))
	for i, o := range u.outputs {
		script, _, err := u.network.script(strings.TrimPrefix(o.account, u.chain+":"))
		if err != nil {
			return nil, err
		}
		list[i] = Output{Account: o.account, Amount: new(big.Int).Set(o.amount), TxID: printed(o.txid), Vout: o.vout, Script: script}
	}
	return list, nil
}

package lists

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/control"
)

// A State says what a row's signatures came to (SPEC part 14).
type State string

// The states of a row (SPEC part 14).
const (
	Verified     State = "verified"            // the account's own key or keys signed
	OwnersOnly   State = "ownership-not-shown" // those signed who are said to own it
	NotSupported State = "not-supported"       // nothing was checked
	False        State = "false"               // malformed, or a signature does not verify
)

// An Outcome is what was found of one row (SPEC part 14).
type Outcome struct {
	State     State
	Account   chains.Account    // where the row's chain is known
	Signature control.Signature // if verified; of grade static
	Says      string            // a sentence for a reader, naming the column where one is at fault
}

const (
	bitcoin = "bip122:000000000019d6689c085ae165831e93"
	tron    = "tron:0x2b6653dc"
	solana  = "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
)

// networks are the chains whose rows are checked, by the names that lists
// have for them.
var networks = map[string]chains.Chain{
	"BTC": bitcoin, "BITCOIN": bitcoin,
	"TRX": tron, "TRON": tron, "TRC20": tron,
	"SOL": solana, "SOLANA": solana,
	"ETH": "eip155:1", "ETHEREUM": "eip155:1", "ERC20": "eip155:1",
	"OPTIMISM": "eip155:10", "OP": "eip155:10",
	"BSC": "eip155:56",
	"ETC": "eip155:61", "ETHEREUM CLASSIC": "eip155:61",
	"OKC": "eip155:66", "OKTC": "eip155:66",
	"POLY": "eip155:137", "POLYGON": "eip155:137", "MATIC": "eip155:137",
	"X LAYER": "eip155:196", "XLAYER": "eip155:196",
	"BASE":     "eip155:8453",
	"ARBITRUM": "eip155:42161", "ARBITRUM ONE": "eip155:42161",
	"AVAXC": "eip155:43114", "AVAX": "eip155:43114", "AVALANCHE": "eip155:43114",
	"LINEA": "eip155:59144",
}

// notStaking is the type of a row that stands for its own address.
const notStaking = "Non Staking"

// Verify checks the row's signatures over its own message (SPEC part 14).
func (r Row) Verify() Outcome {
	chain, ok := networks[strings.ToUpper(r.Network)]
	if !ok {
		return Outcome{State: NotSupported, Says: fmt.Sprintf("%s on %s: addresses of this network are not supported here", clip(r.Coin), clip(r.Network))}
	}
	if chain.Namespace() == chains.EIP155 && (r.Owners != [2]string{} || r.Signatures[1] != "" || r.staked()) {
		return r.verifyOwners(chain)
	}
	account, err := accountOf(chain, r.Address)
	if err != nil {
		return r.refuse("", "address", err)
	}
	if r.staked() {
		return r.refuse(account, "type", fmt.Errorf("%q is no kind of staking that is known on this chain", clip(r.Type)))
	}
	signature := r.Signatures[0]
	switch {
	case chain == bitcoin && r.Key != "":
		signature = r.Key + ":" + signature
		if r.Signatures[1] != "" {
			signature += "," + r.Signatures[1]
		}
	case r.Signatures[1] != "":
		return r.refuse(account, "signature2", errors.New("there is a second signature, and no script that asks for it"))
	}
	s, err := control.Verify([]chains.Account{account}, r.Message, signature, control.Facts{})
	if err != nil && chain.Namespace() == chains.EIP155 && signedOwnWords(account, r.Message, signature) {
		return Outcome{State: NotSupported, Account: account, Says: "its key signed in OKX's own form for other chains' keys, which no report can hold"}
	}
	if err != nil {
		return r.refuse(account, "signature1", err)
	}
	return Outcome{State: Verified, Account: account, Signature: s,
		Says: fmt.Sprintf("signed by %s over %q, which binds no snapshot: control %s; nothing is shown of the amount", s.Method, r.Message, s.Grade)}
}

// signedOwnWords reports whether the account's key signed the form that OKX has
// for chains with keys like Ethereum's but none of its signed messages: it is
// no lie, and no method of SPEC part 14.
func signedOwnWords(account chains.Account, message, signature string) bool {
	sig, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(sig) != crypto.SignatureLength {
		return false
	}
	if sig[crypto.RecoveryIDOffset] >= 27 {
		sig[crypto.RecoveryIDOffset] -= 27
	}
	var b bytes.Buffer
	for _, s := range []string{"OKX Signed Message:\n", message} {
		_ = wire.WriteVarString(&b, 0, s) // a buffer refuses nothing
	}
	key, err := crypto.SigToPub(crypto.Keccak256(b.Bytes()), sig)
	return err == nil && strings.ToLower(crypto.PubkeyToAddress(*key).Hex()) == account.Address()
}

func (r Row) staked() bool { return r.Type != "" && r.Type != notStaking }

// verifyOwners checks signatures by those who are said to own a contract or a
// stake. Nothing in a list shows that they do.
func (r Row) verifyOwners(chain chains.Chain) Outcome {
	var owners []string
	for i, signature := range r.Signatures {
		if (signature == "") != (r.Owners[i] == "") {
			return r.refuse("", fmt.Sprintf("eoa%d", i+1), errors.New("an owner and a signature belong together, one of them is missing"))
		}
		if signature == "" {
			continue
		}
		owner, err := accountOf(chain, r.Owners[i])
		if err != nil {
			return r.refuse("", fmt.Sprintf("eoa%d", i+1), err)
		}
		if _, err := control.Verify([]chains.Account{owner}, r.Message, signature, control.Facts{}); err != nil {
			return r.refuse("", fmt.Sprintf("signature%d", i+1), err)
		}
		owners = append(owners, owner.Address())
	}
	return Outcome{State: OwnersOnly, Says: fmt.Sprintf("%s signed over %q; that %s is theirs is not shown", strings.Join(owners, " and "), r.Message, clip(r.Address))}
}

func (r Row) refuse(account chains.Account, column string, err error) Outcome {
	return Outcome{State: False, Account: account, Says: fmt.Sprintf("column %s: %v", r.columns.name(column), err)}
}

// accountOf names one address in its one spelling. An Ethereum address in
// mixed case must have the right checksum.
func accountOf(chain chains.Chain, address string) (chains.Account, error) {
	if chain.Namespace() == chains.EIP155 && common.IsHexAddress(address) && strings.HasPrefix(address, "0x") {
		if lower := strings.ToLower(address); address != lower && common.HexToAddress(address).Hex() != address {
			return "", fmt.Errorf("the checksum of %s is wrong, want %s", address, common.HexToAddress(address).Hex())
		}
		address = strings.ToLower(address)
	}
	return chains.ParseAccount(string(chain) + ":" + address)
}

package evm

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// The layouts of SPEC part 12: in which order holder and slot are hashed.
const (
	Solidity = "solidity"
	Vyper    = "vyper"
)

// A layout says where a contract stores its mapping of balances.
type layout struct {
	order string
	slot  common.Hash
}

// key returns the storage key of a holder's balance (SPEC part 12, step 4).
func (l layout) key(holder common.Address) common.Hash {
	padded := common.LeftPadBytes(holder[:], 32)
	if l.order == Vyper {
		return crypto.Keccak256Hash(l.slot[:], padded)
	}
	return crypto.Keccak256Hash(padded, l.slot[:])
}

// maxSlot bounds the search among a contract's first variables.
const maxSlot = 255

// erc7201Slot is where OpenZeppelin's upgradeable ERC-20 of version 5 keeps its
// balances: the ERC-7201 base of the name "openzeppelin.storage.ERC20".
var erc7201Slot = common.HexToHash("0x52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00")

func layouts() []layout {
	all := []layout{{Solidity, erc7201Slot}}
	for n := range uint64(maxSlot + 1) {
		slot := common.Hash(uint256.NewInt(n).Bytes32())
		all = append(all, layout{Solidity, slot}, layout{Vyper, slot})
	}
	return all
}

// stranger is an address that holds nothing, told apart from the wallets only
// by its storage key: a layout that balanceOf reads for it too is a mapping of
// holders, and not a word that happens to match.
func stranger(contract common.Address) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte("assay/v1/stranger"), contract[:]))
}

// widths are the numbers of low bits that a balance is looked for in, the widest
// first; 0 is the whole word. 255 is Circle's FiatToken, whose top bit is a
// blacklist; the others are the unsigned integers that contracts pack into a
// word with something else above.
var widths = []uint{0, 255, 254, 248, 240, 224, 192, 160, 128, 96}

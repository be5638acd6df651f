package evidence

import (
	"math/big"
	"time"
)

// Block is the pinned block of a chain, as the signed snapshot names it (SPEC part 3).
type Block struct {
	Chain  string // CAIP-2
	Hash   string // as the chain's own tools print it
	Number uint64
	Time   time.Time
}

// Balance is what evidence reaches for one account and token (SPEC parts 12 and 13).
type Balance struct {
	Account string   // CAIP-10
	Token   string   // CAIP-19
	Amount  *big.Int // in the token's base units
	Nodes   int      // how many nodes said so, where nothing but their word shows it; 0 where it is proved
}

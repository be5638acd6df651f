package evm

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// A place is one word of a contract's storage.
type place struct {
	account common.Address
	key     common.Hash
}

// A formula makes balances of words. Whatever it is, at one block it is a
// straight line, which is worked out once for all holders.
type formula interface {
	places(token common.Address) []place
	line(token common.Address, words func(place) (*uint256.Int, error), time uint64) (line, error)
}

// A line gives the balance ⌊(word × times + plus) ÷ over⌋.
type line struct{ times, plus, over *big.Int }

// itself is the line of a token whose word is the balance.
func itself() line { return line{big.NewInt(1), new(big.Int), big.NewInt(1)} }

var errTooMuch = errors.New("a balance reaches 2^256")

// balance is that of one word. With nothing to divide by, no share is worth 0
// and any other nothing that can be said.
func (l line) balance(word *uint256.Int) (*uint256.Int, error) {
	if l.over.Sign() == 0 {
		if word.IsZero() {
			return new(uint256.Int), nil
		}
		return nil, errors.New("there are no shares in all, but a holder has some")
	}
	n := word.ToBig()
	n.Mul(n, l.times)
	n.Add(n, l.plus)
	n.Quo(n, l.over)
	balance, over := uint256.FromBig(n)
	if over {
		return nil, errTooMuch
	}
	return balance, nil
}

// low cuts a word to its low bits; 0 leaves it whole.
func low(word *uint256.Int, bits uint) *uint256.Int {
	if bits == 0 || bits >= 256 {
		return word
	}
	mask := new(uint256.Int).Lsh(uint256.NewInt(1), bits)
	mask.SubUint64(mask, 1)
	return mask.And(mask, word)
}

// A share is the formula of SPEC part 12, step 6.
type share struct{ pool, total []term }

type term struct {
	bits, shift uint
	minus       bool
	slot        common.Hash
	contract    *common.Address
	times       *big.Int
}

func (t term) place(token common.Address) place {
	if t.contract != nil {
		token = *t.contract
	}
	return place{token, t.slot}
}

func (s *share) places(token common.Address) []place {
	var all []place
	for _, side := range [][]term{s.pool, s.total} {
		for _, t := range side {
			all = append(all, t.place(token))
		}
	}
	return all
}

func (s *share) line(token common.Address, words func(place) (*uint256.Int, error), _ uint64) (line, error) {
	var sums [2]*big.Int
	for i, side := range [][]term{s.pool, s.total} {
		sums[i] = new(big.Int)
		for _, t := range side {
			word, err := words(t.place(token))
			if err != nil {
				return line{}, err
			}
			value := low(new(uint256.Int).Rsh(word, t.shift), t.bits).ToBig()
			value.Mul(value, t.times)
			if t.minus {
				value.Neg(value)
			}
			sums[i].Add(sums[i], value)
		}
	}
	pool, total := sums[0], sums[1]
	if pool.Sign() < 0 || total.Sign() < 0 {
		return line{}, fmt.Errorf("pool is %s and total %s, want neither below 0", pool, total)
	}
	return line{times: pool, plus: new(big.Int), over: total}, nil
}

// An aave is the formula of SPEC part 12, step 7.
type aave struct {
	pool   common.Address
	slot   common.Hash
	halfUp bool
}

// after returns the n-th word after the slot.
func (a *aave) after(n uint64) place {
	at := new(uint256.Int).SetBytes32(a.slot[:])
	return place{a.pool, at.AddUint64(at, n).Bytes32()}
}

func (a *aave) places(common.Address) []place { return []place{a.after(1), a.after(3)} }

const secondsPerYear = 31_536_000

func (a *aave) line(_ common.Address, words func(place) (*uint256.Int, error), time uint64) (line, error) {
	indexAndRate, err := words(a.after(1))
	if err != nil {
		return line{}, err
	}
	updated, err := words(a.after(3))
	if err != nil {
		return line{}, err
	}
	index, rate := low(indexAndRate, 128).ToBig(), new(uint256.Int).Rsh(indexAndRate, 128).ToBig()
	since := low(new(uint256.Int).Rsh(updated, 128), 40).Uint64()
	if since > time {
		return line{}, fmt.Errorf("the pool was updated at time %d, after the block's, %d", since, time)
	}
	ray := new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)
	half := new(big.Int).Rsh(ray, 1)
	growth := rate.Mul(rate, new(big.Int).SetUint64(time-since))
	growth.Quo(growth, big.NewInt(secondsPerYear))
	growth.Add(growth, ray)
	income := growth.Mul(growth, index)
	income.Add(income, half)
	income.Quo(income, ray)
	l := line{times: income, plus: new(big.Int), over: ray}
	if a.halfUp {
		l.plus = half
	}
	return l, nil
}

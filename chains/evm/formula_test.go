package evm

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

// words is a storage for formulas, the token's own and others'.
type words map[place]*uint256.Int

func (w words) read(p place) (*uint256.Int, error) {
	if v, ok := w[p]; ok {
		return v, nil
	}
	return new(uint256.Int), nil
}

func drawWord(t *rapid.T, name string) *uint256.Int {
	raw := rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, name)
	return new(uint256.Int).SetBytes(raw)
}

// bitsOf is what SPEC part 12 calls a cut: bit by bit, as slowly as it is plain.
func bitsOf(word *uint256.Int, shift, bits uint) *big.Int {
	sum := new(big.Int)
	for i := range bits {
		if word.ToBig().Bit(int(shift+i)) == 1 {
			sum.SetBit(sum, int(i), 1)
		}
	}
	return sum
}

// floorOf rounds a fraction down.
func floorOf(r *big.Rat) *big.Int {
	n := new(big.Int)
	n.Div(r.Num(), r.Denom())
	return n
}

func TestShareAgainstFractions(t *testing.T) {
	token := common.HexToAddress("0x7070")
	rapid.Check(t, func(t *rapid.T) {
		storage := words{}
		side := func(name string) ([]Term, *big.Int) {
			var terms []Term
			sum := new(big.Int)
			for range rapid.IntRange(1, maxTerms).Draw(t, name+" terms") {
				shift := rapid.UintRange(0, 255).Draw(t, "shift")
				one := Term{Shift: shift, Bits: rapid.UintRange(1, 256-shift).Draw(t, "bits"), Minus: rapid.Bool().Draw(t, "minus"),
					Slot: slotHex(byte(rapid.IntRange(0, 5).Draw(t, "slot"))), Times: rapid.StringMatching(`[1-9][0-9]{0,37}`).Draw(t, "times")}
				at := place{token, common.HexToHash(one.Slot)}
				if rapid.Bool().Draw(t, "elsewhere") {
					one.Contract = "0x" + strings.Repeat("ab", 20)
					at.account = common.HexToAddress(one.Contract)
				}
				if storage[at] == nil {
					storage[at] = drawWord(t, "word")
				}
				times, _ := new(big.Int).SetString(one.Times, 10)
				value := times.Mul(times, bitsOf(storage[at], one.Shift, one.Bits))
				if one.Minus {
					sum.Sub(sum, value)
				} else {
					sum.Add(sum, value)
				}
				terms = append(terms, one)
			}
			return terms, sum
		}
		s := &Share{}
		var pool, total *big.Int
		s.Pool, pool = side("pool")
		s.Total, total = side("total")
		f, err := s.parse()
		if err != nil {
			t.Fatal(err)
		}
		l, err := f.line(token, storage.read, 0)
		if bad := pool.Sign() < 0 || total.Sign() < 0; bad != (err != nil) {
			t.Fatalf("pool %s, total %s: got %v", pool, total, err)
		} else if bad {
			return
		}
		word := drawWord(t, "word of the holder")
		got, err := l.balance(word)
		if total.Sign() == 0 {
			if (err == nil) != word.IsZero() || err == nil && !got.IsZero() {
				t.Fatalf("no shares in all, %s of the holder: got %v, %v", word, got, err)
			}
			return
		}
		want := floorOf(new(big.Rat).SetFrac(new(big.Int).Mul(word.ToBig(), pool), total))
		if over := want.BitLen() > 256; over != (err != nil) {
			t.Fatalf("balance %s: got %v", want, err)
		} else if !over && got.ToBig().Cmp(want) != 0 {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func TestAaveAgainstFractions(t *testing.T) {
	ray := new(big.Int).Exp(big.NewInt(10), big.NewInt(27), nil)
	half := big.NewRat(1, 2)
	rounded := func(r *big.Rat) *big.Int { return floorOf(new(big.Rat).Add(r, half)) }
	pool := common.HexToAddress("0x9001")
	rapid.Check(t, func(t *rapid.T) {
		slot := drawWord(t, "slot")
		packed, updated, word := drawWord(t, "index and rate"), drawWord(t, "updated"), drawWord(t, "word of the holder")
		storage := words{
			{pool, new(uint256.Int).AddUint64(slot, 1).Bytes32()}: packed,
			{pool, new(uint256.Int).AddUint64(slot, 3).Bytes32()}: updated,
		}
		index, rate, since := bitsOf(packed, 0, 128), bitsOf(packed, 128, 128), bitsOf(updated, 128, 40).Uint64()
		time := rapid.Uint64Range(since/2, since+40*secondsPerYear).Draw(t, "time")
		slotText := common.Hash(slot.Bytes32()).Hex()[2:]
		rounding := rapid.SampledFrom([]string{HalfUp, Down}).Draw(t, "rounding")
		f, err := (&Aave{Pool: strings.ToLower(pool.Hex()), Rounding: rounding, Slot: slotText}).parse()
		if err != nil {
			t.Fatal(err)
		}
		l, err := f.line(common.Address{}, storage.read, time)
		if (time < since) != (err != nil) {
			t.Fatalf("updated at %d, block of %d: %v", since, time, err)
		} else if err != nil {
			return
		}
		growth := new(big.Int).Mul(rate, new(big.Int).SetUint64(time-since))
		growth.Add(ray, growth.Div(growth, big.NewInt(secondsPerYear)))
		income := rounded(new(big.Rat).SetFrac(new(big.Int).Mul(growth, index), ray))
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(word.ToBig(), income), ray)
		want := floorOf(exact)
		if rounding == HalfUp {
			want = rounded(exact)
		}
		got, err := l.balance(word)
		if over := want.BitLen() > 256; over != (err != nil) {
			t.Fatalf("balance %s: got %v", want, err)
		} else if !over && got.ToBig().Cmp(want) != 0 {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func TestLowBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word, bits := drawWord(t, "word"), rapid.UintRange(1, 256).Draw(t, "bits")
		before := word.Clone()
		if got := low(word, bits); got.ToBig().Cmp(bitsOf(word, 0, bits)) != 0 {
			t.Fatalf("low %d bits of %s: got %s", bits, word.Hex(), got.Hex())
		}
		if got := low(word, 0); !got.Eq(word) || !word.Eq(before) {
			t.Fatalf("the whole word is %s, was %s", got.Hex(), before.Hex())
		}
	})
}

package merkle

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The oracle is SPEC parts 4, 5 and 6 written as slowly as they are read: sums are maps of big integers, trees are recursion.
type oracleNode struct {
	hash []byte
	sum  map[uint16]*big.Int
}

func oracleH(parts ...[]byte) []byte {
	sum := sha256.Sum256(slices.Concat(parts...))
	return sum[:]
}

func oracleEncode(sum map[uint16]*big.Int) []byte {
	var assets []uint16
	for a, v := range sum {
		if v.Sign() != 0 {
			assets = append(assets, a)
		}
	}
	slices.Sort(assets)
	b := []byte{byte(len(assets) >> 8), byte(len(assets))}
	for _, a := range assets {
		b = append(b, byte(a>>8), byte(a))
		b = append(b, sum[a].FillBytes(make([]byte, 16))...)
	}
	return b
}

func oracleTop(tag byte, leaves []oracleNode) oracleNode {
	n := len(leaves)
	if n == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < n {
		split *= 2
	}
	l, r := oracleTop(tag, leaves[:split]), oracleTop(tag, leaves[split:])
	sum := map[uint16]*big.Int{}
	for _, side := range []oracleNode{l, r} {
		for a, v := range side.sum {
			if sum[a] == nil {
				sum[a] = new(big.Int)
			}
			sum[a].Add(sum[a], v)
		}
	}
	return oracleNode{oracleH([]byte{tag | 1}, l.hash, oracleEncode(l.sum), r.hash, oracleEncode(r.sum)), sum}
}

func oracleRoot(tag byte, leaves []oracleNode) oracleNode {
	top := oracleTop(tag, leaves)
	n := uint64(len(leaves))
	count := make([]byte, 8)
	for i := range count {
		count[i] = byte(n >> (56 - 8*i))
	}
	return oracleNode{oracleH([]byte{tag | 2, 1}, count, top.hash, oracleEncode(top.sum)), top.sum}
}

func oracleLeaf(tag byte, identity Hash, p Plain) oracleNode {
	sum := map[uint16]*big.Int{}
	for _, e := range p {
		sum[e.Asset] = bigOf(e.Amount)
	}
	return oracleNode{oracleH([]byte{tag}, identity[:], oracleEncode(sum)), sum}
}

func bigOf(a Amount) *big.Int {
	b := new(big.Int).SetUint64(a.Hi)
	return b.Or(b.Lsh(b, 64), new(big.Int).SetUint64(a.Lo))
}

// Generators. Amounts stay under 2^120 so that sums of many fit.
var (
	drawAmount = rapid.Custom(func(t *rapid.T) Amount {
		a := Amount{Hi: rapid.Uint64Max(1<<56-1).Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
		if rapid.Bool().Draw(t, "small") {
			a.Hi = 0
		}
		return a
	})
	drawHash = rapid.Custom(func(t *rapid.T) Hash {
		return Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
	})
)

const testAssets = 12

func drawPlain(t *rapid.T, label string) Plain {
	assets := rapid.SliceOfNDistinct(rapid.Uint16Max(testAssets-1), 0, testAssets, rapid.ID[uint16]).Draw(t, label)
	slices.Sort(assets)
	var p Plain
	for _, a := range assets {
		if amount := drawAmount.Draw(t, label); !amount.IsZero() {
			p = append(p, Entry{a, amount})
		}
	}
	return p
}

// leaf is a customer of a test tree.
type leaf struct {
	identity Hash
	sum      Plain
}

// someLeaves are n different leaves, some of them with nothing.
func someLeaves(n int) []leaf {
	leaves := make([]leaf, n)
	for i := range leaves {
		leaves[i].identity = sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
		for a := range testAssets {
			if (i+1)*(a+3)%5 < 2 && i%7 != 3 {
				leaves[i].sum = append(leaves[i].sum, Entry{uint16(a), Amount{Hi: uint64(i % 3), Lo: uint64(i*1000 + a + 1)}})
			}
		}
	}
	return leaves
}

func hashed(level Level, leaves []leaf) []Node[Plain] {
	nodes := make([]Node[Plain], len(leaves))
	for i, l := range leaves {
		nodes[i] = Leaf(level, l.identity, l.sum)
	}
	return nodes
}

// treeSizes are 1 to 70 and the sizes around powers of two.
func treeSizes() []int {
	var sizes []int
	for n := 1; n <= 70; n++ {
		sizes = append(sizes, n)
	}
	for k := 7; k <= 10; k++ {
		sizes = append(sizes, 1<<k-1, 1<<k, 1<<k+1)
	}
	return sizes
}

// oracleKey is HKDF-SHA256 of RFC 5869 and HMAC of RFC 2104, spelled out: one block of output is enough for 32 bytes.
func oracleKey(secret [32]byte, snapshot Hash, purpose, customer string) []byte {
	mac := func(key, data []byte) []byte {
		m := hmac.New(sha256.New, key)
		m.Write(data)
		return m.Sum(nil)
	}
	key := mac(mac(snapshot[:], secret[:]), append([]byte("assay/v1/key/"+purpose), 1))
	return mac(key, []byte(customer))
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

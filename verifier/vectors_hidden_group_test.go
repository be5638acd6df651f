package verifier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"
	"github.com/consensys/gnark-crypto/field/hash"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// hiddenVector is a file of vectors/confidential; README.md beside it says which keys each `about` has.
type hiddenVector struct {
	About   string `json:"about"`
	Attack  string `json:"attack,omitempty"`
	Comment string `json:"comment"`
	Expect  string `json:"expect"`

	// point, scalar, reduction, addition
	Hex    string   `json:"hex,omitempty"`
	Points []string `json:"points,omitempty"`
	Sum    string   `json:"sum,omitempty"`
	Value  string   `json:"value,omitempty"`

	// hash, generators, registry
	Asset      string       `json:"asset,omitempty"`
	Assets     []string     `json:"assets,omitempty"`
	Generators string       `json:"generators,omitempty"` // SHA-256 of all
	Hashes     []vectorHash `json:"hashes,omitempty"`

	// row
	Balances []string `json:"balances,omitempty"` // by asset
	Blinding string   `json:"blinding,omitempty"`
	Point    string   `json:"point,omitempty"`

	// tree
	Identities []string       `json:"identities,omitempty"`
	Level      string         `json:"level,omitempty"`
	Nodes      []vectorNode   `json:"nodes,omitempty"`
	Paths      [][]vectorNode `json:"paths,omitempty"`
	Root       string         `json:"root,omitempty"`
	Rows       []string       `json:"rows,omitempty"`

	// proof
	Base      string           `json:"base,omitempty"`
	Edits     []vectorEdit     `json:"edits,omitempty"`
	Fails     []string         `json:"fails,omitempty"` // equations
	Proof     string           `json:"proof,omitempty"`
	Relations [][]string       `json:"relations,omitempty"`
	Shard     *uint32          `json:"shard,omitempty"`
	Snapshot  string           `json:"snapshot,omitempty"`
	Surplus   *string          `json:"surplus,omitempty"`
	Total     string           `json:"total,omitempty"`
	Totals    []string         `json:"totals,omitempty"`
	Builder   *vectorBuilder   `json:"builder,omitempty"`
	Checked   *vectorEvaluated `json:"checked,omitempty"`
}

// vectorHash is a hash to the curve with all that is on its way.
type vectorHash struct {
	Bit     *int      `json:"bit,omitempty"`
	Message string    `json:"message"`
	DST     string    `json:"dst"`
	Uniform string    `json:"uniform"`
	U       [2]string `json:"u"`
	Mapped  [2]string `json:"mapped"`
	Point   string    `json:"point"`
}

// vectorNode is a node of a tree: its hash and its sum.
type vectorNode struct {
	Hash string `json:"hash"`
	Sum  string `json:"sum"`
}

// vectorEdit changes a proof's file: at a byte, so many are cut out and others put in.
type vectorEdit struct {
	At  int    `json:"at"`
	Cut int    `json:"cut"`
	Hex string `json:"hex"`
}

type hiddenPutter func(name string, v hiddenVector)

func numberHex(n *big.Int) string { return hex.EncodeToString(n.FillBytes(make([]byte, 32))) }

func scalarHex(s confidentialtest.Scalar) string {
	b := s.Bytes()
	return hex.EncodeToString(b[:])
}

func power(n uint, less int64) *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), n)
	return p.Sub(p, big.NewInt(less))
}

var vectorGenerators = map[string]*confidentialtest.Generators{}

func generatorsFor(assets ...string) *confidentialtest.Generators {
	key := strings.Join(assets, ",")
	if vectorGenerators[key] == nil {
		vectorGenerators[key] = confidentialtest.NewGenerators(assets...)
	}
	return vectorGenerators[key]
}

func confidentialVectors(t testing.TB, put hiddenPutter) {
	generatorVectors(t, put)
	pointVectors(put)
	scalarVectors(put)
	rowVectors(put)
	pointTreeVectors(put)
	hiddenProofVectors(t, put)
}

// mappedHash follows RFC 9380 step by step.
func mappedHash(t testing.TB, message []byte, dst string) vectorHash {
	t.Helper()
	uniform, err := hash.ExpandMsgXmd(message, []byte(dst), 96)
	if err != nil {
		t.Fatal(err)
	}
	v := vectorHash{Message: hex.EncodeToString(message), DST: dst, Uniform: hex.EncodeToString(uniform)}
	for i := range v.U {
		var u fp.Element
		u.SetBytes(uniform[48*i : 48*i+48])
		raw := u.Bytes()
		v.U[i], v.Mapped[i] = hex.EncodeToString(raw[:]), pointHex(grumpkin.MapToCurve1(&u))
	}
	v.Point = pointHex(confidentialtest.Hashed(message, dst))
	return v
}

func generatorVectors(t testing.TB, put hiddenPutter) {
	put("happy-generator-h", hiddenVector{About: "hash", Comment: "H, of the empty message", Expect: "pass", Hashes: []vectorHash{mappedHash(t, nil, "assay/v1/confidential/blinding")}})
	put("happy-generator-u", hiddenVector{About: "hash", Comment: "U, of the empty message", Expect: "pass", Hashes: []vectorHash{mappedHash(t, nil, "assay/v1/confidential/scalar")}})
	for name, asset := range map[string]string{"btc": "BTC", "of-one-letter": "A", "of-32-letters": "ABCDEFGHIJKLMNOPQRSTUVWXYZ.01-#9", "of-a-debit": "debit:ABCDEFGHIJKLMNOPQRSTUVWXYZ.01-#9"} {
		v := hiddenVector{About: "generators", Comment: "some of the 128, and the SHA-256 of all 128 encodings in a row", Expect: "pass", Asset: asset}
		for _, bit := range []int{0, 1, 63, 64, 127} {
			h := mappedHash(t, append(append([]byte{byte(len(asset))}, asset...), byte(bit)), "assay/v1/confidential/generator")
			h.Bit = &bit
			v.Hashes = append(v.Hashes, h)
		}
		all := sha256.New()
		for _, g := range generatorsFor(asset).Columns {
			all.Write(encodedSum(g))
		}
		v.Generators = hex.EncodeToString(all.Sum(nil))
		put("happy-generators-"+name, v)
	}
	put("registry-asset-twice", hiddenVector{About: "registry", Attack: "Z8", Comment: "equal ids have equal generators, and totals can be forged", Expect: "refused", Assets: []string{"BTC", "ETH", "BTC"}})
	var many []string
	for j := range 1025 {
		many = append(many, fmt.Sprintf("A%d", j))
	}
	put("registry-of-1025", hiddenVector{About: "registry", Comment: "an asset too many", Expect: "refused", Assets: many})
	put("registry-empty", hiddenVector{About: "registry", Comment: "no asset", Expect: "refused"})
	put("registry-name-of-39", hiddenVector{About: "registry", Comment: "a letter more than a debit's name may have", Expect: "refused", Assets: []string{"debit:ABCDEFGHIJKLMNOPQRSTUVWXYZ.01-#9A"}})
	put("registry-asset-without-letters", hiddenVector{About: "registry", Comment: "an empty id", Expect: "refused", Assets: []string{"BTC", ""}})
}

func pointVectors(put hiddenPutter) {
	h := confidentialtest.Hashed(nil, "assay/v1/confidential/blinding")
	good := encodedSum(h)
	x, y := new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])
	p := fp.Modulus()
	over := func(n *big.Int) *big.Int { return new(big.Int).Add(n, p) }
	var opposite confidentialtest.Point
	opposite.Neg(&h)
	for _, c := range []struct{ name, attack, comment, hex, expect string }{
		{"happy-point", "", "H", hex.EncodeToString(good), "pass"},
		{"happy-point-negative", "", "its opposite: p less y", pointHex(opposite), "pass"},
		{"happy-point-identity", "Z14", "a point where the SPEC says that the identity may be one, and nowhere else", strings.Repeat("0", 128), "identity"},
		{"point-off-the-curve", "Z14", "y is one more", numberHex(x) + numberHex(new(big.Int).Add(y, big.NewInt(1))), "refused"},
		{"point-of-another-curve", "Z14", "(1, 2) is on bn254, whose equation has + 3", numberHex(big.NewInt(1)) + numberHex(big.NewInt(2)), "refused"},
		{"point-x-zero", "Z14", "x = 0, y = 1", numberHex(new(big.Int)) + numberHex(big.NewInt(1)), "refused"},
		{"point-y-zero", "Z14", "no point has y = 0", numberHex(big.NewInt(1)) + numberHex(new(big.Int)), "refused"},
		{"point-x-plus-p", "Z14", "another spelling of H", numberHex(over(x)) + numberHex(y), "refused"},
		{"point-y-plus-p", "Z14", "another spelling of H", numberHex(x) + numberHex(over(y)), "refused"},
		{"point-identity-x-p", "Z14", "another spelling of the identity", numberHex(p) + numberHex(new(big.Int)), "refused"},
		{"point-identity-both-p", "Z14", "another spelling of the identity", numberHex(p) + numberHex(p), "refused"},
		{"point-all-ones", "Z14", "", strings.Repeat("f", 128), "refused"},
		{"point-x-y-swapped", "Z14", "y first", numberHex(y) + numberHex(x), "refused"},
		{"point-byte-missing", "Z14", "63 bytes", hex.EncodeToString(good[:63]), "refused"},
		{"point-byte-left-over", "Z14", "65 bytes", hex.EncodeToString(good) + "00", "refused"},
		{"point-x-only", "Z14", "32 bytes", hex.EncodeToString(good[:32]), "refused"},
	} {
		put(c.name, hiddenVector{About: "point", Attack: c.attack, Comment: c.comment, Expect: c.expect, Hex: c.hex})
	}
	u, zero := confidentialtest.Hashed(nil, "assay/v1/confidential/scalar"), confidentialtest.Point{}
	for _, c := range []struct {
		name, comment string
		points        []confidentialtest.Point
	}{
		{"happy-addition", "H + U", []confidentialtest.Point{h, u}},
		{"happy-addition-of-itself", "H + H", []confidentialtest.Point{h, h}},
		{"happy-addition-to-identity", "H − H", []confidentialtest.Point{h, opposite}},
		{"happy-addition-of-identity", "H and the identity, and the identity again", []confidentialtest.Point{zero, h, zero}},
		{"happy-addition-through-identity", "H − H + U + U", []confidentialtest.Point{h, opposite, u, u}},
	} {
		v, sum := hiddenVector{About: "addition", Comment: c.comment, Expect: "pass"}, confidentialtest.Point{}
		for _, p := range c.points {
			v.Points = append(v.Points, pointHex(p))
			sum.Add(&sum, &p)
		}
		v.Sum = pointHex(sum)
		put(c.name, v)
	}
}

func scalarVectors(put hiddenPutter) {
	q := fr.Modulus()
	for _, c := range []struct {
		name, comment string
		value         *big.Int
		expect        string
	}{
		{"happy-scalar-zero", "", new(big.Int), "pass"},
		{"happy-scalar-greatest", "q − 1", new(big.Int).Sub(q, big.NewInt(1)), "pass"},
		{"happy-scalar-p", "the field's prime is below q", fp.Modulus(), "pass"},
		{"scalar-q", "another spelling of 0", q, "refused"},
		{"scalar-q-plus-1", "another spelling of 1", new(big.Int).Add(q, big.NewInt(1)), "refused"},
		{"scalar-all-ones", "2^256 − 1", power(256, 1), "refused"},
	} {
		attack := ""
		if c.expect != "pass" {
			attack = "Z14"
		}
		put(c.name, hiddenVector{About: "scalar", Attack: attack, Comment: c.comment, Expect: c.expect, Hex: numberHex(c.value)})
	}
	for name, n := range map[string]*big.Int{
		"zero": new(big.Int), "below-q": new(big.Int).Sub(q, big.NewInt(1)), "q": q, "2-to-the-256": power(256, 0), "all-ones": power(512, 1), "q-squared-less-1": new(big.Int).Sub(new(big.Int).Mul(q, q), big.NewInt(1)),
	} {
		put("happy-reduction-"+name, hiddenVector{
			About: "reduction", Comment: "64 bytes, as of a challenge or a blinding, modulo q", Expect: "pass",
			Hex: hex.EncodeToString(n.FillBytes(make([]byte, 64))), Value: numberHex(new(big.Int).Mod(n, q)),
		})
	}
}

func rowVectors(put hiddenPutter) {
	assets := []string{"BTC", "ETH", "USDT"}
	g := generatorsFor(assets...)
	blinding := confidentialtest.Keyed([]byte("blinding"), "row")
	minus := *new(confidentialtest.Scalar).SetInt64(-1)
	for _, c := range []struct {
		name, comment, expect string
		balances              []*big.Int
		blinding              confidentialtest.Scalar
	}{
		{"happy-row", "", "pass", []*big.Int{big.NewInt(50_000_000), amount("2500000000000000000"), new(big.Int)}, blinding},
		{"happy-row-nothing", "a customer who is owed nothing: r H", "pass", []*big.Int{new(big.Int), new(big.Int), new(big.Int)}, blinding},
		{"happy-row-greatest", "2^128 − 1 of all", "pass", []*big.Int{power(128, 1), power(128, 1), power(128, 1)}, blinding},
		{"happy-row-highest-bit", "2^127 is not negative", "pass", []*big.Int{new(big.Int), power(127, 0), new(big.Int)}, blinding},
		{"happy-row-one", "the lowest bit of the last asset", "pass", []*big.Int{new(big.Int), new(big.Int), big.NewInt(1)}, blinding},
		{"happy-row-blinding-zero", "G of BTC and bit 0", "pass", []*big.Int{big.NewInt(1), new(big.Int), new(big.Int)}, confidentialtest.Scalar{}},
		{"happy-row-blinding-greatest", "q − 1: G of BTC and bit 0, less H", "pass", []*big.Int{big.NewInt(1), new(big.Int), new(big.Int)}, minus},
		{"row-identity", "nothing, and a blinding of zero: the identity, which is no leaf", "identity", []*big.Int{new(big.Int), new(big.Int), new(big.Int)}, confidentialtest.Scalar{}},
	} {
		v := hiddenVector{About: "row", Comment: c.comment, Expect: c.expect, Assets: assets, Blinding: scalarHex(c.blinding), Point: pointHex(g.Commit(confidentialtest.Bits(c.balances...), c.blinding))}
		for _, a := range c.balances {
			v.Balances = append(v.Balances, a.String())
		}
		put(c.name, v)
	}
	put("row-blinding-q", hiddenVector{About: "row", Attack: "Z14", Comment: "a blinding of q", Expect: "refused", Assets: assets, Balances: []string{"1", "0", "0"}, Blinding: numberHex(fr.Modulus())})
}

// pointTreeVectors are trees whose sums are points; nodes are those between leaves and root, left before right before what joins them.
func pointTreeVectors(put hiddenPutter) {
	g := generatorsFor("BTC")
	for _, level := range []struct {
		name string
		code byte
	}{{"shard", 0x00}, {"top", 0x10}} {
		for _, n := range []int{1, 2, 3, 5, 8} {
			v := hiddenVector{About: "tree", Comment: "leaves, nodes, paths and root", Expect: "pass", Level: level.name}
			var rows []confidentialtest.Point
			for i := range n {
				rows = append(rows, g.Commit(confidentialtest.Bits(big.NewInt(int64(i))), confidentialtest.Keyed([]byte("tree"), "row", i)))
			}
			if n == 3 { // the second leaf is the opposite of the first, so that the node above has the identity as its sum
				v.Comment = "the sum of a node is the identity"
				rows[1].Neg(&rows[0])
			}
			v.plant(level.code, rows)
			put("happy-tree-"+level.name+"-"+map[int]string{1: "1-leaf", 2: "2-leaves", 3: "3-leaves-identity-inside", 5: "5-leaves", 8: "8-leaves"}[n], v)
		}
	}
}

// plant makes the tree over rows with made-up identities.
func (v *hiddenVector) plant(level byte, rows []confidentialtest.Point) {
	var leaves []pointNode
	for i, row := range rows {
		id := h([]byte("leaf"), u64(i))
		v.Identities, v.Rows = append(v.Identities, hex.EncodeToString(id)), append(v.Rows, pointHex(row))
		leaves = append(leaves, pointNode{h([]byte{level}, id, encodedSum(row)), row})
	}
	var walk func(leaves []pointNode) pointNode
	walk = func(leaves []pointNode) pointNode {
		if k := split(len(leaves)); len(leaves) > 1 {
			walk(leaves[:k])
			walk(leaves[k:])
		}
		node := pointTop(level, leaves, -1, nil)
		v.Nodes = append(v.Nodes, vectorNode{hex.EncodeToString(node.hash), pointHex(node.sum)})
		return node
	}
	walk(leaves)
	for i := range leaves {
		path, nodes := []obj{}, []vectorNode{}
		pointTop(level, leaves, i, &path)
		for _, sibling := range path {
			nodes = append(nodes, vectorNode{sibling["hash"].(string), sibling["sum"].(string)})
		}
		v.Paths = append(v.Paths, nodes)
	}
	root := pointRoot(level, leaves)
	v.Root, v.Sum = hex.EncodeToString(root.hash), pointHex(root.sum)
}

// split is the greatest power of two below n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

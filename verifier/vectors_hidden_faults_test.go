package verifier

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/grumpkin/fp"
	"github.com/consensys/gnark-crypto/ecc/grumpkin/fr"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// element is a point or scalar of a proof: its name, where it is, and how long.
type element struct {
	name string
	at   int
	size int
}

// elements names what a proof is made of, but of z and z' the first and the last only.
func elements(l, m, u int) (list []element) {
	at := len("assay/v1/confidential-proof\n")
	add := func(size int, names ...string) {
		for _, name := range names {
			list = append(list, element{name, at, size})
			at += size
		}
	}
	for t := range l {
		add(64, fmt.Sprintf("k1-%d", t+1), fmt.Sprintf("k2-%d", t+1))
	}
	add(64, "y", "d", "e", "f", "d-prime")
	for j := range m {
		add(32, fmt.Sprintf("f-%d", j))
	}
	for j := range u {
		add(32, fmt.Sprintf("g-%d", j))
	}
	vector := func(name string) {
		add(32, name+"-first")
		at += 32 * (128*m - 2)
		add(32, name+"-last")
	}
	vector("z")
	add(32, "z-delta", "z-sigma", "z-omega")
	vector("z-prime")
	add(32, "z-prime-delta")
	return list
}

// altering makes vectors that differ from another in what is said here.
type altering struct {
	t     testing.TB
	put   hiddenPutter
	base  string
	of    *hiddenTree
	proof []byte
}

func (f *altering) add(name, attack, expect, comment string, v hiddenVector) {
	f.t.Helper()
	v.About, v.Attack, v.Expect, v.Comment, v.Base = "proof", attack, expect, comment, f.base
	s, rows, proof := f.edited(v)
	if expect == "equations" || expect == "format" {
		e, err := f.of.Evaluate(s, rows, proof)
		if len(v.Assets) > 0 {
			e, err = generatorsFor(v.Assets...).Evaluate(s, rows, proof)
		}
		if expect == "equations" && err == nil {
			v.Fails = e.Fails()
		}
		if (err != nil) != (expect == "format") || expect == "equations" && len(v.Fails) == 0 {
			f.t.Fatalf("%s: %v, fails %v", name, err, v.Fails)
		}
	}
	f.put(name, v)
}

// edited is the statement, the rows and the proof that a vector comes to.
func (f *altering) edited(v hiddenVector) (*confidentialtest.Statement, []confidentialtest.Point, []byte) {
	f.t.Helper()
	s, rows, proof := f.of.Statement, f.of.Rows(), slices.Clone(f.proof)
	point := func(text string) confidentialtest.Point {
		p, _ := confidentialtest.Decode(unhex(f.t, text))
		return p
	}
	if v.Rows != nil {
		rows = nil
		for _, row := range v.Rows {
			rows = append(rows, point(row))
		}
	}
	s.Rows = uint64(len(rows))
	if v.Snapshot != "" {
		s.Snapshot = hash32(f.t, v.Snapshot)
	}
	if v.Root != "" {
		s.Root = hash32(f.t, v.Root)
	}
	if v.Shard != nil {
		s.Index = *v.Shard
	}
	if v.Sum != "" {
		s.Sum = point(v.Sum)
	}
	if v.Total != "" {
		s.Total = point(v.Total)
	}
	if v.Relations != nil {
		s.Relations = integerRows(v.Relations)
	}
	if v.Totals != nil {
		s.Totals = integers(v.Totals)
	}
	if v.Level == "top" {
		s.Level = 1
	}
	if v.Surplus != nil {
		if s.Surplus = nil; *v.Surplus != "" {
			p := point(*v.Surplus)
			s.Surplus = &p
		}
	}
	for _, e := range v.Edits {
		proof = slices.Concat(proof[:e.At], unhex(f.t, e.Hex), proof[e.At+e.Cut:])
	}
	return &s, rows, proof
}

func integers(list []string) (out []*big.Int) {
	for _, s := range list {
		out = append(out, amount(s))
	}
	return out
}

func integerRows(rows [][]string) (out [][]*big.Int) {
	for _, row := range rows {
		out = append(out, integers(row))
	}
	return out
}

// edit changes the proof only.
func (f *altering) edit(name, attack, expect, comment string, at, cut int, with []byte) {
	f.t.Helper()
	f.add(name, attack, expect, comment, hiddenVector{Edits: []vectorEdit{{at, cut, hex.EncodeToString(with)}}})
}

// altered has every element of the proof replaced by another valid one: a point by its opposite, a scalar by one more.
func (f *altering) altered(prefix string, list []element) {
	f.t.Helper()
	for _, x := range list {
		old, comment := f.proof[x.at:x.at+x.size], "one more"
		var with []byte
		if x.size == 64 {
			with, comment = slices.Clone(old), "its opposite"
			negate(with[32:])
		} else {
			n := new(big.Int).SetBytes(old)
			n.Add(n, big.NewInt(1)).Mod(n, fr.Modulus())
			with = n.FillBytes(make([]byte, 32))
		}
		f.edit(prefix+x.name, "Z14", "equations", comment, x.at, x.size, with)
	}
}

func hiddenFaults(t testing.TB, put hiddenPutter, shards, tops map[string]*hiddenTree) {
	of := func(name string) *altering {
		tree := shards[name]
		if tree == nil {
			tree = tops[name]
		}
		return &altering{t, put, "happy-" + name, tree, tree.Prove()}
	}
	small := of("shard-2-rows")
	list := elements(8, 1, 0)
	small.altered("altered-", list)
	related := of("shard-relations")
	related.altered("altered-relations-", slices.DeleteFunc(elements(10, 3, 2), func(x element) bool { return !strings.HasPrefix(x.name, "g-") && !strings.HasPrefix(x.name, "f-") }))
	formatFaults(small, list)
	statementOfShardFaults(small, shards)
	relationFaults(related)
	assetFaults(of("shard-3-rows-2-assets"))
	topFaults(of("top-2-shards"), shards)
	surplusFaults(of("top-hidden-2-shards"))
}

func formatFaults(f *altering, list []element) {
	p := fp.Modulus()
	for _, x := range list {
		old := f.proof[x.at : x.at+x.size]
		first, second := new(big.Int).SetBytes(old[:32]), new(big.Int).SetBytes(old[32:])
		switch x.name {
		case "k1-1", "k2-8", "y", "d", "e", "f", "d-prime":
			off := slices.Clone(old)
			off[63] ^= 1
			f.edit("off-the-curve-"+x.name, "Z14", "format", "a point that is none", x.at, 64, off)
			f.edit("identity-"+x.name, "Z14", "format", "the identity, where only a point may stand", x.at, 64, make([]byte, 64))
			if x.name == "y" || x.name == "k1-1" {
				f.edit("x-plus-p-"+x.name, "Z14", "format", "another spelling of the point", x.at, 32, first.Add(first, p).FillBytes(make([]byte, 32)))
				f.edit("y-plus-p-"+x.name, "Z14", "format", "another spelling of the point", x.at+32, 32, second.Add(second, p).FillBytes(make([]byte, 32)))
			}
		case "f-0", "z-first", "z-last", "z-delta", "z-sigma", "z-omega", "z-prime-first", "z-prime-last", "z-prime-delta":
			f.edit("scalar-plus-q-"+x.name, "Z14", "format", "another spelling of the scalar", x.at, 32, first.Add(first, fr.Modulus()).FillBytes(make([]byte, 32)))
		}
	}
	end, magic := len(f.proof), len("assay/v1/confidential-proof\n")
	f.edit("byte-left-over", "Z14", "format", "after the last scalar", end, 0, []byte{0})
	f.edit("byte-left-over-at-the-front", "Z14", "format", "between the first line and K1", magic, 0, []byte{0})
	f.edit("byte-missing", "Z14", "format", "of the last scalar", end-1, 1, nil)
	f.edit("scalar-missing", "Z14", "format", "z'_δ", end-32, 32, nil)
	f.edit("scalar-left-over", "Z14", "format", "", end, 0, make([]byte, 32))
	f.edit("round-missing", "Z14", "format", "the last: as if there were one row", list[14].at, 128, nil)
	f.edit("round-twice", "Z14", "format", "as if there were three rows or four", list[14].at, 0, f.proof[list[14].at:list[16].at])
	f.edit("empty", "Z14", "format", "no bytes", 0, end, nil)
	f.edit("first-line-only", "Z14", "format", "", magic, end-magic, nil)
	f.edit("version-2", "Z14", "format", "a proof of a later version", len("assay/v"), 1, []byte("2"))
	f.edit("first-line-other", "Z14", "format", "a file of another kind", 0, magic, []byte("assay/v1/confidential-roots\n"))
	f.edit("rounds-swapped", "Z13", "equations", "the first and the second", magic, 256, slices.Concat(f.proof[magic+128:magic+256], f.proof[magic:magic+128]))
	f.edit("k1-and-k2-swapped", "Z13", "equations", "of the first round", magic, 128, slices.Concat(f.proof[magic+64:magic+128], f.proof[magic:magic+64]))
	f.edit("e-and-f-swapped", "Z13", "equations", "", list[18].at, 128, slices.Concat(f.proof[list[19].at:list[20].at], f.proof[list[18].at:list[19].at]))
	answers := list[22].at // z
	f.edit("z-and-z-prime-swapped", "Z13", "equations", "their first", answers, 32, f.proof[list[27].at:list[27].at+32])
}

func statementOfShardFaults(f *altering, shards map[string]*hiddenTree) {
	v := f.of.claimed(nil)
	id := func(n uint32) *uint32 { return &n }
	other := shards["shard-3-rows"].claimed(nil)
	f.add("snapshot-other", "Z17", "equations", "last month's proof", hiddenVector{Snapshot: strings.Repeat("0", 64)})
	f.add("shard-index-other", "Z17", "equations", "the next shard's place", hiddenVector{Shard: id(1_000_001)})
	f.add("shard-index-0", "Z17", "equations", "", hiddenVector{Shard: id(0)})
	f.add("root-other", "Z17", "equations", "", hiddenVector{Root: other.Root})
	f.add("sum-other", "Z17", "equations", "the sum that is told is another than that of the rows", hiddenVector{Sum: v.Total})
	f.add("total-row-other", "Z8", "equations", "another shard's total row", hiddenVector{Total: other.Total})
	f.add("total-row-is-the-sum", "Z11", "equations", "so that Q is the identity", hiddenVector{Total: v.Sum})
	f.add("total-row-identity", "Z14", "claim", "the identity, where only a point may stand", hiddenVector{Total: strings.Repeat("0", 128)})
	f.add("total-row-off-the-curve", "Z14", "claim", "", hiddenVector{Total: strings.Repeat("1", 128)})
	f.add("rows-swapped", "Z7", "equations", "the sum stays", hiddenVector{Rows: []string{v.Rows[1], v.Rows[0]}})
	f.add("row-changed", "Z7", "equations", "a leaf changed after the proof, the sum that is told is the old", hiddenVector{Rows: []string{v.Rows[0], v.Total}})
	f.add("row-twice", "Z7", "equations", "the first instead of the second", hiddenVector{Rows: []string{v.Rows[0], v.Rows[0]}})
	f.add("row-omitted", "Z7", "format", "one row: a round less", hiddenVector{Rows: v.Rows[:1]})
	f.add("row-more", "Z7", "format", "three rows: a round more", hiddenVector{Rows: append(slices.Clone(v.Rows), v.Rows[0])})
	f.add("rows-identity", "Z14", "rows", "the identity, where only a point may stand", hiddenVector{Rows: []string{v.Rows[0], strings.Repeat("0", 128)}})
	f.add("rows-off-the-curve", "Z14", "rows", "", hiddenVector{Rows: []string{v.Rows[0], strings.Repeat("1", 128)}})
	f.add("rows-x-above-p", "Z14", "rows", "", hiddenVector{Rows: []string{v.Rows[0], strings.Repeat("f", 64) + v.Rows[1][64:]}})
	surplus := v.Rows[0]
	f.add("shard-with-a-surplus", "Z17", "claim", "only the top may have one", hiddenVector{Surplus: &surplus})
	nobody := f.of.claimed(f.proof)
	nobody.Attack, nobody.Comment, nobody.Expect, nobody.Identities, nobody.Rows = "Z1", "no rows", "claim", nil, nil
	f.put("rows-none", nobody)
	f.add("relation-more", "Z17", "format", "one g more", hiddenVector{Relations: [][]string{{"0"}}})
	f.add("level-top", "Z17", "equations", "a shard's proof at the top, whose totals are zero", hiddenVector{Level: "top", Shard: id(0), Totals: []string{"0"}})
	three := &altering{f.t, f.put, "happy-shard-3-rows", shards["shard-3-rows"], shards["shard-3-rows"].Prove()}
	three.add("wrong-n", "Z17", "equations", "four rows where three were proved: as many rounds; the fourth is the first again", hiddenVector{Rows: append(slices.Clone(other.Rows), other.Rows[0])})
	three.add("another-shards-proof", "Z17", "equations", "shard #0's proof for shard #1, which has as many rows", func() hiddenVector {
		w := hiddenShard(1, []string{"BTC"}, numbers(1), numbers(0), numbers(4)).claimed(nil)
		return hiddenVector{Shard: w.Shard, Identities: w.Identities, Rows: w.Rows, Root: w.Root, Sum: w.Sum, Total: w.Total}
	}())
}

func relationFaults(f *altering) {
	v := f.of.claimed(nil)
	change := func(u, j int, to string) hiddenVector {
		relations := [][]string{slices.Clone(v.Relations[0]), slices.Clone(v.Relations[1])}
		relations[u][j] = to
		return hiddenVector{Relations: relations}
	}
	f.add("relation-other", "Z17", "equations", "a debt counts once, not twice", change(0, 1, "-1"))
	f.add("relation-sign-other", "Z17", "equations", "a debt is added", change(0, 1, "2"))
	f.add("relations-swapped", "Z17", "equations", "", hiddenVector{Relations: [][]string{v.Relations[1], v.Relations[0]}})
	f.add("relation-factor-2-to-the-96", "Z1", "claim", "beyond its range, so that sums might wrap", change(1, 0, power(96, 0).String()))
	f.add("relation-factor-minus-2-to-the-96", "Z1", "claim", "beyond its range", change(1, 2, "-"+power(96, 0).String()))
	f.add("relation-too-short", "Z1", "claim", "two factors, of three assets", hiddenVector{Relations: [][]string{v.Relations[0][:2], v.Relations[1]}})
	f.add("relation-left-out", "Z17", "format", "a g less", hiddenVector{Relations: v.Relations[:1]})
}

func assetFaults(f *altering) {
	f.add("assets-swapped", "Z17", "equations", "the registry in another order", hiddenVector{Assets: []string{"USDT", "BTC"}})
	f.add("asset-other", "Z17", "equations", "an asset of another name", hiddenVector{Assets: []string{"BTC", "USDC"}})
	f.add("asset-more", "Z17", "format", "a registry of three", hiddenVector{Assets: []string{"BTC", "USDT", "ETH"}})
	f.add("asset-less", "Z17", "format", "a registry of one", hiddenVector{Assets: []string{"BTC"}})
	f.add("asset-twice", "Z8", "claim", "a registry that names an asset twice", hiddenVector{Assets: []string{"BTC", "BTC"}})
}

func topFaults(f *altering, shards map[string]*hiddenTree) {
	v, total := f.of.claimed(nil), f.of.totals[0]
	for name, n := range map[string]*big.Int{"one-less": new(big.Int).Sub(total, big.NewInt(1)), "one-more": new(big.Int).Add(total, big.NewInt(1)), "zero": new(big.Int)} {
		f.add("total-"+name, "Z11", "equations", "the statement's total is not that of the total rows", hiddenVector{Totals: []string{n.String()}})
	}
	f.add("total-plus-q", "Z1", "claim", "the same modulo q, and beyond 2^200", hiddenVector{Totals: []string{new(big.Int).Add(total, fr.Modulus()).String()}})
	f.add("total-2-to-the-200", "Z1", "claim", "beyond its range", hiddenVector{Totals: []string{power(200, 0).String()}})
	f.add("total-more", "Z1", "claim", "two totals, of one asset", hiddenVector{Totals: []string{total.String(), "0"}})
	f.add("total-negative", "Z1", "claim", "below zero", hiddenVector{Totals: []string{"-1"}})
	f.add("top-rows-swapped", "Z7", "equations", "two shards have changed places", hiddenVector{Rows: []string{v.Rows[1], v.Rows[0]}})
	f.add("top-total-row-swapped", "Z11", "equations", "another shard's total row", hiddenVector{Rows: []string{v.Rows[0], shards["shard-2-rows"].claimed(nil).Total}})
	f.add("top-shard-omitted", "Z7", "format", "one shard", hiddenVector{Rows: v.Rows[:1]})
	f.add("top-root-other", "Z17", "equations", "", hiddenVector{Root: strings.Repeat("0", 64)})
	f.add("top-snapshot-other", "Z17", "equations", "", hiddenVector{Snapshot: strings.Repeat("0", 64)})
	surplus := v.Rows[0]
	f.add("surplus-put-in", "Z17", "format", "open totals, and a row beside the tree", hiddenVector{Surplus: &surplus})
}

func surplusFaults(f *altering) {
	v := f.of.claimed(nil)
	text := func(s string) *string { return &s }
	f.add("surplus-left-out", "Z17", "format", "the proof is of three rows, two are there", hiddenVector{Surplus: text("")})
	f.add("surplus-other", "Z17", "equations", "a shard's total row", hiddenVector{Surplus: text(v.Rows[0])})
	f.add("surplus-identity", "Z14", "claim", "the identity, where only a point may stand", hiddenVector{Surplus: text(strings.Repeat("0", 128))})
	f.add("surplus-off-the-curve", "Z14", "claim", "", hiddenVector{Surplus: text(strings.Repeat("1", 128))})
	var sum confidentialtest.Point
	sum.Add(&f.of.Statement.Sum, f.of.Statement.Surplus)
	f.add("surplus-as-a-shard", "Z17", "equations", "the surplus is the last of three shards, and the sum has it: rows, rounds and Q are the same, what was absorbed is not",
		hiddenVector{Surplus: text(""), Rows: append(slices.Clone(v.Rows), *v.Surplus), Sum: pointHex(sum)})
	f.add("surplus-in-the-sum", "Z17", "equations", "counted twice", hiddenVector{Sum: pointHex(sum)})
	f.add("surplus-swapped-with-a-shard", "Z17", "equations", "", hiddenVector{Rows: []string{v.Rows[0], *v.Surplus}, Surplus: text(v.Rows[1])})
	f.add("hidden-total-one-less", "Z11", "equations", "", hiddenVector{Totals: []string{power(65, 1).String()}})
	f.add("hidden-total-one-more", "Z11", "equations", "", hiddenVector{Totals: []string{new(big.Int).Add(power(65, 0), big.NewInt(1)).String()}})
}

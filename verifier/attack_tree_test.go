package verifier

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"testing"
)

// owing makes customers of one shard who are owed these BTC units.
func owing(units ...int64) (list []customer) {
	for i, u := range units {
		id := fmt.Sprintf("c%d@example.org", i)
		owed := amounts{}
		if u > 0 {
			owed[0] = big.NewInt(u)
		}
		list = append(list, customer{id: id, owed: owed, nonce: h([]byte("nonce " + id))})
	}
	return list
}

func shardOf(units ...int64) *world {
	w := newWorld()
	w.shards = [][]customer{owing(units...)}
	return w
}

func sibling(p obj, list string, i int) obj { return p[list].([]obj)[i] }

func at(v any, keys ...string) obj {
	for _, k := range keys {
		v = v.(obj)[k]
	}
	return v.(obj)
}

// The pair owes 10 and 4, the root says 10 = max. The tree shows the second leaf with nothing, so the first customer is content;
// the second is then shown a sibling of 6, which any hash over the total alone would take.
func TestT01_SumOnlyParent(t *testing.T) {
	w := shardOf(10, 4)
	w.shards[0][1].shown = amounts{}
	w.predicate = func(p obj) {
		at(p, "ledger")["entries"] = 1
		at(p, "ledger")["classes"].([]obj)[0]["entries"] = 1
		at(p, "ledger")["classes"].([]obj)[0]["customers"] = 1
	}
	m := w.make(t)
	proven(t, verifyProof(m, m.proof(0, 0), "c0@example.org"))
	second := m.proof(0, 1)
	refused(t, verifyProof(m, second, "c1@example.org"), "proof.root", "the total of BTC comes out as 14")
	sibling(second, "path", 0)["sum"] = []obj{{"amount": "6", "asset": "BTC"}}
	refused(t, verifyProof(m, second, "c1@example.org"), "proof.root", "the root comes out as")
	refused(t, verify(t, m), "liabilities.full", "the leaves' sum of BTC is 14 base units, the shard list has 10")
}

func TestT02_LeafInnerConfusion(t *testing.T) {
	w := shardOf(1, 2, 3, 4)
	t.Run("inner node as a customer's leaf", func(t *testing.T) {
		m := w.make(t)
		p := m.proof(0, 0)
		p["path"] = p["path"].([]obj)[1:]
		p["balances"] = []obj{{"amount": "3", "asset": "BTC"}}
		p["shard"].(obj)["leaves"] = 2
		refused(t, verifyProof(m, p, "c0@example.org"), "proof.root", "the root comes out as")
	})
	t.Run("inner nodes as leaves", func(t *testing.T) {
		w := shardOf(1, 2, 3, 4)
		w.shardList = func(l obj) { l["shards"].([]obj)[0]["leaves"] = 2 }
		w.predicate = func(p obj) {
			at(p, "tree")["leaves"], at(p, "ledger")["customers"] = 2, 2
			at(p, "ledger")["classes"].([]obj)[0]["customers"] = 2
		}
		w.leaves = func(_ int, b []byte) []byte {
			const head, leaf = 60, 32 + 2 + 18
			out := append(bytes.Clone(b[:head-8]), u64(2)...)
			for i := range 2 {
				l, r := b[head+2*i*leaf:][:leaf], b[head+(2*i+1)*leaf:][:leaf]
				sum := amounts{0: big.NewInt(int64(l[leaf-1]) + int64(r[leaf-1]))}
				inner := h([]byte{1}, h([]byte{0}, l), l[32:], h([]byte{0}, r), r[32:])
				out = append(append(out, inner...), sum.encoding()...)
			}
			return out
		}
		refused(t, verify(t, w.make(t)), "liabilities.full", "the shard's root comes out as")
	})
}

func TestT03_OddNodeDuplication(t *testing.T) {
	w := shardOf(1, 2, 3)
	three := w.make(t)
	doubled := shardOf(1, 2, 3)
	doubled.shards[0] = append(doubled.shards[0], doubled.shards[0][2])
	m := doubled.make(t)
	if m.root == three.root {
		t.Fatal("a doubled last leaf gives the same root")
	}
	refused(t, verify(t, m), "liabilities.full", "its identity occurs twice in the tree")
}

func TestT06_PathMalleability(t *testing.T) {
	extra := obj{"hash": hex.EncodeToString(h()), "sum": []obj{}}
	for name, c := range map[string]struct {
		edit          func(obj)
		check, reason string
	}{
		"sibling too many":      {func(p obj) { p["path"] = append(p["path"].([]obj), extra) }, "proof.format", "path: 3 siblings, leaf #0 of 3 has 2"},
		"sibling too few":       {func(p obj) { p["path"] = p["path"].([]obj)[:1] }, "proof.format", "path: 1 siblings"},
		"top sibling too many":  {func(p obj) { p["top"] = append(p["top"].([]obj), extra) }, "proof.format", "top: 2 siblings"},
		"top empty":             {func(p obj) { p["top"] = []obj{} }, "proof.format", "top: 0 siblings"},
		"leaf beyond the count": {func(p obj) { at(p, "shard")["leaf"] = 3 }, "proof.format", "shard.leaf: 3 is not below"},
		"no leaves":             {func(p obj) { at(p, "shard")["leaves"] = 0 }, "proof.format", "shard.leaf: 0 is not below"},
		"shard beyond count":    {func(p obj) { at(p, "shard")["index"] = 2 }, "proof.format", "shard.index: 2 is not below"},
		"other count of leaves": {func(p obj) { at(p, "shard")["leaves"] = 4 }, "proof.root", "the root comes out as"},
		"other count of shards": {func(p obj) { at(p, "shard")["count"] = 3; p["top"] = append(p["top"].([]obj), extra) }, "proof.statement", "counts 3 shards"},
		"named position":        {func(p obj) { sibling(p, "path", 0)["left"] = true }, "proof.format", `unknown key "left"`},
	} {
		t.Run(name, func(t *testing.T) {
			m := newWorld().make(t)
			p := m.proof(0, 0)
			c.edit(p)
			refused(t, verifyProof(m, p, "alice@example.org"), c.check, c.reason)
		})
	}
}

func TestT07_SideConfusion(t *testing.T) {
	m := shardOf(1, 2, 3, 4).make(t)
	p := m.proof(0, 0)
	at(p, "shard")["leaf"] = 1
	refused(t, verifyProof(m, p, "c0@example.org"), "proof.root", "the root comes out as")
	p = m.proof(0, 0)
	path := p["path"].([]obj)
	path[0], path[1] = path[1], path[0]
	refused(t, verifyProof(m, p, "c0@example.org"), "proof.root", "the root comes out as")
	p = m.proof(0, 0)
	p["path"].([]obj)[1] = sibling(p, "path", 0)
	refused(t, verifyProof(m, p, "c0@example.org"), "proof.root", "the root comes out as")
}

// The leaves add up, and each is a leaf; but they are not the leaves of this root.
func TestT08_LeavesOnlyCheck(t *testing.T) {
	w := shardOf(1, 2, 3, 4)
	w.leaves = func(_ int, b []byte) []byte {
		b = bytes.Clone(b)
		const head, leaf = 60, 52
		first, second := bytes.Clone(b[head:head+32]), bytes.Clone(b[head+leaf:head+leaf+32])
		copy(b[head:], second)
		copy(b[head+leaf:], first)
		return b
	}
	refused(t, verify(t, w.make(t)), "liabilities.full", "the shard's root comes out as")
}

func TestT09_UnboundBalances(t *testing.T) {
	m := newWorld().make(t)
	p := m.proof(0, 0)
	p["balances"].([]obj)[0]["amount"] = "50000001"
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.root", "the total of BTC comes out as")
	p = m.proof(0, 0)
	p["balances"] = []obj{}
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.root", "the root comes out as")
	p = m.proof(0, 0)
	p["leaf"] = hex.EncodeToString(h())
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", `unknown key "leaf"`)
}

func TestT11_SumOrHashWrong(t *testing.T) {
	for _, list := range []string{"path", "top"} {
		m := newWorld().make(t)
		p := m.proof(0, 0)
		sibling(p, list, 0)["hash"] = hex.EncodeToString(h([]byte("other")))
		refused(t, verifyProof(m, p, "alice@example.org"), "proof.root", "the root comes out as")
		p = m.proof(0, 0)
		sibling(p, list, 0)["sum"] = []obj{{"amount": "7", "asset": "USDT"}}
		refused(t, verifyProof(m, p, "alice@example.org"), "proof.root", "the total of USDT comes out as")
	}
	hash, sum := newWorld(), newWorld()
	hash.shardList = func(l obj) { l["shards"].([]obj)[0]["root"] = hex.EncodeToString(h()) }
	refused(t, verify(t, hash.make(t)), "liabilities.root", "the root comes out as")
	sum.shardList = func(l obj) { l["shards"].([]obj)[0]["sum"] = []obj{{"amount": "1", "asset": "BTC"}} }
	refused(t, verify(t, sum.make(t)), "liabilities.root", "the total of BTC comes out as")
	stated := newWorld()
	stated.predicate = func(p obj) { at(p, "tree")["root"] = hex.EncodeToString(h()) }
	refused(t, verify(t, stated.make(t)), "liabilities.root", "the statement has "+hex.EncodeToString(h()))
}

func TestT12_WrongShard(t *testing.T) {
	w := newWorld()
	m := w.make(t)
	p := m.proof(1, 0)
	at(p, "shard")["index"] = 0
	refused(t, verifyProof(m, p, "dave@example.org"), "proof.root", "the root comes out as")
	swap := func(list []obj) { list[0], list[1] = list[1], list[0] }
	w.shardList = func(l obj) { swap(l["shards"].([]obj)) }
	refused(t, verify(t, w.make(t)), "liabilities.root", "the root comes out as")
	w = newWorld()
	w.files = func(files map[string][]byte) {
		files[leavesPath(0)], files[leavesPath(1)] = files[leavesPath(1)], files[leavesPath(0)]
	}
	refused(t, verify(t, w.make(t)), "liabilities.full", "header: shard #1, the file's name says #0")
}

func entry(asset int, units int64) []byte {
	return append(u16(asset), big.NewInt(units).FillBytes(make([]byte, 16))...)
}

func TestT13_SparseSumTricks(t *testing.T) {
	for name, c := range map[string]struct {
		sum    []byte
		reason string
	}{
		"asset twice":    {append(append(u16(2), entry(0, 1)...), entry(0, 1)...), "asset #0 is twice or out of order"},
		"descending":     {append(append(u16(2), entry(1, 1)...), entry(0, 1)...), "asset #0 is twice or out of order"},
		"explicit zero":  {append(u16(1), entry(0, 0)...), "a zero amount is written out"},
		"unknown asset":  {append(u16(1), entry(3, 1)...), "asset #3 is not in the registry of 3"},
		"too many":       {append(u16(4), make([]byte, 72)...), "a sum of 4 assets"},
		"17-byte amount": {append(append(u16(1), 0, 0, 0), big.NewInt(1).FillBytes(make([]byte, 16))...), "a zero amount is written out"},
		"short":          {append(u16(1), 0, 0, 1), "the file ends before its 1 leaves do"},
	} {
		t.Run(name, func(t *testing.T) {
			w := shardOf(1)
			w.leaves = func(_ int, b []byte) []byte { return append(bytes.Clone(b[:60+32]), c.sum...) }
			v := verify(t, w.make(t))
			refused(t, v, "liabilities.full", c.reason)
			if v.Exit != ExitUnreadable {
				t.Errorf("exit %d, want %d", v.Exit, ExitUnreadable)
			}
		})
	}
	for name, c := range map[string]struct {
		sum           []obj
		check, reason string
	}{
		"json: asset twice":   {[]obj{{"amount": "1", "asset": "BTC"}, {"amount": "1", "asset": "BTC"}}, "proof.statement", `asset "BTC" is twice or out of registry order`},
		"json: out of order":  {[]obj{{"amount": "1", "asset": "ETH"}, {"amount": "1", "asset": "BTC"}}, "proof.statement", `asset "BTC" is twice or out of registry order`},
		"json: explicit zero": {[]obj{{"amount": "0", "asset": "BTC"}}, "proof.format", "a zero amount is written out"},
		"json: 17-byte":       {[]obj{{"amount": new(big.Int).Lsh(big.NewInt(1), 128).String(), "asset": "BTC"}}, "proof.format", "not an amount"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newWorld().make(t)
			p := m.proof(0, 0)
			sibling(p, "path", 0)["sum"] = c.sum
			refused(t, verifyProof(m, p, "alice@example.org"), c.check, c.reason)
		})
	}
}

func TestLeavesHeader(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(b []byte) []byte
		reason string
		exit   int
	}{
		"other version":  {func(b []byte) []byte { b[7] = '2'; return b }, `version "assay/v2/leaves"`, ExitUnsupported},
		"other magic":    {func(b []byte) []byte { b[0] = 'b'; return b }, "does not begin with", ExitUnreadable},
		"other snapshot": {func(b []byte) []byte { b[16] ^= 1; return b }, "header: snapshot", ExitFalse},
		"other count":    {func(b []byte) []byte { binary.BigEndian.PutUint64(b[52:], 2); return b }, "header: 2 leaves, the shard list says 1", ExitFalse},
		"truncated":      {func(b []byte) []byte { return b[:50] }, "header: truncated", ExitUnreadable},
		"trailing":       {func(b []byte) []byte { return append(b, 0) }, "bytes after leaf #0, the last", ExitUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			w := shardOf(1)
			w.leaves = func(_ int, b []byte) []byte { return c.edit(bytes.Clone(b)) }
			v := verify(t, w.make(t))
			refused(t, v, "liabilities.full", c.reason)
			if v.Exit != c.exit {
				t.Errorf("exit %d, want %d", v.Exit, c.exit)
			}
		})
	}
}

package verifier

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

const notTrue = "the proof does not hold"

func scalar(n int64) confidentialtest.Scalar { return *new(confidentialtest.Scalar).SetInt64(n) }

// resealed changes files before they are listed and signed: the exchange is the attacker.
func (w *world) resealed(t *testing.T, h hidden, change func(files map[string][]byte)) *made {
	t.Helper()
	w.files = change
	return w.hide(t, h)
}

// A negative balance in one shard's rows, with all sums right, is refused by that shard's proof and by nothing else.
func TestZ05_NegativeRowInABundle(t *testing.T) {
	m := newWorld().hide(t, hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 1 {
			v.Entries[1][0] = scalar(-1000)
			v.TotalEntries = confidentialtest.Bits(big.NewInt(50_000_000), amount("2500000000000000000"), new(big.Int)) // 50,001,000 less 1,000
			v.Settle()
		}
	}})
	refused(t, verify(t, m), "liabilities.full", notTrue)
}

func TestZ07_LeafChangedAfterItsProof(t *testing.T) {
	const head = 16 + 32 + 4 + 8
	for name, tt := range map[string]struct {
		change func([]byte)
		reason string
	}{
		"two rows swapped":      {func(b []byte) { swap(b[head+32:head+96], b[head+128:head+192]) }, "the shard's root comes out as"},
		"two leaves swapped":    {func(b []byte) { swap(b[head:head+96], b[head+96:head+192]) }, "the shard's root comes out as"},
		"the negative of a row": {func(b []byte) { negate(b[head+64 : head+96]) }, "the shard's root comes out as"},
		"another identity":      {func(b []byte) { b[head]++ }, "the shard's root comes out as"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newWorld().resealed(t, hidden{}, func(f map[string][]byte) { tt.change(f[leavesPath(0)]) })
			refused(t, verify(t, m), "liabilities.full", tt.reason)
		})
	}
	t.Run("a row that the tree has and the proof does not", func(t *testing.T) {
		m := newWorld().hide(t, hidden{prove: func(i int, v *confidentialtest.Prover) {
			if i == 0 {
				v.Entries[2][3], v.Entries[0][3] = v.Entries[0][3], v.Entries[2][3]
				v.Entries[2][1], v.Entries[0][1] = v.Entries[0][1], v.Entries[2][1]
				v.Settle()
			}
		}})
		refused(t, verify(t, m), "liabilities.full", notTrue)
	})
}

// One customer in two rows, whose trees and proofs are all true: in one shard, and in two; a customer sees it in their own shard.
func TestZ07_RowTwice(t *testing.T) {
	w := newWorld()
	w.shards[1] = append(w.shards[1], w.shards[0][0])
	refused(t, verify(t, w.hide(t, hidden{})), "liabilities.full", "shard-00001.leaves: leaf #2: its identity occurs twice in the tree, first at leaf #0 of shard #0")
	w = newWorld()
	w.shards[0] = append(w.shards[0], w.shards[0][1])
	const reason = "shard-00000.leaves: leaf #3: its identity occurs twice in the tree, first at leaf #1 of shard #0"
	m := w.hide(t, hidden{})
	refused(t, verify(t, m), "liabilities.full", reason)
	v := Proof(ProofInput{Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org", Shard: m.filesOf(0)})
	refused(t, v, "proof.counted", reason)
}

func swap(a, b []byte) {
	held := bytes.Clone(a)
	copy(a, b)
	copy(b, held)
}

// negate makes y the field's prime less y.
func negate(y []byte) {
	prime, _ := new(big.Int).SetString("21888242871839275222246405745257275088548364400416034343698204186575808495617", 10)
	prime.Sub(prime, new(big.Int).SetBytes(y)).FillBytes(y)
}

// What the shard's proof is about is pinned: the total row in the list, the root, the place of the shard.
func TestZ08_TotalRowNotPinned(t *testing.T) {
	m := newWorld().hide(t, hidden{total: func(i int, total *confidentialtest.Point) {
		if i == 1 { // the list and the tree have another total row than the proof
			*total = generatorsOf().Commit(confidentialtest.Bits(big.NewInt(1), new(big.Int), new(big.Int)), scalar(9))
		}
	}})
	v := verify(t, m)
	if find(v, "liabilities.totals").Result != Fail || find(v, "liabilities.full").Result != Fail || v.Exit != ExitFalse {
		t.Errorf("got %s", v.Summary)
	}
}

// A shard's total row that opens to less than its rows, with the top made to fit: the statement's totals are those of the total rows, and
// the shard's proof refuses.
func TestZ11_TotalRowBelowItsShard(t *testing.T) {
	m := newWorld().hide(t, hidden{shard: func(i int, v *confidentialtest.Prover) {
		if i == 0 {
			v.TotalEntries = confidentialtest.Bits(big.NewInt(1), amount("5000000000000000000"), big.NewInt(99))
			v.Settle()
		}
	}})
	v := verify(t, m)
	refused(t, v, "liabilities.full", notTrue)
	if find(v, "liabilities.totals").Result != Pass {
		t.Error("the top's proof is true, and did not pass")
	}
}

// The statement's liabilities are not what the total rows hold.
func TestZ11_TotalOffByOne(t *testing.T) {
	w := newWorld()
	w.predicate = oneLess
	refused(t, verify(t, w.hide(t, hidden{})), "liabilities.totals", "the rows' total of BTC is not the stated one")
}

func TestZ14_BadPointsInABundle(t *testing.T) {
	const head = 16 + 32 + 4 + 8
	for name, tt := range map[string]struct {
		change func(map[string][]byte)
		check  string
		reason string
	}{
		"the identity as a row":       {func(f map[string][]byte) { clear(f[leavesPath(0)][head+32 : head+96]) }, "liabilities.full", "the identity, where only a point may stand"},
		"a row off the curve":         {func(f map[string][]byte) { f[leavesPath(0)][head+95] ^= 1 }, "liabilities.full", "not a point"},
		"a row above the prime":       {func(f map[string][]byte) { f[leavesPath(0)][head+32] = 0xff }, "liabilities.full", "not a point"},
		"the identity in a proof":     {func(f map[string][]byte) { clear(f[shardProofPath(1)][28 : 28+64]) }, "liabilities.full", "the identity, where only a point may stand"},
		"the identity as a total row": {func(f map[string][]byte) { f[shardsPath] = totalRow(f[shardsPath], strings.Repeat("0", 128)) }, "liabilities.root", "the identity, where only a point may stand"},
		"a total row off the curve":   {func(f map[string][]byte) { f[shardsPath] = totalRow(f[shardsPath], strings.Repeat("1", 128)) }, "liabilities.root", "not a point"},
	} {
		t.Run(name, func(t *testing.T) {
			v := verify(t, newWorld().resealed(t, hidden{}, tt.change))
			c := find(v, tt.check)
			if c.Result != Fail || !strings.Contains(c.Detail, tt.reason) || v.Exit != ExitUnreadable {
				t.Errorf("got %s %q, exit %d; want a refusal with %q, exit %d", c.Result, c.Detail, v.Exit, tt.reason, ExitUnreadable)
			}
		})
	}
}

// totalRow puts another total row into the first entry of a shard list.
func totalRow(list []byte, to string) []byte {
	i := bytes.Index(list, []byte(`"total":"`)) + len(`"total":"`)
	return slices.Concat(list[:i], []byte(to), list[i+128:])
}

// True proofs that are of something else: another shard's, another snapshot's, the top's for a shard's.
func TestZ17_ProofOfAnotherShard(t *testing.T) {
	other := newWorld()
	other.snapshot = func(s obj) { s["period"] = "2026-09" }
	m := newWorld().hide(t, hidden{})
	for name, raw := range map[string][]byte{
		"the same shard of another snapshot": other.hide(t, hidden{}).files[shardProofPath(1)],
		"the top's":                          m.files[topProofPath],
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, verify(t, newWorld().resealed(t, hidden{}, func(f map[string][]byte) { f[shardProofPath(1)] = raw })), "liabilities.full", notTrue)
		})
	}
	t.Run("two shards' proofs exchanged", func(t *testing.T) {
		even := func() *world {
			w := newWorld()
			w.shards[0] = w.shards[0][:2]
			return w
		}
		refused(t, verify(t, even().resealed(t, hidden{}, func(f map[string][]byte) {
			f[shardProofPath(0)], f[shardProofPath(1)] = f[shardProofPath(1)], f[shardProofPath(0)]
		})), "liabilities.full", notTrue)
	})
	t.Run("proved for another registry", func(t *testing.T) {
		w := newWorld()
		w.assets[2]["id"] = "USDC"
		v := verify(t, w.hide(t, hidden{}))
		if find(v, "liabilities.totals").Result != Fail || find(v, "liabilities.full").Result != Fail {
			t.Errorf("got %s", v.Summary)
		}
	})
	t.Run("of another number of rows", func(t *testing.T) {
		w := newWorld()
		w.shardList = func(l obj) { l["shards"].([]obj)[0]["leaves"], l["shards"].([]obj)[1]["leaves"] = 2, 3 }
		refused(t, verify(t, w.hide(t, hidden{})), "liabilities.full", "3 leaves, the shard list says 2")
	})
	t.Run("of a kind that the statement does not have", func(t *testing.T) {
		w := newWorld()
		w.shardList = func(l obj) {
			l["kind"] = "plain"
			for _, s := range l["shards"].([]obj) {
				delete(s, "total")
				s["sum"] = []obj{}
			}
		}
		refused(t, verify(t, w.hide(t, hidden{})), "liabilities.root", "the shard list is of kind plain")
	})
}

// Everything in a customer's file counts: another balance, blinding, total row or sibling gives another root.
func TestZ07_ProofAltered(t *testing.T) {
	m := newWorld().hide(t, hidden{})
	point := pointHex(generatorsOf().U)
	for name, change := range map[string]func(p obj){
		"a balance": func(p obj) { p["balances"].([]obj)[0]["amount"] = "1" },
		"a blinding": func(p obj) {
			p["blinding"] = strings.Repeat("0", 63) + "1"
		},
		"the total row":             func(p obj) { p["total"] = point },
		"a sibling's sum":           func(p obj) { sibling(p, "path", 0)["sum"] = point },
		"a sibling's, the identity": func(p obj) { sibling(p, "path", 0)["sum"] = strings.Repeat("0", 128) },
		"a shard's total row":       func(p obj) { sibling(p, "top", 0)["sum"] = point },
	} {
		t.Run(name, func(t *testing.T) {
			p := m.proof(0, 0)
			change(p)
			input := ProofInput{Proof: encode(p), Policy: m.policy, Customer: "alice@example.org", Shard: m.filesOf(0)}
			refused(t, Proof(input), "proof.root", "the root comes out as")
		})
	}
	for name, change := range map[string]func(p obj){
		"a blinding of the group order": func(p obj) { p["blinding"] = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47" },
		"no blinding":                   func(p obj) { delete(p, "blinding") },
		"no total row":                  func(p obj) { delete(p, "total") },
		"the identity as total row":     func(p obj) { p["total"] = strings.Repeat("0", 128) },
		"a sibling off the curve":       func(p obj) { sibling(p, "path", 0)["sum"] = strings.Repeat("1", 128) },
		"a sibling in capitals":         func(p obj) { s := sibling(p, "path", 0); s["sum"] = strings.ToUpper(s["sum"].(string)) },
		"a sibling in the open":         func(p obj) { sibling(p, "path", 0)["sum"] = []obj{} },
		"of kind plain":                 func(p obj) { p["kind"] = "plain" },
		"of no kind":                    func(p obj) { p["kind"] = "other" },
	} {
		t.Run(name, func(t *testing.T) {
			p := m.proof(0, 0)
			change(p)
			v := Proof(ProofInput{Proof: encode(p), Policy: m.policy, Customer: "alice@example.org"})
			if find(v, "proof.format").Result != Fail || v.Exit != ExitUnreadable {
				t.Errorf("got %s, exit %d", v.Summary, v.Exit)
			}
		})
	}
	t.Run("a plain proof of a confidential statement", func(t *testing.T) {
		plain := newWorld().make(t).proof(0, 0)
		plain["statement"], plain["snapshot"], plain["envelope"] = m.proof(0, 0)["statement"], m.snapshot, m.proof(0, 0)["envelope"]
		refused(t, verifyProof(m, plain, "alice@example.org"), "proof.statement", "the proof is of kind plain")
	})
	t.Run("a customer who is owed nothing, without a blinding", func(t *testing.T) {
		p := m.proof(1, 1)
		p["blinding"] = hex.EncodeToString(make([]byte, 32))
		refused(t, verifyProof(m, p, "erin@example.org"), "proof.root", "commit to nothing")
	})
}

// Of a shard, leaves and proof are both there or neither.
func TestConfidential_HalfAShard(t *testing.T) {
	for _, path := range []string{leavesPath(0), shardProofPath(0)} {
		w := newWorld()
		w.sealed = func(f map[string][]byte) { delete(f, path) }
		refused(t, verify(t, w.hide(t, hidden{})), "liabilities.full", "both there or neither")
	}
	w := newWorld()
	w.sealed = func(f map[string][]byte) { delete(f, leavesPath(0)); delete(f, shardProofPath(0)) }
	refused(t, verify(t, w.hide(t, hidden{})), "liabilities.full", "1 of 2 shards have no leaves")
	w.policy = strings.Replace(w.policy, "recompute = true", "recompute = false", 1)
	v := verify(t, w.hide(t, hidden{}))
	if !v.Proven || v.NotRecomputed != "1 of 2 shards" {
		t.Errorf("got %q, not recomputed %q", v.Summary, v.NotRecomputed)
	}
	w = newWorld()
	w.files = func(f map[string][]byte) { delete(f, topProofPath) }
	refused(t, verify(t, w.hide(t, hidden{})), "bundle.files", "does not list liabilities/top.proof")
}

// A customer more than rows is refused; a row more than customers is a decoy.
func TestConfidential_Ledger(t *testing.T) {
	w := newWorld()
	w.predicate = func(p obj) { at(p, "ledger")["customers"] = 6 }
	refused(t, verify(t, w.hide(t, hidden{})), "liabilities.ledger", "the ledger has 6 customers, the tree 5 leaves")
}

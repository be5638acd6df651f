package verifier

import (
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

const (
	eth3  = "3000000000000000000" // owed in the covered world
	eth35 = "3500000000000000000" // counts there
)

// covers makes the top's prover say that so much of asset j covers what is owed: the surplus is what is left, whatever that is.
func covers(top *confidentialtest.Prover, j int, owed, stated *big.Int) {
	left := new(big.Int).Sub(stated, owed)
	entries := make([]confidentialtest.Scalar, 128)
	if left.Sign() < 0 {
		entries[0].SetBigInt(left) // no bits make it
	} else {
		entries = confidentialtest.Bits(left)
	}
	copy(top.Surplus[128*j:], entries)
	top.Statement.Totals[j] = stated
	top.Settle()
}

// atMost makes a predicate say that no more of asset j is owed than counts, or than is given.
func atMost(p obj, j int, stated, counted string) {
	asset := p["liabilities"].([]obj)[j]["asset"]
	p["liabilities"].([]obj)[j] = obj{"asset": asset, "at_most": stated}
	p["coverage"].([]obj)[j] = obj{"asset": asset, "counted": counted}
}

// surplusCheat is a prover who hides totals, and what the statement says then.
type surplusCheat struct {
	world     func() *world // nil: the covered one
	top       func(top *confidentialtest.Prover)
	predicate func(p obj)
	check     string
	reason    string
}

func (c surplusCheat) make(t testing.TB) (*world, *made) {
	t.Helper()
	w := newCoveredWorld()
	if c.world != nil {
		w = c.world()
	}
	w.predicate = c.predicate
	return w, w.hide(t, hidden{totals: true, top: c.top})
}

// surplusCheats are all that a prover can do with the surplus: each proof is as good as its prover can make it.
func surplusCheats() map[string]surplusCheat {
	const stated, totals = "coverage.stated", "liabilities.totals"
	one := big.NewInt(1)
	more, less := new(big.Int).Add(amount(eth35), one), new(big.Int).Sub(amount(eth35), one)
	third := func() *world { // a shard that owes what is left over of what counts
		w := newCoveredWorld()
		w.shards = append(w.shards, []customer{{
			id: "rest@example.org", owed: amounts{1: amount("500000000000000000"), 2: big.NewInt(1_000_000_000 - 99)}, nonce: h([]byte("rest")),
		}})
		return w
	}
	return map[string]surplusCheat{
		"more than counts": {
			top:       func(top *confidentialtest.Prover) { covers(top, 1, amount(eth3), more) },
			predicate: func(p obj) { atMost(p, 1, more.String(), eth35) },
			check:     stated, reason: "ETH: the liabilities are stated to be at most 3500000000000000001 base units, what counts of the reserves is 3500000000000000000",
		},
		"less than counts": {
			top:       func(top *confidentialtest.Prover) { covers(top, 1, amount(eth3), less) },
			predicate: func(p obj) { atMost(p, 1, less.String(), eth35) },
			check:     stated, reason: "ETH: the liabilities are stated to be at most 3499999999999999999 base units",
		},
		"lines that the statement's own rule does not count": {
			top:       func(top *confidentialtest.Prover) { covers(top, 0, big.NewInt(150_001_002), big.NewInt(200_000_000)) },
			predicate: func(p obj) { atMost(p, 0, "200000000", "0") },
			check:     stated, reason: "BTC: the liabilities are stated to be at most 200000000 base units, what counts of the reserves is 0",
		},
		"lines that no rule counts, in the proof alone": {
			top: func(top *confidentialtest.Prover) {
				covers(top, 1, amount(eth3), more)
				top.Statement.Totals[1] = amount(eth35)
			},
			check: totals, reason: "the rows' total of ETH is not the stated one",
		},
		"an amount of what is covered": {
			top: func(top *confidentialtest.Prover) { covers(top, 1, amount(eth3), amount(eth35)) },
			predicate: func(p obj) {
				p["liabilities"].([]obj)[1] = obj{"amount": eth35, "asset": "ETH"}
				p["coverage"].([]obj)[1] = obj{"asset": "ETH", "counted": eth35, "coverage": "100.00", "liabilities": eth35, "surplus": "0"}
			},
			check: stated, reason: "an amount is of an asset in shortfall",
		},
		"a shortfall below the true one": {
			top: func(top *confidentialtest.Prover) { covers(top, 0, big.NewInt(150_001_002), big.NewInt(150_001_001)) },
			predicate: func(p obj) {
				p["liabilities"].([]obj)[0]["amount"] = "150001001"
				c := p["coverage"].([]obj)[0]
				c["liabilities"], c["shortfall"] = "150001001", "150001001"
			},
			check: totals, reason: notTrue,
		},
		"a surplus below zero": {
			world:     newFullWorld, // 7.5 ETH are owed
			top:       func(top *confidentialtest.Prover) { covers(top, 1, amount("7500000000000000000"), amount(eth35)) },
			predicate: func(p obj) { atMost(p, 1, eth35, eth35) },
			check:     totals, reason: notTrue,
		},
		"one asset's surplus for another": {
			top: func(top *confidentialtest.Prover) {
				top.Surplus = slices.Concat(top.Surplus[:128], top.Surplus[256:], top.Surplus[128:256])
				top.Settle()
			},
			check: totals, reason: "the rows' total of ETH is not the stated one",
		},
		"what counts of one asset for another": {
			top: func(top *confidentialtest.Prover) {
				covers(top, 1, amount(eth3), amount("4000000000000000000"))
				covers(top, 2, big.NewInt(99), big.NewInt(500_000_000))
			},
			predicate: func(p obj) {
				atMost(p, 1, "4000000000000000000", eth35)
				atMost(p, 2, "500000000", "1000000000")
			},
			check: stated, reason: "ETH: the liabilities are stated to be at most 4000000000000000000",
		},
		"left out of the proof": {
			top: func(top *confidentialtest.Prover) {
				top.Surplus = make([]confidentialtest.Scalar, len(top.Surplus))
				top.Settle()
			},
			check: totals, reason: "the rows' total of ETH is not the stated one",
		},
		"left out of the transcript": {
			top:   func(top *confidentialtest.Prover) { top.Cheat.Silent = "surplus" },
			check: totals, reason: notTrue,
		},
		"left out of the statement": {
			predicate: func(p obj) { delete(at(p, "tree"), "surplus") },
			check:     "statement.format", reason: "predicate.liabilities[1].at_most: totals are not hidden",
		},
		"another row than the proof's": {
			predicate: func(p obj) { at(p, "tree")["surplus"] = pointHex(generatorsOf().U) },
			check:     totals, reason: notTrue,
		},
		"a shard's row, which counts twice then": {
			world: third,
			top: func(top *confidentialtest.Prover) { // proved for two shards and a surplus, while the tree has three
				top.Surplus, top.SurplusBlinding = top.Entries[2], top.Blindings[2]
				top.Entries, top.Blindings = top.Entries[:2], top.Blindings[:2]
				top.Settle()
			},
			check: totals, reason: notTrue,
		},
		"a shard's row, in a proof for three shards": {
			world: third,
			top: func(top *confidentialtest.Prover) { // the row is absorbed as the surplus, and counted as a shard only
				row := top.Commit(top.Entries[2], top.Blindings[2])
				top.Surplus, top.Statement.Surplus = nil, &row
			},
			check: totals, reason: notTrue,
		},
	}
}

// Hidden totals with the wrong reserves: the surplus takes what is owed up to what counts by the signed lines, and to nothing else.
func TestZ19_SurplusOfTheWrongReserves(t *testing.T) {
	for name, cheat := range surplusCheats() {
		t.Run(name, func(t *testing.T) {
			_, m := cheat.make(t)
			refused(t, verify(t, m), cheat.check, cheat.reason)
		})
	}
}

// The exchange counts coins that nobody signed for, and says so; the totals are covered by them. A policy that does not count them sees no coverage.
func TestZ19_ReservesThatThePolicyDoesNotCount(t *testing.T) {
	cheat := surplusCheat{
		top: func(top *confidentialtest.Prover) { covers(top, 0, big.NewInt(150_001_002), big.NewInt(200_000_000)) },
		predicate: func(p obj) {
			at(p, "reserves", "rule")["control"] = []string{"bound", "none"}
			at(p, "reserves")["assets"].([]obj)[0]["counted"] = "200000000"
			atMost(p, 0, "200000000", "200000000")
		},
	}
	w, m := cheat.make(t)
	v := verify(t, m)
	proven(t, v)
	if v.Coverage[0].CoverageAtLeast != "100.00" || !strings.Contains(v.Summary, "by the policy's rule reserves cover the liabilities of every asset") {
		t.Errorf("by a policy that counts them: %+v, %s", v.Coverage[0], v.Summary)
	}
	w.policy = strings.Replace(w.policy, `["bound", "none"]`, `["bound"]`, 1)
	v = verify(t, w.hide(t, hidden{totals: true, top: cheat.top}))
	proven(t, v)
	if c := v.Coverage[0]; c.Counted != "0" || c.AtMost != "2" || c.CoverageAtLeast != "0.00" || c.ShortfallAtMost != "2" || c.Shortfall+c.Surplus+c.Coverage+c.Liabilities != "" {
		t.Errorf("by a policy that does not: %+v", c)
	}
	if !strings.Contains(v.Summary, "reserves are NOT shown to cover them by the policy's rule, which counts fewer: there may be missing up to 2 BTC") || strings.Contains(v.Summary, "cover the liabilities") {
		t.Errorf("got %s", v.Summary)
	}
	w.full = "[coverage]\nleast = \"100.00\"\n"
	refused(t, verify(t, w.hide(t, hidden{totals: true, top: cheat.top})), "coverage.policy", "BTC: totals are hidden, and coverage by the policy's rule is shown to be at least 0.00 %, not the 100.00 % that the policy wants")
}

// A shard that the tree does not have cannot stand in the surplus for its customers' sake: they find that they are in no signed tree.
func TestZ19_ShardInTheSurplus(t *testing.T) {
	w := newCoveredWorld()
	dropped := w.shards[1]
	p := w.hide(t, hidden{totals: true}).proof(1, 0)
	w.shards = w.shards[:1]
	m := w.hide(t, hidden{totals: true}) // the surplus has room for all that shard 1 is owed
	proven(t, verify(t, m))
	for _, key := range []string{"statement", "snapshot", "envelope"} {
		p[key] = m.proof(0, 0)[key]
	}
	refused(t, verifyProof(m, p, dropped[0].id), "proof.statement", "")
	at(p, "shard")["count"], at(p, "shard")["index"], p["top"] = 1, 0, []obj{}
	refused(t, verifyProof(m, p, dropped[0].id), "proof.root", "the root comes out as")
}

// A customer who has the top's files is told of the same cheats.
func TestZ19_TotalsOfACustomer(t *testing.T) {
	honest := newCoveredWorld().hide(t, hidden{totals: true})
	input := ProofInput{
		Proof: encode(honest.proof(0, 0)), Policy: honest.policy, Customer: "alice@example.org", Shard: honest.filesOf(0),
		Top: &TopFiles{honest.files[shardsPath], honest.files[topProofPath]},
	}
	proven(t, Proof(input))
	for _, name := range []string{"left out of the proof", "left out of the transcript", "another row than the proof's"} {
		cheat := surplusCheats()[name]
		_, m := cheat.make(t)
		input := input
		input.Proof, input.Shard, input.Top = encode(m.proof(0, 0)), m.filesOf(0), &TopFiles{m.files[shardsPath], m.files[topProofPath]}
		refused(t, Proof(input), cheat.check, cheat.reason)
	}
}

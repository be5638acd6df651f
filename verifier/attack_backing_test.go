package verifier

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

// A header without an anchor is the exchange's word; with one it is trusted, and only then header-trusted.
func TestB20_HeaderTrust(t *testing.T) {
	w := newFullWorld()
	w.policy = strings.Replace(w.policy, "inclusion-proved", "header-trusted", 1)
	v := verify(t, w.make(t))
	proven(t, v)
	if v.Coverage[1].Counted != "0" || !strings.Contains(strings.Join(v.Notes, "\n"), "is the exchange's word") {
		t.Errorf("without an anchor: %+v, notes %q", v.Coverage[1], v.Notes)
	}
	anchor := func(hash string) string {
		return "[[anchor]]\nchain = \"" + evmChain + "\"\nnumber = 100\nhash = \"" + hash + "\"\n"
	}
	w.full = anchor(w.blocks[1]["hash"].(string))
	v = verify(t, w.make(t))
	proven(t, v)
	if v.Coverage[1].Counted != "3.5" || len(v.Unanchored) != 1 {
		t.Errorf("with an anchor: %+v, unanchored %q", v.Coverage[1], v.Unanchored)
	}
	w.full = anchor("0x" + strings.Repeat("0", 64))
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "the policy's anchor for block 100 is 0x000")
	w = newFullWorld()
	w.policy = strings.Replace(w.policy, "anchored = false", "anchored = true", 1)
	v = verify(t, w.make(t))
	if c := find(v, "headers."+evmChain); c.Result != Fail || !strings.Contains(c.Detail, "wants every pinned block anchored") {
		t.Errorf("got %+v", c)
	}
	w = newFullWorld()
	w.lines[1]["evidence"] = "header-trusted"
	v = verify(t, w.make(t))
	if c := find(v, "statement.format"); c.Result != Fail || !strings.Contains(c.Detail, "that a statement may claim") {
		t.Errorf("a statement that claims header-trusted: %+v", c)
	}
}

func TestB23_RichAddressOfAStranger(t *testing.T) {
	w := newFullWorld()
	w.policy = strings.Replace(w.policy, `["bound", "none"]`, `["bound"]`, 1)
	v := verify(t, w.make(t))
	proven(t, v)
	if v.Coverage[0].Counted != "0" || v.Coverage[0].Shortfall != "1.50001002" {
		t.Errorf("coins that nobody signed for: %+v", v.Coverage[0])
	}
	w.lines[0]["control"] = "bound"
	refused(t, verify(t, w.make(t)), "reserves.lines", "it claims the control grade bound, the signatures reach none")
}

func TestB24_ChallengeForAnotherRoot(t *testing.T) {
	w := newFullWorld()
	honest := w.signAs
	w.signAs = func(_, snapshot string) []obj { return honest(strings.Repeat("0", 64), snapshot) }
	refused(t, verify(t, w.make(t)), "control", "signature 0, by "+evmChain)
	w.signAs = func(root, _ string) []obj { return honest(root, strings.Repeat("0", 64)) }
	refused(t, verify(t, w.make(t)), "control", "signature 0, by "+evmChain)
	w.signAs = func(root, snapshot string) []obj {
		list := honest(root, snapshot)
		list[0]["accounts"] = []string{evmChain + ":0x" + strings.Repeat("7", 40)}
		return list
	}
	refused(t, verify(t, w.make(t)), "control", "which has no reserve line")
}

func TestLinesAndEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(w *world)
		reason string
	}{
		"more than the evidence": {func(w *world) { w.lines[2]["amount"] = "3500000000000000001" }, "the evidence gives 3500000000000000000"},
		"less than the evidence": {func(w *world) { w.lines[0]["amount"] = "1" }, "it claims 1 base units"},
		"grade too high":         {func(w *world) { w.lines[0]["evidence"] = "state-proved" }, "it claims the evidence grade state-proved, the evidence reaches inclusion-proved"},
		"grade too low":          {func(w *world) { w.lines[1]["evidence"] = "node-attested" }, "it claims the evidence grade node-attested"},
		"control too low":        {func(w *world) { w.lines[1]["control"] = "none" }, "it claims the control grade none, the signatures reach bound"},
		"token of another chain": {func(w *world) { w.lines[0]["token"] = evmChain + "/slip44:60" }, "is of another chain"},
		"token of another chain on an EVM account": {func(w *world) {
			l := maps.Clone(w.lines[1])
			l["token"] = w.lines[0]["token"]
			w.lines = slices.Insert(w.lines, 1, l)
		}, "is of another chain"},
		"token unknown": {func(w *world) { w.lines[2]["token"] = evmChain + "/slip44:61" }, "is not in the registry"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFullWorld()
			c.edit(w)
			refused(t, verify(t, w.make(t)), "reserves.lines", c.reason)
		})
	}
	w := newAttestedWorld()
	w.lines[2]["account"] = xrplChain + ":rvYAfWj5gh67oV6fW32ZzP3Aw4Eubs59B"
	refused(t, verify(t, w.make(t)), "reserves.lines", "no evidence for it")
	w = newAttestedWorld()
	w.lines = w.lines[:2]
	refused(t, verify(t, w.make(t)), "reserves.lines", "the evidence has 3 balances, 2 of them have a line")
	w = newFullWorld()
	w.lines = w.lines[:2]
	refused(t, verify(t, w.make(t)), "evidence."+evmChain, "reserves/evidence/eip155-1337.json: nodes[")
	w = newFullWorld()
	w.lines[2]["account"] = evmChain + ":0x" + strings.Repeat("f", 40)
	refused(t, verify(t, w.make(t)), "evidence."+evmChain, "reserves/evidence/eip155-1337.json: nodes[")
	w = newFullWorld()
	w.blocks[1]["hash"] = "0x" + strings.Repeat("0", 64)
	v := verify(t, w.make(t))
	if c := find(v, "headers."+evmChain); c.Result != Fail || v.Proven {
		t.Errorf("another block: got %+v", c)
	}
}

func TestStatedReserves(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(assets []obj)
		reason string
	}{
		"counted":        {func(a []obj) { a[0]["counted"] = "200000000" }, "BTC: the statement counts 200000000 base units, by its own rule it is 0"},
		"group left out": {func(a []obj) { a[0]["groups"] = []obj{} }, "BTC: the statement has 0 groups of reserves, the lines give 1"},
		"accounts":       {func(a []obj) { a[1]["groups"].([]obj)[0]["accounts"] = 2 }, "ETH, group 0: the statement has 2 accounts"},
		"custody":        {func(a []obj) { a[1]["groups"].([]obj)[0]["custody"] = "own-cold" }, "ETH, group 0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFullWorld()
			w.predicate = func(p obj) { c.edit(at(p, "reserves")["assets"].([]obj)) }
			refused(t, verify(t, w.make(t)), "reserves.totals", c.reason)
		})
	}
	s := claim.Snapshot{Assets: []claim.Asset{{ID: "X", Decimals: 36, Tokens: []claim.Token{{ID: "t", Class: "native"}}}}}
	line := claim.Line{Account: "a", Token: "t", Amount: new(big.Int).Lsh(big.NewInt(1), 200)}
	if _, err := s.Regroup([]claim.Line{line}, claim.Rule{}); err == nil || !strings.Contains(err.Error(), "reach 2^256") {
		t.Errorf("a scaled amount over 2^256: got %v", err)
	}
}

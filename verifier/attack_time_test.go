package verifier

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

func TestC01_RootFromTheProofFile(t *testing.T) {
	one, other := newWorld(), newWorld()
	other.shards[0][1].owed = amounts{}
	a, b := one.make(t), other.make(t)
	p := b.proof(0, 0)
	p["root"] = b.root
	refused(t, verifyProof(a, p, "alice@example.org"), "proof.format", `unknown key "root"`)
	p = b.proof(0, 0)
	p["envelope"] = a.proof(0, 0)["envelope"]
	refused(t, verifyProof(a, p, "alice@example.org"), "proof.statement", "the proof is for statement")
	p["statement"] = a.proof(0, 0)["statement"]
	refused(t, verifyProof(a, p, "alice@example.org"), "proof.root", "the root comes out as")
	stranger := newWorld()
	stranger.key = ed25519.NewKeyFromSeed(h([]byte("stranger")))
	p = stranger.make(t).proof(0, 0)
	refused(t, verifyProof(a, p, "alice@example.org"), "statement.signature", "which the policy does not have")
	delete(p, "envelope")
	refused(t, verifyProof(a, p, "alice@example.org"), "statement.signature", "does not hold the signed statement")
}

// A fourth leaf hangs in the tree, the signed count says three: the count is in the root, and the fourth path leads nowhere.
func TestC03_LeafBeyondTheCount(t *testing.T) {
	w := shardOf(1, 2, 3, 4)
	w.shardList = func(l obj) { l["shards"].([]obj)[0]["leaves"] = 3 }
	w.predicate = func(p obj) {
		at(p, "tree")["leaves"], at(p, "ledger")["customers"] = 3, 3
		at(p, "ledger")["classes"].([]obj)[0]["customers"] = 3
	}
	w.leaves = func(_ int, b []byte) []byte { b[59] = 3; return b[:60+3*52] }
	m := w.make(t)
	refused(t, verify(t, m), "liabilities.full", "the leaves' sum of BTC is 6 base units, the shard list has 10")
	p := m.proof(0, 3)
	at(p, "shard")["leaves"] = 3
	refused(t, verifyProof(m, p, "c3@example.org"), "proof.format", "shard.leaf: 3 is not below the count of leaves, 3")
	w = newWorld()
	w.shardList = func(l obj) { l["shards"].([]obj)[0]["leaves"] = 2 }
	refused(t, verify(t, w.make(t)), "liabilities.root", "the shards have 4 leaves together, the statement says 5")
}

func TestC04_SilentlyDroppedAccount(t *testing.T) {
	for name, c := range map[string]struct {
		edit   func(ledger obj)
		reason string
	}{
		"entries missing":        {func(l obj) { l["entries"] = 12 }, "have 7 entries together, the ledger says 12 were read"},
		"customer missing":       {func(l obj) { l["customers"] = 6 }, "the ledger has 6 customers, the tree 5 leaves"},
		"negatives under error":  {func(l obj) { l["negatives"].(obj)["entries"] = 1; l["entries"] = 8 }, "negatives: the rule is error, yet entries were left out"},
		"unknown under error":    {func(l obj) { l["unknown_assets"].(obj)["entries"] = 1; l["entries"] = 8 }, "unknown_assets: the rule is error"},
		"duplicates under error": {func(l obj) { l["duplicates"].(obj)["entries"] = 1 }, "duplicates: the rule is error"},
		"excluded without sum":   {func(l obj) { l["negatives"] = obj{"entries": 1, "rule": "exclude", "sum": []obj{}}; l["entries"] = 8 }, "negatives: entries and sum do not fit"},
		"sums without entries": {func(l obj) {
			l["unknown_assets"] = obj{"entries": 0, "rule": "exclude", "sums": []obj{{"amount": "1", "asset": "X"}}}
		}, "unknown_assets: sums without entries"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.predicate = func(p obj) { c.edit(at(p, "ledger")) }
			m := w.make(t)
			refused(t, verify(t, m), "liabilities.ledger", c.reason)
		})
	}
	w := newWorld()
	w.predicate = func(p obj) {
		l := at(p, "ledger")
		l["negatives"] = obj{"entries": 2, "rule": "exclude", "sum": []obj{{"amount": "5", "asset": "BTC"}}}
		l["entries"] = l["entries"].(int) + 2
	}
	v := verify(t, w.make(t))
	proven(t, v)
	if !strings.Contains(strings.Join(v.Notes, "\n"), "2 ledger entries below zero were left out") {
		t.Errorf("what was left out is not told: %q", v.Notes)
	}
}

// Who is covered is part of what is signed, and of every verdict.
func TestC07_ScopeIsTold(t *testing.T) {
	w := newWorld()
	w.predicate = func(p obj) { at(p, "scope")["excluded"] = []string{"Demo Exchange FZE"} }
	v := verify(t, w.make(t))
	proven(t, v)
	if v.Statement.Included[0] != "spot accounts" || v.Statement.Excluded[0] != "Demo Exchange FZE" {
		t.Errorf("got %+v", v.Statement)
	}
	w.predicate = func(p obj) { at(p, "scope")["included"] = []string{} }
	refused(t, verify(t, w.make(t)), "statement.format", "included: empty")
	w.predicate = func(p obj) { delete(p, "scope") }
	refused(t, verify(t, w.make(t)), "statement.format", `key "scope" is missing`)
}

// A file of another version is told apart from a broken one, even if it has keys of its own.
func TestC08_OtherVersions(t *testing.T) {
	version := func(raw []byte, from, to string) []byte { return []byte(strings.Replace(string(raw), from, to, 1)) }
	for name, edit := range map[string]func(w *world){
		"shards":   func(w *world) { w.shardList = func(l obj) { l["type"] = "assay/v2/shards"; l["fold"] = true } },
		"manifest": func(w *world) { w.manifest = func(l obj) { l["type"] = "assay/v10/manifest" } },
		"statement": func(w *world) {
			w.statement = func(s obj) { s["predicateType"] = "https://github.com/assay-por/assay/solvency/v2" }
		},
		"lines": func(w *world) {
			w.files = func(f map[string][]byte) { f[claim.LinesPath] = version(f[claim.LinesPath], "/v1/", "/v2/") }
		},
		"control": func(w *world) {
			w.files = func(f map[string][]byte) { f[claim.ControlPath] = version(f[claim.ControlPath], "/v1/", "/v2/") }
		},
		"evm": func(w *world) {
			w.files = func(f map[string][]byte) {
				f[evidencePath(evmChain)] = version(f[evidencePath(evmChain)], "/v1/", "/v2/")
			}
		},
		"leaves": func(w *world) { w.leaves = func(_ int, b []byte) []byte { return version(b, "/v1/", "/v2/") } },
	} {
		w := newFullWorld()
		edit(w)
		if v := verify(t, w.make(t)); v.Exit != ExitUnsupported || v.Proven {
			t.Errorf("%s: got exit %d, %s", name, v.Exit, v.Summary)
		}
	}
	m := newWorld().make(t)
	p := m.proof(0, 0)
	p["type"], p["also"] = "assay/v2/proof", "x"
	if v := verifyProof(m, p, "alice@example.org"); v.Exit != ExitUnsupported {
		t.Errorf("proof: got exit %d, %s", v.Exit, v.Summary)
	}
	p["type"] = "other/v1/proof"
	if v := verifyProof(m, p, "alice@example.org"); v.Exit != ExitUnreadable {
		t.Errorf("another type: got exit %d, %s", v.Exit, v.Summary)
	}
	if _, err := ReadPolicy([]byte(strings.Replace(m.raw, "version = 1", "version = 2\nnew = 1", 1))); ExitCode(err) != ExitUnsupported {
		t.Errorf("policy: got %v", err)
	}
}

// Last month's tree under this month's statement: the snapshot is in every identity, in the leaves and in the proof.
func TestC10_NoTimeInHashedObjects(t *testing.T) {
	w := newWorld()
	last := w.make(t)
	w.snapshot = func(s obj) { s["instant"], s["period"] = "2026-12-01T00:00:00Z", "2026-11" }
	this := w.make(t)
	if last.root == this.root {
		t.Fatal("the same customers have the same root in two snapshots")
	}
	p := last.proof(0, 0)
	p["envelope"], p["statement"] = this.proof(0, 0)["envelope"], this.proof(0, 0)["statement"]
	refused(t, verifyProof(this, p, "alice@example.org"), "proof.statement", "the proof is for snapshot")
	p["snapshot"] = this.snapshot
	refused(t, verifyProof(this, p, "alice@example.org"), "proof.root", "the root comes out as")
	w.snapshot = func(s obj) { s["instant"], s["id"] = "2026-12-01T00:00:00Z", last.snapshot }
	if c := find(verify(t, w.make(t)), "snapshot"); c.Result != Fail || !strings.Contains(c.Detail, "the snapshot's id comes out as") {
		t.Errorf("another instant under an old id: got %+v", c)
	}
}

func TestC12_ReplayOfAnEnvelope(t *testing.T) {
	signature := func(w *world, kind string, payload []byte) obj {
		return obj{"keyid": keyID(w.publicKey()), "sig": base64.StdEncoding.EncodeToString(ed25519.Sign(w.key, pae(kind, payload)))}
	}
	payload := func(e obj) []byte { b, _ := base64.StdEncoding.DecodeString(e["payload"].(string)); return b }
	w := newWorld()
	for name, c := range map[string]struct {
		edit   func(e obj)
		reason string
	}{
		"other payload type":         {func(e obj) { e["payloadType"] = "application/json" }, "payloadType: is not"},
		"signed for another type":    {func(e obj) { e["signatures"] = []obj{signature(w, "application/json", payload(e))} }, "does not verify"},
		"signed for another payload": {func(e obj) { e["signatures"] = []obj{signature(w, dsseType, []byte("{}"))} }, "does not verify"},
		"one key twice":              {func(e obj) { s := signature(w, dsseType, payload(e)); e["signatures"] = []obj{s, s} }, "twice or out of order"},
		"nobody":                     {func(e obj) { e["signatures"] = []obj{} }, "no signature"},
		"another's key id":           {func(e obj) { e["signatures"].([]obj)[0]["keyid"] = hex.EncodeToString(h()) }, "which the policy does not have"},
		"short signature":            {func(e obj) { e["signatures"].([]obj)[0]["sig"] = "AAAA" }, "does not verify"},
		"loose base64":               {func(e obj) { e["signatures"].([]obj)[0]["sig"] = "AAB=" }, "not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.envelope = c.edit
			refused(t, verify(t, w.make(t)), "statement.signature", c.reason)
		})
	}
	beside := newWorld()
	beside.envelope = func(e obj) {
		e["signatures"] = append([]obj{{"keyid": strings.Repeat("0", 64), "sig": "AAAA"}}, e["signatures"].([]obj)...)
	}
	refused(t, verify(t, beside.make(t)), "statement.approvals", "is neither the exchange's nor one of those who may approve")
	other := newWorld()
	other.statement = func(s obj) { s["predicateType"] = "https://github.com/assay-por/assay/liabilities/v1" }
	refused(t, verify(t, other.make(t)), "statement.format", "predicateType: is not")
}

func TestC13_DifferentInstants(t *testing.T) {
	w := newFullWorld()
	w.files = func(f map[string][]byte) {
		w.evidence[evmChain]["snapshot"] = hex.EncodeToString(h())
		f[evidencePath(evmChain)] = encode(w.evidence[evmChain])
	}
	refused(t, verify(t, w.make(t)), "headers."+evmChain, "snapshot")
	for name, c := range map[string]struct{ time, reason string }{
		"after the instant": {"2026-11-01T00:00:01Z", "is after the instant"},
		"too old":           {"2026-10-31T21:59:59Z", "2h0m1s before the instant, the policy allows 2h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFullWorld()
			w.blocks[1]["time"] = c.time
			v := verify(t, w.make(t))
			if s := find(v, "snapshot"); s.Result != Fail || !strings.Contains(s.Detail, c.reason) || v.Proven {
				t.Errorf("got %+v", s)
			}
		})
	}
	w = newFullWorld()
	w.blocks = w.blocks[:1]
	v := verify(t, w.make(t))
	if s := find(v, "snapshot"); s.Result != Fail || !strings.Contains(s.Detail, "tokens are of 2 chains, 1 blocks are pinned") {
		t.Errorf("got %+v", s)
	}
	for _, path := range []string{claim.LinesPath, claim.ControlPath} {
		w = newFullWorld()
		w.files = func(f map[string][]byte) {
			f[path] = []byte(strings.Replace(string(f[path]), `"snapshot":"`, `"snapshot":"00`, 1))
			f[path] = []byte(strings.Replace(string(f[path]), `","type"`, `XX","type"`, 1))
			f[path] = []byte(shorten(string(f[path])))
		}
		v := verify(t, w.make(t))
		if v.Proven || !strings.Contains(v.Summary, "the statement's is") {
			t.Errorf("%s of another snapshot: %s", path, v.Summary)
		}
	}
}

// shorten drops the last two characters of the snapshot's id and the mark after them.
func shorten(s string) string {
	i := strings.Index(s, `XX","type"`)
	return s[:i-2] + s[i+2:]
}

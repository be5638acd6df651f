package main

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The smallest report there is: Alice is owed 0.5 BTC, Bob 1.5 BTC, nothing is held. Straight from SPEC.md.

type obj = map[string]any

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func h(parts ...[]byte) []byte {
	x := sha256.Sum256(bytes.Join(parts, nil))
	return x[:]
}

func btc(units uint64) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{0, 1, 0, 0}, make([]byte, 8)...), units)
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

// holdings are what a report says is held, of assets beside the bitcoins that are owed.
type holdings struct {
	exchange string // Demo Exchange if empty
	period   string // 2026-10 if empty
	series   obj    // the first of the monthly ones if nil
	tokens   []obj  // of BTC
	assets   []obj  // after BTC; nothing is owed of them
	blocks   []obj
	lines    []obj
	evidence map[string][]byte // by path
	groups   map[string][]obj  // by asset
	hidden   bool              // the tree is confidential
}

// report returns the bundle's files, Alice's proof and a policy.
func report() (files map[string][]byte, proof, policy []byte) {
	return reportOf(holdings{tokens: []obj{}, blocks: []obj{}, lines: []obj{}}, "2026-11-01T00:00:00Z", nil)
}

// reportOf is a report of what is held. gather, if there is one, is told the snapshot's id and completes it.
func reportOf(held holdings, instant string, gather func(snapshot string, held *holdings)) (files map[string][]byte, proof, policy []byte) {
	const owedAlice, owedBob = 50_000_000, 150_000_000
	name := cmp.Or(held.exchange, "Demo Exchange")
	snapshot := obj{
		"assets": append([]obj{{"decimals": 8, "id": "BTC", "tokens": held.tokens}}, held.assets...), "exchange": obj{"entity": name + " Ltd", "name": name},
		"instant": instant, "kind": held.kind(), "period": cmp.Or(held.period, "2026-10"),
	}
	id := h([]byte("assay/v1/snapshot\x00"), encode(snapshot))
	if gather != nil {
		gather(hex.EncodeToString(id), &held)
	}
	snapshot["id"], snapshot["blocks"] = hex.EncodeToString(id), held.blocks
	identity := func(name string) []byte {
		return h([]byte("assay/v1/identity\x00"), id, h([]byte(name)), []byte{0, byte(len(name))}, []byte(name))
	}
	alice, bob := identity("alice@example.org"), identity("bob@example.org")
	leafA, leafB := h([]byte{0}, alice, btc(owedAlice)), h([]byte{0}, bob, btc(owedBob))
	sum := btc(owedAlice + owedBob)
	top := h([]byte{1}, leafA, btc(owedAlice), leafB, btc(owedBob))
	shard := h([]byte{2, 1}, u64(2), top, sum)
	root := h([]byte{0x12, 1}, u64(1), h([]byte{0x10}, shard, sum), sum)
	total := []obj{{"amount": "200000000", "asset": "BTC"}}
	files = map[string][]byte{
		"liabilities/shards.json": encode(obj{
			"kind": "plain", "shards": []obj{{"leaves": 2, "root": hex.EncodeToString(shard), "sum": total}}, "snapshot": snapshot["id"], "type": "assay/v1/shards",
		}),
		"liabilities/shard-00000.leaves": bytes.Join([][]byte{[]byte("assay/v1/leaves\n"), id, {0, 0, 0, 0}, u64(2), alice, btc(owedAlice), bob, btc(owedBob)}, nil),
		"reserves/lines.json":            encode(obj{"lines": held.lines, "snapshot": snapshot["id"], "type": "assay/v1/lines"}),
		"reserves/control.json":          encode(obj{"signatures": []obj{}, "snapshot": snapshot["id"], "type": "assay/v1/control"}),
	}
	files["reserves/claims.json"] = encode(obj{"claims": []obj{}, "snapshot": snapshot["id"], "type": "assay/v1/claims"})
	maps.Copy(files, held.evidence)
	coverage := []obj{{"asset": "BTC", "counted": "0", "coverage": "0.00", "liabilities": "200000000", "shortfall": "200000000"}}
	owed, reserves := slices.Clone(total), []obj{{"asset": "BTC", "counted": "0", "groups": append([]obj{}, held.groups["BTC"]...)}}
	for _, a := range held.assets {
		coverage = append(coverage, obj{"asset": a["id"], "counted": "0", "liabilities": "0", "surplus": "0"})
		owed = append(owed, obj{"amount": "0", "asset": a["id"]})
		reserves = append(reserves, obj{"asset": a["id"], "counted": "0", "groups": held.groups[a["id"].(string)]})
	}
	hidden := hiddenTree{}
	if held.hidden {
		hidden = hide(id, alice, bob, owedAlice, owedBob)
		maps.Copy(files, hidden.files)
		root = hidden.root
	}
	predicate := obj{
		"approvals": obj{"keys": []string{}, "required": 0},
		"bands":     []obj{},
		"coverage":  coverage,
		"issued":    instant,
		"moment":    obj{"blocks": []obj{}},
		"ledger": obj{
			"classes":   []obj{{"class": "customer", "customers": 2, "entries": 2, "sum": total}},
			"customers": 2, "duplicates": obj{"entries": 0, "rule": "error"}, "entries": 2,
			"negatives": obj{"entries": 0, "rule": "error", "sum": []obj{}}, "unknown_assets": obj{"entries": 0, "rule": "error", "sums": []obj{}},
		},
		"liabilities": owed,
		"reserves": obj{
			"assets": reserves, "claims": []obj{},
			"rule": obj{"classes": []string{"native"}, "control": []string{"bound"}, "evidence": "state-proved"},
		},
		"scope":    obj{"encumbrances": "not declared", "excluded": []string{}, "included": []string{"all accounts"}},
		"snapshot": snapshot, "tool": "by hand", "tree": obj{"kind": held.kind(), "leaves": 2, "root": hex.EncodeToString(root), "shards": 1},
	}
	predicate["series"] = obj{"name": "monthly", "number": 0}
	if held.series != nil {
		predicate["series"] = held.series
	}
	key := ed25519.NewKeyFromSeed(h([]byte("exchange")))
	public := "ed25519:" + hex.EncodeToString(key.Public().(ed25519.PublicKey))
	envelope, payload := seal(files, predicate, key, public)
	inclusion := obj{
		"balances": []obj{{"amount": "50000000", "asset": "BTC"}}, "envelope": envelope, "kind": held.kind(), "nonce": hex.EncodeToString(h([]byte("alice@example.org"))),
		"path":  []obj{{"hash": hex.EncodeToString(leafB), "sum": []obj{{"amount": "150000000", "asset": "BTC"}}}},
		"shard": obj{"count": 1, "index": 0, "leaf": 0, "leaves": 2}, "snapshot": snapshot["id"],
		"statement": hex.EncodeToString(h(payload)), "top": []obj{}, "type": "assay/v1/proof",
	}
	maps.Copy(inclusion, hidden.proof)
	proof = encode(inclusion)
	policy = fmt.Appendf(nil, `version = 1
[exchange]
name = %q
keys = [%q]
[evidence]
least = "inclusion-proved"
control = ["bound"]
classes = ["native"]
window = "2h"
anchored = false
[liabilities]
recompute = true
`, name, public)
	return files, proof, policy
}

// seal adds manifest and envelope to the files.
func seal(files map[string][]byte, predicate obj, key ed25519.PrivateKey, public string) (envelope obj, payload []byte) {
	list := []obj{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		part := "core"
		if strings.HasPrefix(path, "liabilities/shard-") {
			part = "shard"
		}
		list = append(list, obj{"part": part, "path": path, "sha256": hex.EncodeToString(h(files[path])), "size": len(files[path])})
	}
	files["manifest.json"] = encode(obj{"files": list, "snapshot": predicate["snapshot"].(obj)["id"], "type": "assay/v1/manifest"})
	payload = encode(obj{
		"_type": "https://in-toto.io/Statement/v1", "predicate": predicate, "predicateType": "https://github.com/assay-por/assay/solvency/v1",
		"subject": []obj{{"digest": obj{"sha256": hex.EncodeToString(h(files["manifest.json"]))}, "name": "manifest.json"}},
	})
	const kind = "application/vnd.in-toto+json"
	signature := ed25519.Sign(key, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	envelope = obj{
		"payload": base64.StdEncoding.EncodeToString(payload), "payloadType": kind,
		"signatures": []obj{{"keyid": hex.EncodeToString(h([]byte("assay/v1/key\x00" + public))), "sig": base64.StdEncoding.EncodeToString(signature)}},
	}
	files["statement.dsse.json"] = encode(envelope)
	return envelope, payload
}

// zipped writes the one zip of SPEC part 11.
func zipped(files map[string][]byte) []byte {
	var out, directory []byte
	le := binary.LittleEndian
	for _, path := range slices.Sorted(maps.Keys(files)) {
		data := files[path]
		common := []byte{20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0}
		for _, v := range []uint32{crc32.ChecksumIEEE(data), uint32(len(data)), uint32(len(data)), uint32(len(path))} {
			common = le.AppendUint32(common, v)
		}
		directory = append(append(append(directory, "PK\x01\x02\x14\x00"...), common...), make([]byte, 10)...)
		directory = append(le.AppendUint32(directory, uint32(len(out))), path...)
		out = append(append(append(append(out, "PK\x03\x04"...), common...), path...), data...)
	}
	end := []byte{'P', 'K', 5, 6, 0, 0, 0, 0, byte(len(files)), 0, byte(len(files)), 0}
	end = le.AppendUint32(le.AppendUint32(end, uint32(len(directory))), uint32(len(out)))
	return append(append(out, directory...), append(end, 0, 0)...)
}

// writeFixtures puts the report into a script's folder: report/, report.zip, proof.json, statement.json, policy.toml.
func writeFixtures(dir string) error {
	files, proof, policy := report()
	all := map[string][]byte{"proof.json": proof, "policy.toml": policy, "report.zip": zipped(files), "statement.json": files["statement.dsse.json"]}
	for path, data := range files {
		all["report/"+path] = data
	}
	all["keys.dsse.json"], all["answer.json"] = serverKeys(), keptAnswer("/v1/reports", []byte(`{"reports":[]}`))
	all["proof-answer.json"] = keptAnswer("/v1/proof", proof)
	for name, exchange := range map[string]string{"ours": "Demo Exchange", "theirs": "Other Exchange"} {
		files, _, policy := reportOf(oneWallet(exchange), "2026-11-01T00:00:00Z", nil)
		all[name+".toml"] = policy
		for path, data := range files {
			all[name+"/"+path] = data
		}
	}
	files, all["hidden.json"], _ = reportOf(holdings{tokens: []obj{}, blocks: []obj{}, lines: []obj{}, hidden: true}, "2026-11-01T00:00:00Z", nil)
	for path, data := range files {
		all["hidden/"+path] = data
	}
	all["trusting.toml"] = bytes.Replace(policy, []byte("recompute = true"), []byte("recompute = false"), 1)
	maps.Copy(all, months())
	maps.Copy(all, logs())
	maps.Copy(all, loggedReport())
	for path, data := range all {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// oneWallet is a line that any exchange could copy. Its evidence is not looked at by what compares reports.
func oneWallet(exchange string) holdings {
	const chain = "tron:0x2b6653dc"
	return holdings{
		exchange: exchange, tokens: []obj{{"class": "native", "decimals": 6, "id": chain + "/slip44:195"}},
		blocks: []obj{{"chain": chain, "hash": hex.EncodeToString(h([]byte("block"))), "number": 7, "time": "2026-10-31T23:59:50Z"}},
		lines: []obj{{
			"account": chain + ":TNPeeaaFB7K9cmo4uQpcU32zGK8G1NYqeL", "amount": "5", "control": "none", "custody": "own-hot", "evidence": "node-attested",
			"token": chain + "/slip44:195",
		}},
		evidence: map[string][]byte{"reserves/evidence/tron-0x2b6653dc.json": []byte("{}")},
	}
}

// months are three reports of one series, as a folder, a zip and an envelope, with Alice's proof for each, and an hourly one.
func months() map[string][]byte {
	all, previous := map[string][]byte{}, ""
	for i, instant := range []string{"2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"} {
		held := holdings{tokens: []obj{}, blocks: []obj{}, lines: []obj{}, series: obj{"name": "monthly", "number": i}, period: []string{"2026-09", "2026-10", "2026-11"}[i]}
		if i > 0 {
			held.series["previous"] = previous
		}
		files, proof, _ := reportOf(held, instant, nil)
		var envelope struct{ Payload []byte }
		if err := json.Unmarshal(files["statement.dsse.json"], &envelope); err != nil {
			panic(err)
		}
		previous = hex.EncodeToString(h(envelope.Payload))
		for path, data := range files {
			all[held.period+"/"+path] = data
		}
		all[held.period+".zip"], all[held.period+".dsse.json"], all[held.period+".proof"] = zipped(files), files["statement.dsse.json"], proof
	}
	files, _, _ := reportOf(holdings{tokens: []obj{}, blocks: []obj{}, lines: []obj{}, series: obj{"name": "hourly", "number": 0}}, "2026-11-01T01:00:00Z", nil)
	all["hourly.dsse.json"] = files["statement.dsse.json"]
	return all
}

package verifier

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

// The fixture is SPEC.md written down as dumbly as it can be: recursion, big.Int, maps for objects. It plays the exchange, and
// since the exchange is the attacker, every step can be edited before what comes after it is hashed and signed.

type obj = map[string]any

// encode writes canonical JSON: encoding/json sorts the keys of maps.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func tagged(tag string, parts ...[]byte) []byte {
	h := sha256.Sum256(append([]byte(tag+"\x00"), bytes.Join(parts, nil)...))
	return h[:]
}

func u16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u64(v int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

type (
	amounts map[int]*big.Int // by place in the registry
	node    struct {
		hash []byte
		sum  amounts
	}
	customer struct {
		id    string
		owed  amounts
		nonce []byte
		shown amounts // the sum that the tree has for this leaf, if it lies
	}
	world struct {
		assets    []obj
		margin    obj // nil: no margin accounts
		blocks    []obj
		shards    [][]customer
		lines     []obj
		evidence  map[string]obj
		claims    func(snapshot string) []obj
		bands     []bandFixture
		key       ed25519.PrivateKey
		signer    *signer  // in place of key
		approvers []signer // who may approve
		required  int      // so many of them must
		approved  []signer // who did
		series    obj
		moment    obj
		attach    func(m *made) map[string][]byte
		policy    string
		full      string // beyond the policy's [evidence] section
		identity  func([]byte, customer) []byte
		sumNodes  func(l, r node) amounts
		signAs    func(root string, snapshot string) []obj
		snapshot  func(obj)
		shardList func(obj)
		leaves    func(int, []byte) []byte
		predicate func(obj)
		statement func(obj)
		files     func(map[string][]byte)
		manifest  func(obj)
		envelope  func(obj)
		sealed    func(map[string][]byte)
	}
	made struct {
		files    map[string][]byte
		policy   *claim.Policy
		raw      string // the policy's text
		payload  []byte
		snapshot string
		root     string
		proof    func(shard, leaf int) obj
	}
)

func amount(s string) *big.Int {
	v, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return v
}

func add(a, b amounts) amounts {
	out := maps.Clone(a)
	for i, v := range b {
		if out[i] == nil {
			out[i] = new(big.Int)
		}
		out[i] = new(big.Int).Add(out[i], v)
	}
	return out
}

func (s amounts) encoding() []byte {
	b := u16(len(s))
	for _, i := range slices.Sorted(maps.Keys(s)) {
		b = append(append(b, u16(i)...), s[i].FillBytes(make([]byte, 16))...)
	}
	return b
}

func (w *world) id(i int) string { return w.columns()[i] }

func (w *world) json(s amounts) []obj {
	out := []obj{}
	for _, i := range slices.Sorted(maps.Keys(s)) {
		out = append(out, obj{"amount": s[i].String(), "asset": w.id(i)})
	}
	return out
}

func h(parts ...[]byte) []byte {
	x := sha256.Sum256(bytes.Join(parts, nil))
	return x[:]
}

// top is the naive tree of SPEC part 6.
func (w *world) top(level byte, leaves []node) node {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := w.top(level, leaves[:k]), w.top(level, leaves[k:])
	return node{h([]byte{level + 1}, l.hash, l.sum.encoding(), r.hash, r.sum.encoding()), w.sumNodes(l, r)}
}

func (w *world) close(level byte, leaves []node) node {
	t := w.top(level, leaves)
	return node{h([]byte{level + 2, 1}, u64(len(leaves)), t.hash, t.sum.encoding()), t.sum}
}

// path is the inclusion path, by recursion on the split instead of by index arithmetic.
func (w *world) path(level byte, leaves []node, i int) []obj {
	if len(leaves) == 1 {
		return []obj{}
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	var below []obj
	var sibling node
	if i < k {
		below, sibling = w.path(level, leaves[:k], i), w.top(level, leaves[k:])
	} else {
		below, sibling = w.path(level, leaves[k:], i-k), w.top(level, leaves[:k])
	}
	return append(below, obj{"hash": hex.EncodeToString(sibling.hash), "sum": w.json(sibling.sum)})
}

func newWorld() *world {
	w := &world{
		assets: []obj{
			{"decimals": 8, "id": "BTC", "tokens": []obj{}},
			{"decimals": 18, "id": "ETH", "tokens": []obj{}},
			{"decimals": 6, "id": "USDT", "tokens": []obj{}},
		},
		blocks: []obj{}, lines: []obj{}, evidence: map[string]obj{},
		key:    ed25519.NewKeyFromSeed(h([]byte("exchange"))),
		series: obj{"name": "monthly", "number": 0}, moment: obj{"blocks": []obj{}},
		identity: func(snapshot []byte, c customer) []byte {
			return tagged("assay/v1/identity", snapshot, c.nonce, u16(len(c.id)), []byte(c.id))
		},
		sumNodes: func(l, r node) amounts { return add(l.sum, r.sum) },
		signAs:   func(string, string) []obj { return []obj{} },
		claims:   func(string) []obj { return []obj{} },
		policy: `version = 1
[exchange]
name = "Demo Exchange"
keys = ["KEY"]
[evidence]
least = "inclusion-proved"
control = ["bound", "none"]
classes = ["native", "issued"]
window = "2h"
anchored = false
[liabilities]
recompute = true
`,
	}
	for shard, ids := range [][]string{{"alice@example.org", "bob@example.org", "carol@example.org"}, {"dave@example.org", "erin@example.org"}} {
		var list []customer
		for i, id := range ids {
			owed := amounts{0: big.NewInt(int64(50_000_000 + 1000*shard + i)), 1: amount("2500000000000000000")}
			if i == 1 {
				owed = amounts{2: big.NewInt(99)}
			}
			list = append(list, customer{id: id, owed: owed, nonce: h([]byte("nonce " + id))})
		}
		w.shards = append(w.shards, list)
	}
	w.shards[1][1].owed = amounts{} // a customer with nothing is a leaf
	return w
}

func (w *world) publicKey() string { return w.exchange().text }

// exchange is who signs for the exchange.
func (w *world) exchange() signer {
	if w.signer != nil {
		return *w.signer
	}
	return edSigner(w.key)
}

func keyID(text string) string { return hex.EncodeToString(tagged("assay/v1/key", []byte(text))) }

func edit[T any](f func(T), v T) {
	if f != nil {
		f(v)
	}
}

// make builds and signs the bundle.
func (w *world) make(t testing.TB) *made {
	t.Helper()
	snapshot := obj{
		"assets": w.assets, "exchange": obj{"entity": "Demo Exchange Ltd", "name": "Demo Exchange"},
		"instant": "2026-11-01T00:00:00Z", "kind": "plain", "period": "2026-10",
	}
	w.putMargin(snapshot)
	edit(w.snapshot, snapshot)
	id, keep := tagged("assay/v1/snapshot", encode(snapshot)), snapshot["id"]
	snapshot["id"], snapshot["blocks"] = hex.EncodeToString(id), w.blocks
	if keep != nil {
		snapshot["id"] = keep
	}
	files := map[string][]byte{}
	levels := make([][]node, len(w.shards))
	var tops []node
	list := []obj{}
	leaves := 0
	for i, customers := range w.shards {
		var nodes []node
		file := append(append([]byte("assay/v1/leaves\n"), id...), binary.BigEndian.AppendUint32(nil, uint32(i))...)
		file = append(file, u64(len(customers))...)
		for _, c := range customers {
			identity := w.identity(id, c)
			sum := c.owed
			if c.shown != nil {
				sum = c.shown
			}
			nodes = append(nodes, node{h([]byte{0}, identity, c.owed.encoding()), sum})
			file = append(append(file, identity...), c.owed.encoding()...)
		}
		root := w.close(0, nodes)
		levels[i] = nodes
		leaves += len(nodes)
		tops = append(tops, node{h([]byte{0x10}, root.hash, root.sum.encoding()), root.sum})
		list = append(list, obj{"leaves": len(nodes), "root": hex.EncodeToString(root.hash), "sum": w.json(root.sum)})
		if w.leaves != nil {
			file = w.leaves(i, file)
		}
		files[fmt.Sprintf("liabilities/shard-%05d.leaves", i)] = file
	}
	root := w.close(0x10, tops)
	m := &made{files: files, snapshot: hex.EncodeToString(id), root: hex.EncodeToString(root.hash)}
	shards := obj{"kind": "plain", "shards": list, "snapshot": m.snapshot, "type": "assay/v1/shards"}
	edit(w.shardList, shards)
	files["liabilities/shards.json"] = encode(shards)
	files["reserves/lines.json"] = encode(obj{"lines": w.lines, "snapshot": m.snapshot, "type": "assay/v1/lines"})
	files["reserves/control.json"] = encode(obj{"signatures": w.signAs(m.root, m.snapshot), "snapshot": m.snapshot, "type": "assay/v1/control"})
	claims := w.claims(m.snapshot)
	files["reserves/claims.json"] = encode(obj{"claims": claims, "snapshot": m.snapshot, "type": "assay/v1/claims"})
	for n, b := range w.bands {
		b.put(files, n, m.snapshot)
	}
	for chain, e := range w.evidence {
		e["snapshot"] = m.snapshot
		files[evidencePath(chain)] = encode(e)
	}
	predicate := w.predicateOf(snapshot, root, leaves)
	predicate["bands"], predicate["reserves"].(obj)["claims"] = w.bandsOf(), statedClaims(claims)
	edit(w.predicate, predicate)
	edit(w.files, files)
	w.seal(m, predicate)
	key := w.publicKey()
	m.raw = strings.ReplaceAll(w.policy+w.full, `"KEY"`, `"`+key+`"`)
	var err error
	if m.policy, err = ReadPolicy([]byte(m.raw)); err != nil {
		t.Fatalf("policy: %v", err)
	}
	m.proof = func(shard, leaf int) obj {
		c := w.shards[shard][leaf]
		var envelope obj
		if err := json.Unmarshal(files["statement.dsse.json"], &envelope); err != nil {
			t.Fatal(err)
		}
		return obj{
			"balances": w.json(c.owed), "envelope": envelope, "kind": "plain", "nonce": hex.EncodeToString(c.nonce),
			"path":     w.path(0, levels[shard], leaf),
			"shard":    obj{"count": len(w.shards), "index": shard, "leaf": leaf, "leaves": len(levels[shard])},
			"snapshot": m.snapshot, "statement": hex.EncodeToString(h(m.payload)), "top": w.path(0x10, tops, shard), "type": "assay/v1/proof",
		}
	}
	if w.attach != nil {
		maps.Copy(files, w.attach(m))
	}
	edit(w.sealed, files)
	return m
}

// predicateOf says the truth of SPEC parts 7, 9 and 15.
func (w *world) predicateOf(snapshot obj, root node, leaves int) obj {
	entries := 0
	for _, s := range w.shards {
		for _, c := range s {
			entries += len(c.owed)
		}
	}
	liabilities := []obj{}
	for i := range w.columns() {
		v := root.sum[i]
		if v == nil {
			v = new(big.Int)
		}
		liabilities = append(liabilities, obj{"amount": v.String(), "asset": w.id(i)})
	}
	assets, coverage := w.reserves(root.sum)
	return w.withDebts(root.sum, obj{
		"approvals": obj{"keys": textsOf(w.approvers), "required": w.required},
		"coverage":  coverage,
		"issued":    hourAfter(snapshot["instant"].(string)),
		"ledger": obj{
			"classes":        []obj{{"class": "customer", "customers": min(leaves, entries), "entries": entries, "sum": w.json(root.sum)}},
			"customers":      leaves,
			"duplicates":     obj{"entries": 0, "rule": "error"},
			"entries":        entries,
			"negatives":      obj{"entries": 0, "rule": "error", "sum": []obj{}},
			"unknown_assets": obj{"entries": 0, "rule": "error", "sums": []obj{}},
		},
		"liabilities": liabilities,
		"moment":      w.moment,
		"series":      w.series,
		"reserves":    obj{"assets": assets, "rule": obj{"classes": []string{"issued", "native"}, "control": []string{"bound"}, "evidence": "inclusion-proved"}},
		"scope":       obj{"encumbrances": "not declared", "excluded": []string{}, "included": []string{"spot accounts"}},
		"snapshot":    snapshot, "tool": "assay 0.1.0",
		"tree": obj{"kind": "plain", "leaves": leaves, "root": hex.EncodeToString(root.hash), "shards": len(w.shards)},
	})
}

// reserves groups the lines.
func (w *world) reserves(owed amounts) (assets, coverage []obj) {
	for i, a := range w.assets {
		counted, groups := new(big.Int), []obj{}
		for _, t := range a["tokens"].([]obj) {
			for _, l := range w.lines {
				if l["token"] != t["id"] {
					continue
				}
				scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a["decimals"].(int)-t["decimals"].(int))), nil)
				units := scale.Mul(scale, amount(l["amount"].(string)))
				groups = grouped(groups, obj{
					"accounts": 1, "amount": units.String(), "class": t["class"], "control": l["control"],
					"custody": l["custody"], "evidence": l["evidence"], "token": t["id"],
				})
				if l["control"] == "bound" && (t["class"] == "native" || t["class"] == "issued") {
					counted.Add(counted, units)
				}
			}
		}
		v := owed[i]
		if v == nil {
			v = new(big.Int)
		}
		c := obj{"asset": w.id(i), "counted": counted.String(), "liabilities": v.String()}
		if gap := new(big.Int).Sub(counted, v); gap.Sign() < 0 {
			c["shortfall"] = gap.Neg(gap).String()
		} else {
			c["surplus"] = gap.String()
		}
		if v.Sign() > 0 {
			whole, rest := new(big.Int).QuoRem(new(big.Int).Div(new(big.Int).Mul(counted, big.NewInt(10000)), v), big.NewInt(100), new(big.Int))
			c["coverage"] = fmt.Sprintf("%s.%02d", whole, rest)
		}
		assets = append(assets, obj{"asset": w.id(i), "counted": counted.String(), "groups": groups})
		coverage = append(coverage, c)
	}
	return assets, coverage
}

// grouped adds a line to its group, or as a group of its own.
func grouped(groups []obj, line obj) []obj {
	key := func(g obj) string {
		return fmt.Sprint(g["token"], "\x00", g["custody"], "\x00", g["evidence"], "\x00", g["control"])
	}
	for _, g := range groups {
		if key(g) == key(line) {
			g["accounts"] = g["accounts"].(int) + 1
			g["amount"] = new(big.Int).Add(amount(g["amount"].(string)), amount(line["amount"].(string))).String()
			return groups
		}
	}
	groups = append(groups, line)
	slices.SortFunc(groups, func(a, b obj) int { return strings.Compare(key(a), key(b)) })
	return groups
}

func pae(kind string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload)
}

const dsseType = "application/vnd.in-toto+json"

// seal writes manifest, statement and envelope.
func (w *world) seal(m *made, predicate obj) {
	list := []obj{}
	for _, path := range slices.Sorted(maps.Keys(m.files)) {
		part := "core"
		if strings.HasPrefix(path, "liabilities/shard-") {
			part = "shard"
		}
		list = append(list, obj{"part": part, "path": path, "sha256": hex.EncodeToString(h(m.files[path])), "size": len(m.files[path])})
	}
	manifest := obj{"files": list, "snapshot": m.snapshot, "type": "assay/v1/manifest"}
	edit(w.manifest, manifest)
	m.files["manifest.json"] = encode(manifest)
	statement := obj{
		"_type": "https://in-toto.io/Statement/v1", "predicate": predicate,
		"predicateType": "https://github.com/assay-por/assay/solvency/v1",
		"subject":       []obj{{"digest": obj{"sha256": hex.EncodeToString(h(m.files["manifest.json"]))}, "name": "manifest.json"}},
	}
	edit(w.statement, statement)
	m.payload = encode(statement)
	m.files["statement.dsse.json"] = encode(w.sign(m.payload))
}

func (w *world) sign(payload []byte) obj {
	envelope := sealedBy(dsseType, payload, append([]signer{w.exchange()}, w.approved...)...)
	edit(w.envelope, envelope)
	return envelope
}

// zipped writes the one zip of SPEC part 11.
func zipped(files map[string][]byte) []byte {
	var out, directory []byte
	le := binary.LittleEndian
	paths := slices.Sorted(maps.Keys(files))
	for _, path := range paths {
		data := files[path]
		var common []byte
		for _, v := range []int{20, 0x0800, 0, 0, 0x0021} {
			common = le.AppendUint16(common, uint16(v))
		}
		common = le.AppendUint32(common, crc32.ChecksumIEEE(data))
		common = le.AppendUint32(common, uint32(len(data)))
		common = le.AppendUint32(common, uint32(len(data)))
		common = le.AppendUint16(common, uint16(len(path)))
		common = le.AppendUint16(common, 0)
		directory = append(append(append(directory, "PK\x01\x02\x14\x00"...), common...), make([]byte, 10)...)
		directory = append(le.AppendUint32(directory, uint32(len(out))), path...)
		out = append(append(append(append(out, "PK\x03\x04"...), common...), path...), data...)
	}
	end := []byte("PK\x05\x06\x00\x00\x00\x00")
	end = le.AppendUint16(end, uint16(len(paths)))
	end = le.AppendUint16(end, uint16(len(paths)))
	end = le.AppendUint32(end, uint32(len(directory)))
	end = le.AppendUint32(end, uint32(len(out)))
	return append(append(out, directory...), append(end, 0, 0)...)
}

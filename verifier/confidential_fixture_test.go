package verifier

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/assay-por/assay/verifier/confidential/confidentialtest"
)

// pointNode is a node of a tree whose sums are points.
type pointNode struct {
	hash []byte
	sum  confidentialtest.Point
}

// pointTop is the naive tree of SPEC part 6 with the sums of part 29; path takes the siblings of leaf i.
func pointTop(level byte, leaves []pointNode, i int, path *[]obj) pointNode {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	l, r := pointTop(level, leaves[:k], i, path), pointTop(level, leaves[k:], i-k, path)
	sibling := r
	if i >= k {
		sibling = l
	}
	if i >= 0 && i < len(leaves) && path != nil {
		*path = append(*path, obj{"hash": hex.EncodeToString(sibling.hash), "sum": pointHex(sibling.sum)})
	}
	out := pointNode{hash: h([]byte{level + 1}, l.hash, encodedSum(l.sum), r.hash, encodedSum(r.sum))}
	out.sum.Add(&l.sum, &r.sum)
	return out
}

func pointRoot(level byte, leaves []pointNode) pointNode {
	top := pointTop(level, leaves, -1, nil)
	return pointNode{h([]byte{level + 2, 2}, u64(len(leaves)), top.hash, encodedSum(top.sum)), top.sum}
}

func encodedSum(p confidentialtest.Point) []byte { return confidentialtest.Encode(p) }

func pointHex(p confidentialtest.Point) string { return hex.EncodeToString(encodedSum(p)) }

// hidden is how a world's tree is made confidential: what an attack changes on the way.
type hidden struct {
	shard  func(i int, v *confidentialtest.Prover)    // before the shard's tree is made; ends with Settle
	prove  func(i int, v *confidentialtest.Prover)    // before the shard's proof is made
	top    func(v *confidentialtest.Prover)           // before the top's proof is made; ends with Settle
	total  func(i int, total *confidentialtest.Point) // what the shard list has
	totals bool                                       // are hidden: what counts takes their place
	decoys int                                        // rows of nobody in shard 0
}

var generatorsOf = sync.OnceValue(func() *confidentialtest.Generators { return confidentialtest.NewGenerators("BTC", "ETH", "USDT") })

// hide builds and signs the bundle with a confidential tree.
func (w *world) hide(t testing.TB, hidden hidden) *made {
	t.Helper()
	snapshot := obj{
		"assets": w.assets, "exchange": obj{"entity": "Demo Exchange Ltd", "name": "Demo Exchange"},
		"instant": "2026-11-01T00:00:00Z", "kind": "confidential", "period": "2026-10",
	}
	w.putMargin(snapshot)
	edit(w.snapshot, snapshot)
	id := tagged("assay/v1/snapshot", encode(snapshot))
	snapshot["id"], snapshot["blocks"] = hex.EncodeToString(id), w.blocks
	m := &made{files: map[string][]byte{}, snapshot: hex.EncodeToString(id)}
	var provers []*confidentialtest.Prover
	var tops []pointNode
	levels, list, leaves, customers := make([][]pointNode, len(w.shards)), []obj{}, 0, 0
	for i := range w.shards {
		v := w.rowsOf(i, hidden)
		v.Statement.Index, v.Statement.Snapshot = uint32(i), [32]byte(id)
		if hidden.shard != nil {
			hidden.shard(i, v)
		}
		levels[i] = w.leavesOf(i, id, v)
		root := pointRoot(0, levels[i])
		v.Statement.Root = [32]byte(root.hash)
		if hidden.prove != nil {
			hidden.prove(i, v)
		}
		m.files[shardProofPath(uint64(i))] = v.Prove()
		m.files[leavesPath(uint64(i))] = w.leavesFile(i, id, levels[i])
		total := v.Statement.Total
		if hidden.total != nil {
			hidden.total(i, &total)
		}
		tops = append(tops, pointNode{h([]byte{0x10}, root.hash, encodedSum(total)), total})
		list = append(list, obj{"leaves": len(levels[i]), "root": hex.EncodeToString(root.hash), "total": pointHex(total)})
		leaves, customers, provers = leaves+len(levels[i]), customers+len(w.shards[i]), append(provers, v)
	}
	root := pointRoot(0x10, tops)
	m.root = hex.EncodeToString(root.hash)
	top := w.topOf(provers, root, id)
	owed := slices.Clone(top.Statement.Totals)
	if hidden.totals {
		w.cover(top)
	}
	if hidden.top != nil {
		hidden.top(top)
	}
	m.files[topProofPath] = top.Prove()
	shards := obj{"kind": "confidential", "shards": list, "snapshot": m.snapshot, "type": "assay/v1/shards"}
	edit(w.shardList, shards)
	m.files[shardsPath] = encode(shards)
	w.signHidden(t, m, snapshot, top, owed, leaves, customers)
	m.proof = func(shard, leaf int) obj { return w.hiddenProof(t, m, provers, levels, tops, shard, leaf) }
	edit(w.sealed, m.files)
	return m
}

func (w *world) rowsOf(shard int, hidden hidden) *confidentialtest.Prover {
	rows := [][]*big.Int{}
	for _, c := range w.shards[shard] {
		rows = append(rows, w.everyAsset(c.owed))
	}
	if shard == 0 {
		for range hidden.decoys {
			rows = append(rows, w.everyAsset(nil))
		}
	}
	v := confidentialtest.New(w.generators(), string(rune('a'+shard)), 0, rows)
	v.Statement.Relations = w.relations()
	return v
}

func (w *world) everyAsset(s amounts) []*big.Int {
	row := make([]*big.Int, len(w.columns()))
	for j := range row {
		if row[j] = s[j]; row[j] == nil {
			row[j] = new(big.Int)
		}
	}
	return row
}

// identityOf is that of a customer, or of a decoy after them.
func (w *world) identityOf(shard, leaf int, id []byte) []byte {
	if leaf < len(w.shards[shard]) {
		return w.identity(id, w.shards[shard][leaf])
	}
	return h([]byte("decoy"), u64(leaf))
}

func (w *world) leavesOf(shard int, id []byte, v *confidentialtest.Prover) (nodes []pointNode) {
	for i, row := range v.Rows() {
		nodes = append(nodes, pointNode{h([]byte{0}, w.identityOf(shard, i, id), encodedSum(row)), row})
	}
	return nodes
}

func (w *world) leavesFile(shard int, id []byte, nodes []pointNode) []byte {
	file := append(append([]byte("assay/v1/leaves\n"), id...), binary.BigEndian.AppendUint32(nil, uint32(shard))...)
	file = append(file, u64(len(nodes))...)
	for i := range nodes {
		file = append(append(file, w.identityOf(shard, i, id)...), encodedSum(nodes[i].sum)...)
	}
	if w.leaves != nil {
		file = w.leaves(shard, file)
	}
	return file
}

// topOf is the prover over the total rows.
func (w *world) topOf(provers []*confidentialtest.Prover, root pointNode, id []byte) *confidentialtest.Prover {
	top := confidentialtest.New(w.generators(), "top", 1, nil)
	for _, v := range provers {
		top.Entries, top.Blindings = append(top.Entries, v.TotalEntries), append(top.Blindings, v.TotalBlinding)
		for j, total := range top.Statement.Totals {
			for b := range 128 {
				if e := v.TotalEntries[128*j+b]; e.IsUint64() {
					total.Add(total, new(big.Int).Lsh(new(big.Int).SetUint64(e.Uint64()), uint(b)))
				}
			}
		}
	}
	top.Statement.Root, top.Statement.Snapshot = [32]byte(root.hash), [32]byte(id)
	top.Settle()
	return top
}

// signHidden writes what is said of a confidential tree, and signs.
func (w *world) signHidden(t testing.TB, m *made, snapshot obj, top *confidentialtest.Prover, owed []*big.Int, leaves, customers int) {
	t.Helper()
	for name, list := range map[string]obj{
		"lines": {"lines": w.lines}, "control": {"signatures": w.signAs(m.root, m.snapshot)}, "claims": {"claims": w.claims(m.snapshot)},
	} {
		list["snapshot"], list["type"] = m.snapshot, "assay/v1/"+name
		m.files["reserves/"+name+".json"] = encode(list)
	}
	for chain, e := range w.evidence {
		e["snapshot"] = m.snapshot
		m.files[evidencePath(chain)] = encode(e)
	}
	totals := amounts{}
	for j, total := range owed {
		if total.Sign() != 0 {
			totals[j] = total
		}
	}
	root, err := hex.DecodeString(m.root)
	if err != nil {
		t.Fatal(err)
	}
	predicate := w.predicateOf(snapshot, node{root, totals}, leaves)
	at(predicate, "tree")["kind"], at(predicate, "ledger")["customers"] = "confidential", customers
	at(predicate, "ledger")["classes"].([]obj)[0]["customers"] = customers - 1 // one has nothing
	predicate["bands"], predicate["reserves"].(obj)["claims"] = w.bandsOf(), statedClaims(w.claims(m.snapshot))
	if top.Statement.Surplus != nil {
		hideTotals(predicate, top)
	}
	edit(w.predicate, predicate)
	edit(w.files, m.files)
	w.seal(m, predicate)
	m.raw = string(bytes.ReplaceAll([]byte(w.policy+w.full), []byte(`"KEY"`), []byte(`"`+w.publicKey()+`"`)))
	if m.policy, err = ReadPolicy([]byte(m.raw)); err != nil {
		t.Fatal(err)
	}
	if w.attach != nil {
		maps.Copy(m.files, w.attach(m))
	}
}

func (w *world) hiddenProof(t testing.TB, m *made, provers []*confidentialtest.Prover, levels [][]pointNode, tops []pointNode, shard, leaf int) obj {
	t.Helper()
	var envelope obj
	if err := json.Unmarshal(m.files["statement.dsse.json"], &envelope); err != nil {
		t.Fatal(err)
	}
	path, top := []obj{}, []obj{}
	pointTop(0, levels[shard], leaf, &path)
	pointTop(0x10, tops, shard, &top)
	c, blinding := w.shards[shard][leaf], provers[shard].Blindings[leaf].Bytes()
	return obj{
		"balances": w.json(c.owed), "blinding": hex.EncodeToString(blinding[:]), "envelope": envelope, "kind": "confidential", "nonce": hex.EncodeToString(c.nonce),
		"path": path, "shard": obj{"count": len(w.shards), "index": shard, "leaf": leaf, "leaves": len(levels[shard])},
		"snapshot": m.snapshot, "statement": hex.EncodeToString(h(m.payload)), "top": top, "total": pointHex(tops[shard].sum), "type": "assay/v1/proof",
	}
}

// filesOf are one shard's, as a customer has them.
func (m *made) filesOf(shard int) *ShardFiles {
	return &ShardFiles{opened(m.files[leavesPath(uint64(shard))]), slices.Clone(m.files[shardProofPath(uint64(shard))])}
}

// opened gives bytes anew each time.
func opened(raw []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

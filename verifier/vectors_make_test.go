package verifier

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/evidence"
)

// makeVectors makes every vector from the fixture, which is SPEC.md written down naively: one fault a file, the fault in its name.
func makeVectors(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	file := func(kind, name string, v any) {
		path := filepath.Join(vectorsDir, kind, name+".json")
		if _, ok := out[path]; ok {
			t.Fatalf("two vectors are called %s", path)
		}
		out[path] = vectorJSON(t, v)
	}
	put := func(kind, name string, v vector) { file(kind, name, v) }
	sumVectors(put)
	identityVectors(put)
	treeVectors(put)
	controlVectors(put)
	bitcoinVectors(put)
	methodVectors(put)
	proofVectors(t, put)
	bundleVectors(t, put)
	claimVectors(t, put)
	keyVectors(t, put)
	outsideVectors(t, put)
	entryVectors(t, put)
	historyVectors(t, put)
	evidenceVectors(t, put)
	evmVectors(t, put)
	beaconVectors(t, put)
	validatorVectors(t, put)
	filterVectors(t, put)
	responseVectors(t, put)
	serverVectors(t, put)
	confidentialVectors(t, func(name string, v hiddenVector) { file("confidential", name, v) })
	hiddenVectors(t, put)
	marginVectors(t, put)
	return out
}

type putter func(kind, name string, v vector)

func sumVectors(put putter) {
	entry := func(asset int, amount string) string { return hex.EncodeToString(u16(asset)) + amount }
	one, most := strings.Repeat("0", 31)+"1", strings.Repeat("f", 32)
	for _, c := range []struct{ name, attack, comment, hex, expect string }{
		{"happy-empty", "", "a customer with nothing", "0000", "pass"},
		{"happy-one-asset", "", "one base unit of the first asset", "0001" + entry(0, one), "pass"},
		{"happy-greatest-amount", "E8", "2^128-1 is an amount", "0001" + entry(2, most), "pass"},
		{"happy-high-bit", "E8", "2^127 is not negative", "0001" + entry(2, "80"+strings.Repeat("0", 30)), "pass"},
		{"happy-three-assets", "", "all assets, ascending", "0003" + entry(0, one) + entry(1, most) + entry(2, one), "pass"},
		{"asset-twice", "T13", "one asset listed twice", "0002" + entry(1, one) + entry(1, one), "refused"},
		{"descending", "T13", "assets in descending order", "0002" + entry(2, one) + entry(1, one), "refused"},
		{"zero-amount", "T13", "an explicit zero", "0001" + entry(1, strings.Repeat("0", 32)), "refused"},
		{"unknown-asset", "T13", "the registry has three assets", "0001" + entry(3, one), "refused"},
		{"seventeen-byte-amount", "T13", "a byte too many", "0001" + entry(1, one+"00"), "refused"},
		{"fifteen-byte-amount", "T13", "a byte too few", "0001" + entry(1, one[2:]), "refused"},
		{"count-too-high", "T13", "two entries announced, one there", "0002" + entry(1, one), "refused"},
		{"count-too-low", "E7", "one entry announced, two there", "0001" + entry(1, one) + entry(2, one), "refused"},
		{"truncated-count", "T13", "half a count", "00", "refused"},
		{"no-bytes", "T13", "nothing at all", "", "refused"},
	} {
		put("sum", c.name, vector{Attack: c.attack, Comment: c.comment, Expect: c.expect, Assets: 3, Hex: c.hex})
	}
}

func identityVectors(put putter) {
	snapshot, nonce := h([]byte("snapshot")), h([]byte("nonce"))
	happy := func(name, comment, typed, id string) {
		put("identity", name, vector{Comment: comment, Expect: "pass", Customer: typed, Snapshot: hex.EncodeToString(snapshot), Nonce: hex.EncodeToString(nonce),
			Identity: hex.EncodeToString(tagged("assay/v1/identity", snapshot, nonce, u16(len(id)), []byte(id)))})
	}
	happy("happy-ascii", "an e-mail address", "carol@example.org", "carol@example.org")
	happy("happy-outer-blanks", "white space at the ends is not part of the id", "\t carol@example.org \n", "carol@example.org")
	happy("happy-inner-blank", "white space inside is", "account 7", "account 7")
	happy("happy-composed", "e and a combining accent are one letter in NFC", "Zoe\u0308", "Zo\u00eb")
	happy("happy-one-byte", "the shortest id", "7", "7")
	happy("happy-256-bytes", "the longest id", strings.Repeat("x", 256), strings.Repeat("x", 256))
	for _, c := range []struct{ name, comment, typed string }{
		{"empty", "no id", ""},
		{"only-blanks", "nothing is left after trimming", " \t "},
		{"257-bytes", "a byte too many", strings.Repeat("x", 257)},
		{"control-character", "U+0007", "carol\u0007"},
		{"bidi-control", "U+202E turns the display around", "carol\u202e"},
		{"zero-width-mark", "U+200F cannot be seen", "carol\u200f@example.org"},
		{"line-separator", "U+2028", "carol\u2028dave"},
	} {
		put("identity", c.name, vector{Attack: "E2", Comment: c.comment, Expect: "refused", Customer: c.typed, Snapshot: hex.EncodeToString(snapshot), Nonce: hex.EncodeToString(nonce)})
	}
}

func treeVectors(put putter) {
	w := newWorld()
	for _, level := range []struct {
		name   string
		prefix byte
	}{{"shard", 0x00}, {"top", 0x10}} {
		for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 9} {
			v := vector{Attack: "A9", Comment: "root and paths, lowest sibling first", Expect: "pass", Level: level.name}
			var leaves []node
			for i := range n {
				id, sum := h([]byte(level.name), u64(i)), amounts{}
				for asset := range 3 {
					if (i+asset)%3 != 0 {
						sum[asset] = big.NewInt(int64(1 + i*10 + asset))
					}
				}
				v.Leaves = append(v.Leaves, vectorLeaf{Identity: hex.EncodeToString(id), Sum: hex.EncodeToString(sum.encoding())})
				leaves = append(leaves, node{h([]byte{level.prefix}, id, sum.encoding()), sum})
			}
			root := w.close(level.prefix, leaves)
			v.Root, v.Sum = hex.EncodeToString(root.hash), hex.EncodeToString(root.sum.encoding())
			for i := range n {
				path := []string{}
				for _, s := range w.path(level.prefix, leaves, i) {
					path = append(path, s["hash"].(string))
				}
				v.Paths = append(v.Paths, path)
			}
			put("tree", level.name+"-of-"+string(rune('0'+n)), v)
		}
	}
}

func controlVectors(put putter) {
	key, _ := btcec.PrivKeyFromBytes(h([]byte("wallet")))
	account := evmFixture(key).lines[0]["account"].(string)
	block, snapshot, root := "0x"+strings.Repeat("b", 64), strings.Repeat("5", 64), strings.Repeat("7", 64)
	text := evidence.Challenge("Demo Exchange", snapshot, root, evidence.Pinned{Chain: evmChain, Account: account, Block: block})
	good := vector{
		Comment: "personal_sign over the challenge", Expect: "pass", Accounts: []string{account}, Blocks: map[string]string{evmChain: block}, Exchange: "Demo Exchange",
		Method: "eip191", Root: root, Snapshot: snapshot, Signature: signEIP191(key, text), Text: text, Grade: "bound",
	}
	put("control", "happy-eip191", good)
	litecoin, owner := "bip122:530827f38f93b43ed12af0b3ad25a288", "mkq8U3JKRUsXQjVrTapPwzbZy3gvKYyq6E"
	put("control", "happy-compact-litecoin", vector{
		Comment: "signmessage of Litecoin Core 0.21.2.1", Expect: "pass", Accounts: []string{litecoin + ":" + owner}, Blocks: map[string]string{litecoin: strings.Repeat("b", 64)},
		Exchange: "Demo Exchange", Method: "compact", Root: root, Snapshot: snapshot, Grade: "bound",
		Signature: "IFj+psh9LRFs5jX/+7xt5lsbTjQXY31BVv7db2gnWfgZNidG0baTv3GQRFSc3oaUnoYFawa5fs/iDqyIfCwVePQ=",
		Text:      evidence.Challenge("Demo Exchange", snapshot, root, evidence.Pinned{Chain: litecoin, Account: litecoin + ":" + owner, Block: strings.Repeat("b", 64)}),
	})
	fault := func(name, attack, comment string, edit func(*vector)) {
		v := good
		v.Attack, v.Comment, v.Expect, v.Text, v.Grade = attack, comment, "refused", "", ""
		edit(&v)
		put("control", name, v)
	}
	fault("other-root", "B24", "signed for the root of a tree that was rebuilt", func(v *vector) { v.Root = strings.Repeat("8", 64) })
	fault("other-block", "B24", "signed for a block that is not the pinned one", func(v *vector) { v.Blocks = map[string]string{evmChain: "0x" + strings.Repeat("c", 64)} })
	fault("other-snapshot", "B1", "last period's signature", func(v *vector) { v.Snapshot = strings.Repeat("6", 64) })
	fault("other-exchange", "B15", "another exchange's signature", func(v *vector) { v.Exchange = "Demo Exchange 2" })
	fault("other-account", "B12", "another account of the same chain", func(v *vector) { v.Accounts = []string{evmChain + ":0x" + strings.Repeat("7", 40)} })
	fault("static-text", "B1", "a text without date, block or snapshot", func(v *vector) { v.Signature = signEIP191(key, "I am an OKX address") })
	fault("high-s", "B13", "s in the upper half of the order", func(v *vector) { v.Signature = highS(v.Signature) })
	fault("upper-case-hex", "E2", "one signature, one spelling", func(v *vector) { v.Signature = "0x" + strings.ToUpper(v.Signature[2:]) })
	fault("wrong-method", "B12", "a Bitcoin method for an account of Ethereum's kind", func(v *vector) { v.Method = "bip322-simple" })
}

// highS is the other signature that recovers to the same key.
func highS(signature string) string {
	raw, _ := hex.DecodeString(signature[2:])
	s := new(big.Int).Sub(btcec.S256().N, new(big.Int).SetBytes(raw[32:64]))
	s.FillBytes(raw[32:64])
	raw[64] ^= 1 // 27 and 28 change places
	if raw[64] != 27 && raw[64] != 28 {
		raw[64] = 55 - (raw[64] ^ 1)
	}
	return "0x" + hex.EncodeToString(raw)
}

func proofVectors(t testing.TB, put putter) {
	const carol = "carol@example.org"
	m := newWorld().make(t)
	happy := func(name, comment, customer string, shard, leaf int) {
		put("proof", name, vector{Comment: comment, Expect: "pass", Customer: customer, Policy: m.raw, Proof: string(encode(m.proof(shard, leaf)))})
	}
	happy("happy-three-customers", "the last of three leaves in the first of two shards", carol, 0, 2)
	happy("happy-nothing-owed", "a customer with nothing is a leaf too", "erin@example.org", 1, 1)
	one := shardOf(7).make(t)
	put("proof", "happy-one-leaf", vector{Attack: "A9", Comment: "a tree of one leaf has no path", Expect: "pass", Customer: "c0@example.org", Policy: one.raw, Proof: string(encode(one.proof(0, 0)))})

	fault := func(name, attack, check string, exit int, comment, reason string, edit func(obj)) {
		p := m.proof(0, 2)
		edit(p)
		put("proof", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Reason: reason, Customer: carol, Policy: m.raw, Proof: string(encode(p))})
	}
	const form, root = "proof.format", "proof.root"
	sum := func(units string) []obj { return []obj{{"amount": units, "asset": "BTC"}} }
	fault("balance-changed", "T9", root, 1, "one base unit more than the leaf", "", func(p obj) { p["balances"].([]obj)[0]["amount"] = "50000003" })
	fault("balance-left-out", "T9", root, 1, "one asset not shown", "", func(p obj) { p["balances"] = p["balances"].([]obj)[:1] })
	fault("balance-relabelled", "A6", root, 1, "ETH shown as USDT", "", func(p obj) { p["balances"].([]obj)[1]["asset"] = "USDT" })
	fault("nonce-changed", "I6", root, 1, "another nonce", "", func(p obj) { p["nonce"] = strings.Repeat("0", 64) })
	fault("sibling-hash-wrong-sum-right", "T11", root, 1, "shard level", "", func(p obj) { sibling(p, "path", 0)["hash"] = strings.Repeat("0", 64) })
	fault("sibling-sum-wrong-hash-right", "T11", root, 1, "shard level: the sibling is told a smaller balance", "", func(p obj) { sibling(p, "path", 0)["sum"] = sum("1") })
	fault("top-hash-wrong-sum-right", "T11", root, 1, "top level", "", func(p obj) { sibling(p, "top", 0)["hash"] = strings.Repeat("0", 64) })
	fault("top-sum-wrong-hash-right", "T11", root, 1, "top level", "", func(p obj) { sibling(p, "top", 0)["sum"] = sum("1") })
	fault("leaf-index-wrong", "T7", form, 3, "place 1 has two siblings, place 2 one", "", func(p obj) { at(p, "shard")["leaf"] = 1 })
	fault("leaf-index-beyond-count", "C3", form, 3, "leaf 3 of 3", "", func(p obj) { at(p, "shard")["leaf"] = 3 })
	fault("shard-index-wrong", "T12", root, 1, "the other shard's place", "", func(p obj) { at(p, "shard")["index"] = 1 })
	fault("leaf-count-wrong", "C3", form, 3, "a count that wants another path", "", func(p obj) { at(p, "shard")["leaves"] = 4 })
	fault("shard-count-wrong", "T12", form, 3, "three shards want another path", "", func(p obj) { at(p, "shard")["count"] = 5 })
	fault("path-entry-left-out", "T6", form, 3, "", "", func(p obj) { p["path"] = []obj{} })
	fault("path-entry-added", "T6", form, 3, "", "", func(p obj) { p["path"] = append(p["path"].([]obj), sibling(p, "path", 0)) })
	fault("top-entry-left-out", "T6", form, 3, "", "", func(p obj) { p["top"] = []obj{} })
	fault("levels-swapped", "T2", root, 1, "the top's sibling in the shard tree and the other way round", "", func(p obj) { p["path"], p["top"] = p["top"], p["path"] })
	fault("negative-amount", "A1", form, 3, "there is no negative amount", "", func(p obj) { sibling(p, "path", 0)["sum"] = sum("-1") })
	fault("amount-leading-zero", "E2", form, 3, "one value, one spelling", "", func(p obj) { sibling(p, "path", 0)["sum"] = sum("01") })
	fault("amount-2-to-128", "A2", form, 3, "2^128 is no amount", "", func(p obj) { sibling(p, "path", 0)["sum"] = sum("340282366920938463463374607431768211456") })
	fault("sum-overflows", "A2", root, 1, "the sibling's 2^128-1 and one base unit", "reaches 2^128", func(p obj) { sibling(p, "path", 0)["sum"] = sum("340282366920938463463374607431768211455") })
	fault("zero-amount", "T13", form, 3, "an explicit zero", "", func(p obj) { sibling(p, "path", 0)["sum"] = sum("0") })
	fault("asset-twice", "T13", "proof.statement", 1, "", "", func(p obj) { p["balances"] = append(p["balances"].([]obj), p["balances"].([]obj)[1]) })
	fault("assets-not-in-registry-order", "T13", "proof.statement", 1, "", "", func(p obj) {
		b := p["balances"].([]obj)
		b[0], b[1] = b[1], b[0]
	})
	fault("asset-unknown", "E6", "proof.statement", 1, "an asset that the snapshot does not list", "", func(p obj) { p["balances"].([]obj)[1]["asset"] = "DOGE" })
	fault("snapshot-other", "C10", "proof.statement", 1, "last month's tree", "", func(p obj) { p["snapshot"] = strings.Repeat("0", 64) })
	fault("statement-digest-other", "E11", "proof.statement", 1, "", "", func(p obj) { p["statement"] = strings.Repeat("0", 64) })
	fault("statement-missing", "C1", "statement.signature", 3, "neither in the proof nor beside it", "", func(p obj) { delete(p, "envelope") })
	fault("envelope-that-is-a-text", "E5", form, 3, "", "", func(p obj) { p["envelope"] = "an envelope" })
	fault("root-in-the-proof", "C1", form, 3, "a root from the proof file itself", "", func(p obj) { p["root"] = m.root })
	fault("key-missing", "E5", form, 3, "", "", func(p obj) { delete(p, "nonce") })
	fault("null", "E5", form, 3, "", "", func(p obj) { p["nonce"] = nil })
	fault("kind-unknown", "C8", form, 3, "", "", func(p obj) { p["kind"] = "secret" })
	fault("version-2", "C8", form, 4, "a file of a later version", "", func(p obj) { p["type"] = "assay/v2/proof" })

	raw := func(name, attack, comment string, edit func(string) string) {
		put("proof", name, vector{Attack: attack, Comment: comment, Expect: form, Exit: 3, Customer: carol, Policy: m.raw, Proof: edit(string(encode(m.proof(0, 2))))})
	}
	raw("trailing-garbage", "E7", "a line feed after the object", func(s string) string { return s + "\n" })
	raw("preceding-garbage", "E7", "a byte-order mark before it", func(s string) string { return "\ufeff" + s })
	raw("two-objects", "E7", "", func(s string) string { return s + s })
	raw("white-space", "E2", "a blank after a comma", func(s string) string { return strings.Replace(s, `,"kind"`, `, "kind"`, 1) })
	raw("key-twice", "E3", "the last would win", func(s string) string { return strings.Replace(s, `"kind":"plain"`, `"kind":"plain","kind":"plain"`, 1) })
	raw("keys-not-ascending", "E2", "", func(s string) string {
		return strings.Replace(s, `{"amount":"50000002","asset":"BTC"}`, `{"asset":"BTC","amount":"50000002"}`, 1)
	})
	raw("upper-case-hex", "E3", "", func(s string) string {
		before, after, _ := strings.Cut(s, `"nonce":"`)
		return before + `"nonce":"` + strings.ToUpper(after[:64]) + after[64:]
	})
	raw("number-as-float", "E2", "", func(s string) string { return strings.Replace(s, `"leaf":2`, `"leaf":2.0`, 1) })
	raw("number-beyond-2-to-53", "E4", "", func(s string) string { return strings.Replace(s, `"leaf":2`, `"leaf":9007199254740993`, 1) })
	raw("number-for-an-amount", "E4", "amounts are strings", func(s string) string { return strings.Replace(s, `"amount":"50000002"`, `"amount":50000002`, 1) })
	raw("needless-escape", "E2", "an escape where none is allowed", func(s string) string { return strings.Replace(s, `"plain"`, `"pl\u0061in"`, 1) })
	raw("truncated", "E5", "cut off in the middle", func(s string) string { return s[:len(s)/2] })
	raw("empty", "E5", "no bytes", func(string) string { return "" })
	raw("too-deep", "E9", "33 arrays", func(string) string { return strings.Repeat("[", 33) + strings.Repeat("]", 33) })

	for name, id := range map[string]string{"customer-other": "carol2@example.org", "customer-upper-case": "Carol@example.org", "customer-that-is-no-id": "carol@example.org\u200e"} {
		put("proof", name, vector{Attack: "I3", Comment: "the id that was typed is not the leaf's", Expect: root, Exit: 1, Customer: id, Policy: m.raw, Proof: string(encode(m.proof(0, 2)))})
	}
	stranger := newWorld()
	stranger.key = ed25519.NewKeyFromSeed(h([]byte("stranger")))
	put("proof", "signer-unknown", vector{Attack: "C1", Comment: "a statement by a key that the policy does not have", Expect: "statement.signature", Exit: 1, Customer: carol, Policy: m.raw,
		Proof: string(encode(stranger.make(t).proof(0, 2)))})
}

func bundleVectors(t testing.TB, put putter) {
	add := func(name, attack, check string, exit int, comment string, w *world) {
		m := w.make(t)
		put("bundle", name, vector{Attack: attack, Comment: comment, Expect: check, Exit: exit, Policy: m.raw, Files: vectorFiles(m.files)})
	}
	add("happy-liabilities-only", "", "pass", 0, "two shards, no tokens, no chains", newWorld())
	add("happy-two-chains", "", "pass", 0, "an EVM account with coins and tokens, signed for; a bitcoin output that nobody signed for", newFullWorld())
	short := newFullWorld()
	short.policy = strings.Replace(short.policy, `["bound", "none"]`, `["bound"]`, 1)
	add("happy-shortfall", "B23", "pass", 0, "a shortfall is proven like anything else", short)

	fault := func(name, attack, check string, exit int, comment string, edit func(*world)) {
		w := newFullWorld()
		edit(w)
		add(name, attack, check, exit, comment, w)
	}
	both := newWorld()
	for _, asset := range both.assets[:2] {
		asset["tokens"] = []obj{{"class": "native", "decimals": 8, "id": evmChain + "/slip44:60"}}
	}
	add("token-backs-two-assets", "A10", "snapshot", 1, "one token counted for two assets", both)
	fileFaults(fault)
	statementFaults(fault)
	reserveFaults(fault)
	policyFaults(t, put)
}

// faulty makes the vector of a bundle on two chains that was edited before it was hashed and signed.
type faulty func(name, attack, check string, exit int, comment string, edit func(*world))

func fileFaults(fault faulty) {
	sealed := func(name, attack, check string, exit int, comment string, edit func(map[string][]byte)) {
		fault(name, attack, check, exit, comment, func(w *world) { w.sealed = edit })
	}

	sealed("file-missing", "X12", "bundle.files", 3, "evidence left out", func(f map[string][]byte) { delete(f, evidencePath(evmChain)) })
	sealed("file-unknown", "X12", "bundle.files", 1, "a file that nobody signed", func(f map[string][]byte) { f["liabilities/extra.json"] = []byte("{}") })
	sealed("file-changed", "E11", "bundle.files", 1, "a line's amount changed after signing", func(f map[string][]byte) {
		f[claim.LinesPath] = bytes.Replace(f[claim.LinesPath], []byte(`"200000000"`), []byte(`"900000000"`), 1)
	})
	sealed("leaves-truncated", "X12", "bundle.files", 1, "the last byte cut off", func(f map[string][]byte) {
		p := "liabilities/shard-00001.leaves"
		f[p] = f[p][:len(f[p])-1]
	})
	sealed("leaves-missing", "T8", "liabilities.full", 3, "the policy asks for every leaf", func(f map[string][]byte) { delete(f, "liabilities/shard-00001.leaves") })
	sealed("statement-missing", "X12", "statement.signature", 3, "evidence without statement", func(f map[string][]byte) { delete(f, claim.EnvelopePath) })
	sealed("statement-truncated", "E5", "statement.signature", 3, "", func(f map[string][]byte) { f[claim.EnvelopePath] = f[claim.EnvelopePath][:200] })
	sealed("statement-trailing-garbage", "E7", "statement.signature", 3, "", func(f map[string][]byte) { f[claim.EnvelopePath] = append(f[claim.EnvelopePath], '\n') })

}

func statementFaults(fault faulty) {
	predicate := func(name, attack, check, comment string, edit func(obj)) {
		fault(name, attack, check, 1, comment, func(w *world) { w.predicate = edit })
	}
	fault("signature-of-other-bytes", "E11", "statement.signature", 1, "the payload changed after signing", func(w *world) {
		w.envelope = func(e obj) { e["payload"] = strings.Replace(e["payload"].(string), "A", "B", 1) }
	})
	fault("signature-twice", "C12", "statement.signature", 3, "one key counts once", func(w *world) {
		w.envelope = func(e obj) { e["signatures"] = append(e["signatures"].([]obj), e["signatures"].([]obj)[0]) }
	})
	fault("payload-type-other", "C12", "statement.signature", 3, "", func(w *world) { w.envelope = func(e obj) { e["payloadType"] = "text/plain" } })
	fault("predicate-other", "C12", "statement.format", 3, "", func(w *world) { w.statement = func(s obj) { s["predicateType"] = "https://slsa.dev/provenance/v1" } })
	fault("statement-version-2", "C8", "statement.format", 4, "", func(w *world) {
		w.statement = func(s obj) { s["predicateType"] = "https://github.com/assay-por/assay/solvency/v2" }
	})
	fault("exchange-other", "C1", "statement.exchange", 1, "signed for another exchange's name", func(w *world) {
		w.policy = strings.Replace(w.policy, "Demo Exchange", "Other Exchange", 1)
	})
	predicate("snapshot-renamed", "C10", "snapshot", "last month's snapshot under this month's name", func(p obj) { at(p, "snapshot")["period"] = "2026-11" })
	fault("block-after-the-instant", "C13", "snapshot", 1, "", func(w *world) {
		w.snapshot = func(s obj) { s["instant"] = "2026-10-31T23:59:49Z" }
	})
	fault("block-stale", "B2", "snapshot", 1, "older than the policy's window", func(w *world) { w.policy = strings.Replace(w.policy, `"2h"`, `"5s"`, 1) })
	fault("asset-twice", "E3", "statement.format", 3, "", func(w *world) { w.assets[1]["id"] = "BTC" })
	predicate("total-too-small", "A5", "liabilities.root", "a total below the sum of the leaves", func(p obj) {
		p["liabilities"].([]obj)[0]["amount"] = "1"
		c := p["coverage"].([]obj)[0]
		c["liabilities"], c["shortfall"] = "1", "1"
		at(p, "ledger")["classes"].([]obj)[0]["sum"].([]obj)[0]["amount"] = "1"
	})
	predicate("entries-missing", "C4", "liabilities.ledger", "rows read and rows accounted for differ", func(p obj) { at(p, "ledger")["entries"] = 12 })
	predicate("excluded-under-rule-error", "C4", "liabilities.ledger", "", func(p obj) {
		l := at(p, "ledger")
		l["negatives"].(obj)["entries"], l["entries"] = 1, l["entries"].(int)+1
	})
	fault("leaf-twice", "I5", "liabilities.full", 1, "one identity in two places", func(w *world) { w.shards[1][1] = w.shards[0][0] })
	fault("sum-only-parent", "T1", "liabilities.full", 1, "a parent that forgets its right child's sum", func(w *world) {
		w.shards = [][]customer{owing(10, 4)}
		w.shards[0][1].shown = amounts{}
		w.predicate = func(p obj) {
			l := at(p, "ledger")
			l["entries"] = 1
			l["classes"].([]obj)[0]["entries"], l["classes"].([]obj)[0]["customers"] = 1, 1
		}
	})

}

func reserveFaults(fault faulty) {
	predicate := func(name, attack, check, comment string, edit func(obj)) {
		fault(name, attack, check, 1, comment, func(w *world) { w.predicate = edit })
	}
	fault("line-inflated", "B4", "reserves.lines", 1, "more than the evidence shows", func(w *world) { w.lines[2]["amount"] = "3500000000000000001" })
	fault("line-grade-too-high", "B20", "reserves.lines", 1, "inclusion passed off as a state proof", func(w *world) { w.lines[0]["evidence"] = "state-proved" })
	fault("line-control-too-high", "B23", "reserves.lines", 1, "signed for by nobody, called bound", func(w *world) { w.lines[0]["control"] = "bound" })
	fault("line-left-out", "X12", "reserves.lines", 1, "outputs without a line", func(w *world) { w.lines = w.lines[1:] })
	fault("line-of-a-proved-balance-left-out", "X12", "evidence."+evmChain, 1, "trie nodes that no line needs", func(w *world) { w.lines = w.lines[:2] })
	fault("balances-beside-the-proof", "B9", "headers."+evmChain, 3, "numbers beside the proof", func(w *world) {
		w.evidence[evmChain]["balances"] = []obj{{"account": w.lines[2]["account"], "amount": "3500000000000000001", "token": w.lines[2]["token"]}}
	})
	fault("line-not-proved", "B7", "evidence."+evmChain, 1, "the path of one line more ends at a node that is not there", func(w *world) {
		e := w.evidence[evmChain]
		token := evmChain + ":" + strings.TrimPrefix(w.lines[1]["token"].(string), evmChain+"/erc20:")
		e["tokens"], e["nodes"] = []obj{}, slices.DeleteFunc(e["nodes"].([]string), func(n string) bool { // the token's account and its storage
			return bytes.Contains(unbased(n), keccak([]byte("code"))) || len(unbased(n)) < 60
		})
		w.lines[1] = obj{"account": token, "amount": "0", "control": "none", "custody": "own-hot", "evidence": "state-proved", "token": evmChain + "/slip44:60"}
		slices.SortFunc(w.lines, func(a, b obj) int { return strings.Compare(a["account"].(string), b["account"].(string)) })
	})
	nodes := func(name, comment string, edit func(node []byte) string) {
		fault("trie-node-"+name, "E5", "headers."+evmChain, 3, comment, func(w *world) {
			list := w.evidence[evmChain]["nodes"].([]string)
			at := slices.IndexFunc(list, func(n string) bool { return len(unbased(n))%3 == 1 })
			list[at] = edit(unbased(list[at]))
		})
	}
	nodes("in-hex", "", func(n []byte) string { return hex.EncodeToString(n) })
	nodes("without-padding", "one spelling of the same bytes", base64.RawStdEncoding.EncodeToString)
	nodes("with-bits-after-its-end", "another spelling of the same bytes", func(n []byte) string {
		text := []byte(base64.StdEncoding.EncodeToString(n))
		text[len(text)-3]++
		return string(text)
	})
	fault("trie-node-missing", "B7", "evidence."+evmChain, 1, "a missing node is not a zero", func(w *world) {
		w.evidence[evmChain]["nodes"] = w.evidence[evmChain]["nodes"].([]string)[1:]
	})
	fault("header-of-another-block", "B2", "headers."+evmChain, 1, "", func(w *world) { w.blocks[1]["hash"] = "0x" + strings.Repeat("0", 64) })
	fault("output-value-wrong", "B9", "evidence."+utxoChain, 1, "", func(w *world) { w.evidence[utxoChain]["outputs"].([]obj)[0]["amount"] = "200000001" })
	fault("branch-wrong", "B6", "evidence."+utxoChain, 1, "", func(w *world) {
		w.evidence[utxoChain]["blocks"].([]obj)[0]["transactions"].([]obj)[0]["branch"] = []string{strings.Repeat("0", 64)}
	})
	fault("node-says-spent", "B5", "evidence."+utxoChain, 1, "no node says that the output is unspent", func(w *world) {
		w.evidence[utxoChain]["attested"].([]obj)[0]["answers"].([]obj)[0]["outpoints"] = []string{}
	})
	fault("control-for-another-root", "B24", "control", 1, "", func(w *world) {
		honest := w.signAs
		w.signAs = func(_, snapshot string) []obj { return honest(strings.Repeat("0", 64), snapshot) }
	})
	fault("control-account-in-two-entries", "E3", "control", 3, "one account, signed for twice", func(w *world) {
		honest := w.signAs
		w.signAs = func(root, snapshot string) []obj { return append(honest(root, snapshot), honest(root, snapshot)...) }
	})
	predicate("counted-too-much", "B23", "reserves.totals", "coins that the rule does not count", func(p obj) {
		at(p, "reserves")["assets"].([]obj)[0]["counted"] = "200000000"
	})
	predicate("coverage-rounded-up", "A8", "coverage.stated", "58.33 printed as 58.34", func(p obj) {
		c := p["coverage"].([]obj)[1]
		c["coverage"] = bumped(c["coverage"].(string))
	})
	fault("coverage-below-policy", "A8", "coverage.policy", 1, "the policy asks for 100 %", func(w *world) { w.full = "[coverage]\nleast = \"100.00\"\n" })
	fault("anchor-of-another-block", "B20", "headers."+evmChain, 1, "the policy knows another block of that number", func(w *world) {
		w.full = "[[anchor]]\nchain = \"" + evmChain + "\"\nnumber = 100\nhash = \"0x" + strings.Repeat("0", 64) + "\"\n"
	})
	fault("token-layout-not-the-policys", "B8", "evidence."+evmChain, 1, "the policy pins another slot", func(w *world) {
		w.full = "[[token]]\nid = \"" + w.lines[1]["token"].(string) + "\"\nlayout = \"solidity\"\nslot = \"" + strings.Repeat("0", 63) + "9\"\ncode = \"0x" + hex.EncodeToString(keccak([]byte("code"))) + "\"\n"
	})

}

func policyFaults(t testing.TB, put putter) {
	m := newWorld().make(t)
	for _, c := range append([]struct{ name, comment, policy string }{
		{"policy-key-unknown", "a misspelt key must not be a default", strings.Replace(m.raw, "window =", "windows =", 1)},
		{"policy-version-2", "", strings.Replace(m.raw, "version = 1", "version = 2", 1)},
		{"policy-window-with-a-fraction", "1h30m has one spelling", strings.Replace(m.raw, `window = "2h"`, `window = "1.5h"`, 1)},
		{"policy-window-in-milliseconds", "", strings.Replace(m.raw, `window = "2h"`, `window = "7200000ms"`, 1)},
		{"policy-window-without-a-unit", "", strings.Replace(m.raw, `window = "2h"`, `window = "0"`, 1)},
		{"policy-without-keys", "nobody to believe", strings.Replace(m.raw, `keys = ["`+newWorld().publicKey()+`"]`, "keys = []", 1)},
		{"policy-key-malformed", "", strings.Replace(m.raw, "ed25519:", "ed25519:0", 1)},
	}, refusedPolicies(m.raw)...) {
		exit := ExitUnreadable
		if c.name == "policy-version-2" {
			exit = ExitUnsupported
		}
		put("bundle", c.name, vector{Comment: c.comment, Expect: "policy", Exit: exit, Policy: c.policy, Files: vectorFiles(m.files)})
	}
}

// bumped adds a hundredth to a percentage.
func bumped(ratio string) string {
	v := amount(strings.Replace(ratio, ".", "", 1))
	s := v.Add(v, big.NewInt(1)).String()
	return s[:len(s)-2] + "." + s[len(s)-2:]
}

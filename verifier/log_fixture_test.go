package verifier

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-por/assay/verifier/claim"
)

// A noteSigner is a log or a witness, by name (SPEC part 25).
type noteSigner struct {
	name string
	kind byte
	key  ed25519.PrivateKey
}

const (
	logOrigin = "exchange.example/log"
	seenAt    = 1793505600 // 2026-11-01T04:00:00Z
)

func logOf(name string) noteSigner {
	return noteSigner{name, 1, ed25519.NewKeyFromSeed(h([]byte("log " + name)))}
}

func witnessOf(name string) noteSigner {
	return noteSigner{name, 4, ed25519.NewKeyFromSeed(h([]byte("witness " + name)))}
}

func (s noteSigner) decoded() []byte {
	return append([]byte{s.kind}, s.key.Public().(ed25519.PublicKey)...)
}

func (s noteSigner) id() []byte { return h([]byte(s.name+"\n"), s.decoded())[:4] }

func (s noteSigner) vkey() string {
	return fmt.Sprintf("%s+%x+%s", s.name, s.id(), base64.StdEncoding.EncodeToString(s.decoded()))
}

func (s noteSigner) line(signature []byte) string {
	return "— " + s.name + " " + base64.StdEncoding.EncodeToString(append(s.id(), signature...)) + "\n"
}

func (s noteSigner) sign(text string) string { return s.line(ed25519.Sign(s.key, []byte(text))) }

func (s noteSigner) cosign(text string, seconds int) string {
	return s.line(append(u64(seconds), ed25519.Sign(s.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text))...))
}

// rfc6962 is the root of the leaf hashes, and the path of one of them, by the definition.
func rfc6962(leaves [][]byte, index int) (root []byte, path [][]byte) {
	if len(leaves) == 1 {
		return leaves[0], nil
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	if index < k {
		l, below := rfc6962(leaves[:k], index)
		r, _ := rfc6962(leaves[k:], 0)
		return h([]byte{1}, l, r), append(below, r)
	}
	l, _ := rfc6962(leaves[:k], 0)
	r, below := rfc6962(leaves[k:], index-k)
	return h([]byte{1}, l, r), append(below, l)
}

// A logged is a statement's entry with its place in a log, right unless it is edited.
type logged struct {
	log       noteSigner
	witnesses []noteSigner
	seconds   int // when the first witness saw it; each other saw it a minute later
	by        []signer
	edit      func(entry obj)
	entry     func(raw []byte) []byte
	index     int
	size      int
	text      func(string) string
	lines     func(text string, lines []string) []string
	proofOf   func(index int, path [][]byte) (int, [][]byte)
	proof     func(string) string
}

func newLogged(w *world) *logged {
	return &logged{log: logOf(logOrigin), witnesses: []noteSigner{witnessOf("one.example"), witnessOf("two.example")}, seconds: seenAt, by: []signer{w.exchange()}, index: 5, size: 7}
}

// entryFor enters a statement: as the fixture says it, or as an envelope has it.
func entryFor(envelope []byte) obj {
	var e struct{ Payload []byte }
	var s struct {
		Predicate struct {
			Series   obj
			Snapshot struct {
				ID, Instant, Period string
				Exchange            struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(envelope, &e); err != nil {
		panic(err)
	}
	d := json.NewDecoder(bytes.NewReader(e.Payload))
	d.UseNumber()
	if err := d.Decode(&s); err != nil {
		panic(err)
	}
	snapshot := s.Predicate.Snapshot
	return obj{
		"envelope": hex.EncodeToString(h(envelope)), "exchange": snapshot.Exchange.Name, "instant": snapshot.Instant, "issued": "2026-11-01T02:00:00Z", "kind": "statement",
		"period": snapshot.Period, "series": s.Predicate.Series, "snapshot": snapshot.ID, "statement": hex.EncodeToString(h(e.Payload)), "type": "assay/v1/entry",
	}
}

// entered is an entry, and what shows its place: the checkpoint's text and the proof.
type entered struct{ entry, text, proof []byte }

// enter makes entry and proof for an envelope.
func (l *logged) enter(envelope []byte) entered {
	e := entryFor(envelope)
	edit(l.edit, e)
	entry := []byte(entryOf(e, l.by...))
	if l.entry != nil {
		entry = l.entry(entry)
	}
	var leaves [][]byte
	for i := range l.size {
		leaf := fmt.Appendf(nil, "entry %d", i)
		if i == l.index {
			leaf = entry
		}
		leaves = append(leaves, h([]byte{0}, leaf))
	}
	root, path := rfc6962(leaves, l.index)
	text := fmt.Sprintf("%s\n%d\n%s\n", l.log.name, l.size, base64.StdEncoding.EncodeToString(root))
	if l.text != nil {
		text = l.text(text)
	}
	lines := []string{l.log.sign(text)}
	for i, w := range l.witnesses {
		lines = append(lines, w.cosign(text, l.seconds+60*i))
	}
	if l.lines != nil {
		lines = l.lines(text, lines)
	}
	index := l.index
	if l.proofOf != nil {
		index, path = l.proofOf(index, path)
	}
	proof := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", index)
	for _, p := range path {
		proof += base64.StdEncoding.EncodeToString(p) + "\n"
	}
	proof += "\n" + text + "\n" + strings.Join(lines, "")
	if l.proof != nil {
		proof = l.proof(proof)
	}
	return entered{entry, []byte(text), []byte(proof)}
}

// attachTo adds the entry and its place to the bundle of a world.
func (l *logged) attachTo(w *world) {
	also := w.attach
	w.attach = func(m *made) map[string][]byte {
		files := map[string][]byte{}
		if also != nil {
			files = also(m)
		}
		e := l.enter(m.files[claim.EnvelopePath])
		files[entryPath], files[logProofPath] = e.entry, e.proof
		return files
	}
}

// inProof is the key `log` of a proof with this envelope.
func (l *logged) inProof(envelope any) obj {
	e := l.enter(encode(envelope))
	var entry obj
	if err := json.Unmarshal(e.entry, &entry); err != nil {
		panic(err)
	}
	return obj{"entry": entry, "proof": base64.StdEncoding.EncodeToString(e.proof)}
}

// logPolicy is the section [log] of a policy that believes the fixture's log and witnesses.
func logPolicy(required bool, quorum int, witnesses ...noteSigner) string {
	if witnesses == nil {
		witnesses = []noteSigner{witnessOf("one.example"), witnessOf("two.example")}
	}
	var keys []string
	for _, w := range witnesses {
		keys = append(keys, `"`+w.vkey()+`"`)
	}
	return fmt.Sprintf("[log]\nrequired = %v\nkeys = [%q]\nwitnesses = [%s]\nquorum = %d\n", required, logOf(logOrigin).vkey(), strings.Join(keys, ", "), quorum)
}

// newLoggedWorld is a statement in a log that the policy requires, seen by two witnesses.
func newLoggedWorld() (*world, *logged) {
	w := newWorld()
	w.full = logPolicy(true, 2)
	return w, newLogged(w)
}

// A moored is the log in a block of Bitcoin, right unless it is edited (SPEC part 26).
type moored struct {
	logged  *logged
	outputs func(script []byte) [][]byte // of the transaction
	first   []byte                       // what the transaction at place 0 spends
	seconds uint32                       // of the block
	headers int
	edit    func(anchor obj)
}

const mooredAt = 800 // height of the block

func newMoored(w *world) *moored {
	l := newLogged(w)
	l.witnesses, l.size = nil, 9
	return &moored{logged: l, first: make([]byte, 32), seconds: seenAt + 3600, headers: 3}
}

// transactionTo pays nothing to some scripts from one input.
func transactionTo(from []byte, vin uint32, scripts ...[]byte) []byte {
	le := binary.LittleEndian
	b := append(append(le.AppendUint32(nil, 2), 1), from...)
	b = append(le.AppendUint32(b, vin), 2, 0x51, 0x51)
	b = append(le.AppendUint32(b, 0xffffffff), byte(len(scripts)))
	for _, script := range scripts {
		b = append(append(append(b, make([]byte, 8)...), byte(len(script))), script...)
	}
	return append(b, 0, 0, 0, 0)
}

func mined(previous, root []byte, seconds uint32) []byte {
	le := binary.LittleEndian
	for nonce := uint32(0); ; nonce++ {
		header := append(append(le.AppendUint32(nil, 2), previous...), root...)
		header = le.AppendUint32(le.AppendUint32(le.AppendUint32(header, seconds), 0x207fffff), nonce)
		if reversed(sha2(header))[0] < 0x7f {
			return header
		}
	}
}

// anchor makes anchor.json over a checkpoint's text, and the ids of its blocks.
func (m *moored) anchor(text []byte) (raw []byte, ids []string) {
	script := append([]byte("\x6a\x28assay/v1"), h(text)...)
	outputs := [][]byte{script, {0x51}}
	if m.outputs != nil {
		outputs = m.outputs(script)
	}
	coinbase, tx := transactionTo(m.first, 0xffffffff, []byte{0x51}), transactionTo(h([]byte("earlier")), 0, outputs...)
	header := mined(h([]byte("previous")), sha2(append(sha2(coinbase), sha2(tx)...)), m.seconds)
	headers := slices.Clone(header)
	ids = []string{hex.EncodeToString(reversed(sha2(header)))}
	for i := 1; i < m.headers; i++ {
		header = mined(sha2(header), h([]byte("transactions")), m.seconds+uint32(600*i))
		headers, ids = append(headers, header...), append(ids, hex.EncodeToString(reversed(sha2(header))))
	}
	anchor := obj{
		"branch": []string{hex.EncodeToString(sha2(coinbase))}, "chain": utxoChain, "coinbase": obj{"branch": []string{hex.EncodeToString(sha2(tx))}, "tx": hex.EncodeToString(coinbase)},
		"first": mooredAt, "headers": hex.EncodeToString(headers), "index": 1, "tx": hex.EncodeToString(tx), "type": "assay/v1/anchor",
	}
	edit(m.edit, anchor)
	return encode(anchor), ids
}

// attachTo adds the anchor to the bundle of a world, whose entry is there.
func (m *moored) attachTo(w *world) {
	also := w.attach
	w.attach = func(made *made) map[string][]byte {
		files := also(made)
		e := m.logged.enter(made.files[claim.EnvelopePath])
		files[anchorProofPath] = e.proof
		files[anchorPath], _ = m.anchor(e.text)
		return files
	}
}

// anchorFor is an [[anchor]] of a policy for the block so many after the anchor's.
func (m *moored) anchorFor(t testing.TB, w *world, after int) string {
	t.Helper()
	_, ids := m.anchor(m.logged.enter(w.make(t).files[claim.EnvelopePath]).text)
	return fmt.Sprintf("[[anchor]]\nchain = %q\nnumber = %d\nhash = %q\n", utxoChain, mooredAt+after, ids[after])
}

package verifier

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A base is a question whose answer is known to be sound, and whose exchange signs whatever it is told to.
type base struct {
	name string
	asked
	by  []signer               // who signs the statement again; nil: nobody can
	log func(envelope any) obj // its place in a log; nil: none
}

// basesOf are random worlds of every kind that a customer's proof can be of.
func basesOf(t *testing.T) (bases []base) {
	t.Helper()
	add := func(name string, w *world, m *made, l *logged, findings ...[]byte) {
		r := rand.New(rand.NewPCG(2, uint64(len(bases))))
		shard := r.IntN(len(w.shards))
		leaf := r.IntN(len(w.shards[shard]))
		proof := m.proof(shard, leaf)
		b := base{name: name, by: append([]signer{w.exchange()}, w.approved...)}
		if l != nil {
			b.log = l.inProof
			proof["log"] = l.inProof(proof["envelope"])
		}
		b.asked = asked{Proof: encode(proof), Policy: []byte(m.raw), Customer: w.shards[shard][leaf].id, Findings: findings}
		bases = append(bases, b)
	}
	for n := range 6 {
		w := randomWorld(rand.New(rand.NewPCG(3, uint64(n))))
		add(fmt.Sprintf("plain world %d", n), w, w.make(t), nil)
	}
	margin := newMarginWorld()
	add("margin", margin, margin.make(t), nil)
	logged, l := newLoggedWorld()
	add("log", logged, logged.make(t), l)
	logged, l = newLoggedWorld()
	logged.full += limitOfKey("KEY", "from = \"2026-01-01T00:00:00Z\"\nrevoked = \"2026-11-01T04:01:01Z\"\n")
	add("log that saves a revoked key", logged, logged.make(t), l)
	approved := newApprovedWorld()
	approved.full = approvalsOf("2", approved.approvers...)
	add("approvals", approved, approved.make(t), nil)
	device := device("exchange")
	full := newFullWorld()
	full.signer = &device
	add("reserves, signed with P-256", full, full.make(t), nil)
	auditor := person("auditor")
	believed := "[[auditor]]\nname = \"Example Accountants\"\nkeys = [\"" + auditor.text + "\"]\n"
	vouched := newWorld()
	vouched.full, vouched.policy = believed, strings.Replace(vouched.policy, "recompute = true", "recompute = true\nfinding = true", 1)
	m := vouched.hide(t, hidden{decoys: 1})
	add("confidential, counted by an auditor", vouched, m, nil, finding(auditor, m.payload, nil))
	shown := newWorld()
	m = shown.hide(t, hidden{})
	add("confidential, counted by its shard's files", shown, m, nil)
	bases[len(bases)-1].Files = map[string][]byte{shardsPath: m.files[shardsPath], topProofPath: m.files[topProofPath]}
	for i := range uint64(len(shown.shards)) {
		bases[len(bases)-1].Files[leavesPath(i)], bases[len(bases)-1].Files[shardProofPath(i)] = m.files[leavesPath(i)], m.files[shardProofPath(i)]
	}
	lent := newMarginWorld()
	lent.policy = strings.Replace(lent.policy, "recompute = true", "recompute = false", 1)
	add("confidential, margin", lent, lent.hide(t, hidden{}), nil)
	covered := newCoveredWorld()
	covered.policy = strings.Replace(covered.policy, "recompute = true", "recompute = false", 1)
	add("hidden totals", covered, covered.hide(t, hidden{totals: true}), nil)
	return bases
}

// randomWorld has one to five shards of one to nine customers each.
func randomWorld(r *rand.Rand) *world {
	w := newWorld()
	w.shards = nil
	for shard := range 1 + r.IntN(5) {
		var customers []customer
		for i := range 1 + r.IntN(9) {
			c := customer{id: fmt.Sprintf("customer-%d-%d", shard, i), owed: amounts{}}
			c.nonce = h([]byte(c.id), u64(r.Int()))
			for asset := range w.assets {
				if r.IntN(3) > 0 {
					c.owed[asset] = new(big.Int).Rsh(new(big.Int).SetBytes(h(c.nonce, u16(asset))[:15]), uint(r.IntN(115)))
					if c.owed[asset].Sign() == 0 {
						delete(c.owed, asset)
					}
				}
			}
			customers = append(customers, c)
		}
		w.shards = append(w.shards, customers)
	}
	return w
}

// A mutator changes a question, and remembers how.
type mutator struct {
	*rand.Rand
	did []string
}

func (m *mutator) say(format string, args ...any) {
	m.did = append(m.did, fmt.Sprintf(format, args...))
}

// change makes one change, of one in sixteen none.
func (m *mutator) change(b base) asked {
	q := b.asked
	if q.Files != nil {
		q.Files = m.files(b)
	}
	switch n := m.IntN(16); {
	case n == 0:
		m.say("as it is")
	case n <= 4:
		q.Proof = m.json("proof", q.Proof)
	case n == 5:
		q.Proof = m.bytes("proof", q.Proof)
	case n <= 9 && b.by != nil:
		q.Proof = m.signed(b)
	case n == 10:
		q.Policy = m.bytes("policy", q.Policy)
	case n <= 12:
		q.Policy = m.policy(q.Policy)
	case n == 13:
		q.Customer = m.customer(q.Customer)
	case n == 14:
		q.Statement, q.Proof = m.beside(q.Proof)
	default:
		q.Findings = m.findings(b)
	}
	return q
}

// files are dear to check: mostly there are none.
func (m *mutator) files(b base) map[string][]byte {
	if m.IntN(6) > 0 {
		m.say("without files")
		return nil
	}
	var proof struct{ Shard struct{ Index uint64 } }
	if err := json.Unmarshal(b.Proof, &proof); err != nil {
		panic(err)
	}
	index := proof.Shard.Index
	own := map[string][]byte{leavesPath(index): b.Files[leavesPath(index)], shardProofPath(index): b.Files[shardProofPath(index)]}
	if m.IntN(3) == 0 {
		own[shardsPath], own[topProofPath] = b.Files[shardsPath], b.Files[topProofPath]
	}
	if m.IntN(2) == 0 {
		path := slices.Sorted(maps.Keys(own))[m.IntN(len(own))]
		own[path] = m.bytes(path, own[path])
	}
	return own
}

// bytes changes a few bytes of a text.
func (m *mutator) bytes(what string, raw []byte) []byte {
	raw = bytes.Clone(raw)
	at := m.IntN(len(raw))
	switch m.IntN(6) {
	case 0:
		raw[at] ^= 1 << m.IntN(8)
		m.say("%s: a bit of byte %d", what, at)
	case 1:
		raw[at] = byte(' ' + m.IntN(95))
		m.say("%s: byte %d is %q", what, at, raw[at])
	case 2:
		raw = slices.Delete(raw, at, min(len(raw), at+1+m.IntN(3)))
		m.say("%s: bytes at %d are left out", what, at)
	case 3:
		raw = slices.Insert(raw, at, byte(' '+m.IntN(95)))
		m.say("%s: %q is put in at %d", what, raw[at], at)
	case 4:
		raw = raw[:at]
		m.say("%s: cut at %d", what, at)
	default:
		raw = append(raw, "\n \x00}é"[m.IntN(6)])
		m.say("%s: a byte at the end", what)
	}
	return raw
}

// json changes a value somewhere in a text of canonical JSON, and leaves it canonical.
func (m *mutator) json(what string, raw []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return encode(m.value(what, v, 0))
}

// value goes down to a place at random, and changes what stands there.
func (m *mutator) value(at string, v any, depth int) any {
	if depth > 0 && m.IntN(40) == 0 {
		other := []any{nil, true, json.Number("0"), json.Number("1.5"), json.Number("18446744073709551616"), "", []any{}, obj{}}[m.IntN(8)]
		m.say("%s is %v", at, other)
		return other
	}
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 || m.IntN(8) == 0 {
			return m.object(at, v, keys)
		}
		key := keys[m.IntN(len(keys))]
		v[key] = m.value(at+"."+key, v[key], depth+1)
		return v
	case []any:
		if len(v) == 0 || m.IntN(6) == 0 {
			return m.array(at, v)
		}
		i := m.IntN(len(v))
		v[i] = m.value(fmt.Sprintf("%s[%d]", at, i), v[i], depth+1)
		return v
	case json.Number:
		return m.number(at, v)
	case string:
		return m.text(at, v)
	}
	m.say("%s is null", at)
	return nil
}

func (m *mutator) object(at string, v map[string]any, keys []string) any {
	if len(keys) == 0 || m.IntN(3) == 0 {
		m.say("%s has a key more", at)
		v["more"] = "1"
		return v
	}
	key := keys[m.IntN(len(keys))]
	if m.IntN(2) == 0 {
		v[key+"s"] = v[key]
	}
	m.say("%s has no %s", at, key)
	delete(v, key)
	return v
}

func (m *mutator) array(at string, v []any) any {
	if len(v) == 0 {
		m.say("%s has an entry more", at)
		return append(v, "1")
	}
	i, k := m.IntN(len(v)), m.IntN(len(v))
	switch m.IntN(4) {
	case 0:
		m.say("%s without entry %d", at, i)
		return slices.Delete(v, i, i+1)
	case 1:
		m.say("%s with entry %d twice", at, i)
		return slices.Insert(v, k, v[i])
	case 2:
		m.say("%s with %d and %d changed about", at, i, k)
		v[i], v[k] = v[k], v[i]
		return v
	}
	m.say("%s is empty", at)
	return []any{}
}

func (m *mutator) number(at string, n json.Number) any {
	v, ok := new(big.Int).SetString(n.String(), 10)
	if !ok {
		panic(n)
	}
	change := []*big.Int{big.NewInt(1), big.NewInt(-1), big.NewInt(1 << 20), new(big.Int).Neg(v), new(big.Int).Lsh(big.NewInt(1), 53), new(big.Int).Lsh(big.NewInt(1), 64)}[m.IntN(6)]
	m.say("%s is %s more", at, change)
	return json.Number(v.Add(v, change).String())
}

// text changes a text so that it may stay one of its kind.
func (m *mutator) text(at, s string) any {
	if number, ok := new(big.Int).SetString(s, 10); ok && m.IntN(3) > 0 {
		change := []*big.Int{big.NewInt(1), big.NewInt(-1), new(big.Int).Lsh(big.NewInt(1), 127), new(big.Int).Lsh(big.NewInt(1), 128), new(big.Int).Neg(number)}[m.IntN(5)]
		m.say("%s is %s more", at, change)
		return number.Add(number, change).String()
	}
	if strings.Contains(s, "/v1") && m.IntN(2) == 0 {
		m.say("%s of another version", at)
		return strings.Replace(s, "/v1", "/v2", 1)
	}
	if s == "" {
		m.say("%s is a blank", at)
		return " "
	}
	i := m.IntN(len(s))
	const digits = "0123456789abcdef"
	switch m.IntN(8) {
	case 0:
		m.say("%s is empty", at)
		return ""
	case 1:
		m.say("%s with a zero in front", at)
		return "0" + s
	case 2:
		m.say("%s in capitals", at)
		return strings.ToUpper(s)
	case 3:
		m.say("%s cut at %d", at, i)
		return s[:i]
	case 4:
		more := []string{"\u0001", "é", "\u00a0", "Z", "/", "\U0001F600", "\u2028"}[m.IntN(7)]
		m.say("%s and %q", at, more)
		return s + more
	}
	m.say("%s with another character at %d", at, i)
	return s[:i] + string(digits[m.IntN(16)]) + s[i+1:]
}

// signed is the proof with a statement that says something else, signed again: the exchange is the attacker.
func (m *mutator) signed(b base) []byte {
	var proof obj
	if err := json.Unmarshal(b.Proof, &proof); err != nil {
		panic(err)
	}
	payload, err := base64.StdEncoding.DecodeString(at(proof, "envelope")["payload"].(string))
	if err != nil {
		panic(err)
	}
	payload = m.json("statement", payload)
	if m.IntN(3) == 0 {
		payload = m.identified(payload)
	}
	var envelope any
	if err := json.Unmarshal(encode(sealedBy(dsseType, payload, b.by...)), &envelope); err != nil {
		panic(err)
	}
	proof["envelope"], proof["statement"] = envelope, hex.EncodeToString(h(payload))
	if b.log != nil {
		proof["log"] = loggedAgain(b, envelope)
	}
	return encode(proof)
}

// loggedAgain enters the new statement, if it can still be read as one; if not the old place stays.
func loggedAgain(b base, envelope any) (log any) {
	var proof obj
	if err := json.Unmarshal(b.Proof, &proof); err != nil {
		panic(err)
	}
	defer func() {
		if recover() != nil {
			log = proof["log"]
		}
	}()
	return b.log(envelope)
}

// identified gives a changed snapshot the id that belongs to it.
func (m *mutator) identified(payload []byte) []byte {
	var statement obj
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if err := d.Decode(&statement); err != nil {
		return payload
	}
	predicate, ok := statement["predicate"].(obj)
	if !ok {
		return payload
	}
	snapshot, ok := predicate["snapshot"].(obj)
	if !ok {
		return payload
	}
	named := maps.Clone(snapshot)
	delete(named, "id")
	delete(named, "blocks")
	snapshot["id"] = hex.EncodeToString(tagged("assay/v1/snapshot", encode(named)))
	m.say("the snapshot with its id")
	return encode(statement)
}

// policy changes lines of the policy, or how TOML spells them.
func (m *mutator) policy(raw []byte) []byte {
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	i, k := m.IntN(len(lines)), m.IntN(len(lines))
	key, value, assigned := strings.Cut(lines[i], " = ")
	switch n := m.IntN(10); {
	case n == 0:
		lines = slices.Delete(lines, i, i+1)
	case n == 1:
		lines = slices.Insert(lines, k, lines[i])
	case n == 2:
		lines[i], lines[k] = lines[k], lines[i]
	case n == 3:
		lines[i] += []string{" # a comment", "\r", "\t", " \u00a0", ",", " #\u0001", "\ufeff"}[m.IntN(7)]
	case n == 4 && assigned:
		lines[i] = `"` + key + `" = ` + value
	case n == 5 && assigned:
		lines[i] = strings.ToUpper(key) + " = " + value
	case n <= 8 && assigned:
		values := []string{"true", "false", "0", "1", "2", "1.0", "0x1", "1_0", "+1", "-1", `"2h"`, `"1m"`, `"0s"`, `"-1h"`, `"1.5h"`, `"1h30m"`, `"2 h"`, `'native'`, `["native"]`, `["native", "issued",]`, `[]`, `"\u0041"`, `"""x"""`,
			"1979-05-27", "inf", "{}", `"none"`, `["bound", "bound"]`, `"100.00"`, `"header-trusted"`, `"node-attested"`, "18446744073709551616", "9223372036854775807", `"2026-11-01T02:00:00Z"`, `"` + person("stranger").text + `"`, `["` + person("stranger").text + `"]`}
		lines[i] = key + " = " + values[m.IntN(len(values))]
	default:
		lines = append(lines, []string{"[coverage]\nleast = \"100.00\"", "[coverage]\nleast = \"100\"", "[log]", "[more]", "more = 1", "[evidence]", "[[anchor]]\nchain = \"eip155:1\"\nnumber = 1\nhash = \"0x" + strings.Repeat("a", 64) + "\"",
			"[approvals]\nrequired = 1\nkeys = [\"" + person("treasurer").text + "\"]", "[[key]]\nkey = \"" + person("treasurer").text + "\"\nuntil = \"2026-01-01T00:00:00Z\"", "[[custodian]]\nname = \"A\"\nkey = \"" + person("director").text + "\"",
			"[[auditor]]\nname = \"A\"\nkeys = [\"" + device("auditor").text + "\"]", "[[auditor]]\nname = \"A\"\nkeys = []", "[exchange.more]", "anchor = []"}[m.IntN(14)])
	}
	m.say("policy: line %d, %d, now ends %q", i, k, lines[min(i, len(lines)-1):][0])
	return []byte(strings.Join(lines, "\n") + "\n")
}

// customer is somebody else, or the same person who types it in another way.
func (m *mutator) customer(id string) string {
	ids := []string{"", " ", id + " ", "\t" + id + "\n", "\u00a0" + id, strings.ToUpper(id), id + "x", strings.Replace(id, "e", "e\u0301", 1), strings.Replace(id, "e", "\u00e9", 1), id + "\u0000", id + "\u200b", "\ufeff" + id, id + "\u2028", id + "\u0085", "\u3000" + id, strings.Repeat("x", 257), strings.Repeat("é", 128), "\ufffd", id + "\U0001F600"}
	out := ids[m.IntN(len(ids))]
	m.say("the customer types %q", out)
	return out
}

// beside puts the statement beside the proof, leaves it in too or not, or puts another there.
func (m *mutator) beside(proof []byte) (statement, left []byte) {
	var p obj
	if err := json.Unmarshal(proof, &p); err != nil {
		panic(err)
	}
	statement = encode(p["envelope"])
	switch m.IntN(4) {
	case 0:
		m.say("the statement beside the proof")
		delete(p, "envelope")
	case 1:
		m.say("the statement in the proof and beside it")
	case 2:
		m.say("no statement")
		delete(p, "envelope")
		statement = nil
	default:
		statement = m.json("statement beside", statement)
	}
	return statement, encode(p)
}

// findings are those of an auditor, changed, or of somebody who is none.
func (m *mutator) findings(b base) [][]byte {
	var proof obj
	if err := json.Unmarshal(b.Proof, &proof); err != nil {
		panic(err)
	}
	payload, err := base64.StdEncoding.DecodeString(at(proof, "envelope")["payload"].(string))
	if err != nil {
		panic(err)
	}
	switch m.IntN(4) {
	case 0:
		m.say("a stranger's finding")
		return [][]byte{finding(person("stranger"), payload, nil)}
	case 1:
		m.say("a finding of other checks")
		return [][]byte{finding(person("auditor"), payload, func(_, predicate obj) { predicate["checks"] = []obj{{"name": "liabilities.full", "result": "skipped"}} })}
	case 2:
		m.say("none")
		return nil
	}
	return [][]byte{m.json("finding", finding(person("auditor"), payload, nil))}
}

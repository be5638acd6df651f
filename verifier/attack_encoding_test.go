package verifier

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// parsers are all readers of untrusted JSON here, each with a file that it accepts.
func parsers(t testing.TB) map[string]struct {
	good  []byte
	parse func([]byte) error
} {
	m := newFullWorld().make(t)
	type parser = struct {
		good  []byte
		parse func([]byte) error
	}
	return map[string]parser{
		"proof":     {encode(m.proof(0, 0)), func(b []byte) error { _, err := tree.ParseProof(b); return err }},
		"shards":    {m.files[shardsPath], func(b []byte) error { _, err := tree.ParseShards(b); return err }},
		"envelope":  {m.files[claim.EnvelopePath], func(b []byte) error { _, err := claim.ParseEnvelope(b); return err }},
		"statement": {m.payload, func(b []byte) error { _, err := claim.ParseStatement(b); return err }},
		"entry": {[]byte(entryOf(statementEntry("a", 0, "2026-10", "", ""), person("exchange"))), func(b []byte) error {
			_, err := claim.ParseEntry(b)
			return err
		}},
		"finding":  {finding(device("auditor"), m.payload, nil), func(b []byte) error { _, err := claim.ParseFinding(b); return err }},
		"manifest": {m.files[claim.ManifestPath], func(b []byte) error { _, err := claim.ParseManifest(b); return err }},
		"lines":    {m.files[claim.LinesPath], func(b []byte) error { _, err := claim.ParseLines(b); return err }},
		"control":  {m.files[claim.ControlPath], func(b []byte) error { _, err := claim.ParseControl(b); return err }},
		"evm": {m.files[evidencePath(evmChain)], func(b []byte) error {
			_, err := parseEvidence(b, m.snapshot, evmChain)
			return err
		}},
		"utxo": {m.files[evidencePath(utxoChain)], func(b []byte) error {
			_, err := parseEvidence(b, m.snapshot, utxoChain)
			return err
		}},
	}
}

// Names are hashed with their length, so "1"+"23" is not "12"+"3"; and no two sums have one encoding.
func TestE01_AmbiguousJoining(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) amounts {
			s := amounts{}
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5), 0, 4, rapid.ID).Draw(t, name) {
				s[i] = big.NewInt(rapid.Int64Range(1, 300).Draw(t, name))
			}
			return s
		}
		a, b := draw("a"), draw("b")
		left := append(a.encoding(), b.encoding()...)
		c, d := draw("c"), draw("d")
		right := append(c.encoding(), d.encoding()...)
		if bytes.Equal(left, right) && (!bytes.Equal(a.encoding(), c.encoding()) || !bytes.Equal(b.encoding(), d.encoding())) {
			t.Fatal("two pairs of sums have one encoding")
		}
	})
	// the nonce's end moved into the id: a concatenation without length would be the same
	m := shardOf(5)
	m.identity = func(snapshot []byte, c customer) []byte {
		return tagged("assay/v1/identity", snapshot, c.nonce, []byte(c.id))
	}
	built := m.make(t)
	refused(t, verifyProof(built, built.proof(0, 0), "c0@example.org"), "proof.root", "the root comes out as")
}

func TestE02_SeveralSpellings(t *testing.T) {
	for name, p := range parsers(t) {
		if err := p.parse(p.good); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for what, edit := range map[string]func(string) string{
			"space":           func(s string) string { return strings.Replace(s, ":", ": ", 1) },
			"newline":         func(s string) string { return s + "\n" },
			"byte-order mark": func(s string) string { return "\ufeff" + s },
			"escaped slash":   func(s string) string { return strings.Replace(s, `:"`, `:"\/`, 1) },
			"unicode escape":  func(s string) string { return strings.Replace(s, `:"`, `:"\u0041`, 1) },
			"key order":       moveFirstKey,
		} {
			if err := p.parse([]byte(edit(string(p.good)))); err == nil {
				t.Errorf("%s: %s is accepted", name, what)
			}
		}
	}
	for _, number := range []string{"01", "+1", "-0", "1.0", "1e0", "٣"} {
		m := newWorld().make(t)
		raw := strings.Replace(string(encode(m.proof(0, 0))), `"leaf":0`, `"leaf":`+number, 1)
		if _, err := tree.ParseProof([]byte(raw)); err == nil {
			t.Errorf("leaf %s is accepted", number)
		}
	}
}

// moveFirstKey puts the first key of an object last.
func moveFirstKey(s string) string {
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s), &top); err != nil {
		panic(err)
	}
	first := s[2 : strings.Index(s[2:], `"`)+2]
	member := `"` + first + `":` + string(top[first])
	return "{" + strings.TrimPrefix(s[1:len(s)-1], member+",") + "," + member + "}"
}

func TestE03_DuplicateKeysAndCase(t *testing.T) {
	for name, p := range parsers(t) {
		s := string(p.good)
		first := s[1 : strings.Index(s, ":")+1]
		doubled := "{" + first + `"x",` + s[1:]
		if err := p.parse([]byte(doubled)); err == nil {
			t.Errorf("%s: a doubled key is accepted", name)
		}
	}
	m := newWorld().make(t)
	for _, key := range []string{"nonce", "snapshot", "statement"} {
		p := m.proof(0, 0)
		p[key] = strings.ToUpper(p[key].(string))
		refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", key+": not a hash")
	}
	w := newWorld()
	w.snapshot = func(s obj) { s["assets"] = append(w.assets, w.assets[0]) }
	v := verify(t, w.make(t))
	if v.Proven {
		t.Error("an asset twice in the registry is proven")
	}
	w = newWorld()
	w.assets[1]["id"], w.assets[1]["decimals"] = "BTC", 8
	v = verify(t, w.make(t))
	if c := find(v, "statement.format"); c.Result != Fail {
		t.Errorf("an asset twice: got %+v", c)
	}
}

func TestE04_NumbersBeyond53Bits(t *testing.T) {
	m := newWorld().make(t)
	for _, number := range []string{"9007199254740992", "18446744073709551617", "99999999999999999999999999"} {
		raw := strings.Replace(string(encode(m.proof(0, 0))), `"leaf":0`, `"leaf":`+number, 1)
		v := Proof(ProofInput{Proof: []byte(raw), Policy: m.policy, Customer: "alice@example.org"})
		refused(t, v, "proof.format", "shard.leaf: an integer above 2147483647")
	}
	raw := strings.Replace(string(encode(m.proof(0, 0))), `"amount":"50000000"`, `"amount":50000000`, 1)
	v := Proof(ProofInput{Proof: []byte(raw), Policy: m.policy, Customer: "alice@example.org"})
	refused(t, v, "proof.format", "balances[0].amount: want a string")
}

func TestE05_CrashOnMalformedInput(t *testing.T) {
	for name, p := range parsers(t) {
		for _, bad := range []string{
			"", "null", "{}", "[]", `""`, "0", "{", `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":}`, "[", "[[", `{"balances":null}`, "\x00", "\xff\xfe",
			strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `{"assets":[{}]}`,
		} {
			err := p.parse([]byte(bad))
			if err == nil {
				t.Errorf("%s: %.20q is accepted", name, bad)
			} else if code := ExitCode(err); code != ExitUnreadable {
				t.Errorf("%s: %.20q gives exit %d: %v", name, bad, code, err)
			}
		}
		for cut := 0; cut < len(p.good); cut += 1 + len(p.good)/200 {
			if err := p.parse(p.good[:cut]); err == nil {
				t.Errorf("%s: cut at byte %d it is accepted", name, cut)
			}
		}
	}
}

func TestE06_AssetListDrift(t *testing.T) {
	m := newWorld().make(t)
	p := m.proof(0, 0)
	p["balances"].([]obj)[1]["asset"] = "LTC"
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.statement", `asset "LTC" is not in the statement's registry`)
	older := newWorld()
	older.assets[0], older.assets[1] = older.assets[1], older.assets[0]
	other := older.make(t)
	p = m.proof(0, 0)
	p["envelope"] = other.proof(0, 0)["envelope"]
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.statement", "the proof is for statement")
	w := newWorld()
	w.predicate = func(p obj) { l := p["liabilities"].([]obj); l[0], l[1] = l[1], l[0] }
	refused(t, verify(t, w.make(t)), "statement.format", "predicate.liabilities: does not name exactly the registry's assets")
}

func TestE07_TrailingData(t *testing.T) {
	for name, p := range parsers(t) {
		for _, more := range []string{" ", "{}", "\x00", "]", "}"} {
			if err := p.parse(append(bytes.Clone(p.good), more...)); err == nil {
				t.Errorf("%s: trailing %q is accepted", name, more)
			}
			if err := p.parse(append([]byte(more), p.good...)); err == nil {
				t.Errorf("%s: preceding %q is accepted", name, more)
			}
		}
	}
	z := zipped(newWorld().make(t).files)
	for _, bad := range [][]byte{append(bytes.Clone(z), 0), append([]byte{0}, z...), z[:len(z)-1], append(bytes.Clone(z), z...)} {
		if _, err := Zip(bytes.NewReader(bad), int64(len(bad))); ExitCode(err) != ExitUnreadable {
			t.Errorf("a zip with %d bytes instead of %d: got %v", len(bad), len(z), err)
		}
	}
}

func TestE08_SignOrWidthLost(t *testing.T) {
	for _, shift := range []uint{7, 8, 31, 32, 63, 64, 127} {
		w := shardOf(1, 2)
		w.shards[0][0].owed = amounts{0: new(big.Int).Lsh(big.NewInt(1), shift), 2: big.NewInt(255)}
		m := w.make(t)
		proven(t, verify(t, m))
		proven(t, verifyProof(m, m.proof(0, 0), "c0@example.org"))
	}
	rapid.Check(t, func(t *rapid.T) {
		v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 17).Draw(t, "v"))
		a, err := tree.ParseAmount(v.String())
		if (err == nil) != (v.BitLen() <= 128) || err == nil && a.String() != v.String() {
			t.Fatalf("%s: got %s, %v", v, a, err)
		}
	})
}

func TestE09_SizeBombs(t *testing.T) {
	nest := func(depth int) []byte { // an envelope of this depth within a proof
		p := newWorld().make(t).proof(0, 0)
		p["envelope"] = json.RawMessage(strings.Repeat(`{"a":`, depth-2) + "{}" + strings.Repeat("}", depth-2))
		return encode(p)
	}
	if _, err := tree.ParseProof(nest(32)); err != nil {
		t.Errorf("32 levels: %v", err)
	}
	if _, err := tree.ParseProof(nest(33)); err == nil || !strings.Contains(err.Error(), "deeper than 32") {
		t.Errorf("33 levels: %v", err)
	}
	m := newWorld().make(t)
	for list, limit := range map[string]int{"path": 31, "top": 20} {
		p := m.proof(0, 0)
		for len(p[list].([]obj)) < limit {
			p[list] = append(p[list].([]obj), sibling(p, list, 0))
		}
		refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "siblings, ")
		p[list] = append(p[list].([]obj), sibling(p, list, 0))
		refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "more than")
	}
	big := bytes.Repeat([]byte(" "), 28<<20+1)
	for name, err := range map[string]error{
		"proof":     func() error { _, err := tree.ParseProof(big); return err }(),
		"statement": func() error { _, err := claim.ParseStatement(big[:16<<20+1]); return err }(),
		"envelope":  func() error { _, err := claim.ParseEnvelope(big[:24<<20+1]); return err }(),
		"policy":    func() error { _, err := claim.ParsePolicy(big[:1<<20+1]); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "the limit is") {
			t.Errorf("%s above its limit: %v", name, err)
		}
	}
	pad := strings.Repeat("A", 4<<20)
	p := m.proof(0, 0)
	p["snapshot"] = pad
	refused(t, verifyProof(m, p, "alice@example.org"), "proof.format", "snapshot: not a hash")
	w := newWorld()
	for len(w.assets) <= 1024 {
		w.assets = append(w.assets, obj{"decimals": 0, "id": "A" + big10(len(w.assets)), "tokens": []obj{}})
	}
	refused(t, verify(t, w.make(t)), "statement.format", "more than 1024 entries")
	w.assets = w.assets[:1024]
	proven(t, verify(t, w.make(t)))
	t.Run("files", func(t *testing.T) {
		files := newWorld().make(t)
		f, err := Folder(folder(files.files))
		if err != nil {
			t.Fatal(err)
		}
		f.byPath[claim.EnvelopePath] = listed{path: claim.EnvelopePath, size: 24<<20 + 1}
		refused(t, Bundle(f, files.policy, Options{}), "statement.signature", "25165825 bytes, the limit is 25165824")
	})
}

func big10(i int) string { return big.NewInt(int64(i)).String() }

// A name that would redraw a terminal or run in a spreadsheet's or browser's eyes never gets past the statement's format.
func TestE10_RendererInjection(t *testing.T) {
	for _, name := range []string{"Demo\x1b[2J", "Demo\u202eegnahcxE", "Demo\u0007", "Demo\u2028x", "Démo Exchange"} {
		w := newWorld()
		w.snapshot = func(s obj) { at(s, "exchange")["name"] = name }
		v := verify(t, w.make(t))
		if c := find(v, "statement.format"); c.Result != Fail || !strings.Contains(c.Detail, "predicate.snapshot.exchange.name") {
			t.Errorf("%q: got %+v", name, c)
		}
		for _, c := range v.Checks {
			if strings.ContainsAny(c.Detail, "\x1b\u202e\u0007") {
				t.Errorf("%q: the verdict repeats it: %q", name, c.Detail)
			}
		}
	}
	w := newWorld()
	w.assets[0]["id"] = `=HYPERLINK("x")`
	refused(t, verify(t, w.make(t)), "statement.format", "not an asset id")
}

// The payload that was signed is what is read: another payload, or the same values written otherwise, does not verify.
func TestE11_SignatureOverOtherBytes(t *testing.T) {
	w := newWorld()
	w.envelope = func(e obj) {
		payload, _ := base64.StdEncoding.DecodeString(e["payload"].(string))
		e["payload"] = base64.StdEncoding.EncodeToString(bytes.Replace(payload, []byte("spot accounts"), []byte("all accounts!"), 1))
	}
	refused(t, verify(t, w.make(t)), "statement.signature", "does not verify")
	w.envelope = func(e obj) {
		payload, _ := base64.StdEncoding.DecodeString(e["payload"].(string))
		e["payload"] = base64.StdEncoding.EncodeToString(append(payload, '\n'))
	}
	refused(t, verify(t, w.make(t)), "statement.signature", "does not verify")
	w.envelope = nil
	m := w.make(t)
	refused(t, Proof(ProofInput{
		Proof: encode(m.proof(0, 0)), Policy: m.policy, Customer: "alice@example.org",
		Statement: newFullWorld().make(t).files[claim.EnvelopePath],
	}), "statement.signature", "the statement in the proof and the one beside it are not the same")
}

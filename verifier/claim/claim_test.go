package claim

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/assay-por/assay/verifier/canon"
)

const goodPolicy = `version = 1

[exchange]
name = "Demo Exchange"
keys = ["ed25519:0000000000000000000000000000000000000000000000000000000000000000"]

[evidence]
least = "inclusion-proved"
control = ["bound", "owner-proved", "script", "spend"]
classes = ["native", "issued"]
window = "2h"
anchored = false

[liabilities]
recompute = true

[coverage]
least = "100.00"

[[anchor]]
chain = "eip155:1"
number = 21000000
hash = "0x0000000000000000000000000000000000000000000000000000000000000000"

[[token]]
id = "eip155:1/erc20:0x0000000000000000000000000000000000000000"
layout = "solidity"
slot = "0000000000000000000000000000000000000000000000000000000000000000"
code = "0x0000000000000000000000000000000000000000000000000000000000000000"
`

func TestPolicy(t *testing.T) {
	p, err := ParsePolicy([]byte(goodPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if p.Exchange != "Demo Exchange" || len(p.Keys) != 1 || !p.Recompute || p.Anchored || p.Window.Hours() != 2 ||
		len(p.Anchors) != 1 || len(p.Tokens) != 1 || p.Nodes != 1 || p.LeastCoverage.String() != "100.00" {
		t.Errorf("got %+v", p)
	}
	full := strings.Replace(goodPolicy, "anchored = false", "anchored = false\nnodes = 2", 1) +
		"bits = 255\nproxy = \"eip1967\"\nimplementation = \"0x" + hash0 + "\"\nformula = \"" + hash0 + "\"\n"
	if p, err = ParsePolicy([]byte(full)); err != nil {
		t.Fatal(err)
	}
	if x := p.Tokens[0]; p.Nodes != 2 || x.Bits != 255 || x.Proxy != "eip1967" || x.Implementation != "0x"+hash0 || x.Formula != hash0 {
		t.Errorf("got %+v", p)
	}
	proxy := "code = \"0x" + hash0 + "\"\n"
	for name, c := range map[string]struct{ from, to, want string }{
		"no nodes":             {"anchored = false", "anchored = false\nnodes = 0", "evidence.nodes: 0, want an integer from 1"},
		"fewer than no nodes":  {"anchored = false", "anchored = false\nnodes = -1", "evidence.nodes: -1, want an integer from 1"},
		"nodes as text":        {"anchored = false", "anchored = false\nnodes = \"2\"", "line 13"},
		"bits 0":               {proxy, proxy + "bits = 0\n", "token[0].bits: 0, want an integer from 1 to 255"},
		"bits 256":             {proxy, proxy + "bits = 256\n", "token[0].bits: 256, want an integer from 1 to 255"},
		"unknown proxy":        {proxy, proxy + "proxy = \"beacon\"\nimplementation = \"0x" + hash0 + "\"\n", "token[0].proxy: not a known proxy"},
		"proxy alone":          {proxy, proxy + "proxy = \"eip1967\"\n", "token[0]: want proxy and implementation, or neither"},
		"implementation alone": {proxy, proxy + "implementation = \"0x" + hash0 + "\"\n", "token[0]: want proxy and implementation, or neither"},
		"implementation's hex": {proxy, proxy + "proxy = \"eip1967\"\nimplementation = \"" + hash0 + "\"\n", "token[0].implementation: want 0x and 64"},
		"formula's hex":        {proxy, proxy + "formula = \"0x" + hash0 + "\"\n", "token[0].formula: not a hash"},
		"token of Tron":        {"eip155:1/erc20:0x" + strings.Repeat("0", 40), "tron:0x2b6653dc/trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "token[0].id: not an ERC-20 token"},
		"unknown key":          {"anchored = false", "anchored = false\nanchord = true", `line 13, column 1: unknown key "evidence.anchord"`},
		"other case":           {"anchored = false", "Anchored = false", "keys are lower case"},
		"doubled key":          {"anchored = false", "anchored = false\nanchored = true", "line 13"},
		"missing key":          {"anchored = false", "", "evidence.anchored: missing"},
		"missing section":      {"[liabilities]\nrecompute = true", "", "are required"},
		"missing version":      {"version = 1", "", "version: missing"},
		"no keys":              {`["ed25519:` + strings.Repeat("0", 64) + `"]`, "[]", "exchange.keys: empty"},
		"key twice":            {`keys = [`, `keys = ["ed25519:` + strings.Repeat("0", 64) + `", `, "exchange.keys: entry 1: twice"},
		"upper-case key":       {"ed25519:00", "ed25519:AA", "not a public key"},
		"unknown grade":        {"inclusion-proved", "very-sure", "evidence.least: not a known evidence grade"},
		"unknown control":      {`"bound"`, `"bond"`, "evidence.control: entry 0"},
		"window":               {`"2h"`, `"-2h"`, "evidence.window: want a duration"},
		"percent":              {`"100.00"`, `"100"`, "coverage.least: want a percentage"},
		"recompute as text":    {"recompute = true", `recompute = "true"`, "line 15"},
		"anchor's hash":        {"hash = \"0x", "hash = \"", "anchor[0].hash: not a block hash of this chain: want 0x and 64 lower-case hex digits"},
		"anchor's number":      {"number = 21000000", "number = -1", "line"},
		"token's code":         {"code = \"0x", "code = \"", "token[0].code"},
		"native token":         {"erc20:0x" + strings.Repeat("0", 40), "slip44:60", "token[0].id: not an ERC-20 token"},
		"not TOML":             {"version = 1", "version 1", "line 1"},
		"coverage but empty":   {"least = \"100.00\"", "", "coverage.least: missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePolicy([]byte(strings.Replace(goodPolicy, c.from, c.to, 1)))
			var format *canon.FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	twice := goodPolicy + goodPolicy[strings.Index(goodPolicy, "[[anchor]]"):strings.Index(goodPolicy, "[[token]]")]
	if _, err := ParsePolicy([]byte(twice)); err == nil || !strings.Contains(err.Error(), "a second anchor of one chain and number") {
		t.Errorf("anchor twice: got %v", err)
	}
}

// goodTrust has the sections about keys, logs and auditors; those about time stamps are vectors.
const goodTrust = goodPolicy + `
[approvals]
required = 1
keys = ["` + pointG + `"]

[[key]]
key = "` + pointG + `"
until = "2026-12-31T23:59:59Z"

[log]
required = true
keys = ["exchange.example/log+00000000+AAAA"]
witnesses = []
quorum = 0
fresh = "24h"

[[auditor]]
name = "Example Accountants"
keys = ["ed25519:1111111111111111111111111111111111111111111111111111111111111111"]
`

func TestPolicy_Trust(t *testing.T) {
	p, err := ParsePolicy([]byte(goodTrust))
	if err != nil {
		t.Fatal(err)
	}
	until, err := parseTime("2026-12-31T23:59:59Z")
	if err != nil {
		t.Fatal(err)
	}
	if p.Approvals.Required != 1 || p.Approvals.Keys[0].Text != pointG || p.Limits[pointG] != (Limit{Until: until}) || p.Finding ||
		p.Auditors[0].Name != "Example Accountants" || len(p.Auditors[0].Keys) != 1 {
		t.Errorf("got %+v", p)
	}
	if l := p.Log; !l.Required || l.Keys[0] != "exchange.example/log+00000000+AAAA" || len(l.Witnesses) != 0 || l.Quorum != 0 || l.Fresh.Hours() != 24 {
		t.Errorf("got %+v", l)
	}
	if p, err = ParsePolicy([]byte(goodPolicy)); err != nil || p.Approvals != nil || p.Log != nil || len(p.Limits)+len(p.Auditors)+len(p.Timestamps) != 0 {
		t.Errorf("a policy without them has some: %+v, %v", p, err)
	}
}

func TestTextForms(t *testing.T) {
	is := func(parse func(string) (string, error)) func(string) bool {
		return func(s string) bool { got, err := parse(s); return err == nil && got == s }
	}
	zeros := strings.Repeat("0", 40)
	for _, c := range []struct {
		name      string
		ok        func(string) bool
		good, bad []string
	}{
		{"chain", is(parseChain), []string{"eip155:1", "bip122:000000000019d6689c085ae165831e93"}, []string{"", "eip155:", "eip155:01", "eip155:x", "eip155:1:2", "bip122:00", "solana:x", "EIP155:1", "bip122:000000000019D6689c085ae165831e93"}},
		{"account", is(parseAccount), []string{"eip155:1:0x" + zeros, "bip122:000000000019d6689c085ae165831e93:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bip122:000000000019d6689c085ae165831e93:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
			[]string{"", "eip155:1", "eip155:1:", "eip155:1:0x", "eip155:1:0X" + zeros, "eip155:1:0x" + strings.Repeat("A", 40), "eip155:1:" + zeros, "bip122:000000000019d6689c085ae165831e93:a b", "bip122:000000000019d6689c085ae165831e93:BC1Q0"}},
		{"token", is(parseToken), []string{"eip155:1/slip44:60", "eip155:1/erc20:0x" + zeros, "bip122:000000000019d6689c085ae165831e93/slip44:0"},
			[]string{"", "eip155:1", "eip155:1/", "eip155:1/slip44:060", "eip155:1/erc721:0x" + zeros, "bip122:000000000019d6689c085ae165831e93/erc20:0x" + zeros, "eip155:1/slip44:60/x"}},
		{"asset", is(parseAsset), []string{"BTC", "A.B#1-2", strings.Repeat("A", 32)}, []string{"", "btc", "BTC ", strings.Repeat("A", 33), "É"}},
		{"decimal", is(parseDecimal), []string{"0", "1", "0.5", "10.01"}, []string{"", ".5", "1.", "1.0", "01", "1e3", "-1", "1.2.3"}},
		{"time", func(s string) bool { _, err := parseTime(s); return err == nil }, []string{"2026-11-01T00:00:00Z"},
			[]string{"", "2026-11-01", "2026-11-01T00:00:00.0Z", "2026-11-01T00:00:00+00:00", "2026-02-30T00:00:00Z", "2026-11-01T24:00:00Z", "2026-11-01t00:00:00z", "2026-1-01T00:00:00Z"}},
		{"amount", func(s string) bool { _, err := parseAmount(s); return err == nil }, []string{"0", "1", strings.Repeat("9", 78)}, []string{"", "00", "01", "-1", "+1", "1.0", strings.Repeat("9", 79), "٣"}},
		{"path", PlainPath, []string{"a", "a/b.json"}, []string{"", "/a", "a/", "a//b", "..", "a/../b", "a\\b", strings.Repeat("a", 129)}},
	} {
		for _, s := range c.good {
			if !c.ok(s) {
				t.Errorf("%s %q is refused", c.name, s)
			}
		}
		for _, s := range c.bad {
			if c.ok(s) {
				t.Errorf("%s %q is accepted", c.name, s)
			}
		}
	}
}

func TestCoverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		held, owed := rapid.Uint32().Draw(t, "held"), rapid.Uint32().Draw(t, "owed")
		c := Cover("X", big.NewInt(int64(held)), big.NewInt(int64(owed)))
		if (c.Percent == nil) != (owed == 0) || c.Short != (held < owed) || c.Gap.Sign() < 0 {
			t.Fatalf("got %+v", c)
		}
		if c.Percent == nil {
			return
		}
		p := c.Percent.hundredths.Uint64()
		if p*uint64(owed) > uint64(held)*10_000 || (p+1)*uint64(owed) <= uint64(held)*10_000 {
			t.Fatalf("%d / %d is %s", held, owed, c.Percent)
		}
		if again, err := parsePercent(c.Percent.String()); err != nil || again.hundredths.Cmp(c.Percent.hundredths) != 0 {
			t.Fatalf("%s is read as %v, %v", c.Percent, again, err)
		}
	})
}

func TestRuleCounts(t *testing.T) {
	r := Rule{Classes: []string{"native"}, Control: []string{"bound"}, Evidence: InclusionProved}
	for _, c := range []struct {
		class, control, evidence string
		want                     bool
	}{
		{"native", "bound", InclusionProved, true}, {"native", "bound", HeaderTrusted, true}, {"native", "bound", "node-attested", false},
		{"own", "bound", StateProved, false}, {"native", "none", StateProved, false},
	} {
		if got := r.counts(c.class, c.control, c.evidence); got != c.want {
			t.Errorf("%+v counts: %v", c, got)
		}
	}
}

// canonical asks encoding/json whether what was accepted is the one spelling of its value.
func canonical(t *testing.T, raw []byte) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("accepted, but not JSON: %v", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if got := bytes.TrimSuffix(b.Bytes(), []byte("\n")); !bytes.Equal(got, raw) {
		t.Fatalf("accepted %q, canonical is %q", raw, got)
	}
}

func fuzzJSON[T any](f *testing.F, parse func([]byte) (T, error), seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
		if _, err := parse([]byte(s)); err != nil {
			f.Fatalf("seed: %v", err)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := parse(raw); err == nil {
			canonical(t, raw)
			return
		} else if format, version := (*canon.FormatError)(nil), (*canon.VersionError)(nil); !errors.As(err, &format) && !errors.As(err, &version) {
			t.Fatalf("got %T %v", err, err)
		}
	})
}

// pointG is the generator of P-256 as a public key.
const pointG = "p256:036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"

const hash0 = "0000000000000000000000000000000000000000000000000000000000000000"

const sampleStatement = `{"_type":"https://in-toto.io/Statement/v1","predicate":{"approvals":{"keys":["ed25519:` + hash0 + `","` + pointG + `"],"required":1},"bands":[{"blocks":[],"instant":"2026-10-31T00:00:00Z","totals":[{"amount":"5","asset":"BTC"}]}],"coverage":[{"asset":"BTC","counted":"0","coverage":"0.00","liabilities":"5","shortfall":"5"}],` +
	`"issued":"2026-11-01T06:00:00Z","ledger":{"classes":[{"class":"customer","customers":1,"entries":1,"sum":[{"amount":"5","asset":"BTC"}]}],"customers":1,"duplicates":{"entries":0,"rule":"error"},"entries":1,` +
	`"negatives":{"entries":0,"rule":"error","sum":[]},"unknown_assets":{"entries":0,"rule":"exclude","sums":[{"amount":"0.5","asset":"x"}]}},"liabilities":[{"amount":"5","asset":"BTC"}],` +
	`"moment":{"blocks":[{"chain":"eip155:1","hash":"0x` + hash0 + `","number":9,"time":"2026-11-01T05:00:00Z"}],"checkpoint":{"origin":"exchange.example/log","root":"` + hash0 + `","size":3}},` +
	`"reserves":{"assets":[{"asset":"BTC","counted":"0","groups":[{"accounts":1,"amount":"0","class":"native","control":"none","custody":"own-hot","evidence":"node-attested","token":"eip155:1/slip44:60"}]}],"claims":[{"amount":"7","asset":"BTC","holder":"Example Trust","kind":"custodian"}],` +
	`"rule":{"classes":["native"],"control":["bound"],"evidence":"state-proved"}},"scope":{"encumbrances":"none","excluded":[],"included":["all"]},` +
	`"series":{"name":"monthly","number":3,"previous":"` + hash0 + `","supersedes":{"reason":"a wrong total","statement":"` + hash0 + `"}},"snapshot":{"assets":[{"decimals":8,"id":"BTC","tokens":[{"class":"native","decimals":8,"id":"eip155:1/slip44:60"}]}],"blocks":[{"chain":"eip155:1","hash":"0x` + hash0 +
	`","number":1,"time":"2026-10-31T23:59:59Z"}],"draw":{"chain":"eip155:1","commitment":"` + hash0 + `","from":"2026-11-01T00:00:00Z","hash":"0x` + hash0 +
	`","number":1,"seed":"` + hash0 + `","to":"2026-11-02T00:00:00Z"},"exchange":{"entity":"Ä \"quoted\" Ltd","lei":"00000000000000000000","name":"Demo","url":"https://example.org"},"id":"` + hash0 +
	`","instant":"2026-11-01T00:00:00Z","kind":"plain","period":"2026-10"},"tool":"assay 0.1.0","tree":{"kind":"plain","leaves":1,"root":"` + hash0 + `","shards":1}},` +
	`"predicateType":"https://github.com/assay-por/assay/solvency/v1","subject":[{"digest":{"sha256":"` + hash0 + `"},"name":"manifest.json"}]}`

// sampleHidden hides the totals of the sample, of which nothing is in shortfall then.
var sampleHidden = strings.NewReplacer(
	`"counted":"0","coverage":"0.00","liabilities":"5","shortfall":"5"`, `"counted":"0"`, `,"sum":[{"amount":"5","asset":"BTC"}]`, ``,
	`"liabilities":[{"amount":"5","asset":"BTC"}]`, `"liabilities":[{"asset":"BTC","at_most":"0"}]`, `"kind":"plain"`, `"kind":"confidential"`,
	`"shards":1}}`, `"shards":1,"surplus":"`+hash0+hash0+`"}}`,
).Replace(sampleStatement)

func FuzzParseStatement(f *testing.F) { fuzzJSON(f, ParseStatement, sampleStatement, sampleHidden) }

func FuzzParseEnvelope(f *testing.F) {
	fuzzJSON(f, ParseEnvelope, `{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"`+hash0+`","sig":"AAAA"}]}`)
}

func FuzzParseManifest(f *testing.F) {
	fuzzJSON(f, ParseManifest, `{"files":[{"part":"core","path":"a/b","sha256":"`+hash0+`","size":1}],"snapshot":"`+hash0+`","type":"assay/v1/manifest"}`)
}

func FuzzParseLines(f *testing.F) {
	fuzzJSON(f, ParseLines, `{"lines":[{"account":"eip155:1:0x0000000000000000000000000000000000000000","amount":"1","control":"none","custody":"own-hot","evidence":"node-attested","token":"eip155:1/slip44:60"}],"snapshot":"`+hash0+`","type":"assay/v1/lines"}`)
}

func FuzzParseControl(f *testing.F) {
	for _, entries := range goodControl() {
		f.Add([]byte(controlFile(entries)))
	}
	fuzzJSON(f, ParseControl, controlFile(`{"accounts":["eip155:1:0x0000000000000000000000000000000000000000"],"method":"eip191","signature":"0x00"}`))
}

func FuzzParseClaims(f *testing.F) {
	fuzzJSON(f, ParseClaims, `{"claims":[{"amount":"1","asset":"BTC","holder":"elsewhere","kind":"unprovable"}],"snapshot":"`+hash0+`","type":"assay/v1/claims"}`)
}

func FuzzParseBandLines(f *testing.F) {
	fuzzJSON(f, func(raw []byte) (*[]BandLine, error) {
		lines, _, err := ParseBandLines(raw)
		return &lines, err
	}, `{"lines":[{"account":"xrpl:0:rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh","amount":"1","evidence":"node-attested","token":"xrpl:0/slip44:144"}],"snapshot":"`+hash0+`","type":"assay/v1/band"}`)
}

// FuzzJWS feeds the one format here that is not canonical JSON through and through.
func FuzzJWS(f *testing.F) {
	f.Add([]byte("eyJhbGciOiJFZERTQSJ9.e30.AAAA"))
	f.Add([]byte("eyJhbGciOiJub25lIn0.e30."))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := parseJWS(raw); err == nil && s.statement == nil {
			t.Fatal("accepted a JWS without a custody statement")
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(goodPolicy))
	f.Add([]byte(goodCheckpoints))
	f.Add([]byte(goodTrust))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := ParsePolicy(raw)
		if err == nil && (p.Exchange == "" || len(p.Keys) == 0) {
			t.Fatalf("accepted an empty policy: %+v", p)
		}
	})
}

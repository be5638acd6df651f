package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/evm"
)

// The template that init writes is the reference of every key: it loads, and names each one.
func TestTemplateNamesEveryKey(t *testing.T) {
	if _, err := parseConfig([]byte(configTemplate)); err != nil {
		t.Fatalf("template.toml:%v", err)
	}
	for _, key := range keysOf(reflect.TypeFor[Config]()) {
		if !regexp.MustCompile(`(?m)^(# |tokens = \[\{.*)?` + key + ` = |[{,] ` + key + ` = |(?m)^#   ` + key + ` = |(?m)^# \[` + key + `\]$`).MatchString(configTemplate) {
			t.Errorf("template.toml does not explain the key %s", key)
		}
	}
}

// keysOf lists the keys that hold values, by their own name.
func keysOf(typ reflect.Type) []string {
	var keys []string
	for i := range typ.NumField() {
		field := typ.Field(i)
		name := field.Tag.Get("toml")
		switch inner := field.Type; {
		case name == "":
		case inner.Kind() == reflect.Struct:
			keys = append(keys, keysOf(inner)...)
		case inner.Kind() == reflect.Pointer && inner.Elem().Kind() == reflect.Struct:
			keys = append(append(keys, name), keysOf(inner.Elem())...)
		case inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysOf(inner.Elem())...)
		default:
			keys = append(keys, name)
		}
	}
	return keys
}

var custodianText = "[[custodian]]\nname = \"A\"\nkey = \"ed25519:" + strings.Repeat("00", 32) + "\""

func TestConfigFaults(t *testing.T) {
	for text, want := range map[string]string{
		"[exchange]\nnom = \"X\"":       `2:1: unknown key "exchange.nom"`,
		"[run]\nkind = \"secret\"":      `run.kind: got "secret"`,
		"[worker]\nruns = \"runs\"":     "worker.runs: what is published goes to server.reports, and there is none",
		"[keys]\nstatement = \"a.age\"": "keys.statement: a key reference needs a scheme",
		"[keys]\nstatement = \"pkcs11:token=a;object=b?module-path=m&pin-value=1234\"":    "keys.statement: pkcs11: a PIN does not stand in a reference",
		"[keys]\nstatement = \"transit:http://vault.example/transit/key\"":                "keys.statement: transit: the server's URL begins with https://",
		"[keys]\nsnapshot = \"transit:https://vault.example/transit/key\"":                "keys.snapshot: this key lies in a sealed file",
		"[ledger]\nquery = \"SELECT 1\"":                                                  "ledger: query and database go together",
		"[ledger]\nfiles = [\"a.csv\"]\nquery = \"SELECT 1\"\ndatabase = \"file:db.url\"": "ledger: give either files, or query and database",
		"[ledger]\nquery = \"SELECT 1\"\ndatabase = \"postgres://a:b@c/d\"":               "ledger.database: write file:PATH",
		"[worker]\ndatabase = \"postgres://a:b@c/d\"":                                     "worker.database: write file:PATH",
		"[worker]\ntasks = -1":             "worker.tasks: got -1",
		"[run]\nmemory = \"lots\"":         `run.memory: got "lots"`,
		"[run]\nmemory = \"1.5GiB\"":       "run.memory",
		"[[chain]]\nid = \"eip155:1\"":     "chain #1 (eip155:1): nodes is empty",
		chainOf("beacon = [\"http://b\"]"): "give beacon and checkpoint both, or neither",
		chainOf("checkpoint = \"0x\""):     "give beacon and checkpoint both, or neither",
		chainOf("genesis = \"0x\""):        "say nothing without beacon",
		chainOf("beacon = [\"http://b\"]\ncheckpoint = \"0x\"\ngenesis = \"0x\""):                           "give genesis and forks both, or neither",
		strings.Replace(chainOf("beacon = [\"http://b\"]\ncheckpoint = \"0x\""), "eip155:1", "bip122:1", 1): "beacon is for eip155 chains",
		"[[wallet]]\nchain = \"eip155:1\"":                                                                                                  "wallet #1: give either file or accounts",
		"[[asset]]\nid = \"BTC\"\ndecimals = 300":                                                                                           "3:",
		"[[asset]]\nid = \"A\"\ntokens = [{ id = \"eip155:1/slip44:60\", recipe = { bits = 255 } }]":                                        "only ERC-20 tokens",
		"[[asset]]\nid = \"A\"\ntokens = [{ id = \"eip155:1/erc20:0x" + strings.Repeat("a", 40) + "\", recipe = { bits = 256 } }]":          "bits is 256",
		"[[asset]]\nid = \"A\"\ntokens = [{ id = \"eip155:1/erc20:0x" + strings.Repeat("a", 40) + "\", recipe = { share = {} } }]":          "share.pool has 0 terms",
		"[[asset]]\nid = \"A\"\ntokens = [{ id = \"eip155:1/erc20:0x" + strings.Repeat("a", 40) + "\", recipe = { mask = 1 } }]":            `unknown key "asset.mask"`,
		"[[asset]]\nid = \"A\"\ntokens = [{ id = \"eip155:1/erc20:0x" + strings.Repeat("a", 40) + "\", recipe = { slot = \"01\" } }]":       "layout is",
		"[[asset]]\nid = \"A\"\ntokens = [{ id = \"eip155:1/erc20:0x" + strings.Repeat("a", 40) + "\", recipe = { aave = { pool = 1 } } }]": "3:",
		"[[asset]]\nid = \"BTC\"\ndecimals = -1":                                                                                            "3:",
		"[ledger]\nfiles = \"a.csv\"":                                                                                                       "2:",
		"[exchange]\nname = \"X\"\n[exchange]\nname = \"Y\"":                                                                                "3:",
		"[[custodian]]\nkey = \"x\"":                                          "custodian #1 (): name is missing",
		"[[custodian]]\nname = \"A\"\nkey = \"x\"":                            "custodian #1 (A): key: ",
		custodianText + "\n" + custodianText + "\nfile = \"x\"":               "custodian #1 (A): give either file or url",
		custodianText + "\nfile = \"x\"\n" + custodianText + "\nfile = \"x\"": "custodian #2 (A): name is missing, or stands twice",
		custodianText + "\nfile = \"x\"\nurl = \"https://x.example\"":         "custodian #1 (A): give either file or url",
		custodianText + "\nurl = \"http://x.example\"":                        "custodian #1 (A): a custodian's url begins with https://",
		"[series]\nsupersedes = \"x\"":                                        "series.supersedes: it is the reason",
		"[log]\norigin = \"a b\"":                                             `log: the name "a b" of a log or witness`,
		"[log]\nquorum = 1":                                                   "log.origin is missing",
		"[log]\norigin = \"a.example\"\nquorum = 1":                           "log: a quorum of 1, want 0 to 0",
		"[log]\norigin = \"a.example\"\nquorum = 1\nwitnesses = [{ key = \"x\", url = \"https://a.example\" }]": `log: witness #1: "x" is no verifier key of a witness`,
		"[log]\norigin = \"a.example\"\nquorum = 1\nwitnesses = [{ key = \"x\", url = \"ftp://a.example\" }]":   "log.witnesses #1: ",
		"[server]\nlog = \"xml\"":                               `server.log: got "xml"`,
		"[server]\nadmin = \"0.0.0.0:1\"":                       "server.admin: got \"0.0.0.0:1\", want a loopback address",
		"[server]\nadmin = \"here\"":                            "server.admin: got",
		"[server]\ntraces = \"http://collector.example\"":       "server.traces: want the URL of a receiver",
		"[server]\ntraces = \"https://a:b@collector.example\"":  "server.traces: want the URL of a receiver",
		"[server]\ntraces = \"https://collector.example/?k=s\"": "server.traces: want the URL of a receiver",
		"[server]\nanomalies = \"maybe\"":                       `server.anomalies: got "maybe"`,
		"[server]\ntraces_share = 1.5":                          "server.traces_share: got 1.5",
		"[approvals]\nrequired = 1":                             "approvals: 1 of 0 keys are required",
		"[approvals]\nkeys = [\"a.pub\"]":                       "approvals: 0 of 1 keys are required",
		"[approvals]\nrequired = 2\nkeys = [\"a.pub\"]":         "approvals: 2 of 1 keys are required",
		"[approvals]\nrequired = -1":                            "2:",
		"[bands]\nbefore = [\"1 day\"]":                         `bands: got "1 day", want a duration`,
		"[bands]\nafter = [\"1h\", \"3600s\"]":                  `bands: "3600s" stands twice`,
	} {
		_, err := parseConfig([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// chainOf is a chain with a further key.
func chainOf(keys string) string {
	return "[[chain]]\nid = \"eip155:1\"\nnodes = [\"http://a\"]\n" + keys
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "512MiB": 512 << 20, "2GiB": 2 << 30, "3KiB": 3 << 10} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "0", "1MB", "1 MiB x", "9223372036854775807GiB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: got %d, want a refusal", text, got)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(configTemplate)
	f.Add("[run]\nmemory = \"1GiB\"")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := parseConfig([]byte(text)); (c == nil) == (err == nil) {
			t.Errorf("got %v and %v", c, err)
		}
	})
}

func TestRecipes(t *testing.T) {
	const token, pool = "eip155:1/erc20:0x00000000000000000000000000000000000000aa", "0x00000000000000000000000000000000000000bb"
	slot := strings.Repeat("0", 63)
	c, err := parseConfig([]byte(`[[asset]]
id = "A"
tokens = [
  { id = "` + token + `", decimals = 18, class = "staked", recipe = { layout = "vyper", slot = "` + slot + `1", bits = 128, share = {
    pool = [{ slot = "` + slot + `2", shift = 128 }, { slot = "` + slot + `3", contract = "` + pool + `", bits = 8, times = "32", minus = true }], total = [{ slot = "` + slot + `4" }] } } },
  { id = "eip155:1/erc20:` + pool + `", decimals = 6, class = "issued", recipe = { aave = { pool = "` + pool + `", slot = "` + slot + `5", rounding = "down" } } },
  { id = "eip155:10/erc20:` + pool + `", decimals = 6, class = "issued", recipe = { bits = 255, proxy = "eip1967" } },
  { id = "eip155:1/slip44:60", decimals = 18, class = "native" },
]`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[chains.Token]evm.Recipe{
		token: {Layout: "vyper", Slot: slot + "1", Bits: 128, Share: &evm.Share{
			Pool:  []evm.Term{{Slot: slot + "2", Bits: 128, Shift: 128, Times: "1"}, {Slot: slot + "3", Contract: pool, Bits: 8, Times: "32", Minus: true}},
			Total: []evm.Term{{Slot: slot + "4", Bits: 256, Times: "1"}},
		}},
		"eip155:1/erc20:" + pool: {Aave: &evm.Aave{Pool: pool, Slot: slot + "5", Rounding: "down"}},
	}
	if d := cmp.Diff(want, c.recipes("eip155:1")); d != "" {
		t.Errorf("recipes (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[chains.Token]evm.Recipe{"eip155:10/erc20:" + pool: {Bits: 255, Proxy: "eip1967"}}, c.recipes("eip155:10")); d != "" {
		t.Errorf("recipes (-want +got):\n%s", d)
	}
}

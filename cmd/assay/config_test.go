package main

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// The template that init writes is the reference of every key: it loads, and names each one.
func TestTemplateNamesEveryKey(t *testing.T) {
	if _, err := parseConfig([]byte(configTemplate)); err != nil {
		t.Fatalf("template.toml:%v", err)
	}
	for _, key := range keysOf(reflect.TypeFor[Config]()) {
		if !regexp.MustCompile(`(?m)^(# |tokens = \[\{.*)?` + key + ` = |[{,] ` + key + ` = `).MatchString(configTemplate) {
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
		case inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct:
			keys = append(keys, keysOf(inner.Elem())...)
		default:
			keys = append(keys, name)
		}
	}
	return keys
}

func TestConfigFaults(t *testing.T) {
	for text, want := range map[string]string{
		"[exchange]\nnom = \"X\"":                            `2:1: unknown key "exchange.nom"`,
		"[run]\nkind = \"secret\"":                           `run.kind: got "secret"`,
		"[run]\nmemory = \"lots\"":                           `run.memory: got "lots"`,
		"[run]\nmemory = \"1.5GiB\"":                         "run.memory",
		"[[chain]]\nid = \"eip155:1\"":                       "chain #1 (eip155:1): nodes is empty",
		"[[wallet]]\nchain = \"eip155:1\"":                   "wallet #1: give either file or accounts",
		"[[asset]]\nid = \"BTC\"\ndecimals = 300":            "3:",
		"[[asset]]\nid = \"BTC\"\ndecimals = -1":             "3:",
		"[ledger]\nfiles = \"a.csv\"":                        "2:",
		"[exchange]\nname = \"X\"\n[exchange]\nname = \"Y\"": "3:",
	} {
		_, err := parseConfig([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
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

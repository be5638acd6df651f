package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "a version is released: write its document anew")

// released is the document of the last version, which the next one must not break.
const released = "api/testdata/openapi.json"

// TestNothingBreaks: oasdiff finds nothing in the document that would break a client of the last version (make oasdiff has it).
func TestNothingBreaks(t *testing.T) {
	all := newOffice(t).h
	var now bytes.Buffer
	if err := json.Indent(&now, ask(all, "GET", "/openapi.json").Body.Bytes(), "", " "); err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, released, now.String())
	}
	oasdiff, err := filepath.Abs("../build/bin/oasdiff")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(oasdiff); err != nil {
		t.Skipf("no oasdiff to judge what changed: make oasdiff (%v)", err)
	}
	breaks := func(document []byte) (bool, string) {
		t.Helper()
		name := filepath.Join(t.TempDir(), "openapi.json")
		write(t, name, string(document))
		out, err := exec.CommandContext(t.Context(), oasdiff, "breaking", "--fail-on", "ERR", released, name).CombinedOutput()
		return err != nil, string(out)
	}
	if broken, said := breaks(now.Bytes()); broken {
		t.Errorf("clients of the last version would break: %s", said)
	}
	for name, alter := range map[string]func(document map[string]any){
		"an operation is gone":      func(d map[string]any) { delete(d["paths"].(map[string]any), "/v1/reports/{statement}/states") },
		"a member is gone":          func(d map[string]any) { delete(schemaOf(d, "Report"), "coverage") },
		"a member has another type": func(d map[string]any) { schemaOf(d, "Summary")["state"] = map[string]any{"type": "integer"} },
	} {
		var d map[string]any
		if err := json.Unmarshal(now.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		alter(d)
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if broken, said := breaks(raw); !broken {
			t.Errorf("%s, and oasdiff says %s", name, said)
		}
	}
}

// schemaOf are the members of a type of the document.
func schemaOf(document map[string]any, name string) map[string]any {
	return document["components"].(map[string]any)["schemas"].(map[string]any)[name].(map[string]any)["properties"].(map[string]any)
}

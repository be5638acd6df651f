package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
)

// noLightClient is a beacon node of the devnet's network without light client data.
func noLightClient(t *testing.T) *httptest.Server {
	t.Helper()
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/eth/v1/beacon/genesis":
			_, _ = w.Write([]byte(`{"data":{"genesis_validators_root":"0x` + strings.Repeat("11", 32) + `"}}`))
		case "/eth/v1/config/spec":
			_, _ = w.Write([]byte(`{"data":{"DEPOSIT_CHAIN_ID":"1337","SLOTS_PER_EPOCH":"32"}}`))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(node.Close)
	return node
}

// A beacon node that cannot help ends the stage, after the balances were kept; once the light client evidence is there, nobody is
// asked again, and the bundle has it.
func TestReserves_Beacon(t *testing.T) {
	assay, _ := programs(t)
	_, at, dir := ethereum(t, assay)
	config := read(t, dir, "assay.toml")
	checkpoint := "0x" + strings.Repeat("22", 32)
	with := strings.Replace(config, "[[wallet]]", "beacon = [\""+noLightClient(t).URL+"\"]\ncheckpoint = \""+checkpoint+
		"\"\ngenesis = \"0x"+strings.Repeat("11", 32)+"\"\nforks = [{ epoch = 0, name = \"deneb\", version = \"0x04000000\" }]\n[[wallet]]", 1)
	write := func(elem string, content []byte) {
		t.Helper()
		path := filepath.Join(dir, elem)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("assay.toml", []byte(with))
	if code, _, stderr := call(t, dir, assay, "snapshot", "--at", at, "--quiet"); code != exitDone {
		t.Fatal(stderr)
	}
	expect(t, dir, assay, exitRefused, "let it serve light client data", "reserves", "--quiet")
	kept := read(t, dir, "run", "gathered", "eip155-1337.json")
	if _, err := os.Stat(filepath.Join(dir, "run", "published", "reserves", "beacon")); err == nil {
		t.Error("light client evidence was written all the same")
	}
	if code, stdout, _ := call(t, dir, assay, "doctor"); code != exitRefused || !strings.Contains(stdout, "FAIL  beacon") {
		t.Errorf("doctor: exit %d: %s", code, stdout)
	}

	var snap report.Snapshot
	if err := json.Unmarshal([]byte(read(t, dir, "run", "snapshot.json")), &snap); err != nil {
		t.Fatal(err)
	}
	record, err := json.Marshal(map[string]any{"block": snap.Blocks[0], "checkpoint": checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	write("run/published/reserves/beacon/eip155-1337.json", []byte(`{"chain":"eip155:1337","snapshot":"`+snap.ID.String()+`","type":"assay/v1/evidence/beacon"}`))
	write("run/gathered/eip155-1337.beacon.json", record)
	for _, args := range [][]string{{"reserves"}, {"run", "--unsigned"}} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatalf("assay %v: %s", args, stderr)
		}
	}
	if !strings.Contains(read(t, dir, "bundle", "manifest.json"), `{"part":"core","path":"reserves/beacon/eip155-1337.json"`) {
		t.Error("the manifest does not list the light client evidence")
	}
	if read(t, dir, "run", "gathered", "eip155-1337.json") != kept {
		t.Error("balances were gathered again")
	}

	// Another checkpoint needs other evidence.
	write("assay.toml", []byte(strings.Replace(with, checkpoint, "0x"+strings.Repeat("33", 32), 1)))
	expect(t, dir, assay, exitRefused, "let it serve light client data", "reserves", "--quiet")

	// Without a beacon node the bundle is as it was before there were any.
	write("assay.toml", []byte(config))
	if code, _, stderr := call(t, dir, assay, "run", "--unsigned"); code != exitDone {
		t.Fatal(stderr)
	}
	if strings.Contains(read(t, dir, "bundle", "manifest.json"), "reserves/beacon") {
		t.Error("the manifest still lists light client evidence")
	}
}

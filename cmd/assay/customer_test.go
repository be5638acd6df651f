package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	customers "github.com/assay-por/assay/web/app"
)

// TestCustomersWay: at a real server of a confidential exchange with a log and a witness, a customer goes from the list of reports to a report, takes what is published of their shard, follows the link to the page
// that checks, which brings the exchange's policy along, drops the proof that the API gave on it, types their id, and is included, as two programs say. After the report is withdrawn the notice of it makes that
// the result. The same page, kept as a file, says the same without a network. testdata/customer.mjs is what is done.
func TestCustomersWay(t *testing.T) {
	chromium, node, modules := browserOf(t)
	if customers.Page() == nil {
		t.Skip("no built page is in this tree: type: make page")
	}
	s := newProofServer(t)
	e := s.exchange
	s.write(t, "policy.toml", e.policy)
	key := s.apiKey(t)
	c, url, _, _ := s.start(t, key)
	proof, _, err := c.Proof(t.Context(), e.digest(t, "first"), s.customers[0])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "proof.json"), proof, 0o600); err != nil {
		t.Fatal(err)
	}
	shots, err := filepath.Abs("../../build/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	goes := func(want string, files ...string) {
		t.Helper()
		drive := exec.CommandContext(t.Context(), node, append([]string{"testdata/customer.mjs"}, files...)...)
		drive.Env = append(os.Environ(), "CHROMIUM="+chromium, "MODULES="+modules, "SHOTS="+shots, "SPKI=", "ORIGIN="+url, "DIR="+dir, "CUSTOMER="+s.customers[0], "WANT="+want)
		if out, err := drive.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", want, err, out)
		}
	}
	goes("Included", filepath.Join(dir, "proof.json"))

	e.must(t, "withdraw", "--statement", "first/statement.dsse.json", "--reason", "A wallet was missing.")
	if err := errors.Join(os.CopyFS(filepath.Join(s.dir, "log.new"), os.DirFS(filepath.Join(e.dir, "log"))), os.Rename(filepath.Join(s.dir, "log"), filepath.Join(s.dir, "log.old")),
		os.Rename(filepath.Join(s.dir, "log.new"), filepath.Join(s.dir, "log"))); err != nil {
		t.Fatal(err)
	}
	goes("Withdrawn", filepath.Join(dir, "proof.json"), onlyFile(t, e.dir, "notices", "withdrawal-*.notice.json"))
}

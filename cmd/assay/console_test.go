package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/runs"
)

// browserOf is a browser and what drives it, or a reason to skip.
func browserOf(t *testing.T) (chromium, node, modules string) {
	t.Helper()
	modules, err := filepath.Abs("../../build/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skipf("no %s: install npm and type: make judges", name)
		}
	}
	if chromium, err = exec.LookPath("chromium"); err != nil {
		t.Skip("no chromium: on Debian type: sudo apt-get install -y --no-install-recommends chromium")
	}
	if node, err = exec.LookPath("node"); err != nil {
		t.Skip("no node, which drives the browser")
	}
	return chromium, node, modules
}

// freePort is a port at the loopback address that nobody listens at.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestConsoleInABrowser: in a real Chromium, with a virtual authenticator, at a real server with a real worker: people enrol by their links, sign in, have a report
// drawn up, and publish it, by the keyboard alone; an auditor hands in a finding, and a report is withdrawn; what is no passkey of theirs lets nobody in. Every page passes axe, light and dark, is as narrow as a telephone,
// and asks nothing of anybody else. What the pages look like make screenshots keeps. testdata/console.mjs is what is done.
func TestConsoleInABrowser(t *testing.T) {
	chromium, node, modules := browserOf(t)
	port := freePort(t)
	origin := fmt.Sprintf("https://assay.example:%d", port)
	w := newWorkshop(t, "key = \"file:keys/response.age\"\ndatabase = \"sqlite:assay.db\"\ncertificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\n"+
		"limits = { anonymous = \"1000000/s\", failures = \"1000000/s\", person = \"1000000/s\", signins = \"1000000/s\", runs = \"1000000/s\" }\n"+
		fmt.Sprintf("[server.people]\norigins = [%q]\nid = \"assay.example\"\n", origin))
	certificate := pair(t, w.dir, 1, time.Now().AddDate(0, 0, 90))
	spki := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	if err := os.MkdirAll(filepath.Join(w.dir, "reports"), 0o755); err != nil {
		t.Fatal(err)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(read(t, w.dir, "id.txt")))
	if err != nil {
		t.Fatal(err)
	}
	w.must(t, "keys", "response", "--recipient", id.Recipient().String())
	_, said := serving(t, w.dir, w.assay, opened("serve", "--listen", fmt.Sprintf("127.0.0.1:%d", port))...)
	w.works(t)
	former := w.reaches(t, w.asks(t, "2026-10", "2026-10-31T00:00:00Z"), runs.Waiting, "waiting for approvals of the draft")
	w.approve(t, former, attest.PayloadType, w.people[0], w.people[1])
	w.publish(t, former)
	w.reaches(t, former.ID, runs.Published, "")
	w.write(t, "finding.dsse.json", w.countersigned(t, former.ID))
	w.write(t, "assay.toml", strings.Replace(read(t, w.dir, "assay.toml"), `included = ["spot"]`, `included = ["spot", "savings"]`, 1))
	w.works(t)

	links := map[string]string{}
	for login, roles := range map[string][]string{"ada": {"admin", "operator", "publisher"}, "bob": {"admin", "viewer"}} {
		args := []string{"admin", "person", "invite", "--json", "--login", login, "--name", strings.ToUpper(login[:1]) + login[1:] + " Example"}
		for _, role := range roles {
			args = append(args, "--role", role)
		}
		var p personRecord
		unmarshal(t, w.must(t, args...), &p)
		links[login] = p.Link
	}
	shots, err := filepath.Abs("../../build/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/console.mjs")
	if err != nil {
		t.Fatal(err)
	}
	drive := exec.CommandContext(t.Context(), node, script)
	drive.Dir = w.dir
	drive.Env = append(os.Environ(), "CHROMIUM="+chromium, "MODULES="+modules, "ORIGIN="+origin, "SPKI="+base64.StdEncoding.EncodeToString(spki[:]), "ADA="+links["ada"], "BOB="+links["bob"],
		"ASSAY="+w.assay, "SHOTS="+shots, "ASSAY_PASSPHRASE=correct horse")
	out, err := drive.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	log := read(t, said)
	if strings.Contains(log, "panic") || strings.Contains(log, "could not be done") {
		t.Error(log)
	}
	for _, link := range links {
		if _, token, _ := strings.Cut(link, "#"); strings.Contains(log, token) {
			t.Error("the server's log tells an invitation")
		}
	}
}

package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains/custodian"
	"github.com/assay-por/assay/report"
)

// trust is a custodian with a key of its own, a run that knows it, and the run's snapshot.
type trust struct {
	*testing.T
	signer *keys.Signer
	stages *stages
	snap   report.Snapshot
	told   *bytes.Buffer
}

func newTrust(t *testing.T) trust {
	t.Helper()
	dir := t.TempDir()
	signer, err := keys.GenerateSigner(bytes.NewReader(bytes.Repeat([]byte{9}, 32)), attest.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseConfig([]byte(offlineConfig + fmt.Sprintf("[[custodian]]\nname = \"Example Trust\"\nkey = %q\nfile = \"trust.json\"\n", signer.PublicKey())))
	if err != nil {
		t.Fatal(err)
	}
	c.path = filepath.Join(dir, "assay.toml")
	snap, err := registry(c, "2026-10", time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	run, err := openRun(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	})
	told := new(bytes.Buffer)
	return trust{t, signer, &stages{ctx: t.Context(), app: new(app), config: c, run: run, progress: newProgress(told, false)}, snap, told}
}

// signs puts a statement, good until then, where the configuration looks for it.
func (c trust) signs(expires time.Time) {
	c.Helper()
	statement, err := report.NewCustodyRequest(c.snap).Answer("Example Trust", []report.CustodyBalance{{Amount: "1.5", Asset: "BTC"}}, expires.UTC().Truncate(time.Second))
	if err != nil {
		c.Fatal(err)
	}
	payload, err := statement.JSON()
	if err != nil {
		c.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadCustody, payload, c.signer)
	if err != nil {
		c.Fatal(err)
	}
	file, err := e.JSON()
	if err != nil {
		c.Fatal(err)
	}
	c.puts(file)
}

func (c trust) puts(file []byte) {
	c.Helper()
	if err := os.WriteFile(c.stages.config.resolve("trust.json"), file, 0o600); err != nil {
		c.Fatal(err)
	}
}

// TestB16_ExpiredCustody: a statement that has expired is not taken in; one that soon will is, with a word; one that was taken in in
// time stays, or a report could not be drawn up again.
func TestB16_ExpiredCustody(t *testing.T) {
	c := newTrust(t)
	if _, err := c.stages.claims(c.snap); !isWaiting(err) || !strings.Contains(err.Error(), "1 of 1 custodians: Example Trust") {
		t.Errorf("nothing there yet: %v", err)
	}
	c.signs(time.Now().Add(-time.Second))
	if _, err := c.stages.claims(c.snap); err == nil || isWaiting(err) || !strings.Contains(err.Error(), "custodian Example Trust: the custody statement of Example Trust expired at") {
		t.Errorf("expired: %v", err)
	}
	if c.stages.run.has(custodyFile("Example Trust")) {
		t.Error("an expired statement was kept")
	}
	c.signs(time.Now().Add(time.Hour))
	claims, err := c.stages.claims(c.snap)
	if err != nil || len(claims) != 1 || claims[0].Amount.String() != "150000000" || !strings.Contains(c.told.String(), "note: the custody statement of Example Trust expires soon") {
		t.Errorf("soon: %+v, %v, told %q", claims, err, c.told)
	}
	// Kept, it is asked no clock: a day later the same draft comes out. A clock is asked when a file comes in.
	expired, err := report.NewCustodyRequest(c.snap).Answer("Example Trust", []report.CustodyBalance{{Amount: "2", Asset: "BTC"}}, c.snap.Instant.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := expired.JSON()
	if err != nil {
		t.Fatal(err)
	}
	e, err := attest.Sign(attest.PayloadCustody, payload, c.signer)
	if err != nil {
		t.Fatal(err)
	}
	file, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.stages.run.write(custodyFile("Example Trust"), file); err != nil {
		t.Fatal(err)
	}
	if claims, err := c.stages.claims(c.snap); err != nil || claims[0].Amount.String() != "200000000" {
		t.Errorf("kept, and past: %+v, %v", claims, err)
	}
}

// TestB22_HugeCustodyFile: a file that no statement could be is not read.
func TestB22_HugeCustodyFile(t *testing.T) {
	c := newTrust(t)
	c.puts(bytes.Repeat([]byte{'a'}, custodian.MaxStatement+1))
	if _, err := c.stages.claims(c.snap); err == nil || exitCode(err) != exitUnreadable || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v", err)
	}
	for _, bad := range []string{"", "{}", "a.b", "<html>"} {
		c.puts([]byte(bad))
		if _, err := c.stages.claims(c.snap); err == nil || isWaiting(err) || !strings.Contains(err.Error(), "custodian Example Trust: ") {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestAnswer(t *testing.T) {
	c := newTrust(t)
	request, err := attest.Canonical(report.NewCustodyRequest(c.snap))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 2, 3, 4, 5, 6, time.UTC)
	got, err := answer(request, "Trust", []string{"ETH=10", "BTC=0.50"}, "", now)
	if err != nil || got.Expires.String() != "2027-01-31T03:04:05Z" || got.Balances[0] != (report.CustodyBalance{Amount: "0.5", Asset: "BTC"}) || got.Balances[1].Amount != "10" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := answer(request, "Trust", []string{"BTC=1.000"}, "2026-11-02T03:04:06Z", now); err != nil || got.Balances[0].Amount != "1" || got.Expires.String() != "2026-11-02T03:04:06Z" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "BTC", "BTC=", "BTC=.5", "BTC=-1", "BTC=1e3", "BTC=00", "=1", "btc=1", "BTC=1=2"} {
		if got, err := answer(request, "Trust", []string{bad}, "", now); err == nil {
			t.Errorf("%q: got %+v", bad, got)
		}
	}
	for _, expires := range []string{"2026-11-02", "2026-11-02T03:04:05Z", "soon"} {
		if got, err := answer(request, "Trust", []string{"BTC=1"}, expires, now); exitCode(err) != exitUsage {
			t.Errorf("expires %q: got %+v, %v", expires, got, err)
		}
	}
}

// TestB22_CustodianOverHTTPS: a statement is fetched from the custodian's server when it is there; a redirect, an answer without end
// and a failing server end the run with the network's code, and no password is told.
func TestB22_CustodianOverHTTPS(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("skipped: this system's roots cannot be named in a file")
	}
	assay, verify := programs(t)
	var respond atomic.Value // of http.HandlerFunc
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { respond.Load().(http.HandlerFunc)(w, r) }))
	defer server.Close()
	dir := t.TempDir()
	save := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	t.Setenv("SSL_CERT_FILE", save("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))))
	recipient, err := identityFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	save("assay.toml", offlineConfig)
	for _, args := range [][]string{{"init", "--recipient", recipient}, {"custody", "key", "trust.age", "--recipient", recipient}, {"ledger", "synth", "--customers", "5", "--held", "1", "--out", "ledger.csv"}} {
		if code, _, stderr := call(t, dir, assay, args...); code != exitDone {
			t.Fatal(stderr)
		}
	}
	const password = "correct-horse-battery"
	place := strings.Replace(server.URL, "https://", "https://demo:"+password+"@", 1) + "/por/{snapshot}.json"
	save("assay.toml", offlineConfig+fmt.Sprintf("[[custodian]]\nname = \"Example Trust\"\nkey = %q\nurl = %q\n", strings.TrimSpace(read(t, dir, "trust.pub")), place))

	for name, c := range map[string]struct {
		respond http.HandlerFunc
		code    int
		want    string
	}{
		"not there yet": {http.NotFound, exitRefused, "waiting for the custody statements of 1 of 1 custodians: Example Trust"},
		"redirect":      {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/por/other.json", http.StatusFound) }, exitNetwork, "answered with a redirect, which is never followed"},
		"failing":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, exitNetwork, "HTTP status 500"},
		"huge":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, zeros{}, 8<<20) }, exitNetwork, "longer than 1048576 bytes"},
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, exitRefused, "neither a DSSE envelope nor a JWS"},
	} {
		respond.Store(c.respond)
		code, stdout, stderr := call(t, dir, assay, "run", "--quiet", "--identity-file", "id.txt")
		if code != c.code || !strings.Contains(stderr, c.want) || strings.Contains(stdout+stderr, password) {
			t.Errorf("%s: exit %d: %s", name, code, stderr)
		}
	}
	if code, _, stderr := call(t, dir, assay, "custody", "sign", "run/custody/request.json", "--as", "Example Trust", "--key", "file:trust.age", "--balance", "BTC=1", "--out", "signed.json", "--identity-file", "id.txt"); code != exitDone {
		t.Fatal(stderr)
	}
	snap := drawnUp(t, dir)
	respond.Store(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, given, _ := r.BasicAuth()
		if r.URL.Path != "/por/"+snap.ID.String()+".json" || user != "demo" || given != password {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, read(t, dir, "signed.json"))
	}))
	if code, _, stderr := call(t, dir, assay, "run", "--quiet", "--identity-file", "id.txt"); code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if claims := read(t, dir, "bundle", "reserves", "claims.json"); !strings.Contains(claims, `"holder":"Example Trust","kind":"custodian"`) || strings.Contains(read(t, dir, "bundle.zip"), password) {
		t.Error("the bundle lacks the claim, or holds the password")
	}
	pin := func(key string) string {
		return fmt.Sprintf("[[custodian]]\nname = \"Example Trust\"\nkey = %q\n[liabilities]", key)
	}
	key := strings.TrimSpace(read(t, dir, "trust.pub"))
	for policy, signed := range map[string]bool{"[liabilities]": false, pin(key): true} {
		if v := judged(t, dir, verify, exitDone, "[liabilities]", policy); len(v.Claims) != 1 || v.Claims[0].Signed != signed || v.Claims[0].Amount != "1" ||
			v.Coverage[0].Counted != "0" || v.noted("Example Trust") == signed {
			t.Errorf("signed %t: claims %+v, coverage %+v, notes %q", signed, v.Claims, v.Coverage, v.Notes)
		}
	}
	if v := judged(t, dir, verify, exitRefused, "[liabilities]", pin("ed25519:"+strings.Repeat("1", 64))); !strings.Contains(v.Summary, "reserves.claims") {
		t.Errorf("another custodian's key: %s", v.Summary)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// drawnUp is the snapshot that a run holds.
func drawnUp(t *testing.T, dir string) report.Snapshot {
	t.Helper()
	var snap report.Snapshot
	if err := attest.Decode([]byte(read(t, dir, "run", "snapshot.json")), &snap); err != nil {
		t.Fatal(err)
	}
	return snap
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/store"
)

// audited gives a server a key that signs heads, and its clients a quota.
func audited(t *testing.T, s *proofServer) {
	t.Helper()
	mustCall(t, s.dir, s.exchange.assay, "keys", "new", "--recipient", s.recipient(t), "keys/audit.age")
	s.write(t, "assay.toml", strings.NewReplacer("[server]\n", "[server]\naudit_key = \"file:keys/audit.age\"\n", `standard = "1000000/s"`, `standard = "1000000/s 20000000/day"`).Replace(read(t, s.dir, "assay.toml")))
}

// asked asks for what is told to a key, whose answer the client has checked, and reads it.
func (d *door) asked(t *testing.T, path, key string, v any) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Assay-Key", key)
	response, err := d.here.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode == http.StatusOK {
		if err := json.Unmarshal(raw, v); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
	}
	return response.StatusCode
}

// events reads the whole audit log by pages of two.
func (d *door) events(t *testing.T, key string) (all []api.Event) {
	t.Helper()
	for next := ""; ; {
		var page api.Events
		if got := d.asked(t, "/v1/audit?limit=2"+next, key, &page); got != http.StatusOK {
			t.Fatalf("the audit log: %d", got)
		}
		if all = append(all, page.Events...); page.Next == "" {
			return all
		}
		next = "&cursor=" + page.Next
	}
}

// chained holds rows to their hashes, by what the document says of them.
func chained(t *testing.T, all []api.Event) {
	t.Helper()
	before := make([]byte, sha256.Size)
	for i, e := range all {
		row, err := attest.Canonical(audit.Event{Action: e.Action, At: e.At, Client: e.Client, Count: e.Count, Credential: e.Credential, From: e.From, Object: e.Object,
			Outcome: e.Outcome, Reason: e.Reason, Request: e.Request, Seq: e.Seq})
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(slices.Concat([]byte{1}, before, row))
		if before = sum[:]; e.Seq != int64(i+1) || e.Hash != hex.EncodeToString(before) {
			t.Errorf("row %d is not chained", e.Seq)
		}
	}
}

// until asks again until it is so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
	}
}

// TestAuditAtTheDoor: what is done and denied, here and on the command line, is on record; who may sees it, each client sees its own
// calls, and whatever is changed in the database is found.
func TestAuditAtTheDoor(t *testing.T) {
	d := newDoor(t, audited)
	s := d.server
	service, auditor, admin := s.create(t), s.create(t, "--permission", "audit:read"), s.create(t, "--permission", "usage:read")
	revoked := s.create(t)
	s.admin(t, "revoke", revoked.ID)
	ask := func(key string) int {
		t.Helper()
		got, _, _ := doorSays(t, d.here, d.request(t, "/v1/proofs", "Assay-Key", key))
		return got
	}
	if got := []int{ask(service.Key), ask(service.Key), ask(revoked.Key)}; !slices.Equal(got, []int{200, 200, 401}) {
		t.Fatalf("answers %v", got)
	}
	var none api.Events
	if got := d.asked(t, "/v1/audit", service.Key, &none); got != http.StatusForbidden {
		t.Errorf("the audit log to whoever has a key: %d", got)
	}
	all := d.events(t, auditor.Key)
	chained(t, all)
	var said []string
	for _, e := range all {
		if e.Action == "authorize" && len(e.Request) != 32 {
			t.Errorf("the request %q was denied", e.Request)
		}
		said = append(said, strings.Join([]string{e.Action, e.Client, e.From, e.Object, e.Outcome, e.Reason}, " "))
	}
	for _, want := range []string{
		"key.create local  " + service.ID + " done ", "key.revoke local  " + revoked.ID + " done ",
		"authenticate  127.0.0.0/24 POST /v1/proofs denied the credential is not good: API key " + revoked.ID + ": it is revoked",
		"authorize " + service.Client + " 127.0.0.0/24 GET /v1/audit denied it needs audit:read",
	} {
		if !slices.Contains(said, want) {
			t.Errorf("the audit log does not say %q, but %q", want, said)
		}
	}
	d.addresses(t, all)
	d.usage(t, service, admin)
	d.tampered(t)
}

// addresses opens where somebody who was denied came from, which is on record too.
func (d *door) addresses(t *testing.T, all []api.Event) {
	t.Helper()
	s := d.server
	i := slices.IndexFunc(all, func(e api.Event) bool { return e.Action == "authenticate" })
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, opened("audit", "address", strconv.FormatInt(all[i].Seq, 10))...)
	if stdout != "127.0.0.1\n" {
		t.Errorf("it came from %s", stdout)
	}
	if code, _, stderr := call(t, s.dir, s.exchange.assay, opened("audit", "address", "1")...); code != exitRefused || !strings.Contains(stderr, "no address is kept") {
		t.Errorf("of the command line: %d %s", code, stderr)
	}
	rows, err := s.records(t).Events(t.Context(), int64(len(all)), 10)
	if err != nil || !slices.ContainsFunc(rows, func(row store.Event) bool { return strings.Contains(string(row.Text), `"action":"address.open"`) }) {
		t.Errorf("it is not on record: %v %v", rows, err)
	}
}

// usage looks at who asked for what.
func (d *door) usage(t *testing.T, service, admin keyRecord) {
	t.Helper()
	var own api.OwnCalls
	until(t, "a client sees its own calls", func() bool {
		got := d.asked(t, "/v1/me/usage", service.Key, &own)
		return got == http.StatusOK && slices.ContainsFunc(own.Calls.Calls, func(c api.Call) bool { return c.Operation == "GET /v1/audit" && c.Status == 403 })
	})
	i := slices.IndexFunc(own.Calls.Calls, func(c api.Call) bool { return c.Operation == "POST /v1/proofs" })
	if i < 0 {
		t.Fatalf("%+v", own)
	}
	if c := own.Calls.Calls[i]; own.Client != service.Client || c.Client != service.Client || c.Count != 2 || c.Status != 200 || c.From != "127.0.0.0/24" || c.Mean <= 0 || c.Longest < c.Mean || c.Last == "" {
		t.Errorf("%+v", c)
	}
	if q := own.Quota; q == nil || q.Left <= 0 || q.Left >= q.Day {
		t.Errorf("the quota is %+v", q)
	}
	var theirs api.Calls
	if got := d.asked(t, "/v1/usage?client="+service.Client+"&hours=1", admin.Key, &theirs); got != http.StatusOK || len(theirs.Calls) < 2 {
		t.Errorf("%d %+v", got, theirs)
	}
	if got := d.asked(t, "/v1/usage", service.Key, &theirs); got != http.StatusForbidden {
		t.Errorf("everybody's calls to whoever has a key: %d", got)
	}
}

// tampered changes the log beside a server that has stopped.
func (d *door) tampered(t *testing.T) {
	t.Helper()
	s := d.server
	verify := func(flags ...string) (code int, stdout string) {
		t.Helper()
		code, stdout, stderr := call(t, s.dir, s.exchange.assay, append([]string{"audit", "verify"}, flags...)...)
		return code, stdout + stderr
	}
	if code, said := verify(); code != exitDone || !strings.Contains(said, "each chained to the one before") {
		t.Errorf("while the server runs: %d %s", code, said)
	}
	if err := d.process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var head struct {
		Rows int64
		Hash string
		Head struct {
			Seq  int64
			Hash string
		}
	}
	until(t, "the last head is of the last row", func() bool {
		_, stdout, _ := call(t, s.dir, s.exchange.assay, "audit", "head", "--json")
		return json.Unmarshal([]byte(stdout), &head) == nil && head.Rows > 0 && head.Rows == head.Head.Seq && head.Hash == head.Head.Hash
	})
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("there is no sqlite3 here: apt-get install sqlite3")
	}
	sql := func(text string) {
		t.Helper()
		mustCall(t, s.dir, program, "-bail", "assay.db", text)
	}
	copied := filepath.Join(t.TempDir(), "heads")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(s.dir, "audit"))); err != nil {
		t.Fatal(err)
	}
	if code, said := verify("--heads", copied, "--json"); code != exitDone || !strings.Contains(said, `"faults":[]`) {
		t.Errorf("with heads from elsewhere: %d %s", code, said)
	}
	sql("UPDATE audit SET event = replace(event, 'key.revoke', 'key.create') WHERE event LIKE '%key.revoke%'")
	if code, said := verify(); code != exitRefused || !strings.Contains(said, "is not chained to row") {
		t.Errorf("edited: %d %s", code, said)
	}
	sql("UPDATE audit SET event = replace(event, 'key.create', 'key.revoke') WHERE event LIKE '%key.create%'")
	sql("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
	if code, said := verify("--heads", copied); code != exitRefused || !strings.Contains(said, "it was cut") {
		t.Errorf("cut: %d %s", code, said)
	}
	if code, _, stderr := call(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...); code != exitRefused || !strings.Contains(stderr, "it was cut") {
		t.Errorf("a server takes up a log that was cut: %d %s", code, stderr)
	}
	if err := os.Rename(filepath.Join(s.dir, "assay.db"), filepath.Join(s.dir, "away.db")); err != nil {
		t.Fatal(err)
	}
	if code, said := verify(); code != exitUnreadable || !strings.Contains(said, "server.database") {
		t.Errorf("without a database: %d %s", code, said)
	}
}

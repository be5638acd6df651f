package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
)

// A door is a server of proofs over TLS, as its clients see it.
type door struct {
	server *proofServer
	url    string
	said   string       // file of what it says
	http   *http.Client // from 127.0.0.1
	here   *client.Client
	there  *client.Client // from 127.0.0.2
	asking string

	process *os.Process
}

func newDoor(t *testing.T, prepare ...func(*testing.T, *proofServer)) *door {
	t.Helper()
	return newDoorWith(t, nil, "", prepare...)
}

// newDoorWith has files and lines of [server] more.
func newDoorWith(t *testing.T, files map[string]string, lines string, prepare ...func(*testing.T, *proofServer)) *door {
	t.Helper()
	return newProofServer(t).door(t, files, lines, prepare...)
}

// door serves over TLS, with files and lines of [server] more.
func (s *proofServer) door(t *testing.T, files map[string]string, lines string, prepare ...func(*testing.T, *proofServer)) *door {
	t.Helper()
	for name, text := range files {
		s.write(t, name, text)
	}
	for _, does := range prepare {
		does(t, s)
	}
	s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\n"+lines+"certificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\n", 1))
	roots := x509.NewCertPool()
	roots.AddCert(pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90)))
	d := &door{server: s, asking: fmt.Sprintf(`{"customer":%q,"statement":%q}`, s.customers[0], s.exchange.digest(t, "first"))}
	d.url, d.said, d.process = servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	from := func(address string) *client.Client {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: dialer.DialContext, ForceAttemptHTTP2: true}
		if d.http == nil {
			d.http = &http.Client{Transport: transport}
		}
		c, err := client.New(client.Config{URL: d.url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, HTTP: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	d.here, d.there = from("127.0.0.1"), from("127.0.0.2")
	return d
}

// request asks for a proof, with what is told of who asks.
func (d *door) request(t *testing.T, path string, fields ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+path, strings.NewReader(d.asking))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// doorSays returns the status, and the last part of the problem's type. The client has checked that the answer is signed.
func doorSays(t *testing.T, c *client.Client, r *http.Request) (status int, problem string, content string) {
	t.Helper()
	response, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p client.Problem
	if response.StatusCode != http.StatusOK {
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
	}
	return response.StatusCode, strings.TrimPrefix(p.Type, "/problems/"), string(raw)
}

// admin runs assay admin key beside the server.
func (s *proofServer) admin(t *testing.T, args ...string) keyRecord {
	t.Helper()
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, append([]string{"admin", "key"}, append(args, "--json")...)...)
	var k keyRecord
	if err := json.Unmarshal([]byte(stdout), &k); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return k
}

func (s *proofServer) create(t *testing.T, args ...string) keyRecord {
	t.Helper()
	return s.admin(t, append([]string{"create", "--name", "backend", "--permission", "proof:read:any"}, args...)...)
}

// records opens the server's database beside it.
func (s *proofServer) records(t *testing.T) *store.Store {
	t.Helper()
	records, _ := unsealedIn(t, s.dir)
	return records
}

// ofRequest is what differs from one problem to the next by itself.
var ofRequest = regexp.MustCompile(`"instance":"[0-9a-f]{32}"`)

// TestKeysAtTheDoor: keys are made, rotated and revoked while the server runs, over TLS; a stolen one is of no use from another
// address, and what is wrong with a key is not told.
func TestKeysAtTheDoor(t *testing.T) {
	d := newDoor(t)
	s := d.server
	good := s.create(t)
	local := s.create(t, "--cidr", "127.0.0.1")
	narrow := s.create(t, "--report", s.exchange.digest(t, "second"))
	expired, revoked := s.create(t, "--days", "1"), s.create(t)
	err := s.records(t).Write(t.Context(), func(tx *store.Tx) error {
		return tx.ChangeKey(t.Context(), expired.ID, func(k *store.Key) error { k.Credentials[0].Until = time.Now().Add(-time.Minute); return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, content := doorSays(t, d.here, d.request(t, "/v1/proofs", "Assay-Key", revoked.Key)); got != 200 || !strings.Contains(content, "proof") {
		t.Fatalf("before it is revoked: %d %s", got, content)
	}
	s.admin(t, "revoke", revoked.ID)
	for name, tt := range map[string]struct {
		c    *client.Client
		key  string
		want int
	}{
		"good": {d.here, good.Key, 200}, "good, from there": {d.there, good.Key, 200}, "local": {d.here, local.Key, 200}, "for another report": {d.here, narrow.Key, 404},
	} {
		if got, _, content := doorSays(t, tt.c, d.request(t, "/v1/proofs", "Assay-Key", tt.key)); got != tt.want {
			t.Errorf("%s: %d %s", name, got, content)
		}
	}
	last := map[bool]string{true: "a", false: "b"}[strings.HasSuffix(good.Key, "b")]
	var first string
	for name, tt := range map[string]struct {
		c   *client.Client
		key string
	}{
		"foreign address": {d.there, local.Key}, "expired": {d.here, expired.Key}, "revoked": {d.here, revoked.Key}, "no checksum": {d.here, good.Key[:len(good.Key)-1] + last},
		"unknown": {d.here, "asy1." + strings.Repeat("a", 16) + "." + strings.Repeat("a", 52) + ".aaaaaaa"}, "nonsense": {d.here, "x"},
	} {
		got, problem, content := doorSays(t, tt.c, d.request(t, "/v1/proofs", "Assay-Key", tt.key, "X-Forwarded-For", "127.0.0.1"))
		content = ofRequest.ReplaceAllString(content, "")
		if first == "" {
			first = content
		}
		if got != 401 || problem != "credential-invalid" || content != first {
			t.Errorf("%s: %d %s", name, got, content)
		}
	}
	rotated := s.admin(t, "rotate", good.ID)
	for _, key := range []string{good.Key, rotated.Key} {
		if got, _, content := doorSays(t, d.here, d.request(t, "/v1/proofs", "Assay-Key", key)); got != 200 {
			t.Errorf("after rotating: %d %s", got, content)
		}
	}
	if code, _, stderr := call(t, s.dir, s.exchange.assay, "admin", "key", "rotate", good.ID); code != exitRefused || !strings.Contains(stderr, "two credentials already") {
		t.Errorf("a third: %d %s", code, stderr)
	}
	for name, tt := range map[string]struct {
		path   string
		fields []string
		want   int
		kind   string
	}{
		"nobody":     {"/v1/proofs", nil, 401, "credential-missing"},
		"two":        {"/v1/proofs", []string{"Assay-Key", good.Key, "Assay-Key", rotated.Key}, 400, "multiple-credentials"},
		"and OAuth":  {"/v1/proofs", []string{"Assay-Key", good.Key, "Authorization", "Bearer x"}, 400, "multiple-credentials"},
		"in the URL": {"/v1/proofs?key=" + local.Key, []string{"Assay-Key", rotated.Key}, 400, "credential-in-url"},
	} {
		if got, kind, content := doorSays(t, d.here, d.request(t, tt.path, tt.fields...)); got != tt.want || kind != tt.kind {
			t.Errorf("%s: %d %s", name, got, content)
		}
	}
	if got, _, _ := doorSays(t, d.here, d.request(t, "/v1/proofs", "Assay-Key", local.Key)); got != 401 {
		t.Errorf("a key that stood in a URL: %d", got)
	}
	d.keepsNoSecret(t, good, local, narrow, expired, revoked, rotated)
}

// keepsNoSecret searches the server's folder, and what it says, for secrets of keys.
func (d *door) keepsNoSecret(t *testing.T, all ...keyRecord) {
	t.Helper()
	searched := 0
	search := func(path string) error {
		raw, err := os.ReadFile(path)
		searched++
		for _, k := range all {
			if secret := strings.Split(k.Key, ".")[2]; bytes.Contains(raw, []byte(secret[:20])) || bytes.Contains(raw, []byte(secret[32:])) {
				t.Errorf("%s holds the secret of a key", path)
			}
		}
		return err
	}
	err := filepath.WalkDir(d.server.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		return search(path)
	})
	if err != nil || search(d.said) != nil || searched < 10 {
		t.Errorf("%v; %d files", err, searched)
	}
	for !strings.Contains(read(t, d.said), "action=authenticate outcome=denied") { // it is told once a second
		time.Sleep(10 * time.Millisecond)
	}
	if said := read(t, d.said); strings.Contains(said, "canary") {
		t.Errorf("the server says %s", said)
	}
}

// TestSignedAtTheDoor: a client without a secret; what it signed is taken once, as it was, and in time.
func TestSignedAtTheDoor(t *testing.T) {
	d := newDoor(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := d.server.create(t, "--public-key", "ed25519:"+hex.EncodeToString(public), "--cidr", "127.0.0.1")
	n := 0
	signed := func(at time.Time) *http.Request {
		t.Helper()
		n++
		r := d.request(t, "/v1/proofs")
		if err := httpsig.SignRequest(r, []byte(d.asking), private, k.ID, fmt.Sprintf("nonce-%016d", n), at); err != nil {
			t.Fatal(err)
		}
		return r
	}
	again := func(r *http.Request) *http.Request {
		r = r.Clone(context.WithoutCancel(r.Context()))
		r.Body = io.NopCloser(strings.NewReader(d.asking))
		return r
	}
	var taken *http.Request
	waitFor(t, "taken", func() bool { // nothing that was signed in the first seconds is
		taken = signed(time.Now())
		got, _, _ := doorSays(t, d.here, taken)
		return got == 200
	})
	altered := signed(time.Now())
	altered.Body = io.NopCloser(strings.NewReader(strings.Replace(d.asking, "canary-0", "canary-1", 1)))
	queried := signed(time.Now())
	queried.URL.RawQuery = "x"
	for name, tt := range map[string]struct {
		c *client.Client
		r *http.Request
	}{
		"again": {d.here, again(taken)}, "stale": {d.here, signed(time.Now().Add(-time.Minute))}, "ahead": {d.here, signed(time.Now().Add(time.Minute))}, "other content": {d.here, altered},
		"another query": {d.here, queried}, "foreign address": {d.there, signed(time.Now())},
	} {
		if got, problem, content := doorSays(t, tt.c, tt.r); got != 401 || problem != "signature-invalid" {
			t.Errorf("%s: %d %s", name, got, content)
		}
	}
	d.keepsSigned(t, signed(time.Now()))
	d.server.admin(t, "revoke", k.ID)
	if got, _, _ := doorSays(t, d.here, signed(time.Now())); got != 401 {
		t.Errorf("after it is revoked: %d", got)
	}
}

// keepsSigned asks, and has assay-verify check the receipt: the answer is to this request. As one to another it is refused.
func (d *door) keepsSigned(t *testing.T, r *http.Request) {
	t.Helper()
	answer, err := d.here.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("another one: %d %s %v", answer.StatusCode, content, err)
	}
	receipt, err := client.Receipt(answer, content)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.here.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, asked := d.server.dir, base64.StdEncoding.EncodeToString(httpsig.Asked(r))
	d.server.write(t, "keys.dsse.json", string(list))
	d.server.write(t, "trust.toml", d.server.exchange.policy)
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, ed25519.SignatureSize))
	for name, tt := range map[string]struct {
		old, replacement string
		want             int
	}{"mine": {asked, asked, 0}, "another": {asked, other, 1}, "none": {`"asked":"` + asked + `",`, "", 3}} {
		if !bytes.Contains(receipt, []byte(tt.old)) {
			t.Fatalf("%s is not in %s", tt.old, receipt)
		}
		d.server.write(t, "receipt.json", strings.Replace(string(receipt), tt.old, tt.replacement, 1))
		code, out, stderr := call(t, dir, d.server.exchange.verify, "response", "receipt.json", "--keys", "keys.dsse.json", "--policy", "trust.toml")
		if code != tt.want || code == 0 && !strings.Contains(out, "it answers one signed request and no other") {
			t.Errorf("%s: exit %d, want %d: %s%s", name, code, tt.want, out, stderr)
		}
	}
}

// killedCreate runs assay admin key create and kills it after a while, and returns the key that it showed; empty if none.
func killedCreate(t *testing.T, assay, dir, name string, after time.Duration) (key string, killed bool) {
	t.Helper()
	cmd := exec.Command(assay, "admin", "key", "create", "--name", name, "--permission", "proof:read:any", "--json")
	var out bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Env = dir, &out, append(os.Environ(), "ASSAY_PASSPHRASE=correct horse")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	timer.Stop()
	var k keyRecord
	if err := json.Unmarshal(out.Bytes(), &k); err != nil && out.Len() > 0 {
		t.Errorf("half a line: %q", out.String())
	}
	return k.Key, !cmd.ProcessState.Exited()
}

// wholeKeys opens a database after all that, and holds what is there to what was shown, by name.
func wholeKeys(t *testing.T, dir string, shown map[string]string) (there int) {
	t.Helper()
	records, pepper := unsealedIn(t, dir)
	all, err := records.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all {
		if len(k.Credentials) != 1 || len(k.Credentials[0].MAC) != 32 || cmp.Diff([]string{"proof:read:any"}, k.Permissions) != "" {
			t.Errorf("half of a key: %+v", k)
		}
	}
	if len(shown) == 0 {
		return len(all)
	}
	gate := authn.NewGate(records, pepper, time.Now)
	for name, key := range shown {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Assay-Key", key)
		if _, _, err := gate.Who(r); err != nil {
			t.Errorf("%s was shown, and is of no use: %v", name, err)
		}
	}
	return len(all)
}

// TestKilledAdmin: whoever makes a key is killed at twenty moments, where there is a database and where there is none yet; the key is
// there whole or not at all, one that was shown is there, and the next one can be made.
func TestKilledAdmin(t *testing.T) {
	assay, _ := programs(t)
	place := func() (dir string) {
		dir = t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(offlineConfig), 0o600); err != nil {
			t.Fatal(err)
		}
		writeKEK(t, dir)
		return dir
	}
	const never, moments = time.Hour, 20
	timed := func(dir string) time.Duration {
		began := time.Now()
		if key, killed := killedCreate(t, assay, dir, "whole", never); key == "" || killed {
			t.Fatal("not killed, and no key")
		}
		return time.Since(began)
	}
	used := place()
	first := timed(used)
	if info, err := os.Stat(filepath.Join(used, "assay.db")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	next := timed(used)
	shown, kills := map[string]string{}, 0
	for i := range moments {
		name := fmt.Sprintf("killed-%d", i)
		key, killed := killedCreate(t, assay, used, name, next*time.Duration(i)/moments)
		if key != "" {
			shown[name] = key
		}
		if killed {
			kills++
		}
		dir := place()
		if _, killed := killedCreate(t, assay, dir, name, first*time.Duration(i)/moments); killed {
			kills++
		}
		key, killed = killedCreate(t, assay, dir, "next", never)
		if there := wholeKeys(t, dir, map[string]string{"next": key}); killed || there < 1 || there > 2 {
			t.Errorf("after #%d was killed %d keys are there", i, there)
		}
	}
	there := wholeKeys(t, used, shown)
	if there < 2+len(shown) || kills == 0 {
		t.Errorf("%d keys are there and %d were shown; %d were killed", there, len(shown), kills)
	}
	t.Logf("of %d that were to be killed %d were; of the %d in one database %d keys are there, and %d were shown", 2*moments, kills, moments, there-2, len(shown))
}

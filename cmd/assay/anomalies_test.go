package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/anomaly"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/storetest"
)

// Where clients have always asked from, and where nobody has: networks of this machine.
const (
	known, unknown, guessing = "127.0.1.1", "127.0.2.1", "127.0.3.1"
	knownNetwork             = "127.0.1.0/24"
)

// A watchedServer is one whose clients have asked every hour for a month, from one network.
type watchedServer struct {
	*door
	roots *x509.CertPool
	hook  *hooked
	n     int
	admin keyRecord
}

func newWatchedServer(t *testing.T, clients ...string) (*watchedServer, map[string]keyRecord, ed25519.PrivateKey) {
	t.Helper()
	s := newProofServer(t)
	w := &watchedServer{roots: x509.NewCertPool()}
	w.roots.AddCert(pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90)))
	t.Setenv("SSL_CERT_FILE", filepath.Join(s.dir, "cert.pem"))
	w.hook = newHooked(t, s.dir)
	s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\ncertificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\n", 1)+
		"\n[[webhook]]\nurl = \""+w.hook.URL+"/\"\nevents = [\"anomaly.found\"]\naddresses = [\"127.0.0.1\"]\n")
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]keyRecord{"signs": s.create(t, "--public-key", "ed25519:"+hex.EncodeToString(public), "--permission", "run:start", "--cidr", "127.0.0.0/8")}
	for _, name := range clients {
		keys[name] = s.create(t)
	}
	w.admin = s.create(t, "--permission", "anomaly:read")
	s.lived(t, keys)
	w.door = &door{server: s, asking: fmt.Sprintf(`{"customer":%q,"statement":%q}`, s.customers[0], s.exchange.digest(t, "first"))}
	w.url, w.said, w.process = servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	w.hook.client, err = client.New(client.Config{URL: w.url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, HTTP: w.from(known)})
	if err != nil {
		t.Fatal(err)
	}
	w.here = w.hook.client
	close(w.hook.ready)
	return w, keys, private
}

// lived has the clients of keys ask as they always do, for a month.
func (s *proofServer) lived(t *testing.T, keys map[string]keyRecord) {
	t.Helper()
	at := time.Now().AddDate(0, 0, -31)
	past, err := anomaly.New(t.Context(), anomaly.Config{Store: s.records(t), Key: []byte("a test's"), Random: rand.Reader, Now: func() time.Time { return at }, Fault: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	for ; at.Before(time.Now().Add(-time.Hour)); at = at.Add(time.Hour) {
		for _, k := range keys {
			a := anomaly.Asker{Client: k.Client, Credential: k.ID, Kind: store.Machine, Network: knownNetwork}
			for i := range 5 {
				past.Arrive(t.Context(), a, "POST /v1/proofs", false)
				past.Arrive(t.Context(), a, "GET /v1/me", false)
				past.Looked(t.Context(), a, fmt.Sprint(i), true)
			}
		}
	}
	if err := past.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// from is a client at an address of this machine.
func (w *watchedServer) from(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.roots}, DialContext: dialer.DialContext, ForceAttemptHTTP2: true}}
}

// ask asks, and returns the status and the last part of the problem's type.
func (w *watchedServer) ask(t *testing.T, by *http.Client, r *http.Request) (status int, problem string) {
	t.Helper()
	response, err := by.Do(r)
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
	return response.StatusCode, strings.TrimPrefix(p.Type, "/problems/")
}

// me asks who somebody is.
func (w *watchedServer) me(t *testing.T, key string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Assay-Key", key)
	return r
}

// lookUp asks for a customer's proof.
func (w *watchedServer) lookUp(t *testing.T, key, customer string) *http.Request {
	t.Helper()
	w.asking = fmt.Sprintf(`{"customer":%q,"statement":%q}`, customer, w.server.exchange.digest(t, "first"))
	return w.request(t, "/v1/proofs", "Assay-Key", key)
}

// signed is a request that is signed, as often as it is needed.
func (w *watchedServer) signed(t *testing.T, k keyRecord, private ed25519.PrivateKey, method, path, content string) func() *http.Request {
	t.Helper()
	w.n++
	nonce, at := fmt.Sprintf("nonce-of-a-test-%04d", w.n), time.Now()
	return func() *http.Request {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, w.url+path, strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if content != "" {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", nonce)
		}
		if err := httpsig.SignRequest(r, []byte(content), private, k.ID, nonce, at); err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// finds waits for a finding about a key's client, which a webhook is told of.
func (w *watchedServer) finds(t *testing.T, of keyRecord, rule, action string) (f api.Anomaly) {
	t.Helper()
	waitFor(t, rule+" "+action, func() bool {
		var all api.Anomalies
		if status := w.asked(t, "/v1/anomalies?client="+of.Client, w.admin.Key, &all); status != 200 {
			t.Fatal(status)
		}
		for _, one := range all.Anomalies {
			if one.Rule == rule && one.Action == action {
				f = one
			}
		}
		return f.ID != ""
	})
	if f.Type != "https://github.com/assay-por/assay/blob/main/docs/anomalies.md#"+rule || f.State != "open" {
		t.Errorf("%+v", f)
	}
	w.hook.hears(t, "anomaly.found "+f.ID)
	return f
}

// undone undoes a finding at the command line.
func (w *watchedServer) undone(t *testing.T, f api.Anomaly) {
	t.Helper()
	out, _ := mustCall(t, w.server.dir, w.server.exchange.assay, "admin", "anomaly", "undo", f.ID)
	if !strings.Contains(out, f.Undo) {
		t.Errorf("%s, want %q", out, f.Undo)
	}
}

// TestServedAnomalies: theft, enumeration, a burst, guessing, and what is sent again at a served exchange: each is found, told, and ended until somebody undoes it.
func TestServedAnomalies(t *testing.T) {
	w, keys, private := newWatchedServer(t, "stolen", "lists", "bursts", "guessed", "revoked")
	home, thief := w.from(known), w.from(unknown)
	t.Run("theft", func(t *testing.T) {
		if status, _ := w.ask(t, thief, w.lookUp(t, keys["stolen"].Key, w.server.customers[0])); status != 200 {
			t.Errorf("a read from a new network: %d", status)
		}
		w.finds(t, keys["stolen"], anomaly.Origin, anomaly.Hold)
	})
	t.Run("theft of a key that writes", func(t *testing.T) {
		run := func() *http.Request {
			return w.signed(t, keys["signs"], private, http.MethodPost, "/v1/runs", `{"period":"2027-01"}`)()
		}
		waitFor(t, "let in", func() bool { status, _ := w.ask(t, home, run()); return status == 201 || status == 409 })
		if status, problem := w.ask(t, thief, run()); status != 403 || problem != "held" {
			t.Errorf("a write from a new network: %d %s", status, problem)
		}
		if status, problem := w.ask(t, home, run()); status == 403 {
			t.Errorf("where it always was: %s", problem)
		}
		w.undone(t, w.finds(t, keys["signs"], anomaly.Origin, anomaly.Hold))
		waitFor(t, "undone", func() bool { status, _ := w.ask(t, thief, run()); return status != 403 })
	})
	t.Run("replay", func(t *testing.T) {
		request := w.signed(t, keys["signs"], private, http.MethodGet, "/v1/me", "")
		if status, problem := w.ask(t, home, request()); status != 200 {
			t.Fatal(status, problem)
		}
		if status, _ := w.ask(t, w.from(guessing), request()); status != 401 {
			t.Errorf("the same again: %d", status)
		}
		fresh := func() (int, string) {
			return w.ask(t, home, w.signed(t, keys["signs"], private, http.MethodGet, "/v1/me", "")())
		}
		if status, problem := fresh(); status != 403 || problem != "suspended" {
			t.Errorf("afterwards: %d %s", status, problem)
		}
		w.undone(t, w.finds(t, keys["signs"], anomaly.Reuse, anomaly.Suspend))
		waitFor(t, "undone", func() bool { status, _ := fresh(); return status == 200 })
	})
	t.Run("enumeration", func(t *testing.T) {
		for i := range 60 {
			if status, _ := w.ask(t, home, w.lookUp(t, keys["lists"].Key, fmt.Sprintf("guess-%d@customers.example", i))); status != 404 {
				t.Fatal(status)
			}
		}
		w.finds(t, keys["lists"], anomaly.Enumeration, anomaly.Throttle)
	})
	t.Run("burst", func(t *testing.T) {
		for range 250 { // more than a hundred of them within a minute of the clock, whenever it turns
			w.ask(t, home, w.me(t, keys["bursts"].Key))
		}
		w.finds(t, keys["bursts"], anomaly.Burst, anomaly.Halve)
	})
	t.Run("guessing", func(t *testing.T) {
		guesser, wrong := w.from(guessing), keys["guessed"].Key
		w.server.admin(t, "rotate", keys["guessed"].ID, "--overlap", "0s") // a key of two secrets ago is as good as any
		good := w.server.admin(t, "rotate", keys["guessed"].ID, "--overlap", "0s").Key
		for range 21 {
			if status, _ := w.ask(t, guesser, w.me(t, wrong)); status != 401 {
				t.Fatal(status)
			}
		}
		if status, problem := w.ask(t, guesser, w.me(t, good)); status != 401 || problem != "credential-invalid" {
			t.Errorf("the good key, where it was guessed: %d %s", status, problem)
		}
		if status, _ := w.ask(t, home, w.me(t, good)); status != 200 {
			t.Errorf("and where it is used: %d", status)
		}
		w.finds(t, keys["guessed"], anomaly.Failures, anomaly.Lock)
	})
	t.Run("revoked", func(t *testing.T) {
		w.server.admin(t, "revoke", keys["revoked"].ID)
		w.ask(t, home, w.me(t, keys["revoked"].Key))
		w.finds(t, keys["revoked"], anomaly.Reuse, anomaly.Alert)
	})
	w.recorded(t)
}

// recorded wants a row of the audit log for each finding, and no customer anywhere.
func (w *watchedServer) recorded(t *testing.T) {
	t.Helper()
	auditor := w.server.create(t, "--permission", "audit:read")
	found, undone := 0, 0
	for _, e := range w.events(t, auditor.Key) {
		switch e.Action {
		case "anomaly.found":
			found++
			if e.Client != audit.Server || !strings.Contains(e.Reason, "usual: ") {
				t.Errorf("%+v", e)
			}
		case "anomaly.undo":
			undone++
		}
	}
	if found < 7 || undone != 2 {
		t.Errorf("%d findings and %d undone in the audit log", found, undone)
	}
	out, _ := mustCall(t, w.server.dir, w.server.exchange.assay, "admin", "anomaly", "list")
	for _, rule := range []string{"origin", "reuse", "enumeration", "burst", "failures"} {
		if !strings.Contains(out, rule) {
			t.Errorf("%s is not listed: %s", rule, out)
		}
	}
	if strings.Contains(out, "customers.example") || strings.Contains(read(t, w.said), "customers.example") {
		t.Error("a customer is told")
	}
}

// absent is where no customer is.
type absent struct{}

func (absent) Prove(context.Context, report.Digest, hidden.Customer) ([]byte, error) {
	return nil, api.AbsentError{}
}

// TestLookupsByCustomers: look-ups by a token that is for one customer are no app's that walks through names; by a key they are.
func TestLookupsByCustomers(t *testing.T) {
	s := storetest.Open(t, filepath.Join(t.TempDir(), "assay.db"))
	w, err := anomaly.New(t.Context(), anomaly.Config{Store: s, Key: make([]byte, 32), Random: rand.Reader, Now: time.Now, Fault: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []*authn.Principal{{ID: "grant", Client: "app", Kind: store.OfApp, Subject: hidden.NewCustomer("customer-1")}, {ID: "key", Client: "backend", Kind: store.Machine}} {
		for i := range 60 {
			_, err := lookups{absent{}, w}.Prove(authn.With(t.Context(), who), report.Digest{}, hidden.NewCustomer(fmt.Sprint("customer-", i)))
			if !errors.As(err, new(api.AbsentError)) {
				t.Fatal(err)
			}
		}
	}
	if err := w.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := s.Anomalies(t.Context(), "", "", 10)
	if err != nil || len(all) != 1 || all[0].Client != "backend" || all[0].Rule != anomaly.Enumeration {
		t.Errorf("%v %+v", err, all)
	}
}

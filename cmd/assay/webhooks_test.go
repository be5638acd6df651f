package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
)

// webhook is one that the server's key signed just now, as client.test.mjs reads it.
func (s served) webhook(t *testing.T) string {
	t.Helper()
	content, err := attest.Webhook{At: time.Now().UTC().Truncate(time.Second), Event: "key.revoked", Exchange: "Demo Exchange", ID: "1-1", Object: "k", Type: attest.TypeWebhook}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	key, err := newResponseKey(openedKey(t, s.dir, "keys/response.age"), nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := httpsig.NewSigner(key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "https://me.example/hook?x", nil)
	r.Header.Set("Content-Type", "application/json")
	if err := signer.SignWebhook(r, content, "0123456789-abc_DEF"); err != nil {
		t.Fatal(err)
	}
	told := struct {
		URL     string      `json:"url"`
		Headers [][2]string `json:"headers"`
		Content []byte      `json:"content"`
	}{URL: r.URL.String(), Content: content}
	for name := range r.Header {
		told.Headers = append(told.Headers, [2]string{strings.ToLower(name), r.Header.Get(name)})
	}
	raw, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// hooked is a receiver of webhooks over TLS, in the name of the server's own certificate.
type hooked struct {
	*httptest.Server
	ready  chan struct{} // closed when client is there
	client *client.Client
	mu     sync.Mutex
	broken bool // it answers 500
	told   []attest.Webhook
	raw    bytes.Buffer // all that came
	faults []error
}

func newHooked(t *testing.T, dir string) *hooked {
	t.Helper()
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	h := &hooked{ready: make(chan struct{})}
	h.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-h.ready
		h.mu.Lock()
		defer h.mu.Unlock()
		content, err := io.ReadAll(r.Body)
		if err != nil {
			h.faults = append(h.faults, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(content))
		h.raw.WriteString(r.RequestURI + written(r.Header) + string(content))
		told, err := h.client.Webhook(r, h.URL+r.URL.RequestURI())
		if err != nil {
			h.faults = append(h.faults, err)
		}
		if h.broken {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		h.told = append(h.told, told)
	}))
	h.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	h.Config.ErrorLog = log.New(io.Discard, "", 0) // of who looks at its certificate and goes
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

// are waits until it was told these, and no others.
func (h *hooked) are(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	waitFor(t, strings.Join(want, ", "), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		got = nil
		for _, w := range h.told {
			got = append(got, w.Event+" "+w.Object)
		}
		return len(got) >= len(want)
	})
	if strings.Join(got, ", ") != strings.Join(want, ", ") || len(h.faults) > 0 {
		t.Errorf("told %q, want %q; %v", got, want, h.faults)
	}
}

// hears waits until it was told these, whatever else it was told.
func (h *hooked) hears(t *testing.T, want ...string) {
	t.Helper()
	waitFor(t, "told "+strings.Join(want, ", "), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		left := slices.Clone(want)
		for _, w := range h.told {
			left = slices.DeleteFunc(left, func(s string) bool { return s == w.Event+" "+w.Object })
		}
		return len(left) == 0
	})
	if len(h.faults) > 0 {
		t.Error(h.faults)
	}
}

// tells configures a webhook for runs, before the server runs.
func (w *workshop) tells(t *testing.T) *hooked {
	t.Helper()
	pair(t, w.dir, 1, time.Now().AddDate(0, 0, 90))
	t.Setenv("SSL_CERT_FILE", filepath.Join(w.dir, "cert.pem"))
	h := newHooked(t, w.dir)
	add(t, w.dir, "[[webhook]]\nurl = \""+h.URL+"/\"\nevents = [\"run.waiting\", \"run.published\", \"report.withdrawn\"]\naddresses = [\"127.0.0.1\"]\n")
	return h
}

// TestWebhooks: what happens to keys is told by a served exchange, signed, over TLS, to who wants it; what happened while the server was
// away, or the receiver, is told later; and a name that leads into a private network leads nowhere.
func TestWebhooks(t *testing.T) {
	s := newProofServer(t)
	roots := x509.NewCertPool()
	roots.AddCert(pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90)))
	t.Setenv("SSL_CERT_FILE", filepath.Join(s.dir, "cert.pem"))
	h, hidden := newHooked(t, s.dir), newHooked(t, s.dir)
	s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\ncertificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\n", 1)+
		"\n[[webhook]]\nurl = \""+h.URL+"/s3cret?x=1\"\nevents = [\"key.revoked\", \"key.expiring\"]\naddresses = [\"127.0.0.1\"]\n"+
		"[[webhook]]\nurl = \""+hidden.URL+"/s3cret\"\nevents = [\"key.revoked\"]\n")
	soon, before := s.create(t, "--days", "3"), s.create(t)
	s.admin(t, "revoke", before.ID) // while no server runs
	url, said, _ := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	c, err := client.New(client.Config{
		URL: url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, HTTP: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*hooked{h, hidden} {
		r.client = c
		close(r.ready)
	}
	h.are(t, "key.revoked "+before.ID, "key.expiring "+soon.ID)
	h.mu.Lock()
	h.broken = true
	h.mu.Unlock()
	after := s.create(t)
	s.admin(t, "revoke", after.ID)
	waitFor(t, "not delivered", func() bool { return strings.Contains(read(t, said), "redirect, which is never followed") })
	h.mu.Lock()
	h.broken = false
	h.mu.Unlock()
	h.are(t, "key.revoked "+before.ID, "key.expiring "+soon.ID, "key.revoked "+after.ID)
	waitFor(t, "refused", func() bool { return strings.Contains(read(t, said), "one of a private network, which is not allowed") })
	if hidden.told != nil || strings.Contains(read(t, said), "s3cret") {
		t.Errorf("told %v, said %s", hidden.told, read(t, said))
	}
}

// TestWebhooksConfigured: what could not be told is refused before anything is served, and no secret of a URL is repeated.
func TestWebhooksConfigured(t *testing.T) {
	const good = `url = "https://hooks.example/s3cret"` + "\nevents = [\"key.revoked\"]\n"
	for name, tt := range map[string]struct{ lines, want string }{
		"http":            {strings.Replace(good, "https", "http", 1), "want https"},
		"no events":       {`url = "https://hooks.example/s3cret"`, "events are missing"},
		"another event":   {strings.Replace(good, "key.revoked", "key.made", 1), `"key.made" is none of`},
		"twice":           {good + "[[webhook]]\n" + good, "it stands above already"},
		"a fragment":      {strings.Replace(good, "s3cret", "s3cret#x", 1), "what follows #"},
		"half an address": {good + `addresses = ["10.1"]`, "addresses"},
		"no host":         {strings.Replace(good, "hooks.example", "", 1), "names no host"},
	} {
		dir := t.TempDir()
		e := &exchange{dir: dir}
		e.write(t, "assay.toml", offlineConfig+"[server]\nkey = \"file:keys/response.age\"\n[[webhook]]\n"+tt.lines)
		_, err := loadConfig(filepath.Join(dir, "assay.toml"))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	dir := t.TempDir()
	e := &exchange{dir: dir}
	e.write(t, "assay.toml", offlineConfig+"[[webhook]]\n"+good)
	if _, err := loadConfig(filepath.Join(dir, "assay.toml")); err == nil || !strings.Contains(err.Error(), "server.key is missing") {
		t.Errorf("without a key: %v", err)
	}
}

package client_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
)

var day = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// statementKey is an exchange's key, in memory.
type statementKey struct{ ed25519.PrivateKey }

func (k statementKey) PublicKey() attest.PublicKey {
	return attest.Ed25519Key([ed25519.PublicKeySize]byte(k.Public().(ed25519.PublicKey)))
}

func (k statementKey) Sign(message []byte) ([]byte, error) {
	return ed25519.Sign(k.PrivateKey, message), nil
}

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// exchange is a server whose key, key list, clock and routes change under way.
type exchange struct {
	*httptest.Server
	mux *http.ServeMux
	ago atomic.Int64 // how many seconds day is ago

	mu       sync.Mutex
	response ed25519.PrivateKey
	list     []byte
	before   func(http.ResponseWriter, *http.Request) bool // a man in the middle
	asked    map[string]int
}

func (e *exchange) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func (e *exchange) clock() time.Time { return day.Add(time.Duration(e.ago.Load()) * time.Second) }

func newExchange(t testing.TB) *exchange {
	t.Helper()
	e := &exchange{mux: http.NewServeMux(), response: key(2), asked: map[string]int{}}
	e.list = keyList(t, key(1), day.Add(-time.Hour), key(2))
	e.mux.HandleFunc("/.well-known/assay-keys", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(e.list) // under e.mu
	})
	e.mux.HandleFunc("/v1/reports", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, `{"reports":[]}`)
	})
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.asked[r.URL.Path]++
		if e.before != nil && e.before(w, r) {
			return
		}
		s, err := httpsig.NewSigner(e.response, e.clock)
		if err != nil {
			t.Error(err)
			return
		}
		httpsig.Handler(e.mux, s).ServeHTTP(w, r)
	}))
	e.EnableHTTP2 = true
	e.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	e.StartTLS()
	t.Cleanup(e.Close)
	return e
}

// keyList is a key list signed by the exchange's key.
func keyList(t testing.TB, by ed25519.PrivateKey, issued time.Time, keys ...ed25519.PrivateKey) []byte {
	t.Helper()
	list := attest.ResponseKeys{Exchange: "Demo Exchange", Issued: issued, Type: attest.TypeResponseKeys}
	for _, k := range keys {
		list.Keys = append(list.Keys, attest.ResponseKey{From: day.Add(-24 * time.Hour), Key: statementKey{k}.PublicKey(), Until: day.Add(24 * time.Hour)})
	}
	if len(keys) == 2 && list.Keys[0].Key.String() > list.Keys[1].Key.String() {
		list.Keys[0], list.Keys[1] = list.Keys[1], list.Keys[0]
	}
	payload, err := list.JSON()
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := attest.Sign(attest.PayloadResponseKeys, payload, statementKey{by}, statementKey{key(8)}) // a second key, which nobody here knows
	if err != nil {
		t.Fatal(err)
	}
	raw, err := envelope.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (e *exchange) client(t testing.TB, change ...func(*client.Config)) *client.Client {
	t.Helper()
	config := client.Config{URL: e.URL, Keys: []string{statementKey{key(1)}.PublicKey().String()}, Exchange: "Demo Exchange", HTTP: e.Client(), Now: e.clock}
	for _, c := range change {
		c(&config)
	}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

package watch_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/assay-por/assay/web/watch"
)

// seen is what a watched handler leaves.
type seen struct {
	watch   *watch.Watch
	handler http.Handler
	lines   *bytes.Buffer
}

func newSeen(t testing.TB, next http.HandlerFunc, traces *watch.Traces) seen {
	t.Helper()
	lines := new(bytes.Buffer)
	logger := slog.New(watch.Log(slog.NewJSONHandler(lines, nil)))
	w, err := watch.New(watch.Config{Random: rand.Reader, Lines: logger, Traces: traces, Version: "1", Ready: func() error { return nil }, Away: func() bool { return true }, Buckets: func() bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	return seen{w, w.Around(next), lines}
}

func (s seen) admin(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.watch.Admin().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

var isID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// TestWatch: what is told of requests, to whom, and that it is no more.
func TestWatch(t *testing.T) {
	s := newSeen(t, func(w http.ResponseWriter, r *http.Request) {
		asked := watch.Of(r.Context())
		switch r.URL.Path {
		case "/proofs":
			asked.Operation("POST", "/v1/proofs")
			asked.Known("standard")
			clear(w.Header()) // as who signs does
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "twelve bytes")
		case "/refused":
			asked.Operation("GET", "/v1/reports/{statement}")
			asked.TurnedAway()
			w.WriteHeader(http.StatusUnauthorized)
		case "/cut":
			asked.Known("a tier of tomorrow")
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, asked.ID())
		}
	}, nil)
	ask := func(path, remote string, alter func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", path, strings.NewReader("canary-content"))
		r.RemoteAddr = remote
		if alter != nil {
			alter(r)
		}
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }()
			s.handler.ServeHTTP(w, r)
		}()
		return w
	}
	got := ask("/proofs?canary-query", "203.0.113.77:4711", func(r *http.Request) { r.Header.Set("Assay-Key", "canary-secret") })
	if got.Code != 404 || !isID.MatchString(got.Header().Get(watch.Field)) {
		t.Errorf("%d %v", got.Code, got.Header())
	}
	ask("/refused", "[2001:db8:1:2::77]:4711", func(r *http.Request) { r.Header.Set("Signature-Input", "canary-input") })
	ask("/cut", "canary-remote", func(r *http.Request) { r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}} })
	one, other := ask("/canary-path", "127.0.0.1:1", nil), ask("/", "10.1.2.3:1", nil)
	if id := one.Header().Get(watch.Field); id != one.Body.String() || id == other.Body.String() {
		t.Errorf("ids %s and %s, the handler sees %s", id, other.Header().Get(watch.Field), one.Body)
	}
	var lines []map[string]any
	for line := range strings.Lines(s.lines.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if !isID.MatchString(l["request"].(string)) || l["seconds"].(float64) < 0 {
			t.Errorf("%v", l)
		}
		for _, changing := range []string{"request", "seconds", "time", "level", "msg"} {
			delete(l, changing)
		}
		lines = append(lines, l)
	}
	line := func(operation string, status float64, tier, credential, from string, size float64) map[string]any {
		return map[string]any{"operation": operation, "status": status, "tier": tier, "credential": credential, "from": from, "bytes": size}
	}
	if diff := cmp.Diff([]map[string]any{
		line("POST /v1/proofs", 404, "standard", "secret", "203.0.113.0/24", 12),
		line("GET /v1/reports/{statement}", 401, "public", "signature", "2001:db8:1::/48", 0),
		line("none", 0, "other", "certificate", "", 0),
		line("none", 200, "public", "none", "127.0.0.0/24", 32), line("none", 200, "public", "none", "10.1.2.0/24", 32),
	}, lines); diff != "" {
		t.Error(diff)
	}
	s.watch.Anomaly("burst", "halve")
	metrics := s.admin("/metrics").Body.String()
	for _, want := range []string{
		`assay_requests_total{operation="POST /v1/proofs",status="404",tier="standard"} 1`, `assay_requests_total{operation="none",status="200",tier="public"} 2`, `assay_requests_total{operation="none",status="0",tier="other"} 1`,
		`assay_request_seconds_count{operation="none"} 3`, `assay_answer_bytes_total{operation="POST /v1/proofs"} 12`, `assay_requests_open 0`, `assay_redis_up 0`, `assay_buckets_up 1`, `assay_build_info{version="1"} 1`, `go_goroutines `, `process_cpu_seconds_total `,
		`assay_anomalies_total{action="halve",rule="burst"} 1`,
		`assay_origins_total{origin="ipv4"} 1`, `assay_origins_total{origin="ipv6"} 1`, `assay_origins_total{origin="loopback"} 1`, `assay_origins_total{origin="private"} 1`, `assay_origins_total{origin="other"} 1`,
		`assay_credentials_total{credential="secret",outcome="good",tier="standard"} 1`, `assay_credentials_total{credential="signature",outcome="refused",tier="public"} 1`, `assay_credentials_total{credential="certificate",outcome="good",tier="other"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics have no %s:\n%s", want, metrics)
		}
	}
	for where, text := range map[string]string{"log": s.lines.String(), "metrics": metrics} {
		for _, not := range []string{"canary", "203.0.113.7", "2001:db8:1:2", "10.1.2.3", one.Body.String()[:8] + "-"} {
			if strings.Contains(text, not) {
				t.Errorf("the %s have %s: %s", where, not, text)
			}
		}
	}
	if strings.Contains(metrics, one.Body.String()) {
		t.Error("a request's id is a label")
	}
}

// TestNobodyWatches: whoever notes something where nobody watches does no harm.
func TestNobodyWatches(t *testing.T) {
	asked := watch.Of(context.Background())
	asked.Operation("GET", "/")
	asked.Known("basic")
	asked.TurnedAway()
	if _, end := watch.Part(context.Background(), "part"); asked.ID() != "" {
		end()
		t.Error("there is a request")
	}
}

func TestHealth(t *testing.T) {
	fault := errors.New("the log cannot be read")
	w, err := watch.New(watch.Config{Random: rand.Reader, Ready: func() error { return fault }})
	if err != nil {
		t.Fatal(err)
	}
	s := seen{watch: w}
	if got := s.admin("/healthz/ready"); got.Code != 503 || got.Body.String() != "not ready: the log cannot be read\n" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := s.admin("/healthz/live"); got.Code != 200 {
		t.Errorf("%d", got.Code)
	}
	if fault = nil; s.admin("/healthz/ready").Code != 200 {
		t.Error("not ready again")
	}
	for _, path := range []string{"/", "/debug/pprof/", "/healthz"} {
		if got := s.admin(path); got.Code != 404 {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if _, err := watch.New(watch.Config{Random: rand.Reader}); err == nil {
		t.Error("who is ready nobody says, and it is taken")
	}
}

// receiver is one of OTLP over HTTP.
type receiver struct {
	mu    sync.Mutex
	raw   []byte
	spans []*v1.Span
}

func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var asked collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(raw, &asked)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(c.raw, raw...)
	for _, of := range asked.ResourceSpans {
		for _, in := range of.ScopeSpans {
			c.spans = append(c.spans, in.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// TestTraces: a request is a trace of its id, its parts are spans below it, and whoever asks has no say in it.
func TestTraces(t *testing.T) {
	c := new(receiver)
	server := httptest.NewServer(c)
	defer server.Close()
	traces, err := watch.NewTraces(t.Context(), server.URL, server.Client(), 1)
	if err != nil {
		t.Fatal(err)
	}
	s := newSeen(t, func(_ http.ResponseWriter, r *http.Request) {
		watch.Of(r.Context()).Operation("POST", "/v1/proofs")
		_, end := watch.Part(r.Context(), "proof")
		end()
	}, traces)
	r := httptest.NewRequest("POST", "/canary-path?canary-query", strings.NewReader("canary-content"))
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	r.Header.Set("Tracestate", "canary=state")
	r.Header.Set("Baggage", "canary=baggage")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if err := s.watch.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) != 2 {
		t.Fatalf("%d spans", len(c.spans))
	}
	part, whole := c.spans[0], c.spans[1]
	if hex.EncodeToString(whole.TraceId) != w.Header().Get(watch.Field) || !bytes.Equal(part.TraceId, whole.TraceId) || !bytes.Equal(part.ParentSpanId, whole.SpanId) || len(whole.ParentSpanId) > 0 {
		t.Errorf("%v\n%v", part, whole)
	}
	if whole.Name != "POST /v1/proofs" || part.Name != "proof" || len(whole.Links) != 1 || hex.EncodeToString(whole.Links[0].TraceId) != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("%v\n%v", part, whole)
	}
	if bytes.Contains(c.raw, []byte("canary")) {
		t.Errorf("a trace tells more: %q", c.raw)
	}
}

// TestNoRandomness: a server that cannot draw ids answers nobody.
func TestNoRandomness(t *testing.T) {
	w, err := watch.New(watch.Config{Random: iotest.ErrReader(io.ErrUnexpectedEOF), Ready: func() error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Error("it answers")
		}
	}()
	w.Around(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// BenchmarkAround is what it costs to be watched: without lines and traces, with lines, and with a hundredth of the requests traced.
func BenchmarkAround(b *testing.B) {
	answers := func(w http.ResponseWriter, r *http.Request) {
		watch.Of(r.Context()).Operation("GET", "/v1/reports/{statement}")
		_, _ = io.WriteString(w, "content")
	}
	receiver := httptest.NewServer(new(receiver))
	defer receiver.Close()
	for _, name := range []string{"nobody", "metrics", "lines", "traces"} {
		b.Run(name, func(b *testing.B) {
			c := watch.Config{Random: rand.Reader, Ready: func() error { return nil }}
			if name == "lines" {
				c.Lines = slog.New(watch.Log(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, nil)))
			}
			if name == "traces" {
				var err error
				if c.Traces, err = watch.NewTraces(b.Context(), receiver.URL, receiver.Client(), 0.01); err != nil {
					b.Fatal(err)
				}
			}
			w, err := watch.New(c)
			if err != nil {
				b.Fatal(err)
			}
			h := w.Around(http.HandlerFunc(answers))
			if name == "nobody" {
				h = http.HandlerFunc(answers)
			}
			r, out := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			for b.Loop() {
				out.Body.Reset()
				h.ServeHTTP(out, r)
			}
			if err := w.Close(context.WithoutCancel(b.Context())); err != nil {
				b.Fatal(err)
			}
		})
	}
}

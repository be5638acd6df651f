// Package watch lets whoever runs a server see what it does: a line of its log, a few
// metrics and, of a share of the requests, a trace. None of them tells a customer, a
// secret, a path, a query or anything of the content: of a request
//
//	{"time":"…","level":"INFO","msg":"request","request":"4bf92f3577b34da6a3ce929d0e0e4736",
//	 "operation":"POST /v1/proofs","status":200,"tier":"standard","credential":"signature",
//	 "from":"203.0.113.0/24","bytes":8192,"seconds":0.0007}
//
// is all that is told. Labels of metrics have fixed values: operations are the routes
// that there are, and nobody's id or address is among them.
//
// Each request has an id, 32 hex digits, which stands in the answer's field [Field], in its
// problem if it is one, in the log, in the audit log, and is the trace's.
package watch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Field is the field of an answer that has the request's id.
const Field = "Request-Id"

// Config says what is told to whom.
type Config struct {
	Random  io.Reader    // ids come from it
	Lines   *slog.Logger // gets a line a request; nil: there are none
	Traces  *Traces      // where traces go; nil: there are none
	Version string       // of the program
	Ready   func() error // why the server cannot answer; nil: it can
	Away    func() bool  // whether the Redis that it shares with others is; nil: it has none
	Buckets func() bool  // whether one of the buckets that it shows is away; nil: it shows none
}

// Watch sees the requests of one server.
type Watch struct {
	config   Config
	metrics  *metrics
	registry *prometheus.Registry
	spans    *sdk.TracerProvider // nil: no traces
	tracer   trace.Tracer
}

// New returns what watches a server.
func New(c Config) (*Watch, error) {
	if c.Random == nil || c.Ready == nil {
		return nil, errors.New("watch: randomness and what says whether the server is ready are needed")
	}
	w := &Watch{config: c}
	var err error
	if w.registry, w.metrics, err = newMetrics(c); err != nil {
		return nil, err
	}
	if c.Traces != nil {
		w.spans = c.Traces.provider(c.Random, c.Version)
		w.tracer = w.spans.Tracer(scope)
	}
	return w, nil
}

// Close sends what traces are left.
func (w *Watch) Close(ctx context.Context) error {
	if w.spans == nil {
		return nil
	}
	return w.spans.Shutdown(ctx)
}

// Around watches a handler. It stands outside whatever answers.
func (w *Watch) Around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		began := time.Now()
		asked, err := w.asked(r)
		if err != nil { // no randomness: nothing that this server does could be believed
			panic(err)
		}
		a := &answer{ResponseWriter: out, id: asked.id}
		out.Header().Set(Field, asked.id)
		ctx, end := w.begin(context.WithValue(r.Context(), askedKey{}, asked), r)
		w.metrics.open.Inc()
		defer func() {
			w.metrics.open.Dec()
			took := time.Since(began)
			end(asked, a)
			w.metrics.count(asked, a, took)
			w.line(ctx, asked, a, took)
		}()
		next.ServeHTTP(a, r.WithContext(ctx))
	})
}

// line tells of a request.
func (w *Watch) line(ctx context.Context, asked *Asked, a *answer, took time.Duration) {
	if w.config.Lines == nil {
		return
	}
	w.config.Lines.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("operation", asked.operation), slog.Int("status", a.status), slog.String("tier", asked.tier),
		slog.String("credential", asked.credential), slog.String("from", asked.network), slog.Int64("bytes", a.bytes), slog.Float64("seconds", took.Round(time.Microsecond).Seconds()))
}

// answer is what goes out, counted.
type answer struct {
	http.ResponseWriter
	id     string
	status int // 0: nothing was answered
	bytes  int64
}

// WriteHeader puts the id back, which whoever is below may have taken away with all other fields.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
		a.Header()[Field] = []string{a.id}
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}

// Unwrap gives controllers what lies below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

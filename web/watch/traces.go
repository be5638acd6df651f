package watch

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/assay-por/assay/web/watch"

// Traces is where traces go.
type Traces struct {
	exporter sdk.SpanExporter
	share    float64
}

// NewTraces sends traces to a receiver of OTLP over HTTP, at a URL such as http://127.0.0.1:4318, by a client that reaches
// it. The share is of the requests that are traced, above 0 and at most 1: who asks has no say in it.
func NewTraces(ctx context.Context, at string, client *http.Client, share float64) (*Traces, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithHTTPClient(client))
	return &Traces{exporter, share}, err
}

func (t *Traces) provider(random io.Reader, version string) *sdk.TracerProvider {
	return sdk.NewTracerProvider(sdk.WithBatcher(t.exporter), sdk.WithIDGenerator(ids{random}), sdk.WithSampler(sdk.TraceIDRatioBased(t.share)),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "assay"), attribute.String("service.version", version))))
}

// ids names a trace as the request that it is of.
type ids struct{ random io.Reader }

func (g ids) NewIDs(ctx context.Context) (t trace.TraceID, s trace.SpanID) {
	if _, err := hex.Decode(t[:], []byte(Of(ctx).ID())); err != nil { // it was written just before
		panic(err)
	}
	return t, g.NewSpanID(ctx, t)
}

func (g ids) NewSpanID(context.Context, trace.TraceID) (s trace.SpanID) {
	if _, err := io.ReadFull(g.random, s[:]); err != nil {
		panic(err)
	}
	return s
}

// begin begins the trace of a request. A trace of who asks is linked to, and decides nothing here; its baggage and state are left alone.
func (w *Watch) begin(ctx context.Context, r *http.Request) (context.Context, func(*Asked, *answer)) {
	if w.spans == nil {
		return ctx, func(*Asked, *answer) {}
	}
	options := []trace.SpanStartOption{trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer)}
	theirs := propagation.MapCarrier{"traceparent": r.Header.Get("Traceparent")}
	if c := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), theirs)); c.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: c}))
	}
	ctx, span := w.tracer.Start(ctx, "request", options...)
	return ctx, func(asked *Asked, a *answer) {
		span.SetName(asked.operation)
		span.SetAttributes(attribute.Int("http.response.status_code", a.status), attribute.String("assay.tier", asked.tier), attribute.String("assay.credential", asked.credential),
			attribute.String("client.network", asked.network), attribute.Int64("http.response.body.size", a.bytes))
		if a.status == 0 || a.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Part is a part of a request in its trace, from now until end is called. Its name is a fixed one.
func Part(ctx context.Context, name string) (_ context.Context, end func()) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func() {}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name)
	return ctx, func() { span.End() }
}

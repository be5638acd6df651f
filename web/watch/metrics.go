package watch

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus asks for.
type metrics struct {
	open        prometheus.Gauge
	requests    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	bytes       *prometheus.CounterVec
	origins     *prometheus.CounterVec
	credentials *prometheus.CounterVec
	anomalies   *prometheus.CounterVec
}

// newMetrics makes them; they are in no registry but their own.
func newMetrics(c Config) (*prometheus.Registry, *metrics, error) {
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{Name: "assay_requests_open", Help: "Requests that are being answered."}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_requests_total",
			Help: "Requests, by operation, status of the answer (0: the connection was cut) and tier of who asked."}, []string{"operation", "status", "tier"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "assay_request_seconds", Help: "How long answers took, by operation.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"operation"}),
		bytes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_answer_bytes_total", Help: "Bytes of content that were answered, by operation."}, []string{"operation"}),
		origins: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_origins_total", Help: "Requests, by the kind of address that they came from."}, []string{"origin"}),
		credentials: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_credentials_total",
			Help: "Requests for what is not everybody's, by the kind of credential, whether it was good, and the tier of who has it."}, []string{"credential", "outcome", "tier"}),
	}
	m.anomalies = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "assay_anomalies_total", Help: "What stood out of what clients do, by rule and what was done about it."}, []string{"rule", "action"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "assay_build_info", Help: "1, of the version that runs.", ConstLabels: prometheus.Labels{"version": c.Version}})
	build.Set(1)
	registry, all := prometheus.NewRegistry(), []error{}
	up := func(name, help string, away func() bool) {
		if away == nil {
			return
		}
		all = append(all, registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			if away() {
				return 0
			}
			return 1
		})))
	}
	up("assay_redis_up", "1; 0 while Redis is away: this server counts its share of each limit alone, and takes no signed requests.", c.Away)
	up("assay_buckets_up", "1; 0 while a bucket cannot be read that this server shows: it shows what it saw last.", c.Buckets)
	for _, c := range []prometheus.Collector{m.open, m.requests, m.seconds, m.bytes, m.origins, m.credentials, m.anomalies, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		all = append(all, registry.Register(c))
	}
	return registry, m, errors.Join(all...)
}

func (m *metrics) count(asked *Asked, a *answer, took time.Duration) {
	m.requests.WithLabelValues(asked.operation, strconv.Itoa(a.status), asked.tier).Inc()
	m.seconds.WithLabelValues(asked.operation).Observe(took.Seconds())
	m.bytes.WithLabelValues(asked.operation).Add(float64(a.bytes))
	m.origins.WithLabelValues(asked.origin).Inc()
	if asked.outcome != "" {
		m.credentials.WithLabelValues(asked.credential, asked.outcome, asked.tier).Inc()
	}
}

// Anomaly counts something that stood out.
func (w *Watch) Anomaly(rule, action string) { w.metrics.anomalies.WithLabelValues(rule, action).Inc() }

// Admin answers at an address that only who runs the server can reach:
//
//	GET /metrics        for Prometheus
//	GET /healthz/live   200: it runs
//	GET /healthz/ready  200, or 503: it cannot answer, or is about to end
func (w *Watch) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(w.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz/live", func(out http.ResponseWriter, _ *http.Request) { say(out, http.StatusOK, "live") })
	mux.HandleFunc("GET /healthz/ready", func(out http.ResponseWriter, _ *http.Request) {
		if err := w.config.Ready(); err != nil {
			say(out, http.StatusServiceUnavailable, "not ready: "+err.Error())
			return
		}
		say(out, http.StatusOK, "ready")
	})
	return mux
}

func say(out http.ResponseWriter, status int, text string) {
	out.Header().Set("Content-Type", "text/plain; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	out.WriteHeader(status)
	_, _ = io.WriteString(out, text+"\n") // who asked is gone
}

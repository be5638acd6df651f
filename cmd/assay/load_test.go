package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/store/pgtest"
)

// TestLoad measures what a served exchange answers over TLS 1.3 at the loopback address, every answer signed: make bench-serve. It judges no
// figure but one: a server under load for a minute is not to grow.
func TestLoad(t *testing.T) {
	if os.Getenv("ASSAY_LOAD") == "" {
		t.Skip("make bench-serve runs this")
	}
	s := overTLS(t)
	cached := asking{url: s.url + "/v1/reports/" + s.digest(t, "second") + "/files/manifest.json"}
	loaded(t, "before")
	for _, path := range []string{"/v1/reports/latest/files/manifest.json", "/v1/reports/latest", "/bundle.zip"} {
		t.Logf("%6.0f signed answers/s, the generator on the same cores: %s", asking{url: s.url + path}.wrk(t, "10s"), path)
	}
	measure(t, "cached reads", cached, burning{"the server", s.process})
	loaded(t, "after")
}

// TestLoadOfProofs measures inclusion proofs, each of a customer drawn among a million of one shard file, asked for with an API
// key: what is counted, looked up, recorded, padded and signed anew for each; and cached reads beside; of both kinds of tree. The server keeps its records in a file
// of SQLite first, and then in a PostgreSQL on the same cores.
func TestLoadOfProofs(t *testing.T) {
	if os.Getenv("ASSAY_LOAD") == "" {
		t.Skip("make bench-serve runs this")
	}
	customers := 1_000_000
	if fewer := os.Getenv("ASSAY_LOAD_CUSTOMERS"); fewer != "" { // to look at one thing soon
		var err error
		if customers, err = strconv.Atoi(fewer); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{"plain", "confidential"} {
		t.Run(kind, func(t *testing.T) { loadOfProofs(t, kind, customers) })
	}
}

func loadOfProofs(t *testing.T, kind string, customers int) {
	t.Helper()
	s := newProofServerOf(t, fmt.Sprintf("kind = %q\n", kind), customers)
	s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\ncertificate = \"cert.pem\"\ncertificate_key = \"key.pem\"\n", 1))
	pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90))
	t.Setenv("SSL_CERT_FILE", filepath.Join(s.dir, "cert.pem"))
	under := func(t *testing.T, beside ...burning) {
		t.Helper()
		url, _, process := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
		who := append([]burning{{"the server", process}}, beside...)
		loaded(t, "before")
		measure(t, "inclusion proofs", asking{url: url + "/v1/proofs", key: s.create(t).Key, statement: s.exchange.digest(t, "first"), customers: customers}, who...)
		measure(t, "cached reads", asking{url: url + "/v1/reports/" + s.exchange.digest(t, "second") + "/files/manifest.json"}, who...)
		loaded(t, "after")
	}
	t.Run("SQLite", func(t *testing.T) { under(t) })
	t.Run("PostgreSQL", func(t *testing.T) {
		db := pgtest.Start(t)
		keptAt(t, s.dir, db.URL)
		under(t, burning{"PostgreSQL", db.Process()})
	})
}

func loaded(t *testing.T, when string) {
	t.Helper()
	t.Logf("load of the machine %s: %s", when, strings.TrimSpace(read(t, "/proc/loadavg")))
}

// burning is a process whose time is counted, and that of those it has begun.
type burning struct {
	name    string
	process *os.Process
}

// measure tells the peak, how long answers take at half of it, and what a minute under load does to the memory of the first of those who
// answer, the server.
func measure(t *testing.T, what string, a asking, who ...burning) {
	t.Helper()
	a.wrk(t, "5s") // it warms up
	began := make([]float64, len(who))
	for i, b := range who {
		began[i] = computed(t, b.process)
	}
	peak := a.wrk(t, "10s")
	t.Logf("%6.0f signed %s/s, the generator on the same cores", peak, what)
	for i, b := range who {
		t.Logf("%s takes %.0f µs of a core for one", b.name, (computed(t, b.process)-began[i])/peak/10*1e6)
	}
	t.Logf("at half of the peak, each asked at its time: %s", a.paced(t, int(peak/2), 15*time.Second))
	t.Logf("at half of the peak, by h2load: %s", a.h2load(t, int(peak/2)))
	process := who[0].process
	before := resident(t, process)
	first := a.wrk(t, "20s")
	after := resident(t, process)
	last := a.wrk(t, "40s")
	end := resident(t, process)
	t.Logf("a minute under load: %.0f and %.0f answers/s; resident before %d KiB, after 20 s %d KiB, after 60 s %d KiB", first, last, before, after, end)
	if end > after+after/4 {
		t.Errorf("the server has grown from %d KiB to %d KiB", after, end)
	}
}

// asking is what generators of load ask for: what is everybody's, or with a key the proofs of customers who are drawn.
type asking struct {
	url, key, statement string
	customers           int
}

// drawing is a program of wrk that asks for customers' proofs.
const drawing = `
math.randomseed(os.time())
local head = { ["Content-Type"] = "application/json", ["Assay-Key"] = "%s" }
function request()
  return wrk.format("POST", nil, head, '{"customer":"canary-' .. math.random(0, %d) .. '@customers.example","statement":"%s"}')
end
`

// wrk asks for a time as often as it can, and gives answers a second.
func (a asking) wrk(t *testing.T, duration string) (rate float64) {
	t.Helper()
	args := []string{"-t1", "-c32", "-d" + duration, "--latency"}
	if a.customers > 0 {
		file := filepath.Join(t.TempDir(), "ask.lua")
		if err := os.WriteFile(file, fmt.Appendf(nil, drawing, a.key, a.customers-1, a.statement), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-s", file)
	}
	out, err := exec.CommandContext(t.Context(), "wrk", append(args, a.url)...).CombinedOutput()
	figure := regexp.MustCompile(`Requests/sec: +([0-9.]+)`).FindSubmatch(out)
	if err != nil || figure == nil || strings.Contains(string(out), "Non-2xx") {
		t.Fatalf("%v: %s", err, out)
	}
	if rate, err = strconv.ParseFloat(string(figure[1]), 64); err != nil {
		t.Fatal(err)
	}
	return rate
}

// h2load asks so often a second for ten seconds, of one customer, and says how long answers took from when they were asked for.
func (a asking) h2load(t *testing.T, rate int) string {
	t.Helper()
	const clients = 16
	dir := t.TempDir()
	file, args := filepath.Join(dir, "times"), []string{"--h1", "-c", strconv.Itoa(clients), "-D", "10", "--rps", strconv.Itoa(rate / clients)}
	if a.customers > 0 {
		content := filepath.Join(dir, "content")
		if err := os.WriteFile(content, a.content(), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-d", content, "-H", "content-type: application/json", "-H", "assay-key: "+a.key)
	}
	out, err := exec.CommandContext(t.Context(), "h2load", append(args, "--log-file", file, a.url)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var times []int // microseconds
	for line := range strings.Lines(read(t, file)) {
		fields := strings.Fields(line) // when, status, how long
		took, err := strconv.Atoi(fields[2])
		if err != nil || fields[1] != "200" {
			t.Fatalf("%v: %s", err, line)
		}
		times = append(times, took)
	}
	return fmt.Sprintf("%d/s, %s", len(times)/10, spread(times))
}

// spread says what most of some times, in microseconds, are within.
func spread(times []int) string {
	slices.Sort(times)
	at := func(percent int) float64 { return float64(times[len(times)*percent/100]) / 1000 }
	return fmt.Sprintf("p50 %.1f ms, p90 %.1f ms, p99 %.1f ms", at(50), at(90), at(99))
}

// computed is how long a process has been computing, and those that it has begun, in seconds of one core.
func computed(t *testing.T, process *os.Process) (seconds float64) {
	t.Helper()
	self := strconv.Itoa(process.Pid)
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		from, to := 11, 13 // in user mode and in the kernel, in hundredths
		switch {
		case filepath.Base(filepath.Dir(path)) == self:
			to = 15 // and of those that have ended
		case fields[1] != self:
			continue
		}
		for _, field := range fields[from:to] {
			ticks, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			seconds += float64(ticks) / 100
		}
	}
	return seconds
}

// resident is the memory that a process has, in KiB.
func resident(t *testing.T, process *os.Process) int {
	t.Helper()
	figure := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(read(t, "/proc", strconv.Itoa(process.Pid), "status"))
	if figure == nil {
		t.Fatal("no VmRSS")
	}
	n, err := strconv.Atoi(figure[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

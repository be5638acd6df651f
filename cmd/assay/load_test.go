package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
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
	measure(t, "cached reads", cached, s.process)
	loaded(t, "after")
}

// TestLoadOfProofs measures the same of inclusion proofs, each of a customer drawn among a million of one shard file, asked for with an API
// key: what is counted, looked up, recorded, padded and signed anew for each.
func TestLoadOfProofs(t *testing.T) {
	if os.Getenv("ASSAY_LOAD") == "" {
		t.Skip("make bench-serve runs this")
	}
	const customers = 1_000_000
	d := newProofServerOf(t, "", customers).door(t, nil, "")
	t.Setenv("SSL_CERT_FILE", filepath.Join(d.server.dir, "cert.pem"))
	proofs := asking{url: d.url + "/v1/proofs", key: d.server.create(t).Key, statement: d.server.exchange.digest(t, "first"), customers: customers}
	loaded(t, "before")
	measure(t, "inclusion proofs", proofs, d.process)
	loaded(t, "after")
}

func loaded(t *testing.T, when string) {
	t.Helper()
	t.Logf("load of the machine %s: %s", when, strings.TrimSpace(read(t, "/proc/loadavg")))
}

// measure tells the peak, how long answers take at half of it, and what a minute under load does to the server's memory.
func measure(t *testing.T, what string, a asking, process *os.Process) {
	t.Helper()
	a.wrk(t, "5s") // it warms up
	began := computed(t, process)
	peak := a.wrk(t, "10s")
	t.Logf("%6.0f signed %s/s, the generator on the same cores; the server takes %.0f µs of a core for one", peak, what, (computed(t, process)-began)/peak/10*1e6)
	if a.customers == 0 {
		t.Logf("at half of the peak, by h2load: %s", a.h2load(t, int(peak/2)))
	}
	t.Logf("at half of the peak, by k6: %s", a.k6(t, int(peak/2)))
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

// h2load asks so often a second for ten seconds, and says how long answers took.
func (a asking) h2load(t *testing.T, rate int) string {
	t.Helper()
	const clients = 16
	file := filepath.Join(t.TempDir(), "times")
	out, err := exec.CommandContext(t.Context(), "h2load", "--h1", "-c", strconv.Itoa(clients), "-D", "10", "--rps", strconv.Itoa(rate/clients), "--log-file", file, a.url).CombinedOutput()
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
	slices.Sort(times)
	at := func(percent int) float64 { return float64(times[len(times)*percent/100]) / 1000 }
	return fmt.Sprintf("%d/s, p50 %.1f ms, p90 %.1f ms, p99 %.1f ms", len(times)/10, at(50), at(90), at(99))
}

// arriving is a program of k6, at whose rate requests begin, however long those before them take.
const arriving = `import http from 'k6/http';
const { URL, KEY, STATEMENT, CUSTOMERS, RATE } = __ENV;
export const options = {
  discardResponseBodies: true, summaryTrendStats: ['p(50)', 'p(90)', 'p(99)'],
  scenarios: { all: { executor: 'constant-arrival-rate', rate: Number(RATE), timeUnit: '1s', duration: '15s', preAllocatedVUs: 64, maxVUs: 256 } },
};
const params = { headers: KEY ? { 'Content-Type': 'application/json', 'Assay-Key': KEY } : {} };
export default function () {
  if (!KEY) { http.get(URL, params); return; }
  const customer = 'canary-' + Math.floor(Math.random() * Number(CUSTOMERS)) + '@customers.example';
  http.post(URL, '{"customer":"' + customer + '","statement":"' + STATEMENT + '"}', params);
}
`

// k6 begins so many requests a second for 15 seconds, and says how long answers took; where there is no k6 it says so.
func (a asking) k6(t *testing.T, rate int) string {
	t.Helper()
	program, err := filepath.Abs(filepath.Join("..", "..", "build", "bin", "k6"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		return "there is no build/bin/k6: make bench-serve installs it"
	}
	dir := t.TempDir()
	script, summary := filepath.Join(dir, "ask.js"), filepath.Join(dir, "summary.json")
	if err := os.WriteFile(script, []byte(arriving), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "run", "--quiet", "--no-usage-report", "--address", "", "--insecure-skip-tls-verify", "--summary-export", summary, script)
	cmd.Env = append(os.Environ(), "URL="+a.url, "KEY="+a.key, "STATEMENT="+a.statement, fmt.Sprint("CUSTOMERS=", a.customers), fmt.Sprint("RATE=", rate))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var said struct {
		Metrics map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(read(t, summary)), &said); err != nil {
		t.Fatal(err)
	}
	took, failed := said.Metrics["http_req_duration"], said.Metrics["http_req_failed"]
	if share, ok := failed["value"].(float64); !ok || share > 0 {
		t.Errorf("k6: %v of the answers are no success", failed["value"])
	}
	dropped := 0.0 // requests that would have been late
	if d := said.Metrics["dropped_iterations"]; d != nil {
		dropped, _ = d["count"].(float64)
	}
	return fmt.Sprintf("%.0f/s of %d, p50 %.1f ms, p90 %.1f ms, p99 %.1f ms; %.0f not begun", said.Metrics["http_reqs"]["rate"], rate, took["p(50)"], took["p(90)"], took["p(99)"], dropped)
}

// computed is how long a process has been computing, in seconds of one core.
func computed(t *testing.T, process *os.Process) (seconds float64) {
	t.Helper()
	_, after, _ := strings.Cut(read(t, "/proc", strconv.Itoa(process.Pid), "stat"), ") ")
	for _, field := range strings.Fields(after)[11:13] { // in user mode and in the kernel, in hundredths
		ticks, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		seconds += float64(ticks) / 100
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

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
)

// TestLoad measures what a served exchange answers over TLS 1.3 at the loopback address, every answer signed: make bench-serve. It judges no
// figure but one: a server under load for a minute is not to grow.
func TestLoad(t *testing.T) {
	if os.Getenv("ASSAY_LOAD") == "" {
		t.Skip("make bench-serve runs this")
	}
	s := overTLS(t)
	cached := "/v1/reports/" + s.digest(t, "second") + "/files/manifest.json"
	t.Logf("load of the machine before: %s", strings.TrimSpace(read(t, "/proc/loadavg")))
	peak := 0.0
	for i, path := range []string{cached, "/v1/reports/latest/files/manifest.json", "/v1/reports/latest", "/bundle.zip"} {
		rate := wrk(t, s.url+path, "10s")
		if i == 0 {
			peak = rate
		}
		t.Logf("%6.0f signed answers/s, the generator on the same cores: %s", rate, path)
	}
	t.Logf("at half of the peak: %s", atRate(t, s.url+cached, int(peak/2)))
	before := resident(t, s.process)
	first := wrk(t, s.url+cached, "20s")
	after := resident(t, s.process)
	last := wrk(t, s.url+cached, "40s")
	end := resident(t, s.process)
	t.Logf("a minute under load: %.0f and %.0f answers/s; resident before %d KiB, after 20 s %d KiB, after 60 s %d KiB", first, last, before, after, end)
	if end > after+after/4 {
		t.Errorf("the server has grown from %d KiB to %d KiB", after, end)
	}
	t.Logf("load of the machine after: %s", strings.TrimSpace(read(t, "/proc/loadavg")))
}

// wrk asks for a time as often as it can, and gives answers a second.
func wrk(t *testing.T, url, duration string) (rate float64) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "wrk", "-t1", "-c32", "-d"+duration, "--latency", url).CombinedOutput()
	figure := regexp.MustCompile(`Requests/sec: +([0-9.]+)`).FindSubmatch(out)
	if err != nil || figure == nil || strings.Contains(string(out), "Non-2xx") {
		t.Fatalf("%v: %s", err, out)
	}
	if rate, err = strconv.ParseFloat(string(figure[1]), 64); err != nil {
		t.Fatal(err)
	}
	return rate
}

// atRate asks so often a second for ten seconds, and says how long answers took.
func atRate(t *testing.T, url string, rate int) string {
	t.Helper()
	const clients = 16
	file := filepath.Join(t.TempDir(), "times")
	out, err := exec.CommandContext(t.Context(), "h2load", "--h1", "-c", strconv.Itoa(clients), "-D", "10", "--rps", strconv.Itoa(rate/clients), "--log-file", file, url).CombinedOutput()
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

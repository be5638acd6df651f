package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/merkle/store/storetest"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
)

// bucketLines are a server's whose reports and handovers lie in a bucket, at an address.
func bucketLines(address string) string {
	return strings.NewReplacer(`"reports"`, `"s3://assay-test/reports"`, `"handovers"`, `"s3://assay-test/handovers/"`).Replace(serverLines) +
		fmt.Sprintf("[s3]\nendpoint = \"http://%s\"\nregion = %q\ncredentials = \"file:s3.env\"\n", address, storetest.Region)
}

// sharing are two servers that share a database and a bucket, and no folder of what is published.
type sharing struct {
	*proofServer
	bucket *storetest.Server
	key    string
	url    [2]string
	said   [2]string
	ask    [2]*client.Client
}

// newSharing has one statement in the bucket, which is handed over.
func newSharing(t *testing.T) *sharing {
	t.Helper()
	s := &sharing{proofServer: &proofServer{dir: t.TempDir()}, bucket: storetest.Start(t)}
	postgres := pgtest.Start(t)
	e := newExchange(t, bucketLines(s.bucket.Address))
	s.exchange = e
	e.write(t, "s3.env", s3Keys)
	e.write(t, "assay.toml", strings.Replace(read(t, e.dir, "assay.toml"), "[log]\n", "[log]\nbucket = \"s3://assay-test/log\"\n", 1))
	for _, line := range strings.Split(strings.TrimSpace(read(t, e.dir, "ledger.csv")), "\n")[1:] {
		id, _, _ := strings.Cut(line, ",")
		s.customers = append(s.customers, id)
	}
	e.published(t, "first", "2026-10", "2026-10-31T23:59:59Z")
	s.equip(t)
	s.write(t, "s3.env", s3Keys)
	s.handOver(t, "first")
	keptAt(t, s.dir, postgres.URL)
	s.key = s.apiKey(t)
	return s
}

// handOver hands a statement over into the bucket.
func (s *sharing) handOver(t *testing.T, name string) {
	t.Helper()
	s.exchange.must(t, "handover", "--config", name+".toml", "--out", "s3://assay-test/handovers/"+name)
}

// begin starts a server with copies of its own.
func (s *sharing) begin(t *testing.T, i int) {
	t.Helper()
	name := fmt.Sprintf("server-%d", i)
	s.write(t, name+".toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\nadmin = \"127.0.0.1:0\"\ncache = \""+name+"\"\n", 1))
	s.url[i], s.said[i], _ = servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--config", name+".toml", "--listen", "127.0.0.1:0")...)
	c, err := client.New(client.Config{URL: s.url[i], Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, Exchange: "Demo Exchange", APIKey: s.key})
	if err != nil {
		t.Fatal(err)
	}
	s.ask[i] = c
}

// get asks a server for what is public.
func (s *sharing) get(t *testing.T, i int, path string) (status int, content string) {
	t.Helper()
	return s.fetch(t, s.url[i]+path)
}

func (s *sharing) fetch(t *testing.T, url string) (status int, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// up is what a server's metrics say of its buckets.
func (s *sharing) up(t *testing.T, i int) string {
	t.Helper()
	found := regexp.MustCompile(`this server is watched" at=(http://[0-9.:]+)`).FindStringSubmatch(read(t, s.said[i]))
	if found == nil {
		t.Fatalf("server %d is not watched: %s", i, read(t, s.said[i]))
	}
	status, got := s.fetch(t, found[1]+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("server %d has no metrics: %d", i, status)
	}
	return after(t, got, "assay_buckets_up ")
}

// both waits until both servers answer so.
func (s *sharing) both(t *testing.T, what string, so func(i int) bool) {
	t.Helper()
	for i := range s.url {
		waitFor(t, fmt.Sprintf("%s at server %d", what, i), func() bool { return so(i) })
	}
}

// shows wants both to show, byte for byte, what the exchange has of a statement and the log.
func (s *sharing) shows(t *testing.T, name string) {
	t.Helper()
	files := map[string]string{"/v1/reports/latest/report": name + "-page/index.html", "/bundle.zip": name + ".zip", "/log/checkpoint": "log/checkpoint", "/bundle/manifest.json": name + "/manifest.json",
		"/v1/reports/" + s.exchange.digest(t, name) + "/statement": name + "/statement.dsse.json", "/bundle/liabilities/shards.json": name + "/liabilities/shards.json"}
	for path, file := range files {
		for i := range s.url {
			if status, got := s.get(t, i, path); status != http.StatusOK || got != read(t, s.exchange.dir, file) {
				t.Errorf("server %d: %s is answered %d, and is not %s", i, path, status, file)
			}
		}
	}
}

// proves wants both to give a customer's proof as assay prove does.
func (s *sharing) proves(t *testing.T, name, customer string) {
	t.Helper()
	s.exchange.must(t, "prove", "--config", name+".toml", "--customer", customer, "--out", "want.json")
	for i := range s.ask {
		proof, _, err := s.ask[i].Proof(t.Context(), s.exchange.digest(t, name), customer)
		if err != nil || string(proof) != read(t, s.exchange.dir, "want.json") {
			t.Errorf("server %d: another proof of %s, or none: %v", i, name, err)
		}
	}
}

// audit attaches an auditor's finding to a statement.
func (s *sharing) audit(t *testing.T, name string) {
	t.Helper()
	e := s.exchange
	office := onAnotherMachine(t, e.assay, "auditor", attest.Ed25519, e.dir, name+".zip", "trust.toml")
	_, verdict, _ := call(t, office, e.verify, "bundle", name+".zip", "--policy", "trust.toml", "--json")
	if err := os.WriteFile(filepath.Join(office, "verdict.json"), []byte(verdict), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, office, e.assay, opened("countersign", name+".zip", "--verdict", "verdict.json", "--key", "file:auditor.age", "--name", "Example Accountants", "--scope", "All shards.",
		"--procedure", "Recomputed every leaf.", "--finding", "Every leaf was there.", "--out", "finding.dsse.json")...)
	take(t, office, e.dir, "finding.dsse.json")
	e.must(t, "attach", "finding.dsse.json", "--config", name+".toml")
}

// TestServersShareABucket: what is put into a bucket two servers show and prove by, whole; while it is away they go on with what they have seen,
// and catch up by themselves; a handover that is taken out of it is not served any more.
func TestServersShareABucket(t *testing.T) {
	s := newSharing(t)
	e := s.exchange
	for i := range s.url {
		s.begin(t, i)
	}
	s.shows(t, "first")
	s.proves(t, "first", s.customers[0])
	for _, line := range []string{"server.reports: s3://assay-test/reports can be read and written", "server.proofs: s3://assay-test/handovers/ can be", "log.bucket: s3://assay-test/log can be"} {
		if _, stdout, _ := call(t, e.dir, e.assay, opened("doctor", "--config", "first.toml")...); !strings.Contains(stdout, line) {
			t.Errorf("doctor says %s, want %s", stdout, line)
		}
	}

	e.published(t, "second", "2026-11", "2026-11-15T23:59:59Z")
	second := e.digest(t, "second")
	s.both(t, "the second report", func(i int) bool { _, got := s.get(t, i, "/v1/reports/latest"); return strings.Contains(got, second) })
	log := read(t, e.dir, "log", "checkpoint")
	s.both(t, "its place in the log", func(i int) bool { _, got := s.get(t, i, "/log/checkpoint"); return got == log })
	s.shows(t, "second")

	s.bucket.Kill()
	for i := range s.said {
		waitFor(t, "the server says that the bucket is away", func() bool { return strings.Contains(read(t, s.said[i]), "the bucket cannot be read") })
	}
	s.both(t, "0 among the metrics", func(i int) bool { return s.up(t, i) == "0" })
	s.shows(t, "second")
	s.proves(t, "first", s.customers[0])
	for i := range s.ask {
		for _, customer := range s.customers {
			if proof, _, err := s.ask[i].Proof(t.Context(), e.digest(t, "first"), customer); err != nil && refusal(err) != http.StatusServiceUnavailable || err == nil && len(proof) == 0 {
				t.Errorf("while the bucket is away: %v", err)
			}
		}
	}
	for _, args := range [][]string{{"publish", "--config", "second.toml"}, {"handover", "--config", "second.toml", "--out", "s3://assay-test/handovers/second"}, {"log", "cosign"}} {
		if code, _, stderr := call(t, e.dir, e.assay, opened(args...)...); code != exitNetwork {
			t.Errorf("assay %s: exit %d, want %d: %s", args[0], code, exitNetwork, stderr)
		}
	}

	s.bucket.Begin(t)
	e.must(t, "log", "cosign")
	log = read(t, e.dir, "log", "checkpoint")
	s.both(t, "the log as it is now", func(i int) bool { _, got := s.get(t, i, "/log/checkpoint"); return got == log })
	for _, customer := range s.customers {
		s.proves(t, "first", customer)
	}
	s.audit(t, "second")
	s.both(t, "the finding", func(i int) bool {
		status, _ := s.get(t, i, "/bundle/"+report.PathFinding(0))
		return status == http.StatusOK
	})
	s.shows(t, "second")
	s.handOver(t, "second")
	s.both(t, "the second handover", func(i int) bool { _, _, err := s.ask[i].Proof(t.Context(), second, s.customers[1]); return err == nil })
	s.proves(t, "second", s.customers[1])

	if err := os.Remove(filepath.Join(s.bucket.Folder, "handovers", "first.json")); err != nil {
		t.Fatal(err)
	}
	gone := func(name string) func(int) bool {
		return func(i int) bool {
			_, _, err := s.ask[i].Proof(t.Context(), e.digest(t, name), s.customers[0])
			return refusal(err) == http.StatusNotFound
		}
	}
	s.both(t, "the first handover is gone", gone("first"))
	if err := os.RemoveAll(filepath.Join(s.bucket.Folder, "handovers", "second")); err != nil {
		t.Fatal(err)
	}
	s.both(t, "the second handover is gone", gone("second"))
	s.both(t, "1 among the metrics", func(i int) bool { return s.up(t, i) == "1" })
	for i := range s.said {
		if text := read(t, s.said[i]); strings.Contains(text, storetest.SecretKey) || strings.Contains(text, "panic") || strings.Contains(text, s.customers[0]) {
			t.Errorf("server %d says %s", i, text)
		}
	}
}

// TestServerBeginsWithoutItsBucket: it says that it is not ready, and is once the bucket is there.
func TestServerBeginsWithoutItsBucket(t *testing.T) {
	s := newSharing(t)
	s.bucket.Kill()
	s.begin(t, 0)
	for _, path := range []string{"/", "/v1/reports", "/v1/health", "/log/checkpoint"} {
		if status, got := s.get(t, 0, path); status != http.StatusServiceUnavailable {
			t.Errorf("%s is answered %d: %s", path, status, got)
		}
	}
	s.bucket.Begin(t)
	waitFor(t, "ready", func() bool { status, _ := s.get(t, 0, "/v1/health"); return status == http.StatusOK })
	waitFor(t, "a proof", func() bool {
		proof, _, err := s.ask[0].Proof(t.Context(), s.exchange.digest(t, "first"), s.customers[0])
		return err == nil && bytes.Contains(proof, []byte(s.exchange.digest(t, "first")))
	})
}

// TestWorkerRuns_Bucket: what a worker publishes goes into the bucket, whole and not before; there it finds the report whose approvers may
// withdraw it.
func TestWorkerRuns_Bucket(t *testing.T) {
	bucket := storetest.Start(t)
	w := newWorkshop(t, "")
	w.write(t, "s3.env", s3Keys)
	config := strings.NewReplacer(`reports = "reports"`, `reports = "s3://assay-test/reports"`, "[log]\n", "[log]\nbucket = \"s3://assay-test/log\"\n").Replace(read(t, w.dir, "assay.toml"))
	w.write(t, "assay.toml", config+fmt.Sprintf("[s3]\nendpoint = \"http://%s\"\nregion = %q\ncredentials = \"file:s3.env\"\n", bucket.Address, storetest.Region))
	id := w.asks(t, "2026-10", "2026-10-31T00:00:00Z")
	w.works(t)
	r := w.reaches(t, id, runs.Waiting, "waiting for approvals of the draft")
	w.approve(t, r, attest.PayloadType, w.people[0], w.people[2])
	w.reaches(t, id, runs.Waiting, "waiting for somebody to ask that the draft be published")
	if isThere(bucket.Folder, "reports") || isThere(w.dir, "reports") {
		t.Error("something is shown that nobody asked to be published")
	}
	w.publish(t, r)
	w.reaches(t, id, runs.Published, "")
	bundle := filepath.Join("runs", id, "public", "bundle.zip")
	w.judges(t, 0, "bundle", bundle, "--log", filepath.Join(bucket.Folder, "log"))
	index := read(t, bucket.Folder, "reports", r.Digest+".json")
	has(t, index, `"bundle/statement.dsse.json"`)
	has(t, index, digestOf([]byte(read(t, w.dir, bundle))))
	signed, err := report.Read([]byte(read(t, w.dir, "runs", id, "public", "bundle", report.PathEnvelope)))
	if err != nil {
		t.Fatal(err)
	}
	takenBack := w.does(t, func(tx *store.Tx) (store.Run, error) {
		return runs.Withdraw(t.Context(), tx, w.by(), signed, "A ledger was left out.")
	})
	w.approve(t, takenBack, attest.PayloadEntry, w.people[1], w.people[2])
	w.reaches(t, takenBack.ID, runs.Published, "")
	has(t, w.judges(t, 1, "bundle", bundle, "--log", filepath.Join(bucket.Folder, "log")), "A ledger was left out.")
}

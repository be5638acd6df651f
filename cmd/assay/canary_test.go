package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/assay-por/assay/web/client"
)

// tracesReceived is a receiver of OTLP over HTTP: what came, and the names of the spans in it.
type tracesReceived struct {
	mu    sync.Mutex
	raw   bytes.Buffer
	spans map[string]int
}

func (c *tracesReceived) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	c.raw.Write(raw)
	for _, of := range asked.ResourceSpans {
		for _, in := range of.ScopeSpans {
			for _, span := range in.Spans {
				c.spans[span.Name]++
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *tracesReceived) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spans[name]
}

// planted are what a server of proofs must not show: people, what they own, and secrets.
func (s *proofServer) planted(t *testing.T, apiKeys ...string) (people, amounts, secrets canaries) {
	t.Helper()
	people, amounts, secrets = canaries{}, canaries{}, canaries{"the passphrase": "correct horse", "the identity": strings.TrimSpace(read(t, s.dir, "id.txt"))}
	for i, id := range s.customers {
		whole := 4_000_017 + i
		people["customer "+id], people["customer "+id+", in base64"], people["customer "+id+", in hex"] = id, base64.StdEncoding.EncodeToString([]byte(id))[:24], hex.EncodeToString([]byte(id))
		amounts["balance of "+id], amounts["balance of "+id+", in units"] = fmt.Sprintf("%d.5", whole), fmt.Sprintf("%d50000000", whole)
		amounts["balance of "+id+", as people read it"] = fmt.Sprintf("4,%03d,%03d.5", whole/1000%1000, whole%1000)
	}
	for i, key := range apiKeys {
		secrets[fmt.Sprint("API key #", i)], secrets[fmt.Sprint("the secret of API key #", i)] = key, strings.Split(key, ".")[2]
	}
	identity, err := age.ParseX25519Identity(secrets["the identity"])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"response.age", "server.age"} {
		secrets.key(t, filepath.Join(s.dir, "keys", name), identity)
	}
	return people, amounts, secrets
}

// sendsTo puts a request to a server, and returns its answer.
func sendsTo(t *testing.T, method, url, sent string, header ...string) (status int, head http.Header, content string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
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
	return response.StatusCode, response.Header, string(raw)
}

// written are the fields of an answer, a line each.
func written(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // it cannot fail
	return b.String()
}

// TestCanaries: whatever a server of proofs is asked, customers, balances and keys stand in no log, metric, trace, error, webhook, database or backup,
// not in the audit log, and in nothing that everybody may read.
func TestCanaries(t *testing.T) {
	s := newProofServer(t)
	audited(t, s)
	pair(t, s.dir, 1, time.Now().AddDate(0, 0, 90))
	t.Setenv("SSL_CERT_FILE", filepath.Join(s.dir, "cert.pem"))
	hook := newHooked(t, s.dir)
	add(t, s.dir, "[[webhook]]\nurl = \""+hook.URL+"/\"\nevents = [\"key.revoked\"]\naddresses = [\"127.0.0.1\"]\n")
	traces := &tracesReceived{spans: map[string]int{}}
	receiver := httptest.NewServer(traces)
	defer receiver.Close()
	s.write(t, "assay.toml", strings.Replace(read(t, s.dir, "assay.toml"), "[server]\n", "[server]\nlog = \"json\"\nadmin = \"127.0.0.1:0\"\ntraces = \""+receiver.URL+"\"\ntraces_share = 1.0\n", 1))
	key, leaked := s.apiKey(t), s.apiKey(t)
	people, amounts, secrets := s.planted(t, key, leaked)
	url, stderr, process := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	admin := adminOf(t, stderr)
	var err error
	if hook.client, err = client.New(client.Config{URL: url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}}); err != nil {
		t.Fatal(err)
	}
	close(hook.ready)

	instances := s.askEverything(t, url, key, leaked, people, amounts, secrets)
	_, _, metrics := sendsTo(t, "GET", admin+"/metrics", "")
	if ready, _, text := sendsTo(t, "GET", admin+"/healthz/ready", ""); ready != 200 || text != "ready\n" {
		t.Errorf("%d %s", ready, text)
	}
	if want := fmt.Sprintf(`assay_requests_total{operation="POST /v1/proofs",status="200",tier="standard"} %d`, len(s.customers)); !strings.Contains(metrics, want) {
		t.Errorf("the metrics have no %s", want)
	}
	hook.are(t, "key.revoked "+strings.Split(leaked, ".")[1])
	told := s.toldOf(t, url)
	if err := process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the traces", func() bool {
		return traces.of("proof") >= len(s.customers) && traces.of("authenticate") > 0 && traces.of("none") > 0
	})

	log := read(t, stderr)
	for line := range strings.Lines(log) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Errorf("a line of the log is no JSON: %v: %s", err, line)
		}
	}
	for _, id := range instances {
		if !strings.Contains(log, `"request":"`+id+`"`) {
			t.Errorf("the log knows nothing of the request %s", id)
		}
	}
	for _, c := range []canaries{people, amounts, secrets} {
		c.absent(t, "the log", log)
		c.absent(t, "the metrics", metrics)
		c.absent(t, "the traces", traces.raw.String())
		for _, name := range []string{"assay.db", "assay.db-wal"} {
			if _, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
				c.absent(t, name, read(t, s.dir, name))
			}
		}
	}
	dump, restored := s.dumped(t, key), s.restored(t)
	for _, c := range []canaries{people, amounts, secrets} {
		c.absent(t, "what a server says that is made to crash", dump)
		c.absent(t, "the webhooks", hook.raw.String())
		c.absent(t, "the audit log, or who used what", told)
		c.absentBelow(t, restored)
		c.absentBelow(t, s.dir, "audit")
	}
	for _, c := range []canaries{people, secrets} { // leaves hold amounts, and nobody's name
		c.absentBelow(t, s.dir, "reports")
		c.absentBelow(t, s.dir, "log")
		c.absent(t, "the key list", read(t, s.dir, "response-keys.dsse.json"))
	}
}

// toldOf is what a server's own record tells, over the API and at the command line.
func (s *proofServer) toldOf(t *testing.T, url string) (all string) {
	t.Helper()
	reader := s.create(t, "--permission", "audit:read", "--permission", "usage:read")
	for _, path := range []string{"/v1/audit?limit=500", "/v1/usage", "/v1/me/usage", "/v1/me"} {
		status, head, content := sendsTo(t, "GET", url+path, "", "Assay-Key", reader.Key)
		if status != 200 {
			t.Errorf("%s: %d %s", path, status, content)
		}
		all += written(head) + content
	}
	for _, verb := range []string{"verify", "head"} {
		stdout, stderr := mustCall(t, s.dir, s.exchange.assay, "audit", verb)
		all += stdout + stderr
	}
	if !strings.Contains(all, "key.revoke") || !strings.Contains(all, "POST /v1/proofs") {
		t.Errorf("the record does not tell what was done: %s", all)
	}
	return all
}

// restored is a folder with all that a backup has, unsealed as far as who may restore it can.
func (s *proofServer) restored(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	mustCall(t, s.dir, s.exchange.assay, "backup", "--out", "server.backup", "--to", s.recipient(t))
	mustCall(t, s.dir, s.exchange.assay, "restore", "server.backup", "--out", dir, "--identity-file", "id.txt")
	return dir
}

// dumped is what a server says that has made a proof, and is made to crash.
func (s *proofServer) dumped(t *testing.T, key string) string {
	t.Helper()
	url, stderr, process := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--listen", "127.0.0.1:0")...)
	question := fmt.Sprintf(`{"customer":%q,"statement":%q}`, s.customers[1], s.exchange.digest(t, "first"))
	if status, _, content := sendsTo(t, "POST", url+"/v1/proofs", question, "Content-Type", "application/json", "Assay-Key", key); status != 200 {
		t.Fatalf("%d %s", status, content)
	}
	if err := process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the dump", func() bool {
		return strings.Contains(read(t, stderr), "rip ") || strings.Contains(read(t, stderr), "goroutine 1 ")
	})
	return read(t, stderr)
}

// adminOf is the URL that a server is watched at, as its log tells.
func adminOf(t *testing.T, stderr string) string {
	t.Helper()
	found := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(read(t, stderr))
	if found == "" {
		t.Fatalf("where the server is watched it does not say: %s", read(t, stderr))
	}
	return found
}

// askEverything asks rightly and wrongly, with customers and keys where they belong and where they do not; it returns the ids of some of the requests.
func (s *proofServer) askEverything(t *testing.T, url, key, leaked string, people, amounts, secrets canaries) (instances []string) {
	t.Helper()
	statement := s.exchange.digest(t, "first")
	for i, customer := range s.customers {
		status, head, content := sendsTo(t, "POST", url+"/v1/proofs", fmt.Sprintf(`{"customer":%q,"statement":%q}`, customer, statement), "Content-Type", "application/json", "Assay-Key", key)
		if status != 200 || !strings.Contains(content, "50000000") {
			t.Fatalf("customer #%d: %d %s", i, status, content)
		}
		people.absent(t, "a proof", written(head)+content)
		secrets.absent(t, "a proof", written(head)+content)
		instances = append(instances, head.Get("Request-Id"))
	}
	customer := s.customers[3]
	absent := fmt.Sprintf(`{"customer":"x%s","statement":%q}`, customer, statement)
	for _, q := range []struct {
		method, path, content string
		status                []int
		header                []string
	}{
		{"POST", "/v1/proofs", absent, []int{404}, []string{"Assay-Key", key}},
		{"POST", "/v1/proofs", absent, []int{401}, []string{"Assay-Key", key[:len(key)-1] + "7"}},
		{"POST", "/v1/proofs", absent, []int{401}, nil},
		{"POST", "/v1/proofs", absent, []int{401}, []string{"Signature-Input", `assay=("@method" "` + customer + `")`, "Signature", "assay=:" + base64.StdEncoding.EncodeToString([]byte(key)) + ":"}},
		{"POST", "/v1/proofs", absent, []int{400}, []string{"Assay-Key", key, "Authorization", "Bearer " + key}},
		{"POST", "/v1/proofs", absent[1:], []int{400}, []string{"Assay-Key", key}},
		{"POST", "/v1/proofs", absent, []int{415}, []string{"Assay-Key", key, "Content-Type", "text/" + customer}},
		{"POST", "/v1/proofs", strings.Replace(absent, "statement", customer, 1), []int{422}, []string{"Assay-Key", key}},
		{"POST", "/v1/proofs", fmt.Sprintf(`{"customer":"\u0001%s","statement":%q}`, customer, statement), []int{422}, []string{"Assay-Key", key}},
		{"POST", "/v1/proofs?customer=" + customer, absent, []int{422}, []string{"Assay-Key", key}},
		{"GET", "/v1/reports/" + customer, "", []int{422}, nil},
		{"GET", "/v1/reports?" + customer + "=1", "", []int{422}, nil},
		{"GET", "/v1/reports?limit=" + customer, "", []int{422}, nil},
		{"GET", "/v1/reports?cursor=" + customer, "", []int{422}, nil},
		{"GET", "/v1/reports/latest/files/" + customer, "", []int{404}, nil},
		{"GET", "/customers/" + customer, "", []int{404}, []string{"User-Agent", customer, "Referer", "https://x.example/" + customer, "Request-Id", customer, "Traceparent", customer, "Tracestate", "a=" + customer, "Baggage", "c=" + customer}},
		{"DELETE", "/v1/proofs/" + customer, "", []int{404, 405}, nil},
		{"GET", "/v1/reports", "", []int{406}, []string{"Accept", "text/" + customer}},
		{"GET", "/v1/reports?key=" + leaked, "", []int{400}, nil},
		{"POST", "/v1/proofs", absent, []int{401}, []string{"Assay-Key", leaked}},
	} {
		header := append([]string{"Content-Type", "application/json"}, q.header...)
		status, head, content := sendsTo(t, q.method, url+q.path, q.content, header...)
		where := fmt.Sprintf("the answer to %s %s, %d", q.method, q.path, status)
		if !slices.Contains(q.status, status) {
			t.Errorf("%s: %s", where, content)
		}
		for _, c := range []canaries{people, amounts, secrets} {
			c.absent(t, where, written(head)+content)
		}
		var problem struct{ Instance string }
		if err := json.Unmarshal([]byte(content), &problem); err != nil || problem.Instance == "" || problem.Instance != head.Get("Request-Id") {
			t.Errorf("%s: instance %q, Request-Id %q", where, problem.Instance, head.Get("Request-Id"))
		}
		instances = append(instances, problem.Instance)
	}
	return instances
}

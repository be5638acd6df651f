package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/client"
)

// TestMalformedRequests: whatever comes over the wire, from strangers and from clients whose keys are good, is answered or hung up on, never
// with a fault of the server; afterwards it holds no more than before, and the record of it is whole. ASSAY_MALFORMED says how many are
// sent (make test-security: 100,000).
func TestMalformedRequests(t *testing.T) {
	many := 2000
	if text := os.Getenv("ASSAY_MALFORMED"); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	ca := newAuthority(t, 1)
	d := newDoorWith(t, map[string]string{"clients.pem": inPEM(ca.certificate.Raw)}, "client_auth = \"optional\"\nclient_ca = \"clients.pem\"\n")
	s := d.server
	boss, shown := s.boss(t), ca.client(t, 11)
	s.write(t, "shown.pem", inPEM(shown.Certificate[0]))
	own := s.granted(t, boss, "--certificate", "shown.pem")
	reader := s.create(t, "--client", boss, "--permission", "client:read", "--permission", "audit:read", "--permission", "usage:read", "--permission", "run:read")
	s.write(t, "plain.toml", strings.NewReplacer("certificate = \"cert.pem\"\n", "", "certificate_key = \"key.pem\"\n", "", "client_auth = \"optional\"\nclient_ca = \"clients.pem\"\n", "").Replace(read(t, s.dir, "assay.toml")))
	plain, stderr, process := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--config", "plain.toml", "--listen", "127.0.0.1:0")...)
	before, beforeTLS := descriptors(t, process), descriptors(t, d.process)
	address, secure := strings.TrimPrefix(plain, "http://"), strings.TrimPrefix(d.url, "https://")
	statement := s.exchange.digest(t, "second")
	answers, inside := tally{signed: map[int]int{}, others: map[int]int{}}, tally{signed: map[int]int{}, others: map[int]int{}}
	inParallel(many*3/4, func(_ int, r *rand.Rand) {
		answers.count(t, exchangeOf(t, address, malformed(r, statement, []string{boss, own.ID, reader.ID}, reader.Key), nil))
	})
	acting, transport := d.with(t, shown) // each answer's signature is checked
	transport.MaxConnsPerHost = 16
	inParallel(many/4, func(_ int, r *rand.Rand) {
		inside.status(t, acting, odd(t, r, d.url, statement, boss, own.ID, s.customers[0]))
	})
	transport.CloseIdleConnections()
	inParallel(many/20, func(i int, r *rand.Rand) { // HTTP/2, whose frames are wrong, and TLS, whose records are
		if i%4 == 0 {
			exchangeOf(t, secure, noise(r, 1+r.IntN(600)), nil)
			return
		}
		frames := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), noise(r, r.IntN(300))...)
		exchangeOf(t, secure, frames, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	})
	answers.report(t, many*3/4, http.StatusOK, http.StatusNotFound, http.StatusUnauthorized)
	if answers.others[http.StatusBadRequest] == 0 {
		t.Error("net/http refused nothing")
	}
	inside.report(t, many/4, http.StatusOK, http.StatusCreated, http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusPreconditionRequired)
	for runtime.GOOS == "linux" && (descriptors(t, process) > before+24 || descriptors(t, d.process) > beforeTLS+24) { // connections that hang keep the test from ending
		time.Sleep(100 * time.Millisecond)
	}
	get(t, d.here, "/v1/health")
	response, err := http.Get(plain + "/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	if response.Body.Close(); response.StatusCode != 200 {
		t.Errorf("the server answers %s", response.Status)
	}
	people := canaries{"a customer": s.customers[0], "a secret": strings.Split(reader.Key, ".")[2]}
	for _, file := range []string{stderr, d.said} {
		said := read(t, file)
		if strings.Contains(said, "panic") || strings.Contains(said, "could not be done") {
			t.Errorf("the server's log: %.2000s", said)
		}
		people.absent(t, "the log", said)
	}
	stdout, _ := mustCall(t, s.dir, s.exchange.assay, "audit", "verify")
	t.Logf("afterwards: %s", stdout)
}

// boss makes a client that may nearly everything, and returns its id.
func (s *proofServer) boss(t *testing.T) string {
	t.Helper()
	return s.client(t, "create", "--name", "boss", "--role", "admin", "--role", "service", "--role", "operator", "--role", "publisher", "--tier", "partner").ID
}

// granted makes the boss a key with all of it.
func (s *proofServer) granted(t *testing.T, boss string, by ...string) keyRecord {
	t.Helper()
	args := append([]string{"create", "--name", "judge", "--client", boss, "--cidr", "127.0.0.1"}, by...)
	for _, p := range authz.Of(authz.Admin, authz.Service, authz.Operator, authz.Publisher) {
		args = append(args, "--permission", string(p))
	}
	return s.admin(t, args...)
}

// descriptors is how many files and connections a process holds.
func descriptors(t *testing.T, process *os.Process) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// inParallel runs many at once, each with draws of its own that are the same every time.
func inParallel(many int, do func(i int, r *rand.Rand)) {
	const workers = 64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(6, uint64(w)))
			for i := w; i < many; i += workers {
				do(i, r)
			}
		})
	}
	all.Wait()
}

// exchangeOf sends bytes, says that no more will come, and returns all that comes back.
func exchangeOf(t *testing.T, address string, sent []byte, secure *tls.Config) []byte {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetLinger(0) // ports are few
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	out := c
	if secure != nil {
		out = tls.Client(c, secure)
	}
	_, _ = out.Write(sent) // the server may have hung up already
	_ = out.(interface{ CloseWrite() error }).CloseWrite()
	var got bytes.Buffer
	_, err = io.Copy(&got, out)
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		t.Errorf("the connection hangs after %.300q", sent)
	}
	return got.Bytes()
}

// tally counts answers by their status.
type tally struct {
	mu             sync.Mutex
	signed, others map[int]int
}

// headOf is the head of an answer: its status, and its fields.
var headOf = regexp.MustCompile(`HTTP/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n`)

// count reads the answers that came over a connection.
func (c *tally) count(t *testing.T, raw []byte) {
	t.Helper()
	heads := headOf.FindAllSubmatch(raw, -1)
	if len(raw) > 0 && len(heads) == 0 {
		t.Errorf("no answer: %.200q", raw)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, head := range heads {
		status, err := strconv.Atoi(string(head[1]))
		if err != nil {
			t.Error(err)
		}
		if bytes.Contains(head[2], []byte("Signature: assay=:")) {
			c.signed[status]++
		} else {
			c.others[status]++
		}
	}
}

// status sends a request by a client that checks the answer's signature, and counts the answer.
func (c *tally) status(t *testing.T, by *client.Client, r *http.Request) {
	response, err := by.Do(r)
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		return
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signed[response.StatusCode]++
}

// report wants no fault of the server, and answers in all of these ways. What is not signed net/http has refused, of what is no request that
// a handler could see.
func (c *tally) report(t *testing.T, many int, want ...int) {
	t.Helper()
	t.Logf("%d sent; signed answers by status %v, refusals below the handler %v", many, c.signed, c.others)
	for status := range c.signed {
		if status >= 500 {
			t.Errorf("%d answers of status %d", c.signed[status], status)
		}
	}
	for status := range c.others {
		switch status {
		case http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge, http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusExpectationFailed:
		default:
			t.Errorf("%d answers of status %d are not signed", c.others[status], status)
		}
	}
	for _, status := range want {
		if c.signed[status] == 0 {
			t.Errorf("nothing was answered with %d", status)
		}
	}
}

func noise(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// oddJSON is a content with faults: of what is wanted, or of anything else.
func oddJSON(r *rand.Rand, wanted ...string) []byte {
	b := []byte(wanted[r.IntN(len(wanted))])
	for range r.IntN(3) {
		switch at := r.IntN(len(b) + 1); r.IntN(6) {
		case 0:
			b = append(b[:at:at], append(noise(r, 1+r.IntN(4)), b[at:]...)...)
		case 1:
			b = b[:at]
		case 2:
			b = append(b[:at:at], append([]byte([]string{"null", "1e999", "\"\\ud800\"", "\"\\u0000\"", "{}", strings.Repeat("[", 300), "'", "\"; DROP TABLE keys;--\"", "\"e\u0301\""}[r.IntN(9)]), b[at:]...)...)
		case 3:
			b = append(b, b...)
		case 4:
			b = bytes.Replace(b, []byte(":"), []byte(`:"`+strings.Repeat("x", r.IntN(5000))+`",":`), 1)
		}
	}
	return b
}

// odd is a request that HTTP has nothing against, of a client that may nearly everything: the API's own routes, with faults in what they want.
// The key that it is asked with is not ended.
func odd(t *testing.T, r *rand.Rand, url, statement, clientID, keyID, customer string) *http.Request {
	of := func(list ...string) string { return list[r.IntN(len(list))] }
	id := of(clientID, keyID, statement, "latest", "aaaaaaaaaaaaaaaa", "..", "%00", "%2e%2e%2f", "AAAAAAAAAAAAAAAA", strings.Repeat("a", 1500), "'%20OR%201=1")
	path := of("/v1/clients", "/v1/clients/"+id, "/v1/clients/"+of(id, "bbbbbbbbbbbbbbbb")+":enable", "/v1/clients/bbbbbbbbbbbbbbbb:disable", "/v1/keys", "/v1/keys/"+id, "/v1/keys/bbbbbbbbbbbbbbbb:rotate", "/v1/keys/bbbbbbbbbbbbbbbb:revoke",
		"/v1/keys/"+id+":", "/v1/roles", "/v1/me", "/v1/me/usage", "/v1/usage", "/v1/audit", "/v1/limits", "/v1/limits/"+of("basic", "gold", id), "/v1/proofs", "/v1/runs", "/v1/runs/"+id, "/v1/runs/"+id+"/draft", "/v1/runs/"+id+"/approvals",
		"/v1/runs/"+id+of(":publish", ":cancel", ":resume"), "/v1/reports/"+id+":withdraw", "/v1/reports/"+id+"/findings", "/openapi.json")
	query := of("", "", "", "?limit="+of("1", "-1", "501", "1e2", "0x1", ""), "?cursor="+of("AAAA", "%ff", strings.Repeat("A", 256)), "?hours="+of("1", "721", "1.5"), "?client="+id, "?after=9&wait=0", "?state="+of("asked", "x"), "?limit=1&limit=2", "?unknown=1")
	aClient, aKey := `{"name":"host","roles":["viewer"],"tier":"basic","scope":{"entities":["E"],"reports":["`+statement+`"]}}`, `{"client":"`+clientID+`","name":"k","permissions":["proof:read:any"],"networks":["127.0.0.1"],"days":3}`
	aProof := `{"customer":"` + customer + `","statement":"` + statement + `"}`
	method, content := of("GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD"), oddJSON(r, aClient, aKey, aProof, `{"policy":"1000000/s"}`, `{"overlap":3}`, `{"reason":"x"}`, `{"period":"2026-11"}`, `{"payload":"e30=","payloadType":"x","signatures":[]}`, `{}`, `[]`, ``)
	if wish := [][3]string{{"POST", "/v1/clients", aClient}, {"POST", "/v1/keys", aKey}, {"PUT", "/v1/clients/" + clientID, aClient}, {"POST", "/v1/proofs", aProof}}[r.IntN(4)]; r.IntN(3) == 0 { // where it is wanted
		method, path, query, content = wish[0], wish[1], "", oddJSON(r, wish[2])
	}
	if method == http.MethodGet || method == http.MethodHead {
		content = nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url+path+query, bytes.NewReader(content))
	if err != nil { // no client would send it
		return odd(t, r, url, statement, clientID, keyID, customer)
	}
	h := request.Header
	h.Set("Content-Type", of("application/json", "application/json", "application/json", "application/json; charset=x", "text/plain", "a/b/c"))
	for name, values := range map[string][]string{"Idempotency-Key": {"wish-of-odd-" + strconv.FormatUint(r.Uint64(), 36) + "-0000", "wish-of-odd-that-is-known", "x", strings.Repeat("k", 300), "\"quoted-wish-000\""}, "If-Match": {"*", `"x"`, `W/"x"`, ","}, "Accept": {"*/*", "a", "application/json;q=0"}, "Content-Encoding": {"gzip"}} {
		if name == "Idempotency-Key" && r.IntN(4) > 0 || r.IntN(12) == 0 {
			h.Set(name, values[max(0, r.IntN(len(values)*2)-len(values))])
		}
	}
	return request
}

// malformed is a request with some faults in it, or what never was one. It may be of a client's, with ids that are known.
func malformed(r *rand.Rand, statement string, ids []string, key string) []byte {
	if r.IntN(20) == 0 {
		return noise(r, 1+r.IntN(2000))
	}
	of := func(list ...string) string { return list[r.IntN(len(list))] }
	odd := func(usual string, list ...string) string { // now and then another one
		if r.IntN(8) > 0 {
			return usual
		}
		return of(list...)
	}
	line := odd("\r\n", "\n", "\r", "")
	b := []byte(odd("GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "PRI", "get", "G\x00T", "") + odd(" ", "  ", "\t", "") +
		of("/", "/v1/reports", "/v1/reports/latest", "/v1/reports/"+statement+"/files/", "/v1/log/tile/", "/bundle/", "/log/", "/v1/log/proof", "/v1/", "/v1/proofs", "/v1/me", "/v1/me/usage", "/v1/audit", "/v1/usage", "/v1/clients", "/v1/clients/"+of(ids...), "/v1/keys", "/v1/keys/"+of(ids...), "/v1/keys/"+of(ids...)+":", "/v1/runs", "/v1/limits/basic",
			"/v1/roles", "/.well-known/assay-keys", odd("/", "*", "//", "http://other/")) +
		of("", "", "manifest.json", odd("", "../../keys/response.age", "..%2f..%2fkeys", "%", "%zz", "%00", "a\x00b", "é", strings.Repeat("a/", 300), strings.Repeat("%41", 900), "tile/0/000", "0/x-1/000", "entries/000.p/0")) +
		of("", "", "?limit=1", odd("", "?", "?limit=-1", "?limit=1&limit=2", "?index=18446744073709551616", "?index=1e3", "?cursor=%ff", "?series="+strings.Repeat("s", 3000), "?;", "?a[]=%00", "?%gg")) +
		odd(" ", "  ", "") + odd("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/1.1 ", "", "http/1.1", "HTTP/11") + line)
	for range r.IntN(3) {
		b = append(b, of("Range: bytes=0-,0-,0-,0-", "If-None-Match: *", "If-None-Match: \"\"\",,W/", "Accept: /;q=x", "Accept: "+strings.Repeat("a/b,", 2000), "Accept: */*", "Accept-Signature: assay=();nonce=\"",
			"Accept-Signature: assay=();nonce=\""+strings.Repeat("n", 65)+"\"", "Connection: upgrade, keep-alive", "Upgrade: h2c", "HTTP2-Settings: AAAA", "Origin: null",
			odd("Via: x", "Host: b:99999", "Host: \x7f", "Host", ": x", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
				"Expect: 100-continue", "Expect: x", " folded", "X: "+strings.Repeat("x", 20_000), "Cookie: \x00\x01"))+line...)
	}
	if r.IntN(3) > 0 {
		b = append(b, "Assay-Key: "+odd(key, key[1:], key+key, strings.ToUpper(key), "", "assay_\x00", strings.Repeat("k", 9000))+line+odd("", "Assay-Key: "+key+line, "Authorization: Bearer x"+line, "Signature: assay=:AA==:"+line+"Signature-Input: assay=(\"@method\");keyid=\"x\""+line)...)
	}
	b = append(b, "Host: a\r\n\r\n"...)
	b = append(b, odd("", "hello", "5\r\nhello\r\n0\r\n\r\n", "-1\r\n", "ffffffffffffffff\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n")...)
	at := r.IntN(len(b))
	switch r.IntN(8) {
	case 0:
		b[at] = byte(r.Uint32())
	case 1:
		b = append(b[:at], b[at+1:]...)
	case 2:
		b = b[:at+1]
	}
	return b
}

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
)

// TestMalformedRequests: whatever comes over the wire is answered or hung up on, never with a fault of the server; afterwards it holds no more
// than before. ASSAY_MALFORMED says how many are sent (make test-security: 100,000).
func TestMalformedRequests(t *testing.T) {
	many := 2000
	if text := os.Getenv("ASSAY_MALFORMED"); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := overTLS(t)
	s.write(t, "plain.toml", strings.NewReplacer("certificate = \"cert.pem\"\n", "", "certificate_key = \"key.pem\"\n", "").Replace(read(t, s.dir, "assay.toml")))
	plain, stderr, process := servingProcess(t, s.dir, s.assay, opened("serve", "--config", "plain.toml", "--listen", "127.0.0.1:0")...)
	before := descriptors(t, process)
	address := strings.TrimPrefix(plain, "http://")
	statement := s.digest(t, "second")
	answers := tally{signed: map[int]int{}, others: map[int]int{}}
	inParallel(many, func(_ int, r *rand.Rand) {
		answers.count(t, exchangeOf(t, address, malformed(r, statement), nil))
	})
	secure := strings.TrimPrefix(s.url, "https://")
	inParallel(many/20, func(i int, r *rand.Rand) { // HTTP/2, whose frames are wrong, and TLS, whose records are
		if i%4 == 0 {
			exchangeOf(t, secure, noise(r, 1+r.IntN(600)), nil)
			return
		}
		frames := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), noise(r, r.IntN(300))...)
		exchangeOf(t, secure, frames, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	})
	answers.report(t, many)
	for runtime.GOOS == "linux" && descriptors(t, process) > before+4 { // connections that hang keep the test from ending
		time.Sleep(100 * time.Millisecond)
	}
	get(t, s.client, "/v1/health")
	response, err := http.Get(plain + "/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	if response.Body.Close(); response.StatusCode != 200 {
		t.Errorf("the server answers %s", response.Status)
	}
	for _, file := range []string{stderr, s.stderr} {
		if said := read(t, file); strings.Contains(said, "panic") {
			t.Errorf("the server's log: %.2000s", said)
		}
	}
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

// report wants no fault of the server. What is not signed net/http has refused, of what is no request that a handler could see.
func (c *tally) report(t *testing.T, many int) {
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
	if c.signed[http.StatusOK] == 0 || c.signed[http.StatusNotFound] == 0 || c.others[http.StatusBadRequest] == 0 {
		t.Error("what was sent was answered in one way only")
	}
}

func noise(r *rand.Rand, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

// malformed is a request with some faults in it, or what never was one.
func malformed(r *rand.Rand, statement string) []byte {
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
		of("/", "/v1/reports", "/v1/reports/latest", "/v1/reports/"+statement+"/files/", "/v1/log/tile/", "/bundle/", "/log/", "/v1/log/proof", "/v1/", "/.well-known/assay-keys", odd("/", "*", "//", "http://other/")) +
		of("", "", "manifest.json", odd("", "../../keys/response.age", "..%2f..%2fkeys", "%", "%zz", "%00", "a\x00b", "é", strings.Repeat("a/", 300), strings.Repeat("%41", 900), "tile/0/000", "0/x-1/000", "entries/000.p/0")) +
		of("", "", "?limit=1", odd("", "?", "?limit=-1", "?limit=1&limit=2", "?index=18446744073709551616", "?index=1e3", "?cursor=%ff", "?series="+strings.Repeat("s", 3000), "?;", "?a[]=%00", "?%gg")) +
		odd(" ", "  ", "") + odd("HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/1.1 ", "", "http/1.1", "HTTP/11") + line)
	for range r.IntN(3) {
		b = append(b, of("Range: bytes=0-,0-,0-,0-", "If-None-Match: *", "If-None-Match: \"\"\",,W/", "Accept: /;q=x", "Accept: "+strings.Repeat("a/b,", 2000), "Accept: */*", "Accept-Signature: assay=();nonce=\"",
			"Accept-Signature: assay=();nonce=\""+strings.Repeat("n", 65)+"\"", "Connection: upgrade, keep-alive", "Upgrade: h2c", "HTTP2-Settings: AAAA", "Origin: null",
			odd("Via: x", "Host: b:99999", "Host: \x7f", "Host", ": x", "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
				"Expect: 100-continue", "Expect: x", " folded", "X: "+strings.Repeat("x", 20_000), "Cookie: \x00\x01"))+line...)
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

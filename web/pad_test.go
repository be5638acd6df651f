package web_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
)

// sent is how many bytes an answer has over HTTP/1.1, less what is of one length in all.
func sent(w *httptest.ResponseRecorder) int {
	n := len(fmt.Sprintf("%d %s", w.Code, statusText(w.Code))) + w.Body.Len()
	for name, lines := range w.Header() {
		for _, line := range lines {
			n += len(name) + len(line)
		}
	}
	return n
}

func statusText(code int) string {
	return map[int]string{200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 413: "Request Entity Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Entity", 503: "Service Unavailable"}[code]
}

// TestPadding: answers for one caller have one of a few lengths, signed and whole as they are; of a customer who is not there as of one who is.
func TestPadding(t *testing.T) {
	p := newPlace(t)
	c, keys := p.config(), newKeeper(t)
	c.Gate, c.Audit = keys.gate, keys.audit
	proof := ""
	c.Proofs = provers(func(_ report.Digest, customer string) ([]byte, error) {
		if customer != canary {
			return nil, api.AbsentError{Size: len(proof)}
		}
		return []byte(proof), nil
	})
	h := handler(t, c)
	let := keys.service(t, h)
	lengths := map[int]bool{}
	for size := 1; size < 40_000; size += 977 {
		proof = `{"` + strings.Repeat("p", size) + `":1}`
		there, absent := post(let, "/v1/proofs", asking("latest", canary)), post(let, "/v1/proofs", asking("latest", "somebody else"))
		if there.Code != 200 || there.Body.String() != proof || absent.Code != 404 {
			t.Fatalf("%d %d %s", there.Code, absent.Code, absent.Body)
		}
		if kind, _ := problem(t, absent); kind != "/problems/not-found" {
			t.Errorf("%s", absent.Body)
		}
		verified(t, "POST", "/v1/proofs", there)
		verified(t, "POST", "/v1/proofs", absent)
		if size > 300 && sent(there) != sent(absent) { // a problem has its own length at least
			t.Errorf("a proof of %d bytes: %d bytes, and without the customer %d", len(proof), sent(there), sent(absent))
		}
		lengths[sent(there)] = true
	}
	if len(lengths) > 40_000/2048+2 || len(lengths) < 15 {
		t.Errorf("%d lengths of 41 answers", len(lengths))
	}
	first := 0
	for _, w := range []*httptest.ResponseRecorder{
		post(let, "/v1/proofs", asking("x", "a")), post(let, "/v1/proofs?x=1", asking("latest", "a")), post(keys.without(t, h), "/v1/proofs", ""), post(h, "/v1/proofs", ""), post(let, "/v1/proofs", strings.Repeat(" ", 1<<20)),
		post(let, "/v1/proofs", "{}", "Content-Type", "text/plain"),
	} {
		if w.Code < 400 || w.Header().Get("Padding") == "" {
			t.Errorf("%d: not filled up", w.Code)
		}
		if first == 0 {
			first = sent(w)
		}
		if sent(w) != first {
			t.Errorf("%d: %d bytes, and others have %d", w.Code, sent(w), first)
		}
	}
	if got := ask(h, "GET", "/v1/reports").Header(); len(got["Padding"]) > 0 {
		t.Error("what is everybody's is filled up")
	}
}

package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/client"
	"github.com/assay-por/assay/web/httpsig"
)

func TestReceipt(t *testing.T) {
	e := newExchange(t)
	c := e.client(t)
	whole, err := get(c, e.URL+"/v1/reports?a=%2F", "Authorization", "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	resp, content := whole.Response, whole.content
	resp.Header.Set("Set-Cookie", "s3cret")
	got, err := client.Receipt(resp, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"content":"eyJyZXBvcnRzIjpbXX0=","headers":[{"name":"cache-control","value":"no-cache"},`+
		`{"name":"content-digest","value":%q},{"name":"content-type","value":"application/json"},{"name":"etag","value":"\"1\""},`+
		`{"name":"signature","value":%q},{"name":"signature-input","value":%q}],"method":"GET","status":200,"type":"assay/v1/receipt","url":"%s/v1/reports?a=%%2F"}`,
		resp.Header.Get("Content-Digest"), resp.Header.Get("Signature"), resp.Header.Get("Signature-Input"), e.URL)
	if string(got) != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if err := attest.CheckCanonical(got); err != nil {
		t.Error(err)
	}
	for _, method := range []string{"HEAD", "GET"} {
		same, err := do(c, method, e.URL+"/v1/reports", "If-None-Match", `"1"`)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := client.Receipt(same.Response, []byte(same.content)); err != nil || !strings.HasPrefix(string(got), `{"content":"","headers":[`) || !strings.Contains(string(got), `"method":"`+method+`","status":304`) {
			t.Errorf("%s: %v %s", method, err, got)
		}
	}
	if _, err := client.Receipt(resp, []byte("other")); !errors.Is(err, httpsig.ErrDigest) {
		t.Errorf("of other content: %v", err)
	}
	resp.Request.URL.Scheme = "http"
	if _, err := client.Receipt(resp, []byte(content)); err != nil { // at a loopback address
		t.Error(err)
	}
	resp.Request.URL.Host = "x.example"
	if _, err := client.Receipt(resp, []byte(content)); err == nil {
		t.Error("a receipt of what came by http")
	}
	resp.Request.URL.Scheme, resp.Request.URL.Host = "https", "X.example:443"
	if got, err := client.Receipt(resp, []byte(content)); err != nil || !strings.HasSuffix(string(got), `"url":"https://x.example/v1/reports?a=%2F"}`) {
		t.Errorf("%v %s", err, got)
	}
	for what, change := range map[string]func(*http.Response){
		"URL not in ASCII": func(r *http.Response) { r.Request.URL.RawQuery = "é" },
		"URL with blanks":  func(r *http.Response) { r.Request.URL.RawQuery = "a b" },
		"long URL":         func(r *http.Response) { r.Request.URL.RawQuery = strings.Repeat("x", 8192) },
		"lower-case":       func(r *http.Response) { r.Request.Method = "get" },
		"long field":       func(r *http.Response) { r.Header.Set("ETag", strings.Repeat("x", 8193)) },
	} {
		other := *resp
		other.Header, other.Request = resp.Header.Clone(), resp.Request.Clone(t.Context())
		change(&other)
		if _, err := client.Receipt(&other, []byte(content)); err == nil {
			t.Errorf("%s: it was kept", what)
		}
	}
	resp.Header.Del("Signature-Input")
	if _, err := client.Receipt(resp, []byte(content)); !errors.Is(err, httpsig.ErrUnsigned) {
		t.Errorf("unsigned: %v", err)
	}
	if _, err := client.Receipt(&http.Response{}, nil); err == nil {
		t.Error("a receipt of nothing")
	}
}

// What was signed of the request is kept where the answer covers it: where it is for one caller.
func TestReceiptOfASignedRequest(t *testing.T) {
	e := newExchange(t)
	e.mux.HandleFunc("/mine", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "no-store") })
	signature := strings.Repeat("A", 86) + "=="
	for path, want := range map[string]string{"/mine": `{"asked":"` + signature + `","content":`, "/v1/reports": `{"content":`} {
		mine, err := get(e.client(t), e.URL+path, "Signature", "assay=:"+signature+":")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := client.Receipt(mine.Response, []byte(mine.content)); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: %v %s", path, err, got)
		}
	}
	// A man in the middle who takes the caller's signature away has an answer that is to nobody.
	e.set(func() {
		e.before = func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Signature"); return false }
	})
	if _, err := get(e.client(t), e.URL+"/mine", "Signature", "assay=:"+signature+":"); !errors.Is(err, httpsig.ErrForm) {
		t.Errorf("an answer to another request: %v", err)
	}
}

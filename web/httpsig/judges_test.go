package httpsig_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/httpsig"
)

// judged is an answer as testdata/judge.cjs reads it.
type judged struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Target  string            `json:"target"`
	Status  int               `json:"status"`
	Fields  [][2]string       `json:"fields"`
	Content []byte            `json:"content"`
	Asked   []byte            `json:"asked"`
	KeyID   string            `json:"keyid"`
	Key     map[string]string `json:"key"`
}

func toJudge(a httpsig.Answer, public ed25519.PublicKey) judged {
	j := judged{
		Method: a.Method, URL: a.URL.String(), Target: a.URL.RequestURI(), Status: a.Status, Content: a.Content, Asked: a.Asked, KeyID: httpsig.Thumbprint(public),
		Key: map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public)},
	}
	for name, lines := range a.Header {
		for _, line := range lines {
			j.Fields = append(j.Fields, [2]string{strings.ToLower(name), line})
		}
	}
	slices.SortFunc(j.Fields, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return j
}

type verdict struct {
	Fields bool `json:"structured-headers"`
	First  bool `json:"http-message-sig"`
	Second bool `json:"http-message-signatures"`
}

// judge asks the judges.
func judge(t *testing.T, answers []judged) []verdict {
	t.Helper()
	return outside[verdict](t, "judge.cjs", answers)
}

// outside runs a program of testdata, which runs those of npm, and reads a line of what it says for each of all.
func outside[Out, In any](t *testing.T, program string, all []In) []Out {
	t.Helper()
	modules, err := filepath.Abs("../../build/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"http-message-sig", "http-message-signatures", "structured-headers"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skip("skipped: the programs of npm that sign and judge are not there; type: make judges")
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: there is no node, which runs the programs of npm")
	}
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), node, "testdata/"+program, modules)
	var faults bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(in), &faults
	said, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, faults.String())
	}
	t.Logf("they said: %s", faults.String())
	outs := make([]Out, 0, len(all))
	for d := json.NewDecoder(bytes.NewReader(said)); d.More(); {
		var o Out
		if err := d.Decode(&o); err != nil {
			t.Fatal(err)
		}
		outs = append(outs, o)
	}
	if len(outs) != len(all) {
		t.Fatalf("%d lines on %d", len(outs), len(all))
	}
	return outs
}

// TestOutsideJudges: three programs of npm, which know nothing of us, verify our answers, and refuse them once altered.
func TestOutsideJudges(t *testing.T) {
	k := key(1)
	s, err := httpsig.NewSigner(k, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	srv, _ := server(t, true, site(), s)
	srv.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var good, altered []judged
	var targets []string
	for _, q := range [][]string{
		{"GET", "/plain"}, {"GET", "/plain?a=%2F&b"}, {"GET", "/plain?"}, {"POST", "/plain"}, {"HEAD", "/plain"}, {"GET", "/untyped"}, {"GET", "/mine"}, {"GET", "/mine?q=%20"}, {"GET", "/tile"},
		{"GET", "/gzip"}, {"GET", "/odd"}, {"GET", "/nothing"}, {"GET", "/empty"}, {"GET", "/error"}, {"GET", "/moved"}, {"GET", "/no%2Fsuch/p%C3%A9ge"}, {"GET", "/file"},
		{"GET", "/file", "If-None-Match", `"4"`}, {"GET", "/plain", "Accept-Signature", `assay=();nonce="0123456789-abc_DEF"`},
		{"POST", "/mine", "Signature", ours(7)},
	} {
		a, err := ask(t, srv, q[0], q[1], q[2:]...)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, strings.Join(q, " "))
		good = append(good, toJudge(a, k.Public().(ed25519.PublicKey)))
		bad := a
		bad.Status++
		altered = append(altered, toJudge(bad, k.Public().(ed25519.PublicKey)))
	}
	for i, v := range judge(t, append(good, altered...)) {
		if i < len(good) && v != (verdict{true, true, true}) {
			t.Errorf("%s: %+v", targets[i], v)
		}
		if i >= len(good) && (v.First || v.Second) {
			t.Errorf("%s, its status altered: %+v", targets[i-len(good)], v)
		}
	}
}

// asked is a request as testdata/sign.cjs signs it.
type asked struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Target  string            `json:"target"`
	Headers map[string]string `json:"headers"`
	Created int64             `json:"created"`
	Nonce   string            `json:"nonce"`
	KeyID   string            `json:"keyid"`
	Key     map[string]string `json:"key"`
}

// TestOutsideSigners: two programs of npm sign requests, and we take them; once altered, we do not.
func TestOutsideSigners(t *testing.T) {
	k := key(1)
	private := map[string]string{
		"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(k.Public().(ed25519.PublicKey)), "d": base64.RawURLEncoding.EncodeToString(k.Seed()),
	}
	var requests []*http.Request
	var contents []string
	var all []asked
	for _, q := range [][2]string{
		{"https://x.example/v1/proofs", question}, {"https://x.example:8443/v1/proofs", question}, {"https://X.example:443/v1/proofs?a=%2F&b", question}, {"https://127.0.0.1:9/", ""}, {"https://x.example/%7Ea/p%C3%A9?", ""},
	} {
		r := toSign(t, q[1])
		var err error
		if r.URL, err = url.Parse(q[0]); err != nil {
			t.Fatal(err)
		}
		r.Host = r.URL.Host
		headers := map[string]string{}
		if q[1] != "" {
			r.Header.Set("Content-Digest", httpsig.ContentDigest(sha256.Sum256([]byte(q[1]))))
		}
		for name := range r.Header {
			headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		requests, contents = append(requests, r), append(contents, q[1])
		all = append(all, asked{r.Method, q[0], r.URL.RequestURI(), headers, day.Unix(), wanted, "client-1", private})
	}
	for i, signed := range outside[map[string]map[string]string](t, "sign.cjs", all) {
		if len(signed) != 2 {
			t.Fatalf("%d programs", len(signed))
		}
		for program, fields := range signed {
			r := requests[i].Clone(t.Context())
			if r.Body = http.NoBody; contents[i] != "" {
				r.Body = io.NopCloser(strings.NewReader(contents[i]))
			}
			for _, name := range []string{"Signature-Input", "Signature"} {
				r.Header.Set(name, fields[strings.ToLower(name)])
			}
			got := received(t, r)
			if err := accepted(got, contents[i]); err != nil {
				t.Errorf("%s, %s: %v: %v", program, all[i].URL, err, fields)
			}
			got.Host = "y.example"
			if err := accepted(got, contents[i]); err == nil {
				t.Errorf("%s, %s: taken by another server", program, all[i].URL)
			}
		}
	}
}

package httpsig_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net/http"
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
	KeyID   string            `json:"keyid"`
	Key     map[string]string `json:"key"`
}

func toJudge(a httpsig.Answer, public ed25519.PublicKey) judged {
	j := judged{
		Method: a.Method, URL: a.URL.String(), Target: a.URL.RequestURI(), Status: a.Status, Content: a.Content, KeyID: httpsig.Thumbprint(public),
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
	modules, err := filepath.Abs("../../build/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"http-message-sig", "http-message-signatures", "structured-headers"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			t.Skip("skipped: the programs that judge signed answers are not there; type: make judges")
		}
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: there is no node, which runs the programs that judge signed answers")
	}
	in, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), node, "testdata/judge.cjs", modules)
	var faults bytes.Buffer
	c.Stdin, c.Stderr = bytes.NewReader(in), &faults
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, faults.String())
	}
	t.Logf("the judges said: %s", faults.String())
	verdicts := make([]verdict, 0, len(answers))
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var v verdict
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, v)
	}
	if len(verdicts) != len(answers) {
		t.Fatalf("%d verdicts on %d answers", len(verdicts), len(answers))
	}
	return verdicts
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

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/assay-por/assay/report"
)

// tsa is a time-stamping authority: openssl ts behind HTTP, with a CA of its own.
type tsa struct {
	dir, url string

	mu    sync.Mutex // openssl keeps a file of serial numbers
	asked int
	stale []byte // answered instead, if it is there
}

const tsaConfig = `[req]
distinguished_name = dn
[dn]
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[use]
extendedKeyUsage = critical,timeStamping
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
`

func startTSA(t *testing.T) *tsa {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("skipped: there is no openssl; on Debian type: apt-get install -y --no-install-recommends openssl")
	}
	a := &tsa{dir: t.TempDir()}
	for name, text := range map[string]string{"ts.cnf": tsaConfig, "serial": "01\n"} {
		if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "ts.cnf"}
	for _, args := range [][]string{
		append([]string{"req", "-x509", "-subj", "/CN=Test CA", "-days", "2", "-extensions", "ca", "-keyout", "ca.key", "-out", "ca.pem"}, key...),
		append([]string{"req", "-subj", "/CN=Test TSA", "-keyout", "tsa.key", "-out", "tsa.csr"}, key...),
		{"x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days", "2", "-extfile", "ts.cnf", "-extensions", "use", "-out", "tsa.pem"},
	} {
		if out, err := a.openssl(args...); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
		}
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *tsa) openssl(args ...string) ([]byte, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = a.dir
	return cmd.CombinedOutput()
}

func (a *tsa) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query, err := io.ReadAll(r.Body)
	if err == nil {
		err = os.WriteFile(filepath.Join(a.dir, "query"), query, 0o600)
	}
	if err == nil {
		_, err = a.openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "answer")
	}
	answer, readErr := os.ReadFile(filepath.Join(a.dir, "answer"))
	if err != nil || readErr != nil {
		http.Error(w, "openssl failed", http.StatusInternalServerError)
		return
	}
	a.asked++
	if a.stale != nil {
		answer = a.stale
	}
	_, _ = w.Write(answer)
}

// stampedPlace is a folder with a signed statement and a configuration that names authorities.
func stampedPlace(t *testing.T, assay, config string) (dir string) {
	t.Helper()
	dir = workplace(t, assay, 10)
	mustCall(t, dir, assay, "run", "--quiet")
	add(t, dir, config)
	return dir
}

func authorityConfig(name, url, certificate string) string {
	text := fmt.Sprintf("[[timestamp]]\nname = %q\nurl = %q\n", name, url)
	if certificate != "" {
		text += fmt.Sprintf("certificate = %q\n", certificate)
	}
	return text
}

// Two authorities stamp a statement once; openssl, which knows nothing of assay, verifies what the bundle holds.
func TestTimestamp(t *testing.T) {
	assay, verify := programs(t)
	known, other := startTSA(t), startTSA(t)
	dir := stampedPlace(t, assay, authorityConfig("Known", known.url+"/tsr", filepath.Join(known.dir, "ca.pem"))+authorityConfig("Any", other.url, ""))
	stdout, _ := mustCall(t, dir, assay, "timestamp")
	for _, want := range []string{"Known: 20", "signed by CN=Test TSA", "[[timestamp]]\nname = \"Known\"\ncertificate = \"\"\"-----BEGIN CERTIFICATE-----", "name = \"Any\""} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, stdout)
		}
	}
	if ca := read(t, known.dir, "ca.pem"); !strings.Contains(stdout, strings.TrimSpace(ca)) {
		t.Error("the policy does not hold the configured certificate")
	}
	for n, a := range []*tsa{known, other} {
		stamp := filepath.Join(dir, "bundle", report.PathTimestamp(n))
		if out, err := a.openssl("ts", "-verify", "-data", filepath.Join(dir, "bundle", report.PathEnvelope), "-in", stamp, "-CAfile", "ca.pem"); err != nil {
			t.Errorf("openssl ts -verify: %v\n%s", err, out)
		}
	}
	if d := judged(t, dir, verify, exitDone).detail(t, "timestamps"); !strings.Contains(d, "0 of 2") {
		t.Errorf("a policy without authorities: %s", d)
	}
	_, policy, _ := strings.Cut(stdout, "for a policy:\n")
	if d := judged(t, dir, verify, exitDone, "# [coverage]", policy+"\n# [coverage]").detail(t, "timestamps"); !strings.Contains(d, "2 of 2") {
		t.Errorf("a policy with them: %s", d)
	}
	zip := read(t, dir, "bundle.zip")
	if !strings.Contains(zip, report.PathTimestamp(1)) {
		t.Error("the zip does not hold the time stamps")
	}
	if again, _ := mustCall(t, dir, assay, "timestamp"); again != stdout || known.asked != 1 || other.asked != 1 || read(t, dir, "bundle.zip") != zip {
		t.Errorf("done again, they were asked %d and %d times:\n%s", known.asked, other.asked, again)
	}
	if stdout, _ := mustCall(t, dir, assay, "doctor"); !strings.Contains(stdout, "Known with certificates of CN=Test CA until ") || !strings.Contains(stdout, "Any with any certificate") {
		t.Errorf("doctor:\n%s", stdout)
	}
	// A stamp that came by another way is known by its certificate.
	dir = stampedPlace(t, assay, authorityConfig("Known", known.url, filepath.Join(known.dir, "ca.pem")))
	mustCall(t, dir, assay, "timestamp", "--request", "query.tsq")
	if out, err := known.openssl("ts", "-reply", "-config", "ts.cnf", "-queryfile", filepath.Join(dir, "query.tsq"), "-out", filepath.Join(dir, "answer.tsr")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for range 2 {
		if stdout, _ := mustCall(t, dir, assay, "attach", "answer.tsr"); !strings.Contains(stdout, "the bundle holds 0 findings and 1 time stamps") {
			t.Error(stdout)
		}
	}
	if mustCall(t, dir, assay, "timestamp"); known.asked != 1 {
		t.Error("it was asked for a stamp that is attached")
	}
}

// TestC10_TimeStampRefused: what does not say when this very statement was there, by who was asked, is not attached; what others gave is.
func TestC10_TimeStampRefused(t *testing.T) {
	assay, _ := programs(t)
	good, bad := startTSA(t), startTSA(t)
	dir := stampedPlace(t, assay, authorityConfig("Good", good.url, filepath.Join(good.dir, "ca.pem"))+authorityConfig("Bad", bad.url, filepath.Join(good.dir, "ca.pem")))
	code, stdout, stderr := call(t, dir, assay, "timestamp", "--quiet")
	if code != exitRefused || !strings.Contains(stderr, `timestamp "Bad"`) || !strings.Contains(stderr, "its certificate is not of the authority") || !strings.Contains(stdout, "Good: 20") {
		t.Errorf("another CA: exit %d: %s%s", code, stdout, stderr)
	}
	old := []byte(read(t, dir, "bundle", report.PathTimestamp(0)))
	if _, err := os.Stat(filepath.Join(dir, "bundle", report.PathTimestamp(1))); err == nil {
		t.Error("it was attached")
	}
	good.stale = old
	dir = stampedPlace(t, assay, authorityConfig("Good", good.url, filepath.Join(good.dir, "ca.pem")))
	expect(t, dir, assay, exitRefused, "it is of a file with SHA-256", "timestamp", "--quiet")
	if err := os.WriteFile(filepath.Join(dir, "old.tsr"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitRefused, "old.tsr: time stamp: it is of a file with SHA-256", "attach", "old.tsr")
	if err := os.WriteFile(filepath.Join(dir, "half.tsr"), old[:len(old)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, dir, assay, exitRefused, "half.tsr: time stamp: it is no DER", "attach", "half.tsr")
	good.stale = []byte("<html>")
	expect(t, dir, assay, exitRefused, "it is no DER", "timestamp", "--quiet")
	good.stale = make([]byte, 1<<17)
	expect(t, dir, assay, exitNetwork, "longer than 65536 bytes", "timestamp", "--quiet")
	if _, err := os.Stat(filepath.Join(dir, "bundle", "attachments")); err == nil {
		t.Error("something was attached")
	}
	config := read(t, dir, "assay.toml")
	for text, want := range map[string]struct {
		code     int
		sentence string
	}{
		strings.Replace(config, good.url, "http://us:s3cret@127.0.0.1:1/token", 1): {exitNetwork, `timestamp "Good" (127.0.0.1:1): it is unreachable`},
		strings.Replace(config, good.url, "ftp://tsa.example", 1):                  {exitUnreadable, `timestamp "Good": url: a node's URL has scheme "ftp"`},
		strings.Replace(config, "ca.pem", "ts.cnf", 1):                             {exitUnreadable, "it is not one certificate in PEM"},
		strings.Replace(config, `"Good"`, `"Go\tod"`, 1):                           {exitUnreadable, "want printable ASCII"},
		config + authorityConfig("Good", good.url, ""):                             {exitUnreadable, "another one for each authority"},
		strings.Split(config, "[[timestamp]]")[0]:                                  {exitUnreadable, "no [[timestamp]]"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "assay.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := call(t, dir, assay, "timestamp", "--quiet")
		if code != want.code || !strings.Contains(stderr, want.sentence) || strings.Contains(stdout+stderr, "s3cret") || strings.Contains(stdout+stderr, "/token") {
			t.Errorf("exit %d: %s%s, want %d, %q", code, stdout, stderr, want.code, want.sentence)
		}
	}
}

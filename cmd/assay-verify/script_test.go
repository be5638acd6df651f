package main

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assay-por/assay/verifier"
)

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"assay-verify": main})
}

func TestScripts(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files, _, _ := report()
		whole := zipped(files)
		if rest, ok := strings.CutPrefix(r.URL.Path, "/logs/"); ok {
			serveLog(w, r, rest)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/signed/") {
			serveSigned(w, r)
			return
		}
		switch r.URL.Path {
		case "/.well-known/assay-keys":
			_, _ = w.Write(serverKeys())
		case "/report.zip":
			_, _ = w.Write(whole)
		case "/cut.zip":
			w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
			_, _ = w.Write(whole[:len(whole)/2])
		case "/page.html":
			_, _ = w.Write([]byte("<html>"))
		case "/away":
			http.Redirect(w, r, "/away", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	})
	server, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // who does not trust it hangs up
	secure.StartTLS()
	t.Cleanup(server.Close) // scripts run in parallel, after this function returns
	t.Cleanup(secure.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SERVER", server.URL)
			env.Setenv("HOST", strings.TrimPrefix(server.URL, "http://"))
			env.Setenv("SECURE", secure.URL)
			if err := os.WriteFile(filepath.Join(env.WorkDir, "tls.pem"), certificate, 0o600); err != nil {
				return err
			}
			return writeFixtures(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "patch": patch},
	})
}

// serveLog serves the logs as files, and some that do not answer as a log should.
func serveLog(w http.ResponseWriter, r *http.Request, path string) {
	switch log, file, _ := strings.Cut(path, "/"); {
	case log == "silent", log == "halfway" && file != "checkpoint":
		http.Error(w, "later", http.StatusServiceUnavailable)
	case log == "huge":
		_, _ = w.Write(make([]byte, 65<<10))
	case log == "moved":
		http.Redirect(w, r, "/logs/log/"+file, http.StatusFound)
	default:
		raw, ok := theLogs()["logs/"+strings.Replace(path, "halfway/", "log/", 1)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(raw)
	}
}

var theLogs = sync.OnceValue(logs)

// TestNodeScripts runs rechecks as a user would, with real nodes.
func TestNodeScripts(t *testing.T) {
	n := nodes(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/nodes",
		Setup: func(env *testscript.Env) error {
			env.Setenv("ETH", ethChain+"="+n.ethereum.URL())
			if n.bitcoin != nil {
				env.Setenv("BTC", btcChain+"="+n.bitcoin.URL())
				env.Setenv("BTC_WITHOUT_PASSWORD", btcChain+"="+n.bitcoin.Place())
			}
			_, err := n.write(t.Context(), env.WorkDir, nil)
			return err
		},
		Condition: func(name string) (bool, error) {
			if name != "btcd" {
				return false, errors.New("unknown condition " + name)
			}
			return n.bitcoin != nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "patch": patch},
	})
}

// exits runs assay-verify and compares its exit code: exits 3 bundle …
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("assay-verify", args[1:]...)
	got := 0
	if coded, ok := err.(interface{ ExitCode() int }); ok {
		got = coded.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit %d, want %d (%v)", got, want, err)
	}
}

// patch replaces text in a file: patch file from to
func patch(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	raw, err := os.ReadFile(path)
	ts.Check(err)
	if !bytes.Contains(raw, []byte(args[1])) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(path, bytes.Replace(raw, []byte(args[1]), []byte(args[2]), 1), 0o644))
}

// E10: nothing that came from a file steers the terminal.
func TestE10_TerminalEscapes(t *testing.T) {
	if got, want := escape("a\x1b[2J\u202eb\u0007é"), `a\u{001b}[2J\u{202e}b\u{0007}é`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var out, errs bytes.Buffer
	code := run([]string{"bundle", "no\x1b[2Jfile", "--policy", "x\x07"}, strings.NewReader(""), &out, &errs)
	if code != 3 || strings.ContainsAny(errs.String(), "\x1b\x07") || !strings.Contains(errs.String(), `x\u{0007}`) {
		t.Errorf("exit %d, stderr %q", code, errs.String())
	}
	var p page
	p.line("%s", "x\x1b[31m")
	p.finding(verifier.Finding{Auditor: "\x1b[2J", Scope: "\u202e", Procedures: []string{"\x07"}, Findings: []string{"\x1b"}, NotPassed: []string{"\x1b: fail"}, Tool: "\x1b", Policy: "\x1b"}, "")
	p.statement(&verifier.Statement{Supersedes: "00", Reason: "\x1b[2J", Series: "\x1b"})
	p.times(verifier.Verdict{
		NotBefore: []verifier.Bound{{By: "\x1b"}}, NotAfter: &verifier.Bound{By: "\u202e"}, Timestamps: []verifier.Timestamp{{Authority: "\x1b"}},
		Log: &verifier.Log{Origin: "\x1b", Known: true, Witnesses: []verifier.Witness{{Name: "\x07"}}}, Anchor: &verifier.Anchored{Chain: "\x1b"},
	})
	p.history(verifier.Past{Statements: []verifier.PastStatement{{Name: "\x1b[2J", Verdict: verifier.Verdict{Notes: []string{"\x1b"}}}}})
	p.answer(&verifier.Answered{Method: "\x1b", URL: "\x1b[2J", Nonce: "\x07", Key: "\u202e", ListedBy: []string{"\x1b"}})
	if strings.ContainsAny(p.String(), "\x1b\x07\u202e") {
		t.Errorf("a page holds a raw escape: %q", p.String())
	}
}

func TestColor(t *testing.T) {
	if colored(&bytes.Buffer{}) {
		t.Error("a buffer is no terminal")
	}
	plain, painted := page{}, page{color: true}
	if s := plain.mark("fail"); s != "✗ fail   " {
		t.Errorf("got %q", s)
	}
	if s := painted.mark("fail"); !strings.Contains(s, "✗ fail") || !strings.HasPrefix(s, "\x1b[31m") {
		t.Errorf("got %q", s)
	}
}

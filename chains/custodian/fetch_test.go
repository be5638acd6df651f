package custodian_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/chains/custodian"
	"github.com/assay-por/assay/chains/egress"
)

// TestMain has this process trust the certificate of httptest's servers, as a system trusts its own.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		server := httptest.NewTLSServer(nil)
		defer server.Close()
		dir, err := os.MkdirTemp("", "assay-roots-*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		roots := filepath.Join(dir, "roots.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		if err := errors.Join(os.WriteFile(roots, block, 0o600), os.Setenv("SSL_CERT_FILE", roots)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

const snapshot = "00000000000000000000000000000000000000000000000000000000000000aa"

// serve starts a custodian's server, on HTTPS.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: this system's roots cannot be named in a file")
	}
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestFetch(t *testing.T) {
	s := newSigner(1)
	want := s.dsse(t, attest.PayloadCustody)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/por/"+snapshot+".json" && r.Method == http.MethodGet && user == "demo" && password == "secret":
			fmt.Fprint(w, want)
		case r.URL.Path == "/down":
			w.WriteHeader(http.StatusBadGateway)
		default:
			http.NotFound(w, r)
		}
	})
	file, err := custodian.Fetch(t.Context(), strings.Replace(url, "://", "://demo:secret@", 1)+"/por/{snapshot}.json", snapshot)
	if err != nil || string(file) != want {
		t.Errorf("got %q, %v", file, err)
	}
	if _, err := custodian.Open(file, s.key()); err != nil {
		t.Error(err)
	}
	if _, err := custodian.Fetch(t.Context(), url+"/other", snapshot); !errors.Is(err, custodian.ErrNotThere) {
		t.Errorf("not put up yet: %v", err)
	}
	var down *chains.UnreachableError
	if _, err := custodian.Fetch(t.Context(), url+"/down", snapshot); !errors.As(err, &down) {
		t.Errorf("a server that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := custodian.Fetch(ctx, url+"/other", snapshot); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestB22_HostileCustodian: no redirect is followed, a huge or endless answer is cut off, and only https is asked.
func TestB22_HostileCustodian(t *testing.T) {
	reached := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inside.Close)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, inside.URL+"/latest/meta-data", http.StatusFound)
		case "/own":
			http.Redirect(w, r, "/huge", http.StatusTemporaryRedirect)
		case "/huge":
			for chunk := strings.Repeat("a", 1<<16); ; {
				if _, err := fmt.Fprint(w, chunk); err != nil {
					return
				}
			}
		}
	})
	for path, want := range map[string]error{"/away": egress.ErrRedirect, "/own": egress.ErrRedirect} {
		if file, err := custodian.Fetch(t.Context(), url+path, snapshot); !errors.Is(err, want) {
			t.Errorf("%s: got %d bytes, %v; want %v", path, len(file), err, want)
		}
	}
	if reached {
		t.Error("a redirect led to another server")
	}
	var long *egress.TooLongError
	if file, err := custodian.Fetch(t.Context(), url+"/huge", snapshot); !errors.As(err, &long) || long.Limit != custodian.MaxStatement {
		t.Errorf("huge: got %d bytes, %v", len(file), err)
	}
	for _, bad := range []string{inside.URL, "ftp://x/y", "file:///etc/passwd", "https://", "https://a b/", "x", ""} {
		if err := custodian.CheckURL(bad); err == nil {
			t.Errorf("%q may be asked", bad)
		}
		if _, err := custodian.Fetch(t.Context(), bad, snapshot); err == nil || strings.Contains(err.Error(), "passwd") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if reached {
		t.Error("a custodian was asked over plain HTTP")
	}
}

// A server whose certificate the system does not trust is not believed.
func TestB22_UntrustedCertificate(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") })
	wrongName := strings.Replace(url, "127.0.0.1", "localhost", 1)
	var unreachable *chains.UnreachableError
	if file, err := custodian.Fetch(t.Context(), wrongName, snapshot); !errors.As(err, &unreachable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %q, %v", file, err)
	}
}

package httpsig_test

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/httpsig"
)

// Faults of the handler below: the answer is a signed 500 that says nothing of the inside, and the log says what is wrong, without secrets.
func TestFaultsAreSigned(t *testing.T) {
	const secret = "s3cret"
	for name, tt := range map[string]struct {
		h    http.HandlerFunc
		want string // in the log
	}{
		"large": {func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = w.Write(large[:httpsig.MaxHeld/2+1])
			}
		}, "more than 1048576 bytes"},
		"large, digest too late": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(large[:1])
			w.Header().Set("Content-Digest", httpsig.ContentDigest(sha256.Sum256(large)))
			_, _ = w.Write(large[1:])
		}, "more than 1048576 bytes"},
		"other digest": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Digest", "sha-512=:AA==:")
			_, _ = io.WriteString(w, secret)
		}, "not one of sha-256 alone"},
		"partial": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }, "no whole answer"},
		"switch":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) }, "no whole answer"},
		"two types": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{"text/plain", "text/html"}
			_, _ = io.WriteString(w, secret)
		}, "Content-Type has 2 lines"},
		"type not in ASCII": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/é"+secret)
		}, "Content-Type has the byte 0xc3"},
		"quoted": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", `private="x-`+secret+`"`)
		}, "cache-control is not of a-z"},
		"panic": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, secret)
			panic(secret)
		}, "panic with a string"},
		"fault": {func(_ http.ResponseWriter, r *http.Request) {
			_ = r.Header.Values(secret)[len(r.URL.Path)]
		}, "index out of range [7] with length 0"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, logged := server(t, name == "panic", tt.h, signer(t, key(1)))
			a, err := ask(t, srv, "GET", "/"+secret+"?"+secret, "Authorization", secret)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := httpsig.Verify(a, keys(), day); err != nil || a.Status != 500 || a.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%v: %d %v", err, a.Status, a.Header)
			}
			if got := string(a.Content); got != `{"status":500,"title":"Internal Server Error","type":"about:blank"}`+"\n" {
				t.Error(got)
			}
			srv.Close()
			if got := logged.String(); !strings.Contains(got, tt.want) || strings.Contains(got, secret) {
				t.Errorf("logged: %s", got)
			}
		})
	}
}

// refusing is a key that is away.
type refusing struct{ crypto.Signer }

func (refusing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the token is gone")
}

// Where an answer cannot be signed, or is not what its signature says, there is none.
func TestRatherNoAnswer(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		declaring := func(then func(http.ResponseWriter)) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Digest", httpsig.ContentDigest(sha256.Sum256(large)))
				_, _ = w.Write(large[:len(large)-1])
				then(w)
			}
		}
		for name, tt := range map[string]struct {
			h    http.HandlerFunc
			k    crypto.Signer
			want string
		}{
			"no key":           {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }, refusing{key(1)}, "the token is gone"},
			"no key, declared": {declaring(func(w http.ResponseWriter) { _, _ = w.Write(large[len(large)-1:]) }), refusing{key(1)}, "the token is gone"},
			"other content":    {declaring(func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) }), key(1), "other content than its Content-Digest"},
			"too little":       {declaring(func(http.ResponseWriter) {}), key(1), "other content than its Content-Digest"},
			"panic on the way": {declaring(func(http.ResponseWriter) { panic("x") }), key(1), "panic with a string"},
			"abort":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, key(1), ""},
		} {
			srv, logged := server(t, http2, tt.h, signer(t, tt.k))
			if a, err := ask(t, srv, "GET", "/"); err == nil {
				t.Errorf("http2=%v %s: an answer of status %d came", http2, name, a.Status)
			}
			srv.Close()
			if got := logged.String(); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("http2=%v %s: logged: %s", http2, name, got)
			}
		}
	}
}

// What next is given has no way around the signature.
func TestNoWayAround(t *testing.T) {
	httpsig.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
			t.Error("it can be unwrapped")
		}
		c := http.NewResponseController(w)
		if err := c.Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("flush: %v", err)
		}
		if _, _, err := c.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("hijack: %v", err)
		}
	}), signer(t, key(1))).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))

	// But time may be given to who reads slowly.
	srv, _ := server(t, true, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		if err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Hour)), c.SetWriteDeadline(time.Now().Add(time.Hour))); err != nil {
			t.Error(err)
		}
	}), signer(t, key(1)))
	if _, err := ask(t, srv, "GET", "/"); err != nil {
		t.Error(err)
	}
}

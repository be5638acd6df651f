package httpsig_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dunglas/httpsfv"
	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/httpsig"
)

const question = `{"customer":"x"}`

// toSign is a request with content, as a client has it.
func toSign(t testing.TB, content string, fields ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://X.example:443/v1/proofs?a=%2F", strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if content != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// signedRequest is signed with key 1, as client 1.
func signedRequest(t testing.TB, content string, fields ...string) *http.Request {
	t.Helper()
	r := toSign(t, content, fields...)
	if err := httpsig.SignRequest(r, []byte(content), key(1), "client-1", wanted, day); err != nil {
		t.Fatal(err)
	}
	return r
}

// received is the request as a server has it, once it went over the wire.
func received(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	got.TLS = new(tls.ConnectionState)
	return got
}

// accepted reports why a server would not take the request as one that client 1 signed.
func accepted(r *http.Request, content string) error {
	s, err := httpsig.ReadRequest(r)
	if err != nil {
		return err
	}
	if s.KeyID != "client-1" || s.Nonce != wanted || !s.Created.Equal(day) {
		return errors.New("another key, nonce or time")
	}
	if !s.Verify(key(1).Public().(ed25519.PublicKey)) {
		return httpsig.ErrSignature
	}
	return s.CheckContent([]byte(content))
}

func TestSignedRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		content string
		fields  []string
	}{
		"content": {question, nil}, "nothing": {"", nil}, "all fields": {question, []string{"Authorization", "DPoP x", "DPoP", "y", "Assay-Key", "z", "Idempotency-Key", "1"}},
		"a type alone": {"", []string{"Content-Type", "text/plain"}},
	} {
		r := received(t, signedRequest(t, tt.content, tt.fields...))
		if err := accepted(r, tt.content); err != nil || !httpsig.IsSigned(r) {
			t.Errorf("%s: %v", name, err)
		}
		if s, err := httpsig.ReadRequest(r); err != nil || s.Verify(key(2).Public().(ed25519.PublicKey)) || s.Verify(nil) {
			t.Errorf("%s: another key is taken: %v", name, err)
		}
	}
	s, err := httpsig.ReadRequest(received(t, signedRequest(t, question)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"client-1", wanted, day.Unix()}, []any{s.KeyID, s.Nonce, s.Created.Unix()}); diff != "" {
		t.Error(diff)
	}
}

// TestAlteredRequests: whatever of a request is altered, it is refused.
func TestAlteredRequests(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	input := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			before := r.Header.Get("Signature-Input")
			after := strings.Replace(before, old, replacement, 1)
			if before == after {
				panic("nothing is altered: " + old)
			}
			r.Header.Set("Signature-Input", after)
		}
	}
	const other = `other=("@method");created=1`
	for name, alter := range map[string]func(*http.Request){
		"method":            func(r *http.Request) { r.Method = http.MethodPut },
		"authority":         func(r *http.Request) { r.Host = "y.example" },
		"port":              func(r *http.Request) { r.Host = "x.example:8443" },
		"path":              func(r *http.Request) { r.RequestURI = "/v1/proofz?a=%2F" },
		"path, escaped":     func(r *http.Request) { r.RequestURI = "/v1/%70roofs?a=%2F" },
		"query":             func(r *http.Request) { r.RequestURI = "/v1/proofs?a=/" },
		"no query":          func(r *http.Request) { r.RequestURI = "/v1/proofs" },
		"type":              set("Content-Type", "application/xml"),
		"digest":            set("Content-Digest", httpsig.ContentDigest(sha256.Sum256(nil))),
		"no digest":         func(r *http.Request) { r.Header.Del("Content-Digest") },
		"no type":           func(r *http.Request) { r.Header.Del("Content-Type") },
		"two types":         func(r *http.Request) { r.Header.Add("Content-Type", "application/json") },
		"another digest":    set("Content-Digest", "md5=:AA==:"),
		"a digest more":     func(r *http.Request) { r.Header.Set("Content-Digest", r.Header.Get("Content-Digest")+", md5=:AA==:") },
		"a key more":        set("Assay-Key", "x"),
		"a field added":     set("Idempotency-Key", "x"),
		"another key":       input("client-1", "client-2"),
		"another nonce":     input(wanted, wanted[1:]+"X"),
		"short nonce":       input(wanted, "123"),
		"another time":      input(";created=", ";created=1"),
		"another tag":       input("assay-request-1", "assay-response-1"),
		"another algorithm": input(`alg="ed25519"`, `alg="hmac-sha256"`),
		"no algorithm":      input(`;alg="ed25519"`, ""),
		"no nonce":          input(`;nonce="`+wanted+`"`, ""),
		"expires":           input(`;alg=`, `;expires=9999999999;alg=`),
		"created twice":     input(";created=", ";created=1;created="),
		"a component less":  input(` "@query"`, ""),
		"component twice":   input(` "@query"`, ` "@query" "@query"`),
		"unknown component": input(` "@query"`, ` "@query" "date"`),
		"with a parameter":  input(`"@query"`, `"@query";req`),
		"a token":           input(`"@query"`, `query`),
		"another order":     input(`"@path" "@query"`, `"@query" "@path"`),
		"a blank more":      input(`"@path" "@query"`, `"@path"  "@query"`),
		"no list":           set("Signature-Input", "assay=1"),
		"label twice": func(r *http.Request) {
			r.Header.Set("Signature-Input", r.Header.Get("Signature-Input")+", "+r.Header.Get("Signature-Input"))
		},
		"no signature":    func(r *http.Request) { r.Header.Del("Signature") },
		"no input":        func(r *http.Request) { r.Header.Del("Signature-Input") },
		"short signature": set("Signature", "assay=:AA==:"),
		"zero signature":  set("Signature", "assay=:"+base64.StdEncoding.EncodeToString(make([]byte, 64))+":"),
		"two lines":       func(r *http.Request) { r.Header.Add("Signature", r.Header.Get("Signature")) },
		"five signatures": func(r *http.Request) {
			r.Header.Set("Signature-Input", strings.Join([]string{"a=()", "b=()", "c=()", "d=()", r.Header.Get("Signature-Input")}, ", "))
		},
		"many components": input(`"@query"`, strings.Repeat(`"x" `, 40)+`"@query"`),
	} {
		r := received(t, signedRequest(t, question))
		if err := accepted(r, question); err != nil {
			t.Fatal(err)
		}
		alter(r)
		if err := accepted(r, question); err == nil || !errors.Is(err, httpsig.ErrRequest) && !errors.Is(err, httpsig.ErrSignature) && !strings.Contains(err.Error(), "another key") {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := received(t, signedRequest(t, question))
	for _, content := range []string{"", question + " ", strings.ToUpper(question)} {
		if err := accepted(r, content); !errors.Is(err, httpsig.ErrRequest) {
			t.Errorf("content %q: %v", content, err)
		}
	}
	r.Header.Set("Signature-Input", other+", "+r.Header.Get("Signature-Input")) // of somebody on the way
	r.Header.Set("Signature", "other=:AA==:, "+r.Header.Get("Signature"))
	if err := accepted(r, question); err != nil {
		t.Errorf("beside another signature: %v", err)
	}
	bare := signedRequest(t, question)
	bare.Header.Set("Content-Digest", "")
	if _, err := httpsig.ReadRequest(received(t, bare)); !errors.Is(err, httpsig.ErrRequest) {
		t.Errorf("an empty digest: %v", err)
	}
}

// TestEveryBitOfARequest: a bit of the signature or of what it says is altered, and nothing is taken.
func TestEveryBitOfARequest(t *testing.T) {
	for _, name := range []string{"Signature", "Signature-Input", "Content-Digest", "Content-Type"} {
		good := signedRequest(t, question).Header.Get(name)
		for i := range good {
			for bit := range 7 {
				r := signedRequest(t, question)
				r.Header.Set(name, good[:i]+string(good[i]^1<<bit)+good[i+1:])
				if err := accepted(r, question); err == nil {
					t.Errorf("%s: bit %d of byte %d, %q, does not matter", name, bit, i, good[i])
				}
			}
		}
	}
}

// TestDigestsOfRequests: sha-512 is taken too, and of two both must be right.
func TestDigestsOfRequests(t *testing.T) {
	short, long := sha256.Sum256([]byte(question)), sha512.Sum512([]byte(question))
	first := httpsig.ContentDigest(short)
	second := "sha-512=:" + base64.StdEncoding.EncodeToString(long[:]) + ":"
	long[0]++
	wrong := "sha-512=:" + base64.StdEncoding.EncodeToString(long[:]) + ":"
	for digest, want := range map[string]bool{second: true, first + ", " + second: true, wrong: false, first + ", " + wrong: false, "sha-256=1": false, "sha-256=:AA==:": false} {
		r := toSign(t, question, "Content-Digest", digest)
		if err := httpsig.SignRequest(r, nil, key(1), "client-1", wanted, day); err != nil {
			t.Fatal(err)
		}
		if err := accepted(received(t, r), question); (err == nil) != want {
			t.Errorf("%s: %v", digest, err)
		}
	}
}

func TestSignRequestRefuses(t *testing.T) {
	noType := toSign(t, question)
	noType.Header.Del("Content-Type")
	for name, err := range map[string]error{
		"nonce": httpsig.SignRequest(toSign(t, question), []byte(question), key(1), "x", "short", day),
		"type":  httpsig.SignRequest(noType, []byte(question), key(1), "x", wanted, day),
		"key":   httpsig.SignRequest(toSign(t, question), []byte(question), refusing{}, "x", wanted, day),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestAcceptRequest: what a server asks for is what it takes.
func TestAcceptRequest(t *testing.T) {
	for _, content := range []string{"", question} {
		wanted, err := httpsfv.UnmarshalDictionary([]string{httpsig.AcceptRequest(content != "")})
		if err != nil {
			t.Fatal(err)
		}
		signed, err := httpsfv.UnmarshalDictionary(signedRequest(t, content).Header["Signature-Input"])
		if err != nil {
			t.Fatal(err)
		}
		names := func(d *httpsfv.Dictionary) (all []string) {
			m, _ := d.Get("assay")
			for _, item := range m.(httpsfv.InnerList).Items {
				all = append(all, item.Value.(string))
			}
			return all
		}
		if diff := cmp.Diff(names(wanted), names(signed)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestIsSigned(t *testing.T) {
	for input, want := range map[string]bool{
		"": false, "sig1=()": false, `other="a, assay=1"`: false, "assay=()": true, "a=(), assay=();x": true, "assay": true, "assay;x": true, "assay2=()": false, " assay=": true,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Signature-Input", input)
		if got := httpsig.IsSigned(r); got != want {
			t.Errorf("%q: %t", input, got)
		}
	}
}

func FuzzReadRequest(f *testing.F) {
	good := signedRequest(f, question)
	f.Add(good.Header.Get("Signature-Input"), good.Header.Get("Signature"), good.Header.Get("Content-Digest"))
	f.Fuzz(func(t *testing.T, input, sig, digest string) {
		r := httptest.NewRequest(http.MethodPost, "https://x.example/v1/proofs?a=%2F", strings.NewReader(question))
		r.Header["Signature-Input"], r.Header["Signature"], r.Header["Content-Digest"], r.Header["Content-Type"] = []string{input}, []string{sig}, []string{digest}, []string{"application/json"}
		err := accepted(r, question)
		same := input == good.Header.Get("Signature-Input") && sig == good.Header.Get("Signature") && digest == good.Header.Get("Content-Digest")
		if err == nil && !same && !(strings.Contains(input, good.Header.Get("Signature-Input")) && strings.Contains(sig, good.Header.Get("Signature"))) {
			t.Errorf("%q %q %q is taken", input, sig, digest)
		}
	})
}

// A server covers what a request carries in its one spelling, and nothing else: of other requests it says nothing.
func TestAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  bool
	}{
		"ours":             {[]string{ours(1)}, true},
		"beside another's": {[]string{`a=("assay=:AA==:"),` + ours(1) + `, b`}, true},
		"none":             {nil, false},
		"another's":        {[]string{"proxy=:AA==:"}, false},
		"two":              {[]string{ours(1) + ", " + ours(2)}, false},
		"two lines":        {[]string{"proxy=:AA==:", ours(1)}, false},
		"short":            {[]string{"assay=:AA==:"}, false},
		"with parameters":  {[]string{ours(1) + ";x"}, false},
		"no dictionary":    {[]string{ours(1) + ","}, false},
	} {
		r := toSign(t, "")
		r.Header["Signature"] = tt.lines
		if got := httpsig.Asked(r); (got != nil) != tt.want || got != nil && !bytes.Equal(got, bytes.Repeat([]byte{1}, 64)) {
			t.Errorf("%s: %x", name, got)
		}
		a := answerTo(t, "POST", "/mine", "Signature", strings.Join(tt.lines, "; "))
		if covers := strings.Contains(a.Header.Get("Signature-Input"), `"signature";key="assay";req`); len(tt.lines) < 2 && covers != tt.want {
			t.Errorf("%s: %s", name, a.Header.Get("Signature-Input"))
		}
	}
	if a := answerTo(t, "GET", "/plain", "Signature", ours(1)); strings.Contains(a.Header.Get("Signature-Input"), "signature") {
		t.Errorf("an answer for all is to one request: %s", a.Header.Get("Signature-Input"))
	}
}

// TestContentThatNobodySigned: where a server was told of no content, there is none.
func TestContentThatNobodySigned(t *testing.T) {
	if err := new(httpsig.Request).CheckContent(nil); err != nil {
		t.Error(err)
	}
	if err := new(httpsig.Request).CheckContent([]byte("x")); !errors.Is(err, httpsig.ErrRequest) {
		t.Errorf("content that no digest covers: %v", err)
	}
}

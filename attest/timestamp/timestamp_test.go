package timestamp

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	rfc3161 "github.com/digitorus/timestamp"
)

var file = []byte(`{"payload":"e30="}`)

func query(t *testing.T) Query {
	t.Helper()
	q, err := NewQuery(file, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// A real authority's answer is taken, whichever way it names its certificate and signs.
func TestAsk(t *testing.T) {
	for _, digest := range []string{"sha256", "sha384", "sha512"} {
		for _, names := range []string{"sha1", "sha256", "sha512"} {
			a := newAuthority(t, digest, names)
			s, err := query(t).Ask(t.Context(), http.DefaultClient, a.url)
			if err != nil {
				t.Fatalf("%s, %s: %v", digest, names, err)
			}
			if age := time.Since(s.Time); age < 0 || age > time.Hour || s.Certificate.Subject.CommonName != "Test tsa" {
				t.Errorf("%s, %s: %v by %s", digest, names, s.Time, s.Certificate.Subject)
			}
			for _, name := range []string{"ca", "tsa"} {
				if err := s.ChainsTo(a.certificate(name)); err != nil {
					t.Errorf("%s, %s: %s: %v", digest, names, name, err)
				}
			}
			again, err := Read(s.Raw, file)
			if err != nil || !again.Time.Equal(s.Time) {
				t.Errorf("read again: %v, %v", again.Time, err)
			}
		}
	}
}

// The query is what openssl reads it as: SHA-256, a nonce, certificates wanted.
func TestQuery(t *testing.T) {
	a := newAuthority(t, "sha256", "sha256")
	q := query(t)
	a.write("query", q.DER)
	a.openssl("ts", "-query", "-in", "query", "-text", "-out", "text")
	text := string(a.read("text"))
	for _, want := range []string{"Hash Algorithm: sha256", "Nonce: 0x", "Certificate required: yes", "Version: 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("openssl does not read %q in:\n%s", want, text)
		}
	}
	other := query(t)
	if bytes.Equal(q.DER, other.DER) {
		t.Error("two queries are the same")
	}
	if _, err := NewQuery(file, bytes.NewReader(nil)); err == nil {
		t.Error("a query without randomness")
	}
	parsed, err := rfc3161.ParseRequest(q.DER)
	if err != nil || parsed.Nonce.BitLen() != 63 {
		t.Errorf("%+v, %v", parsed, err)
	}
}

// TestC10_TimeStampOfAnotherFile: a stamp says when one file was there, and no other.
func TestC10_TimeStampOfAnotherFile(t *testing.T) {
	a := newAuthority(t, "sha256", "sha256")
	q := query(t)
	good := a.answer(q.DER)
	if _, err := Read(good, file); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(good, []byte("another")); err == nil || !strings.Contains(err.Error(), "it is of a file with SHA-256") {
		t.Errorf("another file: %v", err)
	}
	// The same digest's bytes under another name.
	a.write("file", file)
	a.openssl("ts", "-query", "-data", "file", "-sha512", "-cert", "-out", "other")
	if _, err := Read(a.answer(a.read("other")), file); err == nil || !strings.Contains(err.Error(), "it is of a file with SHA-512") {
		t.Errorf("SHA-512: %v", err)
	}
	// An answer to a query that was not this one, and to one without a nonce.
	a.openssl("ts", "-query", "-data", "file", "-sha256", "-cert", "-no_nonce", "-out", "bare")
	for name, replayed := range map[string][]byte{"replayed": good, "no nonce": a.answer(a.read("bare"))} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(replayed) }))
		defer server.Close()
		if _, err := query(t).Ask(t.Context(), http.DefaultClient, server.URL); err == nil || !strings.Contains(err.Error(), "nonce") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Read(replayed, file); err != nil {
			t.Errorf("%s, by another way: %v", name, err)
		}
	}
}

// TestC10_TimeStampByAnother: whose time it is hangs on a certificate, and that on what it is for.
func TestC10_TimeStampByAnother(t *testing.T) {
	a := newAuthority(t, "sha256", "sha256")
	good := a.answer(query(t).DER)
	s, err := Read(good, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChainsTo(newAuthority(t, "sha256", "sha256").certificate("ca")); err == nil {
		t.Error("it chains to another authority of the same name")
	}
	late := s
	late.Time = time.Now().Add(2 * time.Hour)
	if err := late.ChainsTo(a.certificate("ca")); err == nil {
		t.Error("it chains after its certificate has expired")
	}
	ca := a.certify("ca", nil, elliptic.P256(), nil)
	web := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	a.certify("fine", ca, elliptic.P384(), alone(true))
	a.certify("more", ca, elliptic.P256(), alone(true, web))
	a.certify("odd", ca, elliptic.P256(), alone(true, asn1.ObjectIdentifier{1, 2, 3}))
	a.certify("soft", ca, elliptic.P256(), alone(false))
	a.certify("curve", ca, elliptic.P521(), alone(true))
	a.certifyKey("weak", ca, weakRSA(t), alone(true))
	strong, err := rsa.GenerateKey(rand.Reader, leastRSA)
	if err != nil {
		t.Fatal(err)
	}
	a.certifyKey("rsa", ca, strong, alone(true))
	by := func(name string, more ...string) []string {
		return append([]string{"-signer", name + ".pem", "-inkey", name + ".key", "-md", "sha256"}, more...)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"as it should be", by("fine", "-cades"), ""},
		{"by RSA", by("rsa", "-cades"), ""},
		{"for servers too", by("more", "-cades"), "for time-stamping alone"},
		{"for something unknown too", by("odd", "-cades"), "for time-stamping alone"},
		{"not critical", by("soft", "-cades"), "for time-stamping alone"},
		{"of a CA", by("ca", "-cades"), "for time-stamping alone"},
		{"on another curve", by("curve", "-cades"), "a key on P-521, want P-256 or P-384"},
		{"with a short key", by("weak", "-cades"), "an RSA key of 1024 bits, want 2048"},
		{"over SHA-1", append(by("fine", "-cades"), "-md", "sha1"), "SHA-256 or longer"},
		{"certificate not named", by("fine"), "does not name the certificate"},
		{"without signed attributes", by("fine", "-noattr"), "not said to be a TSTInfo"},
		{"without certificates", by("fine", "-cades", "-nocerts"), "is not in it"},
		{"two signers", append(by("fine", "-cades"), by("rsa")...), "2 signers signed it, want 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(a.resigned(good, oidTSTInfo, tt.args...), file)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestC12_OtherContent: a signature over the same bytes as something else is no time stamp.
func TestC12_OtherContent(t *testing.T) {
	a := newAuthority(t, "sha256", "sha256")
	raw := a.resigned(a.answer(query(t).DER), pkcs7.OIDData, "-signer", "tsa.pem", "-inkey", "tsa.key", "-md", "sha256", "-cades")
	if _, err := Read(raw, file); err == nil || !strings.Contains(err.Error(), "not said to be a TSTInfo") {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	a := newAuthority(t, "sha256", "sha256")
	good := a.answer(query(t).DER)
	token, err := tokenOf(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(wrap(t, grantedWithMods, token), file); err != nil {
		t.Errorf("granted with modifications: %v", err)
	}
	for name, tt := range map[string]struct {
		raw  []byte
		want string
	}{
		"refused":        {a.answer([]byte{0x30, 0}), "the authority refused, status 2"},
		"waiting":        {wrap(t, 3, token), "the authority refused, status 3"},
		"no token":       {wrap(t, granted, nil), "holds no token"},
		"token of text":  {wrap(t, granted, []byte{0x04, 1, 'x'}), "its token cannot be read"},
		"left over":      {append(bytes.Clone(good), 5, 0), "2 bytes are left over"},
		"empty":          {nil, "it is no TimeStampResp"},
		"garbage":        {[]byte("<html>"), "it is no DER"},
		"huge":           {make([]byte, MaxResponse+1), "larger than 65536 bytes"},
		"deep":           {bytes.Repeat([]byte{0x30, 0x80}, 40), "it is no DER"},
		"other content":  {bytes.Replace(good, []byte{0x02, 0x01, 0x01, 0x06, 0x04, 0x2a, 0x03, 0x04, 0x01}, []byte{0x02, 0x01, 0x01, 0x06, 0x04, 0x2a, 0x03, 0x04, 0x02}, 1), "not what was signed"},
		"last signature": {flipped(good, len(good)-1), "signature does not verify"},
	} {
		if _, err := Read(tt.raw, file); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q in one line", name, err, tt.want)
		}
	}
}

// TestB22_HostileAuthority: answers that are none end the asking, soon and in one sentence.
func TestB22_HostileAuthority(t *testing.T) {
	var unreachable *UnreachableError
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
		down   bool
	}{
		"failing": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }, "HTTP status 503", true},
		"huge": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, "larger than 65536 bytes", false},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("x"))
		}, "unexpected EOF", true},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "it is no DER", false},
		"empty":   {func(http.ResponseWriter, *http.Request) {}, "it is no TimeStampResp", false},
	} {
		server := httptest.NewServer(tt.answer)
		_, err := query(t).Ask(t.Context(), http.DefaultClient, server.URL+"/s3cret")
		if err == nil || !strings.Contains(err.Error(), tt.want) || errors.As(err, &unreachable) != tt.down || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %q, unreachable %t", name, err, tt.want, tt.down)
		}
		server.Close()
		if _, err := query(t).Ask(t.Context(), http.DefaultClient, server.URL+"/s3cret"); !errors.As(err, &unreachable) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s, closed: %v", name, err)
		}
	}
}

func TestReadCertificate(t *testing.T) {
	a := newAuthority(t, "sha256", "sha256")
	ca := a.read("ca.pem")
	for name, raw := range map[string][]byte{"empty": nil, "text": []byte("x"), "two": append(bytes.Clone(ca), ca...), "a key": a.read("ca.key"), "cut": ca[:len(ca)/2], "altered": flipped(ca, 60)} {
		if c, err := ReadCertificate(raw); err == nil {
			t.Errorf("%s: read %v", name, c.Subject)
		}
	}
}

// FuzzRead: testdata/good.tsr is an answer of openssl ts. No answer is taken that the authority did not sign, and none ends the program.
func FuzzRead(f *testing.F) {
	good, err := os.ReadFile(filepath.Join("testdata", "good.tsr"))
	if err != nil {
		f.Fatal(err)
	}
	signed, err := Read(good, file)
	if err != nil {
		f.Fatal(err)
	}
	for at := 0; at < len(good); at += 97 {
		f.Add(flipped(good, at))
	}
	f.Add(good)
	f.Add([]byte{0x30, 0x80, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := Read(raw, file)
		if err != nil {
			return
		}
		if !s.Time.Equal(signed.Time) && s.Certificate.Equal(signed.Certificate) {
			t.Errorf("the authority never said %v", s.Time)
		}
	})
}

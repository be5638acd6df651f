package respsig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/verifier/canon"
)

func unbased(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// public reads a key as RFC 9421, appendix B.1 prints it.
func public(t testing.TB, spki string) any {
	t.Helper()
	key, err := x509.ParsePKIXPublicKey(unbased(t, spki))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Bases of RFC 9421, appendix B.2, with the signatures that stand there. Only the form of SPEC part 28 is ever read from an answer; how
// a base is written does not depend on what is in it.
func TestBase_RFC9421(t *testing.T) {
	t.Run("B.2.6", func(t *testing.T) {
		params := `("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
		got := base([]component{
			{`"date"`, "Tue, 20 Apr 2021 02:07:55 GMT"}, {`"@method"`, "POST"}, {`"@path"`, "/foo"}, {`"@authority"`, "example.com"},
			{`"content-type"`, "application/json"}, {`"content-length"`, "18"},
		}, params)
		want := `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Error(diff)
		}
		signature, err := parseBytes(":wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:", ed25519.SignatureSize)
		if err != nil {
			t.Fatal(err)
		}
		key := public(t, "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").(ed25519.PublicKey)
		if !ed25519.Verify(key, got, signature) {
			t.Error("the signature of the RFC does not verify")
		}
	})
	t.Run("B.2.4", func(t *testing.T) { // of an answer; the key is of another kind
		params := `("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`
		got := base([]component{
			{`"@status"`, "200"}, {`"content-type"`, "application/json"},
			{`"content-digest"`, "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"},
			{`"content-length"`, "23"},
		}, params)
		signature := unbased(t, "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==")
		key := public(t, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==").(*ecdsa.PublicKey)
		digest := sha256.Sum256(got)
		if !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			t.Errorf("the signature of the RFC does not verify over:\n%s", got)
		}
	})
}

// RFC 8037, appendix A.3.
func TestThumbprint_RFC8037(t *testing.T) {
	raw, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	key, err := parseKey(fmt.Sprintf("ed25519:%x", raw))
	if want := "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; err != nil || key.Thumbprint != want {
		t.Errorf("got %s, %v, want %s", key.Thumbprint, err, want)
	}
}

// vectors gives every receipt and key list of the vectors; those of happy ones are good.
func vectors(t testing.TB) (receipts, keys map[string][]byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "vectors", "response", "*.json"))
	if err != nil || len(paths) < 100 {
		t.Fatalf("%d vectors, %v", len(paths), err)
	}
	receipts, keys = map[string][]byte{}, map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var v struct{ Receipt, Keys string }
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		receipts[name], keys[name] = []byte(v.Receipt), payload(t, v.Keys)
	}
	return receipts, keys
}

func payload(t testing.TB, envelope string) []byte {
	t.Helper()
	var e struct{ Payload []byte }
	if err := json.Unmarshal([]byte(envelope), &e); err != nil {
		t.Fatal(err)
	}
	return e.Payload
}

// verified makes all checks of a receipt and the payload of its key list, at the second when it was signed.
func verified(receipt, keys []byte) error {
	r, err := ParseReceipt(receipt)
	if err != nil {
		return err
	}
	s, err := r.Signed()
	if err != nil {
		return err
	}
	if _, err := s.CheckDigest(); err != nil {
		return err
	}
	list, err := ParseKeys(keys)
	if err != nil {
		return err
	}
	if _, err := s.Verify(list); err != nil {
		return err
	}
	return s.CheckTime(s.Created, true)
}

// E11: a receipt whose fields are all covered is refused with any bit of it changed, and with any byte of it cut out.
func TestE11_AnswerAltered(t *testing.T) {
	receipts, keys := vectors(t)
	for _, name := range []string{"happy-for-one-caller", "happy-path-not-decoded", "happy-port"} { // the host is covered only there
		good := receipts[name]
		if err := verified(good, keys[name]); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refused := 0
		for i := range good {
			for bit := range 8 {
				bad := append([]byte(nil), good...)
				bad[i] ^= 1 << bit
				if verified(bad, keys[name]) == nil {
					t.Errorf("%s: byte %d, bit %d was changed and nobody noticed: %q", name, i, bit, bad[max(0, i-20):min(len(bad), i+20)])
				}
				refused++
			}
			if bad := append(append([]byte(nil), good[:i]...), good[i+1:]...); verified(bad, keys[name]) == nil {
				t.Errorf("%s: byte %d was cut out and nobody noticed", name, i)
			}
		}
		t.Logf("%s: %d changes, %d cuts", name, refused, len(good))
	}
	name := "happy-list" // of a public answer the host alone may be another: whoever serves it, it is the same answer
	moved := strings.Replace(string(receipts[name]), "https://exchange.example/", "https://mirror.example/", 1)
	if err := verified([]byte(moved), keys[name]); err != nil {
		t.Errorf("a public answer from a mirror: %v", err)
	}
}

// Each of these is what an honest receipt could be taken for, by a reader that looks at one part of it only.
func TestE11_PartsOfTwoAnswers(t *testing.T) {
	receipts, keys := vectors(t)
	read := func(name string) *Receipt {
		r, err := ParseReceipt(receipts[name])
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, other := read("happy-list"), read("happy-not-found")
	mixed := *one
	mixed.Headers = slices.Clone(one.Headers)
	mixed.Content = other.Content
	if err := verified(mixed.JSON(), keys["happy-list"]); err == nil {
		t.Error("the content of another answer was taken")
	}
	mixed.Content = one.Content
	for i := range mixed.Headers {
		if strings.HasPrefix(mixed.Headers[i].Name, "signature") {
			mixed.Headers[i] = other.Headers[i]
		}
	}
	if err := verified(mixed.JSON(), keys["happy-list"]); err == nil {
		t.Error("the signature of another answer was taken")
	}
}

func TestE09_ReceiptLimits(t *testing.T) {
	receipt := func(content, headers int) []byte {
		r := &Receipt{Content: make([]byte, content), Method: "GET", Status: 200, URL: "https://a/"}
		for range headers {
			r.Headers = append(r.Headers, Header{"a", "b"})
		}
		return r.JSON()
	}
	if _, err := ParseReceipt(receipt(MaxContent, maxHeaders)); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	for name, raw := range map[string][]byte{
		"content": receipt(MaxContent+1, 1), "content by three": receipt(MaxContent+3, 1), "headers": receipt(1, maxHeaders+1), "file": make([]byte, MaxReceipt+1),
	} {
		var format *canon.FormatError
		if _, err := ParseReceipt(raw); !errors.As(err, &format) {
			t.Errorf("%s beyond the limit: got %v", name, err)
		}
	}
	list := func(n int) []byte {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf(`{"from":"2026-01-01T00:00:00Z","key":"ed25519:%062x07","until":"2026-01-02T00:00:00Z"}`, i))
		}
		return []byte(`{"exchange":"E","issued":"2026-01-01T00:00:00Z","keys":[` + strings.Join(keys, ",") + `],"type":"assay/v1/response-keys"}`)
	}
	if k, err := ParseKeys(list(maxKeys)); err != nil || len(k.List) != maxKeys {
		t.Errorf("%d keys: %v", maxKeys, err)
	}
	if _, err := ParseKeys(list(maxKeys + 1)); err == nil {
		t.Errorf("%d keys were taken", maxKeys+1)
	}
}

// B13: a key of small order signs for everybody: this signature fits whatever is asked, one time in eight or always.
func TestB13_ServerKeyOfSmallOrder(t *testing.T) {
	identity := append([]byte{1}, make([]byte, 31)...)
	if !ed25519.Verify(identity, []byte("anything"), append(append([]byte(nil), identity...), make([]byte, 32)...)) {
		t.Fatal("this is no such key")
	}
	for _, y := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		if _, err := parseKey("ed25519:" + y); err == nil || !strings.Contains(err.Error(), "small order") {
			t.Errorf("%s: got %v", y, err)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for url, want := range map[string]target{
		"https://a/":                       {"a", "/", "?"},
		"https://a:1/b?c?d":                {"a:1", "/b", "?c?d"},
		"https://a_b.c-d:65535//":          {"a_b.c-d:65535", "//", "?"},
		"http://localhost/":                {"localhost", "/", "?"},
		"http://127.255.0.9:8080/?":        {"127.255.0.9:8080", "/", "?"},
		"http://[0:0:0:0:0:0:0:1]:443/%2f": {"[0:0:0:0:0:0:0:1]:443", "/%2f", "?"},
	} {
		if got, err := parseURL(url); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", url, got, err)
		}
	}
	for _, url := range []string{"", "https", "https:/a/", "https://[::1%25lo]/", "https://[::1]x/", "https://[]/", "https://[127.0.0.1]/", "http://[::]/", "http://[::2]/", "http://localhost.example/", "https://a:0/", "https://a:-1/", "https://a:+1/", "https://::1/"} {
		if err := CheckURL(url); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}

func TestMember(t *testing.T) {
	for field, want := range map[string]string{
		"assay=1":                        "1",
		"a=1, assay=(x);y ,b":            "(x);y",
		`a="\", assay=2", assay=3`:       "3",
		`*=?1,assay-2=4,assay.=5,assay=`: "",
	} {
		if got, err := member(field); err != nil || got != want {
			t.Errorf("%s: got %q, %v", field, got, err)
		}
	}
	for _, field := range []string{"", ",", "assay", "assay;x=1", "1=2, assay=1", "A=2, assay=1", "assay=1, ", `assay=1, b="`, `assay=1, b="\`, `b=", assay=1`, "assay=1,assay=1", "assay2=1", "assa=1"} {
		if got, err := member(field); err == nil {
			t.Errorf("%s: got %q", field, got)
		}
	}
}

// FuzzReceipt: what is taken has one spelling, and what its signature fields say is what stands there.
func FuzzReceipt(f *testing.F) {
	receipts, _ := vectors(f)
	for _, raw := range receipts {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := ParseReceipt(raw)
		if err != nil {
			readable(t, err)
			return
		}
		if diff := cmp.Diff(string(raw), string(r.JSON())); diff != "" {
			t.Fatalf("taken, and not its one spelling: %s", diff)
		}
		s, err := r.Signed()
		if err != nil {
			readable(t, err)
			return
		}
		if want := respelled(s); s.params != want {
			t.Fatalf("taken as %q, and says %q", want, s.params)
		}
		if lines := strings.Count(string(s.Base()), "\n"); lines != len(s.covered) {
			t.Fatalf("%d components in %d lines", len(s.covered), lines)
		}
	})
}

// FuzzKeys: a key list that is taken has one spelling.
func FuzzKeys(f *testing.F) {
	_, keys := vectors(f)
	for _, raw := range keys {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, err := ParseKeys(raw)
		if err != nil {
			readable(t, err)
			return
		}
		var list []string
		for _, key := range k.List {
			use := map[bool]string{true: `,"use":"audit"`}[key.Audit]
			list = append(list, fmt.Sprintf(`{"from":"%s","key":"%s","until":"%s"%s}`, key.From.Format(timeForm), key.Text, key.Until.Format(timeForm), use))
		}
		want := fmt.Sprintf(`{"exchange":%s,"issued":"%s","keys":[%s],"type":"assay/v1/response-keys"}`, quoted(k.Exchange), k.Issued.Format(timeForm), strings.Join(list, ","))
		if string(raw) != want {
			t.Fatalf("taken, and not its one spelling: %q, want %q", raw, want)
		}
	})
}

// FuzzHead: a head of an audit log that is taken has one spelling.
func FuzzHead(f *testing.F) {
	f.Add([]byte(`{"at":"2026-11-01T00:00:00Z","hash":"` + strings.Repeat("0f", 32) + `","seq":7,"type":"assay/v1/audit-head"}`))
	f.Add([]byte(`{"at":"2026-11-01T00:00:00Z","hash":"` + strings.Repeat("0f", 32) + `","seq":0,"type":"assay/v2/audit-head"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := ParseHead(raw)
		if err != nil {
			readable(t, err)
			return
		}
		want := fmt.Sprintf(`{"at":"%s","hash":"%x","seq":%d,"type":"assay/v1/audit-head"}`, h.At.Format(timeForm), h.Hash, h.Seq)
		if string(raw) != want || h.Seq == 0 {
			t.Fatalf("taken, and not its one spelling: %q, want %q", raw, want)
		}
	})
}

// readable: input that is not taken is of no format here, or of another version; nothing else.
func readable(t *testing.T, err error) {
	t.Helper()
	var format *canon.FormatError
	var version *canon.VersionError
	if !errors.As(err, &format) && !errors.As(err, &version) {
		t.Fatalf("got %v", err)
	}
}

// respelled writes components and parameters from what was read of them.
func respelled(s *Signed) string {
	var ids []string
	for _, c := range s.covered {
		ids = append(ids, c.id)
	}
	out := "(" + strings.Join(ids, " ") + fmt.Sprintf(");created=%d", s.Created.Unix())
	if (s.Expires != time.Time{}) {
		out += fmt.Sprintf(";expires=%d", s.Expires.Unix())
	}
	if s.Nonce != "" {
		out += `;nonce="` + s.Nonce + `"`
	}
	return out + `;keyid="` + s.KeyID + `";alg="ed25519";tag="assay-response-1"`
}

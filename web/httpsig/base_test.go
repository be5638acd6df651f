package httpsig

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// The messages of RFC 9421 appendix B.2: test-request and test-response.
const (
	rfcRequestDigest  = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
	rfcResponseDigest = "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"
)

func rfcRequest() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/foo?param=Value&Pet=dog", strings.NewReader(`{"hello": "world"}`))
	r.Host = "example.com"
	r.Header = http.Header{
		"Date":           {"Tue, 20 Apr 2021 02:07:55 GMT"},
		"Content-Type":   {"application/json"},
		"Content-Digest": {rfcRequestDigest},
		"Content-Length": {"18"},
	}
	return r
}

// components builds those that are named, as covered does: derived ones from a question, fields from a header.
func components(t *testing.T, q question, status int, header http.Header, names ...string) []component {
	t.Helper()
	out := make([]component, len(names))
	for i, name := range names {
		value, there := map[string]string{"@method": q.method, "@path": q.path, "@query": q.query, "@authority": q.authority, "@status": strconv.Itoa(status)}[name]
		if !there {
			var err error
			if value, there, err = field(header, name); err != nil || !there {
				t.Fatalf("%s: %v %v", name, there, err)
			}
		}
		out[i] = component{`"` + name + `"`, value}
	}
	return out
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRFC9421_AppendixB builds the signature bases of the RFC's examples, all but that with @query-param, which we do not
// have; the signatures that the RFC gives show that they are those, byte for byte.
func TestRFC9421_AppendixB(t *testing.T) {
	request := rfcRequest()
	q := asked(request)
	response := http.Header{"Content-Type": {"application/json"}, "Content-Digest": {rfcResponseDigest}, "Content-Length": {"23"}}
	for _, tt := range []struct {
		name       string
		components []component
		params     string
		want       string
		verifies   func(base, sig []byte) bool
		signature  string
	}{
		{
			"B.2.1 minimal", nil, `;created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
			`"@signature-params": ();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
			rsaPSS(t),
			"d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
		},
		{
			"B.2.3 full coverage",
			components(t, q, 0, request.Header, "date", "@method", "@path", "@query", "@authority", "content-type", "content-digest", "content-length"),
			`;created=1618884473;keyid="test-key-rsa-pss"`,
			`"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@query": ?param=Value&Pet=dog
"@authority": example.com
"content-type": application/json
"content-digest": ` + rfcRequestDigest + `
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"`,
			rsaPSS(t),
			"bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
		},
		{
			"B.2.4 response", components(t, question{}, 200, response, "@status", "content-type", "content-digest", "content-length"),
			`;created=1618884473;keyid="test-key-ecc-p256"`,
			`"@status": 200
"content-type": application/json
"content-digest": ` + rfcResponseDigest + `
"content-length": 23
"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"`,
			p256(t),
			"wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
		},
		{
			"B.2.5 shared secret", components(t, q, 0, request.Header, "date", "@authority", "content-type"),
			`;created=1618884473;keyid="test-shared-secret"`,
			`"date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`,
			func(base, sig []byte) bool {
				mac := hmac.New(sha256.New, decoded(t, "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="))
				mac.Write(base)
				return hmac.Equal(mac.Sum(nil), sig)
			},
			"pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
		},
		{
			"B.2.6 Ed25519", components(t, q, 0, request.Header, "date", "@method", "@path", "@authority", "content-type", "content-length"),
			`;created=1618884473;keyid="test-key-ed25519"`,
			`"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
			func(base, sig []byte) bool {
				return string(ed25519.Sign(rfcKey(t), base)) == string(sig)
			},
			"wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := base(tt.components, tt.params)
			if got != tt.want {
				t.Errorf("got the base\n%s\nwant\n%s", got, tt.want)
			}
			if !tt.verifies([]byte(got), decoded(t, tt.signature)) {
				t.Error("the signature of the RFC is not that of this base")
			}
		})
	}
}

func rfcKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	seed, err := base64.RawURLEncoding.DecodeString("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU")
	if err != nil {
		t.Fatal(err)
	}
	return ed25519.NewKeyFromSeed(seed)
}

func public[K any](t *testing.T, spki string) K {
	t.Helper()
	parsed, err := x509.ParsePKIXPublicKey(decoded(t, spki))
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(K)
	if !ok {
		t.Fatalf("a %T", parsed)
	}
	return key
}

func rsaPSS(t *testing.T) func(base, sig []byte) bool {
	key := public[*rsa.PublicKey](t, "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB")
	return func(base, sig []byte) bool {
		sum := sha512.Sum512(base)
		return rsa.VerifyPSS(key, crypto.SHA512, sum[:], sig, nil) == nil
	}
}

func p256(t *testing.T) func(base, sig []byte) bool {
	key := public[*ecdsa.PublicKey](t, "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==")
	return func(base, sig []byte) bool {
		sum := sha256.Sum256(base)
		return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
}

// The example of RFC 8037 appendix A.3.
func TestThumbprint(t *testing.T) {
	x, err := base64.RawURLEncoding.DecodeString("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
	if err != nil {
		t.Fatal(err)
	}
	if got := Thumbprint(x); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Error(got)
	}
}

// The examples of RFC 9530 appendix B.
func TestContentDigest(t *testing.T) {
	for content, want := range map[string]string{
		"{\"hello\": \"world\"}\n": "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
		"":                         "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
	} {
		if got := ContentDigest(sha256.Sum256([]byte(content))); got != want {
			t.Errorf("%q: got %s, want %s", content, got, want)
		}
	}
}

// The whole of what one answer of SPEC part 28 signs, spelt out.
func TestCovered(t *testing.T) {
	q := question{"GET", "/v1/reports%2F", "?", "x.example", ""}
	header := http.Header{"Etag": {`"1"`}, "Cache-Control": {"no-store"}, "Content-Encoding": {"gzip"}, "Content-Digest": {"sha-256=:AA==:"}, "Content-Type": {"text/plain"}, "Date": {"today"}}
	list, err := covered(q, 404, header)
	if err != nil {
		t.Fatal(err)
	}
	p := params{created: 1, expires: 2, nonce: "0123456789abcdef", keyID: "k"}
	want := `"@status": 404
"content-type": text/plain
"content-encoding": gzip
"content-digest": sha-256=:AA==:
"cache-control": no-store
"etag": "1"
"@method";req: GET
"@path";req: /v1/reports%2F
"@query";req: ?
"@authority";req: x.example
"@signature-params": ("@status" "content-type" "content-encoding" "content-digest" "cache-control" "etag" "@method";req "@path";req "@query";req "@authority";req)` +
		`;created=1;expires=2;nonce="0123456789abcdef";keyid="k";alg="ed25519";tag="assay-response-1"`
	if got := base(list, p.String()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	q.signature = ":c2ln:"
	if list, err = covered(q, 200, http.Header{"Cache-Control": {"no-store"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := list[len(list)-1], (component{`"signature";key="assay";req`, ":c2ln:"}); got != want || list[len(list)-2].id != `"@authority";req` {
		t.Errorf("got %v, want %v last", list, want)
	}
	list, err = covered(q, 200, http.Header{"Cache-Control": {"no-cache"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := identifiers(list) + (params{created: 1, keyID: "k"}).String(); got != `("@status" "cache-control" "@method";req "@path";req "@query";req);created=1;keyid="k";alg="ed25519";tag="assay-response-1"` {
		t.Error(got)
	}
}

func TestQuestions(t *testing.T) {
	for target, want := range map[string]question{
		"/a%2Fb/%C3%A9":              {"GET", "/a%2Fb/%C3%A9", "?", "x.example", ""},
		"/a?":                        {"GET", "/a", "?", "x.example", ""},
		"/a?b=%20&c+d?e":             {"GET", "/a", "?b=%20&c+d?e", "x.example", ""},
		"//a//?b":                    {"GET", "//a//", "?b", "x.example", ""},
		"http://X.example:80/a%2f?b": {"GET", "/a%2f", "?b", "x.example", ""},
		"http://x.example:8443":      {"GET", "/", "?", "x.example:8443", ""},
		"*":                          {"GET", "*", "?", "x.example", ""},
	} {
		u, err := url.ParseRequestURI(target) // as net/http does
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Method: http.MethodGet, Host: cmp.Or(u.Host, "X.example"), RequestURI: target, URL: u}
		if got := asked(r); got != want {
			t.Errorf("%s: got %q, want %q", target, got, want)
		}
	}
	// TLS decides which port goes without saying.
	r := httptest.NewRequest(http.MethodGet, "https://x.example:443/", nil)
	if got := asked(r).authority; got != "x.example" {
		t.Error(got)
	}
	r.TLS = nil
	if got := asked(r).authority; got != "x.example:443" {
		t.Error(got)
	}
}

func TestDirectives(t *testing.T) {
	for value, want := range map[string]bool{
		"no-store": true, "No-Store": false, "private, no-store": true, "no-store,max-age=0": true, "no-storex": false, "x-no-store": false, "no-cache": false, "": false, "no-store=1": false,
	} {
		if got := has(http.Header{"Cache-Control": {value}}, noStore); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

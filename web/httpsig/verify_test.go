package httpsig_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/httpsig"
)

// answerTo is what the site answers, in memory.
func answerTo(t testing.TB, method, target string, header ...string) httpsig.Answer {
	t.Helper()
	u, err := url.Parse("https://x.example" + target)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, u.String(), nil)
	a := httpsig.Answer{Method: method, URL: u}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a.Asked = httpsig.Asked(r)
	w := httptest.NewRecorder()
	httpsig.Handler(site(), signer(t, key(1))).ServeHTTP(w, r)
	a.Status, a.Header, a.Content = w.Code, w.Header(), w.Body.Bytes()
	return a
}

const wanted = "0123456789-abc_DEF"

// samples have every component and every parameter between them.
func samples(t testing.TB) map[string]httpsig.Answer {
	nonce := answerTo(t, "GET", "/mine?a=b", "Accept-Signature", httpsig.AcceptSignature(wanted))
	nonce.Nonce = wanted
	return map[string]httpsig.Answer{
		"encoded":   answerTo(t, "GET", "/gzip"),
		"immutable": answerTo(t, "GET", "/tile?x"),
		"mine":      nonce,
		"unchanged": answerTo(t, "GET", "/file", "If-None-Match", `"4"`),
		"head":      answerTo(t, "HEAD", "/held"),
		"asked":     answerTo(t, "POST", "/mine", "Signature", "proxy=:AA==:, "+ours(7)),
	}
}

// ours is a field Signature with a member of ours, of 64 bytes.
func ours(b byte) string { return "assay=" + item(bytes.Repeat([]byte{b}, ed25519.SignatureSize)) }

func copied(a httpsig.Answer) httpsig.Answer {
	a.Header = a.Header.Clone()
	a.Content = append([]byte(nil), a.Content...)
	u := *a.URL
	a.URL = &u
	return a
}

// sentinels are all that Verify may say is wrong.
var sentinels = []error{httpsig.ErrUnsigned, httpsig.ErrForm, httpsig.ErrDigest, httpsig.ErrKey, httpsig.ErrSignature, httpsig.ErrTime, httpsig.ErrNonce}

func named(err error) bool {
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return true
		}
	}
	return false
}

// TestEveryByteIsCovered changes each byte of what is covered, and of the signature, to each of several others, takes it away and doubles it.
func TestEveryByteIsCovered(t *testing.T) {
	for name, sample := range samples(t) {
		if _, err := httpsig.Verify(sample, keys(), day); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refused := func(what string, a httpsig.Answer) {
			t.Helper()
			if _, err := httpsig.Verify(a, keys(), day); !named(err) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		each := func(what, value string, change func(*httpsig.Answer, string)) {
			for i := range len(value) {
				for _, other := range []string{string(value[i] ^ 1), string(value[i] ^ 0x20), "", "0", " ", `"`, value[i:i+1] + value[i:i+1]} {
					altered := value[:i] + other + value[i+1:]
					if altered == value || strings.TrimSpace(altered) == value { // the blanks around a field are not of its value
						continue
					}
					a := copied(sample)
					change(&a, altered)
					refused(what+" "+altered, a)
				}
			}
		}
		for _, field := range []string{"Content-Type", "Content-Encoding", "Content-Digest", "Cache-Control", "ETag", "Signature-Input", "Signature"} {
			value := sample.Header.Get(field)
			each(field, value, func(a *httpsig.Answer, v string) { a.Header.Set(field, v) })
			a := copied(sample)
			if value != "" {
				a.Header.Del(field)
				refused("without "+field, a)
			}
			a = copied(sample)
			a.Header.Add(field, value)
			refused("a second "+field, a)
		}
		each("content", string(sample.Content), func(a *httpsig.Answer, v string) { a.Content = []byte(v) })
		each("method", sample.Method, func(a *httpsig.Answer, v string) { a.Method = v })
		each("path", sample.URL.Path, func(a *httpsig.Answer, v string) { a.URL.Path = v })
		each("query", sample.URL.RawQuery, func(a *httpsig.Answer, v string) { a.URL.RawQuery = v })
		for status := range 600 {
			if a := copied(sample); status != a.Status {
				a.Status = status
				refused("another status", a)
			}
		}
		a := copied(sample)
		a.Content = append(a.Content, 'x')
		refused("more content", a)
	}
	// The request's signature is covered where the answer was for one caller: it is to no other request, signed or not.
	for _, asked := range [][]byte{nil, {}, bytes.Repeat([]byte{8}, ed25519.SignatureSize)} {
		a := samples(t)["asked"]
		a.Asked = asked
		if _, err := httpsig.Verify(a, keys(), day); !named(err) {
			t.Errorf("an answer to another request, %x: %v", asked, err)
		}
	}
	// The host is covered where the answer was for one caller.
	a := samples(t)["mine"]
	a.URL.Host = "y.example"
	if _, err := httpsig.Verify(a, keys(), day); !errors.Is(err, httpsig.ErrSignature) {
		t.Errorf("another host: %v", err)
	}
	a.URL.Host = "X.example:443"
	if _, err := httpsig.Verify(a, keys(), day); err != nil {
		t.Errorf("the same host: %v", err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	public := key(1).Public().(ed25519.PublicKey)
	for name, tt := range map[string]struct {
		change func(*httpsig.Answer)
		keys   []httpsig.Key
		now    time.Time
		want   error
	}{
		"unsigned":           {change: func(a *httpsig.Answer) { a.Header = http.Header{} }, want: httpsig.ErrUnsigned},
		"half signed":        {change: func(a *httpsig.Answer) { a.Header.Del("Signature") }, want: httpsig.ErrUnsigned},
		"of another label":   {change: relabel, want: httpsig.ErrUnsigned},
		"signed twice":       {change: double("Signature"), want: httpsig.ErrForm},
		"named twice":        {change: double("Signature-Input"), want: httpsig.ErrForm},
		"a flag of our name": {change: func(a *httpsig.Answer) { a.Header.Set("Signature", "assay, "+a.Header.Get("Signature")) }, want: httpsig.ErrForm},
		"no dictionary":      {change: func(a *httpsig.Answer) { a.Header.Set("Signature", a.Header.Get("Signature")+",") }, want: httpsig.ErrForm},
		"blanks within":      {change: spaced, want: httpsig.ErrForm},
		"an open field":      {change: func(a *httpsig.Answer) { a.Header.Set("Content-Encoding", "gzip") }, want: httpsig.ErrForm},
		"no cache-control":   {change: func(a *httpsig.Answer) { a.Header.Del("Cache-Control") }, want: httpsig.ErrForm},
		"empty type":         {change: func(a *httpsig.Answer) { a.Header.Set("Content-Type", "") }, want: httpsig.ErrForm},
		"both directives":    {change: func(a *httpsig.Answer) { a.Header.Set("Cache-Control", "no-store, immutable") }, want: httpsig.ErrForm},
		"other case":         {change: func(a *httpsig.Answer) { a.Header.Set("Cache-Control", "No-Cache") }, want: httpsig.ErrForm},
		"not to me":          {change: func(a *httpsig.Answer) { *a = answerTo(t, "GET", "/mine"); a.Asked = make([]byte, 64) }, want: httpsig.ErrForm},
		"to all":             {change: func(a *httpsig.Answer) { a.Asked = make([]byte, 64) }},
		"a part":             {change: func(a *httpsig.Answer) { a.Status = 206 }, want: httpsig.ErrForm},
		"not absolute":       {change: func(a *httpsig.Answer) { a.URL = &url.URL{Path: "/plain"} }, want: httpsig.ErrForm},
		"other content":      {change: func(a *httpsig.Answer) { a.Content = []byte("hullo") }, want: httpsig.ErrDigest},
		"no keys":            {keys: []httpsig.Key{}, want: httpsig.ErrKey},
		"other keys":         {keys: keys()[:1], want: httpsig.ErrKey},
		"a broken key":       {keys: []httpsig.Key{{Public: public[:31], From: day, Until: day}}, want: httpsig.ErrKey},
		"key not yet":        {keys: []httpsig.Key{{Public: public, From: day.Add(time.Second), Until: day.Add(time.Hour)}}, want: httpsig.ErrTime},
		"key no more":        {keys: []httpsig.Key{{Public: public, From: day.Add(-time.Hour), Until: day.Add(-time.Second)}}, want: httpsig.ErrTime},
		"key just so":        {keys: []httpsig.Key{{Public: public, From: day, Until: day}}},
		"expired":            {now: day.Add(61 * time.Second), want: httpsig.ErrTime},
		"from ahead":         {now: day.Add(-61 * time.Second), want: httpsig.ErrTime},
		"a slow clock":       {now: day.Add(-60 * time.Second)},
		"a nonce not given":  {change: func(a *httpsig.Answer) { a.Nonce = wanted }, want: httpsig.ErrNonce},
		"other signatures":   {change: beside},
	} {
		a := answerTo(t, "GET", "/plain")
		if tt.change != nil {
			tt.change(&a)
		}
		if tt.keys == nil {
			tt.keys = keys()
		}
		if tt.now.IsZero() {
			tt.now = day
		}
		s, err := httpsig.Verify(a, tt.keys, tt.now)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil || tt.want != nil && s != (httpsig.Signed{}) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
	// A nonce that nobody here asked for: the answer was another's.
	a := samples(t)["mine"]
	a.Nonce = ""
	if _, err := httpsig.Verify(a, keys(), day); !errors.Is(err, httpsig.ErrNonce) {
		t.Errorf("another's nonce: %v", err)
	}
}

func relabel(a *httpsig.Answer) {
	for _, field := range []string{"Signature", "Signature-Input"} {
		a.Header.Set(field, strings.Replace(a.Header.Get(field), "assay", "assai", 1))
	}
}

func double(field string) func(*httpsig.Answer) {
	return func(a *httpsig.Answer) { a.Header.Set(field, a.Header.Get(field)+", "+a.Header.Get(field)) }
}

func spaced(a *httpsig.Answer) {
	a.Header.Set("Signature-Input", strings.Replace(a.Header.Get("Signature-Input"), `" "`, `"  "`, 1))
}

// beside puts signatures of others around ours, as a proxy may.
func beside(a *httpsig.Answer) {
	a.Header.Set("Signature", `a=:AA==:, `+a.Header.Get("Signature")+` ,z=:AA==:;x="a, assay=b\""`)
	a.Header.Set("Signature-Input", `a=("x, assay=" "\"");k="assay=,", `+a.Header.Get("Signature-Input")+" , z=()")
}

// What the form does not allow is refused though the key signed it: the server is held to SPEC part 28 too.
func TestSignedInAnotherForm(t *testing.T) {
	good := answerTo(t, "GET", "/plain")
	head := `("@status" "content-type" "content-digest" "cache-control" "@method";req "@path";req "@query";req)`
	text := "\"@status\": 200\n\"content-type\": text/plain\n\"content-digest\": " + good.Header.Get("Content-Digest") + "\n\"cache-control\": no-cache\n\"@method\";req: GET\n\"@path\";req: /plain\n\"@query\";req: ?\n"
	id := httpsig.Thumbprint(key(1).Public().(ed25519.PublicKey))
	tail := `;keyid="` + id + `";alg="ed25519";tag="assay-response-1"`
	at := func(created, expires string) string { return ";created=" + created + ";expires=" + expires }
	for name, tt := range map[string]struct {
		head, text, params string
		want               error
	}{
		"as it should be":  {head, text, at("1793620800", "1793620860") + tail, nil},
		"shorter":          {head, text, at("1793620800", "1793620800") + tail, nil},
		"expires before":   {head, text, at("1793620800", "1793620799") + tail, httpsig.ErrForm},
		"too long":         {head, text, at("1793620800", "1793620861") + tail, httpsig.ErrForm},
		"never expires":    {head, text, ";created=1793620800" + tail, httpsig.ErrForm},
		"no created":       {head, text, ";expires=1793620860" + tail, httpsig.ErrForm},
		"created a string": {head, text, at(`"1793620800"`, "1793620860") + tail, httpsig.ErrForm},
		"created a date":   {head, text, at("@1793620800", "1793620860") + tail, httpsig.ErrForm},
		"below zero":       {head, text, at("-1793620800", "1793620860") + tail, httpsig.ErrForm},
		"the year 10000":   {head, text, at("253402300800", "253402300800") + tail, httpsig.ErrForm},
		"leading zero":     {head, text, at("01793620800", "1793620860") + tail, httpsig.ErrForm},
		"short nonce":      {head, text, at("1793620800", "1793620860") + `;nonce="short"` + tail, httpsig.ErrForm},
		"other order":      {head, text, ";expires=1793620860;created=1793620800" + tail, httpsig.ErrForm},
		"one more":         {head, text, at("1793620800", "1793620860") + tail + ";x", httpsig.ErrForm},
		"created twice":    {head, text, ";created=1" + at("1793620800", "1793620860") + tail, httpsig.ErrForm},
		"another tag":      {head, text, at("1793620800", "1793620860") + strings.Replace(tail, "response", "request", 1), httpsig.ErrForm},
		"another alg":      {head, text, at("1793620800", "1793620860") + strings.Replace(tail, "ed25519", "hmac-sha256", 1), httpsig.ErrForm},
		"no keyid":         {head, text, at("1793620800", "1793620860") + `;alg="ed25519";tag="assay-response-1"`, httpsig.ErrForm},
		"fewer components": {strings.Replace(head, ` "content-digest"`, "", 1), strings.Replace(text, "\"content-digest\": "+good.Header.Get("Content-Digest")+"\n", "", 1), at("1793620800", "1793620860") + tail, httpsig.ErrForm},
		"of the request":   {strings.Replace(head, `"@path";req`, `"@path"`, 1), strings.Replace(text, `"@path";req`, `"@path"`, 1), at("1793620800", "1793620860") + tail, httpsig.ErrForm},
	} {
		a := copied(good)
		sig, err := key(1).Sign(nil, []byte(tt.text+`"@signature-params": `+tt.head+tt.params), &ed25519.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a.Header.Set("Signature-Input", "assay="+tt.head+tt.params)
		a.Header.Set("Signature", "assay="+item(sig))
		if _, err := httpsig.Verify(a, keys(), day); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

// s of a signature is below the group order: s plus the order would be another spelling of the same signature.
func TestOneSpellingOfASignature(t *testing.T) {
	a := answerTo(t, "GET", "/plain")
	sig := bytesOf(t, strings.TrimPrefix(a.Header.Get("Signature"), "assay="))
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	carry := 0
	for i := range 32 {
		carry += int(sig[32+i]) + int(order[i])
		sig[32+i] = byte(carry)
		carry >>= 8
	}
	a.Header.Set("Signature", "assay="+item(sig))
	if _, err := httpsig.Verify(a, keys(), day); !errors.Is(err, httpsig.ErrSignature) {
		t.Error(err)
	}
}

// VerifyHead says which digest the content must have, and looks at nothing of it.
func TestVerifyHead(t *testing.T) {
	a := answerTo(t, "GET", "/file")
	a.Content = nil
	s, err := httpsig.VerifyHead(a, keys(), day)
	if err != nil || s.Digest != a.Header.Get("Content-Digest") {
		t.Errorf("%+v %v", s, err)
	}
	if _, err := httpsig.Verify(a, keys(), day); !errors.Is(err, httpsig.ErrDigest) {
		t.Error(err)
	}
}

// FuzzVerify: whatever stands in the three fields, an answer passes only if our member is there as it was signed.
func FuzzVerify(f *testing.F) {
	good := answerTo(f, "GET", "/plain")
	input, sig, digest := good.Header.Get("Signature-Input"), good.Header.Get("Signature"), good.Header.Get("Content-Digest")
	f.Add(input, sig, digest)
	f.Add(`a=("x, assay=" "\"");k="assay=,", `+input+",\tz=()", "a=:AA==:, "+sig, digest)
	f.Add(input+", "+input, sig+";x", digest+", sha-512=:AA==:")
	f.Fuzz(func(t *testing.T, i, s, d string) {
		a := copied(good)
		a.Header.Set("Signature-Input", i)
		a.Header.Set("Signature", s)
		a.Header.Set("Content-Digest", d)
		if _, err := httpsig.Verify(a, keys(), day); err == nil {
			if !strings.Contains(i, input) || !strings.Contains(s, sig) || strings.Trim(d, " ") != digest {
				t.Errorf("%q %q %q pass", i, s, d)
			}
		} else if !named(err) {
			t.Errorf("no named error: %v", err)
		}
	})
}

// FuzzAcceptSignature: whatever is asked for, the answer is signed, with that nonce or none.
func FuzzAcceptSignature(f *testing.F) {
	f.Add(`assay=();nonce="`+wanted+`"`, "/plain")
	f.Add(`x=("@status"), assay=();created;nonce="0123456789abcdef"`, "/a%2Fb?c")
	h := httpsig.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }), signer(f, key(1)))
	f.Fuzz(func(t *testing.T, accept, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || !strings.HasPrefix(target, "/") || u.RequestURI() != target {
			return
		}
		u.Scheme, u.Host = "https", "x.example"
		r := &http.Request{Method: http.MethodGet, Host: u.Host, URL: u, RequestURI: target, Header: http.Header{"Accept-Signature": {accept}}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		a := httpsig.Answer{Method: r.Method, URL: u, Status: w.Code, Header: w.Header(), Content: w.Body.Bytes()}
		if _, after, there := strings.Cut(w.Header().Get("Signature-Input"), `;nonce="`); there {
			a.Nonce, _, _ = strings.Cut(after, `"`)
			if !strings.Contains(accept, a.Nonce) {
				t.Errorf("%q was not asked for in %q", a.Nonce, accept)
			}
		}
		if _, err := httpsig.Verify(a, keys(), day); err != nil {
			t.Errorf("%q %q: %v", accept, target, err)
		}
	})
}

// item and bytesOf spell and read bytes as a structured field does.
func item(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.Trim(text, ":"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

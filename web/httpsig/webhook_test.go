package httpsig_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/httpsig"
)

const told = `{"event":"x"}`

// toTell is a webhook, signed by key 1.
func toTell(t testing.TB) (*url.URL, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://X.example:443/a%2Fb?c=d", strings.NewReader(told))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if err := signer(t, key(1)).SignWebhook(r, []byte(told), wanted); err != nil {
		t.Fatal(err)
	}
	return r.URL, r.Header
}

func TestWebhook(t *testing.T) {
	at, header := toTell(t)
	want := `assay=("@method" "@authority" "@path" "@query" "content-type" "content-digest");created=1793620800;nonce="` + wanted + `";keyid="` + httpsig.KeyID(header) + `";alg="ed25519";tag="assay-webhook-1"`
	if got := header.Get("Signature-Input"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	s, err := httpsig.VerifyWebhook(at, header, []byte(told), keys(), day)
	if err != nil || s.Nonce != wanted || !s.Created.Equal(day) {
		t.Errorf("%+v %v", s, err)
	}
	for name, now := range map[string]time.Time{"late": day.Add(300 * time.Second), "ahead": day.Add(-60 * time.Second)} {
		if _, err := httpsig.VerifyWebhook(at, header, []byte(told), keys(), now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	public := keys()[1].Public
	for name, tt := range map[string]struct {
		at      string
		content string
		keys    []httpsig.Key
		now     time.Time
		change  func(http.Header)
		want    error
	}{
		"to another host":    {at: "https://y.example/a%2Fb?c=d", want: httpsig.ErrSignature},
		"to another path":    {at: "https://x.example/a/b?c=d", want: httpsig.ErrSignature},
		"to another query":   {at: "https://x.example/a%2Fb", want: httpsig.ErrSignature},
		"to another port":    {at: "https://x.example:8443/a%2Fb?c=d", want: httpsig.ErrSignature},
		"of other content":   {content: told + " ", want: httpsig.ErrDigest},
		"by a stranger":      {keys: keys()[:1], want: httpsig.ErrKey},
		"before the key":     {keys: []httpsig.Key{{Public: public, From: day.Add(time.Second), Until: day.Add(time.Hour)}}, want: httpsig.ErrTime},
		"after the key":      {keys: []httpsig.Key{{Public: public, From: day.Add(-time.Hour), Until: day.Add(-time.Second)}}, want: httpsig.ErrTime},
		"long ago":           {now: day.Add(301 * time.Second), want: httpsig.ErrTime},
		"to come":            {now: day.Add(-61 * time.Second), want: httpsig.ErrTime},
		"of another type":    {change: func(h http.Header) { h.Set("Content-Type", "text/plain") }, want: httpsig.ErrForm},
		"without a type":     {change: func(h http.Header) { h.Del("Content-Type") }, want: httpsig.ErrForm},
		"digest twice":       {change: func(h http.Header) { h.Add("Content-Digest", h.Get("Content-Digest")) }, want: httpsig.ErrForm},
		"unsigned":           {change: func(h http.Header) { h.Del("Signature") }, want: httpsig.ErrUnsigned},
		"with another tag":   {change: swapped("webhook-1", "response-1"), want: httpsig.ErrForm},
		"with another nonce": {change: swapped(wanted, "0123456789-abc_DEG"), want: httpsig.ErrSignature},
		"made later":         {change: swapped("created=1793620800", "created=1793620801"), want: httpsig.ErrSignature},
		"a leading zero":     {change: swapped("created=1", "created=01"), want: httpsig.ErrForm},
		"with one more":      {change: swapped(`-1"`, `-1";x`), want: httpsig.ErrForm},
		"fewer components":   {change: swapped(`"@query" `, ""), want: httpsig.ErrForm},
		"in other order":     {change: swapped(`"@path" "@query"`, `"@query" "@path"`), want: httpsig.ErrForm},
	} {
		at, header := toTell(t)
		if tt.at != "" {
			var err error
			if at, err = url.Parse(tt.at); err != nil {
				t.Fatal(err)
			}
		}
		if tt.content == "" {
			tt.content = told
		}
		if tt.keys == nil {
			tt.keys = keys()
		}
		if tt.now.IsZero() {
			tt.now = day
		}
		if tt.change != nil {
			tt.change(header)
		}
		if s, err := httpsig.VerifyWebhook(at, header, []byte(tt.content), tt.keys, tt.now); !errors.Is(err, tt.want) || s != (httpsig.Signed{}) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}

func swapped(old, replacement string) func(http.Header) {
	return func(h http.Header) {
		h.Set("Signature-Input", strings.Replace(h.Get("Signature-Input"), old, replacement, 1))
	}
}

// An answer is no webhook, and neither a webhook nor a request passes for the other: each has a tag of its own.
func TestWebhookIsNothingElse(t *testing.T) {
	at, header := toTell(t)
	if _, err := httpsig.Verify(httpsig.Answer{Method: "POST", URL: at, Status: 200, Header: header, Content: []byte(told)}, keys(), day); !named(err) {
		t.Errorf("as an answer: %v", err)
	}
	r := signedRequest(t, question)
	if _, err := httpsig.VerifyWebhook(r.URL, r.Header, []byte(question), keys(), day); !errors.Is(err, httpsig.ErrForm) {
		t.Errorf("a request: %v", err)
	}
	r = toSign(t, told)
	r.Header = header
	if _, err := httpsig.ReadRequest(received(t, r)); !errors.Is(err, httpsig.ErrRequest) {
		t.Errorf("as a request: %v", err)
	}
	if err := signer(t, key(1)).SignWebhook(r, nil, "short"); err == nil {
		t.Error("a short nonce is signed")
	}
	r.Header.Del("Content-Type")
	if err := signer(t, key(1)).SignWebhook(r, nil, wanted); err == nil {
		t.Error("content of no type is signed")
	}
}

// FuzzVerifyWebhook: whatever stands in the fields, a webhook passes only if it stands there as it was signed.
func FuzzVerifyWebhook(f *testing.F) {
	at, good := toTell(f)
	input, sig, digest := good.Get("Signature-Input"), good.Get("Signature"), good.Get("Content-Digest")
	f.Add(input, sig, digest)
	f.Add(`a=("x"), `+input, "a=:AA==:, "+sig, digest)
	f.Fuzz(func(t *testing.T, i, s, d string) {
		header := http.Header{"Content-Type": {"application/json"}, "Signature-Input": {i}, "Signature": {s}, "Content-Digest": {d}}
		if _, err := httpsig.VerifyWebhook(at, header, []byte(told), keys(), day); err == nil {
			if !strings.Contains(i, input) || !strings.Contains(s, sig) || d != digest {
				t.Errorf("%q %q %q pass", i, s, d)
			}
		} else if !named(err) {
			t.Errorf("no named error: %v", err)
		}
	})
}

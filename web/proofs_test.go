package web_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/api"
)

const canary = "canary-77@customers.example"

// provers are functions that make proofs.
type provers func(statement report.Digest, customer string) ([]byte, error)

func (p provers) Prove(_ context.Context, statement report.Digest, customer string) ([]byte, error) {
	return p(statement, customer)
}

// proving is a handler that has the proof of one customer in the first statement.
func (p place) proving(t testing.TB) (http.Handler, *keeper) {
	t.Helper()
	c, keys := p.config(), newKeeper(t)
	keys.guards(&c)
	c.Proofs = provers(func(statement report.Digest, customer string) ([]byte, error) {
		switch {
		case customer == "broken":
			return nil, errors.New("shard #0: it is damaged")
		case customer == "\x01":
			return nil, api.ErrCustomer
		case customer != canary || statement != p.first.Digest:
			return nil, fs.ErrNotExist
		}
		return []byte(`{"type":"assay/v1/proof"}`), nil
	})
	return handler(t, c), keys
}

func post(h http.Handler, path, content string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://x.example"+path, strings.NewReader(content))
	r.RequestURI = path
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func asking(statement, customer string) string {
	return `{"customer":"` + customer + `","statement":"` + statement + `"}`
}

// TestProof: the file as it is, for one caller, signed for the authority that was asked.
func TestProof(t *testing.T) {
	p := newPlace(t)
	open, keys := p.proving(t)
	h := keys.service(t, open)
	got := post(h, "/v1/proofs", asking(p.first.Digest.String(), canary))
	if got.Code != 200 || got.Body.String() != `{"type":"assay/v1/proof"}` || got.Header().Get("Content-Type") != "application/json" || got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	if in := got.Header().Get("Signature-Input"); !strings.Contains(in, `"@authority";req`) || !strings.Contains(in, ";expires=") {
		t.Errorf("signed as %s", in)
	}
	for _, name := range []string{"Access-Control-Allow-Origin", "ETag"} {
		if got.Header().Get(name) != "" {
			t.Errorf("%s is told of what is not public", name)
		}
	}
	verified(t, "POST", "/v1/proofs", got)
	checkAnswer(t, document(t, h).Paths.Value("/v1/proofs").Post, "/v1/proofs", got)
}

// TestProofRefused: to who may not ask, and to what cannot be asked; of a customer nothing is said that was not known.
func TestProofRefused(t *testing.T) {
	p := newPlace(t)
	h, keys := p.proving(t)
	first, last := p.first.Digest.String(), p.last.Digest.String()
	good := asking(first, canary)
	all, other := keys.service(t, h), keys.service(t, h, last)
	for name, tt := range map[string]struct {
		h       http.Handler
		content string
		header  []string
		want    int
	}{
		"nobody":                  {h, good, nil, 401},
		"without permission":      {keys.without(t, h), good, nil, 403},
		"no such customer":        {all, asking(first, canary+"x"), nil, 404},
		"another statement":       {all, asking(last, canary), nil, 404},
		"the newest":              {all, asking("latest", canary), nil, 404},
		"no such statement":       {all, asking(strings.Repeat("0", 64), canary), nil, 404},
		"not for this report":     {other, good, nil, 404},
		"no id":                   {all, asking(first, `\u0001`), nil, 422},
		"not whole":               {all, asking(first, "broken"), nil, 503},
		"no content":              {all, "", nil, 400},
		"a list":                  {all, "[]", nil, 400},
		"cut off":                 {all, good[:len(good)-1], nil, 400},
		"more behind":             {all, good + "{}", nil, 400},
		"a number":                {all, `{"customer":7,"statement":"latest"}`, nil, 400},
		"null":                    {all, `{"customer":null,"statement":"latest"}`, nil, 400},
		"not UTF-8":               {all, asking(first, "\xff"), nil, 400},
		"twice":                   {all, `{"customer":"` + canary + `","customer":"x","statement":"latest"}`, nil, 400},
		"a member more":           {all, `{"customer":"` + canary + `","statement":"latest","x":""}`, nil, 422},
		"another case":            {all, `{"Customer":"` + canary + `","statement":"latest"}`, nil, 422},
		"a member less":           {all, `{"customer":"` + canary + `"}`, nil, 422},
		"digest in upper case":    {all, asking(strings.ToUpper(first), canary), nil, 422},
		"too large":               {all, asking(first, strings.Repeat("x", 4<<10)), nil, 413},
		"another type":            {all, good, []string{"Content-Type", "text/plain"}, 415},
		"a form":                  {all, good, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415},
		"packed":                  {all, good, []string{"Content-Encoding", "gzip"}, 415},
		"as a page":               {all, good, []string{"Accept", "text/html"}, 406},
		"with what is asked here": {all, good, []string{"Content-Type", "application/json; charset=utf-8"}, 200},
	} {
		got := post(tt.h, "/v1/proofs", tt.content, tt.header...)
		if got.Code != tt.want {
			t.Errorf("%s: %d %s, want %d", name, got.Code, got.Body, tt.want)
		}
		if tt.want != 200 {
			if kind, _ := problem(t, got); !strings.HasPrefix(kind, "/problems/") {
				t.Errorf("%s: a problem of type %q", name, kind)
			}
		}
		if strings.Contains(got.Body.String(), "canary") || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", name, got.Header(), got.Body)
		}
		verified(t, "POST", "/v1/proofs", got)
	}
	var alike []string
	for _, content := range []string{asking(first, "x"), asking(last, canary), asking(strings.Repeat("0", 64), canary)} {
		alike = append(alike, post(all, "/v1/proofs", content).Body.String())
	}
	if alike = append(alike, post(other, "/v1/proofs", good).Body.String()); alike[0] != alike[1] || alike[0] != alike[2] || alike[0] != alike[3] {
		t.Errorf("no such customer and no such statement are told apart: %q", alike)
	}
	if got := post(all, "/v1/proofs?customer=x", good); got.Code != 422 {
		t.Errorf("an id in the URL: %d", got.Code)
	}
	if got := ask(all, "GET", "/v1/proofs"); got.Code != 405 || got.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", got.Code, got.Header())
	}
	if got := post(all, "/v1/reports", good); got.Code != 405 {
		t.Errorf("content elsewhere: %d", got.Code)
	}
	if said := p.log.String(); strings.Contains(said, "canary") || !strings.Contains(said, "it is damaged") {
		t.Errorf("the log says %s", said)
	}
}

// TestNoProofs: a server that was handed nothing has no such route, and its document does not name it.
func TestNoProofs(t *testing.T) {
	p := newPlace(t)
	h := p.signed(t)
	if got := post(h, "/v1/proofs", asking("latest", canary)); got.Code != 404 && got.Code != 405 {
		t.Errorf("%d", got.Code)
	}
	if document(t, h).Paths.Value("/v1/proofs") != nil {
		t.Error("the document names what is not there")
	}
	c := p.config()
	keys := newKeeper(t)
	keys.guards(&c)
	c.Key, c.Proofs = nil, provers(func(report.Digest, string) ([]byte, error) { return []byte("{}"), nil })
	if got := post(keys.service(t, handler(t, c)), "/v1/proofs", asking("latest", canary)); got.Code != 503 {
		t.Errorf("unsigned: %d", got.Code)
	}
}

// FuzzProofRequest: whatever stands in the content, nothing of it stands in a refusal.
func FuzzProofRequest(f *testing.F) {
	p := newPlace(f)
	open, keys := p.proving(f)
	h := keys.service(f, open)
	f.Add(asking("latest", canary))
	f.Add(`{"statement":"latest","customer":"x","customer":"y"}`)
	f.Fuzz(func(t *testing.T, content string) {
		w := post(h, "/v1/proofs", content)
		switch w.Code {
		case 200, 400, 404, 413, 422, 503:
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if w.Code != 200 && strings.Contains(w.Body.String(), "canary") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	})
}

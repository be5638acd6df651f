package client_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/client"
)

// TestProof: what is asked and with which key; what comes back is the file and its receipt, or the server's refusal.
func TestProof(t *testing.T) {
	e := newExchange(t)
	other := key(3)
	var asked, sent, elsewhere string
	e.mux.HandleFunc("/v1/proofs", func(w http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		asked, sent = r.Method+" "+r.Header.Get("Content-Type")+" "+string(content), r.Header.Get("Assay-Key")
		w.Header().Set("Cache-Control", "no-store")
		switch {
		case strings.Contains(asked, "nobody"):
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"type":"/problems/not-found","title":"Not Found","status":404,"detail":"there is no such customer"}`)
		case strings.Contains(asked, "proxy"):
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"type":"assay/v1/proof"}`)
		}
	})
	e.mux.HandleFunc("/other", func(_ http.ResponseWriter, r *http.Request) { elsewhere = r.Header.Get("Assay-Key") })
	c := e.client(t, func(c *client.Config) { c.APIKey = "asy1.s3cret" })
	proof, receipt, err := c.Proof(t.Context(), client.Latest, `carol "x"`)
	if err != nil || string(proof) != `{"type":"assay/v1/proof"}` || asked != `POST application/json {"customer":"carol \"x\"","statement":"latest"}` || sent != "asy1.s3cret" {
		t.Errorf("%v %s, asked %s by %s", err, proof, asked, sent)
	}
	if text := string(receipt); !strings.Contains(text, `"method":"POST"`) || !strings.Contains(text, `/v1/proofs"}`) || strings.Contains(text, "s3cret") || strings.Contains(text, "carol") {
		t.Errorf("the receipt is %s", text)
	}
	var problem *client.Problem
	if _, _, err := c.Proof(t.Context(), client.Latest, "nobody"); !errors.As(err, &problem) || problem.Status != 404 || problem.Type != "/problems/not-found" || strings.Contains(err.Error(), "nobody") {
		t.Errorf("refused: %v", err)
	}
	if _, _, err := c.Proof(t.Context(), client.Latest, "proxy"); err == nil || errors.As(err, &problem) && problem.Status != 404 {
		t.Errorf("an answer without a problem: %v", err)
	}
	if _, err := get(c, e.URL+"/other"); err != nil || elsewhere != "" {
		t.Errorf("the key went elsewhere: %q %v", elsewhere, err)
	}
	asked = ""
	if _, _, err := e.client(t).Proof(t.Context(), client.Latest, "carol"); err == nil || asked != "" {
		t.Errorf("without a key: %v", err)
	}
	e.set(func() { e.response = other })
	if _, _, err := c.Proof(t.Context(), client.Latest, "carol"); err == nil {
		t.Error("an answer by a key that is not listed was taken")
	}
}

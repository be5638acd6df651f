package attest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
)

func webhook() attest.Webhook {
	return attest.Webhook{At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Event: "run.published", Exchange: "Demo Exchange", ID: "1793491200000-7", Object: "abc", Type: attest.TypeWebhook}
}

func TestWebhook(t *testing.T) {
	raw, err := webhook().JSON()
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"at":"2026-11-01T00:00:00Z","event":"run.published","exchange":"Demo Exchange","id":"1793491200000-7","object":"abc","type":"assay/v1/webhook"}`; string(raw) != want {
		t.Errorf("got %s\nwant %s", raw, want)
	}
	got, err := attest.ParseWebhook(raw)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(webhook(), got); d != "" {
		t.Error(d)
	}
}

func TestWebhooksAreRefused(t *testing.T) {
	for name, change := range map[string]func(*attest.Webhook){
		"type":          func(w *attest.Webhook) { w.Type = attest.TypeAuditHead },
		"fraction":      func(w *attest.Webhook) { w.At = w.At.Add(time.Millisecond) },
		"no event":      func(w *attest.Webhook) { w.Event = "" },
		"loud event":    func(w *attest.Webhook) { w.Event = "RUN" },
		"exchange":      func(w *attest.Webhook) { w.Exchange = "" },
		"id of blanks":  func(w *attest.Webhook) { w.ID = "a b" },
		"no object":     func(w *attest.Webhook) { w.Object = "" },
		"long object":   func(w *attest.Webhook) { w.Object = strings.Repeat("x", 129) },
		"blank within":  func(w *attest.Webhook) { w.Object = "a b" },
		"object's line": func(w *attest.Webhook) { w.Object = "a\nb" },
	} {
		w := webhook()
		change(&w)
		if _, err := w.JSON(); err == nil {
			t.Errorf("%s: it is signed", name)
		}
		if raw, err := attest.Canonical(w); err == nil {
			if _, err := attest.ParseWebhook(raw); err == nil {
				t.Errorf("%s: it is read", name)
			}
		}
	}
	if _, err := attest.ParseWebhook([]byte(strings.Repeat(" ", attest.MaxWebhook+1))); err == nil {
		t.Error("too long, and read")
	}
}

// FuzzWebhook: what is read has one spelling.
func FuzzWebhook(f *testing.F) {
	raw, err := webhook().JSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		w, err := attest.ParseWebhook(raw)
		if err != nil {
			return
		}
		if again, err := w.JSON(); err != nil || string(again) != string(raw) {
			t.Errorf("%q is spelt again as %q: %v", raw, again, err)
		}
	})
}

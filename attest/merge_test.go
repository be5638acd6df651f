package attest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/attest"
)

// Signatures made apart give the envelope that they give made together.
func TestMerge(t *testing.T) {
	a, b, c := newKey(1), newKey(2), newKey(3)
	keys := []attest.PublicKey{a.PublicKey(), b.PublicKey(), c.PublicKey()}
	together := envelope(t, a, b, c)
	first := envelope(t, c)
	merged, err := first.Merge(keys, envelope(t, a), envelope(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(together, merged); d != "" {
		t.Error(d)
	}
	if len(first.Signatures) != 1 {
		t.Error("the first envelope was altered")
	}
	for _, k := range keys {
		if !merged.SignedBy(k) {
			t.Errorf("it is not signed by %s", k)
		}
	}
	if merged.SignedBy(newKey(4).PublicKey()) {
		t.Error("it is signed by a stranger")
	}
}

func TestC12_MergeRefuses(t *testing.T) {
	a, b, stranger := newKey(1), newKey(2), newKey(9)
	keys := []attest.PublicKey{a.PublicKey(), b.PublicKey()}
	other, err := attest.Sign(attest.PayloadType, []byte(`{"a":2}`), b)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := attest.Sign(attest.PayloadEntry, []byte(`{"a":1}`), b)
	if err != nil {
		t.Fatal(err)
	}
	moved := envelope(t, b)
	moved.Signatures[0].Sig = other.Signatures[0].Sig
	for name, tt := range map[string]struct {
		other attest.Envelope
		want  string
	}{
		"other bytes":             {other, "other bytes"},
		"the same bytes as entry": {entry, "other bytes"},
		"one key twice":           {envelope(t, a), "signed twice"},
		"a stranger":              {envelope(t, stranger), "not among the 2 keys"},
		"a signature of other":    {moved, "does not verify"},
	} {
		if _, err := envelope(t, a).Merge(keys, tt.other); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if _, err := envelope(t, a).Merge(keys, other); !errors.Is(err, attest.ErrOtherPayload) {
		t.Errorf("got %v, want ErrOtherPayload", err)
	}
}

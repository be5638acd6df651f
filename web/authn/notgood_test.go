package authn

import (
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// TestShown: of whoever is not let in it is known which key they showed, and whether they guessed it, are late with it, or it is over; of no key that
// there is, that it is none.
func TestShown(t *testing.T) {
	h := newHouse(t)
	k, old := h.issue(t, Wish{})
	wrong := newSecret(k.ID, [secretSize]byte{9})
	h.rotate(t, k.ID, nil, 0)
	revoked, ended := h.issue(t, Wish{})
	if err := h.maker.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	far, elsewhere := h.issue(t, Wish{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	public, private := pair(t)
	_, stranger := pair(t)
	signs, _ := h.issue(t, Wish{Public: public})
	h.now = h.now.Add(time.Minute)
	again := signed(t, private, signs.ID, nonce(1), "x", h.now)
	if _, _, err := h.gate.Who(again); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		r    *http.Request
		key  string
		want Shown
	}{
		"another secret":       {asking("Assay-Key", wrong.Show()), k.ID, Guessed},
		"the secret of before": {asking("Assay-Key", old.Show()), k.ID, Late},
		"a revoked key":        {asking("Assay-Key", ended.Show()), revoked.ID, Ended},
		"from elsewhere":       {asking("Assay-Key", elsewhere.Show()), far.ID, Guessed},
		"another signature":    {signed(t, stranger, signs.ID, nonce(2), "x", h.now), signs.ID, Guessed},
		"the same again":       {signed(t, private, signs.ID, nonce(1), "x", h.now), signs.ID, Again},
		"of an hour ago":       {signed(t, private, signs.ID, nonce(3), "x", h.now.Add(-time.Hour)), signs.ID, Late},
	} {
		_, _, err := h.gate.Who(tt.r)
		var got *NotGoodError
		if !errors.As(err, &got) || got.Key != tt.key || got.Shown != tt.want || got.Client == "" || !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	_, _, err := h.gate.Who(asking("Assay-Key", newSecret("abcdefghijklmnop", [secretSize]byte{9}).Show()))
	var of *NotGoodError
	if errors.As(err, &of) && of.Key != "" || !errors.Is(err, ErrInvalid) {
		t.Errorf("of no key: %v", err)
	}
}

package authn

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// certified makes a certificate that is good for two days.
func certified(t *testing.T, serial int64) (*x509.Certificate, []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: start, NotAfter: start.Add(2 * day)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return c, sum[:]
}

// showing asks over a connection that has checked a certificate.
func showing(c *x509.Certificate, fields ...string) *http.Request {
	r := asking(fields...)
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
	return r
}

// TestCertificate: a key that is bound to a certificate is shown by it, as long as both are good and it is bound to no other since.
func TestCertificate(t *testing.T) {
	h := newHouse(t)
	first, sum := certified(t, 1)
	second, next := certified(t, 2)
	k, s := h.issue(t, Wish{Certificate: sum, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	if s.Show() != "" || k.Credentials[0].MAC != nil {
		t.Errorf("a key that is bound to a certificate has a secret: %v", s)
	}
	who, check, err := h.gate.Who(showing(first))
	if err != nil || who.ID != k.ID || check([]byte("anything")) != nil {
		t.Fatalf("%v %v", who, err)
	}
	unchecked := showing(first)
	unchecked.TLS.VerifiedChains = nil
	far := showing(first)
	far.RemoteAddr = "198.51.100.1:1"
	secret := newSecret(k.ID, [secretSize]byte{})
	for name, tt := range map[string]struct {
		r    *http.Request
		want error
	}{
		"of no key":          {showing(second), ErrMissing},
		"not checked":        {unchecked, ErrMissing},
		"no TLS":             {asking(), ErrMissing},
		"from elsewhere":     {far, ErrInvalid},
		"and a wrong secret": {showing(first, "Assay-Key", secret.Show()), ErrInvalid},
	} {
		if who, _, err := h.gate.Who(tt.r); who != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: %v %v", name, who, err)
		}
	}
	if !Shows(showing(second)) || Shows(unchecked) || Shows(asking()) || !Shows(asking("Assay-Key", "x")) {
		t.Error("what shows a credential")
	}
	err = h.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := h.maker.Bind(ctx, tx, k.ID, next, Life, time.Hour)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*x509.Certificate{"the one before": first, "the next": second} {
		if who, _, err := h.gate.Who(showing(c)); err != nil || who.ID != k.ID {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.now = h.now.Add(time.Hour)
	if _, _, err := h.gate.Who(showing(first)); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the overlap: %v", err)
	}
	h.now = start.Add(2*day + time.Second)
	if _, _, err := h.gate.Who(showing(second)); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "has expired") {
		t.Errorf("a certificate that has expired since: %v", err)
	}
	h.now = start.Add(day)
	if err := h.maker.Revoke(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.gate.Who(showing(second)); !errors.Is(err, ErrInvalid) {
		t.Errorf("revoked: %v", err)
	}
}

// TestCertificateInABrowser: a browser that has a certificate shows it for every page; what another site's page would change stays as it is.
func TestCertificateInABrowser(t *testing.T) {
	h := newHouse(t)
	certificate, sum := certified(t, 1)
	k, _ := h.issue(t, Wish{Certificate: sum})
	for name, tt := range map[string]struct {
		field, value string
		good         bool
	}{
		"another site's page":            {"Sec-Fetch-Site", "cross-site", false},
		"a neighbour's":                  {"Sec-Fetch-Site", "same-site", false},
		"in an older browser":            {"Origin", "https://evil.example", false},
		"our own page":                   {"Sec-Fetch-Site", "same-origin", true},
		"our own page in an older one":   {"Origin", "https://x.example", true},
		"what is no browser":             {"X", "y", true},
		"whoever types, as browsers say": {"Sec-Fetch-Site", "none", true},
	} {
		r := showing(certificate)
		r.Header.Set(tt.field, tt.value)
		if who, _, err := h.gate.Who(r); tt.good != (err == nil && who.ID == k.ID) || !tt.good && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v %v", name, who, err)
		}
	}
}

// TestCertificateOfAnother: nobody binds a key of theirs to the certificate of another one, whose client would be taken for them; once that
// key is over, somebody may.
func TestCertificateOfAnother(t *testing.T) {
	h := newHouse(t)
	certificate, sum := certified(t, 1)
	victim, _ := h.issue(t, Wish{Certificate: sum})
	thief, _ := h.issue(t, Wish{})
	h.maker.Now = h.now
	bind := func() error {
		return h.maker.write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := h.maker.Bind(ctx, tx, thief.ID, sum, Life, 0)
			return err
		})
	}
	if err := bind(); !errors.Is(err, ErrState) {
		t.Errorf("rotated to it: %v", err)
	}
	if _, _, err := h.maker.Issue(t.Context(), Wish{Name: "thief", Certificate: sum, Life: Life, Permissions: []authz.Permission{authz.ProofReadAny}}); !errors.Is(err, ErrState) {
		t.Errorf("made with it: %v", err)
	}
	if who, _, err := h.gate.Who(showing(certificate)); err != nil || who.ID != victim.ID {
		t.Errorf("whose certificate it is, is taken for %v: %v", who, err)
	}
	if err := h.maker.Revoke(t.Context(), victim.ID); err != nil {
		t.Fatal(err)
	}
	if err := bind(); err != nil {
		t.Errorf("once it is nobody's: %v", err)
	}
	if who, _, err := h.gate.Who(showing(certificate)); err != nil || who.ID != thief.ID {
		t.Errorf("%v %v", who, err)
	}
}

// TestKeysThatWrite: a key that may change something has no secret, names its networks, and stays so.
func TestKeysThatWrite(t *testing.T) {
	h := newHouse(t)
	public := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	_, sum := certified(t, 1)
	near := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	h.maker.Now = h.now
	issue := func(w Wish) (store.Key, error) {
		w.Name, w.Life = "operator", Life
		if w.Permissions == nil {
			w.Permissions = []authz.Permission{authz.RunRead, authz.ReportPublish}
		}
		k, _, err := h.maker.Issue(t.Context(), w)
		return k, err
	}
	for name, tt := range map[string]struct {
		w    Wish
		want string
	}{
		"a secret":           {Wish{Networks: near}, "has no secret"},
		"from anywhere":      {Wish{Public: public}, "names the networks"},
		"from half of IPv4":  {Wish{Public: public, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1")}}, "wider than /8"},
		"from much of IPv6":  {Wish{Certificate: sum, Networks: []netip.Prefix{netip.MustParsePrefix("2000::/31")}}, "wider than /32"},
		"by both":            {Wish{Public: public, Certificate: sum, Networks: near}, "not by both"},
		"a short digest":     {Wish{Certificate: sum[1:], Networks: near}, "31 bytes"},
		"reads, from all":    {Wish{Permissions: []authz.Permission{authz.RunRead}, Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}, "wider than /8"},
		"one that publishes": {Wish{Permissions: []authz.Permission{authz.ReportPublish}}, "has no secret"},
	} {
		if _, err := issue(tt.w); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := issue(Wish{Permissions: []authz.Permission{authz.RunRead, authz.ProofReadAny}}); err != nil {
		t.Errorf("one that only reads: %v", err)
	}
	for name, w := range map[string]Wish{"signs": {Public: public, Networks: near}, "certificate": {Certificate: sum, Networks: near}} {
		k, err := issue(w)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, _, err := h.maker.Rotate(t.Context(), k.ID, nil, Life, 0); err == nil || !strings.Contains(err.Error(), "has no secret") {
			t.Errorf("%s, rotated to a secret: %v", name, err)
		}
		if _, _, err := h.maker.Rotate(t.Context(), k.ID, public, Life, 0); err != nil {
			t.Errorf("%s, rotated to a signature: %v", name, err)
		}
	}
}

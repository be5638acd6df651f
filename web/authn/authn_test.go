package authn

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
	"github.com/assay-por/assay/web/store/storetest"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// TestOnPostgres runs all tests of this room on PostgreSQL too.
func TestOnPostgres(t *testing.T) { pgtest.Again(t) }

// A house is a store of keys, a gate before it, and a clock that a test turns.
type house struct {
	path  string
	now   time.Time
	maker maker
	gate  *Gate
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{path: filepath.Join(t.TempDir(), "assay.db"), now: start}
	keys := storetest.Open(t, h.path)
	h.maker = maker{Maker{Pepper: [PepperSize]byte{1}, Random: rand.Reader}, keys}
	h.gate = NewGate(keys, h.maker.Pepper, func() time.Time { return h.now })
	return h
}

// maker makes and ends keys, each in a change of its own.
type maker struct {
	Maker
	Keys *store.Store
}

func (m maker) Issue(ctx context.Context, w Wish) (k store.Key, s Secret, err error) {
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error { k, s, err = m.Maker.Issue(ctx, tx, w); return err })
	return k, s, err
}

func (m maker) Rotate(ctx context.Context, id string, public ed25519.PublicKey, life, overlap time.Duration) (k store.Key, s Secret, err error) {
	err = m.write(ctx, func(ctx context.Context, tx *store.Tx) error {
		k, s, err = m.Maker.Rotate(ctx, tx, id, public, life, overlap)
		return err
	})
	return k, s, err
}

func (m maker) Revoke(ctx context.Context, id string) error {
	return m.write(ctx, func(ctx context.Context, tx *store.Tx) error { return m.Maker.Revoke(ctx, tx, id) })
}

func (m maker) write(ctx context.Context, change func(context.Context, *store.Tx) error) error {
	ctx = audit.With(ctx, audit.Local())
	return m.Keys.Write(ctx, func(tx *store.Tx) error { return change(ctx, tx) })
}

func (h *house) issue(t testing.TB, w Wish) (store.Key, Secret) {
	t.Helper()
	w.Name = "backend"
	if w.Permissions == nil {
		w.Permissions = []authz.Permission{authz.ProofReadAny}
	}
	if w.Life == 0 {
		w.Life = Life
	}
	h.maker.Now = h.now
	k, s, err := h.maker.Issue(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	return k, s
}

func (h *house) rotate(t testing.TB, id string, public ed25519.PublicKey, overlap time.Duration) Secret {
	t.Helper()
	h.maker.Now = h.now
	_, s, err := h.maker.Rotate(context.Background(), id, public, Life, overlap)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asking(fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://x.example/v1/proofs", nil)
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// secret asks with one.
func (h *house) secret(s Secret) error {
	_, _, err := h.gate.Who(asking("Assay-Key", s.Show()))
	return err
}

// asPrincipals compares all of them, the customer too.
var asPrincipals = cmp.Options{cmp.AllowUnexported(Principal{}), cmp.Comparer(func(a, b hidden.Customer) bool { return a.Reveal() == b.Reveal() })}

func TestSecret(t *testing.T) {
	h := newHouse(t)
	k, s := h.issue(t, Wish{Reports: []string{strings.Repeat("0a", 32)}})
	if !keyText.MatchString(s.Show()) || len(s.Show()) != 4+1+16+1+52+1+7 {
		t.Errorf("a key is %s", s.Show())
	}
	got, check, err := h.gate.Who(asking("Assay-Key", s.Show()))
	want := &Principal{ID: k.ID, Client: k.Client, Kind: store.Machine, Tier: Standard, Roles: []authz.Role{authz.Service}, Permissions: []authz.Permission{authz.ProofReadAny}, Scope: authz.Scopes{{}, {Reports: k.Reports}}}
	if diff := cmp.Diff(want, got, asPrincipals); err != nil || diff != "" || check([]byte("anything")) != nil {
		t.Errorf("%v %s", err, diff)
	}
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %s %q", s, s, s, s), fmt.Sprintf("%v", struct{ S Secret }{s}), fmt.Sprintf("%v %+v", struct{ s Secret }{s}, &struct{ s []Secret }{[]Secret{s}})} {
		if strings.Contains(printed, s.Show()[22:74]) {
			t.Errorf("it prints itself: %s", printed)
		}
	}
}

// TestSpelling: a key has one spelling.
func TestSpelling(t *testing.T) {
	s := newSecret("abcdefghijklmnop", [secretSize]byte{31: 1})
	if got, ok := parseSecret(s.Show()); !ok || got.ID != s.ID || got.Show() != s.Show() {
		t.Errorf("%v %t", got, ok)
	}
	text := s.Show()
	last := len(text) - 9 // of the secret's last character half the bits are none
	loose := text[:last] + string(text[last]+1) + "." + checksum(text[:last]+string(text[last]+1))
	for _, bad := range []string{"", "asy1", text[:len(text)-1], text + "a", " " + text, text + "\n", strings.ToUpper(text), "asy2" + text[4:], text[:30] + "b" + text[31:], text[:len(text)-1] + "b", loose} {
		if got, ok := parseSecret(bad); ok {
			t.Errorf("%q is taken as %v", bad, got)
		}
	}
}

// TestInvalid: whatever is wrong, it is the same.
func TestInvalid(t *testing.T) {
	h := newHouse(t)
	_, expiredSecret := h.issue(t, Wish{Life: day})
	revoked, revokedSecret := h.issue(t, Wish{})
	_, foreign := h.issue(t, Wish{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	good, goodSecret := h.issue(t, Wish{})
	h.now = start.Add(day)
	if err := h.maker.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	wrong := newSecret(good.ID, [secretSize]byte{})
	unknown := newSecret("abcdefghijklmnop", [secretSize]byte{})
	moved := newSecret(revoked.ID, [secretSize]byte{})
	for name, fields := range map[string][]string{
		"unknown": {"Assay-Key", unknown.Show()}, "wrong": {"Assay-Key", wrong.Show()}, "expired": {"Assay-Key", expiredSecret.Show()}, "revoked": {"Assay-Key", revokedSecret.Show()},
		"foreign": {"Assay-Key", foreign.Show()}, "of no form": {"Assay-Key", "x"}, "empty": {"Assay-Key", ""}, "moved": {"Assay-Key", moved.Show()},
		"another scheme": {"Authorization", "Bearer " + goodSecret.Show()}, "with a blank": {"Assay-Key", goodSecret.Show() + "x"},
	} {
		who, _, err := h.gate.Who(asking(fields...))
		if who != nil || !errors.Is(err, ErrInvalid) || strings.Contains(fmt.Sprint(err), "asy1") {
			t.Errorf("%s: %v %v", name, who, err)
		}
	}
	if err := h.secret(goodSecret); err != nil {
		t.Error(err)
	}
	for name, tt := range map[string]struct {
		want   error
		fields []string
	}{
		"nothing":        {ErrMissing, nil},
		"two keys":       {ErrMultiple, []string{"Assay-Key", goodSecret.Show(), "Assay-Key", goodSecret.Show()}},
		"two schemes":    {ErrMultiple, []string{"Assay-Key", goodSecret.Show(), "Authorization", "Bearer x"}},
		"key, signature": {ErrMultiple, []string{"Assay-Key", goodSecret.Show(), "Signature-Input", "assay=()"}},
		"signature, too": {ErrMultiple, []string{"Authorization", "x", "Signature", "a=:AA==:, assay=:AA==:"}},
		"of a proxy":     {ErrMissing, []string{"Signature-Input", `proxy=("@method");created=1`, "Signature", "proxy=:AA==:"}},
	} {
		if _, _, err := h.gate.Who(asking(tt.fields...)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// TestNetworks: the address of the connection counts, and no field.
func TestNetworks(t *testing.T) {
	h := newHouse(t)
	networks, err := ParseNetworks([]string{"10.1.0.0/16", "2001:db8::/32", "192.0.2.7", "::ffff:192.0.2.9"})
	if err != nil {
		t.Fatal(err)
	}
	_, s := h.issue(t, Wish{Networks: networks})
	for remote, want := range map[string]bool{
		"10.1.2.3:99": true, "[::ffff:10.1.2.3]:99": true, "[2001:db8:7::1]:99": true, "192.0.2.7:1": true, "192.0.2.9:1": true,
		"10.2.2.3:99": false, "192.0.2.8:1": false, "[2001:db9::1]:99": false, "[::1]:99": false, "": false, "@": false, "10.1.2.3": false,
	} {
		r := asking("Assay-Key", s.Show(), "X-Forwarded-For", "10.1.2.3", "Forwarded", "for=10.1.2.3", "X-Real-Ip", "10.1.2.3")
		r.RemoteAddr = remote
		if _, _, err := h.gate.Who(r); (err == nil) != want || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", remote, err)
		}
	}
	for _, text := range []string{"", "10.0.0.1/8", "10.0.0.0/33", "x", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if got, err := ParseNetworks([]string{text}); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestLife: keys expire, and one that is not used for 60 days is of no use until it is rotated.
func TestLife(t *testing.T) {
	h := newHouse(t)
	k, s := h.issue(t, Wish{Life: MaxLife})
	state := func() string {
		t.Helper()
		now, err := h.maker.Keys.Key(t.Context(), k.ID)
		if err != nil {
			t.Fatal(err)
		}
		return State(now, h.now)
	}
	for range 4 {
		if h.now = h.now.Add(unusedLife); state() != Good || h.secret(s) != nil {
			t.Fatalf("%s: %s, %v", h.now, state(), h.secret(s))
		}
	}
	h.now = h.now.Add(unusedLife + noted)
	if err := h.secret(s); state() != Unused || !errors.Is(err, ErrInvalid) {
		t.Errorf("unused: %s, %v", state(), err)
	}
	s = h.rotate(t, k.ID, nil, 0)
	if err := h.secret(s); state() != Good || err != nil {
		t.Errorf("rotated: %s, %v", state(), err)
	}
	for range 2 {
		h.now = h.now.Add(45*day - time.Second)
		if err := h.secret(s); err != nil {
			t.Error(err)
		}
	}
	h.now = h.now.Add(2 * time.Second)
	if err := h.secret(s); state() != Expired || !errors.Is(err, ErrInvalid) {
		t.Errorf("after 90 days: %s, %v", state(), err)
	}
}

// TestRotate: two are good at once, for as long as was said, and never three.
func TestRotate(t *testing.T) {
	h := newHouse(t)
	k, first := h.issue(t, Wish{})
	second := h.rotate(t, k.ID, nil, Overlap)
	if first.Show() == second.Show() || h.secret(first) != nil || h.secret(second) != nil {
		t.Error("one of the two is not good")
	}
	h.maker.Now = h.now
	if _, s, err := h.maker.Rotate(t.Context(), k.ID, nil, Life, Overlap); err == nil || !strings.Contains(err.Error(), "2026-12-01T12:00:00Z") || h.secret(second) != nil {
		t.Errorf("a third: %v %v", s, err)
	}
	h.now = h.now.Add(Overlap - time.Second)
	if err := h.secret(first); err != nil {
		t.Error(err)
	}
	h.now = h.now.Add(time.Second)
	if err := h.secret(first); !errors.Is(err, ErrInvalid) {
		t.Errorf("after the overlap: %v", err)
	}
	third := h.rotate(t, k.ID, nil, 0)
	if h.secret(second) == nil || h.secret(third) != nil {
		t.Error("no overlap ends the old one now")
	}
	if err := h.maker.Revoke(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	for i, s := range []Secret{first, second, third} {
		if err := h.secret(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d after it was revoked: %v", i, err)
		}
	}
	for name, tt := range map[string]struct{ life, overlap time.Duration }{
		"revoked": {Life, Overlap}, "too long": {MaxLife + 1, 0}, "no time": {0, 0}, "overlap too long": {Life, MaxOverlap + 1}, "before": {Life, -1},
	} {
		if _, _, err := h.maker.Rotate(t.Context(), k.ID, nil, tt.life, tt.overlap); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := h.maker.Rotate(t.Context(), "none", nil, Life, 0); !errors.Is(err, store.ErrUnknown) {
		t.Error(err)
	}
}

func TestWish(t *testing.T) {
	h := newHouse(t)
	_, s := h.issue(t, Wish{})
	good := Wish{Name: "x", Permissions: []authz.Permission{authz.ProofReadAny}, Life: Life}
	for name, change := range map[string]func(*Wish){
		"no name":         func(w *Wish) { w.Name = "" },
		"long name":       func(w *Wish) { w.Name = strings.Repeat("x", 65) },
		"control":         func(w *Wish) { w.Name = "a\x1b[2J" },
		"not UTF-8":       func(w *Wish) { w.Name = "\xff" },
		"a key as name":   func(w *Wish) { w.Name = s.Show() },
		"no permission":   func(w *Wish) { w.Permissions = nil },
		"a report's name": func(w *Wish) { w.Reports = []string{"latest"} },
		"no life":         func(w *Wish) { w.Life = 0 },
		"a longer life":   func(w *Wish) { w.Life = MaxLife + time.Second },
		"a short key":     func(w *Wish) { w.Public = ed25519.PublicKey{1} },
	} {
		w := good
		change(&w)
		if k, _, err := h.maker.Issue(t.Context(), w); err == nil {
			t.Errorf("%s: %+v", name, k)
		}
	}
	if all, err := h.maker.Keys.Keys(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d keys: %v", len(all), err)
	}
}

// TestInURL: a good key that stands in a URL, escaped or not, is of no use any more; another text that looks like one does no harm.
func TestInURL(t *testing.T) {
	h := newHouse(t)
	at := func(target string) error {
		r := asking()
		r.RequestURI = target
		return h.gate.InURL(r)
	}
	for _, target := range []string{"/v1/proofs", "/", "/?asy1", "/?asy1.x", "/%zz"} {
		if err := at(target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	k, s := h.issue(t, Wish{})
	if err := at("/?key=" + newSecret(k.ID, [secretSize]byte{}).Show()); !errors.Is(err, ErrInURL) || h.secret(s) != nil {
		t.Errorf("another's guess: %v, and then %v", err, h.secret(s))
	}
	escape := func(text string) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			fmt.Fprintf(&b, "%%%02x", c)
		}
		return b.String()
	}
	for name, spell := range map[string]func(string) string{
		"plain": func(s string) string { return "/v1/reports?key=" + s }, "path": func(s string) string { return "/v1/reports/" + s }, "escaped": func(s string) string { return "/?" + escape(s) },
		"a dot":  func(s string) string { return "/?k=" + strings.ReplaceAll(s, ".", "%2E") },
		"twice":  func(s string) string { return "/?k=" + url.QueryEscape(escape(s)) },
		"middle": func(s string) string { return "/?u=https://x:" + s + "@y" },
	} {
		_, s := h.issue(t, Wish{})
		if err := at(spell(s.Show())); !errors.Is(err, ErrInURL) || strings.Contains(fmt.Sprint(err), "asy1") {
			t.Errorf("%s: %v", name, err)
		}
		if err := h.secret(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: it is good still: %v", name, err)
		}
	}
}

// TestNothingInTheFiles: no secret stands in the database, nor half of one.
func TestNothingInTheFiles(t *testing.T) {
	pgtest.OfFiles(t)
	h := newHouse(t)
	var secrets []string
	for range 20 {
		k, s := h.issue(t, Wish{})
		secrets = append(secrets, s.Show(), h.rotate(t, k.ID, nil, Overlap).Show())
	}
	found, err := filepath.Glob(h.path + "*")
	if err != nil || len(found) < 3 {
		t.Fatal(found, err)
	}
	for _, path := range found {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			part := strings.Split(s, ".")[2]
			whole, err := spelling.DecodeString(part)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(raw, []byte(part[:26])) || bytes.Contains(raw, []byte(part[26:])) || bytes.Contains(raw, whole[:8]) || bytes.Contains(raw, whole[24:]) {
				t.Errorf("%s holds a secret", path)
			}
		}
	}
}

func BenchmarkWho(b *testing.B) {
	h := newHouse(b)
	k, good := h.issue(b, Wish{})
	for name, s := range map[string]Secret{"good": good, "wrong": newSecret(k.ID, [secretSize]byte{}), "unknown": newSecret("abcdefghijklmnop", [secretSize]byte{})} {
		b.Run(name, func(b *testing.B) {
			r := asking("Assay-Key", s.Show())
			for b.Loop() {
				_, _, _ = h.gate.Who(r)
			}
		})
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	k, _ = h.issue(b, Wish{Public: public})
	h.now = h.now.Add(time.Minute)
	b.Run("signed", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			r := asking()
			if err := httpsig.SignRequest(r, nil, private, k.ID, fmt.Sprintf("nonce-%016d", i), h.now); err != nil {
				b.Fatal(err)
			}
			if _, _, err := h.gate.Who(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

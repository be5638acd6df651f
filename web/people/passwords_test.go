package people

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
	"github.com/assay-por/assay/web/store/pgtest"
)

const password = "correct horse battery staple"

// app is an authenticator app: what it shows at a time.
func app(t *testing.T, uri string, at time.Time) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Query().Get("issuer") != "Demo Exchange" {
		t.Fatalf("%s %v", uri, err)
	}
	code, err := totp.GenerateCodeCustom(u.Query().Get("secret"), at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrolsByPassword takes an invitation by password and code, and returns what the app was given.
func (h *house) enrolsByPassword(p *person) (uri string) {
	h.t.Helper()
	o, err := h.BeginEnrol(h.ctx(), p.invitation)
	if err != nil {
		h.t.Fatal(err)
	}
	if p.in, err = h.EnrolByPassword(h.ctx(), p.invitation, password, app(h.t, o.TOTP, h.now)); err != nil {
		h.t.Fatal(err)
	}
	return o.TOTP
}

// TestPassword: password and code let in, as less than a passkey; a code once, within a step of its time.
func TestPassword(t *testing.T) {
	h := newHouse(t)
	ada := h.invite("ada", authz.Admin)
	uri := h.enrolsByPassword(ada)
	who, err := h.asks(ada.in, "GET")
	if err != nil || who.Class != authn.MFA || !who.StepUp(h.now) {
		t.Fatalf("%+v %v", who, err)
	}
	if _, err := h.BeginStepUp(t.Context(), who); !errors.Is(err, authn.ErrState) {
		t.Errorf("to show a passkey that there is not: %v", err)
	}
	sign := func(at time.Duration) error {
		_, err := h.SignInByPassword(h.ctx(), "Ada", password, app(t, uri, h.now.Add(at)))
		return err
	}
	h.refused("the code of the enrolment", sign(0), "used before")
	h.now = h.now.Add(30 * time.Second)
	if err := sign(30 * time.Second); err != nil {
		t.Errorf("one step ahead: %v", err)
	}
	h.refused("the same again", sign(30*time.Second), "used before")
	h.refused("the one before it", sign(0), "used before")
	h.now = h.now.Add(2 * time.Minute)
	h.refused("two steps late", sign(-time.Minute), "the code is wrong")
	if err := sign(-30 * time.Second); err != nil {
		t.Errorf("one step late: %v", err)
	}
	if err := h.write(func(ctx context.Context, tx *store.Tx) error { return h.RemovePassword(ctx, tx, who) }); err != nil {
		t.Fatal(err)
	}
	h.refused("of a person without a password", sign(0), "wrong")
}

// TestPasswordAsItIs: a password in other letters, or a part of it, or more than it, is another one.
func TestPasswordAsItIs(t *testing.T) {
	h := newHouse(t)
	uri := h.enrolsByPassword(h.invite("ada", authz.Admin))
	h.now = h.now.Add(time.Minute)
	code := app(t, uri, h.now)
	for _, other := range []string{strings.ToUpper(password), password[:len(password)-1], password + " ", " " + password} {
		_, err := h.SignInByPassword(h.ctx(), "ada", other, code)
		h.refused(other, err, "wrong")
	}
	if _, err := h.SignInByPassword(h.ctx(), "ada", password, code); err != nil {
		t.Errorf("the very one: %v", err)
	}
}

// TestLockout: after five failures nothing is looked at, right or wrong, for ever longer; from that network, as that account, and a passkey
// still lets in.
func TestLockout(t *testing.T) {
	h := newHouse(t)
	ada := h.enrols(h.invite("ada", authz.Admin))
	who, err := h.asks(ada.in, "GET")
	if err != nil {
		t.Fatal(err)
	}
	uri, err := h.BeginTOTP(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.write(func(ctx context.Context, tx *store.Tx) error {
		return h.SetPassword(ctx, tx, who, password, app(t, uri, h.now))
	}); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	sign := func(login, password string) error {
		_, err := h.SignInByPassword(h.ctx(), login, password, app(t, uri, h.now))
		return err
	}
	locked := func(name, login string, until time.Duration) {
		t.Helper()
		var l LockedError
		if err := sign(login, password); !errors.As(err, &l) || !l.Until.Equal(h.now.Add(until)) {
			t.Errorf("%s: %v, want locked until %s", name, err, h.now.Add(until))
		}
	}
	for _, login := range []string{"ada", "nobody"} { // the same to who is there and who is not
		for range free {
			h.refused(login, sign(login, "wrong, and long enough"), map[string]string{"ada": "the password is wrong", "nobody": "nobody signs in by that name"}[login])
		}
		locked("the sixth, though right", login, time.Minute)
	}
	if _, err := h.SignIn(h.ctx(), h.signs(ada.key)); err != nil {
		t.Errorf("a passkey: %v", err)
	}
	h.from = "192.0.2.250"
	locked("a neighbour", "ada", time.Minute)
	h.from = "198.51.100.7"
	if err := sign("ada", password); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	h.from = "192.0.2.7"
	for i := range 8 {
		h.now = h.now.Add(min(time.Hour, time.Minute<<i))
		h.refused("again", sign("ada", "wrong, and long enough"), "the password is wrong")
		locked("longer", "ada", min(time.Hour, time.Minute<<(i+1)))
	}
	h.now = h.now.Add(time.Hour)
	if err := sign("ada", password); err != nil {
		t.Errorf("after its time: %v", err)
	}
	h.refused("and then it begins anew", sign("ada", "wrong, and long enough"), "the password is wrong")
	h.now = h.now.Add(time.Minute)
	if err := sign("ada", password); err != nil {
		t.Errorf("%v", err)
	}
}

// TestUnknownAccount: a name that nobody has, one without a password and one with take the same work, and the same is said of each.
func TestUnknownAccount(t *testing.T) {
	h := newHouse(t)
	h.enrols(h.invite("passkey", authz.Admin))
	h.enrolsByPassword(h.invite("password", authz.Admin))
	looked := 0
	h.hash = func(password, hash string) (bool, error) {
		looked++
		if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("a hash of other work: %s", hash)
		}
		return checkHash(password, hash)
	}
	for i, login := range []string{"nobody", "passkey", "password"} {
		_, err := h.SignInByPassword(h.ctx(), login, "wrong, and long enough", "000000")
		if first, _, _ := strings.Cut(err.Error(), ":"); looked != i+1 || !errors.Is(err, ErrSignIn) || first != ErrSignIn.Error() {
			t.Errorf("%s: %d hashes, %v", login, looked, err)
		}
		f, err := h.Store.Failures(t.Context(), h.loginMAC(login), "192.0.2.0/24")
		if err != nil || f.Count != 1 {
			t.Errorf("%s: %+v %v", login, f, err)
		}
	}
}

// TestParallel: of many who have one code at once, one is let in.
func TestParallel(t *testing.T) {
	h := newHouse(t)
	uri := h.enrolsByPassword(h.invite("ada", authz.Admin))
	h.now = h.now.Add(time.Minute)
	code := app(t, uri, h.now)
	var wait sync.WaitGroup
	var mu sync.Mutex
	let := 0
	for range 8 {
		wait.Go(func() {
			if _, err := h.SignInByPassword(h.ctx(), "ada", password, code); err == nil {
				mu.Lock()
				let++
				mu.Unlock()
			}
		})
	}
	if wait.Wait(); let != 1 {
		t.Errorf("%d were let in", let)
	}
}

// TestPasswords: what nobody should have.
func TestPasswords(t *testing.T) {
	h := newHouse(t)
	h.Breached = func(password string) (bool, error) { return password == "known to have leaked", nil }
	ada := h.invite("ada.lovelace", authz.Admin)
	o, err := h.BeginEnrol(h.ctx(), ada.invitation)
	if err != nil {
		t.Fatal(err)
	}
	code := app(t, o.TOTP, h.now)
	for name, tt := range map[string]struct{ password, code, want string }{
		"short":         {"14 characters.", code, "15 to 128"},
		"long":          {strings.Repeat("long enough ", 11), code, "15 to 128"},
		"one's name":    {"ada.lovelace.2026", code, "without your name"},
		"the exchange":  {"demo exchange 2026", code, "without your name"},
		"few":           {"aaaaabbbbbaaaaabbbbb", code, "6 different"},
		"leaked":        {"known to have leaked", code, "leaked"},
		"another code":  {password, "000000", "the code is none"},
		"no code":       {password, "", "the code is none"},
		"a wrong month": {password, app(t, o.TOTP, h.now.AddDate(0, -1, 0)), "the code is none"},
	} {
		if _, err := h.EnrolByPassword(h.ctx(), ada.invitation, tt.password, tt.code); !errors.Is(err, authn.ErrWish) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, err := h.EnrolByPassword(h.ctx(), ada.invitation, password, code); err != nil {
		t.Errorf("the invitation is good still: %v", err)
	}
}

// TestBusy: no more passwords are looked at at once than some.
func TestBusy(t *testing.T) {
	h := newHouse(t)
	for range manyHashes {
		h.hashes <- struct{}{}
	}
	ctx, cancel := context.WithCancel(h.ctx())
	cancel()
	if _, err := h.SignInByPassword(ctx, "ada", password, "000000"); err == nil || errors.Is(err, ErrSignIn) {
		t.Errorf("one more: %v", err)
	}
}

// TestRecovery: a code is good once, in any spelling, for its own person; it invites, ends all sessions, and failures count.
func TestRecovery(t *testing.T) {
	h := newHouse(t)
	ada, eve := h.enrols(h.invite("ada", authz.Admin)), h.enrols(h.invite("eve", authz.Viewer))
	redeem := func(login, code string) error { _, err := h.Recover(h.ctx(), login, code); return err }
	code := ada.in.Recovery[0].Reveal()
	if strings.Count(code, "-") != 5 || len(code) != 26+5 {
		t.Errorf("a code is %s", code)
	}
	h.refused("another's", redeem("eve", code), "none that is left")
	h.refused("nobody's", redeem("nobody", code), "nobody signs in")
	h.refused("none", redeem("ada", "aaaaa-aaaaa"), "none that is left")
	if err := redeem("ADA", strings.ToUpper(strings.ReplaceAll(code, "-", " "))); err != nil {
		t.Fatal(err)
	}
	if _, err := h.asks(ada.in, "GET"); !errors.Is(err, authn.ErrOver) {
		t.Errorf("a session of before: %v", err)
	}
	if _, err := h.asks(eve.in, "GET"); err != nil {
		t.Errorf("a session of somebody else: %v", err)
	}
	h.refused("again", redeem("ada", code), "none that is left")
	for range free {
		_ = redeem("ada", "wrong")
	}
	var l LockedError
	if err := redeem("ada", ada.in.Recovery[1].Reveal()); !errors.As(err, &l) {
		t.Errorf("after five failures: %v", err)
	}
	h.now = h.now.Add(time.Minute)
	if err := h.write(func(ctx context.Context, tx *store.Tx) error { _, err := h.Disable(ctx, tx, ada.id); return err }); err != nil {
		t.Fatal(err)
	}
	h.refused("who is disabled", redeem("ada", ada.in.Recovery[1].Reveal()), "disabled")
}

// TestNothingInTheFiles: no token, invitation, code, seed, password or name stands in the database.
func TestNothingInTheFiles(t *testing.T) {
	pgtest.OfFiles(t)
	h := newHouse(t)
	ada, eve := h.invite("ada@assay.example", authz.Admin), h.invite("eve", authz.Viewer)
	secrets := []string{ada.login, "Ada ada", password, strings.Split(eve.invitation, ".")[1], eve.invitation}
	uri := h.enrolsByPassword(ada)
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(u.Query().Get("secret"))
	if err != nil || len(seed) != seedSize {
		t.Fatalf("%d bytes: %v", len(seed), err)
	}
	secrets = append(secrets, u.Query().Get("secret"), string(seed), ada.in.Token.Reveal())
	for _, code := range ada.in.Recovery {
		secrets = append(secrets, code.Reveal(), strings.ReplaceAll(code.Reveal(), "-", ""))
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
			if bytes.Contains(raw, []byte(s)) {
				t.Errorf("%s holds %q", path, s)
			}
		}
	}
}

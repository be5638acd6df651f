package people

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// What a password has, in characters.
const (
	shortest = 15
	longest  = 128
)

// hashed is how passwords are kept: 19 MiB and two passes each, so that no more than some are looked at at once.
var hashed = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

const (
	manyHashes = 4
	patience   = 5 * time.Second // until one of those is done
)

func checkHash(password, hash string) (bool, error) {
	return argon2id.ComparePasswordAndHash(password, hash)
}

// hashing waits until it may be done.
func (p *People) hashing(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case p.hashes <- struct{}{}:
		return func() { <-p.hashes }, nil
	case <-ctx.Done():
		return nil, ErrBusy
	}
}

// nobody is an account that no password and no code is of.
func (p *People) nobody() (store.Account, error) {
	unknown, err := p.draw(tokenSize)
	if err != nil {
		return store.Account{}, err
	}
	hash, err := argon2id.CreateHash(unknown, hashed)
	a := store.Account{Password: hash, TOTP: p.tag("seed", unknown)[:seedSize]}
	for range manyCodes {
		a.Recovery = append(a.Recovery, p.mac("recovery", unknown))
	}
	return a, err
}

// checkPassword says why nobody should have that password.
func (p *People) checkPassword(a store.Account, name, password string) error {
	n := utf8.RuneCountInString(password)
	if n < shortest || n > longest {
		return fmt.Errorf("%w: a password has %d to %d characters", authn.ErrWish, shortest, longest)
	}
	folded := strings.ToLower(password)
	for _, known := range append(strings.Fields(strings.ToLower(name+" "+p.Name)), strings.ToLower(a.Login)) {
		if rest := strings.ReplaceAll(folded, known, ""); len(known) > 2 && utf8.RuneCountInString(rest) < shortest {
			return fmt.Errorf("%w: without your name, or the exchange's, the password has fewer than %d characters", authn.ErrWish, shortest)
		}
	}
	distinct := map[rune]bool{}
	for _, r := range folded {
		distinct[r] = true
	}
	if len(distinct) < 6 {
		return fmt.Errorf("%w: the password has fewer than 6 different characters", authn.ErrWish)
	}
	if p.Breached == nil {
		return nil
	}
	breached, err := p.Breached(password)
	if err == nil && breached {
		err = fmt.Errorf("%w: the password is known to have leaked somewhere: take another one", authn.ErrWish)
	}
	return err
}

// The second factor: six digits, that hold for half a minute, and for the one before and after.
const (
	seedSize = 20 // bytes
	step     = 30 // seconds
	skew     = 1
)

var codes = hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}

// stepOf is the step whose code of a seed it is; zero if it is of none that is good now. It looks at all of them.
func stepOf(seed []byte, code string, now time.Time) (at int64, err error) {
	secret := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	current := now.Unix() / step
	for i := current - skew; i <= current+skew; i++ {
		good, err := hotp.ValidateCustom(code, uint64(i), secret, codes) //nolint:gosec // it is after 1970
		if err != nil && !errors.Is(err, otp.ErrValidateInputInvalidLength) {
			return 0, err
		}
		if good {
			at = i
		}
	}
	return at, nil
}

// seedURI is what an authenticator app is given.
func (p *People) seedURI(seed []byte, login string) string {
	q := url.Values{"secret": {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)}, "issuer": {p.Name}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + p.Name + ":" + login, RawQuery: strings.ReplaceAll(q.Encode(), "+", "%20")}
	return u.String()
}

// SignInByPassword lets in whoever has a password and a code of the second factor. The error is [ErrSignIn], [LockedError], [ErrBusy], or
// the database's; whatever is wrong, and whether there is such a person or not, it takes the same work.
func (p *People) SignInByPassword(ctx context.Context, login, password, code string) (in SignedIn, err error) {
	a, known, err := p.account(ctx, login)
	if err != nil {
		return in, err
	}
	if a.Password == "" {
		a.Password, a.TOTP = p.decoy.Password, p.decoy.TOTP
	}
	done, err := p.hashing(ctx)
	if err != nil {
		return in, err
	}
	right, err := p.hash(password, a.Password)
	done()
	if err != nil {
		return in, err
	}
	at, err := stepOf(a.TOTP, code, p.Now())
	if err != nil {
		return in, err
	}
	var why []string // all of it: the log tells what whoever asks does not learn
	if !known {
		why = append(why, "nobody signs in by that name")
	}
	if !right {
		why = append(why, "the password is wrong")
	}
	if at == 0 {
		why = append(why, "the code is wrong")
	}
	err = p.attempt(ctx, a.LoginMAC, strings.Join(why, ", "), func(tx *store.Tx) error {
		err := tx.ChangeAccount(ctx, a.Client, func(now *store.Account) error {
			if now.Password != a.Password || at <= now.Step {
				return fmt.Errorf("%w: the code was used before, or the factors were changed meanwhile", ErrSignIn)
			}
			now.Step = at
			return nil
		})
		if err != nil {
			return err
		}
		if in, err = p.open(ctx, tx, a.Client, authn.MFA); err != nil {
			return err
		}
		return p.record(as(ctx, in.Session), tx, "person.sign-in", a.Client, "by password and code")
	})
	return in, p.refuse(ctx, "sign-in", a.Client, err)
}

// account is that of whoever signs in by a name; where there is none, one that nobody has.
func (p *People) account(ctx context.Context, login string) (a store.Account, known bool, err error) {
	mac := p.loginMAC(login)
	a, err = p.Store.AccountOf(ctx, mac)
	if errors.Is(err, store.ErrUnknown) {
		a = p.decoy
		a.LoginMAC = mac
		return a, false, nil
	}
	return a, err == nil, err
}

// loginMAC stands for a name that somebody signs in by, in upper case or lower.
func (p *People) loginMAC(login string) string { return p.mac("login", strings.ToLower(login)) }

// BeginTOTP draws the seed of a second factor for a person who is signed in; it is the same until they set it.
func (p *People) BeginTOTP(ctx context.Context, who *authn.Principal) (uri string, err error) {
	a, err := p.Store.Account(ctx, who.Client)
	if err != nil {
		return "", err
	}
	return p.seedURI(p.ownSeed(who, a), a.Login), nil
}

func (p *People) ownSeed(who *authn.Principal, a store.Account) []byte {
	return p.tag("seed of a session", who.Session, a.Password)[:seedSize]
}

// SetPassword gives a person who is signed in a password, and the second factor that was drawn for them, of which they show a code.
func (p *People) SetPassword(ctx context.Context, tx *store.Tx, who *authn.Principal, password, code string) error {
	c, err := tx.Client(ctx, who.Client)
	if err != nil {
		return err
	}
	err = tx.ChangeAccount(ctx, who.Client, func(a *store.Account) error {
		return p.setPassword(a, c.Name, p.ownSeed(who, *a), password, code)
	})
	return errors.Join(err, p.record(ctx, tx, "person.password", who.Client, ""))
}

func (p *People) setPassword(a *store.Account, name string, seed []byte, password, code string) error {
	if err := p.checkPassword(*a, name, password); err != nil {
		return err
	}
	at, err := stepOf(seed, code, p.Now())
	if err != nil {
		return err
	}
	if at == 0 {
		return fmt.Errorf("%w: the code is none of the second factor's now", authn.ErrWish)
	}
	hash, err := argon2id.CreateHash(password, hashed) // of few, who are known: it waits for no others, who would wait for this change
	if err != nil {
		return err
	}
	a.Password, a.TOTP, a.Step = hash, slices.Clone(seed), at
	return nil
}

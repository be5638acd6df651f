package people

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// How long things are good.
const (
	Idle       = 30 * time.Minute // a session that is not used
	Absolute   = 12 * time.Hour   // a session
	Invited    = 15 * time.Minute // an invitation
	challenged = 2 * time.Minute  // a challenge
	noted      = time.Minute      // how exactly it is known when a session was used
)

// ErrSignIn says that somebody is not let in. What comes with it is for the log: whoever asks learns that alone.
var ErrSignIn = errors.New("nobody is signed in by that")

// ErrBusy says that as many passwords as may be are being looked at already.
var ErrBusy = errors.New("too many passwords at once")

// LockedError says that no answer of an account is looked at from a network until a time, right or wrong.
type LockedError struct{ Until time.Time }

// Error is for the log.
func (e LockedError) Error() string {
	return "too many failures: nothing is looked at until " + e.Until.Format(time.RFC3339)
}

// Config says what people are let in with.
type Config struct {
	Store   *store.Store
	Pepper  [authn.PepperSize]byte
	Random  io.Reader
	Now     func() time.Time
	Denials *audit.Denials // where those are kept who were not let in

	Name    string   // what people's authenticators call the exchange
	Origins []string // of the pages at which they sign in, such as https://assay.example; links lead to the first
	ID      string   // the domain that passkeys are for (RP ID); empty: the host of the first origin

	Breached func(password string) (bool, error) // whether a password is known to have leaked; nil: none is
	Second   *bool                               // whether what one person asks for another confirms; nil: once there are people
}

// People lets people in. It is a way of an [authn.Gate].
type People struct {
	Config
	rp     *webauthn.WebAuthn
	decoy  store.Account // of nobody
	hashes chan struct{} // as many as are made at once
	hash   func(password, hash string) (bool, error)
}

// New returns one that looks where the configuration says.
func New(c Config) (*People, error) {
	if c.Store == nil || c.Random == nil || c.Now == nil || c.Denials == nil || len(c.Origins) == 0 {
		return nil, errors.New("people: a store, randomness, a clock, the record of denials and an origin are needed")
	}
	if err := Check(c.Origins, c.ID); err != nil {
		return nil, err
	}
	if c.ID == "" {
		c.ID = hostOf(c.Origins[0])
	}
	p := &People{Config: c, hashes: make(chan struct{}, manyHashes), hash: checkHash}
	var err error
	p.rp, err = webauthn.New(&webauthn.Config{
		RPID: c.ID, RPDisplayName: c.Name, RPOrigins: c.Origins, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeouts, Registration: timeouts},
	})
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	p.decoy, err = p.nobody()
	return p, err
}

// Check says what is wrong with origins, and with the domain that passkeys are for, if one is said.
func Check(origins []string, id string) error {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || origin != u.Scheme+"://"+u.Host || u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost") {
			return fmt.Errorf("%q is no origin such as https://assay.example: passkeys are for pages that come over TLS", origin)
		}
		of := cmp.Or(id, hostOf(origins[0]))
		if host := u.Hostname(); host != of && !strings.HasSuffix(host, "."+of) {
			return fmt.Errorf("passkeys of the domain %q are for no page at %s", of, origin)
		}
	}
	return nil
}

func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

var timeouts = webauthn.TimeoutConfig{Timeout: challenged, TimeoutUVD: challenged}

// TakesSecond reports whether what changes people, limits or keys takes a second person.
func (p *People) TakesSecond(ctx context.Context, in interface {
	HasPeople(ctx context.Context) (bool, error)
}) (bool, error) {
	if p.Second != nil {
		return *p.Second, nil
	}
	return in.HasPeople(ctx)
}

// Link is the page of the console at which somebody enrols who has the token of an invitation. No server is sent what stands after the #.
func (p *People) Link(invitation string) string {
	return p.Origins[0] + "/console/invitation#" + invitation
}

// mac stands for a text, for one purpose, in the database.
func (p *People) mac(purpose string, texts ...string) string {
	return hex.EncodeToString(p.tag(purpose, texts...))
}

func (p *People) tag(purpose string, texts ...string) []byte {
	key, err := hkdf.Key(sha256.New, p.Pepper[:], nil, "assay/v1/people/"+purpose, sha256.Size)
	if err != nil { // it is neither too long nor too short
		panic(err)
	}
	h := hmac.New(sha256.New, key)
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text)) // so that none runs into the next
		h.Write(sum[:])
	}
	return h.Sum(nil)
}

var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// draw is a text of so many random bytes.
func (p *People) draw(bytes int) (string, error) {
	raw := make([]byte, bytes)
	_, err := io.ReadFull(p.Random, raw)
	return spelling.EncodeToString(raw), err
}

// now is of whole seconds.
func (p *People) now() time.Time { return p.Now().UTC().Truncate(time.Second) }

// refuse puts on record that somebody was not let in, and says no more of it than that.
func (p *People) refuse(ctx context.Context, action, object string, why error) error {
	for _, theirs := range []error{ErrSignIn, authn.ErrState, store.ErrUnknown} {
		if errors.Is(why, theirs) {
			return errors.Join(why, p.Denials.Record(ctx, action, object, why.Error()))
		}
	}
	var locked LockedError
	if errors.As(why, &locked) {
		return errors.Join(why, p.Denials.Record(ctx, action, object, why.Error()))
	}
	return why
}

// as is a context in which a person acts who has just shown who they are.
func as(ctx context.Context, s store.Session) context.Context {
	from, _ := audit.From(ctx)
	from.Client, from.Credential = s.Client, s.ID
	return audit.With(ctx, from)
}

func (p *People) record(ctx context.Context, tx *store.Tx, action, object, reason string) error {
	return audit.Record(ctx, tx, audit.Act{At: p.now(), Action: action, Object: object, Outcome: audit.Done, Reason: reason})
}

// network is where a request comes from, as far as it is told.
func network(ctx context.Context) string {
	from, _ := audit.From(ctx)
	return audit.Network(from.Address)
}

package authn

import (
	"context"
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
)

// Why nobody is let in. The sentences are for the log: whoever asks learns by which of these it was, and no more.
var (
	ErrMissing   = errors.New("there is no credential")
	ErrInvalid   = errors.New("the credential is not good")
	ErrSignature = errors.New("the request's signature is not good")
	ErrMultiple  = errors.New("there is more than one credential")
	ErrInURL     = errors.New("an API key stands in the URL")
	ErrOver      = errors.New("the session is over")
	ErrForeign   = errors.New("a browser asks for another site's page")
	ErrFull      = errors.New("too many signed requests within half a minute")
	ErrAltered   = store.ErrAltered // of the record of whoever asks
)

// Gate finds out who asks.
type Gate struct {
	keys   *store.Store
	pepper [PepperSize]byte
	now    func() time.Time
	nonces requests
	decoy  store.Credential
	ways   []Way
}

// NewGate returns a gate that knows the keys of a store, and further ways. Signed requests of before now are refused, since nobody
// remembers which of them were taken, unless the store is one that servers share.
func NewGate(keys *store.Store, pepper [PepperSize]byte, now func() time.Time, ways ...Way) *Gate {
	g := &Gate{keys: keys, pepper: pepper, now: now, nonces: newNonces(now()), ways: ways}
	if keys.Shared() {
		g.Share(InDatabase(keys, now))
	}
	g.decoy.MAC = newSecret("", [secretSize]byte{}).mac(pepper) // of no key: no id is empty
	g.decoy.Public = ed25519.NewKeyFromSeed(g.decoy.MAC).Public().(ed25519.PublicKey)
	return g
}

// Who returns who asks. The error is one of this package, with more that is for the log, or the store's own. The content is
// looked at afterwards, by whoever reads it: with what check says of it.
func (g *Gate) Who(r *http.Request) (who *Principal, check func(content []byte) error, err error) {
	anything := func([]byte) error { return nil }
	switch n := credentials(r); {
	case n == 0:
		sum := shownCertificate(r)
		if sum == nil {
			return nil, nil, ErrMissing
		}
		who, err = g.byCertificate(r, sum)
		return who, anything, err
	case n > 1:
		return nil, nil, ErrMultiple
	case httpsig.IsSigned(r):
		return g.bySignature(r)
	}
	for _, way := range g.ways {
		if way.Shows(r) {
			who, err = way.Who(r)
			if err != nil {
				return nil, nil, err
			}
			who.way = way
			return who, anything, nil
		}
	}
	who, err = g.bySecret(r, r.Header.Get("Assay-Key")) // else there is an Authorization or a cookie, of which none is good here
	return who, anything, err
}

// StepUp reports whether somebody has to prove who they are anew ([Principal.StepUp]).
func (g *Gate) StepUp(who *Principal) bool { return who.StepUp(g.now()) }

// credentials is how many are sent in fields. They count before a certificate.
func credentials(r *http.Request) int {
	n := len(r.Header.Values("Assay-Key")) + len(r.Header.Values("Authorization")) + cookies(r)
	if httpsig.IsSigned(r) {
		n++
	}
	return n
}

// bySecret does the same work whatever is wrong.
func (g *Gate) bySecret(r *http.Request, text string) (*Principal, error) {
	now := g.now()
	s, wellFormed := parseSecret(text)
	k, client, err := g.lookUp(r.Context(), s.ID)
	if err != nil {
		return nil, err
	}
	good, ever := g.shows(k, s, now)
	near := g.near(k, address(r))
	reason := unusable(k, client, now)
	switch {
	case !wellFormed || k.ID == "":
		return nil, fmt.Errorf("%w: no key of that form or id", ErrInvalid)
	case !good:
		return nil, notGood(k, unless(ever), fmt.Errorf("%w: API key %s: the secret is wrong or has expired", ErrInvalid, k.ID))
	case reason != "":
		return nil, notGood(k, over(k), fmt.Errorf("%w: API key %s: %s", ErrInvalid, k.ID, reason))
	case !near:
		return nil, notGood(k, Guessed, fmt.Errorf("%w: API key %s: not for that address", ErrInvalid, k.ID))
	}
	return g.in(r.Context(), k, client, now)
}

// lookUp returns the records of a key and its client, and where there is none one that nobody has the key to.
func (g *Gate) lookUp(ctx context.Context, id string) (store.Key, store.Client, error) {
	k, c, err := g.keys.KeyAndClient(ctx, id)
	if errors.Is(err, store.ErrUnknown) {
		k, err = store.Key{Credentials: []store.Credential{g.decoy}}, nil
	}
	return k, c, err
}

// shows reports whether a secret is one of the key's that are good now, or ever were of the newest.
func (g *Gate) shows(k store.Key, s Secret, now time.Time) (good, ever bool) {
	mac, live, was := s.mac(g.pepper), 0, 0
	for _, c := range g.newest(k, withSecret) {
		same := subtle.ConstantTimeCompare(mac, c.MAC)
		live, was = live|same&living(c, now), was|same
	}
	return live == 1, was == 1
}

// newest are as many credentials of a key as may be good at once. In place of one that is not there, or is of the other kind,
// stands the decoy, which is never good.
func (g *Gate) newest(k store.Key, kind func(store.Credential) bool) (all [maxLive]store.Credential) {
	for i := range all {
		all[i] = g.decoy
		if i < len(k.Credentials) {
			if c := k.Credentials[len(k.Credentials)-1-i]; kind(c) {
				all[i] = c
			}
		}
	}
	return all
}

func living(c store.Credential, now time.Time) int {
	if now.Before(c.Until) {
		return 1
	}
	return 0
}

// unusable says why a key is of no use to anybody now; empty if it is.
func unusable(k store.Key, c store.Client, now time.Time) string {
	switch State(k, now) {
	case Revoked:
		return "it is revoked"
	case Expired:
		return "it has expired"
	case Unused:
		return "it was not used for 60 days"
	}
	if state := ClientState(c, now); state != Good {
		return "its client " + c.ID + " is " + state
	}
	return ""
}

// near reports whether a key may be used from there: the address of the TCP connection, or what a proxy of the exchange's own says of it (package web).
func (g *Gate) near(k store.Key, from netip.Addr) bool {
	found := len(k.Networks) == 0
	for _, n := range k.Networks {
		prefix, bad := netip.ParsePrefix(n)
		found = found || bad == nil && prefix.Contains(from) // nowhere is in none
	}
	return found
}

// address is where a request comes from; zero if that cannot be told.
func address(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr().Unmap().WithZone("")
}

// in lets somebody in, and notes once an hour that the key is used.
func (g *Gate) in(ctx context.Context, k store.Key, c store.Client, now time.Time) (*Principal, error) {
	if now.Sub(k.Used) > noted {
		if err := g.keys.Write(ctx, func(tx *store.Tx) error { return tx.KeyUsed(ctx, k.ID, now) }); err != nil {
			return nil, err
		}
	}
	return principal(k, c), nil
}

// principal is who has a key of a client. The key may what its client may still.
func principal(k store.Key, c store.Client) *Principal {
	who := &Principal{ID: k.ID, Client: c.ID, Kind: c.Kind, Tier: c.Tier, Roles: RolesOf(c), Scope: authz.Scopes{authz.Scope(c.Scope), {Reports: k.Reports}}}
	may := authz.Of(who.Roles...)
	for _, p := range k.Permissions {
		if slices.Contains(may, authz.Permission(p)) {
			who.Permissions = append(who.Permissions, authz.Permission(p))
		}
	}
	return who
}

// bySignature does the same work whatever is wrong, once the signature could be read.
func (g *Gate) bySignature(r *http.Request) (*Principal, func([]byte) error, error) {
	s, err := httpsig.ReadRequest(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	now := g.now()
	k, client, err := g.lookUp(r.Context(), s.KeyID)
	if err != nil {
		return nil, nil, err
	}
	good, ever := 0, false
	for _, c := range g.newest(k, withSignature) {
		if s.Verify(c.Public) {
			ever = true
			good |= living(c, now)
		}
	}
	near := g.near(k, address(r))
	switch reason := unusable(k, client, now); {
	case good == 0:
		return nil, nil, notGood(k, unless(ever), fmt.Errorf("%w: of no key that is good now", ErrSignature))
	case reason != "":
		return nil, nil, notGood(k, over(k), fmt.Errorf("%w: API key %s: %s", ErrSignature, k.ID, reason))
	case !near:
		return nil, nil, notGood(k, Guessed, fmt.Errorf("%w: API key %s: not for that address", ErrSignature, k.ID))
	case !g.nonces.fresh(s.Created, now):
		return nil, nil, notGood(k, Late, fmt.Errorf("%w: API key %s: made at another time, or before this server was started", ErrSignature, k.ID))
	}
	switch again, full, err := g.nonces.take(r.Context(), k.ID, s.Nonce, s.Created, now); {
	case err != nil:
		return nil, nil, err
	case again:
		return nil, nil, notGood(k, Again, fmt.Errorf("%w: API key %s: the same request again", ErrSignature, k.ID))
	case full:
		return nil, nil, ErrFull
	}
	check := func(content []byte) error {
		if err := s.CheckContent(content); err != nil {
			return notGood(k, Guessed, fmt.Errorf("%w: API key %s: %w", ErrSignature, k.ID, err))
		}
		return nil
	}
	who, err := g.in(r.Context(), k, client, now)
	return who, check, err
}

// maxInURL is how many texts of a URL are looked up: one is a slip, and more than a few are no slip.
const maxInURL = 4

// InURL looks for an API key where everybody on the way may have seen it, and revokes it if it is one. The error is [ErrInURL].
func (g *Gate) InURL(r *http.Request) error {
	target := r.RequestURI
	for range 3 { // it may be escaped, more than once
		for _, text := range keyText.FindAllString(target, maxInURL) {
			if err := g.leaked(r, text); err != nil {
				return err
			}
		}
		if keyText.MatchString(target) {
			return ErrInURL
		}
		plain, err := url.PathUnescape(target)
		if err != nil {
			return nil //nolint:nilerr // the router refuses it
		}
		target = plain
	}
	return nil
}

func (g *Gate) leaked(r *http.Request, text string) error {
	ctx := r.Context()
	s, ok := parseSecret(text)
	if !ok {
		return nil
	}
	k, _, err := g.lookUp(ctx, s.ID)
	if err != nil {
		return err
	}
	now := g.now()
	if good, _ := g.shows(k, s, now); !good || k.ID == "" {
		return nil
	}
	return g.keys.Write(ctx, func(tx *store.Tx) error {
		ctx := audit.With(ctx, audit.Origin{Client: k.Client, Credential: k.ID, Address: address(r)})
		act := audit.Act{At: now, Action: "key.revoke", Object: k.ID, Outcome: audit.Done, Reason: "it stood in a URL"}
		return errors.Join(tx.RevokeKey(ctx, k.ID, now), audit.Record(ctx, tx, act))
	})
}

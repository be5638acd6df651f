package authn

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// How long keys are good.
const (
	Life       = 90 * day // if nothing is said
	MaxLife    = 365 * day
	Overlap    = 24 * time.Hour // of a key's former credential with the next, if nothing is said
	MaxOverlap = 7 * day

	unusedLife = 60 * day  // without being used
	noted      = time.Hour // how exactly it is known when a key was used
	maxLive    = 2         // credentials of a key that may be good at once
	day        = 24 * time.Hour
)

// The states that a key can be in.
const (
	Good    = "good"
	Revoked = "revoked"
	Expired = "expired"
	Unused  = "unused" // for 60 days, and of no use until it is rotated
)

// State is the state of a key.
func State(k store.Key, now time.Time) string {
	var last store.Credential
	if n := len(k.Credentials); n > 0 {
		last = k.Credentials[n-1]
	}
	used := last.Created
	if k.Used.After(used) {
		used = k.Used
	}
	switch {
	case !k.Revoked.IsZero():
		return Revoked
	case !now.Before(last.Until):
		return Expired
	case now.Sub(used) > unusedLife:
		return Unused
	}
	return Good
}

// ErrWish says that what is wished for cannot be. It comes with a sentence that says why.
var ErrWish = errors.New("it cannot be made so")

// ErrState says that what is there is in no state for it. It comes with a sentence that says more.
var ErrState = errors.New("it cannot be done now")

// Wish says what a key is to be.
type Wish struct {
	Name        string
	Client      string // id of whose it is; empty: of a client of its own, which is made along, with the roles that it takes
	Permissions []authz.Permission
	Reports     []string          // digests of the statements that it is for; none: of all
	Networks    []netip.Prefix    // that it is used from; none: any
	Life        time.Duration     // from now, at most MaxLife
	Public      ed25519.PublicKey // nil: a secret is made, unless there is a certificate
	Certificate []byte            // SHA-256 of the certificate that its client shows
}

// Maker makes keys.
type Maker struct {
	Pepper [PepperSize]byte
	Random io.Reader // ids and secrets come from it
	Now    time.Time
}

var isDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// check says what is wrong with a wish.
func (w Wish) check() error {
	if err := CheckName("key", w.Name, 64); err != nil {
		return err
	}
	if len(w.Permissions) == 0 {
		return errors.New("a key without a permission opens nothing")
	}
	if err := checkDigests(w.Reports); err != nil {
		return err
	}
	if err := checkNetworks(w.Networks); err != nil {
		return err
	}
	if authz.Writes(w.Permissions...) {
		switch {
		case w.Public == nil && w.Certificate == nil:
			return errOpen
		case len(w.Networks) == 0:
			return errors.New("a key that may change something names the networks that it is used from")
		}
	}
	return checkLife(w.Life)
}

// errOpen says that a secret, which goes over the wire with each request, is too little for a key.
var errOpen = errors.New("a key that may change something has no secret: its client signs requests with a key of its own, or shows a certificate")

// The widest networks that a key may be used from, in bits: what is wider keeps nobody away.
const widest4, widest6 = 8, 32

func checkNetworks(all []netip.Prefix) error {
	for _, n := range all {
		least := widest4
		if n.Addr().Is6() {
			least = widest6
		}
		if n.Bits() < least {
			return fmt.Errorf("the network %s is wider than /%d, which keeps nobody away: leave it out, or name those that the key is used from", n, least)
		}
	}
	return nil
}

func checkLife(life time.Duration) error {
	if life <= 0 || life > MaxLife {
		return fmt.Errorf("a key is good for 1 to %d days", MaxLife/day)
	}
	return nil
}

// Issue makes a key, with a secret unless the wish has a public key, and returns its record. The secret is nowhere else afterwards.
// The error is [ErrWish] for what cannot be, [ErrState] for a client that is not let in, or [store.ErrUnknown] for none.
func (m Maker) Issue(ctx context.Context, tx *store.Tx, w Wish) (store.Key, Secret, error) {
	if err := w.check(); err != nil {
		return store.Key{}, Secret{}, fmt.Errorf("%w: %w", ErrWish, err)
	}
	client, err := m.clientOf(ctx, tx, w)
	if err != nil {
		return store.Key{}, Secret{}, err
	}
	id, err := m.newID()
	if err != nil {
		return store.Key{}, Secret{}, err
	}
	now := m.Now.UTC().Truncate(time.Second)
	k := store.Key{ID: id, Client: client.ID, Name: w.Name, Reports: w.Reports, Created: now}
	for _, p := range w.Permissions {
		k.Permissions = append(k.Permissions, string(p))
	}
	for _, n := range w.Networks {
		k.Networks = append(k.Networks, n.Masked().String())
	}
	secret, err := m.add(&k, shown{w.Public, w.Certificate}, w.Life)
	if err == nil {
		err = m.unbound(ctx, tx, k.ID, w.Certificate)
	}
	if err != nil {
		return store.Key{}, Secret{}, err
	}
	if err := tx.CreateKey(ctx, k); err != nil {
		return store.Key{}, Secret{}, err
	}
	return k, secret, m.record(ctx, tx, "key.create", k.ID)
}

// clientOf is whose a key is to be; it may what the key may.
func (m Maker) clientOf(ctx context.Context, tx *store.Tx, w Wish) (store.Client, error) {
	if w.Client == "" {
		e := Enrolment{Name: w.Name, Roles: authz.RolesFor(w.Permissions), Tier: Standard}
		if slices.Contains(e.Roles, authz.Auditor) {
			e.Expires = m.Now.Add(min(w.Life, AuditorLife))
		}
		return m.Enrol(ctx, tx, e)
	}
	c, err := tx.Client(ctx, w.Client)
	if err != nil {
		return c, err
	}
	if state := ClientState(c, m.Now); state != Good {
		return c, fmt.Errorf("%w: the client %s is %s", ErrState, c.ID, state)
	}
	if c.Kind == store.Person {
		return c, fmt.Errorf("%w: a person has no API keys, and the client %s is one", ErrWish, c.ID)
	}
	if c.Kind == store.OfApp {
		return c, fmt.Errorf("%w: an app has tokens and no API keys, and the client %s is one", ErrWish, c.ID)
	}
	if may := authz.Of(RolesOf(c)...); !authz.Within(may, w.Permissions) {
		return c, fmt.Errorf("%w: a key may no more than its client, and the client %s may %v", ErrWish, c.ID, may)
	}
	return c, nil
}

func (m Maker) record(ctx context.Context, tx *store.Tx, action, id string) error {
	return audit.Record(ctx, tx, audit.Act{At: m.Now, Action: action, Object: id, Outcome: audit.Done})
}

// shown is what a client is to show; nothing: a secret that is made for it.
type shown struct {
	public      ed25519.PublicKey
	certificate []byte
}

// check says what is wrong with it.
func (s shown) check() error {
	switch {
	case s.public != nil && s.certificate != nil:
		return errors.New("a key is shown by a signature or by a certificate, not by both")
	case s.public != nil && len(s.public) != ed25519.PublicKeySize:
		return fmt.Errorf("a public key of %d bytes, want %d", len(s.public), ed25519.PublicKeySize)
	case s.certificate != nil && len(s.certificate) != sha256.Size:
		return fmt.Errorf("a certificate's digest of %d bytes, want %d", len(s.certificate), sha256.Size)
	}
	return nil
}

// add gives a key its next credential.
func (m Maker) add(k *store.Key, by shown, life time.Duration) (Secret, error) {
	if err := by.check(); err != nil {
		return Secret{}, fmt.Errorf("%w: %w", ErrWish, err)
	}
	now := m.Now.UTC().Truncate(time.Second)
	c := store.Credential{Public: by.public, Certificate: by.certificate, Created: now, Until: now.Add(life)}
	var s Secret
	if by.public == nil && by.certificate == nil {
		var secret [secretSize]byte
		if _, err := io.ReadFull(m.Random, secret[:]); err != nil {
			return Secret{}, err
		}
		s = newSecret(k.ID, secret)
		c.MAC = s.mac(m.Pepper)
	}
	k.Credentials = append(k.Credentials, c)
	return s, nil
}

// Rotate gives a key another credential, good for life; the one before it is good for the overlap still. No more than two
// are good at once. The error is [ErrWish], [ErrState] for a key that is in no state for it, or [store.ErrUnknown].
func (m Maker) Rotate(ctx context.Context, tx *store.Tx, id string, public ed25519.PublicKey, life, overlap time.Duration) (store.Key, Secret, error) {
	return m.rotate(ctx, tx, id, shown{public: public}, life, overlap)
}

// Bind rotates a key to a certificate, by its SHA-256: from then on its client shows that.
func (m Maker) Bind(ctx context.Context, tx *store.Tx, id string, certificate []byte, life, overlap time.Duration) (store.Key, error) {
	k, _, err := m.rotate(ctx, tx, id, shown{certificate: certificate}, life, overlap)
	return k, err
}

func (m Maker) rotate(ctx context.Context, tx *store.Tx, id string, by shown, life, overlap time.Duration) (k store.Key, s Secret, err error) {
	if err := checkLife(life); err != nil {
		return k, s, fmt.Errorf("%w: %w", ErrWish, err)
	}
	if overlap < 0 || overlap > MaxOverlap {
		return k, s, fmt.Errorf("%w: a key's former credential is good for at most %d days more", ErrWish, MaxOverlap/day)
	}
	err = tx.ChangeKey(ctx, id, func(old *store.Key) error {
		if !old.Revoked.IsZero() {
			return fmt.Errorf("%w: the API key %s is revoked: make another one", ErrState, id)
		}
		if by.public == nil && by.certificate == nil && mayWrite(*old) {
			return fmt.Errorf("%w: %w", ErrWish, errOpen)
		}
		end, live := m.Now.UTC().Truncate(time.Second).Add(overlap), 0
		for i := range old.Credentials {
			c := &old.Credentials[i]
			if end.Before(c.Until) {
				c.Until = end
			}
			live += living(*c, m.Now)
		}
		if live >= maxLive {
			last := old.Credentials[len(old.Credentials)-maxLive].Until
			return fmt.Errorf("%w: the API key %s has two credentials already, and the older one is good until %s: wait, or rotate with no overlap", ErrState, id, last.Format(time.RFC3339))
		}
		if s, err = m.add(old, by, life); err != nil {
			return err
		}
		k = *old
		return m.unbound(ctx, tx, id, by.certificate)
	})
	if err != nil {
		return k, s, err
	}
	return k, s, m.record(ctx, tx, "key.rotate", id)
}

// unbound refuses a certificate by which another key is shown that is not over: whoever has that one would be taken for somebody else.
func (m Maker) unbound(ctx context.Context, tx *store.Tx, id string, certificate []byte) error {
	if certificate == nil {
		return nil
	}
	others, err := tx.KeysByCertificate(ctx, certificate)
	if err != nil {
		return err
	}
	for _, k := range others {
		if k.ID == id || !k.Revoked.IsZero() {
			continue
		}
		for _, c := range k.Credentials {
			if bytes.Equal(c.Certificate, certificate) && living(c, m.Now) == 1 {
				return fmt.Errorf("%w: another API key is bound to that certificate: have it revoked, or show another one", ErrState)
			}
		}
	}
	return nil
}

func mayWrite(k store.Key) bool {
	return slices.ContainsFunc(k.Permissions, func(p string) bool { return authz.Writes(authz.Permission(p)) })
}

// Revoke ends a key for good.
func (m Maker) Revoke(ctx context.Context, tx *store.Tx, id string) error {
	if err := tx.RevokeKey(ctx, id, m.Now); err != nil {
		return err
	}
	return m.record(ctx, tx, "key.revoke", id)
}

// ParseNetworks reads prefixes such as 10.0.0.0/8 or 2001:db8::/32, or single addresses.
func ParseNetworks(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, bad := netip.ParseAddr(text)
			if bad != nil || a.Zone() != "" {
				return nil, fmt.Errorf("%q is no network such as 10.0.0.0/8, and no address", text)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		if p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is a network of IPv4: write it as one", text)
		}
		if p != p.Masked() {
			return nil, fmt.Errorf("%q has bits beyond its length: did you mean %s?", text, p.Masked())
		}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all, nil
}

package authn

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

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

// Wish says what a key is to be.
type Wish struct {
	Name        string
	Permissions []authz.Permission
	Reports     []string          // digests of the statements that it is for; none: of all
	Networks    []netip.Prefix    // that it is used from; none: any
	Life        time.Duration     // from now, at most MaxLife
	Public      ed25519.PublicKey // nil: a secret is made
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
	if w.Name == "" || !utf8.ValidString(w.Name) || len(w.Name) > 64 {
		return errors.New("a key's name has 1 to 64 bytes")
	}
	for _, c := range w.Name {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("a key's name is of printable characters, and %q is not", c)
		}
	}
	if keyText.MatchString(w.Name) {
		return errors.New("an API key is no name: revoke it, it may have been seen")
	}
	if len(w.Permissions) == 0 {
		return errors.New("a key without a permission opens nothing")
	}
	for _, r := range w.Reports {
		if !isDigest.MatchString(r) {
			return fmt.Errorf("%q is no digest of a statement, which has 64 hex digits in lower case", r)
		}
	}
	return checkLife(w.Life)
}

func checkLife(life time.Duration) error {
	if life <= 0 || life > MaxLife {
		return fmt.Errorf("a key is good for 1 to %d days", MaxLife/day)
	}
	return nil
}

// Issue makes a key, with a secret unless the wish has a public key, and returns its record. The secret is nowhere else afterwards.
func (m Maker) Issue(ctx context.Context, tx *store.Tx, w Wish) (store.Key, Secret, error) {
	if err := w.check(); err != nil {
		return store.Key{}, Secret{}, err
	}
	var id [idSize]byte
	if _, err := io.ReadFull(m.Random, id[:]); err != nil {
		return store.Key{}, Secret{}, err
	}
	now := m.Now.UTC().Truncate(time.Second)
	k := store.Key{ID: spelling.EncodeToString(id[:]), Name: w.Name, Reports: w.Reports, Created: now}
	for _, p := range w.Permissions {
		k.Permissions = append(k.Permissions, string(p))
	}
	for _, n := range w.Networks {
		k.Networks = append(k.Networks, n.Masked().String())
	}
	secret, err := m.add(&k, w.Public, w.Life)
	if err != nil {
		return store.Key{}, Secret{}, err
	}
	if err := tx.CreateKey(ctx, k); err != nil {
		return store.Key{}, Secret{}, err
	}
	return k, secret, m.record(ctx, tx, "key.create", k.ID)
}

func (m Maker) record(ctx context.Context, tx *store.Tx, action, id string) error {
	return audit.Record(ctx, tx, audit.Act{At: m.Now, Action: action, Object: id, Outcome: audit.Done})
}

// add gives a key its next credential.
func (m Maker) add(k *store.Key, public ed25519.PublicKey, life time.Duration) (Secret, error) {
	now := m.Now.UTC().Truncate(time.Second)
	c := store.Credential{Public: public, Created: now, Until: now.Add(life)}
	var s Secret
	if public == nil {
		var secret [secretSize]byte
		if _, err := io.ReadFull(m.Random, secret[:]); err != nil {
			return Secret{}, err
		}
		s = newSecret(k.ID, secret)
		c.MAC = s.mac(m.Pepper)
	} else if len(public) != ed25519.PublicKeySize {
		return Secret{}, fmt.Errorf("a public key of %d bytes, want %d", len(public), ed25519.PublicKeySize)
	}
	k.Credentials = append(k.Credentials, c)
	return s, nil
}

// Rotate gives a key another credential, good for life; the one before it is good for the overlap still. No more than two
// are good at once.
func (m Maker) Rotate(ctx context.Context, tx *store.Tx, id string, public ed25519.PublicKey, life, overlap time.Duration) (k store.Key, s Secret, err error) {
	if err := checkLife(life); err != nil {
		return k, s, err
	}
	if overlap < 0 || overlap > MaxOverlap {
		return k, s, fmt.Errorf("a key's former credential is good for at most %d days more", MaxOverlap/day)
	}
	err = tx.ChangeKey(ctx, id, func(old *store.Key) error {
		if !old.Revoked.IsZero() {
			return fmt.Errorf("the API key %s is revoked: make another one", id)
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
			return fmt.Errorf("the API key %s has two credentials already, and the older one is good until %s: wait, or rotate with no overlap", id, last.Format(time.RFC3339))
		}
		s, err = m.add(old, public, life)
		k = *old
		return err
	})
	if err != nil {
		return k, s, err
	}
	return k, s, m.record(ctx, tx, "key.rotate", id)
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

package api

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

const keysPath = "/v1/keys"

type keyInput struct {
	ID string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the API key"`
}

type keysInput struct {
	Paged
	Client string `query:"client" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Only keys of this client"`
}

// addKeys adds API keys: everybody sees and ends those of their own client, and gives their own another secret.
func (a *api) addKeys() {
	if a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{keysPath, "keys", tagClients, "The API keys that you may see, oldest first", schema[Keys](a)}, a.keys)
	addPrivate(a, operation{keysPath + "/{id}", "key", tagClients, "One API key", schema[Key](a)}, func(ctx context.Context, who *authn.Principal, in *keyInput) (Answer, error) {
		k, err := a.config.Acts.Store.Key(ctx, in.ID)
		if err = unavailable(err); err == nil {
			err = seen(who, k)
		}
		if err != nil {
			return Answer{}, err
		}
		return jsonOf(keyOf(k, a.config.Acts.Now()))
	})
	of := objectOf("id", isID, "Id of the API key")
	addAct(a, act{method: http.MethodPost, path: keysPath, id: "key-create", tag: tagClients, summary: "Make an API key; its secret is shown once", creates: true, second: authz.KeyWrite, most: 64 << 10}, a.issue)
	addAct(a, act{method: http.MethodPost, path: keysPath + "/{id}:rotate", id: "key-rotate", tag: tagClients, summary: "Give an API key another secret, public key or certificate; it is shown once, and the old one is good for a while still", of: of, creates: true, second: authz.KeyWrite,
		alone: func(c *call) bool { return c.of == c.who.ID }}, a.rotate)
	addAct(a, act{method: http.MethodPost, path: keysPath + "/{id}:revoke", id: "key-revoke", tag: tagClients, summary: "End an API key for good, from the next request on", of: of}, a.revoke)
}

// seen refuses a key that whoever asks may not see, as if it were not there.
func seen(who *authn.Principal, k store.Key) error {
	if k.Client != who.Client && !authz.Allows(who.Permissions, authz.ClientRead) && !authz.Allows(who.Permissions, authz.KeyWrite) {
		return refused(http.StatusNotFound, "", noObject)
	}
	return nil
}

func (a *api) keys(ctx context.Context, who *authn.Principal, in *keysInput) (Answer, error) {
	client := in.Client
	if !authz.Allows(who.Permissions, authz.ClientRead) {
		if client != "" && client != who.Client {
			return Answer{}, refused(http.StatusNotFound, "", noObject)
		}
		client = who.Client
	}
	list := "keys of " + client
	after, err := a.after(who, list, in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	page, err := a.config.Acts.Store.KeysOf(ctx, client, after, in.Limit+1)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out, now := Keys{Keys: []Key{}}, a.config.Acts.Now()
	for i, k := range page {
		if i == in.Limit {
			out.Next = a.next(who, list, page[i-1].ID)
			break
		}
		out.Keys = append(out.Keys, keyOf(k, now))
	}
	return jsonOf(out)
}

func (a *api) issue(ctx context.Context, c *call, in *KeyWish) (MadeKey, error) {
	if err := manages(c.who); err != nil {
		return MadeKey{}, err
	}
	w := authn.Wish{Name: in.Name, Client: in.Client, Reports: in.Reports, Life: days(in.Days)}
	var err error
	if w.Permissions, err = authz.Parse(in.Permissions); err == nil {
		w.Networks, err = authn.ParseNetworks(in.Networks)
	}
	if err == nil {
		w.Public, err = publicKey(in.PublicKey)
	}
	if err == nil && in.Certificate != "" {
		w.Certificate, err = hex.DecodeString(in.Certificate)
	}
	if err != nil {
		return MadeKey{}, refused(http.StatusUnprocessableEntity, "", err.Error())
	}
	if err := gives(c.who, w.Permissions); err != nil {
		return MadeKey{}, err
	}
	k, secret, err := a.maker(c).Issue(ctx, c.tx, w)
	if err != nil {
		return MadeKey{}, refusalOf(err)
	}
	c.location = keysPath + "/" + k.ID
	return MadeKey{keyOf(k, c.now), secret.Show()}, nil
}

// gives refuses to let anybody have what whoever asks has not.
func gives(who *authn.Principal, wanted []authz.Permission) error {
	if !authz.Within(who.Permissions, wanted) {
		return refused(http.StatusForbidden, "permission-denied", "nobody gives what they have not themselves: see permissions in /v1/me")
	}
	return nil
}

// rotate gives somebody's own key another secret; of another's key it takes all that the key may, since its secret is shown.
func (a *api) rotate(ctx context.Context, c *call, in *RotateWish) (MadeKey, error) {
	k, err := c.tx.Key(ctx, c.of)
	if err != nil {
		return MadeKey{}, refusalOf(err)
	}
	if err := a.mayRotate(c.who, k); err != nil {
		return MadeKey{}, err
	}
	public, err := publicKey(in.PublicKey)
	if err != nil {
		return MadeKey{}, refused(http.StatusUnprocessableEntity, "", err.Error())
	}
	life, err := lifeOf(c.who, k, in.Days)
	if err != nil {
		return MadeKey{}, err
	}
	overlap := authn.Overlap
	if in.Overlap != nil {
		overlap = time.Duration(*in.Overlap) * time.Hour
	}
	var secret authn.Secret
	switch {
	case in.Certificate == "":
		k, secret, err = a.maker(c).Rotate(ctx, c.tx, c.of, public, life, overlap)
	case public != nil:
		return MadeKey{}, refused(http.StatusUnprocessableEntity, "", "give publicKey or certificate, not both")
	default:
		k, err = a.bind(ctx, c, in.Certificate, life, overlap)
	}
	if err != nil {
		return MadeKey{}, refusalOf(err)
	}
	c.location = keysPath + "/" + k.ID
	return MadeKey{keyOf(k, c.now), secret.Show()}, nil
}

// lifeOf is how long a key is good for that is rotated: whoever may make none gives their own no longer than it was given.
func lifeOf(who *authn.Principal, k store.Key, wanted int) (time.Duration, error) {
	life := days(wanted)
	if authz.Allows(who.Permissions, authz.KeyWrite) {
		return life, nil
	}
	last := k.Credentials[len(k.Credentials)-1]
	given := last.Until.Sub(last.Created)
	switch {
	case wanted == 0:
		return min(life, given), nil
	case life > given:
		return 0, refused(http.StatusForbidden, "permission-denied", "a key makes itself good for no longer than it was made for: leave days out, or say less")
	}
	return life, nil
}

// bind rotates a key to a certificate.
func (a *api) bind(ctx context.Context, c *call, certificate string, life, overlap time.Duration) (store.Key, error) {
	sum, err := hex.DecodeString(certificate)
	if err != nil {
		return store.Key{}, err
	}
	return a.maker(c).Bind(ctx, c.tx, c.of, sum, life, overlap)
}

func (a *api) mayRotate(who *authn.Principal, k store.Key) error {
	if k.ID == who.ID {
		return nil
	}
	if err := seen(who, k); err != nil {
		return err
	}
	if !authz.Allows(who.Permissions, authz.KeyWrite) {
		return refused(http.StatusForbidden, "permission-denied", "another key than the one you ask with takes "+string(authz.KeyWrite))
	}
	if err := manages(who); err != nil {
		return err
	}
	all := make([]authz.Permission, len(k.Permissions))
	for i, p := range k.Permissions {
		all[i] = authz.Permission(p)
	}
	return gives(who, all)
}

// revoke ends a key of whoever asks, or of anybody by who may.
func (a *api) revoke(ctx context.Context, c *call, _ *nothing) (Key, error) {
	k, err := c.tx.Key(ctx, c.of)
	if err != nil {
		return Key{}, refusalOf(err)
	}
	if err := seen(c.who, k); err != nil {
		return Key{}, err
	}
	if k.Client != c.who.Client && !authz.Allows(c.who.Permissions, authz.KeyWrite) {
		return Key{}, refused(http.StatusForbidden, "permission-denied", "a key of another client takes "+string(authz.KeyWrite))
	}
	if k.Client != c.who.Client {
		if err := manages(c.who); err != nil {
			return Key{}, err
		}
	}
	if err := a.maker(c).Revoke(ctx, c.tx, c.of); err != nil {
		return Key{}, refusalOf(err)
	}
	k, err = c.tx.Key(ctx, c.of)
	return keyOf(k, c.now), refusalOf(err)
}

// publicKey reads the public key of a client; nil if none is given.
func publicKey(text string) (ed25519.PublicKey, error) {
	if text == "" {
		return nil, nil
	}
	k, err := attest.ParsePublicKey(text)
	if err != nil {
		return nil, err
	}
	if k.SmallOrder() {
		return nil, refused(http.StatusUnprocessableEntity, "", "publicKey: it is of small order, and everybody could sign for it")
	}
	return hex.DecodeString(strings.TrimPrefix(k.String(), string(attest.Ed25519)+":"))
}

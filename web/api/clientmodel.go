package api

import (
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// Clients is a page of the clients, oldest first.
type Clients struct {
	Clients []Client `json:"clients" nullable:"false" maxItems:"500"`
	Next    string   `json:"next,omitempty" maxLength:"256" doc:"Cursor for the clients after these; missing on the last page"`
}

// Client is whoever asks, as the exchange knows them: a service of its own, an auditor.
type Client struct {
	ID      string   `json:"id" minLength:"16" maxLength:"16"`
	Name    string   `json:"name" maxLength:"64"`
	Kind    string   `json:"kind" enum:"machine,person,app,external" doc:"A person signs in (see /v1/people), a machine has API keys, an app has tokens; whoever is external has one of the exchange's identity provider, and is in no list"`
	State   string   `json:"state" enum:"good,disabled,expired"`
	Roles   []string `json:"roles" nullable:"false" maxLength:"32" maxItems:"16" doc:"Its keys may a part of what these may: see /v1/roles"`
	Tier    string   `json:"tier" maxLength:"32" doc:"What its limits are by"`
	Scope   Scope    `json:"scope" doc:"Which statements it is for"`
	Created string   `json:"created" format:"date-time" maxLength:"20"`
	Expires string   `json:"expires,omitempty" format:"date-time" maxLength:"20" doc:"Missing where it does not"`
}

// Scope is which statements somebody is for; a filter that is missing lets all through.
type Scope struct {
	Entities []string `json:"entities,omitempty" nullable:"false" minLength:"1" maxLength:"256" minItems:"1" maxItems:"64" doc:"Legal entities that the statement is of"`
	Reports  []string `json:"reports,omitempty" nullable:"false" minLength:"64" maxLength:"64" minItems:"1" maxItems:"500" doc:"Digests of statements"`
	From     string   `json:"from,omitempty" format:"date" minLength:"10" maxLength:"10" doc:"Day of the first instant"`
	Until    string   `json:"until,omitempty" format:"date" minLength:"10" maxLength:"10" doc:"Day of the last"`
}

// ClientWish says what a client is to be.
type ClientWish struct {
	Name    string   `json:"name" minLength:"1" maxLength:"64"`
	Roles   []string `json:"roles" nullable:"false" maxLength:"32" minItems:"1" maxItems:"16" doc:"Of those in /v1/roles"`
	Tier    string   `json:"tier,omitempty" enum:"basic,standard,partner" default:"standard"`
	Scope   Scope    `json:"scope,omitempty"`
	Expires string   `json:"expires,omitempty" format:"date-time" maxLength:"20" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" doc:"UTC, to the second; auditors need one, of 180 days at most"`
}

// enrolment is the wish as it is granted.
func (w ClientWish) enrolment() (e authn.Enrolment, err error) {
	e = authn.Enrolment{Name: w.Name, Tier: w.Tier, Scope: authz.Scope(w.Scope)}
	if e.Tier == "" {
		e.Tier = authn.Standard
	}
	if w.Expires != "" {
		if e.Expires, err = time.Parse(time.RFC3339, w.Expires); err != nil {
			return e, err
		}
	}
	e.Roles, err = authz.ParseRoles(w.Roles)
	return e, err
}

// Keys is a page of API keys, oldest first.
type Keys struct {
	Keys []Key  `json:"keys" nullable:"false" maxItems:"500"`
	Next string `json:"next,omitempty" maxLength:"256" doc:"Cursor for the keys after these; missing on the last page"`
}

// Key is an API key, without its secret.
type Key struct {
	ID          string   `json:"id" minLength:"16" maxLength:"16"`
	Client      string   `json:"client" minLength:"16" maxLength:"16"`
	Name        string   `json:"name" maxLength:"64"`
	State       string   `json:"state" enum:"good,revoked,expired,unused" doc:"unused: for 60 days, and of no use until it is rotated"`
	By          string   `json:"by" enum:"secret,signature,certificate" doc:"How its client shows that it has it"`
	Permissions []string `json:"permissions" nullable:"false" maxLength:"32" maxItems:"64"`
	Reports     []string `json:"reports,omitempty" nullable:"false" minLength:"64" maxLength:"64" maxItems:"500" doc:"Digests of the statements that it is for; missing: all of its client's"`
	Networks    []string `json:"networks,omitempty" nullable:"false" maxLength:"64" maxItems:"64" doc:"That it is used from; missing: any"`
	Created     string   `json:"created" format:"date-time" maxLength:"20"`
	Expires     string   `json:"expires" format:"date-time" maxLength:"20"`
	Former      string   `json:"former,omitempty" format:"date-time" maxLength:"20" doc:"Until when the credential before is good still"`
	Used        string   `json:"used,omitempty" format:"date-time" maxLength:"20" doc:"About when it was last used"`
}

// MadeKey is a key that was made or rotated, and its secret, if it has one, this once.
type MadeKey struct {
	Key
	Secret string `json:"key,omitempty" maxLength:"128" doc:"To be sent in the field Assay-Key; it is not shown again"`
}

// KeyWish says what a key is to be.
type KeyWish struct {
	Client      string   `json:"client" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Whose it is"`
	Name        string   `json:"name" minLength:"1" maxLength:"64" doc:"What it is for"`
	Permissions []string `json:"permissions" nullable:"false" maxLength:"32" minItems:"1" maxItems:"64" doc:"Of those that its client and you have"`
	Reports     []string `json:"reports,omitempty" nullable:"false" minLength:"64" maxLength:"64" minItems:"1" maxItems:"500" doc:"Digests of the statements that it is for"`
	Networks    []string `json:"networks,omitempty" nullable:"false" maxLength:"64" minItems:"1" maxItems:"64" doc:"That it is used from, such as 192.0.2.0/24"`
	Days        int      `json:"days,omitempty" minimum:"1" maximum:"365" default:"90" doc:"How long it is good"`
	PublicKey   string   `json:"publicKey,omitempty" maxLength:"72" pattern:"^ed25519:[0-9a-f]{64}$" doc:"That its client signs requests with, instead of a secret"`
	Certificate string   `json:"certificate,omitempty" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of the certificate that its client shows, instead of a secret"`
}

// RotateWish says what the next credential of a key is to be.
type RotateWish struct {
	Days        int    `json:"days,omitempty" minimum:"1" maximum:"365" default:"90" doc:"How long it is good, from now"`
	Overlap     *int   `json:"overlap,omitempty" minimum:"0" maximum:"168" default:"24" doc:"How many hours the former one is good still"`
	PublicKey   string `json:"publicKey,omitempty" maxLength:"72" pattern:"^ed25519:[0-9a-f]{64}$" doc:"That its client signs requests with from now on, instead of a secret"`
	Certificate string `json:"certificate,omitempty" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of the certificate that its client shows from now on, instead of a secret"`
}

// Me is who asks, as the server sees them.
type Me struct {
	Client      Client   `json:"client"`
	Key         *Key     `json:"key,omitempty" doc:"Of a machine"`
	Session     *Session `json:"session,omitempty" doc:"Of a person"`
	Permissions []string `json:"permissions" nullable:"false" maxLength:"32" maxItems:"64" doc:"That key and client both have"`
	Second      bool     `json:"second" doc:"What changes people, limits or keys takes a second person (see /v1/proposals)"`
}

// Roles are the roles that there are.
type Roles struct {
	Roles []RoleRecord `json:"roles" nullable:"false" maxItems:"16"`
}

// RoleRecord is a role and what it may.
type RoleRecord struct {
	Role        string   `json:"role" maxLength:"32"`
	Permissions []string `json:"permissions" nullable:"false" maxLength:"32" maxItems:"64"`
}

func clientOf(c store.Client, now time.Time) Client {
	return Client{ID: c.ID, Name: c.Name, Kind: c.Kind, State: authn.ClientState(c, now), Roles: c.Roles, Tier: c.Tier, Scope: Scope(c.Scope), Created: stamp(c.Created), Expires: stamp(c.Expires)}
}

func keyOf(k store.Key, now time.Time) Key {
	last := k.Credentials[len(k.Credentials)-1]
	out := Key{ID: k.ID, Client: k.Client, Name: k.Name, State: authn.State(k, now), By: "secret", Permissions: k.Permissions, Reports: k.Reports, Networks: k.Networks,
		Created: stamp(k.Created), Expires: stamp(last.Until), Used: stamp(k.Used)}
	switch {
	case last.Public != nil:
		out.By = "signature"
	case last.Certificate != nil:
		out.By = "certificate"
	}
	if n := len(k.Credentials); n > 1 && now.Before(k.Credentials[n-2].Until) {
		out.Former = stamp(k.Credentials[n-2].Until)
	}
	return out
}

// stamp is a time to the second, or nothing.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

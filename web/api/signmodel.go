package api

import (
	"encoding/json"

	"github.com/danielgtaylor/huma/v2"

	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

// anyObject is an object of which the document says nothing: WebAuthn does, or whoever reads it elsewhere.
type anyObject struct{ json.RawMessage }

// Schema is for the document.
func (anyObject) Schema(huma.Registry) *huma.Schema {
	most := 64
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, MaxProperties: &most}
}

func objectOfJSON(v any) (anyObject, error) {
	raw, err := json.Marshal(v)
	return anyObject{raw}, err
}

// PasskeyAsked is what a browser is to ask an authenticator for.
type PasskeyAsked struct {
	Options anyObject `json:"options" doc:"For navigator.credentials: PublicKeyCredentialRequestOptionsJSON of WebAuthn, or of something new PublicKeyCredentialCreationOptionsJSON"`
}

// InvitationAsked is what somebody who is invited may enrol with: a passkey, or else a password and a second factor.
type InvitationAsked struct {
	Name    string    `json:"name" maxLength:"64" doc:"Who is invited"`
	Login   string    `json:"login" maxLength:"64" doc:"The name that they will sign in by, if by a password"`
	Options anyObject `json:"options" doc:"PublicKeyCredentialCreationOptionsJSON of WebAuthn"`
	TOTP    string    `json:"totp" maxLength:"1024" doc:"For an authenticator app, if it is to be a password: an otpauth: URI"`
}

// TOTPAsked is what an authenticator app is given.
type TOTPAsked struct {
	TOTP string `json:"totp" maxLength:"1024" doc:"An otpauth: URI"`
}

// Shown is how a browser shows a passkey (AuthenticationResponseJSON of WebAuthn, without what extensions say).
type Shown struct {
	ID         string        `json:"id" minLength:"1" maxLength:"1400" pattern:"^[A-Za-z0-9_-]+$"`
	RawID      string        `json:"rawId" minLength:"1" maxLength:"1400" pattern:"^[A-Za-z0-9_-]+$"`
	Type       string        `json:"type" enum:"public-key"`
	Attachment string        `json:"authenticatorAttachment,omitempty" enum:"platform,cross-platform"`
	Response   ShownResponse `json:"response"`
}

// ShownResponse is the part of it that is signed; all in base64url.
type ShownResponse struct {
	ClientData        string `json:"clientDataJSON" minLength:"1" maxLength:"8192" pattern:"^[A-Za-z0-9_-]+$"`
	AuthenticatorData string `json:"authenticatorData" minLength:"1" maxLength:"8192" pattern:"^[A-Za-z0-9_-]+$"`
	Signature         string `json:"signature" minLength:"1" maxLength:"2048" pattern:"^[A-Za-z0-9_-]+$"`
	UserHandle        string `json:"userHandle,omitempty" maxLength:"128" pattern:"^[A-Za-z0-9_-]+$"`
}

// Registered is how a browser shows a new passkey (RegistrationResponseJSON of WebAuthn, without what extensions say).
type Registered struct {
	ID         string             `json:"id" minLength:"1" maxLength:"1400" pattern:"^[A-Za-z0-9_-]+$"`
	RawID      string             `json:"rawId" minLength:"1" maxLength:"1400" pattern:"^[A-Za-z0-9_-]+$"`
	Type       string             `json:"type" enum:"public-key"`
	Attachment string             `json:"authenticatorAttachment,omitempty" enum:"platform,cross-platform"`
	Response   RegisteredResponse `json:"response"`
}

// RegisteredResponse is what of it is looked at; all in base64url.
type RegisteredResponse struct {
	ClientData        string   `json:"clientDataJSON" minLength:"1" maxLength:"8192" pattern:"^[A-Za-z0-9_-]+$"`
	AttestationObject string   `json:"attestationObject" minLength:"1" maxLength:"16384" pattern:"^[A-Za-z0-9_-]+$"`
	Transports        []string `json:"transports,omitempty" nullable:"false" maxLength:"32" maxItems:"8"`
}

// SignIn shows a passkey.
type SignIn struct {
	Credential Shown `json:"credential"`
}

// PasswordSignIn shows a password and a code of the second factor.
type PasswordSignIn struct {
	Login    string `json:"login" minLength:"1" maxLength:"64"`
	Password string `json:"password" minLength:"1" maxLength:"512"`
	Code     string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" doc:"That the authenticator app shows"`
}

// Recovery shows a code of those that were given for the day on which all else is lost.
type Recovery struct {
	Login string `json:"login" minLength:"1" maxLength:"64"`
	Code  string `json:"code" minLength:"1" maxLength:"64"`
}

// Invited is an invitation.
type Invited struct {
	Invitation string `json:"invitation" minLength:"1" maxLength:"128" pattern:"^[a-z2-7.]+$" doc:"What stands behind the # of the link; it is good once, for a quarter of an hour"`
}

// EnrolWish gives whoever is invited a passkey.
type EnrolWish struct {
	Invited
	PasskeyWish
}

// PasskeyWish is a new passkey.
type PasskeyWish struct {
	Name       string     `json:"name" minLength:"1" maxLength:"64" doc:"What its owner calls it"`
	Credential Registered `json:"credential"`
}

// EnrolPassword gives whoever is invited a password and a second factor.
type EnrolPassword struct {
	Invited
	PasswordWish
}

// PasswordWish is a new password, and a code of the second factor that goes with it.
type PasswordWish struct {
	Password string `json:"password" minLength:"1" maxLength:"512" doc:"15 to 128 characters"`
	Code     string `json:"code" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" doc:"That the authenticator app shows"`
}

// SignedIn is a person who has signed in; the cookie comes beside it.
type SignedIn struct {
	Client   string   `json:"client" minLength:"16" maxLength:"16" doc:"Who they are"`
	Session  Session  `json:"session"`
	Recovery []string `json:"recovery,omitempty" nullable:"false" maxLength:"64" maxItems:"10" doc:"Codes for the day on which all else is lost; they are not shown again"`
}

// Session is the time for which a person is signed in.
type Session struct {
	ID      string `json:"id" minLength:"16" maxLength:"16"`
	Class   string `json:"class" enum:"phr,mfa" doc:"How the person showed who they are: phr: by a passkey; mfa: by a password and a code"`
	Proved  string `json:"proved" format:"date-time" maxLength:"20" doc:"And when they did last"`
	Created string `json:"created" format:"date-time" maxLength:"20"`
	Seen    string `json:"seen" format:"date-time" maxLength:"20" doc:"About when it was last used; half an hour later it is over"`
	Until   string `json:"until" format:"date-time" maxLength:"20" doc:"When it is over in any case"`
	From    string `json:"from" maxLength:"64" doc:"The network in which it began"`
	Current bool   `json:"current" doc:"It is this one"`
}

// Sessions are those of a person.
type Sessions struct {
	Sessions []Session `json:"sessions" nullable:"false" maxItems:"500"`
}

// Factors are what a person signs in by.
type Factors struct {
	Passkeys []Passkey `json:"passkeys" nullable:"false" maxItems:"10"`
	Password bool      `json:"password" doc:"They have one, and a second factor"`
	Recovery int       `json:"recovery" minimum:"0" maximum:"10" doc:"How many codes are left"`
}

// Passkey is one of a person, without what it is shown by.
type Passkey struct {
	ID      string `json:"id" minLength:"16" maxLength:"16"`
	Name    string `json:"name" maxLength:"64"`
	State   string `json:"state" enum:"good,suspended" doc:"suspended: its count went back, so that there may be a copy of it"`
	Synced  bool   `json:"synced" doc:"It may lie on several devices"`
	Created string `json:"created" format:"date-time" maxLength:"20"`
	Used    string `json:"used,omitempty" format:"date-time" maxLength:"20"`
}

// RecoveryCodes are shown once.
type RecoveryCodes struct {
	Recovery []string `json:"recovery" nullable:"false" maxLength:"64" maxItems:"10"`
}

func sessionOf(s store.Session, current string) Session {
	return Session{ID: s.ID, Class: s.Class, Proved: stamp(s.Proved), Created: stamp(s.Created), Seen: stamp(s.Seen), Until: stamp(s.Until), From: s.Network, Current: s.ID == current}
}

func signedIn(in people.SignedIn) SignedIn {
	return SignedIn{Client: in.Session.Client, Session: sessionOf(in.Session, in.Session.ID), Recovery: reveal(in.Recovery)}
}

func reveal(all []hidden.Secret) []string {
	var out []string
	for _, one := range all {
		out = append(out, one.Reveal())
	}
	return out
}

func factorsOf(a store.Account) Factors {
	out := Factors{Passkeys: []Passkey{}, Password: a.Password != "", Recovery: len(a.Recovery)}
	for _, k := range a.Passkeys {
		out.Passkeys = append(out.Passkeys, passkeyOf(k))
	}
	return out
}

func passkeyOf(k store.Passkey) Passkey {
	out := Passkey{ID: people.PasskeyID(k), Name: k.Name, State: "good", Synced: k.Synced, Created: stamp(k.Created), Used: stamp(k.Used)}
	if !k.Cloned.IsZero() {
		out.State = "suspended"
	}
	return out
}

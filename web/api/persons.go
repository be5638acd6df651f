package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

const peoplePath = "/v1/people"

// Persons is a page of the people.
type Persons struct {
	People []Person `json:"people" nullable:"false" maxItems:"500"`
	Next   string   `json:"next,omitempty" maxLength:"256" doc:"Cursor for the people after these; missing on the last page"`
}

// Person is whoever signs in.
type Person struct {
	ID       string   `json:"id" minLength:"16" maxLength:"16"`
	Login    string   `json:"login" maxLength:"64" doc:"The name that they sign in by, if by a password"`
	Name     string   `json:"name" maxLength:"64"`
	State    string   `json:"state" enum:"good,disabled,expired"`
	Roles    []string `json:"roles" nullable:"false" maxLength:"32" maxItems:"16"`
	Scope    Scope    `json:"scope" doc:"Which statements they are for"`
	Created  string   `json:"created" format:"date-time" maxLength:"20"`
	Expires  string   `json:"expires,omitempty" format:"date-time" maxLength:"20" doc:"Missing where it does not"`
	Passkeys int      `json:"passkeys" minimum:"0" maximum:"10" doc:"How many let them in"`
	Password bool     `json:"password" doc:"They have one, and a second factor"`
	Sessions int      `json:"sessions" minimum:"0" maximum:"9007199254740991" doc:"How many they have now"`
}

// PersonWish says who a person is to be.
type PersonWish struct {
	Login   string   `json:"login" minLength:"2" maxLength:"64" pattern:"^[a-z0-9][a-z0-9._@+-]{1,63}$" doc:"The name that they sign in by, if by a password"`
	Name    string   `json:"name" minLength:"1" maxLength:"64"`
	Roles   []string `json:"roles" nullable:"false" maxLength:"32" minItems:"1" maxItems:"16" doc:"Of those in /v1/roles, but for service and delegate"`
	Scope   Scope    `json:"scope,omitempty"`
	Expires string   `json:"expires,omitempty" format:"date-time" maxLength:"20" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$" doc:"UTC, to the second; auditors need one, of 180 days at most"`
}

// InvitedPerson is a person with an invitation, which is shown once.
type InvitedPerson struct {
	Person
	Invitation string `json:"invitation" maxLength:"128" doc:"Good once, for a quarter of an hour"`
	Link       string `json:"link" maxLength:"512" doc:"Where it is taken: to be handed to that person, and to nobody else"`
}

type personInput struct {
	ID string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the person"`
}

// addPeople adds who signs in.
func (a *api) addPeople() {
	p := a.config.People
	if p == nil || a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{peoplePath, "people", tagPeople, "The people, by their ids", schema[Persons](a)}, a.persons)
	addPrivate(a, operation{peoplePath + "/{id}", "person", tagPeople, "One of them", schema[Person](a)}, a.onePerson)
	addPrivate(a, operation{peoplePath + "/{id}/sessions", "person-sessions", tagPeople, "Where a person is signed in, oldest first", schema[Sessions](a)}, func(ctx context.Context, who *authn.Principal, in *personInput) (Answer, error) {
		if _, err := a.config.Acts.Store.Account(ctx, in.ID); err != nil {
			return Answer{}, unavailable(err)
		}
		return a.sessions(ctx, in.ID, who)
	})
	of := objectOf("id", isID, "Id of the person")
	shown := func(ctx context.Context, c *call) (any, error) { return a.personNow(ctx, c, c.of) }
	addAct(a, act{method: http.MethodPost, path: peoplePath, id: "person-create", tag: tagPeople, summary: "Invite somebody; the invitation is shown once", creates: true, second: authz.ClientWrite, most: 64 << 10},
		func(ctx context.Context, c *call, in *PersonWish) (InvitedPerson, error) {
			w, err := a.grantedPerson(ctx, c, in)
			if err != nil {
				return InvitedPerson{}, err
			}
			made, invitation, err := p.Create(ctx, c.tx, w)
			c.location = peoplePath + "/" + made.ID
			return a.invitedPerson(ctx, c, made, invitation, err)
		})
	addAct(a, act{method: http.MethodPut, path: peoplePath + "/{id}", id: "person-change", tag: tagPeople, summary: "Make a person another one: they may from then on what they may", of: of, same: true, second: authz.ClientWrite, shown: shown, most: 64 << 10},
		func(ctx context.Context, c *call, in *PersonWish) (Person, error) {
			w, err := a.grantedPerson(ctx, c, in)
			if err = errors.Join(notOwn(c), err); err != nil {
				return Person{}, err
			}
			if _, err := p.Change(ctx, c.tx, c.of, w); err != nil {
				return Person{}, refusalOf(err)
			}
			return a.personNow(ctx, c, c.of)
		})
	turn := func(id, summary string, second authz.Permission, do func(context.Context, *store.Tx, string) (store.Client, error)) {
		addAct(a, act{method: http.MethodPost, path: peoplePath + "/{id}:" + id, id: "person-" + id, tag: tagPeople, summary: summary, of: of, same: true, second: second}, func(ctx context.Context, c *call, _ *nothing) (Person, error) {
			if err := errors.Join(notOwn(c), manages(c.who)); err != nil {
				return Person{}, err
			}
			if _, err := do(ctx, c.tx, c.of); err != nil {
				return Person{}, refusalOf(err)
			}
			return a.personNow(ctx, c, c.of)
		})
	}
	turn("disable", "Let a person in no more; their sessions end", "", p.Disable)
	turn("enable", "Let a person in again", authz.ClientWrite, p.Enable)
	addAct(a, act{method: http.MethodPost, path: peoplePath + "/{id}:reset", id: "person-reset", tag: tagPeople, summary: "Take from a person all that they sign in by, and invite them anew; the invitation is shown once", of: of, second: authz.ClientWrite},
		func(ctx context.Context, c *call, _ *nothing) (InvitedPerson, error) {
			if err := errors.Join(notOwn(c), manages(c.who)); err != nil {
				return InvitedPerson{}, err
			}
			of, invitation, err := p.Reset(ctx, c.tx, c.of)
			return a.invitedPerson(ctx, c, of, invitation, err)
		})
	addAct(a, act{method: http.MethodPost, path: "/v1/sessions/{id}:end", id: "person-session-end", tag: tagPeople, summary: "End a session, of whomever it is: they sign in anew", of: objectOf("id", isID, "Id of the session")},
		func(ctx context.Context, c *call, _ *nothing) (Session, error) {
			if err := manages(c.who); err != nil {
				return Session{}, err
			}
			s, err := p.EndSessionOf(ctx, c.tx, c.of)
			return sessionOf(s, c.who.Session), refusalOf(err)
		})
}

// records are where a person's are read.
type records interface {
	authn.Records
	SessionsOf(ctx context.Context, client string) ([]store.Session, error)
}

// person is an account with what else is known of whose it is.
func (a *api) person(ctx context.Context, in records, of store.Account) (Person, error) {
	c, err := in.Client(ctx, of.Client)
	if err != nil {
		return Person{}, err
	}
	sessions, err := in.SessionsOf(ctx, of.Client)
	out := Person{ID: c.ID, Login: of.Login, Name: c.Name, State: authn.ClientState(c, a.config.Acts.Now()), Roles: c.Roles, Scope: Scope(c.Scope), Created: stamp(c.Created), Expires: stamp(c.Expires),
		Password: of.Password != "", Sessions: len(a.config.People.Living(sessions))}
	for _, k := range of.Passkeys {
		if k.Cloned.IsZero() {
			out.Passkeys++
		}
	}
	return out, err
}

// personNow is a person as a change has them.
func (a *api) personNow(ctx context.Context, c *call, id string) (Person, error) {
	account, err := c.tx.Account(ctx, id)
	if err != nil {
		return Person{}, refusalOf(err)
	}
	out, err := a.person(ctx, c.tx, account)
	return out, refusalOf(err)
}

func (a *api) invitedPerson(ctx context.Context, c *call, of store.Client, invitation hidden.Secret, err error) (InvitedPerson, error) {
	if err != nil {
		return InvitedPerson{}, refusalOf(err)
	}
	one, err := a.personNow(ctx, c, of.ID)
	return InvitedPerson{one, invitation.Reveal(), a.config.People.Link(invitation.Reveal())}, err
}

// grantedPerson is what is wished for, of who may let others in.
func (a *api) grantedPerson(ctx context.Context, c *call, in *PersonWish) (people.Wish, error) {
	e, err := a.granted(ctx, c, &ClientWish{Name: in.Name, Roles: in.Roles, Scope: in.Scope, Expires: in.Expires})
	return people.Wish{Login: in.Login, Enrolment: e}, err
}

func (a *api) onePerson(ctx context.Context, _ *authn.Principal, in *personInput) (Answer, error) {
	account, err := a.config.Acts.Store.Account(ctx, in.ID)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	one, err := a.person(ctx, a.config.Acts.Store, account)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	return jsonOf(one)
}

func (a *api) persons(ctx context.Context, who *authn.Principal, in *Paged) (Answer, error) {
	after, err := a.after(who, tagPeople, in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	page, err := a.config.Acts.Store.Accounts(ctx, after, in.Limit+1)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out := Persons{People: []Person{}}
	for i, account := range page {
		if i == in.Limit {
			out.Next = a.next(who, tagPeople, page[i-1].Client)
			break
		}
		one, err := a.person(ctx, a.config.Acts.Store, account)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		out.People = append(out.People, one)
	}
	return jsonOf(out)
}

package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/store"
)

const (
	tagClients = "clients"

	clientsPath = "/v1/clients"
	isID        = "^[a-z2-7]{16}$"
)

type clientInput struct {
	ID string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the client"`
}

// addClients adds who may ask, where there is a database of them.
func (a *api) addClients() {
	if a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{"/v1/me", "me", tagClients, "Who you are, and what you may", schema[Me](a)}, a.me)
	addPrivate(a, operation{"/v1/roles", "roles", tagClients, "The roles, and what each may", schema[Roles](a)}, func(context.Context, *authn.Principal, *struct{}) (Answer, error) {
		return jsonOf(allRoles())
	})
	addPrivate(a, operation{clientsPath, "clients", tagClients, "The clients, oldest first", schema[Clients](a)}, a.clients)
	addPrivate(a, operation{clientsPath + "/{id}", "client", tagClients, "One client", schema[Client](a)}, func(ctx context.Context, who *authn.Principal, in *clientInput) (Answer, error) {
		c, err := a.client(ctx, who, in.ID)
		if err != nil {
			return Answer{}, err
		}
		return jsonOf(clientOf(c, a.config.Acts.Now()))
	})
	of := objectOf("id", isID, "Id of the client")
	addAct(a, act{method: http.MethodPost, path: clientsPath, id: "client-create", tag: tagClients, summary: "Make a client; it has no key yet", creates: true, same: true, most: 64 << 10}, a.enrol)
	addAct(a, act{method: http.MethodPut, path: clientsPath + "/{id}", id: "client-change", tag: tagClients, summary: "Make a client another one: its keys may from then on what it may", of: of, second: authz.ClientWrite, same: true, most: 64 << 10,
		shown: func(ctx context.Context, c *call) (any, error) {
			known, err := c.tx.Client(ctx, c.of)
			return clientOf(known, c.now), refusalOf(err)
		}}, a.changeClient)
	addAct(a, act{method: http.MethodPost, path: clientsPath + "/{id}:disable", id: "client-disable", tag: tagClients, summary: "Let in no key of a client any more", of: of, same: true}, a.switchClient(authn.Maker.Disable))
	addAct(a, act{method: http.MethodPost, path: clientsPath + "/{id}:enable", id: "client-enable", tag: tagClients, summary: "Let in the keys of a client again", of: of, second: authz.ClientWrite, same: true}, a.switchClient(authn.Maker.Enable))
}

// maker makes clients and keys as a call wants them.
func (a *api) maker(c *call) authn.Maker {
	return authn.Maker{Pepper: a.config.Acts.Pepper, Random: a.config.Acts.Random, Now: c.now}
}

// manages refuses whoever sees a part of the reports alone: they could let in others who see more.
func manages(who *authn.Principal) error {
	if who.Scope.Bounded() {
		return refused(http.StatusForbidden, "permission-denied", "who is for some reports alone lets nobody in, and keeps nobody out")
	}
	return nil
}

// refusalOf is what an error of the rooms below amounts to.
func refusalOf(err error) error {
	switch {
	case errors.Is(err, store.ErrUnknown):
		return refused(http.StatusNotFound, "", noObject)
	case errors.Is(err, authn.ErrWish):
		return refused(http.StatusUnprocessableEntity, "", err.Error())
	case errors.Is(err, people.ErrSignIn):
		return refused(http.StatusUnprocessableEntity, "", "the answer is not good, or is one to another question: begin anew")
	case errors.Is(err, authn.ErrState):
		return refused(http.StatusConflict, "", err.Error())
	}
	return err
}

// unavailable is what a read amounts to that the database did not answer.
func unavailable(err error) error {
	var no *refusal
	if err = refusalOf(err); err == nil || errors.As(err, &no) {
		return err
	}
	return refused(http.StatusServiceUnavailable, "", unreadable)
}

// client is one that whoever asks may see: themselves, and who may see all, all. Others are told as little as of one that is not there.
func (a *api) client(ctx context.Context, who *authn.Principal, id string) (store.Client, error) {
	if id != who.Client && !authz.Allows(who.Permissions, authz.ClientRead) {
		return store.Client{}, refused(http.StatusNotFound, "", noObject)
	}
	c, err := a.config.Acts.Store.Client(ctx, id)
	return c, unavailable(err)
}

func (a *api) clients(ctx context.Context, who *authn.Principal, in *Paged) (Answer, error) {
	after, err := a.after(who, tagClients, in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	page, err := a.config.Acts.Store.Clients(ctx, after, in.Limit+1)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out, now := Clients{Clients: []Client{}}, a.config.Acts.Now()
	for i, c := range page {
		if i == in.Limit {
			out.Next = a.next(who, tagClients, page[i-1].ID)
			break
		}
		out.Clients = append(out.Clients, clientOf(c, now))
	}
	return jsonOf(out)
}

func (a *api) me(ctx context.Context, who *authn.Principal, _ *struct{}) (Answer, error) {
	if who.Kind == authn.External { // there is no record
		return jsonOf(Me{Client: Client{ID: who.Client, Kind: who.Kind, State: authn.Good, Roles: texts(who.Roles), Tier: who.Tier, Created: stamp(a.config.Acts.Now())}, Permissions: texts(who.Permissions)})
	}
	c, err := a.client(ctx, who, who.Client)
	if err != nil {
		return Answer{}, err
	}
	now := a.config.Acts.Now()
	me := Me{Client: clientOf(c, now), Permissions: texts(who.Permissions)}
	if a.config.People != nil {
		if me.Second, err = a.config.People.TakesSecond(ctx, a.config.Acts.Store); err != nil {
			return Answer{}, unavailable(err)
		}
	}
	if who.Kind == store.Person {
		s, err := a.config.Acts.Store.Session(ctx, who.Session)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		shown := sessionOf(s, who.Session)
		me.Session = &shown
		return jsonOf(me)
	}
	if who.Kind == store.OfApp {
		return jsonOf(me)
	}
	k, err := a.config.Acts.Store.Key(ctx, who.ID)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	shown := keyOf(k, now)
	me.Key = &shown
	return jsonOf(me)
}

func allRoles() Roles {
	var all Roles
	for _, r := range authz.Roles() {
		all.Roles = append(all.Roles, RoleRecord{Role: string(r), Permissions: texts(authz.Of(r))})
	}
	return all
}

func texts[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = string(one)
	}
	return out
}

func (a *api) enrol(ctx context.Context, c *call, in *ClientWish) (Client, error) {
	e, err := a.granted(ctx, c, in)
	if err != nil {
		return Client{}, err
	}
	made, err := a.maker(c).Enrol(ctx, c.tx, e)
	c.location = clientsPath + "/" + made.ID
	return clientOf(made, c.now), refusalOf(err)
}

// granted is what is wished for, of who may let others in.
func (a *api) granted(ctx context.Context, c *call, in *ClientWish) (authn.Enrolment, error) {
	if err := manages(c.who); err != nil {
		return authn.Enrolment{}, err
	}
	e, err := in.enrolment()
	if err != nil {
		return e, refused(http.StatusUnprocessableEntity, "", err.Error())
	}
	return e, a.outlived(ctx, c, e.Expires)
}

// outlived refuses to let somebody in for longer than whoever asks is let in themselves; zero is for ever.
func (a *api) outlived(ctx context.Context, c *call, until time.Time) error {
	own, err := c.tx.Client(ctx, c.who.Client)
	if err == nil && !own.Expires.IsZero() && (until.IsZero() || until.After(own.Expires)) {
		return refused(http.StatusForbidden, "permission-denied", "nobody lets others in for longer than they are let in themselves: until "+own.Expires.Format(time.RFC3339))
	}
	return err
}

// notOwn refuses to let anybody make themselves another one.
func notOwn(c *call) error {
	if c.of == c.who.Client {
		return refused(http.StatusForbidden, "own-client", "nobody changes what they are themselves: another administrator does, or assay admin client")
	}
	return nil
}

// machine refuses a client that is a person.
func machine(ctx context.Context, c *call) error {
	of, err := c.tx.Client(ctx, c.of)
	if err == nil && of.Kind == store.Person {
		return refused(http.StatusConflict, "", "that client is a person: see "+peoplePath)
	}
	if err == nil && of.Kind == store.OfApp {
		return refused(http.StatusConflict, "", "that client is an app, which is changed where the server is: assay admin app")
	}
	return refusalOf(err)
}

func (a *api) changeClient(ctx context.Context, c *call, in *ClientWish) (Client, error) {
	if err := notOwn(c); err != nil {
		return Client{}, err
	}
	e, err := a.granted(ctx, c, in)
	if err != nil {
		return Client{}, err
	}
	if err := machine(ctx, c); err != nil {
		return Client{}, err
	}
	changed, err := a.maker(c).ChangeClient(ctx, c.tx, c.of, e)
	return clientOf(changed, c.now), refusalOf(err)
}

func (a *api) switchClient(turn func(authn.Maker, context.Context, *store.Tx, string) (store.Client, error)) func(context.Context, *call, *nothing) (Client, error) {
	return func(ctx context.Context, c *call, _ *nothing) (Client, error) {
		if err := errors.Join(notOwn(c), manages(c.who)); err != nil {
			return Client{}, err
		}
		if err := machine(ctx, c); err != nil {
			return Client{}, err
		}
		changed, err := turn(a.maker(c), ctx, c.tx, c.of)
		return clientOf(changed, c.now), refusalOf(err)
	}
}

// days is how long something is good for, 90 days if nothing is said.
func days(n int) time.Duration {
	if n == 0 {
		return authn.Life
	}
	return time.Duration(n) * 24 * time.Hour
}

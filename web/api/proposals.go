package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

const (
	proposalsPath = "/v1/proposals"
	proposed      = 24 * time.Hour // how long one waits for whoever confirms it
	overdue       = "expired"      // its state afterwards
)

// Proposals is a page of them, newest first.
type Proposals struct {
	Proposals []Proposal `json:"proposals" nullable:"false" maxItems:"500"`
	Next      string     `json:"next,omitempty" maxLength:"256" doc:"Cursor for those before these; missing on the last page"`
}

// Proposal is what one person asks for, and another has to confirm.
type Proposal struct {
	ID      string     `json:"id" minLength:"16" maxLength:"16"`
	Kind    string     `json:"kind" maxLength:"32" doc:"Which act, by its operationId"`
	Object  string     `json:"object,omitempty" maxLength:"64" doc:"What it is done to, as its path names it"`
	Version string     `json:"version,omitempty" maxLength:"66" doc:"Of that, as it was known: if it is another by now it is not done"`
	Change  *anyObject `json:"change,omitempty" doc:"What the act is sent"`
	Digest  string     `json:"digest" minLength:"64" maxLength:"64" doc:"SHA-256 of kind, object, version and change, as canonical JSON (SPEC part 2) of those that there are"`
	Reason  string     `json:"reason" maxLength:"512"`
	Person  string     `json:"person" maxLength:"16" doc:"Who asks for it"`
	State   string     `json:"state" enum:"open,confirmed,rejected,expired"`
	Created string     `json:"created" format:"date-time" maxLength:"20"`
	Until   string     `json:"until" format:"date-time" maxLength:"20" doc:"When nobody can confirm it any more"`
	By      string     `json:"by,omitempty" maxLength:"16" doc:"Who confirmed or rejected it"`
	Decided string     `json:"decided,omitempty" format:"date-time" maxLength:"20"`
}

// ProposalWish asks for something that takes another person.
type ProposalWish struct {
	Kind    string     `json:"kind" maxLength:"32" enum:"person-create,person-change,person-enable,person-reset,client-change,client-enable,key-create,key-rotate,limit-change" doc:"Which act, by its operationId"`
	Object  string     `json:"object,omitempty" minLength:"1" maxLength:"64" pattern:"^[a-z2-7]+$" doc:"What it is to be done to, as its path names it"`
	Version string     `json:"version,omitempty" maxLength:"66" pattern:"^\"[0-9a-f]{64}\"$" doc:"Of that: the ETag of its GET, where the act takes If-Match"`
	Change  *anyObject `json:"change,omitempty" doc:"What the act is sent"`
	Reason  string     `json:"reason" minLength:"1" maxLength:"512" doc:"For whoever is to confirm it"`
}

// Confirmation names what was looked at.
type Confirmation struct {
	Digest string `json:"digest" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"Of the proposal"`
}

// Decision is a proposal that was confirmed or rejected.
type Decision struct {
	Proposal
	Result *anyObject `json:"result,omitempty" doc:"What the act was answered with, which may hold what is shown once"`
}

// proposable is an act that takes two people.
type proposable struct {
	act
	decode func(raw []byte) (do func(context.Context, *call) (any, error), err error)
}

type proposalInput struct {
	ID string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the proposal"`
}

// addProposals adds what takes two people.
func (a *api) addProposals() {
	if a.config.People == nil || a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{proposalsPath, "proposals", tagPeople, "What waits for another person, and what was decided, newest first", schema[Proposals](a)}, a.proposals)
	addPrivate(a, operation{proposalsPath + "/{id}", "proposal", tagPeople, "One proposal", schema[Proposal](a)}, func(ctx context.Context, _ *authn.Principal, in *proposalInput) (Answer, error) {
		p, err := a.config.Acts.Store.Proposal(ctx, in.ID)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		return jsonOf(a.proposalOf(p))
	})
	of, changed := objectOf("id", isID, "Id of the proposal"), []int{http.StatusPreconditionFailed}
	addAct(a, act{method: http.MethodPost, path: proposalsPath, id: "propose", tag: tagPeople, summary: "Ask for something that takes another person, within 24 hours", creates: true, people: true, also: changed, most: 64 << 10}, a.propose)
	addAct(a, act{method: http.MethodPost, path: proposalsPath + "/{id}:confirm", id: "proposal-confirm", tag: tagPeople, summary: "Have done what another person asks for", of: of, people: true, also: changed}, a.confirm)
	addAct(a, act{method: http.MethodPost, path: proposalsPath + "/{id}:reject", id: "proposal-reject", tag: tagPeople, summary: "End a proposal, of others or of your own, so that it is not done", of: of, people: true}, a.reject)
}

// takesTwo refuses an act that takes two people to whoever asks for it alone.
func (a *api) takesTwo(ctx context.Context, o act, c *call) error {
	if o.second == "" || a.config.People == nil || o.alone != nil && o.alone(c) {
		return nil
	}
	two, err := a.config.People.TakesSecond(ctx, c.tx)
	if err == nil && two {
		err = refused(http.StatusForbidden, "second-person", "this takes two people: one proposes it at "+proposalsPath+", and another one confirms it")
	}
	return err
}

func (a *api) proposalOf(p store.Proposal) Proposal {
	out := Proposal{ID: p.ID, Kind: p.Kind, Object: p.Object, Version: p.Version, Digest: p.Digest, Reason: p.Reason, Person: p.Person, State: p.State, Created: stamp(p.Created), Until: stamp(p.Until),
		By: p.By, Decided: stamp(p.Decided)}
	if len(p.Change) > 0 {
		out.Change = &anyObject{p.Change}
	}
	if p.State == store.Pending && !a.config.Acts.Now().Before(p.Until) {
		out.State = overdue
	}
	return out
}

// digestOf is what whoever confirms a proposal names.
func digestOf(p store.Proposal) (string, error) {
	of := struct {
		Kind    string     `json:"kind"`
		Object  string     `json:"object,omitempty"`
		Version string     `json:"version,omitempty"`
		Change  *anyObject `json:"change,omitempty"`
	}{Kind: p.Kind, Object: p.Object, Version: p.Version}
	if len(p.Change) > 0 {
		of.Change = &anyObject{p.Change}
	}
	raw, err := attest.Canonical(of)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), err
}

func (a *api) proposals(ctx context.Context, who *authn.Principal, in *Paged) (Answer, error) {
	before, err := a.after(who, proposalsPath, in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	page, err := a.config.Acts.Store.Proposals(ctx, before, in.Limit+1)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out := Proposals{Proposals: []Proposal{}}
	for i, p := range page {
		if i == in.Limit {
			out.Next = a.next(who, proposalsPath, page[i-1].ID)
			break
		}
		out.Proposals = append(out.Proposals, a.proposalOf(p))
	}
	return jsonOf(out)
}

// errTried says that something could be done, and was not.
var errTried = errors.New("api: it was tried")

// propose keeps what somebody asks for. It is tried, so that nothing waits for another person that could not be done.
func (a *api) propose(ctx context.Context, c *call, in *ProposalWish) (Proposal, error) {
	if two, err := a.config.People.TakesSecond(ctx, c.tx); err != nil || !two {
		return Proposal{}, cmp.Or(err, refused(http.StatusConflict, "", "nothing takes a second person here: do it yourself"))
	}
	p := store.Proposal{Kind: in.Kind, Object: in.Object, Version: in.Version, Reason: in.Reason, Person: c.who.Client, Created: c.now, Until: c.now.Add(proposed), State: store.Pending}
	if err := plainText(in.Reason); err != nil {
		return Proposal{}, refused(http.StatusUnprocessableEntity, "", "reason: "+err.Error())
	}
	if in.Change != nil {
		var err error
		if p.Change, err = oneSpelling(in.Change.RawMessage); err != nil {
			return Proposal{}, err
		}
	}
	err := c.tx.Nested(ctx, func() error {
		if _, err := a.done(ctx, *c, p); err != nil {
			return err
		}
		return errTried
	})
	if !errors.Is(err, errTried) {
		return Proposal{}, err
	}
	by, err := a.asker(c)
	if err != nil {
		return Proposal{}, err
	}
	p.ID = by.ID
	if p.Digest, err = digestOf(p); err != nil {
		return Proposal{}, err
	}
	if err := c.tx.CreateProposal(ctx, p); err != nil {
		return Proposal{}, err
	}
	c.location = proposalsPath + "/" + p.ID
	return a.proposalOf(p), c.record(ctx, "proposal.create", p.ID, p.Kind+" "+p.Object+" "+p.Digest)
}

// oneSpelling is the canonical JSON of what is to change, however it was spelled: escapes, the order of members and ways to write
// a number are the client's own.
func oneSpelling(raw []byte) ([]byte, error) {
	var change any
	if err := json.Unmarshal(raw, &change); err != nil {
		return nil, err
	}
	out, err := attest.Canonical(change)
	if err != nil {
		return nil, refused(http.StatusUnprocessableEntity, "", "change: its numbers must be whole ones from 0 to 2^53-1, its names of letters, digits and _, and every code point a character")
	}
	return out, nil
}

// done does what is proposed, as whoever asks in the call. That they may is looked at: the table of permissions has proposals alone.
func (a *api) done(ctx context.Context, c call, p store.Proposal) (any, error) {
	o, known := a.twice[p.Kind]
	if !known {
		return nil, refused(http.StatusUnprocessableEntity, "", "kind: it is none that takes two people")
	}
	if !authz.Allows(c.who.Permissions, o.second) {
		return nil, refused(http.StatusForbidden, "permission-denied", "it needs "+string(o.second))
	}
	c.of = p.Object
	if err := ofPath(o.act, p.Object); err != nil {
		return nil, err
	}
	if (o.shown != nil) != (p.Version != "") {
		return nil, refused(http.StatusUnprocessableEntity, "", "version: an act that takes If-Match names one, the ETag of the answer to GET, and no other act does")
	}
	if o.shown != nil {
		if err := knows([]string{p.Version}, func() (any, error) { return o.shown(ctx, &c) }); err != nil {
			return nil, err
		}
	}
	do, err := o.decode(p.Change)
	if err != nil {
		return nil, err
	}
	return do(ctx, &c)
}

// ofPath refuses what the path of an act could not name.
func ofPath(o act, object string) error {
	pattern := "^$"
	if o.of != nil {
		pattern = o.of.Schema.Pattern
	}
	if known, err := regexp.MatchString(pattern, object); err != nil || !known {
		return cmp.Or(err, refused(http.StatusUnprocessableEntity, "", "object: it is not what the path of that act names"))
	}
	return nil
}

// pending is a proposal on which somebody may decide now.
func (a *api) pending(ctx context.Context, c *call) (store.Proposal, error) {
	p, err := c.tx.Proposal(ctx, c.of)
	if err != nil {
		return p, refusalOf(err)
	}
	if o, known := a.twice[p.Kind]; !known || !authz.Allows(c.who.Permissions, o.second) {
		return p, refused(http.StatusForbidden, "permission-denied", "it needs "+string(o.second))
	}
	if state := a.proposalOf(p).State; state != store.Pending {
		return p, refused(http.StatusConflict, "", "the proposal is "+state)
	}
	return p, nil
}

func (a *api) confirm(ctx context.Context, c *call, in *Confirmation) (Decision, error) {
	p, err := a.pending(ctx, c)
	if err != nil {
		return Decision{}, err
	}
	switch digest, err := digestOf(p); {
	case err != nil:
		return Decision{}, err
	case p.Person == c.who.Client:
		return Decision{}, refused(http.StatusForbidden, "approval-self", "nobody confirms what they propose themselves")
	case in.Digest != p.Digest || digest != p.Digest:
		return Decision{}, refused(http.StatusConflict, "", "you confirm another change than the one that is proposed: look again")
	}
	if err := a.stillMay(ctx, c, p); err != nil {
		return Decision{}, err
	}
	result, err := a.done(ctx, *c, p)
	if err != nil {
		return Decision{}, err
	}
	out, err := a.decide(ctx, c, p, store.Confirmed)
	if err != nil {
		return Decision{}, err
	}
	raw, err := objectOfJSON(result)
	out.Result = &raw
	return out, err
}

// stillMay refuses what is proposed by somebody who may not do it any more.
func (a *api) stillMay(ctx context.Context, c *call, p store.Proposal) error {
	by, err := c.tx.Client(ctx, p.Person)
	if err != nil {
		return refusalOf(err)
	}
	if authn.ClientState(by, c.now) != authn.Good || !authz.Allows(authz.Of(authn.RolesOf(by)...), a.twice[p.Kind].second) {
		return refused(http.StatusConflict, "", "who proposes it may not do it any more")
	}
	return nil
}

func (a *api) reject(ctx context.Context, c *call, _ *nothing) (Decision, error) {
	p, err := a.pending(ctx, c)
	if err != nil {
		return Decision{}, err
	}
	return a.decide(ctx, c, p, store.Rejected)
}

// decide ends a proposal that is open still.
func (a *api) decide(ctx context.Context, c *call, p store.Proposal, state string) (Decision, error) {
	err := c.tx.DecideProposal(ctx, p.ID, state, c.who.Client, c.now)
	if errors.Is(err, store.ErrChanged) {
		err = refused(http.StatusConflict, "", "it was decided meanwhile")
	}
	if err != nil {
		return Decision{}, err
	}
	p.State, p.By, p.Decided = state, c.who.Client, c.now
	action := map[string]string{store.Confirmed: "proposal.confirm", store.Rejected: "proposal.reject"}[state]
	return Decision{Proposal: a.proposalOf(p)}, c.record(ctx, action, p.ID, p.Kind+" "+p.Object+" "+p.Digest)
}

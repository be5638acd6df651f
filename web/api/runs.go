package api

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

const (
	tagRuns = "runs"

	runsPath = "/v1/runs"

	maxEvents = 500                    // of an answer
	lookAgain = 250 * time.Millisecond // how often a run is looked at for whoever waits
	maxWaits  = 100                    // who wait at once; further ones are answered as things are
	ownWaits  = 10                     // and of one client
)

type runsInput struct {
	Paged
	State string `query:"state" enum:"asked,running,waiting,published,failed,cancelled" doc:"Only runs in this state"`
}

type runInput struct {
	ID    string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the run"`
	After int64  `query:"after" minimum:"0" maximum:"9007199254740991" doc:"Only events after the one of this number"`
	Wait  int    `query:"wait" minimum:"0" maximum:"20" doc:"For how many seconds the answer may wait until there are any"`
}

type draftInput struct {
	ID string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the run"`
}

// addRuns adds what a worker is asked for.
func (a *api) addRuns() {
	if a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{runsPath, "runs", tagRuns, "What was asked for, newest first", schema[Runs](a)}, a.runs)
	addPrivate(a, operation{runsPath + "/{id}", "run", tagRuns, "How far a run is; with wait the answer comes as soon as something happens", schema[RunDetail](a)}, a.run)
	addPrivate(a, operation{runsPath + "/{id}/draft", "run-draft", tagRuns, "The draft, byte for byte as approvers sign it (SPEC parts 10 and 24)", object()}, a.draft)
	a.addRunActs()
}

// visible reports whether somebody may see a run: their own, and those about a statement of their scope.
func (a *api) visible(who *authn.Principal, r store.Run) (bool, error) {
	if !who.Scope.Bounded() || who.Owns(r.Client, r.Credential) {
		return true, nil
	}
	if r.Kind == runs.Report && r.Statement == "" {
		of := authz.Subject{Statement: r.Digest}
		if r.Digest != "" {
			s, err := report.ParseStatement(r.Draft)
			if err != nil {
				return false, err
			}
			of = subjectOf(r.Digest, s.Predicate.Snapshot)
		}
		return who.Scope.Sees(of), nil
	}
	all, err := a.config.Reports.Reports()
	if err != nil {
		return false, err
	}
	var statement report.Digest
	if err := statement.UnmarshalText([]byte(cmp.Or(r.Statement, r.About))); err != nil {
		return false, err
	}
	return who.Scope.Sees(subject(all, statement)), nil
}

// oneRun is a run that whoever asks may see; another one is as if it were not there.
func (a *api) oneRun(ctx context.Context, who *authn.Principal, id string) (store.Run, error) {
	r, err := a.config.Acts.Store.Run(ctx, id)
	if err != nil {
		return r, runRefusal(err)
	}
	see, err := a.visible(who, r)
	if err == nil && !see {
		err = refused(http.StatusNotFound, "", noObject)
	}
	return r, unavailable(err)
}

// lookedRuns is how many runs are looked at for a page, about, of whoever sees some alone.
const lookedRuns = 500

// runs is a page of them. What somebody may not see is passed over; after many of those the page ends.
func (a *api) runs(ctx context.Context, who *authn.Principal, in *runsInput) (Answer, error) {
	list := tagRuns + " " + in.State
	before, err := a.after(who, list, in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	out := Runs{Runs: []Run{}}
	for seen := 0; ; {
		page, err := a.config.Acts.Store.Runs(ctx, in.State, before, in.Limit+1)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		for _, r := range page {
			if who.Scope.Bounded() { // its draft tells whether it may be seen
				if r, err = a.oneRun(ctx, who, r.ID); isNotFound(err) {
					continue
				}
				if err != nil {
					return Answer{}, err
				}
			}
			if len(out.Runs) == in.Limit {
				out.Next = a.next(who, list, out.Runs[in.Limit-1].ID)
				return jsonOf(out)
			}
			out.Runs = append(out.Runs, runOf(r))
		}
		if len(page) <= in.Limit {
			return jsonOf(out)
		}
		before = page[len(page)-1].ID
		if seen += len(page); seen >= lookedRuns {
			out.Next = a.next(who, list, before)
			return jsonOf(out)
		}
	}
}

func isNotFound(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == http.StatusNotFound
}

func (a *api) run(ctx context.Context, who *authn.Principal, in *runInput) (Answer, error) {
	r, err := a.oneRun(ctx, who, in.ID)
	if err != nil {
		return Answer{}, err
	}
	if r.Events <= in.After && in.Wait > 0 && !runs.Ended(r.State) {
		if err := a.awaitEvent(ctx, who, in); err != nil {
			return Answer{}, unavailable(err)
		}
		if r, err = a.oneRun(ctx, who, in.ID); err != nil {
			return Answer{}, err
		}
	}
	events, err := a.config.Acts.Store.RunEvents(ctx, in.ID, in.After, maxEvents)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out := RunDetail{Run: runOf(r), Events: eventsOf(events)}
	if out.Approvals, err = a.approvals(ctx, r); err != nil {
		return Answer{}, unavailable(err)
	}
	return jsonOf(out)
}

type stayKey struct{}

// Stay is a context that does not end when whoever asked is gone. Only what waits for something looks whether anybody waits for it.
func Stay(ctx context.Context) context.Context {
	if ctx.Value(stayKey{}) != nil { // it is asked for on behalf of another request
		return ctx
	}
	return context.WithValue(context.WithoutCancel(ctx), stayKey{}, ctx.Done())
}

// gone is closed when nobody waits any more.
func gone(ctx context.Context) <-chan struct{} {
	if done, ok := ctx.Value(stayKey{}).(<-chan struct{}); ok {
		return done
	}
	return ctx.Done()
}

// awaitEvent comes back once there is an event after the one that is known, time is up, or nobody waits any more; with an error as soon as
// whoever waits is let in no more.
func (a *api) awaitEvent(ctx context.Context, who *authn.Principal, in *runInput) error {
	if !a.waits.enter(who.Client) {
		return nil
	}
	defer a.waits.leave(who.Client)
	ctx, done := context.WithTimeout(ctx, time.Duration(in.Wait)*time.Second)
	defer done()
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	for {
		select {
		case <-gone(ctx):
			return nil
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		events, err := a.config.Acts.Store.RunEvents(ctx, in.ID, in.After, 1)
		if err == nil {
			err = a.still(ctx, who, a.config.Acts.Store)
		}
		if ctx.Err() != nil {
			return nil // time was up while it looked
		}
		if err != nil || len(events) > 0 {
			return err
		}
	}
}

// approvals are who may approve a run's draft, and who did.
func (a *api) approvals(ctx context.Context, r store.Run) (*RunApprovals, error) {
	if r.Digest == "" {
		return nil, nil
	}
	who, _, err := runs.Approvals(r)
	if err != nil {
		return nil, err
	}
	have, err := a.config.Acts.Store.Approvals(ctx, r.ID, r.Digest)
	if err != nil {
		return nil, err
	}
	out := &RunApprovals{Required: int(who.Required), Keys: []string{}, Approved: slices.Sorted(maps.Keys(have))} //nolint:gosec // at most 30
	for _, key := range who.Keys {
		out.Keys = append(out.Keys, key.KeyID())
	}
	if out.Approved == nil {
		out.Approved = []string{}
	}
	return out, nil
}

func (a *api) draft(ctx context.Context, who *authn.Principal, in *draftInput) (Answer, error) {
	r, err := a.oneRun(ctx, who, in.ID)
	if err != nil {
		return Answer{}, err
	}
	if r.Digest == "" {
		return Answer{}, refused(http.StatusNotFound, "", "there is no draft yet")
	}
	return BytesOf(r.Draft, kindJSON), nil
}

// runRefusal is what an error about a run amounts to.
func runRefusal(err error) error {
	var conflict *runs.Conflict
	var invalid *runs.Invalid
	switch {
	case errors.Is(err, store.ErrNoRun):
		return refused(http.StatusNotFound, "", noObject)
	case errors.Is(err, runs.ErrSelf):
		return refused(http.StatusForbidden, "approval-self", err.Error())
	case errors.As(err, &conflict):
		return refused(http.StatusConflict, "", conflict.Sentence)
	case errors.As(err, &invalid):
		return refused(http.StatusUnprocessableEntity, "", invalid.Sentence)
	}
	return err
}

package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

// Quota tells how much somebody may ask on this day still, and of how much; both are 0 where that is not limited.
type Quota func(ctx context.Context, who *authn.Principal) (left, day int64, err error)

// Events is a page of the audit log.
type Events struct {
	Events []Event `json:"events" nullable:"false" maxItems:"500"`
	Next   string  `json:"next,omitempty" maxLength:"256" doc:"Cursor for the rows after these; missing where there are none yet"`
}

// Event is a row of the audit log. Its hash is SHA-256 of a byte 1, the hash of the row before (of the first: 32 zero bytes) and
// the row as canonical JSON, which is these members but hash.
type Event struct {
	Seq        int64  `json:"seq" minimum:"1" maximum:"9007199254740991"`
	At         string `json:"at" format:"date-time" maxLength:"24"`
	Action     string `json:"action" maxLength:"64"`
	Outcome    string `json:"outcome" enum:"done,denied,failed"`
	Object     string `json:"object" maxLength:"512" doc:"What it was done to"`
	Client     string `json:"client" maxLength:"64" doc:"Who acted; local: the command line"`
	Credential string `json:"credential" maxLength:"64"`
	From       string `json:"from" maxLength:"64" doc:"The network that it came from"`
	Reason     string `json:"reason" maxLength:"512"`
	Request    string `json:"request" maxLength:"64"`
	Count      int64  `json:"count" minimum:"1" maximum:"9007199254740991" doc:"How many alike the row stands for"`
	Hash       string `json:"hash" minLength:"64" maxLength:"64"`
}

// Calls is what clients asked for.
type Calls struct {
	Since string `json:"since" format:"date-time" maxLength:"20"`
	Calls []Call `json:"calls" nullable:"false" maxItems:"1000" doc:"Those that were made most first"`
}

// OwnCalls is what the client asked for that asks now, and what it may ask still.
type OwnCalls struct {
	Calls
	Client string    `json:"client" maxLength:"64"`
	Quota  *DayQuota `json:"quota,omitempty" doc:"Of this day, UTC; missing where it has no end"`
}

// DayQuota is how much may be asked in a day.
type DayQuota struct {
	Left int64 `json:"left" minimum:"0" maximum:"9007199254740991"`
	Day  int64 `json:"day" minimum:"1" maximum:"9007199254740991"`
}

// Call is calls of a client to an operation, from one network, with one outcome. Durations are in microseconds, from when it
// was known who asks until the answer was made.
type Call struct {
	Client    string `json:"client" maxLength:"64"`
	Operation string `json:"operation" maxLength:"128" doc:"Method and path"`
	Status    int    `json:"status" minimum:"100" maximum:"599"`
	From      string `json:"from" maxLength:"64"`
	Count     int64  `json:"count" minimum:"1" maximum:"9007199254740991"`
	Mean      int64  `json:"mean" minimum:"0" maximum:"9007199254740991"`
	Longest   int64  `json:"longest" minimum:"0" maximum:"9007199254740991"`
	Last      string `json:"last" format:"date-time" maxLength:"20"`
}

type eventsInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at most"`
	Cursor string `query:"cursor" maxLength:"256" pattern:"^[A-Za-z0-9_-]+$" doc:"What next said: the rows after that page"`
	Order  string `query:"order" enum:"oldest,newest" default:"oldest" doc:"Which rows come first"`
}

type callsInput struct {
	Hours int `query:"hours" minimum:"1" maximum:"720" default:"24" doc:"Of how many hours until now"`
}

type allCallsInput struct {
	Hours  int    `query:"hours" minimum:"1" maximum:"720" default:"24" doc:"Of how many hours until now"`
	Client string `query:"client" minLength:"1" maxLength:"64" doc:"Of this client alone"`
}

// addAudit adds what shows who did and asked for what.
func (a *api) addAudit() {
	if a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{"/v1/audit", "audit", tagAudit, "The audit log, oldest rows first if nothing else is said", schema[Events](a)}, a.events)
	addPrivate(a, operation{"/v1/me/usage", "own-usage", tagAudit, "What the client asked for that asks now, as of two seconds ago at most", schema[OwnCalls](a)}, a.ownCalls)
	addPrivate(a, operation{"/v1/usage", "usage", tagAudit, "What clients asked for, as of two seconds ago at most", schema[Calls](a)},
		func(ctx context.Context, _ *authn.Principal, in *allCallsInput) (Answer, error) {
			calls, err := a.calls(ctx, in.Client, in.Hours)
			if err != nil {
				return Answer{}, err
			}
			return jsonOf(calls)
		})
}

// looked is how many rows are looked at for a page at most: who is shown some alone gets to the end by more of them.
const looked = 5000

// events is a page of rows. Who is scoped to some reports sees what was done to them, and nothing else.
func (a *api) events(ctx context.Context, who *authn.Principal, in *eventsInput) (Answer, error) {
	if in.Order == newestFirst {
		return a.newestEvents(ctx, who, in)
	}
	item, err := a.after(who, "audit", in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	var at int64
	if item != "" {
		if at, err = strconv.ParseInt(item, 10, 64); err != nil {
			return Answer{}, err
		}
	}
	out := Events{Events: []Event{}}
	sees, err := a.seesObjects(who)
	if err != nil {
		return Answer{}, err
	}
	for seen := 0; len(out.Events) < in.Limit && seen < looked; {
		most := in.Limit - len(out.Events)
		if who.Scope.Bounded() { // few of them are shown
			most = maxEvents
		}
		rows, err := a.config.Acts.Store.Events(ctx, at, most)
		if err != nil {
			return Answer{}, a.unread(err)
		}
		for _, row := range rows {
			e, err := audit.Read(row)
			if err != nil {
				return Answer{}, a.unread(err)
			}
			if at = row.Seq; sees(e.Object) {
				out.Events = append(out.Events, event(e, row.Hash))
			}
			if len(out.Events) == in.Limit {
				break
			}
		}
		if seen += len(rows); len(rows) == 0 {
			return jsonOf(out)
		}
	}
	out.Next = a.next(who, "audit", strconv.FormatInt(at, 10))
	return jsonOf(out)
}

const newestFirst = "newest"

// newestEvents is a page of rows, newest first. Rows are numbered without a gap, so that those before one are a window of numbers.
func (a *api) newestEvents(ctx context.Context, who *authn.Principal, in *eventsInput) (Answer, error) {
	item, err := a.after(who, "audit, newest first", in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	newest, err := a.config.Acts.Store.NewestEvent(ctx)
	if err != nil {
		return Answer{}, a.unread(err)
	}
	at := newest.Seq // of the row that is looked at next
	if item != "" {
		if at, err = strconv.ParseInt(item, 10, 64); err != nil {
			return Answer{}, err
		}
	}
	sees, err := a.seesObjects(who)
	if err != nil {
		return Answer{}, err
	}
	out := Events{Events: []Event{}}
	for seen := 0; len(out.Events) < in.Limit && seen < looked && at > 0; {
		from := max(0, at-maxEvents)
		rows, err := a.config.Acts.Store.Events(ctx, from, int(at-from))
		if err != nil {
			return Answer{}, a.unread(err)
		}
		for i := len(rows) - 1; i >= 0 && len(out.Events) < in.Limit; i-- {
			e, err := audit.Read(rows[i])
			if err != nil {
				return Answer{}, a.unread(err)
			}
			if at = rows[i].Seq - 1; sees(e.Object) {
				out.Events = append(out.Events, event(e, rows[i].Hash))
			}
		}
		if seen += len(rows); len(rows) == 0 {
			break
		}
	}
	if at > 0 {
		out.Next = a.next(who, "audit, newest first", strconv.FormatInt(at, 10))
	}
	return jsonOf(out)
}

// seesObjects tells which objects somebody sees: where there is a scope, the statements in it.
func (a *api) seesObjects(who *authn.Principal) (func(object string) bool, error) {
	if !who.Scope.Bounded() {
		return func(string) bool { return true }, nil
	}
	all, err := a.config.Reports.Reports()
	if err != nil {
		return nil, fault(err)
	}
	return func(object string) bool {
		var statement report.Digest
		return statement.UnmarshalText([]byte(object)) == nil && who.Scope.Sees(subject(all, statement))
	}, nil
}

func event(e audit.Event, hash []byte) Event {
	return Event{Seq: e.Seq, At: e.At, Action: e.Action, Outcome: e.Outcome, Object: e.Object, Client: e.Client, Credential: e.Credential, From: e.From,
		Reason: e.Reason, Request: e.Request, Count: e.Count, Hash: hex.EncodeToString(hash)}
}

// ownCalls are those of a whole client. An app's token that is for one customer does not tell when, and from where, the others came.
func (a *api) ownCalls(ctx context.Context, who *authn.Principal, in *callsInput) (Answer, error) {
	if who.Kind == store.OfApp && who.Subject.Reveal() != "" {
		return Answer{}, refused(http.StatusForbidden, "permission-denied", "the app's calls are those of all its customers, and this token is for one of them: the app asks with one of its own")
	}
	calls, err := a.calls(ctx, who.Client, in.Hours)
	if err != nil {
		return Answer{}, err
	}
	own := OwnCalls{Calls: calls, Client: who.Client}
	if a.config.Quota != nil {
		left, day, err := a.config.Quota(ctx, who)
		if err != nil {
			return Answer{}, a.unread(err)
		}
		if day > 0 {
			own.Quota = &DayQuota{left, day}
		}
	}
	return jsonOf(own)
}

const maxCalls = 1000

func (a *api) calls(ctx context.Context, client string, hours int) (Calls, error) {
	since := a.config.Acts.Now().Add(-time.Duration(hours) * time.Hour).UTC().Truncate(time.Second)
	rows, err := a.config.Acts.Store.Usage(ctx, client, since, maxCalls)
	if err != nil {
		return Calls{}, a.unread(err)
	}
	out := Calls{Since: since.Format(time.RFC3339), Calls: make([]Call, len(rows))}
	for i, r := range rows {
		out.Calls[i] = callOf(r)
	}
	return out, nil
}

func callOf(r store.Usage) Call {
	return Call{Client: r.Client, Operation: r.Operation, Status: r.Status, From: r.Network, Count: r.Count, Mean: r.Took.Microseconds() / r.Count,
		Longest: r.Longest.Microseconds(), Last: time.Unix(r.At, 0).UTC().Format(time.RFC3339)}
}

// unread is an error of the database.
func (a *api) unread(err error) error {
	a.config.Fault(err)
	return refused(http.StatusServiceUnavailable, "", "it cannot be read at the moment")
}

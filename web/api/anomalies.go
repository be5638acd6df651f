package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/store"
)

const (
	anomaliesPath = "/v1/anomalies"

	// rulePage is where each rule is explained, under a heading of its name.
	rulePage = "https://github.com/assay-por/assay/blob/main/docs/anomalies.md#"
)

// The states of a finding.
const (
	anomalyOpen   = "open"
	anomalyUndone = "undone"
	anomalyOver   = "over" // its action has ended by itself
)

// Anomalies is a page of findings, newest first.
type Anomalies struct {
	Anomalies []Anomaly `json:"anomalies" nullable:"false" maxItems:"500"`
	Next      string    `json:"next,omitempty" maxLength:"256" doc:"Cursor for those before these; missing on the last page"`
}

// Anomaly is something that stood out of what a client does: by which rule, with its figures and what they were held to, and what was done about it until somebody undoes it.
type Anomaly struct {
	ID         string `json:"id" minLength:"16" maxLength:"16"`
	Rule       string `json:"rule" maxLength:"32" enum:"origin,burst,failures,mix,reuse,enumeration,parallel,dormant"`
	Type       string `json:"type" format:"uri" maxLength:"256" doc:"The page that explains the rule"`
	Client     string `json:"client,omitempty" maxLength:"64" doc:"Whose requests they are; missing where that is nobody who is known"`
	Credential string `json:"credential,omitempty" maxLength:"64" doc:"API key or session that it is about; missing: all of the client's"`
	Network    string `json:"network,omitempty" maxLength:"128" doc:"/24 or /48 that it is about, or two of them; missing: all"`
	Saw        string `json:"saw" maxLength:"256" doc:"The figures"`
	Usual      string `json:"usual" maxLength:"256" doc:"What they were held to"`
	Action     string `json:"action" maxLength:"32" enum:"alert,hold,halve,throttle,lock,suspend,step-up" doc:"What was done about it"`
	Undo       string `json:"undo" maxLength:"256" doc:"What undoing it does"`
	At         string `json:"at" format:"date-time" maxLength:"20"`
	Until      string `json:"until,omitempty" format:"date-time" maxLength:"20" doc:"When the action ends by itself; missing: when somebody undoes it"`
	State      string `json:"state" enum:"open,undone,over"`
	By         string `json:"by,omitempty" maxLength:"64" doc:"Who undid it"`
	Undone     string `json:"undone,omitempty" format:"date-time" maxLength:"20"`
}

type anomaliesInput struct {
	Paged
	Client string `query:"client" minLength:"1" maxLength:"64" doc:"Only findings about this client"`
}

type anomalyInput struct {
	ID string `path:"id" minLength:"16" maxLength:"16" pattern:"^[a-z2-7]{16}$" doc:"Id of the finding"`
}

// addAnomalies adds what is asked, and undone, of findings.
func (a *api) addAnomalies() {
	if a.config.Acts == nil {
		return
	}
	addPrivate(a, operation{anomaliesPath, "anomalies", tagAudit, "What stood out of what clients do, newest first", schema[Anomalies](a)}, a.anomalies)
	addPrivate(a, operation{anomaliesPath + "/{id}", "anomaly", tagAudit, "One finding", schema[Anomaly](a)}, func(ctx context.Context, _ *authn.Principal, in *anomalyInput) (Answer, error) {
		f, err := a.config.Acts.Store.Anomaly(ctx, in.ID)
		if err != nil {
			return Answer{}, unavailable(err)
		}
		return jsonOf(a.anomalyOf(f))
	})
	addAct(a, act{method: http.MethodPost, path: anomaliesPath + "/{id}:undo", id: "anomaly-undo", tag: tagAudit, summary: "Say that it is as it should be, and end what was done about it", of: objectOf("id", isID, "Id of the finding"), people: true}, a.undoAnomaly)
}

func (a *api) anomalyOf(f store.Anomaly) Anomaly {
	out := Anomaly{ID: f.ID, Rule: f.Rule, Type: rulePage + f.Rule, Client: f.Client, Credential: f.Credential, Network: f.Network, Saw: f.Saw, Usual: f.Usual, Action: f.Action, Undo: f.Undo,
		At: stamp(f.At), Until: stamp(f.Until), State: anomalyOpen, By: f.By, Undone: stamp(f.Undone)}
	switch {
	case !f.Undone.IsZero():
		out.State = anomalyUndone
	case !f.Until.IsZero() && !a.config.Acts.Now().Before(f.Until):
		out.State = anomalyOver
	}
	return out
}

func (a *api) anomalies(ctx context.Context, who *authn.Principal, in *anomaliesInput) (Answer, error) {
	list := anomaliesPath + " " + in.Client
	before, err := a.after(who, list, in.Cursor)
	if err != nil {
		return Answer{}, err
	}
	page, err := a.config.Acts.Store.Anomalies(ctx, in.Client, before, in.Limit+1)
	if err != nil {
		return Answer{}, unavailable(err)
	}
	out := Anomalies{Anomalies: []Anomaly{}}
	for i, f := range page {
		if i == in.Limit {
			out.Next = a.next(who, list, page[i-1].ID)
			break
		}
		out.Anomalies = append(out.Anomalies, a.anomalyOf(f))
	}
	return jsonOf(out)
}

func (a *api) undoAnomaly(ctx context.Context, c *call, _ *nothing) (Anomaly, error) {
	f, err := c.tx.Anomaly(ctx, c.of)
	if err != nil {
		return Anomaly{}, refusalOf(err)
	}
	if state := a.anomalyOf(f).State; state != anomalyOpen {
		return Anomaly{}, refused(http.StatusConflict, "", "the finding is "+state)
	}
	if err := c.tx.UndoAnomaly(ctx, f.ID, c.who.Client, c.now); err != nil {
		if errors.Is(err, store.ErrChanged) {
			err = refused(http.StatusConflict, "", "it was undone meanwhile")
		}
		return Anomaly{}, err
	}
	f.Undone, f.By = c.now, c.who.Client
	return a.anomalyOf(f), c.record(ctx, "anomaly.undo", f.ID, f.Rule+" of "+f.Client+": "+f.Action)
}

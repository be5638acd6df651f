package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/store"
)

// Acts is what it takes to change something.
type Acts struct {
	Store  *store.Store
	Pepper [authn.PepperSize]byte // keys' secrets are kept under it; what seals cursors and kept answers is drawn from it
	Random io.Reader              // ids and secrets come from it
	Now    func() time.Time
}

// act is an operation that changes something. It is done in one transaction with its row of the audit log, or not at all.
type act struct {
	method, path, id, tag, summary string

	of      *huma.Param // the parameter of the path; nil if there is none
	creates bool        // it makes something: it needs an Idempotency-Key, under which it is done once, and answers 201
	most    int64       // bytes of content; zero: 4 KiB

	// shown is the object as its GET shows it, of which the client must know the present version (If-Match); nil if that need not be known.
	shown func(context.Context, *call) (any, error)
	// also are statuses by which it may be refused beside those of all acts.
	also []int
	// people says that machines have nothing of the kind.
	people bool
	// second is the permission of an act that takes two people, who both have it: one proposes it, another confirms. Empty: it does not.
	second authz.Permission
	// alone says of a call of such an act that it takes nobody else; nil: none does not.
	alone func(*call) bool
	// same says that the answer is the object as its GET shows it, so that its ETag is the one that If-Match names.
	same bool
}

const maxAct = 4 << 10 // bytes of content, if an act says nothing

const noParameters = "there are no parameters here: what is asked for stands in the content"

// call is an act as it is being done.
type call struct {
	tx  *store.Tx
	who *authn.Principal
	of  string    // what the path names
	now time.Time // of whole seconds

	location string // of what was made, which the answer tells
}

// record puts into the audit log what was done to what.
func (c *call) record(ctx context.Context, action, object, reason string) error {
	return audit.Record(ctx, c.tx, audit.Act{At: c.now, Action: action, Object: object, Outcome: audit.Done, Reason: reason})
}

// errUnrecorded says that an act has left nothing in the audit log, which makes it one that is not done.
var errUnrecorded = errors.New("api: an act that is not in the audit log")

// nothing is the content of an act that is sent none.
type nothing struct{}

// addAct adds an act: do does it, and records it (call.record, or a room that does), once B was decoded. Its error is one of
// refused, or a fault: then nothing was done.
func addAct[B, O any](a *api, o act, do func(context.Context, *call, *B) (O, error)) {
	in, registry := contentOf[B](a, &o), a.OpenAPI().Components.Schemas
	op := a.describeAct(o, in, schema[O](a))
	a.OpenAPI().AddOperation(op)
	if o.second != "" {
		a.twice[o.id] = proposable{o, func(raw []byte) (func(context.Context, *call) (any, error), error) {
			var b B
			if in == nil && raw != nil || in != nil && raw == nil {
				return nil, refused(http.StatusUnprocessableEntity, "", "change: it is there where the act is sent something, and missing where it is sent nothing")
			}
			if in != nil {
				if err := decode(registry, in, raw, &b); err != nil {
					return nil, err
				}
			}
			return func(ctx context.Context, c *call) (any, error) { return do(ctx, c, &b) }, nil
		}}
	}
	a.Adapter().Handle(op, func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		var b B
		raw, err := content(w, r, o.most)
		if err == nil && in != nil {
			err = decode(registry, in, raw, &b)
		}
		var out done
		if err == nil {
			out, err = a.act(r, o, raw, func(ctx context.Context, c *call) (any, error) { return do(ctx, c, &b) })
		}
		if err != nil {
			a.refuseAct(w, err)
			return
		}
		out.send(w, o)
	})
}

// contentOf is the schema of what an act is sent, and sets how much it may be; nil if it is sent nothing.
func contentOf[B any](a *api, o *act) *huma.Schema {
	if reflect.TypeFor[B]() == reflect.TypeFor[nothing]() {
		o.most = 0
		return nil
	}
	o.most = cmp.Or(o.most, maxAct)
	return a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[B](), true, "")
}

// describeAct is an act as the document tells it.
func (a *api) describeAct(o act, in *huma.Schema, out map[string]*huma.Schema) *huma.Operation {
	headers := carried()
	delete(headers, "Access-Control-Allow-Origin")
	if !o.same {
		delete(headers, "ETag")
	}
	field := func(name, text, pattern string, required bool, longest int) *huma.Param {
		return &huma.Param{Name: name, In: "header", Required: required, Description: text, Schema: &huma.Schema{Type: huma.TypeString, Pattern: pattern, MaxLength: limit(longest)}}
	}
	op := &huma.Operation{
		Method: o.method, Path: o.path, OperationID: o.id, Summary: o.summary, Description: o.summary + ".", Tags: []string{o.tag},
		Responses: map[string]*huma.Response{strconv.Itoa(o.success()): {Description: "Done", Headers: headers, Content: map[string]*huma.MediaType{kindJSON: {Schema: out[kindJSON]}}}},
	}
	statuses := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable, http.StatusConflict,
		http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	if o.of != nil {
		op.Parameters = append(op.Parameters, o.of)
	}
	if in != nil {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{kindJSON: {Schema: in}}}
		statuses = append(statuses, http.StatusUnsupportedMediaType)
	}
	if o.creates {
		headers["Location"] = &huma.Param{Description: "Where it is to be found", Schema: &huma.Schema{Type: huma.TypeString, Format: "uri-reference", MaxLength: limit(maxField)}}
		op.Parameters = append(op.Parameters, field("Idempotency-Key", "Names the wish: sent again within 24 hours it is answered as before, and nothing is done", "^[A-Za-z0-9_-]{16,64}$", true, 64))
	}
	if o.shown != nil {
		op.Parameters = append(op.Parameters, field("If-Match", "The version that is to be changed: the ETag of the answer to GET", `^"[0-9a-f]{64}"$`, true, 66))
		statuses = append(statuses, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
	}
	a.mayRefuse(op, append(statuses, o.also...)...)
	a.secured(op)
	return op
}

// objectOf is the parameter of a path that names what an act is done to.
func objectOf(name, pattern, text string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: text, Schema: &huma.Schema{Type: huma.TypeString, Pattern: pattern, MaxLength: limit(64)}}
}

// act does an act, unless it was done already under the same Idempotency-Key.
func (a *api) act(r *http.Request, o act, raw []byte, do func(context.Context, *call) (any, error)) (out done, err error) {
	c := &call{who: authn.From(r.Context()), now: a.config.Acts.Now().UTC().Truncate(time.Second)}
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return out, refused(http.StatusUnprocessableEntity, "", noParameters)
	}
	if o.people {
		if err := isPerson(c.who); err != nil {
			return out, err
		}
	}
	if o.of != nil {
		c.of = chi.URLParam(r, o.of.Name)
		if known, err := regexp.MatchString(o.of.Schema.Pattern, c.of); err != nil || !known {
			return out, refused(http.StatusNotFound, "", noObject)
		}
	}
	var once *onlyOnce
	if o.creates {
		if once, err = a.once(r, c.who, raw); err != nil {
			return out, err
		}
		defer once.leave()
	}
	err = a.config.Acts.Store.Write(r.Context(), func(tx *store.Tx) error {
		c.tx = tx
		if err := a.still(r.Context(), c.who, tx); err != nil {
			return err
		}
		if err := a.takesTwo(r.Context(), o, c); err != nil {
			return err
		}
		if once != nil {
			former, err := once.former(r.Context(), c)
			if former != nil {
				out = *former
			}
			if err != nil || former != nil {
				return err
			}
		}
		if out, err = a.doOnce(r, o, c, do); err != nil || once == nil {
			return err
		}
		return once.keep(r.Context(), c, out)
	})
	return out, err
}

// still refuses whoever was let in and would not be now: their content came slowly, they waited for others who write, or for a run.
func (a *api) still(ctx context.Context, who *authn.Principal, in authn.Records) error {
	err := who.Still(ctx, in, a.config.Acts.Now())
	if authn.IsOver(err) {
		return refused(http.StatusUnauthorized, "credential-invalid", "the credential is not good any more")
	}
	return err
}

// doOnce does an act to what is as whoever asks knows it, and makes its answer.
func (a *api) doOnce(r *http.Request, o act, c *call, do func(context.Context, *call) (any, error)) (out done, err error) {
	ctx := r.Context()
	if o.shown != nil {
		if err := knows(r.Header.Values("If-Match"), func() (any, error) { return o.shown(ctx, c) }); err != nil {
			return out, err
		}
	}
	before, err := c.tx.LastEvent(ctx)
	if err != nil {
		return out, err
	}
	v, err := do(ctx, c)
	if err != nil {
		return out, err
	}
	if last, err := c.tx.LastEvent(ctx); err != nil || last.Seq == before.Seq {
		return out, cmp.Or(err, errUnrecorded)
	}
	answer, err := jsonOf(v)
	if err != nil {
		return out, err
	}
	if o.same {
		out.Tag = tagOf(answer)
	}
	out.Location = c.location
	out.Content, err = io.ReadAll(answer.Content)
	return out, err
}

// knows refuses a change of what is not any more as whoever asks knows it, by the versions that they name.
func knows(named []string, shown func() (any, error)) error {
	if len(named) == 0 {
		return refused(http.StatusPreconditionRequired, "", "say in If-Match which version is to be changed: the ETag of the answer to GET")
	}
	v, err := shown()
	if err != nil {
		return err
	}
	answer, err := jsonOf(v)
	if err != nil {
		return err
	}
	if len(named) != 1 || strings.TrimSpace(named[0]) != tagOf(answer) {
		return refused(http.StatusPreconditionFailed, "", "it was changed meanwhile, or If-Match names no version of it: look again")
	}
	return nil
}

// done is what an act is answered with.
type done struct {
	Content  []byte `json:"content"`
	Tag      string `json:"tag,omitempty"`
	Location string `json:"location,omitempty"`
}

func (d done) send(w http.ResponseWriter, o act) {
	h := w.Header()
	h.Set("Content-Type", kindJSON)
	h.Set("Cache-Control", never)
	if d.Tag != "" {
		h.Set("ETag", d.Tag)
	}
	if d.Location != "" {
		h.Set("Location", d.Location)
	}
	w.WriteHeader(o.success())
	_, _ = w.Write(d.Content) // who asked is gone
}

// success is the status of an act that was done.
func (o act) success() int {
	if o.creates {
		return http.StatusCreated
	}
	return http.StatusOK
}

// refuseAct says why an act was not done. What is wrong with the server is told to its log alone.
func (a *api) refuseAct(w http.ResponseWriter, err error) {
	var r *refusal
	if errors.As(err, &r) {
		r.send(w)
		return
	}
	a.config.Fault(err)
	RefuseAs(w, http.StatusServiceUnavailable, "audit-unavailable", "it cannot be done and put on record at the moment: nothing was done")
}

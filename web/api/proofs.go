package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"time"
	uni "unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/authz"
	"github.com/assay-por/assay/web/hidden"
	"github.com/assay-por/assay/web/published"
)

// Prover makes customers' proofs (SPEC part 8) without knowing who they are.
type Prover interface {
	// Prove returns a customer's proof file for a statement. The error is an [AbsentError] for no such customer, after the work
	// that a proof takes; wraps fs.ErrNotExist for a statement whose proofs are not here, and [ErrCustomer] for what cannot be a
	// customer's id. No error holds the id.
	Prove(ctx context.Context, statement report.Digest, customer hidden.Customer) ([]byte, error)
}

// AbsentError says that there is no such customer, whose proof file would have had so many bytes.
type AbsentError struct{ Size int }

// Error says nothing of the customer.
func (AbsentError) Error() string { return "there is no such customer in that statement" }

// ErrCustomer says that a text cannot be a customer's id (SPEC part 5).
var ErrCustomer = errors.New("it cannot be a customer's id: 1 to 256 bytes of text without control characters")

// proofAsked is a [ProofRequest] that was read.
type proofAsked struct {
	customer  hidden.Customer
	statement string
}

// ProofRequest is what a proof is asked for with: never in a URL, which is logged by everybody on the way.
type ProofRequest struct {
	Customer  string `json:"customer,omitempty" minLength:"1" maxLength:"1024" doc:"The customer's id, as the ledger has it. It is missing where the token is for one customer, and for no other"`
	Statement string `json:"statement" minLength:"6" maxLength:"64" pattern:"^([0-9a-f]{64}|latest)$" doc:"Digest of the statement (SHA-256 of the envelope's payload, 64 hex digits), or latest: the newest report here"`
}

const (
	// ProofsPath is where proofs are asked for.
	ProofsPath = "/v1/proofs"

	maxProofRequest = 4 << 10 // bytes

	noProof = "there is no such customer in that statement, or no proofs of such a statement here"
)

var (
	statementName = regexp.MustCompile("^([0-9a-f]{64}|latest)$")
	errorModel    = reflect.TypeFor[huma.ErrorModel]()
)

// addProofs adds the one operation that is not for everybody. It is not huma's to handle: what huma refuses it quotes.
func (a *api) addProofs() {
	if a.config.Proofs == nil {
		return
	}
	headers := carried()
	delete(headers, "Access-Control-Allow-Origin")
	delete(headers, "ETag")
	op := &huma.Operation{
		Method: http.MethodPost, Path: ProofsPath, OperationID: "proof", Summary: "The inclusion proof of a customer (SPEC part 8)", Tags: []string{tagProofs},
		Description: "The inclusion proof of a customer (SPEC part 8), byte for byte as assay prove writes it. A customer who is not in the statement and a statement of which there are no proofs are answered alike.",
		RequestBody: &huma.RequestBody{Required: true, Description: "At most 4 KiB", Content: map[string]*huma.MediaType{kindJSON: {Schema: schema[ProofRequest](a)[kindJSON]}}},
		Responses:   map[string]*huma.Response{"200": {Description: "OK", Headers: headers, Content: map[string]*huma.MediaType{kindJSON: {Schema: object()[kindJSON]}}}},
	}
	a.mayRefuse(op, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable)
	a.secured(op)
	a.OpenAPI().AddOperation(op)
	a.Adapter().Handle(op, func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		a.proof(w, r)
	})
}

// mayRefuse says with which problems an operation may be answered that is not huma's to handle.
func (a *api) mayRefuse(op *huma.Operation, statuses ...int) {
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: map[string]*huma.MediaType{
			kindProblem: {Schema: a.OpenAPI().Components.Schemas.Schema(errorModel, true, "")}}}
	}
}

// proof answers with a customer's proof.
func (a *api) proof(w http.ResponseWriter, r *http.Request) {
	asked, status, sentence := proofRequest(w, r, authn.From(r.Context()))
	if status != 0 {
		Refuse(w, status, sentence)
		return
	}
	nobody := encoded(w, http.StatusNotFound, problemType(http.StatusNotFound), noProof) // for who is there too: it takes as long
	raw, err := a.prove(r.Context(), asked)
	var absent AbsentError
	switch {
	case errors.As(err, &absent):
		sendProblem(w, http.StatusNotFound, nobody, absent.Size)
	case errors.Is(err, ErrCustomer):
		Refuse(w, http.StatusUnprocessableEntity, "customer: "+ErrCustomer.Error())
	case errors.Is(err, fs.ErrNotExist):
		Refuse(w, http.StatusNotFound, noProof)
	case err != nil:
		a.config.Fault(err)
		Refuse(w, http.StatusServiceUnavailable, "proofs cannot be made at the moment")
	default:
		h := w.Header()
		h.Set("Content-Type", kindJSON)
		h.Set("Cache-Control", never)
		_, _ = w.Write(raw) // who asked is gone
	}
}

// prove makes the proof, if it is of a report that whoever asks may see.
func (a *api) prove(ctx context.Context, asked proofAsked) ([]byte, error) {
	all, err := a.config.Reports.Reports()
	if err != nil {
		return nil, err
	}
	var statement report.Digest
	if asked.statement != latest {
		if err := statement.UnmarshalText([]byte(asked.statement)); err != nil {
			return nil, err
		}
	} else {
		if len(all) == 0 {
			return nil, fs.ErrNotExist
		}
		statement = all[0].Digest
	}
	if may := authn.From(ctx); may == nil || !may.Scope.Sees(subject(all, statement)) {
		return nil, fs.ErrNotExist
	}
	return a.config.Proofs.Prove(ctx, statement, asked.customer)
}

// subject is a statement as scopes look at it. Of one that is not published here its digest alone is known.
func subject(all []*published.Report, statement report.Digest) authz.Subject {
	of := authz.Subject{Statement: statement.String()}
	if i := slices.IndexFunc(all, func(r *published.Report) bool { return r.Digest == statement }); i >= 0 {
		of = subjectOf(of.Statement, all[i].Statement.Predicate.Snapshot)
	}
	return of
}

func subjectOf(statement string, of report.Snapshot) authz.Subject {
	return authz.Subject{Statement: statement, Entity: of.Exchange.Entity, Day: of.Instant.UTC().Format(time.DateOnly)}
}

// proofRequest reads what is asked for, strictly; no sentence quotes it.
// Whose token is for a customer asks for that one, and names none.
func proofRequest(w http.ResponseWriter, r *http.Request, who *authn.Principal) (asked proofAsked, status int, sentence string) {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return asked, http.StatusUnprocessableEntity, "there are no parameters here: what is asked for stands in the content"
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != kindJSON || r.Header.Get("Content-Encoding") != "" {
		return asked, http.StatusUnsupportedMediaType, "the content must be application/json, without a content coding"
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxProofRequest))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return asked, http.StatusRequestEntityTooLarge, "the content has more than 4 KiB"
	}
	if err != nil {
		return asked, http.StatusBadRequest, "the content broke off"
	}
	members, err := textMembers(raw)
	if err != nil {
		return asked, http.StatusBadRequest, err.Error()
	}
	asked = proofAsked{hidden.NewCustomer(members["customer"]), members["statement"]}
	if who != nil && who.Subject.Reveal() != "" {
		if len(members) != 1 || !statementName.MatchString(asked.statement) {
			return asked, http.StatusUnprocessableEntity, `want one member and no other, "statement": the token says whose proof it is`
		}
		asked.customer = who.Subject
		return asked, 0, ""
	}
	if _, ok := members["customer"]; !ok || len(members) != 2 || !statementName.MatchString(asked.statement) {
		return asked, http.StatusUnprocessableEntity, `want two members and no others: "customer", an id, and "statement", 64 hex digits of a digest or "latest"`
	}
	return asked, 0, ""
}

// textMembers reads an object of texts, each name once.
func textMembers(raw []byte) (map[string]string, error) {
	malformed := errors.New("the content is not one JSON object, in UTF-8, of texts")
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') || !uni.Valid(raw) {
		return nil, malformed
	}
	all := map[string]string{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, malformed
		}
		value, err := dec.Token()
		text, ok := value.(string)
		if err != nil || !ok {
			return nil, malformed
		}
		if _, twice := all[name.(string)]; twice {
			return nil, errors.New("a member of the content stands twice")
		}
		all[name.(string)] = text
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformed
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed
	}
	return all, nil
}

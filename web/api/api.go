// Package api is version 1 of the API, for reading what an exchange has published:
//
//	GET /v1/reports                          the reports, newest first
//	GET /v1/reports/{statement}              one, by its statement's digest, or latest
//	GET /v1/reports/{statement}/statement    its envelope (SPEC part 10)
//	GET /v1/reports/{statement}/bundle       its bundle as a zip (SPEC part 11)
//	GET /v1/reports/{statement}/files/…      the bundle's files
//	GET /v1/reports/{statement}/report       its page
//	GET /v1/reports/{statement}/states       what the log says of it (SPEC part 24)
//	GET /v1/log/checkpoint  /v1/log/tile/…   the transparency log (SPEC part 25)
//	GET /v1/log/proof?index=N                where an entry stands in it
//	GET /v1/policy                           the exchange's own trust policy (SPEC part 16)
//	GET /v1/health
//	GET /.well-known/assay-keys              the keys that sign answers (SPEC part 28)
//	GET /openapi.json  /openapi.yaml         all of this, OpenAPI 3.1
//
// and, not for everybody, where the server was handed what it takes:
//
//	POST /v1/proofs                          a customer's inclusion proof (SPEC part 8)
//	GET /v1/audit                            the audit log
//	GET /v1/usage  /v1/me/usage              who asked for what, and what the client itself did
//	GET /v1/me  /v1/roles                    who asks, and what roles may
//	/v1/clients  /v1/clients/{id}            who may ask; to be made, changed, disabled and enabled
//	/v1/keys  /v1/keys/{id}                  their API keys; to be made, rotated and revoked
//	/v1/auth/…  /v1/me/…                     people sign in, and manage what they sign in by, and their sessions
//	/v1/me/grants                            what a customer allowed apps, to be revoked
//	/v1/people  /v1/people/{id}              who they are; to be invited, changed, disabled, enabled and reset
//	/v1/people/{id}/sessions  /v1/sessions/… where they are signed in; to be ended
//	/v1/proposals  /v1/proposals/{id}        what one person asks for, and another confirms
//	/v1/runs  /v1/runs/{id}                  what a worker is asked for (package web/runs): to be followed, approved, published, cancelled
//	POST /v1/reports/{statement}:withdraw    a statement is taken back
//	POST /v1/reports/{statement}/findings    an auditor's finding
//	/v1/limits  /v1/limits/{name}            how often may be asked; to be changed
//	/v1/anomalies  /v1/anomalies/{id}        what stood out of what clients do; to be undone
//
// What changes something is done in one transaction with its row of the audit log, or not at all; what makes something is done
// once under its Idempotency-Key, and what is changed is the version that If-Match names.
//
// HEAD is answered like GET. Every error is a problem (RFC 9457); parameters that are
// not known are refused. Every answer carries its content's digest as ETag; what a
// statement's digest vouches for may be kept for ever, anything else is asked for again.
//
// Signing answers is not done here but around it all: see package web/httpsig. Of
// customers nothing is told but by POST /v1/proofs, to whom package web let through to it.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/oauth"
	"github.com/assay-por/assay/web/people"
	"github.com/assay-por/assay/web/published"
)

// Config says what is served.
type Config struct {
	Reports *published.Shelf
	Log     *published.Log // nil if there is none

	// Register is what the log's published entries say of the exchange's statements, and Prove makes the proof of the entry at
	// an index (log.tlog-proof, SPEC part 25); both are nil without a log. Prove's error wraps fs.ErrNotExist for an index that
	// the checkpoint does not cover.
	Register func() (Seen, error)
	Prove    func(index uint64) ([]byte, error)

	Proofs Prover         // makes customers' proofs; nil if none are served
	Acts   *Acts          // what it takes to change something; nil if nothing can be
	People *people.People // let in who signs in; nil if nobody does
	OAuth  *oauth.Server  // let in apps by tokens; nil if none are
	Quota  Quota          // what a client may ask still; nil if that is not limited
	Fault  func(error)    // is told why a proof could not be made, or an act not done

	Retired  []Retirement           // what is on its way out
	Policies Policies               // by which requests are counted; nil: by none
	Policy   string                 // the file of the exchange's trust policy, which may be missing
	KeyList  func() ([]byte, error) // the signed list of response keys; with a list, the error says that the server's own is not good now
}

// Seen is the log as far as its checkpoint reaches.
type Seen struct {
	Origin   string
	Size     uint64
	Register *report.Register
}

type api struct {
	huma.API
	config  Config
	flights sync.Map              // acts that are being done, by their names
	waits   waits                 // who wait for something to happen to a run
	twice   map[string]proposable // acts that take two people, by their ids
}

const (
	kindJSON   = "application/json"
	kindBinary = "application/octet-stream"
	kindText   = "text/plain"
	kindTOML   = "application/toml"
	kindYAML   = "application/yaml"
	kindZip    = "application/zip"
	kindHTML   = "text/html"
	utf8       = "; charset=utf-8"

	tagReports = "reports"
	tagLog     = "log"
	tagTrust   = "trust"
	tagProofs  = "proofs"
	tagAudit   = "audit"
)

// Add adds the operations to a router.
func Add(r chi.Router, c Config) error {
	a := begin(r, c)
	a.addReports()
	a.addLog()
	a.addTrust()
	a.addProofs()
	a.addAudit()
	a.addClients()
	a.addKeys()
	a.addSigns()
	a.addFactors()
	a.addPeople()
	a.addGrants()
	a.addProposals()
	a.addRuns()
	a.addLimits()
	a.addAnomalies()
	return a.addDocument()
}

// begin is an API without operations.
func begin(r chi.Router, c Config) *api {
	settings := huma.DefaultConfig("Assay", "1")
	settings.Info.Description = "Solvency reports of one exchange, its transparency log, and the keys that sign these answers. Nothing here is to be believed " +
		"because a server says it: verify bundles and proofs with assay-verify."
	settings.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	settings.Info.Contact = &huma.Contact{Name: "Assay", URL: "https://github.com/assay-por/assay"}
	settings.Servers = []*huma.Server{{URL: "/", Description: "The server that this document comes from, in production", Extensions: map[string]any{"x-internal": false}}}
	settings.Tags = []*huma.Tag{
		{Name: tagReports, Description: "What was published of each period"},
		{Name: tagLog, Description: "The transparency log, in which every statement stands"},
		{Name: tagTrust, Description: "What answers are checked with, and this document"},
	}
	if c.Proofs != nil {
		settings.Tags = append(settings.Tags, &huma.Tag{Name: tagProofs, Description: "Customers' inclusion proofs, for the exchange's own services"})
	}
	if c.Acts != nil {
		settings.Tags = append(settings.Tags, &huma.Tag{Name: tagClients, Description: "Who may ask for what is not public, and their API keys"},
			&huma.Tag{Name: tagPeople, Description: "Who signs in, and what one of them asks for and another confirms"},
			&huma.Tag{Name: tagRuns, Description: "Reports that are drawn up, approved, published and withdrawn; a worker inside does it"},
			&huma.Tag{Name: tagAudit, Description: "Who did what, and who asked for what"})
	}
	settings.OpenAPIPath, settings.DocsPath, settings.SchemasPath = "", "", "" // served like all else, below
	settings.CreateHooks = nil
	settings.RejectUnknownQueryParameters = true
	settings.Transformers = []huma.Transformer{typed}
	return &api{API: huma.NewAPI(settings, adapter{r}), config: c, twice: map[string]proposable{}}
}

// operation is a read.
type operation struct {
	path, id, tag, summary string
	kinds                  map[string]*huma.Schema // of the answer, by media type
}

// add adds a read. What it answers with was looked at already: it is sent as it is.
func add[I any](a *api, o operation, read func(*I) (Answer, error)) {
	register(a, o.describe(), func(_ context.Context, in *I) (Answer, error) { return read(in) })
}

// addPrivate adds a read that is not for everybody: its answers are for one caller, and not kept by anybody on the way.
func addPrivate[I any](a *api, o operation, read func(ctx context.Context, who *authn.Principal, in *I) (Answer, error)) {
	op := o.describe()
	delete(op.Responses["200"].Headers, "Access-Control-Allow-Origin")
	delete(op.Responses["304"].Headers, "Access-Control-Allow-Origin")
	op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	a.secured(&op)
	register(a, op, func(ctx context.Context, in *I) (Answer, error) {
		answer, err := read(ctx, authn.From(ctx), in)
		answer.Cache = never
		return answer, err
	})
}

func (o operation) describe() huma.Operation {
	ok := &huma.Response{Description: "OK", Headers: carried(), Content: map[string]*huma.MediaType{}}
	for kind, schema := range o.kinds {
		ok.Content[kind] = &huma.MediaType{Schema: schema}
	}
	return huma.Operation{
		Method: http.MethodGet, Path: o.path, OperationID: o.id, Summary: o.summary, Description: o.summary + ".", Tags: []string{o.tag},
		Responses: map[string]*huma.Response{"200": ok, "304": {Description: "If-None-Match names the content", Headers: carried()}},
		Errors: []int{http.StatusBadRequest, http.StatusNotFound, http.StatusNotAcceptable, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
}

func register[I any](a *api, op huma.Operation, read func(context.Context, *I) (Answer, error)) {
	huma.Register(a.API, op, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		answer, err := read(ctx, in)
		var no *refusal
		if err != nil && !errors.As(err, &no) {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			r, w := humachi.Unwrap(ctx)
			if no != nil {
				no.send(w)
				return
			}
			answer.Send(w, r)
		}}, nil
	})
}

// secured says of an operation that it is not for everybody.
func (a *api) secured(op *huma.Operation) {
	a.OpenAPI().Components.SecuritySchemes = map[string]*huma.SecurityScheme{"apiKey": {Type: "apiKey", In: "header", Name: "Assay-Key",
		Description: "An API key with the permission that the operation needs, or in its place a signed request (RFC 9421)"}}
	op.Security = []map[string][]string{{"apiKey": {}}}
	if a.config.OAuth != nil {
		a.OpenAPI().Components.SecuritySchemes["token"] = &huma.SecurityScheme{Type: "http", Scheme: "DPoP", Description: "A token of an app (OAuth 2.0; see /.well-known/oauth-authorization-server), with a proof of possession (RFC 9449); " +
			"one that is bound to a certificate (RFC 8705) is shown as Bearer"}
		op.Security = append(op.Security, map[string][]string{"token": {}})
	}
	if a.config.People != nil {
		a.OpenAPI().Components.SecuritySchemes["session"] = &huma.SecurityScheme{Type: "apiKey", In: "cookie", Name: authn.SessionCookie, Description: "The session of a person who signed in (see /v1/auth/passkey)"}
		op.Security = append(op.Security, map[string][]string{"session": {}})
	}
}

// carried are the fields that every answer has.
func carried() map[string]*huma.Param {
	headers := map[string]*huma.Param{}
	for name, text := range map[string]string{
		"ETag":            "The content's SHA-256, in hex",
		"Cache-Control":   "immutable, if a statement's digest vouches for the content",
		"Content-Digest":  "The content's SHA-256 (RFC 9530)",
		"Signature-Input": "What is signed (RFC 9421, SPEC part 28)",
		"Request-Id":      "Which request it was, in this server's log; a problem's instance",
		"Signature":       "The signature, by a key of /.well-known/assay-keys",

		"Access-Control-Allow-Origin": "Pages of others may read this",
	} {
		headers[name] = &huma.Param{Description: text, Schema: &huma.Schema{Type: huma.TypeString, MaxLength: limit(maxField)}}
	}
	return headers
}

const (
	maxField   = 1024    // bytes of a field of an answer
	maxContent = 1 << 40 // bytes of a file
	maxURI     = 2048    // bytes of what is asked for
)

func limit(n int) *int { return &n }

// anything is the schema of what is no JSON.
func anything(format string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: format, MaxLength: limit(maxContent)}
}

// text, binary, object and schema are what an operation answers with: schema's type is among the document's components.
func text(kind string) map[string]*huma.Schema { return map[string]*huma.Schema{kind: anything("")} }

func binary(kind string) map[string]*huma.Schema {
	return map[string]*huma.Schema{kind: anything("binary")}
}

func object() map[string]*huma.Schema {
	return map[string]*huma.Schema{kindJSON: {Type: huma.TypeObject, AdditionalProperties: true}}
}

func schema[T any](a *api) map[string]*huma.Schema {
	return map[string]*huma.Schema{kindJSON: a.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")}
}

// addDocument serves the document that all operations make up.
func (a *api) addDocument() error {
	var asJSON, asYAML []byte
	add(a, operation{"/openapi.json", "openapi-json", tagTrust, "This document", object()},
		func(*struct{}) (Answer, error) { return BytesOf(asJSON, kindJSON), nil })
	add(a, operation{"/openapi.yaml", "openapi-yaml", tagTrust, "This document as YAML", map[string]*huma.Schema{kindYAML: object()[kindJSON]}},
		func(*struct{}) (Answer, error) { return BytesOf(asYAML, kindYAML), nil })
	a.describeProblems()
	a.describeLimits()
	if err := a.retire(); err != nil {
		return err
	}
	var err error
	if asJSON, err = json.Marshal(a.OpenAPI()); err != nil {
		return err
	}
	asYAML, err = a.OpenAPI().YAML()
	return err
}

// describeProblems says of huma's own schema what is true of the problems here.
func (a *api) describeProblems() {
	all := a.OpenAPI().Components.Schemas.Map()
	problem, detail := all["ErrorModel"].Properties, all["ErrorDetail"].Properties
	problem["type"].Format, problem["instance"].Format = "uri-reference", "uri-reference"
	for _, s := range []*huma.Schema{problem["type"], problem["title"], problem["instance"], problem["detail"], detail["message"], detail["location"]} {
		s.MaxLength = limit(2 * maxURI)
	}
	problem["errors"].MaxItems = limit(maxURI)
	least, most := 400.0, 599.0
	problem["status"].Minimum, problem["status"].Maximum = &least, &most
}

package api

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/assay-por/assay/web/published"
)

// kindProblem is the media type of every answer that is an error (RFC 9457).
const kindProblem = "application/problem+json"

// slugs are the last parts of the problems' types, by status. They are frozen: clients tell problems apart by them.
var slugs = map[int]string{
	http.StatusBadRequest:            "malformed",
	http.StatusNotFound:              "not-found",
	http.StatusMethodNotAllowed:      "method-not-allowed",
	http.StatusNotAcceptable:         "not-acceptable",
	http.StatusConflict:              "state-conflict",
	http.StatusPreconditionFailed:    "precondition-failed",
	http.StatusRequestEntityTooLarge: "content-too-large",
	http.StatusRequestURITooLong:     "uri-too-long",
	http.StatusUnsupportedMediaType:  "unsupported-media-type",
	http.StatusUnprocessableEntity:   "validation",
	http.StatusPreconditionRequired:  "precondition-required",
	http.StatusTooManyRequests:       "rate-limited",
	http.StatusInternalServerError:   "internal",
	http.StatusServiceUnavailable:    "unavailable",
}

func problemType(status int) string {
	if slug, ok := slugs[status]; ok {
		return "/problems/" + slug
	}
	return "about:blank"
}

// requestID is the field that has the request's id, once whoever watches has put it there.
const requestID = "Request-Id"

// Refuse answers with a problem (RFC 9457): one sentence, which says nothing of the inside.
func Refuse(w http.ResponseWriter, status int, sentence string) {
	refuse(w, status, problemType(status), sentence)
}

// RefuseAs does so with a problem of its own, where its status alone does not tell it from others.
func RefuseAs(w http.ResponseWriter, status int, slug, sentence string) {
	refuse(w, status, "/problems/"+slug, sentence)
}

func refuse(w http.ResponseWriter, status int, kind, sentence string, details ...*huma.ErrorDetail) {
	sendProblem(w, status, encoded(w, status, kind, sentence, details...), 0)
}

// encoded is a problem as it is sent.
func encoded(w http.ResponseWriter, status int, kind, sentence string, details ...*huma.ErrorDetail) []byte {
	raw, err := json.Marshal(huma.ErrorModel{Type: kind, Title: http.StatusText(status), Status: status, Detail: sentence, Instance: w.Header().Get(requestID), Errors: details})
	if err != nil { // there is nothing in it that could not be written
		panic(err)
	}
	return append(raw, '\n')
}

// sendProblem answers with a problem, and blanks behind it where the content is to have so many bytes at least.
func sendProblem(w http.ResponseWriter, status int, raw []byte, least int) {
	h := w.Header()
	for _, of := range []string{"ETag", "Content-Digest", "Content-Length", "Content-Disposition"} {
		h.Del(of) // a file that was about to be sent
	}
	h.Set("Content-Type", kindProblem)
	h.Set("Cache-Control", never)
	w.WriteHeader(status)
	_, _ = w.Write(raw) // who asked is gone
	for left := least - len(raw); left > 0; left -= len(blanks) {
		_, _ = io.WriteString(w, blanks[:min(left, len(blanks))])
	}
}

var blanks = strings.Repeat(" ", 64<<10)

// refusal is an error that whoever asks is told of.
type refusal struct {
	status   int
	slug     string // empty: the one of the status
	sentence string
	details  []*huma.ErrorDetail
}

// refused is a refusal: one sentence, which says nothing of the inside.
func refused(status int, slug, sentence string) error {
	return &refusal{status: status, slug: slug, sentence: sentence}
}

// Error is the sentence.
func (r *refusal) Error() string { return r.sentence }

func (r *refusal) send(w http.ResponseWriter) {
	kind := problemType(r.status)
	if r.slug != "" {
		kind = "/problems/" + r.slug
	}
	refuse(w, r.status, kind, r.sentence, r.details...)
}

// RefuseFor answers with the problem that an error about a file amounts to.
func RefuseFor(w http.ResponseWriter, err error) {
	status, sentence := amounts(err)
	Refuse(w, status, sentence)
}

const (
	noObject   = "there is nothing of that name that you can see"
	notThere   = "there is no such file"
	unreadable = "it cannot be read at the moment"
	damaged    = "the file on this server is not the one that its manifest lists"
)

func amounts(err error) (status int, sentence string) {
	switch {
	case errors.Is(err, published.ErrDamaged):
		return http.StatusInternalServerError, damaged
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound, notThere
	}
	return http.StatusServiceUnavailable, unreadable
}

// fault is the same for huma.
func fault(err error) error {
	status, sentence := amounts(err)
	return huma.NewError(status, sentence)
}

// unknownParameter is what huma says of one, whose name is the location.
const unknownParameter = "unknown query parameter"

// typed gives the problems that huma writes their type, and their request. What was asked with they do not quote: it may be of a customer.
func typed(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok && p.Type == "" {
		_, w := humachi.Unwrap(ctx)
		p.Type, p.Instance = problemType(p.Status), w.Header().Get(requestID)
		for _, e := range p.Errors {
			e.Value = nil
			if e.Message == unknownParameter {
				e.Location = "query"
			}
		}
	}
	return v, nil
}

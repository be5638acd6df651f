package api

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// origins is whose pages may read an answer.
const origins = "Access-Control-Allow-Origin"

// describeLimits says of each operation that whoever asks too often is refused, and of each answer that it tells what is left. Who
// may read an answer may read a refusal.
func (a *api) describeLimits() {
	field := func(text string) *huma.Param {
		return &huma.Param{Description: text, Schema: &huma.Schema{Type: huma.TypeString, MaxLength: limit(maxField)}}
	}
	a.eachOperation(func(_ string, op *huma.Operation) {
		op.Responses[strconv.Itoa(http.StatusTooManyRequests)] = &huma.Response{
			Description: http.StatusText(http.StatusTooManyRequests),
			Headers:     map[string]*huma.Param{"Retry-After": field("In how many seconds not to be refused")},
			Content:     map[string]*huma.MediaType{kindProblem: {Schema: a.OpenAPI().Components.Schemas.Schema(errorModel, true, "")}},
		}
		var readers *huma.Param
		if ok := op.Responses["200"]; ok != nil {
			readers = ok.Headers[origins]
		}
		for _, response := range op.Responses {
			if response.Headers == nil {
				response.Headers = map[string]*huma.Param{}
			}
			response.Headers["RateLimit-Policy"] = field("How often whoever asks may ask: of each policy the quota (q), and its window in seconds (w)")
			response.Headers["RateLimit"] = field("What is left of each: requests (r), and in how many seconds all of them are back (t)")
			if readers != nil {
				response.Headers[origins] = readers
			}
		}
	})
}

// eachOperation goes through the document. A name is such as "GET /v1/policy".
func (a *api) eachOperation(do func(name string, op *huma.Operation)) {
	for path, item := range a.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete} {
			if op != nil {
				do(method+" "+path, op)
			}
		}
	}
}

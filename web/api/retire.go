package api

import (
	"fmt"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Version is the version of this API, as its paths begin.
const Version = "v1"

// Retirement says that an operation is on its way out.
type Retirement struct {
	Operation  string    // such as "GET /v1/policy", as the document has it; or a version, such as "v1": all of its
	Deprecated time.Time // since when it is
	Sunset     time.Time // from when on it is not answered any more
	Successor  string    // URI of what takes its place; may be empty
	Notice     string    // URI of what there is to know about it; may be empty
}

// PathOf is a router's pattern as the document has it.
func PathOf(pattern string) string {
	if head, ok := strings.CutSuffix(pattern, "*"); ok {
		return head + rest
	}
	return pattern
}

// retire says in the document what is deprecated.
func (a *api) retire() error {
	for _, of := range a.config.Retired {
		found := false
		a.eachOperation(func(name string, op *huma.Operation) {
			if of.Operation == name || of.Operation == Version && strings.Contains(name, " /"+Version+"/") {
				found, op.Deprecated = true, true
				op.Extensions = map[string]any{"x-sunset": of.Sunset.UTC().Format(time.DateOnly)} // where oasdiff looks for it
			}
		})
		if !found {
			return fmt.Errorf("api: %q is retired, and there is no such operation or version", of.Operation)
		}
	}
	return nil
}

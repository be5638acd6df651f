package authn

import (
	"context"
	"net/http"
	"time"
)

// SessionCookie is the cookie that a person's session has. Browsers take one of that name over TLS alone, for the whole of one host.
const SessionCookie = "__Host-assay"

// Way is a further way to be let in than by an API key.
type Way interface {
	// Shows reports whether a request carries this kind of credential, good or not. A gate asks if there is one credential and no other.
	Shows(r *http.Request) bool
	// Who returns who asks by it. The error is one of this package, with more that is for the log, or the database's own.
	Who(r *http.Request) (*Principal, error)
	// Still is nil if somebody whom this way let in would be let in now as they were before; else as [Principal.Still] says.
	Still(ctx context.Context, in Records, who *Principal, now time.Time) error
}

// TokenError says that whoever shows a token is not let in by it, and what they are told in WWW-Authenticate. The reason is for the log.
type TokenError struct {
	Challenge string
	Reason    string
}

// Error is for the log.
func (e *TokenError) Error() string { return "the token is not good: " + e.Reason }

// cookies is how many sessions a request names.
func cookies(r *http.Request) int {
	n := 0
	for _, c := range r.Cookies() {
		if c.Name == SessionCookie {
			n++
		}
	}
	return n
}

package oauth

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/ory/fosite"
)

// maxForm is how much may be sent, in bytes.
const maxForm = 32 << 10

// form reads what is sent, strictly: each parameter once, in the content, and no file. The request has it from then on as if net/http had read it.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return nil, fosite.ErrInvalidRequest.WithHint("Parameters are sent in the content and not in the URL.")
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || r.Header.Get("Content-Encoding") != "" {
		return nil, fosite.ErrInvalidRequest.WithHint("The content must be application/x-www-form-urlencoded.")
	}
	if len(r.Header.Values("Authorization")) > 0 {
		return nil, fosite.ErrInvalidClient.WithHint("Apps have no secret that would be sent in Authorization.")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, fosite.ErrInvalidRequest.WithHint("The content broke off, or has more than 32 KiB.")
	}
	all, err := url.ParseQuery(string(raw))
	if err != nil || len(all) == 0 {
		return nil, fosite.ErrInvalidRequest.WithHint("The content cannot be read.")
	}
	for name, values := range all {
		if len(values) != 1 || !plain(name) || !plain(values[0]) {
			return nil, fosite.ErrInvalidRequest.WithHint("A parameter stands twice, or is no plain text.")
		}
	}
	if all.Has("client_secret") {
		return nil, fosite.ErrInvalidClient.WithHint("Apps have no secrets.")
	}
	if all.Has("request") {
		return nil, fosite.ErrRequestNotSupported.WithHint("What is asked for is pushed as parameters.")
	}
	r.Form, r.PostForm = all, all
	return all, nil
}

func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// standard are errors of fosite that OAuth has no word for, and what it calls them.
var standard = map[string]string{
	"invalid_state": "invalid_request", "request_unauthorized": "invalid_token", "jti_known": "invalid_client", "not_found": "invalid_request", "token_inactive": "invalid_token", "scope_not_granted": "invalid_scope",
	"request_forbidden": "invalid_request", "token_expired": "invalid_token", "token_signature_mismatch": "invalid_token", "invalid_token_format": "invalid_token", "misconfiguration": "server_error", "insufficient_entropy": "server_error", "error": "server_error",
}

var (
	errProof  = &fosite.RFC6749Error{ErrorField: "invalid_dpop_proof", DescriptionField: "The proof of possession (DPoP) is missing, or is not good.", CodeField: http.StatusBadRequest}
	errTarget = &fosite.RFC6749Error{ErrorField: "invalid_target", DescriptionField: "Tokens of this server are for this server.", CodeField: http.StatusBadRequest}
)

// amounts is what an error is told as; ours says that the fault is the server's.
func amounts(err error) (name, sentence string, status int, ours bool) {
	var known *fosite.RFC6749Error
	if !errors.As(err, &known) || known.CodeField == http.StatusInternalServerError {
		return "server_error", "It cannot be done at the moment: nothing was done.", http.StatusServiceUnavailable, true
	}
	name, status = known.ErrorField, known.CodeField
	if other := standard[name]; other != "" {
		name = other
	}
	if status != http.StatusUnauthorized || name != "invalid_client" {
		status = http.StatusBadRequest
	}
	return name, describe(known), status, false
}

// describe is what is said of an error, in the characters that OAuth has for that.
func describe(e *fosite.RFC6749Error) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"' || c == '\\':
			return '\''
		case c < ' ' || c > '~':
			return '?'
		}
		return c
	}, strings.TrimSpace(e.GetDescription()))
}

// refuse answers with an error of OAuth (RFC 6749 part 5.2). Why is for the log.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, action, app string, err error) {
	name, sentence, status, ours := amounts(err)
	if ours {
		s.Fault(err)
	} else if kept := s.Denials.Record(acting(r.Context(), app, ""), action, app, reason(err)); kept != nil {
		s.Fault(kept)
		name, sentence, status = "temporarily_unavailable", "It cannot be put on record at the moment.", http.StatusServiceUnavailable
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, status, map[string]any{"error": name, "error_description": sentence})
}

// reason is the true one.
func reason(err error) string {
	var known *fosite.RFC6749Error
	if !errors.As(err, &known) {
		return err.Error()
	}
	text := known.ErrorField + ": " + known.GetDescription()
	if known.DebugField != "" {
		text += " " + known.DebugField
	}
	return text
}

// answer answers with JSON that nobody keeps.
func answer(w http.ResponseWriter, status int, content any) {
	raw, err := json.Marshal(content)
	if err != nil { // there is nothing in it that could not be written
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // who asked is gone
}

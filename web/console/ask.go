package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/assay-por/assay/web/authn"
)

// answer is what the API answered.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}

// problem is an answer that is an error (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`

	again string // in how many seconds it may be asked for again
}

// Error is for the person.
func (p *problem) Error() string { return p.Detail }

// is reports whether it is the one of a slug.
func (p *problem) is(slug string) bool { return p.Type == "/problems/"+slug }

// ask asks the API as whoever looks, and reads the answer into a value, or into a slice of bytes as it is. Of an answer that is an error it
// returns the problem. Fields are names and values in turn.
func (v *visit) ask(method, path string, content, into any, fields ...string) (http.Header, error) {
	var body io.Reader = http.NoBody
	if content != nil {
		raw, err := json.Marshal(content)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(v.r.Context(), method, path, body)
	if err != nil {
		return nil, &problem{Status: http.StatusNotFound, Detail: "there is no such page"}
	}
	r.Host, r.RemoteAddr, r.TLS, r.RequestURI = v.r.Host, v.r.RemoteAddr, v.r.TLS, r.URL.RequestURI()
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		if value := v.r.Header.Get(name); value != "" && method != http.MethodGet {
			r.Header.Set(name, value)
		}
	}
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if v.session != "" {
		r.Header.Set("Cookie", authn.SessionCookie+"="+v.session)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	a := &answer{header: http.Header{}}
	v.c.API.ServeHTTP(a, r)
	v.keepCookie(a.header)
	if a.status >= http.StatusBadRequest {
		return a.header, problemOf(a)
	}
	if raw, ok := into.(*[]byte); ok {
		*raw = a.body.Bytes()
		return a.header, nil
	}
	if into != nil {
		err = json.Unmarshal(a.body.Bytes(), into)
	}
	return a.header, err
}

// get asks for something that is read.
func (v *visit) get(path string, into any) (http.Header, error) {
	return v.ask(http.MethodGet, path, nil, into)
}

// keepCookie hands on a session that begins, goes on under another token, or ends.
func (v *visit) keepCookie(h http.Header) {
	for _, line := range h.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil || cookie.Name != authn.SessionCookie {
			continue
		}
		v.w.Header().Set("Set-Cookie", line)
		v.session = cookie.Value
	}
}

// problemOf reads a problem; where it cannot be read it is that of the status alone.
func problemOf(a *answer) *problem {
	p := &problem{}
	if err := json.Unmarshal(a.body.Bytes(), p); err != nil || p.Detail == "" {
		p.Detail = fmt.Sprintf("The server answered with the status %d.", a.status)
	}
	p.Status, p.again = a.status, a.header.Get("Retry-After")
	p.Detail = sentence(p.Detail)
	return p
}

// sentence begins with a capital and ends in a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

package httpsig

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// answer is what next writes to. It says nothing to the client before it can be signed.
type answer struct {
	w    http.ResponseWriter
	sign func(status int, header http.Header) error
	head bool // HEAD was asked: what next writes is not sent

	header http.Header // next's, as it goes on setting it
	status int         // 0 until next has said it
	sent   http.Header // the fields as they were then
	held   *bytes.Buffer
	fault  error // why this is no answer to give

	under    hash.Hash // of the content that is handed on as it comes, under a digest that next knew; else nil
	declared string
}

// Header returns the fields that next sets. After WriteHeader they are no longer looked at.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader takes the status of the answer; those before the answer (1xx) are dropped.
func (a *answer) WriteHeader(status int) {
	if a.status != 0 || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		return
	}
	a.status = status
	a.sent = canonical(a.header)
	switch {
	case status < 200 || status > 599 || status == http.StatusPartialContent:
		a.fail(fmt.Errorf("a handler answers with status %d, which is no whole answer", status))
	case status == http.StatusOK && len(a.sent["Content-Digest"]) > 0:
		a.fail(a.begin())
	}
}

// begin sends the head of an answer whose content is handed on as it comes.
func (a *answer) begin() error {
	a.declared = strings.Join(a.sent["Content-Digest"], ", ")
	if len(a.declared) != len(ContentDigest([sha256.Size]byte{})) || !strings.HasPrefix(a.declared, "sha-256=:") {
		return errors.New("a handler sets Content-Digest, and it is not one of sha-256 alone")
	}
	if err := a.settle(true); err != nil {
		return err
	}
	a.sent["Content-Digest"] = []string{a.declared}
	if err := a.sign(a.status, a.sent); err != nil {
		return err
	}
	a.under = sha256.New()
	a.send()
	return nil
}

// Write takes content. Next's fault makes it fail, so that next need not go on.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.fault != nil:
		return 0, a.fault
	case !hasContent(a.status), a.head && a.under != nil:
		return 0, http.ErrBodyNotAllowed
	case a.under != nil:
		a.under.Write(p)
		return a.w.Write(p)
	case a.held.Len()+len(p) > MaxHeld:
		a.fail(fmt.Errorf("a handler writes more than %d bytes and has set no Content-Digest before", MaxHeld))
		return 0, a.fault
	}
	return a.held.Write(p)
}

// finish sends what was held, or makes sure that what was handed on is what was signed.
func (a *answer) finish() error {
	if a.status == 0 && a.fault == nil {
		a.WriteHeader(http.StatusOK)
	}
	if a.fault != nil {
		return a.fault
	}
	if a.under != nil {
		if !a.head && ContentDigest([sha256.Size]byte(a.under.Sum(nil))) != a.declared {
			return errors.New("a handler wrote other content than its Content-Digest says, and the connection is cut")
		}
		return nil
	}
	if err := a.settle(a.held.Len() > 0); err != nil {
		return err
	}
	return a.give()
}

// give signs and sends what is held.
func (a *answer) give() error {
	if a.status != http.StatusNotModified {
		a.sent["Content-Digest"] = []string{ContentDigest(sha256.Sum256(a.held.Bytes()))}
	}
	if hasContent(a.status) {
		a.sent["Content-Length"] = []string{strconv.Itoa(a.held.Len())}
	}
	if err := a.sign(a.status, a.sent); err != nil {
		return err
	}
	a.send()
	if !a.head && a.held.Len() > 0 {
		_, _ = a.w.Write(a.held.Bytes()) // who asked is gone if this fails
	}
	return nil
}

// refuse gives a signed 500 (RFC 9457) for an answer that cannot be given. It says nothing of the inside.
func (a *answer) refuse() error {
	a.held.Reset()
	a.held.WriteString(`{"status":500,"title":"Internal Server Error","type":"about:blank"}` + "\n")
	a.status, a.sent = http.StatusInternalServerError, http.Header{
		"Cache-Control":          {noStore},
		"Content-Type":           {"application/problem+json"},
		"X-Content-Type-Options": {"nosniff"},
	}
	return a.give()
}

// send replaces the fields of the answer by those that were signed.
func (a *answer) send() {
	h := a.w.Header()
	clear(h)
	for name, lines := range a.sent {
		h[name] = lines
	}
	a.w.WriteHeader(a.status)
}

func (a *answer) fail(fault error) {
	if a.fault == nil {
		a.fault = fault
	}
}

// SetReadDeadline and SetWriteDeadline are what [http.ResponseController] asks for. There is
// no Unwrap: what is below could be written to unsigned.
func (a *answer) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(a.w).SetReadDeadline(t)
}

// SetWriteDeadline is needed by who hands on large content.
func (a *answer) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(a.w).SetWriteDeadline(t)
}

func hasContent(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// canonical copies fields, each under its canonical name: net/http sends what it is given,
// and a field by another spelling would be one that the signature misses.
func canonical(header http.Header) http.Header {
	out := make(http.Header, len(header)+6)
	for name, lines := range header {
		name = textproto.CanonicalMIMEHeaderKey(name)
		out[name] = append(out[name], lines...)
	}
	return out
}

// settle puts the fields in the form that is signed and sent: each covered one of one line,
// and none left that net/http would add or take away afterwards.
func (a *answer) settle(content bool) error {
	h := a.sent
	for _, name := range []string{"Content-Digest", "Signature", "Signature-Input", "Trailer", "Transfer-Encoding"} {
		delete(h, name)
	}
	for _, name := range []string{"Cache-Control", "Content-Encoding", "Content-Type", "Etag"} {
		lines := h[name]
		if len(lines) > 1 && (name == "Cache-Control" || name == "Content-Encoding") {
			lines = []string{strings.Join(lines, ", ")} // lists, which say the same in one line
		}
		if len(lines) == 1 {
			lines = []string{strings.Trim(lines[0], " \t")}
		}
		if h[name] = lines; len(lines) == 0 || len(lines) == 1 && lines[0] == "" {
			delete(h, name)
		}
		if _, _, err := field(h, name); err != nil {
			return fmt.Errorf("a handler sets a field that cannot be signed: %w", err)
		}
	}
	switch {
	case a.status == http.StatusNotModified:
		delete(h, "Content-Type")
		delete(h, "Content-Length")
	case content && h["Content-Type"] == nil:
		h["Content-Type"] = []string{"application/octet-stream"}
	}
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = []string{"no-cache"}
	}
	h["Cache-Control"][0] = strings.ToLower(h["Cache-Control"][0])
	if has(h, noStore) {
		h["Cache-Control"][0] = noStore
	}
	if err := checkCacheControl(h); err != nil {
		return fmt.Errorf("a handler sets a field that cannot be signed: %w", err)
	}
	if h["Accept-Ranges"] != nil {
		h["Accept-Ranges"] = []string{"none"}
	}
	if !has(h, noStore) {
		h["Vary"] = append(h["Vary"], "Accept-Signature") // an answer that is signed with a nonce is for who asked
	}
	return nil
}

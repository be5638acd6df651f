package httpsig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/dunglas/httpsfv"
)

// MaxHeld is how much content is held in memory until its digest is known. More of it
// needs a Content-Digest before the first byte.
const MaxHeld = 1 << 20

// Handler signs whatever next answers (SPEC part 28). It is the outermost handler that
// answers: what is above it must change neither content nor the fields that are covered.
// Set DisableGeneralOptionsHandler of the http.Server, which answers OPTIONS * itself.
//
// Content is held until it is whole, up to [MaxHeld] bytes. Where next answers 200 and has
// set Content-Digest (sha-256 alone, of the content as it goes out), the content is handed
// on as it comes, however large; if another one came, the connection is cut. A handler that
// writes more than MaxHeld without that field is at fault, and the answer is a signed 500.
//
// So is the answer to a panic of next, unless it is [http.ErrAbortHandler]. Where an answer
// cannot be signed, the connection is cut. Both are told to the server's ErrorLog, without
// what was asked, what was answered or what the panic said.
//
// Answers are whole: next never sees Range, 206 is a fault, and what is sent before the
// answer (1xx) is dropped. HEAD is asked of next as GET, and answered with the digest of
// what GET has. Cache-Control is always there, in lower case: no-cache where next says nothing,
// no-store alone where next says so among other things. Content without a Content-Type is
// application/octet-stream: nothing is guessed from what it looks like. A nonce that the
// request asks for is signed. Of immutable answers the signature is made once, of other
// public ones once a second, and kept under the digest of all that it covers; of the rest
// it is made anew for each.
func Handler(next http.Handler, s *Signer) http.Handler {
	return &handler{next: next, signer: s, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
}

type handler struct {
	next    http.Handler
	signer  *Signer
	buffers sync.Pool
}

// maxKept is the largest buffer that waits for a next answer.
const maxKept = 64 << 10

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	held := h.buffers.Get().(*bytes.Buffer)
	held.Reset()
	defer func() {
		if held.Cap() <= maxKept {
			h.buffers.Put(held)
		}
	}()
	q, wanted := asked(r), Nonce(r) // before next can change the request
	a := &answer{w: w, header: w.Header().Clone(), held: held, head: r.Method == http.MethodHead, sign: func(status int, header http.Header) error {
		return h.signer.sign(q, wanted, status, header)
	}}
	a.guard(func() { h.next.ServeHTTP(a, whole(r)) })
	if err := a.finish(); err != nil {
		complain(r, err)
		if a.under != nil || a.refuse() != nil {
			panic(http.ErrAbortHandler) // rather no answer than one that is not signed
		}
	}
}

// whole is the request that next sees: for the whole of the content.
func whole(r *http.Request) *http.Request {
	_, part := r.Header["Range"]
	if r.Method != http.MethodHead && !part {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), sentKey{}, r.Method)) // a copy
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet
	}
	if part {
		r.Header = r.Header.Clone()
		r.Header.Del("Range")
		r.Header.Del("If-Range")
	}
	return r
}

type sentKey struct{}

// sentMethod is the method that a request was sent with, which its signature covers.
func sentMethod(r *http.Request) string {
	if method, ok := r.Context().Value(sentKey{}).(string); ok {
		return method
	}
	return r.Method
}

// AcceptSignature is the value of the field Accept-Signature that asks for an answer signed
// with a nonce (SPEC part 28): 16 to 64 of A-Z a-z 0-9 - _, drawn anew for each request.
// The answer was then made after the request, and for it.
func AcceptSignature(nonce string) string { return label + `=();nonce="` + nonce + `"` }

// Nonce is the one that a request asks for; empty if there is none of the form of SPEC part 28.
func Nonce(r *http.Request) string {
	lines := r.Header["Accept-Signature"]
	if len(lines) == 0 {
		return ""
	}
	wanted, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return ""
	}
	member, _ := wanted.Get(label)
	if list, ok := member.(httpsfv.InnerList); ok && len(list.Items) == 0 && list.Params != nil {
		value, _ := list.Params.Get("nonce")
		if n, ok := value.(string); ok && isNonce(n) {
			return n
		}
	}
	return ""
}

// panicked is a panic of a handler. Of what it said only a fault of the runtime is told: the rest may quote what was asked.
type panicked struct {
	said  any
	stack []byte
}

func (p panicked) Error() string {
	var fault runtime.Error
	if err, ok := p.said.(error); ok && errors.As(err, &fault) {
		return fmt.Sprintf("panic: %v\n%s", fault, p.stack)
	}
	return fmt.Sprintf("panic with a %T\n%s", p.said, p.stack)
}

// guard runs next and makes a panic a fault of the answer.
func (a *answer) guard(next func()) {
	defer func() {
		said := recover()
		if said == http.ErrAbortHandler { //nolint:errorlint // panic's value, which net/http too compares so
			panic(said)
		}
		if said != nil {
			a.fault = panicked{said, debug.Stack()}
		}
	}()
	next()
}

// complain tells the server's log that an answer was replaced or the connection cut.
func complain(r *http.Request, fault error) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.ErrorLog != nil {
		s.ErrorLog.Printf("httpsig: an answer to %s could not be given: %v", r.Method, fault)
		return
	}
	log.Printf("httpsig: an answer to %s could not be given: %v", r.Method, fault)
}

package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/assay-por/assay/web/httpsig"
)

// step is what the length of an answer for one caller is a multiple of, in bytes: who sees the length of what is encrypted learns
// no more of it than that. Fields that the signature adds have one length for all.
const step = 2048

// paddingField fills up an answer. The content stays as it is.
const paddingField = "Padding"

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// padded holds an answer that is not for everybody until its length is known.
func padded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forAll(r) {
			next.ServeHTTP(w, r)
			return
		}
		content := buffers.Get().(*bytes.Buffer)
		content.Reset()
		defer buffers.Put(content)
		h := &held{ResponseWriter: w, content: content}
		next.ServeHTTP(h, r)
		h.send(r)
	})
}

// held is such an answer. What is larger than an answer that is signed out of memory goes its way as it comes.
type held struct {
	http.ResponseWriter
	content *bytes.Buffer
	status  int
	passed  bool
}

func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	if !h.passed && h.content.Len()+len(p) > httpsig.MaxHeld {
		h.passed = true
		h.ResponseWriter.WriteHeader(h.status)
		if _, err := h.ResponseWriter.Write(h.content.Bytes()); err != nil {
			return 0, err
		}
	}
	if h.passed {
		return h.ResponseWriter.Write(p)
	}
	return h.content.Write(p)
}

// Unwrap gives controllers what lies below.
func (h *held) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *held) send(r *http.Request) {
	if h.passed {
		return
	}
	h.WriteHeader(http.StatusOK)
	n := h.content.Len() + len(strconv.Itoa(h.content.Len()))
	if r.ProtoMajor < 2 { // the version after it says the status by number alone
		n += len(http.StatusText(h.status))
	}
	for name, lines := range h.Header() {
		for _, line := range lines {
			n += len(name) + len(line)
		}
	}
	h.Header().Set(paddingField, strings.Repeat("X", (step-n%step)%step))
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.content.Bytes()) // who asked is gone
}

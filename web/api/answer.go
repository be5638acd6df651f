package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/assay-por/assay/web/published"
)

// How long answers may be kept: for ever, what a digest names; anything else is asked for again; a problem not at all.
const (
	Forever = "public, max-age=31536000, immutable"
	AskFor  = "no-cache"
	never   = "no-store"
)

// Keep says how long content may be kept that is fixed, or not.
func Keep(fixed bool) string {
	if fixed {
		return Forever
	}
	return AskFor
}

// Answer is content that is served, with the digest of just these bytes.
type Answer struct {
	Kind    string // media type
	Content io.ReadSeekCloser
	SHA256  [sha256.Size]byte
	Cache   string            // Cache-Control
	Header  map[string]string // further fields
}

// Of answers with an open file; it is closed once it was sent.
func Of(f *published.File, kind, cache string) Answer {
	return Answer{Kind: kind, Content: f, SHA256: f.SHA256, Cache: cache}
}

// BytesOf answers with content that lies in memory, and may be another one at any time.
func BytesOf(content []byte, kind string) Answer {
	return Answer{Kind: kind, Content: inMemory{bytes.NewReader(content)}, SHA256: sha256.Sum256(content), Cache: AskFor}
}

type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// jsonOf is BytesOf a value as JSON.
func jsonOf(v any) (Answer, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return BytesOf(b.Bytes(), kindJSON), err
}

// tagOf is the content's ETag.
func tagOf(a Answer) string { return `"` + hex.EncodeToString(a.SHA256[:]) + `"` }

// Send answers GET and HEAD: 304 to who has the content already, else all of it, or the range that is asked for. The digest is
// sent along, so that whoever signs answers need not hold a large one in memory.
func (a Answer) Send(w http.ResponseWriter, r *http.Request) {
	defer a.Content.Close()
	h, tag := w.Header(), tagOf(a)
	for name, value := range a.Header {
		h.Set(name, value)
	}
	h.Set("ETag", tag)
	h.Set("Cache-Control", a.Cache)
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.Kind)
	if r.Header.Get("Range") == "" {
		h.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(a.SHA256[:])+":")
	}
	http.ServeContent(&moving{ResponseWriter: w, control: http.NewResponseController(w)}, r, "", time.Time{}, a.Content)
}

// has reports whether If-None-Match names the tag; the comparison is the weak one (RFC 9110 part 13.1.2).
func has(lines []string, tag string) bool {
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
				return true
			}
		}
	}
	return false
}

// moving gives a download as long as it needs, if it moves on: the server's own limit is for all else.
type moving struct {
	http.ResponseWriter
	control *http.ResponseController
	left    int
}

const (
	stretch = 2 << 20 // bytes that must have gone within the time
	within  = 30 * time.Second
)

func (m *moving) Write(p []byte) (int, error) {
	if m.left -= len(p); m.left < 0 {
		m.left = stretch
		if err := m.control.SetWriteDeadline(time.Now().Add(within)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, err
		}
	}
	return m.ResponseWriter.Write(p)
}

// Unwrap gives controllers what lies below.
func (m *moving) Unwrap() http.ResponseWriter { return m.ResponseWriter }

package web

import (
	"bytes"
	"io/fs"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
)

// tilePath is all that a log's tiles are called (SPEC part 25): a level or entries, a number in groups of three digits, a width.
var tilePath = regexp.MustCompile(`^tile/(entries|[0-7])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?$`)

const checkpointName = "checkpoint"

// log serves the transparency log (SPEC part 25): its checkpoint, and the tiles that the checkpoint covers, no others. Those are
// for ever; what lies beyond may yet be written anew.
func (s *site) log(w http.ResponseWriter, r *http.Request) {
	path := chi.URLParam(r, "*")
	if s.config.Log == nil {
		refuse(w, http.StatusNotFound, "no log is served here")
		return
	}
	if path == checkpointName {
		w.Header().Set("Cache-Control", "no-store")
		s.serve(w, r, s.config.Log, checkpointName, "text/plain; charset=utf-8")
		return
	}
	full, ok := covered(path, s.logSize())
	if !ok {
		refuse(w, http.StatusNotFound, notThere)
		return
	}
	if full {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	s.serve(w, r, s.config.Log, path, "application/octet-stream")
}

// logSize is the size under the checkpoint; 0 if there is none.
func (s *site) logSize() uint64 {
	raw, err := fs.ReadFile(s.config.Log, checkpointName)
	if err != nil {
		return 0
	}
	lines := bytes.SplitN(raw, []byte("\n"), 3)
	if len(lines) < 3 {
		return 0
	}
	size, err := strconv.ParseUint(string(lines[1]), 10, 64)
	if err != nil {
		return 0
	}
	return size
}

// covered reports whether path is a tile of a log of that size, and whether a full one.
func covered(path string, size uint64) (full, ok bool) {
	m := tilePath.FindStringSubmatch(path)
	if m == nil || strings.HasPrefix(m[2], "x000/") {
		return false, false
	}
	number, err := strconv.ParseUint(strings.NewReplacer("x", "", "/", "").Replace(m[2]), 10, 64)
	if err != nil {
		return false, false
	}
	if m[1] != "entries" {
		size >>= 8 * (m[1][0] - '0')
	}
	if m[3] == "" {
		return true, number < size/256
	}
	width, err := strconv.ParseUint(m[3], 10, 64)
	if err != nil || width > 255 {
		return false, false
	}
	return false, number < size/256 || number == size/256 && width <= size%256
}

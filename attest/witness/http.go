package witness

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// ServeHTTP answers POST /add-checkpoint, and GET /checkpoint/<SHA-256 of origin> for
// monitors (SPEC part 25). Addresses, TLS and timeouts are the business of the command.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.Header().Set("Cache-Control", "no-store")
	asked, monitor := strings.CutPrefix(req.URL.Path, "/checkpoint/")
	switch {
	case req.URL.Path == "/add-checkpoint" && req.Method == http.MethodPost:
		w.addCheckpoint(rw, req)
	case monitor && (req.Method == http.MethodGet || req.Method == http.MethodHead):
		w.show(rw, asked)
	case monitor:
		rw.Header().Set("Allow", "GET, HEAD")
		http.Error(rw, "only GET and HEAD are answered", http.StatusMethodNotAllowed)
	case req.URL.Path == "/add-checkpoint":
		rw.Header().Set("Allow", "POST")
		http.Error(rw, "only POST is answered", http.StatusMethodNotAllowed)
	default:
		http.Error(rw, "there is no such page", http.StatusNotFound)
	}
}

func (w *Witness) addCheckpoint(rw http.ResponseWriter, req *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(rw, req.Body, maxBody))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		http.Error(rw, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(rw, "the request was cut off", http.StatusBadRequest)
		return
	}
	r, err := parseRequest(raw)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	line, err := w.cosign(r, raw)
	var no *refusal
	switch {
	case err == nil:
		w.config.Log.Info("cosigned", "origin", r.head.origin, "size", r.head.size)
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write(line) // a client that went away can ask again
	case !errors.As(err, &no):
		w.config.Log.Error("failed", "origin", r.head.origin, "error", err)
		http.Error(rw, "the witness cannot sign at the moment", http.StatusInternalServerError)
	default:
		w.refuse(rw, r, no)
	}
}

func (w *Witness) refuse(rw http.ResponseWriter, r request, no *refusal) {
	if no.isSize {
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(no.status)
		_, _ = io.WriteString(rw, strconv.FormatUint(no.size, 10)+"\n") // as above
		return
	}
	if no.evidence != "" {
		w.config.Log.Warn("refused: "+no.reason, slog.String("origin", r.head.origin), slog.Uint64("old", r.old), slog.Uint64("size", r.head.size), slog.String("evidence", no.evidence))
	}
	http.Error(rw, no.reason, no.status)
}

// show answers with the latest checkpoint of a log, cosigned.
func (w *Witness) show(rw http.ResponseWriter, asked string) {
	for _, l := range w.logs {
		if originHash(l.origin) != asked {
			continue
		}
		l.mu.Lock()
		latest := l.note
		l.mu.Unlock()
		if latest != nil {
			rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = rw.Write(latest) // a client that went away can ask again
			return
		}
	}
	http.Error(rw, "no checkpoint of such a log was cosigned here", http.StatusNotFound)
}

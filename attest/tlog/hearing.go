package tlog

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// QuorumError is returned when too few witnesses cosigned (SPEC part 25). The
// checkpoint is not published then; the entries wait in the folder, under no
// checkpoint, and the next one that is cosigned covers them.
type QuorumError struct {
	Size   uint64 // of the checkpoint
	Quorum int
	Faults []Fault
}

// Fault is what came of asking one witness, in a few words.
type Fault struct{ Witness, Said string }

// Error names the witnesses that did not sign, and what each said.
func (e *QuorumError) Error() string {
	said := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		said[i] = f.Witness + ": " + f.Said
	}
	return fmt.Sprintf("log: the checkpoint of size %d is not published, it needs the cosignatures of %d witnesses: %s", e.Size, e.Quorum, strings.Join(said, "; "))
}

// asked is a witness that checkpoints are sent to.
type asked struct {
	vkey     string
	url      string // of its add-checkpoint
	verifier note.Verifier
}

// hearing listens to what witnesses answer, which tessera tells nobody. It is the
// transport of tessera's client.
type hearing struct {
	base      http.RoundTripper
	witnesses []asked

	mu     sync.Mutex
	count  int    // of checkpoints heard
	text   string // of the one that is under way
	failed error  // the log's own key did not sign it
	faults map[string]string
}

// begin starts the hearing of a checkpoint anew.
func (h *hearing) begin(text []byte, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	h.text, h.failed, h.faults = string(text), err, map[string]string{}
}

// heard is how many checkpoints were tried so far.
func (h *hearing) heard() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// RoundTrip asks a witness and notes what it said.
func (h *hearing) RoundTrip(req *http.Request) (*http.Response, error) {
	h.mu.Lock()
	text := h.text
	h.mu.Unlock()
	resp, err := h.base.RoundTrip(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(resp.Body, MaxCheckpoint))
		_ = resp.Body.Close() // read already
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	for _, w := range h.witnesses {
		if w.url != req.URL.String() {
			continue
		}
		said := ""
		if err != nil {
			said = plain(err.Error())
		} else {
			said = w.fault(text, resp, body)
		}
		h.note(text, w, said)
	}
	return resp, err
}

// note keeps what a witness said, unless another checkpoint is under way by now.
func (h *hearing) note(text string, w asked, said string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.text != text {
		return
	}
	if said == "" {
		delete(h.faults, w.vkey)
		return
	}
	h.faults[w.vkey] = said
}

// fault says what is wrong with an answer; nothing is with one that tessera answers with the right old size.
func (w asked) fault(text string, resp *http.Response, body []byte) string {
	size := sizeOf(text)
	switch {
	case resp.StatusCode == http.StatusOK:
		if _, err := note.Open([]byte(text+"\n"+string(body)), note.VerifierList(w.verifier)); err != nil {
			return "it answered with a signature that does not verify"
		}
		return ""
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Content-Type") == "text/x.tlog.size":
		saw, err := strconv.ParseUint(strings.TrimSpace(string(body)), 10, 64)
		if err == nil && saw <= size {
			return ""
		}
		return "it cosigned a larger log before, of size " + plain(string(body)) + ": this folder is older than that"
	}
	return strconv.Itoa(resp.StatusCode) + " " + plain(string(body))
}

// verdict is an error once a checkpoint after the first so many, if it covers that size, cannot reach the quorum any more.
func (h *hearing) verdict(after int, size uint64, quorum int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count <= after || sizeOf(h.text) < size {
		return nil
	}
	if h.failed != nil {
		return fmt.Errorf("log: the checkpoint of size %d is not published: its key did not sign: %w", sizeOf(h.text), h.failed)
	}
	if len(h.witnesses)-len(h.faults) >= quorum {
		return nil
	}
	e := &QuorumError{Size: sizeOf(h.text), Quorum: quorum}
	for _, w := range h.witnesses {
		if said, ok := h.faults[w.vkey]; ok {
			e.Faults = append(e.Faults, Fault{Witness: w.verifier.Name(), Said: said})
		}
	}
	return e
}

// sizeOf reads the size of a checkpoint of our own making.
func sizeOf(text string) uint64 {
	_, rest, _ := strings.Cut(text, "\n")
	line, _, _ := strings.Cut(rest, "\n")
	size, err := strconv.ParseUint(line, 10, 64)
	if err != nil {
		return 0
	}
	return size
}

// plain makes a text from outside fit for an error: one line of printable ASCII, not long.
func plain(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return ' '
		}
		return r
	}, strings.TrimSpace(s))
	return s[:min(len(s), most)]
}

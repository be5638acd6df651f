package main

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/assay-por/assay/merkle/build"
)

// isNew is a handover that says when it is read.
type isNew struct{ read func() }

func (isNew) Mark() (string, error) { return "new", nil }

func (n isNew) Read(string) ([]byte, error) {
	n.read()
	return nil, errors.New("it cannot be read")
}

// isOpen is one that is served.
type isOpen struct {
	build.Server
	closed *bool
}

func (o isOpen) Close() error {
	*o.closed = true
	return nil
}

// TestHandoverTakenBack: what is taken back is not served while something new is being opened, however long that takes.
func TestHandoverTakenBack(t *testing.T) {
	closed, asked := false, false
	h := &handovers{now: time.Now, logger: slog.New(slog.DiscardHandler), seen: map[string]glimpse{"old": {mark: "old"}}, held: map[string]*handed{"old": {proofs: isOpen{closed: &closed}}}}
	h.places = func() (map[string]handoverFiles, error) {
		return map[string]handoverFiles{"new": isNew{func() {
			asked = true
			if !closed || len(h.held) > 0 {
				t.Error("something new is read, and what was taken back is served still")
			}
		}}}, nil
	}
	if err := h.look(); err != nil {
		t.Fatal(err)
	}
	if !asked || !closed {
		t.Errorf("read: %t, closed: %t", asked, closed)
	}
}

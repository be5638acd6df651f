// Package chainstest is the suite that every chain's adapter passes, run from
// the adapter's own tests against a real node.
//
// An adapter describes itself as a [Subject]; [Run] asks of it what the rest of
// the house relies on: the right block is pinned and only when it is final,
// evidence is whole or absent, and whatever a node or a list of wallets may do
// wrong ends in an error that says so. A [Proxy] before the real node does what
// the node will not.
package chainstest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assay-por/assay/chains"
)

// A Subject is an adapter and a node for it.
type Subject struct {
	Chain   chains.Chain
	Instant time.Time
	Pinned  uint64 // number of the instant's block
	URL     string // of the node

	// Open opens the adapter for nodes, each of whose answers it takes no more
	// than limit bytes of.
	Open func(t *testing.T, chain chains.Chain, limit int64, urls ...string) chains.Source
	// Other is a chain that the node is not of.
	Other chains.Chain

	// Holdings are on the chain, in order, and Amounts what they are at the
	// instant's block. There are some that hold nothing.
	Holdings []chains.Holding
	Amounts  []string
	Grade    chains.EvidenceGrade

	// Foreign is a well-formed holding of another chain, Alias names a holding's
	// coin by another name, and Bad is an account that only the adapter can tell
	// to be wrong, if there is one.
	Foreign chains.Holding
	Alias   chains.Holding
	Bad     chains.Holding

	// Evidence is the method that evidence is asked for with.
	Evidence string
	// Reorg throws the instant's block out of the chain.
	Reorg func(t *testing.T)
}

const plenty = 64 << 20

const snapshot = "00000000000000000000000000000000000000000000000000000000000000aa"

// Run runs the suite, all but what the other functions run.
func Run(t *testing.T, s Subject) {
	t.Run("Pin", s.pin)
	t.Run("Last", s.last)
	t.Run("Gather", s.gather)
	t.Run("B10_DoubleCounting", s.doubleCounting)
	t.Run("B21_DishonestList", s.dishonestList)
	t.Run("B22_HostileAnswers", s.hostileAnswers)
	t.Run("Unreachable", s.unreachable)
	t.Run("WrongChain", s.wrongChain)
	t.Run("Cancelled", s.cancelled)
}

func (s Subject) open(t *testing.T, urls ...string) chains.Source {
	t.Helper()
	return s.Open(t, s.Chain, plenty, urls...)
}

func (s Subject) mustPin(t *testing.T) (chains.Source, chains.BlockRef) {
	t.Helper()
	source := s.open(t, s.URL)
	block, err := source.Pin(t.Context(), s.Instant)
	if err != nil {
		t.Fatal(err)
	}
	return source, block
}

func (s Subject) pin(t *testing.T) {
	source, block := s.mustPin(t)
	if block.Number != s.Pinned || block.Chain != s.Chain || block.Time.After(s.Instant) || block.Time.Location() != time.UTC {
		t.Errorf("got %+v, want block %d of %s, not after %s, in UTC", block, s.Pinned, s.Chain, s.Instant)
	}
	for _, at := range []time.Time{block.Time, s.Instant.In(time.FixedZone("east", 3600))} {
		if again, err := source.Pin(t.Context(), at); err != nil || again != block {
			t.Errorf("instant %s: got %+v, %v, want the same block", at, again, err)
		}
	}
	if before, err := source.Pin(t.Context(), block.Time.Add(-time.Second)); err != nil || before.Number != s.Pinned-1 {
		t.Errorf("a second before the block: got block %d, %v, want %d", before.Number, err, s.Pinned-1)
	}
	var notFinal *chains.NotFinalError
	if _, err := source.Pin(t.Context(), s.Instant.Add(24*time.Hour)); !errors.As(err, &notFinal) || notFinal.Blocks == 0 || notFinal.Chain != s.Chain {
		t.Errorf("tomorrow: got %v, want a NotFinalError with a number of blocks", err)
	}
	if b, err := source.Pin(t.Context(), time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Errorf("before the chain: got %+v", b)
	}
}

// last: where a block can be pinned there is a later one.
func (s Subject) last(t *testing.T) {
	source, block := s.mustPin(t)
	last, err := source.Last(t.Context())
	if err != nil || last.Chain != s.Chain || last.Number <= block.Number || last.Hash == "" || last.Hash == block.Hash || !last.Time.After(s.Instant) || last.Time.Location() != time.UTC {
		t.Errorf("got %+v, %v, want a block of %s above %d, in UTC", last, err, s.Chain, block.Number)
	}
}

func (s Subject) gather(t *testing.T) {
	source, block := s.mustPin(t)
	backwards := make([]chains.Holding, len(s.Holdings))
	for i, h := range s.Holdings {
		backwards[len(backwards)-1-i] = h
	}
	var files [][]byte
	for _, order := range [][]chains.Holding{s.Holdings, backwards} {
		evidence, err := source.Gather(t.Context(), snapshot, block, order)
		if err != nil {
			t.Fatal(err)
		}
		var holdings []chains.Holding
		var amounts []string
		for _, b := range evidence.Balances {
			holdings = append(holdings, chains.Holding{Account: b.Account, Token: b.Token})
			amounts = append(amounts, b.Amount.Dec())
			if b.Grade != s.Grade {
				t.Errorf("%s: grade %s, want %s", b.Account, b.Grade, s.Grade)
			}
		}
		if d := cmp.Diff(s.Holdings, holdings); d != "" {
			t.Errorf("holdings (-want +got):\n%s", d)
		}
		if d := cmp.Diff(s.Amounts, amounts); d != "" {
			t.Errorf("amounts (-want +got):\n%s", d)
		}
		file, err := json.Marshal(evidence.File)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the evidence file depends on the order of the holdings")
	}
	if !bytes.Contains(files[0], []byte(`"snapshot":"`+snapshot+`"`)) || bytes.Contains(files[0], []byte("null")) {
		t.Errorf("evidence file names no snapshot, or holds a null: %.300s", files[0])
	}
	if empty, err := source.Gather(t.Context(), snapshot, block, nil); err != nil || len(empty.Balances) != 0 || empty.File == nil {
		t.Errorf("no holdings: got %+v, %v, want evidence of nothing", empty, err)
	}
}

// expectHoldingError gathers a list with one more holding, which must be the
// one that is refused.
func (s Subject) expectHoldingError(t *testing.T, what string, extra chains.Holding) {
	t.Helper()
	source, block := s.mustPin(t)
	_, err := source.Gather(t.Context(), snapshot, block, append([]chains.Holding{extra}, s.Holdings...))
	var bad *chains.HoldingError
	if !errors.As(err, &bad) {
		t.Errorf("%s: got %v, want a HoldingError", what, err)
	}
}

func (s Subject) doubleCounting(t *testing.T) {
	s.expectHoldingError(t, "a holding listed twice", s.Holdings[0])
	s.expectHoldingError(t, "one coin under two names", s.Alias)
}

// NeverHeaderTrusted checks that a source claims no grade that only a verifier
// gives (SPEC part 15).
func NeverHeaderTrusted(t *testing.T, s Subject) {
	source, block := s.mustPin(t)
	evidence, err := source.Gather(t.Context(), snapshot, block, s.Holdings)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range evidence.Balances {
		if b.Grade.AtLeast(chains.HeaderTrusted) || !b.Grade.AtLeast(chains.Claimed) {
			t.Errorf("%s: a source claims grade %q", b.Account, b.Grade)
		}
	}
}

func (s Subject) dishonestList(t *testing.T) {
	s.expectHoldingError(t, "an account of another chain", s.Foreign)
	if s.Bad.Account != "" {
		s.expectHoldingError(t, "an account that is none", s.Bad)
	}
	for _, tail := range []string{" ", ":", "," + s.Holdings[0].Account.Address(), " " + s.Holdings[0].Account.Address(), "\u202e"} {
		bad := chains.Holding{Account: s.Holdings[0].Account + chains.Account(tail), Token: s.Holdings[0].Token}
		s.expectHoldingError(t, "an address and "+tail, bad)
	}
}

// hostileAnswers are nodes that answer without end, send elsewhere, or answer
// with something else.
func (s Subject) hostileAnswers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for name, answer := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for chunk := bytes.Repeat([]byte(" "), 1<<16); ; {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		},
		"not JSON":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome</html>")) },
		"nothing":         func(http.ResponseWriter, *http.Request) {},
		"busy":            func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusTooManyRequests) },
		"terminal escape": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x1b[2J")) },
	} {
		server := httptest.NewServer(answer)
		_, err := s.Open(t, s.Chain, 1<<20, server.URL).Pin(t.Context(), s.Instant)
		server.Close()
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.ContainsAny(err.Error(), "\x1b\x00") {
			t.Errorf("%s: the error holds control characters: %q", name, err)
		}
	}
}

func (s Subject) unreachable(t *testing.T) {
	const place = "127.0.0.1:1" // nobody listens there, and no port is free for others meanwhile
	down := "http://somebody:s3cret@" + place + "/k3y"
	_, err := s.open(t, down).Pin(t.Context(), s.Instant)
	var unreachable *chains.UnreachableError
	if !errors.As(err, &unreachable) || unreachable.Node != place {
		t.Errorf("got %v, want an UnreachableError of %s", err, place)
	}
	for _, secret := range []string{"somebody", "s3cret", "k3y"} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells %s: %v", secret, err)
		}
	}
	_, block := s.mustPin(t)
	both := s.open(t, down, s.URL)
	if again, err := both.Pin(t.Context(), s.Instant); err != nil || again != block {
		t.Errorf("with a second node that is up: got %+v, %v", again, err)
	}
	if _, err := both.Gather(t.Context(), snapshot, block, s.Holdings); err != nil {
		t.Errorf("with a second node that is up: %v", err)
	}
}

func (s Subject) wrongChain(t *testing.T) {
	var wrong *chains.WrongChainError
	_, err := s.Open(t, s.Other, plenty, s.URL).Pin(t.Context(), s.Instant)
	if !errors.As(err, &wrong) || wrong.Got != s.Chain || wrong.Want != s.Other {
		t.Errorf("got %v, want a WrongChainError, got %s and want %s", err, s.Chain, s.Other)
	}
	source, block := s.mustPin(t)
	block.Chain = s.Other
	if _, err := source.Gather(t.Context(), snapshot, block, nil); err == nil {
		t.Error("a pinned block of another chain was taken")
	}
}

func (s Subject) cancelled(t *testing.T) {
	source, block := s.mustPin(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Pin(ctx, s.Instant); !errors.Is(err, context.Canceled) {
		t.Errorf("Pin: got %v, want context.Canceled", err)
	}
	if _, err := source.Last(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Last: got %v, want context.Canceled", err)
	}
	if _, err := source.Gather(ctx, snapshot, block, s.Holdings); !errors.Is(err, context.Canceled) {
		t.Errorf("Gather: got %v, want context.Canceled", err)
	}
}

// Reorg has the pinned block thrown out while evidence is being gathered, and
// then asks for evidence at it once more. The chain is another one afterwards.
func Reorg(t *testing.T, s Subject) {
	_, block := s.mustPin(t)
	proxy := NewProxy(t, s.URL)
	done := false
	proxy.Before = func(c Call) {
		if c.Method == s.Evidence && !done {
			done = true
			s.Reorg(t)
		}
	}
	var reorged *chains.ReorgedError
	_, err := s.open(t, proxy.URL).Gather(t.Context(), snapshot, block, s.Holdings)
	if !errors.As(err, &reorged) || reorged.Block != block || !done {
		t.Errorf("while gathering: got %v, want a ReorgedError of block %d", err, block.Number)
	}
	_, err = s.open(t, s.URL).Gather(t.Context(), snapshot, block, s.Holdings)
	if !errors.As(err, &reorged) || reorged.Got == block.Hash {
		t.Errorf("afterwards: got %v, want a ReorgedError", err)
	}
}

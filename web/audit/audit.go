// Package audit keeps the record of what was done, by whom, from where and with what
// outcome, so that nobody can change it afterwards without leaving a trace.
//
// An event is a row in the transaction of the act that it tells of: what is not recorded is
// not done. Rows make a chain,
//
//	hash = SHA-256(0x01 ‖ hash before ‖ event), the first of them after 32 zero bytes
//
// where an event is canonical JSON. It holds no secret, no customer and no address, of which
// the network alone is told: /24 of IPv4, /48 of IPv6. The address lies sealed beside the chain,
// for 30 days.
package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/store"
)

// Outcomes of an act.
const (
	Done   = "done"
	Denied = "denied"
	Failed = "failed"
)

// Act is what was done, or was to be done.
type Act struct {
	At      time.Time
	Action  string // such as key.create
	Object  string // what it was done to: an id, a digest
	Outcome string
	Reason  string // the true one, which whoever asked is not told
	Count   int64  // of acts alike that the row stands for; zero is one
}

// Origin is who acts, and from where.
type Origin struct {
	Client     string     // its id
	Credential string     // id of the API key
	Address    netip.Addr // zero: this machine's command line
	Request    string     // id
}

// Local is the command line: whoever may write to the database.
func Local() Origin { return Origin{Client: "local"} }

type originKey struct{}

// With returns a context in which somebody acts.
func With(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// From returns who acts.
func From(ctx context.Context) (Origin, bool) {
	o, ok := ctx.Value(originKey{}).(Origin)
	return o, ok
}

// ErrNobody says that an act has no origin.
var ErrNobody = errors.New("audit: nobody is known to act")

// Event is an act as it is kept. Times are of milliseconds, in UTC.
type Event struct {
	Action     string `json:"action"`
	At         string `json:"at"`
	Client     string `json:"client"`
	Count      int64  `json:"count"`
	Credential string `json:"credential"`
	From       string `json:"from"`
	Object     string `json:"object"`
	Outcome    string `json:"outcome"`
	Reason     string `json:"reason"`
	Request    string `json:"request"`
	Seq        int64  `json:"seq"`
}

const layout = "2006-01-02T15:04:05.000Z"

// maxText is how much of an object or a reason is kept, in bytes.
const maxText = 512

// plain is a text as canonical JSON can hold it: a reason may quote what was sent.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if attest.Barred(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText-len("…")], "") + "…"
	}
	return text
}

// Record puts an act into the log, in the transaction that does it.
func Record(ctx context.Context, tx *store.Tx, act Act) error {
	from, ok := From(ctx)
	if !ok {
		return ErrNobody
	}
	last, err := tx.LastEvent(ctx)
	if err != nil {
		return err
	}
	text, err := attest.Canonical(Event{
		Action: act.Action, At: act.At.UTC().Format(layout), Client: from.Client, Count: max(act.Count, 1), Credential: from.Credential, From: Network(from.Address),
		Object: plain(act.Object), Outcome: act.Outcome, Reason: plain(act.Reason), Request: from.Request, Seq: last.Seq + 1,
	})
	if err != nil {
		return err
	}
	if err := tx.AddEvent(ctx, store.Event{Seq: last.Seq + 1, Text: text, Hash: link(last.Hash, text)}); err != nil || !from.Address.IsValid() {
		return err
	}
	return tx.AddAddress(ctx, last.Seq+1, act.At, from.Address.Unmap().String())
}

// link is the hash of an event after another one.
func link(before, text []byte) []byte {
	if before == nil {
		before = make([]byte, sha256.Size)
	}
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(before)
	h.Write(text)
	return h.Sum(nil)
}

// Network is as much of an address as is told.
func Network(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, _ := a.Prefix(bits) // it has as many
	return p.String()
}

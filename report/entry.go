package report

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/assay-por/assay/attest"
)

// TypeEntry is the type of entries (SPEC part 24).
const TypeEntry = "assay/v1/entry"

// MaxEntry is the largest entry in bytes, with its envelope (SPEC part 18).
const MaxEntry = 64 << 10

// EntryKind says what an entry does (SPEC part 24).
type EntryKind string

// The kinds of entries of SPEC part 24: one publishes a statement, one takes it back,
// one mends its words.
const (
	EntryStatement  EntryKind = "statement"
	EntryWithdrawal EntryKind = "withdrawal"
	EntryErratum    EntryKind = "erratum"
)

// Entry is what the exchange enters in its log about one statement. Text is of
// withdrawals and errata; the optional keys are of kind statement (SPEC part 24).
type Entry struct {
	Envelope  *Digest   `json:"envelope,omitempty"`
	Exchange  string    `json:"exchange"`
	Instant   *Time     `json:"instant,omitempty"`
	Issued    Time      `json:"issued"`
	Kind      EntryKind `json:"kind"`
	Period    string    `json:"period,omitempty"`
	Series    *Series   `json:"series,omitempty"`
	Snapshot  *Digest   `json:"snapshot,omitempty"`
	Statement Digest    `json:"statement"`
	Text      string    `json:"text,omitempty"`
	Type      string    `json:"type"`
}

// NewEntry enters a signed statement. Envelope is statement.dsse.json, whole: the
// entry names its digest, and so dates every signature in it (SPEC part 24).
func NewEntry(envelope []byte, issued Time) (Entry, error) {
	signed, err := Read(envelope)
	if err != nil {
		return Entry{}, err
	}
	p, whole := signed.Statement.Predicate, Digest(sha256.Sum256(envelope))
	e := Entry{
		Envelope: &whole, Exchange: p.Snapshot.Exchange.Name, Instant: &p.Snapshot.Instant, Issued: issued, Kind: EntryStatement, Period: p.Snapshot.Period,
		Series: &p.Series, Snapshot: &p.Snapshot.ID, Statement: signed.Digest, Type: TypeEntry,
	}
	return e, e.Check()
}

// NewWithdrawal takes an exchange's statement back, and says why (SPEC part 24).
func NewWithdrawal(exchange string, statement Digest, text string, issued Time) (Entry, error) {
	return newText(EntryWithdrawal, exchange, statement, text, issued)
}

// NewErratum says what is wrong in the words of an exchange's statement, and how it
// should read (SPEC part 24).
func NewErratum(exchange string, statement Digest, text string, issued Time) (Entry, error) {
	return newText(EntryErratum, exchange, statement, text, issued)
}

func newText(kind EntryKind, exchange string, statement Digest, text string, issued Time) (Entry, error) {
	e := Entry{Exchange: exchange, Issued: issued, Kind: kind, Statement: statement, Text: text, Type: TypeEntry}
	return e, e.Check()
}

// Check holds the entry to its format (SPEC part 24).
func (e Entry) Check() error {
	if e.Type != TypeEntry {
		return fmt.Errorf("entry: type is %q, want %q", clip(e.Type), TypeEntry)
	}
	if !isPrintable(e.Exchange) {
		return fmt.Errorf("entry: exchange: %q is not 1 to 64 printable ASCII characters without a blank at either end", clip(e.Exchange))
	}
	switch e.Kind {
	case EntryStatement:
		return e.checkStatement()
	case EntryWithdrawal, EntryErratum:
		if e.Envelope != nil || e.Instant != nil || e.Period != "" || e.Series != nil || e.Snapshot != nil {
			return fmt.Errorf("entry: kind %s: envelope, instant, period, series and snapshot are for kind %s", e.Kind, EntryStatement)
		}
		if err := checkText(e.Text, maxText); err != nil {
			return fmt.Errorf("entry: text: %w", err)
		}
		return nil
	}
	return fmt.Errorf("entry: kind %q, want %s, %s or %s", clip(string(e.Kind)), EntryStatement, EntryWithdrawal, EntryErratum)
}

func (e Entry) checkStatement() error {
	if e.Envelope == nil || e.Instant == nil || e.Series == nil || e.Snapshot == nil || e.Text != "" {
		return fmt.Errorf("entry: kind %s has envelope, instant, period, series and snapshot, and no text", e.Kind)
	}
	if !isPeriod(e.Period) {
		return fmt.Errorf("entry: period: %q is not 1 to 32 of A-Z a-z 0-9 . -", clip(e.Period))
	}
	if e.Issued.Before(e.Instant.Time) {
		return fmt.Errorf("entry: issued: %s is before the instant %s", e.Issued, e.Instant)
	}
	if err := e.Series.check(); err != nil {
		return fmt.Errorf("entry: %w", err)
	}
	return nil
}

// About reports why a signed statement, whole, is not the one that an entry of kind
// statement enters (SPEC part 25).
func (e Entry) About(envelope []byte) error {
	want, err := NewEntry(envelope, e.Issued)
	if err != nil {
		return err
	}
	got, err := e.JSON()
	if err != nil {
		return err
	}
	if again, err := want.JSON(); err != nil || string(again) != string(got) {
		return errors.Join(err, errors.New("entry: it is about another statement, or about other signatures of it"))
	}
	return nil
}

// JSON returns the payload to be signed, as attest.PayloadEntry (SPEC part 24).
func (e Entry) JSON() ([]byte, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	return attest.Canonical(e)
}

// ParseEntry reads the exact bytes that were signed (SPEC part 24).
func ParseEntry(payload []byte) (Entry, error) {
	var e Entry
	if len(payload) > MaxEntry {
		return e, fmt.Errorf("entry: larger than %d bytes", MaxEntry)
	}
	if err := attest.Decode(payload, &e); err != nil {
		return Entry{}, fmt.Errorf("entry: %w", err)
	}
	return e, e.Check()
}

package report

import (
	"fmt"
	"slices"

	"github.com/assay-por/assay/attest"
)

// Register is what the entries of a log say of one exchange's statements, in the order of the
// log (SPEC part 24). It is for who enters: it knows what follows and what would not.
type Register struct {
	exchange string
	keys     []attest.PublicKey
	listed   []*Listed
}

// Listed is a statement that was entered, and what later entries say of it.
type Listed struct {
	Noted
	SupersededBy *Listed
	Withdrawal   *Noted
	Errata       []Noted
}

// State is what became of a statement (SPEC part 24).
type State string

// The states of SPEC part 24 that others see.
const (
	StateSigned     State = "signed" // no entry names it
	StatePublished  State = "published"
	StateSuperseded State = "superseded"
	StateWithdrawn  State = "withdrawn"
)

// State is the log's last word on a statement; of none it is that it was signed.
func (l *Listed) State() State {
	switch {
	case l == nil:
		return StateSigned
	case l.Withdrawal != nil:
		return StateWithdrawn
	case l.SupersededBy != nil:
		return StateSuperseded
	}
	return StatePublished
}

// Noted is an entry and where it stands.
type Noted struct {
	Index uint64
	Entry Entry
	Raw   []byte // its envelope
}

// NewRegister returns an empty register of the exchange of that name. Its entries must be signed by keys alone.
func NewRegister(exchange string, keys ...attest.PublicKey) *Register {
	return &Register{exchange: exchange, keys: keys}
}

// Add takes in the log's next entry. What is no entry of SPEC part 24, or another exchange's, is passed over; an entry in this
// exchange's name that its keys did not sign is an error, and so is one that its keys signed and that cannot be read.
func (r *Register) Add(index uint64, raw []byte) error {
	e, err := attest.ParseEnvelopeOf(attest.PayloadEntry, raw)
	if err != nil {
		return nil //nolint:nilerr // a draw, or whatever else the log holds
	}
	signed := e.Verify(r.keys...)
	entry, err := ParseEntry(e.Payload)
	if err != nil {
		if signed == nil {
			return fmt.Errorf("entry #%d of the log is signed by the exchange and cannot be read: %w", index, err)
		}
		return nil
	}
	if entry.Exchange != r.exchange {
		return nil
	}
	if signed != nil {
		return fmt.Errorf("entry #%d of the log speaks for %s: %w", index, r.exchange, signed)
	}
	r.note(Noted{Index: index, Entry: entry, Raw: raw})
	return nil
}

// note writes down what an entry says, though it may break the rules: what stands in the log stands.
func (r *Register) note(n Noted) {
	about := r.Find(n.Entry.Statement)
	switch {
	case n.Entry.Kind == EntryStatement && about == nil:
		l := &Listed{Noted: n}
		if s := n.Entry.Series.Supersedes; s != nil {
			if former := r.Find(s.Statement); former != nil && former.SupersededBy == nil {
				former.SupersededBy = l
			}
		}
		r.listed = append(r.listed, l)
	case n.Entry.Kind == EntryWithdrawal && about != nil && about.Withdrawal == nil:
		about.Withdrawal = &n
	case n.Entry.Kind == EntryErratum && about != nil:
		about.Errata = append(about.Errata, n)
	}
}

// Find returns the statement of that digest, or nil. A register that is nil has none.
func (r *Register) Find(statement Digest) *Listed {
	if r == nil {
		return nil
	}
	return r.last(func(e Entry) bool { return e.Statement == statement })
}

// Last returns the last statement of a series, or nil.
func (r *Register) Last(series string) *Listed {
	return r.last(func(e Entry) bool { return e.Series.Name == series })
}

func (r *Register) ofPeriod(series, period string) *Listed {
	return r.last(func(e Entry) bool { return e.Series.Name == series && e.Period == period })
}

func (r *Register) last(is func(Entry) bool) *Listed {
	for _, l := range slices.Backward(r.listed) {
		if is(l.Entry) {
			return l
		}
	}
	return nil
}

// Before returns the register as it was before a statement was entered: all of it, if it was not.
func (r *Register) Before(statement Digest) *Register {
	for i, l := range r.listed {
		if l.Entry.Statement == statement {
			return &Register{exchange: r.exchange, keys: r.keys, listed: r.listed[:i]}
		}
	}
	return r
}

// Next is the place of a new statement after those of its series, one of which there must be (SPEC part 24). A statement of a
// period that was spoken of before takes that one's place, and must say why; any other must not.
func (r *Register) Next(series string, snap Snapshot, supersedes string) (Series, error) {
	last := r.Last(series)
	if last == nil {
		return Series{}, fmt.Errorf("series: the log holds no statement of the series %s", clip(series))
	}
	return last.seat().next(r.ofPeriod(series, snap.Period).seat(), snap, supersedes)
}

// seat is where the statement stands in its series; of none it is nothing.
func (l *Listed) seat() *seat {
	if l == nil {
		return nil
	}
	return &seat{l.Entry.Exchange, *l.Entry.Instant, l.Entry.Period, *l.Entry.Series, l.Entry.Statement}
}

// Holds reports whether the log holds an entry of this very payload; to enter it again changes nothing (SPEC part 24).
func (r *Register) Holds(e Entry) bool {
	about := r.Find(e.Statement)
	if about == nil {
		return false
	}
	all := append([]Noted{about.Noted}, about.Errata...)
	if about.Withdrawal != nil {
		all = append(all, *about.Withdrawal)
	}
	return slices.ContainsFunc(all, func(n Noted) bool { return n.Entry.equal(e) })
}

func (e Entry) equal(f Entry) bool {
	a, err := e.JSON()
	b, berr := f.JSON()
	return err == nil && berr == nil && string(a) == string(b)
}

// Follows reports why a new entry must not be entered now: by SPEC part 24 it would be a breach, or the log says as much already.
func (r *Register) Follows(e Entry) error {
	if e.Exchange != r.exchange {
		return fmt.Errorf("entry: it is of the exchange %q, want %q", clip(e.Exchange), r.exchange)
	}
	about := r.Find(e.Statement)
	switch {
	case e.Kind == EntryStatement && about != nil:
		return fmt.Errorf("the log holds an entry of the statement %s already, #%d; a statement is entered once", e.Statement, about.Index)
	case e.Kind == EntryStatement:
		return r.followsSeries(e)
	case about == nil:
		return fmt.Errorf("the log holds no statement %s of %s", e.Statement, r.exchange)
	case e.Kind == EntryWithdrawal && about.Withdrawal != nil:
		return fmt.Errorf("the statement %s is withdrawn already, by entry #%d of %s", e.Statement, about.Withdrawal.Index, about.Withdrawal.Entry.Issued)
	}
	for _, there := range about.Errata {
		if e.Kind == EntryErratum && there.Entry.Text == e.Text {
			return fmt.Errorf("the log holds this erratum to the statement %s already, as entry #%d of %s", e.Statement, there.Index, there.Entry.Issued)
		}
	}
	return nil
}

func (r *Register) followsSeries(e Entry) error {
	s := *e.Series
	if last := r.Last(s.Name); last != nil {
		if number := last.Entry.Series.Number; s.Number != number+1 || s.Previous == nil || *s.Previous != last.Entry.Statement {
			return fmt.Errorf("the last statement of the series %s in the log is number %d, %s (entry #%d): number %d does not follow it", s.Name, number, last.Entry.Statement, last.Index, s.Number)
		}
	}
	former := r.ofPeriod(s.Name, e.Period)
	switch {
	case former == nil && s.Supersedes != nil:
		return fmt.Errorf("the log holds no statement of the series %s for the period %s whose place this one could take", s.Name, e.Period)
	case former != nil && (s.Supersedes == nil || s.Supersedes.Statement != former.Entry.Statement):
		return fmt.Errorf("the log holds a statement of the series %s for the period %s, %s (entry #%d): another one must take its place, and say why", s.Name, e.Period, former.Entry.Statement, former.Index)
	}
	return nil
}

package claim

import (
	"fmt"
	"time"
)

// State is how a statement stands after publication (SPEC part 24).
type State string

// States of SPEC part 24 that leave a trace.
const (
	Published  State = "published"
	Superseded State = "superseded"
	Withdrawn  State = "withdrawn"
)

// Standing is what a log says of one statement.
type Standing struct {
	Entry   *Entry // that entered it
	Index   uint64 // of that entry
	State   State
	By      uint64 // index of the entry that superseded or withdrew it
	Reason  string // for that
	Errata  []Erratum
	Follows Hash // the statement that superseded it, zero if none did; one that is withdrawn may be superseded too
}

// Erratum mends words of a statement (SPEC part 24).
type Erratum struct {
	Index uint64
	Text  string
}

// Breach is an entry against the rules of SPEC part 24.
type Breach struct {
	Index   uint64
	Problem string
}

// Equivocation is two entries by which the exchange has said two things of one period or place: anybody can check them (SPEC parts 24
// and 25).
type Equivocation struct {
	First, Second uint64
	Entries       [2]*Entry // those two
	Problem       string
}

// A Record follows the entries of one exchange through a log, in order (SPEC part 24, "Verifying a log's entries"):
//
//	record := claim.NewRecord(policy)
//	for index, raw := range entries {
//		record.Add(index, raw, notAfter)
//	}
//	standing, entered := record.Standing(statement.Digest)
//
// It holds only if Breaches and Equivocations are empty. Every equivocation is a breach too.
type Record struct {
	Breaches      []Breach
	Equivocations []Equivocation
	Entries       uint64 // of the exchange, repeated ones too
	PassedOver    uint64 // of others, or nothing that can be read as an entry
	OtherNames    uint64 // of those, signed with a key of the exchange in the name of another

	policy  *Policy
	seen    map[Hash]bool // payloads
	entered map[Hash]*Standing
	last    map[string]*Standing // by series
	numbers map[place]*Standing
	periods map[period]*Standing // the last statement of each
}

type (
	place struct {
		series string
		number uint64
	}
	period struct{ series, name string }
)

// NewRecord begins a record of the policy's exchange.
func NewRecord(p *Policy) *Record {
	return &Record{
		policy: p, seen: map[Hash]bool{}, entered: map[Hash]*Standing{}, last: map[string]*Standing{},
		numbers: map[place]*Standing{}, periods: map[period]*Standing{},
	}
}

// Standing gives what the log said of a statement, by the digest of its payload.
func (r *Record) Standing(statement Hash) (Standing, bool) {
	s, ok := r.entered[statement]
	if !ok {
		return Standing{}, false
	}
	return *s, true
}

func (r *Record) breach(index uint64, format string, args ...any) {
	r.Breaches = append(r.Breaches, Breach{index, fmt.Sprintf(format, args...)})
}

// Add takes the next entry of the log. Indexes ascend. notAfter is as in [Policy.CheckLimits], of the entry's signatures.
func (r *Record) Add(index uint64, raw []byte, notAfter time.Time) {
	envelope, err := parseEntryEnvelope(raw)
	if err != nil {
		r.PassedOver++
		return
	}
	e, err := parseEntryPayload(envelope)
	if err != nil {
		if _, unsigned := envelope.Verify(r.policy.Keys); unsigned != nil {
			r.PassedOver++
			return
		}
		r.Entries++
		r.breach(index, "the exchange signed an entry that cannot be read: %v", err)
		return
	}
	if e.Exchange != r.policy.Exchange {
		r.PassedOver++
		if _, unsigned := envelope.Verify(r.policy.Keys); unsigned == nil {
			r.OtherNames++
		}
		return
	}
	r.Entries++
	if r.seen[e.Digest] { // whoever holds an entry can put it in again, when its key is long revoked
		return
	}
	if err := e.Verify(r.policy, notAfter); err != nil {
		r.breach(index, "%v", err)
		return
	}
	r.seen[e.Digest] = true
	about := r.entered[e.Statement]
	switch {
	case e.Kind == KindStatement && about != nil:
		r.breach(index, "the statement was entered before, at %d, in other words", about.Index)
	case e.Kind == KindStatement:
		r.enter(index, e)
	case about == nil:
		r.breach(index, "a %s of the statement %s, which was not entered before", e.Kind, e.Statement)
	case e.Kind == KindErratum:
		about.Errata = append(about.Errata, Erratum{index, e.Text})
	default:
		about.State, about.By, about.Reason = Withdrawn, index, e.Text
	}
}

// enter takes a statement that is new. What it says against others stands even if it breaks a rule, so that a report that was taken
// back never passes for one that was not.
func (r *Record) enter(index uint64, e *Entry) {
	r.checkPlace(index, e)
	r.checkPeriod(index, e)
	now := &Standing{Entry: e, Index: index, State: Published}
	if old := r.entered[e.Series.Supersedes]; e.Series.Reason != "" && old != nil {
		if old.Follows = e.Statement; old.State != Withdrawn { // which it stays
			old.State, old.By, old.Reason = Superseded, index, e.Series.Reason
		}
	}
	r.entered[e.Statement] = now
	r.periods[period{e.Series.Name, e.Period}] = now
	if last := r.last[e.Series.Name]; last == nil || last.Entry.Series.Number < e.Series.Number {
		r.last[e.Series.Name] = now
	}
	if at := (place{e.Series.Name, e.Series.Number}); r.numbers[at] == nil {
		r.numbers[at] = now
	}
}

// checkPlace makes sure that number and previous follow from the last statement of the series. The first in a log may have any number:
// a series may be older than the log.
func (r *Record) checkPlace(index uint64, e *Entry) {
	s := e.Series
	if err := s.Check(); err != nil {
		r.breach(index, "%v", err)
		return
	}
	if other := r.numbers[place{s.Name, s.Number}]; other != nil {
		r.equivocate(other, index, e, fmt.Sprintf("number %d of the series %s twice", s.Number, s.Name))
		return
	}
	last := r.last[s.Name]
	switch {
	case last == nil:
	case s.Number != last.Entry.Series.Number+1:
		r.breach(index, "number %d of the series %s, after number %d", s.Number, s.Name, last.Entry.Series.Number)
	case s.Previous != last.Entry.Statement:
		r.breach(index, "previous is %s, the last statement of the series %s is %s", s.Previous, s.Name, last.Entry.Statement)
	}
}

// checkPeriod makes sure that a statement supersedes the last one of its period, if there is one, and no other.
func (r *Record) checkPeriod(index uint64, e *Entry) {
	s := e.Series
	before := r.periods[period{s.Name, e.Period}]
	switch {
	case before == nil && s.Reason == "":
	case before == nil:
		r.breach(index, "it supersedes a statement, and none of the period %s was entered before", e.Period)
	case s.Reason == "":
		r.equivocate(before, index, e, fmt.Sprintf("two statements of the period %s in the series %s, and the later does not supersede", e.Period, s.Name))
	case s.Supersedes == before.Entry.Statement:
	case before.Entry.Series.Reason != "" && before.Entry.Series.Supersedes == s.Supersedes:
		r.equivocate(before, index, e, fmt.Sprintf("two statements supersede the same one of the period %s in the series %s", e.Period, s.Name))
	default:
		r.breach(index, "it supersedes %s, the last statement of the period %s is %s", s.Supersedes, e.Period, before.Entry.Statement)
	}
}

// equivocate keeps a breach that two entries show by themselves.
func (r *Record) equivocate(first *Standing, second uint64, e *Entry, problem string) {
	if last := len(r.Equivocations) - 1; last < 0 || r.Equivocations[last].First != first.Index || r.Equivocations[last].Second != second {
		r.Equivocations = append(r.Equivocations, Equivocation{first.Index, second, [2]*Entry{first.Entry, e}, problem}) // each pair once
	}
	r.breach(second, "%s: entries %d and %d", problem, first.Index, second)
}

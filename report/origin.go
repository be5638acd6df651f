package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/chains"
)

// MaxApprovers is how many may approve a statement (SPEC part 23).
const MaxApprovers = 30

const (
	maxReason = 1024 // SPEC part 24
	maxOrigin = 256  // SPEC part 25
)

// Approvals says who may approve a statement, and how many of them must. Where nobody
// must, the statement is unattended (SPEC part 23).
type Approvals struct {
	Keys     []attest.PublicKey `json:"keys"`
	Required uint64             `json:"required"`
}

// NewApprovals puts the keys in order (SPEC part 23).
func NewApprovals(required uint64, keys ...attest.PublicKey) (Approvals, error) {
	a := Approvals{Keys: append([]attest.PublicKey{}, keys...), Required: required}
	slices.SortFunc(a.Keys, func(x, y attest.PublicKey) int { return strings.Compare(x.String(), y.String()) })
	return a, a.check()
}

func (a Approvals) check() error {
	if n := len(a.Keys); n > MaxApprovers || a.Required > uint64(n) || (a.Required == 0) != (n == 0) {
		return fmt.Errorf("approvals: %d of %d keys are required, want 1 to all of at most %d, or 0 of none", a.Required, n, MaxApprovers)
	}
	for i, k := range a.Keys {
		if i > 0 && a.Keys[i-1].String() >= k.String() {
			return fmt.Errorf("approvals: key %s stands twice or out of order", k)
		}
	}
	return nil
}

// checkOrigin checks when a statement was drawn up, by whose leave, and its place among others.
func (p Predicate) checkOrigin() error {
	if p.Issued.Before(p.Snapshot.Instant.Time) {
		return fmt.Errorf("issued: %s is before the instant %s", p.Issued, p.Snapshot.Instant)
	}
	if err := p.Approvals.check(); err != nil {
		return err
	}
	if err := p.Series.check(); err != nil {
		return err
	}
	return p.Moment.check(p.Snapshot)
}

// Series is a statement's place among those of its kind (SPEC part 24).
type Series struct {
	Name       string      `json:"name"`
	Number     uint64      `json:"number"`
	Previous   *Digest     `json:"previous,omitempty"`
	Supersedes *Supersedes `json:"supersedes,omitempty"`
}

// Supersedes names the statement of the same period whose place this one takes, and
// says why (SPEC part 24).
type Supersedes struct {
	Reason    string `json:"reason"`
	Statement Digest `json:"statement"`
}

// Next is the place after a signed statement in its series. A statement of the same
// period takes that one's place, and must say why; one of another period must not
// (SPEC part 24).
func (s Signed) Next(snap Snapshot, supersedes string) (Series, error) {
	p := s.Statement.Predicate
	former := &seat{p.Snapshot.Exchange.Name, p.Snapshot.Instant, p.Snapshot.Period, p.Series, s.Digest}
	if former.period == snap.Period {
		return former.next(former, snap, supersedes)
	}
	return former.next(nil, snap, supersedes)
}

// seat is where a statement stands in its series.
type seat struct {
	exchange  string
	instant   Time
	period    string
	series    Series
	statement Digest
}

// next is the place after the last one of a series, given the last one of the snapshot's period, if there is one.
func (last *seat) next(same *seat, snap Snapshot, supersedes string) (Series, error) {
	switch {
	case last.exchange != snap.Exchange.Name:
		return Series{}, fmt.Errorf("series: the former statement is by %q, this one by %q", last.exchange, snap.Exchange.Name)
	case snap.Instant.Before(last.instant.Time):
		return Series{}, fmt.Errorf("series: the former statement is of %s, after this one's instant %s", last.instant, snap.Instant)
	case same != nil && supersedes == "":
		return Series{}, fmt.Errorf("series: the former statement speaks of the same period %s: give the reason why this one takes its place, or a period of its own", snap.Period)
	case same == nil && supersedes != "":
		return Series{}, fmt.Errorf("series: a statement takes the place of one of its own period: the former is of %s, this one of %s", last.period, snap.Period)
	}
	next := Series{Name: last.series.Name, Number: last.series.Number + 1, Previous: &last.statement}
	if same != nil {
		next.Supersedes = &Supersedes{Reason: supersedes, Statement: same.statement}
	}
	return next, next.check()
}

func (s Series) check() error {
	if !isOf(s.Name, 1, 32, "abcdefghijklmnopqrstuvwxyz0123456789-") {
		return fmt.Errorf("series.name: %q is not 1 to 32 of a-z 0-9 -", clip(s.Name))
	}
	if s.Number > maxNumber {
		return errors.New("series.number: it is above 2^53-1")
	}
	if (s.Number == 0) != (s.Previous == nil) {
		return fmt.Errorf("series: number %d: the first statement of a series names no previous one, and every other does", s.Number)
	}
	if s.Supersedes == nil {
		return nil
	}
	if s.Number == 0 {
		return errors.New("series.supersedes: the first statement of a series takes no other's place")
	}
	if err := checkText(s.Supersedes.Reason, maxReason); err != nil {
		return fmt.Errorf("series.supersedes.reason: %w", err)
	}
	return nil
}

// Moment is what the maker of a statement could not know earlier (SPEC part 26).
type Moment struct {
	Blocks     []Block     `json:"blocks"`
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
}

// Checkpoint is the state of a log (SPEC parts 25 and 26).
type Checkpoint struct {
	Origin string `json:"origin"`
	Root   Digest `json:"root"`
	Size   uint64 `json:"size"`
}

// NewMoment lists the last blocks of pinned chains (SPEC part 26).
func NewMoment(s Snapshot, last ...chains.BlockRef) (Moment, error) {
	m := Moment{Blocks: []Block{}}
	for _, r := range last {
		at, err := NewTime(r.Time)
		if err != nil {
			return Moment{}, fmt.Errorf("moment: block of %s: %w", r.Chain, err)
		}
		m.Blocks = append(m.Blocks, Block{Chain: r.Chain, Hash: r.Hash, Number: r.Number, Time: at})
	}
	slices.SortFunc(m.Blocks, func(x, y Block) int { return strings.Compare(string(x.Chain), string(y.Chain)) })
	return m, m.check(s)
}

func (m Moment) check(s Snapshot) error {
	for i, b := range m.Blocks {
		if i > 0 && m.Blocks[i-1].Chain >= b.Chain {
			return fmt.Errorf("moment.blocks: %s stands twice or out of order", clip(string(b.Chain)))
		}
		pinned, ok := s.Block(b.Chain)
		if !ok {
			return fmt.Errorf("moment.blocks: chain %s is not pinned", clip(string(b.Chain)))
		}
		if !isBlockHash(b.Chain, b.Hash) || b.Number > maxNumber {
			return fmt.Errorf("moment.blocks: hash or number of %s is not spelt as its chain's tools do", b.Chain)
		}
		if b.Number < pinned.Number || b.Time.Before(pinned.Time.Time) {
			return fmt.Errorf("moment.blocks: block %d of %s, of %s, comes before the pinned block %d of %s", b.Number, b.Chain, b.Time, pinned.Number, pinned.Time)
		}
	}
	if m.Checkpoint == nil {
		return nil
	}
	if o := m.Checkpoint.Origin; o == "" || len(o) > maxOrigin || !utf8.ValidString(o) || strings.ContainsFunc(o, func(r rune) bool { return r == '+' || unicode.IsSpace(r) || attest.Barred(r) }) {
		return fmt.Errorf("moment.checkpoint.origin: %q is not 1 to %d bytes without white space and +", clip(o), maxOrigin)
	}
	if m.Checkpoint.Size > maxNumber {
		return errors.New("moment.checkpoint.size: it is above 2^53-1")
	}
	return nil
}

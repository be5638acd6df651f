package verifier

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tree"
)

// HistoryInput is a statement of a series, as a bundle or as its envelope alone (SPEC part 24, History).
type HistoryInput struct {
	Name     string // by which the verdict speaks of it
	Files    *Files // nil: Envelope is all there is
	Envelope []byte
}

// CustomerProofs are one customer's inclusion proofs. Customer is what the person typed.
type CustomerProofs struct {
	Customer string
	Proofs   []HistoryProof
}

// HistoryProof is one inclusion proof and the name by which the verdict speaks of it.
type HistoryProof struct {
	Name  string
	Proof []byte
}

// Past is a verdict on statements of one series (SPEC part 24, History).
type Past struct {
	Holds      bool            `json:"holds"`
	Exit       int             `json:"exit"`
	Summary    string          `json:"summary"`
	Statements []PastStatement `json:"statements"` // in order of their numbers, unread ones last
	Checks     []Check         `json:"checks"`     // of the history as a whole
	Proofs     []PastProof     `json:"proofs,omitempty"`
	Policy     string          `json:"policy"`
	NotShown   []string        `json:"not_shown"`
}

// PastStatement is one statement of a history.
type PastStatement struct {
	Name     string  `json:"name"`
	Verdict  Verdict `json:"verdict"`
	Included bool    `json:"included"` // the customer is inside its totals
	// Committed: the customer's row is under its root, and nobody checked here that it is counted (SPEC part 29).
	Committed bool `json:"committed,omitempty"`
	read      *claim.Statement
	envelope  []byte
	files     *Files // nil if only its envelope was given
	dating    dating
}

// PastProof is what came of one proof of the customer.
type PastProof struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
}

// OtherSeriesError says that the statements given are of two series, which follow from one another in no way.
type OtherSeriesError struct{ First, Second string }

// Error names both series.
func (e *OtherSeriesError) Error() string {
	return fmt.Sprintf("the statements are of the series %q and %q: a history is of one", e.First, e.Second)
}

// History says whether statements of one series hold together (SPEC part 24, History), and in how many of them a customer is included.
// Each passes `statement.*` and `snapshot`; what else it says is for [Bundle]. Statements of two series are an *OtherSeriesError. look, unless
// it is nil, is a log that each must stand in as published; one that was superseded may, if what took its place is given too. Requires at
// least one input.
func History(inputs []HistoryInput, proofs CustomerProofs, policy *claim.Policy, look *Look) (Past, error) {
	h := &history{policy: policy, past: Past{Policy: policy.Digest.String(), NotShown: notShownByHistory()}}
	var all []subject
	for _, input := range inputs {
		all = append(all, subjectOf(input))
	}
	log := look.open(policy, all)
	for i, input := range inputs {
		h.read(input, log, all[i])
	}
	slices.SortStableFunc(h.past.Statements, func(a, b PastStatement) int { return a.compare(b) })
	sound := h.sound()
	for i := 1; i < len(sound); i++ {
		if first, other := sound[0].read.Series.Name, sound[i].read.Series.Name; first != other {
			return Past{}, &OtherSeriesError{first, other}
		}
	}
	r := newRun(policy)
	if len(sound) == len(h.past.Statements) {
		r.passed["statement.*"] = true
	}
	r.check("history.chain", []string{"statement.*"}, h.chain)
	r.check("history.complete", []string{"statement.*"}, h.complete)
	if len(proofs.Proofs) > 0 {
		r.check("history.proofs", []string{"statement.*"}, func() (string, error) { return h.prove(proofs) })
	}
	h.past.Checks = r.verdict.Checks
	h.conclude(r.conclude("").Summary)
	return h.past, nil
}

// A history gathers what its checks find.
type history struct {
	policy *claim.Policy
	past   Past
}

// read makes the checks of one statement. One that was given twice counts once, in its better copy.
func (h *history) read(input HistoryInput, log *looked, s subject) {
	b := &bundleRun{run: newRun(h.policy), files: input.Files}
	b.checkState(log, s)
	raw := input.Envelope
	b.check("statement.signature", nil, func() (detail string, err error) {
		if input.Files != nil {
			if raw, err = input.Files.read(claim.EnvelopePath, limitOf(claim.EnvelopePath)); err != nil {
				return "", err
			}
			b.readOutside(sha256.Sum256(raw))
		}
		return b.verifyEnvelope(raw)
	})
	b.checkStatement()
	v := b.conclude("the statement is signed; what it says is not checked here")
	read := PastStatement{Name: input.Name, Verdict: v, read: b.statement, envelope: raw, files: input.Files, dating: b.dating}
	for i, other := range h.past.Statements {
		if other.read != nil && b.statement != nil && other.read.Digest == b.statement.Digest {
			kept := other
			if read.better(other) {
				kept = read
			}
			kept.files = cmp.Or(other.files, read.files)
			h.past.Statements[i] = kept
			return
		}
	}
	h.past.Statements = append(h.past.Statements, read)
}

// better reports whether a copy of a statement shows more than another: that it passes, and then its place in a log.
func (p PastStatement) better(q PastStatement) bool {
	if p.Verdict.Proven != q.Verdict.Proven {
		return p.Verdict.Proven
	}
	return p.dating.place != nil && q.dating.place == nil
}

func (p PastStatement) compare(q PastStatement) int {
	switch {
	case p.read == nil && q.read == nil:
		return 0
	case p.read == nil:
		return 1
	case q.read == nil:
		return -1
	case p.read.Series.Number < q.read.Series.Number:
		return -1
	case p.read.Series.Number > q.read.Series.Number:
		return 1
	}
	return p.read.Snapshot.Instant.Compare(q.read.Snapshot.Instant)
}

// sound are the statements that passed their own checks, in order. How they stand in a log is another question.
func (h *history) sound() (list []PastStatement) {
	for _, s := range h.past.Statements {
		if !slices.ContainsFunc(s.Verdict.Checks, func(c Check) bool { return c.Result != Pass && c.Name != stateCheck }) {
			list = append(list, s)
		}
	}
	return list
}

// chain is the check `history.chain`.
func (h *history) chain() (string, error) {
	list := h.past.Statements
	for i := 1; i < len(list); i++ {
		earlier, later := list[i-1], list[i]
		a, b := earlier.read, later.read
		switch {
		case a.Series.Number == b.Series.Number:
			return "", fmt.Errorf("%s and %s both have the number %d: the exchange has said two things at one place of the series", earlier.Name, later.Name, a.Series.Number)
		case a.Series.Number+1 == b.Series.Number && b.Series.Previous != a.Digest:
			return "", fmt.Errorf("%s follows statement %s, %s is %s", later.Name, b.Series.Previous, earlier.Name, a.Digest)
		case b.Snapshot.Instant.Before(a.Snapshot.Instant):
			return "", fmt.Errorf("the instant of %s, number %d, is before that of %s, number %d", later.Name, b.Series.Number, earlier.Name, a.Series.Number)
		}
	}
	for i, later := range list {
		if err := superseding(list[:i], later); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d statements, each after the one before", len(list)), nil
}

// superseding makes sure that a statement supersedes the last one before it of its period, and none of another. What it supersedes may
// be missing where numbers are.
func superseding(before []PastStatement, s PastStatement) error {
	var last *PastStatement
	for i, other := range before {
		if other.read.Snapshot.Period == s.read.Snapshot.Period {
			last = &before[i]
		}
	}
	named := s.read.Series.Supersedes
	if last != nil && s.read.Series.Reason == "" {
		return fmt.Errorf("%s and %s are both of the period %s, and the later does not supersede the earlier", last.Name, s.Name, s.read.Snapshot.Period)
	}
	if s.read.Series.Reason == "" || last != nil && last.read.Digest == named {
		return nil
	}
	for _, other := range before {
		if other.read.Digest == named {
			return fmt.Errorf("%s supersedes %s, which is not the last statement before it of the period %s", s.Name, other.Name, s.read.Snapshot.Period)
		}
	}
	from := uint64(0) // the least number that the statement it names may have
	if last != nil {
		from = last.read.Series.Number + 1
	}
	given := uint64(0)
	for _, other := range before {
		if other.read.Series.Number >= from {
			given++
		}
	}
	if given == s.read.Series.Number-min(from, s.read.Series.Number) {
		return fmt.Errorf("%s supersedes statement %s, which is none of those before it, and none of those is missing", s.Name, named)
	}
	return nil
}

// complete is the check `history.complete`.
func (h *history) complete() (string, error) {
	list := h.past.Statements
	for i := 1; i < len(list); i++ {
		a, b := list[i-1].read.Series.Number, list[i].read.Series.Number
		switch {
		case b == a+2:
			return "", fmt.Errorf("number %d is missing", a+1)
		case b > a+2:
			return "", fmt.Errorf("the numbers %d to %d are missing", a+1, b-1)
		}
	}
	return fmt.Sprintf("the numbers %d to %d", list[0].read.Series.Number, list[len(list)-1].read.Series.Number), nil
}

// prove is the check `history.proofs`: each proof against its own statement.
func (h *history) prove(given CustomerProofs) (string, error) {
	var refused []string
	exit := ExitProven
	for _, p := range given.Proofs {
		s, shard, err := h.statementOf(p.Proof)
		if err != nil {
			return "", in(p.Name, err)
		}
		input := ProofInput{Proof: p.Proof, Statement: s.envelope, Policy: h.policy, Customer: given.Customer, dating: s.dating}
		if err := s.lend(&input, shard); err != nil {
			return "", in(s.Name, err)
		}
		v := Proof(input)
		h.past.Proofs = append(h.past.Proofs, PastProof{p.Name, v})
		if !v.Proven {
			refused, exit = append(refused, p.Name+": "+v.Summary), graver(exit, v.Exit)
			continue
		}
		s.Included = s.Included || v.Customer.CountedBy != ""
		s.Committed = !s.Included
	}
	if exit != ExitProven {
		return "", &refusals{strings.Join(refused, "; "), exit}
	}
	text := fmt.Sprintf("included in %d of %d statements", h.included(), len(h.past.Statements))
	if n := h.committed(); n > 0 {
		text += fmt.Sprintf("; committed to in %d more, of which nobody checked here that the row is counted", n)
	}
	return text, nil
}

// statementOf finds the statement that a proof is for among those given, and gives the shard that it is of.
func (h *history) statementOf(raw []byte) (s *PastStatement, shard uint64, err error) {
	proof, err := tree.ParseProof(raw)
	if err != nil {
		return nil, 0, err
	}
	for i := range h.past.Statements {
		if s := &h.past.Statements[i]; s.read.Digest == claim.Hash(proof.Statement) {
			return s, proof.Shard.Index, nil
		}
	}
	return nil, 0, errors.New("the proof is for a statement that is not among those given")
}

// lend gives a proof of a confidential tree what its bundle has of that shard and of the top; where the shard is not there, the findings. All of it is
// checked against the root that is signed, as if the customer had given it.
func (p *PastStatement) lend(to *ProofInput, shard uint64) (err error) {
	if p.files == nil || p.read.Snapshot.Kind != claim.KindConfidential {
		return nil
	}
	has := func(path string) bool { _, ok := p.files.byPath[path]; return ok }
	if has(leavesPath(shard)) && has(shardProofPath(shard)) {
		to.Shard = &ShardFiles{Leaves: func() (io.ReadCloser, error) { return p.files.open(leavesPath(shard)) }}
		if to.Shard.Proof, err = p.files.read(shardProofPath(shard), limitOf(shardProofPath(shard))); err != nil {
			return err
		}
	}
	for n := 0; to.Shard == nil && n < maxFindings && has(findingPath(n)); n++ {
		raw, err := p.files.read(findingPath(n), limitOf(findingPath(n)))
		if err != nil {
			return err
		}
		to.Findings = append(to.Findings, raw)
	}
	if !has(shardsPath) || !has(topProofPath) {
		return nil
	}
	to.Top = &TopFiles{}
	if to.Top.List, err = p.files.read(shardsPath, limitOf(shardsPath)); err == nil {
		to.Top.Proof, err = p.files.read(topProofPath, limitOf(topProofPath))
	}
	return err
}

func (h *history) included() (n int) {
	for _, s := range h.past.Statements {
		if s.Included {
			n++
		}
	}
	return n
}

func (h *history) committed() (n int) {
	for _, s := range h.past.Statements {
		if s.Committed {
			n++
		}
	}
	return n
}

// conclude sums up: the statements' own checks come first.
func (h *history) conclude(summary string) {
	p := &h.past
	var wrong []string
	for _, s := range p.Statements {
		if p.Exit = graver(p.Exit, s.Verdict.Exit); !s.Verdict.Proven {
			wrong = append(wrong, s.Name+": "+s.Verdict.Summary)
		}
	}
	for _, c := range p.Checks {
		if c.Result == Fail {
			p.Exit = graver(p.Exit, c.exit)
		}
	}
	switch p.Holds = p.Exit == ExitProven; {
	case len(wrong) > 0:
		p.Summary = strings.Join(wrong, "; ")
	case !p.Holds:
		p.Summary = summary
	default:
		p.Summary = h.wholeSentence()
	}
}

func (h *history) wholeSentence() string {
	list := h.past.Statements
	first, last := list[0].read, list[len(list)-1].read
	text := fmt.Sprintf("%d statements of the series %s, numbers %d to %d, %s to %s, follow from one another and none is missing", len(list), first.Series.Name,
		first.Series.Number, last.Series.Number, first.Snapshot.Instant.Format(timeForm), last.Snapshot.Instant.Format(timeForm))
	if len(h.past.Proofs) > 0 {
		text += fmt.Sprintf("; the customer is inside the totals of %d of them", h.included())
	}
	if n := h.committed(); n > 0 {
		text += fmt.Sprintf(", and committed to in %d more, of which nobody checked here that the row is counted", n)
	}
	return text
}

func notShownByHistory() []string {
	return []string{
		"that what these statements say is true: check each report with assay-verify bundle",
		"what came before the first of them or after the last, and that others were shown the same ones: that is what a log is for",
	}
}

package verifier

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
	"github.com/assay-por/assay/verifier/tree"
	"github.com/assay-por/assay/verifier/watch"
)

const stateCheck = "log.state"

// Look is a log that the reader looks at, beside the files that are checked (SPEC part 25, "Looking at a log").
type Look struct {
	Source string // by which the verdict speaks of it
	Read   tlog.Source
	Now    time.Time
}

// LogState is how a statement stands in the log that was looked at (SPEC part 24).
type LogState struct {
	Log       string    `json:"log"`
	Size      uint64    `json:"size"` // entries of the log
	Witnessed string    `json:"witnessed,omitempty"`
	Index     uint64    `json:"index"` // of the entry that entered it
	State     string    `json:"state"`
	By        uint64    `json:"by,omitempty"` // index of the entry that superseded or withdrew it
	Reason    string    `json:"reason,omitempty"`
	Follows   string    `json:"follows,omitempty"` // the statement that superseded it
	Stands    string    `json:"stands,omitempty"`  // the last that superseded in turn, if it is published
	Errata    []Erratum `json:"errata,omitempty"`
}

// Erratum mends words of the statement (SPEC part 24).
type Erratum struct {
	Index uint64 `json:"index"`
	Text  string `json:"text"`
}

// Evidence shows anybody that a log or an exchange said two things (SPEC part 25).
type Evidence struct {
	Name string `json:"name"` // of a file to keep it in
	Says string `json:"says"`
	File string `json:"file"` // its bytes
}

func forkEvidence(e *watch.ForkError) Evidence {
	return Evidence{nameOf("fork", e.First.Text), e.Error(), string(e.Evidence.JSON())}
}

// nameOf is the same whenever the same is found: the later checkpoint of it moves on. Nobody can make two things of one name, the second
// of which would not be kept.
func nameOf(kind string, what []byte) string {
	sum := sha256.Sum256(what)
	return fmt.Sprintf("%s-%x.json", kind, sum[:16])
}

// Word is what a verdict begins with: WITHDRAWN, SUPERSEDED, or nothing.
func (s *LogState) Word() string {
	if s == nil || s.State == string(claim.Published) {
		return ""
	}
	return strings.ToUpper(s.State)
}

// begin is how a verdict on a statement that does not stand begins.
func (s *LogState) begin() string {
	if s.Word() == "" {
		return ""
	}
	return s.Word() + ": " + strings.TrimSuffix(s.Reason, ".") + ". NOT PROVEN: "
}

// subject is a statement as bytes, with its place in a log if it is shown.
type subject struct{ envelope, proof []byte }

func subjectIn(files *Files) (s subject) {
	read := func(path string) []byte {
		if _, there := files.byPath[path]; !there {
			return nil
		}
		raw, err := files.read(path, limitOf(path))
		if err != nil {
			return nil // the checks of the files say why
		}
		return raw
	}
	return subject{read(claim.EnvelopePath), read(logProofPath)}
}

func subjectBy(input ProofInput) (s subject) {
	s.envelope = input.Statement
	proof, err := tree.ParseProof(input.Proof)
	if err != nil {
		return s
	}
	if proof.Envelope != nil {
		s.envelope = proof.Envelope
	}
	if proof.Log != nil {
		s.proof = proof.Log.Proof
	}
	return s
}

func subjectOf(input HistoryInput) subject {
	if input.Files != nil {
		return subjectIn(input.Files)
	}
	return subject{envelope: input.Envelope}
}

// read gives the statement if the exchange signed it. By whom, and what it says otherwise, is for `statement.*`.
func (s subject) read(policy *claim.Policy) (*claim.Statement, error) {
	envelope, err := claim.ParseEnvelope(s.envelope)
	if err != nil {
		return nil, &notRun{"no signed statement can be read"}
	}
	if _, err := envelope.Verify(policy.Keys); err != nil {
		return nil, &notRun{"the exchange did not sign the statement"}
	}
	statement, err := claim.ParseStatement(envelope.Payload)
	if err != nil {
		return nil, &notRun{"what the exchange signed is no statement that can be read"}
	}
	return statement, nil
}

// looked is what a look showed.
type looked struct {
	trust tlog.Trust
	log   *watch.Log          // nil: its entries are not known
	fault error               // of the checkpoint, or why there is no log
	given map[claim.Hash]bool // statements that are looked for
}

// open reads a log, once for all statements. What witnesses saw of it by the statements' own proofs shows by when entries were there.
func (l *Look) open(policy *claim.Policy, all []subject) *looked {
	if l == nil {
		return nil
	}
	out := &looked{given: map[claim.Hash]bool{}}
	if out.trust, out.fault = watch.TrustOf(policy.Log); out.fault != nil {
		return out
	}
	c, err := watch.Latest(l.Read, out.trust, policy.Log.Fresh, l.Now)
	if out.fault = err; c == nil {
		return out
	}
	reading := watch.Reading{Policy: policy, Trust: out.trust}
	for _, s := range all {
		if statement, err := s.read(policy); err == nil {
			out.given[statement.Digest] = true
		}
		if at, err := s.checkpoint(out.trust); err == nil && at != nil && at.Origin == c.Origin {
			reading.Times = append(reading.Times, at)
		}
	}
	log, err := reading.Read(l.Read, c)
	if err != nil {
		out.fault = err
	}
	out.log = log
	return out
}

// checkpoint is that of the statement's own proof, nil if it has none.
func (s subject) checkpoint(trust tlog.Trust) (*tlog.Checkpoint, error) {
	if s.proof == nil {
		return nil, nil
	}
	proof, err := tlog.ParseProof(s.proof)
	if err != nil {
		return nil, err
	}
	return trust.Check(proof.Checkpoint)
}

// look makes the check `log.state` of one statement, if a log is looked at.
func (r *run) look(l *Look, s subject) { r.checkState(l.open(r.policy, []subject{s}), s) }

func (r *run) checkState(l *looked, s subject) {
	if l == nil {
		return
	}
	r.check(stateCheck, nil, func() (string, error) {
		if l.log == nil {
			return "", l.fault
		}
		statement, err := s.read(r.policy)
		if err != nil {
			return "", err
		}
		return r.stateOf(l, s, statement)
	})
}

// stateOf is the check `log.state`. What the exchange took back is told first, whatever else is wrong with the log.
func (r *run) stateOf(l *looked, s subject, statement *claim.Statement) (string, error) {
	c := l.log.Checkpoint
	standing, entered := l.log.Record.Standing(statement.Digest)
	place := fmt.Sprintf("the log %s, of %d entries%s", c.Origin, c.Size, witnessedAt(c))
	breaches := l.log.Record.Breaches
	switch {
	case !entered && l.fault != nil:
		return "", l.fault
	case !entered:
		return "", r.absent(l, s, place)
	}
	r.verdict.State = describeState(l.log, standing)
	r.noteOtherNames(l.log.Record)
	told := ""
	switch followed := l.given[standing.Follows]; {
	case standing.State == claim.Withdrawn:
		return "", fmt.Errorf("entry %d of %s, withdraws it: %s", standing.By, place, standing.Reason)
	case standing.State == claim.Superseded && !followed:
		return "", fmt.Errorf("entry %d of %s, supersedes it by the statement %s: %s%s", standing.By, place, standing.Follows, standing.Reason, r.verdict.State.chain())
	case standing.State == claim.Superseded:
		told = fmt.Sprintf("; superseded at %d by the statement %s, which is given too: %s", standing.By, standing.Follows, standing.Reason)
	}
	switch {
	case l.fault != nil:
		return "", l.fault
	case len(breaches) > 0:
		return "", breachError(breaches)
	}
	if err := statement.CheckEntry(standing.Entry, sha256.Sum256(s.envelope)); err != nil {
		return "", fmt.Errorf("entry %d of %s: %w", standing.Index, place, err)
	}
	shown, err := r.checkEarlier(l, s, statement)
	if err != nil {
		return "", err
	}
	if n := len(standing.Errata); n > 0 {
		told += fmt.Sprintf("; %d errata", n)
	}
	return fmt.Sprintf("published, at %d of %s%s%s", standing.Index, place, told, shown), nil
}

// absent says that a log does not enter the statement, and what its own proof shows against that log: there witnesses do not matter, the log
// signed it.
func (r *run) absent(l *looked, s subject, place string) error {
	err := fmt.Errorf("%s, does not enter this statement", place)
	own, unread := s.checkpoint(tlog.Trust{Logs: l.trust.Logs})
	if unread == nil && own != nil && own.Origin == l.log.Checkpoint.Origin {
		if against := r.checkOwn(l, own); against != nil {
			err = fmt.Errorf("%w; %w", err, against)
		}
	}
	if breaches := l.log.Record.Breaches; len(breaches) > 0 {
		err = fmt.Errorf("%w; %w", err, breachError(breaches))
	}
	return err
}

// checkOwn makes sure that the log goes on from the checkpoint of the statement's own proof. If the log signed two histories, that is kept.
func (r *run) checkOwn(l *looked, own *tlog.Checkpoint) error {
	if c := l.log.Checkpoint; own.Size > c.Size {
		return fmt.Errorf("the source shows %d entries of the log, the statement's own proof is of %d: it hides the later ones", c.Size, own.Size)
	}
	err := l.log.Extends(own)
	var fork *watch.ForkError
	if errors.As(err, &fork) && fork.Evidence != nil {
		r.verdict.Evidence = append(r.verdict.Evidence, forkEvidence(fork))
	}
	if err != nil {
		return fmt.Errorf("the statement's own proof: %w", err)
	}
	return nil
}

// checkEarlier makes sure that the log looked at is the one that the statement's own proof and its moment speak of.
func (r *run) checkEarlier(l *looked, s subject, statement *claim.Statement) (string, error) {
	c, shown := l.log.Checkpoint, ""
	earlier, err := s.checkpoint(l.trust)
	switch {
	case err != nil:
		return "", &notRun{"the statement's own proof of its place in a log does not verify"}
	case earlier != nil && earlier.Origin != c.Origin:
		shown = fmt.Sprintf("; its own proof is of another log, %s", earlier.Origin)
	case earlier != nil:
		if err := r.checkOwn(l, earlier); err != nil {
			return "", err
		}
	}
	m := statement.Moment.Checkpoint
	if m == nil || m.Origin != c.Origin {
		return shown, nil
	}
	root, err := l.log.Tree.Root(m.Size)
	switch {
	case err != nil:
		return "", fmt.Errorf("the statement says that the log had %d entries when it was drawn up, the source shows %d", m.Size, c.Size)
	case root != tlog.Hash(m.Root):
		return "", fmt.Errorf("the statement names a checkpoint of %d entries with root %s, the log's first %d have root %s", m.Size, m.Root, m.Size, root)
	}
	return shown, nil
}

// noteOtherNames tells of an exchange that may say one thing by one name and another by another, to readers whose policies differ in it.
func (r *run) noteOtherNames(record *claim.Record) {
	if record.OtherNames > 0 {
		r.note("entries of the log that keys of %s signed in the name of another exchange, and that were passed over: %d", r.policy.Exchange, record.OtherNames)
	}
}

func describeState(log *watch.Log, s claim.Standing) *LogState {
	out := &LogState{Log: log.Checkpoint.Origin, Size: log.Checkpoint.Size, Index: s.Index, State: string(s.State), By: s.By, Reason: s.Reason}
	if at := log.Checkpoint.Witnessed; !at.IsZero() {
		out.Witnessed = at.Format(timeForm)
	}
	for _, e := range s.Errata {
		out.Errata = append(out.Errata, Erratum{e.Index, e.Text})
	}
	if s.State != claim.Superseded {
		return out
	}
	out.Follows = s.Follows.String()
	for s.Follows != (claim.Hash{}) { // each is superseded by a later entry
		out.Stands = s.Follows.String()
		s, _ = log.Record.Standing(s.Follows)
	}
	if s.State != claim.Published {
		out.Stands = ""
	}
	return out
}

// chain says what became of the statement that superseded.
func (s *LogState) chain() string {
	switch s.Stands {
	case s.Follows:
		return ""
	case "":
		return "; what superseded it does not stand either"
	}
	return "; that was superseded in turn, and the statement " + s.Stands + " stands now"
}

func witnessedAt(c *tlog.Checkpoint) string {
	if c.Witnessed.IsZero() {
		return " that no witness dates"
	}
	return " that witnesses saw at " + c.Witnessed.Format(timeForm)
}

const toldBreaches = 8 // the first ones: a log may be full of them, and every statement of a history asks

// breachError tells the first few breaches.
func breachError(breaches []claim.Breach) error {
	var told []string
	for _, b := range breaches[:min(len(breaches), toldBreaches)] {
		told = append(told, fmt.Sprintf("entry %d: %s", b.Index, b.Problem))
	}
	if more := len(breaches) - toldBreaches; more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("the exchange broke the rules of its log: %s", strings.Join(told, "; "))
}

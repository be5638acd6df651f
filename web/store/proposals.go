package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The states of a proposal.
const (
	Pending   = "open"
	Confirmed = "confirmed"
	Rejected  = "rejected"
)

// Proposal is what one person asks for and another has to confirm. Times are of whole seconds, in UTC.
type Proposal struct {
	ID      string
	Kind    string // which act
	Object  string // to what; may be empty
	Version string // of that, as the person knew it; may be empty
	Change  []byte // what the act is to be sent, canonical JSON; may be empty
	Digest  string // of all of the above but ID
	Reason  string
	Person  string // id of the client who asks
	Created time.Time
	Until   time.Time

	State   string
	By      string    // who decided; empty while it is open
	Decided time.Time // and when
}

// proposalContent is a proposal as its column has it sealed.
type proposalContent struct {
	Kind    string `json:"kind"`
	Object  string `json:"object"`
	Version string `json:"version"`
	Change  []byte `json:"change"`
	Digest  string `json:"digest"`
	Reason  string `json:"reason"`
	Person  string `json:"person"`
	Created int64  `json:"created"`
	Until   int64  `json:"until"`
}

// CreateProposal adds one that is open.
func (t *Tx) CreateProposal(ctx context.Context, p Proposal) error {
	plain, err := json.Marshal(proposalContent{p.Kind, p.Object, p.Version, p.Change, p.Digest, p.Reason, p.Person, p.Created.Unix(), p.Until.Unix()})
	if err != nil {
		return err
	}
	record, err := t.seals.seal(proposalRecord, p.ID, plain)
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, `INSERT INTO proposals (id, number, record, state, until, person, at)
		SELECT ?, COALESCE(MAX(number), 0) + 1, ?, ?, ?, '', 0 FROM proposals`, p.ID, record, Pending, p.Until.Unix())
	return err
}

// DecideProposal ends one that is open, or returns [ErrChanged].
func (t *Tx) DecideProposal(ctx context.Context, id, state, person string, at time.Time) error {
	res, err := t.tx.ExecContext(ctx, "UPDATE proposals SET state = ?, person = ?, at = ? WHERE id = ? AND state = ?", state, person, at.Unix(), id, Pending)
	return affected(res, err, ErrChanged)
}

const selectProposals = "SELECT id, record, state, until, person, at FROM proposals"

// Proposal is the one of an id, or [ErrUnknown].
func (s *Store) Proposal(ctx context.Context, id string) (Proposal, error) {
	return s.seals.oneProposal(s.read.QueryRowContext(ctx, selectProposals+" WHERE id = ?", id))
}

// Proposal is [Store.Proposal] as the change has it.
func (t *Tx) Proposal(ctx context.Context, id string) (Proposal, error) {
	return t.seals.oneProposal(t.tx.QueryRowContext(ctx, selectProposals+" WHERE id = ?", id))
}

// Proposals are those before one of that id, or from the newest where it is empty, newest first, and no more than most.
func (s *Store) Proposals(ctx context.Context, before string, most int) ([]Proposal, error) {
	rows, err := s.read.QueryContext(ctx, selectProposals+" WHERE ? = '' OR number < (SELECT number FROM proposals WHERE id = ?) ORDER BY number DESC LIMIT ?", before, before, most)
	return collect(rows, err, s.seals.scanProposal)
}

func (s seals) oneProposal(row *sql.Row) (Proposal, error) {
	p, err := s.scanProposal(row)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: no such proposal", ErrUnknown)
	}
	return p, err
}

func (s seals) scanProposal(row interface{ Scan(...any) error }) (p Proposal, err error) {
	var record []byte
	var until, at int64
	if err := row.Scan(&p.ID, &record, &p.State, &until, &p.By, &at); err != nil {
		return p, err
	}
	plain, err := s.open(proposalRecord, p.ID, record)
	if err != nil {
		return p, err
	}
	var c proposalContent
	if err := json.Unmarshal(plain, &c); err != nil {
		return p, err
	}
	if c.Until != until {
		return p, fmt.Errorf("proposals.record of %s: %w: it ends at another time than it says", p.ID, ErrAltered)
	}
	p.Kind, p.Object, p.Version, p.Change, p.Digest, p.Reason, p.Person = c.Kind, c.Object, c.Version, c.Change, c.Digest, c.Reason, c.Person
	p.Created, p.Until = second(c.Created), second(until)
	if at != 0 {
		p.Decided = second(at)
	}
	return p, nil
}

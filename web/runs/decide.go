package runs

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/web/store"
)

// Approve hands in what approvers signed: an envelope over the draft's very bytes, as assay approve writes it. None of its keys
// may be one of those that whoever asked for the run asks with.
func Approve(ctx context.Context, tx *store.Tx, id string, at time.Time, envelope []byte, asker ...attest.PublicKey) (store.Run, error) {
	return tx.ChangeRun(ctx, id, func(r *store.Run) error {
		if err := decided(r); err != nil {
			return err
		}
		who, payloadType, err := Approvals(*r)
		if err != nil {
			return err
		}
		if who.Required == 0 {
			return conflict("nobody has to approve it: it is unattended")
		}
		e, err := attest.ParseEnvelopeOf(payloadType, envelope)
		if err != nil {
			return invalid("%v", err)
		}
		if !bytes.Equal(e.Payload, r.Draft) {
			return conflict("it approves %s, and the draft is %s: it changed since, or it is of another run", Digest(e.Payload), r.Digest)
		}
		if err := e.Verify(who.Keys...); err != nil {
			return invalid("%v", err)
		}
		for _, key := range asker {
			if slices.ContainsFunc(e.Signatures, func(s attest.Signature) bool { return s.KeyID == key.KeyID() }) {
				return ErrSelf
			}
		}
		return keep(ctx, tx, r, at, e, who.Required)
	})
}

// keep keeps each signature by itself: one key counts once, however often it is sent.
func keep(ctx context.Context, tx *store.Tx, r *store.Run, at time.Time, e attest.Envelope, required uint64) error {
	before, err := tx.Approvals(ctx, r.ID, r.Digest)
	if err != nil {
		return err
	}
	have := len(before)
	for _, s := range e.Signatures {
		if before[s.KeyID] != nil {
			continue
		}
		raw, err := attest.Envelope{Payload: e.Payload, PayloadType: e.PayloadType, Signatures: []attest.Signature{s}}.JSON()
		if err != nil {
			return err
		}
		if err := tx.AddApproval(ctx, r.ID, r.Digest, s.KeyID, raw, at); err != nil {
			return err
		}
		have++
		if err := note(ctx, tx, r, at, EventApproved, fmt.Sprintf("key %s; %d of %d are there", s.KeyID[:8], have, required)); err != nil {
			return err
		}
	}
	if have > len(before) && r.State != Failed {
		r.Due = at
	}
	return nil
}

// Publish asks for a draft to be published, by its digest: one that changed meanwhile is not.
func Publish(ctx context.Context, tx *store.Tx, id string, at time.Time, digest string) (store.Run, error) {
	return tx.ChangeRun(ctx, id, func(r *store.Run) error {
		if err := decided(r); err != nil {
			return err
		}
		if digest != r.Digest {
			return conflict("the draft is %s: it changed since, or it is of another run", r.Digest)
		}
		who, _, err := Approvals(*r)
		if err != nil {
			return err
		}
		have, err := tx.Approvals(ctx, r.ID, r.Digest)
		if err != nil {
			return err
		}
		if n := uint64(len(have)); n < who.Required {
			return conflict("it needs %d approvals of the draft, and %d are there", who.Required, n)
		}
		if r.State == Failed {
			r.State = Asked
		}
		r.Publish, r.Due = digest, at
		return note(ctx, tx, r, at, EventPublish, digest)
	})
}

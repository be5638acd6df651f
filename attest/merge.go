package attest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrOtherPayload is returned for a signature of other bytes than those that it is to
// stand beside.
var ErrOtherPayload = errors.New("envelope: it signs other bytes")

// Merge returns the envelope with the signatures that others made of the same bytes,
// each with a key of its own (SPEC parts 10 and 23). Every signature, its own too, must
// be by one of keys and verify; a key that signed in two of them is refused.
func (e Envelope) Merge(keys []PublicKey, others ...Envelope) (Envelope, error) {
	e.Signatures = slices.Clone(e.Signatures)
	for _, o := range others {
		if o.PayloadType != e.PayloadType || !bytes.Equal(o.Payload, e.Payload) {
			return Envelope{}, fmt.Errorf("%w than the envelope that its signatures are to join", ErrOtherPayload)
		}
		e.Signatures = append(e.Signatures, o.Signatures...)
	}
	slices.SortFunc(e.Signatures, func(a, b Signature) int { return strings.Compare(a.KeyID, b.KeyID) })
	if err := e.Verify(keys...); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

// SignedBy reports whether a signature stands under the key's id. That it verifies is
// for [Envelope.Verify] to say.
func (e Envelope) SignedBy(key PublicKey) bool {
	id := key.KeyID()
	return slices.ContainsFunc(e.Signatures, func(s Signature) bool { return s.KeyID == id })
}

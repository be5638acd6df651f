package opinion

import (
	"crypto/sha256"
	"time"

	"github.com/assay-por/assay/verifier/claim"
)

// Opened is an envelope of a statement on which the exchange's signatures verified (SPEC part 10).
type Opened struct {
	*claim.Envelope
	Digest    claim.Hash       // of its file, by which it is dated
	Statement *claim.Statement // nil if Unread
	Unread    error            // why the payload is no statement, which is for `statement.format` to say
	Signers   []string         // ids of the exchange's keys
}

// Open makes the check `statement.signature` of one envelope (SPEC part 10). The payload is read once the exchange's signatures over it verify, since
// the keys' limits speak of a time inside it. notAfter tells when the file of a digest was there, zero if nothing shows it (SPEC part 23).
func Open(raw []byte, policy *claim.Policy, notAfter func(claim.Hash) time.Time) (*Opened, error) {
	envelope, err := claim.ParseEnvelope(raw)
	if err != nil {
		return nil, err
	}
	signers, err := envelope.Verify(policy.Keys)
	if err != nil {
		return nil, err
	}
	opened := &Opened{Envelope: envelope, Digest: sha256.Sum256(raw), Signers: []string{}}
	opened.Statement, opened.Unread = claim.ParseStatement(envelope.Payload)
	for _, key := range signers {
		if opened.Statement != nil {
			if err := policy.CheckLimits(key, opened.Statement.Issued, notAfter(opened.Digest)); err != nil {
				return nil, err
			}
		}
		opened.Signers = append(opened.Signers, key.ID)
	}
	return opened, nil
}

package claim

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assay-por/assay/verifier/canon"
)

const (
	entryPayload = "application/vnd.assay.entry+json" // payloadType of SPEC part 24
	entryType    = "assay/v1/entry"
	maxEntry     = 64 << 10 // SPEC part 18
)

// Kinds of entries (SPEC part 24).
const (
	KindStatement  = "statement"
	KindWithdrawal = "withdrawal"
	KindErratum    = "erratum"
)

// Entry is what stands in a log (SPEC part 24). Envelope, Instant, Period, Series and Snapshot are of a statement only, Text of a
// withdrawal or erratum.
type Entry struct {
	Digest    Hash // H(payload)
	Envelope  Hash // H of statement.dsse.json
	Exchange  string
	Instant   time.Time
	Issued    time.Time
	Kind      string
	Period    string
	Series    Series
	Snapshot  Hash
	Statement Hash // H of the payload of the statement that it is about
	Text      string
	signed    *Envelope
}

// ParseEntry reads an entry in its envelope. Errors are *canon.FormatError or *canon.VersionError.
func ParseEntry(raw []byte) (*Entry, error) {
	envelope, err := parseEntryEnvelope(raw)
	if err != nil {
		return nil, err
	}
	return parseEntryPayload(envelope)
}

func parseEntryEnvelope(raw []byte) (*Envelope, error) {
	if len(raw) > maxEntry {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit of an entry is %d", len(raw), maxEntry)}
	}
	return parseEnvelope(raw, entryPayload)
}

func parseEntryPayload(envelope *Envelope) (*Entry, error) {
	e := &Entry{Digest: sha256.Sum256(envelope.Payload), signed: envelope}
	given := map[string]bool{}
	of := func(key string, read func()) canon.Member {
		return canon.Optional(key, func() { given[key] = true; read() })
	}
	err := canon.DecodeTyped(envelope.Payload, "type", entryType, func(r *canon.Reader) {
		r.Object(
			of("envelope", func() { e.Envelope = r.Hash() }),
			canon.Key("exchange", func() { e.Exchange = canon.Parse(r, parsePrintable) }),
			of("instant", func() { e.Instant = canon.Parse(r, parseTime) }),
			canon.Key("issued", func() { e.Issued = canon.Parse(r, parseTime) }),
			canon.Key("kind", func() {
				e.Kind = canon.Parse(r, parseOne("kind of entry", KindStatement, KindWithdrawal, KindErratum))
			}),
			of("period", func() { e.Period = canon.Parse(r, parsePeriod) }),
			of("series", func() { e.Series = readSeries(r) }),
			of("snapshot", func() { e.Snapshot = r.Hash() }),
			canon.Key("statement", func() { e.Statement = r.Hash() }),
			of("text", func() { e.Text = canon.Parse(r, sized(4096)) }),
			canon.Key("type", func() { r.Fixed(entryType) }),
		)
		for _, key := range []string{"envelope", "instant", "period", "series", "snapshot", "text"} {
			switch wanted := (key == "text") != (e.Kind == KindStatement); {
			case given[key] && !wanted:
				r.Fail("key %q is not one of a %s", key, e.Kind)
			case wanted && !given[key]:
				r.Fail("key %q is missing, which a %s has", key, e.Kind)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if e.Kind == KindStatement && e.Issued.Before(e.Instant) {
		return nil, &canon.FormatError{Field: "issued", Problem: "before the instant"}
	}
	return e, nil
}

// JSON gives the entry as it stands in the log: an envelope has one spelling.
func (e *Entry) JSON() []byte {
	var signatures []string
	for _, s := range e.signed.Signatures {
		signatures = append(signatures, fmt.Sprintf(`{"keyid":"%s","sig":"%s"}`, s.KeyID, base64.StdEncoding.EncodeToString(s.Sig)))
	}
	return fmt.Appendf(nil, `{"payload":"%s","payloadType":"%s","signatures":[%s]}`,
		base64.StdEncoding.EncodeToString(e.signed.Payload), entryPayload, strings.Join(signatures, ","))
}

// Verify says whether the exchange made an entry (SPEC part 24): all signatures are by its keys, verify, and the keys' limits hold.
// notAfter is as in [Policy.CheckLimits]. The entry must be one about the exchange of the policy.
func (e *Entry) Verify(p *Policy, notAfter time.Time) error {
	if e.Exchange != p.Exchange {
		return fmt.Errorf("the entry is by %q, the policy is about %q", e.Exchange, p.Exchange)
	}
	signers, err := e.signed.Verify(p.Keys)
	if err != nil {
		return err
	}
	if len(signers) != len(e.signed.Signatures) {
		return errors.New("an entry is signed by keys of the exchange alone, and one of its signatures is by another key")
	}
	for _, k := range signers {
		if err := p.CheckLimits(k, e.Issued, notAfter); err != nil {
			return err
		}
	}
	return nil
}

// CheckEntry says whether an entry enters this statement, in an envelope of that digest (SPEC part 25, check `log`).
func (s *Statement) CheckEntry(e *Entry, envelope Hash) error {
	var differs string
	switch {
	case e.Kind != KindStatement:
		return fmt.Errorf("the entry is of kind %s, which enters no statement", e.Kind)
	case e.Statement != s.Digest:
		differs = "statement"
	case e.Exchange != s.Snapshot.Exchange.Name:
		differs = "exchange"
	case !e.Instant.Equal(s.Snapshot.Instant):
		differs = "instant"
	case e.Period != s.Snapshot.Period:
		differs = "period"
	case e.Series != s.Series:
		differs = "series"
	case e.Snapshot != s.Snapshot.ID:
		differs = "snapshot"
	case e.Envelope != envelope:
		return fmt.Errorf("the entry is about the envelope %s, this one is %s", e.Envelope, envelope)
	default:
		return nil
	}
	return fmt.Errorf("the entry's %s is not the statement's", differs)
}

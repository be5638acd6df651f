package report

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assay-por/assay/attest"
)

// Servers is what the entries of a log say of one exchange's servers, in the order of the log: which keys sign for them, and
// how far their audit log reached (SPEC part 25). It is for who enters: it knows what would not follow.
type Servers struct {
	exchange string
	keys     []attest.PublicKey
	list     *attest.ResponseKeys // the last one; nil: none
	head     *attest.AuditHead
	payloads map[string]bool
}

// NewServers returns what an empty log says of the exchange of that name, whose keys these are.
func NewServers(exchange string, keys ...attest.PublicKey) *Servers {
	return &Servers{exchange: exchange, keys: keys, payloads: map[string]bool{}}
}

// Add takes in the log's next entry. What is none of these, or not by who may make it, is passed over.
func (s *Servers) Add(raw []byte) {
	if list, payload, err := s.readList(raw); err == nil && !s.payloads[payload] {
		s.list, s.payloads[payload] = &list, true
	} else if head, payload, err := s.readHead(raw); err == nil && !s.payloads[payload] {
		s.head, s.payloads[payload] = &head, true
	}
}

// Head is the last head of the audit log that was entered; ok is false if there is none.
func (s *Servers) Head() (head attest.AuditHead, ok bool) {
	if s.head == nil {
		return attest.AuditHead{}, false
	}
	return *s.head, true
}

// Follows reports why an envelope must not be entered now: by SPEC part 25 it would be a breach, or count for nothing. One that
// is there already may be entered again.
func (s *Servers) Follows(raw []byte) error {
	if _, err := attest.ParseEnvelopeOf(attest.PayloadAuditHead, raw); err == nil {
		head, payload, err := s.readHead(raw)
		if err == nil && !s.payloads[payload] {
			err = s.followsHead(head)
		}
		return err
	}
	list, payload, err := s.readList(raw)
	if err == nil && !s.payloads[payload] {
		err = s.followsList(list)
	}
	return err
}

func (s *Servers) readList(raw []byte) (list attest.ResponseKeys, payload string, err error) {
	e, err := attest.ParseEnvelopeOf(attest.PayloadResponseKeys, raw)
	if err == nil {
		err = e.Verify(s.keys...)
	}
	if err == nil {
		list, err = attest.ParseResponseKeys(e.Payload)
	}
	if err == nil && list.Exchange != s.exchange {
		err = fmt.Errorf("response keys: they are of the exchange %q, want %q", clip(list.Exchange), s.exchange)
	}
	return list, string(e.Payload), err
}

// readHead reads a head that a key signed which the last list names for it, at a time that it names.
func (s *Servers) readHead(raw []byte) (head attest.AuditHead, payload string, err error) {
	e, err := attest.ParseEnvelopeOf(attest.PayloadAuditHead, raw)
	if err != nil {
		return head, "", err
	}
	if head, err = attest.ParseAuditHead(e.Payload); err != nil {
		return head, "", err
	}
	if s.list == nil {
		return head, "", errors.New("audit head: the log holds no list of response keys, which would name the key that signed it")
	}
	for _, k := range s.list.Keys {
		if k.Use == attest.UseAudit && len(e.Signatures) == 1 && e.Verify(k.Key) == nil && !head.At.Before(k.From) && !head.At.After(k.Until) {
			return head, string(e.Payload), nil
		}
	}
	return head, "", errors.New("audit head: the last list of response keys in the log does not name the key that signed it, for the audit log and for its time")
}

func (s *Servers) followsList(list attest.ResponseKeys) error {
	if s.list == nil {
		return nil
	}
	if list.Issued.Before(s.list.Issued) {
		return fmt.Errorf("response keys: issued at %s, before the last list in the log, which is of %s", list.Issued.Format(time.RFC3339), s.list.Issued.Format(time.RFC3339))
	}
	for _, k := range s.list.Keys {
		if !slices.ContainsFunc(list.Keys, func(n attest.ResponseKey) bool { return n.Key == k.Key && n.Use == k.Use }) {
			return fmt.Errorf("response keys: the last list in the log has the key %s, and this one has not, or for another use", k.Key)
		}
	}
	return nil
}

func (s *Servers) followsHead(head attest.AuditHead) error {
	last := s.head
	switch {
	case last == nil:
		return nil
	case head.Seq < last.Seq || head.At.Before(last.At):
		return fmt.Errorf("audit head: of row %d at %s, and the last one in the log is of row %d at %s", head.Seq, head.At.Format(time.RFC3339), last.Seq, last.At.Format(time.RFC3339))
	case head.Seq == last.Seq && head.Hash != last.Hash:
		return fmt.Errorf("audit head: row %d has the hash %s, and in the log it has %s: the audit log was changed", head.Seq, head.Hash, last.Hash)
	}
	return nil
}

package verifier

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/respsig"
)

// Kinds of entries that are of an exchange's servers (SPEC part 25).
const (
	kindKeys = "response-keys"
	kindHead = "audit-head"
)

// servers follows what an exchange enters in a log of its servers, in order: lists of response keys, and heads of the audit log (SPEC
// part 25, "Servers' entries").
type servers struct {
	policy   *claim.Policy
	lists    []keyList
	head     *respsig.Head
	counted  uint64
	seen     map[[32]byte]bool // payloads
	breaches []claim.Breach
	news     []LogNews
}

// keyList is a list that was entered.
type keyList struct {
	index  uint64
	digest [32]byte // of its payload
	keys   *respsig.Keys
}

func newServers(p *claim.Policy) *servers {
	return &servers{policy: p, seen: map[[32]byte]bool{}}
}

// add takes an entry that is none of part 24. notAfter is as in [claim.Policy.CheckLimits].
func (s *servers) add(index uint64, raw []byte, notAfter time.Time) {
	if e, err := claim.ParseKeyList(raw); err == nil {
		s.addList(index, e, notAfter)
	} else if e, err := claim.ParseAuditHead(raw); err == nil {
		s.addHead(index, e)
	}
}

func (s *servers) breach(index uint64, format string, args ...any) {
	s.breaches = append(s.breaches, claim.Breach{Index: index, Problem: fmt.Sprintf(format, args...)})
}

// again says whether a payload was there before: whoever has an envelope can enter it again.
func (s *servers) again(payload []byte) (digest [32]byte, before bool) {
	s.counted++
	digest = sha256.Sum256(payload)
	before = s.seen[digest]
	s.seen[digest] = true
	return digest, before
}

func (s *servers) addList(index uint64, e *claim.Envelope, notAfter time.Time) {
	signers, err := e.Verify(s.policy.Keys)
	if err != nil {
		return // anybody can write an exchange's name under what it did not sign
	}
	keys, err := respsig.ParseKeys(e.Payload)
	if err != nil {
		s.again(e.Payload)
		s.breach(index, "the exchange signed a list of response keys that cannot be read: %v", err)
		return
	}
	if keys.Exchange != s.policy.Exchange {
		return
	}
	digest, before := s.again(e.Payload)
	if before {
		return
	}
	for _, k := range signers {
		if err := s.policy.CheckLimits(k, keys.Issued, notAfter); err != nil {
			s.breach(index, "the list of response keys: %v", err)
			return
		}
	}
	if len(s.lists) > 0 {
		if err := follows(s.lists[len(s.lists)-1], keys); err != nil {
			s.breach(index, "the list of response keys: %v", err)
		}
	}
	s.lists = append(s.lists, keyList{index, digest, keys}) // what stands in the log stands
	told := LogNews{Index: index, Kind: kindKeys, Issued: keys.Issued.Format(timeForm), List: hex.EncodeToString(digest[:])}
	for _, k := range keys.List {
		use := ""
		if k.Audit {
			use = " (audit log)"
		}
		told.Keys = append(told.Keys, fmt.Sprintf("%s%s from %s until %s", k.Thumbprint, use, k.From.Format(timeForm), k.Until.Format(timeForm)))
	}
	s.news = append(s.news, told)
}

// follows says why a list does not follow the one before.
func follows(before keyList, keys *respsig.Keys) error {
	if keys.Issued.Before(before.keys.Issued) {
		return fmt.Errorf("it is issued at %s, before that of entry %d, %s", keys.Issued.Format(timeForm), before.index, before.keys.Issued.Format(timeForm))
	}
	uses := map[string]bool{}
	for _, k := range keys.List {
		uses[k.Text] = k.Audit
	}
	for _, k := range before.keys.List {
		if use, there := uses[k.Text]; !there || use != k.Audit {
			return fmt.Errorf("the key %s, which entry %d lists, is not in it any more, or for another use", k.Thumbprint, before.index)
		}
	}
	return nil
}

func (s *servers) addHead(index uint64, e *claim.Envelope) {
	head, err := respsig.ParseHead(e.Payload)
	if err != nil || !s.isAuditor(e, head.At) {
		return
	}
	if _, before := s.again(e.Payload); before {
		return
	}
	if last := s.head; last != nil {
		switch {
		case head.Seq < last.Seq:
			s.breach(index, "the audit log has %d rows, and had %d before: rows were taken out", head.Seq, last.Seq)
		case head.At.Before(last.At):
			s.breach(index, "the head of the audit log is of %s, and the one before of %s", head.At.Format(timeForm), last.At.Format(timeForm))
		case head.Seq == last.Seq && head.Hash != last.Hash:
			s.breach(index, "row %d of the audit log has the hash %x, and had %x before: rows were changed", head.Seq, head.Hash, last.Hash)
		}
	}
	s.head = &head
	s.news = append(s.news, LogNews{Index: index, Kind: kindHead, Issued: head.At.Format(timeForm), Seq: head.Seq, Hash: hex.EncodeToString(head.Hash[:])})
}

// isAuditor says whether a key that the last list names for it signed a head.
func (s *servers) isAuditor(e *claim.Envelope, at time.Time) bool {
	if len(s.lists) == 0 {
		return false
	}
	for _, k := range s.lists[len(s.lists)-1].keys.List {
		if k.Audit && !at.Before(k.From) && !at.After(k.Until) && e.VerifiesBy(k.Text) {
			return true
		}
	}
	return false
}

// checkKeys is the check `log.keys`, if the reader has a list of response keys.
func (m *monitor) checkKeys() {
	if m.in.Keys == nil {
		return
	}
	m.check("log.keys", nil, func() (string, error) {
		if _, _, err := m.serverKeys(m.in.Keys); err != nil {
			return "", in("key list", err)
		}
		if len(m.logs) == 0 {
			return "", &notRun{"no source shows entries that give a checkpoint's root"}
		}
		e, err := claim.ParseKeyList(m.in.Keys)
		if err != nil {
			return "", in("key list", err)
		}
		digest := sha256.Sum256(e.Payload)
		for _, log := range m.logs {
			lists := m.said[log].lists
			for i, l := range lists {
				switch {
				case l.digest != digest:
				case i == len(lists)-1:
					return fmt.Sprintf("entry %d, the last list that the exchange entered", l.index), nil
				default:
					return fmt.Sprintf("entry %d; a later list was entered at %d", l.index, lists[len(lists)-1].index), nil
				}
			}
		}
		return "", fmt.Errorf("the list with the digest %x is in no log that was shown: the exchange signed it and does not show it to all", digest)
	})
}

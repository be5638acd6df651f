package watch

import (
	"errors"
	"fmt"

	"github.com/assay-por/assay/verifier/canon"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/tlog"
)

// ErrNoLog says that a policy believes no log, so that none can be looked at.
var ErrNoLog = errors.New("the policy has no [log]: it believes no log, so none can be looked at")

// TrustOf reads the keys of a policy's [log] (SPEC parts 16 and 25). Errors are ErrNoLog or *canon.FormatError.
func TrustOf(l *claim.LogTrust) (tlog.Trust, error) {
	if l == nil {
		return tlog.Trust{}, ErrNoLog
	}
	trust := tlog.Trust{Quorum: l.Quorum}
	for i, text := range l.Keys {
		key, err := tlog.ParseLogKey(text)
		if err != nil {
			return tlog.Trust{}, &canon.FormatError{Field: fmt.Sprintf("log.keys[%d]", i), Problem: err.Error()}
		}
		trust.Logs = append(trust.Logs, key)
	}
	for i, text := range l.Witnesses {
		field := fmt.Sprintf("log.witnesses[%d]", i)
		key, err := tlog.ParseWitnessKey(text)
		if err != nil {
			return tlog.Trust{}, &canon.FormatError{Field: field, Problem: err.Error()}
		}
		for _, other := range trust.Witnesses {
			if other.Public == key.Public {
				return tlog.Trust{}, &canon.FormatError{Field: field, Problem: fmt.Sprintf("the public key of %q too: it would count twice", other.Name)}
			}
		}
		trust.Witnesses = append(trust.Witnesses, key)
	}
	return trust, nil
}

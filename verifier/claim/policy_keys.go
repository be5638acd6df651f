package claim

import (
	"errors"
	"fmt"
	"time"
)

// ApprovalTrust says whose approvals a verifier asks for, and how many (SPEC part 16).
type ApprovalTrust struct {
	Required int
	Keys     []Key
}

// Auditor is somebody whose findings a verifier believes (SPEC part 16).
type Auditor struct {
	Name string
	Keys []Key
}

// Limit bounds in time what a key may have signed (SPEC part 23). A time that is zero bounds nothing.
type Limit struct{ From, Until, Revoked time.Time }

type approvalsTOML struct {
	Required *int64    `toml:"required"`
	Keys     *[]string `toml:"keys"`
}

type auditorTOML struct {
	Name *string   `toml:"name"`
	Keys *[]string `toml:"keys"`
}

type limitTOML struct {
	Key     *string `toml:"key"`
	From    *string `toml:"from"`
	Until   *string `toml:"until"`
	Revoked *string `toml:"revoked"`
}

func (w *walker) approvals(f *approvalsTOML) {
	if f == nil {
		return
	}
	keys := need(w, "approvals.keys", f.Keys, each(parseKey))
	if len(keys) == 0 {
		w.fail("approvals.keys", errors.New("empty: nobody could approve"))
	}
	w.policy.Approvals = &ApprovalTrust{Required: need(w, "approvals.required", f.Required, within(1, int64(len(keys)))), Keys: keys}
}

func (w *walker) auditors(list []auditorTOML) {
	seen := make(map[string]bool)
	for i, a := range list {
		field := fmt.Sprintf("auditor[%d]", i)
		out := Auditor{Name: need(w, field+".name", a.Name, parsePrintable), Keys: need(w, field+".keys", a.Keys, each(parseKey))}
		if len(out.Keys) == 0 {
			w.fail(field+".keys", errors.New("empty: no finding could be by this auditor"))
		}
		if seen[out.Name] {
			w.fail(field+".name", errors.New("twice"))
		}
		seen[out.Name] = true
		w.policy.Auditors = append(w.policy.Auditors, out)
	}
}

// roles refuses a key in two roles (SPEC part 23). Custodians' keys may have another: what they sign is no statement.
func (w *walker) roles() {
	role := make(map[string]string)
	take := func(field string, keys []Key) {
		for _, k := range keys {
			if other, taken := role[k.Text]; taken {
				w.fail(field, fmt.Errorf("the key %s stands in %s too: a key has one role", k.Text, other))
			}
			role[k.Text] = field
		}
	}
	take("exchange.keys", w.policy.Keys)
	if w.policy.Approvals != nil {
		take("approvals.keys", w.policy.Approvals.Keys)
	}
	for i, a := range w.policy.Auditors {
		take(fmt.Sprintf("auditor[%d].keys", i), a.Keys)
	}
	w.named = role
}

// limits reads [[key]] after every key was named. What custodians sign has no time that limits could speak of.
func (w *walker) limits(list []limitTOML) {
	w.policy.Limits = make(map[string]Limit)
	for i, l := range list {
		field := fmt.Sprintf("key[%d]", i)
		key := need(w, field+".key", l.Key, parseKey)
		out := Limit{
			From:    may(w, field+".from", l.From, parseTime),
			Until:   may(w, field+".until", l.Until, parseTime),
			Revoked: may(w, field+".revoked", l.Revoked, parseTime),
		}
		_, twice := w.policy.Limits[key.Text]
		switch {
		case twice:
			w.fail(field+".key", errors.New("twice"))
		case w.named[key.Text] == "":
			w.fail(field+".key", errors.New("neither the exchange, nor an approver, nor an auditor of this policy has this key: its limits would limit nothing"))
		case l.From == nil && l.Until == nil && l.Revoked == nil:
			w.fail(field, errors.New("want from, until or revoked"))
		case l.From != nil && l.Until != nil && !out.From.Before(out.Until):
			w.fail(field, errors.New("from is not before until"))
		}
		w.policy.Limits[key.Text] = out
	}
}

// CheckLimits says whether a key's limits allow what it signed (SPEC part 23): issued is the time that was signed, notAfter the
// earliest time at which evidence that the policy believes shows the signature to have been there, zero if there is none.
func (p *Policy) CheckLimits(key Key, issued, notAfter time.Time) error {
	l := p.Limits[key.Text]
	switch {
	case !l.From.IsZero() && issued.Before(l.From):
		return fmt.Errorf("key %s is believed from %s on, and this is of %s", key.ID, l.From.Format(timeForm), issued.Format(timeForm))
	case !l.Until.IsZero() && issued.After(l.Until):
		return fmt.Errorf("key %s is believed until %s, and this is of %s", key.ID, l.Until.Format(timeForm), issued.Format(timeForm))
	case l.Revoked.IsZero():
		return nil
	case notAfter.IsZero():
		return fmt.Errorf("key %s is revoked as of %s, and nothing that the policy believes shows that it signed before", key.ID, l.Revoked.Format(timeForm))
	case !notAfter.Before(l.Revoked):
		return fmt.Errorf("key %s is revoked as of %s, and its signature is shown to have been there no earlier than %s", key.ID, l.Revoked.Format(timeForm), notAfter.Format(timeForm))
	}
	return nil
}

// auditor finds an auditor by name.
func (p *Policy) auditor(name string) (Auditor, bool) {
	for _, a := range p.Auditors {
		if a.Name == name {
			return a, true
		}
	}
	return Auditor{}, false
}

// audits reports whether a key is an auditor's by the policy.
func (p *Policy) audits(key Key) bool {
	for _, a := range p.Auditors {
		if _, ok := keyOf(a.Keys, key.ID); ok {
			return true
		}
	}
	return false
}

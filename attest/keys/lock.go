package keys

import (
	"errors"
	"fmt"

	"filippo.io/age"
)

// Lock says to whom a file is sealed: to a passphrase or to age recipients, one of
// the two. WorkFactor is scrypt's log2(N); 0 stands for age's own choice.
type Lock struct {
	Passphrase []byte
	Recipients []age.Recipient
	WorkFactor int
}

// Format prints no secret, whatever the verb.
func (l Lock) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "lock with %d recipients", len(l.Recipients))
}

// MarshalText writes no secret.
func (l Lock) MarshalText() ([]byte, error) { return fmt.Append(nil, l), nil }

func (l Lock) recipients() ([]age.Recipient, error) {
	switch {
	case len(l.Passphrase) > 0 && len(l.Recipients) > 0:
		return nil, errors.New("seal to a passphrase or to recipients, not to both")
	case len(l.Recipients) > 0:
		return l.Recipients, nil
	case len(l.Passphrase) == 0:
		return nil, errors.New("an empty passphrase: give one, or recipients")
	}
	r, err := age.NewScryptRecipient(string(l.Passphrase))
	if err != nil {
		return nil, err
	}
	if l.WorkFactor != 0 {
		if l.WorkFactor < 1 || l.WorkFactor > 22 {
			return nil, fmt.Errorf("scrypt work factor %d, want 1 to 22", l.WorkFactor)
		}
		r.SetWorkFactor(l.WorkFactor)
	}
	return []age.Recipient{r}, nil
}

// Unlock opens sealed files. Passphrase is called only when a file is sealed to
// one; Identities are tried on the others. Either may be missing.
type Unlock struct {
	Passphrase func() ([]byte, error)
	Identities []age.Identity
}

// Format prints no secret, whatever the verb.
func (u Unlock) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "unlock with %d identities", len(u.Identities))
}

func (u Unlock) identities() []age.Identity {
	return append([]age.Identity{asking(u)}, u.Identities...)
}

// asking is an age identity that asks for the passphrase when it meets a file that
// needs one, and not before.
type asking Unlock

// Unwrap opens a passphrase stanza and leaves all others to other identities.
func (a asking) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type == "scrypt" {
			return a.unwrap(stanzas)
		}
	}
	return nil, age.ErrIncorrectIdentity
}

func (a asking) unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if a.Passphrase == nil {
		return nil, errNoPassphrase
	}
	phrase, err := a.Passphrase()
	if err != nil {
		return nil, &askError{err}
	}
	if len(phrase) == 0 {
		return nil, errNoPassphrase
	}
	id, err := age.NewScryptIdentity(string(phrase))
	if err != nil {
		return nil, errNoPassphrase
	}
	fileKey, err := id.Unwrap(stanzas)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrPassphrase
	}
	return fileKey, err
}

// askError keeps a failure to ask apart from a failure to open.
type askError struct{ err error }

// Error says that the passphrase could not be had.
func (e *askError) Error() string { return "the passphrase could not be read: " + e.err.Error() }

// Unwrap returns the cause.
func (e *askError) Unwrap() error { return e.err }

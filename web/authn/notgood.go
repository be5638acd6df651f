package authn

import "github.com/assay-por/assay/web/store"

// NotGoodError is an error of [Gate.Who] about a key that there is: which, and what was shown. It is for who watches over keys, and told to nobody
// who asks.
type NotGoodError struct {
	Key, Client string
	Shown       Shown

	why error
}

// Shown is what somebody showed who is not let in.
type Shown int

// What may have been shown.
const (
	Late    Shown = iota // what was good, or is at another time
	Guessed              // what never was, or not from there
	Ended                // what is a key's that is revoked
	Again                // a signed request that was made before
)

// Error is what is wrong.
func (e *NotGoodError) Error() string { return e.why.Error() }

// Unwrap is one of the package's errors.
func (e *NotGoodError) Unwrap() error { return e.why }

func notGood(k store.Key, shown Shown, why error) error {
	return &NotGoodError{Key: k.ID, Client: k.Client, Shown: shown, why: why}
}

// unless is Late for what was good once, and Guessed for what never was.
func unless(ever bool) Shown {
	if ever {
		return Late
	}
	return Guessed
}

// over is Ended for a key that is revoked, and Late for one that is of no use for another reason.
func over(k store.Key) Shown {
	if k.Revoked.IsZero() {
		return Late
	}
	return Ended
}

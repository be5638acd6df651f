package authn

import "github.com/assay-por/assay/web/store"

// NotGoodError is an error of [Gate.Who] about a key that there is: which, and whether what was shown was good once. It is for who watches over keys,
// and told to nobody who asks.
type NotGoodError struct {
	Key, Client string
	Again       bool // a signed request that was made before
	Ended       bool // what was shown is the key's, which is revoked

	why error
}

// Error is what is wrong.
func (e *NotGoodError) Error() string { return e.why.Error() }

// Unwrap is one of the package's errors.
func (e *NotGoodError) Unwrap() error { return e.why }

func notGood(k store.Key, why error) *NotGoodError {
	return &NotGoodError{Key: k.ID, Client: k.Client, why: why}
}

// ended is notGood of a key whose credential was shown.
func ended(k store.Key, why error) error {
	e := notGood(k, why)
	e.Ended = !k.Revoked.IsZero()
	return e
}

// again is notGood of a request that was made before.
func again(k store.Key, why error) error {
	e := notGood(k, why)
	e.Again = true
	return e
}

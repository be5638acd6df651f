//go:build !pkcs11 || !cgo

package keys_test

import (
	"errors"
	"testing"

	"github.com/assay-por/assay/attest/keys"
)

// A program without PKCS#11 says how to get one with it, and nothing else.
func TestToken_NotBuiltIn(t *testing.T) {
	s, err := keys.OpenToken(keys.TokenRef{Token: "t", Object: "o", Module: "m"}, func() ([]byte, error) { panic("nobody is asked for a PIN") })
	if s != nil || !errors.Is(err, keys.ErrNoPKCS11) {
		t.Errorf("got %v, %v", s, err)
	}
}

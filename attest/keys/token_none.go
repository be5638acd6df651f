//go:build !pkcs11 || !cgo

package keys

import "github.com/assay-por/assay/attest"

// session is never open in this build.
type session struct{}

func openSession(TokenRef, func() ([]byte, error)) (*session, attest.PublicKey, error) {
	return nil, attest.PublicKey{}, ErrNoPKCS11
}

func openKEK(TokenRef, func() ([]byte, error)) (*session, error) { return nil, ErrNoPKCS11 }

func (*session) wrap([]byte, []byte) ([]byte, error)           { return nil, ErrNoPKCS11 }
func (*session) unwrap([]byte, []byte) ([]byte, error)         { return nil, ErrNoPKCS11 }
func (*session) sign(attest.Algorithm, []byte) ([]byte, error) { return nil, ErrNoPKCS11 }
func (*session) close() error                                  { return nil }

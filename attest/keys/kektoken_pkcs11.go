//go:build pkcs11 && cgo

package keys

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"
)

// What AES-GCM is used with, in bytes.
const (
	gcmNonce = 12
	gcmTag   = 16
)

// findSecret looks for an AES key of 256 bits that cannot be taken out.
func (s *session) findSecret(ref TokenRef) error {
	found, err := s.objects(pkcs11.CKO_SECRET_KEY, ref.Object, ref.ID)
	switch {
	case err != nil:
		return fmt.Errorf("looking for the key: %w", err)
	case len(found) == 0:
		return errors.New("the token has no secret key that fits: look with pkcs11-tool -O")
	case len(found) > 1:
		return errors.New("several secret keys of the token fit: say which with both object= and id=")
	}
	s.key = found[0]
	kind, err1 := s.attribute(s.key, pkcs11.CKA_KEY_TYPE)
	size, err2 := s.attribute(s.key, pkcs11.CKA_VALUE_LEN)
	if err1 != nil || err2 != nil || number(kind) != pkcs11.CKK_AES || number(size) != 32 {
		return errors.New("the secret key is no AES key of 256 bits: make one with pkcs11-tool --keygen --key-type aes:32")
	}
	sensitive, err1 := s.attribute(s.key, pkcs11.CKA_SENSITIVE)
	extractable, err2 := s.attribute(s.key, pkcs11.CKA_EXTRACTABLE)
	if err1 != nil || err2 != nil || !bytes.Equal(sensitive, []byte{1}) || !bytes.Equal(extractable, []byte{0}) {
		return errors.New("the secret key can be taken out of the token (want CKA_SENSITIVE, and not CKA_EXTRACTABLE): make one that cannot")
	}
	return nil
}

// wrap returns the nonce and what AES-GCM makes of a key.
func (s *session) wrap(key, associated []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return nil, errors.New("pkcs11: the session was closed")
	}
	nonce, err := s.module.GenerateRandom(s.handle, gcmNonce)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: the token draws no nonce: %w", err)
	}
	params := pkcs11.NewGCMParams(nonce, associated, 8*gcmTag)
	defer params.Free()
	if err := s.module.EncryptInit(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, s.key); err != nil {
		return nil, fmt.Errorf("pkcs11: the token does not begin to wrap: %w", err)
	}
	wrapped, err := s.module.Encrypt(s.handle, key)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: the token does not wrap: %w", err)
	}
	if used := params.IV(); len(used) == gcmNonce { // some tokens take one of their own
		nonce = used
	}
	return append(bytes.Clone(nonce), wrapped...), nil
}

func (s *session) unwrap(wrapped, associated []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return nil, errors.New("pkcs11: the session was closed")
	}
	if len(wrapped) <= gcmNonce+gcmTag {
		return nil, ErrNotWrapped
	}
	params := pkcs11.NewGCMParams(wrapped[:gcmNonce], associated, 8*gcmTag)
	defer params.Free()
	if err := s.module.DecryptInit(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, s.key); err != nil {
		return nil, fmt.Errorf("pkcs11: the token does not begin to unwrap: %w", err)
	}
	key, err := s.module.Decrypt(s.handle, wrapped[gcmNonce:])
	switch {
	case is(err, pkcs11.CKR_ENCRYPTED_DATA_INVALID), is(err, pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE), is(err, pkcs11.CKR_GENERAL_ERROR): // the last is SoftHSM's word for a wrong tag
		return nil, fmt.Errorf("%w: pkcs11: %w", ErrNotWrapped, err)
	case err != nil:
		return nil, fmt.Errorf("pkcs11: the token does not unwrap: %w", err)
	}
	return key, nil
}

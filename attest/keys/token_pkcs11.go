//go:build pkcs11 && cgo

package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/assay-por/assay/attest"
)

// What PKCS#11 3.0 adds for Edwards curves.
const (
	ckkECEdwards = 0x40
	ckmEdDSA     = 0x1057
)

// How CKA_EC_PARAMS spells the two curves: an OID, and for Ed25519 a name or either of two OIDs.
var (
	paramsP256    = []string{"06082a8648ce3d030107"}
	paramsEd25519 = []string{"130c656477617264733235353139", "06032b6570", "06092b06010401da470f01"}
)

// session is an open session with the key found in it.
type session struct {
	mu     sync.Mutex // a session does one thing at a time
	module *pkcs11.Ctx
	owner  bool // it initialised the module, so it ends it
	handle pkcs11.SessionHandle
	open   bool
	key    pkcs11.ObjectHandle
}

func openSession(ref TokenRef, pin func() ([]byte, error)) (s *session, public attest.PublicKey, err error) {
	s, err = begin(ref, pin, func(s *session) (err error) {
		public, err = s.find(ref)
		return err
	})
	return s, public, err
}

// openKEK opens a session with the secret key that ref names.
func openKEK(ref TokenRef, pin func() ([]byte, error)) (*session, error) {
	return begin(ref, pin, func(s *session) error { return s.findSecret(ref) })
}

// begin opens a session, and has find look for its key.
func begin(ref TokenRef, pin func() ([]byte, error), find func(*session) error) (_ *session, err error) {
	s := &session{module: pkcs11.New(ref.Module)}
	if s.module == nil {
		return nil, fmt.Errorf("pkcs11: %s cannot be loaded as a PKCS#11 module", ref.Module)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("pkcs11: %w", err), s.close())
		}
	}()
	switch err := s.module.Initialize(); {
	case err == nil:
		s.owner = true
	case !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED):
		return nil, fmt.Errorf("the module does not start: %w", err)
	}
	slot, info, err := s.slot(ref)
	if err != nil {
		return nil, err
	}
	if s.handle, err = s.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION); err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	s.open = true
	if err := s.login(info, pin); err != nil {
		return nil, err
	}
	return s, find(s)
}

func is(err error, code uint) bool {
	var e pkcs11.Error
	return errors.As(err, &e) && uint(e) == code
}

// slot finds the one token that fits.
func (s *session) slot(ref TokenRef) (slot uint, info pkcs11.TokenInfo, err error) {
	slots, err := s.module.GetSlotList(true)
	if err != nil {
		return 0, info, fmt.Errorf("listing the tokens: %w", err)
	}
	var fit int
	var labels []string
	for _, at := range slots {
		got, err := s.module.GetTokenInfo(at)
		if err != nil {
			return 0, info, fmt.Errorf("reading a token's label: %w", err)
		}
		label := strings.TrimRight(got.Label, " \x00")
		if got.Flags&pkcs11.CKF_TOKEN_INITIALIZED != 0 {
			labels = append(labels, fmt.Sprintf("%q", label))
		}
		if (ref.Token == "" || ref.Token == label) && (ref.Serial == "" || ref.Serial == strings.TrimRight(got.SerialNumber, " \x00")) {
			fit, slot, info = fit+1, at, got
		}
	}
	switch {
	case fit == 0 && len(labels) == 0:
		return 0, info, errors.New("the module knows no token")
	case fit == 0:
		return 0, info, fmt.Errorf("no token fits; there are %s", strings.Join(labels, ", "))
	case fit > 1:
		return 0, info, fmt.Errorf("%d tokens fit: say which with serial=", fit)
	}
	return slot, info, nil
}

func (s *session) login(info pkcs11.TokenInfo, pin func() ([]byte, error)) error {
	if info.Flags&pkcs11.CKF_LOGIN_REQUIRED == 0 {
		return nil
	}
	if info.Flags&pkcs11.CKF_USER_PIN_LOCKED != 0 {
		return fmt.Errorf("%w: the token is locked after too many wrong ones", ErrPIN)
	}
	p, err := pin()
	if err != nil {
		return fmt.Errorf("the PIN could not be read: %w", err)
	}
	switch err := s.module.Login(s.handle, pkcs11.CKU_USER, string(p)); {
	case err == nil, is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		return nil
	case is(err, pkcs11.CKR_PIN_INCORRECT), is(err, pkcs11.CKR_PIN_LEN_RANGE), is(err, pkcs11.CKR_PIN_INVALID):
		return fmt.Errorf("%w; most tokens lock themselves after a few", ErrPIN)
	case is(err, pkcs11.CKR_PIN_LOCKED):
		return fmt.Errorf("%w: the token is locked after too many wrong ones", ErrPIN)
	default:
		return fmt.Errorf("logging in: %w", err)
	}
}

// objects are those of a class that fit, two at most.
func (s *session) objects(class uint, label, id string) ([]pkcs11.ObjectHandle, error) {
	want := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, class)}
	if label != "" {
		want = append(want, pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
	}
	if id != "" {
		want = append(want, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)))
	}
	if err := s.module.FindObjectsInit(s.handle, want); err != nil {
		return nil, err
	}
	found, _, err := s.module.FindObjects(s.handle, 2)
	return found, errors.Join(err, s.module.FindObjectsFinal(s.handle))
}

// attribute reads one attribute of an object. It is never asked for the key's value.
func (s *session) attribute(of pkcs11.ObjectHandle, kind uint) ([]byte, error) {
	got, err := s.module.GetAttributeValue(s.handle, of, []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, err
	}
	return got[0].Value, nil
}

// find looks for the private key and reads the public one that lies beside it.
func (s *session) find(ref TokenRef) (attest.PublicKey, error) {
	var none attest.PublicKey
	found, err := s.objects(pkcs11.CKO_PRIVATE_KEY, ref.Object, ref.ID)
	switch {
	case err != nil:
		return none, fmt.Errorf("looking for the key: %w", err)
	case len(found) == 0:
		return none, errors.New("the token has no private key that fits: look with pkcs11-tool -O")
	case len(found) > 1:
		return none, errors.New("several private keys of the token fit: say which with both object= and id=")
	}
	s.key = found[0]
	kind, err := s.attribute(s.key, pkcs11.CKA_KEY_TYPE)
	if err != nil {
		return none, fmt.Errorf("reading the key's type: %w", err)
	}
	sensitive, err1 := s.attribute(s.key, pkcs11.CKA_SENSITIVE)
	extractable, err2 := s.attribute(s.key, pkcs11.CKA_EXTRACTABLE)
	if err1 != nil || err2 != nil || !bytes.Equal(sensitive, []byte{1}) || !bytes.Equal(extractable, []byte{0}) {
		return none, errors.New("the private key can be taken out of the token (want CKA_SENSITIVE, and not CKA_EXTRACTABLE): make one that cannot")
	}
	id, err := s.attribute(s.key, pkcs11.CKA_ID)
	if err != nil {
		return none, fmt.Errorf("reading the key's id: %w", err)
	}
	label := ref.Object
	if len(id) > 0 {
		label = "" // the two halves of a pair have one id
	}
	publics, err := s.objects(pkcs11.CKO_PUBLIC_KEY, label, string(id))
	if err != nil {
		return none, fmt.Errorf("looking for the public key: %w", err)
	}
	if len(publics) != 1 {
		return none, fmt.Errorf("the token has %d public keys with the id %s of the private one, want one", len(publics), hex.EncodeToString(id))
	}
	params, err1 := s.attribute(publics[0], pkcs11.CKA_EC_PARAMS)
	point, err2 := s.attribute(publics[0], pkcs11.CKA_EC_POINT)
	if err1 != nil || err2 != nil {
		return none, errors.New("it is no key of an elliptic curve: want Ed25519 or P-256")
	}
	return publicKey(number(kind), params, point)
}

// number reads a CK_ULONG, which is of this machine's size and byte order.
func number(b []byte) uint {
	switch len(b) {
	case 8:
		return uint(binary.NativeEndian.Uint64(b))
	case 4:
		return uint(binary.NativeEndian.Uint32(b))
	}
	return ^uint(0)
}

// publicKey reads a public key as a token tells it: the point in an OCTET STRING, or by itself as some tokens have it.
func publicKey(kind uint, params, point []byte) (attest.PublicKey, error) {
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err != nil || len(rest) > 0 {
		inner = point
	}
	curve := hex.EncodeToString(params)
	switch {
	case kind == ckkECEdwards && slices.Contains(paramsEd25519, curve) && len(inner) == ed25519.PublicKeySize:
		return attest.Ed25519Key([32]byte(inner)), nil
	case kind == pkcs11.CKK_EC && slices.Contains(paramsP256, curve):
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), inner)
		if err != nil {
			return attest.PublicKey{}, errors.New("the token tells a public key that is no point of P-256")
		}
		return attest.P256Key(public)
	}
	return attest.PublicKey{}, fmt.Errorf("key type 0x%x with curve %s: want Ed25519 or P-256", kind, curve)
}

func (s *session) sign(algorithm attest.Algorithm, message []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return nil, errors.New("pkcs11: the session was closed")
	}
	mechanism := uint(ckmEdDSA)
	if algorithm == attest.P256 {
		mechanism = pkcs11.CKM_ECDSA
		digest := sha256.Sum256(message)
		message = digest[:]
	}
	if err := s.module.SignInit(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, s.key); err != nil {
		return nil, fmt.Errorf("pkcs11: the token does not begin to sign: %w", err)
	}
	sig, err := s.module.Sign(s.handle, message)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: the token does not sign: %w", err)
	}
	return sig, nil
}

// close ends what was begun, in reverse. Closing the last session of a token logs out of it.
func (s *session) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.module == nil {
		return nil
	}
	var errs []error
	if s.open {
		errs = append(errs, s.module.CloseSession(s.handle))
	}
	if s.owner {
		errs = append(errs, s.module.Finalize())
	}
	s.module.Destroy()
	s.module, s.open, s.owner = nil, false, false
	return errors.Join(errs...)
}

// Package peopletest is an authenticator for tests: it keeps passkeys of ES256 in memory, and answers as a browser
// would, with real signatures. It does what a test tells it to do wrong.
package peopletest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Authenticator has passkeys, and whoever holds it is asked for a finger.
type Authenticator struct {
	Origin string // of the page that asks
	Random io.Reader

	Unverified bool // it does not verify who holds it
	Absent     bool // nor that anybody does
	Silent     bool // it does not count

	keys  []passkey
	count uint32
}

type passkey struct {
	id, handle []byte
	rp         string
	private    *ecdsa.PrivateKey
}

// Copy is another one with the same passkeys, as whoever has got at them makes it.
func (a *Authenticator) Copy() *Authenticator {
	b := *a
	return &b
}

// options are those of a browser, as far as they are looked at.
type options struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID string }
	User      struct{ ID string }
	Allowed   []struct{ ID string } `json:"allowCredentials"`
}

// data are the authenticator's data before what is registered.
func (a *Authenticator) data(rp string, flags byte) []byte {
	if !a.Absent {
		flags |= 0x01
	}
	if !a.Unverified {
		flags |= 0x04
	}
	if !a.Silent {
		a.count++
	}
	sum := sha256.Sum256([]byte(rp))
	return binary.BigEndian.AppendUint32(append(sum[:], flags), a.count)
}

func (a *Authenticator) clientData(kind, challenge string) ([]byte, error) {
	return json.Marshal(map[string]any{"type": kind, "challenge": challenge, "origin": a.Origin, "crossOrigin": false})
}

var text = base64.RawURLEncoding

// Create makes a passkey, as it was asked for, and returns a RegistrationResponseJSON.
func (a *Authenticator) Create(asked []byte) (map[string]any, error) {
	var o options
	if err := json.Unmarshal(asked, &o); err != nil {
		return nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), a.Random)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 32)
	if _, err := io.ReadFull(a.Random, id); err != nil {
		return nil, err
	}
	handle, err := text.DecodeString(o.User.ID)
	if err != nil {
		return nil, err
	}
	public, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	a.keys = append(a.keys, passkey{id, handle, o.RP.ID, private})
	data := a.data(o.RP.ID, 0x40)
	data = append(data, make([]byte, 16)...)                                        // of no model
	data = append(binary.BigEndian.AppendUint16(data, uint16(len(id))), id...)      //nolint:gosec // 32
	data = append(data, 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20) // EC2, ES256, P-256, x
	data = append(data, public[1:33]...)
	data = append(append(data, 0x22, 0x58, 0x20), public[33:]...)
	object := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58")
	object = append(append(object, byte(len(data))), data...)
	client, err := a.clientData("webauthn.create", o.Challenge)
	if err != nil {
		return nil, err
	}
	return a.answer(id, map[string]any{"clientDataJSON": text.EncodeToString(client), "attestationObject": text.EncodeToString(object), "transports": []string{"internal"}}), nil
}

func (a *Authenticator) answer(id []byte, response map[string]any) map[string]any {
	return map[string]any{"id": text.EncodeToString(id), "rawId": text.EncodeToString(id), "type": "public-key", "response": response}
}

// Get shows a passkey, as it was asked for, and returns an AuthenticationResponseJSON.
func (a *Authenticator) Get(asked []byte) (map[string]any, error) {
	var o options
	if err := json.Unmarshal(asked, &o); err != nil {
		return nil, err
	}
	for i := len(a.keys) - 1; i >= 0; i-- {
		k := a.keys[i]
		allowed := len(o.Allowed) == 0
		for _, one := range o.Allowed {
			allowed = allowed || one.ID == text.EncodeToString(k.id)
		}
		if !allowed || k.rp != o.RPID {
			continue
		}
		client, err := a.clientData("webauthn.get", o.Challenge)
		if err != nil {
			return nil, err
		}
		data := a.data(o.RPID, 0)
		sum := sha256.Sum256(client)
		signed := sha256.Sum256(append(data[:len(data):len(data)], sum[:]...))
		signature, err := ecdsa.SignASN1(a.Random, k.private, signed[:])
		if err != nil {
			return nil, err
		}
		return a.answer(k.id, map[string]any{"clientDataJSON": text.EncodeToString(client), "authenticatorData": text.EncodeToString(data),
			"signature": text.EncodeToString(signature), "userHandle": text.EncodeToString(k.handle)}), nil
	}
	return nil, fmt.Errorf("there is no passkey of %s: %w", o.RPID, errors.ErrUnsupported)
}

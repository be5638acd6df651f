// Package custodian takes in what an outside custodian signed about the coins
// that it holds for the exchange.
//
// Such coins lie on no account that the exchange could show: all there is, is a
// signed word. So this room looks at one thing only, whose word it is. [Open]
// reads either of the two forms that a custodian may sign in and checks it with
// the one key that the operator pinned for it; [Fetch] brings it from the
// custodian's own server, and goes nowhere else.
//
//	{"payload":"eyJiYWxhbmNlcyI6…","payloadType":"application/vnd.assay.custody+json","signatures":[{"keyid":"5d41…","sig":"q83v…"}]}
//	eyJhbGciOiJFZERTQSJ9.eyJiYWxhbmNlcyI6….q83v…
//
// The first is a DSSE envelope, the second a JWS in compact serialization. What
// the payload says, and that it says it of this exchange and this snapshot, is
// package report's to check. Neither makes a claim a proof.
package custodian

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// MaxStatement is the most bytes that a signed statement is read in.
const MaxStatement = 1 << 20

// A Key is the public key that a custodian's statements must verify with.
type Key [ed25519.PublicKeySize]byte

// ParseKey reads a key as `ed25519:` and 64 lower-case hex digits (SPEC part 2).
func ParseKey(text string) (Key, error) {
	digits, ok := strings.CutPrefix(text, "ed25519:")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != len(Key{}) || strings.ToLower(digits) != digits {
		return Key{}, errors.New("a custodian's key is written ed25519: and 64 lower-case hex digits")
	}
	return Key(b), nil
}

// String returns the text that [ParseKey] reads.
func (k Key) String() string { return "ed25519:" + hex.EncodeToString(k[:]) }

// A Signed is a custody statement whose signature holds, in the form that it
// came in, of which one is set (SPEC part 20).
type Signed struct {
	Payload []byte // what was signed, and the only thing to read
	DSSE    []byte
	JWS     string
}

// A KeyError says that a statement is not signed by the custodian's key.
type KeyError struct {
	Want   Key
	Reason string
}

// Error names the key that was wanted.
func (e *KeyError) Error() string {
	return fmt.Sprintf("it is not signed by the custodian's key %s: %s", e.Want, e.Reason)
}

// Open reads a signed custody statement, an envelope or a JWS, and checks its
// signature with the key (SPEC part 20). White space around the file is the
// mail program's and is left away; all else must be as it was signed.
func Open(file []byte, key Key) (Signed, error) {
	if len(file) > MaxStatement {
		return Signed{}, fmt.Errorf("it is longer than %d bytes", MaxStatement)
	}
	file = bytes.TrimSpace(file)
	if len(file) == 0 {
		return Signed{}, errors.New("it is empty")
	}
	if file[0] == '{' {
		payload, err := openDSSE(file, key)
		return Signed{Payload: payload, DSSE: file}, err
	}
	payload, err := openJWS(string(file), key)
	return Signed{Payload: payload, JWS: string(file)}, err
}

func (k Key) verifies(message, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(k[:], message, signature)
}

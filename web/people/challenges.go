package people

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/assay-por/assay/web/store"
)

// What a challenge is for. An answer to one is none to another.
const (
	forSignIn  = "sign-in"
	forStepUp  = "step-up"
	forEnrol   = "enrol"
	forPasskey = "passkey"
)

// A challenge is 32 bytes: 12 random ones, until when it is good, and a MAC over them, what it is for and whose it is. So it need not be
// kept until it is answered, which keeps strangers from filling the database, and any replica knows its own.
const (
	challengeRandom = 12
	challengePlain  = challengeRandom + 4
	challengeSize   = 32
)

func (p *People) challenge(purpose, subject string) ([]byte, error) {
	c := make([]byte, challengeRandom, challengeSize)
	if _, err := io.ReadFull(p.Random, c); err != nil {
		return nil, err
	}
	c = binary.BigEndian.AppendUint32(c, uint32(p.now().Add(challenged).Unix())) //nolint:gosec // good until 2106
	return append(c, p.challengeMAC(purpose, subject, c)...), nil
}

func (p *People) challengeMAC(purpose, subject string, plain []byte) []byte {
	return p.tag("challenge", purpose, subject, string(plain))[:challengeSize-challengePlain]
}

// answered takes a challenge, as the browser says it was answered, once. The error is [ErrSignIn] for one that this server did not
// make for this, that is too old, or that was answered before.
func (p *People) answered(ctx context.Context, tx *store.Tx, purpose, subject, challenge string) error {
	c, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	if err != nil || len(c) != challengeSize || !hmac.Equal(c[challengePlain:], p.challengeMAC(purpose, subject, c[:challengePlain])) {
		return fmt.Errorf("%w: the challenge is none of this server's for that", ErrSignIn)
	}
	until := time.Unix(int64(binary.BigEndian.Uint32(c[challengeRandom:])), 0)
	if !p.now().Before(until) {
		return fmt.Errorf("%w: the challenge is too old", ErrSignIn)
	}
	first, err := tx.Answer(ctx, p.mac("answered", challenge), until)
	if err == nil && !first {
		err = fmt.Errorf("%w: the challenge was answered before", ErrSignIn)
	}
	return err
}

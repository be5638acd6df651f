package authn

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"regexp"
	"strings"

	"github.com/assay-por/assay/web/hidden"
)

// Sizes of what an API key is made of, in bytes.
const (
	idSize     = 10
	secretSize = 32
)

var spelling = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Secret is an API key with a secret. It prints itself as its id alone.
type Secret struct {
	ID   string
	text hidden.Secret // all of it
}

// String is for logs.
func (s Secret) String() string { return "API key " + s.ID }

// GoString is for logs.
func (s Secret) GoString() string { return s.String() }

// Show is the key as the client has to send it. It is shown once.
func (s Secret) Show() string { return s.text.Reveal() }

func newSecret(id string, secret [secretSize]byte) Secret {
	text := "asy1." + id + "." + spelling.EncodeToString(secret[:])
	return Secret{ID: id, text: hidden.NewSecret(text + "." + checksum(text))}
}

// checksum is CRC-32 (IEEE): it finds slips of the pen, and nothing rests on it.
func checksum(text string) string {
	return spelling.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))))
}

// keyText is what an API key looks like, anywhere.
var keyText = regexp.MustCompile(`asy1\.([a-z2-7]{16})\.[a-z2-7]{52}\.[a-z2-7]{7}`)

// parseSecret reads an API key in its one spelling.
func parseSecret(text string) (Secret, bool) {
	m := keyText.FindStringSubmatch(text)
	if m == nil || m[0] != text || checksum(text[:len(text)-8]) != text[len(text)-7:] {
		return Secret{}, false
	}
	secret, err := spelling.DecodeString(strings.Split(text, ".")[2])
	if err != nil || newSecret(m[1], [secretSize]byte(secret)).Show() != text {
		return Secret{}, false
	}
	return Secret{ID: m[1], text: hidden.NewSecret(text)}, true
}

// PepperSize is the size of a pepper, in bytes.
const PepperSize = 32

// mac is what is kept of a key with a secret.
func (s Secret) mac(pepper [PepperSize]byte) []byte {
	h := hmac.New(sha256.New, pepper[:])
	h.Write([]byte(s.Show()))
	return h.Sum(nil)
}

// Package respsig checks, offline and from SPEC.md alone, that a server signed an answer (SPEC part 28): HTTP Message Signatures (RFC 9421)
// and Content-Digest (RFC 9530), in the one form to which that part narrows them.
//
// An answer comes as a receipt, with the list of keys that the exchange signed. What the signature fields say is read first, then each
// thing that it says is held against the rest:
//
//	receipt, err := respsig.ParseReceipt(raw)     // *canon.FormatError: unreadable
//	signed, err := receipt.Signed()               // likewise: not signed as SPEC part 28 has it
//	err = signed.CheckDigest()                    // the content is the one that was digested
//	keys, err := respsig.ParseKeys(payload)       // of an envelope that verified
//	key, err := signed.Verify(keys)               // a listed key, in its time, made the signature
//	err = signed.CheckTime(now, fresh)
//
// Whether the exchange signed the list is for package claim to say. Whether what was answered is true is not asked here at all.
package respsig

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/assay-por/assay/verifier/canon"
)

// Limits of SPEC parts 18 and 28.
const (
	MaxReceipt = 88 << 20
	MaxContent = 64 << 20
	maxHeaders = 256
	maxName    = 64
	maxValue   = 8192 // of a field, and of a url
	maxMethod  = 16
)

const receiptType = "assay/v1/receipt"

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// Header is a field of an answer, its name in lower case (SPEC part 28).
type Header struct{ Name, Value string }

// Receipt is an answer as it is kept (SPEC part 28). Headers are sorted by name, those of one name in the order of the answer.
type Receipt struct {
	Asked   []byte // the signature of the request that it answers, 64 bytes; nil: the request was not signed, or the answer is for all
	Content []byte
	Headers []Header
	Method  string
	Status  int
	URL     string
	target  target
}

// ParseReceipt reads a receipt. What its signature fields say is for [Receipt.Signed]. Errors are *canon.FormatError or
// *canon.VersionError.
func ParseReceipt(raw []byte) (*Receipt, error) {
	if len(raw) > MaxReceipt {
		return nil, &canon.FormatError{Problem: fmt.Sprintf("%d bytes, the limit of a receipt is %d", len(raw), MaxReceipt)}
	}
	r := new(Receipt)
	err := canon.DecodeTyped(raw, "type", receiptType, func(c *canon.Reader) {
		c.Object(
			canon.Optional("asked", func() { r.Asked = canon.Parse(c, parseAsked) }),
			canon.Key("content", func() { r.Content = readContent(c) }),
			canon.Key("headers", func() { r.Headers = readHeaders(c) }),
			canon.Key("method", func() { r.Method = canon.Parse(c, parseMethod) }),
			canon.Key("status", func() { r.Status = readStatus(c) }),
			canon.Key("type", func() { c.Fixed(receiptType) }),
			canon.Key("url", func() {
				r.URL = canon.Parse(c, func(s string) (_ string, err error) { r.target, err = parseURL(s); return s, err })
			}),
		)
		if !c.Failed() && r.withoutContent() && len(r.Content) > 0 {
			c.Fail("content: %d bytes, and an answer to HEAD or of status 304 has none", len(r.Content))
		}
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// withoutContent reports whether the answer's digest is of a content that it does not have, or is not there at all.
func (r *Receipt) withoutContent() bool { return r.Method == "HEAD" || r.Status == 304 }

func parseAsked(s string) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != ed25519.SignatureSize {
		return nil, fmt.Errorf("not the signature of a request: want base64 of %d bytes", ed25519.SignatureSize)
	}
	return raw, nil
}

func readContent(c *canon.Reader) []byte {
	text := c.Quoted()
	if base64.StdEncoding.DecodedLen(len(text)) > MaxContent+2 {
		c.Fail("over %d bytes, the limit", MaxContent)
		return nil
	}
	content := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(content, text)
	switch {
	case err != nil:
		c.Fail("not base64: want RFC 4648 with padding")
	case n > MaxContent:
		c.Fail("over %d bytes, the limit", MaxContent)
	}
	return content[:n]
}

func readHeaders(c *canon.Reader) (list []Header) {
	c.Array(maxHeaders, func(i int) {
		var h Header
		c.Object(
			canon.Key("name", func() { h.Name = canon.Parse(c, parseName) }),
			canon.Key("value", func() { h.Value = canon.Parse(c, parseValue) }),
		)
		if i > 0 && h.Name < list[i-1].Name {
			c.Fail("out of order: headers are sorted by name")
		}
		list = append(list, h)
	})
	return list
}

func readStatus(c *canon.Reader) int {
	status := int(c.Number(599)) //nolint:gosec // at most 599
	switch {
	case status < 200:
		c.Fail("want 200 to 599")
	case status == 206:
		c.Fail("206 is a part of an answer, and only whole ones are signed")
	}
	return status
}

func only(s, of string) bool { return s != "" && strings.Trim(s, of) == "" }

func parseMethod(s string) (string, error) {
	if len(s) > maxMethod || !only(s, upper) {
		return "", fmt.Errorf("not a method: want 1-%d of A-Z", maxMethod)
	}
	return s, nil
}

func parseName(s string) (string, error) {
	if len(s) > maxName || !only(s, lower+digits+"-") {
		return "", fmt.Errorf("not the name of a field: want 1-%d of a-z 0-9 -", maxName)
	}
	return s, nil
}

func parseValue(s string) (string, error) {
	if s == "" || len(s) > maxValue || !printable(s, ' ') || s[0] == ' ' || s[len(s)-1] == ' ' {
		return "", fmt.Errorf("not the value of a field: want 1-%d printable ASCII characters, blank at neither end", maxValue)
	}
	return s, nil
}

// printable: ASCII from least to tilde.
func printable(s string, least byte) bool {
	for i := range len(s) {
		if s[i] < least || s[i] > '~' {
			return false
		}
	}
	return true
}

// fields gives the values of all fields of a name.
func (r *Receipt) fields(name string) (values []string) {
	for _, h := range r.Headers {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	return values
}

// JSON gives the receipt in its one spelling. Requires the texts of one that [ParseReceipt] takes: it refuses what this makes of others.
func (r *Receipt) JSON() []byte {
	out := []byte("{")
	if r.Asked != nil {
		out = fmt.Appendf(out, `"asked":"%s",`, base64.StdEncoding.EncodeToString(r.Asked))
	}
	out = append(append(out, `"content":"`...), base64.StdEncoding.EncodeToString(r.Content)...)
	out = append(out, `","headers":[`...)
	for i, h := range r.Headers {
		if i > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `{"name":%s,"value":%s}`, quoted(h.Name), quoted(h.Value))
	}
	return fmt.Appendf(out, `],"method":%s,"status":%d,"type":%s,"url":%s}`, quoted(r.Method), r.Status, quoted(receiptType), quoted(r.URL))
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quoted(s string) string { return `"` + escapes.Replace(s) + `"` }

package httpsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// component is a line of a signature base: an identifier as Signature-Input spells it, and a value.
type component struct{ id, value string }

// identifiers is the inner list of the components, as it stands in Signature-Input.
func identifiers(components []component) string {
	ids := make([]string, len(components))
	for i, c := range components {
		ids[i] = c.id
	}
	return "(" + strings.Join(ids, " ") + ")"
}

// base is what is signed (RFC 9421 §2.5). Params are the parameters as Signature-Input spells them.
func base(components []component, params string) string {
	var b strings.Builder
	for _, c := range components {
		b.WriteString(c.id)
		b.WriteString(": ")
		b.WriteString(c.value)
		b.WriteByte('\n')
	}
	b.WriteString(`"@signature-params": `)
	b.WriteString(identifiers(components))
	b.WriteString(params)
	return b.String()
}

// question is what was asked, as it was received: the path not decoded, the query with its ?. Signature is the request's own, as a
// structured field spells it; empty if it was not signed.
type question struct{ method, path, query, authority, signature string }

// asked is the question of a request that a server received.
func asked(r *http.Request) question {
	target := r.RequestURI
	if !strings.HasPrefix(target, "/") { // the absolute form, which proxies are sent, and requests made by hand
		target = r.URL.RequestURI()
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	q := questionOf(r.Method, target, scheme, r.Host)
	if asked := Asked(r); asked != nil {
		q.signature = binary(asked)
	}
	return q
}

// Asked is the signature that a request carries, 64 bytes: an answer for one caller covers it (SPEC part 28). It is nil if
// there is none of that form, and was not verified.
func Asked(r *http.Request) []byte {
	if len(r.Header["Signature"]) == 0 {
		return nil
	}
	text, err := member(r.Header, "signature")
	if err != nil {
		return nil
	}
	if sig, ok := unbinary(text); ok && len(sig) == ed25519.SignatureSize {
		return sig
	}
	return nil
}

func questionOf(method, target, scheme, host string) question {
	path, query, _ := strings.Cut(target, "?")
	host = strings.ToLower(host)
	if port := map[string]string{"http": ":80", "https": ":443"}[scheme]; port != "" {
		host = strings.TrimSuffix(host, port) // RFC 9421 §2.2.3
	}
	return question{method: method, path: path, query: "?" + query, authority: host}
}

// The fields that a signature covers where the answer has them, in their order (SPEC part 28).
var fields = [...]string{"content-type", "content-encoding", "content-digest", "cache-control", "etag"}

const (
	noStore   = "no-store"
	immutable = "immutable"
)

// covered lists what the signature of an answer covers: no more, no less, in this order (SPEC part 28).
func covered(q question, status int, header http.Header) ([]component, error) {
	components := make([]component, 1, 11)
	components[0] = component{`"@status"`, strconv.Itoa(status)}
	for _, name := range fields {
		value, there, err := field(header, name)
		if err != nil {
			return nil, err
		}
		if there {
			components = append(components, component{`"` + name + `"`, value})
		}
	}
	components = append(components, component{`"@method";req`, q.method}, component{`"@path";req`, q.path}, component{`"@query";req`, q.query})
	if has(header, noStore) {
		components = append(components, component{`"@authority";req`, q.authority})
		if q.signature != "" {
			components = append(components, component{`"signature";key="assay";req`, q.signature})
		}
	}
	return components, nil
}

// field is the value of a field of one line; there is false if the answer has none.
func field(header http.Header, name string) (value string, there bool, err error) {
	lines := header[textproto.CanonicalMIMEHeaderKey(name)]
	if len(lines) == 0 {
		return "", false, nil
	}
	if len(lines) > 1 {
		return "", true, fmt.Errorf("%s has %d lines, want one", name, len(lines))
	}
	for _, c := range []byte(lines[0]) {
		if c < 0x20 || c > 0x7e {
			return "", true, fmt.Errorf("%s has the byte 0x%02x, want printable ASCII", name, c)
		}
	}
	value = strings.Trim(lines[0], " ")
	if value == "" {
		return "", true, fmt.Errorf("%s is empty", name)
	}
	return value, true, nil
}

// has reports whether cache-control has that directive: one of its parts between commas (SPEC part 28).
func has(header http.Header, directive string) bool {
	for _, line := range header["Cache-Control"] {
		for d := range strings.SplitSeq(line, ",") {
			if strings.Trim(d, " ") == directive {
				return true
			}
		}
	}
	return false
}

// checkCacheControl holds cache-control, which every answer has, to the form in which all read it alike (SPEC part 28).
func checkCacheControl(header http.Header) error {
	value, there, err := field(header, "cache-control")
	switch {
	case err != nil:
		return err
	case !there:
		return errors.New("there is no cache-control")
	case strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789-=, ") != "":
		return errors.New("cache-control is not of a-z 0-9 - =, commas and blanks alone")
	case has(header, noStore) && has(header, immutable):
		return errors.New("cache-control has no-store and immutable")
	}
	return nil
}

// lifetime is how long an answer lasts at most; 0 if it is as true later (SPEC part 28).
func lifetime(header http.Header) time.Duration {
	switch {
	case has(header, noStore):
		return 300 * time.Second
	case has(header, immutable):
		return 0
	}
	return 60 * time.Second
}

// params are the parameters of a signature. Times are in seconds since 1970.
type params struct {
	created int64
	expires int64 // 0: never
	nonce   string
	keyID   string
}

// String spells the parameters in their order (SPEC part 28).
func (p params) String() string {
	b := make([]byte, 0, 256)
	b = strconv.AppendInt(append(b, ";created="...), p.created, 10)
	if p.expires != 0 {
		b = strconv.AppendInt(append(b, ";expires="...), p.expires, 10)
	}
	if p.nonce != "" {
		b = append(append(append(b, `;nonce="`...), p.nonce...), '"')
	}
	b = append(append(append(b, `;keyid="`...), p.keyID...), '"')
	return string(append(b, `;alg="ed25519";tag="assay-response-1"`...))
}

// isNonce reports whether s can be a nonce (SPEC part 28).
func isNonce(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return len(s) >= 16 && len(s) <= 64
}

// ContentDigest is the value of the field Content-Digest for content of that SHA-256 (RFC 9530 §2).
func ContentDigest(sum [sha256.Size]byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// IsPrivate reports whether an answer is for one caller: its cache-control has no-store (SPEC part 28).
func IsPrivate(header http.Header) bool { return has(header, noStore) }

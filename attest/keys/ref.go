package keys

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Ref is a key reference of the configuration, taken apart. One of the three is set.
// It holds no secret: where a PIN or a token is needed, it says in which file it lies.
type Ref struct {
	File    string      // "file:PATH", a sealed file
	Token   *TokenRef   // "pkcs11:…", a key that stays in a token
	Transit *TransitRef // "transit:https://…", a key that stays in a Transit server
}

// TokenRef is a PKCS#11 URI (RFC 7512). It says enough to fit one private key.
type TokenRef struct {
	Token, Serial string // label and serial number of the token, one of them at least
	Object, ID    string // label and id (as bytes) of the private key, one of them at least
	Module        string // path of the token's library
	PINSource     string // path of a file with the PIN; empty: who opens the key is asked
}

// TransitRef is a key of the Transit engine of a Vault or OpenBao server.
type TransitRef struct {
	Server      string // "https://vault.example:8200"
	Mount, Name string // "transit", "statement"
	Version     int    // 0: the newest when the key is opened
	TokenSource string // path of a file with the token; empty: it comes from the environment
}

// SchemeError is returned for a key reference of another scheme, or of none.
type SchemeError struct{ Scheme string }

// Error names the scheme and says what can be used instead.
func (e *SchemeError) Error() string {
	const want = "write file:PATH, pkcs11:token=…;object=…?module-path=… or transit:https://host/mount/key"
	if e.Scheme == "" {
		return "a key reference needs a scheme: " + want
	}
	return fmt.Sprintf("unknown scheme %q in a key reference: %s", e.Scheme+":", want)
}

// ParseRef reads a key reference. Its errors do not repeat it: somebody may have written a secret into it.
func ParseRef(text string) (Ref, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return Ref{}, &SchemeError{}
	}
	switch scheme {
	case "file":
		if rest == "" {
			return Ref{}, errors.New("a key reference names no file: write file:PATH")
		}
		return Ref{File: rest}, nil
	case "pkcs11":
		t, err := parseToken(rest)
		if err != nil {
			return Ref{}, fmt.Errorf("pkcs11: %w", err)
		}
		return Ref{Token: t}, nil
	case "transit":
		t, err := parseTransit(rest)
		if err != nil {
			return Ref{}, fmt.Errorf("transit: %w", err)
		}
		return Ref{Transit: t}, nil
	}
	return Ref{}, &SchemeError{Scheme: clean(scheme)}
}

// String returns the reference's text, which [ParseRef] reads.
func (r Ref) String() string {
	switch {
	case r.Token != nil:
		return r.Token.String()
	case r.Transit != nil:
		return r.Transit.String()
	}
	return "file:" + r.File
}

// Place returns the reference with every path in it put where it belongs.
func (r Ref) Place(at func(path string) string) Ref {
	place := func(path string) string {
		if path == "" {
			return ""
		}
		return at(path)
	}
	r.File = place(r.File)
	if r.Token != nil {
		t := *r.Token
		t.Module, t.PINSource = place(t.Module), place(t.PINSource)
		r.Token = &t
	}
	if r.Transit != nil {
		t := *r.Transit
		t.TokenSource = place(t.TokenSource)
		r.Transit = &t
	}
	return r
}

// attributes reads "name=value" pairs, percent-decoded, into the variables of those names.
func attributes(text, separator string, into map[string]*string) error {
	if text == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(text, separator) {
		name, value, ok := strings.Cut(pair, "=")
		variable := into[name]
		switch {
		case name == "pin-value":
			return errors.New("a PIN does not stand in a reference: write it to a file and name that with pin-source=file:PATH")
		case !ok || variable == nil:
			return fmt.Errorf("it has %q, which is no attribute of it", clean(name))
		case seen[name]:
			return fmt.Errorf("%s stands twice", name)
		}
		seen[name] = true
		plain, err := url.PathUnescape(value)
		if err != nil || plain == "" {
			return fmt.Errorf("%s is empty or not percent-encoded", name)
		}
		*variable = plain
	}
	return nil
}

// source reads the value of pin-source and token-source.
func source(name, value string) (path string, err error) {
	path, ok := strings.CutPrefix(value, "file:")
	if value != "" && (!ok || path == "") {
		return "", fmt.Errorf("%s is written file:PATH", name)
	}
	return path, nil
}

func parseToken(text string) (*TokenRef, error) {
	var t TokenRef
	var kind, pin string
	path, query, _ := strings.Cut(text, "?")
	if err := attributes(path, ";", map[string]*string{"token": &t.Token, "serial": &t.Serial, "object": &t.Object, "id": &t.ID, "type": &kind}); err != nil {
		return nil, err
	}
	if err := attributes(query, "&", map[string]*string{"module-path": &t.Module, "pin-source": &pin}); err != nil {
		return nil, err
	}
	var err error
	if t.PINSource, err = source("pin-source", pin); err != nil {
		return nil, err
	}
	switch {
	case kind != "" && kind != "private":
		return nil, errors.New("type is not private: only a private key signs")
	case t.Token == "" && t.Serial == "":
		return nil, errors.New("it names no token: write token=LABEL or serial=NUMBER")
	case t.Object == "" && t.ID == "":
		return nil, errors.New("it names no key: write object=LABEL or id=%01, its id in percent-encoded bytes")
	case t.Module == "":
		return nil, errors.New("it names no module: write ?module-path= and the path of the token's library")
	}
	return &t, nil
}

// String returns the URI (RFC 7512).
func (t *TokenRef) String() string {
	path := pairs(";", "token", escape(t.Token, ""), "serial", escape(t.Serial, ""), "object", escape(t.Object, ""), "id", escape(t.ID, ""))
	return "pkcs11:" + path + "?" + pairs("&", "module-path", escape(t.Module, "/:"), "pin-source", sourceText(t.PINSource))
}

// segment is what the path of a Transit reference is made of.
var segment = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

func parseTransit(text string) (*TransitRef, error) {
	place, query, _ := strings.Cut(text, "?")
	u, err := url.Parse(place)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" || strings.Contains(place, "#") {
		return nil, errors.New("want https://host:port/mount/key, without user name and password")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("the server's URL begins with https:// (http:// only for this machine itself)")
	}
	t := &TransitRef{Server: u.Scheme + "://" + u.Host}
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(place, t.Server), "/"), "/")
	for _, part := range parts {
		if !segment.MatchString(part) {
			return nil, errors.New("the path is mount/key, of letters, digits and . _ - between slashes")
		}
	}
	if len(parts) < 2 {
		return nil, errors.New("the path names no mount and key: write https://host:port/mount/key")
	}
	t.Mount, t.Name = strings.Join(parts[:len(parts)-1], "/"), parts[len(parts)-1]
	var version, token string
	if err := attributes(query, "&", map[string]*string{"version": &version, "token-source": &token}); err != nil {
		return nil, err
	}
	if version != "" {
		if t.Version, err = strconv.Atoi(version); err != nil || t.Version < 1 || strconv.Itoa(t.Version) != version {
			return nil, errors.New("version is a number from 1 on")
		}
	}
	if t.TokenSource, err = source("token-source", token); err != nil {
		return nil, err
	}
	return t, nil
}

// String returns the reference's text.
func (t *TransitRef) String() string {
	text, version := "transit:"+t.Server+"/"+t.Mount+"/"+t.Name, ""
	if t.Version != 0 {
		version = strconv.Itoa(t.Version)
	}
	if query := pairs("&", "version", version, "token-source", sourceText(t.TokenSource)); query != "" {
		text += "?" + query
	}
	return text
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// pairs writes names and values, without those whose value is empty.
func pairs(separator string, namesAndValues ...string) string {
	var out []string
	for i := 0; i < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] != "" {
			out = append(out, namesAndValues[i]+"="+namesAndValues[i+1])
		}
	}
	return strings.Join(out, separator)
}

func sourceText(path string) string {
	if path == "" {
		return ""
	}
	return "file:" + escape(path, "/:")
}

// escape percent-encodes all but letters, digits, "-._~" and the bytes of plain.
func escape(s, plain string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// clean makes a text from outside fit for one line of an error.
func clean(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s[:min(len(s), most)])
}

// FilePath returns the path that a reference "file:PATH" names, and refuses others. A
// relative path is the caller's to place.
func FilePath(ref string) (string, error) {
	r, err := ParseRef(ref)
	if err != nil {
		return "", err
	}
	if r.File == "" {
		return "", errors.New("this key lies in a sealed file: write file:PATH")
	}
	return r.File, nil
}

// PublicPath returns where the public half of the sealed file at path lies.
func PublicPath(path string) string { return strings.TrimSuffix(path, ".age") + ".pub" }

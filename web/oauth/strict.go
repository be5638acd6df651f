package oauth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// maxJWT is how long a JWT may be, in bytes.
const maxJWT = 16 << 10

// claims are those of a JWT, or the members of its header.
type claims map[string]any

// readJWT reads a JWT that is signed once, by one of these algorithms. Its signature is still to be verified; what is of a key
// somewhere else (jku, x5u), or must be understood (crit), is refused.
func readJWT(text string, algorithms []jose.SignatureAlgorithm) (*jose.JSONWebSignature, claims, claims, error) {
	if len(text) > maxJWT {
		return nil, nil, nil, errors.New("a JWT that is too long")
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, nil, nil, errors.New("it has not the three parts of a JWT")
	}
	header, err := objectOf(parts[0])
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the header: %w", err)
	}
	for _, name := range []string{"jku", "x5u", "x5c", "crit", "b64", "zip"} {
		if _, there := header[name]; there {
			return nil, nil, nil, fmt.Errorf("the header has %s", name)
		}
	}
	body, err := objectOf(parts[1])
	if err != nil {
		return nil, nil, nil, fmt.Errorf("the claims: %w", err)
	}
	signed, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return nil, nil, nil, err
	}
	return signed, header, body, nil
}

func objectOf(part string) (claims, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || !utf8.Valid(raw) {
		return nil, errors.New("it is no base64url of UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := strictValue(dec, 1)
	if err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("there is something behind its object")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is no object")
	}
	return object, nil
}

const maxDepth = 8

// strictValue is a JSON value in which no object names a member twice.
func strictValue(dec *json.Decoder, depth int) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth > maxDepth {
		return nil, errors.New("it is nested too deep")
	}
	object, list := map[string]any{}, []any{}
	for dec.More() {
		name := ""
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name, _ = key.(string)
			if _, twice := object[name]; twice {
				return nil, errors.New("a member stands twice")
			}
		}
		v, err := strictValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if delim == '{' {
			object[name] = v
		} else {
			list = append(list, v)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if delim == '{' {
		return object, nil
	}
	return list, nil
}

// text is a claim that is a text; empty if it is none.
func (c claims) text(name string) string {
	text, _ := c[name].(string)
	return text
}

// texts are those of a claim that is a text or a list of such.
func (c claims) texts(name string) (all []string) {
	switch v := c[name].(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			text, ok := one.(string)
			if !ok {
				return nil
			}
			all = append(all, text)
		}
	}
	return all
}

// at is a claim that is a time; false if it is none.
func (c claims) at(name string) (time.Time, bool) {
	n, ok := c[name].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	whole, _, _ := strings.Cut(n.String(), ".") // some say parts of a second
	seconds, err := strconv.ParseInt(whole, 10, 64)
	return time.Unix(seconds, 0), err == nil && seconds > 0
}

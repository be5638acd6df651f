package custodian

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// openJWS returns the payload of a JWS in compact serialization, signed by the
// key with EdDSA (RFC 7515, RFC 8037, SPEC part 20). The header chooses nothing:
// the key and the algorithm are those that the operator pinned.
func openJWS(text string, key Key) ([]byte, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("it is neither a DSSE envelope nor a JWS in compact serialization: it has %d parts, want three", len(parts))
	}
	raw := make([][]byte, len(parts))
	for i, part := range parts {
		var err error
		if raw[i], err = base64url(part); err != nil {
			return nil, fmt.Errorf("its %s is not base64url without padding", [...]string{"header", "payload", "signature"}[i])
		}
	}
	if err := checkHeader(raw[0]); err != nil {
		return nil, err
	}
	if !key.verifies([]byte(parts[0]+"."+parts[1]), raw[2]) {
		return nil, &KeyError{key, "the signature does not verify"}
	}
	return raw[1], nil
}

// base64url decodes RFC 4648's other alphabet, in its one spelling: the decoder
// itself would pass over line breaks.
func base64url(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// checkHeader reads a protected header by its few words: whatever it would add,
// such as a critical extension or a key of its own, is refused.
func checkHeader(header []byte) error {
	members, err := members(header)
	if err != nil {
		return fmt.Errorf("its header is not a JSON object of strings, each key once: %w", err)
	}
	for name, value := range members {
		switch name {
		case "alg":
			if value != "EdDSA" {
				return fmt.Errorf("its header's alg is %.80q, want \"EdDSA\"", value)
			}
		case "typ":
			if value != "JWT" {
				return fmt.Errorf("its header's typ is %.80q, want \"JWT\" or none", value)
			}
		case "kid":
		default:
			return fmt.Errorf("its header has %.80q; want alg, and kid and typ at most", name)
		}
	}
	if _, ok := members["alg"]; !ok {
		return errors.New("its header has no alg")
	}
	return nil
}

// members reads a JSON object whose values are strings and refuses a key that
// occurs twice, of which others may read the first and we the last.
func members(object []byte) (map[string]string, error) {
	dec := json.NewDecoder(strings.NewReader(string(object)))
	token := func() (json.Token, error) { return dec.Token() }
	if t, err := token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no object")
	}
	out := map[string]string{}
	for dec.More() {
		name, err := token()
		if err != nil {
			return nil, errors.New("it is cut off")
		}
		value, err := token()
		text, ok := value.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("the value of %.80q is no string", name)
		}
		if _, twice := out[name.(string)]; twice {
			return nil, fmt.Errorf("the key %.80q occurs twice", name)
		}
		out[name.(string)] = text
	}
	if _, err := token(); err != nil {
		return nil, errors.New("it is cut off")
	}
	if dec.More() || strings.TrimSpace(string(object[dec.InputOffset():])) != "" {
		return nil, errors.New("something follows it")
	}
	return out, nil
}

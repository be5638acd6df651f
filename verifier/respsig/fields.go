package respsig

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// label names our member in the dictionaries of both signature fields (SPEC part 28).
const label = "assay"

// member gives the value of our member of a dictionary (RFC 8941 §3.2), as it stands. Others are passed over, unread.
func member(dictionary string) (value string, err error) {
	parts, closed := split(dictionary)
	if !closed {
		return "", errors.New("a string in it has no end")
	}
	found := false
	for _, part := range parts {
		key := part[:len(part)-len(strings.TrimLeft(part, lower+digits+"_-.*"))]
		switch {
		case key == "" || strings.TrimLeft(key[:1], lower+"*") != "":
			return "", errors.New("not a dictionary: want members, with a comma between two")
		case key != label:
			continue
		case found:
			return "", fmt.Errorf("two members %s", label)
		}
		if value, found = strings.CutPrefix(part, label+"="); !found {
			return "", fmt.Errorf("the member %s has no value", label)
		}
	}
	if !found {
		return "", fmt.Errorf("no member %s", label)
	}
	return value, nil
}

// split cuts at the commas that stand outside strings, and drops the blanks around the parts.
func split(s string) (parts []string, closed bool) {
	inside, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case inside && c == '\\':
			i++ // what is escaped ends nothing
		case c == '"':
			inside = !inside
		case c == ',' && !inside:
			parts, from = append(parts, strings.Trim(s[from:i], " ")), i+1
		}
	}
	return append(parts, strings.Trim(s[from:], " ")), !inside
}

// parameters reads those of a signature from left to right, in their one order. The first fault sticks.
type parameters struct {
	rest string
	err  error
}

// has steps over the beginning of a parameter, if it is the next one.
func (p *parameters) has(begin string) bool {
	rest, ok := strings.CutPrefix(p.rest, begin)
	if p.err != nil || !ok {
		return false
	}
	p.rest = rest
	return true
}

// need steps over what must stand here.
func (p *parameters) need(text string) {
	if !p.has(text) && p.err == nil {
		p.err = fmt.Errorf("want %s where %q stands", text, shortened(p.rest))
	}
}

// take gives what stands here of these characters, so many of them.
func (p *parameters) take(what, of string, least, most int) string {
	text := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, of))]
	if p.err != nil {
		return ""
	}
	if len(text) < least || len(text) > most {
		p.err = fmt.Errorf("%s: want %d to %d characters of those it may have, got %d", what, least, most, len(text))
		return ""
	}
	p.rest = p.rest[len(text):]
	return text
}

const lastSecond = 253402300799 // of the year 9999

// seconds reads a time.
func (p *parameters) seconds(what string) time.Time {
	text := p.take(what, digits, 1, 12)
	var n int64
	for i := range len(text) {
		n = n*10 + int64(text[i]-'0')
	}
	if p.err == nil && (len(text) > 1 && text[0] == '0' || n > lastSecond) {
		p.err = fmt.Errorf("%s: want seconds before the year 10000, without a leading zero", what)
	}
	return time.Unix(n, 0).UTC()
}

func shortened(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// parseBytes reads a byte sequence (RFC 8941 §3.3.5) of so many bytes, in its one spelling.
func parseBytes(s string, length int) ([]byte, error) {
	inner, begun := strings.CutPrefix(s, ":")
	inner, ended := strings.CutSuffix(inner, ":")
	raw, err := base64.StdEncoding.Strict().DecodeString(inner)
	if !begun || !ended || err != nil || len(raw) != length {
		return nil, fmt.Errorf("want %d bytes of base64 between colons", length)
	}
	return raw, nil
}

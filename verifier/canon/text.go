package canon

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"unicode/utf8"
)

// Text reads a string: no code point that SPEC part 2 bars, and only the two escapes that it knows.
func (r *Reader) Text() string {
	raw := r.Quoted()
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	text := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			i++ // what is escaped stands for itself
		}
		text = append(text, raw[i])
	}
	return string(text)
}

// Quoted is Text without a copy: what stands between the quotes, escapes as written. It is for hex, which may be long.
func (r *Reader) Quoted() []byte {
	if r.peek() != '"' {
		r.Fail("want a string at byte %d", r.at)
		return nil
	}
	r.at++
	start := r.at
	for r.at < len(r.raw) {
		switch c := r.raw[r.at]; {
		case c == '"':
			r.at++
			return r.Bytes(start, r.at-1)
		case c == '\\':
			if r.at+1 >= len(r.raw) || r.raw[r.at+1] != '"' && r.raw[r.at+1] != '\\' {
				r.Fail("an escape other than \\\" and \\\\ at byte %d", r.at)
				return nil
			}
			r.at += 2
		case c >= 0x20 && c < 0x7f:
			r.at++
		default:
			code, size := utf8.DecodeRune(r.raw[r.at:])
			switch {
			case code == utf8.RuneError && size <= 1:
				r.Fail("a string that is not UTF-8, at byte %d", r.at)
				return nil
			case Barred(code):
				r.Fail("a string holds U+%04X at byte %d", code, r.at)
				return nil
			}
			r.at += size
		}
	}
	r.Fail("the file ends inside a string")
	return nil
}

// Barred reports the code points that no string may hold (SPEC part 2): controls, and those that turn or hide text.
func Barred(c rune) bool {
	switch {
	case c <= 0x1f, c >= 0x7f && c <= 0x9f, c == 0x061c, c >= 0x200e && c <= 0x200f,
		c >= 0x2028 && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c == 0xfeff:
		return true
	}
	return false
}

// Fixed reads a string that can only be one.
func (r *Reader) Fixed(want string) {
	if r.Text() != want {
		r.Fail("is not %q", want)
	}
}

// Parse reads a string through a parser of one text form (SPEC part 2).
func Parse[T any](r *Reader, parse func(string) (T, error)) (v T) {
	s := r.Text()
	if r.err != nil {
		return v
	}
	v, err := parse(s)
	if err != nil {
		r.Fail("%v", err)
	}
	return v
}

// Hash reads hex32 (SPEC part 2).
func (r *Reader) Hash() [32]byte { return Parse(r, ParseHash) }

// ParseHash reads the text form hex32 of SPEC part 2.
func ParseHash(s string) (h [32]byte, err error) {
	if len(s) != 2*len(h) || strings.Trim(s, "0123456789abcdef") != "" {
		return h, errors.New("not a hash: want 64 lower-case hex digits")
	}
	_, err = hex.Decode(h[:], []byte(s))
	return h, err
}

package attest

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

const (
	maxDepth   = 32        // SPEC part 2: levels of objects and arrays
	maxInteger = 1<<53 - 1 // SPEC part 2: beyond it JSON readers disagree
)

// scanner walks JSON text and holds it to the narrowed form of SPEC part 2. The
// order of keys is noted, not refused: the encoder may still put it right.
type scanner struct {
	b         []byte
	at        int
	unordered bool
}

// scan checks one value that fills b, and says whether all its keys ascend.
func scan(b []byte) (ordered bool, err error) {
	s := scanner{b: b}
	if err := s.value(0); err != nil {
		return false, err
	}
	if s.at != len(b) {
		return false, s.fault("something follows the value")
	}
	return !s.unordered, nil
}

func (s *scanner) fault(problem string) error {
	return fmt.Errorf("byte %d: %s", s.at, problem)
}

func (s *scanner) value(depth int) error {
	if s.at >= len(s.b) {
		return s.fault("the text ends where a value is due")
	}
	switch c := s.b[s.at]; {
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == '"':
		_, err := s.text()
		return err
	case c >= '0' && c <= '9':
		return s.integer()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.fault("null is not allowed")
	case c == '-':
		return s.fault("a number below zero is not allowed")
	}
	return s.fault(fmt.Sprintf("%q cannot begin a value here", s.b[s.at]))
}

func (s *scanner) object(depth int) error {
	if depth > maxDepth {
		return s.fault(fmt.Sprintf("deeper than %d levels", maxDepth))
	}
	s.at++ // {
	if s.take('}') {
		return nil
	}
	var last []byte
	for {
		key, err := s.key()
		if err != nil {
			return err
		}
		if last != nil && bytes.Compare(last, key) >= 0 {
			s.unordered = true
		}
		last = key
		if !s.take(':') {
			return s.fault("a colon is due after a key")
		}
		if err := s.value(depth); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.fault("a comma or the object's end is due")
		}
	}
}

func (s *scanner) array(depth int) error {
	if depth > maxDepth {
		return s.fault(fmt.Sprintf("deeper than %d levels", maxDepth))
	}
	s.at++ // [
	if s.take(']') {
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.fault("a comma or the array's end is due")
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.b[s.at:], []byte(w)) {
		return s.fault("an unknown word")
	}
	s.at += len(w)
	return nil
}

func (s *scanner) integer() error {
	start := s.at
	var n uint64
	for s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9' {
		n = n*10 + uint64(s.b[s.at]-'0')
		if n > maxInteger {
			return s.fault("a number above 2^53-1 is not allowed")
		}
		s.at++
	}
	if s.b[start] == '0' && s.at-start > 1 {
		return s.fault("a number with a leading zero")
	}
	if s.at < len(s.b) && (s.b[s.at] == '.' || s.b[s.at] == 'e' || s.b[s.at] == 'E') {
		return s.fault("a number with a fraction or an exponent is not allowed")
	}
	return nil
}

func (s *scanner) key() ([]byte, error) {
	key, err := s.text()
	if err != nil {
		return nil, err
	}
	if len(key) == 0 {
		return nil, s.fault("an empty key")
	}
	for _, c := range key {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_') {
			return nil, s.fault("a key has a character outside A-Z a-z 0-9 _")
		}
	}
	return key, nil
}

// text reads a string and returns what stands between its quotes, escapes as written.
func (s *scanner) text() ([]byte, error) {
	if !s.take('"') {
		return nil, s.fault("a string is due")
	}
	start := s.at
	for s.at < len(s.b) {
		c := s.b[s.at]
		switch {
		case c == '"':
			s.at++
			return s.b[start : s.at-1], nil
		case c == '\\':
			if s.at+1 >= len(s.b) || s.b[s.at+1] != '"' && s.b[s.at+1] != '\\' {
				return nil, s.fault("an escape other than \\\" and \\\\ (a control character, or bytes that are not UTF-8)")
			}
			s.at += 2
		case c >= 0x20 && c < 0x7f:
			s.at++
		default:
			r, size := utf8.DecodeRune(s.b[s.at:])
			if r == utf8.RuneError && size <= 1 {
				return nil, s.fault("bytes that are not UTF-8")
			}
			if Barred(r) {
				return nil, s.fault(fmt.Sprintf("the code point %U is not allowed in a string", r))
			}
			s.at += size
		}
	}
	return nil, s.fault("the text ends inside a string")
}

// Barred reports whether no string may hold r (SPEC part 2): control characters,
// and those that turn or break the line a reader sees.
func Barred(r rune) bool {
	switch {
	case r <= 0x1f, r >= 0x7f && r <= 0x9f, r == 0x61c, r >= 0x200e && r <= 0x200f,
		r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff:
		return true
	}
	return false
}

// CheckText reports why s cannot be a string of canonical JSON (SPEC part 2).
func CheckText(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8")
	}
	for _, r := range s {
		if Barred(r) {
			return fmt.Errorf("it holds the code point %U, which is not allowed", r)
		}
	}
	return nil
}

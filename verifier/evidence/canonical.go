package evidence

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxDepth = 32
	maxInt   = 1<<53 - 1
)

// level is one open object or array, kept to name the place of a fault.
type level struct {
	object bool
	key    string // of the object: the last key read
	index  int    // of the array: the element being read
}

// scanner walks JSON once and refuses whatever is not the one spelling of its value (SPEC part 2).
type scanner struct {
	raw    []byte
	pos    int
	levels []level
	kind   string // the string under the key "type" of the outermost object
}

// checkCanonical refuses bytes that are not canonical JSON (SPEC part 2). It returns the file's type, if it has one.
func checkCanonical(raw []byte) (kind string, err error) {
	s := scanner{raw: raw, levels: make([]level, 0, maxDepth)}
	if err := s.value(); err != nil {
		return "", err
	}
	if s.pos != len(raw) {
		return "", s.fault("%d bytes follow the value", len(raw)-s.pos)
	}
	return s.kind, nil
}

func (s *scanner) fault(format string, args ...any) error {
	return &FormatError{Field: s.field(), Problem: fmt.Sprintf(format, args...) + " (byte " + strconv.Itoa(s.pos) + ")"}
}

func (s *scanner) field() string {
	var b strings.Builder
	for _, l := range s.levels {
		switch {
		case !l.object:
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
		case l.key != "":
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(l.key)
		}
	}
	if b.Len() == 0 {
		return "file"
	}
	return b.String()
}

// peek is the next byte, or 0 at the end: a NUL is never valid here either.
func (s *scanner) peek() byte {
	if s.pos < len(s.raw) {
		return s.raw[s.pos]
	}
	return 0
}

func (s *scanner) value() error {
	switch c := s.peek(); {
	case s.pos >= len(s.raw):
		return s.fault("the file ends where a value should stand")
	case c == '{' || c == '[':
		if len(s.levels) == maxDepth {
			return s.fault("deeper than %d levels", maxDepth)
		}
		s.levels = append(s.levels, level{object: c == '{'})
		s.pos++
		var err error
		if c == '{' {
			err = s.object()
		} else {
			err = s.array()
		}
		if err == nil {
			s.levels = s.levels[:len(s.levels)-1]
		}
		return err
	case c == '"':
		text, err := s.text()
		if err == nil && len(s.levels) == 1 && s.levels[0].object && s.levels[0].key == "type" {
			s.kind = string(text)
		}
		return err
	case c >= '0' && c <= '9':
		return s.integer()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	default:
		return s.fault("%q begins no value of canonical JSON", c)
	}
}

func (s *scanner) object() error {
	top := &s.levels[len(s.levels)-1]
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for first := true; ; first = false {
		if s.peek() != '"' {
			return s.fault("want a key in quotes")
		}
		raw, err := s.text()
		if err != nil {
			return err
		}
		key := string(raw)
		if !isKey(key) {
			return s.fault("key %q is not of A-Z a-z 0-9 _", key)
		}
		if !first && key <= top.key {
			return s.fault("key %q stands after %q: keys ascend, and none occurs twice", key, top.key)
		}
		top.key = key
		if s.peek() != ':' {
			return s.fault("want a colon after the key")
		}
		s.pos++
		if err := s.value(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.fault("want a comma or the object's end")
		}
	}
}

func (s *scanner) array() error {
	top := &s.levels[len(s.levels)-1]
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for ; ; top.index++ {
		if err := s.value(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.fault("want a comma or the array's end")
		}
	}
}

func (s *scanner) word(want string) error {
	if !strings.HasPrefix(string(s.raw[s.pos:min(s.pos+len(want), len(s.raw))]), want) {
		return s.fault("want %s", want)
	}
	s.pos += len(want)
	return nil
}

func (s *scanner) integer() error {
	start := s.pos
	var n uint64
	for s.pos < len(s.raw) && s.raw[s.pos] >= '0' && s.raw[s.pos] <= '9' {
		n = n*10 + uint64(s.raw[s.pos]-'0')
		if n > maxInt {
			return s.fault("integer above 2^53-1")
		}
		s.pos++
	}
	if s.raw[start] == '0' && s.pos-start > 1 {
		return s.fault("integer with a leading zero")
	}
	switch s.peek() {
	case '.', 'e', 'E':
		return s.fault("number with a fraction or exponent")
	}
	return nil
}

// text reads a string and returns what stands between its quotes, escapes as written.
func (s *scanner) text() ([]byte, error) {
	s.pos++
	start := s.pos
	for s.pos < len(s.raw) {
		switch c := s.raw[s.pos]; {
		case c == '"':
			text := s.raw[start:s.pos]
			s.pos++
			return text, nil
		case c == '\\':
			if s.pos+1 >= len(s.raw) || s.raw[s.pos+1] != '"' && s.raw[s.pos+1] != '\\' {
				return nil, s.fault(`escape other than \" and \\`)
			}
			s.pos += 2
		case c < utf8.RuneSelf:
			if barred(rune(c)) {
				return nil, s.fault("string holds U+%04X", c)
			}
			s.pos++
		default:
			r, size := utf8.DecodeRune(s.raw[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return nil, s.fault("string is not UTF-8")
			}
			if barred(r) {
				return nil, s.fault("string holds U+%04X", r)
			}
			s.pos += size
		}
	}
	return nil, s.fault("the file ends inside a string")
}

// barred are the code points that no string may hold: controls, and those that turn or hide text.
func barred(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r == 0xfeff:
		return true
	case r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	}
	return false
}

func isKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if digit := c >= '0' && c <= '9'; !letter && !digit && c != '_' {
			return false
		}
	}
	return s != ""
}

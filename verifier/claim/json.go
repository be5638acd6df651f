package claim

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FormatError says that bytes are not of the format they claim (SPEC part 17, exit 3). It names the field, never its value.
type FormatError struct{ Field, Problem string }

// Error gives the field and what is wrong with it.
func (e *FormatError) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// VersionError says that a file is of a version that this verifier does not know (SPEC part 17, exit 4).
type VersionError struct{ Got, Want string }

// Error gives the type found and the type known.
func (e *VersionError) Error() string {
	return fmt.Sprintf("version %q, this verifier knows %q: use a newer assay-verify", e.Got, e.Want)
}

const (
	maxDepth   = 32        // SPEC part 2
	maxInteger = 1<<53 - 1 // SPEC part 2
)

// A reader walks one JSON value in the canonical form of SPEC part 2. Since canonical keys ascend, a format is a fixed sequence
// of keys: reading it in that order finds unknown, missing, doubled and misplaced keys alike. The first error sticks.
type reader struct {
	b     []byte
	at    int
	depth int
	where []step
	err   error
}

type step struct {
	key   string
	index int
}

// A field is one key of an object and how to read its value.
type field struct {
	key      string
	optional bool
	read     func()
}

func must(key string, read func()) field     { return field{key: key, read: read} }
func optional(key string, read func()) field { return field{key: key, optional: true, read: read} }

// decode reads raw as one value, and tells a file whose key names another version of want from a broken one.
func decode(raw []byte, key, want string, read func(*reader)) error {
	r := &reader{b: raw}
	read(r)
	if r.err == nil && r.at != len(r.b) {
		r.fail("%d bytes after the end of the value", len(r.b)-r.at)
	}
	if r.err == nil {
		return nil
	}
	if err := checkVersion(raw, key, want); err != nil {
		return err
	}
	return r.err
}

// checkVersion returns a *VersionError if the outermost object's key (`type` or `predicateType`) names another version of want
// (SPEC part 17), else nil. It reads only as far as it must, so it serves for broken and for newer files.
func checkVersion(raw []byte, key, want string) error {
	if got := outerKey(raw, key); got != want && sameFamily(got, want) {
		return &VersionError{Got: got, Want: want}
	}
	return nil
}

// sameFamily reports whether two types differ in the version's number only.
func sameFamily(got, want string) bool {
	g, w := strings.Split(got, "/"), strings.Split(want, "/")
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		if g[i] != w[i] && !(len(g[i]) > 1 && len(g[i]) < 8 && g[i][0] == 'v' && w[i][0] == 'v' && strings.Trim(g[i][1:], "0123456789") == "") {
			return false
		}
	}
	return true
}

// outerKey finds a string key of the outermost object, whatever its other keys are.
func outerKey(raw []byte, name string) (value string) {
	r := &reader{b: raw}
	if !r.enter('{') {
		return ""
	}
	for first, last := true, ""; ; first = false {
		key, more := r.nextKey(first, last)
		if !more || r.err != nil {
			return ""
		}
		if last = key; key == name {
			if value = r.text(); r.err != nil {
				return ""
			}
			return value
		}
		r.skip()
	}
}

func (r *reader) fail(format string, args ...any) {
	if r.err != nil {
		return
	}
	var path strings.Builder
	for _, s := range r.where {
		if s.key == "" {
			path.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		}
		if path.Len() > 0 {
			path.WriteByte('.')
		}
		path.WriteString(s.key)
	}
	r.err = &FormatError{Field: path.String(), Problem: fmt.Sprintf(format, args...)}
}

func (r *reader) peek() byte {
	if r.err != nil || r.at >= len(r.b) {
		return 0
	}
	return r.b[r.at]
}

func (r *reader) enter(open byte) bool {
	if r.err != nil {
		return false
	}
	if r.peek() != open {
		r.fail("want %q at byte %d", open, r.at)
		return false
	}
	if r.depth++; r.depth > maxDepth {
		r.fail("deeper than %d levels", maxDepth)
		return false
	}
	r.at++
	return true
}

// nextKey reads up to a key's value, or the end of the object. Keys must ascend: last is the one before.
func (r *reader) nextKey(first bool, last string) (key string, more bool) {
	if !r.next('}', first) {
		return "", false
	}
	key = r.text()
	if r.err != nil {
		return "", false
	}
	for i := range len(key) {
		if c := key[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			r.fail("a key holds a character that is not a letter, digit or underscore")
			return "", false
		}
	}
	if key == "" || !first && key <= last {
		r.fail("key %q is empty, twice or out of order", key)
		return "", false
	}
	if r.peek() != ':' {
		r.fail("want a colon at byte %d", r.at)
		return "", false
	}
	r.at++
	return key, true
}

// next steps over the comma before an item, or over the end of the object or array.
func (r *reader) next(end byte, first bool) bool {
	switch c := r.peek(); {
	case r.err != nil:
		return false
	case c == end:
		r.at++
		r.depth--
		return false
	case first:
		return true
	case c == ',':
		r.at++
		return true
	}
	r.fail("want a comma or %q at byte %d", end, r.at)
	return false
}

// object reads an object of exactly these keys, which must be given in ascending order.
func (r *reader) object(fields ...field) {
	if !r.enter('{') {
		return
	}
	key, more := r.nextKey(true, "")
	for _, f := range fields {
		if r.err != nil {
			return
		}
		if !more || key != f.key {
			if f.optional {
				continue
			}
			if more && key < f.key {
				r.fail("unknown key %q", key)
			} else {
				r.fail("key %q is missing", f.key)
			}
			return
		}
		r.where = append(r.where, step{key: f.key})
		f.read()
		r.where = r.where[:len(r.where)-1]
		key, more = r.nextKey(false, key)
	}
	if more {
		r.fail("unknown key %q", key)
	}
}

// array reads an array of at most limit items.
func (r *reader) array(limit int, item func(i int)) {
	if !r.enter('[') {
		return
	}
	for i := 0; r.next(']', i == 0); i++ {
		if i >= limit {
			r.fail("more than %d entries", limit)
			return
		}
		r.where = append(r.where, step{index: i})
		item(i)
		r.where = r.where[:len(r.where)-1]
	}
}

// text reads a string: no character that SPEC part 2 bars, and only the two escapes that it knows.
func (r *reader) text() string {
	if r.err != nil {
		return ""
	}
	if r.peek() != '"' {
		r.fail("want a string at byte %d", r.at)
		return ""
	}
	r.at++
	start := r.at
	var unescaped []byte
	for r.at < len(r.b) {
		switch c := r.b[r.at]; {
		case c == '"':
			end := r.at
			r.at++
			if unescaped == nil {
				return string(r.b[start:end])
			}
			return string(append(unescaped, r.b[start:end]...))
		case c == '\\':
			if r.at+1 >= len(r.b) || r.b[r.at+1] != '"' && r.b[r.at+1] != '\\' {
				r.fail("an escape other than \\\" and \\\\ at byte %d", r.at)
				return ""
			}
			unescaped = append(unescaped, r.b[start:r.at]...)
			start = r.at + 1
			r.at += 2
		case c >= 0x20 && c < 0x7f:
			r.at++
		default:
			code, size := utf8.DecodeRune(r.b[r.at:])
			if code == utf8.RuneError && size <= 1 || barred(code) {
				r.fail("a forbidden character or invalid UTF-8 at byte %d", r.at)
				return ""
			}
			r.at += size
		}
	}
	r.fail("a string without an end")
	return ""
}

// barred reports the code points that no string may hold (SPEC part 2).
func barred(c rune) bool {
	switch {
	case c <= 0x1f, c >= 0x7f && c <= 0x9f, c == 0x061c, c >= 0x200e && c <= 0x200f,
		c >= 0x2028 && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c == 0xfeff:
		return true
	}
	return false
}

// number reads an integer of at most limit.
func (r *reader) number(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	start, v := r.at, uint64(0)
	for r.at < len(r.b) && r.b[r.at] >= '0' && r.b[r.at] <= '9' && r.at-start < 17 {
		v = v*10 + uint64(r.b[r.at]-'0')
		r.at++
	}
	switch digits := r.at - start; {
	case digits == 0:
		r.fail("want an integer at byte %d", r.at)
	case digits > 1 && r.b[start] == '0':
		r.fail("an integer with a leading zero")
	case v > min(limit, maxInteger):
		r.fail("an integer above %d", min(limit, maxInteger))
	default:
		return v
	}
	return 0
}

// skip reads any value.
func (r *reader) skip() {
	switch c := r.peek(); {
	case r.err != nil:
	case c == '{':
		r.enter('{')
		for first, last := true, ""; ; first = false {
			key, more := r.nextKey(first, last)
			if !more {
				break
			}
			last = key
			r.skip()
		}
	case c == '[':
		r.array(math.MaxInt, func(int) { r.skip() })
	case c == '"':
		r.text()
	case strings.HasPrefix(string(r.b[r.at:min(r.at+5, len(r.b))]), "true"):
		r.at += 4
	case strings.HasPrefix(string(r.b[r.at:min(r.at+5, len(r.b))]), "false"):
		r.at += 5
	default:
		r.number(maxInteger)
	}
}

// fixed reads a string that can only be one.
func (r *reader) fixed(want string) {
	if got := r.text(); r.err == nil && got != want {
		r.fail("is not %q", want)
	}
}

// parsed reads a string through a parser of one text form (SPEC part 2).
func parsed[T any](r *reader, parse func(string) (T, error)) (v T) {
	s := r.text()
	if r.err != nil {
		return v
	}
	v, err := parse(s)
	if err != nil {
		r.fail("%v", err)
	}
	return v
}

// ascending fails unless this entry's key is above the one before.
func (r *reader) ascending(i int, last *string, key string) {
	if r.err != nil {
		return
	}
	if i > 0 && key <= *last {
		r.fail("twice or out of order")
	}
	*last = key
}

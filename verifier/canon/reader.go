package canon

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Reader walks one value in the canonical form of SPEC part 2. The first fault sticks.
type Reader struct {
	raw   []byte
	at    int
	depth int
	where []step
	err   *FormatError
}

// step is a key of an object, or a place in an array.
type step struct {
	key   string
	index int
}

// Member is one key of an object and how to read its value.
type Member struct {
	key      string
	optional bool
	read     func()
}

// Key is a key that must be there (SPEC part 2).
func Key(name string, read func()) Member { return Member{key: name, read: read} }

// Optional is a key that may be left out (SPEC part 2).
func Optional(name string, read func()) Member { return Member{key: name, optional: true, read: read} }

// Fail refuses the file at the place being read, unless something before was refused.
func (r *Reader) Fail(format string, args ...any) {
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

// Failed reports whether the file was refused already, so that nothing read from it may be used.
func (r *Reader) Failed() bool { return r.err != nil }

// Offset is where the next byte stands.
func (r *Reader) Offset() int { return r.at }

// Bytes gives a part of the file as it stands, by offsets. Requires 0 <= from <= to <= Offset() of a file that has not failed.
func (r *Reader) Bytes(from, to int) []byte { return r.raw[from:to:to] }

// peek is the next byte, or 0 at the end and after a fault: a NUL is never valid here.
func (r *Reader) peek() byte {
	if r.err != nil || r.at >= len(r.raw) {
		return 0
	}
	return r.raw[r.at]
}

// enter steps over the bracket that opens an object or array.
func (r *Reader) enter(open byte, what string) bool {
	switch r.depth++; {
	case r.peek() != open:
		r.Fail("want %s at byte %d", what, r.at)
	case r.depth > maxDepth:
		r.Fail("deeper than %d levels", maxDepth)
	default:
		r.at++
		return true
	}
	return false
}

// next steps over the comma before an item, or over the end of the object or array.
func (r *Reader) next(end byte, what string, first bool) bool {
	switch c := r.peek(); {
	case c == end:
		r.at++
		r.depth--
		return false
	case first:
		return r.err == nil
	case c == ',':
		r.at++
		return true
	}
	r.Fail("want a comma or the %s's end at byte %d", what, r.at)
	return false
}

// nextKey reads up to a key's value, or the end of the object. Keys ascend: last is the one before, empty before the first.
func (r *Reader) nextKey(last string) (key string, more bool) {
	if !r.next('}', "object", last == "") {
		return "", false
	}
	if r.peek() != '"' {
		r.Fail("want a key in quotes at byte %d", r.at)
	}
	switch key = r.Text(); {
	case r.err != nil:
	case !isKey(key):
		r.Fail("a key that is not of A-Z a-z 0-9 _ before byte %d", r.at)
	case key <= last:
		r.Fail("key %q stands after %q: keys ascend, and none occurs twice", key, last)
	case r.peek() != ':':
		r.Fail("want a colon after the key, at byte %d", r.at)
	}
	r.at++
	return key, r.err == nil
}

func isKey(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return s != ""
}

// Object reads an object of exactly these keys (SPEC part 2). Requires that they are given in ascending order.
func (r *Reader) Object(members ...Member) {
	if !r.enter('{', "an object") {
		return
	}
	key, more := r.nextKey("")
	for _, m := range members {
		if r.err != nil {
			return
		}
		if !more || key != m.key {
			if m.optional {
				continue
			}
			if more && key < m.key {
				r.Fail("unknown key %q", key)
			} else {
				r.Fail("key %q is missing", m.key)
			}
			return
		}
		r.where = append(r.where, step{key: key})
		m.read()
		r.where = r.where[:len(r.where)-1]
		key, more = r.nextKey(key)
	}
	if more {
		r.Fail("unknown key %q", key)
	}
}

// members reads an object of any keys. Each value is for read, which says whether to go on.
func (r *Reader) members(read func(key string) bool) {
	if !r.enter('{', "an object") {
		return
	}
	key, more := r.nextKey("")
	for more {
		r.where = append(r.where, step{key: key})
		if !read(key) {
			return
		}
		key, more = r.nextKey(key) // a fault between two keys is named at the first
		r.where = r.where[:len(r.where)-1]
	}
}

// Array reads an array of at most limit items.
func (r *Reader) Array(limit int, item func(i int)) {
	if !r.enter('[', "an array") {
		return
	}
	for i := 0; r.next(']', "array", i == 0); i++ {
		if i >= limit {
			r.Fail("more than %d entries", limit)
			return
		}
		r.where = append(r.where, step{index: i})
		item(i)
		r.where = r.where[:len(r.where)-1]
	}
}

// Skip reads any value and returns its bytes.
func (r *Reader) Skip() []byte {
	start := r.at
	switch c := r.peek(); {
	case c == '{':
		r.members(func(string) bool { r.Skip(); return true })
	case c == '[':
		r.Array(math.MaxInt, func(int) { r.Skip() })
	case c == '"':
		r.Quoted()
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c >= '0' && c <= '9':
		r.Number(MaxInteger)
	case r.at >= len(r.raw):
		r.Fail("the file ends where a value should stand")
	default:
		r.Fail("%q begins no value of canonical JSON, at byte %d", c, r.at)
	}
	if r.err != nil {
		return nil
	}
	return r.Bytes(start, r.at)
}

func (r *Reader) word(want string) {
	if string(r.raw[r.at:min(r.at+len(want), len(r.raw))]) != want {
		r.Fail("want %s at byte %d", want, r.at)
	}
	r.at += len(want)
}

// Number reads an integer of at most limit, and of at most 2^53-1 (SPEC part 2).
func (r *Reader) Number(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	limit = min(limit, MaxInteger)
	start, v := r.at, uint64(0)
	for r.peek() >= '0' && r.peek() <= '9' && r.at-start < 17 {
		v = v*10 + uint64(r.raw[r.at]-'0')
		r.at++
	}
	switch digits, c := r.at-start, r.peek(); {
	case digits == 0:
		r.Fail("want an integer at byte %d", r.at)
	case digits > 1 && r.raw[start] == '0':
		r.Fail("an integer with a leading zero")
	case v > limit:
		r.Fail("an integer above %d", limit)
	case c == '.' || c == 'e' || c == 'E':
		r.Fail("a number with a fraction or exponent")
	default:
		return v
	}
	return 0
}

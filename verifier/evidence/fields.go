package evidence

import (
	"bytes"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxFile is the largest evidence file (SPEC part 18).
const maxFile = 1 << 30

// fields reads a file of canonical JSON key by key, in the one order that canonical form leaves. The first fault sticks and
// every later read does nothing, so a format reads as the list of its keys. checkCanonical comes first: syntax is sound here.
type fields struct {
	raw  []byte
	pos  int
	path []string
	err  error
}

// openFile checks size, canonical form and type of an evidence file.
func openFile(raw []byte, kind string) (*fields, error) {
	if len(raw) > maxFile {
		return nil, &FormatError{Field: "file", Problem: fmt.Sprintf("%d bytes, more than 1 GiB", len(raw))}
	}
	got, err := checkCanonical(raw)
	if err != nil {
		return nil, err
	}
	if got != kind {
		if otherVersion(got, kind) {
			return nil, &VersionError{Got: got, Want: kind}
		}
		return nil, &FormatError{Field: "type", Problem: fmt.Sprintf("got %q, want %q", got, kind)}
	}
	return &fields{raw: raw}, nil
}

// otherVersion: assay/v2/evidence/evm is another version of assay/v1/evidence/evm.
func otherVersion(got, want string) bool {
	rest, ok := strings.CutPrefix(got, "assay/v")
	number, name, found := strings.Cut(rest, "/")
	_, err := strconv.ParseUint(number, 10, 32)
	return ok && found && err == nil && strings.HasSuffix(want, "/"+name) && strings.Count(name, "/") == 1
}

func (f *fields) fault(format string, args ...any) {
	if f.err == nil {
		f.err = &FormatError{Field: f.field(), Problem: fmt.Sprintf(format, args...)}
	}
}

func (f *fields) field() string {
	if len(f.path) == 0 {
		return "file"
	}
	return strings.ReplaceAll(strings.Join(f.path, "."), ".[", "[")
}

// object reads the keys of an object through read, which calls key for each.
func (f *fields) object(read func()) {
	if f.err != nil {
		return
	}
	if f.raw[f.pos] != '{' {
		f.fault("want an object")
		return
	}
	f.pos++
	read()
	if f.err != nil {
		return
	}
	if f.raw[f.pos] != '}' {
		f.fault("has a key %q, which its format does not name", f.nextKey())
		return
	}
	f.pos++
}

// nextKey is the key before us, without moving; nothing at the object's end.
func (f *fields) nextKey() []byte {
	at := f.pos
	if f.raw[at] == ',' {
		at++
	}
	if f.raw[at] != '"' {
		return nil
	}
	key, _, _ := bytes.Cut(f.raw[at+1:], []byte{'"'})
	return key
}

// key reads the value of the key that must come next.
func (f *fields) key(name string, value func()) {
	if f.err != nil {
		return
	}
	if got := f.nextKey(); string(got) != name {
		if len(got) == 0 || string(got) > name {
			f.fault("key %q is missing", name)
		} else {
			f.fault("has a key %q, which its format does not name", got)
		}
		return
	}
	if f.raw[f.pos] == ',' {
		f.pos++
	}
	f.pos += len(name) + len(`"":`)
	f.path = append(f.path, name)
	value()
	if f.err == nil {
		f.path = f.path[:len(f.path)-1]
	}
}

// list reads an array, element by element.
func (f *fields) list(element func(i int)) {
	if f.err != nil {
		return
	}
	if f.raw[f.pos] != '[' {
		f.fault("want an array")
		return
	}
	f.pos++
	for i := 0; f.raw[f.pos] != ']'; i++ {
		if i > 0 {
			f.pos++ // the comma
		}
		f.path = append(f.path, "["+strconv.Itoa(i)+"]")
		element(i)
		if f.err != nil {
			return
		}
		f.path = f.path[:len(f.path)-1]
	}
	f.pos++
}

// text reads a string.
func (f *fields) text() string {
	raw, escaped := f.quoted()
	if escaped {
		return unescape.Replace(string(raw))
	}
	return string(raw)
}

var unescape = strings.NewReplacer(`\"`, `"`, `\\`, `\`)

// quoted reads a string and returns what stands between its quotes.
func (f *fields) quoted() (raw []byte, escaped bool) {
	if f.err != nil {
		return nil, false
	}
	if f.raw[f.pos] != '"' {
		f.fault("want a string")
		return nil, false
	}
	start := f.pos + 1
	at := start
	for ; f.raw[at] != '"'; at++ {
		if f.raw[at] == '\\' {
			escaped = true
			at++
		}
	}
	f.pos = at + 1
	return f.raw[start:at], escaped
}

// integer reads an integer of at most limit.
func (f *fields) integer(limit uint64) uint64 {
	if f.err != nil {
		return 0
	}
	start := f.pos
	for f.raw[f.pos] >= '0' && f.raw[f.pos] <= '9' {
		f.pos++
	}
	n, err := strconv.ParseUint(string(f.raw[start:f.pos]), 10, 64)
	if err != nil {
		f.fault("want an integer")
		return 0
	}
	if n > limit {
		f.fault("%d is above %d", n, limit)
	}
	return n
}

// hex reads lower-case hex of an even length, at most limit bytes of it.
func (f *fields) hex(limit int) []byte {
	raw, _ := f.quoted()
	if f.err != nil {
		return nil
	}
	if len(raw)/2 > limit {
		f.fault("%d bytes, more than %d", len(raw)/2, limit)
		return nil
	}
	out, ok := decodeHex(raw)
	if !ok {
		f.fault("want lower-case hex of an even length")
	}
	return out
}

// hash reads hex32.
func (f *fields) hash() (h [32]byte) {
	raw, _ := f.quoted()
	out, ok := decodeHex(raw)
	if f.err == nil && (!ok || len(out) != len(h)) {
		f.fault("want 64 lower-case hex digits")
	}
	copy(h[:], out)
	return h
}

// amount reads an amount below 2^bits.
func (f *fields) amount(bits int) *big.Int {
	text := f.text()
	if f.err != nil {
		return nil
	}
	if len(text) == 0 || len(text) > 78 || len(text) > 1 && text[0] == '0' || strings.Trim(text, "0123456789") != "" {
		f.fault("want an amount: decimal digits without sign, dot or leading zero")
		return nil
	}
	n, _ := new(big.Int).SetString(text, 10)
	if n.BitLen() > bits {
		f.fault("amount of %d bits, more than %d", n.BitLen(), bits)
	}
	return n
}

// ascending refuses an element whose sort key is not above the one before it. what names the key.
func (f *fields) ascending(i, order int, what string) {
	if i > 0 && order <= 0 {
		f.fault("not in ascending order of %s, or twice", what)
	}
}

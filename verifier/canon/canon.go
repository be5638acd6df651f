// Package canon reads canonical JSON as SPEC part 2 narrows it: one value has one spelling, and other bytes are refused.
//
// Canonical keys ascend, so a format is a fixed sequence of keys. Whoever reads a file writes that sequence down; unknown,
// missing, doubled and misplaced keys are then refused without being looked for:
//
//	err := canon.DecodeTyped(raw, "type", "assay/v1/manifest", func(r *canon.Reader) {
//		r.Object(
//			canon.Key("files", func() { r.Array(maxFiles, func(int) { files = append(files, canon.Parse(r, parsePath)) }) }),
//			canon.Optional("note", func() { note = r.Text() }),
//			canon.Key("snapshot", func() { snapshot = r.Hash() }),
//			canon.Key("type", func() { r.Fixed("assay/v1/manifest") }),
//		)
//	})
//
// The first fault sticks: every read after it does nothing and gives a zero value, so readers need no checks between their lines.
// What was read before a fault must not be used. The package is the one reader of all formats here and knows none of them.
package canon

import "strings"

// Limits of SPEC part 2.
const (
	maxDepth   = 32
	MaxInteger = 1<<53 - 1
)

// Decode reads raw as one canonical value, which read takes apart (SPEC part 2). Errors are *FormatError.
func Decode(raw []byte, read func(*Reader)) error {
	r := &Reader{raw: raw}
	read(r)
	if r.at != len(raw) {
		r.Fail("%d bytes follow the value", len(raw)-r.at)
	}
	if r.err != nil {
		return r.err // only now: a nil *FormatError is no nil error
	}
	return nil
}

// DecodeTyped is Decode for a file whose outermost object names its own type under key. If read refuses a file of another version
// of want, broken or not, the error is a *VersionError (SPEC part 17).
func DecodeTyped(raw []byte, key, want string, read func(*Reader)) error {
	err := Decode(raw, read)
	if err != nil {
		if got := TypeOf(raw, key); got != want && sameFamily(got, want) {
			return &VersionError{Got: got, Want: want}
		}
	}
	return err
}

// Check refuses bytes that are not one canonical value, whatever its keys are (SPEC part 2). Errors are *FormatError.
func Check(raw []byte) error {
	return Decode(raw, func(r *Reader) { r.Skip() })
}

// TypeOf gives the string under a key of the outermost object, empty if there is none. It reads no further than that, so it serves
// for broken files and for newer ones.
func TypeOf(raw []byte, key string) (value string) {
	r := &Reader{raw: raw}
	r.members(func(name string) bool {
		if name != key {
			r.Skip()
			return true
		}
		value = r.Text()
		return false
	})
	return value
}

// sameFamily reports whether two types differ in the number of their version only.
func sameFamily(got, want string) bool {
	g, w := strings.Split(got, "/"), strings.Split(want, "/")
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		if g[i] != w[i] && !(isVersion(g[i]) && isVersion(w[i])) {
			return false
		}
	}
	return true
}

// isVersion takes v and one to six digits.
func isVersion(s string) bool {
	return len(s) > 1 && len(s) < 8 && s[0] == 'v' && strings.Trim(s[1:], "0123456789") == ""
}

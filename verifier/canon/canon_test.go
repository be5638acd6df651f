package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCanonical_Good(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, `true`, `false`, `9007199254740991`, `{"A":1,"B":{"_":[]},"a":[true,false,"x"]}`,
		`"\"\\/ü😄"`, strings.Repeat("[", 32) + strings.Repeat("]", 32),
	} {
		if err := Check([]byte(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestE02_OneSpellingOfAValue(t *testing.T) {
	for _, tt := range []struct{ raw, field, problem string }{
		{` {}`, "", "begins no value"},
		{`{ }`, "", "want a key"},
		{`{"a": 1}`, "a", "begins no value"},
		{`{"a":1 }`, "a", "want a comma or the object's end"},
		{`[1, 2]`, "[1]", "begins no value"},
		{`{"b":1,"a":1}`, "b", "keys ascend"},
		{`{"a":1,"B":1}`, "a", "keys ascend"},
		{`{"a-b":1}`, "", "not of A-Z"},
		{`{"":1}`, "", "not of A-Z"},
		{`{"\"":1}`, "", "not of A-Z"},
		{`{"a":01}`, "a", "leading zero"},
		{`{"a":00}`, "a", "leading zero"},
		{`{"a":-0}`, "a", "begins no value"},
		{`{"a":+1}`, "a", "begins no value"},
		{`{"a":1.0}`, "a", "fraction"},
		{`{"a":1e0}`, "a", "exponent"},
		{`{"a":0E0}`, "a", "exponent"},
		{`{"a":9007199254740992}`, "a", "above 9007199254740991"},
		{`{"a":99999999999999999999999}`, "a", "above 9007199254740991"},
		{`{"a":null}`, "a", "begins no value"},
		{`{"a":NaN}`, "a", "begins no value"},
		{`{"a":True}`, "a", "begins no value"},
		{`{"a":tru}`, "a", "want true"},
		{`{"a":fals`, "a", "want false"},
		{`"\u0041"`, "", "escape other than"},
		{`"\/"`, "", "escape other than"},
		{`"\n"`, "", "escape other than"},
		{"\"\n\"", "", "U+000A"},
		{"\"\x7f\"", "", "U+007F"},
		{"\"\u0085\"", "", "U+0085"},
		{"\"\u061c\"", "", "U+061C"},
		{"\"\u200e\"", "", "U+200E"},
		{"\"\u2028\"", "", "U+2028"},
		{"\"\u202e\"", "", "U+202E"},
		{"\"\u2066\"", "", "U+2066"},
		{"\"\ufeff\"", "", "U+FEFF"},
		{"\ufeff{}", "", "begins no value"},
		{"\"\xff\"", "", "not UTF-8"},
		{"\"\xed\xa0\x80\"", "", "not UTF-8"},
		{"\"\xc0\x80\"", "", "not UTF-8"},
	} {
		err := Check([]byte(tt.raw))
		if err == nil {
			t.Errorf("%q: taken", tt.raw)
			continue
		}
		wantFormat(t, err, tt.field, tt.problem)
	}
}

func TestE03_DuplicateKeys(t *testing.T) {
	err := Check([]byte(`{"a":[{"k":1,"k":2}]}`))
	wantFormat(t, err, "a[0].k", "none occurs twice")
}

func TestE05_MalformedJSON(t *testing.T) {
	for _, raw := range []string{
		"", "{", "[", `"`, `"\`, `"\"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1`, `[1,`, `[1,]`, `[,]`, `{,}`, `{"a"1}`, `{1:1}`,
		`]`, `}`, `:`, `,`, "\x00", `[}`, `{]`, `[1}`, `{"a":1]`, "t", "f", "'a'",
	} {
		var f *FormatError
		if err := Check([]byte(raw)); !errors.As(err, &f) {
			t.Errorf("%q: got %v, want a format error", raw, err)
		}
	}
}

func TestE07_TrailingData(t *testing.T) {
	for _, tail := range []string{" ", "\n", "0", "{}", "\x00"} {
		err := Check([]byte("{}" + tail))
		wantFormat(t, err, "", fmt.Sprintf("%d bytes follow the value", len(tail)))
	}
}

func TestE09_Depth(t *testing.T) {
	err := Check([]byte(strings.Repeat("[", 33) + strings.Repeat("]", 33)))
	wantFormat(t, err, strings.Repeat("[0]", 32), "deeper than 32 levels")
	err = Check(bytes.Repeat([]byte{'['}, 1<<20))
	wantFormat(t, err, strings.Repeat("[0]", 32), "deeper than 32 levels")
}

func TestReader_KeysAreExactlyTheFormats(t *testing.T) {
	read := func(raw string) error {
		if err := Check([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		return Decode([]byte(raw), func(r *Reader) {
			r.Object(
				Key("bb", func() { r.Text() }),
				Optional("cc", func() { r.Number(MaxInteger) }),
				Key("dd", func() {
					r.Array(2, func(int) { r.Object(Key("x", func() { r.Number(10) })) })
				}),
			)
		})
	}
	for _, raw := range []string{`{"bb":"","dd":[{"x":10}]}`, `{"bb":"","cc":9007199254740991,"dd":[{"x":0},{"x":1}]}`, `{"bb":"","dd":[]}`} {
		if err := read(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, tt := range []struct{ raw, field, problem string }{
		{`[]`, "", "want an object"},
		{`{}`, "", `key "bb" is missing`},
		{`{"dd":[]}`, "", `key "bb" is missing`},
		{`{"bb":""}`, "", `key "dd" is missing`},
		{`{"bb":"","cc":0}`, "", `key "dd" is missing`},
		{`{"aa":0,"bb":"","dd":[]}`, "", `unknown key "aa"`},
		{`{"bb":"","ca":0,"dd":[]}`, "", `unknown key "ca"`},
		{`{"bb":"","cd":0,"dd":[]}`, "", `unknown key "cd"`},
		{`{"bb":"","dd":[],"ee":0}`, "", `unknown key "ee"`},
		{`{"bb":0,"dd":[]}`, "bb", "want a string"},
		{`{"bb":"","dd":""}`, "dd", "want an array"},
		{`{"bb":"","dd":[0]}`, "dd[0]", "want an object"},
		{`{"bb":"","dd":[{"x":1},{"x":"1"}]}`, "dd[1].x", "want an integer"},
		{`{"bb":"","dd":[{"x":1},{"x":11}]}`, "dd[1].x", "an integer above 10"},
		{`{"bb":"","dd":[{"x":1,"y":1}]}`, "dd[0]", `unknown key "y"`},
		{`{"bb":"","dd":[{"x":1},{"x":1},{"x":1}]}`, "dd", "more than 2 entries"},
	} {
		wantFormat(t, read(tt.raw), tt.field, tt.problem)
	}
}

// A format's reader meets broken bytes as well: Check need not have been there before.
func TestReader_OneSpelling(t *testing.T) {
	read := func(raw string) error {
		return Decode([]byte(raw), func(r *Reader) {
			r.Object(Key("a", func() { r.Array(1, func(int) { r.Number(9) }) }), Key("b", func() { r.Fixed("x") }))
		})
	}
	const good = `{"a":[1],"b":"x"}`
	if err := read(good); err != nil {
		t.Fatal(err)
	}
	for cut := range good {
		if read(good[:cut]) == nil {
			t.Errorf("%s: taken", good[:cut])
		}
		for _, more := range []string{" ", ",", "0", `"`, `\`, "\x00", "{", "]", "\xff"} {
			if raw := good[:cut] + more + good[cut:]; read(raw) == nil {
				t.Errorf("%s: taken", raw)
			}
		}
	}
	for _, tt := range []struct{ raw, field, problem string }{
		{`{"b":"x","a":[1]}`, "", `key "a" is missing`},
		{`{"a":[1],"a":[1]}`, "", "none occurs twice"},
		{`{"a":[1],"b":"y"}`, "b", `is not "x"`},
		{`{"a":[01],"b":"x"}`, "a[0]", "leading zero"},
		{`{"a":[1.0],"b":"x"}`, "a[0]", "fraction"},
		{`{"a":[-1],"b":"x"}`, "a[0]", "want an integer"},
		{`{"a":[10000000000000000001],"b":"x"}`, "a[0]", "an integer above 9"},
		{`{"a":[1 ],"b":"x"}`, "a", "want a comma or the array's end"},
	} {
		wantFormat(t, read(tt.raw), tt.field, tt.problem)
	}
}

func TestReader_Text(t *testing.T) {
	for raw, want := range map[string]string{`""`: "", `"ü"`: "ü", `"a\\\"b\\\\"`: `a\"b\\`} {
		var got, quoted string
		if err := Decode([]byte(raw), func(r *Reader) { got = r.Text() }); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", raw, got, err, want)
		}
		if err := Decode([]byte(raw), func(r *Reader) { quoted = string(r.Quoted()) }); err != nil || `"`+quoted+`"` != raw {
			t.Errorf("%s: got %s, %v", raw, quoted, err)
		}
	}
}

func TestE02_Hashes(t *testing.T) {
	want := [32]byte{31: 0xaf}
	read := func(s string) (h [32]byte, err error) {
		err = Decode([]byte(`"`+s+`"`), func(r *Reader) { h = r.Hash() })
		return h, err
	}
	if got, err := read(strings.Repeat("00", 31) + "af"); err != nil || got != want {
		t.Errorf("got %x, %v", got, err)
	}
	for _, bad := range []string{"", strings.Repeat("0", 62), strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("A", 64), strings.Repeat("g", 64), "0x" + strings.Repeat("0", 62)} {
		_, err := read(bad)
		wantFormat(t, err, "", "want 64 lower-case hex digits")
	}
}

func TestReader_FirstFaultSticks(t *testing.T) {
	err := Decode([]byte(`{"a":1}`), func(r *Reader) {
		r.Object(Key("a", func() {
			if r.Failed() {
				t.Error("failed before a fault")
			}
			r.Fail("first")
			r.Fail("second")
			if !r.Failed() || r.Skip() != nil || r.Text() != "" || r.Quoted() != nil || r.Number(9) != 0 || r.Hash() != [32]byte{} {
				t.Error("something was read after a fault")
			}
			r.Object(Key("b", func() { t.Error("an object was read after a fault") }))
			r.Array(1, func(int) { t.Error("an array was read after a fault") })
			Parse(r, func(string) (string, error) { t.Error("a text was parsed after a fault"); return "", nil })
		}))
	})
	wantFormat(t, err, "a", "first")
}

func TestReader_Bytes(t *testing.T) {
	const raw = `{"a":{"b":[1,"x"]},"c":true}`
	err := Decode([]byte(raw), func(r *Reader) {
		start := r.Offset()
		r.Object(
			Key("a", func() {
				if got := string(r.Skip()); got != `{"b":[1,"x"]}` {
					t.Errorf("got %s", got)
				}
			}),
			Key("c", func() { r.Skip() }),
		)
		if got := string(r.Bytes(start, r.Offset())); got != raw {
			t.Errorf("got %s", got)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

func TestDecodeTyped_Versions(t *testing.T) {
	read := func(raw, want string) error {
		return DecodeTyped([]byte(raw), "type", want, func(r *Reader) { r.Object(Key("type", func() { r.Fixed(want) })) })
	}
	for _, tt := range []struct{ raw, want string }{
		{`{"type":"assay/v2/proof"}`, "assay/v1/proof"},
		{`{"type":"assay/v999999/proof"}`, "assay/v1/proof"},
		{`{"a":[true,{"x":"y"}],"type":"assay/v2/proof","zz":1}`, "assay/v1/proof"},
		{`{"a":1,"type":"assay/v2/proof",`, "assay/v1/proof"},
		{`{"type":"https://a.example/b/v2"}`, "https://a.example/b/v1"},
	} {
		var v *VersionError
		if err := read(tt.raw, tt.want); !errors.As(err, &v) || v.Want != tt.want || !strings.Contains(v.Error(), "this verifier knows") {
			t.Errorf("%s: got %v, want a version error", tt.raw, err)
		}
	}
	for _, tt := range []struct{ raw, want string }{
		{`{"type":"assay/v1/proof"} `, "assay/v1/proof"},
		{`{"type":"assay/v1/shards"}`, "assay/v1/proof"},
		{`{"type":"assay/v/proof"}`, "assay/v1/proof"},
		{`{"type":"assay/vv/proof"}`, "assay/v1/proof"},
		{`{"type":"assay/v1000000/proof"}`, "assay/v1/proof"},
		{`{"type":"assay/v2/proof/x"}`, "assay/v1/proof"},
		{`{"type":2}`, "assay/v1/proof"},
		{`{"a":{"type":"assay/v2/proof"}}`, "assay/v1/proof"},
		{`{"a": 1,"type":"assay/v2/proof"}`, "assay/v1/proof"},
		{`["type","assay/v2/proof"]`, "assay/v1/proof"},
		{``, "assay/v1/proof"},
	} {
		var f *FormatError
		if err := read(tt.raw, tt.want); !errors.As(err, &f) {
			t.Errorf("%s: got %v, want a format error", tt.raw, err)
		}
	}
}

// A version where the type known has nothing between two slashes once stopped the program.
func TestE05_VersionInAnEmptyPlace(t *testing.T) {
	const want = "https://github.com/assay-por/assay/solvency/v1"
	for _, got := range []string{"https:/v1/github.com/assay-por/assay/solvency/v1", "https:/v1/github.com/assay-por/assay/solvency/v2", "v1/v1/v1/v1/v1/v1/v1", "//////"} {
		err := DecodeTyped([]byte(`{"type":"`+got+`"}`), "type", want, func(r *Reader) { r.Object(Key("type", func() { r.Fixed(want) })) })
		wantFormat(t, err, "type", "is not")
	}
}

func TestBarred(t *testing.T) {
	const list = "\u0000\u001f\u007f\u009f\u061c\u200e\u200f\u2028\u202e\u2066\u2069\ufeff"
	for _, c := range list {
		if !Barred(c) {
			t.Errorf("U+%04X: not barred", c)
		}
	}
	for _, c := range " ~\u00a0\u061b\u061d\u200d\u2010\u2027\u202f\u2065\u206a\ufefe\uffff\U0001f600" {
		if Barred(c) {
			t.Errorf("U+%04X: barred", c)
		}
	}
}

// What encoding/json writes of sorted keys is taken, and taken apart to the same.
func TestCanonical_WhatJSONWrites(t *testing.T) {
	text := rapid.StringOf(rapid.Rune().Filter(func(c rune) bool { return !Barred(c) && c != utf8.RuneError }))
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOf(rapid.StringMatching(`[A-Za-z0-9_]{1,4}`), text).Draw(t, "values")
		raw := encode(t, values)
		if err := Check(raw); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		for key, want := range values {
			if got := TypeOf(raw, key); got != want {
				t.Fatalf("%s: %s is read as %q, want %q", raw, key, got, want)
			}
		}
	})
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,true,"x\\\""],"b":{}}`, `[]`, `"ü"`, `9007199254740991`, `{"a":1,"a":2}`, `[false,{"_":"\\\\"}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := Check(raw); err != nil {
			var format *FormatError
			if !errors.As(err, &format) || format.Problem == "" {
				t.Errorf("got %T %v, want a format error", err, err)
			}
			return
		}
		if again := reencode(t, raw); !bytes.Equal(again, raw) {
			t.Errorf("taken, and spelt otherwise by encoding/json: %q, %q", raw, again)
		}
	})
}

func FuzzTypeOf(f *testing.F) {
	f.Add([]byte(`{"a":1,"type":"assay/v2/proof"}`), "assay/v1/proof")
	f.Add([]byte(`{"type":"https:/v1/a/v1"}`), "https://a/v1")
	f.Fuzz(func(t *testing.T, raw []byte, want string) {
		err := DecodeTyped(raw, "type", want, func(r *Reader) { r.Object(Key("type", func() { r.Fixed(want) })) })
		var version *VersionError
		switch got := TypeOf(raw, "type"); {
		case err == nil && got != want:
			t.Errorf("%q is taken for %q", raw, want)
		case errors.As(err, &version) && (got != version.Got || got == want):
			t.Errorf("%q: got %v", raw, err)
		}
	})
}

func wantFormat(t testing.TB, err error, field, problem string) {
	t.Helper()
	var f *FormatError
	if !errors.As(err, &f) {
		t.Errorf("got %T %v, want a format error: %s: %s", err, err, field, problem)
	} else if f.Field != field || !strings.Contains(f.Problem, problem) || !strings.HasSuffix(f.Error(), f.Problem) {
		t.Errorf("got %v, want %s: …%s…", err, field, problem)
	}
}

// encode writes JSON with keys sorted and nothing escaped that need not be: canonical, but for what v must not hold.
func encode(t interface{ Fatal(...any) }, v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func reencode(t testing.TB, raw []byte) []byte {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return encode(t, v)
}

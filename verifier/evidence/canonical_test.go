package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCanonical_Good(t *testing.T) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, `true`, `false`, `9007199254740991`, `{"A":1,"B":{"_":[]},"a":[true,false,"x"]}`,
		`"\"\\/ü😄"`, strings.Repeat("[", 32) + strings.Repeat("]", 32),
	} {
		if _, err := checkCanonical([]byte(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestE02_OneSpellingOfAValue(t *testing.T) {
	for _, tt := range []struct{ raw, field, problem string }{
		{` {}`, "file", "begins no value"},
		{`{ }`, "file", "want a key"},
		{`{"a": 1}`, "a", "begins no value"},
		{`{"a":1 }`, "a", "want a comma or the object's end"},
		{`[1, 2]`, "[1]", "begins no value"},
		{`{"b":1,"a":1}`, "b", "keys ascend"},
		{`{"a":1,"B":1}`, "a", "keys ascend"},
		{`{"a-b":1}`, "file", "not of A-Z"},
		{`{"":1}`, "file", "not of A-Z"},
		{`{"\"":1}`, "file", "not of A-Z"},
		{`{"a":01}`, "a", "leading zero"},
		{`{"a":00}`, "a", "leading zero"},
		{`{"a":-0}`, "a", "begins no value"},
		{`{"a":+1}`, "a", "begins no value"},
		{`{"a":1.0}`, "a", "fraction"},
		{`{"a":1e0}`, "a", "exponent"},
		{`{"a":0E0}`, "a", "exponent"},
		{`{"a":9007199254740992}`, "a", "above 2^53-1"},
		{`{"a":99999999999999999999999}`, "a", "above 2^53-1"},
		{`{"a":null}`, "a", "begins no value"},
		{`{"a":NaN}`, "a", "begins no value"},
		{`{"a":True}`, "a", "begins no value"},
		{`{"a":tru}`, "a", "want true"},
		{`{"a":fals`, "a", "want false"},
		{`"\u0041"`, "file", "escape other than"},
		{`"\/"`, "file", "escape other than"},
		{`"\n"`, "file", "escape other than"},
		{"\"\n\"", "file", "U+000A"},
		{"\"\x7f\"", "file", "U+007F"},
		{"\"\u0085\"", "file", "U+0085"},
		{"\"\u061c\"", "file", "U+061C"},
		{"\"\u200e\"", "file", "U+200E"},
		{"\"\u2028\"", "file", "U+2028"},
		{"\"\u202e\"", "file", "U+202E"},
		{"\"\u2066\"", "file", "U+2066"},
		{"\"\ufeff\"", "file", "U+FEFF"},
		{"\ufeff{}", "file", "begins no value"},
		{"\"\xff\"", "file", "not UTF-8"},
		{"\"\xed\xa0\x80\"", "file", "not UTF-8"},
		{"\"\xc0\x80\"", "file", "not UTF-8"},
	} {
		_, err := checkCanonical([]byte(tt.raw))
		if err == nil {
			t.Errorf("%q: taken", tt.raw)
			continue
		}
		wantFormat(t, err, tt.field, tt.problem)
	}
}

func TestE03_DuplicateKeys(t *testing.T) {
	_, err := checkCanonical([]byte(`{"a":[{"k":1,"k":2}]}`))
	wantFormat(t, err, "a[0].k", "none occurs twice")
}

func TestE05_MalformedJSON(t *testing.T) {
	for _, raw := range []string{
		"", "{", "[", `"`, `"\`, `"\"`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1`, `[1,`, `[1,]`, `[,]`, `{,}`, `{"a"1}`, `{1:1}`,
		`]`, `}`, `:`, `,`, "\x00", `[}`, `{]`, `[1}`, `{"a":1]`, "t", "f", "'a'",
	} {
		var f *FormatError
		if _, err := checkCanonical([]byte(raw)); !errors.As(err, &f) {
			t.Errorf("%q: got %v, want a format error", raw, err)
		}
	}
}

func TestE07_TrailingData(t *testing.T) {
	for _, tail := range []string{" ", "\n", "0", "{}", "\x00"} {
		_, err := checkCanonical([]byte("{}" + tail))
		wantFormat(t, err, "file", fmt.Sprintf("%d bytes follow the value", len(tail)))
	}
}

func TestE09_Depth(t *testing.T) {
	_, err := checkCanonical([]byte(strings.Repeat("[", 33) + strings.Repeat("]", 33)))
	wantFormat(t, err, strings.Repeat("[0]", 32), "deeper than 32 levels")
	_, err = checkCanonical(bytes.Repeat([]byte{'['}, 1<<20))
	wantFormat(t, err, strings.Repeat("[0]", 32), "deeper than 32 levels")
}

func TestFields_KeysAreExactlyTheFormats(t *testing.T) {
	read := func(raw string) error {
		if _, err := checkCanonical([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		f := &fields{raw: []byte(raw)}
		f.object(func() {
			f.key("bb", func() { f.text() })
			f.key("dd", func() {
				f.list(func(int) { f.object(func() { f.key("x", func() { f.integer(10) }) }) })
			})
		})
		return f.err
	}
	if err := read(`{"bb":"","dd":[{"x":10}]}`); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ raw, field, problem string }{
		{`[]`, "file", "want an object"},
		{`{}`, "file", `key "bb" is missing`},
		{`{"dd":[]}`, "file", `key "bb" is missing`},
		{`{"bb":""}`, "file", `key "dd" is missing`},
		{`{"aa":0,"bb":"","dd":[]}`, "file", `has a key "aa"`},
		{`{"bb":"","cc":0,"dd":[]}`, "file", `has a key "cc"`},
		{`{"bb":"","dd":[],"ee":0}`, "file", `has a key "ee"`},
		{`{"bb":0,"dd":[]}`, "bb", "want a string"},
		{`{"bb":"","dd":""}`, "dd", "want an array"},
		{`{"bb":"","dd":[0]}`, "dd[0]", "want an object"},
		{`{"bb":"","dd":[{"x":1},{"x":"1"}]}`, "dd[1].x", "want an integer"},
		{`{"bb":"","dd":[{"x":1},{"x":11}]}`, "dd[1].x", "11 is above 10"},
		{`{"bb":"","dd":[{"x":1,"y":1}]}`, "dd[0]", `has a key "y"`},
	} {
		wantFormat(t, read(tt.raw), tt.field, tt.problem)
	}
}

func TestFields_Escapes(t *testing.T) {
	f := &fields{raw: []byte(`"a\\\"b\\\\"`)}
	if got := f.text(); got != `a\"b\\` || f.err != nil {
		t.Errorf("got %s, %v", got, f.err)
	}
}

func TestE02_AmountsAndHex(t *testing.T) {
	for _, bad := range []string{"", "01", "00", "+1", "-1", "1.0", "1e3", " 1", "1 ", "٣", "0x1", strings.Repeat("9", 79), strings.Repeat("9", 78)} {
		f := &fields{raw: []byte(`"` + bad + `"`)}
		if f.amount(256); f.err == nil {
			t.Errorf("amount %q: taken", bad)
		}
	}
	const most = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
	f := &fields{raw: []byte(`"` + most + `"`)}
	if got := f.amount(256); f.err != nil || got.String() != most {
		t.Errorf("got %v, %v", got, f.err)
	}
	for _, bad := range []string{"0", "0A", "0g", "0x00", " 00", "00 "} {
		f := &fields{raw: []byte(`"` + bad + `"`)}
		if f.hex(10); f.err == nil {
			t.Errorf("hex %q: taken", bad)
		}
	}
	f = &fields{raw: []byte(`"0001"`)}
	if f.hex(1); f.err == nil {
		t.Error("2 bytes where 1 is the limit: taken")
	}
	for _, bad := range []string{"", strings.Repeat("0", 62), strings.Repeat("0", 66), strings.Repeat("A", 64)} {
		f := &fields{raw: []byte(`"` + bad + `"`)}
		if f.hash(); f.err == nil {
			t.Errorf("hex32 %q: taken", bad)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"a":[1,true,"x\\\""],"b":{}}`, `[]`, `"ü"`, `9007199254740991`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := checkCanonical(raw); err != nil {
			return
		}
		if again := reencode(t, raw); !bytes.Equal(again, raw) {
			t.Errorf("taken, and spelt otherwise by encoding/json: %q, %q", raw, again)
		}
	})
}

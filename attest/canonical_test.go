package attest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gowebpki/jcs"
	"pgregory.net/rapid"

	"github.com/assay-por/assay/attest"
)

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestCheckCanonical(t *testing.T) {
	for _, ok := range []string{
		`{}`, `[]`, `""`, `0`, `9007199254740991`, `true`, `false`, `[1,"a",{}]`, `{"A":1,"_":2,"a":3}`, `{"a":1,"ab":2}`,
		`"\"\\"`, `"é 漢 😀 ` + "\ufffd" + `"`, deep(32),
	} {
		if err := attest.CheckCanonical([]byte(ok)); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for name, bad := range map[string]string{
		"E02_white_space":          `{"a": 1}`,
		"E02_white_space_before":   ` {}`,
		"E02_newline_after":        "{}\n",
		"E02_key_order":            `{"b":1,"a":2}`,
		"E02_exponent":             `1e3`,
		"E02_fraction":             `1.0`,
		"E02_plus":                 `+1`,
		"E02_minus_zero":           `-0`,
		"E02_leading_zero":         `01`,
		"E02_unicode_digit":        `[٣]`,
		"E02_escaped_letter":       `"\u0061"`,
		"E02_escaped_slash":        `"\/"`,
		"E02_short_escape":         `"\n"`,
		"E02_capital_hex_escape":   `"\u00E9"`,
		"E03_duplicate_key":        `{"a":1,"a":1}`,
		"E04_beyond_2_53":          `9007199254740992`,
		"E04_beyond_2_64":          `18446744073709551616`,
		"E05_null":                 `null`,
		"E05_null_inside":          `{"a":null}`,
		"E05_cut_off":              `{"a":`,
		"E05_cut_off_string":       `"a`,
		"E05_cut_off_escape":       `"a\`,
		"E05_nothing":              ``,
		"E05_word":                 `tru`,
		"E05_missing_colon":        `{"a"1}`,
		"E05_missing_comma":        `[1 2]`,
		"E05_trailing_comma":       `[1,]`,
		"E05_not_a_key":            `{1:2}`,
		"E05_empty_key":            `{"":1}`,
		"E05_key_with_hyphen":      `{"a-b":1}`,
		"E07_trailing_value":       `{}{}`,
		"E07_trailing_brace":       `{}}`,
		"E07_preceding_mark":       "\ufeff{}",
		"E09_too_deep":             deep(33),
		"E09_far_too_deep":         deep(1_000_000),
		"E09_half_open":            strings.Repeat(`{"a":`, 1_000_000),
		"E10_bidi_override":        "\"a\u202eb\"",
		"E10_bidi_isolate":         "\"a\u2066b\"",
		"E10_line_separator":       "\"\u2028\"",
		"E10_delete":               "\"\x7f\"",
		"E10_c1_control":           "\"\u0085\"",
		"E10_terminal_escape":      "\"\x1b[31m\"",
		"E10_zero":                 "\"\x00\"",
		"E10_byte_order_mark":      "\"\ufeff\"",
		"E10_arabic_letter_mark":   "\"\u061c\"",
		"E10_left_to_right_mark":   "\"\u200e\"",
		"not_UTF8":                 "\"\xff\"",
		"lone_surrogate_as_escape": `"\ud800"`,
		"lone_surrogate_as_bytes":  "\"\xed\xa0\x80\"",
		"overlong_slash":           "\"\xc0\xaf\"",
	} {
		t.Run(name, func(t *testing.T) {
			if err := attest.CheckCanonical([]byte(bad)); err == nil {
				t.Errorf("%.60q was taken for canonical", bad)
			}
		})
	}
}

func TestCanonicalRefuses(t *testing.T) {
	var none []string
	for name, v := range map[string]any{
		"nil list": none, "nil": nil, "float": 1.5, "small float": 1e-9, "negative": -1, "large": uint64(1) << 53,
		"bidi": "\u202e", "control": "a\x01", "not UTF-8": "a\xffb", "key": map[string]int{"a b": 1}, "channel": make(chan int),
		"raw exponent": json.RawMessage(`1e2`), "raw duplicate": json.RawMessage(`{"a":1,"a":2}`), "raw escape": json.RawMessage(`"\u0061"`),
	} {
		if b, err := attest.Canonical(v); err == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
}

// TestCanonicalOrders: a struct's fields may stand in any order; the file has one.
func TestCanonicalOrders(t *testing.T) {
	got, err := attest.Canonical(struct {
		B int    `json:"b"`
		A string `json:"a"`
	}{1, `<&> "é" \ ` + "\ufffd"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":"<&> \"é\" \\ ` + "\ufffd" + `","b":1}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type form struct {
	A    uint64   `json:"a"`
	List []string `json:"list"`
	Opt  string   `json:"opt,omitempty"`
}

func TestDecode(t *testing.T) {
	var f form
	if err := attest.Decode([]byte(`{"a":7,"list":["x"],"opt":"y"}`), &f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(form{7, []string{"x"}, "y"}, f); diff != "" {
		t.Error(diff)
	}
	for name, bad := range map[string]string{
		"unknown key":            `{"a":7,"b":1,"list":[]}`,
		"missing key":            `{"a":7}`,
		"missing first key":      `{"list":[]}`,
		"optional key but empty": `{"a":7,"list":[],"opt":""}`,
		"other case":             `{"A":7,"list":[]}`,
		"both cases":             `{"A":7,"a":8,"list":[]}`,
		"other type":             `{"a":"7","list":[]}`,
		"list as object":         `{"a":7,"list":{}}`,
		"not an object":          `[]`,
		"white space":            `{"a":7, "list":[]}`,
		"trailing":               `{"a":7,"list":[]}{}`,
	} {
		var f form
		if err := attest.Decode([]byte(bad), &f); err == nil {
			t.Errorf("%s: %s was read as %+v", name, bad, f)
		}
	}
}

// values draws values that the narrowed form can hold.
func values() *rapid.Generator[any] {
	text := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return !attest.Barred(r) }))
	key := rapid.StringMatching(`[A-Za-z0-9_]{1,6}`)
	leaf := rapid.OneOf(rapid.Just(any(true)), rapid.Just(any(false)),
		rapid.Map(rapid.Uint64Max(1<<53-1), func(n uint64) any { return n }), rapid.Map(text, func(s string) any { return s }))
	var level func(int) *rapid.Generator[any]
	level = func(n int) *rapid.Generator[any] {
		if n == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, rapid.Map(rapid.SliceOfN(level(n-1), 0, 4), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(key, level(n-1), 0, 4), func(m map[string]any) any { return m }))
	}
	return level(3)
}

// TestProperty_RoundTrip: what is written is canonical, RFC 8785 changes nothing of it, and it reads back as it was.
func TestProperty_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := attest.Canonical(values().Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		if err := attest.CheckCanonical(b); err != nil {
			t.Fatal(err)
		}
		oracle, err := jcs.Transform(b)
		if err != nil || !bytes.Equal(oracle, b) {
			t.Fatalf("%s by RFC 8785 is %s, %v", b, oracle, err)
		}
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		var back any
		if err := dec.Decode(&back); err != nil {
			t.Fatal(err)
		}
		again, err := attest.Canonical(back)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s came back as %s, %v", b, again, err)
		}
	})
}

// TestE02_PropertyRespelled: no second spelling of a value is taken, by a blank or an escape anywhere.
func TestE02_PropertyRespelled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, err := attest.Canonical(map[string]any{"k": values().Draw(t, "value"), "z": "end"})
		if err != nil {
			t.Fatal(err)
		}
		at := rapid.IntRange(0, len(b)).Draw(t, "at")
		for _, blank := range []string{" ", "\n", "\t"} {
			other := string(b[:at]) + blank + string(b[at:])
			if sameValue(t, b, []byte(other)) && attest.CheckCanonical([]byte(other)) == nil {
				t.Fatalf("%q and %q are both taken", b, other)
			}
		}
		if at < len(b) && b[at] >= 'a' && b[at] <= 'z' {
			other := string(b[:at]) + fmt.Sprintf(`\u%04x`, b[at]) + string(b[at+1:])
			if sameValue(t, b, []byte(other)) && attest.CheckCanonical([]byte(other)) == nil {
				t.Fatalf("%q and %q are both taken", b, other)
			}
		}
	})
}

// sameValue reports whether a lax reader takes both texts for one value.
func sameValue(t *rapid.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

// FuzzCheckCanonical: what is taken is what RFC 8785 writes of the same value.
func FuzzCheckCanonical(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[true,"x"]}`, `"\u0061"`, deep(33), `9007199254740992`, "\"\xff\"", `{"b":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if attest.CheckCanonical(b) != nil {
			return
		}
		oracle, err := jcs.Transform(b)
		if err != nil || !bytes.Equal(oracle, b) {
			t.Fatalf("%q was taken, by RFC 8785 it is %q, %v", b, oracle, err)
		}
	})
}

// FuzzDecode: what decodes encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":7,"list":["x"],"opt":"y"}`))
	f.Add([]byte(`{"a":7,"list":[]}`))
	f.Add([]byte(`{"A":7,"list":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v form
		if attest.Decode(b, &v) != nil {
			return
		}
		again, err := attest.Canonical(v)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q decoded and became %q, %v", b, again, err)
		}
	})
}

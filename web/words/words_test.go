package words

import (
	"encoding/json"
	"errors"
	"html/template"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
)

// texts reads a file as it is, and refuses a key that stands twice.
func texts(t *testing.T, name string) map[string]string {
	t.Helper()
	f, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec, all := json.NewDecoder(f), map[string]string{}
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		t.Fatalf("%s: %v %v", name, open, err)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var text string
		if err := dec.Decode(&text); err != nil {
			t.Fatalf("%s: %v: %v", name, key, err)
		}
		if _, twice := all[key.(string)]; twice {
			t.Errorf("%s: %s stands twice", name, key)
		}
		all[key.(string)] = text
	}
	return all
}

// forms parts a file's keys into plain ones and plurals, with the categories that these have.
func forms(all map[string]string) map[string][]string {
	out := map[string][]string{}
	for key := range all {
		name, category, plural := strings.Cut(key, "#")
		if !plural {
			out[name] = nil
			continue
		}
		out[name] = append(out[name], category)
		slices.Sort(out[name])
	}
	return out
}

// categoriesOf are those that whole numbers have in a language.
func categoriesOf(tag string) []string {
	t, seen := Texts{tag: language.Make(tag)}, []string{}
	for _, n := range []uint64{0, 1, 2, 3, 5, 6, 10, 11, 12, 20, 21, 99, 100, 101, 102, 103, 111, 1_000_000, 10_000_000} {
		if c := t.category(n); !slices.Contains(seen, c) {
			seen = append(seen, c)
		}
	}
	if tag == "es" || tag == "pt" {
		seen = append(seen, "many") // of millions; browsers know it (CLDR 38), golang.org/x/text (CLDR 32) does not, and takes other
	}
	slices.Sort(seen)
	return seen
}

// faults says what a translation lacks, or has too much, or says otherwise than English.
func faults(tag string, english, other map[string]string) []string {
	var out []string
	want, got := forms(english), forms(other)
	for name, of := range want {
		has, ok := got[name]
		switch {
		case !ok:
			out = append(out, name+": is missing")
		case of == nil && has != nil || of != nil && has == nil:
			out = append(out, name+": is a plural in one language and none in the other")
		case of != nil && !slices.Equal(has, categoriesOf(tag)):
			out = append(out, name+": has the forms "+strings.Join(has, " ")+", want "+strings.Join(categoriesOf(tag), " "))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			out = append(out, name+": is no key of English")
		}
	}
	for key, text := range other {
		name, category, plural := strings.Cut(key, "#")
		like, ok := english[key]
		if plural {
			like, ok = english[name+"#other"]
		}
		if !ok {
			continue
		}
		may := slots(like)
		for _, s := range slots(text) {
			if !slices.Contains(may, s) {
				out = append(out, key+": "+s+" is not filled in")
			}
		}
		for _, s := range may { // a form of one number may say it in words
			if !strings.Contains(text, s) && !(s == "{n}" && slices.Contains([]string{"zero", "one", "two"}, category)) {
				out = append(out, key+": lacks "+s)
			}
		}
		if strings.TrimSpace(text) == "" && name != "number.group" {
			out = append(out, key+": is empty")
		}
		for _, mark := range []string{"**", "`"} {
			if strings.Count(text, mark) != strings.Count(like, mark) {
				out = append(out, key+": has other marks "+mark+" than English")
			}
		}
	}
	slices.Sort(out)
	return out
}

func slots(text string) []string { return regexp.MustCompile(`\{[a-z]+\}`).FindAllString(text, -1) }

// TestComplete: every language that is offered says all that English says.
func TestComplete(t *testing.T) {
	names, err := fs.Glob(files, "*/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal("no file", err)
	}
	for _, name := range names {
		tag, file := path.Split(name)
		tag = strings.TrimSuffix(tag, "/")
		if !slices.ContainsFunc(All(), func(l Language) bool { return l.Tag == tag }) {
			t.Errorf("%s is of no language of this house", name)
		}
		for _, fault := range faults(tag, texts(t, English+"/"+file), texts(t, name)) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// TestFaultsAreFound: the test above fails where it should.
func TestFaultsAreFound(t *testing.T) {
	english := map[string]string{"a": "A {x} **b**", "n#one": "{n} day", "n#other": "{n} days"}
	for name, c := range map[string]struct {
		tag   string
		other map[string]string
		want  string
	}{
		"good":            {"es", map[string]string{"a": "**b** {x}", "n#one": "un día", "n#many": "{n} de días", "n#other": "{n} días"}, ""},
		"good, Chinese":   {"zh", map[string]string{"a": "**b** {x}", "n#other": "{n} 天"}, ""},
		"missing":         {"zh", map[string]string{"n#other": "{n} 天"}, "a: is missing"},
		"strange":         {"zh", map[string]string{"a": "**b** {x}", "n#other": "{n} 天", "b": "B"}, "b: is no key of English"},
		"a form less":     {"ar", map[string]string{"a": "**b** {x}", "n#one": "x", "n#other": "{n} x"}, "n: has the forms one other, want few many one other two zero"},
		"a slot less":     {"zh", map[string]string{"a": "**b**", "n#other": "{n} 天"}, "a: lacks {x}"},
		"another slot":    {"zh", map[string]string{"a": "**b** {x} {y}", "n#other": "{n} 天"}, "a: {y} is not filled in"},
		"without number":  {"zh", map[string]string{"a": "**b** {x}", "n#other": "天"}, "n#other: lacks {n}"},
		"a mark less":     {"zh", map[string]string{"a": "b {x}", "n#other": "{n} 天"}, "a: has other marks ** than English"},
		"no plural there": {"zh", map[string]string{"a": "**b** {x}", "n": "{n}"}, "n: is a plural in one language and none in the other"},
	} {
		got := faults(c.tag, english, c.other)
		if c.want == "" && len(got) > 0 || c.want != "" && !slices.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOffered: English is; a language without a file is not.
func TestOffered(t *testing.T) {
	if l := Languages("site"); len(l) == 0 || l[0].Tag != English {
		t.Errorf("offered: %v", l)
	}
	if l := Languages("nothing"); len(l) != 0 {
		t.Errorf("offered of a file that is not there: %v", l)
	}
	if _, err := Load(English, "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Load("xx", "site"); err == nil {
		t.Error("a strange language was loaded")
	}
}

func TestTexts(t *testing.T) {
	en := Texts{tag: language.English, texts: map[string]string{
		"number.group": ",", "number.decimal": ".", "number.percent": "{n} %", "date": "{day} {month} {year}", "month.2": "February", "instant": "{date}, {time} UTC",
		"x": "<{a}> **{b}** `{c}` it's", "d#one": "{n} day", "d#other": "{n} days",
	}}
	if got, want := en.HTML("x", Args{"a": "<&", "b": template.HTML("<i>b</i>"), "c": "{a}**"}), template.HTML("&lt;&lt;&amp;&gt; <strong><i>b</i></strong> <code>{a}**</code> it's"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := en.Text("x", Args{"a": "1", "b": 1234, "c": uint64(5)}); got != "<1> **1,234** `5` it's" {
		t.Error(got)
	}
	for n, want := range map[uint64]string{0: "0 days", 1: "1 day", 2: "2 days", 1_000_001: "1,000,001 days", 10_000_001: "10,000,001 days", 1 << 60: "1,152,921,504,606,846,976 days"} {
		if got := en.Text("d", Args{"n": n}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	es := Texts{tag: language.Spanish, texts: map[string]string{"number.group": ".", "number.decimal": ","}}
	ar := Texts{tag: language.Arabic, texts: map[string]string{"d#zero": "zero", "d#one": "one", "d#two": "two", "d#few": "few", "d#many": "many", "d#other": "other"}}
	for n, want := range map[uint64]string{0: "zero", 1: "one", 2: "two", 3: "few", 11: "many", 100: "other", 10_000_003: "few"} {
		if got := ar.Text("d", Args{"n": n}); got != want {
			t.Errorf("%d in Arabic: %q, want %q", n, got, want)
		}
	}
	for decimal, want := range map[string]string{"0": "0", "123": "123", "1234": "1.234", "-1234567.001": "−1.234.567,001", "0.10": "0,10", "100000000000000000000000.5": "100.000.000.000.000.000.000.000,5"} {
		if got := es.Number(decimal); got != want {
			t.Errorf("%s: %s, want %s", decimal, got, want)
		}
	}
	at := time.Date(2026, 2, 3, 23, 30, 1, 0, time.FixedZone("", -3600))
	if got := en.Instant(at); got != "4 February 2026, 00:30:01 UTC" {
		t.Error(got)
	}
	if got := en.Percent("1234.50"); got != "1,234.50 %" {
		t.Error(got)
	}
	if got := en.Text("nowhere", nil); got != "[nowhere]" {
		t.Error(got)
	}
}

package words

import (
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Texts is what a set of pages says in one language. It never changes.
type Texts struct {
	Language
	tag   language.Tag
	texts map[string]string
}

// Load reads the file of that name in a language; the error wraps fs.ErrNotExist where there is none.
func Load(tag, file string) (*Texts, error) {
	l, err := languageOf(tag)
	if err != nil {
		return nil, err
	}
	raw, err := files.ReadFile(tag + "/" + file + ".json")
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	t := &Texts{Language: l, tag: language.Make(tag)}
	if err := json.Unmarshal(raw, &t.texts); err != nil {
		return nil, fmt.Errorf("words: %s/%s.json: %w", tag, file, err)
	}
	return t, nil
}

// Lang is the language's tag, and whether it is written from right to left.
func (t *Texts) Lang() (tag string, rtl bool) { return t.Tag, t.RTL }

// Args are what a text is filled in with, by name: strings, whole numbers, which are grouped, or HTML.
type Args = map[string]any

// Text is the text of a key as plain text; {n} tells which form of a plural it is. A key that
// is not there shows as itself in brackets: a test of every template finds it.
func (t *Texts) Text(key string, args Args) string {
	return fill(t.form(key, args), func(name string) string { return t.filled(name, args) })
}

// filled is what stands for a name.
func (t *Texts) filled(name string, args Args) string {
	switch v := args[name].(type) {
	case template.HTML:
		return string(v)
	case uint64:
		return t.Count(v)
	case int:
		return t.Number(strconv.Itoa(v))
	case string:
		return t.apart(v)
	default:
		return "{" + name + "}"
	}
}

// apart keeps names and figures in their own order within a text that is written from right to left.
func (t *Texts) apart(s string) string {
	if !t.RTL || s == "" {
		return s
	}
	return "\u2068" + s + "\u2069"
}

var (
	strong = regexp.MustCompile(`\*\*(.+?)\*\*`)
	code   = regexp.MustCompile("`(.+?)`")
)

// HTML is the text with its marks drawn and all else escaped, but what is filled in as HTML.
func (t *Texts) HTML(key string, args Args) template.HTML {
	s := template.HTMLEscapeString(t.form(key, args))
	s = strong.ReplaceAllString(s, "<strong>$1</strong>")
	s = code.ReplaceAllString(s, "<code>$1</code>")
	s = strings.NewReplacer("&#39;", "'", "&#34;", `"`).Replace(s) // both are harmless between tags, and nothing here stands within one
	return template.HTML(fill(s, func(name string) string {        //nolint:gosec // our own file, escaped; what is filled in is escaped below
		if _, ok := args[name].(template.HTML); ok {
			return t.filled(name, args)
		}
		return template.HTMLEscapeString(t.filled(name, args))
	}))
}

// form is the text of a key, before it is filled in.
func (t *Texts) form(key string, args Args) string {
	if text, ok := t.texts[key]; ok {
		return text
	}
	if text, ok := t.texts[key+"#"+t.category(args["n"])]; ok {
		return text
	}
	return "[" + key + "]"
}

// category is the plural category of a whole number, by CLDR.
func (t *Texts) category(n any) string {
	const far = 10_000_000 // beyond it a rule looks at the last digits alone
	i := 0
	switch v := n.(type) {
	case int:
		i = v
	case uint64:
		if v >= far {
			v = far + v%far
		}
		i = int(v) //nolint:gosec // below 2 * far
	}
	return categories[plural.Cardinal.MatchPlural(t.tag, i, 0, 0, 0, 0)]
}

var categories = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

var slot = regexp.MustCompile(`\{[a-z]+\}`)

// fill puts a value in each {name}; what is filled in is not looked at again.
func fill(text string, value func(name string) string) string {
	return slot.ReplaceAllStringFunc(text, func(s string) string { return value(s[1 : len(s)-1]) })
}

// Number writes a decimal, digits with at most one point, exactly: grouped as the language does, and no digit more or less.
func (t *Texts) Number(decimal string) string {
	sign := ""
	if rest, ok := strings.CutPrefix(decimal, "-"); ok {
		sign, decimal = "−", rest
	}
	whole, part, dotted := strings.Cut(decimal, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(t.texts["number.group"])
		}
		b.WriteRune(c)
	}
	if dotted {
		b.WriteString(t.texts["number.decimal"] + part)
	}
	return b.String()
}

// Count writes a whole number.
func (t *Texts) Count(n uint64) string { return t.Number(strconv.FormatUint(n, 10)) }

// Percent writes a ratio in percent, as a statement has it.
func (t *Texts) Percent(ratio string) string {
	return t.Text("number.percent", Args{"n": t.Number(ratio)})
}

// Date writes a day of UTC.
func (t *Texts) Date(at time.Time) string {
	at = at.UTC()
	return t.Text("date", Args{"day": strconv.Itoa(at.Day()), "month": t.Text("month."+strconv.Itoa(int(at.Month())), nil), "year": strconv.Itoa(at.Year())})
}

// Instant writes a time of UTC to the second.
func (t *Texts) Instant(at time.Time) string {
	return t.Text("instant", Args{"date": t.Date(at), "time": at.UTC().Format("15:04:05")})
}

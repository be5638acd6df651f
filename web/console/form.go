package console

import (
	"net/url"
	"slices"
	"strings"
)

// form is one as its page shows it: empty, or as it was sent and why it was refused.
type form struct {
	Action, Submit string
	Danger         bool // it takes something away, or cannot be undone
	File           bool // one of its fields is a file
	Hidden         []hidden
	Fields         []field
	Problem        *problem
	Wrong          int // how many fields are
}

type hidden struct{ Name, Value string }

// field is one thing that is asked for. Kind is text, area, choice, select, file, password, code, number or date.
type field struct {
	Name, Label, Hint, Kind string
	Value                   string
	Chosen                  []string // of a choice
	Options                 []option
	Required                bool
	Most                    int    // characters
	Auto                    string // what browsers may fill in
	Error                   string // what is wrong with it
	Rule                    string // what the error says in place of the API's own words
}

type option struct{ Value, Label, Hint string }

// Has reports whether an option is chosen.
func (f field) Has(value string) bool {
	return f.Value == value || slices.Contains(f.Chosen, value)
}

// Describes are the ids of what describes the field.
func (f field) Describes() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// hide adds fields that are not shown.
func (f *form) hide(pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Hidden = append(f.Hidden, hidden{pairs[i], pairs[i+1]})
	}
}

// fill puts back what was sent.
func (f *form) fill(sent url.Values) {
	for i := range f.Fields {
		one := &f.Fields[i]
		switch one.Kind {
		case "choice":
			one.Chosen = sent[one.Name]
		case "password", "code", "file":
		default:
			one.Value = sent.Get(one.Name)
		}
	}
}

// blame says beside each field what the API found wrong with it, and the rest above all.
func (f *form) blame(p *problem) {
	f.Problem = p
	defer func() {
		if f.Wrong > 0 {
			p.Detail = "Look once more at what is marked here: nothing was done yet."
		}
	}()
	for _, e := range p.Errors {
		name, _, _ := strings.Cut(strings.TrimPrefix(e.Location, "body."), "[")
		name = strings.TrimPrefix(name, "change.")
		f.mark(strings.ToLower(strings.ReplaceAll(name, ".", "-")), e.Message)
	}
	if name, text, found := strings.Cut(p.Detail, ": "); found && len(p.Errors) == 0 {
		f.mark(strings.ToLower(name), text)
	}
}

func (f *form) mark(name, text string) {
	i := slices.IndexFunc(f.Fields, func(one field) bool { return one.Name == name })
	if i < 0 || f.Fields[i].Error != "" {
		return
	}
	if f.Fields[i].Rule != "" {
		text = f.Fields[i].Rule
	}
	f.Fields[i].Error = sentence(text)
	f.Wrong++
}

// lines are what stands in a field of several lines, each once.
func lines(text string) []string {
	var all []string
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' }) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(all, line) {
			all = append(all, line)
		}
	}
	return all
}

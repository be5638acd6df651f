package report

import (
	"fmt"
	"strings"
	"unicode"
)

// Forbidden lists the words that no template of a report uses: each claims more than
// a report can show.
func Forbidden() []string {
	return []string{"audited", "fully audited", "guarantee", "guarantees", "guaranteed", "proves solvency", "proof of solvency",
		"100 % safe", "100% safe", "certified by", "risk-free", "cannot fail"}
}

// Required lists the words that every report says.
func Required() []string {
	return []string{"at this instant", "procedures", "does not cover", "not an audit"}
}

// CheckWording reports the first forbidden word that text uses, or required word that
// it lacks. Text is what a reader sees, without markup.
func CheckWording(text string) error {
	if f := forbidden(text); f != "" {
		return fmt.Errorf("wording: it says %q, which no report can show", f)
	}
	plain := " " + words(text) + " "
	for _, r := range Required() {
		if !strings.Contains(plain, " "+words(r)+" ") {
			return fmt.Errorf("wording: it does not say %q", r)
		}
	}
	return nil
}

// forbidden returns the first forbidden word that text uses, or nothing.
func forbidden(text string) string {
	plain := " " + words(text) + " "
	for _, f := range Forbidden() {
		if strings.Contains(plain, " "+words(f)+" ") {
			return f
		}
	}
	return ""
}

// words is text in lower case with one blank between words and no other sign but %.
func words(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '%'
	}), " ")
}

// Finding says in plain words how what is counted of an asset stands to what is owed.
// There is no other wording and no switch: a shortfall is always called one.
func (c Coverage) Finding() string {
	switch {
	case c.Hidden() && c.Counted.IsZero():
		return "Nothing is counted and nothing is owed in this asset at this instant."
	case c.Hidden():
		return "At this instant the reserves counted are at least what customers are owed. How much that is, is not shown."
	case c.Shortfall != nil:
		return "Shortfall: at this instant the reserves counted are less than what customers are owed."
	case c.Liabilities.IsZero():
		return "Nothing is owed in this asset at this instant."
	case c.Surplus != nil && c.Surplus.IsZero():
		return "At this instant the reserves counted equal what customers are owed."
	}
	return "At this instant the reserves counted are more than what customers are owed."
}

package render

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

// Frame is what a site puts around a report; the zero value is the page by itself. It is
// drawn before, of templates that escape what they fill in.
type Frame struct {
	Title    string        // instead of the page's own
	Head     template.HTML // for the page's head: the languages, the feed
	Top      template.HTML // the site's own header
	State    template.HTML // what became of the statement, before all else
	Sections []Section     // after the result
	Files    template.HTML // a section of what can be downloaded, with the id files
	Foot     template.HTML
	Script   template.JS // for the search among accounts; it is let in by its hash alone
	Style    string      // after the page's own
	Lines    int         // how many accounts are listed at most; fewer than the page has by itself are as many
}

// Section is a section of the page with its place in the list of sections.
type Section struct {
	ID, Name string
	HTML     template.HTML
}

// ScriptHash is what the page's policy names the script by.
func (f Frame) ScriptHash() string {
	if f.Script == "" {
		return ""
	}
	return Hash(string(f.Script))
}

// Hash is how a policy names what a page has inside: SHA-256 in base64.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Style is how the pages of reports look, for those that stand beside them.
func Style() string { return style }

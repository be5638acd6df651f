// Package render shows a signed report to people, as one page that needs nothing else.
//
// The page is HTML with its style and its chart inside. It runs no script and asks
// no network: its own policy forbids both. It is drawn from the exact bytes that
// were signed and carries their digest; where it and the statement could differ,
// it is not drawn at all:
//
//	err := render.HTML(w, render.Files{Envelope: envelope, Lines: lines})
//
// The same input gives the same page, byte for byte. A shortfall is said in words,
// framed, and before all else; nothing here can turn that off.
package render

// Package app holds the page by which customers check their proofs: one file, with everything in it, that asks nobody anything. Its sources are TypeScript
// (src/page, and a verifier of its own in src/verifier); `make page` builds them into dist, which is embedded, so that nobody else needs Node.
//
//	verify.html        the page with a second opinion: the verifier in Go, as WebAssembly
//	verify-small.html  the same page with the verifier in TypeScript alone
//	widget.js          shows on any page what became of an exchange's newest report (widget)
package app

import "embed"

//go:embed dist
var dist embed.FS

// Page is verify.html, nil if this tree holds no built page.
func Page() []byte { return built("verify.html") }

// Small is verify-small.html, nil if this tree holds no built page.
func Small() []byte { return built("verify-small.html") }

// Widget is widget.js, nil if this tree holds no built one.
func Widget() []byte { return built("widget.js") }

func built(name string) []byte {
	file, err := dist.ReadFile("dist/" + name)
	if err != nil {
		return nil
	}
	return file
}

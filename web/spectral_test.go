package web_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/assay-por/assay/web/api"
)

// ruleset is what spectral holds the document to: the rules of OpenAPI, and OWASP's.
const ruleset = `
extends: ["spectral:oas", %q]
overrides:
  - files: [%s] # no page of anybody's asks for what is not for everybody, nor signs anybody in
    rules:
      "owasp:api8:2023-define-cors-origin": off
  - files: [%s] # who signs in has no credential yet
    rules:
      "owasp:api2:2023-write-restricted": off
`

// apart names the paths of a document, as spectral does, that are not answered to everybody alike, and those of them by which people sign in.
func apart(t *testing.T, doc *openapi3.T) (all, signs string) {
	name := func(path string) string {
		return strconv.Quote("**#/paths/" + strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D", ":", "%3A").Replace(path))
	}
	var private, open []string
	for route := range guarded(t, doc) {
		_, path, _ := strings.Cut(route, " ")
		private = append(private, name(path))
	}
	for path, item := range doc.Paths.Map() {
		if strings.HasPrefix(path, api.SignPath) && item.Post.Security == nil {
			open = append(open, name(path))
		}
	}
	if len(open) != 7 {
		t.Errorf("%d paths by which people sign in", len(open))
	}
	return strings.Join(append(private, open...), ", "), strings.Join(open, ", ")
}

// TestSpectral: an outside judge finds no error in the document (make judges has it).
func TestSpectral(t *testing.T) {
	modules, err := filepath.Abs("../build/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	spectral, rules := filepath.Join(modules, ".bin", "spectral"), filepath.Join(modules, "@stoplight", "spectral-owasp-ruleset", "dist", "ruleset.js")
	for _, name := range []string{spectral, rules} {
		if _, err := os.Stat(name); err != nil {
			t.Skipf("no spectral to judge the document: make judges (%v)", err)
		}
	}
	o, dir := newOffice(t), t.TempDir()
	all := o.h
	private, signs := apart(t, document(t, all))
	write(t, filepath.Join(dir, ".spectral.yaml"), fmt.Sprintf(ruleset, rules, private, signs))
	write(t, filepath.Join(dir, "openapi.json"), ask(all, "GET", "/openapi.json").Body.String())
	write(t, filepath.Join(dir, "openapi.yaml"), ask(all, "GET", "/openapi.yaml").Body.String())
	args := []string{"lint", "openapi.json", "--ruleset", ".spectral.yaml", "--fail-severity", "error", "--display-only-failures"}
	if os.Getenv("ASSAY_SECURITY") != "" { // it takes as long again, and says the same
		args = append(args, "openapi.yaml")
	}
	cmd := exec.CommandContext(t.Context(), spectral, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	write(t, filepath.Join(dir, "openapi.json"), `{"openapi": "3.1.0"}`)
	cmd = exec.CommandContext(t.Context(), spectral, "lint", "openapi.json", "--ruleset", ".spectral.yaml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("spectral finds nothing wrong with a document that says nothing: %s", out)
	}
}

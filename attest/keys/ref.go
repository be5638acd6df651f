package keys

import (
	"fmt"
	"strings"
)

// SchemeError is returned for a key reference this version cannot follow.
type SchemeError struct{ Scheme string }

// Error names the scheme and says what can be used instead.
func (e *SchemeError) Error() string {
	switch e.Scheme {
	case "pkcs11", "transit":
		return fmt.Sprintf("key references with %q are not supported: this version has file keys only; write file:PATH", e.Scheme+":")
	case "":
		return "a key reference needs a scheme: write file:PATH"
	}
	return fmt.Sprintf("unknown scheme %q in a key reference: write file:PATH", e.Scheme+":")
}

// FilePath returns the path that a reference "file:PATH" names. A relative path is
// the caller's to place.
func FilePath(ref string) (string, error) {
	scheme, path, ok := strings.Cut(ref, ":")
	if !ok {
		return "", &SchemeError{}
	}
	if scheme != "file" {
		return "", &SchemeError{Scheme: scheme}
	}
	if path == "" {
		return "", fmt.Errorf("the key reference %q names no file", ref)
	}
	return path, nil
}

// PublicPath returns where the public half of the sealed file at path lies.
func PublicPath(path string) string { return strings.TrimSuffix(path, ".age") + ".pub" }

package report

import "github.com/assay-por/assay/attest"

// AnchorJSON returns the file of an anchor (SPEC part 26).
func AnchorJSON(file any) ([]byte, error) { return attest.Canonical(file) }

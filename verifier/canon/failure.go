package canon

import "fmt"

// FormatError says that bytes are not of the format they claim (SPEC part 17, exit 3). It names the field, and never a customer's id
// or balance.
type FormatError struct {
	Field   string // where: balances[3].amount; empty for the file as a whole
	Problem string
}

// Error gives the field and what is wrong with it.
func (e *FormatError) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// VersionError says that a file is of a version that this verifier does not know (SPEC part 17, exit 4).
type VersionError struct{ Got, Want string }

// Error gives the version found and the version known.
func (e *VersionError) Error() string {
	return fmt.Sprintf("version %q, this verifier knows %q: use a newer assay-verify", e.Got, e.Want)
}

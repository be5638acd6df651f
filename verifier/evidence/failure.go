package evidence

import "fmt"

// FormatError says that input is not of its format (SPEC parts 2, 12, 13 and 14): it cannot be read, so nothing was checked.
type FormatError struct {
	Field   string // where: balances[3].amount
	Problem string
}

func (e *FormatError) Error() string { return e.Field + ": " + e.Problem }

// VersionError says that a file is of another version of its format (SPEC part 17).
type VersionError struct {
	Got, Want string // the two type strings
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("type: unsupported version: got %s, want %s", e.Got, e.Want)
}

// CheckError says that input was read and that one of the checks of SPEC parts 12 to 14 is false.
type CheckError struct {
	Field   string // what was being checked: balances[3]
	Problem string
	Got     string
	Want    string
}

func (e *CheckError) Error() string {
	return fmt.Sprintf("%s: %s: got %s, want %s", e.Field, e.Problem, e.Got, e.Want)
}

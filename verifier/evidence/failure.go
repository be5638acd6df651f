package evidence

import "fmt"

// CheckError says that input was read and that one of the checks of SPEC parts 12 to 14 is false.
type CheckError struct {
	Field   string // what was being checked: balances[3]
	Problem string
	Got     string
	Want    string
}

// Error says what failed, what was got and what was wanted.
func (e *CheckError) Error() string {
	return fmt.Sprintf("%s: %s: got %s, want %s", e.Field, e.Problem, e.Got, e.Want)
}

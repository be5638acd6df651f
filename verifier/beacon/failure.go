package beacon

import "fmt"

// CheckError says that evidence was read and that one of the steps of SPEC part 22 is false.
type CheckError struct {
	Field   string // what was being checked: updates[3].signature
	Problem string
	Got     string
	Want    string
}

// Error says what failed, what was got and what was wanted.
func (e *CheckError) Error() string {
	return fmt.Sprintf("%s: %s: got %s, want %s", e.Field, e.Problem, e.Got, e.Want)
}

//go:build !amd64

package confidential

// clean is for amd64.
func clean() {}

//go:build unix && !(linux || darwin || freebsd || dragonfly)

package main

import "errors"

// freeSpace is not told by these systems in a way that they share.
func freeSpace(string) (int64, error) { return 0, errors.ErrUnsupported }

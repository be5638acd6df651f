//go:build !linux

package store

import "syscall"

// noSilence leaves it to the system when a connection ends whose other end acknowledges nothing.
func noSilence(_, _ string, _ syscall.RawConn) error { return nil }

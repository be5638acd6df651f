package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

// noCores keeps private keys out of core dumps, also those that are piped to a program, and out of sight of other processes of
// this user.
func noCores() error {
	return errors.Join(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}), unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

//go:build unix && !linux

package main

import "golang.org/x/sys/unix"

// noCores keeps private keys out of core dumps.
func noCores() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }

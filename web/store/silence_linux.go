package store

import (
	"errors"
	"syscall"

	sys "golang.org/x/sys/unix"
)

// noSilence ends a connection whose other end acknowledges nothing for ten seconds; otherwise that takes a quarter of an hour.
func noSilence(_, _ string, conn syscall.RawConn) error {
	var set error
	err := conn.Control(func(fd uintptr) { set = sys.SetsockoptInt(int(fd), sys.IPPROTO_TCP, sys.TCP_USER_TIMEOUT, 10_000) })
	if errors.Is(set, sys.EOPNOTSUPP) || errors.Is(set, sys.ENOPROTOOPT) { // a Unix socket
		set = nil
	}
	return errors.Join(err, set)
}

//go:build linux || darwin || freebsd || dragonfly

package main

import "golang.org/x/sys/unix"

// freeSpace is how many bytes an ordinary user can still write to the disk that holds dir.
func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, unreadable("%s: %v", dir, err)
	}
	return mulDiv(max(int64(st.Bavail), 0), int64(st.Bsize), 1), nil //nolint:gosec,unconvert // types differ by system
}

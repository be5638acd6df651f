//go:build !linux

package build

import "testing"

func forget(b *testing.B, _ string) {
	b.Helper()
	b.Skip("skipped: only Linux is told to forget a file")
}

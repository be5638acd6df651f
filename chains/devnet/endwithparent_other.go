//go:build !linux

package devnet

import "syscall"

// endWithParent asks for nothing here: only Close ends the child.
func endWithParent() *syscall.SysProcAttr { return nil }

package devnet

import "syscall"

// endWithParent has the system end the child when this process dies, however
// it dies.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}

package store

import (
	"context"
	"net"
	"path/filepath"
	"testing"

	sys "golang.org/x/sys/unix"
)

// TestNoSilence: a connection is not waited for that says nothing any more, and a Unix socket needs no such thing.
func TestNoSilence(t *testing.T) {
	for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "s")} {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		conn, err := dial(context.Background(), network, l.Addr().String())
		if err != nil {
			t.Fatalf("%s: %v", network, err)
		}
		defer conn.Close()
		over, ok := conn.(discreet).Conn.(*net.TCPConn)
		if !ok {
			continue
		}
		raw, err := over.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		waits := 0
		err = raw.Control(func(fd uintptr) { waits, _ = sys.GetsockoptInt(int(fd), sys.IPPROTO_TCP, sys.TCP_USER_TIMEOUT) })
		if err != nil || waits != 10_000 {
			t.Errorf("it is waited for %d ms: %v", waits, err)
		}
	}
}

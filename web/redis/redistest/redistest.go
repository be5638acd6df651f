// Package redistest runs a real Redis for tests.
package redistest

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Server is a real Redis that keeps nothing on a disk: what it held is gone when it is killed. It listens at a socket.
type Server struct {
	URL string

	program, dir string
	more         []string
	server       *exec.Cmd
}

// Start starts one, with more settings. The test is skipped where there is none.
func Start(t testing.TB, more ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("skipped: there is no redis-server; on Debian type: apt-get install -y --no-install-recommends redis-server")
	}
	dir, err := os.MkdirTemp("", "assay-redis-") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "unix://" + filepath.Join(dir, "s"), program: program, dir: dir, more: more}
	s.Begin(t)
	t.Cleanup(func() {
		s.Kill(t)
		_ = os.RemoveAll(dir)
	})
	return s
}

// Begin starts it, and waits until it answers.
func (s *Server) Begin(t testing.TB) {
	t.Helper()
	s.server = exec.Command(s.program, append([]string{"--port", "0", "--unixsocket", filepath.Join(s.dir, "s"), "--save", "", "--appendonly", "no", "--dir", s.dir}, s.more...)...) //nolint:gosec // a real one
	if err := s.server.Start(); err != nil {
		t.Fatal(err)
	}
	var err error
	for range 600 {
		if err = s.ping(); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("redis-server is not ready: %v", err)
}

func (s *Server) ping() error { return s.says("PING", "+PONG") }

// Empty has it forget all that it knows, as one who types FLUSHALL does.
func (s *Server) Empty(t testing.TB) {
	t.Helper()
	if err := s.says("FLUSHALL", "+OK"); err != nil {
		t.Fatal(err)
	}
}

// says sends a command, and holds what is answered to what it must be.
func (s *Server) says(command, want string) error {
	conn, err := net.Dial("unix", filepath.Join(s.dir, "s"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		return err
	}
	answer := make([]byte, len(want)+2)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != want+"\r\n" {
		return fmt.Errorf("it answers %q: %w", answer, err)
	}
	return nil
}

// Kill ends it as a crash would; nothing is left. Begin starts it again.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.server.Wait() // it was killed
}

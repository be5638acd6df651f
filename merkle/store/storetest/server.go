// Package storetest starts a real S3-compatible server for tests: versitygw, which make builds.
package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// What the server asks for, and no error may repeat.
const (
	AccessKey = "canaryaccess"
	SecretKey = "canary-secret-4711"
	Region    = "eu-test-1"
)

// Name is the bucket that the server has.
const Name = "assay-test"

// Server is a server that listens at a port of the loopback address; its data go with the test.
type Server struct {
	Address string // host and port
	Folder  string // of the bucket: an object is a file below it
	process *exec.Cmd
	again   func() error // starts it at its address
	ended   chan struct{}
	said    bytes.Buffer
}

// Start starts a server, with further flags of versitygw, or skips the test where there is none.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	program := filepath.Join(filepath.Dir(here), "../../../build/bin/versitygw")
	if _, err := os.Stat(program); err != nil {
		t.Skip("skipped: there is no versitygw; type: make versitygw")
	}
	dir := t.TempDir()
	s := &Server{Folder: filepath.Join(dir, "data", Name)}
	for _, folder := range []string{s.Folder, filepath.Join(dir, "meta")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	const tries = 3 // another process may take the free port first
	for try := 1; ; try++ {
		err := s.start(program, dir, flags)
		if err == nil {
			t.Cleanup(s.Kill)
			return s
		}
		if try == tries {
			t.Fatal(err)
		}
	}
}

func (s *Server) start(program, dir string, flags []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.Address = l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	s.again = func() error { return s.startHere(program, dir, flags) }
	return s.again()
}

func (s *Server) startHere(program, dir string, flags []string) error {
	s.said.Reset()
	args := append([]string{"--port", s.Address, "--region", Region, "--quiet"}, flags...)
	s.process = exec.Command(program, append(args, "posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))...) //nolint:gosec // G204: a server for tests
	s.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	s.process.Stdout, s.process.Stderr = &s.said, &s.said
	if err := s.process.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // it is killed in the end
	}()
	var err error
	for range 2000 {
		var conn net.Conn
		if conn, err = net.Dial("tcp", s.Address); err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return errors.New("versitygw ended: " + s.said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.Kill()
	return fmt.Errorf("versitygw is not ready: %w %s", err, s.said.String())
}

// Kill ends the server, as a loss of power would.
func (s *Server) Kill() {
	_ = s.process.Process.Kill() // it may have ended
	<-s.ended
}

// Begin starts a server that was killed again, at the address and with the data that it had.
func (s *Server) Begin(t testing.TB) {
	t.Helper()
	err := s.again()
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); err = s.again() { // a connection of somebody else may have the port for now
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Signal sends the server a signal.
func (s *Server) Signal(sig os.Signal) error { return s.process.Process.Signal(sig) }

// Client returns a client with the access key and any secret, of a server without TLS.
func (s *Server) Client(secret string) (*minio.Client, error) {
	return minio.New(s.Address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, secret, ""), Region: Region, MaxRetries: 2})
}

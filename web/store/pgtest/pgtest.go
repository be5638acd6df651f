// Package pgtest has a room's tests run a second time, on a real PostgreSQL: what they keep in a file of SQLite otherwise lies in
// a schema there.
package pgtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// variable is set where tests run on PostgreSQL: to where it is.
const variable = "ASSAY_TEST_POSTGRES"

// URL is where what would be a file at a path lies, if tests run on PostgreSQL; else it is empty.
func URL(path string) string {
	at := os.Getenv(variable)
	if at == "" {
		return ""
	}
	return at + " search_path=" + schema(path)
}

// SQL has psql run commands on what would be a file at a path, and reports whether that is where the tests run.
func SQL(t testing.TB, path, commands string) (out string, there bool) {
	t.Helper()
	at := os.Getenv(variable)
	if at == "" {
		return "", false
	}
	commands = regexp.MustCompile(`\bx'([0-9a-f]+)'`).ReplaceAllString(commands, `'\x$1'`)  // bytes, as SQLite has them
	cmd := exec.Command("psql", "-X", "-d", at, "-v", "ON_ERROR_STOP=1", "-qAtc", commands) //nolint:gosec // of a test
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c search_path="+schema(path))
	raw, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("psql: %v: %s", err, raw)
	}
	return string(raw), true
}

func schema(path string) string {
	sum := sha256.Sum256([]byte(path))
	return fmt.Sprintf("t_%x", sum[:16])
}

// OfFiles skips a test of what only a file of SQLite has.
func OfFiles(t testing.TB) {
	t.Helper()
	if os.Getenv(variable) != "" {
		t.Skip("of SQLite")
	}
}

// Again runs tests of a room, or all but the one that calls it, on a PostgreSQL that is there for them alone.
func Again(t *testing.T, names ...string) {
	t.Helper()
	s := Start(t)
	args := []string{"-test.skip=^" + t.Name() + "$"}
	if len(names) > 0 {
		args = append(args, "-test.run=^("+strings.Join(names, "|")+")$")
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	cmd := exec.Command(os.Args[0], args...) //nolint:gosec // these tests
	cmd.Env = append(os.Environ(), variable+"="+s.URL)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("on PostgreSQL: %v\n%s", err, out)
	}
	if schemas := s.Do(t, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 't\\_%'"); schemas == "0" {
		t.Error("no test was run on PostgreSQL")
	}
}

// Server is a real PostgreSQL, whose data go with the test. It listens at a socket.
type Server struct {
	URL string

	bin, dir string
	as       *syscall.SysProcAttr
	server   *exec.Cmd
	ended    chan error
}

// Start starts one. The test is skipped where there is none.
func Start(t testing.TB) *Server {
	t.Helper()
	path, err := exec.LookPath("postgres")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		path, err = found[len(found)-1], nil // Debian keeps it off the path
	}
	if err != nil {
		t.Skip("skipped: there is no PostgreSQL; on Debian type: apt-get install -y --no-install-recommends postgresql")
	}
	s := &Server{bin: filepath.Dir(path), as: new(syscall.SysProcAttr)}
	if s.dir, err = os.MkdirTemp("", "assay-pg-"); err != nil { //nolint:usetesting // a socket's path is short, and the server's user must get there
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	s.lower(t)
	s.URL = "host=" + s.dir + " port=" + port(t) + " user=assay dbname=postgres"
	if out, err := s.command("initdb", "-D", s.data(), "-U", "assay", "--auth", "trust", "-E", "UTF8", "--locale", "C", "-N").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	s.Begin(t)
	t.Cleanup(func() {
		_ = s.server.Process.Signal(syscall.SIGQUIT)
		<-s.ended
	})
	return s
}

// Process is the server's own, which begins one for each session.
func (s *Server) Process() *os.Process { return s.server.Process }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// lower gives the folder to an ordinary user, where this one is root: the server refuses to be root's.
func (s *Server) lower(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("skipped: this is root, and there is no user postgres whom the server could run as")
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	s.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)} //nolint:gosec // ids of users
	if err := os.Chown(s.dir, uid, gid); err != nil {
		t.Fatal(err)
	}
}

// port names the socket: two servers in one folder of sockets need two ports, and here each has a folder of its own.
func port(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...) //nolint:gosec // of PostgreSQL
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	return cmd
}

// Do runs a command of SQL in a session of its own.
func (s *Server) Do(t testing.TB, command string) string {
	t.Helper()
	out, err := s.psql(command)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *Server) psql(command string) (string, error) {
	out, err := s.command("psql", "-X", "-d", s.URL, "-v", "ON_ERROR_STOP=1", "-qAtc", command).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Begin starts the server, and waits until it answers.
func (s *Server) Begin(t testing.TB) {
	t.Helper()
	_, after, _ := strings.Cut(s.URL, "port=")
	at, _, _ := strings.Cut(after, " ")
	s.server = s.command("postgres", "-D", s.data(), "-p", at, "-c", "listen_addresses=", "-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200")
	if err := s.server.Start(); err != nil {
		t.Fatal(err)
	}
	s.ended = make(chan error, 1)
	go func() { s.ended <- s.server.Wait() }()
	var err error
	for range 600 {
		if _, err = s.psql("SELECT 1"); err == nil {
			return
		}
		select {
		case <-s.ended:
			t.Fatal(errors.Join(errors.New("postgres ended"), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("postgres is not ready: %v", err)
}

// Kill ends the server as a crash would, its sessions too. Begin starts it again.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.server.Process.Signal(syscall.SIGQUIT); err != nil { // immediate shutdown: all processes end without a word, and the log is gone through at the next start
		t.Fatal(err)
	}
	<-s.ended
}

package queue

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// postgres is a real PostgreSQL server at a socket.
type postgres struct {
	bin, dir string
	port     int
	as       *syscall.SysProcAttr
	server   *exec.Cmd
}

var errNoPostgres = errors.New("there is no PostgreSQL; on Debian type: apt-get install -y --no-install-recommends postgresql")

// shared is the server of all tests that do not harm it; TestMain ends it.
var shared = sync.OnceValues(startPostgres)

func usePostgres(t *testing.T, start func() (*postgres, error)) *postgres {
	t.Helper()
	p, err := start()
	if errors.Is(err, errNoPostgres) {
		t.Skip("skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func startPostgres() (*postgres, error) {
	path, err := exec.LookPath("postgres")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		path, err = found[len(found)-1], nil // Debian keeps it off the path
	}
	if err != nil {
		return nil, errNoPostgres
	}
	p := &postgres{bin: filepath.Dir(path), as: new(syscall.SysProcAttr)}
	if p.dir, err = os.MkdirTemp("", "assay-queue-"); err != nil { // a socket's path is short
		return nil, err
	}
	if err := errors.Join(p.lower(), p.run("initdb", "-D", p.data(), "-U", "queue", "--auth", "trust", "-E", "UTF8", "--locale", "C", "-N"), p.choosePort()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(p.dir))
	}
	return p, p.start()
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

// lower gives the folder to an ordinary user, where this one is root: the server refuses to be root's.
func (p *postgres) lower() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("%w (and a user postgres, as this one is root)", errNoPostgres)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(p.dir, uid, gid)
}

// choosePort names the socket: two servers in one folder of sockets need two ports, and here each has a folder of its own.
func (p *postgres) choosePort() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

func (p *postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = p.dir, p.as
	return cmd
}

func (p *postgres) run(program string, args ...string) error {
	if out, err := p.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

func (p *postgres) start() error {
	p.server = p.command("postgres", "-D", p.data(), "-p", strconv.Itoa(p.port), "-c", "listen_addresses=", "-c", "unix_socket_directories="+p.dir, "-c", "fsync=off")
	if err := p.server.Start(); err != nil {
		return err
	}
	var err error
	for range 2000 {
		if err = p.run("psql", "-X", "-h", p.dir, "-p", strconv.Itoa(p.port), "-U", "queue", "-d", "postgres", "-c", "SELECT 1"); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(err, p.stop())
}

// stop ends all sessions, and the server.
func (p *postgres) stop() error {
	return errors.Join(p.server.Process.Signal(syscall.SIGINT), p.server.Wait())
}

func (p *postgres) remove() error { return errors.Join(p.stop(), os.RemoveAll(p.dir)) }

func (p *postgres) url() string {
	return fmt.Sprintf("host=%s port=%d user=queue dbname=postgres pool_max_conns=4", p.dir, p.port)
}

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postgres is a real PostgreSQL server, whose data go with the test. It listens at a socket and at a port of the loopback address.
type postgres struct {
	bin, socket, data string
	port              int
	as                *syscall.SysProcAttr
	server            *exec.Cmd
	said              bytes.Buffer
}

// Words that no error may repeat.
const (
	postgresUser     = "canaryuser"
	postgresPassword = "canary-password-4711"
)

func startPostgres(t testing.TB, args ...string) *postgres {
	t.Helper()
	path, err := exec.LookPath("postgres")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		path, err = found[len(found)-1], nil // Debian keeps it off the path
	}
	if err != nil {
		t.Skip("skipped: there is no PostgreSQL; on Debian type: apt-get install -y --no-install-recommends postgresql")
	}
	p := &postgres{bin: filepath.Dir(path), as: new(syscall.SysProcAttr)}
	if p.socket, err = os.MkdirTemp("", "assay-pg-"); err != nil { //nolint:usetesting // a socket's path is short, and the server's user must get there
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.socket) })
	p.data = filepath.Join(p.socket, "data")
	p.lower(t)
	password := filepath.Join(p.socket, "password")
	if err := os.WriteFile(password, []byte(postgresPassword), 0o644); err != nil {
		t.Fatal(err)
	}
	p.must(t, "initdb", "-D", p.data, "-U", postgresUser, "--pwfile", password, "--auth", "scram-sha-256", "-E", "UTF8", "--locale", "C", "-N")
	const tries = 3 // another process may take the free port first
	for try := 1; ; try++ {
		if err = p.start(t, args); err == nil {
			return p
		} else if try == tries {
			t.Fatal(err)
		}
	}
}

// lower gives the folder to an ordinary user, where this one is root: the server refuses to be root's.
func (p *postgres) lower(t testing.TB) {
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
	p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chown(p.socket, uid, gid); err != nil {
		t.Fatal(err)
	}
}

func (p *postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = p.socket, p.as
	cmd.Env = append(os.Environ(), "PGPASSWORD="+postgresPassword)
	return cmd
}

func (p *postgres) must(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := p.command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	return string(out)
}

func (p *postgres) start(t testing.TB, args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	p.said.Reset()
	p.server = p.command("postgres", append([]string{"-D", p.data, "-p", strconv.Itoa(p.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + p.socket, "-c", "fsync=off"}, args...)...)
	p.server.Stdout, p.server.Stderr = &p.said, &p.said
	if err := p.server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.server.Wait() }()
	var answer []byte
	for range 2000 {
		if answer, err = p.command("psql", p.psql("SELECT 1")...).CombinedOutput(); err == nil {
			t.Cleanup(func() {
				_ = p.server.Process.Signal(syscall.SIGINT) // ends all sessions
				<-ended
			})
			return nil
		}
		select {
		case <-ended:
			return errors.New("postgres ended: " + p.said.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	_ = p.server.Process.Kill()
	<-ended
	return fmt.Errorf("postgres is not ready: %w %s %s", err, answer, p.said.String())
}

func (p *postgres) psql(command string) []string {
	return []string{"-X", "-h", p.socket, "-p", strconv.Itoa(p.port), "-U", postgresUser, "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-qAtc", command}
}

// do runs a command of SQL in a session of its own.
func (p *postgres) do(t testing.TB, command string) string {
	t.Helper()
	return strings.TrimSpace(p.must(t, "psql", p.psql(command)...))
}

// url is where the server is: at a host, with further parameters, or at its socket.
func (p *postgres) url(host, parameters string) string {
	if host == "" {
		return fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=postgres", p.socket, p.port, postgresUser, postgresPassword)
	}
	return fmt.Sprintf("postgres://%s:%s@%s:%d/postgres?%s", postgresUser, postgresPassword, host, p.port, parameters)
}

// asking are the pids of the sessions that assay asks in and that match a condition.
func (p *postgres) asking(t testing.TB, condition string) []int {
	t.Helper()
	var pids []int
	for _, line := range strings.Fields(p.do(t, "SELECT pid FROM pg_stat_activity WHERE application_name = 'assay' AND "+condition)) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// certificate makes a certificate for the server. It returns its path; the key lies beside it.
func (p *postgres) certificate(t testing.TB, name string) string {
	t.Helper()
	path := selfSigned(t, p.socket, name)
	if who := p.as.Credential; who != nil {
		for _, file := range []string{path, path + ".key"} {
			if err := os.Chown(file, int(who.Uid), int(who.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return path
}

// selfSigned makes a certificate of 127.0.0.1, signed by itself, in a folder. It returns its path; the key lies beside it.
func selfSigned(t testing.TB, dir, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, of, of, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name+".pem")
	for file, block := range map[string]*pem.Block{path: {Type: "CERTIFICATE", Bytes: certificate}, path + ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// waitFor waits until something is so.
func waitFor(t testing.TB, what string, so func() bool) {
	t.Helper()
	for range 6000 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("after five minutes: still not %s", what)
}

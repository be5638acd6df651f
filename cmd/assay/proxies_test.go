package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-por/assay/web/client"
)

// haproxy runs a real one before a server until the test ends, and returns its address.
func haproxy(t *testing.T, mode, server string) string {
	t.Helper()
	return balanced(t, func(address string) string {
		return "defaults\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n" + mode + "listen front\n bind " + address + "\n server assay " + server + "\n"
	})
}

// balanced runs a real haproxy until the test ends, by a configuration that is told where to listen, and returns that address.
func balanced(t *testing.T, config func(address string) string) string {
	t.Helper()
	program, err := exec.LookPath("haproxy")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/haproxy"); err != nil {
			t.Skip("no haproxy: apt-get install haproxy")
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := listener.(*net.TCPListener).File() // haproxy's third, which nobody else can take
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(config("fd@3")), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-db", "-f", file)
	cmd.ExtraFiles = []*os.File{socket}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return listener.Addr().String()
}

// TestBehindHAProxy: behind a real balancer, of TCP or of HTTP, networks of API keys are those of the clients, whatever they claim.
func TestBehindHAProxy(t *testing.T) {
	for name, tt := range map[string]struct {
		lines, mode, server string
	}{
		"TCP, PROXY v2":         {"trusted_proxies = [\"127.0.0.1\"]\nclient_address = \"proxy-v2\"\n", " mode tcp\n", "%s send-proxy-v2"},
		"HTTP, X-Forwarded-For": {"trusted_proxies = [\"127.0.0.1\"]\nclient_address = \"X-Forwarded-For\"\n", " mode http\n option forwardfor\n", "%s"},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := "https://"
			d := newDoorWith(t, nil, tt.lines)
			s, server := d.server, strings.TrimPrefix(d.url, "https://")
			if strings.Contains(tt.mode, "http") { // haproxy would speak TLS to the client; here nobody does
				s.write(t, "plain.toml", strings.NewReplacer("certificate = \"cert.pem\"\n", "", "certificate_key = \"key.pem\"\n", "").Replace(read(t, s.dir, "assay.toml")))
				url, _, _ := servingProcess(t, s.dir, s.exchange.assay, opened("serve", "--config", "plain.toml", "--listen", "127.0.0.1:0")...)
				scheme, server = "http://", strings.TrimPrefix(url, "http://")
			}
			d.url = scheme + haproxy(t, tt.mode, fmt.Sprintf(tt.server, server))
			k := s.create(t, "--cidr", "127.0.0.2")
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM([]byte(read(t, s.dir, "cert.pem")))
			for from, want := range map[string]int{"127.0.0.2": 200, "127.0.0.3": 401} {
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext}
				c, err := client.New(client.Config{URL: d.url, Keys: []string{strings.TrimSpace(read(t, s.dir, "keys", "statement.pub"))}, HTTP: &http.Client{Transport: transport}})
				if err != nil {
					t.Fatal(err)
				}
				if got, problem, content := doorSays(t, c, d.request(t, "/v1/proofs", "Assay-Key", k.Key, "X-Forwarded-For", "127.0.0.2")); got != want {
					t.Errorf("from %s: %d %s %s, want %d", from, got, problem, content, want)
				}
				transport.CloseIdleConnections()
			}
		})
	}
}

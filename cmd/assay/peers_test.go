package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// greeting accepts connections as peers say, and tells each by whose it is, until the test ends.
func greeting(t *testing.T, p peers) string {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := p.listener(inner)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				var first [1]byte
				if _, err := c.Read(first[:]); err != nil {
					return
				}
				fmt.Fprintf(c, "%02x-%s\n", first[0], peerOf(c.RemoteAddr()))
				_, _ = io.Copy(io.Discard, c) // until the other side closes
			}()
		}
	}()
	return inner.Addr().String()
}

// calling is a connection from an address, which says something first.
func calling(t *testing.T, from, to string, says ...byte) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write(append(says, 'x')) // it may be closed already
	return c
}

// heard is what a caller is told; empty if it is hung up on.
func heard(t *testing.T, c net.Conn) string {
	t.Helper()
	var line string
	_, err := fmt.Fscanln(c, &line)
	var network *net.OpError
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &network) || errors.As(err, &network) && network.Timeout() {
		t.Fatal(err)
	}
	return line
}

// TestConnectionsOfAnAddress: more than so many at once are hung up on, of that address alone, until one is closed.
func TestConnectionsOfAnAddress(t *testing.T) {
	const most = 3
	for name, proxies := range map[string][]netip.Prefix{"nobody": nil, "a proxy": {netip.MustParsePrefix("127.0.0.9/32")}} {
		address := greeting(t, peers{most: most, proxies: proxies})
		var open []net.Conn
		for range most {
			c := calling(t, "127.0.0.1", address)
			if got := heard(t, c); got != "78-127.0.0.1" {
				t.Fatalf("%s: %q", name, got)
			}
			open = append(open, c)
		}
		if got := heard(t, calling(t, "127.0.0.1", address)); got != "" {
			t.Errorf("%s: one more of an address: %q", name, got)
		}
		if got := heard(t, calling(t, "127.0.0.2", address)); got != "78-127.0.0.2" {
			t.Errorf("%s: of another address: %q", name, got)
		}
		for range most + 2 {
			if got := heard(t, calling(t, "127.0.0.9", address)); got == "" && proxies != nil {
				t.Errorf("%s is held to it", name)
			}
		}
		open[0].Close()
		for heard(t, calling(t, "127.0.0.1", address)) == "" { // once the server has noticed
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// header is what a proxy says of a connection.
func header(t *testing.T, version byte, from string) []byte {
	t.Helper()
	at := &net.TCPAddr{IP: net.ParseIP(from), Port: 4711}
	raw, err := proxyproto.HeaderProxyFromAddrs(version, at, &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 443}).Format()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestProxyProtocol: of a proxy, and of nobody else, is believed whose a connection is; the connections of that address are counted.
func TestProxyProtocol(t *testing.T) {
	address := greeting(t, peers{most: 2, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, proxied: true})
	for name, tt := range map[string]struct {
		from string
		says []byte
		want string
	}{
		"a proxy":                   {"127.0.0.1", header(t, 2, "198.51.100.1"), "78-198.51.100.1"},
		"a proxy, of IPv6":          {"127.0.0.1", header(t, 2, "2001:db8::7"), "78-2001:db8::7"},
		"a proxy that says nothing": {"127.0.0.1", nil, ""},
		"version 1":                 {"127.0.0.1", header(t, 1, "198.51.100.1"), ""},
		"no proxy":                  {"127.0.0.2", nil, "78-127.0.0.2"},
		"nobody's proxy":            {"127.0.0.2", header(t, 2, "198.51.100.1"), "0d-127.0.0.2"}, // as if it were TLS,
	} {
		c := calling(t, tt.from, address, tt.says...)
		if got := heard(t, c); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		c.Close()
	}
	for i, want := range []string{"78-203.0.113.5", "78-203.0.113.5", ""} {
		if got := heard(t, calling(t, "127.0.0.1", address, header(t, 2, "203.0.113.5")...)); got != want {
			t.Errorf("connection %d of an address behind the proxy: %q, want %q", i+1, got, want)
		}
	}
}

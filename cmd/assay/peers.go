package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"

	limits "github.com/assay-por/assay/web/limit"
)

// peers says who may connect, how often at once, and how their addresses are known.
type peers struct {
	most    int            // connections of an address (of IPv6: a /64) at once; 0: any
	proxies []netip.Prefix // the exchange's own, which are not held to it
	proxied bool           // they say in front of each connection whose it is (PROXY protocol, version 2)
}

// listener holds a listener to it. What is too much is hung up on.
func (p peers) listener(l net.Listener) net.Listener {
	if p.proxied {
		l = &proxyproto.Listener{Listener: l, ConnPolicy: p.policy, ValidateHeader: secondVersion, ReadHeaderTimeout: 5 * time.Second}
	}
	if p.most == 0 {
		return l
	}
	return &countedListener{Listener: l, peers: p, open: map[netip.Prefix]int{}}
}

// policy believes proxies, who must say it. Of anybody else such words are no TLS.
func (p peers) policy(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
	if p.trusts(peerOf(o.Upstream)) {
		return proxyproto.REQUIRE, nil
	}
	return proxyproto.SKIP, nil
}

func secondVersion(h *proxyproto.Header) error {
	if h.Version != 2 {
		return fmt.Errorf("a proxy speaks version %d of the PROXY protocol, want 2", h.Version)
	}
	return nil
}

func (p peers) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(p.proxies, func(n netip.Prefix) bool { return n.Contains(a) })
}

// peerOf is the address of somebody; zero if it is none of IP.
func peerOf(a net.Addr) netip.Addr {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

// countedListener counts the connections of each address.
type countedListener struct {
	net.Listener
	peers peers

	mu   sync.Mutex
	open map[netip.Prefix]int
}

// Accept returns the next connection that is not too many; behind a proxy that is seen once it said whose it is.
func (l *countedListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &countedConn{Conn: inner, of: l}
		if l.peers.proxied || c.enter() == nil {
			return c, nil
		}
		_ = c.Close() // it was too many
	}
}

// countedConn is a connection that is counted, before its first byte is read, until it is closed.
type countedConn struct {
	net.Conn
	of *countedListener

	once  sync.Once
	fault error

	mu      sync.Mutex
	counted netip.Prefix
	closed  bool
}

var errTooMany = errors.New("too many connections of one address")

// enter counts the connection, once.
func (c *countedConn) enter() error {
	c.once.Do(func() {
		from := peerOf(c.RemoteAddr())
		if c.of.peers.trusts(from) {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closed {
			return
		}
		of := limits.Network(from)
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		if c.of.open[of] >= c.of.peers.most {
			c.fault = errTooMany
			return
		}
		c.of.open[of]++
		c.counted = of
	})
	return c.fault
}

// Read reads, if the connection is not too many.
func (c *countedConn) Read(p []byte) (int, error) {
	if err := c.enter(); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Close closes it.
func (c *countedConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && c.counted.IsValid() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		if c.of.open[c.counted]--; c.of.open[c.counted] == 0 {
			delete(c.of.open, c.counted)
		}
	}
	c.closed = true
	return c.Conn.Close()
}

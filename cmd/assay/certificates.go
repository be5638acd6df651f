package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// How clients show certificates of their own.
const (
	clientsOff      = "off"
	clientsOptional = "optional" // those that API keys are bound to
	clientsRequired = "required" // without one nobody gets an answer
)

// checkClientAuth refuses certificates of clients that nothing could check.
func (s ServerConfig) checkClientAuth() error {
	switch s.ClientAuth {
	case "", clientsOff:
		if s.ClientCA != "" {
			return errors.New(`server.client_ca: it goes with client_auth = "optional" or "required"`)
		}
	case clientsOptional, clientsRequired:
		if s.ClientCA == "" || s.Certificate == "" {
			return errors.New("server.client_auth: it goes with client_ca, which vouches for clients, and with certificate")
		}
	default:
		return fmt.Errorf(`server.client_auth: got %q, want "off", "optional" or "required"`, s.ClientAuth)
	}
	return nil
}

// clientCertificate is the SHA-256 of the certificate in a file, as API keys are bound to it; nil if no file is given.
func clientCertificate(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, unreadable("--certificate: %v", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, usage("--certificate: %s does not begin with a certificate in PEM", file)
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return nil, usage("--certificate: %s: %v", file, err)
	}
	sum := sha256.Sum256(block.Bytes)
	return sum[:], nil
}

// certificates are a server's certificate and key, and what vouches for its clients, as their files have them by now.
type certificates struct {
	certificate, key string // PEM files
	clients          string // PEM file of the CAs of clients; empty: none show certificates
	required         bool   // all of them do
	log              *slog.Logger

	current atomic.Pointer[tls.Certificate]
	pool    atomic.Pointer[x509.CertPool]
	seen    string // the files as they were looked at last
}

// rereads is how often the files are looked at.
const rereads = 10 * time.Second

// watch takes another pair when the files change, and on SIGHUP, until ctx ends. What cannot be served is not taken.
func (c *certificates) watch(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	tick := time.NewTicker(rereads)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		case <-tick.C:
			if c.stamp() == c.seen {
				continue
			}
		}
		if err := c.load(); err != nil {
			c.log.Warn("the new certificate is refused, and the one before stays", "fault", err)
			continue
		}
		c.log.Info("another certificate is served", "until", c.current.Load().Leaf.NotAfter)
	}
}

// load takes what the files hold now, or says why it cannot be served.
func (c *certificates) load() error {
	c.seen = c.stamp()
	pair, err := tls.LoadX509KeyPair(c.certificate, c.key)
	if err != nil {
		return err
	}
	now := time.Now()
	if now.Before(pair.Leaf.NotBefore) || now.After(pair.Leaf.NotAfter) {
		return fmt.Errorf("%s holds from %s until %s, and not now", c.certificate, pair.Leaf.NotBefore.Format(time.RFC3339), pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	if c.clients != "" {
		raw, err := os.ReadFile(c.clients)
		if err != nil {
			return err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(raw) {
			return fmt.Errorf("%s holds no certificate in PEM that vouches for clients", c.clients)
		}
		c.pool.Store(pool)
	}
	c.current.Store(&pair)
	return nil
}

// config is how the server speaks. A session is not resumed where clients show certificates: they are checked for each connection,
// by the CAs as they are then.
func (c *certificates) config() *tls.Config {
	all := &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}
	if c.clients == "" {
		return all
	}
	all.ClientAuth, all.SessionTicketsDisabled = tls.VerifyClientCertIfGiven, true
	if c.required {
		all.ClientAuth = tls.RequireAndVerifyClientCert
	}
	each := all.Clone()
	all.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := each.Clone()
		now.ClientCAs = c.pool.Load()
		return now, nil
	}
	return all
}

// stamp changes when a file is replaced.
func (c *certificates) stamp() string {
	text := ""
	for _, name := range []string{c.certificate, c.key, c.clients} {
		if info, err := os.Stat(name); err == nil {
			text += fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano(), "\n")
		}
	}
	return text
}

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

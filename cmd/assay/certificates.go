package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// certificates are a server's certificate and key, as their two files have them by now.
type certificates struct {
	certificate, key string // PEM files
	log              *slog.Logger

	current atomic.Pointer[tls.Certificate]
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

// load takes the pair that the files hold now, or says why it cannot be served.
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
	c.current.Store(&pair)
	return nil
}

// stamp changes when a file is replaced.
func (c *certificates) stamp() string {
	text := ""
	for _, name := range []string{c.certificate, c.key} {
		if info, err := os.Stat(name); err == nil {
			text += fmt.Sprint(info.Size(), " ", info.ModTime().UnixNano(), "\n")
		}
	}
	return text
}

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

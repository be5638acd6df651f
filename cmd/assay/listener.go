package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"
)

// Limits of every server here (the rest is the handler's): of header, time, connections, and requests at once on one of them.
const (
	maxHeader      = 16 << 10
	maxConnections = 10_000
	maxStreams     = 100
	drain          = 20 * time.Second
)

// answer serves until it is interrupted, over TLS if the server has such a configuration.
func (a *app) answer(cmd *cobra.Command, listen string, server *http.Server) error {
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", listen)
	if err != nil {
		return refused("%v", err)
	}
	server.ReadHeaderTimeout, server.ReadTimeout, server.IdleTimeout = 5*time.Second, 15*time.Second, time.Minute
	server.MaxHeaderBytes, server.HTTP2 = maxHeader, &http.HTTP2Config{MaxConcurrentStreams: maxStreams}
	url, run := "http://"+listener.Addr().String(), server.Serve
	if server.TLSConfig != nil {
		url, run = "https://"+listener.Addr().String(), func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	if err := a.say(cmd, map[string]string{"url": url}, "serving %s (stop with Ctrl-C)", url); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- run(netutil.LimitListener(listener, maxConnections)) }()
	select {
	case err := <-done:
		return refused("%v", err)
	case <-cmd.Context().Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), drain)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return refused("%v", err)
	}
	return nil
}

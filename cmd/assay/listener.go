package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"regexp"
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

// answering is what answers, and how.
type answering struct {
	handler http.Handler
	tls     *tls.Config   // nil: plain HTTP
	write   time.Duration // for an answer
	log     *slog.Logger  // of what goes wrong below the handler
	admin   string        // where it is watched; empty: nowhere
	peers   peers         // who connects
}

// errorLog is where net/http tells what goes wrong below a handler.
func errorLog(to *slog.Logger) *log.Logger {
	return slog.NewLogLogger(nameless{to.Handler()}, slog.LevelWarn)
}

// nameless is a log without the addresses that net/http puts into its lines.
type nameless struct{ slog.Handler }

var isAddress = regexp.MustCompile(`\[[0-9A-Fa-f:.]+(%[^\]]*)?\]:[0-9]+|\b[0-9]{1,3}(\.[0-9]{1,3}){3}:[0-9]+`)

// Handle writes a line.
func (n nameless) Handle(ctx context.Context, r slog.Record) error {
	r.Message = isAddress.ReplaceAllString(r.Message, "an address")
	return n.Handler.Handle(ctx, r)
}

// answer serves until it is interrupted.
func (a *app) answer(cmd *cobra.Command, listen string, what answering) error {
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", listen)
	if err != nil {
		return refused("%v", err)
	}
	server := &http.Server{
		Handler: what.handler, TLSConfig: what.tls, ErrorLog: errorLog(what.log),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: what.write, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxEncoderHeaderTableSize: 1}, // no answer is shorter for being like another
		DisableGeneralOptionsHandler: true, // what is not the handler's answer is not signed
	}
	url, run := "http://"+listener.Addr().String(), server.Serve
	if what.tls != nil {
		url, run = "https://"+listener.Addr().String(), func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	said, watched := map[string]string{"url": url}, ""
	if what.admin != "" {
		said["admin"], watched = what.admin, "watched at "+what.admin+"; "
	}
	if err := a.say(cmd, said, "serving %s (%sstop with Ctrl-C)", url, watched); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- run(what.peers.listener(netutil.LimitListener(listener, maxConnections))) }()
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

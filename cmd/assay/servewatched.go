package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"

	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/watch"
)

// The forms that a server's log can have.
const (
	logText = "text"
	logJSON = "json"
)

// checkWatch refuses what a server could not be watched with.
func (s ServerConfig) checkWatch() error {
	if s.Log != logText && s.Log != logJSON {
		return fmt.Errorf(`server.log: got %q, want "text" or "json"`, s.Log)
	}
	if s.Admin != "" {
		if at, err := net.ResolveTCPAddr("tcp", s.Admin); err != nil || !at.IP.IsLoopback() {
			return fmt.Errorf("server.admin: got %q, want a loopback address and a port, as 127.0.0.1:8082: whoever reaches it is not asked who they are", s.Admin)
		}
	}
	if s.TracesShare <= 0 || s.TracesShare > 1 {
		return fmt.Errorf("server.traces_share: got %v, want a share above 0 and at most 1", s.TracesShare)
	}
	if s.Traces == "" {
		return nil
	}
	u, err := url.Parse(s.Traces)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return errors.New("server.traces: want the URL of a receiver of OTLP over HTTP, without user and password: https://…, or http://… at a loopback address")
	}
	if _, err := egress.New(s.Traces, egress.Limits{}); err != nil {
		return fmt.Errorf("server.traces: %w", err)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// serverLogger writes a server's lines to stderr, each with the request that it is of.
func (a *app) serverLogger(cmd *cobra.Command, c *Config) *slog.Logger {
	h := a.logger(cmd).Handler()
	if c.Server.Log == logJSON {
		h = slog.NewJSONHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: a.logLevel()})
	}
	return slog.New(watch.Log(h))
}

// traceLimits bound the answers of a receiver of traces.
var traceLimits = egress.Limits{Bytes: 1 << 20, Timeout: 10 * time.Second}

// watched has a server's requests be seen, and returns what is to be closed at the end, and the URL of the admin's address if there is one.
// Away says whether its Redis is, and buckets whether one of those that it shows is; each is nil if it has none.
func (a *app) watched(cmd *cobra.Command, c *Config, config *web.Config, away, buckets func() bool) (end func(), admin string, err error) {
	ctx, settings := cmd.Context(), watch.Config{Random: rand.Reader, Version: version, Away: away, Buckets: buckets}
	if c.Server.Log == logJSON {
		settings.Lines = config.Logger
	}
	settings.Ready = func() error {
		if ctx.Err() != nil {
			return errors.New("it is about to end")
		}
		if faults := config.Faults(); len(faults) > 0 {
			return errors.New(strings.Join(faults, "; "))
		}
		return nil
	}
	if c.Server.Traces != "" {
		to, err := egress.New(c.Server.Traces, traceLimits)
		if err != nil {
			return nil, "", refused("server.traces: %v", err)
		}
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { config.Logger.Warn("traces cannot be sent", "fault", err) }))
		if settings.Traces, err = watch.NewTraces(ctx, to.URL, to.HTTP, c.Server.TracesShare); err != nil {
			return nil, "", refused("server.traces: %v", err)
		}
	}
	if config.Watch, err = watch.New(settings); err != nil {
		return nil, "", refused("%v", err)
	}
	shut, admin, err := c.serveAdmin(ctx, config)
	return func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := errors.Join(config.Watch.Close(late), shut()); err != nil {
			config.Logger.Warn("what watches the server could not be ended well", "fault", err)
		}
	}, admin, err
}

// serveAdmin answers at server.admin, until it is shut: also while the server ends.
func (c *Config) serveAdmin(ctx context.Context, config *web.Config) (shut func() error, at string, err error) {
	shut = func() error { return nil }
	if c.Server.Admin == "" {
		return shut, "", nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Server.Admin)
	if err != nil {
		return shut, "", refused("server.admin: %v", err)
	}
	server := &http.Server{Handler: config.Watch.Admin(), ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: maxHeader,
		ErrorLog: errorLog(config.Logger)}
	config.Logger.Info("this server is watched", "at", "http://"+l.Addr().String())
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			config.Logger.Error("nobody can watch this server at server.admin any more", "fault", err)
		}
	}()
	return server.Close, "http://" + l.Addr().String(), nil
}

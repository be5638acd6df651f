package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/web"
)

func newServe(a *app) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve report and bundle over HTTP, read-only, on the loopback by default",
		Long: `Serve the report page at /, the bundle's files below /bundle/ and the whole as /bundle.zip, and the transparency log of [log] below /log/.
Read-only; it opens no key, no ledger and no run.
Put a TLS proxy in front before others reach it. Port 0 takes a free one; the address is printed.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if listen == "" {
				listen = c.Server.Listen
			}
			return serve(cmd, a, c, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address and port instead of the configuration's")
	return cmd
}

func serve(cmd *cobra.Command, a *app, c *Config, listen string) error {
	bundle, report := c.resolve(c.Bundle.Dir), c.resolve(c.Bundle.Report)
	if _, err := os.Stat(bundle); err != nil {
		return hinted(unreadable("%s: there is no bundle to serve", bundle), "make one with assay run")
	}
	published := web.Config{Bundle: os.DirFS(bundle), Zip: c.resolve(c.Bundle.Zip), Report: os.DirFS(report)}
	if c.Log.Origin != "" {
		published.Log = os.DirFS(c.resolve(c.Log.Dir))
	}
	handler, err := web.Handler(published)
	if err != nil {
		return unreadable("%v", err)
	}
	return a.answer(cmd, listen, handler)
}

// answer serves until it is interrupted.
func (a *app) answer(cmd *cobra.Command, listen string, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", listen)
	if err != nil {
		return refused("%v", err)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      10 * time.Minute, // a large bundle over a slow line
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	url := "http://" + listener.Addr().String()
	if err := a.say(cmd, map[string]string{"url": url}, "serving %s (stop with Ctrl-C)", url); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return refused("%v", err)
	case <-cmd.Context().Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return refused("%v", err)
	}
	return nil
}

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/assay-por/assay/chains/egress"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/hooks"
	"github.com/assay-por/assay/web/httpsig"
	"github.com/assay-por/assay/web/store"
)

// WebhookConfig is somebody who is told when something happens.
type WebhookConfig struct {
	URL       string   `toml:"url"`
	Events    []string `toml:"events"`
	Addresses []string `toml:"addresses"`
}

// hookTime is how long a hook has for its answer, of which no more than hookAnswer bytes are read.
const (
	hookTime   = 10 * time.Second
	hookAnswer = 64 << 10
)

// checkWebhooks refuses hooks that could not be told.
func (c *Config) checkWebhooks() error {
	if len(c.Webhooks) > 0 && c.Server.Key == "" {
		return errors.New("webhook: webhooks are signed or not sent: server.key is missing")
	}
	_, err := c.hooks()
	return err
}

// hooks are those of the configuration, each with a way of its own and no other.
func (c *Config) hooks() ([]hooks.Hook, error) {
	var all []hooks.Hook
	for i, w := range c.Webhooks {
		fault := func(err error) ([]hooks.Hook, error) { return nil, fmt.Errorf("webhook #%d: %w", i+1, err) }
		private, err := authn.ParseNetworks(w.Addresses)
		if err != nil {
			return fault(fmt.Errorf("addresses: %w", err))
		}
		way, err := egress.New(w.URL, egress.Limits{Bytes: hookAnswer, Timeout: hookTime, Public: true, Private: private})
		if err != nil {
			return fault(fmt.Errorf("url: %w", err))
		}
		if strings.Contains(way.URL, "#") {
			return fault(errors.New("url: nobody is sent what follows #"))
		}
		if len(w.Events) == 0 {
			return fault(fmt.Errorf("events are missing: want some of %s", strings.Join(hooks.Events, ", ")))
		}
		for _, e := range w.Events {
			if !slices.Contains(hooks.Events, e) {
				return fault(fmt.Errorf("events: %q is none of %s", e, strings.Join(hooks.Events, ", ")))
			}
		}
		if slices.ContainsFunc(all, func(h hooks.Hook) bool { return h.URL == way.URL }) {
			return fault(errors.New("url: it stands above already"))
		}
		all = append(all, hooks.Hook{URL: way.URL, Label: way.Label, Events: w.Events, HTTP: way.HTTP})
	}
	return all, nil
}

// tellHooks begins to tell webhooks what happens at a server with a database. It ends with the command.
func (a *app) tellHooks(ctx context.Context, c *Config, config web.Config, logger *slog.Logger) error {
	all, err := c.hooks()
	if err != nil {
		return unreadable("%s: %v", c.path, err)
	}
	var records *store.Store
	switch {
	case config.Acts != nil:
		records = config.Acts.Store
	case len(all) == 0:
		return nil
	default:
		if records, _, err = a.unsealed(ctx, c); err != nil {
			return err
		}
	}
	sender := &hooks.Sender{Store: records, Hooks: all, Exchange: c.Exchange.Name, Random: rand.Reader, Now: time.Now, Logger: logger}
	if config.Key != nil {
		if sender.Signer, err = httpsig.NewSigner(config.Key, time.Now); err != nil {
			return refused("%v", err)
		}
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); sender.Run(running) }()
	a.opened = append(a.opened, ending(func() { stop(); <-done }))
	return nil
}

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/assay-por/assay/merkle"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/anomaly"
	"github.com/assay-por/assay/web/api"
	"github.com/assay-por/assay/web/audit"
	"github.com/assay-por/assay/web/authn"
	"github.com/assay-por/assay/web/hidden"
)

// What a server does about what stands out of what clients do.
const (
	anomaliesAct  = "act"
	anomaliesTell = "tell"
	anomaliesOff  = "off"
)

// checkAnomalies refuses what is none of those.
func (s ServerConfig) checkAnomalies() error {
	switch s.Anomalies {
	case "", anomaliesAct, anomaliesTell, anomaliesOff:
		return nil
	}
	return fmt.Errorf(`server.anomalies: got %q, want "act", "tell" or "off"`, s.Anomalies)
}

// noticeAnomalies has a server with clients notice what stands out of what they do. It ends with the command, and keeps then what they usually do.
func (a *app) noticeAnomalies(ctx context.Context, c *Config, config *web.Config) error {
	if config.Acts == nil || c.Server.Anomalies == anomaliesOff {
		return nil
	}
	key := make([]byte, 32) // what is hashed under it is gone with the process
	if _, err := rand.Read(key); err != nil {
		return err
	}
	w, err := anomaly.New(ctx, anomaly.Config{
		Store: config.Acts.Store, Key: key, Random: rand.Reader, Now: time.Now, Tells: c.Server.Anomalies == anomaliesTell,
		Weigh: config.Limits.Weigh, Told: config.Watch.Anomaly, Fault: func(err error) { config.Logger.Error("anomalies", "fault", err) },
	})
	if err != nil {
		return unreadable("server.database: %v", err)
	}
	config.Anomalies = w
	if config.Proofs != nil {
		config.Proofs = lookups{config.Proofs, w}
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); w.Run(running) }()
	a.opened = append(a.opened, ending(func() { stop(); <-done }))
	return nil
}

// lookups are proofs, with how many customers each client asks for.
type lookups struct {
	api.Prover
	watch *anomaly.Watch
}

// Prove implements [api.Prover].
func (p lookups) Prove(ctx context.Context, statement report.Digest, customer hidden.Customer) ([]byte, error) {
	raw, err := p.Prover.Prove(ctx, statement, customer)
	var absent api.AbsentError
	there := !errors.As(err, &absent)
	if err != nil && there {
		return raw, err
	}
	id, bad := merkle.NormalizeCustomer(customer.Reveal())
	who := authn.From(ctx)
	if bad != nil || who == nil || who.Subject.Reveal() != "" { // a token for one customer walks through no names, and whoever has one slows no others of its app
		return raw, err
	}
	from, _ := audit.From(ctx)
	p.watch.Looked(ctx, anomaly.Asker{Client: who.Client, Credential: who.ID, Kind: who.Kind, Network: audit.Network(from.Address)}, id, there)
	return raw, err
}

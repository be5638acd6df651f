package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/web"
	"github.com/assay-por/assay/web/api"
	shelves "github.com/assay-por/assay/web/published"
)

// ServerConfig says what is served, where, and with which keys.
type ServerConfig struct {
	Listen         string `toml:"listen"`
	Reports        string `toml:"reports"`
	Cache          string `toml:"cache"`
	CacheSize      string `toml:"cache_size"`
	Key            string `toml:"key"`
	Keys           string `toml:"keys"`
	Certificate    string `toml:"certificate"`
	CertificateKey string `toml:"certificate_key"`
	Proofs         string `toml:"proofs"`
	ProofsKey      string `toml:"proofs_key"`
	Database       string `toml:"database"`
	KEK            string `toml:"kek"`
	Pepper         string `toml:"pepper"`
	Redis          string `toml:"redis"`
	Replicas       int    `toml:"replicas"`

	Audit       string   `toml:"audit"`
	AuditKey    string   `toml:"audit_key"`
	AuditFormer []string `toml:"audit_former"`

	Log         string  `toml:"log"`
	Admin       string  `toml:"admin"`
	Traces      string  `toml:"traces"`
	TracesShare float64 `toml:"traces_share"`
	Anomalies   string  `toml:"anomalies"`

	ClientAuth     string          `toml:"client_auth"`
	ClientCA       string          `toml:"client_ca"`
	ClientAddress  string          `toml:"client_address"`
	TrustedProxies []string        `toml:"trusted_proxies"`
	Limits         LimitsConfig    `toml:"limits"`
	People         PeopleConfig    `toml:"people"`
	OAuth          OAuthConfig     `toml:"oauth"`
	Retired        []RetiredConfig `toml:"retired"`
}

// checkServer refuses what could not be served.
func (c *Config) checkServer() error {
	s := c.Server
	if (s.Certificate == "") != (s.CertificateKey == "") {
		return errors.New("server: certificate and certificate_key go together")
	}
	if err := errors.Join(s.checkClientAuth(), s.checkLimits(), s.checkPeople(), s.checkAnomalies(), s.checkOAuth()); err != nil {
		return err
	}
	if err := s.checkProofs(); err != nil {
		return err
	}
	if err := s.checkShare(); err != nil {
		return err
	}
	if err := s.checkWatch(); err != nil {
		return err
	}
	if err := s.checkKEK(); err != nil {
		return err
	}
	if err := s.checkAudit(); err != nil {
		return err
	}
	if s.Key == "" {
		return nil
	}
	if _, err := keys.ParseRef(s.Key); err != nil {
		return fmt.Errorf("server.key: %w", err)
	}
	return nil
}

func newServe(a *app) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve reports and log over HTTP; with a key of its own, every answer signed",
		Long: `Serve the site that assay site writes: the reports at /, each of them with its files below /reports/, the page by which customers check their proofs at /verify.html, and the transparency log of [log] below /log/.
The newest report's files are below /bundle/ too, and the whole at /bundle.zip.
With server.key every answer is signed, so that whoever asked can show later what was answered (assay-verify response), and the API for programs answers below /v1/:
all reports of server.reports, what the log says of each, proofs; /openapi.json describes it. Without that key /v1/ answers 503. With [[webhook]] it tells others what happens.
With server.admin it shows metrics and whether it is ready at a loopback address of its own; server.log and server.traces say what else is told of requests.
With server.proofs it makes the customers' proofs of what was handed over to it (assay handover), for the exchange's own services: POST /v1/proofs.
With server.database, or proofs, clients are let in by their API keys (assay admin), and managed below /v1/clients and /v1/keys; with server.people people sign in, and have a console at /console/;
with server.oauth apps have tokens, for themselves or for a customer who allowed it.

It changes nothing but that database, and opens no ledger, no run, and no key but the response key and server.proofs_key. New reports, handovers and another certificate are noticed while it runs (the certificate every 10 seconds,
or on SIGHUP). What lies in a bucket (s3://) it keeps copies of in server.cache, and shows while the bucket is away. Addresses and clients are held to [server.limits]. With server.certificate it speaks TLS 1.3 and nothing else; without, plain HTTP at a loopback address. Port 0 takes a free one; the address is printed.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if listen == "" {
				listen = c.Server.Listen
			}
			return a.serve(cmd, c, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address and port instead of the configuration's")
	return cmd
}

func (a *app) serve(cmd *cobra.Command, c *Config, listen string) error {
	logger := a.serverLogger(cmd, c)
	buckets, err := a.reader(cmd.Context(), c, logger)
	if err != nil {
		return err
	}
	shelf, err := c.shelf(logger, buckets)
	if err != nil {
		return err
	}
	config := web.Config{Config: api.Config{Reports: shelf, Policy: c.resolve("policy.toml")}, Now: time.Now, Logger: logger}
	if config.Tools, err = handedOut(); err != nil {
		return err
	}
	if c.Log.Origin != "" {
		files, err := buckets.log()
		if err != nil {
			return err
		}
		config.Log = &shelves.Log{Files: files}
	}
	if c.Server.Key != "" {
		if err := a.signAnswers(cmd.Context(), c, &config); err != nil {
			return err
		}
	}
	if c.Log.Origin != "" && config.Register == nil {
		if log, err := a.siteLog(cmd.Context(), c, config.Log.Files); err == nil {
			config.Register = log.seen
		} else {
			logger.Warn("the log cannot be read, and the site does not say what became of reports", "error", err)
		}
	}
	if err := a.serveProofs(cmd.Context(), c, &config, buckets); err != nil {
		return err
	}
	if err := a.guardProofs(cmd.Context(), c, &config); err != nil {
		return err
	}
	if config.Limits == nil { // there are no clients either
		if err := c.limits(&config, nil); err != nil {
			return unreadable("%v", err)
		}
	}
	away, err := a.share(cmd.Context(), c, &config)
	if err != nil {
		return err
	}
	if err := a.tellHooks(cmd.Context(), c, config, logger); err != nil {
		return err
	}
	end, admin, err := a.watched(cmd, c, &config, away, buckets.away())
	if err != nil {
		return err
	}
	defer end()
	if err := a.noticeAnomalies(cmd.Context(), c, &config); err != nil {
		return err
	}
	handler, err := web.Handler(config)
	if err != nil {
		return refused("%v", err)
	}
	settings, err := c.tls(cmd.Context(), listen, logger)
	if err != nil {
		return err
	}
	from, err := c.Server.peers()
	if err != nil {
		return unreadable("%v", err)
	}
	err = a.answer(cmd, listen, answering{handler, settings, 30 * time.Second, logger, admin, from}) // what is larger gets more time while it moves
	return errors.Join(err, config.Limits.Flush(context.WithoutCancel(cmd.Context())))
}

// logger writes lines to stderr, of a quiet server the warnings alone.
func (a *app) logger(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: a.logLevel()}))
}

func (a *app) logLevel() slog.Level {
	if a.quiet {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// shelf is what is served: the reports of a bucket or a folder, of which those that are not whole are told, or the one of [bundle], which must be.
func (c *Config) shelf(logger *slog.Logger, buckets *reader) (*shelves.Shelf, error) {
	if folder := inS3(c.Server.Reports); folder != "" {
		sets, err := buckets.sets("server.reports", folder, "report")
		if err != nil {
			return nil, err
		}
		shelf := sets.Shelf(time.Now)
		if _, err := shelf.Reports(); err == nil {
			tellFaults(logger, shelf)
		}
		return shelf, nil
	}
	if dir := c.Server.Reports; dir != "" {
		shelf := shelves.Folder(c.resolve(dir), time.Now)
		if _, err := shelf.Reports(); err != nil {
			return nil, unreadable("server.reports: %v", err)
		}
		tellFaults(logger, shelf)
		return shelf, nil
	}
	place := shelves.Place{Bundle: c.resolve(c.Bundle.Dir), Page: c.resolve(c.Bundle.Report)}
	if c.Bundle.Zip != "" {
		place.Zip = c.resolve(c.Bundle.Zip)
	}
	if _, err := os.Stat(place.Bundle); err != nil {
		return nil, hinted(unreadable("%s: there is no bundle to serve", place.Bundle), "make one with assay run")
	}
	shelf := shelves.Single(place, time.Now)
	for _, fault := range shelf.Faults() {
		return nil, unreadable("%s: %v", place.Bundle, fault)
	}
	reports, err := shelf.Reports()
	if err != nil || len(reports) == 0 || !reports[0].HasPage() {
		return nil, unreadable("%s: the report has no page %s", place.Page, shelves.PageName)
	}
	return shelf, nil
}

func tellFaults(logger *slog.Logger, shelf *shelves.Shelf) {
	for _, fault := range shelf.Faults() {
		logger.Warn("a report is not shown: it is not whole", "fault", fault)
	}
}

// tls is how the server speaks: TLS with a certificate, and without one nothing, which is for a loopback address.
func (c *Config) tls(ctx context.Context, listen string, logger *slog.Logger) (*tls.Config, error) {
	if c.Server.Certificate == "" {
		at, err := net.ResolveTCPAddr("tcp", listen)
		if err != nil {
			return nil, usage("%v", err)
		}
		if !at.IP.IsLoopback() {
			return nil, hinted(refused("without a certificate this server is for a loopback address, and %s is none", listen), "set server.certificate and server.certificate_key, or listen at 127.0.0.1")
		}
		return nil, nil
	}
	certificates := &certificates{certificate: c.resolve(c.Server.Certificate), key: c.resolve(c.Server.CertificateKey), log: logger}
	if c.Server.ClientCA != "" {
		certificates.clients, certificates.required = c.resolve(c.Server.ClientCA), c.Server.ClientAuth == clientsRequired
	}
	if err := certificates.load(); err != nil {
		return nil, unreadable("server.certificate: %v", err)
	}
	go certificates.watch(ctx)
	return certificates.config(), nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/chains/egress"
)

// LogConfig is the exchange's transparency log.
type LogConfig struct {
	Origin    string             `toml:"origin"`
	Dir       string             `toml:"dir"`
	Bucket    string             `toml:"bucket"`
	Key       string             `toml:"key"`
	Witnesses []LogWitnessConfig `toml:"witnesses"`
	Quorum    int                `toml:"quorum"`
}

// LogWitnessConfig is a witness that cosigns the log.
type LogWitnessConfig struct {
	Key string `toml:"key"`
	URL string `toml:"url"`
}

// loadLog is load where a log is needed.
func (a *app) loadLog() (*Config, error) {
	c, err := a.load()
	if err != nil {
		return nil, err
	}
	if c.Log.Origin == "" {
		return nil, hinted(unreadable("%s: log.origin is missing", c.path), "a log needs a name that stays: a host and path of yours, such as exchange.example/log")
	}
	return c, nil
}

// checkLog refuses a [log] that no checkpoint could be published in.
func (c *Config) checkLog() error {
	if c.Log.Origin == "" {
		if len(c.Log.Witnesses) > 0 || c.Log.Quorum != 0 {
			return errors.New("log.origin is missing: a log needs a name that stays, such as exchange.example/log")
		}
		return nil
	}
	config, err := c.log(nil)
	if err != nil {
		return err
	}
	return config.Check()
}

// withLog opens the log for one piece of work.
func withLog[T any](ctx context.Context, a *app, work func(*tlog.Log) (T, error)) (T, error) {
	var none T
	c, err := a.loadLog()
	if err != nil {
		return none, err
	}
	signer, err := a.signer(ctx, "log.key", c.keyRef(c.Log.Key))
	if err != nil {
		return none, err
	}
	config, err := c.log(signer)
	if err != nil {
		return none, err
	}
	l, err := tlog.Open(ctx, config)
	if errors.Is(err, fs.ErrNotExist) {
		return none, noLog(c)
	}
	if err != nil {
		return none, refused("%w", err)
	}
	done, err := work(l)
	if err == nil {
		err = c.showLog(ctx, signer.PublicKey())
	}
	var quorum *tlog.QuorumError
	var said *failure
	switch err = errors.Join(err, l.Close()); {
	case errors.As(err, &said):
		return none, err
	case errors.As(err, &quorum):
		return none, hinted(refused("%w", err), "what was entered waits in the folder, and is published with the next checkpoint that is cosigned: run the same command again")
	case err != nil:
		return none, refused("%w", err)
	}
	return done, nil
}

func noLog(c *Config) error {
	return hinted(unreadable("%s holds no log", c.resolve(c.Log.Dir)), "make it with assay log init")
}

// log is the configuration of the room; each witness is reached through an egress of its own.
func (c *Config) log(signer attest.Signer) (tlog.Config, error) {
	config := tlog.Config{Dir: c.resolve(c.Log.Dir), Origin: c.Log.Origin, Signer: signer, Quorum: c.Log.Quorum}
	ways := ways{}
	for i, w := range c.Log.Witnesses {
		e, err := egress.New(w.URL, egress.Limits{Bytes: tlog.MaxCheckpoint})
		if err != nil {
			return config, fmt.Errorf("log.witnesses #%d: %w", i+1, err)
		}
		ways[strings.TrimSuffix(e.URL, "/")+"/add-checkpoint"] = e.HTTP.Transport
		config.Witnesses = append(config.Witnesses, tlog.Witness{Key: w.Key, URL: e.URL})
	}
	config.Client = &http.Client{Transport: ways}
	return config, nil
}

// ways are the only places that the log calls, by URL.
type ways map[string]http.RoundTripper

// RoundTrip takes the way that was made for the URL.
func (w ways) RoundTrip(req *http.Request) (*http.Response, error) {
	way := w[req.URL.String()]
	if way == nil {
		return nil, egress.ErrPlace
	}
	return way.RoundTrip(req)
}

// logPolicy is what a verifier's policy says of this log, for a start.
func (c *Config) logPolicy(vkey string) string {
	witnesses := make([]string, len(c.Log.Witnesses))
	for i, key := range c.witnessKeys() {
		witnesses[i] = strconv.Quote(key)
	}
	return fmt.Sprintf("[log]\nrequired = true\nkeys = [%q]\nwitnesses = [%s]\nquorum = %d", vkey, strings.Join(witnesses, ", "), c.Log.Quorum)
}

func (c *Config) witnessKeys() []string {
	var all []string
	for _, w := range c.Log.Witnesses {
		all = append(all, w.Key)
	}
	return all
}

// signerOrNew opens a signing key, or makes one where its file is not there: an Ed25519 key, which logs and witnesses sign with.
func (a *app) signerOrNew(ctx context.Context, name, ref, recipient string) (attest.Signer, error) {
	path, err := keys.FilePath(ref)
	if err != nil {
		return a.signer(ctx, name, ref)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return a.signer(ctx, name, ref)
	}
	lock, err := a.newLock(recipient)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, unreadable("%v", err)
	}
	return makeSigner(path, string(attest.Ed25519), lock)
}

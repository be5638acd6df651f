package main

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
)

// seenLog is the log as its folder has it, and what it says of the exchange's statements. Entries that wait for the quorum are
// among them: nothing takes them back.
type seenLog struct {
	head     tlog.Checkpoint // the published one
	register *report.Register
	servers  *report.Servers
}

// published says whether an entry stands under the published checkpoint.
func (l *seenLog) published(n report.Noted) bool { return n.Index < l.head.Size }

// seeLog reads the folder of the log. It needs no key, and does not hold the folder.
func (a *app) seeLog(ctx context.Context, c *Config) (*seenLog, error) {
	vkey, err := a.logKey(ctx, c)
	if err != nil {
		return nil, err
	}
	dir := os.DirFS(c.resolve(c.Log.Dir))
	head, err := tlog.ReadCheckpoint(dir, vkey, c.witnessKeys()...)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noLog(c)
	}
	if err != nil {
		return nil, refused("%v", err)
	}
	all, err := tlog.Entered(dir, head)
	if err != nil {
		return nil, refused("%v", err)
	}
	own, err := a.ownKeys(ctx, c)
	if err != nil {
		return nil, err
	}
	seen, index := &seenLog{head: head, register: report.NewRegister(c.Exchange.Name, own...), servers: report.NewServers(c.Exchange.Name, own...)}, uint64(0)
	for entry, err := range tlog.Entries(dir, all) {
		if err != nil {
			return nil, refused("%v", err)
		}
		if err := seen.register.Add(index, entry); err != nil {
			return nil, hinted(refused("%v", err), "if it was signed with an older key of yours, name its .pub file under keys.former")
		}
		seen.servers.Add(entry)
		index++
	}
	return seen, nil
}

// logKey is the verifier key of the log.
func (a *app) logKey(ctx context.Context, c *Config) (string, error) {
	public, err := a.publicKey(ctx, "log.key", c.keyRef(c.Log.Key))
	if errors.Is(err, fs.ErrNotExist) {
		return "", noLog(c)
	}
	if err != nil {
		return "", err
	}
	vkey, err := tlog.VerifierKey(c.Log.Origin, public)
	if err != nil {
		return "", unreadable("%s: log.key or log.origin: %v", c.path, err)
	}
	return vkey, nil
}

// ownKeys are the keys that sign for the exchange, and those that did.
func (a *app) ownKeys(ctx context.Context, c *Config) ([]attest.PublicKey, error) {
	own, err := a.publicKey(ctx, "keys.statement", c.keyRef(c.Keys.Statement))
	if err != nil {
		return nil, err
	}
	all := []attest.PublicKey{own}
	for _, path := range c.Keys.Former {
		key, err := keys.ReadPublicKey(c.resolve(path))
		if err != nil {
			return nil, unreadable("keys.former: %v", err)
		}
		all = append(all, key)
	}
	return all, nil
}

// seen reads the log once a command; without a log it is nothing.
func (s *stages) seen() (*seenLog, error) {
	if s.config.Log.Origin == "" || s.log != nil {
		return s.log, nil
	}
	var err error
	s.log, err = s.app.seeLog(s.ctx, s.config)
	return s.log, err
}

// signedHere is the run's signed statement, or nothing if none was signed.
func (s *stages) signedHere() (*report.Signed, error) {
	if !s.run.has(fileEnvelope) {
		return nil, nil
	}
	_, signed, err := s.signedStatement()
	if err != nil {
		return nil, err
	}
	return &signed, nil
}

// others is what the log says of statements but this run's: those that it must follow. Without a log it is nothing.
func (s *stages) others() (*report.Register, error) {
	log, err := s.seen()
	if log == nil || err != nil {
		return nil, err
	}
	own, err := s.signedHere()
	if own == nil || err != nil {
		return log.register, err
	}
	return log.register.Before(own.Digest), nil
}

// entered is the run's signed statement as the log lists it; nothing if it is not there.
func (s *stages) entered() (*report.Listed, error) {
	log, err := s.seen()
	if log == nil || err != nil {
		return nil, err
	}
	own, err := s.signedHere()
	if own == nil || err != nil {
		return nil, err
	}
	return log.register.Find(own.Digest), nil
}

// mayBeAnew refuses another payload than the one that is entered: what is published is not signed anew over.
func (s *stages) mayBeAnew(payload []byte) error {
	there, err := s.entered()
	if err != nil || there == nil || there.Entry.Statement.String() == digestOf(payload) {
		return err
	}
	return hinted(refused("this run's statement %s is in the log, entry #%d, and the draft is another one by now", there.Entry.Statement, there.Index),
		"a statement that was published stays as it is: take a run directory of its own (run.dir) for one that takes its place (series.supersedes)")
}

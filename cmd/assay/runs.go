package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/report"
	"github.com/assay-por/assay/web/copies"
	shelves "github.com/assay-por/assay/web/published"
	"github.com/assay-por/assay/web/runs"
	"github.com/assay-por/assay/web/store"
)

const (
	lookForRuns = 500 * time.Millisecond // how often the worker looks for something to do
	tryAgain    = 30 * time.Second       // when it looks again for what nobody tells it of: blocks, nodes, signatures that were taken in by hand
)

var runName = regexp.MustCompile(`^[a-z2-7]{16}$`)

// forRun is the configuration of a run that was asked for over the API: it has a directory below worker.runs, and what it makes for others lies in
// server.reports, under a name that begins with a dot until it is published; or, where that is a bucket, in the run's directory until it goes there.
func (c *Config) forRun(id string) (*Config, error) {
	if c.Worker.Runs == "" {
		return nil, refused("--run: there is no worker.runs in %s", c.path)
	}
	if !runName.MatchString(id) {
		return nil, usage("--run: %q is no id of a run: want 16 of a-z and 2-7", id)
	}
	own := *c
	own.Run.Dir = filepath.Join(c.Worker.Runs, id)
	place := c.shownRun(id)
	if inS3(c.Server.Reports) != "" {
		place = filepath.Join(c.resolve(own.Run.Dir), "public")
	} else if _, err := os.Stat(place); err != nil {
		place = c.hiddenRun(id)
	}
	own.Bundle.Dir, own.Bundle.Zip, own.Bundle.Report = filepath.Join(place, "bundle"), filepath.Join(place, "bundle.zip"), filepath.Join(place, "report")
	run := &runDir{path: c.resolve(own.Run.Dir)}
	if own.Series.Former == "" && run.has(fileFormer) {
		own.Series.Former = run.join(fileFormer)
	}
	if run.has(fileAsked) {
		var asked askedFor
		if err := run.readJSON(fileAsked, "worker", &asked); err != nil {
			return nil, err
		}
		own.Series.Supersedes = asked.Supersedes
	}
	return &own, nil
}

// askedFor is asked.json, as far as the configuration does not say it.
type askedFor struct {
	Supersedes string `json:"supersedes"`
}

func (c *Config) shownRun(id string) string { return filepath.Join(c.resolve(c.Server.Reports), id) }
func (c *Config) hiddenRun(id string) string {
	return filepath.Join(c.resolve(c.Server.Reports), "."+id)
}

// runWorker does what was asked for over the API.
type runWorker struct {
	app    *app
	config *Config
	store  *store.Store
	book   runs.Worker
	logger *slog.Logger
	out    io.Writer       // for progress
	shown  *shelves.Bucket // server.reports, if it is a bucket
}

// workRuns does runs until it is interrupted. That is how it ends, so it is no error.
func (a *app) workRuns(cmd *cobra.Command, c *Config) (err error) {
	w, end, err := a.runWorker(cmd, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	w.logger.Info("waiting for runs (stop with Ctrl-C)")
	for cmd.Context().Err() == nil {
		r, err := w.book.Claim(cmd.Context())
		if err == nil {
			err = w.do(cmd.Context(), r)
		}
		if err != nil && !errors.Is(err, store.ErrNoRun) && cmd.Context().Err() == nil {
			w.logger.Error("server.database", "error", err)
		}
		if err != nil {
			select {
			case <-cmd.Context().Done():
			case <-time.After(lookForRuns):
			}
		}
	}
	return nil
}

// runWorker opens what a worker needs, its keys too: later there may be nobody to ask for a passphrase.
func (a *app) runWorker(cmd *cobra.Command, c *Config) (w *runWorker, end func() error, err error) {
	dir := c.resolve(c.Worker.Runs)
	folders := []string{dir}
	if inS3(c.Server.Reports) == "" {
		folders = append(folders, c.resolve(c.Server.Reports))
	}
	for _, d := range folders {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, nil, unreadable("%v", err)
		}
	}
	lock := flock.New(filepath.Join(dir, ".lock"))
	if got, err := lock.TryLock(); err != nil || !got {
		return nil, nil, hinted(refused("another worker does the runs of %s", dir), "stop that one first")
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Unlock())
		}
	}()
	for name, ref := range map[string]string{"keys.statement": c.Keys.Statement, "log.key": c.Log.Key} {
		if name == "log.key" && c.Log.Origin == "" {
			continue
		}
		if _, err := a.signer(cmd.Context(), name, c.keyRef(ref)); err != nil {
			return nil, nil, err
		}
	}
	records, err := a.database(cmd.Context(), c) // as it lies there: what is sealed in it is the server's
	if err != nil {
		return nil, nil, err
	}
	host, err := os.Hostname()
	w = &runWorker{app: a, config: c, store: records, logger: a.logger(cmd), out: cmd.ErrOrStderr()}
	w.book = runs.Worker{Store: records, Name: host + " " + dir, Now: time.Now} // who holds the folder's lock is the only one of that name
	return w, lock.Unlock, errors.Join(err, w.look(cmd.Context(), filepath.Join(dir, ".cache")))
}

// look has the worker see a bucket's reports as servers do.
func (w *runWorker) look(ctx context.Context, cache string) (err error) {
	if inS3(w.config.Server.Reports) == "" {
		return nil
	}
	limit, err := parseSize(w.config.Server.CacheSize)
	if err != nil {
		return err
	}
	r := &reader{ctx: ctx, config: w.config, logger: w.logger}
	if r.copies, err = copies.Open(cache, limit); err != nil {
		return unreadable("worker.runs: %v", err)
	}
	w.app.opened = append(w.app.opened, r.copies)
	link, err := r.link(w.config.Server.Reports)
	w.shown = shelves.NewBucket(link, "report")
	return err
}

// errCancelled is why a run's context ends that was cancelled over the API.
var errCancelled = errors.New("cancelled")

// do does as much of a run as can be done now, and says how it stands.
func (w *runWorker) do(ctx context.Context, r store.Run) error {
	held, release := context.WithCancelCause(ctx)
	defer release(nil)
	go w.hold(held, r.ID, release)
	w.logger.Info("at work", "run", r.ID, "kind", r.Kind)
	statement, err := w.doKind(held, r)
	why := context.Cause(held)
	release(nil)
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	switch {
	case err == nil:
		w.logger.Info("published", "run", r.ID, "kind", r.Kind, "statement", statement)
		return w.book.Publish(ctx, r.ID, statement)
	case errors.Is(why, runs.ErrLost):
		return why
	case errors.Is(why, errCancelled):
		w.logger.Info("cancelled", "run", r.ID)
		return w.book.Cancelled(ctx, r.ID)
	case why != nil:
		return w.book.Release(ctx, r.ID)
	}
	text, until, final := w.standing(err)
	w.logger.Info(text, "run", r.ID, "kind", r.Kind)
	if final {
		return w.book.Fail(ctx, r.ID, text)
	}
	return w.book.Wait(ctx, r.ID, text, until)
}

// hold keeps a run while it is worked on.
func (w *runWorker) hold(ctx context.Context, id string, release context.CancelCauseFunc) {
	beat := time.NewTicker(runs.Beat)
	defer beat.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		cancel, err := w.book.Renew(ctx, id)
		switch {
		case cancel:
			release(errCancelled)
		case errors.Is(err, runs.ErrLost):
			release(err)
		case err == nil:
			last = time.Now()
		case time.Since(last) > runs.Lease-runs.Beat && ctx.Err() == nil:
			release(fmt.Errorf("%w: server.database does not answer: %w", runs.ErrLost, err))
		}
	}
}

// standing says why a run goes no further now, when it is looked at again, and whether it failed.
func (w *runWorker) standing(err error) (text string, until time.Time, final bool) {
	var f *failure
	text = err.Error()
	if errors.As(err, &f) && f.hint != "" {
		text += "; " + f.hint
	}
	text = w.within(text)
	var quorum *tlog.QuorumError
	var people *peopleError
	switch {
	case errors.As(err, &people):
		return text, time.Time{}, false
	case isWaiting(err), errors.Is(err, errBusy), errors.As(err, &quorum), exitCode(err) == exitNetwork:
		return text, time.Now().Add(tryAgain), false
	}
	return text, time.Time{}, true
}

// within is a text that says of files where they lie below the configuration's folder; where that lies is nobody's business.
func (w *runWorker) within(text string) string {
	return strings.ReplaceAll(text, filepath.Dir(w.config.path)+string(filepath.Separator), "")
}

// peopleError says for whose word over the API a run waits; whoever gives it makes the run due.
type peopleError struct{ text string }

func (e *peopleError) Error() string { return e.text }

// inRun calls do with the stages of a run that was asked for over the API; what they say is told as events of the one that is done now.
func (w *runWorker) inRun(ctx context.Context, id, now string, do func(*stages, *cobra.Command) error) (err error) {
	c, err := w.config.forRun(id)
	if err != nil {
		return err
	}
	run, err := openRun(c.resolve(c.Run.Dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	if err := os.MkdirAll(filepath.Dir(c.resolve(c.Bundle.Dir)), 0o755); err != nil {
		return unreadable("%v", err)
	}
	p := newProgress(w.out, w.app.quiet)
	p.hear = func(line string, passing bool) {
		tell := w.book.Stage
		if passing {
			tell = w.book.Progress
		}
		if err := tell(ctx, now, w.within(line)); err != nil && ctx.Err() == nil {
			w.logger.Warn("what a stage says could not be told", "run", now, "error", err)
		}
	}
	silent := new(cobra.Command)
	silent.SetContext(ctx)
	silent.SetOut(io.Discard)
	silent.SetErr(io.Discard)
	return do(&stages{ctx: ctx, app: w.app, config: c, run: run, progress: p}, silent)
}

// showRun lets the server show what a run made; what is shown already stays.
func (s *stages) showRun(id string, signed report.Signed) error {
	c := s.config
	switch {
	case inS3(c.Server.Reports) == "":
	case c.Log.Origin != "":
		return nil // publish did
	default:
		return s.show(signed)
	}
	if _, err := os.Stat(c.shownRun(id)); err == nil {
		return nil
	}
	if err := os.Rename(c.hiddenRun(id), c.shownRun(id)); err != nil {
		return unreadable("server.reports: %v", err)
	}
	dir, err := os.Open(filepath.Dir(c.shownRun(id)))
	if err != nil {
		return unreadable("server.reports: %v", err)
	}
	return cmp.Or(dir.Sync(), dir.Close())
}

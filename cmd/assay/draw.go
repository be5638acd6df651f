package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest"
	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

const longDraw = `An instant that nobody could choose, against borrowing for it. First publish a commitment: a secret seed, and a block of some chain that does not exist yet.
Once that block is final, its hash and the seed give an instant between --from and --to.

If the block comes after --to, the instant is past when it becomes known, and nobody can prepare for it; the nodes must have kept the state of that time, and
you the ledger. If it comes before, you know the instant ahead; others see by when.`

func newDraw(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "draw",
		Short: "Draw the snapshot's instant: commit before, reveal after",
		Long:  longDraw,
		RunE:  func(_ *cobra.Command, _ []string) error { return usage("draw needs a verb: commit or reveal") },
	}
	cmd.AddCommand(newDrawCommit(a), newDrawReveal(a))
	return cmd
}

func newDrawCommit(a *app) *cobra.Command {
	var chain, from, to, out string
	var number uint64
	cmd := &cobra.Command{
		Use:   "commit --chain C --number N --from T --to T",
		Short: "Seal a seed, and write the signed commitment to publish now",
		Long: `Draw a fresh seed, seal it beside the snapshot key, and write the commitment to it, signed with the statement key. Publish that file at once, where others
keep copies with their dates: it is worth what they remember. The block must not exist yet.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.aside(cmd)
			if err != nil {
				return err
			}
			c, err := s.commit(chain, number, from, to, out)
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"commitment": c, "file": out},
				"committed to block %d of %s: an instant from %s to %s\npublish %s now, and keep the keys: the seed is sealed beside them", c.Number, c.Chain, c.From, c.To, out)
		},
	}
	cmd.Flags().StringVar(&chain, "chain", "", "chain whose block draws, one of [[chain]]")
	cmd.Flags().Uint64Var(&number, "number", 0, "number of the block, one that does not exist yet")
	cmd.Flags().StringVar(&from, "from", "", "earliest instant, such as 2026-11-01T00:00:00Z")
	cmd.Flags().StringVar(&to, "to", "", "latest instant")
	cmd.Flags().StringVar(&out, "out", "draw.dsse.json", "file for the commitment")
	return cmd
}

func newDrawReveal(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reveal FILE",
		Short: "Tell the instant, once the block is final",
		Long: `Read a commitment, open its seed, and tell the instant that seed and block give. Nothing is written: assay snapshot --drawn FILE takes the snapshot of that
instant, with what shows that it was drawn.`,
		Args: oneArg("draw reveal takes one commitment"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.aside(cmd)
			if err != nil {
				return err
			}
			d, err := s.reveal(args[0])
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"draw": d, "instant": d.Instant()}, "instant %s, drawn by block %d of %s", d.Instant(), d.Number, d.Chain)
		},
	}
}

// aside is for verbs that belong to no run, and need no run directory.
func (a *app) aside(cmd *cobra.Command) (*stages, error) {
	c, err := a.load()
	if err != nil {
		return nil, err
	}
	return &stages{ctx: cmd.Context(), app: a, config: c, progress: newProgress(cmd.ErrOrStderr(), a.quiet), run: &runDir{path: c.resolve(c.Run.Dir)}}, nil
}

// drawer is what a chain's source must be able to do for a block of it to draw.
type drawer interface {
	BlockAt(ctx context.Context, number uint64) (chains.BlockRef, error)
	Head(ctx context.Context) (uint64, error)
}

func (s *stages) drawer(chain chains.Chain) (drawer, error) {
	source, err := s.source(s.ctx, chain)
	if err != nil {
		return nil, err
	}
	d, ok := source.(drawer)
	if !ok {
		return nil, usage("--chain: blocks of %s cannot draw an instant; name an eip155 or bip122 chain", chain)
	}
	return d, nil
}

func (s *stages) commit(chain string, number uint64, from, to, out string) (report.DrawCommitment, error) {
	var none report.DrawCommitment
	var times [2]report.Time
	for i, text := range []string{from, to} {
		var err error
		if times[i], err = report.ParseTime(text); err != nil {
			return none, usage("draw commit needs --chain, --number, --from and --to: %v", err)
		}
	}
	on, err := chains.ParseChain(chain)
	if err != nil {
		return none, usage("--chain: %v", err)
	}
	if _, err := os.Lstat(out); err == nil {
		return none, hinted(refused("%s exists already and is not written over", out), "name another file with --out")
	}
	nodes, err := s.drawer(on)
	if err != nil {
		return none, err
	}
	head, err := nodes.Head(s.ctx)
	if err != nil {
		return none, err
	}
	if number <= head {
		return none, hinted(refused("block %d of %s exists already: the chain has %d", number, on, head), "commit to a block that is still to come")
	}
	var seed [32]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return none, err
	}
	c, err := report.NewDrawCommitment(s.config.Exchange.Name, on, number, times[0].Time, times[1].Time, seed)
	if err != nil {
		return none, usage("%v", err)
	}
	envelope, err := s.signDraw(c)
	if err != nil {
		return none, err
	}
	if err := s.sealSeed(c, seed); err != nil {
		return none, err
	}
	if err := writeNew(out, string(envelope)); err != nil {
		return none, unreadable("%v", err)
	}
	return c, nil
}

func (s *stages) signDraw(c report.DrawCommitment) ([]byte, error) {
	payload, err := c.JSON()
	if err != nil {
		return nil, refused("%v", err)
	}
	signer, err := s.app.signer(s.ctx, "keys.statement", s.config.keyRef(s.config.Keys.Statement))
	if err != nil {
		return nil, err
	}
	e, err := attest.Sign(attest.PayloadDraw, payload, signer)
	if err != nil {
		return nil, refused("%v", err)
	}
	return e.JSON()
}

// sealSeed seals a seed to the snapshot key, which stays closed, in a file beside it.
func (s *stages) sealSeed(c report.DrawCommitment, seed [32]byte) error {
	recipient, err := keys.Recipient(s.config.keyRef(s.config.Keys.Snapshot))
	if err != nil {
		return keyError("keys.snapshot", err)
	}
	path, err := s.seedPath(c)
	if err != nil {
		return err
	}
	if err := keys.SaveDrawSeed(path, seed, keys.Lock{Recipients: []age.Recipient{recipient}}); err != nil {
		return unreadable("%v", err)
	}
	return nil
}

func (s *stages) seedPath(c report.DrawCommitment) (string, error) {
	key, err := keys.FilePath(s.config.keyRef(s.config.Keys.Snapshot))
	if err != nil {
		return "", keyError("keys.snapshot", err)
	}
	return filepath.Join(filepath.Dir(key), "draw-"+c.Commitment.String()[:16]+".age"), nil
}

// committed reads a commitment of this exchange's own.
func (s *stages) committed(file string) (report.DrawCommitment, error) {
	var none report.DrawCommitment
	raw, err := os.ReadFile(file)
	if err != nil {
		return none, unreadable("%v", err)
	}
	e, err := attest.ParseEnvelopeOf(attest.PayloadDraw, raw)
	if err != nil {
		return none, unreadable("%s: %v", file, err)
	}
	public, err := s.app.publicKey(s.ctx, "keys.statement", s.config.keyRef(s.config.Keys.Statement))
	if err != nil {
		return none, err
	}
	if err := e.Verify(public); err != nil {
		return none, refused("%s: %v", file, err)
	}
	c, err := report.ParseDrawCommitment(e.Payload)
	if err != nil {
		return none, unreadable("%s: %v", file, err)
	}
	if c.Exchange != s.config.Exchange.Name {
		return none, refused("%s: it is a commitment of %q, not of %q", file, c.Exchange, s.config.Exchange.Name)
	}
	return c, nil
}

// reveal draws the instant of a commitment, or waits for its block.
func (s *stages) reveal(file string) (report.Draw, error) {
	c, err := s.committed(file)
	if err != nil {
		return report.Draw{}, err
	}
	nodes, err := s.drawer(c.Chain)
	if err != nil {
		return report.Draw{}, err
	}
	block, err := nodes.BlockAt(s.ctx, c.Number)
	var early *chains.NotFinalError
	if errors.As(err, &early) {
		return report.Draw{}, waiting("run it again then", "waiting for block %d of %s to be final: it is final up to %d", c.Number, c.Chain, early.Final)
	}
	if err != nil {
		return report.Draw{}, err
	}
	path, err := s.seedPath(c)
	if err != nil {
		return report.Draw{}, err
	}
	key, err := s.openSnapshotKey()
	if err != nil {
		return report.Draw{}, err
	}
	seed, err := keys.OpenDrawSeed(path, openedBy(key))
	if err != nil {
		return report.Draw{}, hinted(unreadable("%v", err), "the seed was sealed when the commitment was made, beside the snapshot key; without it nothing can be drawn")
	}
	d, err := c.Reveal(seed, block.Hash)
	if err != nil {
		return report.Draw{}, refused("%v", err)
	}
	if block.Time.After(c.To.Time) {
		s.progress.say("draw: note: block %d is of %s, after %s: the instant was past when it became known, so ask nodes that keep old state", c.Number, report.Time{Time: block.Time}, c.To)
	} else if block.Time.Before(d.Instant().Time) {
		s.progress.say("draw: note: block %d is of %s: the instant was known to you from then on", c.Number, report.Time{Time: block.Time})
	}
	return d, nil
}

// instantOf is the instant that the operator names, and the draw that shows it if it was drawn.
func (s *stages) instantOf(w instant) (time.Time, *report.Draw, error) {
	if w.drawn == "" {
		at, err := parseInstant(w.at, time.Now())
		return at, nil, err
	}
	if w.at != "" {
		return time.Time{}, nil, usage("give either --at or --drawn")
	}
	d, err := s.reveal(w.drawn)
	if err != nil {
		return time.Time{}, nil, err
	}
	if at := d.Instant(); at.After(time.Now()) {
		return time.Time{}, nil, waiting("run it again then", "waiting for the instant that was drawn, %s", at)
	}
	return d.Instant().Time, &d, nil
}

// sameDraw refuses to go on with a snapshot whose instant another commitment drew, or none.
func (s *stages) sameDraw(w instant, snap report.Snapshot) error {
	if w.drawn == "" {
		return nil
	}
	c, err := s.committed(w.drawn)
	if err != nil {
		return err
	}
	if snap.Draw == nil || snap.Draw.Commitment != c.Commitment {
		return hinted(refused("%s holds a snapshot whose instant %s did not draw", s.rel(s.run.path), w.drawn),
			"a new snapshot needs a run directory of its own: change run.dir")
	}
	return nil
}

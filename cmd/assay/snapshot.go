package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/keys"
	"github.com/assay-por/assay/chains"
	"github.com/assay-por/assay/report"
)

// instant is what the operator says of the snapshot; it counts only when the snapshot is taken.
type instant struct {
	period, at, drawn string
}

func (w *instant) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&w.period, "period", "", "name of the period, such as 2026-11 (default: year and month of the instant)")
	cmd.Flags().StringVar(&w.at, "at", "", "the snapshot's instant, such as 2026-11-01T00:00:00Z (default: now)")
	cmd.Flags().StringVar(&w.drawn, "drawn", "", "take the instant that was drawn: the file that assay draw commit wrote")
}

func newSnapshot(a *app) *cobra.Command {
	var w instant
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "Fix the instant: pin a final block of every chain, draw the snapshot's secrets",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error {
				snap, err := s.snapshot(w)
				if err != nil {
					return err
				}
				return a.say(cmd, snap, "snapshot %s at %s, %d chains pinned", snap.ID, snap.Instant, len(snap.Blocks))
			})
		},
	}
	w.flags(cmd)
	return cmd
}

// snapshot takes the snapshot, or returns the one that was taken before. Its last act is to write snapshot.json: until then
// an interrupted snapshot counts as none.
func (s *stages) snapshot(w instant) (report.Snapshot, error) {
	if s.run.has(fileSnapshot) {
		return s.taken(w)
	}
	at, draw, err := s.instantOf(w)
	if err != nil {
		return report.Snapshot{}, err
	}
	period := w.period
	if period == "" {
		period = at.Format("2006-01")
	}
	snap, err := registry(s.config, period, at)
	if err != nil {
		return report.Snapshot{}, err
	}
	if snap, err = s.config.withMargin(snap); err != nil {
		return report.Snapshot{}, err
	}
	if draw != nil {
		if snap, err = snap.WithDraw(*draw); err != nil {
			return report.Snapshot{}, refused("%v", err)
		}
	}
	var pins []chains.BlockRef
	for _, chain := range snap.Chains() {
		s.progress.say("snapshot: pinning %s", chain)
		pin, err := s.pin(chain, at)
		if err != nil {
			return report.Snapshot{}, err
		}
		pins = append(pins, pin)
	}
	if snap, err = snap.WithBlocks(pins...); err != nil {
		return report.Snapshot{}, refused("%v", err)
	}
	if err := s.drawSecrets(); err != nil {
		return report.Snapshot{}, err
	}
	return snap, s.run.writeJSON(fileSnapshot, snap)
}

// registry is the snapshot as the configuration has it, without prices and blocks.
func registry(c *Config, period string, at time.Time) (report.Snapshot, error) {
	e := c.Exchange
	assets := make([]report.Asset, len(c.Assets))
	for i, a := range c.Assets {
		assets[i] = report.Asset{ID: a.ID, Decimals: a.Decimals, Tokens: []report.Token{}}
		for _, t := range a.Tokens {
			assets[i].Tokens = append(assets[i].Tokens, report.Token{ID: chains.Token(t.ID), Decimals: t.Decimals, Class: report.Class(t.Class)})
		}
	}
	snap, err := report.NewSnapshot(report.Exchange{Entity: e.Entity, LEI: e.LEI, Name: e.Name, URL: e.URL}, period, at, assets)
	if err == nil {
		snap, err = snap.WithKind(c.Run.Kind)
	}
	if err != nil {
		return report.Snapshot{}, unreadable("%s: %v", c.path, err)
	}
	return snap, nil
}

// taken returns the run's snapshot and refuses to go on with it under another registry or instant: everything built so far
// speaks of the old one.
func (s *stages) taken(w instant) (report.Snapshot, error) {
	var snap report.Snapshot
	if err := s.run.readJSON(fileSnapshot, "snapshot", &snap); err != nil {
		return snap, err
	}
	same, err := registry(s.config, snap.Period, snap.Instant.Time)
	if err == nil {
		same, err = s.config.sameMargin(same, snap)
	}
	if err == nil && snap.Draw != nil {
		same, err = same.WithDraw(*snap.Draw)
	}
	if err != nil {
		return snap, err
	}
	if err := s.sameDraw(w, snap); err != nil {
		return snap, err
	}
	switch {
	case same.ID != snap.ID, (snap.Margin == nil) != (s.config.Margin == nil):
		err = fmt.Errorf("exchange, assets, run.kind or [margin] in %s are not those of the snapshot taken in %s", s.rel(s.config.path), s.rel(s.run.path))
	case w.period != "" && w.period != snap.Period:
		err = fmt.Errorf("%s holds the period %s, not %s", s.rel(s.run.path), snap.Period, w.period)
	case w.at != "" && w.at != snap.Instant.String():
		err = fmt.Errorf("%s holds the snapshot of %s, not of %s", s.rel(s.run.path), snap.Instant, w.at)
	default:
		return snap, nil
	}
	return snap, hinted(refused("%v", err), "a new snapshot needs a run directory of its own: change run.dir")
}

// drawSecrets draws what a snapshot keeps to itself: the secret of its identities, and the identity that opens its shard
// files. Both are sealed to the snapshot key, which stays closed. What an interrupted snapshot left is thrown away: nothing
// was built on it.
func (s *stages) drawSecrets() error {
	recipient, err := keys.Recipient(s.config.keyRef(s.config.Keys.Snapshot))
	if err != nil {
		return keyError("keys.snapshot", err)
	}
	for _, left := range []string{fileSecret, fileShardKey, keys.PublicPath(fileShardKey)} {
		if err := os.Remove(s.run.join(left)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unreadable("%v", err)
		}
	}
	lock := keys.Lock{Recipients: []age.Recipient{recipient}}
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return err
	}
	if err := keys.SaveSecret(s.run.join(fileSecret), secret, lock); err != nil {
		return unreadable("%v", err)
	}
	files, err := keys.GenerateIdentity()
	if err != nil {
		return err
	}
	if err := files.Save(s.run.join(fileShardKey), lock); err != nil {
		return unreadable("%v", err)
	}
	return nil
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRun(a *app) *cobra.Command {
	var w instant
	var unsignedToo bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Do every stage, as far as it can; say what it waits for",
		Long: `Do snapshot, build, reserves, control, report, sign and, with a [log], publish, one after the other. What is done already is not done again, so after an interrupt, or once
signatures of control came in, run it again to go on.

The run waits for every wallet's signature, and for as many approvals as [approvals] requires. With --unsigned it goes on without the missing ones: those wallets count for nothing.

A run that was published stays as it is: nothing of it is drawn up anew, whatever the configuration or a newer assay would say by now.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.inRun(cmd, func(s *stages) error { return s.all(cmd, w, unsignedToo) })
		},
	}
	w.flags(cmd)
	cmd.Flags().BoolVar(&unsignedToo, "unsigned", false, "go on without the signatures that are missing")
	return cmd
}

// all does the stages in order.
func (s *stages) all(cmd *cobra.Command, w instant, unsignedToo bool) error {
	if done, err := s.isPublished(w); done || err != nil {
		if err != nil {
			return err
		}
		s.progress.say("run: it was published, and nothing is drawn up anew; another statement needs a run directory of its own (run.dir)")
		return s.publish(cmd)
	}
	d, err := s.drawn(cmd, w, unsignedToo)
	if err != nil {
		return err
	}
	return s.signAndPublish(cmd, d)
}

// signAndPublish does what is left once there is a draft.
func (s *stages) signAndPublish(cmd *cobra.Command, d draft) error {
	if err := s.sign(cmd, d); err != nil {
		return err
	}
	if s.config.Log.Origin != "" {
		return s.publish(cmd)
	}
	_, signed, err := s.signedStatement()
	if err != nil {
		return err
	}
	return s.show(signed)
}

// drawn does the stages up to the draft. Evidence comes before the tree: nodes forget, ledgers do not.
func (s *stages) drawn(cmd *cobra.Command, w instant, unsignedToo bool) (draft, error) {
	if err := s.mustFit(false); err != nil {
		return draft{}, err
	}
	in, err := openLedger(s.ctx, s.config)
	if err != nil {
		return draft{}, err
	}
	if _, err := s.approvals(); err != nil { // what keeps a draft from being drawn up shows before the evidence is gathered
		return draft{}, err
	}
	former, err := s.former()
	if err != nil {
		return draft{}, err
	}
	snap, err := s.snapshot(w)
	if err != nil {
		return draft{}, err
	}
	if _, err := s.series(snap, former); err != nil {
		return draft{}, err
	}
	s.progress.say("snapshot: %s", snap.ID)
	balances, err := s.reserves(snap)
	if err != nil {
		return draft{}, err
	}
	s.progress.say("reserves: %d balances", len(balances))
	_, later := s.beside(snap)
	if later != nil && !isWaiting(later) {
		return draft{}, later
	}
	b, err := s.build(snap, in, false)
	if err != nil {
		return draft{}, err
	}
	s.progress.say("build: %d customers, root %s", b.Ledger.Customers, b.Tree.Root)
	wallets, err := s.wallets()
	if err != nil {
		return draft{}, err
	}
	have, err := s.signatures(snap, b.Tree)
	if err != nil {
		return draft{}, err
	}
	if missing := s.unsigned(wallets, have); len(missing) > 0 && !unsignedToo {
		if _, _, err := s.challenge(handing{out: s.run.join(dirChallenges)}); err != nil {
			return draft{}, err
		}
		return draft{}, joinWaiting(waiting(fmt.Sprintf("have the texts in %s signed, then assay control import DIR and assay run again; or go on with assay run --unsigned",
			s.rel(s.run.join(dirChallenges))), "waiting for the signatures of %d of %d wallets", len(missing), len(wallets)), later)
	}
	if later != nil {
		return draft{}, later
	}
	d, err := s.draft()
	if err != nil {
		return draft{}, err
	}
	return d, s.app.sayCoverage(cmd, d.statement.Predicate)
}

// isPublished reports whether the log shows the run's statement, and the bundle is of it: then no stage has anything to do.
func (s *stages) isPublished(w instant) (bool, error) {
	there, err := s.entered()
	if err != nil || there == nil || !s.log.published(there.Noted) {
		return false, err
	}
	envelope, signed, err := s.signedStatement()
	if err != nil || s.inBundle(envelope, signed) != nil {
		return false, err
	}
	_, err = s.taken(w)
	return true, err
}

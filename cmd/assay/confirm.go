package main

import (
	"github.com/spf13/cobra"
)

func newConfirm(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "confirm DIGEST",
		Short: "Say that what moved since the former statement is right",
		Long: `Figures that moved further than [drift] allows since the former statement keep the draft from being signed until somebody looked at them: assay run, sign and report
list them and name the digest. It covers these very figures: if one of them changes, it is asked for again. The statement says nothing of it.`,
		Args: oneArg("confirm takes the digest that assay report names"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inRun(cmd, func(s *stages) error { return s.confirm(cmd, args[0]) })
		},
	}
}

// confirm keeps the drift of the draft as it is now, if it is the one that was looked at.
func (s *stages) confirm(cmd *cobra.Command, looked string) error {
	d, err := s.draft()
	if err != nil {
		return err
	}
	moved := s.drift(d.former, d.statement.Predicate)
	if len(moved.Drifts) == 0 {
		return refused("there is nothing to confirm: no figure of the draft moved further than [drift] allows")
	}
	digest, err := moved.digest()
	if err != nil {
		return err
	}
	if looked != digest {
		return hinted(refused("what moved since the former statement is %s, not %s", digest, looked), "assay report lists it as it is now")
	}
	if err := s.run.writeJSON(fileConfirmed, moved); err != nil {
		return err
	}
	return s.app.say(cmd, moved, "confirmed: %d figures of the draft moved since the former statement %s, and are right", len(moved.Drifts), moved.Former)
}

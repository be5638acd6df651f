package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/attest/tlog"
	"github.com/assay-por/assay/attest/witness"
)

// WitnessConfig is for who watches over logs of others.
type WitnessConfig struct {
	Name   string   `toml:"name"`
	Dir    string   `toml:"dir"`
	Key    string   `toml:"key"`
	Logs   []string `toml:"logs"`
	Listen string   `toml:"listen"`
}

func newWitness(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "witness",
		Short: "Be a witness of other people's logs",
		Long: `A witness cosigns a log's checkpoint only if the log still begins with all that the witness cosigned before (C2SP tlog-witness). It needs assay.toml with
[witness] and nothing else. It is worth something to others only if somebody else than the exchange runs it.`,
		RunE: func(_ *cobra.Command, _ []string) error { return usage("witness needs a verb: init or run") },
	}
	cmd.AddCommand(newWitnessInit(a), newWitnessRun(a))
	return cmd
}

func newWitnessInit(a *app) *cobra.Command {
	var recipient string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the witness's sealed key, if it is not there, and print its verifier key",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if c.Witness.Name == "" {
				return hinted(unreadable("%s: witness.name is missing", c.path), "a witness needs a name that stays, such as witness.example")
			}
			signer, err := a.signerOrNew(cmd.Context(), "witness.key", c.keyRef(c.Witness.Key), recipient)
			if err != nil {
				return err
			}
			vkey, err := tlog.WitnessKey(c.Witness.Name, signer.PublicKey())
			if err != nil {
				return refused("witness.key or witness.name: %v", err)
			}
			return a.say(cmd, map[string]string{"key": vkey}, "verifier key: %s\ngive it, and the URL that this witness will have, to the logs; and to all who shall believe it", vkey)
		},
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "seal a new key to this age recipient (age1…) instead of a passphrase")
	return cmd
}

func newWitnessRun(a *app) *cobra.Command {
	var listen string
	var logs []string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Answer logs, and show monitors what was cosigned",
		Long: `Answer POST /add-checkpoint of the logs watched, and GET /checkpoint/<SHA-256 of a log's origin>. A line on stderr says what was cosigned, and what was refused
and where the evidence lies. Put a TLS proxy in front before others reach it. Port 0 takes a free one; the address is printed.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if listen == "" {
				listen = c.Witness.Listen
			}
			signer, err := a.signer(cmd.Context(), "witness.key", c.keyRef(c.Witness.Key))
			if err != nil {
				return err
			}
			logger := a.logger(cmd)
			w, err := witness.Open(witness.Config{
				Dir: c.resolve(c.Witness.Dir), Name: c.Witness.Name, Signer: signer, Logs: slices.Concat(c.Witness.Logs, logs), Now: time.Now,
				Log: logger,
			})
			if err != nil {
				return refused("%v", err)
			}
			defer w.Close()
			return a.answer(cmd, listen, answering{w, nil, time.Minute, logger, "", peers{}})
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address and port instead of the configuration's")
	cmd.Flags().StringArrayVar(&logs, "log", nil, "verifier key of a further log to watch; may stand several times")
	return cmd
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains/devnet"
)

func newUp() *cobra.Command {
	var dir, btcd, seed string
	var untilEOF bool
	cmd := &cobra.Command{
		Use:   "up --dir DIR",
		Short: "Start both chains and stay until told to stop",
		Long: `Start go-ethereum and btcd with the demo exchange's wallets on them, list the wallets in DIR/wallets, and describe it all in
DIR/devchain.json. That file appears when the chains are ready and goes when they stop: at SIGTERM or SIGINT, or with --until-eof when
standard input is closed.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "dir"); err != nil {
				return err
			}
			ctx := cmd.Context()
			if untilEOF {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				go func() {
					_, _ = io.Copy(io.Discard, cmd.InOrStdin()) // however it ends, it ended
					cancel()
				}()
			}
			return up(ctx, cmd.ErrOrStderr(), dir, devnet.Options{Seed: seed, Btcd: btcd, Dir: dir, Now: time.Now()})
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder for the description and the lists of wallets")
	cmd.Flags().StringVar(&btcd, "btcd", "btcd", "path of the btcd binary")
	cmd.Flags().StringVar(&seed, "seed", "demo", "what keys and chains follow from")
	cmd.Flags().BoolVar(&untilEOF, "until-eof", false, "stop when standard input is closed")
	return cmd
}

func up(ctx context.Context, progress io.Writer, dir string, opts devnet.Options) (err error) {
	began := time.Now()
	if err := os.MkdirAll(filepath.Join(dir, "wallets"), 0o755); err != nil {
		return err
	}
	// A description that an earlier run left behind would be taken for this one's.
	if err := removeDescription(dir); err != nil {
		return err
	}
	network, err := devnet.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeDescription(dir), network.Close()) }()
	d, err := describe(ctx, network, opts.Seed)
	if err != nil {
		return err
	}
	if err := d.write(dir); err != nil {
		return err
	}
	fmt.Fprintf(progress, "devchain: up after %.1f s: %s at %s, %s at %s; instant %s\n", time.Since(began).Seconds(),
		d.Chains[0].ID, d.Chains[0].Node, d.Chains[1].ID, network.Bitcoin.Place(), d.Instant)
	<-ctx.Done()
	fmt.Fprintln(progress, "devchain: stopping")
	return nil
}

func removeDescription(dir string) error {
	if err := os.Remove(filepath.Join(dir, descriptionFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

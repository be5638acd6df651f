// Devchain gives the demo its surroundings: two local chains with an
// exchange's wallets on them, somebody who signs with those wallets' keys, and
// a way to fetch a page. It is no part of the product.
//
//	devchain up --dir DIR          start both chains; stop them with SIGTERM or SIGINT
//	devchain config --dir DIR      print an assay.toml for them
//	devchain anchors --dir DIR     print the pinned blocks as anchors of a trust policy
//	devchain instant --dir DIR     print the instant to take the snapshot at
//	devchain sign --dir DIR …      sign challenges as the wallets' owner
//	devchain fetch URL FILE        GET a URL into a file
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "devchain: error:", err)
	var usage usageError
	if errors.As(err, &usage) {
		os.Exit(2)
	}
	os.Exit(1)
}

// A usageError says that the command line is wrong.
type usageError struct{ error }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "devchain",
		Short:         "Local chains and wallets for the demo",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newUp(), newConfig(), newAnchors(), newInstant(), newSign(), newFetch())
	return root
}

// exactly is cobra.ExactArgs, its error marked as one of usage.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// required reports the first of the named flags that was not given.
func required(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if !cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("%s needs --%s", cmd.Name(), name)}
		}
	}
	return nil
}

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func newConfig() *cobra.Command {
	return describing("config", "Print an assay.toml for the chains", writeConfig)
}

func newAnchors() *cobra.Command {
	return describing("anchors", "Print the pinned blocks as anchors of a trust policy", func(w io.Writer, _ string, d description) {
		for _, c := range d.Chains {
			fmt.Fprintf(w, "\n[[anchor]]\nchain = %q\nnumber = %d\nhash = %q\n", c.ID, c.Block.Number, c.Block.Hash)
		}
	})
}

func newInstant() *cobra.Command {
	return describing("instant", "Print the instant to take the snapshot at", func(w io.Writer, _ string, d description) {
		fmt.Fprintln(w, d.Instant)
	})
}

// describing is a verb that prints something of the description.
func describing(name, short string, write func(w io.Writer, dir string, d description)) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   name + " --dir DIR",
		Short: short,
		Args:  exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "dir"); err != nil {
				return err
			}
			d, err := readDescription(dir)
			if err != nil {
				return err
			}
			write(cmd.OutOrStdout(), dir, d)
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of `devchain up`")
	return cmd
}

// writeConfig writes the configuration of the demo exchange. The paths of the
// lists of wallets start where the folder's own path does.
func writeConfig(w io.Writer, dir string, d description) {
	fmt.Fprint(w, `# The demo exchange, on the chains of devchain up.

[exchange]
name = "Demo Exchange"
entity = "Demo Exchange Ltd."

[scope]
included = ["spot"]

[ledger]
files = ["ledger/*.csv*"]
`)
	for _, a := range d.Assets {
		fmt.Fprintf(w, "\n[[asset]]\nid = %q\ndecimals = %d\ntokens = [{ id = %q, decimals = %d, class = %q }]\n", a.ID, a.Decimals, a.Token, a.Decimals, a.Class)
	}
	for _, c := range d.Chains {
		fmt.Fprintf(w, "\n[[chain]]\nid = %q\nnodes = [%q]\n", c.ID, c.Node)
	}
	for _, l := range d.Wallets {
		file := strings.TrimSuffix(filepath.ToSlash(dir), "/") + "/" + l.File
		fmt.Fprintf(w, "\n[[wallet]]\nchain = %q\nfile = %q\ncustody = %q\n", l.Chain, file, l.Custody)
	}
}

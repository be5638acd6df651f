package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/assay-por/assay/chains/devnet"
)

func newSign() *cobra.Command {
	var dir, challenges, out string
	cmd := &cobra.Command{
		Use:   "sign --dir DIR --challenges DIR --out DIR",
		Short: "Sign challenges as the owner of the wallets",
		Long: `Read every challenge NAME.txt in one folder, sign its text with the key of the account that it names, and write NAME.sig, one line, into the
other. This is what an exchange's custodians do on machines without a network.`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "dir", "challenges", "out"); err != nil {
				return err
			}
			n, err := signAll(dir, challenges, out)
			if err == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "devchain: %d challenges signed\n", n)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of `devchain up`")
	cmd.Flags().StringVar(&challenges, "challenges", "", "folder of the challenges")
	cmd.Flags().StringVar(&out, "out", "", "folder for the signatures")
	return cmd
}

func signAll(dir, challenges, out string) (int, error) {
	d, err := readDescription(dir)
	if err != nil {
		return 0, err
	}
	texts, err := filepath.Glob(filepath.Join(challenges, "*.txt"))
	if err != nil {
		return 0, err
	}
	if len(texts) == 0 {
		return 0, fmt.Errorf("no challenge *.txt in %s", challenges)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return 0, err
	}
	for _, name := range texts {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		signature, err := devnet.Sign(d.Seed, string(text))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		file := strings.TrimSuffix(filepath.Base(name), ".txt") + ".sig"
		if err := renameio.WriteFile(filepath.Join(out, file), []byte(signature+"\n"), 0o644); err != nil {
			return 0, err
		}
	}
	return len(texts), nil
}

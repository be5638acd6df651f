package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
)

func compareCommand(out *output) *cobra.Command {
	var policies []string
	c := &cobra.Command{
		Use:   "compare A B --policy A.toml --policy B.toml",
		Short: "Find accounts and coins that two exchanges both claim",
		Long: `Find accounts and coins that two exchanges both claim as their reserves.

A and B are bundles: a folder, a zip file, or the URL of a zip file. Each is held against a policy of its own, given in the same order. Their
statements and files must verify first; that what they claim is proved, assay-verify bundle says of each.

Exit codes:
  0  nothing is in both
  1  something is, or a bundle does not hold
  2  usage, two bundles of one exchange among it
  3  unreadable input: a file is missing, truncated, or not of its format
  4  unsupported version: use a newer assay-verify
  5  network`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(policies) != 2 {
				return &failure{verifier.ExitUsage, fmt.Errorf("%d of --policy: two bundles are held against two policies", len(policies)), "give --policy twice, in the order of the bundles"}
			}
			var files [2]*verifier.Files
			var trusted [2]*claim.Policy
			for i := range files {
				var err error
				if trusted[i], err = readPolicy(policies[i]); err != nil {
					return err
				}
				var done func()
				if files[i], done, err = openBundle(cmd.Context(), args[i]); err != nil {
					return err
				}
				defer done()
			}
			found, err := verifier.Compare(files[0], files[1], trusted[0], trusted[1])
			var same *verifier.SameExchangeError
			if errors.As(err, &same) {
				return &failure{verifier.ExitUsage, err, "compare the reports of two exchanges"}
			}
			if err != nil {
				return err
			}
			return out.printComparison(cmd.OutOrStdout(), found)
		},
	}
	c.Flags().StringArrayVar(&policies, "policy", nil, "your trust policy for A, then the one for B (both required)")
	return c
}

// printComparison writes what two bundles share.
func (o *output) printComparison(w io.Writer, c verifier.Comparison) error {
	return o.write(w, c, c.Exit, func(p *page) {
		if !o.quiet {
			for _, v := range []verifier.Verdict{c.First, c.Second} {
				p.checks(v.Checks)
				if v.Statement != nil {
					p.statement(v.Statement)
				}
				p.line("")
			}
			if c.Compared != "" {
				p.line("Compared: %s", c.Compared)
			}
			p.list("Accounts in both", c.Accounts)
			p.list("Outputs in both", c.Outputs)
		}
		switch {
		case c.Exit == verifier.ExitProven:
			p.WriteString(p.paint("1;32", "DISTINCT"))
		case c.Compared == "":
			p.WriteString(p.paint("1;31", "NOT COMPARED"))
		default:
			p.WriteString(p.paint("1;31", "SHARED"))
		}
		p.line(": %s", c.Summary)
	})
}

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/watch"
)

func evidenceCommand(out *output) *cobra.Command {
	var policyPath string
	c := &cobra.Command{
		Use:   "evidence FILE --policy FILE",
		Short: "Check evidence that a log signed two histories, or that an exchange said two things",
		Long: `Check evidence that a log signed two histories (a fork), or that an exchange entered two statements where only one may stand (an
equivocation). The file is all that is needed: no log is asked. Whose keys they are is for your policy to say.

Exit codes:
  0  the file shows nothing
  1  CAUGHT: the evidence holds
  2  usage
  3  unreadable input: the file is missing, truncated, or not of its format
  4  unsupported version: use a newer assay-verify`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			trust, err := logTrust(policy)
			if err != nil {
				return err
			}
			raw, err := readFile(args[0], 1<<20)
			if err != nil {
				return err
			}
			caught, nothing, err := watch.Judge(raw, policy, trust)
			if err != nil {
				return &failure{code: verifier.ExitCode(err), err: fmt.Errorf("%s: %w", args[0], err)}
			}
			v := judgement{Caught: nothing == nil, Says: caught, Policy: policy.Digest.String()}
			if nothing != nil {
				v.Says = nothing.Error()
			} else {
				v.Exit = verifier.ExitFalse
			}
			return out.printJudgement(cmd.OutOrStdout(), v)
		},
	}
	policyFlag(c, &policyPath)
	return c
}

// judgement is what a file of evidence shows.
type judgement struct {
	Caught bool   `json:"caught"`
	Exit   int    `json:"exit"`
	Says   string `json:"says"`
	Policy string `json:"policy"`
}

func (o *output) printJudgement(w io.Writer, v judgement) error {
	return o.write(w, v, v.Exit, func(p *page) {
		if !o.quiet {
			p.list("What was trusted", []string{"the trust policy with digest " + v.Policy})
			p.line("")
		}
		if v.Caught {
			p.WriteString(p.paint("1;31", "CAUGHT"))
		} else {
			p.WriteString("SHOWS NOTHING")
		}
		p.line(": %s", v.Says)
	})
}

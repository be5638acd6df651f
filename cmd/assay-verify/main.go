// Command assay-verify tells whether an exchange's report is proven: a published bundle as a whole, or one customer's place in
// it. It takes files (and, for a bundle, a URL) and a trust policy of the reader's own, prints every check that it made, and
// exits with 0 only if all of them passed. Asked to, it also puts a report's blocks and balances to nodes of the reader's own
// choosing. It shares no code with assay, which makes the reports.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
)

// version is set by the linker.
var version = "devel"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// failure is an error with an exit code of its own and, if there is one, advice.
type failure struct {
	code int
	err  error
	hint string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// judged ends the command with a verdict's exit code: the verdict is already printed.
type judged struct{ code int }

func (j *judged) Error() string { return fmt.Sprintf("exit %d", j.code) }

// run carries out one command line and returns its exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	var verdict *judged
	var failed *failure
	switch {
	case err == nil:
		return verifier.ExitProven
	case errors.As(err, &verdict):
		return verdict.code
	case errors.As(err, &failed):
	default:
		failed = &failure{verifier.ExitUsage, err, "assay-verify --help"}
	}
	fmt.Fprintf(stderr, "assay-verify: error: %s\n", escape(failed.Error()))
	if failed.hint != "" {
		fmt.Fprintf(stderr, "assay-verify: hint: %s\n", escape(failed.hint))
	}
	return failed.code
}

const exitCodes = `
Exit codes:
  0  proven: every check passed (the statement is true, its shortfalls included)
  1  checked and false
  2  usage
  3  unreadable input: a file is missing, truncated, or not of its format
  4  unsupported version: use a newer assay-verify
  5  network`

// rootCommand wires the verbs by hand, in view.
func rootCommand() *cobra.Command {
	var out output
	root := &cobra.Command{
		Use:   "assay-verify",
		Short: "Check an exchange's proof of solvency, without trusting the exchange",
		Long: `Check an exchange's proof of solvency, without trusting the exchange.

  assay-verify proof  my-proof.json --policy policy.toml     am I inside the totals that were signed?
  assay-verify bundle report.zip    --policy policy.toml     is the whole report true?
  assay-verify recheck report.zip   --policy policy.toml --node CHAIN=URL     do my own nodes say the same?
  assay-verify compare a.zip b.zip  --policy a.toml --policy b.toml          do two exchanges show the same coins?
  assay-verify history jan.zip feb.zip --policy policy.toml  do the statements of months follow from one another?
  assay-verify log https://log.example.org --policy policy.toml  is the log what it was, and does it say the same to all?
  assay-verify response answer.json --keys keys.dsse.json --policy policy.toml   did the exchange's server answer this?

What you trust is a file of yours, the policy: the exchange's keys, the grades of evidence that count, block hashes and
checkpoints of Ethereum from your own sources. There is no default, and none is ever taken from the files that are checked.
` + exitCodes,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return &failure{verifier.ExitUsage, errors.New("no verb given"), "assay-verify --help"}
		},
	}
	root.PersistentFlags().BoolVar(&out.json, "json", false, "print the verdict as JSON")
	root.PersistentFlags().BoolVar(&out.quiet, "quiet", false, "print only the last line of the verdict")
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.AddCommand(bundleCommand(&out), proofCommand(&out), recheckCommand(&out), compareCommand(&out), historyCommand(&out), logCommand(&out), responseCommand(&out), versionCommand(&out))
	return root
}

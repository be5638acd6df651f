// Command assay is the exchange's side of Assay: it turns a ledger and a list of wallets into a signed, self-contained
// solvency bundle.
//
// A run is a chain of stages, each a verb of its own, each reading the files of those before it:
//
//	snapshot → build → reserves → control → report → sign → publish
//
// `assay run` does them all, as far as it can. The run's directory is the whole state: a stage whose output is there is
// not done again, and an interrupted one leaves no half-written file.
//
// This package is wiring: it reads the configuration and hands each room its part. One file a verb.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	customers "github.com/assay-por/assay/web/app"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(Main()) }

// Main runs the command line and returns its exit code; tests call it in a process of their own.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who interrupts a second time does not want to wait
	app := &app{page: customers.Page()}
	root := newRoot(app)
	err := noCores()
	if err == nil {
		err = errors.Join(root.ExecuteContext(ctx), app.close())
	}
	if err == nil {
		return exitDone
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = waiting("run the same command again to go on where it stopped", "interrupted; what was finished is kept")
	}
	printError(root.ErrOrStderr(), err)
	return exitCode(err)
}

func printError(w io.Writer, err error) {
	var f *failure
	kind := "error: "
	if errors.As(err, &f) && f.waiting {
		kind = ""
	}
	fmt.Fprintf(w, "assay: %s%v\n", kind, err)
	if f != nil && f.hint != "" {
		fmt.Fprintf(w, "assay: hint: %s\n", f.hint)
	}
}

const longHelp = `assay makes solvency reports: what an exchange owes, what it holds, and a signed bundle that anyone can check.

Stages, in order: snapshot, build, reserves, control, report, sign and, with a [log], publish. "assay run" does all of them and says what it waits for; "assay status"
says where it stands. Figures that moved too far since the former statement wait for confirm. What was published cannot be changed: withdraw takes it back, erratum mends its words, and a later statement may take its place.
On machines of their own: approve, for those who must approve a statement; countersign, for auditors, whose findings attach takes in.
To show when it was there: timestamp, by time-stamping authorities; anchor, in a block of Bitcoin.
Beside them: custody, for what outside custodians sign; draw, for an instant that nobody could choose; log, the transparency log of what was published;
witness, to watch over logs of others; keys, for what signs; serve, for whoever asks, site, for files that anybody can host, admin, for who may ask for what is not public, worker, which does inside
what they ask for, and audit, for the record of what they did. backup and restore are for the machine that serves.

Interrupt any of them with Ctrl-C: what was finished is kept, and the same command goes on where it stopped. A second Ctrl-C does not wait for it to end cleanly.

Exit codes: 0 done, 1 refused, waiting or interrupted, 2 usage, 3 unreadable input, 5 network.`

func newRoot(app *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "assay",
		Short:         "Show that an exchange holds what it owes",
		Long:          longHelp,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q", args[0])
			}
			return cmd.Help()
		},
	}
	flags := root.PersistentFlags()
	flags.StringVar(&app.configPath, "config", "assay.toml", "configuration file")
	flags.StringVar(&app.run, "run", "", "id of a run that was asked for over the API, instead of the one of [run]")
	flags.BoolVar(&app.json, "json", false, "print results as JSON")
	flags.BoolVar(&app.quiet, "quiet", false, "print no progress")
	flags.StringVar(&app.passphraseFile, "passphrase-file", "", "file with the passphrase of the keys (or set ASSAY_PASSPHRASE, or be asked)")
	flags.StringVar(&app.identityFile, "identity-file", "", "age identity file that opens keys sealed to a recipient")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%v", err) })
	root.AddCommand(
		newInit(app), newDoctor(app), newLedger(app),
		newRun(app), newSnapshot(app), newBuild(app), newReserves(app), newControl(app), newReport(app), newSign(app), newPublish(app), newWithdraw(app), newErratum(app),
		newApprove(app), newConfirm(app), newAttach(app), newStatus(app), newCountersign(app),
		newTimestamp(app), newAnchor(app),
		newDraw(app), newCustody(app), newKeyring(app),
		newProve(app), newHandover(app), newServe(app), newSite(app), newWorker(app), newAdmin(app), newBackup(app), newRestore(app), newAudit(app), newLog(app), newWitness(app),
	)
	return root
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-por/assay/verifier"
	"github.com/assay-por/assay/verifier/claim"
	"github.com/assay-por/assay/verifier/watch"
)

const logHelp = `With --log SOURCE, the exchange's log is looked at too, whole: the verdict says first whether the statement still stands there, was
superseded or withdrawn, and what errata mend of it. SOURCE is the URL below which the log is served, or a folder with its files; the
policy's [log] says which logs and witnesses you believe. The server learns that you read the log, and not which statement or customer
you ask about.
`

func logCommand(out *output) *cobra.Command {
	var policyPath string
	var watching watching
	c := &cobra.Command{
		Use:   "log SOURCE... --policy FILE [--state FILE] [--evidence DIR]",
		Short: "Monitor an exchange's log: that it keeps its past, and is the same wherever it is shown",
		Long: `Monitor an exchange's log, once: that it keeps its past, that it is the same wherever it is shown, and that what the exchange entered
keeps the rules. Run it from time to time, from cron for one.

Each SOURCE is the URL below which the log is served, or a folder with its files; the more of them are far apart, the more it shows. All
entries are read and hashed. The policy's [log] says which logs and witnesses you believe, and how old what they saw may be.

With --state FILE, what was seen is kept there, of as many logs as you like, and the next run checks that the log goes on from it; the
file is made if it is not there. What is new since then is listed. With --evidence DIR, what shows anybody that the log signed two
histories, or that the exchange said two things of one period, is kept there; no file is ever written over.

assay-verify log evidence FILE checks such a file.

Lists of the keys that sign the exchange's answers are entered too, and heads of its servers' audit log: what is entered must follow
from what was before. With --keys FILE, the list that you were given must be among them.

Exit codes:
  0  in order
  1  not: forked, gone back, stale, not witnessed, or against the rules
  2  usage
  3  unreadable input: a file is missing, truncated, or not of its format
  4  unsupported version: use a newer assay-verify
  5  network: a source did not answer, and nothing worse was found`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			policy, err := readPolicy(policyPath)
			if err != nil {
				return err
			}
			if _, err := logTrust(policy); err != nil {
				return err
			}
			return watching.run(cmd.Context(), args, policy, out, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	policyFlag(c, &policyPath)
	c.Flags().StringVar(&watching.state, "state", "", "the file that keeps what was seen, from one run to the next")
	c.Flags().StringVar(&watching.keys, "keys", "", "the list of the servers' keys that you were given: it must be in the log")
	c.Flags().StringVar(&watching.evidence, "evidence", "", "the folder for evidence")
	c.AddCommand(evidenceCommand(out))
	return c
}

// watching is where a monitor keeps what it saw and found, and the key list that it asks for.
type watching struct{ state, keys, evidence string }

func (w watching) run(ctx context.Context, places []string, policy *claim.Policy, out *output, stdout, stderr io.Writer) error {
	in := verifier.MonitorInput{Policy: policy, Now: time.Now().UTC()}
	var err error
	if in.Seen, err = w.read(); err != nil {
		return err
	}
	if w.keys != "" {
		if in.Keys, err = readFile(w.keys, maxKeyList); err != nil {
			return err
		}
	}
	named := map[string]bool{}
	for _, place := range places {
		name := strings.TrimRight(place, "/")
		if named[name] {
			return &failure{code: verifier.ExitUsage, err: fmt.Errorf("%s: twice; one source says nothing of another", place)}
		}
		named[name] = true
		source, done, err := openLog(ctx, place, out, stderr)
		if err != nil {
			return err
		}
		defer done()
		in.Sources = append(in.Sources, source)
	}
	found, err := verifier.Monitor(in)
	if err != nil {
		return err
	}
	unwritten := w.keepEvidence(&found)
	if w.state != "" && unwritten == nil {
		unwritten = writeWhole(w.state, found.Seen.JSON(), os.Rename)
	}
	verdict := out.printMonitored(stdout, found)
	if unwritten != nil {
		code := verifier.ExitUnreadable
		if found.Exit == verifier.ExitFalse || found.Exit == verifier.ExitUnsupported {
			code = found.Exit // what was found comes first
		}
		return &failure{code: code, err: fmt.Errorf("not kept: %w", unwritten)}
	}
	return verdict
}

// read reads what was seen before.
func (w watching) read() (*watch.Seen, error) {
	if w.state == "" {
		return watch.NewSeen(), nil
	}
	if _, err := os.Stat(w.state); errors.Is(err, fs.ErrNotExist) {
		return watch.NewSeen(), nil
	}
	raw, err := readFile(w.state, watch.MaxSeen)
	if err != nil {
		return nil, err
	}
	seen, err := watch.ParseSeen(raw)
	if err != nil {
		return nil, &failure{verifier.ExitCode(err), fmt.Errorf("%s: %w", w.state, err), "a state file that is broken is better kept aside: what it held is what a log could be held to"}
	}
	return seen, nil
}

// keepEvidence writes what was found, each once and for good.
func (w watching) keepEvidence(found *verifier.Monitored) error {
	for _, e := range found.Evidence {
		if w.evidence == "" {
			found.Notes = append(found.Notes, "evidence was found and not kept: give --evidence DIR")
			return nil
		}
		if err := os.MkdirAll(w.evidence, 0o755); err != nil {
			return unreadable(w.evidence, err)
		}
		path := filepath.Join(w.evidence, e.Name)
		switch err := writeWhole(path, []byte(e.File), os.Link); {
		case errors.Is(err, fs.ErrExist):
			found.Notes = append(found.Notes, path+" has evidence of this already")
		case err != nil:
			return err
		default:
			found.Notes = append(found.Notes, "evidence is kept in "+path+": anybody can check it with assay-verify log evidence")
		}
	}
	return nil
}

const shownNews = 100 // the rest is in the verdict as JSON

// printMonitored writes what came of looking at a log.
func (o *output) printMonitored(w io.Writer, found verifier.Monitored) error {
	return o.write(w, found, found.Exit, func(p *page) {
		if !o.quiet {
			p.monitored(found)
		}
		switch {
		case found.Holds:
			p.WriteString(p.paint("1;32", "IN ORDER"))
		case len(found.Evidence) > 0:
			p.WriteString(p.paint("1;31", "CAUGHT"))
		default:
			p.WriteString(p.paint("1;31", "NOT IN ORDER"))
		}
		p.line(": %s", found.Summary)
	})
}

func (p *page) monitored(found verifier.Monitored) {
	p.checks(found.Checks)
	var news []string
	for _, n := range found.News[max(0, len(found.News)-shownNews):] {
		news = append(news, newsLine(n))
	}
	if more := len(found.News) - len(news); more > 0 {
		news = append([]string{fmt.Sprintf("%d entries before these, which --json lists", more)}, news...)
	}
	p.list("New in the log", news)
	var caught []string
	for _, e := range found.Evidence {
		caught = append(caught, e.Says)
	}
	p.list("Caught", caught)
	p.list("Notes", found.Notes)
	p.list("What this does not show", found.NotShown)
	p.list("What was trusted", []string{"the trust policy with digest " + found.Policy})
	p.line("")
}

func newsLine(n verifier.LogNews) string {
	switch {
	case n.Kind == claim.KindWithdrawal:
		return fmt.Sprintf("%d: WITHDRAWN, the statement %s, on %s: %s", n.Index, n.Statement, n.Issued, n.Text)
	case n.Kind == claim.KindErratum:
		return fmt.Sprintf("%d: erratum to the statement %s, of %s: %s", n.Index, n.Statement, n.Issued, n.Text)
	case n.List != "":
		return fmt.Sprintf("%d: response keys of %s, in the list %s: %s", n.Index, n.Issued, n.List, strings.Join(n.Keys, "; "))
	case n.Hash != "":
		return fmt.Sprintf("%d: the audit log of the servers had %d rows on %s, the last with the hash %s", n.Index, n.Seq, n.Issued, n.Hash)
	case n.Supersedes != "":
		return fmt.Sprintf("%d: statement %s, of %s, period %s, number %d of the series %s; it supersedes %s: %s", n.Index, n.Statement, n.Issued, n.Period, n.Number, n.Series, n.Supersedes, n.Text)
	}
	return fmt.Sprintf("%d: statement %s, of %s, period %s, number %d of the series %s", n.Index, n.Statement, n.Issued, n.Period, n.Number, n.Series)
}

// standing is said before everything else of a statement: that it does not stand any more, and what errata mend of it.
func (p *page) standing(s *verifier.LogState) {
	if word := s.Word(); word != "" {
		fmt.Fprint(p, p.paint("1;31", word))
		p.line(": %s\n", s.Reason)
	}
	if s == nil || len(s.Errata) == 0 {
		return
	}
	p.line("Errata, by entries of the log %s", s.Log)
	for _, e := range s.Errata {
		p.line("  - %d: %s", e.Index, e.Text)
	}
	p.line("")
}
